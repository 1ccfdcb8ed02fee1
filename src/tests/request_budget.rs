//! Both steps with up to a hundred servers, and with an API that limits requests.

use super::{field, rate_limited};
use crate::host::Host;
use crate::host::Response;
use crate::host::fake::{FakeHost, response};
use crate::step;
use std::cell::RefCell;
use std::rc::Rc;

pub(super) fn id(number: usize) -> String {
    format!("{number:08}-5c3e-4a8e-9d0c-3f1f7f6d2a11")
}

pub(super) fn ids(count: usize) -> String {
    (1..=count).map(id).collect::<Vec<_>>().join(",")
}

/// An automation API, its servers, and what it has seen.
#[derive(Clone)]
struct Api {
    /// How long the operations of a server take, by its number.
    operation_ms: fn(usize) -> f64,
    /// Whether the response to a logout comes after it has ended.
    logout_is_direct: bool,
    limit: Option<Limit>,
    /// Seconds of `Retry-After`; `None` for the time until there is a token.
    retry_after_s: Option<u32>,
    rejects_with: u16,
    /// Whether responses have a `RateLimit` header.
    tells_quota: bool,
    response_ms: u32,
    exit_code: u8,
    requests: Rc<RefCell<Vec<Seen>>>,
}

/// A bucket of tokens, one for each request.
#[derive(Clone, Copy)]
struct Limit {
    at_start: f64,
    capacity: f64,
    per_s: f64,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Login,
    Status,
    Logout,
}

#[derive(Clone, Copy)]
struct Seen {
    at_ms: f64,
    kind: Kind,
    server: usize,
    is_rejected: bool,
}

impl Default for Api {
    fn default() -> Self {
        Self {
            operation_ms: |_| 300.0,
            logout_is_direct: true,
            limit: None,
            retry_after_s: None,
            rejects_with: 429,
            tells_quota: false,
            response_ms: 5,
            exit_code: 0,
            requests: Rc::default(),
        }
    }
}

/// Two requests a second, and as many at once as two a second are in a minute.
const PER_MINUTE: Limit = Limit { at_start: 120.0, capacity: 120.0, per_s: 2.0 };

