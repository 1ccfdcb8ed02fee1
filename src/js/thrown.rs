//! What JavaScript throws, made readable.

use crate::host::Fault;
use serde::Deserialize;
use wasm_bindgen::JsValue;

/// The parts of an `Error` that explain it. Node's `fetch` says only "fetch failed"; the reason is in `cause`.
#[derive(Deserialize)]
struct Thrown {
    #[serde(default)]
    message: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    cause: Option<Box<Thrown>>,
}

fn read(value: &JsValue) -> Option<Thrown> {
    serde_wasm_bindgen::from_value(value.clone()).ok()
}

/// The message of whatever was thrown.
pub(super) fn message(value: &JsValue) -> String {
    read(value).map(|thrown| thrown.message).or_else(|| value.as_string()).unwrap_or_default()
}

/// A failed `fetch`, or a body that broke off: the innermost cause is the one that tells.
pub(super) fn fault(value: &JsValue) -> Fault {
    let Some(mut thrown) = read(value) else {
        return Fault::Network { code: String::new(), message: message(value) };
    };
    while let Some(cause) = thrown.cause.take() {
        thrown = *cause;
    }
    Fault::Network { code: thrown.code.unwrap_or_default(), message: thrown.message }
}
