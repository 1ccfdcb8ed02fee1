//! Secrets: values that must never be shown, and every form in which one could show up.

use crate::text;
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;

/// A value that no `{:?}` prints and that has no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the request that needs it.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

/// What JavaScript's `encodeURIComponent` leaves alone.
const URI_COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// What `application/x-www-form-urlencoded` leaves alone.
const WEB_FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// Shorter values would hide half of every log and protect nothing.
const SHORTEST_FORM_CHARS: usize = 2;
/// Shorter fields of a service account key say nothing, and shorter words may stand anywhere by chance.
const SHORTEST_FIELD_CHARS: usize = 8;

/// Every form of the secrets of one run, longest first and without repeats.
///
/// The order matters: a runner that applies masks in the order of registration would show the tail of a secret
/// whose beginning it has already replaced.
#[derive(Default)]
pub(crate) struct Masks {
    forms: Vec<String>,
    /// The forms that the neutraliser would change, as it leaves them: text that was neutralised may hold those.
    neutral_forms: Vec<String>,
}

impl Masks {
    /// `username` is no secret itself; with the token it makes the `user:token` pair of docker's `config.json`.
    /// The values are taken as the runner passed them, not trimmed.
    pub(crate) fn of(api_key: &str, username: &str, access_token: &str) -> Self {
        let mut forms = Vec::new();
        let fields = service_account_fields(username.trim(), access_token.trim());
        for secret in [api_key, access_token].into_iter().chain(fields.iter().map(String::as_str)) {
            for form in [secret, secret.trim()] {
                forms.push(form.to_owned());
                forms.push(utf8_percent_encode(form, URI_COMPONENT).to_string());
                forms.push(json_escaped(form));
                forms.push(utf8_percent_encode(form, WEB_FORM).to_string().replace("%20", "+"));
            }
            for line in secret.split(['\r', '\n']) {
                forms.push(line.to_owned());
                forms.push(line.trim().to_owned());
            }
        }
        let token = access_token.trim();
        if !token.is_empty() {
            forms.push(STANDARD.encode(token));
            forms.push(STANDARD.encode(format!("{}:{token}", username.trim())));
        }
        forms.retain(|form| form.trim().chars().count() >= SHORTEST_FORM_CHARS);
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        let neutral_forms = forms.iter().filter_map(|form| {
            let neutral = text::neutral(form);
            (neutral != *form && neutral.chars().count() >= SHORTEST_FORM_CHARS).then_some(neutral)
        });
        Self { neutral_forms: neutral_forms.collect(), forms }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.forms.iter().map(String::as_str)
    }

    /// Whether the text holds a form long enough to be no coincidence, in whatever letter case.
    pub(crate) fn occur_in(&self, text: &str) -> bool {
        let text = text.to_ascii_lowercase();
        self.forms
            .iter()
            .any(|form| form.chars().count() >= SHORTEST_FIELD_CHARS && text.contains(&form.to_ascii_lowercase()))
    }

    /// The text with every form replaced by `***`.
    pub(crate) fn redact(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for form in self.forms.iter().chain(&self.neutral_forms) {
            if text.contains(form.as_str()) {
                text = text.replace(form.as_str(), "***");
            }
        }
        text
    }
}

/// The string values of a Google service account key, which is the token where the user is called so:
/// <https://cloud.google.com/artifact-registry/docs/docker/authentication#json-key>. One of them could be shown alone.
fn service_account_fields(username: &str, token: &str) -> Vec<String> {
    let json = match username {
        "_json_key" => Some(token.to_owned()),
        "_json_key_base64" => {
            let unwrapped: String = token.split_whitespace().collect();
            STANDARD.decode(unwrapped).ok().and_then(|bytes| String::from_utf8(bytes).ok())
        }
        _ => None,
    };
    let key = json.and_then(|json| serde_json::from_str::<serde_json::Value>(&json).ok());
    let fields = key.as_ref().and_then(|key| key.as_object()).into_iter().flatten();
    fields
        .filter_map(|(_, value)| value.as_str())
        .filter(|value| value.chars().count() >= SHORTEST_FIELD_CHARS)
        .map(str::to_owned)
        .collect()
}

/// The text as it stands between the quotes of a JSON string.
fn json_escaped(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap_or_default();
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(api_key: &str, username: &str, token: &str) -> Vec<String> {
        Masks::of(api_key, username, token).forms
    }

    #[test]
    fn debug_never_shows_the_value() {
        assert_eq!(format!("{:?}", Secret::new("hunter22")), "Secret(***)");
    }

    #[test]
    fn masks_the_value_its_base64_and_the_pair() {
        let forms = forms("rca_key", "bob", "hunter22");
        for form in ["rca_key", "hunter22", "aHVudGVyMjI=", "Ym9iOmh1bnRlcjIy"] {
            assert!(forms.iter().any(|f| f == form), "{form} is missing from {forms:?}");
        }
    }

    #[test]
    fn masks_each_line_and_the_escaped_forms_of_a_multi_line_token() {
        let forms = forms("", "u", "{\n  \"key\": \"a b\"\r\n}\n");
        for form in ["\"key\": \"a b\"", "{\\n  \\\"key\\\": \\\"a b\\\"\\r\\n}"] {
            assert!(forms.iter().any(|f| f == form), "{form} is missing from {forms:?}");
        }
        assert!(forms.iter().any(|f| f.starts_with("%7B%0A%20%20%22key")));
    }

    #[test]
    fn masks_longest_first_and_once() {
        let forms = forms("rca_key", "u", "rca_key-and-more");
        assert!(forms.windows(2).all(|pair| pair[0].len() >= pair[1].len()));
        let mut unique = forms.clone();
        unique.dedup();
        assert_eq!(forms, unique);
    }

    #[test]
    fn never_masks_empty_or_one_character_values() {
        assert!(forms("", "user", "").is_empty());
        assert!(forms("x", "", " \n}\n{ \n").iter().all(|f| f.trim().len() > 1));
    }

    #[test]
    fn masks_the_fields_of_a_service_account_key() {
        let key = r#"{"type":"sa","private_key_id":"0123456789","private_key":"-----BEGIN-----\nabcdef\n"}"#;
        for (username, token) in [("_json_key", key.to_owned()), ("_json_key_base64", STANDARD.encode(key))] {
            let forms = forms("", username, &token);
            for field in ["0123456789", "-----BEGIN-----\nabcdef\n", "abcdef", "-----BEGIN-----\\nabcdef\\n"] {
                assert!(forms.iter().any(|f| f == field), "{field:?} is missing from {forms:?}");
            }
            assert!(!forms.iter().any(|f| f == "sa"));
        }
        assert!(!forms("", "someone", key).iter().any(|f| f == "0123456789"));
    }

    #[test]
    fn redacts_a_secret_that_the_neutraliser_has_changed() {
        let masks = Masks::of("", "u", "tok::en\t two");
        assert_eq!(masks.redact(&text::neutral("<tok::en\t two>")), "<***>");
    }

    #[test]
    fn redacts_the_longer_secret_whole_when_a_shorter_one_begins_it() {
        let masks = Masks::of("rca_key", "u", "rca_key-and-more");
        assert_eq!(masks.redact("<rca_key-and-more> <rca_key>"), "<***> <***>");
    }
}
