//! Reoclo's API, and the network between it and the runner.

use super::plan::{CALLS, Call, Fault, Key, LogoutResponse, OtherJob, Plan};
use super::servers::{Operation, Origin, REGISTRIES, Servers, Start, Status};
use crate::host::fake::response;
use crate::host::{Request, Response, TransportError};
use std::collections::BTreeMap;

pub(super) const API_KEY: &str = "rca_simulated-k3y";
pub(super) const USERNAME: &str = "robot-ci";
pub(super) const ACCESS_TOKEN: &str = "tok-simulated-s3cret";

pub(super) fn server_id(server: usize) -> String {
    format!("5e0c1a00-0000-4000-8000-{server:012x}")
}

pub(super) fn server_name(server: usize) -> String {
    format!("web-{server}")
}

pub(super) fn credential_id(credential: usize) -> String {
    format!("c4ed0000-0000-4000-8000-{credential:012x}")
}

/// The number in an ID of a server or credential.
fn number(id: &str) -> Option<usize> {
    usize::from_str_radix(id.rsplit('-').next()?, 16).ok()
}

/// Which step of which use of the action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) of: usize,
    pub(super) is_main: bool,
}

/// What a step has learned from a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// The step was killed, or gave the request up, before it ended.
    Nothing,
    /// There was no connection.
    NotSent,
    /// No response, or none that says anything. The request may have been executed.
    NoAnswer,
    Rejected {
        status: u16,
        retry_after_ms: Option<u64>,
    },
    /// A login or logout was accepted. `operation` is the one that the response has named, if any.
    Accepted {
        operation: Option<usize>,
        /// Whether it has everything that the API documents.
        is_valid: bool,
    },
    /// A logout has ended without an operation to ask for.
    LoggedOut,
    Status {
        operation: usize,
        has_ended: bool,
    },
}

impl Seen {
    /// Whether it is certain that the request was not executed: its status is that of the API itself, or of a redirect
    /// that was not followed. A gateway sends 408, 499 and 5xx, and may have passed the request on.
    pub(super) fn rules_out_execution(self) -> bool {
        match self {
            Self::NotSent => true,
            Self::Rejected { status, .. } => matches!(status, 301 | 302 | 304..=399 | 400..=407 | 409..=498),
            _ => false,
        }
    }
}

/// One request of the job.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) step: Step,
    pub(super) call: Call,
    pub(super) server: usize,
    /// `None` for polls.
    pub(super) registry: Option<usize>,
    pub(super) credential: usize,
    has_key: bool,
    /// The operation of a poll.
    pub(super) asks_for: Option<usize>,
    pub(super) fault: Option<Fault>,
    pub(super) sent_ms: u64,
    pub(super) ended_ms: Option<u64>,
    /// The operations that it has started.
    pub(super) started: Vec<usize>,
    pub(super) seen: Seen,
    answer: Option<Answer>,
}

impl Exchange {
    /// Whether a gateway sends it a second time, which nobody knows of.
    pub(super) fn is_sent_twice(&self) -> bool {
        matches!(self.fault, Some(Fault::Twice | Fault::TwiceSecondResponse))
    }
}

struct Answer {
    at_ms: u64,
    response: Result<Response, TransportError>,
    seen: Seen,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} at {} ms", self.seen, self.at_ms)
    }
}

enum Event {
    Arrives(usize),
    /// The same request once more, from a gateway.
    ArrivesAgain(usize),
    DockerBegins(usize),
    DockerEnds(usize),
    OtherJob(OtherJob),
}

/// How a request begins.
pub(super) struct Departure {
    pub(super) exchange: usize,
    pub(super) connects_ms: u64,
    /// Why there is no connection, in the end.
    pub(super) failure: Option<TransportError>,
}

/// How often each fault has struck.
pub(super) type Struck = BTreeMap<(Fault, Call), u64>;

