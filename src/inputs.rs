//! The action's inputs: each read once, checked once, before anything is sent.

use crate::api::ApiUrl;
use crate::host::Host;
use crate::registry;
use crate::secret::{Masks, Secret};
use crate::text;

/// `action.yml` gives these defaults too; an input that is set to an empty value gets them here.
const DEFAULT_API_URL: &str = "https://api.reoclo.com";
const DEFAULT_TIMEOUT_S: u32 = 600;
const LONGEST_TIMEOUT_S: u32 = 86_400;

/// The inputs as the runner passed them.
pub(crate) struct RawInputs {
    api_key: String,
    server_id: String,
    credential_id: String,
    username: String,
    access_token: String,
    registry_url: String,
    cleanup: String,
    api_url: String,
    timeout: String,
    ca_certificate: String,
}

/// The inputs of one login, all of them good.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) api_key: Secret,
    pub(crate) api_url: ApiUrl,
    pub(crate) server_id: String,
    pub(crate) login: Login,
    pub(crate) cleanup: bool,
    pub(crate) timeout_s: u32,
    /// PEM text, already trusted.
    pub(crate) ca_certificate: Option<String>,
}

/// Where the credential comes from.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Login {
    /// Kept in Reoclo's vault.
    Vault { credential_id: String },
    /// Brought by the workflow; `registry` is normalised.
    Passthrough { username: String, access_token: Secret, registry: String },
}

impl Login {
    /// Whether the workflow itself names this registry.
    pub(crate) fn names(&self, registry_url: &str) -> bool {
        matches!(self, Self::Passthrough { registry, .. } if registry == registry_url)
    }
}

/// One thing wrong with one input: `input` names it, `rule` says what it must be and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) input: &'static str,
    pub(crate) rule: String,
}

impl RawInputs {
    pub(crate) fn read(host: &impl Host) -> Self {
        Self {
            api_key: host.input("api_key"),
            server_id: host.input("server_id"),
            credential_id: host.input("credential_id"),
            username: host.input("username"),
            access_token: host.input("access_token"),
            registry_url: host.input("registry_url"),
            cleanup: host.input("cleanup"),
            api_url: host.input("api_url"),
            timeout: host.input("timeout"),
            ca_certificate: host.input("ca_certificate"),
        }
    }

    /// Every form of the secrets among them, known before any check can fail.
    pub(crate) fn masks(&self, host: &impl Host) -> Masks {
        Masks::of(host, &self.api_key, &self.username, &self.access_token)
    }

