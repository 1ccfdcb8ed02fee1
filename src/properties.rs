//! What must hold for every input, reply and state there can be.

use crate::api::{self, ApiUrl, LoginReply, Operation};
use crate::host::fake::FakeHost;
use crate::host::{Fault, Host, Reply};
use crate::inputs::RawInputs;
use crate::json::native;
use crate::secret::Masks;
use crate::{registry, retry, run, text};
use proptest::collection::vec;
use proptest::prelude::*;

const ID: &str = "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";
/// Hard to redact: the neutraliser changes it in two ways.
const TOKEN: &str = "tok::hunter22%\t x  y";
const NAMES: [&str; 11] = [
    "api_key",
    "server_id",
    "credential_id",
    "username",
    "access_token",
    "registry_url",
    "cleanup",
    "api_url",
    "timeout",
    "if_missing",
    "job_summary",
];

/// Anything, and more often what parsers stumble over.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~\r\n\t]{0,60}",
        r"[:#\[\]%/@?.\-_a-z0-9\r\n\x1b \u{200b}]{0,40}",
        "(https?://)?[a-zA-Z0-9.:\\[\\]@-]{0,30}(/[a-z/?# ]{0,10})?",
        Just(ID.to_owned()),
        Just("rca_0123456789".to_owned()),
        // The token as it is, with a character in it that the neutraliser takes away, and where an error is cut off.
        Just(TOKEN.to_owned()),
        Just(TOKEN.replace("ok", "o\u{7}k")),
        (480..620usize).prop_map(|length| "x".repeat(length) + TOKEN),
    ]
}

