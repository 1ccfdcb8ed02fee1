//! The outputs of the step.

use super::result::{AcceptedLogin, LoginResult};
use crate::host::Host;
use crate::runner::log::Log;
use serde::Serialize;
use std::cell::Cell;

/// Stands for a login that was not accepted. An empty line would not do: act drops empty lines at the start of a value.
const NONE: &str = "-";

/// Sets outputs. If the runner cannot save them, there is one warning.
pub(crate) struct Outputs<'a, H> {
    host: &'a H,
    log: &'a Log<'a, H>,
    has_warned: Cell<bool>,
}

/// An entry of the output `logins`.
#[derive(Serialize)]
struct LoginOutput<'a> {
    server_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    credential_id: Option<&'a str>,
    registry_url: &'a str,
    registry_type: &'a str,
    operation_id: &'a str,
    auth_mode: &'a str,
    attempts: u32,
    duration_ms: u32,
}

impl<'a, H: Host> Outputs<'a, H> {
    pub(crate) fn new(host: &'a H, log: &'a Log<'a, H>) -> Self {
        Self { host, log, has_warned: Cell::new(false) }
    }

    /// Sets one line per login in the order of the inputs; nothing if none was accepted.
    pub(crate) fn set_accepted<'r>(&self, logins: impl Iterator<Item = Option<&'r AcceptedLogin>>) {
        let [mut ids, mut registries, mut types] = [const { Vec::new() }; 3];
        for login in logins {
            ids.push(login.map_or(NONE, |login| login.operation_id.as_str()));
            registries.push(login.map_or(NONE, |login| login.registry_url.as_str()));
            types.push(login.map_or(NONE, |login| login.registry_type.as_str()));
        }
        if ids.iter().any(|id| *id != NONE) {
            self.set("operation_id", &ids.join("\n"));
            self.set("registry_url", &registries.join("\n"));
            self.set("registry_type", &types.join("\n"));
        }
    }

    /// Sets the JSON array of the successful logins.
    pub(crate) fn set_logins(&self, results: &[LoginResult<'_>]) {
        let logins: Vec<LoginOutput<'_>> = results.iter().filter_map(LoginOutput::of).collect();
        self.set("logins", &self.host.to_json(&logins));
    }

    fn set(&self, name: &str, value: &str) {
        if let Err(reason) = self.host.set_output(name, value)
            && !self.has_warned.replace(true)
        {
            self.log.warning("Outputs not set", &format!("The runner could not save the outputs: {reason}."));
        }
    }
}

impl<'a> LoginOutput<'a> {
    fn of(result: &'a LoginResult<'_>) -> Option<Self> {
        let accepted = result.succeeded()?;
        Some(Self {
            server_id: result.server_id,
            server_name: result.server_name.as_deref(),
            credential_id: result.credential_id(),
            registry_url: accepted.registry_url.as_str(),
            registry_type: accepted.registry_type.as_str(),
            operation_id: accepted.operation_id.as_str(),
            auth_mode: result.credential.auth_mode(),
            attempts: result.attempts,
            duration_ms: result.duration_ms as u32,
        })
    }
}