    /// Checks everything and tells every problem at once, so that a workflow is mended in one go.
    pub(crate) fn check(&self, host: &impl Host) -> Result<Inputs, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem| problems.push(problem);
        let api_key = api_key(&self.api_key).map_err(&mut keep).ok();
        let server_id = uuid("server_id", &self.server_id).map_err(&mut keep).ok();
        let login = self.login().map_err(&mut keep).ok();
        let cleanup = self.cleanup().map_err(&mut keep).ok();
        let api_url = self.api_url().map_err(&mut keep).ok();
        let timeout_s = self.timeout_s().map_err(&mut keep).ok();
        let ca_certificate = self.ca_certificate(host).map_err(&mut keep).ok();
        match (api_key, server_id, login, cleanup, api_url, timeout_s, ca_certificate) {
            (
                Some(api_key),
                Some(server_id),
                Some(login),
                Some(cleanup),
                Some(api_url),
                Some(timeout_s),
                Some(ca_certificate),
            ) => Ok(Inputs { api_key, api_url, server_id, login, cleanup, timeout_s, ca_certificate }),
            _ => Err(problems),
        }
    }

    fn login(&self) -> Result<Login, Problem> {
        let passthrough =
            [("username", &self.username), ("access_token", &self.access_token), ("registry_url", &self.registry_url)];
        let names = |set: bool| -> Vec<&str> {
            passthrough.iter().filter(|(_, value)| value.trim().is_empty() != set).map(|(name, _)| *name).collect()
        };
        let (given, missing) = (names(true), names(false));
        let vault = !self.credential_id.trim().is_empty();
        let wrong = |input, rule| Err(Problem { input, rule });
        if vault && !given.is_empty() {
            return wrong(
                "credential_id",
                format!(
                    "and {} are mutually exclusive: keep credential_id for a credential in Reoclo's vault, or remove it to \
                     pass username, access_token and registry_url",
                    listed(&given)
                ),
            );
        }
        if vault {
            return uuid("credential_id", &self.credential_id).map(|credential_id| Login::Vault { credential_id });
        }
        if given.is_empty() {
            return wrong(
                "credential_id",
                "is missing: give either credential_id (a credential in Reoclo's vault), or username, access_token and \
                 registry_url together (passthrough)"
                    .to_owned(),
            );
        }
        if let Some(first) = missing.first() {
            return wrong(
                first,
                format!(
                    "is missing: passthrough mode needs username, access_token and registry_url together, and {} {} empty",
                    listed(&missing),
                    if missing.len() == 1 { "is" } else { "are" }
                ),
            );
        }
        let username = self.username.trim();
        if username.chars().any(char::is_control) {
            return wrong(
                "username",
                "has a line break or control character inside: give the registry user name alone".to_owned(),
            );
        }
        let registry = registry::normalise(&self.registry_url).map_err(|flaw| Problem {
            input: "registry_url",
            rule: format!("{flaw}: give the registry's host, such as ghcr.io or registry.example.com:5000"),
        })?;
        Ok(Login::Passthrough {
            username: username.to_owned(),
            access_token: Secret::new(self.access_token.trim()),
            registry,
        })
    }

    /// A YAML 1.2 boolean, as GitHub's own `getBooleanInput` takes it.
    fn cleanup(&self) -> Result<bool, Problem> {
        match self.cleanup.trim() {
            "" | "true" | "True" | "TRUE" => Ok(true),
            "false" | "False" | "FALSE" => Ok(false),
            _ => Err(Problem {
                input: "cleanup",
                rule: "is not a YAML boolean: write 'true' to log out when the job ends, or 'false'".to_owned(),
            }),
        }
    }

    fn api_url(&self) -> Result<ApiUrl, Problem> {
        let text = self.api_url.trim();
        ApiUrl::parse(if text.is_empty() { DEFAULT_API_URL } else { text }).map_err(|flaw| Problem {
            input: "api_url",
            rule: format!("{flaw}: give the base URL of your Reoclo instance, such as {DEFAULT_API_URL}"),
        })
    }

    fn ca_certificate(&self, host: &impl Host) -> Result<Option<String>, Problem> {
        let given = self.ca_certificate.trim();
        if given.is_empty() {
            return Ok(None);
        }
        host.trust(given).map(Some).map_err(|rule| Problem { input: "ca_certificate", rule })
    }

    fn timeout_s(&self) -> Result<u32, Problem> {
        let text = self.timeout.trim();
        if text.is_empty() {
            return Ok(DEFAULT_TIMEOUT_S);
        }
        text.parse()
            .ok()
            .filter(|seconds| (1..=LONGEST_TIMEOUT_S).contains(seconds) && text.bytes().all(|b| b.is_ascii_digit()))
            .ok_or_else(|| Problem {
                input: "timeout",
                rule: format!(
                    "is not a whole number of seconds from 1 to {LONGEST_TIMEOUT_S}: write for example '600'"
                ),
            })
    }
}

/// An automation key, as a header can carry it.
pub(crate) fn api_key(value: &str) -> Result<Secret, Problem> {
    let key = value.trim();
    let wrong = |rule: &str| Err(Problem { input: "api_key", rule: rule.to_owned() });
    if key.is_empty() {
        return wrong(
            "is required: set it to a Reoclo automation key, kept as a secret. Secrets are empty in workflows \
             started from a fork or by Dependabot",
        );
    }
    if key.starts_with("rk_t_") {
        return wrong(
            "is an integration key (rk_t_), which the automation API never accepts: create an automation key",
        );
    }
    if key.starts_with("rk_m_") {
        return wrong(
            "is a machine user's key (rk_m_), which the automation API never accepts: create an automation key",
        );
    }
    let body = ["rca_", "rss_", "rk_a_"].iter().find_map(|prefix| key.strip_prefix(prefix));
    match body {
        Some(body) if !body.is_empty() && body.bytes().all(|b| b.is_ascii_graphic()) => Ok(Secret::new(key)),
        Some(_) => wrong("is cut off or has white space inside: copy the whole automation key"),
        None => wrong(
            "is not an automation key, which begins with rca_, rss_ or rk_a_: create one in the dashboard under API Keys",
        ),
    }
}

/// The value is not shown: a secret may have been pasted into the wrong input.
fn uuid(input: &'static str, value: &str) -> Result<String, Problem> {
    let value = value.trim();
    if value.is_empty() {
        return Err(Problem { input, rule: "is required: copy the UUID from the Reoclo dashboard".to_owned() });
    }
    let groups: Vec<usize> = value.split('-').map(str::len).collect();
    let hex = value.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit());
    if groups != [8, 4, 4, 4, 12] || !hex {
        return Err(Problem {
            input,
            rule: "is not a UUID (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx): copy the id, not the name, from the Reoclo dashboard"
                .to_owned(),
        });
    }
    Ok(value.to_owned())
}

