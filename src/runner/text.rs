//! Text from outside, made safe to print on a runner.
//!
//! Runners read commands from the output of a step: `::cmd::` after leading whitespace, `##[cmd]` anywhere in a line.
//! A lone carriage return also ends a line. No text of a server may become a command.

/// The lines of a text, each sanitized; empty lines are left out.
pub(crate) fn sanitize_lines(text: &str) -> impl Iterator<Item = String> {
    text.split(['\r', '\n']).map(sanitize).filter(|line| !line.is_empty())
}

/// The text as one line without commands, control characters and invisible characters.
pub(crate) fn sanitize(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        if is_invisible(c) || (c == ' ' && (line.is_empty() || line.ends_with(' '))) {
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

/// Control characters, which ANSI escapes start with, and characters that hide or reorder text.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        sanitize_lines(text).collect()
    }

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
    fn a_lone_carriage_return_ends_a_line() {
        assert_eq!(lines("one\r::error::two\r\nthree\n\n"), ["one", ": :error: :two", "three"]);
    }

    #[test]
    fn removes_escapes_and_folds_whitespace() {
        assert_eq!(sanitize("\u{1b}[31mred\u{1b}[0m\t\t x\u{2028}y "), "[31mred[0m x y");
    }

    #[test]
    fn truncates_by_characters() {
        assert_eq!(truncate("äöüß".to_owned(), 3), "äöü…");
        assert_eq!(truncate("äöü".to_owned(), 3), "äöü");
    }
}
