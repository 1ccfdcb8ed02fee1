//! What a workflow passes to log in to each kind of registry: the host, and the username that goes with the token.

use super::kind::RegistryKind;
use super::preflight::{ACCESS_TOKEN_USER, ACR_TOKEN_USER, AWS_USER};
use super::service_account::KEY_USER;

/// A kind of registry, as a user would choose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preset {
    /// What [`RegistryKind::of`] makes of the host.
    pub kind: RegistryKind,
    /// A short name for addresses and form fields.
    pub id: &'static str,
    /// The name of the service.
    pub name: &'static str,
    /// Its host.
    pub host: Host,
    /// The username of a stored token or password.
    pub stored: Username,
    /// The username of a token that the cloud issues while the job runs; `None` if there are no such tokens.
    pub issued: Option<&'static str>,
}

/// The host of a registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Host {
    /// Everybody has the same.
    Known(&'static str),
    /// Everybody has another one; this is an example.
    Example(&'static str),
}

impl Host {
    /// The host, or an example of one.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Known(host) | Self::Example(host) => host,
        }
    }
}

/// The username of a stored credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Username {
    /// Always this one.
    Fixed(&'static str),
    /// Everybody has another one; this is an example.
    Example(&'static str),
    /// The token is also the username.
    Token,
}

/// All presets, the most common ones first.
pub static PRESETS: [Preset; 11] = [
    Preset {
        kind: RegistryKind::Ghcr,
        id: "ghcr",
        name: "GitHub Container Registry",
        host: Host::Known("ghcr.io"),
        stored: Username::Example("octocat"),
        issued: None,
    },
    Preset {
        kind: RegistryKind::DockerHub,
        id: "docker_hub",
        name: "Docker Hub",
        host: Host::Known("docker.io"),
        stored: Username::Example("acme"),
        issued: None,
    },
    Preset {
        kind: RegistryKind::EcrPrivate,
        id: "ecr",
        name: "Amazon ECR",
        host: Host::Example("123456789012.dkr.ecr.eu-west-1.amazonaws.com"),
        stored: Username::Fixed(AWS_USER),
        issued: Some(AWS_USER),
    },
    Preset {
        kind: RegistryKind::EcrPublic,
        id: "ecr_public",
        name: "Amazon ECR Public",
        host: Host::Known("public.ecr.aws"),
        stored: Username::Fixed(AWS_USER),
        issued: Some(AWS_USER),
    },
    Preset {
        kind: RegistryKind::ArtifactRegistry,
        id: "artifact_registry",
        name: "Google Artifact Registry",
        host: Host::Example("europe-west1-docker.pkg.dev"),
        stored: Username::Fixed(KEY_USER),
        issued: Some(ACCESS_TOKEN_USER),
    },
    Preset {
        kind: RegistryKind::Acr,
        id: "acr",
        name: "Azure Container Registry",
        host: Host::Example("acme.azurecr.io"),
        stored: Username::Example("0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11"),
        issued: Some(ACR_TOKEN_USER),
    },
    Preset {
        kind: RegistryKind::Harbor,
        id: "harbor",
        name: "Harbor",
        host: Host::Example("harbor.example.com"),
        stored: Username::Example("robot$acme+ci"),
        issued: None,
    },
    Preset {
        kind: RegistryKind::Quay,
        id: "quay",
        name: "Quay",
        host: Host::Known("quay.io"),
        stored: Username::Example("acme+ci"),
        issued: None,
    },
    Preset {
        kind: RegistryKind::GitLab,
        id: "gitlab",
        name: "GitLab",
        host: Host::Known("registry.gitlab.com"),
        stored: Username::Example("gitlab+deploy-token-1"),
        issued: None,
    },
    Preset {
        kind: RegistryKind::DigitalOcean,
        id: "digitalocean",
        name: "DigitalOcean",
        host: Host::Known("registry.digitalocean.com"),
        stored: Username::Token,
        issued: None,
    },
    Preset {
        kind: RegistryKind::Generic,
        id: "other",
        name: "Another registry",
        host: Host::Example("registry.example.com:5000"),
        stored: Username::Example("ci"),
        issued: None,
    },
];

impl Preset {
    /// The preset with this ID, or else the first one.
    #[must_use]
    pub fn of(id: &str) -> &'static Self {
        let [first, ..] = &PRESETS;
        PRESETS.iter().find(|preset| preset.id == id).unwrap_or(first)
    }
}

