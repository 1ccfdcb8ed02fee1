//! Reoclo's API: what it makes of a request.

use super::exchange::{ACCESS_TOKEN, API_KEY, Exchange, Seen, USERNAME, server_id, server_name};
use super::headers;
use super::limit::RateLimit;
use crate::host::Response;
use crate::host::fake::response;
use crate::simulation::plan::{Call, Down, Fault, Key, LogoutResponse, Plan};
use crate::simulation::servers::{Operation, Origin, REGISTRIES, Servers, Start, Status};
use std::rc::Rc;

/// What an executed request leads to.
pub(super) struct Executed {
    pub(super) response: Response,
    /// What the response says.
    pub(super) seen: Seen,
    /// When the response is ready.
    pub(super) ready_ms: u64,
    /// The operation that it has started.
    pub(super) started: Option<usize>,
}

pub(super) struct Api {
    plan: Rc<Plan>,
    rate_limit: Option<RateLimit>,
}

impl Api {
    pub(super) fn new(plan: Rc<Plan>) -> Self {
        Self { rate_limit: RateLimit::new(&plan), plan }
    }

    /// Executes a request.
    pub(super) fn execute(&mut self, exchange: &Exchange, servers: &mut Servers, now_ms: u64) -> Executed {
        if let Err((status, retry_after_s)) = self.authorise(exchange, now_ms) {
            let (mut response, seen) = self.error_response(exchange, status, retry_after_s, now_ms);
            if status != 401 {
                response.headers.extend(self.quota(now_ms));
            }
            return Executed { response, seen, ready_ms: now_ms, started: None };
        }
        let started = match exchange.call {
            Call::Login | Call::Logout => self.start_operation(exchange, servers, now_ms),
            _ => None,
        };
        let (mut response, seen, ready_ms) = match (exchange.call, started) {
            (Call::Login, Some(operation)) => {
                let (response, seen) = self.login_response(exchange, operation, servers);
                (response, seen, now_ms)
            }
            (Call::Logout, Some(operation)) => self.logout_response(exchange, operation, servers, now_ms),
            (Call::Login | Call::Logout, None) => {
                let (response, seen) = self.error_response(exchange, 422, None, now_ms);
                (response, seen, now_ms)
            }
            _ => {
                let (response, seen) = self.report(exchange, servers, now_ms);
                (response, seen, now_ms)
            }
        };
        response.headers.extend(self.quota(now_ms));
        Executed { response, seen, ready_ms, started }
    }

    fn quota(&self, now_ms: u64) -> Vec<(&'static str, String)> {
        let quota = self.rate_limit.as_ref().map(|rate_limit| rate_limit.quota(now_ms));
        quota.map(|quota| headers::quota(&self.plan, quota, now_ms)).unwrap_or_default()
    }

