//! JSON that comes from outside: what is accepted before and while it is deserialized.
//!
//! serde's own errors quote the values that they reject, so they are never shown.

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// Why a text could not be deserialized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum JsonError {
    /// It is not JSON, or it is truncated.
    Syntax,
    /// It has too many values.
    Limits,
    /// It is not an object, or a field is missing or has the wrong type.
    Type,
}

/// Deserializing more fields and list items than this would take longer than a second.
const MAX_VALUES: usize = 500_000;
/// `{"detail": [item]}`: deeper lists and objects are short, or are skipped as a part of unknown fields.
const MAX_COUNTED_DEPTH: usize = 2;

/// Deserializes an object from a text that `parse` parses.
///
/// # Errors
/// Why it could not be deserialized; `parse` returns `None` for what is not JSON.
pub fn read<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    text: &str,
    parse: impl FnOnce(&str) -> Option<D>,
) -> Result<T, JsonError> {
    let value = parse(without_bom(text)).ok_or(JsonError::Syntax)?;
    check_limits(text)?;
    deserialize_value(value)
}

/// A byte order mark before JSON is not part of it, but some servers send one.
fn without_bom(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// Checks the number of values of a JSON text before any of them is deserialized. The depth needs no limit: the types are a
/// few levels deep, and what is below unknown fields is skipped.
fn check_limits(json: &str) -> Result<(), JsonError> {
    let (mut is_string, mut is_escaped) = (false, false);
    let (mut depth, mut commas) = (0_usize, 0_usize);
    for byte in json.bytes() {
        if is_string {
            is_string = is_escaped || byte != b'"';
            is_escaped = !is_escaped && byte == b'\\';
            continue;
        }
        match byte {
            b'"' => is_string = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth <= MAX_COUNTED_DEPTH => commas += 1,
            _ => {}
        }
    }
    if commas < MAX_VALUES { Ok(()) } else { Err(JsonError::Limits) }
}

/// Deserializes an object from a parsed value. From a stream, [`valid_or_none`] would not skip invalid values.
fn deserialize_value<'de, T: Deserialize<'de>>(deserializer: impl Deserializer<'de>) -> Result<T, JsonError> {
    Object::deserialize(deserializer).map(|Object(value)| value).map_err(|_| JsonError::Type)
}

/// A struct that is deserialized from a JSON object only: derived code alone also accepts a list of the field values.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OnlyMaps<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for OnlyMaps<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_any(OnlyMaps(PhantomData)).map(Self)
    }
}

/// For `#[serde(default, deserialize_with)]`: `None` for a value of the wrong type.
pub(crate) fn valid_or_none<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(T::deserialize(deserializer).ok())
}

/// A value that is ignored if it has the wrong type, in a list or a map.
#[derive(serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Lenient<T: DeserializeOwned>(#[serde(deserialize_with = "valid_or_none")] pub(crate) Option<T>);

/// For `#[serde(default, deserialize_with)]`: an object, or `None` for null.
pub(crate) fn object_or_none<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Option::<Object<T>>::deserialize(deserializer)?.map(|Object(value)| value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::codec::Codec;
    use crate::host::fake::FakeHost;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Inner {
        code: Option<i64>,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Outer {
        name: String,
        #[serde(default, deserialize_with = "valid_or_none")]
        label: Option<String>,
        #[serde(default, deserialize_with = "object_or_none")]
        inner: Option<Inner>,
    }

    fn parse(text: &str) -> Result<Outer, JsonError> {
        FakeHost::default().read_json(text)
    }

    #[test]
    fn ignores_unknown_fields_and_invalid_lenient_ones() {
        let outer = parse(r#"{"name":"a","label":[1],"more":{"x":[null]},"inner":{"code":1,"y":2}}"#);
        assert_eq!(outer, Ok(Outer { name: "a".into(), label: None, inner: Some(Inner { code: Some(1) }) }));
        assert_eq!(parse(r#"{"name":"a","inner":null}"#).map(|outer| outer.inner), Ok(None));
    }

    #[test]
    fn a_list_is_not_an_object() {
        let lists = [r#"["a","b",{"code":1}]"#, r#"{"name":"a","inner":[1]}"#, "[]"];
        for text in lists.into_iter().chain(["null", "1", "true", r#""a""#, r#"{"name":["a"]}"#, "{}"]) {
            assert_eq!(parse(text), Err(JsonError::Type), "{text}");
        }
    }

    #[test]
    fn integers_only_where_integers_are_meant() {
        for code in ["0.5", "\"0\"", "1e400", "true", "[0]", "99999999999999999999"] {
            let outer = parse(&format!(r#"{{"name":"a","inner":{{"code":{code}}}}}"#));
            assert!(matches!(outer, Err(JsonError::Type | JsonError::Syntax)), "{code}: {outer:?}");
        }
    }

    #[test]
    fn invalid_or_truncated_json_is_a_syntax_error() {
        for text in ["", "<html>", r#"{"name":"a""#, "{]", "\u{feff}\u{feff}{}"] {
            assert_eq!(parse(text), Err(JsonError::Syntax), "{text:?}");
        }
    }

    #[test]
    fn ignores_a_byte_order_mark() {
        assert!(parse("\u{feff}{\"name\":\"a\"}").is_ok());
    }

    #[test]
    fn limits_the_number_of_values() {
        let list = |values: usize| format!(r#"{{"name":"a","x":[{}0]}}"#, "0,".repeat(values));
        assert!(parse(&list(499_998)).is_ok());
        assert_eq!(parse(&list(499_999)), Err(JsonError::Limits));
        let after_deeper = format!(r#"{{"y":[[[]]],{}"#, &list(499_999)[1..]);
        assert_eq!(parse(&after_deeper), Err(JsonError::Limits));
        let deeper = format!(r#"{{"name":"a","x":[[{}0]]}}"#, "0,".repeat(600_000));
        assert!(parse(&deeper).is_ok());
    }

    #[test]
    fn large_text_that_is_not_json_is_a_syntax_error() {
        assert_eq!(parse(&format!("<html>{}", ",".repeat(600_000))), Err(JsonError::Syntax));
        assert_eq!(parse(&format!(r#"{{"name":"a","x":[{}"#, "0,".repeat(600_000))), Err(JsonError::Syntax));
    }

    #[test]
    fn commas_inside_strings_do_not_count() {
        let text = format!(r#"{{"name":"\\\"{}"}}"#, ",".repeat(600_000));
        assert!(parse(&text).is_ok());
    }
}
