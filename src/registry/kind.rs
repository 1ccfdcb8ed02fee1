//! Kinds of registries: how their hosts are recognised, what the API calls them, and how to fix a failed login.

/// A registry service with rules of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryKind {
    /// Docker Hub.
    DockerHub,
    /// GitHub's container registry.
    Ghcr,
    /// A private registry of Amazon ECR.
    EcrPrivate,
    /// Amazon ECR Public.
    EcrPublic,
    /// Google Artifact Registry, which also serves the hosts of the older Container Registry.
    ArtifactRegistry,
    /// Azure Container Registry.
    Acr,
    /// Red Hat's quay.io.
    Quay,
    /// gitlab.com's container registry.
    GitLab,
    /// DigitalOcean's container registry.
    DigitalOcean,
    /// Harbor, which is self-hosted and recognised by its name only.
    Harbor,
    /// Any other registry.
    Generic,
}

/// What is known of one [`RegistryKind`]. Each fix is the end of the sentence "Fix: …", with a full stop.
struct Facts {
    /// The API's `registry_type`.
    registry_type: &'static str,
    /// Remedies for certain phrases in docker's output: lower-case phrase and fix; the first phrase found counts.
    phrase_fixes: &'static [(&'static str, &'static str)],
    /// Remedy for any other output that says that the registry refused the credential.
    auth_fix: Option<&'static str>,
}

/// <https://docs.docker.com/security/access-tokens/organization-access-tokens/>,
/// <https://docs.docker.com/reference/api/hub/latest/>, <https://github.com/docker/hub-feedback/issues/1250>.
static DOCKER_HUB: Facts = Facts {
    registry_type: "docker_hub",
    phrase_fixes: &[
        (
            "too many failed login attempts",
            "check the username and token, and wait before the next attempt: Docker Hub has locked this account or IP \
             address.",
        ),
        ("toomanyrequests", DOCKER_HUB_PULL_LIMIT),
        ("429 too many requests", DOCKER_HUB_PULL_LIMIT),
    ],
    auth_fix: Some(
        "use an active personal access token (passwords do not work with two-factor authentication or single sign-on), or \
         an organization access token with the organization name as username.",
    ),
};

const DOCKER_HUB_PULL_LIMIT: &str =
    "wait, or use a Docker plan with a higher limit: this account or IP address has reached its limit.";

/// <https://docs.github.com/packages/working-with-a-github-packages-registry/working-with-the-container-registry>.
static GHCR: Facts = Facts {
    registry_type: "ghcr",
    phrase_fixes: &[],
    auth_fix: Some(
        "use GITHUB_TOKEN in a job with the permission `packages: read` (`write` to push), or an active classic token \
         with read:packages (write:packages to push), authorized for single sign-on if the organization requires it.",
    ),
};

/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html>. A token of another region, or a damaged
/// one, gets HTTP 400: <https://github.com/aws/aws-cli/issues/5317>.
static ECR_PRIVATE: Facts = Facts {
    registry_type: "aws_ecr",
    phrase_fixes: &[(
        "400 bad request",
        "use the complete output of `aws ecr get-login-password` as token, run with `--region` set to the region in the \
         registry host: ECR does not accept a token of another region.",
    )],
    auth_fix: Some(
        "use AWS as username and the output of `aws ecr get-login-password`, run in the same job, as token (it expires \
         after 12 hours); in Reoclo's vault, check the AWS keys.",
    ),
};

/// Tokens are issued in us-east-1 only: <https://github.com/aws-actions/amazon-ecr-login/issues/587>,
/// <https://docs.aws.amazon.com/AmazonECR/latest/public/public-ecr-requests.html>.
static ECR_PUBLIC: Facts = Facts {
    registry_type: "aws_ecr",
    phrase_fixes: &[("400 bad request", ECR_PUBLIC_FIX)],
    auth_fix: Some(ECR_PUBLIC_FIX),
};

/// A macro, since only literals can be concatenated.
macro_rules! ecr_public_region {
    () => {
        "us-east-1"
    };
}

/// Where tokens of ECR Public are issued.
#[cfg(any(test, feature = "page"))]
pub const ECR_PUBLIC_REGION: &str = ecr_public_region!();

const ECR_PUBLIC_FIX: &str = concat!(
    "use AWS as username and the output of `aws ecr-public get-login-password --region ",
    ecr_public_region!(),
    "` as token (always this region; it expires after 12 hours)."
);

/// <https://cloud.google.com/artifact-registry/docs/docker/authentication>.
static ARTIFACT_REGISTRY: Facts = Facts {
    registry_type: "google_artifact_registry",
    phrase_fixes: &[],
    auth_fix: Some(
        "check that the account has roles/artifactregistry.reader (writer to push) and that its key still exists; an \
         access token (username oauth2accesstoken) expires after one hour.",
    ),
};

