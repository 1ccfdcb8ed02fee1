//! Who asks: the CI run that a login is recorded under in Reoclo's audit log.

use crate::host::Host;
use crate::json::Json;

/// The run's identity as the API takes it; exactly these fields.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RunContext {
    pub(crate) provider: &'static str,
    pub(crate) repository: String,
    pub(crate) workflow: String,
    pub(crate) trigger: String,
    pub(crate) actor: String,
    pub(crate) sha: String,
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

    /// As the API takes it; an unknown commit is left out.
    pub(crate) fn json(&self) -> Json {
        let fields = [
            ("provider", self.provider),
            ("repository", &self.repository),
            ("workflow", &self.workflow),
            ("trigger", &self.trigger),
            ("actor", &self.actor),
            ("sha", &self.sha),
            ("ref", &self.git_ref),
        ];
        let is_known = |(name, text): &(&str, &str)| !(matches!(*name, "sha" | "ref") && text.is_empty());
        Json::of(&fields.into_iter().filter(is_known).collect::<Vec<_>>())
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
        let unknown = ["repository", "workflow", "trigger"].map(|name| (name, ""));
        let expected = [&[("provider", "cli")], &unknown[..], &[("actor", "ada")]].concat();
        assert_eq!(RunContext::read(&host).json(), Json::of(&expected));
    }
}
