//! The network between the runner and Reoclo's API: how requests and responses travel, and what happens meanwhile.

use super::api::{Api, Executed};
use super::exchange::{API_KEY, Answer, Exchange, Seen, Step, number, server_name};
use super::headers;
use crate::host::fake::response;
use crate::host::{Request, Response, TransportError};
use crate::simulation::plan::{CALLS, Call, Down, Fault, OtherJob, Plan};
use crate::simulation::servers::{Origin, REGISTRIES, Servers, Start};
use std::collections::BTreeMap;
use std::rc::Rc;

enum Event {
    Arrives(usize),
    /// The same request once more, from a gateway.
    ArrivesAgain(usize),
    DockerBegins(usize),
    DockerEnds(usize),
    OtherJob(OtherJob),
}

/// How a request begins.
pub(crate) struct Departure {
    pub(crate) exchange: usize,
    pub(crate) connects_ms: u64,
    /// Why there is no connection, in the end.
    pub(crate) failure: Option<TransportError>,
}

/// How often each fault has struck.
pub(crate) type Struck = BTreeMap<(Fault, Call), u64>;

pub(crate) struct Reoclo {
    plan: Rc<Plan>,
    api: Api,
    pub(crate) servers: Servers,
    pub(crate) exchanges: Vec<Exchange>,
    events: BTreeMap<(u64, u64), Event>,
    last_event: u64,
    requests: [usize; CALLS.len()],
    pub(crate) struck: Struck,
    /// The outage of the plan in the time of the job, as far as it is known.
    pub(crate) outage: Option<(u32, u32, Down)>,
    /// The history for people: time and text. `None` if nobody reads it.
    pub(crate) timeline: Option<Vec<(u64, String)>>,
}

impl Reoclo {
    pub(crate) fn new(plan: &Plan, is_recorded: bool) -> Self {
        let plan = Rc::new(plan.clone());
        let mut reoclo = Self {
            api: Api::new(Rc::clone(&plan)),
            servers: Servers::new(&plan),
            exchanges: Vec::new(),
            events: BTreeMap::new(),
            last_event: 0,
            requests: [0; CALLS.len()],
            struck: Struck::new(),
            outage: plan.api.outage.filter(|_| !plan.api.is_outage_of_post),
            timeline: is_recorded.then(Vec::new),
            plan: Rc::clone(&plan),
        };
        for other in &plan.others {
            reoclo.schedule(u64::from(other.at_ms), Event::OtherJob(*other));
        }
        reoclo
    }

    pub(crate) fn note(&mut self, now_ms: u64, text: impl FnOnce() -> String) {
        if let Some(timeline) = &mut self.timeline {
            timeline.push((now_ms, text()));
        }
    }

    /// A post step starts.
    pub(crate) fn start_post(&mut self, now_ms: u64) {
        if self.plan.api.is_outage_of_post && self.outage.is_none() {
            let outage = self.plan.api.outage;
            self.outage = outage.map(|(from_ms, for_ms, down)| (from_ms.saturating_add(now_ms as u32), for_ms, down));
        }
    }

    fn schedule(&mut self, at_ms: u64, event: Event) {
        self.last_event += 1;
        self.events.insert((at_ms, self.last_event), event);
    }

