//! Where the token of passthrough mode comes from, and the steps in which a cloud issues one.

use crate::plan::{Content, Item, Plan, Step};
use crate::platform::Platform;
use crate::value::{Store, Value};
use reoclo_docker_auth::page::{self, Preset, RegistryKind};

/// Where the token of passthrough mode comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// `GITHUB_TOKEN`.
    Job,
    /// The cloud exchanges an OIDC token of the job for it.
    Oidc,
    /// The cloud's CLI gets it with access keys that are stored as secrets.
    Keys,
    /// It is stored as a secret.
    Secret,
}

impl Source {
    const ALL: [Self; 4] = [Self::Job, Self::Oidc, Self::Keys, Self::Secret];

    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::Job => "job",
            Self::Oidc => "oidc",
            Self::Keys => "keys",
            Self::Secret => "secret",
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Job => "GITHUB_TOKEN of the job",
            Self::Oidc => "OIDC, no stored secret",
            Self::Keys => "Access keys, stored as secrets",
            Self::Secret => "Stored as a secret",
        }
    }

    /// The sources that a registry has on a platform, the best one first.
    pub(crate) fn available(preset: &Preset, platform: Platform) -> Vec<Self> {
        let is_aws = matches!(preset.kind, RegistryKind::EcrPrivate | RegistryKind::EcrPublic);
        let is_available = |source: &Self| match source {
            Self::Job => preset.kind == RegistryKind::Ghcr && platform.has_ghcr(),
            Self::Oidc => preset.issued.is_some() && platform.is_github(),
            Self::Keys => is_aws,
            // A stored token of ECR would expire within hours.
            Self::Secret => !is_aws,
        };
        Self::ALL.into_iter().filter(is_available).collect()
    }
}

/// Third-party actions, pinned: the same pins as in docs/registries.md and docs/self-hosted.md.
const CHECKOUT: (&str, &str) = ("actions/checkout@3d3c42e5aac5ba805825da76410c181273ba90b1", "v7.0.1");
const AWS_CREDENTIALS: (&str, &str) =
    ("aws-actions/configure-aws-credentials@e6de054238d6b7531b4efff3b6587d9aade6a06c", "v6.2.3");
const GOOGLE_AUTH: (&str, &str) = ("google-github-actions/auth@7c6bc770dae815cd3e89ee6cdf493a5fab2cc093", "v3.0.0");
const AZURE_LOGIN: (&str, &str) = ("azure/login@f5d393ae46f8fde4be8b75f32e3fc50e654ad0ca", "v3.0.1");

/// The step whose output is the token.
const TOKEN_STEP: &str = "token";
const TOKEN_OUTPUT: Value = Value::Expression("steps.token.outputs.token");

/// Each masks the token before it becomes an output.
const ECR_TOKEN: &[&str] = &["token=$(aws ecr get-login-password)", MASK, OUTPUT];
const ECR_PUBLIC_TOKEN: &[&str] = &["token=$(aws ecr-public get-login-password)", MASK, OUTPUT];
const ACR_TOKEN: &[&str] =
    &["token=$(az acr login --name \"${REGISTRY%%.*}\" --expose-token --output tsv --query accessToken)", MASK, OUTPUT];
const MASK: &str = "echo \"::add-mask::$token\"";
const OUTPUT: &str = "echo \"token=$token\" >> \"$GITHUB_OUTPUT\"";