/// Its network rules answer with HTTP 403:
/// <https://learn.microsoft.com/azure/container-registry/container-registry-troubleshoot-login>.
static ACR: Facts = Facts {
    registry_type: "azure_acr",
    phrase_fixes: &[("is not allowed access", ACR_NETWORK_FIX), ("403 forbidden", ACR_NETWORK_FIX)],
    auth_fix: Some(
        "use a service principal with AcrPull or AcrPush and an active secret, a repository-scoped token, or the admin \
         user if it is enabled; a token from `az acr login` expires after 3 hours.",
    ),
};

const ACR_NETWORK_FIX: &str = "allow the server's IP address in the registry's network rules, or use a private endpoint: \
                               https://aka.ms/acr/firewall.";

/// `auth/credentials.py` of <https://github.com/quay/quay>.
static QUAY: Facts = Facts {
    registry_type: "generic",
    phrase_fixes: &[],
    auth_fix: Some(
        "use a robot account (username org+robot), an encrypted password, or an OAuth token with the username \
         $oauthtoken (quote it so that the shell does not expand $).",
    ),
};

/// <https://docs.gitlab.com/user/packages/container_registry/authenticate_with_container_registry/>.
static GITLAB: Facts = Facts {
    registry_type: "generic",
    phrase_fixes: &[],
    auth_fix: Some(
        "use an active deploy or access token with read_registry (write_registry to push): passwords do not work with \
         two-factor authentication.",
    ),
};

/// <https://dokku.com/docs/advanced-usage/registry-management/>.
static DIGITAL_OCEAN: Facts = Facts {
    registry_type: "generic",
    phrase_fixes: &[],
    auth_fix: Some("use an active DigitalOcean API token with registry scopes as both username and token."),
};

/// <https://goharbor.io/docs/2.7.0/administration/robot-accounts/>, <https://github.com/goharbor/harbor/issues/14172>.
static HARBOR: Facts = Facts {
    registry_type: "harbor",
    phrase_fixes: &[],
    auth_fix: Some(
        "use an active robot account (complete username, such as robot$ci; quote it so that the shell does not expand $), \
         or the CLI secret of an OIDC user.",
    ),
};

static GENERIC: Facts = Facts { registry_type: "generic", phrase_fixes: &[], auth_fix: None };

/// The domains that Azure's registries are subdomains of; .de was Microsoft Cloud Germany's.
const ACR_DOMAINS: &[&str] = &[".azurecr.io", ".azurecr.cn", ".azurecr.us", ".azurecr.de"];

/// The domains of AWS's partitions, where private registries are subdomains of a region:
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html>,
/// `botocore/data/partitions.json` of <https://github.com/boto/botocore> and
/// <https://github.com/docker/login-action/issues/908>.
const AWS_DOMAINS: &[&str] = &[
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "c2s.ic.gov",
    "sc2s.sgov.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
    "on.aws",
    "on.amazonwebservices.com.cn",
    "on.amazonwebservices.eu",
];

impl RegistryKind {
    /// The kind of a registry, given as lower-case `host[:port]`, or as the URL by which the API names Docker Hub.
    #[must_use]
    pub fn of(registry: &str) -> Self {
        match host_of(registry) {
            "docker.io" | "index.docker.io" | "registry-1.docker.io" | "registry.hub.docker.com" | "hub.docker.com" => {
                Self::DockerHub
            }
            "ghcr.io" => Self::Ghcr,
            "public.ecr.aws" | "ecr-public.aws.com" => Self::EcrPublic,
            // Other hosts below gcr.io, such as mirror.gcr.io, are Google's own public registries.
            "gcr.io" | "us.gcr.io" | "eu.gcr.io" | "asia.gcr.io" => Self::ArtifactRegistry,
            "quay.io" => Self::Quay,
            "registry.gitlab.com" => Self::GitLab,
            "registry.digitalocean.com" => Self::DigitalOcean,
            host if ecr_region(host).is_some() => Self::EcrPrivate,
            host if host.ends_with(".pkg.dev") => Self::ArtifactRegistry,
            // Before Harbor: harbor.azurecr.io is one of Azure's.
            host if ACR_DOMAINS.iter().any(|domain| host.ends_with(domain)) => Self::Acr,
            host if host.starts_with("harbor.") || host.ends_with(".goharbor.io") => Self::Harbor,
            _ => Self::Generic,
        }
    }