    /// Everything that happens until `now_ms`, or until nothing more happens.
    pub(crate) fn advance(&mut self, now_ms: u64) {
        while let Some(entry) = self.events.first_entry().filter(|entry| entry.key().0 <= now_ms) {
            let at_ms = entry.key().0;
            match entry.remove() {
                Event::Arrives(exchange) => self.arrive(exchange, at_ms),
                Event::ArrivesAgain(exchange) => {
                    self.note(at_ms, || format!("gateway   sends request {exchange} again"));
                    // Nobody receives the second response.
                    let _ = self.execute(exchange, at_ms);
                }
                Event::DockerBegins(operation) => {
                    self.note(at_ms, || format!("docker    op-{operation} begins"));
                    self.servers.begin(operation);
                }
                Event::DockerEnds(operation) => self.end_docker(operation, at_ms),
                Event::OtherJob(OtherJob { server, registry, is_login, .. }) => {
                    let server = server % self.plan.servers.len();
                    let start = Start { origin: Origin::OtherJob, is_login, server, registry, is_accepted: true };
                    let operation = self.servers.start(&self.plan, start, at_ms);
                    self.await_docker(operation, at_ms);
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

    /// docker will read and write its file.
    fn await_docker(&mut self, operation: usize, now_ms: u64) {
        let Some(it) = self.servers.operations.get(operation) else { return };
        let (starts_ms, ends_ms, origin) = (it.starts_ms, it.ends_ms, it.origin);
        let (server, registry) = (server_name(it.server), REGISTRIES[it.registry]);
        let what = if it.is_login { "login" } else { "logout" };
        self.schedule(starts_ms, Event::DockerBegins(operation));
        self.schedule(ends_ms, Event::DockerEnds(operation));
        self.note(now_ms, || format!("reoclo    op-{operation}: docker {what} {registry} on {server} for {origin:?}"));
    }

    /// A step sends a request.
    pub(crate) fn depart(&mut self, step: Step, request: &Request<'_>, now_ms: u64) -> Departure {
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
            _ if self.is_down(now_ms) == Some(Down::NoConnection) => Some(network("ECONNREFUSED")),
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
        assert!(!path.contains(API_KEY), "{path}");
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
            number: self.exchanges.len(),
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
        let mut faults = self.plan.faults.iter().filter(|fault| fault.call == call && fault.strikes(nth));
        faults.next().map(|fault| fault.fault)
    }

    /// Whether the API is down, and what that looks like.
    fn is_down(&self, now_ms: u64) -> Option<Down> {
        let (from_ms, for_ms, down) = self.outage?;
        let is_down = (u64::from(from_ms)..u64::from(from_ms) + u64::from(for_ms)).contains(&now_ms);
        is_down.then_some(down)
    }

    /// The request has a connection: it arrives whatever becomes of the step. Returns when.
    pub(crate) fn connect(&mut self, exchange: usize, now_ms: u64) -> u64 {
        let arrives_ms = now_ms + self.plan.between(1, 20, ("arrives", exchange));
        self.schedule(arrives_ms, Event::Arrives(exchange));
        arrives_ms
    }

    /// When the response reaches the step, if there is one.
    pub(crate) fn answered_ms(&self, exchange: usize) -> Option<u64> {
        self.exchanges.get(exchange).and_then(|it| it.answer.as_ref()).map(|answer| answer.at_ms)
    }

    /// The response reaches the step.
    pub(crate) fn take_answer(&mut self, exchange: usize) -> Option<(Result<Response, TransportError>, Seen)> {
        let answer = self.exchanges.get_mut(exchange)?.answer.take()?;
        Some((answer.response, answer.seen))
    }

    /// The step knows how its request has ended.
    pub(crate) fn end(&mut self, exchange: usize, seen: Seen, now_ms: u64) {
        if let Some(it) = self.exchanges.get_mut(exchange) {
            (it.seen, it.ended_ms) = (seen, Some(now_ms));
        }
        self.note(now_ms, || format!("response {exchange}: {seen:?}"));
    }

    fn arrive(&mut self, number: usize, now_ms: u64) {
        let Some(exchange) = self.exchanges.get(number) else { return };
        let fault = exchange.fault;
        let latency_ms = self.plan.between(2, 60, ("response", number));
        let rejected = |statuses: &[u16]| {
            let (response, seen) = self.api.rejected(exchange, statuses, now_ms);
            (Ok(response), seen)
        };
        let unexecuted = match fault {
            _ if let Some(down) = self.is_down(now_ms) => {
                let (response, seen) = self.api.down(exchange, down, now_ms);
                Some((Ok(response), seen))
            }
            Some(Fault::Reset) => Some(lost()),
            Some(Fault::Silent) => return,
            Some(Fault::LoginPage) => {
                Some((Ok(response(200, "<!doctype html><title>Sign in</title>")), Seen::NoAnswer))
            }
            Some(Fault::Rejected) => Some(rejected(&[400, 401, 402, 403, 404, 404, 405, 409, 410, 413, 422, 499])),
            Some(Fault::RateLimited) => Some(rejected(&[429])),
            Some(Fault::Unavailable) => Some(rejected(&[408, 425, 500, 502, 503, 504, 520, 524])),
            Some(Fault::Redirected) => Some(rejected(&[301, 302, 303, 307, 308])),
            _ => None,
        };
        let mut answer = match unexecuted {
            Some((response, seen)) => Some(Answer { at_ms: now_ms + latency_ms, response, seen }),
            None => self.answer(number, fault, latency_ms, now_ms),
        };
        if let Some(Answer { at_ms, response: Ok(response), seen: Seen::Rejected { retry_after_ms, .. } }) = &mut answer
        {
            *retry_after_ms = headers::retry_after_ms(response, *at_ms);
        }
        if let Some(exchange) = self.exchanges.get_mut(number) {
            exchange.answer = answer;
        }
    }

    /// Executes a request. Returns what reaches the step of its response.
    fn answer(&mut self, number: usize, fault: Option<Fault>, latency_ms: u64, now_ms: u64) -> Option<Answer> {
        let (mut response, seen, ready_ms) = self.execute(number, now_ms)?;
        let at_ms = ready_ms.max(now_ms) + latency_ms;
        let is_rejected = matches!(seen, Seen::Rejected { .. });
        let (response, seen, at_ms) = match fault {
            Some(Fault::ResponseLost) => {
                let (response, seen) = lost();
                (response, seen, at_ms)
            }
            Some(Fault::SilentExecuted) => return None,
            Some(Fault::Late) => (Ok(response), seen, at_ms + self.plan.between(1_000, 45_000, ("late", number))),
            Some(Fault::Twice) => {
                let again_ms = now_ms + self.plan.between(1, 5_000, ("again", number));
                self.schedule(again_ms, Event::ArrivesAgain(number));
                (Ok(response), seen, at_ms)
            }
            Some(Fault::TwiceSecondResponse) => {
                let (response, seen, ready_ms) = self.execute(number, now_ms)?;
                (Ok(response), seen, ready_ms.max(now_ms) + latency_ms)
            }
            Some(Fault::Truncated) => {
                // Without any of its body, the host reports a connection error.
                let length = response.body.len() * self.plan.between(0, 99, ("truncated", number)) as usize / 100;
                response.body.truncate(length.max(1));
                let is_complete = response.body.is_empty() || is_rejected;
                (Ok(response), if is_complete { seen } else { Seen::NoAnswer }, at_ms)
            }
            Some(Fault::TooLarge) if !is_rejected => (Err(TransportError::TooLarge), Seen::NoAnswer, at_ms),
            Some(Fault::UnavailableExecuted) => {
                let exchange = self.exchanges.get(number)?;
                let (response, seen) = self.api.rejected(exchange, &[408, 499, 500, 502, 504, 524], now_ms);
                (Ok(response), seen, at_ms)
            }
            _ => (Ok(response), seen, at_ms),
        };
        Some(Answer { at_ms, response, seen })
    }

    /// Returns the response, what it says, and when it is ready.
    fn execute(&mut self, number: usize, now_ms: u64) -> Option<(Response, Seen, u64)> {
        let exchange = self.exchanges.get_mut(number)?;
        let Executed { response, seen, ready_ms, started } = self.api.execute(exchange, &mut self.servers, now_ms);
        if let Some(operation) = started {
            exchange.started.push(operation);
            self.await_docker(operation, now_ms);
        }
        Some((response, seen, ready_ms))
    }
}

/// The connection is lost.
fn lost() -> (Result<Response, TransportError>, Seen) {
    let (code, message) = ("ECONNRESET".to_owned(), "socket hang up".to_owned());
    (Err(TransportError::Network { code, message }), Seen::NoAnswer)
}
