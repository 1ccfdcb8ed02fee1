//! All logins of a step: each server with each credential.
//!
//! Servers are logged in side by side, the credentials of one server one after another: docker reads its `config.json`,
//! talks to the registry and then writes the whole file, so that of logins on one server at the same time only the last
//! to end would be kept. The same holds for logouts.

use crate::api::Run;
use crate::client::Deadline;
use crate::error::Error;
use crate::host::Host;
use crate::inputs::{Inputs, Login};
use crate::log::Log;
use crate::login::{LoginRun, Step};
use crate::outputs::Outputs;
use crate::registry::Kind;
use crate::state::{LoginState, StateWriter};
use crate::summary;
use crate::text;
use futures_util::future::select;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;

/// The most servers that are dealt with at a time.
pub(crate) const MOST_AT_ONCE: usize = 8;
/// How long a cancelled step still waits for the reply to a login request that is out: the reply names the operation
/// and the registry, which post needs. Runners give a cancelled step seconds.
const CANCEL_GRACE_MS: u32 = 1_500;
const CANCEL_CHECK_MS: u32 = 50;
/// When a step that waits says so for the first time, and how often from then on.
const FIRST_SIGN_MS: u32 = 5_000;
const NEXT_SIGN_MS: u32 = 10_000;

/// Does the work of every server, several servers at a time, in order; begins with no other once `is_over`.
pub(crate) async fn side_by_side<W, F: Future<Output = ()>>(
    servers: impl IntoIterator<Item = W>,
    work: impl Fn(W) -> F,
    is_over: &Cell<bool>,
) {
    let servers = RefCell::new(servers.into_iter());
    let next = || if is_over.get() { None } else { servers.borrow_mut().next() };
    let worker = || async {
        while let Some(server) = next() {
            work(server).await;
        }
    };
    // In the place of join_all, which takes 9 KB more, for more than these few.
    let mut workers: Vec<Pin<Box<dyn Future<Output = ()> + '_>>> = Vec::new();
    for _ in 0..MOST_AT_ONCE {
        workers.push(Box::pin(worker()));
    }
    poll_fn(|context| {
        workers.retain_mut(|worker| worker.as_mut().poll(context).is_pending());
        if workers.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Logs every server in with every credential, unless the runner asks the step to stop; whether all of that succeeded.
pub(crate) async fn log_in<H: Host>(host: &H, log: &Log<'_, H>, inputs: &Inputs, run: &Run) -> bool {
    announce(log, inputs);
    let started_ms = host.now_ms();
    let deadline = Deadline::after_s(host, inputs.timeout_s);
    let step = Step { host, inputs, run, outputs: Outputs::new(host, log), deadline, is_over: Cell::new(false) };
    let state = StateWriter::starting(host, log, inputs);
    let pairs =
        || inputs.server_ids.iter().flat_map(|id| inputs.logins.iter().enumerate().map(move |login| (id, login)));
    let is_only = pairs().count() == 1;
    let logs: Vec<Log<'_, H>> = pairs().map(|_| log.of_one(is_only)).collect();
    let mut runs = Vec::with_capacity(logs.len());
    for ((server_id, (credential, login)), log) in pairs().zip(&logs) {
        let state = LoginState::new(&state, runs.len() + 1, server_id, credential + 1, login);
        runs.push(LoginRun::new(&step, log, server_id, login, state));
    }

    let is_over = &step.is_over;
    let on_server = async |server: &[LoginRun<'_, H>]| {
        for login in server {
            if !is_over.get() && !deadline.has_passed(host) {
                login.to_end().await;
                is_over.set(is_over.get() || login.has_failed_for_all());
            }
        }
    };
    let all = side_by_side(runs.chunks(inputs.logins.len()), on_server, is_over);
    let was_cancelled = Cell::new(false);
    let cancelled = async {
        host.cancelled().await;
        was_cancelled.set(true);
        is_over.set(true);
        nothing_to_learn(host, &runs).await;
    };
    let (cancelled, waiting) = (pin!(cancelled), pin!(tell_of_waiting(host, log, &runs)));
    select(pin!(all), select(cancelled, waiting)).await;
    for run in runs.iter().filter(|run| run.report.borrow().outcome.is_none()) {
        if was_cancelled.get() { run.end_cancelled() } else { run.end_untried() }
    }

    if !is_only {
        let reports: Vec<_> = runs.iter().map(|run| run.report.borrow()).collect();
        let accepted = reports.iter().map(|report| report.accepted.as_ref());
        step.outputs.set_accepted(accepted.map(|accepted| accepted.map(|(url, accepted)| (url.as_str(), accepted))));
    }
    step.outputs.set_logins(&runs);
    if inputs.job_summary {
        summary::of_logins(host, log, &runs);
    }
    warn_of_same_registries(log, &runs);
    conclude(log, inputs, &runs, host.now_ms() - started_ms)
}

/// The first lines: what is going to happen.
fn announce<H: Host>(log: &Log<'_, H>, inputs: &Inputs) {
    if inputs.api_url.is_exposed() {
        log.warning(
            "The API key travels unencrypted",
            &format!(
                "api_url is plain http to {}: use https, or anybody on the way can read the key.",
                inputs.api_url.host()
            ),
        );
    }
    if let Some(advice) = inputs.advice {
        log.notice("The credential looks odd", advice);
    }
    let what = match inputs.server_ids.as_slice() {
        [server] => format!("server {server}"),
        servers => format!("{} servers", servers.len()),
    };
    let with = match inputs.logins.as_slice() {
        [Login::Vault { credential_id }] => format!("in with credential {credential_id} (vault mode)"),
        [Login::Passthrough { registry, .. }] => {
            format!("in to {registry} (passthrough mode, {})", Kind::of(registry).registry_type())
        }
        credentials => format!("in with {} credentials (vault mode)", credentials.len()),
    };
    log.info(&format!("Asking Reoclo to log {what} {with}"));
}

/// Resolves when no reply is awaited that names an operation or a registry, or that comes too late.
async fn nothing_to_learn<H: Host>(host: &H, runs: &[LoginRun<'_, H>]) {
    for _ in 0..CANCEL_GRACE_MS / CANCEL_CHECK_MS {
        if !runs.iter().any(LoginRun::awaits_reply) {
            return;
        }
        host.sleep(CANCEL_CHECK_MS).await;
    }
}

/// Says now and then what the step waits for; never resolves.
async fn tell_of_waiting<H: Host>(host: &H, log: &Log<'_, H>, runs: &[LoginRun<'_, H>]) {
    let mut seconds = 0;
    let mut wait_ms = FIRST_SIGN_MS;
    loop {
        host.sleep(wait_ms).await;
        seconds += wait_ms / 1000;
        wait_ms = NEXT_SIGN_MS;
        let mut names = String::new();
        for run in runs.iter().filter(|run| run.is_under_way()) {
            text::append(&mut names, "; ", &run.name());
        }
        let done = match runs {
            [_] => String::new(),
            _ => {
                let done = runs.iter().filter(|run| run.report.borrow().outcome.is_some()).count();
                format!(" ({done} of {} logins done)", runs.len())
            }
        };
        log.info(&format!("Still waiting after {seconds} s{done}: {names}"));
    }
}

/// docker keeps one login for a registry: with two credentials for the same one, the later replaces the earlier.
fn warn_of_same_registries<H: Host>(log: &Log<'_, H>, runs: &[LoginRun<'_, H>]) {
    for (at, run) in runs.iter().enumerate() {
        let Some(registry) = run.logged_in_to() else { continue };
        let before = runs.iter().take(at);
        let mut same = before
            .filter(|earlier| earlier.server_id == run.server_id && earlier.logged_in_to() == Some(registry.clone()));
        if let (Some(earlier), Login::Vault { credential_id }) = (same.next(), run.login)
            && let Login::Vault { credential_id: replaced } = earlier.login
        {
            return log.warning(
                "Two credentials for one registry",
                &format!(
                    "Credentials {replaced} and {credential_id} are both for {registry}, and docker keeps one login a \
                     registry: the later one replaced the earlier. Fix: keep one of them in credential_id."
                ),
            );
        }
    }
}

const SEVERAL: &str = "Logins failed";

/// What went wrong in the same way with one login or more.
struct Failure {
    why: String,
    fix: String,
    names: Vec<String>,
}

/// The last words: how many of how many, and one error for all that failed. Whether nothing did.
fn conclude<H: Host>(log: &Log<'_, H>, inputs: &Inputs, runs: &[LoginRun<'_, H>], took_ms: f64) -> bool {
    if let [only] = runs {
        let report = only.report.borrow();
        let Some(Err(error)) = &report.outcome else { return true };
        log.error(error.title(), &[error.explained()]);
        return false;
    }

    let mut title = None;
    let mut failures: Vec<Failure> = Vec::new();
    let mut failed = 0;
    for run in runs {
        let report = run.report.borrow();
        let Some(Err(error)) = &report.outcome else { continue };
        failed += 1;
        if !matches!(error, Error::NotTried { .. }) {
            title = Some(title.filter(|title| *title != error.title()).map_or(error.title(), |_| SEVERAL));
        }
        let name = match run.login {
            Login::Vault { credential_id } if error.names_login() => format!("credential {credential_id}"),
            _ => run.name(),
        };
        let (why, fix) = (error.to_string(), error.fix());
        match failures.iter_mut().find(|failure| failure.why == why && failure.fix == fix) {
            Some(same) => same.names.push(name),
            None => failures.push(Failure { why, fix, names: vec![name] }),
        }
    }

    let (all, took) = (runs.len(), text::seconds((took_ms / 100.0) as u32));
    let then = match (failed == all, inputs.cleanup) {
        (true, _) => "",
        (false, true) => "; the post step logs them out",
        (false, false) => "; they stay logged in (cleanup: false)",
    };
    log.info(&format!("{} of {all} logins done in {took}{then}", all - failed));
    if failed == 0 {
        return true;
    }
    let mut lines = vec![format!("{failed} of {all} logins failed:")];
    let mut fixes: Vec<&str> = Vec::new();
    for Failure { fix, .. } in &failures {
        if fixes.contains(&fix.as_str()) {
            continue;
        }
        // Each remedy is told once, and early: GitHub cuts what it shows of an error.
        fixes.push(fix);
        let same: Vec<&Failure> = failures.iter().filter(|failure| failure.fix == *fix).collect();
        lines.extend(same.iter().map(|Failure { why, names, .. }| match names.as_slice() {
            [name] => format!("{name}: {why}"),
            names => format!("{} logins: {why} ({})", names.len(), names.join("; ")),
        }));
        let of = if same.len() > 1 { format!(" for these {}", same.len()) } else { String::new() };
        lines.insert(lines.len() + 1 - same.len(), format!("Fix{of}: {fix}"));
    }
    log.error(title.unwrap_or(SEVERAL), &lines);
    false
}

#[cfg(test)]
mod tests {
    use crate::host::Host;
    use crate::host::fake::{FakeHost, reply};
    use crate::run;
    use crate::state::{LastSeen, Record};

    /// The id of a server or credential, such as `s1` or `c2`.
    fn id(name: &str) -> String {
        format!("{:0>8}-5c3e-4a8e-9d0c-3f1f7f6d2a11", name.replace('s', "a"))
    }

    fn ids(names: &[&str]) -> String {
        names.iter().map(|name| id(name)).collect::<Vec<_>>().join("\n")
    }

    fn field(body: &str, name: &str) -> String {
        let rest = body.split_once(&format!("\"{name}\":\"")).map_or("", |(_, rest)| rest);
        rest.split('"').next().unwrap_or_default().to_owned()
    }

    /// An API on which a login takes a second, a registry is named after its credential, and `bad` says what becomes of the
    /// login requests that it knows.
    fn fleet(servers: &[&str], credentials: &[&str], bad: fn(&str) -> Option<(u32, u16)>) -> FakeHost {
        let polls = std::cell::RefCell::new(std::collections::HashSet::new());
        FakeHost::default()
            .with_env(&[("GITHUB_STATE", "/state")])
            .with_inputs(&[
                ("api_key", "rca_key"),
                ("server_id", &ids(servers)),
                ("credential_id", &ids(credentials)),
                ("timeout", "60"),
            ])
            .answering_by(move |call, body| {
                let (server, credential) = (field(body, "server_id"), field(body, "credential_id"));
                if call.ends_with("/login") {
                    let pair = format!("{}-{}", &server[6..8], &credential[6..8]);
                    if let Some((ms, status)) = bad(&pair) {
                        return (ms, Ok(reply(status, r#"{"detail":"No."}"#)));
                    }
                    let registry = format!("{}.example", &credential[6..8]);
                    let accepted =
                        format!(r#"{{"operation_id":"{pair}","registry_url":"{registry}","registry_type":"generic"}}"#);
                    return (10, Ok(reply(202, &accepted)));
                }
                if !call.starts_with("GET") {
                    return (10, Ok(reply(200, "{}")));
                }
                let status = if polls.borrow_mut().insert(call.to_owned()) { "running" } else { "completed" };
                let ms = if status == "running" { 10 } else { 900 };
                let ended = format!(r#"{{"status":"{status}","server_name":"web","result":{{"exit_code":0}}}}"#);
                (ms, Ok(reply(200, &ended)))
            })
    }

    fn no_fault(_: &str) -> Option<(u32, u16)> {
        None
    }

    /// What post would find, in the order of the inputs.
    fn records(host: &FakeHost) -> Vec<(usize, Record)> {
        let number = |event: &str| event["state login_".len()..].split_once('=').map(|(n, _)| n.parse().unwrap());
        let mut last = std::collections::BTreeMap::new();
        for event in host.events("state login_") {
            last.insert(number(&event).unwrap(), Record::parse(event.split_once('=').unwrap().1).unwrap());
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
        let state: Vec<(&str, &str)> = state.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        fleet(&["s1"], &["c1"], no_fault).with_state(&state)
    }

    #[test]
    fn every_credential_is_logged_in_on_every_server_and_outputs_are_in_their_order() {
        let host = fleet(&["s1", "s2"], &["c1", "c2", "c3"], no_fault);
        assert!(host.run(run::main(&host)), "{:#?}", host.events("error"));
        assert_eq!(
            host.events("output operation_id="),
            ["output operation_id=a1-c1\na1-c2\na1-c3\na2-c1\na2-c2\na2-c3".to_owned()]
        );
        assert_eq!(host.events("info 6 of 6 logins done").len(), 1);
        assert!(host.events("warning").is_empty());
        let post = after(&host);
        post.run(run::post(&post));
        assert_eq!(post.events("send POST").len(), 6);
        assert!(post.events("warning").is_empty());
    }

    #[test]
    fn servers_are_logged_in_side_by_side_and_the_credentials_of_one_in_turn() {
        let servers: Vec<String> = (1..=8).map(|n| format!("s{n}")).collect();
        let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
        let one = fleet(&["s1"], &["c1"], no_fault);
        one.run(run::main(&one));
        let host = fleet(&servers, &["c1", "c2", "c3"], no_fault);
        host.run(run::main(&host));
        assert_eq!(host.now_ms(), 3.0 * one.now_ms());
        let host = fleet(&[&servers[..], &["s9"]].concat(), &["c1"], no_fault);
        host.run(run::main(&host));
        assert_eq!(host.now_ms(), 2.0 * one.now_ms(), "eight at a time");
    }

    #[test]
    fn one_failure_does_not_stop_the_others_and_is_one_error_that_names_it() {
        let host = fleet(&["s1", "s2", "s3"], &["c1", "c2"], |pair| (pair == "a2-c1").then_some((10, 404)));
        assert!(!host.run(run::main(&host)));
        let error = host.events("error").concat();
        assert!(
            error.starts_with("error Reoclo does not know this id: 1 of 6 logins failed:\nserver 000000a2"),
            "{error}"
        );
        assert!(error.contains("credential 000000c1") && error.contains("answered 404"), "{error}");
        assert_eq!(host.events("output operation_id="), ["output operation_id=a1-c1\na1-c2\n-\na2-c2\na3-c1\na3-c2"]);
        assert!(host.events("output logins=")[0].matches("\"server_id\"").count() == 5);
        let post = after(&host);
        post.run(run::post(&post));
        assert_eq!(post.events("send POST").len(), 5);
    }

    #[test]
    fn a_key_that_is_not_accepted_ends_the_lot() {
        let host = fleet(&["s1", "s2"], &["c1", "c2", "c3"], |_| Some((10, 401)));
        assert!(!host.run(run::main(&host)));
        assert_eq!(host.events("send").len(), 2, "one a server");
        let error = host.events("error").concat();
        assert!(error.contains("2 logins: Reoclo at") && error.contains("4 logins: Reoclo was not asked"), "{error}");
        assert!(error.starts_with("error Reoclo does not accept the API key: 6 of 6 logins failed:"), "{error}");
        assert!(records(&host).iter().all(|(_, record)| record.last_seen == LastSeen::Failed));
    }

    #[test]
    fn a_cancelled_step_begins_no_other_login_and_keeps_the_state_of_those_begun() {
        let host = fleet(&["s1", "s2"], &["c1", "c2"], no_fault).cancelling_at(500.0);
        assert!(!host.run(run::main(&host)));
        assert!(host.now_ms() <= 2_000.0);
        let seen: Vec<_> = records(&host).into_iter().map(|(number, record)| (number, record.last_seen)).collect();
        assert_eq!(seen, [(1, LastSeen::Running), (3, LastSeen::Running)]);
        let error = host.events("error").concat();
        assert!(error.starts_with("error Cancelled: 4 of 4 logins failed:"), "{error}");
    }

    #[test]
    fn a_cancelled_step_that_waits_for_a_reply_begins_no_other_login_meanwhile() {
        // The reply for the second server takes 2 s; the first server is done with one credential after 1.03 s.
        let host = fleet(&["s1", "s2"], &["c1", "c2"], |pair| (pair == "a2-c1").then_some((2_000, 503)));
        let host = host.cancelling_at(900.0);
        assert!(!host.run(run::main(&host)));
        let seen: Vec<_> = records(&host).into_iter().map(|(number, record)| (number, record.last_seen)).collect();
        assert_eq!(seen, [(1, LastSeen::Ended), (3, LastSeen::Requested)]);

        // All that had begun ends meanwhile: the others have been cancelled all the same.
        let host = fleet(&["s1", "s2"], &["c1", "c2"], |pair| (pair == "a2-c1").then_some((1_200, 404)));
        let host = host.cancelling_at(900.0);
        assert!(!host.run(run::main(&host)));
        assert_eq!(records(&host).len(), 2);
        let error = host.events("error").concat();
        assert!(error.contains("2 logins: The step was stopped while Reoclo had not accepted the login"), "{error}");
    }

    #[test]
    fn a_deadline_that_passes_is_told_of_each_login_and_no_request_goes_out_after_it() {
        let host = fleet(&["s1"], &["c1", "c2", "c3"], no_fault).with_inputs(&[("timeout", "1")]);
        assert!(!host.run(run::main(&host)));
        assert_eq!(host.events("send POST").len(), 1);
        let error = host.events("error").concat();
        assert!(error.starts_with("error Timed out: 3 of 3 logins failed:"), "{error}");
        assert!(
            error.contains("2 logins: Reoclo was not asked for it: the time was up before its turn came"),
            "{error}"
        );
        assert_eq!(records(&host).len(), 1, "what was never begun has no record");
    }

    #[test]
    fn a_remedy_is_told_once_behind_the_first_failure_that_it_is_for() {
        let host = fleet(&["s1", "s2"], &["c1", "c2"], |pair| match pair {
            "a1-c1" | "a2-c2" => Some((10, 404)),
            "a1-c2" => Some((10, 403)),
            _ => None,
        });
        assert!(!host.run(run::main(&host)));
        let error = host.events("error").concat();
        let lines: Vec<&str> = error.lines().collect();
        assert_eq!(lines.len(), 5, "{error}");
        assert_eq!(lines[0], "error Logins failed: 3 of 4 logins failed:");
        assert!(lines[1].starts_with("2 logins: Reoclo at api.reoclo.com answered 404"), "{error}");
        assert!(lines[2].starts_with("Fix: check server_id") && lines[4].starts_with("Fix: open the key"), "{error}");
    }

    #[test]
    fn a_stop_during_a_wait_starts_nothing_anew_and_waits_for_nothing() {
        // Refused at once, again and again; the other server's reply would take 2 s.
        let host = fleet(&["s1"], &["c1"], |_| Some((10, 503))).cancelling_at(100.0);
        assert!(!host.run(run::main(&host)));
        assert_eq!((host.events("send").len(), host.now_ms()), (1, 100.0));
        let host = fleet(&["s1", "s2"], &["c1"], |pair| Some(if pair == "a1-c1" { (10, 503) } else { (2_000, 503) }));
        let host = host.cancelling_at(100.0);
        assert!(!host.run(run::main(&host)));
        assert_eq!((host.events("send").len(), host.now_ms()), (2, 1_600.0));
        assert!(records(&host).iter().all(|(_, record)| record.last_seen == LastSeen::Requested));
    }

    #[test]
    fn two_credentials_for_one_registry_are_one_warning_and_one_logout() {
        let host = fleet(&["s1"], &["c1", "ffc1"], no_fault);
        assert!(host.run(run::main(&host)));
        assert_eq!(host.events("warning Two credentials for one registry").len(), 1);
        let post = after(&host);
        post.run(run::post(&post));
        assert_eq!(post.events("send POST").len(), 1);
    }

    #[test]
    fn a_login_cut_off_before_its_reply_is_logged_out_by_what_another_server_was_told() {
        let lost = format!("{} 1 requested 7 certain - - -", id("s2"));
        let known = format!("{} 1 ended 7 certain op-1 ghcr.io web-1", id("s1"));
        let host = fleet(&["s1"], &["c1"], no_fault).with_state(&[("login_1", &known), ("login_2", &lost)]);
        host.run(run::post(&host));
        assert_eq!(host.events("info [").len(), 2, "{:#?}", host.events.borrow());
        assert!(host.events("warning").is_empty());
    }

    #[test]
    fn where_nothing_answers_post_ends_in_time_and_tells_of_every_logout() {
        for (servers, credentials) in [(1, 100), (100, 1), (10, 10)] {
            let host = logging_out(servers, credentials, u32::MAX, "{}");
            assert!(host.now_ms() <= 44_000.0, "{} ms", host.now_ms());
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
        let state: Vec<(&str, &str)> = state.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let host = FakeHost::default().with_inputs(&[("api_key", "rca_key")]).with_state(&state);
        let host = host.answering_by(move |_, _| (ms, Ok(reply(200, body))));
        host.run(run::post(&host));
        host
    }

    #[test]
    fn logouts_that_are_slow_are_given_the_time_they_need() {
        for (servers, credentials, ms) in [(100, 1, 2_000), (48, 1, 3_000), (4, 25, 700), (1, 30, 700), (1, 1, 14_000)]
        {
            let host = logging_out(servers, credentials, ms, "{}");
            assert_eq!(host.events("send POST").len(), servers * credentials, "{servers} x {credentials}, {ms} ms");
            assert!(host.events("warning").is_empty());
        }
    }

    #[test]
    fn servers_that_do_not_answer_leave_time_for_those_that_do() {
        let state: Vec<(String, String)> = (1..=100)
            .map(|n| (format!("login_{n}"), format!("{} 1 ended 7 certain op-1 ghcr.io -", id(&n.to_string()))))
            .collect();
        let state: Vec<(&str, &str)> = state.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let host = FakeHost::default().with_inputs(&[("api_key", "rca_key")]).with_state(&state);
        let host = host.answering_by(|_, body| {
            let hangs = field(body, "server_id")[..8].parse::<u32>().is_ok_and(|n| n <= 80);
            (if hangs { u32::MAX } else { 2_000 }, Ok(reply(200, "{}")))
        });
        host.run(run::post(&host));
        assert!(host.now_ms() <= 44_000.0);
        assert_eq!(host.events("info [").iter().filter(|line| line.ends_with("Logged out")).count(), 20);
    }

    #[test]
    fn a_logout_that_is_said_to_run_is_waited_for_but_not_for_ever() {
        const RUNS: &str = r#"{"operation_id":"op-2","status":"running"}"#;
        for credentials in [12, 100] {
            let host = logging_out(1, credentials, 10, RUNS);
            assert_eq!(host.events("send POST").len(), credentials);
            assert!(host.now_ms() <= 44_000.0);
            let polled =
                host.events.borrow().windows(2).filter(|two| two[0].contains("POST") && two[1].contains("GET")).count();
            assert_eq!(polled, credentials - 1, "before the next one, and not after the last");
        }
    }

    #[test]
    fn a_login_of_which_nobody_named_the_registry_is_waited_for_before_others_of_its_server_are_logged_out() {
        let wall_clock_ms = FakeHost::default().wall_clock_ms();
        let lost = format!("{} 2 requested {wall_clock_ms} certain - - -", id("s1"));
        let known = format!("{} 1 ended 7 certain op-1 ghcr.io web-1", id("s1"));
        let sent_at = |state: &[(&str, &str)]| {
            let host = FakeHost::default().with_inputs(&[("api_key", "rca_key")]).with_state(state);
            let host = host.answering(&[(200, "{}")]);
            host.run(run::post(&host));
            (host.now_ms(), host.events("send POST").len(), host.events("warning").len())
        };
        assert_eq!(sent_at(&[("login_1", &known), ("login_2", &lost)]), (20_000.0, 1, 1));
        assert_eq!(
            sent_at(&[("login_2", &lost)]),
            (0.0, 0, 1),
            "with nothing else to log out there is nothing to wait for"
        );
    }

    #[test]
    fn a_step_that_waits_says_so_after_5_s_and_then_every_10() {
        let host = fleet(&["s1", "s2"], &["c1"], |pair| (pair == "a2-c1").then_some((27_000, 404)));
        host.run(run::main(&host));
        let signs = host.events("info Still waiting");
        assert_eq!(signs.len(), 3, "{signs:#?}");
        let name = format!("server {}, credential {}", id("s2"), id("c1"));
        assert_eq!(signs[1], format!("info Still waiting after 15 s (1 of 2 logins done): {name}"));
    }
}
