//! Text from outside, made safe to print on a runner.
//!
//! Runners read commands from the output of a step: `::cmd::` after leading whitespace, `##[cmd]` anywhere in a line.
//! A lone carriage return also ends a line. No text of a server may become a command.

use std::ops::Range;

/// The text as one line without commands, control characters and invisible characters.
pub(crate) fn sanitize(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for (_, c) in visible_char_indices(text) {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c == ' ' && (line.is_empty() || line.ends_with(' ')) {
            continue;
        }
        // A space breaks the command and keeps the text readable.
        if (c == ':' && line.ends_with(':')) || (c == '[' && line.ends_with("##")) {
            line.push(' ');
        }
        line.push(c);
    }
    line.truncate(line.trim_end().len());
    line
}

/// The first lines of a long text, for which the rest need not be searched.
pub(crate) struct Excerpt {
    /// The lines, joined by line breaks. Each is longer than shown by what a secret can take.
    pub(crate) text: String,
    /// The byte ranges of the lines in `text`, as far as they are shown.
    pub(crate) lines: Vec<Range<usize>>,
    /// How many more lines there are.
    pub(crate) hidden: usize,
}

/// At most `max_lines` lines that are not blank, and none after `max_bytes`. Of each, `max_line_bytes` are shown and
/// `extra_bytes` are kept after them.
pub(crate) fn excerpt(
    text: &str,
    max_lines: usize,
    max_bytes: usize,
    max_line_bytes: usize,
    extra_bytes: usize,
) -> Excerpt {
    let mut lines = text.split(['\r', '\n']).filter(|line| !line.trim().is_empty());
    let mut excerpt = Excerpt { text: String::new(), lines: Vec::new(), hidden: 0 };
    while excerpt.lines.len() < max_lines
        && excerpt.text.len() < max_bytes
        && let Some(line) = lines.next()
    {
        let start = excerpt.text.len();
        excerpt.text.push_str(head(line, max_line_bytes.saturating_add(extra_bytes)));
        excerpt.lines.push(start..start + head(line, max_line_bytes).len());
        excerpt.text.push('\n');
    }
    excerpt.hidden = lines.count();
    excerpt
}

/// The start of a text, at most `max_bytes` long, cut between characters.
pub(crate) fn head(text: &str, max_bytes: usize) -> &str {
    text.get(..text.floor_char_boundary(max_bytes)).unwrap_or(text)
}

