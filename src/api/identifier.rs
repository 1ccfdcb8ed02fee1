//! Identifiers in responses. Each is checked, since it becomes part of a URL, an argument, a log line or the state.

use crate::registry::address;
use serde::Deserialize;
use std::fmt;

/// The ID of an operation. It is safe in a URL path, a log line and the state.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct OperationId(String);

impl TryFrom<String> for OperationId {
    type Error = &'static str;

    fn try_from(id: String) -> Result<Self, Self::Error> {
        let is_safe = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if id.is_empty() || id.len() > 128 || !id.bytes().all(is_safe) {
            return Err("invalid operation ID");
        }
        Ok(Self(id))
    }
}

impl OperationId {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The registry that the API has resolved, as the logout must name it. It is safe in an argument and in a script.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RegistryUrl(String);

impl TryFrom<String> for RegistryUrl {
    type Error = &'static str;

    fn try_from(url: String) -> Result<Self, Self::Error> {
        let is_safe = |b: u8| b.is_ascii_alphanumeric() || b".-_:/[]".contains(&b);
        // Without a host it could not be logged out of.
        if url.len() > 512 || url.contains("..") || !url.bytes().all(is_safe) || address::normalise(&url).is_err() {
            return Err("invalid registry URL");
        }
        Ok(Self(url))
    }
}

impl RegistryUrl {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The kind of a registry, as a lower-case identifier.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct RegistryType(String);

impl TryFrom<String> for RegistryType {
    type Error = &'static str;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        let is_safe = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        if name.is_empty() || name.len() > 64 || !name.bytes().all(is_safe) {
            return Err("invalid registry type");
        }
        Ok(Self(name))
    }
}

impl RegistryType {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the API documents it.
    pub(crate) fn is_documented(&self) -> bool {
        const DOCUMENTED: [&str; 7] =
            ["docker_hub", "ghcr", "aws_ecr", "google_artifact_registry", "azure_acr", "harbor", "generic"];
        DOCUMENTED.contains(&self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_id_cannot_change_the_path() {
        for id in ["", "..", "../x", "a/b", "a?b", "a b", "a\nb", "é", &"x".repeat(129)] {
            assert!(OperationId::try_from(id.to_owned()).is_err(), "{id:?} was accepted");
        }
        for id in ["5d0c6f1e-op_1", &"x".repeat(128)] {
            assert!(OperationId::try_from(id.to_owned()).is_ok(), "{id:?}");
        }
    }

    #[test]
    fn a_registry_url_cannot_be_an_option_or_command() {
        for url in
            ["", "-D", "--help", "a b", "ghcr.io\n", "$(id)", "a;b", "a/../b", "a\u{301}", "a:b:c", ":::", "-x.io"]
        {
            assert!(RegistryUrl::try_from(url.to_owned()).is_err(), "{url:?} was accepted");
        }
        for url in ["ghcr.io", "https://index.docker.io/v1/", "[::1]:5000"] {
            assert!(RegistryUrl::try_from(url.to_owned()).is_ok(), "{url:?}");
        }
        let path = |length: usize| format!("ghcr.io/{}", "x".repeat(length - 8));
        assert!(RegistryUrl::try_from(path(512)).is_ok() && RegistryUrl::try_from(path(513)).is_err());
    }

    #[test]
    fn a_registry_type_is_a_lower_case_identifier() {
        for name in ["", "GHCR", "a b", "a-b", "$(id)", &"x".repeat(65)] {
            assert!(RegistryType::try_from(name.to_owned()).is_err(), "{name:?} was accepted");
        }
        assert!(RegistryType::try_from("x".repeat(64)).is_ok());
        assert!(RegistryType::try_from("aws_ecr".to_owned()).is_ok_and(|kind| kind.is_documented()));
        assert!(RegistryType::try_from("quay".to_owned()).is_ok_and(|kind| !kind.is_documented()));
    }
}
