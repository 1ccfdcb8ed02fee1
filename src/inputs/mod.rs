//! The inputs of the action: each is read once and checked once, before any request is sent.

pub(crate) mod error;
pub(crate) mod list;
pub(crate) mod parse;

use crate::api::credential::Credential;
use crate::api::url::ApiUrl;
use crate::host::Host;
use crate::host::codec::Codec;
use crate::registry::preflight::{self, InvalidCredential};
use crate::registry::{pasted, service_account};
use crate::runner::secret::{Masks, Secret};
use error::{InputError, InputErrors};
use list::{has_entries, join_words, registries, trim_blank, uuids};
use parse::{EMPTY_SECRETS, api_key, api_url, boolean, skips_if_missing, timeout_s};
use serde::Deserialize;

/// The most logins of one step. The post step logs all of them out within 45 s.
pub(crate) const MAX_LOGINS: usize = 100;

/// The inputs as the runner passed them; empty if unset.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawInputs {
    pub(crate) api_key: String,
    server_id: String,
    credential_id: String,
    username: String,
    access_token: String,
    registry_url: String,
    pub(crate) cleanup: String,
    pub(crate) api_url: String,
    timeout: String,
    pub(crate) ca_certificate: String,
    if_missing: String,
    pub(crate) job_summary: String,
}

/// The valid inputs of a step: every server is logged in with every credential. In passthrough mode, each registry makes
/// one credential.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) api_key: Secret,
    pub(crate) api_url: ApiUrl,
    pub(crate) server_ids: Vec<String>,
    pub(crate) credentials: Vec<Credential>,
    pub(crate) cleanup: bool,
    /// For all logins of the step together.
    pub(crate) timeout_s: u32,
    /// PEM text that is already trusted.
    pub(crate) ca_certificate: Option<String>,
    pub(crate) job_summary: bool,
    /// What is suspicious about passthrough credentials, though they may work.
    pub(crate) notices: Vec<&'static str>,
}

impl RawInputs {
    /// Every variant of the secrets in the inputs. `api_key` is the one in use, which may come from the state.
    pub(crate) fn masks(&self, host: &impl Host, api_key: &str) -> Masks {
        let (username, token) = (trim_blank(&self.username), self.access_token.trim());
        let mut parts = service_account::secret_fields(host, username, token);
        for token in pasted::find(host, username, token).map(|found| found.secrets).unwrap_or_default() {
            parts.append(&mut service_account::secret_fields(host, username, &token));
            parts.push(token);
        }
        Masks::of(host, api_key, username, &self.access_token, &parts)
    }