/// At most `max_chars` characters, with an ellipsis if the text was longer.
pub(crate) fn truncate(mut text: String, max_chars: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(max_chars) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Milliseconds as seconds with one decimal, rounded down: `1.2 s` for 1,290.
pub(crate) fn seconds(ms: f64) -> String {
    let tenths = (ms / 100.0) as u32;
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// Whitespace and visible characters with their byte positions: without control characters, characters that hide or
/// reorder text, and ANSI escape sequences.
pub(crate) fn visible_char_indices(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut end_of_escape = 0;
    text.char_indices().filter(move |(at, c)| {
        if *at < end_of_escape {
            return false;
        }
        end_of_escape = at + ansi_sequence_len(text.get(*at..).unwrap_or_default());
        end_of_escape == *at && (c.is_whitespace() || !is_invisible(*c))
    })
}

/// The length of an ANSI escape sequence at the start of a text, or 0. Source:
/// <https://www.ecma-international.org/publications-and-standards/standards/ecma-48/>.
fn ansi_sequence_len(text: &str) -> usize {
    // Each two-character introducer also has a one-character form.
    let (introducer, rest) = match text.strip_prefix('\u{1b}') {
        Some(rest) => (rest.chars().next(), rest.get(1..).unwrap_or_default()),
        None => match text.chars().next() {
            Some('\u{9b}') => (Some('['), text.get(2..).unwrap_or_default()),
            Some('\u{9d}') => (Some(']'), text.get(2..).unwrap_or_default()),
            Some('\u{90}') => (Some('P'), text.get(2..).unwrap_or_default()),
            _ => return 0,
        },
    };
    let before_rest = text.len() - rest.len();
    match introducer {
        // Parameters, then a final character: colours, cursor.
        Some('[') => {
            let parameters = rest.bytes().take_while(|byte| (0x20..0x40).contains(byte)).count();
            let is_complete = rest.as_bytes().get(parameters).is_some_and(|byte| (0x40..0x7f).contains(byte));
            if is_complete { before_rest + parameters + 1 } else { 0 }
        }
        // A string up to BEL or ST: links, titles, device control.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let end = rest.find(['\u{7}', '\u{1b}', '\u{9c}']);
            end.map_or(0, |end| {
                before_rest + end + if rest.get(end..).is_some_and(|st| st.starts_with("\u{1b}\\")) { 2 } else { 0 }
            })
        }
        // A character set: one more character.
        Some('(' | ')' | '*' | '+' | '-' | '.' | '/' | '#' | '%' | ' ') => {
            rest.chars().next().filter(char::is_ascii).map_or(0, |_| before_rest + 1)
        }
        _ => 0,
    }
}

/// Control characters, and characters that hide or reorder text: the Unicode property Default_Ignorable_Code_Point without
/// the variation selectors, which emojis need, and interlinear annotations.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_the_commands_of_every_runner() {
        assert_eq!(sanitize("  ::error::boo"), ": :error: :boo");
        assert_eq!(sanitize("text ##[add-mask]x"), "text ## [add-mask]x");
        assert_eq!(sanitize(":::::"), ": : : : :");
    }

    #[test]
    fn removing_control_characters_creates_no_command() {
        assert_eq!(sanitize(":\u{1b}:error:\u{200b}:x"), ": :error: :x");
        assert_eq!(sanitize("##\u{7}[error]x"), "## [error]x");
    }

    #[test]
    fn an_excerpt_has_the_first_lines_and_counts_the_rest() {
        let excerpt = excerpt("one\r::error::two\r\n\nthree€\nfour\nfive", 3, 99, 6, 2);
        assert_eq!(excerpt.text, "one\n::error:\nthree€\n");
        let shown: Vec<&str> = excerpt.lines.iter().map(|line| &excerpt.text[line.clone()]).collect();
        assert_eq!((shown, excerpt.hidden), (vec!["one", "::erro", "three"], 2));
    }

    #[test]
    fn an_excerpt_has_no_line_after_its_maximum_of_bytes() {
        for (max_bytes, text, hidden) in [(3, "one\n", 2), (4, "one\n", 2), (5, "one\ntwo\n", 1)] {
            let excerpt = excerpt("one\ntwo\nthree", 9, max_bytes, 9, 0);
            assert_eq!((excerpt.text.as_str(), excerpt.hidden), (text, hidden), "{max_bytes}");
        }
    }

    #[test]
    fn removes_escapes_and_folds_whitespace() {
        assert_eq!(sanitize("\u{1b}[31mred\u{1b}[0m\t\t x\u{2028}y "), "red x y");
    }

    #[test]
    fn truncates_by_characters() {
        assert_eq!(truncate("äöüß".to_owned(), 3), "äöü…");
        assert_eq!(truncate("äöü".to_owned(), 3), "äöü");
    }
    #[test]
    fn removes_every_kind_of_escape_sequence() {
        for (text, line) in [
            ("\u{1b}[1;31mred", "red"),
            ("\u{9b}1;31mred", "red"),
            ("\u{1b}[\u{7f}x", "[x"),
            ("\u{1b}[12", "[12"),
            ("\u{1b}]8;;http://x\u{1b}\\link", "link"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{9d}0;title\u{9c}text", "text"),
            ("\u{1b}]0;no end", "]0;no end"),
            ("\u{1b}Pq\u{1b}\\text", "text"),
            ("\u{90}q\u{1b}\\text", "text"),
            ("\u{1b}_apc\u{1b}[31mtext", "text"),
            ("\u{1b}(Btext", "text"),
            ("\u{1b}(é", "(é"),
            ("\u{1b}ctext", "ctext"),
            ("a\u{1b}[0mb\u{1b}[0m\u{1b}(Bc", "abc"),
        ] {
            assert_eq!(sanitize(text), line, "{text:?}");
        }
    }

    #[test]
    fn seconds_are_rounded_down_to_tenths() {
        let shown = [0.0, 99.0, 1_290.0, 65_050.0].map(seconds);
        assert_eq!(shown, ["0.0 s", "0.0 s", "1.2 s", "65.0 s"]);
    }

    #[test]
    fn only_a_complete_command_is_broken() {
        assert_eq!(sanitize("a:b #[c] ##d [[e]]"), "a:b #[c] ##d [[e]]");
    }
}
