//! Both steps with an API that rejects, hangs or changes its speed, as the request budget sees it.

use super::request_budget::{id, ids};
use super::{field, rate_limited};
use crate::host::Host;
use crate::host::fake::{FakeHost, response};
use crate::host::{Response, TransportError};
use crate::step;
use std::cell::Cell;

type Answer = (u32, Result<Response, TransportError>);

const RESPONSE_MS: u32 = 5;

fn host(servers: usize) -> FakeHost {
    FakeHost::default().with_env(&[("GITHUB_STATE", "/state")]).with_inputs(&[
        ("api_key", "rca_key"),
        ("credential_id", &id(1)),
        ("server_id", &ids(servers)),
    ])
}

/// A host of the post step after these logins: server number and the rest of the line.
fn host_after(logins: &[(usize, String)]) -> FakeHost {
    let line = |(server, login): &(usize, String)| format!("{} {login}", id(*server));
    let state: Vec<(String, String)> =
        logins.iter().enumerate().map(|(at, login)| (format!("login_{}", at + 1), line(login))).collect();
    host(1).with_state(&state)
}

fn ok(body: &str) -> Answer {
    (RESPONSE_MS, Ok(response(200, body)))
}

fn rejected(retry_after_s: u32) -> Answer {
    (RESPONSE_MS, Ok(rate_limited(retry_after_s)))
}

