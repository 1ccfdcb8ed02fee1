//! A host in memory: scripted responses, and a clock that advances when everything waits for it.

use super::json::{self, JsonError};
use super::{Host, Method, Request, Response, TransportError};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Unix time at the start of every test: "Sun, 06 Nov 1994 08:49:37 GMT".
pub(crate) const START_UNIX_MS: u64 = 784_111_777_000;

/// A step whose clock advances more often does not end.
const MAX_ADVANCES: usize = 5_000;

/// Responds to requests that have no scripted response: method and path, body, time in ms → duration in ms, response.
type Api = Box<dyn Fn(&str, &str, f64) -> (u32, Result<Response, TransportError>)>;

#[derive(Default)]
pub(crate) struct FakeHost {
    inputs: HashMap<String, String>,
    env: HashMap<String, String>,
    state: HashMap<String, String>,
    responses: RefCell<VecDeque<Result<Response, TransportError>>>,
    api: Option<Api>,
    now_ms: Cell<f64>,
    /// When each timer is due, and how to wake it.
    timers: RefCell<Vec<(f64, Waker)>>,
    cancelled_at_ms: Option<f64>,
    /// Whether the runner cancels the step when a request has no scripted response.
    cancels_when_stuck: bool,
    is_stuck: Cell<bool>,
    /// Whether the runner's files cannot be written: state, outputs and summary.
    cannot_write: bool,
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

    pub(crate) fn with_state(mut self, state: &[(impl AsRef<str>, impl AsRef<str>)]) -> Self {
        extend(&mut self.state, state);
        self
    }

    pub(crate) fn responding(self, responses: &[(u16, &str)]) -> Self {
        let response = |(status, body): &(u16, &str)| Ok(response(*status, body));
        responses.iter().map(response).fold(self, Self::responding_with)
    }

    /// Adds one scripted response, or an error instead of it.
    pub(crate) fn responding_with(self, response: Result<Response, TransportError>) -> Self {
        self.responses.borrow_mut().push_back(response);
        self
    }

    /// After the scripted responses, `api` responds to method and path, and body, at a time.
    pub(crate) fn responding_by(
        mut self,
        api: impl Fn(&str, &str, f64) -> (u32, Result<Response, TransportError>) + 'static,
    ) -> Self {
        self.api = Some(Box::new(api));
        self
    }

    /// After the scripted responses, a request gets no response and the runner cancels the step.
    pub(crate) fn cancelling(mut self) -> Self {
        self.cancels_when_stuck = true;
        self
    }

    /// The runner's files cannot be written: state, outputs and summary.
    pub(crate) fn without_space(mut self) -> Self {
        self.cannot_write = true;
        self
    }

    pub(crate) fn cancelling_at(mut self, ms: f64) -> Self {
        self.cancelled_at_ms = Some(ms);
        self
    }

