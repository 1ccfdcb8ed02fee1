//! Container registries: how their hosts are written, which ones are known, and what their refusals mean.

use crate::authority::{self, Flaw};
use crate::retry::DENIALS;

/// Reduces what people paste to the host that `docker login` wants:
/// `https://GHCR.io/` and `ghcr.io/my-org` both become `ghcr.io`; a port stays.
pub(crate) fn normalise(text: &str) -> Result<String, Flaw> {
    let text = text.trim();
    // Only what stands before the first slash can be a scheme: the password must not go to a host named in a path.
    let rest = match text.split_once("://") {
        Some((scheme, rest)) if scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b)) => rest,
        _ => text,
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    // White space in the path is a mistake worth naming too, although the path is dropped.
    if text.chars().any(char::is_whitespace) {
        return Err("has white space inside");
    }
    let host = authority::parse(host)?;
    // The name in docker's own config.json; docker itself takes it for another registry, whose login no image looks for.
    Ok(if host == "index.docker.io" { "docker.io".to_owned() } else { host })
}

/// A registry service with habits of its own. The order is that of [`TABLE`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    DockerHub,
    Ghcr,
    EcrPrivate,
    EcrPublic,
    /// Also what is left of Google's older Container Registry, which it serves.
    ArtifactRegistry,
    Acr,
    Quay,
    GitLab,
    DigitalOcean,
    Harbor,
    Generic,
}

/// What is known of one [`Kind`].
struct Row {
    kind: Kind,
    /// The API's word.
    registry_type: &'static str,
    /// Hosts, with spaces between; what begins with a dot is the end of a host, what ends with one its beginning.
    hosts: &'static str,
    /// docker's words in small letters, and what they ask of the user: the first that fits counts. [`ANY_DENIAL`] fits
    /// every refusal.
    hints: &'static [(&'static str, &'static str)],
}

const ANY_DENIAL: &str = "";
const TOO_MANY_PULLS: &str =
    "wait, or use a Docker plan with a higher limit: this account or address has reached its own.";
const ECR_PUBLIC: &str = "use AWS as user name, and the output of `aws ecr-public get-login-password --region us-east-1` \
                          (always this region, good for 12 hours) as token.";
const ACR_NETWORK: &str = "let the server's address through the registry's network rules, or give the server a private \
                           endpoint: https://aka.ms/acr/firewall.";