pub(super) struct Reoclo {
    plan: Plan,
    pub(super) servers: Servers,
    pub(super) exchanges: Vec<Exchange>,
    events: BTreeMap<(u64, u64), Event>,
    last_event: u64,
    requests: [usize; CALLS.len()],
    tokens: f64,
    filled_ms: u64,
    pub(super) struck: Struck,
    /// The history for people: time and text. `None` if nobody reads it.
    pub(super) timeline: Option<Vec<(u64, String)>>,
}

impl Reoclo {
    pub(super) fn new(plan: &Plan, is_recorded: bool) -> Self {
        let mut reoclo = Self {
            plan: plan.clone(),
            servers: Servers::new(plan),
            exchanges: Vec::new(),
            events: BTreeMap::new(),
            last_event: 0,
            requests: [0; CALLS.len()],
            tokens: plan.api.rate_limit.map_or(0.0, |(capacity, _)| f64::from(capacity)),
            filled_ms: 0,
            struck: Struck::new(),
            timeline: is_recorded.then(Vec::new),
        };
        for other in &plan.others {
            reoclo.schedule(u64::from(other.at_ms), Event::OtherJob(*other));
        }
        reoclo
    }

    pub(super) fn note(&mut self, now_ms: u64, text: impl FnOnce() -> String) {
        if let Some(timeline) = &mut self.timeline {
            timeline.push((now_ms, text()));
        }
    }

    fn schedule(&mut self, at_ms: u64, event: Event) {
        self.last_event += 1;
        self.events.insert((at_ms, self.last_event), event);
    }

    /// Everything that happens until `now_ms`, or until nothing more happens.
    pub(super) fn advance(&mut self, now_ms: u64) {
        while let Some(entry) = self.events.first_entry().filter(|entry| entry.key().0 <= now_ms) {
            let at_ms = entry.key().0;
            match entry.remove() {
                Event::Arrives(exchange) => self.arrive(exchange, at_ms),
                Event::ArrivesAgain(exchange) => {
                    self.note(at_ms, || format!("gateway   sends request {exchange} again"));
                    self.execute(exchange, at_ms);
                }
                Event::DockerBegins(operation) => {
                    self.note(at_ms, || format!("docker    op-{operation} begins"));
                    self.servers.begin(operation);
                }
                Event::DockerEnds(operation) => self.end_docker(operation, at_ms),
                Event::OtherJob(OtherJob { server, registry, is_login, .. }) => {
                    let server = server % self.plan.servers.len();
                    let start = Start { origin: Origin::OtherJob, is_login, server, registry, is_accepted: true };
                    self.start(start, at_ms);
                }
            }
        }
    }

    fn end_docker(&mut self, operation: usize, at_ms: u64) {
        self.servers.end(operation);
        if self.timeline.is_some()
            && let Some(it) = self.servers.operations.get(operation)
        {
            let logins = self.servers.logins.get(it.server).cloned().unwrap_or_default();
            let logins: Vec<String> =
                logins.iter().map(|entry| format!("{} (op-{})", REGISTRIES[entry.registry], entry.operation)).collect();
            let (server, ending) = (server_name(it.server), it.ending);
            self.note(at_ms, || {
                let exit = ending.exit_code.map_or_else(|| "no exit code".to_owned(), |code| format!("exit {code}"));
                format!(
                    "docker    op-{operation} ends: {:?}, {exit}; {server} is logged in to: {}",
                    ending.status,
                    logins.join(", ")
                )
            });
        }
    }

    fn start(&mut self, start: Start, now_ms: u64) -> usize {
        let operation = self.servers.start(&self.plan, start, now_ms);
        if let Some(it) = self.servers.operations.get(operation) {
            let (starts_ms, ends_ms) = (it.starts_ms, it.ends_ms);
            self.schedule(starts_ms, Event::DockerBegins(operation));
            self.schedule(ends_ms, Event::DockerEnds(operation));
            let (server, registry) = (server_name(start.server), REGISTRIES[start.registry]);
            let what = if start.is_login { "login" } else { "logout" };
            self.note(now_ms, || {
                format!("reoclo    op-{operation}: docker {what} {registry} on {server} for {:?}", start.origin)
            });
        }
        operation
    }