    /// Runs a future to its end. The clock advances whenever nothing else can.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        let mut advances = 0;
        loop {
            woken.0.store(false, Ordering::Relaxed);
            if let Poll::Ready(result) = future.as_mut().poll(&mut context) {
                self.timers.take();
                return result;
            }
            if woken.0.load(Ordering::Relaxed) {
                continue;
            }
            let next = self.timers.borrow().iter().map(|(at, _)| *at).fold(f64::INFINITY, f64::min);
            assert!(next.is_finite(), "nothing can continue: {:#?}", self.events.borrow());
            assert!(advances < MAX_ADVANCES, "it does not end");
            advances += 1;
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

    /// The recorded events that start with `kind`.
    pub(crate) fn events(&self, kind: &str) -> Vec<String> {
        self.events.borrow().iter().filter(|event| event.starts_with(kind)).cloned().collect()
    }

    fn write(&self, event: String) -> Result<(), String> {
        if self.cannot_write {
            return Err("no space left".to_owned());
        }
        self.record(event);
        Ok(())
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

/// Whether something can continue before the clock advances.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

pub(crate) fn response(status: u16, body: &str) -> Response {
    Response { status, body: body.to_owned(), ..Response::default() }
}

fn extend(map: &mut HashMap<String, String>, pairs: &[(impl AsRef<str>, impl AsRef<str>)]) {
    map.extend(pairs.iter().map(|(key, value)| (key.as_ref().to_owned(), value.as_ref().to_owned())));
}

impl Host for FakeHost {
    fn inputs<T: DeserializeOwned + Default>(&self) -> T {
        serde_json::to_value(&self.inputs).and_then(serde_json::from_value).unwrap()
    }
    fn env(&self, name: &str) -> String {
        self.env.get(name).cloned().unwrap_or_default()
    }
    fn state(&self, key: &str) -> String {
        self.state.get(key).cloned().unwrap_or_default()
    }
    fn save_state(&self, key: &str, value: &str) -> Result<(), String> {
        self.write(format!("state {key}={value}"))
    }
    fn set_output(&self, name: &str, value: &str) -> Result<(), String> {
        self.write(format!("output {name}={value}"))
    }
    fn append_summary(&self, markdown: &str) -> Result<(), String> {
        self.write(format!("summary {markdown}"))
    }
    fn add_ca_certificates(&self, pem_or_path: &str) -> Result<String, String> {
        self.record(format!("ca {pem_or_path}"));
        let is_pem = pem_or_path.starts_with("-----BEGIN CERTIFICATE");
        if is_pem { Ok(pem_or_path.to_owned()) } else { Err("contains no PEM certificate".to_owned()) }
    }
    fn mask(&self, value: &str) {
        self.record(format!("mask {value}"));
    }
    fn redact_panics(&self, _: impl Fn(&str) -> String + 'static) {}
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
    fn read_json<T: DeserializeOwned>(&self, text: &str) -> Result<T, JsonError> {
        let value: serde_json::Value = serde_json::from_str(json::without_bom(text)).map_err(|_| JsonError::Syntax)?;
        json::check_limits(text)?;
        json::deserialize_value(value)
    }
    fn to_json(&self, value: &(impl Serialize + ?Sized)) -> String {
        serde_json::to_string(value).unwrap()
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
    fn monotonic_ms(&self) -> f64 {
        self.now_ms.get()
    }
    fn unix_time_ms(&self) -> f64 {
        START_UNIX_MS as f64 + self.now_ms.get()
    }
    fn random(&self) -> f64 {
        1.0
    }
    async fn cancelled(&self) {
        if let Some(at_ms) = self.cancelled_at_ms {
            return self.until(at_ms).await;
        }
        poll_fn(|_| if self.is_stuck.get() { Poll::Ready(()) } else { Poll::Pending }).await;
    }
    async fn sleep(&self, ms: u32) {
        self.until(self.now_ms.get() + f64::from(ms)).await;
    }
    async fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        let method = if request.method == Method::Get { "GET" } else { "POST" };
        self.record(format!("send {method} {}", request.url));
        let scripted = self.responses.borrow_mut().pop_front();
        let (ms, response) = match (scripted, &self.api) {
            (Some(response), _) => (0, response),
            (None, Some(api)) => {
                let path = request.url.split("/v1").nth(1).unwrap_or_default();
                api(&format!("{method} {path}"), request.body.unwrap_or_default(), self.now_ms.get())
            }
            (None, None) => {
                if self.cancels_when_stuck {
                    self.is_stuck.set(true);
                    std::future::pending::<()>().await;
                }
                (0, Err(TransportError::TimedOut { was_sent: true }))
            }
        };
        if let Err(TransportError::TimedOut { .. }) = response {
            self.sleep(request.timeout_ms).await;
            return response;
        }
        if ms > request.timeout_ms {
            self.sleep(request.timeout_ms).await;
            return Err(TransportError::TimedOut { was_sent: true });
        }
        self.sleep(ms).await;
        response
    }
}
