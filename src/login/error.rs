//! Errors of logins: each has a title, a cause and a fix.

use crate::api::error::ApiError;
use crate::api::identifier::OperationId;
use crate::registry::docker_output;
use thiserror::Error;

/// Why a login failed.
#[derive(Debug, Error)]
pub(crate) enum LoginError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("Skipped: {0}.")]
    Skipped(SkipReason),
    #[error("The step was cancelled: {progress}.")]
    Cancelled { progress: String },
    #[error("The login did not finish within {timeout_s} s: {}.", progress.trim_end_matches('.'))]
    StepTimeout { timeout_s: u32, progress: String, rate_limited: bool },
    #[error("docker login {registry} on {server} failed with exit code {exit_code}{} (operation {operation_id}).", with_output(.output))]
    DockerFailed { registry: String, server: String, exit_code: i64, output: String, operation_id: OperationId },
    /// A result that is neither a success nor a failure of docker. `ran` is whether docker may have logged in.
    #[error("docker login {registry} on {server} {reason}{} (operation {operation_id}).", with_output(.output))]
    UnexpectedDockerResult {
        registry: String,
        server: String,
        reason: &'static str,
        ran: bool,
        output: String,
        operation_id: OperationId,
    },
    #[error("docker login {registry} on {server} timed out on the server (operation {operation_id}).")]
    OperationTimeout { registry: String, server: String, operation_id: OperationId },
}

/// Why a login was not started.
#[derive(Debug, Clone, Copy, Error)]
pub(crate) enum SkipReason {
    #[error("another login failed with an error that affects all logins")]
    OtherLoginFailed,
    #[error("the timeout passed before this login was started")]
    StepTimeout,
}

impl LoginError {
    /// The title of an annotation.
    pub(crate) fn title(&self) -> &'static str {
        match self {
            Self::Api(error) => error.title(),
            Self::Skipped(_) => "Skipped",
            Self::Cancelled { .. } => "Cancelled",
            Self::StepTimeout { rate_limited: true, .. } => "Rate limit exceeded",
            Self::StepTimeout { .. } | Self::OperationTimeout { .. } => "Timed out",
            Self::DockerFailed { .. } | Self::UnexpectedDockerResult { .. } => "Docker login failed",
        }
    }

    /// How to fix it; the sentence after "Fix:".
    pub(crate) fn fix(&self) -> &'static str {
        match self {
            Self::Api(error) => error.fix(),
            Self::Skipped(SkipReason::OtherLoginFailed) => "correct the error above and re-run the job.",
            Self::Skipped(SkipReason::StepTimeout) => {
                "check that the servers are online in Reoclo, or raise the timeout input or the key's rate limit."
            }
            Self::Cancelled { .. } => "re-run the job if you need the login.",
            Self::StepTimeout { rate_limited: true, .. } => {
                "raise the key's rate limit in the dashboard, raise the timeout input, or log in on fewer servers."
            }
            Self::StepTimeout { .. } => "check that the server is online in Reoclo, or raise the timeout input.",
            Self::DockerFailed { registry, output, .. } | Self::UnexpectedDockerResult { registry, output, .. } => {
                docker_output::fix(registry, output)
            }
            Self::OperationTimeout { .. } => {
                "check that the server can reach the registry (DNS, firewall, proxy), then re-run the job."
            }
        }
    }

    /// Cause and fix.
    pub(crate) fn with_fix(&self) -> String {
        format!("{self} Fix: {}", self.fix())
    }

    /// Whether docker failed in a way that a new login can succeed.
    pub(crate) fn is_transient_docker_failure(&self) -> bool {
        matches!(self, Self::DockerFailed { output, .. } if docker_output::is_transient(output))
    }

    /// Whether all other logins of the step would fail with the same error.
    pub(crate) fn affects_all_logins(&self) -> bool {
        matches!(self, Self::Api(error) if error.affects_all_logins())
    }

    /// Whether the message names server and registry.
    pub(crate) fn names_server_and_registry(&self) -> bool {
        matches!(self, Self::DockerFailed { .. } | Self::UnexpectedDockerResult { .. } | Self::OperationTimeout { .. })
    }

    /// Whether the API could not be reached or did not respond properly for the moment.
    pub(crate) fn is_transient_api_error(&self) -> bool {
        matches!(self, Self::Api(error) if error.is_transient())
    }

    /// Whether nothing was sent.
    pub(crate) fn is_skipped(&self) -> bool {
        matches!(self, Self::Skipped(_))
    }

    /// Whether the API has counted too many requests.
    pub(crate) fn is_rate_limit(&self) -> bool {
        matches!(self, Self::Api(error) if error.is_rate_limit())
    }

    /// Whether it is certain that the server is not logged in, so that a logout could only remove another job's login.
    pub(crate) fn rules_out_login(&self) -> bool {
        match self {
            Self::Api(error) => error.rules_out_operation(),
            Self::Skipped(_) | Self::DockerFailed { .. } => true,
            Self::UnexpectedDockerResult { ran, .. } => !ran,
            Self::StepTimeout { .. } | Self::Cancelled { .. } | Self::OperationTimeout { .. } => false,
        }
    }
}

