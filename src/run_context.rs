//! Who asks: the CI run that a login is recorded under in Reoclo's audit log.

use crate::host::Host;
use serde::Serialize;

/// The run's identity as the API takes it; exactly these fields.
#[derive(Debug, Serialize, PartialEq, Eq)]
pub(crate) struct RunContext {
    pub(crate) provider: &'static str,
    pub(crate) repository: String,
    pub(crate) workflow: String,
    pub(crate) trigger: String,
    pub(crate) actor: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) sha: String,
    #[serde(rename = "ref", skip_serializing_if = "String::is_empty")]
    pub(crate) git_ref: String,
}

impl RunContext {
    pub(crate) fn read(host: &impl Host) -> Self {
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

/// The CI run's id; `None` outside of CI.
pub(crate) fn run_id(host: &impl Host) -> Option<String> {
    Some(host.env("GITHUB_RUN_ID")).filter(|id| !id.is_empty())
}

/// Gitea's and Forgejo's runners also say `GITHUB_ACTIONS=true`, so they are asked first. `act` stands in for
/// GitHub's runner and counts as it; a GitHub Enterprise Server is GitHub too.
fn provider(host: &impl Host) -> &'static str {
    if is_gitea(host) {
        "gitea_actions"
    } else if is(host, "GITHUB_ACTIONS", "true") {
        "github_actions"
    } else if is(host, "CI", "woodpecker") {
        "woodpecker"
    } else {
        "cli"
    }
}

/// Whether this is Gitea's runner or Forgejo's.
pub(crate) fn is_gitea(host: &impl Host) -> bool {
    is(host, "GITEA_ACTIONS", "true") || is(host, "FORGEJO_ACTIONS", "true")
}

fn is(host: &impl Host, name: &str, value: &str) -> bool {
    host.env(name).eq_ignore_ascii_case(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    fn provider_of(env: &[(&str, &str)]) -> &'static str {
        provider(&FakeHost::default().with_env(env))
    }

    #[test]
    fn tells_the_providers_apart() {
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
    fn leaves_out_an_unknown_commit_and_keeps_the_other_fields() {
        let host = FakeHost::default().with_env(&[("GITHUB_ACTOR", "ada")]);
        let json = serde_json::to_value(RunContext::read(&host)).unwrap();
        let expected = serde_json::json!({
            "provider": "cli", "repository": "", "workflow": "", "trigger": "", "actor": "ada"
        });
        assert_eq!(json, expected);
    }
}
