//! The result of one login, for the outputs, the summary and the report.

use super::error::LoginError;
use super::operation;
use crate::api::credential::Credential;
use crate::api::identifier::{OperationId, RegistryType, RegistryUrl};

/// What the API has returned for a login request that it accepted.
#[derive(Clone)]
pub(crate) struct AcceptedLogin {
    pub(crate) registry_url: RegistryUrl,
    pub(crate) registry_type: RegistryType,
    pub(crate) operation_id: OperationId,
}

/// One login: what was requested, and what is known so far.
pub(crate) struct LoginResult<'a> {
    pub(crate) server_id: &'a str,
    pub(crate) credential: &'a Credential,
    /// The server's name in Reoclo.
    pub(crate) server_name: Option<String>,
    /// The last accepted request.
    pub(crate) accepted: Option<AcceptedLogin>,
    /// How often the login was requested.
    pub(crate) attempts: u32,
    pub(crate) duration_ms: f64,
    /// `None` until it has finished.
    pub(crate) outcome: Option<Result<(), LoginError>>,
}

impl<'a> LoginResult<'a> {
    pub(crate) fn new(server_id: &'a str, credential: &'a Credential) -> Self {
        Self { server_id, credential, server_name: None, accepted: None, attempts: 0, duration_ms: 0.0, outcome: None }
    }

    /// What the API has returned, if docker has succeeded.
    pub(crate) fn succeeded(&self) -> Option<&AcceptedLogin> {
        self.accepted.as_ref().filter(|_| matches!(self.outcome, Some(Ok(()))))
    }

    pub(crate) fn error(&self) -> Option<&LoginError> {
        self.outcome.as_ref().and_then(|outcome| outcome.as_ref().err())
    }

    pub(crate) fn credential_id(&self) -> Option<&'a str> {
        match self.credential {
            Credential::Vault { credential_id } => Some(credential_id),
            Credential::Passthrough { .. } => None,
        }
    }

    /// The registry, or in vault mode the credential until the API has returned the registry.
    pub(crate) fn registry(&self) -> String {
        match (&self.accepted, self.credential) {
            (Some(accepted), _) => accepted.registry_url.as_str().to_owned(),
            (None, Credential::Passthrough { registry, .. }) => registry.clone(),
            (None, Credential::Vault { credential_id }) => format!("credential {credential_id}"),
        }
    }

    /// `web-1, ghcr.io`, with what is known so far.
    pub(crate) fn name(&self) -> String {
        format!("{}, {}", operation::name_server(self.server_name.as_deref(), self.server_id), self.registry())
    }
}
