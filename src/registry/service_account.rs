//! Google service account keys: the JSON key file that Google's registries accept as a password.
//!
//! Source: <https://cloud.google.com/artifact-registry/docs/docker/authentication#json-key>.

use crate::host::codec::Codec;
use crate::host::json::Lenient;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// The username that goes with a key file.
pub(crate) const KEY_USER: &str = "_json_key";
/// The username that goes with a key file in base64.
pub(crate) const BASE64_KEY_USER: &str = "_json_key_base64";

/// Shorter field values are not secret, such as the type, and would be masked wherever they occur by chance.
pub(super) const MIN_SECRET_CHARS: usize = 8;

/// The fields of a key; `None` for values that are not strings.
pub(crate) struct ServiceAccountKey {
    fields: Vec<(String, Option<String>)>,
}

impl<'de> Deserialize<'de> for ServiceAccountKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = ServiceAccountKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a service account key")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ServiceAccountKey, A::Error> {
                let mut fields = Vec::new();
                while let Some((name, Lenient(value))) = map.next_entry::<String, Lenient<String>>()? {
                    fields.push((name, value));
                }
                Ok(ServiceAccountKey { fields })
            }
        }

        deserializer.deserialize_map(Fields)
    }
}

impl ServiceAccountKey {
    /// Whether the field is a string that is not empty.
    pub(crate) fn has(&self, field: &str) -> bool {
        self.get(field).is_some_and(|value| value.as_ref().is_some_and(|text| !text.is_empty()))
    }

    /// The field of this name; `Some(None)` if it is not a string.
    pub(crate) fn get(&self, field: &str) -> Option<&Option<String>> {
        self.fields.iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }
}

/// What a text is, where a service account key is expected.
pub(crate) enum ParsedKey {
    /// A JSON object; its fields are not checked.
    Key(ServiceAccountKey),
    /// A text in braces that is not valid JSON.
    InvalidJson,
    /// Anything else, such as a password, a JSON list or a truncated key.
    NotAnObject,
}

/// Parses a key file. Whitespace and byte order marks around it are ignored: Windows writes the latter.
pub(crate) fn parse(codec: &impl Codec, text: &str) -> ParsedKey {
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if !(text.starts_with('{') && text.ends_with('}')) {
        return ParsedKey::NotAnObject;
    }
    match codec.read_json(text) {
        Ok(key) => ParsedKey::Key(key),
        Err(_) => ParsedKey::InvalidJson,
    }
}

/// Parses a key file in base64, with or without line breaks.
pub(crate) fn parse_base64(codec: &impl Codec, text: &str) -> ParsedKey {
    // Checked here, since hosts skip what is not base64.
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || b"+/=-_".contains(&b) || b.is_ascii_whitespace();
    if text.bytes().all(is_base64) { parse(codec, &decode(codec, text)) } else { ParsedKey::NotAnObject }
}

/// The string values of at least 8 characters in the service account key that `token` is for these usernames. They are
/// secret, and each may be shown alone. Empty for other usernames, and if the token is not a key.
pub(crate) fn secret_fields(codec: &impl Codec, username: &str, token: &str) -> Vec<String> {
    let key = match username.trim() {
        KEY_USER => parse(codec, token),
        // Not parse_base64: a key in damaged base64 is refused later, but its fields are secret now.
        BASE64_KEY_USER => parse(codec, &decode(codec, token)),
        _ => return Vec::new(),
    };
    let ParsedKey::Key(key) = key else { return Vec::new() };
    let values = key.fields.into_iter().filter_map(|(_, value)| value);
    values.filter(|value| value.chars().count() >= MIN_SECRET_CHARS).collect()
}

