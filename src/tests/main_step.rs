//! The main step with one login.

use super::{DENIED, ID, RUNNING, SUCCEEDED, vault};
use crate::host::fake::FakeHost;
use crate::host::{Host, Response, TransportError};
use crate::login::state::{LoginPhase, SavedLogin};
use crate::step::main;

const ACCEPTED: (u16, &str) =
    (202, r#"{"operation_id":"op-1","status":"running","registry_url":"ghcr.io","registry_type":"ghcr"}"#);

fn retries(host: &FakeHost) -> Vec<String> {
    host.events("info").into_iter().filter(|line| line.contains(" Retrying ")).collect()
}

fn passthrough() -> FakeHost {
    vault().with_inputs(&[
        ("credential_id", ""),
        ("username", "u"),
        ("access_token", "tok-hunter22"),
        ("registry_url", "GHCR.io"),
    ])
}

fn position(host: &FakeHost, event: &str) -> usize {
    let events = host.events.borrow();
    events.iter().position(|e| e.starts_with(event)).unwrap_or_else(|| panic!("no {event:?} in {events:#?}"))
}

/// What the post step would load for the first login.
fn saved_login(host: &FakeHost) -> Option<SavedLogin> {
    SavedLogin::parse(host.events("state login_1=").last()?.split_once('=')?.1)
}

fn is_logged_out_by_post(host: &FakeHost) -> bool {
    saved_login(host).unwrap().phase != LoginPhase::Failed
}

#[test]
fn registers_masks_before_anything_else() {
    for host in [vault(), passthrough(), vault().with_inputs(&[("server_id", "bad")])] {
        host.run(main(&host));
        let events = host.events.borrow();
        let last_mask = events.iter().rposition(|e| e.starts_with("mask ")).unwrap();
        assert!(events[..=last_mask].iter().all(|e| e.starts_with("mask ")), "{events:#?}");
    }
}

#[test]
fn polls_until_the_login_ends_and_sets_outputs() {
    let host = vault().responding(&[ACCEPTED, RUNNING, RUNNING, SUCCEEDED]);
    assert!(host.run(main(&host)));
    assert_eq!(host.events("send").len(), 4);
    assert_eq!(host.monotonic_ms(), 200.0);
    assert_eq!(
        host.events("output"),
        [
            "output operation_id=op-1",
            "output registry_url=ghcr.io",
            "output registry_type=ghcr",
            r#"output logins=[{"server_id":"0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11","server_name":"web-1","credential_id":"0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11","registry_url":"ghcr.io","registry_type":"ghcr","operation_id":"op-1","auth_mode":"vault","attempts":1,"duration_ms":200}]"#
        ]
    );
    assert!(host.events("error").is_empty() && host.events("warning").is_empty());
}

#[test]
fn invalid_inputs_send_nothing_and_save_nothing() {
    let host = vault().with_inputs(&[("server_id", "x"), ("cleanup", "yes")]);
    assert!(!host.run(main(&host)));
    let error = host.events("error").concat();
    assert!(error.starts_with("error Invalid inputs: server_id is not a UUID"), "{error}");
    assert!(error.ends_with(" or 'false'. Fix: correct the inputs above. No request was sent."), "{error}");
    assert!(host.events("send").is_empty() && host.events("state").is_empty());
    assert_eq!(host.events("output"), ["output logins=[]"]);
}

#[test]
fn a_login_that_may_exist_says_what_the_post_step_does() {
    let says = |host: FakeHost| {
        let host = host.with_inputs(&[("timeout", "1")]);
        assert!(!host.run(main(&host)));
        let may_be_logged_in: Vec<String> =
            host.events("info").into_iter().filter(|line| line.contains("The server may be logged in")).collect();
        may_be_logged_in.concat()
    };
    let running = || vault().responding(&[ACCEPTED, RUNNING]).cancelling();
    for (host, expected) in [
        (running(), "; the post step will log out"),
        (running().with_inputs(&[("cleanup", "false")]), "; the post step will not log out (cleanup: false)"),
        (
            running().without_space(),
            "; the post step cannot log out: run docker logout for this registry on the server",
        ),
        (vault().cancelling(), ", but Reoclo has not returned the registry"),
        (passthrough().cancelling(), "; the post step will log out"),
    ] {
        assert_eq!(says(host), format!("info The server may be logged in{expected}"));
    }
    assert_eq!(says(vault().responding(&[ACCEPTED, DENIED])), "", "a definite failure");
    let several = ("server_id", "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11,1b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11");
    let lines = says(vault().with_inputs(&[several]).without_space().cancelling());
    assert_eq!(lines.matches(". The server may be logged in; the post step cannot log out").count(), 2, "{lines}");
}

/// Found by the simulation: a step that was killed before the next login was logged out, although docker had failed.
#[test]
fn a_login_that_docker_refused_is_saved_as_failed_before_the_next_one() {
    const UNAVAILABLE: (u16, &str) =
        (200, r#"{"status":"failed","result":{"exit_code":1,"stderr":"status: 503 Service Unavailable"}}"#);
    let host = vault().responding(&[ACCEPTED, UNAVAILABLE, ACCEPTED, SUCCEEDED]);
    assert!(host.run(main(&host)));
    let phases: Vec<LoginPhase> = host
        .events("state login_1=")
        .iter()
        .filter_map(|line| Some(SavedLogin::parse(line.split_once('=')?.1)?.phase))
        .collect();
    use LoginPhase::{Ended, Failed, Requested, Running};
    assert_eq!(phases, [Requested, Running, Failed, Requested, Running, Ended]);
}

#[test]
fn a_missing_secret_skips_the_step_with_a_notice() {
    let host = vault().with_inputs(&[("if_missing", "skip"), ("api_key", "")]);
    assert!(host.run(main(&host)));
    assert_eq!(host.events("output"), ["output logins=[]"]);
    let notice = host.events("notice").concat();
    assert!(notice.starts_with("notice Login skipped: api_key is empty"), "{notice}");
    assert!(host.events("send").is_empty() && host.events("error").is_empty());
}

#[test]
fn passthrough_saves_the_registry_before_the_request() {
    let host = passthrough().responding(&[ACCEPTED, SUCCEEDED]);
    assert!(host.run(main(&host)));
    let first = format!("state login_1={ID} 1 requested 784111777000 certain - ghcr.io -");
    assert!(position(&host, &first) < position(&host, "send POST"));
    assert!(host.events("state").iter().all(|e| !e.contains("hunter22")));
}

#[test]
fn vault_saves_the_registry_with_the_response() {
    let host = vault().responding(&[ACCEPTED, SUCCEEDED]);
    assert!(host.run(main(&host)));
    let named = format!("state login_1={ID} 1 running 784111777000 certain op-1 ghcr.io -");
    assert!(position(&host, &named) < position(&host, "send GET"));
    assert!(position(&host, &named) < position(&host, "output"));
    assert!(position(&host, "output registry_type=") < position(&host, "send GET"));
}

#[test]
fn a_definite_failure_needs_no_logout() {
    let refused = passthrough().responding(&[(403, r#"{"detail":"no"}"#)]);
    let denied = passthrough().responding(&[ACCEPTED, DENIED]);
    for host in [refused, denied] {
        assert!(!host.run(main(&host)));
        assert!(!is_logged_out_by_post(&host));
    }
}

#[test]
fn an_unknown_outcome_keeps_the_logout() {
    let lost = TransportError::Network { code: "ECONNRESET".into(), message: String::new() };
    for host in [
        passthrough().responding_with(Err(lost.clone())),
        passthrough().responding(&[ACCEPTED]).responding_with(Err(lost)),
        passthrough().responding(&[ACCEPTED, (200, r#"{"status":"timeout"}"#)]),
        passthrough().responding(&[ACCEPTED, (200, r#"{"status":"completed","result":{}}"#)]),
        passthrough().with_inputs(&[("timeout", "1")]).responding(&[ACCEPTED]).responding(&[RUNNING; 9]),
    ] {
        assert!(!host.run(main(&host)));
        assert!(is_logged_out_by_post(&host));
    }
}

#[test]
fn a_step_timeout_reports_the_progress() {
    let host = vault().with_inputs(&[("timeout", "2")]).responding(&[ACCEPTED]).responding(&[RUNNING; 99]);
    assert!(!host.run(main(&host)));
    assert_eq!(host.monotonic_ms(), 2_000.0);
    let error = host.events("error").pop().unwrap();
    assert!(error.contains("within 2 s: operation op-1 was still running"), "{error}");
}

#[test]
fn progress_of_one_login_needs_no_count() {
    let host = vault().with_inputs(&[("timeout", "9")]).responding(&[ACCEPTED]).responding(&[RUNNING; 99]);
    host.run(main(&host));
    let progress = host.events("info Still waiting");
    assert_eq!(progress, [format!("info Still waiting after 5 s: server {ID}, ghcr.io")]);
}

#[test]
fn errors_leave_out_log_lines_of_docker() {
    let stderr = r#"time=\"2026\" level=info msg=\"trying next\"\nError: 401 Unauthorized\n"#;
    let failed = format!(r#"{{"status":"failed","result":{{"exit_code":1,"stderr":"{stderr}"}}}}"#);
    let host = vault().responding(&[ACCEPTED, (200, &failed)]);
    host.run(main(&host));
    let error = host.events("error").pop().unwrap();
    assert!(error.contains("exit code 1: Error: 401 Unauthorized (operation"), "{error}");
    assert_eq!(host.events("info   docker").len(), 2, "the log keeps them");
}

#[test]
fn redacts_secrets_before_truncating() {
    const TOKEN: &str = "tok::hunter22%\t x  y-and-a-long-tail-of-it";
    for said in [TOKEN.to_owned(), TOKEN.replace("ok", "o\u{7}k"), "x".repeat(590) + TOKEN] {
        let said = serde_json::to_string(&said).unwrap();
        let docker =
            format!(r#"{{"status":"failed","server_name":{said},"result":{{"exit_code":1,"stderr":{said}}}}}"#);
        let detail = format!(r#"{{"detail":{said}}}"#);
        let flaw = format!(r#"{{"status":"failed","result":{{"exit_code":{said}}}}}"#);
        for responses in [
            vec![ACCEPTED, (200, &docker)],
            vec![(422, &*detail)],
            vec![(503, &*detail); 6],
            vec![ACCEPTED, (200, &flaw)],
        ] {
            let host = passthrough().with_inputs(&[("access_token", TOKEN)]).responding(&responses);
            host.run(main(&host));
            let shown = [host.events("info"), host.events("error")].concat().join("\n");
            assert!(!shown.contains("tok:") && !shown.contains("hunter"), "{shown}");
            assert_eq!(host.events("error").len(), 1);
        }
    }
}

#[test]
fn secrets_in_a_response_are_never_saved() {
    for (id, registry, kind) in
        [("tok-hunter22", "ghcr.io", "ghcr"), ("op-1", "tok-hunter22", "ghcr"), ("op-1", "ghcr.io", "hunter2222")]
    {
        let response = format!(r#"{{"operation_id":"{id}","registry_url":"{registry}","registry_type":"{kind}"}}"#);
        let host = vault()
            .with_inputs(&[
                ("credential_id", ""),
                ("username", "u"),
                ("access_token", "tok-hunter22\nhunter2222"),
                ("registry_url", "ghcr.io"),
            ])
            .responding(&[(202, &response), SUCCEEDED]);
        assert!(!host.run(main(&host)));
        let events = [host.events("state"), host.events("output"), host.events("send"), host.events("error")]
            .concat()
            .join("\n");
        assert!(!events.contains("hunter"), "{events}");
    }
}

#[test]
fn a_token_may_be_part_of_the_registry() {
    let response =
        r#"{"operation_id":"op-1","registry_url":"registry.example.com","registry_type":"google_artifact_registry"}"#;
    let host = passthrough()
        .with_inputs(&[("access_token", "registry"), ("registry_url", "registry.example.com")])
        .responding(&[(202, response), SUCCEEDED]);
    assert!(host.run(main(&host)));
    assert!(host.events("output").contains(&"output registry_url=registry.example.com".to_owned()));
}

#[test]
fn saves_the_registry_of_an_invalid_response() {
    for rest in [
        "",
        r#","registry_type":null,"operation_id":"op-1""#,
        r#","registry_type":"ghcr","operation_id":"a:b""#,
        r#","operation_id":"op-1","registry_type":"$(id)""#,
    ] {
        let response = format!(r#"{{"registry_url":"ghcr.io"{rest}}}"#);
        let host = vault().responding(&[(202, &response)]);
        assert!(!host.run(main(&host)));
        assert_eq!(saved_login(&host).unwrap().registry_url.as_deref(), Some("ghcr.io"));
        assert!(is_logged_out_by_post(&host));
    }
}

#[test]
fn logs_out_only_if_docker_may_have_run() {
    for (end, left) in [
        (r#"{"status":"failed","result":{"exit_code":0}}"#, true),
        (r#"{"status":"completed","result":{}}"#, true),
        (r#"{"status":"completed","result":{"exit_code":1,"stderr":"denied"}}"#, false),
        (r#"{"status":"failed","result":{"stderr":"docker: not found"}}"#, false),
        (r#"{"status":"failed"}"#, false),
    ] {
        let host = vault().responding(&[ACCEPTED, (200, end)]);
        assert!(!host.run(main(&host)));
        assert_eq!(is_logged_out_by_post(&host), left, "{end}");
    }
}

#[test]
fn saves_a_login_after_what_it_needs() {
    let host = passthrough().responding(&[ACCEPTED, SUCCEEDED]);
    host.run(main(&host));
    for key in ["api_url", "cleanup", "api_key"] {
        assert!(position(&host, &format!("state {key}=")) < position(&host, "state login_1="), "{key}");
    }
    assert_eq!(host.events("state api_key="), ["state api_key=rca_key"]);
}

#[test]
fn prints_two_lines_of_state_for_gitea() {
    let host = passthrough().with_env(&[("GITEA_ACTIONS", "true")]).responding(&[ACCEPTED, SUCCEEDED]);
    host.run(main(&host));
    let printed = host.events("command ::save-state");
    let line = |rest: &str| format!("command ::save-state name=login_1::{ID} 1 {rest}");
    let requested = line("requested 784111777000 certain - ghcr.io -");
    assert_eq!(printed, [requested, line("running 784111777000 certain op-1 ghcr.io -")]);
}

#[test]
fn redacts_secrets_in_docker_output() {
    let host = passthrough().responding(&[ACCEPTED, DENIED]);
    host.run(main(&host));
    let shown = [host.events("info"), host.events("error")].concat().join("\n");
    assert!(shown.contains("denied: ***") && !shown.contains("hunter22"), "{shown}");
}

fn lost() -> TransportError {
    TransportError::Network { code: "ECONNRESET".into(), message: "socket hang up".into() }
}

fn refused() -> TransportError {
    TransportError::Network { code: "ECONNREFUSED".into(), message: String::new() }
}

#[test]
fn retries_transient_errors_with_one_line_each() {
    let host = vault()
        .responding_with(Err(refused()))
        .responding(&[(503, "busy"), (200, "<html>"), ACCEPTED])
        .responding_with(Err(lost()))
        .responding(&[(502, ""), SUCCEEDED]);
    assert!(host.run(main(&host)));
    let retries = retries(&host);
    assert_eq!(retries.len(), 5, "{retries:#?}");
    assert_eq!(
        retries[1],
        "info Login request to api.reoclo.com failed: HTTP 503. Retrying in 0.5 s (attempt 3 of 6)."
    );
    assert!(retries[4].ends_with("(attempt 3)."), "status requests have no maximum: {}", retries[4]);
}

#[test]
fn saves_the_time_of_the_last_request() {
    let host = vault().responding(&[(503, ""); 2]).responding(&[ACCEPTED, SUCCEEDED]);
    assert!(host.run(main(&host)));
    // The third request comes after waits of 250 and 500 ms.
    assert_eq!(saved_login(&host).unwrap().requested_at_ms, 784_111_777_750);
}

#[test]
fn sends_a_login_request_at_most_6_times() {
    let host = vault().responding(&[(503, ""); 9]);
    assert!(!host.run(main(&host)));
    assert_eq!(host.events("send").len(), 6);
    assert_eq!(host.events("error").len(), 1);
}

#[test]
fn a_response_that_is_too_large_is_final() {
    let host = vault().responding_with(Err(TransportError::TooLarge));
    assert!(!host.run(main(&host)));
    assert_eq!(host.events("send").len(), 1);
    let error = host.events("error").concat();
    assert!(error.contains("Login request to api.reoclo.com returned more than 16 MiB."), "{error}");
}

#[test]
fn the_last_of_all_attempts_is_the_error() {
    let timeout = TransportError::TimedOut { was_sent: true };
    let host = vault().responding(&[(503, ""); 5]).responding_with(Err(timeout));
    assert!(!host.run(main(&host)));
    let error = host.events("error").concat();
    assert!(
        error.starts_with("error Connection failed: Login request to api.reoclo.com timed out after 30 s"),
        "{error}"
    );
}

#[test]
fn a_redirect_names_its_target_unless_it_is_a_secret() {
    for (location, target) in
        [("https://Other.example/x", " redirect to other.example."), ("https://tok-hunter22.example", " redirect.")]
    {
        let headers = vec![("location", location.to_owned())];
        let host = passthrough().responding_with(Ok(Response { status: 307, headers, ..Response::default() }));
        assert!(!host.run(main(&host)));
        let error = host.events("error").concat();
        assert!(error.contains(&format!("failed: HTTP 307{target}")), "{error}");
    }
}

#[test]
fn does_not_retry_final_errors() {
    for response in
        [(400, ""), (401, ""), (403, ""), (404, ""), (422, ""), (501, ""), (302, ""), (200, "{}"), (200, "[1]")]
    {
        let host = vault().responding(&[response]);
        assert!(!host.run(main(&host)));
        assert_eq!(host.events("send").len(), 1, "{response:?}");
    }
}

#[test]
fn retries_status_requests_until_the_deadline() {
    let host = vault().with_inputs(&[("timeout", "60")]).responding(&[ACCEPTED]).responding(&[(503, ""); 40]);
    assert!(!host.run(main(&host)));
    assert_eq!(host.monotonic_ms(), 60_000.0);
    let error = host.events("error").pop().unwrap();
    assert!(error.contains("operation op-1 was still running. Last error: Status request to"), "{error}");
}

#[test]
fn honours_retry_after_within_the_deadline() {
    for (header, waited) in
        [("7", 7_000.0), ("Sun, 06 Nov 1994 08:49:46 GMT", 9_000.0), ("600", 250.0), ("3600", 250.0), ("soon", 250.0)]
    {
        let busy = Response { status: 429, headers: vec![("retry-after", header.into())], ..Response::default() };
        let host = vault().responding_with(Ok(busy)).responding(&[ACCEPTED, SUCCEEDED]);
        assert!(host.run(main(&host)));
        assert_eq!(host.monotonic_ms(), waited, "{header}");
    }
}

#[test]
fn retries_a_login_after_transient_docker_errors() {
    const FLAKY: (u16, &str) =
        (200, r#"{"status":"failed","result":{"exit_code":1,"stderr":"dial tcp: connection refused"}}"#);
    let host = vault().responding(&[ACCEPTED, FLAKY, ACCEPTED, SUCCEEDED]);
    assert!(host.run(main(&host)));
    assert_eq!(retries(&host).len(), 1);

    let host = vault().responding(&[ACCEPTED, FLAKY, ACCEPTED, FLAKY, ACCEPTED, FLAKY, ACCEPTED]);
    assert!(!host.run(main(&host)));
    assert_eq!(host.events("send POST").len(), 3);
    assert!(!is_logged_out_by_post(&host));
}

#[test]
fn dockers_error_is_kept_if_the_timeout_passes_before_the_next_attempt() {
    const FLAKY: (u16, &str) = (200, r#"{"status":"failed","result":{"exit_code":1,"stderr":"i/o timeout"}}"#);
    // The last status request before the timeout comes after 977 ms.
    let host = vault().with_inputs(&[("timeout", "1")]).responding(&[ACCEPTED]).responding(&[RUNNING; 8]);
    let host = host.responding(&[FLAKY, ACCEPTED, SUCCEEDED]);
    assert!(!host.run(main(&host)));
    assert_eq!((retries(&host).len(), host.monotonic_ms()), (1, 1_000.0));
    let error = host.events("error").concat();
    assert!(error.starts_with("error Docker login failed") && error.contains("i/o timeout"), "{error}");
}

#[test]
fn never_retries_after_a_denial() {
    let host = vault().responding(&[ACCEPTED, DENIED, ACCEPTED, SUCCEEDED]);
    assert!(!host.run(main(&host)));
    assert_eq!(host.events("send POST").len(), 1);
}

#[test]
fn an_unconfirmed_attempt_keeps_the_logout() {
    for after in [(403, "{}"), (401, "")] {
        let host = passthrough().responding_with(Err(lost())).responding(&[after]);
        assert!(!host.run(main(&host)));
        assert!(is_logged_out_by_post(&host));
        assert!(saved_login(&host).unwrap().has_unconfirmed_attempt);
    }
    let nothing_sent = passthrough().responding_with(Err(refused())).responding(&[(403, "{}")]);
    assert!(!nothing_sent.run(main(&nothing_sent)));
    assert!(!is_logged_out_by_post(&nothing_sent));
}

#[test]
fn a_retry_replaces_the_operation_in_state() {
    const FLAKY: (u16, &str) = (200, r#"{"status":"failed","result":{"exit_code":1,"stderr":"i/o timeout"}}"#);
    let host = vault().responding(&[ACCEPTED, FLAKY]).cancelling();
    assert!(!host.run(main(&host)));
    assert_eq!(saved_login(&host).unwrap().phase, LoginPhase::Requested);
    assert!(is_logged_out_by_post(&host));
}

#[test]
fn a_cancelled_step_reports_progress_and_keeps_state() {
    let requested = passthrough().cancelling();
    let polling = passthrough().responding(&[ACCEPTED]).cancelling();
    for (host, words) in
        [(requested, "there was no response to the login request"), (polling, "operation op-1 was still running")]
    {
        assert!(!host.run(main(&host)));
        let error = host.events("error").pop().unwrap();
        assert!(error.starts_with("error Cancelled: ") && error.contains(words), "{error}");
        assert!(is_logged_out_by_post(&host));
        assert!(host.monotonic_ms() <= 1_500.0);
    }
}
