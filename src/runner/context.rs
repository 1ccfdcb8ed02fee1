//! The CI run that a request is recorded under in Reoclo's audit log.

use crate::host::Host;
use serde::Serialize;

/// The CI run, as the API takes it.
pub(crate) struct CiRun {
    /// `None` outside CI.
    pub(crate) id: Option<String>,
    pub(crate) context: RunContext,
}

impl CiRun {
    pub(crate) fn read(host: &impl Host) -> Self {
        let id = host.env("GITHUB_RUN_ID");
        Self { id: (!id.is_empty()).then_some(id), context: RunContext::read(host) }
    }
}

/// `run_context` of the API: exactly these fields, since others may not be accepted.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct RunContext {
    provider: &'static str,
    repository: String,
    workflow: String,
    trigger: String,
    actor: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    sha: String,
    #[serde(rename = "ref", skip_serializing_if = "String::is_empty")]
    git_ref: String,
}

impl RunContext {
    fn read(host: &impl Host) -> Self {
        Self {
            provider: provider(host),
            repository: host.env("GITHUB_REPOSITORY"),
            workflow: host.env("GITHUB_WORKFLOW"),
            trigger: host.env("GITHUB_EVENT_NAME"),
            actor: host.env("GITHUB_ACTOR"),
            sha: host.env("GITHUB_SHA"),
            git_ref: host.env("GITHUB_REF"),
        }
    }
}

/// Gitea's and Forgejo's runners also set `GITHUB_ACTIONS=true`, so they are checked first. `act` emulates GitHub's
/// runner and counts as `github_actions`, as does GitHub Enterprise Server.
fn provider(host: &impl Host) -> &'static str {
    if is_gitea(host) {
        "gitea_actions"
    } else if is_set_to(host, "GITHUB_ACTIONS", "true") {
        "github_actions"
    } else if is_set_to(host, "CI", "woodpecker") {
        "woodpecker"
    } else {
        "cli"
    }
}

/// Whether this is the runner of Gitea or Forgejo.
pub(crate) fn is_gitea(host: &impl Host) -> bool {
    is_set_to(host, "GITEA_ACTIONS", "true") || is_set_to(host, "FORGEJO_ACTIONS", "true")
}

fn is_set_to(host: &impl Host, name: &str, value: &str) -> bool {
    host.env(name).eq_ignore_ascii_case(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::codec::Codec;
    use crate::host::fake::FakeHost;

    fn provider_of(env: &[(&str, &str)]) -> &'static str {
        provider(&FakeHost::default().with_env(env))
    }

    #[test]
    fn recognises_the_provider() {
        let github = ("GITHUB_ACTIONS", "true");
        assert_eq!(provider_of(&[github]), "github_actions");
        assert_eq!(provider_of(&[github, ("GITHUB_SERVER_URL", "https://git.corp.example")]), "github_actions");
        assert_eq!(provider_of(&[github, ("GITHUB_SERVER_URL", "https://acme.ghe.com")]), "github_actions");
        assert_eq!(provider_of(&[github, ("ACT", "true")]), "github_actions");
        assert_eq!(provider_of(&[github, ("GITEA_ACTIONS", "true")]), "gitea_actions");
        assert_eq!(provider_of(&[github, ("GITEA_ACTIONS", "true"), ("ACT", "true")]), "gitea_actions");
        assert_eq!(provider_of(&[github, ("FORGEJO_ACTIONS", "true")]), "gitea_actions");
        assert_eq!(provider_of(&[("CI", "woodpecker")]), "woodpecker");
        assert_eq!(provider_of(&[]), "cli");
    }

    #[test]
    fn leaves_out_an_unknown_commit_and_keeps_other_fields() {
        let host = FakeHost::default().with_env(&[("GITHUB_ACTOR", "ada")]);
        let expected = r#"{"provider":"cli","repository":"","workflow":"","trigger":"","actor":"ada"}"#;
        assert_eq!(host.to_json(&RunContext::read(&host)), expected);
        let host = host.with_env(&[("GITHUB_SHA", "0123"), ("GITHUB_REF", "refs/heads/main")]);
        assert!(host.to_json(&RunContext::read(&host)).ends_with(r#","sha":"0123","ref":"refs/heads/main"}"#));
    }

    #[test]
    fn the_run_id_is_absent_outside_ci() {
        let host = FakeHost::default();
        assert_eq!(CiRun::read(&host).id, None);
        assert_eq!(CiRun::read(&host.with_env(&[("GITHUB_RUN_ID", "42")])).id.as_deref(), Some("42"));
    }
}