fn decode(codec: &impl Codec, base64: &str) -> String {
    codec.decode_base64(&base64.split_whitespace().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;
    use base64::{Engine, engine::general_purpose::STANDARD};

    const KEY: &str = r#"{"type":"sa","private_key_id":"0123456789","private_key":"-----BEGIN-----\nabcdef\n"}"#;

    fn secret_fields(username: &str, token: &str) -> Vec<String> {
        super::secret_fields(&FakeHost::default(), username, token)
    }

    fn key(text: &str) -> Option<ServiceAccountKey> {
        match parse(&FakeHost::default(), text) {
            ParsedKey::Key(key) => Some(key),
            ParsedKey::InvalidJson | ParsedKey::NotAnObject => None,
        }
    }

    #[test]
    fn secret_fields_are_strings_of_eight_characters() {
        let with_bom = format!("\u{feff}{KEY}");
        let base64 = STANDARD.encode(KEY);
        for (username, token) in [
            (KEY_USER, KEY.to_owned()),
            (KEY_USER, with_bom.clone()),
            (KEY_USER, format!("\n{with_bom}\n")),
            (BASE64_KEY_USER, base64.clone()),
            (BASE64_KEY_USER, STANDARD.encode(&with_bom)),
            (BASE64_KEY_USER, format!("{}\n{}\n", &base64[..40], &base64[40..])),
        ] {
            let fields = secret_fields(username, &token);
            assert_eq!(fields, ["-----BEGIN-----\nabcdef\n", "0123456789"], "{username} {token}");
        }
    }

    #[test]
    fn secret_fields_are_read_at_top_level_only() {
        let key = r#"{"a":{"b":"0123456789"},"c":["0123456789"],"d":1234567890,"e":null,"any name":"abcdefgh"}"#;
        assert_eq!(secret_fields(KEY_USER, key), ["abcdefgh"]);
    }

    #[test]
    fn other_credentials_have_no_secret_fields() {
        for (username, token) in [
            ("someone", KEY),
            (KEY_USER, "hunter22"),
            (KEY_USER, &STANDARD.encode(KEY)),
            (KEY_USER, &KEY[..40]),
            (KEY_USER, r#"["0123456789"]"#),
            (BASE64_KEY_USER, KEY),
            (BASE64_KEY_USER, "hunter22"),
        ] {
            assert!(secret_fields(username, token).is_empty(), "{username} {token}");
        }
    }

    #[test]
    fn refuses_a_list_as_service_account_key() {
        let host = FakeHost::default();
        for list in ["[]", "[1]", r#"["x","a@b"]"#, r#"[{"private_key":"x"}]"#, r#"[["private_key","x"]]"#] {
            assert!(matches!(parse(&host, list), ParsedKey::NotAnObject), "{list}");
            assert!(matches!(parse_base64(&host, &STANDARD.encode(list)), ParsedKey::NotAnObject), "{list}");
            assert!(host.read_json::<ServiceAccountKey>(list).is_err(), "{list}");
        }
    }

    #[test]
    fn field_of_wrong_type_counts_as_absent() {
        let key = key(r#"{"a":"x","b":7,"c":null,"d":["x"],"e":{"x":"y"},"f":"","g":true,"h":1.5}"#).unwrap();
        assert!(key.has("a"));
        for field in ["b", "c", "d", "e", "f", "g", "h", "i"] {
            assert!(!key.has(field), "{field}");
        }
    }

    #[test]
    fn distinguishes_invalid_json_from_other_text() {
        let host = FakeHost::default();
        let broken = KEY.replace("\\n", "\n");
        assert!(matches!(parse(&host, &broken), ParsedKey::InvalidJson));
        assert!(matches!(parse_base64(&host, &STANDARD.encode(&broken)), ParsedKey::InvalidJson));
        for text in ["", "{", "}", "hunter22", &KEY[..40]] {
            assert!(matches!(parse(&host, text), ParsedKey::NotAnObject), "{text}");
        }
        let quoted = format!("\"{}\"", STANDARD.encode(KEY));
        assert!(matches!(parse_base64(&host, &quoted), ParsedKey::NotAnObject), "quotes are not base64");
    }
}
