//! Secrets: values that must never be shown, and the variants in which they could appear.

use super::redact::Patterns;
use super::text::{self, Excerpt};
use crate::host::Host;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt;
use std::ops::Range;

/// A value without `Display`, whose `Debug` does not show it.
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

/// What JavaScript's `encodeURIComponent` does not encode.
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

/// What `application/x-www-form-urlencoded` does not encode.
const WEB_FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_');

/// Masking shorter values would hide half of every log and protect nothing.
const MIN_VARIANT_CHARS: usize = 2;
/// Shorter values may occur anywhere by chance.
const MIN_FOUND_CHARS: usize = 8;

/// Every variant of the secrets of one step, longest first and without duplicates.
///
/// The order matters: a runner that applies masks in the order of registration would show the rest of a secret whose
/// start it has already replaced.
#[derive(Default)]
pub(crate) struct Masks {
    variants: Vec<String>,
    patterns: Patterns,
}

impl Masks {
    /// `username` is not a secret; with the token it makes the `user:token` pair of docker's `config.json`. `parts` are
    /// values inside the token that could be shown alone. The secrets are those that the runner passed, not trimmed.
    pub(crate) fn of(host: &impl Host, api_key: &str, username: &str, access_token: &str, parts: &[String]) -> Self {
        let mut variants = Vec::new();
        for secret in [api_key, access_token].into_iter().chain(parts.iter().map(String::as_str)) {
            add_variants(host, &mut variants, secret);
        }
        for secret in [api_key.trim(), access_token.trim()].into_iter().filter(|secret| !secret.is_empty()) {
            variants.push(host.base64(secret));
        }
        if !access_token.trim().is_empty() {
            variants.push(host.base64(&format!("{username}:{}", access_token.trim())));
        }
        variants.retain(|variant| variant.trim().chars().count() >= MIN_VARIANT_CHARS);
        variants.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        variants.dedup();
        let patterns = Patterns::new(variants.iter().map(String::as_str), |text| host.base64(text));
        Self { patterns, variants }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.variants.iter().map(String::as_str)
    }

    /// Whether the text contains a secret that is too long for a coincidence: in an encoding, or in upper or lower case.
    pub(crate) fn found_in(&self, text: &str) -> bool {
        let is_long = |secret: &Range<usize>| secret.len() >= MIN_FOUND_CHARS;
        let lower_case = text.to_ascii_lowercase();
        let mut variants = self.variants.iter().filter(|variant| variant.chars().count() >= MIN_FOUND_CHARS);
        self.patterns.find(text).iter().any(is_long)
            || variants.any(|variant| lower_case.contains(&variant.to_ascii_lowercase()))
    }

    /// The text with every secret replaced by `***`, in whatever encoding it is found.
    pub(crate) fn redact(&self, text: &str) -> String {
        replace(text, &self.patterns.find(text), 0..text.len())
    }

    /// The redacted start of a text, of which at most `max_bytes` are read. The time does not depend on its length.
    pub(crate) fn redact_head(&self, text: &str, max_bytes: usize) -> String {
        let read = text::head(text, max_bytes.saturating_add(self.patterns.max_encoded_bytes()));
        replace(read, &self.patterns.find(read), 0..text::head(read, max_bytes).len())
    }

    /// The redacted lines of an excerpt that was made with [`Self::max_encoded_bytes`] extra bytes.
    pub(crate) fn redact_lines(&self, excerpt: &Excerpt) -> Vec<String> {
        let found = self.patterns.find(&excerpt.text);
        excerpt.lines.iter().map(|line| replace(&excerpt.text, &found, line.clone())).collect()
    }

    pub(crate) fn max_encoded_bytes(&self) -> usize {
        self.patterns.max_encoded_bytes()
    }
}

/// A part of a text, with `***` for every secret that starts or ends in it.
fn replace(text: &str, secrets: &[Range<usize>], part: Range<usize>) -> String {
    let mut replaced = String::new();
    let mut at = part.start;
    for secret in secrets.iter().filter(|secret| secret.start < part.end && secret.end > part.start) {
        replaced.push_str(text.get(at..secret.start).unwrap_or_default());
        replaced.push_str("***");
        at = secret.end;
    }
    replaced.push_str(text.get(at..part.end).unwrap_or_default());
    replaced
}

/// Adds a secret and its lines, trimmed and untrimmed, unencoded and in common encodings.
fn add_variants(host: &impl Host, variants: &mut Vec<String>, secret: &str) {
    for value in [secret, secret.trim()] {
        variants.extend([
            value.to_owned(),
            json_escaped(host, value),
            percent_encoded(value, URI_COMPONENT),
            percent_encoded(value, WEB_FORM).replace("%20", "+"),
        ]);
    }
    for line in secret.split(['\r', '\n']) {
        variants.extend([line.to_owned(), line.trim().to_owned()]);
    }
}

/// The text as it appears between the quotes of a JSON string.
fn json_escaped(host: &impl Host, text: &str) -> String {
    let quoted = host.to_json(text);
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&quoted).to_owned()
}