    /// Checks key, rate limit, permissions and IDs.
    fn authorise(&mut self, exchange: &Exchange, now_ms: u64) -> Result<(), (u16, Option<u64>)> {
        let key = self.plan.api.key;
        let is_invalid = match key {
            Key::Invalid => true,
            Key::RevokedAt(ms) => now_ms >= u64::from(ms),
            _ => false,
        };
        if is_invalid || !exchange.has_key {
            return Err((401, None));
        }
        if let Some(rate_limit) = &mut self.rate_limit {
            rate_limit.take(now_ms).map_err(|retry_after_s| (429, retry_after_s))?;
        }
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

    /// Has docker log in or out. `None` if the request names no registry.
    fn start_operation(&self, exchange: &Exchange, servers: &mut Servers, now_ms: u64) -> Option<usize> {
        let (is_login, server, registry) = (exchange.call == Call::Login, exchange.server, exchange.registry?);
        // In passthrough mode the registry tells the credential.
        let credentials = self.plan.credentials.iter();
        let credential = self.plan.credentials.get(exchange.credential);
        let credential = credential.or_else(|| credentials.clone().find(|it| it.registry == registry));
        let is_accepted = !is_login || credential.is_none_or(|it| it.is_accepted);
        let start = Start { origin: Origin::Use(exchange.step.of), is_login, server, registry, is_accepted };
        Some(servers.start(&self.plan, start, now_ms))
    }

    fn login_response(&self, exchange: &Exchange, operation: usize, servers: &Servers) -> (Response, Seen) {
        let Some(it) = servers.operations.get(operation) else { return (response(500, ""), Seen::NoAnswer) };
        let (id, url) = (Operation::id(operation), REGISTRIES[it.registry]);
        let unnamed = Seen::Accepted { operation: None, is_valid: false };
        let incomplete = Seen::Accepted { operation: Some(operation), is_valid: false };
        let valid = Seen::Accepted { operation: Some(operation), is_valid: true };
        let variant = self.plan.between(0, 2, ("incomplete", exchange.number));
        let hostile = hostile(self.plan.between(0, 1, ("hostile", exchange.number)));
        let (id, url, kind, status, seen) = match (exchange.fault, variant) {
            (Some(Fault::WrongType), _) => {
                return (response(202, &format!(r#"["{id}","{url}"]"#)), Seen::NoAnswer);
            }
            (Some(Fault::Incomplete), 0) => (None, Some(url), Some("generic"), "running", unnamed),
            (Some(Fault::Incomplete), 1) => (Some(id.as_str()), Some(url), None, "running", incomplete),
            (Some(Fault::Incomplete), _) => (Some(id.as_str()), None, Some("generic"), "running", Seen::NoAnswer),
            (Some(Fault::HostileIds), 0) => (Some(hostile), Some(url), Some("generic"), "running", unnamed),
            (Some(Fault::HostileIds), 1) => (Some(id.as_str()), Some(url), Some(hostile), "running", incomplete),
            (Some(Fault::HostileIds), _) => {
                (Some(id.as_str()), Some(hostile), Some("generic"), "running", Seen::NoAnswer)
            }
            (Some(Fault::Hostile), _) => (Some(id.as_str()), Some(url), Some("generic"), hostile, valid),
            _ => (Some(id.as_str()), Some(url), Some("generic"), "running", valid),
        };
        let fields = [("operation_id", id), ("registry_url", url), ("registry_type", kind), ("status", Some(status))];
        let fields = fields.iter().filter_map(|(name, value)| Some(format!(r#""{name}":"{}""#, (*value)?)));
        let body = format!("{{{}}}", fields.collect::<Vec<_>>().join(","));
        (response(202, &body), seen)
    }

    fn logout_response(
        &self,
        exchange: &Exchange,
        operation: usize,
        servers: &Servers,
        now_ms: u64,
    ) -> (Response, Seen, u64) {
        let Some(it) = servers.operations.get(operation) else {
            return (response(500, ""), Seen::NoAnswer, now_ms);
        };
        let (id, ending, reported_ms) = (Operation::id(operation), it.ending, it.reported_ms);
        let accepted = Seen::Accepted { operation: Some(operation), is_valid: true };
        let hostile = hostile(self.plan.between(0, 1, ("hostile", exchange.number)));
        match (exchange.fault, self.plan.api.logout_response) {
            (Some(Fault::WrongType), _) if ending.is_success() => (response(200, "[1]"), Seen::LoggedOut, reported_ms),
            (Some(Fault::Incomplete), _) | (_, LogoutResponse::Accepted) => {
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
            (Some(Fault::HostileIds), LogoutResponse::Operation) => {
                let body = format!(r#"{{"operation_id":"{hostile}","status":"running"}}"#);
                (response(200, &body), Seen::Accepted { operation: None, is_valid: false }, now_ms)
            }
            (fault, LogoutResponse::Operation) => {
                let status = if fault == Some(Fault::Hostile) { hostile } else { "running" };
                (response(200, &format!(r#"{{"operation_id":"{id}","status":"{status}"}}"#)), accepted, now_ms)
            }
        }
    }

    /// The response to a status request.
    fn report(&self, exchange: &Exchange, servers: &Servers, now_ms: u64) -> (Response, Seen) {
        let asked = exchange.asks_for.and_then(|asked| Some((asked, servers.operations.get(asked)?)));
        let Some((operation, it)) = asked else { return self.error_response(exchange, 404, None, now_ms) };
        let has_ended = now_ms >= it.reported_ms;
        let status = match () {
            () if has_ended => status_word(it.ending.status),
            () if now_ms < it.starts_ms => "queued",
            () => "running",
        };
        let (id, server) = (Operation::id(operation), server_id(it.server));
        let mut name = server_name(it.server);
        let mut stdout = if has_ended && it.ending.is_success() { "Login Succeeded" } else { "" }.to_owned();
        if exchange.fault == Some(Fault::Hostile) {
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
        let (body, seen) = match (exchange.fault, self.plan.between(0, 1, ("incomplete", exchange.number))) {
            (Some(Fault::WrongType), 0) => (r#"{"status":["running"]}"#.to_owned(), Seen::NoAnswer),
            (Some(Fault::WrongType), _) => (
                format!(r#"{{"operation_id":"op-x",{head},"status":"completed","result":{{"exit_code":0}}}}"#),
                Seen::NoAnswer,
            ),
            (Some(Fault::Incomplete), _) => (format!(r#"{{"operation_id":"{id}",{head}}}"#), Seen::NoAnswer),
            (Some(Fault::HostileIds), _) => {
                (format!(r#"{{"operation_id":"{API_KEY}",{head},"status":"{status}"{result}}}"#), Seen::NoAnswer)
            }
            _ => (format!(r#"{{"operation_id":"{id}",{head},"status":"{status}"{result}}}"#), seen),
        };
        (response(200, &body), seen)
    }

    /// A response with one of these errors. Some name a time to wait.
    pub(super) fn rejected(&self, exchange: &Exchange, statuses: &[u16], now_ms: u64) -> (Response, Seen) {
        let at = self.plan.between(0, statuses.len() as u64 - 1, ("status", exchange.number));
        let status = statuses.get(at as usize).copied().unwrap_or(500);
        let noise = self.plan.noise(("retry after", exchange.number));
        let mut retry_after_s = None;
        if matches!(status, 429 | 503) && noise < 0.7 {
            retry_after_s = Some(if noise < 0.6 { (noise * 10.0) as u64 } else { (noise * 1_000.0) as u64 });
        }
        self.error_response(exchange, status, retry_after_s, now_ms)
    }

    /// A response of an API that says that it is down.
    pub(super) fn down(&self, exchange: &Exchange, down: Down, now_ms: u64) -> (Response, Seen) {
        match down {
            Down::RateLimited => {
                let retry_after_s = self.plan.between(0, 3, ("soon", exchange.number));
                self.error_response(exchange, 429, Some(retry_after_s), now_ms)
            }
            Down::NoConnection | Down::Unavailable => self.rejected(exchange, &[503], now_ms),
        }
    }

    fn error_response(
        &self,
        exchange: &Exchange,
        status: u16,
        retry_after_s: Option<u64>,
        now_ms: u64,
    ) -> (Response, Seen) {
        let detail = match self.plan.between(0, 4, ("detail", exchange.number)) {
            0 => format!("key {API_KEY} for {USERNAME}:{ACCESS_TOKEN}\\n::error::it"),
            1 => "Not Found".to_owned(),
            2 => "##[error]no ::set-output name=a::b".to_owned(),
            _ => "not now".to_owned(),
        };
        let mut response = response(status, &format!(r#"{{"detail":"{detail}"}}"#));
        if let Some(seconds) = retry_after_s {
            response.headers.extend(headers::retry_after(&self.plan, exchange.number, seconds, now_ms));
        }
        if (300..400).contains(&status) {
            response.headers.push(("location", "https://login.example.com/".to_owned()));
        }
        // How long to wait depends on when it arrives.
        (response, Seen::Rejected { status, retry_after_ms: None })
    }
}

/// A secret that looks like an ID, or a command of the runner.
fn hostile(variant: u64) -> &'static str {
    if variant == 0 { API_KEY } else { "x ::error::##[error]y" }
}

fn status_word(status: Status) -> &'static str {
    match status {
        Status::Completed => "completed",
        Status::Failed => "failed",
        Status::TimedOut => "timeout",
    }
}
