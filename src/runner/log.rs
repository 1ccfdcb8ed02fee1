//! The log: the only way for text to reach the runner.
//!
//! All text is redacted, since runners mask differently, and sanitized, since it may come from a server.

use super::mask_commands;
use super::secret::Masks;
use super::text;
use crate::host::Host;
use std::cell::RefCell;
use std::fmt::Display;
use std::rc::Rc;

/// GitHub's runner shows 4,096 characters of an annotation:
/// <https://github.com/actions/runner/blob/main/src/Runner.Worker/ExecutionContext.cs>.
const MAX_ANNOTATION_CHARS: usize = 3_500;
/// An annotation of several lines is complete in the log. Gitea stores 64 KiB of one line.
const MAX_LINES_CHARS: usize = 40_000;
/// The most that is shown of the output of one operation.
const MAX_OUTPUT_LINES: usize = 100;
const MAX_OUTPUT_LINE_CHARS: usize = 1_000;
/// A character has up to four bytes.
const MAX_OUTPUT_LINE_BYTES: usize = 4 * MAX_OUTPUT_LINE_CHARS;
/// How much of an output is searched for secrets. The end of each line is searched for as far as a secret may reach, which is
/// 100 KB for a token of 18 KB.
const MAX_OUTPUT_BYTES: usize = 64 * 1024;
/// How much of a text is read for one character that is shown: sanitizing makes text shorter.
const READ_BYTES_PER_CHAR: usize = 16;

pub(crate) struct Log<'h, H> {
    host: &'h H,
    masks: Rc<Masks>,
    /// The prefix of every line, where the lines of several logins are mixed.
    label: Option<RefCell<String>>,
}

impl<'h, H: Host> Log<'h, H> {
    /// Registers every variant of the secrets with the runner before anything can be printed.
    pub(crate) fn masking(host: &'h H, masks: Masks) -> Self {
        mask_commands::register(host, &masks);
        Self::redacting(host, masks)
    }

    /// For the post step: runners keep the masks of the main step, and show each command as a line of its own.
    pub(crate) fn redacting(host: &'h H, masks: Masks) -> Self {
        let masks = Rc::new(masks);
        host.redact_panics({
            let masks = Rc::clone(&masks);
            move |message| quote(&masks, message, MAX_ANNOTATION_CHARS)
        });
        Self { host, masks, label: None }
    }

    /// A log for one login; its lines are labelled unless it is the only one.
    pub(crate) fn for_login(&self, is_only: bool) -> Self {
        let label = if is_only { None } else { Some(RefCell::default()) };
        Self { host: self.host, masks: Rc::clone(&self.masks), label }
    }

    pub(crate) fn is_labelled(&self) -> bool {
        self.label.is_some()
    }

    /// From now on every line of a labelled log starts with `[name] `.
    pub(crate) fn set_label(&self, name: &str) {
        if let Some(label) = &self.label {
            label.replace(format!("[{}] ", self.safe(name)));
        }
    }

    pub(crate) fn info(&self, line: &str) {
        self.print(&self.safe(line));
    }

    /// One line for a request that failed and is sent again after `wait_ms`.
    pub(crate) fn retrying(&self, error: &impl Display, wait_ms: u32, failed_attempts: u32, max_attempts: Option<u32>) {
        let of = max_attempts.map(|max| format!(" of {max}")).unwrap_or_default();
        let next = failed_attempts + 1;
        self.info(&format!("{error} Retrying in {} (attempt {next}{of}).", wait_seconds(wait_ms)));
    }

    /// The one line of a step that the API has slowed down with `error`.
    pub(crate) fn slowing_down(&self, error: &impl Display, pause_ms: u32) {
        let pause = wait_seconds(pause_ms);
        self.info(&format!("{error} Pausing all requests for {pause}; after that they are sent more slowly."));
    }

    /// The one line of a step whose requests are used up for a while, as the API's responses tell.
    pub(crate) fn pausing(&self, pause_ms: u32) {
        self.info(&format!("The API accepts no more requests for {}. Pausing all requests.", wait_seconds(pause_ms)));
    }

    /// One line for a login that failed on the server and is requested again after `wait_ms`.
    pub(crate) fn retrying_login(&self, error: &impl Display, wait_ms: u32, failed_attempts: u32, max_attempts: u32) {
        let next = failed_attempts + 1;
        self.info(&format!(
            "{error} Retrying the login in {} (attempt {next} of {max_attempts}).",
            wait_seconds(wait_ms)
        ));
    }

    /// What a program on the server printed, as plain lines: no commands, no annotations.
    pub(crate) fn output(&self, program: &str, output: &str) {
        let extra_bytes = self.masks.max_encoded_bytes();
        let excerpt = text::excerpt(output, MAX_OUTPUT_LINES, MAX_OUTPUT_BYTES, MAX_OUTPUT_LINE_BYTES, extra_bytes);
        for line in self.masks.redact_lines(&excerpt) {
            let line = text::sanitize(&line);
            if !line.is_empty() {
                let line = text::truncate(self.masks.redact(&line), MAX_OUTPUT_LINE_CHARS);
                self.print(&format!("  {program} | {line}"));
            }
        }
        if excerpt.hidden > 0 {
            self.print(&format!("  {program} | ({} more lines not shown)", excerpt.hidden));
        }
    }