/// The number of the server that a request is for.
fn server(body: &str) -> usize {
    field(body, "server_id").get(..8).and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The operation's ID tells its server and when it was started.
fn accepted(body: &str, now_ms: f64) -> Answer {
    let operation = format!(r#"{{"operation_id":"{:08}-{now_ms}","status":"running""#, server(body));
    ok(&format!(r#"{operation},"registry_url":"ghcr.io","registry_type":"ghcr"}}"#))
}

fn started(call: &str) -> (usize, f64) {
    let operation = call.rsplit('/').next().unwrap_or_default();
    let (server, ms) = operation.split_once('-').unwrap_or_default();
    (server.parse().unwrap_or(0), ms.parse().unwrap_or(0.0))
}

fn operation(has_ended: bool) -> Answer {
    ok(if has_ended { r#"{"status":"completed","result":{"exit_code":0}}"# } else { r#"{"status":"running"}"# })
}

fn left_logged_in(host: &FakeHost) -> usize {
    host.events("warning").concat().matches("may still be logged in").count()
}

#[test]
fn a_login_that_waits_for_its_turn_when_the_step_is_cancelled_is_cancelled() {
    let is_first = Cell::new(true);
    let host = host(100).cancelling_at(2_000).responding_by(move |_, body, now_ms| {
        if is_first.replace(false) { (20_000, accepted(body, now_ms).1) } else { rejected(30) }
    });
    host.run(step::main(&host));
    let error = host.events("error").concat();
    assert!(error.starts_with("error Cancelled") && !error.contains("Skipped"), "{error}");
}

#[test]
fn a_login_whose_turn_comes_with_an_invalid_key_is_not_requested() {
    // After the pause both logins get their turn, and the first one finds that the key is invalid.
    let host = host(2).responding_with(Ok(rate_limited(1))).responding(&[(401, "{}")]);
    assert!(!host.run(step::main(&host)));
    assert_eq!(host.events("send").len(), 2);
    assert!(host.events("state login_2=").is_empty(), "{:#?}", host.events("state"));
}

#[test]
fn an_operation_that_hangs_after_a_rejection_is_no_rate_limit() {
    let is_first = Cell::new(true);
    let host = host(1).with_inputs(&[("timeout", "60")]).responding_by(move |call, body, now_ms| {
        if is_first.replace(false) {
            rejected(1)
        } else if call.starts_with("GET") {
            operation(false)
        } else {
            accepted(body, now_ms)
        }
    });
    host.run(step::main(&host));
    assert!(host.events("error")[0].starts_with("error Timed out"), "{:?}", host.events("error"));
}

#[test]
fn a_request_that_the_timeout_cuts_short_does_not_hide_the_rate_limit() {
    let host = host(1).with_inputs(&[("timeout", "60")]).responding_by(|_, _, now_ms| {
        if now_ms < 40_000.0 { rejected(5) } else { (u32::MAX, Ok(response(202, "{}"))) }
    });
    host.run(step::main(&host));
    assert_eq!(host.monotonic_ms(), 60_000.0);
    let error = host.events("error").concat();
    assert!(error.starts_with("error Rate limit exceeded") && error.contains("HTTP 429"), "{error}");
    assert!(host.events("state login_").last().unwrap().contains(" uncertain "), "the last request may have arrived");
}

#[test]
fn operations_that_cannot_be_read_are_noticed_at_once() {
    let unreadable = |call: &str, body: &str, now_ms: f64| {
        if call.starts_with("GET") { (RESPONSE_MS, Ok(response(403, "{}"))) } else { accepted(body, now_ms) }
    };
    let main = host(100).responding_by(unreadable);
    main.run(step::main(&main));
    assert!(main.monotonic_ms() <= 2_000.0, "{} ms", main.monotonic_ms());
    let logins: Vec<(usize, String)> = (1..=100).map(|n| (n, "1 ended 7 certain op-1 ghcr.io -".to_owned())).collect();
    let post = host_after(&logins).responding_by(unreadable);
    post.run(step::post(&post));
    assert_eq!(left_logged_in(&post), 0, "the logouts were accepted");
}

#[test]
fn a_pause_takes_no_time_from_the_logouts_after_it() {
    let logins: Vec<(usize, String)> =
        (1..=5).map(|n| (1, format!("{n} ended 7 certain op-1 r{n}.example -"))).collect();
    for pause_s in [10, 20, 30] {
        let until_ms = f64::from(pause_s) * 1_000.0;
        let host = host_after(&logins).responding_by(move |_, _, now_ms| {
            if now_ms < until_ms { rejected(((until_ms - now_ms) / 1_000.0).ceil() as u32) } else { ok("{}") }
        });
        host.run(step::post(&host));
        assert_eq!(left_logged_in(&host), 0, "{pause_s} s");
    }
    // Longer than post may take.
    let host = host_after(&logins).responding_by(|_, _, _| rejected(120));
    host.run(step::post(&host));
    assert!(host.monotonic_ms() <= 44_000.0);
    assert_eq!(left_logged_in(&host), 5);
}

#[test]
fn a_pause_before_the_first_request_takes_no_time_from_a_logout() {
    // Most of them wait in the queue when the first response tells that the API takes nothing for 20 s.
    let logins: Vec<(usize, String)> =
        (0..90).map(|n| (n / 3 + 1, format!("{0} ended 7 certain op-1 r{0}.example -", n % 3 + 1))).collect();
    let host = host_after(&logins).responding_by(|_, _, now_ms| {
        if now_ms < 20_000.0 { rejected(((20_000.0 - now_ms) / 1_000.0).ceil() as u32) } else { ok("{}") }
    });
    host.run(step::post(&host));
    assert_eq!(left_logged_in(&host), 0, "{:#?}", host.events("warning"));
}

#[test]
fn a_logout_after_a_pause_gets_its_whole_share() {
    let logins: Vec<(usize, String)> =
        (1..=5).map(|n| (1, format!("{n} ended 7 certain op-1 r{n}.example -"))).collect();
    let host = host_after(&logins)
        .responding_by(|_, _, now_ms| if now_ms < 15_000.0 { rejected(15) } else { (2_000, Ok(response(200, "{}"))) });
    host.run(step::post(&host));
    assert_eq!(left_logged_in(&host), 0, "{:#?}", host.events("warning"));
}

#[test]
fn operations_that_become_faster_are_noticed_as_soon() {
    let credentials = (1..=5).map(id).collect::<Vec<_>>().join(",");
    for servers in [4, 5, 20] {
        let host = host(servers).with_inputs(&[("credential_id", &credentials)]);
        let host = host.responding_by(|call, body, now_ms| {
            if !call.starts_with("GET") {
                return accepted(body, now_ms);
            }
            let (_, started_ms) = started(call);
            operation(now_ms - started_ms >= if started_ms < 1_000.0 { 8_000.0 } else { 300.0 })
        });
        assert!(host.run(step::main(&host)));
        assert!(host.monotonic_ms() <= 12_000.0, "{servers} servers: {} ms", host.monotonic_ms());
    }
}

#[test]
fn many_servers_that_hang_do_not_hide_the_others() {
    for hanging in [8, 40, 60] {
        let host = host(100).with_inputs(&[("timeout", "60")]).responding_by(move |call, body, now_ms| {
            if !call.starts_with("GET") {
                return accepted(body, now_ms);
            }
            let (server, started_ms) = started(call);
            operation(server > hanging && now_ms - started_ms >= 300.0)
        });
        host.run(step::main(&host));
        let logged_in = host.events("info").iter().filter(|line| line.contains("Logged in to")).count();
        assert_eq!(logged_in, 100 - hanging);
    }
}

#[test]
fn dockers_error_is_kept_if_the_next_attempt_is_not_sent() {
    let host = host(3).responding_by(|call, body, now_ms| match server(body) {
        _ if call.starts_with("GET") => {
            ok(r#"{"status":"failed","result":{"exit_code":1,"stderr":"dial tcp: connection refused"}}"#)
        }
        3 => (100, rejected(30).1),
        2 => (5_000, Ok(response(401, "{}"))),
        _ => accepted(body, now_ms),
    });
    host.run(step::main(&host));
    assert!(host.events("error").concat().contains("connection refused"), "{:?}", host.events("error"));
}

#[test]
fn all_registries_of_a_server_with_an_unfinished_login_go_first() {
    let ended = "1 ended 7 certain op-1 ghcr.io -";
    let mut logins: Vec<(usize, String)> = (1..=98).map(|n| (n, ended.to_owned())).collect();
    logins.push((99, "1 running 7 certain op-1 ghcr.io -".to_owned()));
    logins.push((99, "2 ended 7 certain op-2 quay.io -".to_owned()));
    let tokens = Cell::new((1.0_f64, 0.0_f64));
    let host = host_after(&logins).responding_by(move |call, _, now_ms| {
        let (tokens_before, filled_ms) = tokens.get();
        let filled = tokens_before + (now_ms - filled_ms) * 0.002;
        tokens.set((if filled < 1.0 { filled } else { filled - 1.0 }, now_ms));
        match call {
            _ if filled < 1.0 => rejected(1),
            _ if call.starts_with("GET") => operation(true),
            _ => ok("{}"),
        }
    });
    host.run(step::post(&host));
    assert!(left_logged_in(&host) > 0, "the limit is too low for all");
    assert!(!host.events("warning").concat().contains("quay.io"));
}

#[test]
fn a_quota_that_is_used_up_is_one_line() {
    let host = host(1).responding_by(|call, body, now_ms| {
        if call.starts_with("GET") {
            return operation(true);
        }
        let (ms, mut answer) = accepted(body, now_ms);
        if let Ok(response) = &mut answer {
            response.headers.push(("ratelimit", r#""default";r=0;t=60"#.to_owned()));
        }
        (ms, answer)
    });
    assert!(host.run(step::main(&host)));
    assert!(host.monotonic_ms() >= 60_000.0);
    assert_eq!(host.events("info The API accepts no more requests for 60.0 s.").len(), 1);
}

/// Logs in on one server, whose login request is answered with this quota.
fn with_quota(header: &str) -> FakeHost {
    let accepted = r#"{"operation_id":"op-1","registry_url":"ghcr.io","registry_type":"ghcr"}"#;
    let mut accepted = response(202, accepted);
    accepted.headers.push(("ratelimit", header.to_owned()));
    let host = host(1).with_inputs(&[("timeout", "60")]).responding_with(Ok(accepted));
    let host = host.responding_by(|_, _, _| operation(true));
    assert!(host.run(step::main(&host)), "{header}: {:?}", host.events("error"));
    host
}

#[test]
fn a_quota_that_resets_after_the_timeout_is_ignored() {
    for header in [r#""default";r=0;t=60"#, r#""default";r=0;t=120"#] {
        let host = with_quota(header);
        assert!(host.monotonic_ms() < 1_000.0, "{header}: {} ms", host.monotonic_ms());
    }
}

#[test]
fn a_quota_for_a_second_is_no_line() {
    let host = with_quota(r#""default";r=0;t=1"#);
    assert!(host.monotonic_ms() >= 1_000.0);
    assert!(!host.events("info").concat().contains("accepts no more requests"));
}

#[test]
fn a_rate_limit_without_retry_after_doubles_the_pause() {
    for retry_after in [None, Some("0")] {
        let at_ms = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
        let seen = std::rc::Rc::clone(&at_ms);
        let host = host(1).with_inputs(&[("timeout", "30")]).responding_by(move |_, _, now_ms| {
            seen.borrow_mut().push(now_ms);
            let headers = retry_after.map(|after| ("retry-after", after.to_owned())).into_iter().collect();
            (0, Ok(Response { status: 429, headers, ..Response::default() }))
        });
        host.run(step::main(&host));
        let pauses: Vec<f64> = at_ms.borrow().windows(2).map(|two| two[1] - two[0]).collect();
        assert_eq!(pauses, [250.0, 500.0, 1_000.0, 2_000.0, 4_000.0, 8_000.0, 10_000.0], "{retry_after:?}");
    }
}
