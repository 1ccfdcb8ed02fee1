//! What main leaves for post, in the runner's action state.
//!
//! Written before the request that it is needed for, so that a step killed at any moment can be cleaned up after.
//! The access token is never part of it.

use crate::api::{ApiUrl, OperationId, RegistryUrl};
use crate::host::Host;
use crate::inputs::{Inputs, Login};
use crate::log::Log;
use crate::secret::Secret;

const LOGIN_PERFORMED: &str = "login_performed";
const CLEANUP: &str = "cleanup";
const SERVER_ID: &str = "server_id";
const REGISTRY_URL: &str = "registry_url";
const API_KEY: &str = "api_key";
const API_URL: &str = "api_url";
const OPERATION_ID: &str = "operation_id";
/// `ended` once main has seen the end of the operation, so that post need not ask.
const OPERATION: &str = "operation";
const ENDED: &str = "ended";

/// What post finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    /// Whether a login was performed, or may have been.
    pub(crate) login_performed: bool,
    pub(crate) cleanup: bool,
    pub(crate) server_id: String,
    /// Unknown in vault mode until the API has answered.
    pub(crate) registry_url: Option<String>,
    pub(crate) api_key: Secret,
    pub(crate) api_url: Option<ApiUrl>,
    /// The operation, unless main saw its end.
    pub(crate) running: Option<OperationId>,
}

/// Main's side: each method writes through at once.
pub(crate) struct StateWriter<'a, H> {
    host: &'a H,
    log: &'a Log<'a, H>,
}

impl<'a, H: Host> StateWriter<'a, H> {
    pub(crate) fn new(host: &'a H, log: &'a Log<'a, H>) -> Self {
        Self { host, log }
    }

    /// Before the login request. `login_performed` goes last: without it post does nothing.
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
        self.save(LOGIN_PERFORMED, "true");
    }

    /// As soon as the API has named the operation and the registry.
    pub(crate) fn login_accepted(&self, operation_id: &OperationId, registry_url: &RegistryUrl) {
        self.save(REGISTRY_URL, registry_url.as_str());
        self.save(OPERATION_ID, &operation_id.to_string());
    }

    pub(crate) fn login_completed(&self) {
        self.save(OPERATION, ENDED);
    }

    /// The login definitely failed: there is nothing to log out.
    pub(crate) fn login_failed(&self) {
        self.save(LOGIN_PERFORMED, "false");
    }

    fn save(&self, key: &str, value: &str) {
        if let Err(reason) = self.host.save_state(key, value) {
            self.log.warning(
                "Cleanup is not certain",
                &format!("The runner could not save {key} for the post step: {reason}."),
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
    let ended = state(OPERATION).is_some_and(|word| word == ENDED);
    Some(Saved {
        login_performed: login_performed == "true",
        cleanup: !or_input(CLEANUP).eq_ignore_ascii_case("false"),
        server_id: or_input(SERVER_ID),
        registry_url: state(REGISTRY_URL),
        api_key: Secret::new(or_input(API_KEY)),
        api_url: ApiUrl::parse(&or_input(API_URL)).ok(),
        running: state(OPERATION_ID).filter(|_| !ended).and_then(|id| OperationId::try_from(id).ok()),
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
        assert_eq!(saved.api_key.expose(), "rca_x");
        assert!(saved.cleanup);
    }

    #[test]
    fn an_operation_that_main_saw_end_is_not_waited_for() {
        let state = [(LOGIN_PERFORMED, "true"), (OPERATION_ID, "op-1")];
        assert!(load(&FakeHost::default().with_state(&state)).unwrap().running.is_some());
        let host = FakeHost::default().with_state(&state).with_state(&[(OPERATION, ENDED)]);
        assert!(load(&host).unwrap().running.is_none());
    }
}
