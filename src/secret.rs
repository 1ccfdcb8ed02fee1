//! Secrets: values that must never be shown, and every form in which one could show up.

use crate::host::Host;
use crate::json::Json;
use crate::text;
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
    pub(crate) fn of(host: &impl Host, api_key: &str, username: &str, access_token: &str) -> Self {
        let mut forms = Vec::new();
        add_forms(&mut forms, api_key);
        add_forms(&mut forms, access_token);
        for field in service_account_fields(host, username.trim(), access_token.trim()) {
            add_forms(&mut forms, &field);
        }
        let token = access_token.trim();
        if !token.is_empty() {
            forms.push(host.base64(token));
            forms.push(host.base64(&format!("{}:{token}", username.trim())));
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

/// A secret and its lines, trimmed or not, as they are and as others write them.
fn add_forms(forms: &mut Vec<String>, secret: &str) {
    for form in [secret, secret.trim()] {
        let escaped = [
            json_escaped(form),
            percent_encoded(form, URI_COMPONENT),
            percent_encoded(form, WEB_FORM).replace("%20", "+"),
        ];
        forms.push(form.to_owned());
        forms.extend(escaped);
    }
    for line in secret.split(['\r', '\n']) {
        forms.push(line.to_owned());
        forms.push(line.trim().to_owned());
    }
}

fn percent_encoded(text: &str, encoded: &'static AsciiSet) -> String {
    utf8_percent_encode(text, encoded).to_string()
}

/// The string values of a Google service account key, which is the token where the user is called so:
/// <https://cloud.google.com/artifact-registry/docs/docker/authentication#json-key>. One of them could be shown alone.
fn service_account_fields(host: &impl Host, username: &str, token: &str) -> Vec<String> {
    let key = match username {
        "_json_key" => host.parse_json(without_bom(token)),
        "_json_key_base64" => {
            let decoded = host.decode_base64(&token.split_whitespace().collect::<String>());
            host.parse_json(without_bom(&decoded))
        }
        _ => None,
    };
    let Some(Json::Object(fields)) = key else { return Vec::new() };
    fields
        .iter()
        .filter_map(|(_, value)| value.as_text())
        .filter(|value| value.chars().count() >= SHORTEST_FIELD_CHARS)
        .map(str::to_owned)
        .collect()
}

/// Windows writes a byte order mark before a text, and JSON has none.
pub(crate) fn without_bom(text: &str) -> &str {
    text.trim().trim_start_matches('\u{feff}')
}

/// The text as it stands between the quotes of a JSON string.
fn json_escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' | '\\' => escaped.extend(['\\', c]),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            '\u{8}' => escaped.push_str("\\b"),
            '\u{c}' => escaped.push_str("\\f"),
            '\0'..='\u{1f}' => escaped.push_str(&format!("\\u{:04x}", u32::from(c))),
            _ => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;
    use base64::{Engine, engine::general_purpose::STANDARD};

    fn forms(api_key: &str, username: &str, token: &str) -> Vec<String> {
        Masks::of(&FakeHost::default(), api_key, username, token).forms
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
        let with_bom = format!("\u{feff}{key}");
        for (username, token) in [
            ("_json_key", key.to_owned()),
            ("_json_key_base64", STANDARD.encode(key)),
            ("_json_key_base64", STANDARD.encode(&with_bom)),
            ("_json_key", with_bom),
        ] {
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
        let masks = Masks::of(&FakeHost::default(), "", "u", "tok::en\t two");
        assert_eq!(masks.redact(&text::neutral("<tok::en\t two>")), "<***>");
    }

    #[test]
    fn redacts_the_longer_secret_whole_when_a_shorter_one_begins_it() {
        let masks = Masks::of(&FakeHost::default(), "rca_key", "u", "rca_key-and-more");
        assert_eq!(masks.redact("<rca_key-and-more> <rca_key>"), "<***> <***>");
    }

    #[test]
    fn escapes_as_json_does() {
        let text: String = ('\0'..='\u{7f}').chain(['é', '\u{2028}', '🦀']).collect();
        let quoted = format!("\"{}\"", json_escaped(&text));
        assert_eq!(quoted, crate::json::native::text(&text.as_str().into()));
    }
}
