//! Errors that JavaScript throws.

use crate::host::TransportError;
use js_sys::Reflect;
use wasm_bindgen::JsValue;

/// The most causes that are followed; a chain of causes can be circular.
const MAX_CAUSES: usize = 8;

/// The message of anything that was thrown.
pub(super) fn message(value: &JsValue) -> String {
    text(value, "message").or_else(|| value.as_string()).unwrap_or_default()
}

/// A failed `fetch` or an incomplete body. Node's own message is "fetch failed"; the innermost cause has the details.
pub(super) fn transport(value: &JsValue) -> TransportError {
    let mut value = value.clone();
    for _ in 0..MAX_CAUSES {
        match property(&value, "cause").filter(JsValue::is_object) {
            Some(cause) => value = cause,
            None => break,
        }
    }
    TransportError::Network { code: text(&value, "code").unwrap_or_default(), message: message(&value) }
}

fn text(value: &JsValue, name: &str) -> Option<String> {
    property(value, name)?.as_string()
}

fn property(value: &JsValue, name: &str) -> Option<JsValue> {
    Reflect::get(value, &name.into()).ok().filter(|property| !property.is_undefined())
}