    /// A step sends a request.
    pub(super) fn depart(&mut self, step: Step, request: &Request<'_>, now_ms: u64) -> Departure {
        self.advance(now_ms);
        let number = self.exchanges.len();
        let mut exchange = self.read(step, request, now_ms);
        exchange.fault = self.fault(exchange.call);
        let fault = exchange.fault;
        if let Some(fault) = fault {
            *self.struck.entry((fault, exchange.call)).or_default() += 1;
        }
        self.note(now_ms, || {
            let fault = fault.map(|fault| format!("   <- {fault:?}")).unwrap_or_default();
            let what = match (exchange.asks_for, exchange.registry) {
                (Some(operation), _) => format!("op-{operation}"),
                (_, Some(registry)) => format!("{} on {}", REGISTRIES[registry], server_name(exchange.server)),
                _ => server_name(exchange.server),
            };
            format!("request {number}: {:?} {what}{fault}", exchange.call)
        });
        self.exchanges.push(exchange);
        let network =
            |code: &str| TransportError::Network { code: code.to_owned(), message: format!("{code} 192.0.2.1:443") };
        let failure = match fault {
            Some(Fault::Refused) => Some(network("ECONNREFUSED")),
            Some(Fault::DnsFailure) => Some(network("EAI_AGAIN")),
            Some(Fault::ConnectTimeout) => Some(TransportError::TimedOut { was_sent: false }),
            _ if self.is_down(now_ms) == Some(false) => Some(network("ECONNREFUSED")),
            _ => None,
        };
        Departure { exchange: number, connects_ms: now_ms + self.plan.between(1, 30, ("connect", number)), failure }
    }

    fn read(&self, step: Step, request: &Request<'_>, now_ms: u64) -> Exchange {
        let text = request.body.unwrap_or("{}");
        let body: serde_json::Value = serde_json::from_str(text).unwrap_or_else(|_| panic!("not JSON: {text}"));
        let field = |name: &str| body.get(name).and_then(serde_json::Value::as_str);
        let path = request.url.rsplit("/v1").next().unwrap_or_default();
        let asks_for = path.strip_prefix("/operations/op-").and_then(|number| number.parse().ok());
        let asked = asks_for.and_then(|number: usize| self.servers.operations.get(number));
        let call = match path {
            "/registry-auth/login" | "/registry-auth/login-direct" => Call::Login,
            "/registry-auth/logout" => Call::Logout,
            _ if asked.is_some_and(|operation| !operation.is_login) => Call::LogoutPoll,
            _ if step.is_main => Call::Poll,
            _ => Call::LatePoll,
        };
        let server = match asked {
            Some(operation) => operation.server,
            None => field("server_id").and_then(number).unwrap_or(usize::MAX),
        };
        let credential = field("credential_id").and_then(number).unwrap_or(usize::MAX);
        let registry = match field("registry_url") {
            Some(url) => REGISTRIES.iter().position(|registry| *registry == url),
            None => self.plan.credentials.get(credential).map(|credential| credential.registry),
        };
        Exchange {
            step,
            call,
            server,
            registry,
            credential,
            has_key: request.authorization.strip_prefix("Bearer ") == Some(API_KEY),
            asks_for,
            fault: None,
            sent_ms: now_ms,
            ended_ms: None,
            started: Vec::new(),
            seen: Seen::Nothing,
            answer: None,
        }
    }

    fn fault(&mut self, call: Call) -> Option<Fault> {
        let number = self.requests.get_mut(call as usize)?;
        let nth = *number;
        *number += 1;
        let mut faults =
            self.plan.faults.iter().filter(|fault| fault.call == call && self.plan.number(fault.nth) == nth);
        faults.next().map(|fault| fault.fault)
    }

    /// Whether the API is down, and whether a gateway responds for it.
    fn is_down(&self, now_ms: u64) -> Option<bool> {
        let (from_ms, for_ms, has_gateway) = self.plan.api.outage?;
        let is_down = (u64::from(from_ms)..u64::from(from_ms) + u64::from(for_ms)).contains(&now_ms);
        is_down.then_some(has_gateway)
    }

