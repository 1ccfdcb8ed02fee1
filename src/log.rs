//! The printer: the one way by which text reaches the runner's log.
//!
//! Everything passes the redactor, because not every runner masks well, and the neutraliser, because not every
//! server is a friend.

use crate::error::Error;
use crate::host::Host;
use crate::mask;
use crate::secret::Masks;
use crate::text;

/// GitHub's runner shows 4,096 characters of an annotation.
const ANNOTATION_CHARS: usize = 3_500;
/// The most shown of one operation's output.
const REMOTE_LINES: usize = 100;
const REMOTE_LINE_CHARS: usize = 1_000;

pub(crate) struct Log<'h, H> {
    host: &'h H,
    masks: Masks,
}

impl<'h, H: Host> Log<'h, H> {
    /// Registers every form of the secrets with the runner, before anything else can be printed.
    pub(crate) fn masking(host: &'h H, masks: Masks) -> Self {
        mask::register(host, &masks);
        Self { host, masks }
    }

    /// One plain line of the action's own words.
    pub(crate) fn info(&self, line: &str) {
        self.host.info(&self.safe(line));
    }

    /// One line for an attempt that failed and is made again: what failed, which attempt comes, how long it waits.
    pub(crate) fn retrying(&self, what: &str, wait_ms: u32, failed: u32, most: Option<u32>, error: &Error) {
        let tenths = wait_ms.div_ceil(100);
        let of = most.map(|most| format!(" of {most}")).unwrap_or_default();
        self.info(&format!(
            "Retrying {what} in {}.{} s (attempt {}{of}): {error}",
            tenths / 10,
            tenths % 10,
            failed + 1
        ));
    }

    /// What a program on the server printed, as plain lines: never a command, never an annotation.
    pub(crate) fn remote(&self, program: &str, output: &str) {
        let output = self.masks.redact(output);
        let mut lines = text::neutral_lines(&output);
        for line in lines.by_ref().take(REMOTE_LINES) {
            self.host.info(&format!("  {program} | {}", text::capped(self.masks.redact(&line), REMOTE_LINE_CHARS)));
        }
        let hidden = lines.count();
        if hidden > 0 {
            self.host.info(&format!("  {program} | ({hidden} more lines not shown)"));
        }
    }

    /// Somebody else's words as part of a sentence: one line, at most `max_chars`. Secrets go first, while they are
    /// still whole, then what a runner could obey, then what that has brought together, and only then what is too long.
    pub(crate) fn quote(&self, words: &str, max_chars: usize) -> String {
        let words = text::neutral(&self.masks.redact(words));
        text::capped(self.masks.redact(&words), max_chars)
    }

    pub(crate) fn warning(&self, title: &str, message: &str) {
        self.host.warning(title, &self.safe(message));
    }

    /// The one error annotation of a failed step: what happened and what to do about it.
    pub(crate) fn error(&self, error: &Error) {
        self.host.error(error.title(), &self.safe(&error.explained()));
    }

    /// Whether a value repeats a secret, and so must not become an output or part of the state.
    pub(crate) fn is_secret(&self, value: &str) -> bool {
        self.masks.occur_in(value)
    }

    fn safe(&self, text: &str) -> String {
        self.quote(text, ANNOTATION_CHARS)
    }
}