/// Why a logout failed.
#[derive(Debug, Error)]
pub(crate) enum LogoutError {
    #[error(transparent)]
    Api(#[from] ApiError),
    #[error("docker logout {registry} failed{} (operation {operation_id}).", with_output(.output))]
    DockerFailed { registry: String, output: String, operation_id: OperationId },
    #[error("docker logout {registry} did not finish in time (operation {operation_id}).")]
    NotFinished { registry: String, operation_id: OperationId },
    /// Reoclo reports a failure without an operation.
    #[error("docker logout {registry} failed.")]
    Rejected { registry: String },
    #[error("No time was left for this logout.")]
    NoTimeLeft { registry: String },
}

impl LogoutError {
    /// Cause and fix.
    pub(crate) fn with_fix(&self) -> String {
        match self {
            Self::Api(error) => error.with_fix(),
            Self::DockerFailed { registry, .. }
            | Self::NotFinished { registry, .. }
            | Self::Rejected { registry }
            | Self::NoTimeLeft { registry } => format!("{self} Fix: run docker logout {registry} on the server."),
        }
    }

    /// Whether docker failed in a way that a new logout can succeed. Without output, the agent could not run it.
    pub(crate) fn is_transient_docker_failure(&self) -> bool {
        matches!(self, Self::DockerFailed { output, .. } if output.is_empty() || docker_output::is_transient(output))
    }

    /// Whether a later logout can succeed.
    pub(crate) fn is_transient(&self) -> bool {
        matches!(self, Self::Api(error) if error.is_transient()) || self.is_transient_docker_failure()
    }

