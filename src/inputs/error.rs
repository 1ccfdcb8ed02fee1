//! Errors in the inputs.

use std::fmt;

/// An invalid input. `message` continues the sentence that `input` starts: what is wrong and how to fix it. It never
/// contains the value, since a secret may have been pasted into the wrong input.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InputError {
    pub(crate) input: &'static str,
    pub(crate) message: String,
}

impl InputError {
    pub(crate) fn new(input: &'static str, message: impl Into<String>) -> Self {
        Self { input, message: message.into() }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}.", self.input, self.message)
    }
}

/// All invalid inputs of a step, so that a workflow can be corrected at once.
#[derive(Debug, Default)]
pub(crate) struct InputErrors(pub(crate) Vec<InputError>);

impl InputErrors {
    pub(crate) const TITLE: &str = "Invalid inputs";

    /// The value of a valid input; an error is added and gives `None`.
    pub(crate) fn check<T>(&mut self, result: Result<T, InputError>) -> Option<T> {
        result.map_err(|error| self.0.push(error)).ok()
    }

    /// Cause and fix.
    pub(crate) fn with_fix(&self) -> String {
        let errors: Vec<String> = self.0.iter().map(InputError::to_string).collect();
        format!("{} Fix: correct the inputs above. No request was sent.", errors.join(" "))
    }
}
