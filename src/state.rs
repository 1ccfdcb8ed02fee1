//! What main leaves for post, in the runner's action state.
//!
//! Written before the request that it is needed for, so that a step killed at any moment can be cleaned up after.
//! The access token is never part of it.

use crate::api::{ApiUrl, OperationId, RegistryUrl};
use crate::host::Host;
use crate::inputs::{self, Inputs, Login, Problem};
use crate::log::Log;
use crate::run_context;
use crate::secret::Secret;
use std::cell::Cell;

const LOGIN_PERFORMED: &str = "login_performed";
const CLEANUP: &str = "cleanup";
const SERVER_ID: &str = "server_id";
const REGISTRY_URL: &str = "registry_url";
const API_KEY: &str = "api_key";
const API_URL: &str = "api_url";
const CA_CERTIFICATE: &str = "ca_certificate";
const OPERATION_ID: &str = "operation_id";
/// What main last knew of the login on the server: `requested`, `running` (as `operation_id`) or `ended`.
const OPERATION: &str = "operation";
const REQUESTED: &str = "requested";
const RUNNING: &str = "running";
const ENDED: &str = "ended";
/// When the login was last requested, in milliseconds since 1970.
const REQUESTED_AT: &str = "requested_at";
/// Set when an earlier request may have led to a login that nobody heard of again.
const LOGIN_UNCERTAIN: &str = "login_uncertain";

/// What post finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    /// Whether a login was performed, or may have been.
    pub(crate) login_performed: bool,
    pub(crate) cleanup: bool,
    pub(crate) server_id: String,
    /// Unknown in vault mode until the API has answered.
    pub(crate) registry_url: Option<String>,
    /// The problem with it where it had to come from the input, and that is bad.
    pub(crate) api_key: Result<Secret, Problem>,
    pub(crate) api_url: Option<ApiUrl>,
    /// PEM text, or the path of it where only the input is left.
    pub(crate) ca_certificate: Option<String>,
    pub(crate) last_seen: LastSeen,
    /// Whether there may be a login besides the one of `last_seen`.
    pub(crate) login_uncertain: bool,
}

/// Where main last saw the login.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum LastSeen {
    /// Requested at this moment of the wall clock; its operation is not known.
    Requested {
        at_ms: u64,
    },
    Running(OperationId),
    Ended,
}

/// Main's side: each method writes through at once.
pub(crate) struct StateWriter<'a, H> {
    host: &'a H,
    log: &'a Log<'a, H>,
    has_warned: Cell<bool>,
    is_gitea: bool,
}

impl<'a, H: Host> StateWriter<'a, H> {
    pub(crate) fn new(host: &'a H, log: &'a Log<'a, H>) -> Self {
        Self { host, log, has_warned: Cell::new(false), is_gitea: run_context::is_gitea(host) }
    }

    /// Before each login request. `login_performed` goes last: without it post does nothing.
    pub(crate) fn login_requested(&self, inputs: &Inputs) {
        self.save(API_URL, inputs.api_url.as_str());
        self.save(SERVER_ID, &inputs.server_id);
        self.save(CLEANUP, if inputs.cleanup { "true" } else { "false" });
        if let Login::Passthrough { registry, .. } = &inputs.login {
            self.save(REGISTRY_URL, registry);
        }
        // Without a state file the value would travel over stdout; post then takes the key from its input.
        if !self.host.env("GITHUB_STATE").is_empty() {
            self.save(API_KEY, inputs.api_key.expose());
        }
        if let Some(pem) = &inputs.ca_certificate {
            self.save(CA_CERTIFICATE, pem);
        }
        self.save(REQUESTED_AT, &(self.host.wall_clock_ms() as u64).to_string());
        self.save(OPERATION, REQUESTED);
        self.save(LOGIN_PERFORMED, "true");
    }

    /// A request failed in a way that may hide a login.
    pub(crate) fn login_uncertain(&self) {
        self.save(LOGIN_UNCERTAIN, "true");
    }

    /// As soon as the API has named the registry.
    pub(crate) fn registry_named(&self, registry_url: &RegistryUrl) {
        self.save(REGISTRY_URL, registry_url.as_str());
    }

    /// As soon as the API has named the operation.
    pub(crate) fn operation_named(&self, operation_id: &OperationId) {
        self.save(OPERATION_ID, operation_id.as_str());
        self.save(OPERATION, RUNNING);
    }

    pub(crate) fn login_completed(&self) {
        self.save(OPERATION, ENDED);
    }

