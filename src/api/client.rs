//! Sends API requests within a deadline and retries transient errors.

use super::contract::{self, ApiCall, ApiRequest, ApiResponse};
use super::deadline::Deadline;
use super::error::ApiError;
use super::retry;
use super::url::ApiUrl;
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
    Failed(&'e ApiError),
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

    /// Sends a request and deserializes its response. Retries transient errors as long as `on_attempt` continues.
    pub(crate) async fn request_json<T: ApiResponse>(
        &self,
        request: &ApiRequest,
        deadline: Deadline,
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
        self.with_retries(request, deadline, read, on_attempt).await
    }

    pub(crate) fn unexpected_response(&self, call: ApiCall, reason: &'static str) -> ApiError {
        ApiError::UnexpectedResponse { call, host: self.api_host(), reason }
    }

    async fn with_retries<T>(
        &self,
        request: &ApiRequest,
        deadline: Deadline,
        read: impl Fn(String) -> Result<T, ApiError>,
        mut on_attempt: impl FnMut(Attempt<'_>) -> ControlFlow<()>,
    ) -> Result<T, ApiError> {
        let max_attempts = retry::max_attempts(request.call);
        if on_attempt(Attempt::Starts).is_break() {
            return Err(ApiError::NotSent { call: request.call, host: self.api_host() });
        }
        let mut attempt = 1;
        loop {
            let attempts_left = max_attempts.map_or(1, |max| max.saturating_sub(attempt) + 1);
            let timeout_ms = self.timeout_ms(request.call, deadline, attempts_left);
            let error = match self.send_once(request, timeout_ms).await.and_then(&read) {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let stops = on_attempt(Attempt::Failed(&error)).is_break();
            let is_last = max_attempts.is_some_and(|max| attempt >= max);
            if is_last || stops || !error.is_transient() || deadline.has_passed(self.host) {
                return Err(error);
            }
            let wait_ms = self.wait_ms(&error, attempt, deadline);
            self.log.retrying(&error, wait_ms, attempt, max_attempts);
            deadline.sleep(self.host, wait_ms).await;
            if deadline.has_passed(self.host) || on_attempt(Attempt::Starts).is_break() {
                return Err(error);
            }
            attempt += 1;
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

    /// The wait that the server asks for if it fits the deadline, but at least the backoff: status requests have no
    /// maximum of attempts, and `Retry-After: 0` would cause thousands.
    fn wait_ms(&self, error: &ApiError, attempt: u32, deadline: Deadline) -> u32 {
        let backoff_ms = retry::backoff_ms(attempt, self.host.random());
        match error {
            ApiError::HttpStatus { retry_after_ms: Some(ms), .. } if f64::from(*ms) < deadline.left_ms(self.host) => {
                backoff_ms.max(*ms)
            }
            _ => backoff_ms,
        }
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
        match sent.await {
            Ok(Response { status: 200..=299, body, .. }) => Ok(body),
            Ok(response @ Response { status: 300..=399, .. }) => {
                let to = response.location.and_then(|to| ApiUrl::parse(&to).ok()).map(|to| to.host().to_owned());
                let to = to.filter(|to| !self.log.is_secret(to));
                Err(ApiError::Redirect { call, host, status: response.status, to })
            }
            Ok(Response { status, retry_after, date, body, .. }) => {
                let retry_after_ms =
                    retry_after.and_then(|header| retry::retry_after_ms(self.host, &header, date.as_deref()));
                let detail = self.log.quote(&contract::error_detail(self.host, &body), MAX_DETAIL_CHARS);
                Err(ApiError::HttpStatus { call, host, status, detail, retry_after_ms })
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
