//! Text that came from elsewhere, made safe to print on a runner.
//!
//! Runners read commands out of a step's output: `::cmd::` after leading white space, `##[cmd]` anywhere in a line,
//! and a lone carriage return ends a line too. Nothing a server says may become a command.

/// The longest line shown of somebody else's text, in characters.
const LINE_CHARS: usize = 1_000;
/// The most lines shown of one operation's output.
const LINES: usize = 100;

/// The lines of a text, each neutral; empty ones left out. Past the cap, one line says how many were not shown.
pub(crate) fn neutral_lines(text: &str) -> Vec<String> {
    let mut lines = text.split(['\r', '\n']).map(|line| neutral(line, LINE_CHARS)).filter(|line| !line.is_empty());
    let mut shown: Vec<String> = lines.by_ref().take(LINES).collect();
    let hidden = lines.count();
    if hidden > 0 {
        shown.push(format!("({hidden} more lines not shown)"));
    }
    shown
}

/// The whole text as one neutral line of at most `max_chars` characters and an ellipsis.
pub(crate) fn neutral(text: &str, max_chars: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    for c in text.trim().chars() {
        if length == max_chars {
            line.push('…');
            break;
        }
        let c = if c.is_whitespace() { ' ' } else { c };
        if invisible(c) || (c == ' ' && (line.is_empty() || line.ends_with(' '))) {
            continue;
        }
        // `::` and `##[` are what runners look for; a space keeps them readable and breaks them.
        if (c == ':' && line.ends_with(':')) || (c == '[' && line.ends_with("##")) {
            line.push(' ');
        }
        line.push(c);
        length += 1;
    }
    line.truncate(line.trim_end().len());
    line
}

/// Control characters (ANSI escapes begin with one) and the marks that reorder or hide text.
fn invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_commands_of_every_runner() {
        assert_eq!(neutral("  ::error::boo", 99), ": :error: :boo");
        assert_eq!(neutral("text ##[add-mask]x", 99), "text ## [add-mask]x");
        assert_eq!(neutral(":::::", 99), ": : : : :");
    }

    #[test]
    fn a_command_hidden_by_control_characters_does_not_come_together() {
        assert_eq!(neutral(":\u{1b}:error:\u{200b}:x", 99), ": :error: :x");
        assert_eq!(neutral("##\u{7}[error]x", 99), "## [error]x");
    }

    #[test]
    fn a_lone_carriage_return_ends_a_line() {
        assert_eq!(neutral_lines("one\r::error::two\r\nthree\n\n"), ["one", ": :error: :two", "three"]);
    }

    #[test]
    fn strips_escapes_and_folds_white_space() {
        assert_eq!(neutral("\u{1b}[31mred\u{1b}[0m\t\t x\u{2028}y ", 99), "[31mred[0m x y");
    }

    #[test]
    fn caps_length_and_lines() {
        assert_eq!(neutral("abcdef", 3), "abc…");
        let lines = neutral_lines(&"line\n".repeat(LINES + 7));
        assert_eq!(lines.len(), LINES + 1);
        assert_eq!(lines.last().map(String::as_str), Some("(7 more lines not shown)"));
    }
}
