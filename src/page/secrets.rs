//! What is recognized as a secret in a text that should not contain one, such as the name of a secret.

use crate::inputs::parse::{AUTOMATION_KEYS, INTEGRATION_KEY, MACHINE_USER_KEY};
use crate::registry::preflight::TOKEN_PREFIXES;

/// Further token prefixes of these services: refresh tokens, OAuth, triggers of pipelines, runners and agents. The action does not
/// check credentials for them.
/// <https://github.blog/engineering/behind-githubs-new-authentication-token-formats/>,
/// <https://docs.gitlab.com/security/tokens/#token-prefixes>, <https://docs.digitalocean.com/reference/api/oauth/>.
const OTHER_TOKEN_PREFIXES: [&str; 11] =
    ["ghr_", "glptt-", "glcbt-", "glrt-", "glft-", "glimt-", "glagent-", "glsoat-", "gloas-", "doo_v1_", "dor_v1_"];
/// How base64 of JSON (`{"`, `{` and a line break) and of `AWS:` starts: JSON Web Tokens, tokens of ECR, key files.
const BASE64_STARTS: [&str; 5] = ["eyJ", "ewog", "ewoJ", "ew0K", "QVdTO"];
/// Shorter words may start like this by chance.
const MIN_BASE64_CHARS: usize = 16;
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html>
const AWS_SECRET_KEY_CHARS: usize = 40;

/// What a text contains that looks like a secret, such as `a Reoclo API key`; `None` if nothing does. A password can be any
/// text, so it is found in a URL only.
#[must_use]
pub fn find(text: &str) -> Option<&'static str> {
    if text.contains("PRIVATE KEY-----") || text.contains("\"private_key\"") {
        return Some("a private key");
    }
    if text.contains("\"auths\"") {
        return Some("a docker config.json");
    }
    if has_password_in_url(text) {
        return Some(URL_WITH_PASSWORD);
    }
    // Whatever encloses a secret, such as quotes, `key=` or the `user:` of a pair.
    let words = text.split(|c: char| !(c.is_alphanumeric() || "_-.+/~".contains(c)));
    words.flat_map(starts).find_map(kind_of)
}

/// What the same finds, and in the URL of a server or proxy also what may be the start or the rest of a password. There is no
/// `@` in the address of either, and only a port follows a colon.
#[must_use]
pub fn find_in_url(text: &str) -> Option<&'static str> {
    let authority = authority_of(text.trim());
    let has_port_only = |(_, port): (&str, &str)| port.bytes().all(|b| b.is_ascii_digit());
    let is_address = authority.starts_with('[') || authority.split_once(':').is_none_or(has_port_only);
    find(text).or((text.contains('@') || !is_address).then_some(URL_WITH_PASSWORD))
}

const URL_WITH_PASSWORD: &str = "a URL with a password";

/// A word, and what follows each separator in it: a secret may come after `secrets.` or be a part of a path. An underscore is
/// no separator, since names have some.
fn starts(word: &str) -> impl Iterator<Item = &str> {
    let parts =
        word.match_indices(['.', '/', '-', '+', '~']).filter_map(|(at, separator)| word.get(at + separator.len()..));
    std::iter::once(word).chain(parts)
}

fn token_prefixes() -> impl Iterator<Item = &'static str> {
    TOKEN_PREFIXES.iter().map(|(prefix, _)| *prefix).chain(OTHER_TOKEN_PREFIXES)
}

fn kind_of(word: &str) -> Option<&'static str> {
    let starts_with = |prefix: &str| word.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty());
    if AUTOMATION_KEYS.into_iter().chain([INTEGRATION_KEY, MACHINE_USER_KEY]).any(starts_with) {
        return Some("a Reoclo API key");
    }
    let is_base64 = word.len() >= MIN_BASE64_CHARS && BASE64_STARTS.iter().any(|start| word.starts_with(start));
    if is_base64 || token_prefixes().any(starts_with) {
        return Some("an access token");
    }
    is_aws_secret_key(word).then_some("an AWS secret access key")
}

/// Whether a word has the length and the mix of characters of a secret access key. A commit has lower case only.
fn is_aws_secret_key(word: &str) -> bool {
    let has = |is: fn(&u8) -> bool| word.as_bytes().iter().any(is);
    word.len() == AWS_SECRET_KEY_CHARS
        && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/".contains(&b))
        && has(u8::is_ascii_uppercase)
        && has(u8::is_ascii_lowercase)
        && has(u8::is_ascii_digit)
}

/// `scheme://user:password@host`, also without the scheme. A password that is not encoded may contain `/`, `?` and `#`; what
/// looks like a port is none.
fn has_password_in_url(text: &str) -> bool {
    text.split_whitespace().any(|word| {
        let rest = word.split_once("://").map_or(word, |(_, rest)| rest);
        let pair = rest.rsplit_once('@').and_then(|(credentials, _)| credentials.split_once(':'));
        let is_path = |text: &str| text.contains(['/', '?', '#']);
        pair.is_some_and(|(user, password)| {
            let port = authority_of(password);
            let is_port = port.len() < password.len() && port.bytes().all(|b| b.is_ascii_digit());
            !password.is_empty() && !is_path(user) && !is_port
        })
    })
}

