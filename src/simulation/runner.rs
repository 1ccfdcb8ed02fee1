//! The runner: starts the steps as processes that it cancels or kills, and keeps what they leave behind.

use super::inputs;
use super::plan::{Plan, PostInputs, Runner, Stop, Use, Written};
use super::reoclo::{Departure, Reoclo, Seen, Step};
use crate::host::codec::Codec;
use crate::host::fake::{self, START_UNIX_MS};
use crate::host::json::JsonError;
use crate::host::virtual_time::{Run, VirtualTime};
use crate::host::{Host, NOT_SENT, Request, Response, TransportError};
use crate::step;
use base64::{Engine, engine::general_purpose::STANDARD};
use futures_util::future::{Either, select};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

/// When GitHub's runner kills a step that it has cancelled:
/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-cancellation>.
const KILL_AFTER_CANCEL_MS: u64 = 10_000;
/// The runner's own limit of a step.
const STEP_LIMIT_MS: u64 = 6 * 3_600_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Info,
    Notice,
    Warning,
    Error,
    Command,
    Mask,
}

/// How a step has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// `true` for success; the post step has always success.
    Exited(bool),
    Killed,
    /// It waits for ever, or until the runner's own limit.
    Stuck,
    Panicked,
}

/// What a step has done.
#[derive(Debug)]
pub(super) struct StepRecord {
    pub(super) started_ms: u64,
    pub(super) ended_ms: u64,
    pub(super) end: End,
    pub(super) cancelled_ms: Option<u64>,
    pub(super) lines: Vec<(Kind, String)>,
    pub(super) outputs: Vec<(String, String)>,
    pub(super) summary: String,
    /// What post will find, whatever the runner has lost.
    pub(super) state: HashMap<String, String>,
    /// Whether the runner could not write a file.
    pub(super) disk_was_full: bool,
    /// Whether that includes the state.
    pub(super) state_was_lost: bool,
    /// Whether it was stopped while it wrote the state.
    pub(super) killed_in_write: bool,
}

impl StepRecord {
    pub(super) fn succeeded(&self) -> bool {
        self.end == End::Exited(true)
    }

    pub(super) fn lines_of(&self, kind: Kind) -> impl Iterator<Item = &str> {
        self.lines.iter().filter(move |(other, _)| *other == kind).map(|(_, text)| text.as_str())
    }
}

/// A job while it runs.
pub(super) struct Job<'a> {
    pub(super) plan: &'a Plan,
    pub(super) time: VirtualTime,
    pub(super) reoclo: RefCell<Reoclo>,
}

impl Job<'_> {
    pub(super) fn main(&self, of: usize, use_: &Use) -> StepRecord {
        let inputs = inputs::own(self.plan, use_);
        let process = Process::new(self, Step { of, is_main: true }, use_.main_stop, inputs, HashMap::new());
        let process = Process { full_disk_from: use_.full_disk_from, ..process };
        let run = process.run(step::main(&process));
        process.into_record(run)
    }

    pub(super) fn post(&self, of: usize, use_: &Use, state: HashMap<String, String>) -> StepRecord {
        let inputs = match use_.post_inputs {
            PostInputs::Own => inputs::own(self.plan, use_),
            PostInputs::OfParent => inputs::of_parent(self.plan.between(0, 1, ("parent cleans up", of)) == 1),
            PostInputs::Empty => serde_json::json!({}),
        };
        let process = Process::new(self, Step { of, is_main: false }, use_.post_stop, inputs, state);
        let run = process.run(async {
            step::post(&process).await;
            true
        });
        process.into_record(run)
    }
}

/// A step while it runs: what the core sees of the world.
struct Process<'a> {
    job: &'a Job<'a>,
    step: Step,
    inputs: serde_json::Value,
    state: HashMap<String, String>,
    started_ms: u64,
    stop: Option<Stop>,
    full_disk_from: Option<u8>,
    writes: Cell<u8>,
    state_writes: Cell<u8>,
    disk_was_full: Cell<bool>,
    state_was_lost: Cell<bool>,
    is_dead: Cell<bool>,
    last_random: Cell<u64>,
    lines: RefCell<Vec<(Kind, String)>>,
    outputs: RefCell<Vec<(String, String)>>,
    summary: RefCell<String>,
    saved: RefCell<HashMap<String, String>>,
}

