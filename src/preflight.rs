//! What is known of a passthrough credential before anything is sent.
//!
//! No message here shows a user name or a token: people paste secrets into the wrong input.

use crate::host::Host;
use crate::inputs::Problem;
use crate::json::Json;
use crate::registry::Kind;
use crate::secret;

/// The user names of Google's registries: <https://cloud.google.com/artifact-registry/docs/docker/authentication>. Its own
/// helpers bring more of them, such as `_dcgcloud_token`.
const ACCESS_TOKEN: &str = "oauth2accesstoken";
const JSON_KEY: &str = "_json_key";
const JSON_KEY_BASE64: &str = "_json_key_base64";

/// The user name that Azure's registries take a token of their own with:
/// <https://learn.microsoft.com/powershell/module/az.containerregistry/connect-azcontainerregistry>.
const ACR_NOBODY: &str = "00000000-0000-0000-0000-000000000000";

/// How the tokens of services begin that also have a registry:
/// <https://github.blog/changelog/2021-03-31-authentication-token-format-updates-are-generally-available>,
/// <https://gitlab.com/gitlab-org/gitlab/-/merge_requests/138438>, <https://docs.docker.com/reference/api/hub/latest/>.
const TOKENS: [(&str, Kind); 10] = [
    ("ghp_", Kind::Ghcr),
    ("gho_", Kind::Ghcr),
    ("ghu_", Kind::Ghcr),
    ("ghs_", Kind::Ghcr),
    ("github_pat_", Kind::Ghcr),
    ("glpat-", Kind::GitLab),
    ("gldt-", Kind::GitLab),
    ("dckr_", Kind::DockerHub),
    ("dop_v1_", Kind::DigitalOcean),
    ("ya29.", Kind::ArtifactRegistry),
];

/// `Ok` with a notice about what is odd but may work, or without one; `Err` about what cannot: the input, and the end of
/// the sentence that it begins.
type Verdict = Result<Option<&'static str>, (&'static str, &'static str)>;

/// Judges a passthrough login: a [`Problem`] where docker login must fail, a notice where something is odd. What is the
/// habit of a known registry says nothing of a registry of one's own.
pub(crate) fn check(
    host: &impl Host,
    registry: &str,
    username: &str,
    token: &str,
) -> Result<Option<&'static str>, Problem> {
    let kind = Kind::of(registry);
    let verdict = match kind {
        Kind::EcrPrivate | Kind::EcrPublic => aws(kind, username, token),
        Kind::ArtifactRegistry => google(host, username, token),
        _ => Ok(None),
    };
    let notice = verdict.map_err(|(input, rule)| Problem { input, rule: rule.to_owned() })?;
    Ok(notice.or_else(|| odd(kind, registry, username, token)))
}

const TOKEN: &str = "access_token";

/// What ECR makes of a credential. Its tokens are base64 of some thousand characters, the password of the pair that
/// GetAuthorizationToken gives: <https://docs.aws.amazon.com/AmazonECR/latest/userguide/registry_auth.html>.
fn aws(kind: Kind, username: &str, token: &str) -> Verdict {
    if matches!(token.len(), 20 | 40) && token.bytes().all(is_base64) {
        return Err((
            TOKEN,
            "is an AWS key by its length: set it to the output of `aws ecr get-login-password`, or keep the keys in \
             Reoclo's vault and give credential_id",
        ));
    }
    // The base64 of "AWS:".
    if token.starts_with("QVdTO") {
        return Err((
            TOKEN,
            "is an authorizationToken, the base64 of user name and password: set it to the output of `aws ecr \
             get-login-password`",
        ));
    }
    match username {
        "AWS" => Ok(None),
        // `aws` is refused: <https://github.com/Dokploy/dokploy/issues/4632>. Of ECR Public nobody tells.
        _ if kind == Kind::EcrPublic => {
            Ok(Some("ECR's user name is AWS, in capitals, and username is another. Set it to AWS."))
        }
        _ => Err((
            "username",
            "is not AWS, in capitals, as ECR wants it: set it to AWS and access_token to the output of `aws ecr \
             get-login-password`, or keep AWS keys in Reoclo's vault and give credential_id",
        )),
    }
}

