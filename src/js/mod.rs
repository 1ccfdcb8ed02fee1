//! The boundary: two exports, and a [`Host`](crate::host::Host) that is made of JavaScript.
//!
//! Only this module names JavaScript values, and it makes no decisions.

mod error;
mod fetch;
mod host;
mod js_host;
mod json;
mod panic;

pub use js_host::JsHost;
use wasm_bindgen::prelude::wasm_bindgen;

/// The main step. Resolves to whether it succeeded; never rejects.
#[wasm_bindgen(js_name = runMain)]
pub async fn run_main(host: JsHost) -> bool {
    panic::report_to(&host);
    crate::step::main(&host).await
}

/// The post step. Never rejects.
#[wasm_bindgen(js_name = runPost)]
pub async fn run_post(host: JsHost) {
    panic::report_to(&host);
    crate::step::post(&host).await;
}