impl<'a> Process<'a> {
    fn new(
        job: &'a Job<'a>,
        step: Step,
        stop: Option<Stop>,
        inputs: serde_json::Value,
        state: HashMap<String, String>,
    ) -> Self {
        Self {
            job,
            step,
            inputs,
            state,
            started_ms: job.time.now_ms(),
            stop,
            full_disk_from: None,
            writes: Cell::new(0),
            state_writes: Cell::new(0),
            disk_was_full: Cell::new(false),
            state_was_lost: Cell::new(false),
            is_dead: Cell::new(false),
            last_random: Cell::new(0),
            lines: RefCell::default(),
            outputs: RefCell::default(),
            summary: RefCell::default(),
            saved: RefCell::default(),
        }
    }

    /// Runs the step. `None` if it panics.
    fn run(&self, step: impl Future<Output = bool>) -> Option<Run<bool>> {
        let what = if self.step.is_main { "main" } else { "post" };
        self.note(|| format!("runner    starts {what} of use {}", self.step.of));
        let ends_ms = match self.stop {
            Some(Stop::CancelAt(ms)) => self.started_ms + u64::from(ms) + KILL_AFTER_CANCEL_MS,
            Some(Stop::KillAt(ms)) => self.started_ms + u64::from(ms),
            _ => self.started_ms + STEP_LIMIT_MS,
        };
        let run = || self.job.time.run(step, ends_ms, || !self.is_dead.get());
        let run = catch_unwind(AssertUnwindSafe(run)).ok();
        self.note(|| match &run {
            Some(run) => format!("runner    {what} of use {}: {run:?}", self.step.of),
            None => format!("runner    {what} of use {} panics", self.step.of),
        });
        run
    }

    fn into_record(self, run: Option<Run<bool>>) -> StepRecord {
        let lines = self.lines.into_inner();
        let state = match run {
            Some(Run::Dropped) if self.job.plan.runner == Runner::Gitea => printed_state(&lines),
            _ => self.saved.into_inner(),
        };
        let has_reached_limit = self.job.time.now_ms() >= self.started_ms + STEP_LIMIT_MS && !self.is_dead.get();
        StepRecord {
            started_ms: self.started_ms,
            ended_ms: self.job.time.now_ms(),
            end: match run {
                Some(Run::Finished(succeeded)) => End::Exited(succeeded),
                Some(Run::Dropped) if has_reached_limit => End::Stuck,
                Some(Run::Dropped) => End::Killed,
                Some(Run::Stuck) => End::Stuck,
                None => End::Panicked,
            },
            cancelled_ms: match self.stop {
                Some(Stop::CancelAt(ms)) => Some(self.started_ms + u64::from(ms)),
                _ => None,
            },
            lines,
            outputs: self.outputs.into_inner(),
            summary: self.summary.into_inner(),
            state,
            disk_was_full: self.disk_was_full.get(),
            state_was_lost: self.state_was_lost.get(),
            killed_in_write: self.is_dead.get(),
        }
    }

    fn note(&self, text: impl FnOnce() -> String) {
        self.job.reoclo.borrow_mut().note(self.job.time.now_ms(), text);
    }

    fn print(&self, kind: Kind, text: String) {
        if !self.is_dead.get() {
            if kind != Kind::Mask {
                self.note(|| format!("log       {kind:?}: {text}"));
            }
            self.lines.borrow_mut().push((kind, text));
        }
    }

    /// Writes one of the runner's files.
    fn write(&self, what: impl FnOnce() -> String, write: impl FnOnce()) -> Result<(), String> {
        if self.is_dead.get() {
            return Ok(());
        }
        let nth = self.writes.get();
        self.writes.set(nth.saturating_add(1));
        if self.full_disk_from.is_some_and(|from| nth >= from) {
            self.disk_was_full.set(true);
            self.note(|| "runner    no space left on device".to_owned());
            return Err("ENOSPC: no space left on device, write".to_owned());
        }
        self.note(what);
        write();
        Ok(())
    }

