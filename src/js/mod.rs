//! The boundary: the two exports, and a [`Host`](crate::host::Host) made of JavaScript.
//!
//! Only this module names JavaScript values, and it decides nothing.

mod fetch;
mod host;
mod panic;
mod thrown;

pub use host::JsHost;
use wasm_bindgen::prelude::wasm_bindgen;

/// The main step: logs in; resolves to whether that succeeded. Never rejects.
#[wasm_bindgen(js_name = runMain)]
pub async fn run_main(host: JsHost) -> bool {
    panic::install_hook();
    crate::run::main(&host).await
}

/// The post step: logs out. Never rejects.
#[wasm_bindgen(js_name = runPost)]
pub async fn run_post(host: JsHost) {
    panic::install_hook();
    crate::run::post(&host).await;
}
