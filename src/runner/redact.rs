//! Finds secrets in text, however they are encoded.
//!
//! Instead of listing every encoding, the text is normalised: percent encoding, JSON and HTML escapes are decoded, and
//! whitespace and invisible characters are removed. The secrets are normalised in the same way, so one search finds them in
//! all of these encodings, also nested ones. Base64 is found by the part that does not depend on the text around the secret.
//!
//! Out of reach: hex, reversed or encrypted secrets, other compressions or encodings, and parts of a secret.

use super::text;
use std::cmp::Reverse;
use std::ops::Range;

/// Shorter patterns would match by chance.
const MIN_NORMALISED_BYTES: usize = 4;
const MIN_BASE64_CHARS: usize = 8;
/// How deeply nested encodings are decoded.
const MAX_DECODINGS: usize = 3;

/// What is searched for.
#[derive(Default)]
pub(crate) struct Patterns {
    /// Searched in the text as it is.
    exact: Index,
    /// Searched in the normalised text.
    normalised: Index,
    base64: Index,
    /// The longest encoding of a secret: JSON needs six bytes for one.
    max_encoded_bytes: usize,
}

impl Patterns {
    /// `base64` encodes a text. The secrets are values, lines of them and encodings that must be found exactly.
    pub(crate) fn new<'s>(secrets: impl Iterator<Item = &'s str> + Clone, base64: impl Fn(&str) -> String) -> Self {
        let (mut normalised, mut base64_cores) = (Vec::new(), Vec::new());
        for secret in secrets.clone() {
            normalised.push(normalise(secret));
            // `+` is a space in web forms.
            normalised.push(normalise(&secret.replace(' ', "+")));
            for offset in ["", "a", "aa"] {
                base64_cores.extend(base64_core(offset, secret, &base64));
            }
        }
        let exact: Vec<Vec<u8>> = secrets.map(|secret| secret.as_bytes().to_vec()).collect();
        let longest = exact.iter().map(Vec::len).max().unwrap_or_default();
        normalised.retain(|pattern| pattern.len() >= MIN_NORMALISED_BYTES);
        Self {
            exact: Index::new(exact),
            normalised: Index::new(normalised),
            base64: Index::new(base64_cores),
            max_encoded_bytes: 6 * longest,
        }
    }

    pub(crate) fn max_encoded_bytes(&self) -> usize {
        self.max_encoded_bytes
    }

    /// The byte ranges of all secrets, in order and without overlaps.
    pub(crate) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let mut is_secret = vec![false; text.len()];
        let mut mark = |range: Range<usize>| is_secret.get_mut(range).into_iter().for_each(|bytes| bytes.fill(true));
        self.exact.find(text.as_bytes(), &mut mark);
        self.find_normalised(text, Letters::Escape, &mut mark);
        if text.contains('\\') {
            // A backslash before an encoded secret is not an escape of its first letter.
            self.find_normalised(text, Letters::Stay, &mut mark);
        }
        runs(&is_secret)
    }

    fn find_normalised(&self, text: &str, letters: Letters, mark: &mut dyn FnMut(Range<usize>)) {
        let (bytes, sources) = normalise_with_sources(text, letters);
        let mut mark_source = |range: Range<usize>| {
            let ends = sources.get(range.start).zip(sources.get(range.end - 1));
            ends.into_iter().for_each(|(first, last)| mark(first.start..last.end));
        };
        self.normalised.find(&bytes, &mut mark_source);
        self.base64.find(&bytes, &mut |core| {
            // The characters next to the core contain bits of the secret too.
            let start = core.start.saturating_sub(1);
            let is_padding = |byte: &&u8| **byte == b'=';
            let padding = bytes.iter().skip(core.end + 1).take(2).take_while(is_padding).count();
            mark_source(start..(core.end + 1 + padding).min(bytes.len()));
        });
    }
}

/// How the letter of `\n`, `\r`, `\t`, `\b` and `\f` is read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Letters {
    /// As a part of the escape.
    Escape,
    /// As a letter.
    Stay,
}