/// Whether a token that the cloud issues is for one registry only. Azure issues it for the host in its claim `aud`:
/// <https://github.com/Azure/acr/blob/main/docs/AAD-OAuth.md>.
#[must_use]
pub fn is_token_for_one_registry(kind: RegistryKind) -> bool {
    kind == RegistryKind::Acr
}

/// The cloud of Azure that a registry belongs to, as azure/login and the Azure CLI call it; `None` for the public one:
/// <https://github.com/Azure/login#input-parameters>.
#[must_use]
pub fn azure_cloud(host: &str) -> Option<&'static str> {
    let clouds =
        [(".azurecr.cn", "AzureChinaCloud"), (".azurecr.us", "AzureUSGovernment"), (".azurecr.de", "AzureGermanCloud")];
    let host = host.strip_suffix(":443").unwrap_or(host);
    clouds.iter().find(|(domain, _)| host.ends_with(domain)).map(|(_, cloud)| *cloud)
}

/// The audience of an OIDC token for the regions of AWS in China; `None` for other regions:
/// <https://github.com/aws-actions/configure-aws-credentials#oidc>.
#[must_use]
pub fn aws_audience(region: &str) -> Option<&'static str> {
    region.starts_with("cn-").then_some("sts.amazonaws.com.cn")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;
    use crate::registry::{address, preflight};

    #[test]
    fn hosts_are_normalised_and_of_their_kind() {
        for Preset { kind, id, host, .. } in &PRESETS {
            assert_eq!(RegistryKind::of(host.text()), *kind, "{id}");
            assert_eq!(address::normalise(host.text()).as_deref(), Ok(host.text()), "{id}");
        }
    }

    #[test]
    fn usernames_of_issued_tokens_pass_the_checks() {
        for (id, token) in
            [("ecr", "0123"), ("ecr_public", "0123"), ("artifact_registry", "ya29.0123"), ("acr", "eyJ.e.s")]
        {
            let Preset { host, issued, .. } = Preset::of(id);
            assert_eq!(preflight::check(&FakeHost::default(), host.text(), issued.unwrap(), token), Ok(None), "{id}");
        }
        assert_eq!(PRESETS.iter().filter(|preset| preset.issued.is_some()).count(), 4);
    }

    #[test]
    fn clouds_are_those_of_the_host_or_region() {
        for (host, cloud) in [
            ("myregistry.azurecr.io", None),
            ("myregistry.azurecr.cn", Some("AzureChinaCloud")),
            ("myregistry.azurecr.us:443", Some("AzureUSGovernment")),
            ("myregistry.azurecr.de", Some("AzureGermanCloud")),
        ] {
            assert_eq!(azure_cloud(host), cloud, "{host}");
        }
        assert_eq!(aws_audience("cn-north-1"), Some("sts.amazonaws.com.cn"));
        assert_eq!(aws_audience("eu-west-1"), None);
    }

    #[test]
    fn only_tokens_of_azure_are_for_one_registry() {
        let for_one: Vec<_> = PRESETS.iter().filter(|preset| is_token_for_one_registry(preset.kind)).collect();
        assert_eq!(for_one, [Preset::of("acr")]);
    }

    #[test]
    fn every_kind_has_one_preset() {
        for (at, preset) in PRESETS.iter().enumerate() {
            assert!(
                PRESETS[..at].iter().all(|other| other.kind != preset.kind && other.id != preset.id),
                "{}",
                preset.id
            );
            assert_eq!(Preset::of(preset.id), preset);
        }
    }
}
