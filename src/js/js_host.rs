//! The object that JavaScript passes in: `js/host.js`.

use js_sys::Promise;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    /// `js/host.js`: `@actions/core`, `process.env` and clocks.
    pub type JsHost;

    #[wasm_bindgen(method, structural)]
    pub(super) fn inputs(this: &JsHost) -> JsValue;
    #[wasm_bindgen(method, structural)]
    pub(super) fn env(this: &JsHost, name: &str) -> String;
    #[wasm_bindgen(method, structural)]
    pub(super) fn state(this: &JsHost, key: &str) -> String;
    #[wasm_bindgen(method, structural, catch, js_name = saveState)]
    pub(super) fn save_state(this: &JsHost, key: &str, value: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, structural, catch, js_name = setOutput)]
    pub(super) fn set_output(this: &JsHost, name: &str, value: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, structural, catch, js_name = appendSummary)]
    pub(super) fn append_summary(this: &JsHost, markdown: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, structural, catch, js_name = addCaCertificates)]
    pub(super) fn add_ca_certificates(this: &JsHost, pem_or_path: &str) -> Result<String, JsValue>;
    #[wasm_bindgen(method, structural, js_name = setSecret)]
    pub(super) fn set_secret(this: &JsHost, value: &str);
    #[wasm_bindgen(method, structural)]
    pub(super) fn info(this: &JsHost, line: &str);
    #[wasm_bindgen(method, structural)]
    pub(super) fn notice(this: &JsHost, message: &str, title: &str);
    #[wasm_bindgen(method, structural)]
    pub(super) fn warning(this: &JsHost, message: &str, title: &str);
    #[wasm_bindgen(method, structural)]
    pub(super) fn error(this: &JsHost, message: &str, title: &str);
    #[wasm_bindgen(method, structural)]
    pub(super) fn command(this: &JsHost, line: &str);
    #[wasm_bindgen(method, structural)]
    pub(super) fn panicked(this: &JsHost, description: &str);
    #[wasm_bindgen(method, structural, js_name = monotonicMs)]
    pub(super) fn monotonic_ms(this: &JsHost) -> f64;
    #[wasm_bindgen(method, structural)]
    pub(super) fn cancelled(this: &JsHost) -> Promise;
    #[wasm_bindgen(method, structural)]
    pub(super) fn sleep(this: &JsHost, ms: u32) -> Promise;
    #[wasm_bindgen(method, structural)]
    pub(super) fn base64(this: &JsHost, text: &str) -> String;
    #[wasm_bindgen(method, structural, js_name = decodeBase64)]
    pub(super) fn decode_base64(this: &JsHost, base64: &str) -> String;
}