/// `a`, `a and b`, `a, b and c`.
fn listed(names: &[&str]) -> String {
    let mut listed = String::new();
    for (at, name) in names.iter().enumerate() {
        text::append(&mut listed, if at + 1 == names.len() { " and " } else { ", " }, name);
    }
    listed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    const ID: &str = "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";

    fn check(changes: &[(&str, &str)]) -> Result<Inputs, Vec<Problem>> {
        let host = FakeHost::default()
            .with_inputs(&[("api_key", "rca_key"), ("server_id", ID), ("credential_id", ID)])
            .with_inputs(changes);
        RawInputs::read(&host).check(&host)
    }

    /// The inputs that a refusal names.
    fn refused(changes: &[(&str, &str)]) -> Vec<&'static str> {
        check(changes).unwrap_err().iter().map(|problem| problem.input).collect()
    }

    const PASSTHROUGH: [(&str, &str); 4] =
        [("credential_id", ""), ("username", "u"), ("access_token", "t\n"), ("registry_url", "https://GHCR.io/")];

    #[test]
    fn vault_mode_takes_defaults_for_what_is_empty() {
        let inputs = check(&[("cleanup", " "), ("api_url", ""), ("timeout", "")]).unwrap();
        assert_eq!(inputs.login, Login::Vault { credential_id: ID.into() });
        assert_eq!((inputs.cleanup, inputs.timeout_s), (true, 600));
        assert_eq!(inputs.api_url.as_str(), DEFAULT_API_URL);
    }

    #[test]
    fn passthrough_mode_trims_and_normalises() {
        let expected =
            Login::Passthrough { username: "u".into(), access_token: Secret::new("t"), registry: "ghcr.io".into() };
        assert_eq!(check(&PASSTHROUGH).unwrap().login, expected);
    }

    #[test]
    fn both_modes_or_neither_or_half_of_one_are_refused() {
        assert!(check(&[("username", "u")]).unwrap_err()[0].rule.contains("mutually exclusive"));
        assert!(check(&[("credential_id", "")]).unwrap_err()[0].rule.contains("either credential_id"));
        let half = check(&[("credential_id", ""), ("username", "u")]).unwrap_err();
        assert!(half[0].rule.contains("access_token and registry_url are empty"), "{half:?}");
    }

    #[test]
    fn only_automation_keys_are_taken() {
        for key in ["rca_a", "rss_b", "rk_a_c", " rca_a\n"] {
            assert!(check(&[("api_key", key)]).is_ok(), "{key:?}");
        }
        for key in ["", "rk_t_x", "rk_m_x", "ghp_x", "rca_", "rca_a b", "rca_é", "RCA_x"] {
            assert_eq!(refused(&[("api_key", key)]), ["api_key"], "{key:?}");
        }
    }

    #[test]
    fn no_problem_shows_the_value() {
        let problems =
            check(&[("api_key", "hunter22"), ("server_id", "hunter22"), ("timeout", "hunter22")]).unwrap_err();
        assert!(!format!("{problems:?}").contains("hunter22"));
    }

    #[test]
    fn booleans_are_those_of_yaml_1_2() {
        for (text, value) in
            [("true", true), ("True", true), ("TRUE", true), ("false", false), ("False", false), ("FALSE", false)]
        {
            assert_eq!(check(&[("cleanup", text)]).unwrap().cleanup, value);
        }
        for text in ["yes", "no", "on", "0", "1", "tRUE", "true false"] {
            assert_eq!(refused(&[("cleanup", text)]), ["cleanup"], "{text}");
        }
    }

    #[test]
    fn a_timeout_is_a_whole_number_of_seconds() {
        for (text, seconds) in [("1", 1), ("86400", 86_400), (" 30 ", 30)] {
            assert_eq!(check(&[("timeout", text)]).unwrap().timeout_s, seconds);
        }
        for text in ["0", "-1", "+5", "1.5", "86401", "99999999999", "10s", "1e3"] {
            assert_eq!(refused(&[("timeout", text)]), ["timeout"], "{text}");
        }
    }

    #[test]
    fn ids_are_uuids() {
        for id in [
            "",
            "x",
            "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a1",
            "0b8f7a525c3e4a8e9d0c3f1f7f6d2a11",
            "../0b8f7a52",
            "zzzzzzzz-5c3e-4a8e-9d0c-3f1f7f6d2a11",
        ] {
            assert_eq!(refused(&[("server_id", id)]), ["server_id"], "{id}");
        }
        assert!(check(&[("server_id", &ID.to_uppercase())]).is_ok());
    }

    #[test]
    fn every_problem_is_told_at_once() {
        let all = refused(&[
            ("api_key", ""),
            ("server_id", "x"),
            ("credential_id", "y"),
            ("cleanup", "z"),
            ("api_url", "w"),
            ("timeout", "v"),
        ]);
        assert_eq!(all, ["api_key", "server_id", "credential_id", "cleanup", "api_url", "timeout"]);
    }
}
