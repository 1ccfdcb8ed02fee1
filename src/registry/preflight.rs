//! Checks of a passthrough credential before any request is sent: what certain registries cannot accept, and what looks
//! like a mistake.
//!
//! No message shows a username or a token: users paste secrets into the wrong input.

use super::kind::{RegistryKind, ecr_region};
use super::pasted::AUTHORIZATION_TOKEN;
use super::service_account::{self, BASE64_KEY_USER, KEY_USER, ParsedKey, ServiceAccountKey};
use crate::host::codec::Codec;

/// The username that goes with an access token of Google, one of three; helpers of Google use further ones, such as
/// `_dcgcloud_token`: <https://cloud.google.com/artifact-registry/docs/docker/authentication>.
pub(crate) const ACCESS_TOKEN_USER: &str = "oauth2accesstoken";

/// The username that goes with a token of Azure's `az acr login --expose-token`:
/// <https://learn.microsoft.com/powershell/module/az.containerregistry/connect-azcontainerregistry>.
pub(crate) const ACR_TOKEN_USER: &str = "00000000-0000-0000-0000-000000000000";

/// The username that goes with a token of ECR: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html>.
pub(crate) const AWS_USER: &str = "AWS";

/// The token prefixes of services that have a registry:
/// <https://github.blog/changelog/2021-03-31-authentication-token-format-updates-are-generally-available>,
/// <https://gitlab.com/gitlab-org/gitlab/-/merge_requests/138438>, <https://docs.docker.com/reference/api/hub/latest/>.
pub(crate) const TOKEN_PREFIXES: [(&str, RegistryKind); 10] = [
    ("ghp_", RegistryKind::Ghcr),
    ("gho_", RegistryKind::Ghcr),
    ("ghu_", RegistryKind::Ghcr),
    ("ghs_", RegistryKind::Ghcr),
    ("github_pat_", RegistryKind::Ghcr),
    ("glpat-", RegistryKind::GitLab),
    ("gldt-", RegistryKind::GitLab),
    ("dckr_", RegistryKind::DockerHub),
    ("dop_v1_", RegistryKind::DigitalOcean),
    ("ya29.", RegistryKind::ArtifactRegistry),
];

/// A credential that the registry cannot accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidCredential {
    /// The input to correct: `username` or `access_token`.
    pub(crate) input: &'static str,
    /// What is wrong and how to fix it: the end of the sentence "<input> …", without a full stop.
    pub(crate) message: &'static str,
}

/// `Ok` with a notice (whole sentences) if the credential looks like a mistake but may work, or with `None`.
type Finding = Result<Option<&'static str>, InvalidCredential>;

/// Checks a credential for `registry` (normalised `host[:port]`); `username` and `token` are trimmed. Returns a notice
/// (whole sentences) if the credential looks like a mistake but may work. Self-hosted registries accept anything: the
/// rules are those of known services.
///
/// # Errors
/// `docker login` cannot succeed with this credential.
pub(crate) fn check(
    codec: &impl Codec,
    registry: &str,
    username: &str,
    token: &str,
) -> Result<Option<&'static str>, InvalidCredential> {
    let kind = RegistryKind::of(registry);
    let notice = match kind {
        RegistryKind::EcrPrivate | RegistryKind::EcrPublic => check_aws(kind, username, token)?,
        RegistryKind::ArtifactRegistry => check_google(codec, username, token)?,
        _ => None,
    };
    Ok(notice.or_else(|| suspicious(kind, registry, username, token)))
}