/// Facts that come from outside:
/// - Docker Hub: <https://docs.docker.com/security/access-tokens/organization-access-tokens/>,
///   <https://docs.docker.com/reference/api/hub/latest/>, <https://github.com/docker/hub-feedback/issues/1250>.
/// - GitHub: <https://docs.github.com/packages/working-with-a-github-packages-registry/working-with-the-container-registry>.
/// - ECR: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html>. A token of another region, or a
///   damaged one, gets a 400: <https://github.com/aws/aws-cli/issues/5317>.
/// - ECR Public, which hands out tokens in us-east-1 only: <https://github.com/aws-actions/amazon-ecr-login/issues/587>,
///   <https://docs.aws.amazon.com/AmazonECR/latest/public/public-ecr-requests.html>.
/// - Google: <https://cloud.google.com/artifact-registry/docs/docker/authentication>. Other hosts below gcr.io, such as
///   mirror.gcr.io, are public and its own.
/// - Azure, whose network rules answer 403: <https://learn.microsoft.com/azure/container-registry/container-registry-troubleshoot-login>.
/// - Quay: `auth/credentials.py` of <https://github.com/quay/quay>.
/// - GitLab: <https://docs.gitlab.com/user/packages/container_registry/authenticate_with_container_registry/>.
/// - DigitalOcean: <https://dokku.com/docs/advanced-usage/registry-management/>.
/// - Harbor, which nothing but its name gives away: <https://goharbor.io/docs/2.7.0/administration/robot-accounts/>,
///   <https://github.com/goharbor/harbor/issues/14172>.
static TABLE: [Row; 11] = [
    Row {
        kind: Kind::DockerHub,
        registry_type: "docker_hub",
        hosts: "docker.io index.docker.io registry-1.docker.io registry.hub.docker.com hub.docker.com",
        hints: &[
            (
                "too many failed login attempts",
                "check user name and token, and wait a while before the next try: Docker Hub has locked this account or \
                 address out.",
            ),
            ("toomanyrequests", TOO_MANY_PULLS),
            ("429 too many requests", TOO_MANY_PULLS),
            (
                ANY_DENIAL,
                "use a current personal access token (with two-factor or single sign-on no password works), or an \
                 organization access token with the organization's name as user name.",
            ),
        ],
    },
    Row {
        kind: Kind::Ghcr,
        registry_type: "ghcr",
        hosts: "ghcr.io",
        hints: &[(
            ANY_DENIAL,
            "use GITHUB_TOKEN in a job with the permission `packages: read` (`write` to push), or a current classic token \
             with read:packages (write:packages), authorized for single sign-on where the organization enforces it.",
        )],
    },
    Row {
        kind: Kind::EcrPrivate,
        registry_type: "aws_ecr",
        hosts: "", // see `is_ecr_private`
        hints: &[
            (
                "400 bad request",
                "use the whole output of `aws ecr get-login-password` as token, run with `--region` and the region in \
                 the registry's host: ECR takes no token of another region.",
            ),
            (
                ANY_DENIAL,
                "use AWS as user name, and the output of `aws ecr get-login-password`, run in the same job (it is good \
                 for 12 hours), as token; in Reoclo's vault, check the AWS keys.",
            ),
        ],
    },
    Row {
        kind: Kind::EcrPublic,
        registry_type: "aws_ecr",
        hosts: "public.ecr.aws ecr-public.aws.com",
        hints: &[("400 bad request", ECR_PUBLIC), (ANY_DENIAL, ECR_PUBLIC)],
    },
    Row {
        kind: Kind::ArtifactRegistry,
        registry_type: "google_artifact_registry",
        hosts: ".pkg.dev gcr.io us.gcr.io eu.gcr.io asia.gcr.io",
        hints: &[(
            ANY_DENIAL,
            "check that the account has roles/artifactregistry.reader (writer to push) and that its key still exists; an \
             access token (user name oauth2accesstoken) is good for an hour.",
        )],
    },
    Row {
        kind: Kind::Acr,
        registry_type: "azure_acr",
        // The last one was Microsoft Cloud Germany's.
        hosts: ".azurecr.io .azurecr.cn .azurecr.us .azurecr.de",
        hints: &[
            ("is not allowed access", ACR_NETWORK),
            ("403 forbidden", ACR_NETWORK),
            (
                ANY_DENIAL,
                "use a service principal with AcrPull or AcrPush and a current secret, a repository-scoped token, or the \
                 admin user where it is enabled; a token of `az acr login` is good for 3 hours.",
            ),
        ],
    },
    Row {
        kind: Kind::Quay,
        registry_type: "generic",
        hosts: "quay.io",
        hints: &[(
            ANY_DENIAL,
            "use a robot account (user name org+robot), an encrypted password, or an OAuth token with the user name \
             $oauthtoken, whose $ no shell may expand.",
        )],
    },
    Row {
        kind: Kind::GitLab,
        registry_type: "generic",
        hosts: "registry.gitlab.com",
        hints: &[(
            ANY_DENIAL,
            "use a current deploy or access token with read_registry (and write_registry to push): with two-factor \
             authentication no password works.",
        )],
    },
    Row {
        kind: Kind::DigitalOcean,
        registry_type: "generic",
        hosts: "registry.digitalocean.com",
        hints: &[(
            ANY_DENIAL,
            "use a current DigitalOcean API token with registry scopes, as both user name and token.",
        )],
    },
    Row {
        kind: Kind::Harbor,
        registry_type: "harbor",
        hosts: "harbor. .goharbor.io",
        hints: &[(
            ANY_DENIAL,
            "use a current robot account (its whole user name, such as robot$ci, whose $ no shell may expand), or the CLI \
             secret of a user who logs in by OIDC.",
        )],
    },
    Row { kind: Kind::Generic, registry_type: "generic", hosts: "", hints: &[] },
];

