//! Lists of IDs, and words joined for messages.

use super::error::InputError;

/// The entries of a list, separated by line breaks or commas. Text after `#` is a comment.
pub(crate) fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(['\r', '\n'])
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split(','))
        .map(trim_blank)
        .filter(|entry| !entry.is_empty())
}

/// Without whitespace and invisible characters at both ends: text that is copied from a page or file can contain them.
pub(crate) fn trim_blank(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'))
}

/// A list of UUIDs without duplicates.
pub(crate) fn uuids(input: &'static str, list: &str) -> Result<Vec<String>, InputError> {
    let mut ids: Vec<String> = Vec::new();
    let mut invalid: Vec<String> = Vec::new();
    let mut count = 0;
    let mut fix = "copy the ID, not the name, from the Reoclo dashboard";
    for entry in entries(list) {
        count += 1;
        if !is_uuid(entry) {
            invalid.push(count.to_string());
            if contains_uuid(entry) {
                fix = "write one ID per line or separate them by commas, without quotes, dashes or brackets";
            }
        } else if !ids.iter().any(|id| id.eq_ignore_ascii_case(entry)) {
            ids.push(entry.to_owned());
        }
    }
    let invalid: Vec<&str> = invalid.iter().map(String::as_str).collect();
    let cause = match (count, invalid.as_slice()) {
        (0, _) => return Err(InputError::new(input, "is required: copy the UUID from the Reoclo dashboard")),
        (_, []) => return Ok(ids),
        (1, _) => "is not a UUID".to_owned(),
        (_, [one]) => format!("entry {one} is not a UUID"),
        _ => format!("entries {} are not UUIDs", join_words(&invalid)),
    };
    Err(InputError::new(input, format!("{cause} (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx): {fix}")))
}

fn contains_uuid(text: &str) -> bool {
    text.as_bytes().windows(36).any(|window| str::from_utf8(window).is_ok_and(is_uuid))
}

fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn join_words(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";
    const OTHER: &str = "1b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";

    fn message(list: &str) -> String {
        uuids("server_id", list).unwrap_err().message
    }

    #[test]
    fn rejects_what_is_not_a_uuid() {
        for id in [
            "x",
            "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a1",
            "0b8f7a525c3e4a8e9d0c3f1f7f6d2a11",
            "../0b8f7a52",
            "zzzzzzzz-5c3e-4a8e-9d0c-3f1f7f6d2a11",
        ] {
            assert!(message(id).starts_with("is not a UUID"), "{id}");
        }
        assert!(uuids("server_id", &ID.to_uppercase()).is_ok());
    }

    #[test]
    fn splits_lines_and_commas_and_drops_comments_and_duplicates() {
        for list in [
            format!("{ID}\n{OTHER}"),
            format!("{ID},{OTHER}"),
            format!("# all of them\r\n\r\n  {ID} # web-1, the first\r\n,{OTHER},,\n#{OTHER}\n"),
            format!("{ID}\n{OTHER}\n{}", ID.to_uppercase()),
            format!("\u{feff}{ID}\u{200b},\u{a0}{OTHER}"),
        ] {
            assert_eq!(uuids("server_id", &list).unwrap(), [ID, OTHER], "{list}");
        }
    }

    #[test]
    fn an_empty_list_is_missing() {
        for list in ["", " ", "# none\n,"] {
            assert!(message(list).starts_with("is required"), "{list:?}");
        }
    }

    #[test]
    fn names_the_position_of_invalid_entries() {
        assert!(message(&format!("{ID}\n# web-2\nweb-2\n{OTHER}")).starts_with("entry 2 is not a UUID"));
        assert!(message(&format!("x, {ID}, hunter22, y")).starts_with("entries 1, 3 and 4 are not UUIDs"));
    }

    #[test]
    fn explains_the_format_of_lists() {
        for list in [
            format!("- {ID}\n- {OTHER}"),
            format!("[\"{ID}\", \"{OTHER}\"]"),
            format!("{ID} {OTHER}"),
            format!("{ID};"),
        ] {
            assert!(message(&list).contains("separate them by commas"), "{list}");
        }
    }

    #[test]
    fn joins_words() {
        assert_eq!([join_words(&[]), join_words(&["a"])], ["", "a"]);
        assert_eq!([join_words(&["a", "b"]), join_words(&["a", "b", "c"])], ["a and b", "a, b and c"]);
    }
}
