//! The only part that knows JavaScript: one export.

use crate::{Form, Page};
use serde::Serialize;
use serde_wasm_bindgen::Serializer;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

/// Writes the workflow for a form: an object of strings, the fields of [`Form`]. Returns a [`Page`].
///
/// # Errors
/// A field is not a string.
#[wasm_bindgen]
pub fn write(form: JsValue) -> Result<JsValue, JsError> {
    let form: Form = serde_wasm_bindgen::from_value(form)?;
    let page: Page = crate::write(&form);
    Ok(page.serialize(&Serializer::json_compatible())?)
}
