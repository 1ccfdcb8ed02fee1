//! The port, made of the object that JavaScript passes in.

use super::js_host::JsHost;
use super::{error, fetch, json, panic};
use crate::host::codec::Codec;
use crate::host::json::JsonError;
use crate::host::{Host, Request, Response, TransportError};
use js_sys::{Date, Math};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen_futures::JsFuture;

impl Codec for JsHost {
    fn read_json<T: DeserializeOwned>(&self, text: &str) -> Result<T, JsonError> {
        json::read(text)
    }

    fn to_json(&self, value: &(impl Serialize + ?Sized)) -> String {
        json::write(value)
    }

    fn base64(&self, text: &str) -> String {
        Self::base64(self, text)
    }

    fn decode_base64(&self, base64: &str) -> String {
        Self::decode_base64(self, base64)
    }
}

impl Host for JsHost {
    fn inputs<T: DeserializeOwned + Default>(&self) -> T {
        // Every input is a string, so this cannot fail.
        serde_wasm_bindgen::from_value(Self::inputs(self)).unwrap_or_default()
    }

    fn env(&self, name: &str) -> String {
        Self::env(self, name)
    }

    fn state(&self, key: &str) -> String {
        Self::state(self, key)
    }

    fn save_state(&self, key: &str, value: &str) -> Result<(), String> {
        Self::save_state(self, key, value).map_err(|thrown| error::message(&thrown))
    }

    fn set_output(&self, name: &str, value: &str) -> Result<(), String> {
        Self::set_output(self, name, value).map_err(|thrown| error::message(&thrown))
    }

    fn append_summary(&self, markdown: &str) -> Result<(), String> {
        Self::append_summary(self, markdown).map_err(|thrown| error::message(&thrown))
    }

    fn add_ca_certificates(&self, pem_or_path: &str) -> Result<String, String> {
        Self::add_ca_certificates(self, pem_or_path).map_err(|thrown| error::message(&thrown))
    }

    fn mask(&self, value: &str) {
        self.set_secret(value);
    }

    fn redact_panics(&self, redact: impl Fn(&str) -> String + 'static) {
        panic::redact_with(redact);
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

    fn parse_date(&self, date: &str) -> Option<f64> {
        Some(Date::parse(date)).filter(|ms| !ms.is_nan())
    }

    fn monotonic_ms(&self) -> f64 {
        Self::monotonic_ms(self)
    }

    fn unix_time_ms(&self) -> f64 {
        Date::now()
    }

    fn random(&self) -> f64 {
        Math::random()
    }

    async fn cancelled(&self) {
        // Its promise never rejects.
        let _ = JsFuture::from(Self::cancelled(self)).await;
    }

    async fn sleep(&self, ms: u32) {
        // Its promise never rejects.
        let _ = JsFuture::from(Self::sleep(self, ms)).await;
    }

    async fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        fetch::send(request).await
    }
}
