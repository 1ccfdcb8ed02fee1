//! JSON and base64: what the checks of the inputs need, on a runner and on a page.

use super::json::JsonError;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Formats that the platform reads and writes.
pub trait Codec {
    /// Deserializes a JSON object, as [`super::json::read`] does.
    ///
    /// # Errors
    /// Why it could not be deserialized.
    fn read_json<T: DeserializeOwned>(&self, text: &str) -> Result<T, JsonError>;
    fn to_json(&self, value: &(impl Serialize + ?Sized)) -> String;
    fn base64(&self, text: &str) -> String;
    /// Decodes base64 as far as it is valid.
    fn decode_base64(&self, base64: &str) -> String;
}
