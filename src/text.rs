//! Text that came from elsewhere, made safe to print on a runner.
//!
//! Runners read commands out of a step's output: `::cmd::` after leading white space, `##[cmd]` anywhere in a line,
//! and a lone carriage return ends a line too. Nothing a server says may become a command.

/// The lines of a text, each neutral; empty ones left out.
pub(crate) fn neutral_lines(text: &str) -> impl Iterator<Item = String> {
    text.split(['\r', '\n']).map(neutral).filter(|line| !line.is_empty())
}

/// The whole text as one neutral line.
pub(crate) fn neutral(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        let c = if c.is_whitespace() { ' ' } else { c };
        if invisible(c) || (c == ' ' && (line.is_empty() || line.ends_with(' '))) {
            continue;
        }
        // `::` and `##[` are what runners look for; a space keeps them readable and breaks them.
        if (c == ':' && line.ends_with(':')) || (c == '[' && line.ends_with("##")) {
            line.push(' ');
        }
        line.push(c);
    }
    line.truncate(line.trim_end().len());
    line
}

/// Puts words behind a text, with a separator where there is something to separate.
pub(crate) fn append(text: &mut String, separator: &str, words: &str) {
    if !text.is_empty() {
        text.push_str(separator);
    }
    text.push_str(words);
}

/// At most `max` characters of a text, with an ellipsis where it goes on.
pub(crate) fn capped(mut text: String, max: usize) -> String {
    if let Some((end, _)) = text.char_indices().nth(max) {
        text.truncate(end);
        text.push('…');
    }
    text
}

/// Tenths of a second as people read them: `1.2 s` for 12.
pub(crate) fn seconds(tenths: u32) -> String {
    format!("{}.{} s", tenths / 10, tenths % 10)
}

/// Control characters (ANSI escapes begin with one) and the marks that reorder or hide text.
fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<String> {
        neutral_lines(text).collect()
    }

    #[test]
    fn breaks_commands_of_every_runner() {
        assert_eq!(neutral("  ::error::boo"), ": :error: :boo");
        assert_eq!(neutral("text ##[add-mask]x"), "text ## [add-mask]x");
        assert_eq!(neutral(":::::"), ": : : : :");
    }

    #[test]
    fn a_command_hidden_by_control_characters_does_not_come_together() {
        assert_eq!(neutral(":\u{1b}:error:\u{200b}:x"), ": :error: :x");
        assert_eq!(neutral("##\u{7}[error]x"), "## [error]x");
    }

    #[test]
    fn a_lone_carriage_return_ends_a_line() {
        assert_eq!(lines("one\r::error::two\r\nthree\n\n"), ["one", ": :error: :two", "three"]);
    }

    #[test]
    fn strips_escapes_and_folds_white_space() {
        assert_eq!(neutral("\u{1b}[31mred\u{1b}[0m\t\t x\u{2028}y "), "[31mred[0m x y");
    }

    #[test]
    fn caps_by_characters() {
        assert_eq!(capped("äöüß".to_owned(), 3), "äöü…");
        assert_eq!(capped("äöü".to_owned(), 3), "äöü");
    }
}