/// A credential for ECR. Its tokens are base64 of some thousand characters, the password of the pair that
/// GetAuthorizationToken returns: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html>.
fn check_aws(kind: RegistryKind, username: &str, token: &str) -> Finding {
    // The lengths of an access key ID and of a secret access key.
    if matches!(token.len(), 20 | 40) && token.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=-_".contains(&b)) {
        return invalid_token(
            "looks like an AWS access key, not an ECR token: set it to the output of `aws ecr get-login-password`, or \
             store the keys in Reoclo's vault and use credential_id",
        );
    }
    // The base64 of "AWS:".
    if token.starts_with("QVdTO") {
        return invalid_token(AUTHORIZATION_TOKEN);
    }
    match (username, kind) {
        (AWS_USER, _) => Ok(None),
        // ECR Public is not known to refuse other usernames. ECR refuses `aws`:
        // <https://github.com/Dokploy/dokploy/issues/4632>.
        (_, RegistryKind::EcrPublic) => Ok(Some("username should be AWS (upper case) for ECR Public.")),
        _ => Err(InvalidCredential {
            input: "username",
            message: "must be AWS (upper case) for ECR: set it to AWS and access_token to the output of `aws ecr \
                      get-login-password`, or store AWS keys in Reoclo's vault and use credential_id",
        }),
    }
}

/// A credential for one of Google's registries.
fn check_google(codec: &impl Codec, username: &str, token: &str) -> Finding {
    match username {
        KEY_USER | BASE64_KEY_USER => check_service_account_key(codec, username == BASE64_KEY_USER, token),
        ACCESS_TOKEN_USER if token.starts_with('{') => {
            invalid_token("is JSON, not an access token: for a service account key set username to _json_key")
        }
        ACCESS_TOKEN_USER => Ok(None),
        _ if username.starts_with('_') => Ok(None),
        _ => Ok(Some(
            "username is not one that Google's registries use. Use oauth2accesstoken with an access token, or _json_key or \
             _json_key_base64 with a service account key.",
        )),
    }
}

/// A token that should be a service account key, in base64 or not.
fn check_service_account_key(codec: &impl Codec, in_base64: bool, token: &str) -> Finding {
    let plain = service_account::parse(codec, token);
    let decoded = service_account::parse_base64(codec, token);
    let (expected, other) = if in_base64 { (decoded, plain) } else { (plain, decoded) };
    let is_other = !matches!(other, ParsedKey::NotAnObject);
    match expected {
        ParsedKey::Key(key) => check_fields(&key),
        // Only a notice: Google's parser may accept it.
        ParsedKey::InvalidJson => Ok(Some(
            "The service account key in access_token is not valid JSON. Store the key file as downloaded, with line breaks \
             in private_key written as \\n.",
        )),
        ParsedKey::NotAnObject => invalid_token(match (in_base64, is_other) {
            (true, true) => "is JSON, not base64: set username to _json_key",
            (false, true) => "is a base64-encoded service account key: set username to _json_key_base64",
            (true, false) => "is not a base64-encoded service account key: encode the complete JSON key file",
            (false, false) => "is not a service account key: paste the complete JSON key file",
        }),
    }
}

/// Nothing can be signed without private_key and client_email: <https://google.aip.dev/auth/4112>. User credentials have
/// a refresh_token instead, and may be accepted.
fn check_fields(key: &ServiceAccountKey) -> Finding {
    if key.has("refresh_token") {
        Ok(None)
    } else if !key.has("private_key") {
        invalid_token("has no private_key: paste the complete JSON key file of a service account")
    } else if !key.has("client_email") {
        invalid_token("has no client_email: paste the complete JSON key file of a service account")
    } else {
        Ok(None)
    }
}

fn invalid_token(message: &'static str) -> Finding {
    Err(InvalidCredential { input: "access_token", message })
}