impl Plan {
    /// Adds the steps in which the cloud issues a token.
    pub(crate) fn issue(&mut self, registries: &[Item]) -> Value {
        let is_oidc = self.source == Source::Oidc;
        if is_oidc {
            self.permissions.push(("id-token", "write", "for OIDC"));
        }
        match self.preset.kind {
            RegistryKind::ArtifactRegistry => {
                let provider = self.variable(
                    "GCP_WORKLOAD_IDENTITY_PROVIDER",
                    "projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER",
                );
                let account = self.variable(
                    "GCP_SERVICE_ACCOUNT",
                    "Email address of the service account. It needs roles/artifactregistry.reader.",
                );
                self.prepare.push(Step {
                    name: "Get a token of Google Cloud".to_owned(),
                    id: TOKEN_STEP,
                    uses: Some(self.third_party(GOOGLE_AUTH)),
                    with: vec![
                        ("token_format", literal("access_token")),
                        // It would be written to the workspace, and only commands of Google need it.
                        ("create_credentials_file", literal("false")),
                        ("workload_identity_provider", provider),
                        ("service_account", account),
                    ],
                    ..Step::default()
                });
                return Value::Expression("steps.token.outputs.access_token");
            }
            RegistryKind::Acr => {
                let mut with = vec![
                    ("client-id", self.variable("AZURE_CLIENT_ID", "Client ID of the Azure application. It needs AcrPull, and a federated credential for this repository.")),
                    ("tenant-id", self.variable("AZURE_TENANT_ID", "ID of the Azure tenant.")),
                    ("subscription-id", self.variable("AZURE_SUBSCRIPTION_ID", "ID of the Azure subscription.")),
                ];
                if let Some(Value::Literal(host)) = registries.first().map(|item| &item.value) {
                    with.extend(page::azure_cloud(host).map(|cloud| ("environment", literal(cloud))));
                }
                let uses = Some(self.third_party(AZURE_LOGIN));
                self.prepare.push(Step { name: "Log in to Azure".to_owned(), uses, with, ..Step::default() });
                let registry = registries.first().map(|item| ("REGISTRY", Content::One(item.value.clone())));
                self.get_token("Get a token of Azure", ACR_TOKEN, registry.into_iter().collect());
            }
            kind => {
                let region = self.region(registries);
                let mut env = vec![("AWS_REGION", region.clone())];
                if is_oidc {
                    let role = self.variable("AWS_ROLE_ARN", "ARN of the role, such as arn:aws:iam::123456789012:role/pull-images. It must trust this repository.");
                    let audience = match &region {
                        Content::One(Value::Literal(region)) => page::aws_audience(region),
                        _ => None,
                    };
                    let mut with = vec![("role-to-assume", role), ("aws-region", region)];
                    with.extend(audience.map(|audience| ("audience", literal(audience))));
                    let uses = Some(self.third_party(AWS_CREDENTIALS));
                    self.prepare.push(Step { name: "Log in to AWS".to_owned(), uses, with, ..Step::default() });
                } else {
                    env.push((
                        "AWS_ACCESS_KEY_ID",
                        self.stored_secret("AWS_ACCESS_KEY_ID", "Access key ID of an IAM user that may pull."),
                    ));
                    env.push((
                        "AWS_SECRET_ACCESS_KEY",
                        self.stored_secret("AWS_SECRET_ACCESS_KEY", "Its secret access key."),
                    ));
                }
                let run = if kind == RegistryKind::EcrPublic { ECR_PUBLIC_TOKEN } else { ECR_TOKEN };
                self.get_token("Get a token of Amazon ECR", run, env);
            }
        }
        TOKEN_OUTPUT
    }

    /// Adds the step in which files of the repository get into the workspace.
    pub(crate) fn check_out(&mut self) {
        if let Some((_, _, why)) = self.permissions.iter_mut().find(|(scope, ..)| *scope == "contents") {
            *why = "to check out";
        }
        let uses = Some(self.third_party(CHECKOUT));
        let with = vec![("persist-credentials", literal("false"))];
        self.prepare.insert(0, Step { name: "Check out".to_owned(), uses, with, ..Step::default() });
    }

    fn get_token(&mut self, name: &str, run: &'static [&'static str], env: Vec<(&'static str, Content)>) {
        self.prepare.push(Step { name: name.to_owned(), id: TOKEN_STEP, run, env, ..Step::default() });
    }

    /// The region of the first registry that has one.
    fn region(&mut self, registries: &[Item]) -> Content {
        if self.preset.kind == RegistryKind::EcrPublic {
            return literal(page::ECR_PUBLIC_REGION);
        }
        let region = registries.iter().find_map(|item| match &item.value {
            Value::Literal(host) => page::ecr_region(host),
            _ => None,
        });
        match region {
            Some(region) => literal(region),
            None => self.variable("AWS_REGION", "Region of the registry, such as eu-west-1."),
        }
    }

    fn third_party(&self, (action, version): (&str, &str)) -> (String, String) {
        (format!("{}{action}", self.platform.third_party_prefix()), version.to_owned())
    }

    fn variable(&mut self, name: &str, what: &str) -> Content {
        self.stored_value(Store::Vars, name, what)
    }

    fn stored_secret(&mut self, name: &str, what: &str) -> Content {
        self.stored_value(Store::Secrets, name, what)
    }

    fn stored_value(&mut self, store: Store, name: &str, what: &str) -> Content {
        let value = Value::Stored(store, name.to_owned());
        self.remember(&value, what);
        Content::One(value)
    }
}

fn literal(text: &str) -> Content {
    Content::One(Value::Literal(text.to_owned()))
}
