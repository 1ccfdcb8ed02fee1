//! JSON and base64 for the checks of the action.

use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use reoclo_docker_auth::page::{Codec, JsonError, read_json};
use serde::Serialize;
use serde::de::DeserializeOwned;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(crate) struct PageCodec;

impl Codec for PageCodec {
    fn read_json<T: DeserializeOwned>(&self, text: &str) -> Result<T, JsonError> {
        read_json(text, |text| serde_json::from_str::<serde_json::Value>(text).ok())
    }

    fn to_json(&self, value: &(impl Serialize + ?Sized)) -> String {
        serde_json::to_string(value).unwrap_or_default()
    }

    fn base64(&self, text: &str) -> String {
        STANDARD.encode(text)
    }

    fn decode_base64(&self, base64: &str) -> String {
        LENIENT.decode(base64).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }
}
