//! The platforms that run workflows, and how they differ.

/// The action on Gitea's and Forgejo's instances: without the scheme, a runner looks for it on its own instance.
const MIRROR: &str = "https://git.boxpositron.dev/";
/// Third-party actions there.
const GITHUB: &str = "https://github.com/";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Platform {
    GitHub,
    EnterpriseServer,
    Gitea,
    Forgejo,
}

impl Platform {
    pub(crate) fn of(id: &str) -> Self {
        match id {
            "ghes" => Self::EnterpriseServer,
            "gitea" => Self::Gitea,
            "forgejo" => Self::Forgejo,
            _ => Self::GitHub,
        }
    }

    /// Whether it is GitHub's software: permissions of jobs, and OIDC tokens for them.
    pub(crate) fn is_github(self) -> bool {
        matches!(self, Self::GitHub | Self::EnterpriseServer)
    }

    /// Whether ghcr.io accepts the token of a job.
    pub(crate) fn has_ghcr(self) -> bool {
        self == Self::GitHub
    }

    pub(crate) fn workflow_path(self) -> &'static str {
        match self {
            Self::GitHub | Self::EnterpriseServer => ".github/workflows/deploy.yml",
            Self::Gitea => ".gitea/workflows/deploy.yml",
            Self::Forgejo => ".forgejo/workflows/deploy.yml",
        }
    }

    /// The label that most runners have. Source for Forgejo: <https://forgejo.org/docs/latest/user/actions/reference/>.
    pub(crate) fn runs_on(self) -> &'static str {
        match self {
            Self::GitHub | Self::Gitea => "ubuntu-latest",
            Self::EnterpriseServer => "self-hosted",
            Self::Forgejo => "docker",
        }
    }

    /// What comes before `reoclo/docker-auth`.
    pub(crate) fn prefix(self) -> &'static str {
        if self.is_github() { "" } else { MIRROR }
    }

    /// What comes before the name of a third-party action.
    pub(crate) fn third_party_prefix(self) -> &'static str {
        if self.is_github() { "" } else { GITHUB }
    }

    /// What its runners need.
    pub(crate) fn notice(self) -> Option<&'static str> {
        match self {
            Self::GitHub => None,
            Self::EnterpriseServer => Some(
                "GitHub Enterprise Server takes actions from github.com with GitHub Connect, or from a copy made with \
                 actions-sync in an organization of the same name.",
            ),
            Self::Gitea | Self::Forgejo => Some("The runner needs Node.js 20 or newer on its PATH."),
        }
    }
}