    /// The request has a connection: it arrives whatever becomes of the step. Returns when.
    pub(super) fn connect(&mut self, exchange: usize, now_ms: u64) -> u64 {
        let arrives_ms = now_ms + self.plan.between(1, 20, ("arrives", exchange));
        self.schedule(arrives_ms, Event::Arrives(exchange));
        arrives_ms
    }

    /// When the response reaches the step, if there is one.
    pub(super) fn answered_ms(&self, exchange: usize) -> Option<u64> {
        self.exchanges.get(exchange).and_then(|it| it.answer.as_ref()).map(|answer| answer.at_ms)
    }

    /// The response reaches the step.
    pub(super) fn take_answer(&mut self, exchange: usize) -> Option<(Result<Response, TransportError>, Seen)> {
        let answer = self.exchanges.get_mut(exchange)?.answer.take()?;
        Some((answer.response, answer.seen))
    }

    /// The step knows how its request has ended.
    pub(super) fn end(&mut self, exchange: usize, seen: Seen, now_ms: u64) {
        if let Some(it) = self.exchanges.get_mut(exchange) {
            (it.seen, it.ended_ms) = (seen, Some(now_ms));
        }
        self.note(now_ms, || format!("response {exchange}: {seen:?}"));
    }

    fn arrive(&mut self, number: usize, now_ms: u64) {
        let Some(exchange) = self.exchanges.get(number) else { return };
        let fault = exchange.fault;
        let latency_ms = self.plan.between(2, 60, ("response", number));
        let at_ms = now_ms + latency_ms;
        let rejected = |status: u16| self.rejected(number, status);
        let lost = || {
            (
                Err(TransportError::Network { code: "ECONNRESET".into(), message: "socket hang up".into() }),
                Seen::NoAnswer,
            )
        };
        let unexecuted = match fault {
            _ if self.is_down(now_ms).is_some() => Some(rejected(503)),
            Some(Fault::Reset) => Some(lost()),
            Some(Fault::Silent) => return,
            Some(Fault::LoginPage) => {
                Some((Ok(response(200, "<!doctype html><title>Sign in</title>")), Seen::NoAnswer))
            }
            Some(Fault::Rejected) => {
                Some(rejected(self.pick(number, &[400, 401, 402, 403, 404, 404, 405, 409, 410, 413, 422])))
            }
            Some(Fault::RateLimited) => Some(rejected(429)),
            Some(Fault::Unavailable) => Some(rejected(self.pick(number, &[408, 425, 500, 502, 503, 504, 520, 524]))),
            Some(Fault::Redirected) => Some(rejected(self.pick(number, &[301, 302, 307, 308]))),
            _ => None,
        };
        let (response, seen, at_ms) = match unexecuted {
            Some((response, seen)) => (response, seen, at_ms),
            None => {
                let (response, seen, ready_ms) = self.execute(number, now_ms);
                let at_ms = ready_ms.max(now_ms) + latency_ms;
                match fault {
                    Some(Fault::ResponseLost) => {
                        let (response, seen) = lost();
                        (response, seen, at_ms)
                    }
                    Some(Fault::SilentExecuted) => return,
                    Some(Fault::Late) => {
                        (Ok(response), seen, at_ms + self.plan.between(1_000, 45_000, ("late", number)))
                    }
                    Some(Fault::Twice) => {
                        self.schedule(
                            now_ms + self.plan.between(1, 5_000, ("again", number)),
                            Event::ArrivesAgain(number),
                        );
                        (Ok(response), seen, at_ms)
                    }
                    Some(Fault::TwiceSecondResponse) => {
                        let (response, seen, ready_ms) = self.execute(number, now_ms);
                        (Ok(response), seen, ready_ms.max(now_ms) + latency_ms)
                    }
                    Some(Fault::Truncated) => {
                        let mut response = response;
                        // Without any of its body, the host reports a connection error.
                        let length =
                            response.body.len() * self.plan.between(0, 99, ("truncated", number)) as usize / 100;
                        response.body.truncate(length.max(1));
                        let is_complete = response.body.is_empty() || matches!(seen, Seen::Rejected { .. });
                        (Ok(response), if is_complete { seen } else { Seen::NoAnswer }, at_ms)
                    }
                    Some(Fault::TooLarge) if matches!(seen, Seen::Rejected { .. }) => (Ok(response), seen, at_ms),
                    Some(Fault::TooLarge) => (Err(TransportError::TooLarge), Seen::NoAnswer, at_ms),
                    Some(Fault::UnavailableExecuted) => {
                        let (response, seen) = self.rejected(number, self.pick(number, &[408, 500, 502, 504, 524]));
                        (response, seen, at_ms)
                    }
                    _ => (Ok(response), seen, at_ms),
                }
            }
        };
        if let Some(exchange) = self.exchanges.get_mut(number) {
            exchange.answer = Some(Answer { at_ms, response, seen });
        }
    }