    /// The login definitely failed: there is nothing to log out.
    pub(crate) fn login_failed(&self) {
        self.save(LOGIN_PERFORMED, "false");
    }

    fn save(&self, key: &str, value: &str) {
        // Gitea's and Forgejo's runners can lose the state file of a cancelled job; what was printed survives. The input
        // stands in for what is secret or has several lines.
        if self.is_gitea && key != API_KEY && key != CA_CERTIFICATE {
            self.host.command(&format!("::save-state name={key}::{}", value.replace('%', "%25")));
        }
        if let Err(reason) = self.host.save_state(key, value)
            && !self.has_warned.replace(true)
        {
            self.log.warning(
                "Cleanup is not certain",
                &format!("The runner could not save what the post step needs to log out: {reason}."),
            );
        }
    }
}

/// Post's side; `None` when main saved nothing, and so sent nothing. The inputs stand in only for values that are
/// absent: a runner may evaluate them anew, or hand post those of another step.
pub(crate) fn load(host: &impl Host) -> Option<Saved> {
    let state = |key| Some(host.state(key)).filter(|value| !value.is_empty());
    let or_input = |key| state(key).unwrap_or_else(|| host.input(key).trim().to_owned());
    let login_performed = state(LOGIN_PERFORMED)?;
    let operation_id = || state(OPERATION_ID).and_then(|id| OperationId::try_from(id).ok());
    let at_ms = state(REQUESTED_AT).and_then(|ms| ms.parse().ok()).unwrap_or_default();
    let last_seen = match state(OPERATION).as_deref() {
        Some(ENDED) => LastSeen::Ended,
        Some(RUNNING) => operation_id().map_or(LastSeen::Requested { at_ms }, LastSeen::Running),
        _ => LastSeen::Requested { at_ms },
    };
    Some(Saved {
        login_performed: login_performed == "true",
        cleanup: !or_input(CLEANUP).eq_ignore_ascii_case("false"),
        server_id: or_input(SERVER_ID),
        registry_url: state(REGISTRY_URL),
        api_key: inputs::api_key(&or_input(API_KEY)),
        api_url: ApiUrl::parse(&or_input(API_URL)).ok(),
        ca_certificate: Some(or_input(CA_CERTIFICATE)).filter(|given| !given.is_empty()),
        last_seen,
        login_uncertain: state(LOGIN_UNCERTAIN).is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    #[test]
    fn nothing_saved_means_nothing_to_do() {
        assert_eq!(load(&FakeHost::default().with_inputs(&[("api_key", "rca_x"), ("registry_url", "ghcr.io")])), None);
    }

    #[test]
    fn state_goes_before_inputs_and_inputs_stand_in_for_what_is_absent() {
        let host = FakeHost::default()
            .with_state(&[
                (LOGIN_PERFORMED, "true"),
                (SERVER_ID, "mine"),
                (REGISTRY_URL, "ghcr.io"),
                (API_URL, "https://a"),
            ])
            .with_inputs(&[("server_id", "other"), ("api_key", " rca_x\n"), ("registry_url", "docker.io")]);
        let saved = load(&host).unwrap();
        assert_eq!(saved.server_id, "mine");
        assert_eq!(saved.registry_url.as_deref(), Some("ghcr.io"));
        assert_eq!(saved.api_key, Ok(Secret::new("rca_x")));
        assert!(saved.cleanup);
    }

    #[test]
    fn tells_where_main_last_saw_the_login() {
        let seen = |state: &[(&str, &str)]| {
            let state = [&[(LOGIN_PERFORMED, "true"), (REQUESTED_AT, "7"), (OPERATION_ID, "op-1")], state].concat();
            load(&FakeHost::default().with_state(&state)).unwrap().last_seen
        };
        let id = OperationId::try_from("op-1".to_owned()).unwrap();
        assert_eq!(seen(&[(OPERATION, REQUESTED)]), LastSeen::Requested { at_ms: 7 }, "the id is of an earlier login");
        assert_eq!(seen(&[(OPERATION, RUNNING)]), LastSeen::Running(id));
        assert_eq!(seen(&[(OPERATION, ENDED)]), LastSeen::Ended);
        assert_eq!(seen(&[(OPERATION, RUNNING), (OPERATION_ID, "../x")]), LastSeen::Requested { at_ms: 7 });
        assert_eq!(seen(&[(REQUESTED_AT, "soon")]), LastSeen::Requested { at_ms: 0 });
    }
}
