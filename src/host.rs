//! The port: everything the logic needs from the world outside, as one trait.
//!
//! The only real implementation is the JavaScript one in `js::host`; unit tests bring a fake.

use crate::json::Json;

/// What runs the action: a runner's environment, its command channel, a clock and a network.
pub(crate) trait Host {
    /// What a JSON text says; `None` when it is none, or only half of one.
    fn parse_json(&self, text: &str) -> Option<Json>;
    fn json_text(&self, json: &Json) -> String;
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
    /// Puts Markdown behind what the step's job summary holds already.
    fn append_summary(&self, markdown: &str) -> Result<(), String>;
    /// Trusts the CA certificates of a PEM text, or of the PEM file that it names, from now on; resolves to them. The error
    /// ends the sentence "ca_certificate …".
    fn trust(&self, pem_or_path: &str) -> Result<String, String>;
    /// Asks the runner to hide a value in everything it shows from here on.
    fn mask(&self, value: &str);
    /// One plain log line.
    fn info(&self, line: &str);
    fn notice(&self, title: &str, message: &str);
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
    //! A host that lives in memory: scripted replies, and a clock that goes on when all that runs waits for it.

    use super::{Fault, Host, Method, Reply, Request};
    use crate::json::{Json, native};
    use base64::{Engine, engine::general_purpose::STANDARD};
    use std::cell::{Cell, RefCell};
    use std::collections::{HashMap, VecDeque};
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// What answers a request where no reply is scripted: method and path, body, and how long that takes.
    type Api = Box<dyn Fn(&str, &str) -> (u32, Result<Reply, Fault>)>;

    #[derive(Default)]
    pub(crate) struct FakeHost {
        inputs: HashMap<String, String>,
        env: HashMap<String, String>,
        state: HashMap<String, String>,
        /// What each request in turn is answered with.
        replies: RefCell<VecDeque<Result<Reply, Fault>>>,
        api: Option<Api>,
        now_ms: Cell<f64>,
        /// Who waits for the clock: until when, and how to wake it.
        timers: RefCell<Vec<(f64, Waker)>>,
        /// When the runner asks the step to stop.
        stops_at_ms: Option<f64>,
        /// Whether it does so as soon as a request without a scripted reply hangs.
        stops_when_stuck: bool,
        is_stuck: Cell<bool>,
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
            let reply = |(status, body): &(u16, &str)| Ok(reply(*status, body));
            replies.iter().map(reply).fold(self, Self::answering_with)
        }

        /// After the answers so far, one more: a reply, or a fault instead of it.
        pub(crate) fn answering_with(self, answer: Result<Reply, Fault>) -> Self {
            self.replies.borrow_mut().push_back(answer);
            self
        }

        /// After the replies so far, what `api` makes of method and path, and of the body.
        pub(crate) fn answering_by(
            mut self,
            api: impl Fn(&str, &str) -> (u32, Result<Reply, Fault>) + 'static,
        ) -> Self {
            self.api = Some(Box::new(api));
            self
        }

        /// After the replies so far, a request that hangs, and a runner that then asks the step to stop.
        pub(crate) fn cancelling(mut self) -> Self {
            self.stops_when_stuck = true;
            self
        }

        pub(crate) fn cancelling_at(mut self, ms: f64) -> Self {
            self.stops_at_ms = Some(ms);
            self
        }

        /// Runs to the end, with the clock going on whenever nothing else can.
        pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
            let mut future = pin!(future);
            let mut context = Context::from_waker(Waker::noop());
            loop {
                if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
                    self.timers.take();
                    return result;
                }
                let next = self.timers.borrow().iter().map(|(at, _)| *at).fold(f64::INFINITY, f64::min);
                assert!(next.is_finite(), "nothing can go on: {:#?}", self.events.borrow());
                self.now_ms.set(next.max(self.now_ms.get()));
                self.timers.borrow_mut().retain(|(at, waker)| {
                    let is_due = *at <= next;
                    if is_due {
                        waker.wake_by_ref();
                    }
                    !is_due
                });
            }
        }

        /// The recorded events that begin with `kind`.
        pub(crate) fn events(&self, kind: &str) -> Vec<String> {
            self.events.borrow().iter().filter(|event| event.starts_with(kind)).cloned().collect()
        }

        fn record(&self, event: String) {
            self.events.borrow_mut().push(event);
        }

        async fn until(&self, at_ms: f64) {
            poll_fn(|context| {
                if self.now_ms.get() >= at_ms {
                    return Poll::Ready(());
                }
                self.timers.borrow_mut().push((at_ms, context.waker().clone()));
                Poll::Pending
            })
            .await;
        }
    }

    pub(crate) fn reply(status: u16, body: &str) -> Reply {
        Reply { status, body: body.to_owned(), ..Reply::default() }
    }

    fn extend(map: &mut HashMap<String, String>, pairs: &[(&str, &str)]) {
        map.extend(pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
    }

    impl Host for FakeHost {
        fn parse_json(&self, text: &str) -> Option<Json> {
            native::parse(text)
        }
        fn json_text(&self, json: &Json) -> String {
            native::text(json)
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
        fn append_summary(&self, markdown: &str) -> Result<(), String> {
            self.record(format!("summary {markdown}"));
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
        fn notice(&self, title: &str, message: &str) {
            self.record(format!("notice {title}: {message}"));
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
            784_111_777_000.0 + self.now_ms.get()
        }
        fn random(&self) -> f64 {
            1.0
        }
        async fn cancelled(&self) {
            if let Some(at_ms) = self.stops_at_ms {
                return self.until(at_ms).await;
            }
            poll_fn(|_| if self.is_stuck.get() { Poll::Ready(()) } else { Poll::Pending }).await;
        }
        async fn sleep(&self, ms: u32) {
            self.until(self.now_ms.get() + f64::from(ms)).await;
        }
        async fn send(&self, request: Request<'_>) -> Result<Reply, Fault> {
            let method = if request.method == Method::Get { "GET" } else { "POST" };
            self.record(format!("send {method} {}", request.url));
            let scripted = self.replies.borrow_mut().pop_front();
            let (ms, reply) = match (scripted, &self.api) {
                (Some(reply), _) => (0, reply),
                (None, Some(api)) => {
                    let path = request.url.split("/v1").nth(1).unwrap_or_default();
                    api(&format!("{method} {path}"), &request.body.map(native::text).unwrap_or_default())
                }
                (None, None) => {
                    if self.stops_when_stuck {
                        self.is_stuck.set(true);
                        std::future::pending::<()>().await;
                    }
                    (0, Err(Fault::TimedOut))
                }
            };
            if reply == Err(Fault::TimedOut) || ms > request.timeout_ms {
                self.sleep(request.timeout_ms).await;
                return Err(Fault::TimedOut);
            }
            self.sleep(ms).await;
            reply
        }
    }
}