impl Api {
    fn host(&self, inputs: &[(&str, &str)]) -> FakeHost {
        let api = self.clone();
        let tokens = RefCell::new((self.limit.map_or(0.0, |limit| limit.at_start), 0.0));
        let credential_id = id(1);
        let inputs = [&[("api_key", "rca_key"), ("credential_id", credential_id.as_str())], inputs].concat();
        FakeHost::default().with_env(&[("GITHUB_STATE", "/state")]).with_inputs(&inputs).responding_by(
            move |call, body, now_ms| {
                let number = |text: &str| text.get(..8).and_then(|digits| digits.parse::<usize>().ok()).unwrap_or(0);
                let rejected = api.take_token(&mut tokens.borrow_mut(), now_ms);
                let (kind, server) = match call.rsplit_once('/').unwrap_or_default() {
                    (_, operation) if call.starts_with("GET") => (Kind::Status, number(operation)),
                    (_, "logout") => (Kind::Logout, number(field(body, "server_id"))),
                    _ => (Kind::Login, number(field(body, "server_id"))),
                };
                api.requests.borrow_mut().push(Seen { at_ms: now_ms, kind, server, is_rejected: rejected.is_some() });
                if let Some(seconds) = rejected {
                    return (api.response_ms, Ok(Response { status: api.rejects_with, ..rate_limited(seconds) }));
                }
                // The ID of an operation tells its server and when it started.
                let started = format!(
                    r#""operation_id":"{server:08}-{now_ms}","status":"running","registry_url":"ghcr.io","registry_type":"ghcr""#
                );
                let ended = |started_ms: f64| now_ms >= started_ms + (api.operation_ms)(server);
                let body = match kind {
                    Kind::Login => format!("{{{started}}}"),
                    Kind::Logout if api.logout_is_direct => "{}".to_owned(),
                    Kind::Logout => format!("{{{started}}}"),
                    Kind::Status => {
                        let started_ms = call.rsplit_once('-').and_then(|(_, ms)| ms.parse().ok()).unwrap_or_default();
                        let status = if ended(started_ms) { "completed" } else { "running" };
                        format!(r#"{{"status":"{status}","result":{{"exit_code":{}}}}}"#, api.exit_code)
                    }
                };
                let status = if kind == Kind::Login { 202 } else { 200 };
                let response_ms = if kind == Kind::Logout && api.logout_is_direct { 300 } else { api.response_ms };
                let mut response = response(status, &body);
                if api.tells_quota {
                    let reset_s = api.limit.map_or(0.0, |limit| (1.0 / limit.per_s).ceil());
                    let quota = format!(r#""default";r={};t={reset_s}"#, tokens.borrow().0.floor());
                    response.headers.push(("ratelimit", quota));
                }
                (response_ms, Ok(response))
            },
        )
    }

    /// Seconds until there is a token, if there is none.
    fn take_token(&self, (tokens, filled_ms): &mut (f64, f64), now_ms: f64) -> Option<u32> {
        let Limit { capacity, per_s, .. } = self.limit?;
        *tokens = f64::min(capacity, *tokens + (now_ms - *filled_ms) * per_s / 1_000.0);
        *filled_ms = now_ms;
        if *tokens < 1.0 {
            return self.retry_after_s.or(Some(((1.0 - *tokens) / per_s).ceil() as u32));
        }
        *tokens -= 1.0;
        None
    }

    /// Runs the main step on so many servers.
    fn log_in(&self, servers: usize, inputs: &[(&str, &str)]) -> FakeHost {
        let host = self.host(&[&[("server_id", &*ids(servers))], inputs].concat());
        let succeeded = host.run(step::main(&host));
        assert_eq!(succeeded, host.events("error").is_empty());
        host
    }

    /// Runs the post step after logins on so many servers.
    fn log_out(&self, servers: usize, phase: &str) -> FakeHost {
        let login = |n: usize| format!("{} 1 {phase} 7 certain {n:08}-0 ghcr.io -", id(n));
        let state: Vec<(String, String)> = (1..=servers).map(|n| (format!("login_{n}"), login(n))).collect();
        let host = self.host(&[]).with_state(&state);
        host.run(step::post(&host));
        host
    }

    fn count(&self, kind: Kind) -> usize {
        self.requests.borrow().iter().filter(|seen| seen.kind == kind && !seen.is_rejected).count()
    }

    fn all(&self) -> Vec<Seen> {
        self.requests.borrow().clone()
    }

    fn rejected(&self) -> usize {
        self.requests.borrow().iter().filter(|seen| seen.is_rejected).count()
    }
}

const SHORT: fn(usize) -> f64 = |_| 300.0;
const LONG: fn(usize) -> f64 = |_| 3_000.0;

/// The 429s of a step that are too many.
const MANY: usize = 20;

#[test]
fn a_hundred_servers_take_at_most_a_second_longer_than_one() {
    for operation_ms in [SHORT, LONG] {
        let api = |servers| {
            let api = Api { operation_ms, ..Api::default() };
            (api.log_in(servers, &[]).monotonic_ms(), api.count(Kind::Status))
        };
        let ((one_ms, _), (all_ms, polls)) = (api(1), api(100));
        assert!(all_ms <= one_ms + 1_000.0, "{one_ms} ms, then {all_ms} ms");
        assert!(polls <= 150, "{polls}");
    }
}

#[test]
fn servers_that_differ_are_noticed_in_time() {
    let api = Api { operation_ms: |server| 1_000.0 + (server * 37 % 41) as f64 * 100.0, ..Api::default() };
    let host = api.log_in(100, &[]);
    assert!(host.monotonic_ms() <= 5_000.0 * 1.25 + 500.0, "{} ms", host.monotonic_ms());
    assert!(api.count(Kind::Status) <= 900);
}

#[test]
fn logins_that_fail_are_noticed_as_soon() {
    let ms = |exit_code| Api { exit_code, ..Api::default() }.log_in(100, &[]).monotonic_ms();
    assert_eq!(ms(1), ms(0));
}

#[test]
fn servers_that_hang_delay_no_other() {
    let last_ms = |operation_ms| {
        let api = Api { operation_ms, ..Api::default() };
        let host = api.log_in(100, &[("timeout", "60")]);
        let others = |seen: &&Seen| seen.server > 8;
        (api.all().iter().rev().find(others).unwrap().at_ms, host.events("info [").len())
    };
    let (without_ms, _) = last_ms(LONG);
    let (with_ms, lines) = last_ms(|server| if server <= 8 { f64::INFINITY } else { 3_000.0 });
    assert!(with_ms <= without_ms * 1.05, "{without_ms} ms, then {with_ms} ms");
    assert_eq!(lines, 8 * 2 + 92 * 2);
}

#[test]
fn never_sends_more_than_the_maximum() {
    let api = Api::default();
    api.log_in(100, &[]);
    let at_ms: Vec<f64> = api.all().iter().map(|seen| seen.at_ms).collect();
    for from_ms in &at_ms {
        let second = at_ms.iter().filter(|at| (*from_ms..*from_ms + 1_000.0).contains(at)).count();
        assert!(second <= 208, "{second} in a second");
    }
}

#[test]
fn a_rate_limit_fails_no_login() {
    for (capacity, per_s) in [(120.0, 2.0), (10.0, 2.0), (30.0, 10.0)] {
        for (operation_ms, response_ms) in [(SHORT, 5), (LONG, 5), (SHORT, 100)] {
            let limit = Limit { at_start: capacity, capacity, per_s };
            let api = Api { limit: Some(limit), operation_ms, response_ms, ..Api::default() };
            let host = api.log_in(100, &[]);
            assert!(host.events("error").is_empty(), "{:#?}", host.events("error"));
            let factor = host.monotonic_ms() / ((200.0 - capacity) / per_s * 1_000.0);
            assert!(factor <= 1.25, "{capacity}, {per_s}/s: {factor:.2}");
            // At the first rejection the requests of one response time are under way.
            let most = MANY + response_ms as usize / 5;
            assert!(api.rejected() <= most, "{capacity}, {per_s}/s: {} rejected", api.rejected());
            let lines = host.events("info").iter().filter(|line| line.contains("HTTP 429")).count();
            assert_eq!(lines, 1);
        }
    }
}

#[test]
fn logins_are_requested_before_any_status_oldest_first() {
    let limit = Limit { at_start: 10.0, ..PER_MINUTE };
    let api = Api { limit: Some(limit), ..Api::default() };
    api.log_in(20, &[]);
    let accepted: Vec<Seen> = api.all().into_iter().filter(|seen| !seen.is_rejected).collect();
    let servers = |kind| accepted.iter().filter(|seen| seen.kind == kind).map(|seen| seen.server).collect::<Vec<_>>();
    assert!(accepted[..20].iter().all(|seen| seen.kind == Kind::Login));
    // The youngest operation may be asked out of turn.
    let (logins, statuses) = (servers(Kind::Login), servers(Kind::Status));
    let in_order = statuses
        .windows(2)
        .filter(|two| logins.iter().position(|s| *s == two[0]) < logins.iter().position(|s| *s == two[1]));
    assert!(in_order.count() >= statuses.len() - 3, "{logins:?}, then {statuses:?}");
}

#[test]
fn a_rejection_pauses_the_whole_step() {
    for rejects_with in [429, 503] {
        let limit = Limit { at_start: 30.0, capacity: 30.0, per_s: 5.0 };
        let api = Api { limit: Some(limit), retry_after_s: Some(5), rejects_with, ..Api::default() };
        let host = api.log_in(20, &[("credential_id", &format!("{},{}", id(1), id(2)))]);
        assert!(host.events("error").is_empty());
        let all = api.all();
        let mut pauses = all.iter().filter(|seen| seen.is_rejected).map(|seen| seen.at_ms + 5.0);
        let from_ms = pauses.next().unwrap();
        assert!(!all.iter().any(|seen| seen.at_ms > from_ms && seen.at_ms < from_ms + 5_000.0), "{rejects_with}");
        let lines = host.events("info").iter().filter(|line| line.contains("Pausing all requests for 5.0 s")).count();
        assert_eq!(lines, 1);
    }
}

#[test]
fn a_rejected_request_is_no_failed_attempt() {
    let limit = Limit { at_start: 0.0, capacity: 10.0, per_s: 0.05 };
    let api = Api { limit: Some(limit), retry_after_s: Some(1), ..Api::default() };
    let host = api.log_in(1, &[]);
    assert!(api.rejected() > 6, "{}", api.rejected());
    assert!(host.events("error").is_empty());
    assert!(host.events("output logins=").concat().contains(r#""attempts":1,"#));
}

#[test]
fn an_api_that_rejects_everything_is_asked_until_the_timeout() {
    let limit = Limit { at_start: 0.0, capacity: 0.0, per_s: 1.0 };
    let api = Api { limit: Some(limit), ..Api::default() };
    let host = api.log_in(3, &[("timeout", "120")]);
    assert_eq!(host.monotonic_ms(), 120_000.0);
    let error = host.events("error").concat();
    assert!(error.starts_with("error Rate limit exceeded: 3 of 3 logins failed:"), "{error}");
    assert!(error.contains("did not finish within 120 s") && error.contains("raise the key's rate limit"), "{error}");
    assert!(api.rejected() <= 20, "{}", api.rejected());
}

#[test]
fn a_fleet_recovers_from_an_api_that_rejected_everything() {
    // For 10 s there is no token, then always.
    let limit = Limit { at_start: -10_000.0, capacity: 1_000.0, per_s: 1_000.0 };
    for (rejects_with, retry_after_s) in [(429, 0), (429, 1), (503, 1)] {
        let api = Api { limit: Some(limit), retry_after_s: Some(retry_after_s), rejects_with, ..Api::default() };
        let host = api.log_in(100, &[]);
        assert!(host.events("error").is_empty(), "{:#?}", host.events("error"));
        let ms = host.monotonic_ms();
        assert!(ms <= 30_000.0, "{rejects_with}, {retry_after_s}: {ms} ms");
    }
}

#[test]
fn a_retry_after_beyond_the_timeout_is_six_attempts() {
    let limit = Limit { at_start: 0.0, capacity: 0.0, per_s: 1.0 };
    let api = Api { limit: Some(limit), retry_after_s: Some(3_600), ..Api::default() };
    let host = api.log_in(1, &[]);
    assert_eq!(api.rejected(), 6);
    assert!(host.events("error")[0].starts_with("error Rate limit exceeded: Login request to"));
}

#[test]
fn a_quota_in_responses_prevents_rejections() {
    let limit = Limit { at_start: 40.0, capacity: 40.0, per_s: 10.0 };
    let api = Api { limit: Some(limit), tells_quota: true, ..Api::default() };
    let host = api.log_in(100, &[]);
    assert!(host.events("error").is_empty());
    assert_eq!(api.rejected(), 0);
}

#[test]
fn a_step_that_is_cancelled_sends_nothing_that_waits() {
    let limit = Limit { at_start: 10.0, ..PER_MINUTE };
    let api = Api { limit: Some(limit), ..Api::default() };
    let servers = ids(100);
    let host = api.host(&[("server_id", &servers)]).cancelling_at(5_300);
    assert!(!host.run(step::main(&host)));
    let sent = api.all();
    assert!(sent.iter().all(|seen| seen.at_ms <= 5_300.0), "{}", sent.last().unwrap().at_ms);
    let saved: std::collections::HashSet<String> =
        host.events("state login_").iter().map(|event| event.split('=').next().unwrap().to_owned()).collect();
    let servers: std::collections::HashSet<usize> = sent.iter().map(|seen| seen.server).collect();
    assert_eq!(saved.len(), servers.len(), "a login that was never requested is not saved");
}

#[test]
fn a_rejected_login_is_saved_as_failed_until_the_next_attempt() {
    let limit = Limit { at_start: 0.0, capacity: 0.0, per_s: 1.0 };
    let api = Api { limit: Some(limit), retry_after_s: Some(3), ..Api::default() };
    let servers = ids(1);
    let host = api.host(&[("server_id", &servers)]).cancelling_at(5_000);
    host.run(step::main(&host));
    assert_eq!(api.rejected(), 2);
    let phases: Vec<String> =
        host.events("state login_").iter().map(|line| line.split(' ').nth(3).unwrap_or_default().to_owned()).collect();
    assert_eq!(phases, ["requested", "failed", "requested", "failed"]);
}

#[test]
fn an_invalid_key_does_not_wait_for_the_end_of_a_pause() {
    let host =
        FakeHost::default().with_inputs(&[("api_key", "rca_key"), ("credential_id", &id(1)), ("server_id", &ids(9))]);
    let host = host.responding_by(|_, body, _| {
        if body.contains(&id(9)) {
            return (1_000, Ok(response(401, r#"{"detail":"Invalid API key"}"#)));
        }
        (2, Ok(rate_limited(30)))
    });
    assert!(!host.run(step::main(&host)));
    assert!(host.monotonic_ms() <= 32_000.0, "{} ms", host.monotonic_ms());
}

#[test]
fn a_rate_limit_lets_as_many_logouts_pass_as_it_can() {
    for (at_start, least) in [(120.0, 100), (1.0, 85)] {
        let api = Api { limit: Some(Limit { at_start, ..PER_MINUTE }), ..Api::default() };
        let host = api.log_out(100, "ended");
        assert!(host.monotonic_ms() <= 44_000.0);
        assert!(api.rejected() <= MANY, "{} rejected", api.rejected());
        let done = host.events("info [").iter().filter(|line| line.ends_with("Logged out")).count();
        assert!(done >= least, "{done}");
        let warnings = host.events("warning");
        assert_eq!(warnings.len(), usize::from(done < 100));
        assert_eq!(warnings.concat().matches("may still be logged in").count(), 100 - done);
    }
}

#[test]
fn logouts_that_wait_for_a_login_go_first() {
    let limit = Limit { at_start: 1.0, ..PER_MINUTE };
    let api = Api { limit: Some(limit), ..Api::default() };
    let login = |n: usize, phase| format!("{} 1 {phase} 7 certain {n:08}-0 ghcr.io -", id(n));
    let state: Vec<(String, String)> =
        (1..=100).map(|n| (format!("login_{n}"), login(n, if n > 90 { "running" } else { "ended" }))).collect();
    let host = api.host(&[]).with_state(&state);
    host.run(step::post(&host));
    let logged_out =
        |n: usize| api.all().iter().any(|seen| seen.kind == Kind::Logout && seen.server == n && !seen.is_rejected);
    assert!(api.all()[0].server > 90, "also of those that need no turn");
    assert!((91..=100).all(logged_out), "the logins that may be running");
    assert!(host.events("warning").concat().matches("may still be logged in").count() < 35);
}
