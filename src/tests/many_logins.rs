//! Both steps with several servers and credentials.

use super::field;
use crate::host::Host;
use crate::host::fake::{FakeHost, response};
use crate::login::state::{LoginPhase, SavedLogin};
use crate::step;

/// The id of a server or credential, such as `s1` or `c2`.
fn id(name: &str) -> String {
    format!("{:0>8}-5c3e-4a8e-9d0c-3f1f7f6d2a11", name.replace('s', "a"))
}

fn ids(names: &[&str]) -> String {
    names.iter().map(|name| id(name)).collect::<Vec<_>>().join("\n")
}

const LOGIN_MS: f64 = 1_000.0;

/// An API on which a login takes a second, a registry is named after its credential, and `bad` says what becomes of the
/// login requests that it knows.
fn fleet(servers: &[&str], credentials: &[&str], bad: fn(&str) -> Option<(u32, u16)>) -> FakeHost {
    let started_ms = std::cell::RefCell::new(std::collections::HashMap::new());
    FakeHost::default()
        .with_env(&[("GITHUB_STATE", "/state")])
        .with_inputs(&[
            ("api_key", "rca_key"),
            ("server_id", &ids(servers)),
            ("credential_id", &ids(credentials)),
            ("timeout", "60"),
        ])
        .responding_by(move |call, body, now_ms| {
            let (server, credential) = (field(body, "server_id"), field(body, "credential_id"));
            if call.ends_with("/login") {
                let pair = format!("{}-{}", &server[6..8], &credential[6..8]);
                if let Some((ms, status)) = bad(&pair) {
                    return (ms, Ok(response(status, r#"{"detail":"No."}"#)));
                }
                started_ms.borrow_mut().insert(pair.clone(), now_ms);
                let registry = format!("{}.example", &credential[6..8]);
                let accepted =
                    format!(r#"{{"operation_id":"{pair}","registry_url":"{registry}","registry_type":"generic"}}"#);
                return (10, Ok(response(202, &accepted)));
            }
            if !call.starts_with("GET") {
                return (10, Ok(response(200, "{}")));
            }
            let pair = call.rsplit('/').next().unwrap_or_default();
            let has_ended = started_ms.borrow().get(pair).is_some_and(|started_ms| now_ms >= started_ms + LOGIN_MS);
            let status = if has_ended { "completed" } else { "running" };
            let operation = format!(r#"{{"status":"{status}","server_name":"web","result":{{"exit_code":0}}}}"#);
            (10, Ok(response(200, &operation)))
        })
}

/// An API that accepts every passthrough login, and whose operations have all completed.
fn passthrough(servers: &[&str], registries: &str) -> FakeHost {
    FakeHost::default()
        .with_env(&[("GITHUB_STATE", "/state")])
        .with_inputs(&[
            ("api_key", "rca_key"),
            ("server_id", &ids(servers)),
            ("username", "AWS"),
            ("access_token", "tok-hunter22"),
            ("registry_url", registries),
        ])
        .responding_by(move |call, body, _| {
            let registry = field(body, "registry_url");
            let operation_id = id("e1");
            let accepted =
                format!(r#"{{"operation_id":"{operation_id}","registry_url":"{registry}","registry_type":"aws_ecr"}}"#);
            let body = if call.ends_with("/login-direct") { accepted.as_str() } else { COMPLETED };
            (10, Ok(response(200, body)))
        })
}

const COMPLETED: &str = r#"{"status":"completed","server_name":"web-1.eu-west-1.example","result":{"exit_code":0}}"#;

#[test]
fn logs_in_to_all_registries_with_one_token() {
    let host = passthrough(&["s1", "s2"], "c1.example, https://C2.example/\nc1.example");
    assert!(host.run(step::main(&host)), "{:#?}", host.events("error"));
    assert_eq!(
        host.events("output registry_url="),
        ["output registry_url=c1.example\nc2.example\nc1.example\nc2.example"]
    );
    assert_eq!(host.events("info Logging in"), ["info Logging in to 2 registries on 2 servers (passthrough mode)"]);
    let saved: Vec<_> = saved_logins(&host).into_iter().map(|(n, login)| (n, login.credential)).collect();
    assert_eq!(saved, [(1, 1), (2, 2), (3, 1), (4, 2)]);
    let post = after(&host);
    post.run(step::post(&post));
    assert_eq!(post.events("send POST").len(), 4);
}

#[test]
fn state_of_100_registries_fits_environment_of_windows() {
    let registries: String = (0..100).map(|n| format!("{n:012}.dkr.ecr.ap-southeast-1.amazonaws.com\n")).collect();
    let host = passthrough(&["s1"], &registries);
    assert!(host.run(step::main(&host)), "{:#?}", host.events("error"));
    let saved = saved_logins(&host);
    assert_eq!(saved.len(), 100);
    let lines = host.events("state login_");
    let state: usize = saved
        .iter()
        .filter_map(|(n, _)| lines.iter().rfind(|line| line.starts_with(&format!("state login_{n}="))))
        .map(|line| "STATE_".len() + line.len() - "state ".len() + 1)
        .sum();
    // Runners also pass the input. The rest of the 32 KB is for the token of 3 KB and the environment of the job.
    let input = "INPUT_REGISTRY_URL=".len() + registries.len() + 1;
    assert!(state + input < 25 * 1024, "{state} + {input}");
}

fn no_error(_: &str) -> Option<(u32, u16)> {
    None
}

/// What the post step would load, in the order of the inputs.
fn saved_logins(host: &FakeHost) -> Vec<(usize, SavedLogin)> {
    let number = |event: &str| event["state login_".len()..].split_once('=').map(|(n, _)| n.parse().unwrap());
    let mut last = std::collections::BTreeMap::new();
    for event in host.events("state login_") {
        last.insert(number(&event).unwrap(), SavedLogin::parse(event.split_once('=').unwrap().1).unwrap());
    }
    last.into_iter().collect()
}

/// The post step after `main`.
fn after(main: &FakeHost) -> FakeHost {
    let state: Vec<(String, String)> = main
        .events("state ")
        .iter()
        .filter_map(|event| event["state ".len()..].split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect();
    fleet(&["s1"], &["c1"], no_error).with_state(&state)
}

#[test]
fn logs_in_all_pairs_with_ordered_outputs() {
    let host = fleet(&["s1", "s2"], &["c1", "c2", "c3"], no_error);
    assert!(host.run(step::main(&host)), "{:#?}", host.events("error"));
    assert_eq!(
        host.events("output operation_id="),
        ["output operation_id=a1-c1\na1-c2\na1-c3\na2-c1\na2-c2\na2-c3".to_owned()]
    );
    assert_eq!(host.events("info 6 of 6 logins succeeded").len(), 1);
    assert!(host.events("warning").is_empty());
    let post = after(&host);
    post.run(step::post(&post));
    assert_eq!(post.events("send POST").len(), 6);
    assert!(post.events("warning").is_empty());
}

#[test]
fn one_failure_does_not_stop_other_logins() {
    let host = fleet(&["s1", "s2", "s3"], &["c1", "c2"], |pair| (pair == "a2-c1").then_some((10, 404)));
    assert!(!host.run(step::main(&host)));
    let error = host.events("error").concat();
    assert!(
        error.starts_with("error Server or credential not found: 1 of 6 logins failed:\nserver 000000a2"),
        "{error}"
    );
    assert!(error.contains("credential 000000c1") && error.contains("HTTP 404"), "{error}");
    assert_eq!(host.events("output operation_id="), ["output operation_id=a1-c1\na1-c2\n-\na2-c2\na3-c1\na3-c2"]);
    assert!(host.events("output logins=")[0].matches("\"server_id\"").count() == 5);
    let post = after(&host);
    post.run(step::post(&post));
    assert_eq!(post.events("send POST").len(), 5);
}

#[test]
fn invalid_key_stops_all_logins() {
    let host = fleet(&["s1", "s2"], &["c1", "c2", "c3"], |_| Some((10, 401)));
    assert!(!host.run(step::main(&host)));
    assert_eq!(host.events("send").len(), 2, "one per server");
    let error = host.events("error").concat();
    assert!(
        error.contains("2 logins: Login request to") && error.contains("4 logins: Skipped: another login failed"),
        "{error}"
    );
    assert!(error.starts_with("error Invalid API key: 6 of 6 logins failed:"), "{error}");
    assert!(saved_logins(&host).iter().all(|(_, record)| record.phase == LoginPhase::Failed));
}

#[test]
fn nothing_is_retried_after_an_invalid_key() {
    let host = fleet(&["s1", "s2"], &["c1"], |pair| Some(if pair == "a1-c1" { (2_000, 503) } else { (10, 401) }));
    assert!(!host.run(step::main(&host)));
    assert_eq!((host.events("send").len(), host.monotonic_ms()), (2, 2_000.0));
    assert!(!host.events("info").concat().contains("Retrying"));
}

#[test]
fn the_last_line_has_the_duration_of_the_step() {
    let host = fleet(&["s1", "s2"], &["c1"], no_error);
    host.run(host.sleep(5_000));
    assert!(host.run(step::main(&host)));
    assert_eq!(host.events("info 2 of 2"), ["info 2 of 2 logins succeeded in 1.2 s; the post step will log out"]);
    assert!(host.events("error").is_empty());
}

#[test]
fn cancel_starts_no_login_and_keeps_state() {
    let host = fleet(&["s1", "s2"], &["c1", "c2"], no_error).cancelling_at(500);
    assert!(!host.run(step::main(&host)));
    assert!(host.monotonic_ms() <= 2_000.0);
    let seen: Vec<_> = saved_logins(&host).into_iter().map(|(number, record)| (number, record.phase)).collect();
    assert_eq!(seen, [(1, LoginPhase::Running), (3, LoginPhase::Running)]);
    let error = host.events("error").concat();
    assert!(error.starts_with("error Cancelled: 4 of 4 logins failed:"), "{error}");
}

#[test]
fn cancel_waits_for_responses_only() {
    // The response for the second server takes 2 s; the first server has finished one login after 1.03 s.
    let host = fleet(&["s1", "s2"], &["c1", "c2"], |pair| (pair == "a2-c1").then_some((2_000, 503)));
    let host = host.cancelling_at(900);
    assert!(!host.run(step::main(&host)));
    let seen: Vec<_> = saved_logins(&host).into_iter().map(|(number, record)| (number, record.phase)).collect();
    assert_eq!(seen, [(1, LoginPhase::Ended), (3, LoginPhase::Requested)]);

    // A request that is given up is not a failure of its own.
    let host = fleet(&["s1"], &["c1"], |_| Some((1_200, 503))).cancelling_at(900);
    assert!(!host.run(step::main(&host)));
    let error = host.events("error").concat();
    assert!(error.starts_with("error Cancelled: The step was cancelled: the login had not been accepted"), "{error}");

    // All that had begun ends meanwhile: the others have been cancelled all the same.
    let host = fleet(&["s1", "s2"], &["c1", "c2"], |pair| (pair == "a2-c1").then_some((1_200, 404)));
    let host = host.cancelling_at(900);
    assert!(!host.run(step::main(&host)));
    assert_eq!(saved_logins(&host).len(), 2);
    let error = host.events("error").concat();
    assert!(error.contains("2 logins: The step was cancelled: the login had not been accepted"), "{error}");
}

#[test]
fn sends_no_request_after_the_deadline() {
    let host = fleet(&["s1"], &["c1", "c2", "c3"], no_error).with_inputs(&[("timeout", "1")]);
    assert!(!host.run(step::main(&host)));
    assert_eq!(host.events("send POST").len(), 1);
    let error = host.events("error").concat();
    assert!(error.starts_with("error Timed out: 3 of 3 logins failed:"), "{error}");
    assert!(error.contains("2 logins: Skipped: the timeout passed before this login was started"), "{error}");
    assert_eq!(saved_logins(&host).len(), 1, "a login that was not started is not saved");
}

#[test]
fn shows_each_fix_once() {
    let host = fleet(&["s1", "s2"], &["c1", "c2"], |pair| match pair {
        "a1-c1" | "a2-c2" => Some((10, 404)),
        "a1-c2" => Some((10, 403)),
        _ => None,
    });
    assert!(!host.run(step::main(&host)));
    let error = host.events("error").concat();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 5, "{error}");
    assert_eq!(lines[0], "error Logins failed: 3 of 4 logins failed:");
    assert!(lines[1].starts_with("2 logins: Login request to api.reoclo.com failed: HTTP 404"), "{error}");
    assert!(lines[2].starts_with("Fix: check server_id") && lines[4].starts_with("Fix: open the key"), "{error}");
}

#[test]
fn cancel_during_backoff_sends_nothing() {
    // HTTP 503 at once every time; the response for the other server would take 2 s.
    let host = fleet(&["s1"], &["c1"], |_| Some((10, 503))).cancelling_at(100);
    assert!(!host.run(step::main(&host)));
    assert_eq!((host.events("send").len(), host.monotonic_ms()), (1, 100.0));
    let host = fleet(&["s1", "s2"], &["c1"], |pair| Some(if pair == "a1-c1" { (10, 503) } else { (2_000, 503) }));
    let host = host.cancelling_at(100);
    assert!(!host.run(step::main(&host)));
    assert_eq!((host.events("send").len(), host.monotonic_ms()), (2, 1_600.0));
    assert!(saved_logins(&host).iter().all(|(_, record)| record.phase == LoginPhase::Requested));
}

#[test]
fn warns_about_two_credentials_for_one_registry() {
    let host = fleet(&["s1"], &["c1", "ffc1"], no_error);
    assert!(host.run(step::main(&host)));
    assert_eq!(host.events("warning Duplicate registry").len(), 1);
    let post = after(&host);
    post.run(step::post(&post));
    assert_eq!(post.events("send POST").len(), 1);
}

#[test]
fn uses_the_registry_of_another_server() {
    let lost = format!("{} 1 requested 7 certain - - -", id("s2"));
    let known = format!("{} 1 ended 7 certain op-1 ghcr.io web-1", id("s1"));
    let host = fleet(&["s1"], &["c1"], no_error).with_state(&[("login_1", &known), ("login_2", &lost)]);
    host.run(step::post(&host));
    assert_eq!(host.events("info [").len(), 2, "{:#?}", host.events.borrow());
    assert!(host.events("warning").is_empty());
}

#[test]
fn ends_in_time_if_the_api_is_silent() {
    for (servers, credentials) in [(1, 100), (100, 1), (10, 10)] {
        let host = logging_out(servers, credentials, u32::MAX, "{}");
        assert!(host.monotonic_ms() <= 44_000.0, "{} ms", host.monotonic_ms());
        let warnings = host.events("warning Logout failed");
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].matches("may still be logged in to").count(), 100);
    }
}

/// What post does with logins that have ended, on so many servers of so many credentials each, where a logout takes so
/// long and is answered with `body`.
fn logging_out(servers: usize, credentials: usize, ms: u32, body: &'static str) -> FakeHost {
    let state: Vec<(String, String)> = (0..servers * credentials)
        .map(|n| {
            let (server, registry) = (id(&format!("{}", n % servers)), n / servers);
            (format!("login_{}", n + 1), format!("{server} {registry} ended 7 certain op-1 r{registry}.example -"))
        })
        .collect();
    let host = FakeHost::default().with_inputs(&[("api_key", "rca_key")]).with_state(&state);
    let host = host.responding_by(move |_, _, _| (ms, Ok(response(200, body))));
    host.run(step::post(&host));
    host
}

#[test]
fn slow_logouts_get_enough_time() {
    for (servers, credentials, ms) in [(100, 1, 2_000), (48, 1, 3_000), (4, 25, 700), (1, 30, 700), (1, 1, 14_000)] {
        let host = logging_out(servers, credentials, ms, "{}");
        assert_eq!(host.events("send POST").len(), servers * credentials, "{servers} x {credentials}, {ms} ms");
        assert!(host.events("warning").is_empty());
    }
}

#[test]
fn a_silent_api_is_asked_for_every_logout() {
    let host = logging_out(1, 100, u32::MAX, "{}");
    assert_eq!(host.events("send POST").len(), 100);
}

#[test]
fn the_last_logout_of_a_server_gets_all_the_time_that_is_left() {
    let state: Vec<(String, String)> = (1..=2)
        .map(|n| (format!("login_{n}"), format!("{} {n} ended 7 certain op-1 r{n}.example -", id("s1"))))
        .collect();
    let host = FakeHost::default().with_inputs(&[("api_key", "rca_key")]).with_state(&state);
    let host = host.responding_by(|call, body, now_ms| {
        let body = match (call.starts_with("GET"), field(body, "registry_url")) {
            (true, _) if now_ms >= 35_000.0 => r#"{"status":"completed"}"#,
            (true, _) => r#"{"status":"running"}"#,
            (false, "r1.example") => "{}",
            (false, _) => r#"{"operation_id":"op-2","status":"running"}"#,
        };
        (10, Ok(response(200, body)))
    });
    host.run(step::post(&host));
    assert!(host.events("warning").is_empty(), "{:?}", host.events("warning"));
}

#[test]
fn silent_servers_leave_time_for_others() {
    let state: Vec<(String, String)> = (1..=100)
        .map(|n| (format!("login_{n}"), format!("{} 1 ended 7 certain op-1 ghcr.io -", id(&n.to_string()))))
        .collect();
    let host = FakeHost::default().with_inputs(&[("api_key", "rca_key")]).with_state(&state);
    let host = host.responding_by(|_, body, _| {
        let hangs = field(body, "server_id")[..8].parse::<u32>().is_ok_and(|n| n <= 80);
        (if hangs { u32::MAX } else { 2_000 }, Ok(response(200, "{}")))
    });
    host.run(step::post(&host));
    assert!(host.monotonic_ms() <= 44_000.0);
    assert_eq!(host.events("info [").iter().filter(|line| line.ends_with("Logged out")).count(), 20);
}

#[test]
fn waits_for_a_running_logout_within_limits() {
    const RUNS: &str = r#"{"operation_id":"op-2","status":"running"}"#;
    for credentials in [12, 100] {
        let host = logging_out(1, credentials, 10, RUNS);
        assert_eq!(host.events("send POST").len(), credentials);
        assert!(host.monotonic_ms() <= 44_000.0);
        let polled =
            host.events.borrow().windows(2).filter(|two| two[0].contains("POST") && two[1].contains("GET")).count();
        assert_eq!(polled, credentials);
        assert_eq!(
            host.events("warning Logout failed").concat().matches("did not finish in time").count(),
            credentials
        );
    }
}

#[test]
fn waits_for_a_login_with_unknown_registry() {
    let unix_time_ms = FakeHost::default().unix_time_ms();
    let lost = format!("{} 2 requested {unix_time_ms} certain - - -", id("s1"));
    let known = format!("{} 1 ended 7 certain op-1 ghcr.io web-1", id("s1"));
    let sent_at = |state: &[(&str, &str)]| {
        let host = FakeHost::default().with_inputs(&[("api_key", "rca_key")]).with_state(state);
        let host = host.responding(&[(200, "{}")]);
        host.run(step::post(&host));
        (host.monotonic_ms(), host.events("send POST").len(), host.events("warning").len())
    };
    assert_eq!(sent_at(&[("login_1", &known), ("login_2", &lost)]), (20_000.0, 1, 1));
    assert_eq!(
        sent_at(&[("login_2", &lost)]),
        (0.0, 0, 1),
        "with nothing else to log out there is nothing to wait for"
    );
}

#[test]
fn logs_progress_after_5_s_then_every_10_s() {
    let host = fleet(&["s1", "s2"], &["c1"], |pair| (pair == "a2-c1").then_some((27_000, 404)));
    host.run(step::main(&host));
    let progress = host.events("info Still waiting");
    assert_eq!(progress.len(), 3, "{progress:#?}");
    let name = format!("server {}, credential {}", id("s2"), id("c1"));
    assert_eq!(
        progress[1],
        format!("info Still waiting after 15 s (1 of 2 logins finished, 1 running, 0 waiting): {name}")
    );
}

/// Found by the simulation: the response to a login was lost, and its docker undid the next login on the server.
#[test]
fn the_next_login_on_a_server_waits_for_one_with_unknown_operation() {
    let host = fleet(&["s1"], &["c1", "c2"], |_| None).responding_with(Ok(response(502, "")));
    assert!(host.run(step::main(&host)));
    let waited_ms = host.monotonic_ms();
    let host = fleet(&["s1"], &["c1", "c2"], |_| None).responding_with(Ok(response(429, "")));
    assert!(host.run(step::main(&host)));
    assert_eq!(waited_ms - host.monotonic_ms(), 5_000.0);
}
