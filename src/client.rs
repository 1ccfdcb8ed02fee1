//! Sends requests of the API within a deadline, again where that helps, and turns every way to fail into an [`Error`].

use crate::api::{self, ApiRequest, ApiUrl, Call, Flaw};
use crate::error::Error;
use crate::host::{Fault, Host, Method, Request};
use crate::json::Json;
use crate::log::Log;
use crate::retry;
use crate::secret::Secret;

/// The longest that one request may take.
const REQUEST_TIMEOUT_MS: f64 = 30_000.0;
/// What a logout that succeeds takes at the most, with a slow server.
pub(crate) const LOGOUT_MS: f64 = 5_000.0;
/// The largest reply that is read; a docker login prints a few lines.
pub(crate) const REPLY_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// The most shown of an explanation that the API gives, in characters.
const DETAIL_CHARS: usize = 500;

/// A moment by which everything must have ended.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(f64);

impl Deadline {
    pub(crate) fn after_s(host: &impl Host, seconds: u32) -> Self {
        Self(host.now_ms() + f64::from(seconds) * 1000.0)
    }

    /// The end of the first of so many equal shares of what is left, each of at least so long.
    pub(crate) fn share(self, host: &impl Host, shares: usize, at_least_ms: f64) -> Self {
        let left_ms = self.left_ms(host);
        Self(host.now_ms() + (left_ms / shares.max(1) as f64).max(at_least_ms).min(left_ms))
    }

    /// What is left, never negative.
    pub(crate) fn left_ms(self, host: &impl Host) -> f64 {
        (self.0 - host.now_ms()).max(0.0)
    }

    pub(crate) fn has_passed(self, host: &impl Host) -> bool {
        self.left_ms(host) <= 0.0
    }

    /// Sleeps, but not beyond the deadline.
    pub(crate) async fn sleep(self, host: &impl Host, ms: u32) {
        let left = self.left_ms(host).ceil();
        host.sleep(f64::from(ms).min(left) as u32).await;
    }
}

/// What the sender of a request hears of it, and answers with whether to go on.
pub(crate) enum Attempt<'e> {
    Begins,
    Failed(&'e Error),
}

pub(crate) struct Client<'a, H> {
    host: &'a H,
    log: &'a Log<'a, H>,
    api_url: &'a ApiUrl,
    authorization: String,
}

impl<'a, H: Host> Client<'a, H> {
    pub(crate) fn new(host: &'a H, log: &'a Log<'a, H>, api_url: &'a ApiUrl, api_key: &Secret) -> Self {
        Self { host, log, api_url, authorization: format!("Bearer {}", api_key.expose()) }
    }

