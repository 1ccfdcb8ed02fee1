//! What users paste instead of a token: credentials in the formats of docker's `config.json`, which Kubernetes and other
//! platforms store as well.
//!
//! Sources: <https://github.com/docker/cli/blob/master/cli/config/types/authconfig.go>,
//! <https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/>.

use super::service_account::{self, MIN_SECRET_CHARS, ParsedKey};
use crate::host::codec::Codec;

const AUTH: &str =
    "is base64 of username:token, as in docker's config.json: decode it and set access_token to the token only";

/// What is wrong with the `authorizationToken` that ECR's GetAuthorizationToken returns.
pub(crate) const AUTHORIZATION_TOKEN: &str =
    "is an authorizationToken (base64 of username and password): set it to the output of `aws ecr get-login-password`";

/// A value that is not a token but contains one.
pub(crate) struct PastedCredential {
    /// What it is and how to fix it: the end of the sentence "access_token …", without a full stop.
    pub(crate) message: &'static str,
    /// The tokens in it.
    pub(crate) secrets: Vec<String>,
}

/// Recognises a credential that was pasted instead of a token. Registries may use any text as a token, so `None` unless it
/// is certain: the value names the username, or is a JSON object with `auths`. `username` and `token` are trimmed.
pub(crate) fn find(codec: &impl Codec, username: &str, token: &str) -> Option<PastedCredential> {
    let decoded = decode(codec, token);
    let (message, secret) = if let Some(secret) = after_username(username, token) {
        ("is username:token: set it to the token only", secret)
    } else if let Some(secret) = after_username(username, &decoded) {
        let message = if username == "AWS" { AUTHORIZATION_TOKEN } else { AUTH };
        (message, secret)
    } else {
        return find_config(codec, token).or_else(|| find_config(codec, &decoded));
    };
    Some(PastedCredential { message, secrets: vec![secret.to_owned()] })
}

fn after_username<'t>(username: &str, text: &'t str) -> Option<&'t str> {
    text.strip_prefix(username)?.strip_prefix(':').filter(|token| !token.is_empty())
}

/// A complete `config.json`, also in base64 as Kubernetes returns it.
fn find_config(codec: &impl Codec, text: &str) -> Option<PastedCredential> {
    let ParsedKey::Key(config) = service_account::parse(codec, text) else { return None };
    config.get("auths")?;
    let mut secrets = Vec::new();
    let (mut name, mut colon) = ("", "");
    for value in text.split('"') {
        if colon.trim() == ":" && ["auth", "password", "identitytoken", "registrytoken"].contains(&name) {
            if name == "auth"
                && let Some((_, token)) = decode(codec, value).split_once(':')
            {
                secrets.push(token.to_owned());
            }
            // An escaped quote ends the value early. It is then found in `auth` of the same registry.
            if value.len() >= MIN_SECRET_CHARS {
                secrets.push(value.to_owned());
            }
        }
        (name, colon) = (colon, value);
    }
    let message = "is a docker config.json: set it to the token only; auth in this file is base64 of username:token";
    Some(PastedCredential { message, secrets })
}

/// The text that a value is the base64 of, with or without line breaks and padding; empty if it is not. Hosts skip what is
/// not base64, so the text must encode to the same value.
fn decode(codec: &impl Codec, base64: &str) -> String {
    let base64: String = base64.split_whitespace().collect();
    let text = codec.decode_base64(&base64);
    let is_same = codec.base64(&text).trim_end_matches('=') == base64.trim_end_matches('=');
    if is_same { text } else { String::new() }
}

#[cfg(test)]
mod tests {
    use crate::host::fake::FakeHost;
    use crate::registry::service_account::KEY_USER;
    use base64::{Engine, engine::general_purpose::STANDARD};

    const TOKEN: &str = "dckr_pat_0123456789";
    const KEY: &str = r#"{"type":"service_account","private_key":"-----BEGIN","client_email":"a@b"}"#;

    /// The start of the message, and the secrets.
    fn find(username: &str, token: &str) -> Option<(&'static str, Vec<String>)> {
        super::find(&FakeHost::default(), username, token).map(|found| (found.message, found.secrets))
    }

