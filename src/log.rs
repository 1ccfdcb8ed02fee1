//! The printer: the one way by which text reaches the runner's log.
//!
//! Everything passes the redactor, because not every runner masks well, and the neutraliser, because not every
//! server is a friend.

use crate::error::Error;
use crate::host::Host;
use crate::mask;
use crate::secret::Masks;
use crate::text;
use std::cell::RefCell;
use std::rc::Rc;

/// GitHub's runner shows 4,096 characters of an annotation.
const ANNOTATION_CHARS: usize = 3_500;
/// Of several lines all are shown, in the log if not in the annotation. Gitea keeps 64 KiB of one line.
const ANNOTATIONS_CHARS: usize = 40_000;
/// The most shown of one operation's output.
const REMOTE_LINES: usize = 100;
const REMOTE_LINE_CHARS: usize = 1_000;

pub(crate) struct Log<'h, H> {
    host: &'h H,
    masks: Rc<Masks>,
    /// What a line is about, before the line, where lines of several logins mingle.
    label: Option<RefCell<String>>,
}

impl<'h, H: Host> Log<'h, H> {
    /// Registers every form of the secrets with the runner, before anything else can be printed.
    pub(crate) fn masking(host: &'h H, masks: Masks) -> Self {
        mask::register(host, &masks);
        Self { host, masks: Rc::new(masks), label: None }
    }

    /// A log for one login; with labels, where it is one of several.
    pub(crate) fn of_one(&self, is_only: bool) -> Self {
        let label = if is_only { None } else { Some(RefCell::default()) };
        Self { host: self.host, masks: Rc::clone(&self.masks), label }
    }

    pub(crate) fn is_labelled(&self) -> bool {
        self.label.is_some()
    }

    /// From here on every line of a labelled log begins with `[name] `.
    pub(crate) fn relabel(&self, name: &str) {
        if let Some(label) = &self.label {
            label.replace(format!("[{}] ", self.safe(name)));
        }
    }

    /// One plain line of the action's own words.
    pub(crate) fn info(&self, line: &str) {
        self.print(&self.safe(line));
    }

    /// One line for an attempt that failed and is made again: what failed, which attempt comes, how long it waits.
    pub(crate) fn retrying(&self, what: &str, wait_ms: u32, failed: u32, most: Option<u32>, error: &Error) {
        let wait = text::seconds(wait_ms.div_ceil(100));
        let of = most.map(|most| format!(" of {most}")).unwrap_or_default();
        self.info(&format!("Retrying {what} in {wait} (attempt {}{of}): {error}", failed + 1));
    }

    /// What a program on the server printed, as plain lines: never a command, never an annotation.
    pub(crate) fn remote(&self, program: &str, output: &str) {
        let output = self.masks.redact(output);
        let mut lines = text::neutral_lines(&output);
        for line in lines.by_ref().take(REMOTE_LINES) {
            self.print(&format!("  {program} | {}", text::capped(self.masks.redact(&line), REMOTE_LINE_CHARS)));
        }
        let hidden = lines.count();
        if hidden > 0 {
            self.print(&format!("  {program} | ({hidden} more lines not shown)"));
        }
    }

    /// Somebody else's words as part of a sentence: one line, at most `max_chars`. Secrets go first, while they are
    /// still whole, then what a runner could obey, then what that has brought together, and only then what is too long.
    pub(crate) fn quote(&self, words: &str, max_chars: usize) -> String {
        let words = text::neutral(&self.masks.redact(words));
        text::capped(self.masks.redact(&words), max_chars)
    }

    pub(crate) fn notice(&self, title: &str, message: &str) {
        self.host.notice(title, &self.safe(message));
    }

    pub(crate) fn warning(&self, title: &str, message: &str) {
        self.host.warning(title, &self.safe(message));
    }

    /// A warning of several lines, all of them shown.
    pub(crate) fn warnings(&self, title: &str, lines: &[String]) {
        self.host.warning(title, &self.safe_lines(lines));
    }

    /// The one error annotation of a failed step: what happened and what to do about it, a line for each thing.
    pub(crate) fn error(&self, title: &str, lines: &[String]) {
        self.host.error(title, &self.safe_lines(lines));
    }

    /// Whether a value repeats a secret, and so must not become an output or part of the state.
    pub(crate) fn is_secret(&self, value: &str) -> bool {
        self.masks.occur_in(value)
    }

    fn print(&self, safe: &str) {
        match &self.label {
            Some(label) => self.host.info(&format!("{}{safe}", label.borrow())),
            None => self.host.info(safe),
        }
    }

    fn safe(&self, text: &str) -> String {
        self.quote(text, ANNOTATION_CHARS)
    }

    fn safe_lines(&self, lines: &[String]) -> String {
        if let [line] = lines {
            return self.safe(line);
        }
        // Long lines may have what short ones leave.
        let share = ANNOTATIONS_CHARS / lines.len().max(1);
        let left: usize = lines.iter().map(|line| share.saturating_sub(line.len())).sum();
        let long = lines.iter().filter(|line| line.len() > share).count();
        let mut safe = String::new();
        for line in lines {
            text::append(&mut safe, "\n", &self.quote(line, share + left / long.max(1)));
        }
        safe
    }
}