/// The host of a URL, with what may be before and after it; the scheme may be missing.
fn authority_of(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{find, find_in_url};
    use base64::{Engine, engine::general_purpose::STANDARD};

    #[test]
    fn recognizes_secrets_wherever_they_stand() {
        let key = r#"{"type":"service_account","private_key":"x"}"#;
        let config = r#"{"auths":{"ghcr.io":{"auth":"Ym9iOng="}}}"#;
        for (secret, what) in [
            ("rca_0123456789", "a Reoclo API key"),
            ("rss_0123456789", "a Reoclo API key"),
            ("rk_a_0123456789", "a Reoclo API key"),
            ("rk_t_0123456789", "a Reoclo API key"),
            ("ghp_0123456789", "an access token"),
            ("github_pat_0123456789", "an access token"),
            ("glpat-0123456789", "an access token"),
            ("dckr_pat_0123456789", "an access token"),
            ("dop_v1_0123456789", "an access token"),
            ("doo_v1_0123456789", "an access token"),
            ("ghr_0123456789", "an access token"),
            ("glptt-0123456789", "an access token"),
            ("ya29.0123456789", "an access token"),
            ("eyJhbGciOi.eyJqdGkiOi.c2lnbmF0dXJl", "an access token"),
            (&STANDARD.encode("AWS:0123456789"), "an access token"),
            (&STANDARD.encode(key), "an access token"),
            (&STANDARD.encode(key.replace('{', "{\n  ")), "an access token"),
            (key, "a private key"),
            (&key[..40], "a private key"),
            ("-----BEGIN PRIVATE KEY-----\nMIIE", "a private key"),
            (config, "a docker config.json"),
            ("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "an AWS secret access key"),
            ("http://bob:hunter22@proxy.example.com:3128", "a URL with a password"),
            ("bob:hunter22@proxy.example.com:3128", "a URL with a password"),
            ("http://bob:pa/ss@proxy.example.com:3128", "a URL with a password"),
            ("http://bob:pa#ss?@proxy.example.com:3128", "a URL with a password"),
            ("http://bob:12345@proxy.example.com:3128", "a URL with a password"),
        ] {
            for text in [
                secret.to_owned(),
                format!(" \"{secret}\"\n"),
                format!("REOCLO_API_KEY={secret}"),
                format!("bob:{secret}"),
                format!("${{{{ {secret} }}}}"),
            ] {
                assert_eq!(find(&text), Some(what), "{text}");
            }
        }
    }

    #[test]
    fn recognizes_secrets_after_a_separator() {
        for secret in ["rca_0123456789", "ghp_0123456789", "glpat-0123456789", &STANDARD.encode("AWS:0123456789")] {
            for start in
                ["${{ secrets.", "vars.", "https://registry.example.com/", "registry.example.com/app/", "x-", "x~"]
            {
                assert!(find(&format!("{start}{secret}")).is_some(), "{start}{secret}");
            }
        }
    }

    #[test]
    fn accepts_names_ids_and_addresses() {
        for text in [
            "",
            "REOCLO_API_KEY",
            "${{ secrets.RCA_KEY }}",
            "rca_",
            "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11 # web-1",
            "https://reoclo.example.com/a:b@c",
            "http://proxy.example.com:3128",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "robot$acme+ci",
            "pull-images@acme.iam.gserviceaccount.com",
            "certs/internal-ca.pem",
            "secrets.my_rca_key",
            "https://registry.example.com:5000/app@sha256",
            "-----BEGIN CERTIFICATE-----",
            "3d3c42e5aac5ba805825da76410c181273ba90b1",
            "eyJ",
            "bob@example.com",
        ] {
            assert_eq!(find(text), None, "{text}");
        }
    }

    #[test]
    fn a_server_or_proxy_has_no_credentials() {
        for url in [
            "http://bob:12/34@proxy.example.com:3128",
            "http://bob@proxy.example.com:3128",
            "bob/hunter22@proxy.example.com",
            "http://bob:h",
            " bob:hunter22",
            "https://reoclo.example.com/a:b@c",
        ] {
            assert_eq!(find_in_url(url), Some("a URL with a password"), "{url}");
        }
        assert_eq!(find_in_url("https://h/ghp_0123456789"), Some("an access token"));
        for url in [
            "",
            "http:",
            "http:/",
            "http://",
            "http://proxy.example.com:",
            "http://proxy.example.com:3128/",
            "proxy.example.com:3128",
            "socks5h://[::1]:1080",
            "http://[:",
            "https://reoclo.example.com:8443/a:b",
            "${{ secrets.PROXY }}",
            "PROXY",
        ] {
            assert_eq!(find_in_url(url), None, "{url}");
        }
    }
}