    fn pick(&self, exchange: usize, statuses: &[u16]) -> u16 {
        let at = self.plan.between(0, statuses.len() as u64 - 1, ("status", exchange));
        statuses.get(at as usize).copied().unwrap_or(500)
    }

    /// A response with an error. Some name a time to wait.
    fn rejected(&self, exchange: usize, status: u16) -> (Result<Response, TransportError>, Seen) {
        let noise = self.plan.noise(("retry after", exchange));
        let mut retry_after_s = None;
        if matches!(status, 429 | 503) && noise < 0.7 {
            retry_after_s = Some(if noise < 0.6 { (noise * 10.0) as u64 } else { (noise * 1_000.0) as u64 });
        }
        (Ok(self.error_response(exchange, status, retry_after_s)), rejected(status, retry_after_s))
    }

    fn error_response(&self, exchange: usize, status: u16, retry_after_s: Option<u64>) -> Response {
        let detail = match self.plan.between(0, 4, ("detail", exchange)) {
            0 => format!("key {API_KEY} for {USERNAME}:{ACCESS_TOKEN}\\n::error::it"),
            1 => "Not Found".to_owned(),
            2 => "##[error]no ::set-output name=a::b".to_owned(),
            _ => "not now".to_owned(),
        };
        let mut response = response(status, &format!(r#"{{"detail":"{detail}"}}"#));
        if let Some(seconds) = retry_after_s {
            response.headers.push(("retry-after", seconds.to_string()));
        }
        if (300..400).contains(&status) {
            response.headers.push(("location", "https://login.example.com/".to_owned()));
        }
        response
    }

    /// Executes a request. Returns the response, what it says, and when it is ready.
    fn execute(&mut self, number: usize, now_ms: u64) -> (Response, Seen, u64) {
        if let Err((status, retry_after_s)) = self.authorise(number, now_ms) {
            return (self.error_response(number, status, retry_after_s), rejected(status, retry_after_s), now_ms);
        }
        match self.exchanges.get(number).map(|exchange| exchange.call) {
            Some(Call::Login) => self.start_login(number, now_ms),
            Some(Call::Logout) => self.start_logout(number, now_ms),
            _ => self.report(number, now_ms),
        }
    }

    /// Checks key, rate limit, permissions and IDs.
    fn authorise(&mut self, number: usize, now_ms: u64) -> Result<(), (u16, Option<u64>)> {
        let key = self.plan.api.key;
        let is_invalid = match key {
            Key::Invalid => true,
            Key::RevokedAt(ms) => now_ms >= u64::from(ms),
            _ => false,
        };
        if is_invalid || !self.exchanges.get(number).is_some_and(|exchange| exchange.has_key) {
            return Err((401, None));
        }
        self.take_token(now_ms).map_err(|retry_after_s| (429, Some(retry_after_s)))?;
        let Some(exchange) = self.exchanges.get(number) else { return Err((404, None)) };
        let is_forbidden = match exchange.call {
            Call::Login => key == Key::NoLogin,
            Call::Logout => key == Key::NoLogout,
            _ => key == Key::NoStatus,
        };
        if is_forbidden {
            return Err((403, None));
        }
        let credential = self.plan.credentials.get(exchange.credential);
        let is_known =
            exchange.server < self.plan.servers.len() && credential.is_none_or(|credential| credential.exists);
        if is_known { Ok(()) } else { Err((404, None)) }
    }

    fn take_token(&mut self, now_ms: u64) -> Result<(), u64> {
        let Some((capacity, per_minute)) = self.plan.api.rate_limit else { return Ok(()) };
        let per_ms = f64::from(per_minute) / 60_000.0;
        self.tokens = f64::from(capacity).min(self.tokens + (now_ms - self.filled_ms) as f64 * per_ms);
        self.filled_ms = now_ms;
        if self.tokens < 1.0 {
            return Err(((1.0 - self.tokens) / per_ms / 1_000.0).ceil() as u64);
        }
        self.tokens -= 1.0;
        Ok(())
    }

    fn start_operation(&mut self, number: usize, is_login: bool, now_ms: u64) -> Option<(usize, usize)> {
        let exchange = self.exchanges.get(number)?;
        let (server, registry, of) = (exchange.server, exchange.registry?, exchange.step.of);
        // In passthrough mode the registry tells the credential.
        let credentials = self.plan.credentials.iter();
        let credential = self.plan.credentials.get(exchange.credential);
        let credential = credential.or_else(|| credentials.clone().find(|it| it.registry == registry));
        let is_accepted = !is_login || credential.is_none_or(|it| it.is_accepted);
        let start = Start { origin: Origin::Use(of), is_login, server, registry, is_accepted };
        let operation = self.start(start, now_ms);
        self.exchanges.get_mut(number)?.started.push(operation);
        Some((operation, registry))
    }

    fn start_login(&mut self, number: usize, now_ms: u64) -> (Response, Seen, u64) {
        let Some((operation, registry)) = self.start_operation(number, true, now_ms) else {
            return (self.error_response(number, 422, None), rejected(422, None), now_ms);
        };
        let (id, url) = (Operation::id(operation), REGISTRIES[registry]);
        let fault = self.exchanges.get(number).and_then(|exchange| exchange.fault);
        let (body, seen) = match (fault, self.plan.between(0, 2, ("incomplete", number))) {
            (Some(Fault::WrongType), _) => (format!(r#"["{id}","{url}"]"#), Seen::NoAnswer),
            (Some(Fault::Incomplete), 0) => {
                let body = format!(r#"{{"status":"running","registry_url":"{url}","registry_type":"generic"}}"#);
                (body, Seen::Accepted { operation: None, is_valid: false })
            }
            (Some(Fault::Incomplete), 1) => {
                let body = format!(r#"{{"operation_id":"{id}","status":"running","registry_url":"{url}"}}"#);
                (body, Seen::Accepted { operation: Some(operation), is_valid: false })
            }
            (Some(Fault::Incomplete), _) => {
                (format!(r#"{{"operation_id":"{id}","status":"running","registry_type":"generic"}}"#), Seen::NoAnswer)
            }
            _ => {
                let body = format!(
                    r#"{{"operation_id":"{id}","status":"running","registry_url":"{url}","registry_type":"generic"}}"#
                );
                (body, Seen::Accepted { operation: Some(operation), is_valid: true })
            }
        };
        (response(202, &body), seen, now_ms)
    }

    fn start_logout(&mut self, number: usize, now_ms: u64) -> (Response, Seen, u64) {
        let Some((operation, _)) = self.start_operation(number, false, now_ms) else {
            return (self.error_response(number, 422, None), rejected(422, None), now_ms);
        };
        let Some(it) = self.servers.operations.get(operation) else {
            return (response(500, ""), Seen::NoAnswer, now_ms);
        };
        let (id, ending, reported_ms) = (Operation::id(operation), it.ending, it.reported_ms);
        let fault = self.exchanges.get(number).and_then(|exchange| exchange.fault);
        let accepted = Seen::Accepted { operation: Some(operation), is_valid: true };
        match (fault, self.plan.api.logout_response) {
            (Some(Fault::WrongType), _) if ending.is_success() => (response(200, "[1]"), Seen::LoggedOut, reported_ms),
            (Some(Fault::Incomplete), _) => {
                (response(202, r#"{"status":"running"}"#), Seen::Accepted { operation: None, is_valid: false }, now_ms)
            }
            (_, LogoutResponse::Accepted) => {
                (response(202, r#"{"status":"running"}"#), Seen::Accepted { operation: None, is_valid: false }, now_ms)
            }
            (_, LogoutResponse::Empty) if ending.is_success() => (response(204, ""), Seen::LoggedOut, reported_ms),
            (_, LogoutResponse::Completed | LogoutResponse::Empty) => {
                let seen = if ending.status == Status::Completed { Seen::LoggedOut } else { accepted };
                // An API that responds only at the end reports docker's failure as its own.
                if ending.status == Status::Completed && ending.exit_code != Some(0) {
                    let body = format!(r#"{{"operation_id":"{id}","status":"failed"}}"#);
                    return (response(200, &body), accepted, reported_ms);
                }
                let body = format!(r#"{{"operation_id":"{id}","status":"{}"}}"#, status_word(ending.status));
                (response(200, &body), seen, reported_ms)
            }
            (_, LogoutResponse::Operation) => {
                (response(200, &format!(r#"{{"operation_id":"{id}","status":"running"}}"#)), accepted, now_ms)
            }
        }
    }

    /// The response to a status request.
    fn report(&mut self, number: usize, now_ms: u64) -> (Response, Seen, u64) {
        let asked = self.exchanges.get(number).and_then(|exchange| exchange.asks_for);
        let Some((operation, it)) = asked.and_then(|asked| Some((asked, self.servers.operations.get(asked)?))) else {
            return (self.error_response(number, 404, None), rejected(404, None), now_ms);
        };
        let fault = self.exchanges.get(number).and_then(|exchange| exchange.fault);
        let has_ended = now_ms >= it.reported_ms;
        let status = match () {
            () if has_ended => status_word(it.ending.status),
            () if now_ms < it.starts_ms => "queued",
            () => "running",
        };
        let (id, server) = (Operation::id(operation), server_id(it.server));
        let mut name = server_name(it.server);
        let mut stdout = if has_ended && it.ending.is_success() { "Login Succeeded" } else { "" }.to_owned();
        if fault == Some(Fault::Hostile) {
            name = format!("{name} ::error::{ACCESS_TOKEN}");
            stdout = format!("{API_KEY}\\n::add-mask::x\\r##[error]{ACCESS_TOKEN}\\u001b[31m");
        }
        let seen = Seen::Status { operation, has_ended };
        let result = match (has_ended, it.ending.exit_code) {
            (false, _) => String::new(),
            (true, Some(code)) => {
                format!(r#","result":{{"exit_code":{code},"stdout":"{stdout}","stderr":"{}"}}"#, it.ending.stderr)
            }
            (true, None) => format!(r#","result":{{"stdout":"{stdout}"}}"#),
        };
        let operation_type = if it.is_login { "registry_login" } else { "registry_logout" };
        let head = format!(r#""operation_type":"{operation_type}","server_id":"{server}","server_name":"{name}""#);
        let (body, seen) = match (fault, self.plan.between(0, 1, ("incomplete", number))) {
            (Some(Fault::WrongType), 0) => (r#"{"status":["running"]}"#.to_owned(), Seen::NoAnswer),
            (Some(Fault::WrongType), _) => (
                format!(r#"{{"operation_id":"op-x",{head},"status":"completed","result":{{"exit_code":0}}}}"#),
                Seen::NoAnswer,
            ),
            (Some(Fault::Incomplete), _) => (format!(r#"{{"operation_id":"{id}",{head}}}"#), Seen::NoAnswer),
            _ => (format!(r#"{{"operation_id":"{id}",{head},"status":"{status}"{result}}}"#), seen),
        };
        (response(200, &body), seen, now_ms)
    }
}

fn rejected(status: u16, retry_after_s: Option<u64>) -> Seen {
    Seen::Rejected { status, retry_after_ms: retry_after_s.map(|seconds| seconds * 1_000) }
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Completed => "completed",
        Status::Failed => "failed",
        Status::TimedOut => "timeout",
    }
}