/// Refusals that [`DENIALS`] does not know, because they are not final for each registry.
const MORE_DENIALS: [&str; 2] = ["403 forbidden", "unauthenticated"];

/// Words of docker, of a proxy or of TLS that sound like a refusal of the registry.
const NOT_THE_REGISTRY: [&str; 5] = ["docker.sock", "docker daemon", "saving credentials", "proxy", "tls: "];

impl Kind {
    /// The kind of a `host[:port]` in small letters, or of a URL, as the API names Docker Hub.
    pub(crate) fn of(registry: &str) -> Self {
        let rest = registry.split_once("://").map_or(registry, |(_, rest)| rest);
        let host = rest.split('/').next().unwrap_or_default();
        // No known registry has another port: a tunnel or a test may answer there.
        let host = host.strip_suffix(":443").unwrap_or(host);
        let host = host.strip_suffix('.').unwrap_or(host);
        if is_ecr_private(host) {
            return Self::EcrPrivate;
        }
        let is_named = |name: &str| {
            if name.starts_with('.') {
                host.ends_with(name)
            } else if name.ends_with('.') {
                host.starts_with(name)
            } else {
                !name.is_empty() && host == name
            }
        };
        TABLE.iter().find(|row| row.hosts.split(' ').any(is_named)).map_or(Self::Generic, |row| row.kind)
    }

    /// The API's word for it.
    pub(crate) fn registry_type(self) -> &'static str {
        self.row().map_or("generic", |row| row.registry_type)
    }

    /// What to do about a refusal, as the end of the sentence "Fix: …"; `output` is docker's, in small letters. `None`
    /// where it is no refusal, or none that this registry has an own remedy for.
    pub(crate) fn hint(self, output: &str) -> Option<&'static str> {
        let says = |words: &[&str]| words.iter().any(|word| output.contains(word));
        if says(&NOT_THE_REGISTRY) {
            return None;
        }
        let is_denial = says(&DENIALS) || says(&MORE_DENIALS);
        let fits = |words: &str| if words.is_empty() { is_denial } else { output.contains(words) };
        self.row()?.hints.iter().find(|(words, _)| fits(words)).map(|(_, hint)| *hint)
    }

    fn row(self) -> Option<&'static Row> {
        TABLE.get(self as usize)
    }
}