    pub(crate) fn is_request_timeout(&self) -> bool {
        matches!(self, Self::Api(error) if error.is_request_timeout())
    }
}

fn with_output(output: &str) -> String {
    if output.is_empty() { String::new() } else { format!(": {output}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::contract::ApiCall;

    fn docker_failed(registry: &str, output: &str) -> LoginError {
        LoginError::DockerFailed {
            registry: registry.into(),
            server: "web-1".into(),
            exit_code: 1,
            output: output.into(),
            operation_id: OperationId::try_from("op-1".to_owned()).unwrap(),
        }
    }

    #[test]
    fn the_fix_depends_on_the_registry() {
        let denied = |registry: &str| {
            docker_failed(registry, &format!("Error response from daemon: Get \"https://{registry}/v2/\": denied"))
        };
        assert!(denied("ghcr.io").fix().contains("read:packages"));
        assert!(!denied("registry.example.com").fix().contains("read:packages"));
    }

    #[test]
    fn a_denial_is_not_transient() {
        assert!(docker_failed("ghcr.io", "dial tcp: connection refused").is_transient_docker_failure());
        assert!(!docker_failed("ghcr.io", "denied: connection timeout").is_transient_docker_failure());
    }
    #[test]
    fn each_error_has_a_title_a_fix_and_a_rule_for_the_logout() {
        let id = || OperationId::try_from("op-1".to_owned()).unwrap();
        let unexpected = |ran| LoginError::UnexpectedDockerResult {
            registry: "ghcr.io".into(),
            server: "web-1".into(),
            reason: "could not be run",
            ran,
            output: String::new(),
            operation_id: id(),
        };
        let timeout =
            |rate_limited| LoginError::StepTimeout { timeout_s: 9, progress: "waiting.".into(), rate_limited };
        let operation_timeout =
            || LoginError::OperationTimeout { registry: "ghcr.io".into(), server: "web-1".into(), operation_id: id() };
        let api = |status| {
            let (call, host, detail) = (ApiCall::VaultLogin, "api".into(), String::new());
            LoginError::from(ApiError::HttpStatus { call, host, status, detail, retry_after_ms: None })
        };
        for (error, title, word, rules_out_login) in [
            (api(401), "Invalid API key", "api_key", true),
            (api(502), "Reoclo server error", "re-run", false),
            (LoginError::Skipped(SkipReason::OtherLoginFailed), "Skipped", "error above", true),
            (LoginError::Skipped(SkipReason::StepTimeout), "Skipped", "timeout input", true),
            (LoginError::Cancelled { progress: "waiting".into() }, "Cancelled", "if you need the login", false),
            (timeout(true), "Rate limit exceeded", "fewer servers", false),
            (timeout(false), "Timed out", "server is online", false),
            (operation_timeout(), "Timed out", "reach the registry", false),
            (docker_failed("ghcr.io", "denied"), "Docker login failed", "GITHUB_TOKEN", true),
            (unexpected(true), "Docker login failed", "dashboard", false),
            (unexpected(false), "Docker login failed", "dashboard", true),
        ] {
            assert_eq!(error.title(), title);
            assert!(error.fix().contains(word), "{error}: {}", error.fix());
            assert_eq!(error.with_fix(), format!("{error} Fix: {}", error.fix()));
            assert_eq!(error.rules_out_login(), rules_out_login, "{error}");
            assert_eq!(error.is_skipped(), title == "Skipped");
            assert_eq!(error.names_server_and_registry(), error.to_string().contains("ghcr.io on web-1"), "{error}");
        }
        assert_eq!(timeout(false).to_string(), "The login did not finish within 9 s: waiting.");
        assert_eq!(
            docker_failed("ghcr.io", "").to_string(),
            "docker login ghcr.io on web-1 failed with exit code 1 (operation op-1)."
        );
    }

    #[test]
    fn only_errors_of_the_api_say_something_about_it() {
        let api = |status| {
            let (call, host, detail) = (ApiCall::VaultLogin, "api".into(), String::new());
            LoginError::from(ApiError::HttpStatus { call, host, status, detail, retry_after_ms: None })
        };
        for (error, affects_all, is_transient, is_rate_limit) in [
            (api(401), true, false, false),
            (api(403), false, false, false),
            (api(429), false, true, true),
            (api(503), false, true, false),
            (docker_failed("ghcr.io", "timeout"), false, false, false),
        ] {
            assert_eq!(error.affects_all_logins(), affects_all, "{error}");
            assert_eq!(error.is_transient_api_error(), is_transient, "{error}");
            assert_eq!(error.is_rate_limit(), is_rate_limit, "{error}");
        }
        assert!(!api(503).is_transient_docker_failure());
    }

    #[test]
    fn a_failed_logout_has_a_fix() {
        let id = || OperationId::try_from("op-1".to_owned()).unwrap();
        let docker = |output: &str| LogoutError::DockerFailed {
            registry: "ghcr.io".into(),
            output: output.into(),
            operation_id: id(),
        };
        let (call, host) = (ApiCall::Logout, || "api".to_owned());
        let timeout = LogoutError::from(ApiError::RequestTimeout { call, host: host(), seconds: 5, was_sent: true });
        let not_json = LogoutError::from(ApiError::InvalidJson { call, host: host() });
        assert!(timeout.with_fix().ends_with(
            "timed out after 5 s. Fix: check the network between this runner and Reoclo, then re-run the job."
        ));
        assert!(timeout.is_request_timeout() && !not_json.is_request_timeout() && !docker("").is_request_timeout());
        assert_eq!(
            docker("no space").with_fix(),
            "docker logout ghcr.io failed: no space (operation op-1). Fix: run docker logout ghcr.io on the server."
        );
        assert!(docker("").is_transient_docker_failure() && docker("i/o timeout").is_transient_docker_failure());
        assert!(!docker("no space").is_transient_docker_failure() && !not_json.is_transient_docker_failure());
    }
}
