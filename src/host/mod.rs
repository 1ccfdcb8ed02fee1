//! The port: everything that the logic needs from outside, as one trait.
//!
//! The implementation for runners is `js::host`; tests on the host use [`fake::FakeHost`].

pub(crate) mod codec;
#[cfg(any(test, fuzzing))]
#[allow(clippy::panic, clippy::unwrap_used)]
pub(crate) mod fake;
pub(crate) mod json;
#[cfg(any(test, fuzzing))]
pub(crate) mod virtual_time;

use codec::Codec;
use serde::de::DeserializeOwned;

/// What runs the action: the runner's environment and commands, clocks, and the network.
pub(crate) trait Host: Codec {
    /// The inputs of the step: an object of strings as the runner passed them, not trimmed. Unset inputs are missing.
    fn inputs<T: DeserializeOwned + Default>(&self) -> T;
    /// An environment variable; empty if unset.
    fn env(&self, name: &str) -> String;
    /// A value that the main step saved for the post step; empty if absent.
    fn state(&self, key: &str) -> String;
    /// Saves a value for the post step. It is written before this returns, so that a kill does not lose it.
    ///
    /// # Errors
    /// The reason why the runner could not save it.
    fn save_state(&self, key: &str, value: &str) -> Result<(), String>;
    /// # Errors
    /// The reason why the runner could not save it.
    fn set_output(&self, name: &str, value: &str) -> Result<(), String>;
    /// Appends Markdown to the job summary of the step.
    ///
    /// # Errors
    /// The reason why it could not be written.
    fn append_summary(&self, markdown: &str) -> Result<(), String>;
    /// Trusts CA certificates, given as PEM text or as the path of a PEM file, for all later requests. Returns the PEM.
    ///
    /// # Errors
    /// The end of the sentence "ca_certificate …".
    fn add_ca_certificates(&self, pem_or_path: &str) -> Result<String, String>;
    /// Asks the runner to mask a value in everything it shows from now on.
    fn mask(&self, value: &str);
    /// Passes on how to redact the message of a panic. Before that, panics are reported without their message.
    fn redact_panics(&self, redact: impl Fn(&str) -> String + 'static);
    /// Prints one plain log line.
    fn info(&self, line: &str);
    fn notice(&self, title: &str, message: &str);
    fn warning(&self, title: &str, message: &str);
    fn error(&self, title: &str, message: &str);
    /// Prints a raw workflow command, for commands that the runner's toolkit does not provide.
    fn command(&self, line: &str);
    /// The Unix time in milliseconds of a date in an HTTP header.
    fn parse_date(&self, date: &str) -> Option<f64>;
    /// Milliseconds of a clock that never goes back.
    fn monotonic_ms(&self) -> f64;
    /// Milliseconds since 1970 of the runner's wall clock, which may be wrong or jump.
    fn unix_time_ms(&self) -> f64;
    /// A random number from 0 to 1.
    fn random(&self) -> f64;
    /// Resolves when the runner cancels the step, and never otherwise. Requests without a connection then fail with the
    /// code [`NOT_SENT`].
    async fn cancelled(&self);
    async fn sleep(&self, ms: u32);
    /// Sends one HTTP request. Redirects are not followed.
    async fn send(&self, request: Request<'_>) -> Result<Response, TransportError>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

/// An HTTP request. It has no `Debug`, since headers and body contain secrets.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: String,
    /// The value of the `Authorization` header.
    pub(crate) authorization: &'a str,
    /// JSON text.
    pub(crate) body: Option<&'a str>,
    /// Until the complete response has been read.
    pub(crate) timeout_ms: u32,
}

/// An HTTP response of any status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Those of [`RESPONSE_HEADERS`] that it has.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Response {
    /// A header by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str())
    }
}

/// The headers that are read.
pub(crate) const RESPONSE_HEADERS: [&str; 8] = [
    "location",
    "retry-after",
    "date",
    "ratelimit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
];

/// The largest response body that a host reads; a docker login prints a few lines.
pub(crate) const MAX_RESPONSE_BYTES: usize = 16 * 1024 * 1024;

/// The code of a request that was given up before there was a connection.
pub(crate) const NOT_SENT: &str = "ERR_NOT_SENT";

/// Why there is no [`Response`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TransportError {
    /// The response was not complete within the timeout of the request. `was_sent` is false if there was no connection.
    TimedOut { was_sent: bool },
    /// The body is larger than [`MAX_RESPONSE_BYTES`].
    TooLarge,
    /// Connecting failed or the connection was lost. `code` is Node's, such as `ECONNREFUSED`, or empty.
    Network { code: String, message: String },
}