/// The ranges of `true`.
fn runs(flags: &[bool]) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in flags.iter().enumerate().filter_map(|(at, flag)| flag.then_some(at)) {
        match runs.last_mut() {
            Some(run) if run.end == at => run.end += 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// Patterns, of which one pass over a text finds all.
#[derive(Default)]
struct Index {
    /// Longest first.
    patterns: Vec<Vec<u8>>,
    /// Whether a pattern starts with these two bytes.
    starts: Vec<bool>,
}

impl Index {
    fn new(mut patterns: Vec<Vec<u8>>) -> Self {
        patterns.sort_unstable_by_key(|pattern| Reverse(pattern.len()));
        let mut starts = vec![false; 1 << 16];
        for start in patterns.iter().filter_map(|pattern| start(pattern, 0)) {
            starts.get_mut(start).into_iter().for_each(|is_start| *is_start = true);
        }
        Self { patterns, starts }
    }

    fn find(&self, text: &[u8], on_match: &mut dyn FnMut(Range<usize>)) {
        for at in 0..text.len() {
            let Some(start) = start(text, at) else { break };
            if !self.starts.get(start).copied().unwrap_or_default() {
                continue;
            }
            // The longest match covers the others.
            let rest = text.get(at..).unwrap_or_default();
            if let Some(pattern) = self.patterns.iter().find(|pattern| rest.starts_with(pattern)) {
                on_match(at..at + pattern.len());
            }
        }
    }
}

/// The two bytes at a position, as a number.
fn start(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?])))
}

/// The characters of a base64 text that only depend on the secret, when `offset` bytes are before it.
fn base64_core(offset: &str, secret: &str, base64: impl Fn(&str) -> String) -> Option<Vec<u8>> {
    let encoded = base64(&format!("{offset}{secret}"));
    let (start, end) = ((offset.len() * 8).div_ceil(6), (offset.len() + secret.len()) * 8 / 6);
    let core = encoded.as_bytes().get(start..end)?;
    (core.len() >= MIN_BASE64_CHARS).then(|| core.iter().map(|byte| fold_base64(*byte)).collect())
}

/// URL-safe base64 uses other characters.
fn fold_base64(byte: u8) -> u8 {
    match byte {
        b'-' => b'+',
        b'_' => b'/',
        byte => byte,
    }
}

fn normalise(text: &str) -> Vec<u8> {
    normalise_with_sources(text, Letters::Escape).0
}

/// The normalised bytes of a text, and for each the byte range of the text that it was decoded from.
fn normalise_with_sources(text: &str, letters: Letters) -> (Vec<u8>, Vec<Range<usize>>) {
    let mut bytes = Vec::with_capacity(text.len());
    // Variation selectors are shown, since emojis need them.
    let is_selector = |c: char| matches!(c, '\u{fe00}'..='\u{fe0f}');
    for (start, c) in text::visible_char_indices(text).filter(|(_, c)| !is_selector(*c)) {
        let mut buffer = [0; 4];
        let encoded = c.encode_utf8(&mut buffer);
        bytes.extend(encoded.bytes().map(|byte| Decoded { byte, source: start..start + c.len_utf8() }));
    }
    for _ in 0..MAX_DECODINGS {
        if !decode(&mut bytes, letters) {
            break;
        }
    }
    bytes.retain(|decoded| !decoded.byte.is_ascii_whitespace() && !decoded.byte.is_ascii_control());
    bytes.into_iter().map(|decoded| (fold_base64(decoded.byte), decoded.source)).unzip()
}

struct Decoded {
    byte: u8,
    source: Range<usize>,
}

/// Decodes one level of escapes. Returns whether there were any.
fn decode(bytes: &mut Vec<Decoded>, letters: Letters) -> bool {
    let input = std::mem::take(bytes);
    let plain: Vec<u8> = input.iter().map(|decoded| decoded.byte).collect();
    let mut at = 0;
    while let Some(rest) = plain.get(at..).filter(|rest| !rest.is_empty()) {
        let (c, length) = escape(rest, letters).unwrap_or(('\0', 0));
        let source = |from: usize, length: usize| {
            let ends = input.get(from).zip(input.get(from + length.max(1) - 1));
            ends.map_or(0..0, |(first, last)| first.source.start..last.source.end)
        };
        if length == 0 {
            bytes.extend(rest.first().map(|byte| Decoded { byte: *byte, source: source(at, 1) }));
            at += 1;
        } else if c <= '\u{ff}' && rest.first() == Some(&b'%') {
            // Percent encoding is of bytes.
            bytes.push(Decoded { byte: c as u8, source: source(at, length) });
            at += length;
        } else {
            let mut buffer = [0; 4];
            let encoded = c.encode_utf8(&mut buffer);
            bytes.extend(encoded.bytes().map(|byte| Decoded { byte, source: source(at, length) }));
            at += length;
        }
    }
    bytes.len() < input.len()
}

