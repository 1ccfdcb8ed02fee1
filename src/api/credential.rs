//! Where the registry credential of a login comes from.

use crate::runner::secret::Secret;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// Vault mode: the credential is stored in Reoclo.
    Vault { credential_id: String },
    /// Passthrough mode: the workflow passes the credential. `registry` is normalised.
    Passthrough { username: String, access_token: Secret, registry: String },
}

impl Credential {
    /// Whether the workflow itself names this registry.
    pub(crate) fn names_registry(&self, registry_url: &str) -> bool {
        matches!(self, Self::Passthrough { registry, .. } if registry == registry_url)
    }

    /// `auth_mode` in Reoclo's audit log.
    pub(crate) fn auth_mode(&self) -> &'static str {
        match self {
            Self::Vault { .. } => "vault",
            Self::Passthrough { .. } => "passthrough",
        }
    }
}