fn percent_encoded(text: &str, encoded: &'static AsciiSet) -> String {
    utf8_percent_encode(text, encoded).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    fn variants(api_key: &str, username: &str, token: &str) -> Vec<String> {
        Masks::of(&FakeHost::default(), api_key, username, token, &[]).variants
    }

    #[test]
    fn debug_never_shows_the_value() {
        assert_eq!(format!("{:?}", Secret::new("hunter22")), "Secret(***)");
    }

    #[test]
    fn masks_the_value_its_base64_and_the_pair() {
        let variants = variants("rca_key", "bob", "hunter22");
        for variant in ["rca_key", "hunter22", "aHVudGVyMjI=", "Ym9iOmh1bnRlcjIy"] {
            assert!(variants.iter().any(|f| f == variant), "{variant} is missing from {variants:?}");
        }
    }

    #[test]
    fn masks_lines_and_encodings_of_a_multiline_token() {
        let variants = variants("", "u", "{\n  \"key\": \"a b\"\r\n}\n");
        for variant in ["\"key\": \"a b\"", "{\\n  \\\"key\\\": \\\"a b\\\"\\r\\n}"] {
            assert!(variants.iter().any(|f| f == variant), "{variant} is missing from {variants:?}");
        }
        assert!(variants.iter().any(|f| f.starts_with("%7B%0A%20%20%22key")));
    }

    #[test]
    fn masks_json_of_a_token_that_ends_with_a_quote() {
        let variants = variants("", "u", "to\"ken\"");
        assert!(variants.iter().any(|variant| variant == r#"to\"ken\""#), "{variants:?}");
    }

    #[test]
    fn masks_parts_of_the_token() {
        let parts = ["-----BEGIN-----\nabcdef\n".to_owned()];
        let masks = Masks::of(&FakeHost::default(), "", "_json_key", "{}", &parts);
        for part in ["-----BEGIN-----\nabcdef\n", "abcdef", "-----BEGIN-----\\nabcdef\\n"] {
            assert!(masks.iter().any(|variant| variant == part), "{part:?} is missing");
        }
    }

    #[test]
    fn masks_longest_first_and_once() {
        let variants = variants("rca_key", "u", "rca_key-and-more");
        assert!(variants.windows(2).all(|pair| pair[0].len() >= pair[1].len()));
        let mut unique = variants.clone();
        unique.dedup();
        assert_eq!(variants, unique);
    }

    #[test]
    fn never_masks_empty_or_one_character_values() {
        assert!(variants("", "user", "").is_empty());
        assert!(variants("x", "", " \n}\n{ \n").iter().all(|f| f.trim().len() > 1));
    }

    #[test]
    fn redacts_a_secret_that_was_sanitized() {
        let masks = Masks::of(&FakeHost::default(), "", "u", "tok::en\t two", &[]);
        assert_eq!(masks.redact(&text::sanitize("<tok::en\t two>")), "<***>");
    }

    #[test]
    fn finds_long_secrets_in_any_case_or_encoding() {
        let found = |token: &str, text: &str| Masks::of(&FakeHost::default(), "", "u", token, &[]).found_in(text);
        for text in ["op-hunter22-1", "OP-HUNTER22-1", "op-aHVudGVyMjI-1", "hunter%32%32"] {
            assert!(found("hunter22", text), "{text}");
        }
        assert!(!found("hunter22", "op-hunter23"));
        assert!(!found("ghcr", "ghcr.io"), "too short");
    }

    #[test]
    fn redacts_the_longer_of_two_overlapping_secrets() {
        let masks = Masks::of(&FakeHost::default(), "rca_key", "u", "rca_key-and-more", &[]);
        assert_eq!(masks.redact("<rca_key-and-more> <rca_key>"), "<***> <***>");
    }
    #[test]
    fn redacts_a_secret_that_goes_beyond_the_part_that_is_read() {
        let masks = Masks::of(&FakeHost::default(), "", "u", "hunter22", &[]);
        for secret in
            ["hunter22", "%68%75%6e%74%65%72%32%32", "\\u0068\\u0075\\u006e\\u0074\\u0065\\u0072\\u0032\\u0032"]
        {
            let text = format!("<{secret}>");
            assert_eq!(masks.redact_head(&text, 4), "<***", "{secret}");
            let excerpt = text::excerpt(&text, 1, 99, 4, masks.max_encoded_bytes());
            assert_eq!(masks.redact_lines(&excerpt), ["<***"], "{secret}");
        }
    }
    #[test]
    fn redacts_in_each_line_only_the_secrets_of_this_line() {
        let masks = Masks::of(&FakeHost::default(), "", "u", "hunter22", &[]);
        let lines = |text: &str, max_line_bytes| {
            masks.redact_lines(&text::excerpt(text, 3, 99, max_line_bytes, masks.max_encoded_bytes()))
        };
        assert_eq!(lines("one\ntwo hunter22 2\nthree", 99), ["one", "two *** 2", "three"]);
        assert_eq!(lines("onehunter22", 3), ["one"], "it starts after what is shown");
        let found = masks.patterns.find("hunter22one");
        assert_eq!(replace("hunter22one", &found, 8..11), "one", "it ends before what is shown");
    }
}