/// The notice about a credential that looks like a mistake but may work.
fn suspicious(kind: RegistryKind, registry: &str, username: &str, token: &str) -> Option<&'static str> {
    if matches!(kind, RegistryKind::Generic | RegistryKind::Harbor) {
        return None;
    }
    // docker looks a login up by the part of the image name before the first slash, and Docker Hub's under one name only:
    // `cli/command/registry.go` and `internal/registry/config.go` of <https://github.com/docker/cli>, tested with 28.2.2.
    if kind == RegistryKind::DockerHub && registry != "docker.io" {
        return Some(
            "docker may store this login under the host in registry_url, where it is not found for Docker Hub images. Set \
             registry_url to docker.io.",
        );
    }
    if registry.ends_with(":443") || registry.ends_with('.') {
        return Some(
            "docker stores this login under registry_url as written, and it is not found for images without that port or \
             trailing dot. Remove the port or dot.",
        );
    }
    if TOKEN_PREFIXES.iter().any(|(prefix, service)| *service != kind && token.starts_with(prefix)) {
        return Some("access_token looks like a token of another service than registry_url. Check that they match.");
    }
    if kind != RegistryKind::ArtifactRegistry && [ACCESS_TOKEN_USER, KEY_USER, BASE64_KEY_USER].contains(&username) {
        return Some("username is for Google's registries, but registry_url is not one of them. Check both.");
    }
    match kind {
        // Tokens from before the prefix are UUIDs, which have 36 characters.
        RegistryKind::DockerHub if !(token.starts_with("dckr_") || token.len() == 36) => Some(
            "access_token looks like a password, which does not work with two-factor authentication or single sign-on. Use \
             a Docker Hub personal access token.",
        ),
        // <https://docs.github.com/packages/working-with-a-github-packages-registry/working-with-the-container-registry>
        RegistryKind::Ghcr if token.starts_with("github_pat_") => Some(
            "access_token is a fine-grained token, which GitHub's container registry does not support. Use GITHUB_TOKEN \
             or a classic token.",
        ),
        RegistryKind::Acr if (username == ACR_TOKEN_USER) != is_jwt(token) => Some(
            "On Azure, the all-zero username works only with a token from `az acr login --expose-token`, and that token \
             only with this username. Check both.",
        ),
        RegistryKind::Quay if ["oauthtoken", "token", "app"].contains(&username) => Some(
            "Quay's token usernames start with a dollar sign, and username has none: a shell may have expanded it. Write \
             $oauthtoken, $app or $token in single quotes.",
        ),
        _ => None,
    }
}

/// The notice about registries that rarely accept the same token. Self-hosted ones may belong to any other.
pub(crate) fn check_together(registries: &[&str]) -> Option<&'static str> {
    let mut services = registries.iter().filter_map(|registry| match RegistryKind::of(registry) {
        RegistryKind::Generic | RegistryKind::Harbor => None,
        kind => Some((kind, ecr_region(registry))),
    });
    let first = services.next();
    services.any(|service| Some(service) != first).then_some(
        "registry_url has registries of different services or ECR regions, which rarely accept the same token. Use one step \
         per token.",
    )
}