    /// The value of `registry_type` in the API.
    pub(crate) fn registry_type(self) -> &'static str {
        self.facts().registry_type
    }

    /// How to fix a failed login, as the end of the sentence "Fix: …". `output` is docker's output in lower case;
    /// `is_auth_failure` tells whether it says that the registry refused the credential. `None` where this kind of
    /// registry has no remedy of its own.
    pub(crate) fn fix(self, output: &str, is_auth_failure: bool) -> Option<&'static str> {
        let facts = self.facts();
        let phrase_fix = facts.phrase_fixes.iter().find(|(phrase, _)| output.contains(phrase)).map(|(_, fix)| *fix);
        phrase_fix.or(if is_auth_failure { facts.auth_fix } else { None })
    }

    /// What a credential for it must be, as a sentence in the imperative; `None` if any may be accepted.
    #[cfg(any(test, feature = "page"))]
    #[must_use]
    pub fn advice(self) -> Option<&'static str> {
        self.facts().auth_fix
    }

    fn facts(self) -> &'static Facts {
        match self {
            Self::DockerHub => &DOCKER_HUB,
            Self::Ghcr => &GHCR,
            Self::EcrPrivate => &ECR_PRIVATE,
            Self::EcrPublic => &ECR_PUBLIC,
            Self::ArtifactRegistry => &ARTIFACT_REGISTRY,
            Self::Acr => &ACR,
            Self::Quay => &QUAY,
            Self::GitLab => &GITLAB,
            Self::DigitalOcean => &DIGITAL_OCEAN,
            Self::Harbor => &HARBOR,
            Self::Generic => &GENERIC,
        }
    }
}

/// The host without the default port and a trailing dot.
fn host_of(registry: &str) -> &str {
    let rest = registry.split_once("://").map_or(registry, |(_, rest)| rest);
    let host = rest.split('/').next().unwrap_or_default();
    // On other ports there may be a tunnel or a test registry: the known services use the default port only.
    let host = host.strip_suffix(":443").unwrap_or(host);
    host.strip_suffix('.').unwrap_or(host)
}