    /// The missing secret for which the step is skipped. Other inputs may be invalid then.
    pub(crate) fn skipped_for(&self) -> Option<&'static str> {
        let is_missing = |value: &str| value.trim().is_empty();
        let is_vault = has_entries(&self.credential_id);
        let is_passthrough = !is_vault && (!is_missing(&self.username) || has_entries(&self.registry_url));
        if skips_if_missing(&self.if_missing) != Ok(true) {
            None
        } else if is_missing(&self.api_key) {
            Some("api_key")
        } else if is_passthrough && is_missing(&self.access_token) {
            Some("access_token")
        } else {
            None
        }
    }

    /// Checks all inputs.
    ///
    /// # Errors
    /// All invalid inputs, so that a workflow can be corrected at once.
    pub(crate) fn validate(&self, host: &impl Host) -> Result<Inputs, InputErrors> {
        self.check(host, |pem_or_path| host.add_ca_certificates(pem_or_path))
    }

    /// Checks all inputs; `trust` reads CA certificates, as [`Host::add_ca_certificates`] does.
    ///
    /// # Errors
    /// All invalid inputs.
    pub(crate) fn check(
        &self,
        codec: &impl Codec,
        trust: impl FnOnce(&str) -> Result<String, String>,
    ) -> Result<Inputs, InputErrors> {
        let mut errors = InputErrors::default();
        let api_key = errors.check(api_key(&self.api_key));
        let server_ids = errors.check(uuids("server_id", &self.server_id));
        let credentials = errors.check(self.credentials(codec));
        let cleanup = errors.check(boolean("cleanup", &self.cleanup, true, "log out when the job ends"));
        let api_url = errors.check(api_url(&self.api_url));
        let timeout_s = errors.check(timeout_s(&self.timeout));
        let ca_certificate = errors.check(self.ca_certificate(trust));
        let job_summary = errors.check(boolean("job_summary", &self.job_summary, false, "write a table of the logins"));
        errors.check(skips_if_missing(&self.if_missing));
        if let (Some(server_ids), Some(credentials)) = (&server_ids, &credentials) {
            errors.check(check_number_of_logins(server_ids.len(), credentials));
        }
        let notices = preflight(codec, credentials.as_deref().unwrap_or_default(), &mut errors);

        let inputs = || {
            Some(Inputs {
                api_key: api_key?,
                api_url: api_url?,
                server_ids: server_ids?,
                credentials: credentials?,
                cleanup: cleanup?,
                timeout_s: timeout_s?,
                ca_certificate: ca_certificate?,
                job_summary: job_summary?,
                notices,
            })
        };
        inputs().filter(|_| errors.0.is_empty()).ok_or(errors)
    }

    fn credentials(&self, codec: &impl Codec) -> Result<Vec<Credential>, InputError> {
        let passthrough = [
            ("username", !self.username.trim().is_empty()),
            ("access_token", !self.access_token.trim().is_empty()),
            ("registry_url", has_entries(&self.registry_url)),
        ];
        let names = |is_set: bool| -> Vec<&'static str> {
            passthrough.iter().filter(|(_, set)| *set == is_set).map(|(name, _)| *name).collect()
        };
        let (given, missing) = (names(true), names(false));
        let is_vault = has_entries(&self.credential_id);
        if is_vault && !given.is_empty() {
            let message = format!(
                "and {} are mutually exclusive: keep credential_id for a credential in Reoclo's vault, or remove it to pass \
                 username, access_token and registry_url",
                join_words(&given)
            );
            return Err(InputError::new("credential_id", message));
        }
        if is_vault {
            let ids = uuids("credential_id", &self.credential_id)?;
            return Ok(ids.into_iter().map(|credential_id| Credential::Vault { credential_id }).collect());
        }
        if given.is_empty() {
            return Err(InputError::new(
                "credential_id",
                "is missing: set either credential_id (vault mode), or username, access_token and registry_url \
                 (passthrough mode)",
            ));
        }
        if let Some(first) = missing.first() {
            let message = format!(
                "is missing: passthrough mode needs username, access_token and registry_url, and {} {} empty{}",
                join_words(&missing),
                if missing.len() == 1 { "is" } else { "are" },
                if missing.contains(&"access_token") { format!(". {EMPTY_SECRETS}") } else { String::new() }
            );
            return Err(InputError::new(first, message));
        }
        let username = trim_blank(&self.username);
        if username.chars().any(char::is_control) {
            return Err(InputError::new(
                "username",
                "contains a line break or control character: set it to the registry username only",
            ));
        }
        let registries = registries("registry_url", &self.registry_url)?;
        let access_token = self.access_token.trim();
        if let Some(pasted) = pasted::find(codec, username, access_token) {
            return Err(InputError::new("access_token", pasted.message));
        }
        let mut credentials = Vec::with_capacity(registries.len());
        for registry in registries {
            credentials.push(Credential::Passthrough {
                username: username.to_owned(),
                access_token: Secret::new(access_token),
                registry,
            });
        }
        Ok(credentials)
    }

    fn ca_certificate(&self, trust: impl FnOnce(&str) -> Result<String, String>) -> Result<Option<String>, InputError> {
        let pem_or_path = self.ca_certificate.trim();
        if pem_or_path.is_empty() {
            return Ok(None);
        }
        let added = trust(pem_or_path).map(Some);
        added.map_err(|message| InputError::new("ca_certificate", message))
    }
}