/// Whether a host is `<account>.dkr.ecr.<region>.<domain>`, or with `dkr-ecr` the one that also has an IPv6 address; both
/// may have `-fips`. The domains are those of AWS's partitions:
/// <https://docs.aws.amazon.com/AmazonECR/latest/userguide/ecr-requests.html>,
/// `botocore/data/partitions.json` of <https://github.com/boto/botocore> and
/// <https://github.com/docker/login-action/issues/908>.
fn is_ecr_private(host: &str) -> bool {
    const DOMAINS: &str = "amazonaws.com amazonaws.com.cn amazonaws.eu c2s.ic.gov sc2s.sgov.gov cloud.adc-e.uk \
                           csp.hci.ic.gov on.aws on.amazonwebservices.com.cn on.amazonwebservices.eu";
    let Some((account, rest)) = host.split_once('.') else { return false };
    let Some(rest) = rest.strip_prefix("dkr.ecr").or_else(|| rest.strip_prefix("dkr-ecr")) else { return false };
    let region_and_domain = rest.strip_prefix("-fips").unwrap_or(rest).strip_prefix('.');
    account.len() == 12
        && account.bytes().all(|b| b.is_ascii_digit())
        && region_and_domain
            .and_then(|rest| rest.split_once('.'))
            .is_some_and(|(region, domain)| !region.is_empty() && DOMAINS.split(' ').any(|known| known == domain))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_only_the_host_and_its_port() {
        for (text, host) in [
            ("ghcr.io", "ghcr.io"),
            ("https://GHCR.io/", "ghcr.io"),
            (" ghcr.io/my-org/app \n", "ghcr.io"),
            ("http://localhost:5000/v2/", "localhost:5000"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("oci://registry.example.com?x=1", "registry.example.com"),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
            ("[::1]:5000", "[::1]:5000"),
            ("proxy.local/https://registry-1.docker.io", "proxy.local"),
            ("ghcr.io/a?u=https://evil.example/", "ghcr.io"),
            ("ghcr.io?u=https://evil.example/", "ghcr.io"),
        ] {
            assert_eq!(normalise(text).as_deref(), Ok(host), "{text}");
        }
    }

    #[test]
    fn refuses_white_space_and_an_empty_host() {
        for text in ["", "https://", "https:///v2", "ghcr .io", "ghcr.io/a b", "/v2/"] {
            assert!(normalise(text).is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn normalising_twice_changes_nothing() {
        for text in ["https://GHCR.io/x", "LOCALHOST:5000", "[::1]:80"] {
            let once = normalise(text).unwrap();
            assert_eq!(normalise(&once).unwrap(), once);
        }
    }

    #[test]
    fn the_table_is_in_the_order_of_the_kinds() {
        for (at, row) in TABLE.iter().enumerate() {
            assert_eq!(row.kind as usize, at, "{:?}", row.kind);
        }
        assert_eq!(Kind::Generic as usize + 1, TABLE.len());
    }

    #[test]
    fn knows_registries_by_their_hosts() {
        for (registry, kind) in [
            ("docker.io", Kind::DockerHub),
            ("https://index.docker.io/v1/", Kind::DockerHub),
            ("registry-1.docker.io", Kind::DockerHub),
            ("registry.hub.docker.com", Kind::DockerHub),
            ("ghcr.io", Kind::Ghcr),
            ("ghcr.io:443", Kind::Ghcr),
            ("ghcr.io.", Kind::Ghcr),
            ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", Kind::EcrPrivate),
            ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", Kind::EcrPrivate),
            ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", Kind::EcrPrivate),
            ("123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", Kind::EcrPrivate),
            ("123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", Kind::EcrPrivate),
            ("123456789012.dkr-ecr.us-west-2.on.aws", Kind::EcrPrivate),
            ("123456789012.dkr-ecr-fips.us-west-2.on.aws", Kind::EcrPrivate),
            ("123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", Kind::EcrPrivate),
            ("public.ecr.aws", Kind::EcrPublic),
            ("ecr-public.aws.com", Kind::EcrPublic),
            ("europe-west3-docker.pkg.dev", Kind::ArtifactRegistry),
            ("gcr.io", Kind::ArtifactRegistry),
            ("eu.gcr.io", Kind::ArtifactRegistry),
            ("myregistry.azurecr.io", Kind::Acr),
            ("myregistry-abc123.azurecr.cn", Kind::Acr),
            ("harbor.azurecr.io", Kind::Acr),
            ("quay.io", Kind::Quay),
            ("registry.gitlab.com", Kind::GitLab),
            ("registry.digitalocean.com", Kind::DigitalOcean),
            ("harbor.example.com", Kind::Harbor),
            ("demo.goharbor.io", Kind::Harbor),
        ] {
            assert_eq!(Kind::of(registry), kind, "{registry}");
        }
    }

    #[test]
    fn look_alikes_and_other_ports_are_generic() {
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
            assert_eq!(Kind::of(registry), Kind::Generic, "{registry}");
        }
    }

    #[test]
    fn registry_types_are_the_words_of_the_api() {
        for (kind, word) in [
            (Kind::DockerHub, "docker_hub"),
            (Kind::Ghcr, "ghcr"),
            (Kind::EcrPrivate, "aws_ecr"),
            (Kind::EcrPublic, "aws_ecr"),
            (Kind::ArtifactRegistry, "google_artifact_registry"),
            (Kind::Acr, "azure_acr"),
            (Kind::Harbor, "harbor"),
            (Kind::Quay, "generic"),
            (Kind::GitLab, "generic"),
            (Kind::DigitalOcean, "generic"),
            (Kind::Generic, "generic"),
        ] {
            assert_eq!(kind.registry_type(), word);
        }
    }

    #[test]
    fn a_refusal_gets_the_remedy_of_its_registry() {
        for (kind, output, word) in [
            (Kind::DockerHub, "unauthorized: incorrect username or password", "personal access token"),
            (
                Kind::DockerHub,
                "unauthorized: your account must log in with a Personal Access Token (PAT) - learn more",
                "personal access token",
            ),
            (Kind::DockerHub, "toomanyrequests: You have reached your pull rate limit.", "plan"),
            (Kind::DockerHub, "failed with status: 429 Too Many Requests", "plan"),
            (Kind::DockerHub, "toomanyrequests: too many failed login attempts for username or IP address", "locked"),
            (Kind::Ghcr, r#"Get "https://ghcr.io/v2/": denied: denied"#, "read:packages"),
            (Kind::EcrPrivate, "failed with status: 400 Bad Request", "another region"),
            (Kind::EcrPrivate, "failed with status: 401 Unauthorized", "12 hours"),
            (Kind::EcrPrivate, "no basic auth credentials", "12 hours"),
            (Kind::EcrPrivate, "denied: Your authorization token has expired. Reauthenticate", "12 hours"),
            (Kind::EcrPublic, r#"Get "https://public.ecr.aws/v2/": denied: Not Authorized"#, "us-east-1"),
            (Kind::ArtifactRegistry, "denied: Unauthenticated request.", "artifactregistry.reader"),
            (Kind::Acr, "unauthorized: authentication required, visit https://aka.ms/acr/authorization", "principal"),
            (Kind::Acr, "denied: client with IP '1.2.3.4' is not allowed access.", "network rules"),
            (Kind::Acr, "failed with status: 403 Forbidden", "network rules"),
            (Kind::Quay, "failed with status: 401 Unauthorized", "robot"),
            (Kind::GitLab, "denied: access forbidden", "read_registry"),
            (Kind::DigitalOcean, "failed with status: 401 Unauthorized", "as both"),
            (Kind::Harbor, "unauthorized: authentication required", "CLI secret"),
        ] {
            let hint = kind.hint(&output.to_lowercase()).unwrap_or_default();
            assert!(hint.contains(word), "{kind:?}: {output}: {hint:?}");
        }
    }

    #[test]
    fn what_is_no_refusal_of_the_registry_gets_no_hint() {
        for output in [
            "",
            r#"Get "https://r/v2/": dial tcp: lookup r: no such host"#,
            "x509: certificate signed by unknown authority",
            "Get \"https://r/v2/\": remote error: tls: access denied",
            "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock",
            "Error saving credentials: open /root/.docker/config.json: permission denied",
            "proxyconnect tcp: proxy authentication required",
            "failed with status: 503 Service Unavailable",
        ] {
            for row in &TABLE {
                assert_eq!(row.kind.hint(&output.to_lowercase()), None, "{:?}: {output}", row.kind);
            }
        }
        assert_eq!(Kind::Generic.hint("unauthorized: authentication required"), None);
    }

    #[test]
    fn a_hint_is_the_end_of_one_sentence_and_its_words_are_in_small_letters() {
        for (words, hint) in TABLE.iter().flat_map(|row| row.hints) {
            assert_eq!(*words, words.to_lowercase());
            assert!(hint.ends_with('.') && !hint.ends_with(".."), "{hint}");
            assert!(hint.starts_with(|c: char| c.is_ascii_lowercase()), "{hint}");
        }
    }
}
