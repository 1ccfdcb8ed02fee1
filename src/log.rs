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
        for line in text::neutral_lines(&self.masks.redact(output)) {
            self.host.info(&format!("  {program} | {}", self.masks.redact(&line)));
        }
    }

    pub(crate) fn warning(&self, title: &str, message: &str) {
        self.host.warning(title, &self.safe(message));
    }

    /// The one error annotation of a failed step: what happened and what to do about it.
    pub(crate) fn error(&self, error: &Error) {
        self.host.error(error.title(), &self.explain(error));
    }

    /// An error as one line: cause, then remedy.
    pub(crate) fn explain(&self, error: &Error) -> String {
        self.safe(&format!("{error} Fix: {}", error.fix()))
    }

    /// The text without any form of a secret.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.masks.redact(text)
    }

    /// Redacts before and after: neutralising could join what control characters kept apart.
    fn safe(&self, text: &str) -> String {
        let text = text::neutral(&self.masks.redact(text), ANNOTATION_CHARS);
        self.masks.redact(&text)
    }
}