    /// Sends a request and reads its JSON reply, trying again what may pass by itself, as long as `hears` lets it.
    pub(crate) async fn call<T>(
        &self,
        request: &ApiRequest,
        deadline: Deadline,
        read: fn(&Json) -> Result<T, Flaw>,
        hears: &mut dyn FnMut(Attempt<'_>) -> bool,
    ) -> Result<T, Error> {
        let reply = self.retrying(request, deadline, true, hears).await?;
        let reply = read(&reply).map_err(|flaw| self.off_contract(request.call, flaw));
        reply.inspect_err(|error| _ = hears(Attempt::Failed(error)))
    }

    /// The same for a request of which any 2xx is a success, whatever its body; one that is no JSON is null.
    pub(crate) async fn send(&self, request: &ApiRequest, deadline: Deadline) -> Result<Json, Error> {
        self.retrying(request, deadline, false, &mut |_| true).await
    }

    pub(crate) fn off_contract(&self, call: Call, flaw: Flaw) -> Error {
        Error::OffContract { call, host: self.api_url.host().to_owned(), flaw }
    }

    async fn retrying(
        &self,
        request: &ApiRequest,
        deadline: Deadline,
        wants_json: bool,
        hears: &mut dyn FnMut(Attempt<'_>) -> bool,
    ) -> Result<Json, Error> {
        let most = retry::most_attempts(request.call);
        let mut attempt = 1;
        if !hears(Attempt::Begins) {
            return Err(Error::NotTried { in_time: true });
        }
        loop {
            let attempts_left = most.map_or(1, |most| most.saturating_sub(attempt) + 1);
            let timeout_ms = self.timeout_ms(request.call, deadline, attempts_left);
            let error = match self.exchange(request, timeout_ms, wants_json).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            let may_go_on = hears(Attempt::Failed(&error));
            let was_last = most.is_some_and(|most| attempt >= most);
            if was_last || !may_go_on || !retry::is_transient(&error) || deadline.has_passed(self.host) {
                return Err(error);
            }
            let wait_ms = self.wait_ms(&error, attempt, deadline);
            self.log.retrying(&request.call.to_string(), wait_ms, attempt, most, &error);
            deadline.sleep(self.host, wait_ms).await;
            if deadline.has_passed(self.host) || !hears(Attempt::Begins) {
                return Err(error);
            }
            attempt += 1;
        }
    }

    /// Never more than what is left. A logout gets its share of it, so that one silent attempt does not use up the
    /// time of the others: nobody else will clean up. Nor does it get so little that a slow one could never succeed.
    fn timeout_ms(&self, call: Call, deadline: Deadline, attempts_left: u32) -> u32 {
        let left = deadline.left_ms(self.host);
        let share =
            if call == Call::Logout { (left / f64::from(attempts_left)).max(LOGOUT_MS).min(left) } else { left };
        share.clamp(1.0, REQUEST_TIMEOUT_MS) as u32
    }

    /// What the server asks for, where that fits the deadline, but never sooner than by backoff: polls have no limit but
    /// time, and a server that asks for none would get thousands.
    fn wait_ms(&self, error: &Error, attempt: u32, deadline: Deadline) -> u32 {
        let asked = if let Error::Refused { retry_after_ms, .. } = error { *retry_after_ms } else { None };
        let backoff_ms = retry::backoff_ms(attempt, self.host.random());
        asked.filter(|ms| f64::from(*ms) < deadline.left_ms(self.host)).map_or(backoff_ms, |ms| ms.max(backoff_ms))
    }

    /// One request and its reply; where JSON is not wanted, a reply that is none is null.
    async fn exchange(&self, request: &ApiRequest, timeout_ms: u32, wants_json: bool) -> Result<Json, Error> {
        let (call, host) = (request.call, self.api_url.host().to_owned());
        let sent = self.host.send(Request {
            method: if request.body.is_some() { Method::Post } else { Method::Get },
            url: self.api_url.to(&request.path),
            authorization: &self.authorization,
            body: request.body.as_ref(),
            timeout_ms,
        });
        let reply = match sent.await {
            Ok(reply) => reply,
            Err(Fault::TimedOut) => return Err(Error::NoAnswer { call, host, seconds: timeout_ms.div_ceil(1000) }),
            Err(Fault::TooLarge) => {
                return Err(Error::TooLarge { call, host, limit_mib: REPLY_LIMIT_BYTES / 1024 / 1024 });
            }
            Err(Fault::Network { code, message }) => {
                let message = self.log.quote(&message, DETAIL_CHARS);
                return Err(Error::Unreachable { call, host, code, message });
            }
        };
        match reply.status {
            200..=299 => match self.host.parse_json(&reply.body) {
                None if wants_json => Err(Error::NotJson { call, host }),
                json => Ok(json.unwrap_or(Json::Null)),
            },
            status @ 300..=399 => {
                let to = reply.location.as_deref().and_then(|to| ApiUrl::parse(to).ok()).map(|to| to.host().to_owned());
                let to = to.filter(|to| !self.log.is_secret(to));
                Err(Error::Redirected { call, host, status, to })
            }
            status => {
                let asked = reply.retry_after.as_deref();
                let retry_after_ms =
                    asked.and_then(|header| retry::retry_after_ms(self.host, header, reply.date.as_deref()));
                let said = self.host.parse_json(&reply.body).as_ref().map(api::detail).unwrap_or_default();
                let detail = self.log.quote(&said, DETAIL_CHARS);
                Err(Error::Refused { call, host, status, detail, retry_after_ms })
            }
        }
    }
}