/// What Google's registries make of a credential.
fn google(host: &impl Host, username: &str, token: &str) -> Verdict {
    match username {
        JSON_KEY | JSON_KEY_BASE64 => key(host, username == JSON_KEY_BASE64, token),
        ACCESS_TOKEN if token.starts_with('{') => {
            Err((TOKEN, "is JSON and no access token: with a service account key, set username to _json_key"))
        }
        _ if username == ACCESS_TOKEN || username.starts_with('_') => Ok(None),
        _ => Ok(Some(
            "username is none of Google's: oauth2accesstoken with an access token, _json_key or _json_key_base64 with a \
             service account key. Set it to the one that fits access_token.",
        )),
    }
}

/// A service account key, as it is or in base64.
fn key(host: &impl Host, in_base64: bool, token: &str) -> Verdict {
    let plain = plain_key(host, token);
    // `base64` breaks lines, and hosts decode what is no base64 as well as they can.
    let compact: String = token.split_whitespace().collect();
    let decoded = if compact.bytes().all(is_base64) { plain_key(host, &host.decode_base64(&compact)) } else { None };
    let (own, other) = if in_base64 { (decoded, plain) } else { (plain, decoded) };
    own.unwrap_or(Err((
        TOKEN,
        match (in_base64, other.is_some()) {
            (true, true) => "is JSON and not its base64: set username to _json_key",
            (false, true) => "is the base64 of a service account key: set username to _json_key_base64",
            (true, false) => "is not the base64 of a service account key: encode the whole JSON key file",
            (false, false) => "is not a service account key: paste the whole JSON key file",
        },
    )))
}

/// What is to be said of a service account key; `None` where the text is none at all.
fn plain_key(host: &impl Host, text: &str) -> Option<Verdict> {
    let text = secret::without_bom(text);
    if !(text.starts_with('{') && text.ends_with('}')) {
        return None;
    }
    // Google's parser may be a lenient one.
    let Some(key) = host.parse_json(text) else {
        return Some(Ok(Some(
            "The service account key in access_token is not valid JSON. Store the key file as it was downloaded; line \
             breaks in private_key are written as \\n.",
        )));
    };
    let has = |name| key.get(name).and_then(Json::as_text).is_some_and(|text| !text.is_empty());
    // Without these two nothing can be signed: <https://google.aip.dev/auth/4112>. The credential of a user, which has a
    // refresh_token instead, may be taken.
    Some(if has("refresh_token") || (has("private_key") && has("client_email")) {
        Ok(None)
    } else if has("private_key") {
        Err((TOKEN, "is JSON without client_email: paste the whole JSON key file of a service account"))
    } else {
        Err((TOKEN, "is JSON without private_key: paste the whole JSON key file of a service account"))
    })
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=-_".contains(&byte)
}

/// What is odd but may work.
fn odd(kind: Kind, registry: &str, username: &str, token: &str) -> Option<&'static str> {
    if matches!(kind, Kind::Generic | Kind::Harbor) {
        return None;
    }
    // docker looks a login up by the name that stands before an image's first slash, and Docker Hub's by one name only:
    // `cli/command/registry.go` and `internal/registry/config.go` of <https://github.com/docker/cli>, tried with 28.2.2.
    if kind == Kind::DockerHub && registry != "docker.io" {
        return Some(
            "docker may keep this login under the host in registry_url, where images of Docker Hub, named as usual, do not \
             look for it. Set registry_url to docker.io.",
        );
    }
    if registry.ends_with(":443") || registry.ends_with('.') {
        return Some(
            "docker keeps this login under registry_url as written, and images without that port or final dot do not find \
             it. Leave it out.",
        );
    }
    if TOKENS.iter().any(|(prefix, of)| *of != kind && token.starts_with(prefix)) {
        return Some(
            "access_token begins like a token of another service than registry_url names. Check that they belong together.",
        );
    }
    if kind != Kind::ArtifactRegistry && [ACCESS_TOKEN, JSON_KEY, JSON_KEY_BASE64].contains(&username) {
        return Some("username is for Google's registries, and registry_url names none of them. Check both.");
    }
    match kind {
        // Tokens from before the prefix are UUIDs.
        Kind::DockerHub if !(token.starts_with("dckr_") || token.len() == 36) => Some(
            "access_token looks like a password, which works only without two-factor authentication and single sign-on. \
             Use a personal access token of Docker Hub.",
        ),
        // <https://docs.github.com/packages/working-with-a-github-packages-registry/working-with-the-container-registry>
        Kind::Ghcr if token.starts_with("github_pat_") => Some(
            "access_token is a fine-grained token, which GitHub's container registry does not support. Use GITHUB_TOKEN \
             or a classic token.",
        ),
        Kind::Acr if (username == ACR_NOBODY) != is_jwt(token) => Some(
            "On Azure, the user name of zeros and a token of `az acr login --expose-token` go together, and only one of \
             the two is given. Check both.",
        ),
        Kind::Quay if ["oauthtoken", "token", "app"].contains(&username) => Some(
            "Quay's user names for tokens begin with a dollar sign, and username has none: a shell may have taken it. \
             Write $oauthtoken, $app or $token in single quotes.",
        ),
        _ => None,
    }
}

