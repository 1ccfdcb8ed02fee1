//! The port: everything the logic needs from the world outside, as one trait.
//!
//! The only real implementation is the JavaScript one in `js::host`; unit tests bring a fake.

use crate::json::Json;

/// What runs the action: a runner's environment, its command channel, a clock and a network.
pub(crate) trait Host {
    /// What a JSON text says; `None` when it is none, or only half of one.
    fn parse_json(&self, text: &str) -> Option<Json>;
    /// The milliseconds since 1970 of a date as HTTP headers have it.
    fn parse_date(&self, date: &str) -> Option<f64>;
    fn base64(&self, text: &str) -> String;
    /// What a base64 text says, whatever it is worth.
    fn decode_base64(&self, base64: &str) -> String;
    /// The value of an input as the runner passed it, not trimmed; empty when unset.
    fn input(&self, name: &str) -> String;
    /// An environment variable; empty when unset.
    fn env(&self, name: &str) -> String;
    /// A value that main saved for post; empty when absent.
    fn state(&self, key: &str) -> String;
    /// Saves a value for post. Written through at once: a kill after this call does not lose it.
    fn save_state(&self, key: &str, value: &str) -> Result<(), String>;
    fn set_output(&self, name: &str, value: &str) -> Result<(), String>;
    /// Trusts the CA certificates of a PEM text, or of the PEM file that it names, from now on; resolves to them. The error
    /// ends the sentence "ca_certificate …".
    fn trust(&self, pem_or_path: &str) -> Result<String, String>;
    /// Asks the runner to hide a value in everything it shows from here on.
    fn mask(&self, value: &str);
    /// One plain log line.
    fn info(&self, line: &str);
    fn warning(&self, title: &str, message: &str);
    fn error(&self, title: &str, message: &str);
    /// A raw line of the command channel, for commands that the runner's toolkit has no function for.
    fn command(&self, line: &str);
    /// Milliseconds on a clock that only goes forward.
    fn now_ms(&self) -> f64;
    /// Milliseconds since 1970 by the runner's wall clock, which may be off or jump.
    fn wall_clock_ms(&self) -> f64;
    /// A random number from 0 to 1.
    fn random(&self) -> f64;
    /// Resolves when the runner asks the step to stop, and never otherwise.
    async fn cancelled(&self);
    async fn sleep(&self, ms: u32);
    /// One HTTP exchange, redirects not followed, given up after `request.timeout_ms`.
    async fn send(&self, request: Request<'_>) -> Result<Reply, Fault>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

/// An HTTP request. `Debug` is left out on purpose: headers and body carry secrets.
pub(crate) struct Request<'a> {
    pub(crate) method: Method,
    pub(crate) url: String,
    /// The value of the `Authorization` header.
    pub(crate) authorization: &'a str,
    pub(crate) body: Option<&'a Json>,
    pub(crate) timeout_ms: u32,
}

/// An HTTP response, whatever its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) location: Option<String>,
    pub(crate) retry_after: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) body: String,
}

/// Why there is no [`Reply`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No complete reply within the request's own time limit.
    TimedOut,
    /// The reply is larger than the action is willing to hold.
    TooLarge,
    /// The connection could not be made or broke; `code` as Node names it (`ECONNREFUSED`), or empty.
    Network { code: String, message: String },
}

#[cfg(test)]
pub(crate) mod fake {
    //! A host that lives in memory: scripted replies, a clock that only sleeping moves.

    use super::{Fault, Host, Method, Reply, Request};
    use crate::json::{Json, native};
    use base64::{Engine, engine::general_purpose::STANDARD};
    use std::cell::{Cell, RefCell};
    use std::collections::{HashMap, VecDeque};

    #[derive(Default)]
    pub(crate) struct FakeHost {
        inputs: HashMap<String, String>,
        env: HashMap<String, String>,
        state: HashMap<String, String>,
        /// What each request in turn is answered with.
        replies: RefCell<VecDeque<Result<Reply, Fault>>>,
        pub(crate) now_ms: Cell<f64>,
        /// Whether a request without a scripted reply hangs and the runner then asks the step to stop.
        cancels: bool,
        /// Everything that happened, in order, one line each.
        pub(crate) events: RefCell<Vec<String>>,
    }

    impl FakeHost {
        pub(crate) fn with_inputs(mut self, inputs: &[(&str, &str)]) -> Self {
            extend(&mut self.inputs, inputs);
            self
        }

