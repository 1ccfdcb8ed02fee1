//! What later steps of the job can read.

use crate::api::Accepted;
use crate::host::Host;
use crate::inputs::Login;
use crate::json::Json;
use crate::log::Log;
use crate::login::LoginRun;
use std::cell::Cell;

/// Stands for a login that was not accepted. Not an empty line: act drops those that a value begins with.
const NONE: &str = "-";

/// The outputs of the step; that the runner does not take them is one warning.
pub(crate) struct Outputs<'a, H> {
    host: &'a H,
    log: &'a Log<'a, H>,
    has_warned: Cell<bool>,
}

impl<'a, H: Host> Outputs<'a, H> {
    pub(crate) fn new(host: &'a H, log: &'a Log<'a, H>) -> Self {
        Self { host, log, has_warned: Cell::new(false) }
    }

    /// A line for each login in the order of the inputs: what the API has answered, with the registry; nothing at all where
    /// it has accepted none.
    pub(crate) fn set_accepted<'r>(&self, logins: impl Iterator<Item = Option<(&'r str, &'r Accepted)>>) {
        let [mut ids, mut registries, mut types] = [const { Vec::new() }; 3];
        for login in logins {
            let (id, registry, kind) = login.map_or((NONE, NONE, NONE), |(registry, accepted)| {
                (accepted.operation_id.as_str(), registry, accepted.registry_type.as_str())
            });
            ids.push(id);
            registries.push(registry);
            types.push(kind);
        }
        if ids.iter().any(|id| *id != NONE) {
            self.set("operation_id", &ids.join("\n"));
            self.set("registry_url", &registries.join("\n"));
            self.set("registry_type", &types.join("\n"));
        }
    }

    /// The logins that succeeded, as JSON.
    pub(crate) fn set_logins(&self, runs: &[LoginRun<'_, H>]) {
        let succeeded = runs.iter().filter_map(described).collect();
        self.set("logins", &self.host.json_text(&Json::List(succeeded)));
    }

    fn set(&self, name: &str, value: &str) {
        if let Err(reason) = self.host.set_output(name, value)
            && !self.has_warned.replace(true)
        {
            let why = format!("The runner could not take the outputs: {reason}.");
            self.log.warning("Outputs are missing", &why);
        }
    }
}

fn described<H: Host>(run: &LoginRun<'_, H>) -> Option<Json> {
    let report = run.report.borrow();
    let (registry, accepted) = report.succeeded()?;
    let mut fields = vec![("server_id", run.server_id.into())];
    fields.extend(report.server_name.as_deref().map(|name| ("server_name", name.into())));
    let auth_mode = match run.login {
        Login::Vault { credential_id } => {
            fields.push(("credential_id", credential_id.as_str().into()));
            "vault"
        }
        Login::Passthrough { .. } => "passthrough",
    };
    fields.extend([
        ("registry_url", registry.as_str().into()),
        ("registry_type", accepted.registry_type.as_str().into()),
        ("operation_id", accepted.operation_id.as_str().into()),
        ("auth_mode", auth_mode.into()),
        ("attempts", Json::Integer(report.attempts.into())),
        ("duration_ms", Json::Integer(report.duration_ms as i64)),
    ]);
    Some(Json::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()))
}