/// Whether a token looks like a JSON Web Token: three parts, the first of which is base64 of `{"`.
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

    fn check(registry: &str, username: &str, token: &str) -> Result<Option<&'static str>, Problem> {
        super::check(&FakeHost::default(), registry, username, token)
    }

    /// The input that a refusal names, and the words about it.
    fn refused(registry: &str, username: &str, token: &str) -> (&'static str, String) {
        let problem = check(registry, username, token).unwrap_err();
        (problem.input, problem.rule)
    }

    #[test]
    fn what_is_right_and_common_gets_no_notice() {
        let key_base64 = STANDARD.encode(KEY);
        let wrapped = format!("{}\n{}", &key_base64[..40], &key_base64[40..]);
        let ecr_token = "eyJwYXlsb2FkIjoi".repeat(99);
        for (registry, username, token) in [
            ("ghcr.io", "octocat", "ghs_0123456789"),
            ("ghcr.io", "octocat", "ghp_0123456789"),
            ("ghcr.io", "octocat", "0123456789abcdef0123456789abcdef01234567"),
            (ECR, "AWS", ecr_token.as_str()),
            ("public.ecr.aws", "AWS", ecr_token.as_str()),
            (GAR, JSON_KEY, KEY),
            (GAR, JSON_KEY, &format!("\u{feff}{KEY}")),
            (GAR, JSON_KEY_BASE64, key_base64.as_str()),
            (GAR, JSON_KEY_BASE64, wrapped.as_str()),
            ("gcr.io", ACCESS_TOKEN, "ya29.0123"),
            (GAR, "_dcgcloud_token", "ya29.0123"),
            (GAR, JSON_KEY, r#"{"type":"authorized_user","refresh_token":"x"}"#),
            ("my.azurecr.io", "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11", "abc~0123"),
            ("my.azurecr.io", "my", "eyJabc+0123"),
            ("my.azurecr.io", ACR_NOBODY, JWT),
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
    fn a_registry_of_one_s_own_takes_anything() {
        for registry in
            ["registry.example.com:5000", "harbor.example.com", "ghcr.io:5000", "localhost:443", "mirror.gcr.io"]
        {
            for username in ["u", "aws", JSON_KEY, JSON_KEY_BASE64, ACCESS_TOKEN, ACR_NOBODY, "oauthtoken"] {
                for token in ["t", "{", "ghp_0123", PAT, "QVdTOmV5", JWT] {
                    assert_eq!(check(registry, username, token), Ok(None), "{registry} {username} {token}");
                }
            }
        }
    }

    #[test]
    fn ecr_takes_the_user_name_aws_in_capitals_only() {
        let token = "eyJwYXlsb2FkIjoi".repeat(99);
        for username in ["aws", "Aws", "AKIAIOSFODNN7EXAMPLE", "bob", JSON_KEY] {
            assert_eq!(refused(ECR, username, &token).0, "username", "{username}");
            let notice = check("public.ecr.aws", username, &token).unwrap().unwrap_or_default();
            assert!(notice.contains("Set it to AWS."), "{username}: {notice:?}");
        }
    }

    #[test]
    fn ecr_takes_no_aws_keys_and_no_undecoded_token() {
        let pair = STANDARD.encode("AWS:eyJwYXlsb2FkIjoi");
        for registry in [ECR, "public.ecr.aws"] {
            for (token, word) in [
                ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "vault"),
                ("AKIAIOSFODNN7EXAMPLE", "vault"),
                (pair.as_str(), "authorizationToken"),
            ] {
                let (input, rule) = refused(registry, "AWS", token);
                assert_eq!(input, "access_token");
                assert!(rule.contains(word), "{rule}");
            }
        }
    }

    #[test]
    fn a_google_key_is_whole_and_goes_with_its_own_user_name() {
        let key_base64 = STANDARD.encode(KEY);
        let half = STANDARD.encode(&KEY[..40]);
        for (username, token, word) in [
            (JSON_KEY, key_base64.as_str(), "username to _json_key_base64"),
            (JSON_KEY_BASE64, KEY, "username to _json_key"),
            (JSON_KEY, "{", "whole JSON key file"),
            (JSON_KEY, &KEY[..40], "whole JSON key file"),
            (JSON_KEY, "hunter22", "whole JSON key file"),
            (JSON_KEY, "[1]", "whole JSON key file"),
            (JSON_KEY_BASE64, "hunter22", "encode"),
            (JSON_KEY_BASE64, half.as_str(), "encode"),
            (JSON_KEY_BASE64, "ya29.0123", "encode"),
            (JSON_KEY, r#"{"type":"external_account","client_email":"a@b"}"#, "private_key"),
            (JSON_KEY, r#"{"private_key":"","client_email":"a@b"}"#, "private_key"),
            (JSON_KEY, r#"{"private_key":"x","client_email":7}"#, "client_email"),
            (ACCESS_TOKEN, KEY, "_json_key"),
        ] {
            for registry in [GAR, "eu.gcr.io"] {
                let (input, rule) = refused(registry, username, token);
                assert_eq!(input, "access_token");
                assert!(rule.contains(word), "{username} {token}: {rule}");
            }
        }
    }

    #[test]
    fn what_is_odd_gets_a_notice_that_says_what_to_do() {
        let broken = KEY.replace("BEGIN", "BEGIN\n");
        for (registry, username, token, word) in [
            (GAR, JSON_KEY, broken.as_str(), "not valid JSON"),
            (GAR, JSON_KEY_BASE64, &STANDARD.encode(&broken), "not valid JSON"),
            (GAR, "bob@example.com", "ya29.0123", "none of Google's"),
            ("index.docker.io", "bob", PAT, "docker.io"),
            ("registry-1.docker.io", "bob", PAT, "docker.io"),
            ("docker.io", "bob", "hunter22", "personal access token"),
            ("docker.io", "bob", "ghp_0123", "another service"),
            ("docker.io", JSON_KEY, PAT, "Google"),
            ("quay.io", ACCESS_TOKEN, "0123", "Google"),
            ("ghcr.io", "bob", "github_pat_0123", "fine-grained"),
            ("ghcr.io", "bob", PAT, "another service"),
            ("ghcr.io:443", "bob", "ghp_0123", "final dot"),
            ("ghcr.io.", "bob", "ghp_0123", "final dot"),
            ("my.azurecr.io", ACR_NOBODY, "0123", "zeros"),
            ("my.azurecr.io", "my", JWT, "zeros"),
            ("quay.io", "oauthtoken", "0123", "dollar"),
        ] {
            let notice = check(registry, username, token).unwrap().unwrap_or_default();
            assert!(notice.contains(word), "{registry} {username} {token}: {notice:?}");
            assert!(notice.ends_with('.'), "{notice}");
        }
    }

    #[test]
    fn no_message_shows_a_user_name_or_a_token() {
        let secret = "hunter22hunter22hunt";
        for row in ["docker.io", "ghcr.io", ECR, "public.ecr.aws", GAR, "my.azurecr.io", "quay.io"] {
            for (username, token) in [(secret, secret), (JSON_KEY, secret), ("AWS", secret), (secret, JWT)] {
                let verdict = check(row, username, token);
                assert!(!format!("{verdict:?}").contains("hunter22"), "{verdict:?}");
            }
        }
    }
}
