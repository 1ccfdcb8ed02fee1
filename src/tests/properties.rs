//! What must hold for all inputs, responses and states.

use super::ID;
use crate::api::contract::{self, LoginResponse, Operation};
use crate::api::retry;
use crate::api::url::ApiUrl;
use crate::host::codec::Codec;
use crate::host::fake::FakeHost;
use crate::host::{Host, RESPONSE_HEADERS, Response, TransportError};
use crate::inputs::RawInputs;
use crate::registry::address;
use crate::runner::secret::Masks;
use crate::runner::text;
use crate::step;
use proptest::collection::vec;
use proptest::prelude::*;

/// Sanitizing changes it in two ways.
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

/// Any text, with more of what parsers get wrong.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~\r\n\t]{0,60}",
        r"[:#\[\]%/@?.\-_a-z0-9\r\n\x1b \u{200b}]{0,40}",
        "(https?://)?[a-zA-Z0-9.:\\[\\]@-]{0,30}(/[a-z/?# ]{0,10})?",
        Just(ID.to_owned()),
        Just("rca_0123456789".to_owned()),
        // The token itself, with a character that sanitizing removes, and where an error is truncated.
        Just(TOKEN.to_owned()),
        Just(TOKEN.replace("ok", "o\u{7}k")),
        (480..620usize).prop_map(|length| "x".repeat(length) + TOKEN),
    ]
}

/// JSON that is similar to a response of the API.
fn any_response_body() -> impl Strategy<Value = String> {
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

fn any_response_or_error() -> impl Strategy<Value = Result<Response, TransportError>> {
    let status = prop_oneof![Just(200u16), Just(202u16), 100u16..600];
    let response =
        (status, any_response_body(), proptest::option::of(any_text())).prop_map(|(status, body, header)| {
            let headers = header.map(|header| RESPONSE_HEADERS.map(|name| (name, header.clone())).to_vec());
            Ok(Response { status, body, headers: headers.unwrap_or_default() })
        });
    let code = prop::sample::select(&["ECONNREFUSED", "ECONNRESET", "ENOTFOUND", "CERT_HAS_EXPIRED", ""][..]);
    let fault =
        (code, any_text()).prop_map(|(code, message)| Err(TransportError::Network { code: code.to_owned(), message }));
    prop_oneof![6 => response, 1 => fault, 1 => Just(Err(TransportError::TimedOut { was_sent: true })), 1 => Just(Err(TransportError::TimedOut { was_sent: false })), 1 => Just(Err(TransportError::TooLarge))]
}

fn is_sanitized(text: &str) -> bool {
    !text.contains("::") && !text.contains("##[") && !text.chars().any(char::is_control)
}

/// Everything that is shown, except the masks.
fn shown(host: &FakeHost) -> Vec<String> {
    ["info", "notice", "warning", "error", "output", "summary"].iter().flat_map(|kind| host.events(kind)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sanitized_text_contains_no_command(text in any_text()) {
        let once = text::sanitize(&text);
        prop_assert!(is_sanitized(&once), "{once:?}");
        prop_assert_eq!(text::sanitize(&once), once);
    }

    #[test]
    fn redacts_every_variant_of_a_secret(secret in "[^*]{2,30}", before in any_text(), after in any_text()) {
        let masks = Masks::of(&FakeHost::default(), &secret, "user", &secret, &[]);
        let redacted = masks.redact(&format!("{before}{secret}{after}"));
        prop_assert!(masks.iter().all(|form| !redacted.contains(form)), "{redacted:?}");
    }

    #[test]
    fn normalising_a_registry_is_idempotent(text in any_text()) {
        if let Ok(host) = address::normalise(&text) {
            prop_assert!(!host.contains(|c: char| c.is_whitespace() || c.is_uppercase() || "/?#@".contains(c)), "{host}");
            prop_assert_eq!(address::normalise(&host), Ok(host));
        }
    }

    #[test]
    fn parsing_an_api_url_is_idempotent(text in any_text()) {
        if let Ok(url) = ApiUrl::parse(&text) {
            let again = ApiUrl::parse(url.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&url));
            prop_assert!(!url.host().is_empty());
        }
    }

    #[test]
    fn parses_or_ignores_any_retry_after(header in any_text(), date in proptest::option::of(any_text())) {
        retry::retry_after_ms(&FakeHost::default(), &header, date.as_deref());
    }

    #[test]
    fn parses_or_rejects_any_response(body in any_response_body()) {
        let host = FakeHost::default();
        let _ = host.read_json::<LoginResponse>(&body);
        let _ = host.read_json::<Operation>(&body);
        contract::error_detail(&host, &body);
    }

    #[test]
    fn rejects_invalid_inputs_without_showing_them(values in vec(any_text(), NAMES.len())) {
        let inputs: Vec<(&str, &str)> = NAMES.into_iter().zip(values.iter().map(String::as_str)).collect();
        let host = FakeHost::default().with_inputs(&inputs);
        if let Err(errors) = host.inputs::<RawInputs>().validate(&host) {
            prop_assert!(!errors.0.is_empty());
            for value in values.iter().filter(|value| value.trim().len() > 12 && *value != ID) {
                prop_assert!(errors.0.iter().all(|error| !error.message.contains(value.trim())));
            }
        }
    }

    #[test]
    fn main_shows_no_secret_with_any_api(responses in vec(any_response_or_error(), 0..12), vault in any::<bool>(), several in any::<bool>()) {
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
        let host = responses.into_iter().fold(host, FakeHost::responding_with);
        let secrets: &[&str] = if vault { &["rca_01234"] } else { &["tok:", "hunter", "rca_01234"] };
        let succeeded = host.run(step::main(&host));
        prop_assert_eq!(host.events("error").len(), usize::from(!succeeded));
        prop_assert!(host.monotonic_ms() <= 60_000.0 + 1.0, "{} ms", host.monotonic_ms());
        for line in shown(&host) {
            prop_assert!(!secrets.iter().any(|part| line.contains(part)), "{line}");
            // Only these have several lines.
            let has_lines = ["error", "warning", "summary"].iter().any(|kind| several && line.starts_with(kind));
            let is_safe = line.lines().all(is_sanitized) && (has_lines || line.starts_with("summary") || is_sanitized(&line));
            prop_assert!(line.starts_with("output") || is_safe, "{line:?}");
        }
    }

    #[test]
    fn post_ends_within_45_s_with_any_state(values in vec(any_text(), 6), responses in vec(any_response_or_error(), 0..9), seen in 0..4usize) {
        let keys = ["cleanup", "api_key", "api_url", "login_1"];
        let state: Vec<(&str, &str)> = keys.into_iter().zip(values.iter().map(String::as_str)).collect();
        let word = |at: usize| values[at].split_whitespace().next().unwrap_or("-").to_owned();
        let seen = ["requested", "running", "ended", "failed"][seen];
        let record = format!("{ID} 1 {seen} 784111777000 certain {} {} web 1", word(4), word(5));
        let host = FakeHost::default().with_state(&state).with_state(&[("login_2", record.as_str()), ("cleanup", "true"), ("api_url", "https://a.example")]);
        let host = responses.into_iter().fold(host, FakeHost::responding_with);
        host.run(step::post(&host));
        prop_assert!(host.events("error").is_empty());
        prop_assert!(host.monotonic_ms() <= 45_000.0 + 1.0, "{} ms", host.monotonic_ms());
    }
}
