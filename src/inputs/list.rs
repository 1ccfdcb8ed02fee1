//! Lists of IDs and of registries, and words joined for messages.

use super::error::InputError;
use crate::registry::address;

/// The entries of a list, separated by line breaks or commas. Text after `#` is a comment.
pub(crate) fn entries(list: &str) -> impl Iterator<Item = &str> {
    list.split(['\r', '\n'])
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split(','))
        .map(trim_blank)
        .filter(|entry| !entry.is_empty())
}

pub(crate) fn has_entries(list: &str) -> bool {
    entries(list).next().is_some()
}

/// Without whitespace and invisible characters at both ends: text that is copied from a page or file can contain them.
pub(crate) fn trim_blank(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}'))
}

const LIST_FORMAT: &str = "write one per line or separate them by commas, without quotes, dashes or brackets";

/// A list of UUIDs without duplicates.
pub(crate) fn uuids(input: &'static str, list: &str) -> Result<Vec<String>, InputError> {
    let mut fix = "copy the ID, not the name, from the Reoclo dashboard";
    let ids = values(list, &mut |entry| {
        if is_uuid(entry) {
            return Some(entry.to_owned());
        }
        if contains_uuid(entry) {
            fix = LIST_FORMAT;
        }
        None
    });
    match ids {
        Ok(ids) if ids.is_empty() => {
            Err(InputError::new(input, "is required: copy the UUID from the Reoclo dashboard"))
        }
        Ok(ids) => Ok(ids),
        Err(InvalidEntries { which, is_one }) => {
            let what = if is_one { "is not a UUID" } else { "are not UUIDs" };
            Err(InputError::new(input, format!("{which}{what} (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx): {fix}")))
        }
    }
}

/// A list of registries, normalised and without duplicates.
pub(crate) fn registries(input: &'static str, list: &str) -> Result<Vec<String>, InputError> {
    let mut cause = "";
    let registries =
        values(list, &mut |entry| address::normalise(entry).map_err(|invalid_host| cause = invalid_host).ok());
    registries.map_err(|InvalidEntries { which, is_one }| {
        let (cause, fix) = match is_one {
            true => (cause, "set it to the registry host, such as ghcr.io or registry.example.com:5000"),
            false => ("are not registry hosts", LIST_FORMAT),
        };
        InputError::new(input, format!("{which}{cause}: {fix}"))
    })
}

/// Which entries of a list are invalid.
struct InvalidEntries {
    /// The start of a sentence: `entry 2 `, `entries 1 and 3 `, or nothing for the only entry.
    which: String,
    is_one: bool,
}

/// The values of all entries, as `check` returns them, without duplicates. Letter case makes no difference.
fn values(list: &str, check: &mut dyn FnMut(&str) -> Option<String>) -> Result<Vec<String>, InvalidEntries> {
    let mut values: Vec<String> = Vec::new();
    let mut invalid: Vec<String> = Vec::new();
    let mut count = 0;
    for entry in entries(list) {
        count += 1;
        match check(entry) {
            None => invalid.push(count.to_string()),
            Some(value) if values.iter().any(|other| other.eq_ignore_ascii_case(&value)) => {}
            Some(value) => values.push(value),
        }
    }
    let invalid: Vec<&str> = invalid.iter().map(String::as_str).collect();
    let which = match (count, invalid.as_slice()) {
        (_, []) => return Ok(values),
        (1, _) => String::new(),
        (_, [one]) => format!("entry {one} "),
        _ => format!("entries {} ", join_words(&invalid)),
    };
    Err(InvalidEntries { which, is_one: invalid.len() == 1 })
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
            let message = message(id);
            assert!(
                message.starts_with("is not a UUID")
                    && message.ends_with("copy the ID, not the name, from the Reoclo dashboard"),
                "{id}"
            );
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
    fn registries_are_normalised_without_duplicates() {
        for list in [
            "ghcr.io\ndocker.io",
            "https://GHCR.io/acme, index.docker.io, ghcr.io",
            "# both\r\n\r\n ghcr.io # GitHub's, quay.io\r\n,docker.io,,\n#quay.io\n",
            "\u{feff}ghcr.io\u{200b},\u{a0}docker.io",
        ] {
            assert_eq!(registries("registry_url", list).unwrap(), ["ghcr.io", "docker.io"], "{list}");
        }
        assert_eq!(registries("registry_url", "ghcr.io,ghcr.io:443").unwrap().len(), 2);
    }

    #[test]
    fn names_the_position_of_invalid_registries() {
        let message = |list: &str| registries("registry_url", list).unwrap_err().message;
        assert!(message("ghcr .io").starts_with("contains whitespace: set it to"));
        assert!(message("ghcr.io, hunter22@ghcr.io").starts_with("entry 2 contains a username or password"));
        let yaml = message("- ghcr.io\n# hunter22\n- docker.io\nquay.io");
        assert!(yaml.starts_with("entries 1 and 2 are not registry hosts: write one per line"), "{yaml}");
    }

    #[test]
    fn joins_words() {
        assert_eq!([join_words(&[]), join_words(&["a"])], ["", "a"]);
        assert_eq!([join_words(&["a", "b"]), join_words(&["a", "b", "c"])], ["a and b", "a, b and c"]);
    }
}
