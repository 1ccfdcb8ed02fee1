//! What JavaScript throws, made readable.

use crate::host::Fault;
use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// Causes that are looked into; more would be a circle.
const DEPTH: usize = 8;

/// A property of whatever was thrown, if it has it.
fn property(value: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(value, &name.into()).ok().filter(|property| !property.is_undefined())
}

fn text(value: &JsValue, name: &str) -> Option<String> {
    property(value, name)?.as_string()
}

/// The message of whatever was thrown.
pub(super) fn message(value: &JsValue) -> String {
    text(value, "message").or_else(|| value.as_string()).unwrap_or_default()
}

/// A failed `fetch`, or a body that broke off. Node's own says only "fetch failed": the innermost cause is the one that
/// tells.
pub(super) fn fault(value: &JsValue) -> Fault {
    let mut value = value.clone();
    for _ in 0..DEPTH {
        match property(&value, "cause").filter(JsValue::is_object) {
            Some(cause) => value = cause,
            None => break,
        }
    }
    Fault::Network { code: text(&value, "code").unwrap_or_default(), message: message(&value) }
}
