//! The post step after one login.

use super::{DENIED, ID, RUNNING, SUCCEEDED, rate_limited, vault};
use crate::host::fake::{FakeHost, response};
use crate::host::{Host, TransportError};
use crate::login::logout::POST_TIMEOUT_S;
use crate::step::post;
use std::cell::RefCell;
use std::rc::Rc;

/// The state after the main step; `login` is the line of one login after its server and credential.
fn left(login: &str) -> FakeHost {
    FakeHost::default().with_state(&[
        ("cleanup", "true"),
        ("api_key", "rca_key"),
        ("api_url", "https://api.example.com"),
        ("login_1", &format!("{ID} 1 {login}")),
    ])
}

const ENDED: &str = "ended 7 certain op-1 ghcr.io -";
const RAN: &str = "running 7 certain op-1 ghcr.io -";

#[test]
fn does_nothing_without_state() {
    let host = vault();
    host.run(post(&host));
    assert!(host.events.borrow().is_empty());
}

#[test]
fn a_completed_logout_is_logged_out() {
    const RUNNING_LOGOUT: (u16, &str) = (202, r#"{"operation_id":"op-2","status":"running"}"#);
    const COMPLETED: (u16, &str) = (200, r#"{"operation_id":"op-2","status":"completed"}"#);
    for responses in [
        vec![(200, "{}")],
        vec![(204, "")],
        vec![(200, "[]")],
        vec![COMPLETED],
        vec![RUNNING_LOGOUT, RUNNING, COMPLETED],
        vec![RUNNING_LOGOUT, (200, r#"{"status":"completed","result":{"exit_code":0}}"#)],
        vec![(200, "<html>"), COMPLETED],
        vec![RUNNING_LOGOUT, (200, r#"{"status":"timeout"}"#), COMPLETED],
    ] {
        let host = left(ENDED).responding(&responses);
        host.run(post(&host));
        assert_eq!(host.events("send").len(), responses.len());
        let lines = host.events("info");
        assert_eq!(lines.last(), Some(&format!("info Logged out of ghcr.io on server {ID}")), "{responses:?}");
        assert!(host.events("warning").is_empty());
    }
}

#[test]
fn a_failed_logout_is_a_warning_with_dockers_output() {
    const RUNNING_LOGOUT: (u16, &str) = (202, r#"{"operation_id":"op-2","status":"running"}"#);
    let docker = r#"{"status":"failed","result":{"exit_code":1,"stderr":"Error saving credentials: denied"}}"#;
    for (responses, cause) in [
        (vec![RUNNING_LOGOUT, (200, docker)], "Error saving credentials: denied (operation op-2)."),
        (vec![(200, r#"{"status":"failed"}"#)], "docker logout ghcr.io failed."),
        (vec![(200, "<html>"); 3], "returned invalid or truncated JSON"),
        (vec![RUNNING_LOGOUT, (200, r#"{"status":"completed","operation_id":"op-9"}"#)], "another operation or server"),
        (vec![RUNNING_LOGOUT, (200, r#"{"status":"completed","server_id":"x"}"#)], "another operation or server"),
        (
            vec![RUNNING_LOGOUT, (200, r#"{"status":"completed","operation_type":"registry_login"}"#)],
            "another operation",
        ),
    ] {
        let host = left(ENDED).responding(&responses);
        host.run(post(&host));
        let warning = host.events("warning").concat();
        assert!(warning.contains(cause) && warning.contains(" Fix: "), "{warning}");
        assert!(!host.events("info").concat().contains("Logged out"));
    }
}

#[test]
fn a_logout_without_readable_result_is_requested() {
    const RUNNING_LOGOUT: (u16, &str) = (202, r#"{"operation_id":"op-2","status":"running"}"#);
    for responses in
        [vec![RUNNING_LOGOUT, (403, "")], vec![RUNNING_LOGOUT, (404, "")], vec![(200, r#"{"status":"queued"}"#)]]
    {
        let host = left(ENDED).responding(&responses);
        host.run(post(&host));
        assert!(host.events("info").concat().contains("requested; its result cannot be read"), "{responses:?}");
        assert!(host.events("warning").is_empty());
    }
}

/// Found by the simulation: the API key was part of a URL.
#[test]
fn a_secret_never_becomes_an_operation_id_of_a_logout() {
    let response = (202, r#"{"operation_id":"rca_a-long-key","status":"running"}"#);
    let host = left(ENDED).with_state(&[("api_key", "rca_a-long-key")]).responding(&[response]);
    host.run(post(&host));
    assert_eq!(host.events("send").len(), 1);
    assert!(host.events("info").concat().contains("requested; its result cannot be read"));
}

#[test]
fn waits_for_a_running_login() {
    let host = left(RAN).responding(&[RUNNING, SUCCEEDED, (200, "{}")]);
    host.run(post(&host));
    assert!(host.events("send").pop().unwrap().ends_with("/registry-auth/logout"));
    assert!(host.events("warning").is_empty());
}

#[test]
fn logs_out_a_login_whose_status_cannot_be_read() {
    let host = left(RAN).responding(&[(403, "{}"), (200, "{}")]);
    host.run(post(&host));
    assert_eq!(host.events("info").last(), Some(&format!("info Logged out of ghcr.io on server {ID}")));
    assert!(host.events("warning").is_empty());
}

#[test]
fn warns_of_a_login_that_may_still_be_running() {
    for (status, body) in [(503, "{}"), RUNNING] {
        let host = left(RAN).responding_by(move |call, _, _| {
            let response = if call.starts_with("GET") { response(status, body) } else { response(200, "{}") };
            (10, Ok(response))
        });
        host.run(post(&host));
        assert_eq!(host.events("send POST").len(), 1);
        let warning = host.events("warning").concat();
        assert!(warning.starts_with("warning Login may still be running: Operation op-1 did not finish within 20 s."));
        assert!(warning.contains("stays logged in to ghcr.io. Fix: "), "{warning}");
    }
}

#[test]
fn does_not_log_out_a_failed_login() {
    let host = left(RAN).responding(&[DENIED]);
    host.run(post(&host));
    assert_eq!(host.events("send").len(), 1, "only the poll");
}

#[test]
fn takes_at_most_45_seconds_and_only_warns() {
    let host = left(RAN);
    host.run(post(&host));
    assert!(host.monotonic_ms() <= f64::from(POST_TIMEOUT_S) * 1000.0, "{} ms", host.monotonic_ms());
    assert!(host.events("error").is_empty() && !host.events("warning").is_empty());
}

#[test]
fn tries_a_logout_three_times_then_warns() {
    let host = left(ENDED).responding(&[(503, ""); 9]);
    host.run(post(&host));
    assert_eq!(host.events("send").len(), 3);
    assert_eq!(host.events("warning").len(), 1);
    let host = left(ENDED);
    host.run(post(&host));
    assert_eq!(host.events("send").len(), 3, "a silent API does not use up the time of the other attempts");
    assert!(host.monotonic_ms() <= f64::from(POST_TIMEOUT_S) * 1000.0);
}

#[test]
fn tries_a_logout_three_times_on_the_server() {
    let host = left(ENDED).responding_by(|call, _, _| {
        let failed = r#"{"status":"failed","result":{"exit_code":1,"stderr":"i/o timeout"}}"#;
        let accepted = r#"{"operation_id":"op-2","status":"running"}"#;
        (10, Ok(response(200, if call.starts_with("GET") { failed } else { accepted })))
    });
    host.run(post(&host));
    assert_eq!(host.events("send POST").len(), 3);
    let retries: Vec<String> =
        host.events("info").iter().filter_map(|line| line.split_once("(attempt")).map(|(_, of)| of.into()).collect();
    assert_eq!(retries, [" 2 of 3).", " 3 of 3)."]);
    assert!(host.events("warning").concat().contains("docker logout ghcr.io failed: i/o timeout (operation op-2)."));
}

#[test]
fn a_logout_whose_status_cannot_be_read_in_time_has_not_finished() {
    let host = left(ENDED).responding_by(|call, _, _| {
        let accepted = response(200, r#"{"operation_id":"op-2","status":"running"}"#);
        (10, Ok(if call.starts_with("GET") { response(503, "") } else { accepted }))
    });
    host.run(post(&host));
    assert!(host.events("warning").concat().contains("docker logout ghcr.io did not finish in time (operation op-2)."));
}

#[test]
fn waits_for_an_interrupted_login() {
    let unix_time_ms = FakeHost::default().unix_time_ms();
    for (ago_ms, waited_ms) in [(0.0, 20_000.0), (4_000.0, 16_000.0), (60_000.0, 0.0), (-9e9, 20_000.0)] {
        let at_ms = (unix_time_ms - ago_ms) as u64;
        let host = left(&format!("requested {at_ms} certain - ghcr.io -")).responding(&[(200, "{}")]);
        host.run(post(&host));
        assert_eq!(host.monotonic_ms(), waited_ms);
        assert_eq!(host.events("send POST").len(), 1);
    }
}

#[test]
fn logs_out_a_failed_login_with_unconfirmed_attempt() {
    let host = left("running 7 uncertain op-1 ghcr.io -").responding(&[DENIED, (200, "{}")]);
    host.run(post(&host));
    assert_eq!(host.events("send POST").len(), 1);
}

#[test]
fn one_line_says_why_nothing_is_logged_out() {
    for (host, line) in [
        (left("failed 7 certain op-1 ghcr.io -"), "No logins to clean up"),
        (left(ENDED).with_state(&[("cleanup", "false")]), "stays logged in to ghcr.io"),
    ] {
        host.run(post(&host));
        assert!(host.events("send").is_empty());
        assert_eq!(host.events("info").len(), 1);
        assert!(host.events("info")[0].contains(line));
    }
}

#[test]
fn warns_if_the_registry_is_unknown() {
    let host = left("requested 7 certain - - -");
    host.run(post(&host));
    assert!(host.events("send").is_empty());
    assert!(host.events("warning").len() == 1 && host.events("warning")[0].contains(ID));
}

#[test]
fn warns_if_the_api_key_is_invalid() {
    let host = left(ENDED).with_state(&[("api_key", "")]).with_inputs(&[("api_key", "rca_a\nb")]);
    host.run(post(&host));
    assert!(host.events("send").is_empty());
    let warning = host.events("warning").join("\n");
    assert!(warning.contains("api_key is truncated or contains whitespace"), "{warning}");
}

/// Found by the simulation: the logout overtook a login whose status was refused, which then stayed.
#[test]
fn waits_for_a_login_that_cannot_be_read() {
    let now_ms = FakeHost::default().unix_time_ms() as u64;
    for refusal in [(403, ""), (404, ""), (200, "[]")] {
        let host = left(&format!("running {now_ms} certain op-1 ghcr.io -")).responding(&[refusal, (200, "{}")]);
        host.run(post(&host));
        assert_eq!(host.monotonic_ms(), 20_000.0, "{refusal:?}");
        assert_eq!(host.events("send POST").len(), 1);
    }
}

/// Found by the simulation: the response to the first attempt was lost, and its login ended after the logout.
#[test]
fn waits_for_an_earlier_attempt_with_unknown_operation() {
    let now_ms = FakeHost::default().unix_time_ms() as u64;
    for (phase, responses) in [("ended", vec![(200, "{}")]), ("running", vec![SUCCEEDED, (200, "{}")])] {
        let host = left(&format!("{phase} {now_ms} uncertain op-1 ghcr.io -")).responding(&responses);
        host.run(post(&host));
        assert_eq!(host.monotonic_ms(), 20_000.0, "{phase}");
        assert_eq!(host.events("send POST").len(), 1);
    }
}

/// Found by the simulation: of two logouts at a time, the later one restored the login of the other.
#[test]
fn the_next_logout_on_a_server_waits_for_one_with_unknown_end() {
    let second = format!("{ID} 2 ended 7 certain op-2 quay.io -");
    for (responses, waited_ms) in [
        (vec![(200, "{}"), (200, "{}")], 0.0),
        (vec![(202, r#"{"status":"running"}"#), (200, "{}")], 5_000.0),
        (vec![(502, ""), (200, "{}"), (200, "{}")], 5_250.0),
        (vec![(429, ""), (200, "{}"), (200, "{}")], 250.0),
        (vec![(202, r#"{"operation_id":"op-3","status":"running"}"#), (499, ""), (200, "{}")], 5_000.0),
    ] {
        let host = left(ENDED).with_state(&[("login_2", &second)]).responding(&responses);
        host.run(post(&host));
        assert_eq!(host.monotonic_ms(), waited_ms, "{responses:?}");
        assert_eq!(host.events("send").len(), responses.len());
    }
}

#[test]
fn that_wait_takes_at_most_half_of_the_time_that_is_left() {
    let requested_ms = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&requested_ms);
    let ended =
        |n: usize, registry: &str| (format!("login_{n}"), format!("{ID} {n} ended 7 certain op-{n} {registry} -"));
    let host = left(RAN).with_state(&[ended(2, "quay.io"), ended(3, "a.example")]);
    let host = host.responding_by(move |call, body, now_ms| match call {
        "GET /operations/op-1" => (10, Ok(response(RUNNING.0, RUNNING.1))),
        _ if body.contains("a.example") => {
            seen.borrow_mut().push(now_ms);
            (10, Ok(response(200, "{}")))
        }
        _ => (40_000, Ok(response(200, "{}"))),
    });
    host.run(post(&host));
    // Of 44 s: 20 for the login, 8 for the first logout without response, a quarter of the 16 that are left, 6 for the second
    // one, and half of the last 6.
    assert_eq!(requested_ms.take(), [41_000.0]);
}

/// Found by the simulation: the time of a logout passed while it waited to be requested.
#[test]
fn the_share_of_a_logout_begins_when_it_was_accepted() {
    let second = format!("{ID} 2 ended 7 certain op-2 quay.io -");
    let host = left(ENDED).with_state(&[("login_2", &second)]).responding_by(|call, body, now_ms| match call {
        "POST /registry-auth/logout" if body.contains("ghcr.io") => {
            (7_000, Ok(response(202, r#"{"operation_id":"op-3","status":"running"}"#)))
        }
        "GET /operations/op-3" if now_ms < 24_000.0 => (10, Ok(response(RUNNING.0, RUNNING.1))),
        _ => (10, Ok(response(200, r#"{"status":"completed","result":{"exit_code":0}}"#))),
    });
    host.run(post(&host));
    assert!(host.events("warning").is_empty(), "{:?}", host.events("warning"));
    assert!(host.monotonic_ms() < 30_000.0);
}

/// Found by the simulation: a logout that had waited for its turn had no time left, although the step had.
#[test]
fn the_share_of_a_request_begins_when_it_is_sent() {
    // Eight requests are sent at once; the others wait until the API accepts requests again.
    let login = |n: usize| format!("server-{} {n} ended 7 certain op-{n} registry-{n}.example.com -", n / 2);
    let state: Vec<(String, String)> = (2..22).map(|n| (format!("login_{}", n - 1), login(n))).collect();
    let host = left(ENDED).with_state(&state).responding_by(|_, _, now_ms| {
        if now_ms < 10.0 { (20, Ok(rate_limited(20))) } else { (3_000, Ok(response(200, "{}"))) }
    });
    host.run(post(&host));
    assert!(host.events("warning").is_empty(), "{:?}", host.events("warning"));
    assert_eq!(host.events("info [").iter().filter(|line| line.ends_with("Logged out")).count(), 20);
    assert_eq!(host.events("send").len(), 8 + 20, "none is sent twice");
}

/// A retry of the logout asked for the operation of its login again, after the time for that had passed.
#[test]
fn a_retried_logout_does_not_wait_for_its_login_again() {
    let other = "5c3e0b8f-7a52-4a8e-9d0c-3f1f7f6d2a11";
    let host = left(RAN).with_state(&[("login_2", &format!("{other} 2 running 7 certain op-2 quay.io -"))]);
    let host = host.responding_by(|call, body, now_ms| {
        let (status, body) = match call {
            "GET /operations/op-1" => SUCCEEDED,
            "GET /operations/op-2" => RUNNING,
            _ if body.contains(ID) && now_ms < 10_000.0 => (503, ""),
            _ => (200, "{}"),
        };
        (10, Ok(response(status, body)))
    });
    host.run(post(&host));
    let warnings = host.events("warning").concat();
    assert!(warnings.contains("op-2 did not finish") && !warnings.contains("op-1"), "{warnings}");
    assert_eq!(host.events("send GET").iter().filter(|request| request.ends_with("/op-1")).count(), 1);
}

/// Found by the simulation: the API was down for a second, and one logout was given up long before post ended.
#[test]
fn retries_a_failed_logout_when_the_other_servers_are_done() {
    let other = "5c3e0b8f-7a52-4a8e-9d0c-3f1f7f6d2a11";
    for (other_login_ms, is_logged_out) in [(10_000.0, true), (4_500.0, false), (2_000.0, false)] {
        let host = left(ENDED).with_state(&[("login_2", &format!("{other} 1 {RAN}"))]).responding_by(
            move |call, body, now_ms| {
                let status = match call {
                    "POST /registry-auth/logout" if now_ms < 1_900.0 && body.contains(ID) => 503,
                    _ => 200,
                };
                let operation = if now_ms < other_login_ms { RUNNING.1 } else { SUCCEEDED.1 };
                let body = if call.starts_with("GET") { operation } else { "{}" };
                (10, Ok(crate::host::fake::response(status, body)))
            },
        );
        host.run(post(&host));
        assert_eq!(host.events("warning").is_empty(), is_logged_out);
        assert_eq!(
            host.events("info [").iter().filter(|line| line.ends_with("Logged out")).count(),
            1 + usize::from(is_logged_out)
        );
    }
}

/// Found by the simulation: an earlier 429 counted as its reason, so it was sent again at once, and the others got no time.
#[test]
fn a_logout_that_timed_out_after_a_429_lets_the_next_one_go_first() {
    let requests = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&requests);
    let second = format!("{ID} 2 ended 7 certain op-2 quay.io -");
    let host = left(ENDED).with_state(&[("login_2", &second)]).responding_by(move |_, body, _| {
        let mut seen = seen.borrow_mut();
        seen.push(if body.contains("ghcr.io") { "ghcr.io" } else { "quay.io" });
        let status = [503, 503, 429, 0].get(seen.len() - 1).copied().unwrap_or(200);
        (10, if status == 0 { Err(TransportError::TimedOut { was_sent: true }) } else { Ok(response(status, "{}")) })
    });
    host.run(post(&host));
    assert_eq!(requests.take(), ["ghcr.io", "ghcr.io", "ghcr.io", "ghcr.io", "quay.io", "ghcr.io"]);
}
