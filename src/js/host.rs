//! The one object that JavaScript hands in, and the port made of it.

use super::{fetch, json, thrown};
use crate::host::{Fault, Host, Reply, Request};
use crate::json::Json;
use js_sys::{Date, Math, Promise};
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};
use wasm_bindgen_futures::JsFuture;

#[wasm_bindgen]
extern "C" {
    /// `js/host.js`: `@actions/core`, `process.env` and a clock.
    pub type JsHost;

    #[wasm_bindgen(method, structural)]
    fn input(this: &JsHost, name: &str) -> String;
    #[wasm_bindgen(method, structural)]
    fn env(this: &JsHost, name: &str) -> String;
    #[wasm_bindgen(method, structural)]
    fn state(this: &JsHost, key: &str) -> String;
    #[wasm_bindgen(method, structural, catch, js_name = saveState)]
    fn save_state(this: &JsHost, key: &str, value: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, structural, catch, js_name = setOutput)]
    fn set_output(this: &JsHost, name: &str, value: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, structural, catch, js_name = appendSummary)]
    fn append_summary(this: &JsHost, markdown: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, structural, catch)]
    fn trust(this: &JsHost, pem_or_path: &str) -> Result<String, JsValue>;
    #[wasm_bindgen(method, structural, js_name = setSecret)]
    fn set_secret(this: &JsHost, value: &str);
    #[wasm_bindgen(method, structural)]
    fn info(this: &JsHost, line: &str);
    #[wasm_bindgen(method, structural)]
    fn notice(this: &JsHost, message: &str, title: &str);
    #[wasm_bindgen(method, structural)]
    fn warning(this: &JsHost, message: &str, title: &str);
    #[wasm_bindgen(method, structural)]
    fn error(this: &JsHost, message: &str, title: &str);
    #[wasm_bindgen(method, structural)]
    fn command(this: &JsHost, line: &str);
    #[wasm_bindgen(method, structural)]
    fn now(this: &JsHost) -> f64;
    #[wasm_bindgen(method, structural)]
    fn cancelled(this: &JsHost) -> Promise;
    #[wasm_bindgen(method, structural)]
    fn sleep(this: &JsHost, ms: u32) -> Promise;
    #[wasm_bindgen(method, structural)]
    fn base64(this: &JsHost, text: &str) -> String;
    #[wasm_bindgen(method, structural, js_name = decodeBase64)]
    fn decode_base64(this: &JsHost, base64: &str) -> String;
}

impl Host for JsHost {
    fn parse_json(&self, text: &str) -> Option<Json> {
        json::parse(text)
    }

    fn json_text(&self, json: &Json) -> String {
        json::text(json)
    }

    fn parse_date(&self, date: &str) -> Option<f64> {
        Some(Date::parse(date)).filter(|ms| !ms.is_nan())
    }

    fn base64(&self, text: &str) -> String {
        Self::base64(self, text)
    }

    fn decode_base64(&self, base64: &str) -> String {
        Self::decode_base64(self, base64)
    }

    fn input(&self, name: &str) -> String {
        Self::input(self, name)
    }

    fn env(&self, name: &str) -> String {
        Self::env(self, name)
    }

    fn state(&self, key: &str) -> String {
        Self::state(self, key)
    }

    fn save_state(&self, key: &str, value: &str) -> Result<(), String> {
        Self::save_state(self, key, value).map_err(|error| thrown::message(&error))
    }

    fn set_output(&self, name: &str, value: &str) -> Result<(), String> {
        Self::set_output(self, name, value).map_err(|error| thrown::message(&error))
    }

    fn append_summary(&self, markdown: &str) -> Result<(), String> {
        Self::append_summary(self, markdown).map_err(|error| thrown::message(&error))
    }

    fn trust(&self, pem_or_path: &str) -> Result<String, String> {
        Self::trust(self, pem_or_path).map_err(|error| thrown::message(&error))
    }

    fn mask(&self, value: &str) {
        self.set_secret(value);
    }

    fn info(&self, line: &str) {
        Self::info(self, line);
    }

    fn notice(&self, title: &str, message: &str) {
        Self::notice(self, message, title);
    }

    fn warning(&self, title: &str, message: &str) {
        Self::warning(self, message, title);
    }

    fn error(&self, title: &str, message: &str) {
        Self::error(self, message, title);
    }

    fn command(&self, line: &str) {
        Self::command(self, line);
    }

    fn now_ms(&self) -> f64 {
        self.now()
    }

    fn wall_clock_ms(&self) -> f64 {
        Date::now()
    }

    fn random(&self) -> f64 {
        Math::random()
    }

    async fn cancelled(&self) {
        // Its promise never rejects; if it did, that would be a reason to stop, too.
        let _ = JsFuture::from(Self::cancelled(self)).await;
    }

    async fn sleep(&self, ms: u32) {
        // Nor does this one.
        let _ = JsFuture::from(Self::sleep(self, ms)).await;
    }

    async fn send(&self, request: Request<'_>) -> Result<Reply, Fault> {
        fetch::send(request).await
    }
}