/// The region of a private registry of ECR; `None` for other registries. The host is
/// `<account>.dkr.ecr.<region>.<domain>`, or with `dkr-ecr` the variant that also has an IPv6 address; both may have
/// `-fips`.
pub(crate) fn ecr_region(registry: &str) -> Option<&str> {
    let (account, rest) = host_of(registry).split_once('.')?;
    let rest = rest.strip_prefix("dkr.ecr").or_else(|| rest.strip_prefix("dkr-ecr"))?;
    let (region, domain) = rest.strip_prefix("-fips").unwrap_or(rest).strip_prefix('.')?.split_once('.')?;
    let is_account = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    (is_account && !region.is_empty() && AWS_DOMAINS.contains(&domain)).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_is_the_fix_of_a_refused_credential() {
        assert_eq!(RegistryKind::Ghcr.advice(), RegistryKind::Ghcr.fix("denied", true));
        assert!(RegistryKind::Ghcr.advice().is_some_and(|advice| advice.contains("GITHUB_TOKEN")));
        assert_eq!(RegistryKind::Generic.advice(), None);
    }

    #[test]
    fn recognises_registries_by_host() {
        for (registry, kind) in [
            ("docker.io", RegistryKind::DockerHub),
            ("https://index.docker.io/v1/", RegistryKind::DockerHub),
            ("registry-1.docker.io", RegistryKind::DockerHub),
            ("registry.hub.docker.com", RegistryKind::DockerHub),
            ("index.docker.io", RegistryKind::DockerHub),
            ("hub.docker.com", RegistryKind::DockerHub),
            ("ghcr.io", RegistryKind::Ghcr),
            ("ghcr.io:443", RegistryKind::Ghcr),
            ("ghcr.io.", RegistryKind::Ghcr),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", RegistryKind::EcrPrivate),
            ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", RegistryKind::EcrPrivate),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", RegistryKind::EcrPrivate),
            ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", RegistryKind::EcrPrivate),
            ("123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", RegistryKind::EcrPrivate),
            ("123456789012.dkr-ecr.us-west-2.on.aws", RegistryKind::EcrPrivate),
            ("123456789012.dkr-ecr-fips.us-west-2.on.aws", RegistryKind::EcrPrivate),
            ("123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", RegistryKind::EcrPrivate),
            ("public.ecr.aws", RegistryKind::EcrPublic),
            ("ecr-public.aws.com", RegistryKind::EcrPublic),
            ("europe-west3-docker.pkg.dev", RegistryKind::ArtifactRegistry),
            ("gcr.io", RegistryKind::ArtifactRegistry),
            ("eu.gcr.io", RegistryKind::ArtifactRegistry),
            ("myregistry.azurecr.io", RegistryKind::Acr),
            ("myregistry-abc123.azurecr.cn", RegistryKind::Acr),
            ("harbor.azurecr.io", RegistryKind::Acr),
            ("quay.io", RegistryKind::Quay),
            ("registry.gitlab.com", RegistryKind::GitLab),
            ("registry.digitalocean.com", RegistryKind::DigitalOcean),
            ("harbor.example.com", RegistryKind::Harbor),
            ("demo.goharbor.io", RegistryKind::Harbor),
        ] {
            assert_eq!(RegistryKind::of(registry), kind, "{registry}");
        }
    }

    #[test]
    fn reads_the_region_of_a_private_ecr_registry() {
        for (registry, region) in [
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", Some("eu-west-1")),
            ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com:443", Some("us-gov-west-1")),
            ("123456789012.dkr-ecr.us-west-2.on.aws.", Some("us-west-2")),
            ("public.ecr.aws", None),
            ("ghcr.io", None),
        ] {
            assert_eq!(ecr_region(registry), region, "{registry}");
        }
    }

    #[test]
    fn similar_hosts_and_other_ports_are_generic() {
        for registry in [
            "",
            "localhost:5000",
            "[::1]:5000",
            "ghcr.io.evil.example",
            "notghcr.io",
            "ghcr.io:5000",
            "x.ghcr.io",
            "evildocker.io",
            "x.docker.io",
            "azurecr.io",
            "myazurecr.io",
            "pkg.dev",
            "evilpkg.dev",
            "europe-docker.pkg.dev.evil.example",
            "mirror.gcr.io",
            "k8s.gcr.io",
            "gcr.io.evil.example",
            "12345678901.dkr.ecr.eu-west-1.amazonaws.com",
            "abcdefghijkl.dkr.ecr.eu-west-1.amazonaws.com",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
            "123456789012.dkr.ecr..amazonaws.com",
            "123456789012.dkr.ecr.amazonaws.com",
            "123456789012.dkr.ecrx.eu-west-1.amazonaws.com",
            "x.123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "vpce-1.dkr.ecr.eu-west-1.vpce.amazonaws.com",
            "s3.eu-west-1.amazonaws.com",
            "myharbor.example.com",
            "harbor",
            "registry.gitlab.example.com",
        ] {
            assert_eq!(RegistryKind::of(registry), RegistryKind::Generic, "{registry}");
        }
    }

    #[test]
    fn registry_types_are_those_of_the_api() {
        for (kind, registry_type) in [
            (RegistryKind::DockerHub, "docker_hub"),
            (RegistryKind::Ghcr, "ghcr"),
            (RegistryKind::EcrPrivate, "aws_ecr"),
            (RegistryKind::EcrPublic, "aws_ecr"),
            (RegistryKind::ArtifactRegistry, "google_artifact_registry"),
            (RegistryKind::Acr, "azure_acr"),
            (RegistryKind::Harbor, "harbor"),
            (RegistryKind::Quay, "generic"),
            (RegistryKind::GitLab, "generic"),
            (RegistryKind::DigitalOcean, "generic"),
            (RegistryKind::Generic, "generic"),
        ] {
            assert_eq!(kind.registry_type(), registry_type);
        }
    }

    #[test]
    fn phrase_fix_precedes_auth_fix() {
        let (limit, auth) = (DOCKER_HUB_PULL_LIMIT, DOCKER_HUB.auth_fix);
        assert_eq!(RegistryKind::DockerHub.fix("toomanyrequests: denied", true), Some(limit));
        assert_eq!(RegistryKind::DockerHub.fix("toomanyrequests", false), Some(limit));
        assert_eq!(RegistryKind::DockerHub.fix("denied", true), auth);
        assert_eq!(RegistryKind::DockerHub.fix("no such host", false), None);
    }

    #[test]
    fn generic_registries_have_no_own_fix() {
        assert_eq!(RegistryKind::Generic.fix("unauthorized: authentication required", true), None);
    }

    #[test]
    fn fixes_end_sentences_and_phrases_are_lower_case() {
        for facts in [
            &DOCKER_HUB,
            &GHCR,
            &ECR_PRIVATE,
            &ECR_PUBLIC,
            &ARTIFACT_REGISTRY,
            &ACR,
            &QUAY,
            &GITLAB,
            &DIGITAL_OCEAN,
            &HARBOR,
            &GENERIC,
        ] {
            for (phrase, _) in facts.phrase_fixes {
                assert!(!phrase.is_empty());
                assert_eq!(*phrase, phrase.to_lowercase());
            }
            for fix in facts.phrase_fixes.iter().map(|(_, fix)| *fix).chain(facts.auth_fix) {
                assert!(fix.ends_with('.') && !fix.ends_with(".."), "{fix}");
                assert!(fix.starts_with(|c: char| c.is_ascii_lowercase()), "{fix}");
            }
        }
    }
}