    /// Text from outside as part of a sentence: one redacted and sanitized line of at most `max_chars` characters.
    pub(crate) fn quote(&self, text: &str, max_chars: usize) -> String {
        quote(&self.masks, text, max_chars)
    }

    pub(crate) fn notice(&self, title: &str, message: &str) {
        self.host.notice(title, &self.safe(message));
    }

    pub(crate) fn warning(&self, title: &str, message: &str) {
        self.host.warning(title, &self.safe(message));
    }

    /// A warning of several lines, all of them shown.
    pub(crate) fn warning_lines(&self, title: &str, lines: &[String]) {
        self.host.warning(title, &self.safe_lines(lines));
    }

    /// The one error annotation of a failed step: the cause and how to fix it.
    pub(crate) fn error(&self, title: &str, lines: &[String]) {
        self.host.error(title, &self.safe_lines(lines));
    }

    /// Whether a value contains a secret, and so must not become an output or part of the state.
    pub(crate) fn is_secret(&self, value: &str) -> bool {
        self.masks.found_in(value)
    }

    fn print(&self, safe: &str) {
        match &self.label {
            Some(label) => self.host.info(&format!("{}{safe}", label.borrow())),
            None => self.host.info(safe),
        }
    }

    fn safe(&self, text: &str) -> String {
        self.quote(text, MAX_ANNOTATION_CHARS)
    }

    fn safe_lines(&self, lines: &[String]) -> String {
        if let [line] = lines {
            return self.safe(line);
        }
        // Long lines get the space that short ones leave.
        let share = MAX_LINES_CHARS / lines.len().max(1);
        let left: usize = lines.iter().map(|line| share.saturating_sub(line.len())).sum();
        let long = lines.iter().filter(|line| line.len() > share).count();
        let max_chars = share + left / long.max(1);
        lines.iter().map(|line| self.quote(line, max_chars)).collect::<Vec<_>>().join("\n")
    }
}

/// Rounded up, so that a short wait is not shown as `0.0 s`.
fn wait_seconds(wait_ms: u32) -> String {
    text::seconds(f64::from(wait_ms.div_ceil(100)) * 100.0)
}

/// Redacts secrets while they are complete, then sanitizes, then redacts what that has joined, then truncates.
fn quote(masks: &Masks, text: &str, max_chars: usize) -> String {
    let line = text::sanitize(&masks.redact_head(text, max_chars.saturating_mul(READ_BYTES_PER_CHAR)));
    text::truncate(masks.redact(&line), max_chars)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    fn log(host: &FakeHost) -> Log<'_, FakeHost> {
        Log::redacting(host, Masks::default())
    }

    #[test]
    fn output_has_at_most_100_lines_of_1000_characters() {
        for (lines, hidden) in [(100, None), (103, Some("info   docker | (3 more lines not shown)"))] {
            let host = FakeHost::default();
            log(&host).output("docker", &"line\n".repeat(lines));
            let shown = host.events("info");
            assert_eq!(shown.len(), 100 + hidden.iter().len());
            assert_eq!(shown.get(100).map(String::as_str), hidden);
        }
        let host = FakeHost::default();
        log(&host).output("docker", &format!("{}\n\u{7}\n{}", "🦀".repeat(1_000), "€".repeat(1_001)));
        let lengths: Vec<usize> = host.events("info").iter().map(|line| line.matches(['🦀', '€']).count()).collect();
        assert_eq!(lengths, [1_000, 1_000], "a line that is empty when it is sanitized is left out");
        assert!(host.events("info")[1].ends_with('…') && !host.events("info")[0].ends_with('…'));
    }

    /// The lengths of the lines of an error whose lines have these lengths.
    fn shown(lengths: &[usize]) -> Vec<usize> {
        let host = FakeHost::default();
        log(&host).error("Title", &lengths.iter().map(|length| "x".repeat(*length)).collect::<Vec<_>>());
        let error = host.events("error").concat();
        error["error Title: ".len()..].lines().map(|line| line.chars().count()).collect()
    }

    #[test]
    fn long_lines_of_an_error_get_the_space_that_short_ones_leave() {
        assert_eq!(shown(&[5_000]), [MAX_ANNOTATION_CHARS + 1], "one line is an annotation, with an ellipsis");
        assert_eq!(shown(&[30_000, 100]), [30_000, 100]);
        assert_eq!(shown(&[50_000, 100]), [39_901, 100]);
        assert_eq!(shown(&[30_000, 30_000, 100]), [19_950, 19_950, 100]);
        assert_eq!(shown(&[13_333, 26_000, 100]), [13_333, 26_000, 100], "a line as long as its share is not long");
        assert_eq!(shown(&[20_000, 20_000]), [20_000, 20_000]);
    }

    #[test]
    fn waits_are_rounded_up_to_tenths() {
        assert_eq!([0, 1, 100, 250, 2_000].map(wait_seconds), ["0.0 s", "0.1 s", "0.1 s", "0.3 s", "2.0 s"]);
    }

    #[test]
    fn a_retried_login_is_one_line() {
        let host = FakeHost::default();
        log(&host).retrying_login(&"It failed.", 500, 1, 3);
        assert_eq!(host.events("info"), ["info It failed. Retrying the login in 0.5 s (attempt 2 of 3)."]);
    }
}
