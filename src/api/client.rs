//! Sends API requests within a deadline and the request budget, and retries transient errors.

use super::budget::{Priority, RequestBudget, Turn};
use super::contract::{self, ApiCall, ApiRequest, ApiResponse};
use super::deadline::{Deadline, Share};
use super::error::ApiError;
use super::url::ApiUrl;
use super::{quota, retry};
use crate::host::json::JsonError;
use crate::host::{Host, MAX_RESPONSE_BYTES, Method, Request, Response, TransportError};
use crate::runner::log::Log;
use crate::runner::secret::Secret;
use std::ops::ControlFlow;

/// The longest time of one request.
const MAX_REQUEST_MS: f64 = 30_000.0;
/// The time that a successful logout takes at most on a slow server.
pub(crate) const SLOW_LOGOUT_MS: f64 = 5_000.0;

/// The most that is shown of an explanation by the API or the network.
const MAX_DETAIL_CHARS: usize = 500;

/// What happens to a request, for its sender, who decides whether to continue.
pub(crate) enum Attempt<'e> {
    Starts,
    /// `counts` is false if it is not one of the limited attempts.
    Failed {
        error: &'e ApiError,
        counts: bool,
    },
}

pub(crate) struct Client<'a, H> {
    host: &'a H,
    log: &'a Log<'a, H>,
    api_url: &'a ApiUrl,
    authorization: String,
    budget: &'a RequestBudget<'a, H>,
    is_first: bool,
}

impl<'a, H: Host> Client<'a, H> {
    pub(crate) fn new(
        host: &'a H,
        log: &'a Log<'a, H>,
        api_url: &'a ApiUrl,
        api_key: &Secret,
        budget: &'a RequestBudget<'a, H>,
    ) -> Self {
        Self { host, log, api_url, authorization: format!("Bearer {}", api_key.expose()), budget, is_first: false }
    }

    /// Whether its requests are sent before all others of the step.
    pub(crate) fn first_if(self, is_first: bool) -> Self {
        Self { is_first, ..self }
    }