/// The character and the length of an escape at the start of a text: `%41`, `\n`, `\u0041`, `&#x41;`, `&amp;`.
fn escape(text: &[u8], letters: Letters) -> Option<(char, usize)> {
    match text {
        [b'%', high, low, ..] => Some((char::from(hex(&[*high, *low])? as u8), 3)),
        [b'\\', b'u', rest @ ..] => {
            let code = hex(rest.get(..4)?)?;
            if !(0xd800..0xdc00).contains(&code) {
                return Some((char::from_u32(code)?, 6));
            }
            let low = rest.get(4..10).and_then(|low| low.strip_prefix(b"\\u")).and_then(hex)?;
            let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
            Some((char::from_u32(0x10000 + ((code - 0xd800) << 10) + low)?, 12))
        }
        [b'\\', escaped, ..] => {
            let c = match escaped {
                b'n' | b'r' | b't' | b'b' | b'f' if letters == Letters::Stay => char::from(*escaped),
                b'n' => '\n',
                b'r' => '\r',
                b't' => '\t',
                b'b' => '\u{8}',
                b'f' => '\u{c}',
                b'"' | b'\\' | b'/' | b'\'' => char::from(*escaped),
                _ => return None,
            };
            Some((c, 2))
        }
        [b'&', rest @ ..] => {
            // `&#x10ffff;` is the longest.
            let end = rest.iter().take(10).position(|byte| *byte == b';')?;
            let name = rest.get(..end)?;
            let c = match name {
                b"amp" => '&',
                b"lt" => '<',
                b"gt" => '>',
                b"quot" => '"',
                b"apos" => '\'',
                [b'#', b'x' | b'X', digits @ ..] => char::from_u32(hex(digits)?)?,
                [b'#', digits @ ..] => char::from_u32(str::from_utf8(digits).ok()?.parse().ok()?)?,
                _ => return None,
            };
            Some((c, end + 2))
        }
        _ => None,
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    let is_hex = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
    if is_hex { u32::from_str_radix(str::from_utf8(digits).ok()?, 16).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::{Engine, engine::general_purpose::STANDARD};

    const TOKEN: &str = "tok%+/\"é<&>'en==\\end";

    fn redact(secrets: &[&str], text: &str) -> String {
        let patterns = Patterns::new(secrets.iter().copied(), |text| STANDARD.encode(text));
        let mut redacted = text.to_owned();
        for range in patterns.find(text).into_iter().rev() {
            redacted.replace_range(range, "***");
        }
        redacted
    }

    fn assert_redacted(secret: &str, encoded: &str) {
        assert_eq!(redact(&[secret], &format!("before: {encoded} after")), "before: *** after", "{encoded}");
    }

    #[test]
    fn finds_percent_encodings() {
        let all: String = TOKEN.bytes().map(|byte| format!("%{byte:02x}")).collect();
        for encoded in [
            "tok%25%2B%2F%22%C3%A9%3C%26%3E%27en%3D%3D%5Cend", // encodeURIComponent
            "tok%25%2b%2f%22%c3%a9%3c%26%3e%27en%3d%3d%5cend",
            "tok%25+/%22%C3%A9%3C&%3E%27en==%5Cend",         // Go's PathEscape
            "tok%25%2B/%22%C3%A9%3C%26%3E%27en%3D%3D%5Cend", // Python's quote
            &all,
            &all.to_uppercase(),
        ] {
            assert_redacted(TOKEN, encoded);
        }
    }

    #[test]
    fn finds_json_as_languages_escape_it() {
        for encoded in [
            r#"tok%+/\"é<&>'en==\\end"#,                // JavaScript
            r#"tok%+/\"\u00e9<&>'en==\\end"#,           // Python
            r#"tok%+/\"é\u003c\u0026\u003e'en==\\end"#, // Go
            r#"tok%+\/\"\u00e9<&>'en==\\end"#,          // PHP
        ] {
            assert_redacted(TOKEN, encoded);
        }
        assert_redacted("a🦀bcd", r"a\ud83e\udd80bcd");
        let no_pair = r"a\ud83e\ue000bcd";
        assert_eq!(redact(&["a\u{1fc00}bcd"], no_pair), no_pair);
    }

    #[test]
    fn finds_escaped_control_characters() {
        for (c, letter) in [('\n', 'n'), ('\r', 'r'), ('\t', 't'), ('\u{8}', 'b'), ('\u{c}', 'f')] {
            let secret = format!("hunter{c}22");
            assert_redacted(&secret, &format!("hunter\\{letter}22"));
            assert_redacted(&secret, &format!("hunter%5C{letter}22"));
        }
    }

    #[test]
    fn finds_an_encoded_secret_behind_a_backslash() {
        let patterns = Patterns::new(["rca_to+k/en"].into_iter(), |text| STANDARD.encode(text));
        for encoded in ["rca_to%2Bk%2Fen", "rca_to&#43;k/en", "rca_to\\u002bk/en"] {
            for before in ["\\", "\\\\", "C:\\"] {
                assert_eq!(
                    patterns.find(&format!("{before}{encoded}")).last().map(|found| found.end),
                    Some(before.len() + encoded.len()),
                    "{before}{encoded}"
                );
            }
        }
    }

    #[test]
    fn finds_html_entities() {
        assert_redacted(TOKEN, "tok%+/&quot;&#233;&lt;&amp;&gt;&#39;en==\\end");
        assert_redacted(TOKEN, "tok%+/&quot;é&lt;&amp;&gt;&#x27;en==\\end");
        assert_redacted(TOKEN, "tok%+/&quot;é&lt;&amp;&gt;&apos;en==\\end");
    }

    #[test]
    fn finds_nested_encodings() {
        assert_redacted("to%ken", "to%2525ken");
        assert_redacted("to\"ken", r#"to\\\"ken"#);
        assert_redacted("to\"ken", "to%5C%22ken");
    }

    #[test]
    fn finds_invisible_characters_and_ansi_sequences_inside() {
        for c in ["\u{ad}", "\u{34f}", "\u{fe0f}", "\u{200b}", "\u{7}", "\u{1b}[31m", "\u{1b}]8;;x\u{7}", " ", "\r\n"] {
            assert_redacted("hunter22", &format!("hun{c}ter22"));
        }
    }

    #[test]
    fn finds_base64_in_every_form() {
        let secret = "hunter22-?>~";
        for text in ["hunter22-?>~", "u:hunter22-?>~", "user:hunter22-?>~", "x hunter22-?>~ y", "hunter22-?>~\n"] {
            let standard = STANDARD.encode(text);
            let url_safe = standard.replace('+', "-").replace('/', "_");
            let wrapped = format!("{}\n{}", &standard[..6], &standard[6..]);
            for encoded in
                [&standard, standard.trim_end_matches('='), &url_safe, &wrapped, &standard.replace('/', "\\/")]
            {
                let redacted = redact(&[secret], encoded);
                assert!(redacted.contains("***") && redacted.len() < 12, "{text:?}: {encoded}: {redacted}");
            }
        }
    }

    #[test]
    fn finds_overlapping_secrets_completely() {
        assert_eq!(redact(&["hunter22"], "hunter2hunter22"), "hunter2***");
        assert_eq!(redact(&["abab1", "b1xyz"], "abab1xyz"), "***");
        assert_eq!(redact(&["rca_key", "rca_key-and-more"], "<rca_key-and-more> <rca_key>"), "<***> <***>");
    }

    #[test]
    fn text_before_a_secret_does_not_hide_it() {
        for before in ["%", "%2", "\\", "\\u00", "&#", "%25"] {
            let redacted = redact(&["41abcdef"], &format!("{before}41abcdef"));
            assert!(!redacted.contains("abcdef"), "{before}: {redacted}");
        }
    }

    #[test]
    fn keeps_other_text() {
        let text = "100% of \\d+ &nbsp; caf\u{e9} %zz \\u12 &#; YWJj";
        assert_eq!(redact(&["hunter22", "tok%en"], text), text);
        assert_eq!(redact(&["abcd12"], "ab%+fcd12"), "ab%+fcd12", "a sign is no digit");
    }
    #[test]
    fn base64_is_found_with_its_padding_and_one_character_on_each_side() {
        for (secret, redacted) in
            [("hunter2", "befor*** after"), ("hunter22", "befor*** after"), ("hunter222", "befor***fter")]
        {
            let text = format!("before {} after", STANDARD.encode(secret));
            assert_eq!(redact(&[secret], &text), redacted, "{text}");
        }
    }
}