/// Whether a token looks like a JSON Web Token: three parts, the first of which is the base64 of a text starting with
/// `{"`.
fn is_jwt(token: &str) -> bool {
    token.starts_with("eyJ") && token.split('.').count() == 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;
    use base64::{Engine, engine::general_purpose::STANDARD};

    const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    const GAR: &str = "europe-docker.pkg.dev";
    const KEY: &str = r#"{"type":"service_account","private_key":"-----BEGIN","client_email":"a@b"}"#;
    const JWT: &str = "eyJhbGciOi.eyJqdGkiOi.c2lnbmF0dXJl";
    const PAT: &str = "dckr_pat_0123456789";

    fn check(registry: &str, username: &str, token: &str) -> Finding {
        super::check(&FakeHost::default(), registry, username, token)
    }

    /// The input and the message of the error.
    fn refused(registry: &str, username: &str, token: &str) -> (&'static str, &'static str) {
        let error = check(registry, username, token).unwrap_err();
        (error.input, error.message)
    }

    #[test]
    fn common_valid_credentials_get_no_notice() {
        let key_base64 = STANDARD.encode(KEY);
        let wrapped = format!("{}\n{}", &key_base64[..40], &key_base64[40..]);
        let ecr_token = "eyJwYXlsb2FkIjoi".repeat(99);
        for (registry, username, token) in [
            ("ghcr.io", "octocat", "ghs_0123456789"),
            ("ghcr.io", "octocat", "ghp_0123456789"),
            ("ghcr.io", "octocat", "0123456789abcdef0123456789abcdef01234567"),
            (ECR, "AWS", ecr_token.as_str()),
            ("public.ecr.aws", "AWS", ecr_token.as_str()),
            (GAR, KEY_USER, KEY),
            (GAR, KEY_USER, &format!("\u{feff}{KEY}")),
            (GAR, BASE64_KEY_USER, key_base64.as_str()),
            (GAR, BASE64_KEY_USER, wrapped.as_str()),
            ("gcr.io", ACCESS_TOKEN_USER, "ya29.0123"),
            (GAR, "_dcgcloud_token", "ya29.0123"),
            (GAR, KEY_USER, r#"{"type":"authorized_user","refresh_token":"x"}"#),
            ("my.azurecr.io", "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11", "abc~0123"),
            ("my.azurecr.io", "my", "eyJabc+0123"),
            ("my.azurecr.io", ACR_TOKEN_USER, JWT),
            ("quay.io", "org+robot", "0123"),
            ("quay.io", "$oauthtoken", "0123"),
            ("docker.io", "bob", PAT),
            ("docker.io", "bob@example.com", PAT), // docker's own prompt asks for a Docker ID or an e-mail address
            ("docker.io", "org", "dckr_oat_0123"),
            ("docker.io", "bob", "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11"),
            ("registry.gitlab.com", "bob", "glpat-0123"),
            ("registry.gitlab.com", "gitlab-ci-token", "0123"),
            ("registry.digitalocean.com", "dop_v1_0123", "dop_v1_0123"),
        ] {
            assert_eq!(check(registry, username, token), Ok(None), "{registry} {username}");
        }
    }

    #[test]
    fn self_hosted_registries_accept_any_credential() {
        for registry in
            ["registry.example.com:5000", "harbor.example.com", "ghcr.io:5000", "localhost:443", "mirror.gcr.io"]
        {
            for username in ["u", "aws", KEY_USER, BASE64_KEY_USER, ACCESS_TOKEN_USER, ACR_TOKEN_USER, "oauthtoken"] {
                for token in ["t", "{", "ghp_0123", PAT, "QVdTOmV5", JWT] {
                    assert_eq!(check(registry, username, token), Ok(None), "{registry} {username} {token}");
                }
            }
        }
    }

    #[test]
    fn ecr_requires_username_aws_in_upper_case() {
        let token = "eyJwYXlsb2FkIjoi".repeat(99);
        for username in ["aws", "Aws", "AKIAIOSFODNN7EXAMPLE", "bob", KEY_USER] {
            assert_eq!(refused(ECR, username, &token).0, "username", "{username}");
            let notice = check("public.ecr.aws", username, &token).unwrap().unwrap_or_default();
            assert!(notice.contains("should be AWS"), "{username}: {notice:?}");
        }
    }

    #[test]
    fn ecr_refuses_aws_keys_and_authorization_tokens() {
        let pair = STANDARD.encode("AWS:eyJwYXlsb2FkIjoi");
        for registry in [ECR, "public.ecr.aws"] {
            for (token, word) in [
                ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "vault"),
                ("AKIAIOSFODNN7EXAMPLE", "vault"),
                (pair.as_str(), "authorizationToken"),
            ] {
                let (input, message) = refused(registry, "AWS", token);
                assert_eq!(input, "access_token");
                assert!(message.contains(word), "{message}");
            }
        }
    }

    #[test]
    fn google_keys_must_be_complete_and_match_username() {
        let key_base64 = STANDARD.encode(KEY);
        let half = STANDARD.encode(&KEY[..40]);
        for (username, token, word) in [
            (KEY_USER, key_base64.as_str(), "username to _json_key_base64"),
            (BASE64_KEY_USER, KEY, "username to _json_key"),
            (KEY_USER, "{", "complete JSON key file"),
            (KEY_USER, &KEY[..40], "complete JSON key file"),
            (KEY_USER, "hunter22", "complete JSON key file"),
            (KEY_USER, "[1]", "complete JSON key file"),
            (BASE64_KEY_USER, "hunter22", "encode"),
            (BASE64_KEY_USER, half.as_str(), "encode"),
            (BASE64_KEY_USER, "ya29.0123", "encode"),
            (KEY_USER, r#"{"type":"external_account","client_email":"a@b"}"#, "private_key"),
            (KEY_USER, r#"{"private_key":"","client_email":"a@b"}"#, "private_key"),
            (KEY_USER, r#"{"private_key":"x","client_email":7}"#, "has no client_email"),
            (KEY_USER, r#"["service_account","x","a@b"]"#, "complete JSON key file"),
            (BASE64_KEY_USER, &STANDARD.encode(r#"["service_account","x","a@b"]"#), "encode"),
            (ACCESS_TOKEN_USER, KEY, "_json_key"),
        ] {
            for registry in [GAR, "eu.gcr.io"] {
                let (input, message) = refused(registry, username, token);
                assert_eq!(input, "access_token");
                assert!(message.contains(word), "{username} {token}: {message}");
            }
        }
    }

    #[test]
    fn suspicious_credentials_get_a_notice_with_remedy() {
        let broken = KEY.replace("BEGIN", "BEGIN\n");
        for (registry, username, token, word) in [
            (GAR, KEY_USER, broken.as_str(), "not valid JSON"),
            (GAR, BASE64_KEY_USER, &STANDARD.encode(&broken), "not valid JSON"),
            (GAR, "bob@example.com", "ya29.0123", "Google's registries use"),
            ("index.docker.io", "bob", PAT, "docker.io"),
            ("registry-1.docker.io", "bob", PAT, "docker.io"),
            ("docker.io", "bob", "hunter22", "personal access token"),
            ("docker.io", "bob", "ghp_0123", "another service"),
            ("docker.io", KEY_USER, PAT, "Google"),
            ("quay.io", ACCESS_TOKEN_USER, "0123", "Google"),
            ("ghcr.io", "bob", "github_pat_0123", "fine-grained"),
            ("ghcr.io", "bob", PAT, "another service"),
            ("ghcr.io:443", "bob", "ghp_0123", "trailing dot"),
            ("ghcr.io.", "bob", "ghp_0123", "trailing dot"),
            ("my.azurecr.io", ACR_TOKEN_USER, "0123", "all-zero"),
            ("my.azurecr.io", "my", JWT, "all-zero"),
            ("quay.io", "oauthtoken", "0123", "dollar"),
        ] {
            let notice = check(registry, username, token).unwrap().unwrap_or_default();
            assert!(notice.contains(word), "{registry} {username} {token}: {notice:?}");
            assert!(notice.ends_with('.'), "{notice}");
        }
    }

    #[test]
    fn registries_of_different_services_get_a_notice() {
        let ecr = |account: &str, region: &str| format!("{account}.dkr.ecr.{region}.amazonaws.com");
        let (one, other) = (ecr("123456789012", "eu-west-1"), ecr("998877665544", "eu-west-1"));
        let dual_stack = "998877665544.dkr-ecr.eu-west-1.on.aws";
        for registries in [
            &[][..],
            &["ghcr.io"],
            &["ghcr.io", "docker.pkg.github.com"],
            &["ghcr.io", "harbor.example.com", "localhost:5000"],
            &[&one, &other, dual_stack],
            &["europe-docker.pkg.dev", "us-docker.pkg.dev", "eu.gcr.io"],
            &["a.azurecr.io", "b.azurecr.io"],
        ] {
            assert_eq!(check_together(registries), None, "{registries:?}");
        }
        for registries in [
            &["ghcr.io", "docker.io"][..],
            &["ghcr.io", "registry.example.com", "quay.io"],
            &[&one, "public.ecr.aws"],
            &[&one, &ecr("123456789012", "us-east-1")],
            &["quay.io", "registry.gitlab.com"],
        ] {
            assert!(check_together(registries).is_some_and(|notice| notice.ends_with('.')), "{registries:?}");
        }
    }

    #[test]
    fn messages_show_neither_username_nor_token() {
        let secret = "hunter22hunter22hunt";
        for registry in ["docker.io", "ghcr.io", ECR, "public.ecr.aws", GAR, "my.azurecr.io", "quay.io"] {
            for (username, token) in [(secret, secret), (KEY_USER, secret), ("AWS", secret), (secret, JWT)] {
                let finding = check(registry, username, token);
                assert!(!format!("{finding:?}").contains("hunter22"), "{finding:?}");
            }
        }
    }
}