    /// The step is killed while it writes a state.
    fn tear(&self, key: &str, value: &str, written: Written) {
        self.note(|| format!("runner    kills the step while it writes {key}: {written:?} is written"));
        match (written, self.job.plan.runner) {
            (Written::Nothing, _) => {}
            (Written::All, _) => {
                self.saved.borrow_mut().insert(key.to_owned(), value.to_owned());
            }
            // The runner ignores a value in its file that has no end.
            (Written::Torn, Runner::GitHub) => {}
            // What is printed without an end of line is not read. The state file is lost in any case.
            (Written::Torn, Runner::Gitea) => {
                let is_of_key = |line: &str| line.starts_with(&format!("::save-state name={key}::"));
                self.lines.borrow_mut().pop_if(|(kind, line)| *kind == Kind::Command && is_of_key(line));
            }
            // A printed line is read as far as it goes.
            (Written::Torn, Runner::WithoutStateFile) => {
                // Without any of it, the post step knows of no login.
                let length = self.job.plan.between(1, value.len() as u64 - 1, "torn") as usize;
                let torn = value.get(..length).unwrap_or(value);
                self.saved.borrow_mut().insert(key.to_owned(), torn.to_owned());
            }
        }
    }

    async fn exchange(&self, departure: Departure, timeout_ms: u32) -> (Result<Response, TransportError>, Seen) {
        let Departure { exchange, connects_ms, failure } = departure;
        let (time, reoclo) = (&self.job.time, &self.job.reoclo);
        let timeout_at_ms = time.now_ms() + u64::from(timeout_ms);
        let timed_out = |was_sent| {
            (Err(TransportError::TimedOut { was_sent }), if was_sent { Seen::NoAnswer } else { Seen::NotSent })
        };
        let never_connects = matches!(failure, Some(TransportError::TimedOut { .. }));
        let connects_ms = if never_connects { timeout_at_ms } else { connects_ms };
        // A cancelled step gives up what has no connection.
        let connects = pin!(time.sleep_until(connects_ms.min(timeout_at_ms)));
        let is_cancelled = matches!(select(connects, pin!(self.cancelled())).await, Either::Right(_));
        if is_cancelled {
            let error = TransportError::Network { code: NOT_SENT.to_owned(), message: "cancelled".to_owned() };
            return (Err(error), Seen::NotSent);
        }
        if connects_ms >= timeout_at_ms {
            return timed_out(false);
        }
        if let Some(failure) = failure {
            return (Err(failure), Seen::NotSent);
        }
        let arrives_ms = reoclo.borrow_mut().connect(exchange, time.now_ms());
        time.sleep_until(arrives_ms.min(timeout_at_ms)).await;
        reoclo.borrow_mut().advance(time.now_ms());
        let answered_ms = reoclo.borrow().answered_ms(exchange).filter(|at_ms| *at_ms < timeout_at_ms);
        time.sleep_until(answered_ms.unwrap_or(timeout_at_ms)).await;
        reoclo.borrow_mut().advance(time.now_ms());
        let answer = answered_ms.and_then(|_| reoclo.borrow_mut().take_answer(exchange));
        answer.unwrap_or_else(|| timed_out(true))
    }
}

/// What a runner that has lost the state file knows from the log.
fn printed_state(lines: &[(Kind, String)]) -> HashMap<String, String> {
    let commands = lines.iter().filter(|(kind, _)| *kind == Kind::Command);
    let states = commands.filter_map(|(_, line)| line.strip_prefix("::save-state name=")?.split_once("::"));
    states.map(|(key, value)| (key.to_owned(), value.replace("%25", "%"))).collect()
}

impl Codec for Process<'_> {
    fn read_json<T: DeserializeOwned>(&self, text: &str) -> Result<T, JsonError> {
        fake::read_json(text)
    }
    fn to_json(&self, value: &(impl Serialize + ?Sized)) -> String {
        serde_json::to_string(value).unwrap()
    }
    fn base64(&self, text: &str) -> String {
        STANDARD.encode(text)
    }
    fn decode_base64(&self, base64: &str) -> String {
        fake::decode_base64(base64)
    }
}