        pub(crate) fn with_env(mut self, env: &[(&str, &str)]) -> Self {
            extend(&mut self.env, env);
            self
        }

        pub(crate) fn with_state(mut self, state: &[(&str, &str)]) -> Self {
            extend(&mut self.state, state);
            self
        }

        pub(crate) fn answering(self, replies: &[(u16, &str)]) -> Self {
            let reply = |(status, body): &(u16, &str)| {
                Ok(Reply { status: *status, body: (*body).to_owned(), ..Reply::default() })
            };
            replies.iter().map(reply).fold(self, Self::answering_with)
        }

        /// After the answers so far, one more: a reply, or a fault instead of it.
        pub(crate) fn answering_with(self, answer: Result<Reply, Fault>) -> Self {
            self.replies.borrow_mut().push_back(answer);
            self
        }

        /// After the replies so far, a request that hangs, and a runner that then asks the step to stop.
        pub(crate) fn cancelling(mut self) -> Self {
            self.cancels = true;
            self
        }

        /// The recorded events that begin with `kind`.
        pub(crate) fn events(&self, kind: &str) -> Vec<String> {
            self.events.borrow().iter().filter(|event| event.starts_with(kind)).cloned().collect()
        }

        fn record(&self, event: String) {
            self.events.borrow_mut().push(event);
        }
    }

    fn extend(map: &mut HashMap<String, String>, pairs: &[(&str, &str)]) {
        map.extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    }

    impl Host for FakeHost {
        fn parse_json(&self, text: &str) -> Option<Json> {
            native::parse(text)
        }
        fn parse_date(&self, date: &str) -> Option<f64> {
            let since = httpdate::parse_http_date(date).ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
            Some(since.as_millis() as f64)
        }
        fn base64(&self, text: &str) -> String {
            STANDARD.encode(text)
        }
        fn decode_base64(&self, base64: &str) -> String {
            String::from_utf8(STANDARD.decode(base64).unwrap_or_default()).unwrap_or_default()
        }
        fn input(&self, name: &str) -> String {
            self.inputs.get(name).cloned().unwrap_or_default()
        }
        fn env(&self, name: &str) -> String {
            self.env.get(name).cloned().unwrap_or_default()
        }
        fn state(&self, key: &str) -> String {
            self.state.get(key).cloned().unwrap_or_default()
        }
        fn save_state(&self, key: &str, value: &str) -> Result<(), String> {
            self.record(format!("state {key}={value}"));
            Ok(())
        }
        fn set_output(&self, name: &str, value: &str) -> Result<(), String> {
            self.record(format!("output {name}={value}"));
            Ok(())
        }
        fn trust(&self, pem_or_path: &str) -> Result<String, String> {
            self.record(format!("trust {pem_or_path}"));
            let is_pem = pem_or_path.starts_with("-----BEGIN CERTIFICATE");
            if is_pem { Ok(pem_or_path.to_owned()) } else { Err("holds no PEM certificate".to_owned()) }
        }
        fn mask(&self, value: &str) {
            self.record(format!("mask {value}"));
        }
        fn info(&self, line: &str) {
            self.record(format!("info {line}"));
        }
        fn warning(&self, title: &str, message: &str) {
            self.record(format!("warning {title}: {message}"));
        }
        fn error(&self, title: &str, message: &str) {
            self.record(format!("error {title}: {message}"));
        }
        fn command(&self, line: &str) {
            self.record(format!("command {line}"));
        }
        fn now_ms(&self) -> f64 {
            self.now_ms.get()
        }
        fn wall_clock_ms(&self) -> f64 {
            784_111_777_000.0
        }
        fn random(&self) -> f64 {
            1.0
        }
        async fn cancelled(&self) {
            if !self.cancels {
                std::future::pending::<()>().await;
            }
        }
        async fn sleep(&self, ms: u32) {
            self.now_ms.set(self.now_ms.get() + f64::from(ms));
        }
        async fn send(&self, request: Request<'_>) -> Result<Reply, Fault> {
            let method = if request.method == Method::Get { "GET" } else { "POST" };
            self.record(format!("send {method} {}", request.url));
            let scripted = self.replies.borrow_mut().pop_front();
            if scripted.is_none() && self.cancels {
                std::future::pending::<()>().await;
            }
            let reply = scripted.unwrap_or(Err(Fault::TimedOut));
            if reply == Err(Fault::TimedOut) {
                self.now_ms.set(self.now_ms.get() + f64::from(request.timeout_ms));
            }
            reply
        }
    }
}