/// The notices about passthrough credentials that may not work. An error is added about those that cannot work. Each is
/// shown once, although several registries can have it.
fn preflight(codec: &impl Codec, credentials: &[Credential], errors: &mut InputErrors) -> Vec<&'static str> {
    let mut registries: Vec<&str> = Vec::new();
    let mut notices: Vec<&'static str> = Vec::new();
    for credential in credentials {
        let Credential::Passthrough { username, access_token, registry } = credential else { continue };
        registries.push(registry);
        match preflight::check(codec, registry, username, access_token.expose()) {
            Ok(Some(notice)) if !notices.contains(&notice) => notices.push(notice),
            Ok(_) => {}
            Err(InvalidCredential { message, .. }) if errors.0.iter().any(|error| error.message == message) => {}
            Err(InvalidCredential { input, message }) => errors.0.push(InputError::new(input, message)),
        }
    }
    if let Some(notice) = preflight::check_together(&registries) {
        notices.push(notice);
    }
    notices
}

fn check_number_of_logins(servers: usize, credentials: &[Credential]) -> Result<(), InputError> {
    let logins = servers.saturating_mul(credentials.len());
    if logins <= MAX_LOGINS {
        return Ok(());
    }
    let (input, of) = match credentials.first() {
        Some(Credential::Passthrough { .. }) => ("registry_url", "registries"),
        _ => ("credential_id", "credentials"),
    };
    let (input, factors) = match (servers, credentials.len()) {
        (1, _) => (input, String::new()),
        (_, 1) => ("server_id", String::new()),
        (servers, credentials) => ("server_id", format!(" ({servers} servers, {credentials} {of})")),
    };
    let message = format!(
        "results in {logins} logins{factors}, more than the {MAX_LOGINS} that one step can log out in time: use several \
         steps"
    );
    Err(InputError::new(input, message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;
    use base64::{Engine, engine::general_purpose::STANDARD};

    const ID: &str = "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";
    const OTHER: &str = "1b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";

    fn raw(changes: &[(&str, &str)]) -> (FakeHost, RawInputs) {
        let host = FakeHost::default().with_inputs(changes);
        let raw = host.inputs();
        (host, raw)
    }

    fn validate(changes: &[(&str, &str)]) -> Result<Inputs, Vec<InputError>> {
        let vault = [("api_key", "rca_key"), ("server_id", ID), ("credential_id", ID)];
        let (host, raw) = raw(&[&vault, changes].concat());
        raw.validate(&host).map_err(|errors| errors.0)
    }

    /// The inputs that are named as invalid.
    fn invalid(changes: &[(&str, &str)]) -> Vec<&'static str> {
        validate(changes).unwrap_err().iter().map(|error| error.input).collect()
    }

    fn message(changes: &[(&str, &str)]) -> String {
        validate(changes).unwrap_err().remove(0).message
    }

    const PASSTHROUGH: [(&str, &str); 4] =
        [("credential_id", ""), ("username", "u"), ("access_token", "t\n"), ("registry_url", "https://GHCR.io/")];

    #[test]
    fn vault_mode_uses_defaults_for_empty_inputs() {
        let inputs = validate(&[("cleanup", " "), ("api_url", ""), ("timeout", "")]).unwrap();
        assert_eq!(inputs.credentials, [Credential::Vault { credential_id: ID.into() }]);
        assert_eq!((inputs.cleanup, inputs.timeout_s), (true, 600));
        assert_eq!(inputs.api_url.as_str(), parse::DEFAULT_API_URL);
    }

    #[test]
    fn passthrough_mode_trims_and_normalises() {
        let expected = Credential::Passthrough {
            username: "u".into(),
            access_token: Secret::new("t"),
            registry: "ghcr.io".into(),
        };
        assert_eq!(validate(&PASSTHROUGH).unwrap().credentials, [expected]);
        let invisible = validate(&[&PASSTHROUGH[..], &[("username", "\u{feff}u\u{200b} ")]].concat()).unwrap();
        assert!(matches!(&invisible.credentials[..], [Credential::Passthrough { username, .. }] if username == "u"));
    }

    #[test]
    fn rejects_both_modes_none_and_incomplete_ones() {
        assert!(validate(&[&PASSTHROUGH[..], &[("credential_id", "# none\n")]].concat()).is_ok());
        assert!(message(&[("username", "u")]).contains("mutually exclusive"));
        assert!(message(&[("credential_id", "")]).contains("either credential_id"));
        let incomplete = message(&[("credential_id", ""), ("username", "u")]);
        assert!(incomplete.contains("access_token and registry_url are empty"), "{incomplete}");
    }

    #[test]
    fn messages_never_contain_the_value() {
        let errors =
            validate(&[("api_key", "hunter22"), ("server_id", "hunter22"), ("timeout", "hunter22")]).unwrap_err();
        assert!(!format!("{errors:?}").contains("hunter22"));
    }

    #[test]
    fn lists_make_one_credential_per_id() {
        let list = format!("{ID}, {OTHER}");
        let inputs = validate(&[("server_id", &list), ("credential_id", &list)]).unwrap();
        assert_eq!(inputs.server_ids, [ID, OTHER]);
        assert_eq!(inputs.credentials, [ID, OTHER].map(|id| Credential::Vault { credential_id: id.into() }));
    }

    #[test]
    fn allows_at_most_100_logins() {
        let list = |count: usize| (0..count).map(|n| format!("{n:08}{}\n", &ID[8..])).collect::<String>();
        assert_eq!(validate(&[("server_id", &list(20)), ("credential_id", &list(5))]).unwrap().server_ids.len(), 20);
        let message = message(&[("server_id", &list(21)), ("credential_id", &list(5))]);
        assert!(message.starts_with("results in 105 logins (21 servers, 5 credentials)"), "{message}");
    }

    #[test]
    fn limit_of_logins_names_the_input_to_shorten() {
        let list = |count: usize| (0..count).map(|n| format!("r{n}.example\n")).collect::<String>();
        let servers = format!("{ID},{OTHER}");
        for (server_id, registries, start) in [
            (ID, 101, "registry_url results in 101 logins, more"),
            (&servers, 51, "server_id results in 102 logins (2 servers, 51 registries), more"),
        ] {
            let changes = [("server_id", server_id), ("registry_url", &list(registries))];
            let errors = validate(&[&PASSTHROUGH[..], &changes].concat()).unwrap_err();
            assert!(errors[0].to_string().starts_with(start), "{errors:?}");
        }
        let changes = [("server_id", servers.as_str()), ("registry_url", &list(50))];
        assert_eq!(validate(&[&PASSTHROUGH[..], &changes].concat()).unwrap().credentials.len(), 50);
    }

    #[test]
    fn each_registry_makes_one_credential() {
        let inputs = validate(&[&PASSTHROUGH[..], &[("registry_url", "ghcr.io, GHCR.io\nquay.io")]].concat()).unwrap();
        let expected = ["ghcr.io", "quay.io"].map(|registry| Credential::Passthrough {
            username: "u".into(),
            access_token: Secret::new("t"),
            registry: registry.into(),
        });
        assert_eq!(inputs.credentials, expected);
        assert_eq!(inputs.notices.len(), 1, "of different services");
        assert!(message(&[("registry_url", "ghcr.io, quay.io")]).contains("mutually exclusive"));
        assert!(
            message(&[&PASSTHROUGH[..], &[("registry_url", "# none\n,")]].concat()).contains("registry_url is empty")
        );
    }

    #[test]
    fn checks_every_registry_and_reports_each_error_once() {
        let ecr = |account: &str| format!("{account}.dkr.ecr.eu-west-1.amazonaws.com");
        let list = format!("quay.io, {}, {}", ecr("123456789012"), ecr("998877665544"));
        assert_eq!(invalid(&[&PASSTHROUGH[..], &[("registry_url", &list)]].concat()), ["username"]);
        let dollar = [("username", "oauthtoken"), ("registry_url", "quay.io, quay.io:443, quay.io.")];
        let notices = validate(&[&PASSTHROUGH[..], &dollar].concat()).unwrap().notices;
        assert_eq!(notices.len(), 2, "{notices:?}");
    }

    #[test]
    fn a_pasted_credential_is_an_error_and_its_token_is_masked() {
        let auth = STANDARD.encode("u:hunter22");
        let key = r#"_json_key:{"private_key":"-----BEGIN-----\nabcdefgh\n"}"#;
        let config = format!(r#"{{"auths":{{"ghcr.io":{{"auth":"{auth}"}}}}}}"#);
        for (username, token, secrets) in [
            ("u", "u:hunter22", &["hunter22"][..]),
            ("u", &auth, &["hunter22"]),
            (" u\u{200b}", &config, &["hunter22", &auth]),
            ("_json_key", &STANDARD.encode(key), &["abcdefgh", &key[10..]]),
        ] {
            let pasted = [("username", username), ("access_token", token)];
            let errors = validate(&[&PASSTHROUGH[..], &pasted].concat()).unwrap_err();
            assert_eq!(errors.iter().map(|error| error.input).collect::<Vec<_>>(), ["access_token"]);
            assert!(!format!("{errors:?}").contains("hunter22"));
            let (host, raw) = raw(&pasted);
            for secret in secrets {
                assert!(raw.masks(&host, "").iter().any(|variant| variant == *secret), "{token}: {secret}");
            }
        }
    }

    #[test]
    fn skips_only_for_a_missing_secret() {
        let skipped_for = |changes: &[(&str, &str)]| {
            let (_, raw) = raw(&[&PASSTHROUGH[..], &[("api_key", "rca_key")], changes].concat());
            raw.skipped_for()
        };
        let skip = ("if_missing", " skip ");
        assert_eq!(skipped_for(&[skip, ("api_key", " "), ("server_id", "x")]), Some("api_key"));
        assert_eq!(skipped_for(&[skip, ("access_token", "\n")]), Some("access_token"));
        assert_eq!(skipped_for(&[skip]), None);
        assert_eq!(skipped_for(&[("api_key", "")]), None);
        assert_eq!(skipped_for(&[("if_missing", "fail"), ("api_key", "")]), None);
        let vault = [skip, ("username", ""), ("access_token", ""), ("registry_url", ""), ("credential_id", ID)];
        assert_eq!(skipped_for(&vault), None, "vault mode needs no token");
        assert_eq!(skipped_for(&[skip, ("access_token", ""), ("credential_id", ID)]), None, "both modes are an error");
        for (given, missing) in [("username", "registry_url"), ("registry_url", "username")] {
            let changes = [skip, ("access_token", ""), (missing, "")];
            assert_eq!(skipped_for(&changes), Some("access_token"), "{given} is set");
        }
        let nothing = [skip, ("access_token", ""), ("username", ""), ("registry_url", "")];
        assert_eq!(skipped_for(&nothing), None, "without a mode the inputs are invalid");
    }

    #[test]
    fn reports_all_invalid_inputs_at_once() {
        let all = invalid(&[
            ("api_key", ""),
            ("server_id", "x"),
            ("credential_id", "y"),
            ("cleanup", "z"),
            ("api_url", "w"),
            ("timeout", "v"),
            ("ca_certificate", "t"),
            ("job_summary", "u"),
            ("if_missing", "s"),
        ]);
        let expected = [
            "api_key",
            "server_id",
            "credential_id",
            "cleanup",
            "api_url",
            "timeout",
            "ca_certificate",
            "job_summary",
            "if_missing",
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn a_credential_that_cannot_work_is_an_error() {
        let ecr = [("registry_url", "123456789012.dkr.ecr.eu-west-1.amazonaws.com"), ("username", "aws")];
        assert_eq!(invalid(&[&PASSTHROUGH[..], &ecr].concat()), ["username"]);
    }

    #[test]
    fn masks_the_pair_with_the_username_that_is_sent() {
        let (host, raw) = raw(&[("username", "\u{feff}bob\u{200b} "), ("access_token", " hunter22\n")]);
        assert!(raw.masks(&host, "").iter().any(|variant| variant == "Ym9iOmh1bnRlcjIy"));
    }

    #[test]
    fn masks_the_fields_of_a_service_account_key() {
        let key = r#"{"private_key":"-----BEGIN-----\nabcdefgh\n"}"#;
        let (host, raw) = raw(&[("username", "_json_key"), ("access_token", key)]);
        assert!(raw.masks(&host, "").iter().any(|variant| variant == "abcdefgh"));
    }
}
