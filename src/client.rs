//! Sends requests of the API within a deadline, and turns every way to fail into an [`Error`].

use crate::api::{self, ApiRequest, ApiUrl, Unreadable};
use crate::error::Error;
use crate::host::{Fault, Host, Method, Reply, Request};
use crate::secret::Secret;
use serde::de::DeserializeOwned;

/// The longest that one request may take.
const REQUEST_TIMEOUT_MS: f64 = 30_000.0;
/// The largest reply that is read; a docker login prints a few lines.
pub(crate) const REPLY_LIMIT_BYTES: usize = 16 * 1024 * 1024;

/// A moment by which everything must have ended.
#[derive(Clone, Copy)]
pub(crate) struct Deadline(f64);

impl Deadline {
    pub(crate) fn after_s(host: &impl Host, seconds: u32) -> Self {
        Self(host.now_ms() + f64::from(seconds) * 1000.0)
    }

    /// The sooner of this deadline and one `seconds` from now.
    pub(crate) fn or_after_s(self, host: &impl Host, seconds: u32) -> Self {
        Self(self.0.min(Self::after_s(host, seconds).0))
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

pub(crate) struct Client<'a, H> {
    host: &'a H,
    api_url: &'a ApiUrl,
    authorization: String,
}

impl<'a, H: Host> Client<'a, H> {
    pub(crate) fn new(host: &'a H, api_url: &'a ApiUrl, api_key: &Secret) -> Self {
        Self { host, api_url, authorization: format!("Bearer {}", api_key.expose()) }
    }

    /// Sends a request and reads its JSON reply.
    pub(crate) async fn call<T: DeserializeOwned>(&self, request: &ApiRequest, deadline: Deadline) -> Result<T, Error> {
        let reply = self.send(request, deadline).await?;
        let (call, host) = (request.call, self.host_name());
        api::parse(&reply.body).map_err(|unreadable| match unreadable {
            Unreadable::NotJson => Error::NotJson { call, host },
            Unreadable::OffContract(flaw) => Error::OffContract { call, host, flaw },
        })
    }

    /// Sends a request; any 2xx is a success, whatever its body.
    pub(crate) async fn send(&self, request: &ApiRequest, deadline: Deadline) -> Result<Reply, Error> {
        let (call, host) = (request.call, self.host_name());
        let timeout_ms = deadline.left_ms(self.host).clamp(1.0, REQUEST_TIMEOUT_MS) as u32;
        let sent = self.host.send(Request {
            method: if request.json.is_some() { Method::Post } else { Method::Get },
            url: self.api_url.to(&request.path),
            authorization: self.authorization.clone(),
            body: request.json.clone(),
            timeout_ms,
        });
        let reply = sent.await.map_err(|fault| match fault {
            Fault::TimedOut => Error::NoAnswer { call, host: host.clone(), seconds: timeout_ms.div_ceil(1000) },
            Fault::TooLarge => Error::TooLarge { call, host: host.clone(), limit_mib: REPLY_LIMIT_BYTES / 1024 / 1024 },
            Fault::Network { code, message } => Error::Unreachable { call, host: host.clone(), code, message },
        })?;
        match reply.status {
            200..=299 => Ok(reply),
            status @ 300..=399 => {
                let to = reply.location.as_deref().and_then(|to| ApiUrl::parse(to).ok()).map(|to| to.host().to_owned());
                Err(Error::Redirected { call, host, status, to })
            }
            status => Err(Error::Refused { call, host, status, detail: api::detail(&reply.body) }),
        }
    }

    fn host_name(&self) -> String {
        self.api_url.host().to_owned()
    }
}