impl Host for Process<'_> {
    fn inputs<T: DeserializeOwned + Default>(&self) -> T {
        T::deserialize(&self.inputs).unwrap()
    }
    fn env(&self, name: &str) -> String {
        let runner = self.job.plan.runner;
        match name {
            "GITHUB_ACTIONS" => "true",
            "GITHUB_STATE" if runner != Runner::WithoutStateFile => "/runner/state",
            "GITHUB_STEP_SUMMARY" => "/runner/summary",
            "GITEA_ACTIONS" if runner == Runner::Gitea => "true",
            "GITHUB_RUN_ID" => "4711",
            "GITHUB_REPOSITORY" => "acme/shop",
            _ => "",
        }
        .to_owned()
    }
    fn state(&self, key: &str) -> String {
        self.state.get(key).cloned().unwrap_or_default()
    }
    fn save_state(&self, key: &str, value: &str) -> Result<(), String> {
        let nth = self.state_writes.get();
        self.state_writes.set(nth.saturating_add(1));
        if let Some(Stop::KillInWrite { nth: at, written }) = self.stop
            && at == nth
            && !self.is_dead.get()
        {
            self.tear(key, value, written);
            self.is_dead.set(true);
            return Ok(());
        }
        let save = || {
            self.saved.borrow_mut().insert(key.to_owned(), value.to_owned());
        };
        let written = self.write(|| format!("state     {key}={value}"), save);
        self.state_was_lost.set(self.state_was_lost.get() || written.is_err());
        written
    }
    fn set_output(&self, name: &str, value: &str) -> Result<(), String> {
        self.write(
            || format!("output    {name}={value}"),
            || self.outputs.borrow_mut().push((name.to_owned(), value.to_owned())),
        )
    }
    fn append_summary(&self, markdown: &str) -> Result<(), String> {
        self.write(
            || format!("summary   {}", markdown.replace('\n', "⏎")),
            || self.summary.borrow_mut().push_str(markdown),
        )
    }
    fn add_ca_certificates(&self, _: &str) -> Result<String, String> {
        Err("is not simulated".to_owned())
    }
    fn mask(&self, value: &str) {
        self.print(Kind::Mask, value.to_owned());
    }
    fn redact_panics(&self, _: impl Fn(&str) -> String + 'static) {}
    fn info(&self, line: &str) {
        self.print(Kind::Info, line.to_owned());
    }
    fn notice(&self, title: &str, message: &str) {
        self.print(Kind::Notice, format!("{title}: {message}"));
    }
    fn warning(&self, title: &str, message: &str) {
        self.print(Kind::Warning, format!("{title}: {message}"));
    }
    fn error(&self, title: &str, message: &str) {
        self.print(Kind::Error, format!("{title}: {message}"));
    }
    fn command(&self, line: &str) {
        self.print(Kind::Command, line.to_owned());
    }
    fn parse_date(&self, date: &str) -> Option<f64> {
        fake::parse_date(date)
    }
    fn monotonic_ms(&self) -> f64 {
        (self.job.time.now_ms() - self.started_ms) as f64
    }
    fn unix_time_ms(&self) -> f64 {
        let now_ms = self.job.time.now_ms();
        let jump_s =
            self.job.plan.clock_jump.filter(|(at_ms, _)| now_ms >= u64::from(*at_ms)).map_or(0, |(_, by_s)| by_s);
        START_UNIX_MS as f64 + now_ms as f64 + f64::from(jump_s) * 1_000.0
    }
    fn random(&self) -> f64 {
        let number = self.last_random.get() + 1;
        self.last_random.set(number);
        let least = if self.job.plan.has_short_backoff { 0.0 } else { 0.5 };
        least + (1.0 - least) * self.job.plan.noise(("random", self.step.of, self.step.is_main, number))
    }
    async fn cancelled(&self) {
        match self.stop {
            Some(Stop::CancelAt(ms)) if self.step.is_main => {
                self.job.time.sleep_until(self.started_ms + u64::from(ms)).await;
            }
            // The post step ignores signals.
            _ => pending().await,
        }
    }
    async fn sleep(&self, ms: u32) {
        self.job.time.sleep_until(self.job.time.now_ms() + u64::from(ms)).await;
    }
    async fn send(&self, request: Request<'_>) -> Result<Response, TransportError> {
        if self.is_dead.get() {
            return pending().await;
        }
        let now_ms = self.job.time.now_ms();
        if !request.url.starts_with("https://api.reoclo.com/") {
            // A post step that has lost its state has nothing but the inputs.
            let is_of_parent = request.authorization.strip_prefix("Bearer ") == Some(inputs::PARENT_API_KEY);
            assert!(is_of_parent && request.url.starts_with(inputs::PARENT_API_URL), "{}", request.url);
            self.note(|| format!("request to the parent's {}", request.url));
            let (code, message) = ("ENOTFOUND".to_owned(), "getaddrinfo ENOTFOUND parent.example.com".to_owned());
            return Err(TransportError::Network { code, message });
        }
        let departure = self.job.reoclo.borrow_mut().depart(self.step, &request, now_ms);
        let exchange = departure.exchange;
        let (response, seen) = self.exchange(departure, request.timeout_ms).await;
        self.job.reoclo.borrow_mut().end(exchange, seen, self.job.time.now_ms());
        response
    }
}
