//! YAML scalars that every parser of version 1.1 and 1.2 reads as the same text.

/// Texts that YAML 1.1 or 1.2 reads as a boolean or as null.
const RESERVED: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];

/// A text as a scalar in a value, on one line.
pub(crate) fn scalar(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else if text.chars().all(is_printable) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        double_quoted(text)
    }
}

/// Whether a text can be written without quotes: it is an expression, or cannot be another type and has nothing that could
/// be syntax.
fn is_plain(text: &str) -> bool {
    let is_expression = text.starts_with("${{ ") && text.ends_with(" }}");
    if is_expression {
        return text.bytes().all(|b| b.is_ascii_alphanumeric() || b"${}_. ".contains(&b));
    }
    let is_safe = |b: u8| b.is_ascii_alphanumeric() || b"_./@+$-".contains(&b);
    let is_uuid = text.len() == 36 && text.bytes().filter(|b| *b == b'-').count() == 4;
    // Numbers and dates of YAML 1.1 have none of these letters.
    let is_word_of_letters = text.bytes().any(|b| b.is_ascii_lowercase() && !b"abcdefotxz".contains(&b));
    let starts = |c: char| c.is_ascii_alphabetic() || c.is_ascii_digit() && (is_uuid || is_word_of_letters);
    // Spaces and colons only where they do not end the scalar.
    let is_word =
        |word: &str| !word.is_empty() && !word.ends_with(':') && word.bytes().all(|b| is_safe(b) || b == b':');
    let words = text.split(' ').all(is_word);
    text.starts_with(starts) && words && !RESERVED.contains(&text.to_ascii_lowercase().as_str())
}

/// Whether a character can be in a single-quoted or block scalar on one line. Line breaks of YAML 1.1 cannot, and neither can
/// what YAML does not allow.
pub(crate) fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{2027}' | '\u{202a}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}' | '\u{10000}'..='\u{10ffff}')
}

pub(crate) fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            c if is_printable(c) => quoted.push(c),
            c => quoted.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_values_have_no_quotes() {
        for text in [
            "ghcr.io",
            "registry.example.com:5000",
            "${{ secrets.REOCLO_API_KEY }}",
            "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11",
            "https://reoclo.example.com",
            "robot$acme+ci",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "Log in to ghcr.io",
        ] {
            assert_eq!(scalar(text), text);
        }
    }

    #[test]
    fn syntax_and_other_types_are_quoted() {
        for text in [
            "", "true", "No", "on", "null", "~", "1e3", "0x10", "12:30", "- a", "a: b", "a #b", "#a", "'", "*a", "&a",
            "!a", "a:", " a", "a ", "{a}", "[a]", "%a", "@a", "`a`", "|", ">", "?", "a\\",
        ] {
            assert!(scalar(text).starts_with('\''), "{text}");
        }
        for text in ["a\nb", "\u{85}", "\u{2028}", "\0", "\u{feff}", "\t"] {
            assert!(scalar(text).starts_with('"'), "{text:?}");
        }
        assert_eq!(double_quoted("a\"\\\n\u{7f}"), r#""a\"\\\n\U0000007f""#);
    }
}