    fn config(auth: &str) -> String {
        format!(
            "{{\n  \"auths\": {{\n    \"ghcr.io\": {{ \"auth\" : \"{auth}\", \"email\": \"bob@example.com\" }}\n  }}\n}}"
        )
    }

    #[test]
    fn recognises_a_pair_and_its_base64() {
        let pair = format!("bob:{TOKEN}");
        let base64 = STANDARD.encode(&pair);
        let wrapped = format!("{}\n{}", &base64[..20], &base64[20..]);
        for (value, start) in [
            (pair.as_str(), "is username:token"),
            (base64.as_str(), "is base64 of username:token"),
            (base64.trim_end_matches('='), "is base64 of username:token"),
            (wrapped.as_str(), "is base64 of username:token"),
        ] {
            // The fake host requires padding.
            let Some((message, secrets)) = find("bob", value) else {
                assert!(value.len() % 4 != 0, "{value}");
                continue;
            };
            assert!(message.starts_with(start), "{value}: {message}");
            assert_eq!(secrets, [TOKEN]);
        }
        let (message, secrets) = find("AWS", &STANDARD.encode("AWS:eyJwYXlsb2FkIjoi")).unwrap();
        assert!(message.contains("authorizationToken"), "{message}");
        assert_eq!(secrets, ["eyJwYXlsb2FkIjoi"]);
        let (_, secrets) = find(KEY_USER, &STANDARD.encode(format!("{KEY_USER}:{KEY}"))).unwrap();
        assert_eq!(secrets, [KEY]);
    }

    #[test]
    fn recognises_a_config_whatever_the_username() {
        let auth = STANDARD.encode(format!("bob:{TOKEN}"));
        for value in [config(&auth), STANDARD.encode(config(&auth))] {
            for username in ["bob", "someone", KEY_USER] {
                let (message, secrets) = find(username, &value).unwrap();
                assert!(message.contains("config.json"), "{message}");
                assert_eq!(secrets, [TOKEN, &auth]);
            }
        }
        for empty in [r#"{"auths":{}}"#, r#"{"auths":null}"#, r#"{"auths":{"ghcr.io":{}},"credsStore":"desktop"}"#] {
            assert_eq!(find("bob", empty).unwrap().1, [""; 0], "{empty}");
        }
    }

    #[test]
    fn finds_every_token_of_a_config() {
        let auth = STANDARD.encode(format!("{KEY_USER}:{KEY}"));
        let escaped = KEY.replace('"', "\\\"");
        let value = format!(
            r#"{{"auths":{{"gcr.io":{{"username":"{KEY_USER}","password":"{escaped}","auth":"{auth}"}},
            "my.azurecr.io":{{"auth":"MDA6","identitytoken":"eyJhbGciOi"}},"x":{{"registrytoken":"0123456789"}}}}}}"#
        );
        assert_eq!(find("bob", &value).unwrap().1, [KEY, &auth, "", "eyJhbGciOi", "0123456789"]);
    }

    #[test]
    fn accepts_every_token_that_may_be_valid() {
        let pair = format!("bob:{TOKEN}");
        for (username, token) in [
            ("bob", TOKEN),
            ("bob", "bob"),
            ("bob", "bob:"),
            ("bob", "Bob:0123456789"),
            ("bob", "bobby:0123456789"),
            ("bob", "tok::en:0123"),
            ("alice", pair.as_str()),
            ("alice", &STANDARD.encode(&pair)),
            ("bob", &STANDARD.encode("bob:")),
            ("bob", &STANDARD.encode("bobby:0123")),
            ("bob", &format!("-{}", STANDARD.encode(&pair))),
            ("acme+robot", "acme:0123456789"),
            ("AWS", &STANDARD.encode(r#"{"payload":"0123","datakey":"0123","version":"2"}"#)),
            (KEY_USER, KEY),
            ("_json_key_base64", &STANDARD.encode(KEY)),
            ("bob", "{"),
            ("bob", r#"{"auth":"Ym9iOng="}"#),
            ("bob", r#"{"x":{"auths":{}}}"#),
            ("bob", r#"["auths"]"#),
            ("bob", r#"{"auths":"#),
            ("dop_v1_0123456789", "dop_v1_0123456789"),
            ("tok:en", "tok:en"),
        ] {
            assert_eq!(find(username, token), None, "{username} {token}");
        }
    }
}