    /// Sends a request and deserializes its response. Retries transient errors as long as `on_attempt` continues. HTTP 429
    /// costs time, not an attempt.
    ///
    /// # Errors
    /// The error of the last attempt, or [`ApiError::NotSent`] if there was none.
    pub(crate) async fn request_json<T: ApiResponse>(
        &self,
        request: &ApiRequest,
        time: impl Into<Share>,
        on_attempt: impl FnMut(Attempt<'_>) -> ControlFlow<()>,
    ) -> Result<T, ApiError> {
        let read = |body: String| match T::without_fields() {
            Some(response) if body.trim().is_empty() => Ok(response),
            without_fields => self.host.read_json(&body).or_else(|error| match error {
                JsonError::Syntax => Err(ApiError::InvalidJson { call: request.call, host: self.api_host() }),
                JsonError::Limits => Err(self.unexpected_response(request.call, "too many values")),
                JsonError::Type => without_fields.ok_or_else(|| self.unexpected_response(request.call, T::UNEXPECTED)),
            }),
        };
        self.with_retries(request, time.into(), read, on_attempt).await
    }

    pub(crate) fn unexpected_response(&self, call: ApiCall, reason: &'static str) -> ApiError {
        ApiError::UnexpectedResponse { call, host: self.api_host(), reason }
    }

    async fn with_retries<T>(
        &self,
        request: &ApiRequest,
        time: Share,
        read: impl Fn(String) -> Result<T, ApiError>,
        mut on_attempt: impl FnMut(Attempt<'_>) -> ControlFlow<()>,
    ) -> Result<T, ApiError> {
        let max_attempts = retry::max_attempts(request.call);
        let mut attempt = 1;
        let mut last_error = None;
        let mut deadline = None;
        loop {
            let turn = self.budget.turn(self.priority(request.call), deadline.unwrap_or(time.until)).await;
            if turn != Turn::Granted || on_attempt(Attempt::Starts).is_break() {
                return Err(last_error.unwrap_or(ApiError::NotSent { call: request.call, host: self.api_host() }));
            }
            let ends = *deadline.get_or_insert_with(|| time.begin(self.host));
            let attempts_left = max_attempts.map_or(1, |max| max.saturating_sub(attempt) + 1);
            let timeout_ms = self.timeout_ms(request.call, ends, attempts_left);
            let sent_ms = self.host.monotonic_ms();
            let error = match self.send_once(request, timeout_ms).await.and_then(&read) {
                Ok(response) => {
                    self.budget.succeeded();
                    return Ok(response);
                }
                Err(error) => error,
            };
            let retry_after_ms = self.budget.retry_after_ms(&error);
            if error.asks_for_fewer_requests() {
                self.budget.slow_down(&error, sent_ms, retry_after_ms);
            }
            let is_attempt = !self.budget.costs_only_time(&error);
            if !is_attempt {
                deadline = None;
            }
            let has_passed = deadline.unwrap_or(time.until).has_passed(self.host);
            let is_last = is_attempt && max_attempts.is_some_and(|max| attempt >= max);
            let stops = on_attempt(Attempt::Failed { error: &error, counts: is_attempt }).is_break();
            if is_last || stops || !error.is_transient() || has_passed {
                // A request that the deadline has cut short says less than the error before it.
                let is_cut_short = has_passed && error.is_request_timeout();
                // After a 429 it says more: the API accepts requests again.
                let earlier = last_error.filter(|earlier| is_cut_short && !self.budget.costs_only_time(earlier));
                return Err(earlier.unwrap_or(error));
            }
            if is_attempt {
                // At least the backoff: status requests have no maximum of attempts, and `Retry-After: 0` would cause
                // thousands.
                let backoff_ms = retry::backoff_ms(attempt, self.host.random());
                let wait_ms = backoff_ms.max(retry_after_ms.unwrap_or(0));
                self.log.retrying(&error, wait_ms, attempt, max_attempts);
                ends.sleep(self.host, wait_ms).await;
                attempt += 1;
            }
            last_error = Some(error);
        }
    }

    fn priority(&self, call: ApiCall) -> Priority {
        match call {
            _ if self.is_first => Priority::First,
            ApiCall::Status => Priority::Status,
            _ => Priority::Start,
        }
    }

    /// At most the time that is left. A logout attempt gets a share of it, so that one without response leaves time for
    /// the others, but enough for a slow server.
    fn timeout_ms(&self, call: ApiCall, deadline: Deadline, attempts_left: u32) -> u32 {
        let left_ms = deadline.left_ms(self.host);
        let timeout_ms = match call {
            ApiCall::Logout => (left_ms / f64::from(attempts_left)).max(SLOW_LOGOUT_MS).min(left_ms),
            _ => left_ms,
        };
        timeout_ms.clamp(1.0, MAX_REQUEST_MS) as u32
    }

    /// Sends a request once. Returns the body of a 2xx response.
    async fn send_once(&self, request: &ApiRequest, timeout_ms: u32) -> Result<String, ApiError> {
        let (call, host) = (request.call, self.api_host());
        let sent = self.host.send(Request {
            method: if request.body.is_some() { Method::Post } else { Method::Get },
            url: self.api_url.endpoint(&request.path),
            authorization: &self.authorization,
            body: request.body.as_deref(),
            timeout_ms,
        });
        let sent = sent.await;
        self.budget.ended(sent.as_ref().ok().and_then(|response| quota::read(self.host, response)));
        match sent {
            Ok(Response { status: 200..=299, body, .. }) => Ok(body),
            Ok(response @ Response { status: 300..=399, .. }) => {
                let to =
                    response.header("location").and_then(|to| ApiUrl::parse(to).ok()).map(|to| to.host().to_owned());
                let to = to.filter(|to| !self.log.is_secret(to));
                Err(ApiError::Redirect { call, host, status: response.status, to })
            }
            Ok(response) => {
                let (header, date) = (response.header("retry-after"), response.header("date"));
                let retry_after_ms = header.and_then(|header| retry::retry_after_ms(self.host, header, date));
                let detail = self.log.quote(&contract::error_detail(self.host, &response.body), MAX_DETAIL_CHARS);
                Err(ApiError::HttpStatus { call, host, status: response.status, detail, retry_after_ms })
            }
            Err(TransportError::TimedOut { was_sent }) => {
                Err(ApiError::RequestTimeout { call, host, seconds: timeout_ms.div_ceil(1000), was_sent })
            }
            Err(TransportError::TooLarge) => {
                Err(ApiError::TooLarge { call, host, limit_mib: MAX_RESPONSE_BYTES / 1024 / 1024 })
            }
            Err(TransportError::Network { code, message }) => {
                let message = self.log.quote(&message, MAX_DETAIL_CHARS);
                Err(ApiError::Connection { call, host, code, message })
            }
        }
    }

    fn api_host(&self) -> String {
        self.api_url.host().to_owned()
    }
}
