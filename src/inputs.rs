//! The action's inputs: each read once, checked once, before anything is sent.

use crate::api::ApiUrl;
use crate::host::Host;
use crate::preflight;
use crate::registry;
use crate::secret::{Masks, Secret};
use crate::text;

/// `action.yml` gives these defaults too; an input that is set to an empty value gets them here.
const DEFAULT_API_URL: &str = "https://api.reoclo.com";
const DEFAULT_TIMEOUT_S: u32 = 600;
const LONGEST_TIMEOUT_S: u32 = 86_400;
/// Post has 45 s to log all of them out again.
pub(crate) const MOST_LOGINS: usize = 100;

/// Why a secret is empty that worked yesterday.
const EMPTY_SECRETS: &str =
    "Secrets are empty in workflows started from a fork or by Dependabot; if_missing: 'skip' lets those pass";

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
    if_missing: String,
    job_summary: String,
}

/// The inputs of one step, all of them good: each server is to be logged in with each of the logins.
#[derive(Debug)]
pub(crate) struct Inputs {
    pub(crate) api_key: Secret,
    pub(crate) api_url: ApiUrl,
    pub(crate) server_ids: Vec<String>,
    pub(crate) logins: Vec<Login>,
    pub(crate) cleanup: bool,
    pub(crate) timeout_s: u32,
    /// PEM text, already trusted.
    pub(crate) ca_certificate: Option<String>,
    pub(crate) job_summary: bool,
    /// What is odd about the credential of the workflow, though it may work.
    pub(crate) advice: Option<&'static str>,
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
            if_missing: host.input("if_missing"),
            job_summary: host.input("job_summary"),
        }
    }

    /// Every form of the secrets among them, known before any check can fail.
    pub(crate) fn masks(&self, host: &impl Host) -> Masks {
        Masks::of(host, &self.api_key, &self.username, &self.access_token)
    }

    /// The secret that is missing, where the step is to be skipped for that: secrets are empty in runs that forks and
    /// Dependabot start, and then nothing else has to be in order.
    pub(crate) fn skipped_for(&self) -> Option<&'static str> {
        let is_missing = |value: &str| value.trim().is_empty();
        let is_vault = entries(&self.credential_id).next().is_some();
        let passes_through = !is_vault && (!is_missing(&self.username) || !is_missing(&self.registry_url));
        if self.if_missing.trim() != "skip" {
            None
        } else if is_missing(&self.api_key) {
            Some("api_key")
        } else if passes_through && is_missing(&self.access_token) {
            Some("access_token")
        } else {
            None
        }
    }

    /// Checks everything and tells every problem at once, so that a workflow is mended in one go.
    pub(crate) fn check(&self, host: &impl Host) -> Result<Inputs, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut keep = |problem| problems.push(problem);
        let api_key = api_key(&self.api_key).map_err(&mut keep).ok();
        let server_ids = uuids("server_id", &self.server_id).map_err(&mut keep).ok();
        let logins = self.logins().map_err(&mut keep).ok();
        let cleanup = boolean("cleanup", &self.cleanup, true, "log out when the job ends").map_err(&mut keep).ok();
        let api_url = api_url(&self.api_url).map_err(&mut keep).ok();
        let timeout_s = self.timeout_s().map_err(&mut keep).ok();
        let ca_certificate = self.ca_certificate(host).map_err(&mut keep).ok();
        let job_summary = boolean("job_summary", &self.job_summary, false, "get a table of the logins");
        let job_summary = job_summary.map_err(&mut keep).ok();
        if let Err(problem) = self.if_missing() {
            keep(problem);
        }
        let mut advice = None;
        if let (Some(server_ids), Some(logins)) = (&server_ids, &logins) {
            let _ = at_most(server_ids.len(), logins.len()).map_err(&mut keep);
        }
        if let Some([Login::Passthrough { username, access_token, registry }]) = logins.as_deref() {
            advice = preflight::check(host, registry, username, access_token.expose()).unwrap_or_else(|problem| {
                keep(problem);
                None
            });
        }
        match (api_key, server_ids, logins, cleanup, api_url, timeout_s, ca_certificate, job_summary) {
            (
                Some(api_key),
                Some(server_ids),
                Some(logins),
                Some(cleanup),
                Some(api_url),
                Some(timeout_s),
                Some(ca_certificate),
                Some(job_summary),
            ) if problems.is_empty() => Ok(Inputs {
                api_key,
                api_url,
                server_ids,
                logins,
                cleanup,
                timeout_s,
                ca_certificate,
                job_summary,
                advice,
            }),
            _ => Err(problems),
        }
    }

    fn logins(&self) -> Result<Vec<Login>, Problem> {
        let passthrough =
            [("username", &self.username), ("access_token", &self.access_token), ("registry_url", &self.registry_url)];
        let names = |set: bool| -> Vec<&str> {
            passthrough.iter().filter(|(_, value)| value.trim().is_empty() != set).map(|(name, _)| *name).collect()
        };
        let (given, missing) = (names(true), names(false));
        let vault = entries(&self.credential_id).next().is_some();
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
            let ids = uuids("credential_id", &self.credential_id)?;
            return Ok(ids.into_iter().map(|credential_id| Login::Vault { credential_id }).collect());
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
                    "is missing: passthrough mode needs username, access_token and registry_url together, and {} {} empty{}",
                    listed(&missing),
                    if missing.len() == 1 { "is" } else { "are" },
                    if missing.contains(&"access_token") { format!(". {EMPTY_SECRETS}") } else { String::new() }
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
        let access_token = Secret::new(self.access_token.trim());
        Ok(vec![Login::Passthrough { username: username.to_owned(), access_token, registry }])
    }

    fn if_missing(&self) -> Result<(), Problem> {
        match self.if_missing.trim() {
            "" | "fail" | "skip" => Ok(()),
            _ => Err(Problem {
                input: "if_missing",
                rule: "is neither 'fail' nor 'skip': write 'skip' where a run without secrets is to pass".to_owned(),
            }),
        }
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

pub(crate) fn api_url(value: &str) -> Result<ApiUrl, Problem> {
    let text = value.trim();
    ApiUrl::parse(if text.is_empty() { DEFAULT_API_URL } else { text }).map_err(|flaw| Problem {
        input: "api_url",
        rule: format!("{flaw}: give the base URL of your Reoclo instance, such as {DEFAULT_API_URL}"),
    })
}

/// An automation key, as a header can carry it.
pub(crate) fn api_key(value: &str) -> Result<Secret, Problem> {
    let key = value.trim();
    let wrong = |rule: &str| Err(Problem { input: "api_key", rule: rule.to_owned() });
    if key.is_empty() {
        return wrong(&format!("is required: set it to a Reoclo automation key, kept as a secret. {EMPTY_SECRETS}"));
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

/// A YAML 1.2 boolean, as GitHub's own `getBooleanInput` takes it.
fn boolean(input: &'static str, value: &str, default: bool, when_true: &str) -> Result<bool, Problem> {
    match value.trim() {
        "" => Ok(default),
        "true" | "True" | "TRUE" => Ok(true),
        "false" | "False" | "FALSE" => Ok(false),
        _ => Err(Problem { input, rule: format!("is not a YAML boolean: write 'true' to {when_true}, or 'false'") }),
    }
}

/// The entries of a list: separated by new lines or commas; what stands behind a `#` is a comment.
fn entries(list: &str) -> impl Iterator<Item = &str> {
    // Copied from a page or a file they may bring marks along that nobody sees.
    let is_blank = |c: char| c.is_whitespace() || matches!(c, '\u{200b}' | '\u{feff}');
    list.split(['\r', '\n'])
        .map(|line| line.split('#').next().unwrap_or_default())
        .flat_map(|line| line.split(','))
        .map(move |entry| entry.trim_matches(is_blank))
        .filter(|entry| !entry.is_empty())
}

/// A list of UUIDs, each of them once. The values are not shown: a secret may have been pasted into the wrong input.
fn uuids(input: &'static str, list: &str) -> Result<Vec<String>, Problem> {
    let mut ids: Vec<String> = Vec::new();
    let mut wrong: Vec<String> = Vec::new();
    let mut count = 0;
    let mut remedy = "copy the id, not the name, from the Reoclo dashboard";
    for entry in entries(list) {
        count += 1;
        if !is_uuid(entry) {
            wrong.push(count.to_string());
            if holds_uuid(entry) {
                remedy = "put each id on a line of its own or commas between them, without quotes, dashes or brackets";
            }
        } else if !ids.iter().any(|id| id.eq_ignore_ascii_case(entry)) {
            ids.push(entry.to_owned());
        }
    }
    let wrong: Vec<&str> = wrong.iter().map(String::as_str).collect();
    let what = match (count, wrong.as_slice()) {
        (0, _) => {
            return Err(Problem { input, rule: "is required: copy the UUID from the Reoclo dashboard".to_owned() });
        }
        (_, []) => return Ok(ids),
        (1, _) => "is not a UUID".to_owned(),
        (_, [one]) => format!("entry {one} is not a UUID"),
        _ => format!("entries {} are not UUIDs", listed(&wrong)),
    };
    Err(Problem { input, rule: format!("{what} (xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx): {remedy}") })
}

fn holds_uuid(text: &str) -> bool {
    text.as_bytes().windows(36).any(|window| str::from_utf8(window).is_ok_and(is_uuid))
}

fn is_uuid(text: &str) -> bool {
    text.split('-').map(str::len).eq([8, 4, 4, 4, 12]) && text.bytes().all(|b| b == b'-' || b.is_ascii_hexdigit())
}

fn at_most(servers: usize, logins: usize) -> Result<(), Problem> {
    let all = servers.saturating_mul(logins);
    if all <= MOST_LOGINS {
        return Ok(());
    }
    let factors = if logins > 1 { format!(" ({servers} servers, {logins} credentials)") } else { String::new() };
    let rule = format!(
        "asks for {all} logins{factors}, and one step takes {MOST_LOGINS} at most, so that its post step can log all of \
         them out within 45 s: use several steps"
    );
    Err(Problem { input: "server_id", rule })
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
        assert_eq!(inputs.logins, [Login::Vault { credential_id: ID.into() }]);
        assert_eq!((inputs.cleanup, inputs.timeout_s), (true, 600));
        assert_eq!(inputs.api_url.as_str(), DEFAULT_API_URL);
    }

    #[test]
    fn passthrough_mode_trims_and_normalises() {
        let expected =
            Login::Passthrough { username: "u".into(), access_token: Secret::new("t"), registry: "ghcr.io".into() };
        assert_eq!(check(&PASSTHROUGH).unwrap().logins, [expected]);
    }

    #[test]
    fn both_modes_or_neither_or_half_of_one_are_refused() {
        assert!(
            check(&PASSTHROUGH).is_ok()
                && check(&[&PASSTHROUGH[..], &[("credential_id", "# none\n")]].concat()).is_ok()
        );
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

    const OTHER: &str = "1b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";

    #[test]
    fn lists_are_of_lines_or_commas_with_comments_and_without_repeats() {
        for list in [
            format!("{ID}\n{OTHER}"),
            format!("{ID},{OTHER}"),
            format!("# all of them\r\n\r\n  {ID} # web-1, the first\r\n,{OTHER},,\n#{OTHER}\n"),
            format!("{ID}\n{OTHER}\n{}", ID.to_uppercase()),
            format!("\u{feff}{ID}\u{200b},\u{a0}{OTHER}"),
        ] {
            let inputs = check(&[("server_id", &list), ("credential_id", &list)]).unwrap();
            assert_eq!(inputs.server_ids, [ID, OTHER], "{list}");
            assert_eq!(inputs.logins, [ID, OTHER].map(|id| Login::Vault { credential_id: id.into() }));
        }
        assert!(check(&[("server_id", "# none\n,")]).unwrap_err()[0].rule.starts_with("is required"));
    }

    #[test]
    fn a_malformed_entry_of_a_list_is_named_by_its_position() {
        let rule = |list: &str| check(&[("server_id", list)]).unwrap_err().remove(0).rule;
        assert!(rule(&format!("{ID}\n# web-2\nweb-2\n{OTHER}")).starts_with("entry 2 is not a UUID"));
        assert!(rule(&format!("x, {ID}, hunter22, y")).starts_with("entries 1, 3 and 4 are not UUIDs"));
        assert!(rule("x").starts_with("is not a UUID"));
        for list in [
            format!("- {ID}\n- {OTHER}"),
            format!("[\"{ID}\", \"{OTHER}\"]"),
            format!("{ID} {OTHER}"),
            format!("{ID};"),
        ] {
            assert!(rule(&list).contains("commas between them"), "{list}");
        }
    }

    #[test]
    fn a_hundred_logins_are_the_most() {
        let list = |count: usize| (0..count).map(|n| format!("{n:08}{}\n", &ID[8..])).collect::<String>();
        assert_eq!(check(&[("server_id", &list(20)), ("credential_id", &list(5))]).unwrap().server_ids.len(), 20);
        let refusal = check(&[("server_id", &list(21)), ("credential_id", &list(5))]).unwrap_err();
        assert!(refusal[0].rule.contains("105 logins"), "{refusal:?}");
    }

    #[test]
    fn a_step_is_skipped_for_a_missing_secret_only_where_it_may_be() {
        let skipped_for = |changes: &[(&str, &str)]| {
            let host = FakeHost::default().with_inputs(&PASSTHROUGH).with_inputs(&[("api_key", "rca_key")]);
            RawInputs::read(&host.with_inputs(changes)).skipped_for()
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
        assert_eq!(refused(&[("if_missing", "Skip")]), ["if_missing"]);
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
            ("job_summary", "u"),
        ]);
        assert_eq!(all, ["api_key", "server_id", "credential_id", "cleanup", "api_url", "timeout", "job_summary"]);
    }
}
