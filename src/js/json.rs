//! JSON text to Rust types and back: the platform parses and prints, serde-wasm-bindgen converts.

use crate::host::json::{self, JsonError};
use js_sys::JSON;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_wasm_bindgen::{Deserializer, Serializer};

pub(super) fn read<T: DeserializeOwned>(text: &str) -> Result<T, JsonError> {
    json::read(text, |text| JSON::parse(text).ok().map(Deserializer::from))
}

/// Empty for types that JSON does not have, which the action does not use.
pub(super) fn write(value: &(impl Serialize + ?Sized)) -> String {
    let value = value.serialize(&Serializer::json_compatible()).ok();
    value.and_then(|value| JSON::stringify(&value).ok()).map(String::from).unwrap_or_default()
}