/// JSON that comes close to a reply of the API.
fn any_reply() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("0".to_owned()),
        Just("1".to_owned()),
        Just("-1.5e300".to_owned()),
        Just("[]".to_owned()),
        Just(r#"{"exit_code":0}"#.to_owned()),
        Just(r#"{"exit_code":1,"stderr":"denied"}"#.to_owned()),
        Just(r#""completed""#.to_owned()),
        Just(r#""failed""#.to_owned()),
        Just(r#""op-1""#.to_owned()),
        any_text().prop_map(|text| serde_json::to_string(&text).unwrap_or_default()),
    ];
    let name = prop::sample::select(
        &["operation_id", "status", "registry_url", "registry_type", "result", "detail", "server_name"][..],
    );
    let field = (name, value).prop_map(|(name, value)| format!("\"{name}\":{value}"));
    prop_oneof![vec(field, 0..8).prop_map(|fields| format!("{{{}}}", fields.join(","))), any_text()]
}

fn any_answer() -> impl Strategy<Value = Result<Reply, Fault>> {
    let status = prop_oneof![Just(200u16), Just(202u16), 100u16..600];
    let reply = (status, any_reply(), proptest::option::of(any_text())).prop_map(|(status, body, header)| {
        Ok(Reply { status, body, location: header.clone(), retry_after: header, date: None })
    });
    let code = prop::sample::select(&["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "CERT_HAS_EXPIRED", ""][..]);
    let fault = (code, any_text()).prop_map(|(code, message)| Err(Fault::Network { code: code.to_owned(), message }));
    prop_oneof![6 => reply, 1 => fault, 1 => Just(Err(Fault::TimedOut)), 1 => Just(Err(Fault::TooLarge))]
}

fn is_neutral(text: &str) -> bool {
    !text.contains("::") && !text.contains("##[") && !text.chars().any(char::is_control)
}

/// Everything that a person or a runner sees, but for the masks themselves.
fn shown(host: &FakeHost) -> Vec<String> {
    ["info", "notice", "warning", "error", "output", "summary"].iter().flat_map(|kind| host.events(kind)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_becomes_a_command(text in any_text()) {
        let once = text::neutral(&text);
        prop_assert!(is_neutral(&once), "{once:?}");
        prop_assert_eq!(text::neutral(&once), once);
        prop_assert!(text::neutral_lines(&text).all(|line| is_neutral(&line)));
    }

    #[test]
    fn no_form_of_a_secret_survives_redaction(secret in "[^*]{2,30}", before in any_text(), after in any_text()) {
        let masks = Masks::of(&FakeHost::default(), &secret, "user", &secret);
        let redacted = masks.redact(&format!("{before}{secret}{after}"));
        prop_assert!(masks.iter().all(|form| !redacted.contains(form)), "{redacted:?}");
    }

    #[test]
    fn a_normalised_registry_is_a_host_and_stays_as_it_is(text in any_text()) {
        if let Ok(host) = registry::normalise(&text) {
            prop_assert!(!host.contains(|c: char| c.is_whitespace() || c.is_uppercase() || "/?#@".contains(c)), "{host}");
            prop_assert_eq!(registry::normalise(&host), Ok(host));
        }
    }

    #[test]
    fn a_parsed_api_url_stays_as_it_is(text in any_text()) {
        if let Ok(url) = ApiUrl::parse(&text) {
            let again = ApiUrl::parse(url.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&url));
            prop_assert!(!url.host().is_empty());
        }
    }

    #[test]
    fn any_retry_after_is_read_or_ignored(header in any_text(), date in proptest::option::of(any_text())) {
        retry::retry_after_ms(&FakeHost::default(), &header, date.as_deref());
    }

    #[test]
    fn any_reply_is_read_or_refused(body in any_reply()) {
        if let Some(reply) = native::parse(&body) {
            let _ = LoginReply::read(&reply).map(|login| login.accepted().is_ok());
            let _ = Operation::read(&reply);
            let _ = api::detail(&reply);
        }
    }

    #[test]
    fn any_inputs_are_taken_or_refused_without_showing_them(values in vec(any_text(), NAMES.len())) {
        let inputs: Vec<(&str, &str)> = NAMES.into_iter().zip(values.iter().map(String::as_str)).collect();
        let host = FakeHost::default().with_inputs(&inputs);
        if let Err(problems) = RawInputs::read(&host).check(&host) {
            prop_assert!(!problems.is_empty());
            for value in values.iter().filter(|value| value.trim().len() > 12 && *value != ID) {
                prop_assert!(problems.iter().all(|problem| !problem.rule.contains(value.trim())));
            }
        }
    }

    #[test]
    fn main_survives_any_api_and_shows_no_secret(answers in vec(any_answer(), 0..12), vault in any::<bool>(), several in any::<bool>()) {
        let ids = if several { format!("{ID}\n1{}", &ID[1..]) } else { ID.to_owned() };
        let mode: &[(&str, &str)] = if vault {
            &[("credential_id", &ids)]
        } else {
            &[("username", "u"), ("access_token", TOKEN), ("registry_url", "ghcr.io")]
        };
        let host = FakeHost::default()
            .with_env(&[("GITHUB_STATE", "/state"), ("GITHUB_STEP_SUMMARY", "/summary")])
            .with_inputs(&[("api_key", "rca_0123456789"), ("server_id", &ids), ("timeout", "60"), ("job_summary", "true")])
            .with_inputs(mode);
        let host = answers.into_iter().fold(host, FakeHost::answering_with);
        let secrets: &[&str] = if vault { &["rca_01234"] } else { &["tok:", "hunter", "rca_01234"] };
        let succeeded = host.run(run::main(&host));
        prop_assert_eq!(host.events("error").len(), usize::from(!succeeded));
        prop_assert!(host.now_ms() <= 60_000.0 + 1.0, "{} ms", host.now_ms());
        for line in shown(&host) {
            prop_assert!(!secrets.iter().any(|part| line.contains(part)), "{line}");
            // Only these have several lines, each of them harmless.
            let has_lines = ["error", "warning", "summary"].iter().any(|kind| several && line.starts_with(kind));
            let harmless = line.lines().all(is_neutral) && (has_lines || line.starts_with("summary") || is_neutral(&line));
            prop_assert!(line.starts_with("output") || harmless, "{line:?}");
        }
    }

    #[test]
    fn post_survives_any_state_and_any_api_within_45_seconds(values in vec(any_text(), 6), answers in vec(any_answer(), 0..9), seen in 0..4usize) {
        let keys = ["cleanup", "api_key", "api_url", "login_1"];
        let state: Vec<(&str, &str)> = keys.into_iter().zip(values.iter().map(String::as_str)).collect();
        let word = |at: usize| values[at].split_whitespace().next().unwrap_or("-").to_owned();
        let seen = ["requested", "running", "ended", "failed"][seen];
        let record = format!("{ID} 1 {seen} 784111777000 certain {} {} web 1", word(4), word(5));
        let host = FakeHost::default().with_state(&state).with_state(&[("login_2", &record), ("cleanup", "true"), ("api_url", "https://a.example")]);
        let host = answers.into_iter().fold(host, FakeHost::answering_with);
        host.run(run::post(&host));
        prop_assert!(host.events("error").is_empty());
        prop_assert!(host.now_ms() <= 45_000.0 + 1.0, "{} ms", host.now_ms());
    }
}
