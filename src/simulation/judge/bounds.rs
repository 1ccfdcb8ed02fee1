//! Time, number and order of the requests.

use super::case::{Case, LOGIN_REQUESTS, LOGIN_WAIT_MS, LOGINS, LOGOUT_WAIT_MS, is_final};
use crate::simulation::plan::Call;
use crate::simulation::reoclo::{Exchange, Seen, server_name};
use crate::simulation::runner::End;

/// How long a step may take to end, in addition to its limits.
const MAIN_GRACE_MS: u64 = 1_000;
const CANCEL_GRACE_MS: u64 = 2_000;
const POST_MS: u64 = 45_000;
/// The most attempts of a logout request, and of a logout.
const LOGOUT_REQUESTS: usize = 3;
const LOGOUTS: usize = 3;
/// A failed logout is tried again when the other servers are done, if that took 5 s of the 44 s.
const ROUNDS: usize = 9;
/// The shortest wait after many failures.
const MAX_BACKOFF_MS: u64 = 5_000;
/// The most requests of a step within a second.
const MAX_PER_S: usize = 200 + 8;

pub(super) fn check(case: &Case<'_>, found: &mut Vec<String>) {
    for (step, is_main) in [(case.main(), true), (case.post(), false)] {
        let name = if is_main { "main" } else { "post" };
        let limit_ms = if is_main { u64::from(case.use_.timeout_s) * 1_000 + MAIN_GRACE_MS } else { POST_MS };
        let took_ms = step.ended_ms - step.started_ms;
        match step.end {
            End::Stuck => found.push(format!("{name} waits for ever")),
            End::Panicked => found.push(format!("{name} panics")),
            End::Exited(_) | End::Killed if took_ms > limit_ms => found.push(format!("{name} took {took_ms} ms")),
            End::Killed if is_main && step.cancelled_ms.is_some() => {
                found.push("main was cancelled, but did not end".to_owned())
            }
            _ => {}
        }
        if let (true, Some(cancelled_ms)) = (is_main, step.cancelled_ms)
            && step.ended_ms > cancelled_ms + CANCEL_GRACE_MS
        {
            found.push(format!("main ended {} ms after it was cancelled", step.ended_ms - cancelled_ms));
        }
        one_at_a_time(case, is_main, found);
        spacing(case, is_main, found);
    }
    for login in &case.logins {
        number_of_requests("login requests", &login.requests, LOGIN_REQUESTS * LOGINS, found);
        let logouts = case
            .exchanges(false)
            .filter(|it| it.call == Call::Logout && (it.server, it.registry) == (login.server, Some(login.registry)));
        number_of_requests("logout requests", &logouts.collect::<Vec<_>>(), LOGOUT_REQUESTS * LOGOUTS * ROUNDS, found);
    }
}

fn number_of_requests(what: &str, requests: &[&Exchange], most: usize, found: &mut Vec<String>) {
    let is_rate_limit = |it: &&&Exchange| matches!(it.seen, Seen::Rejected { status: 429, .. });
    let counted = requests.len() - requests.iter().filter(is_rate_limit).count();
    if counted > most {
        found.push(format!("{counted} {what}"));
    }
}

/// A step starts nothing on a server while another of its requests, or an operation that it knows of, is under way there.
fn one_at_a_time(case: &Case<'_>, is_main: bool, found: &mut Vec<String>) {
    let starts: Vec<&Exchange> =
        case.exchanges(is_main).filter(|it| matches!(it.call, Call::Login | Call::Logout)).collect();
    for (at, next) in starts.iter().enumerate() {
        let mut before = starts.iter().take(at).filter(|it| it.server == next.server);
        if before.clone().any(|it| it.ended_ms.is_none_or(|ended_ms| ended_ms > next.sent_ms)) {
            found.push(format!("two requests at once on {}", server_name(next.server)));
        }
        let is_running = |exchange: &&&Exchange| match exchange.seen {
            Seen::Accepted { operation: Some(operation), is_valid: true } => {
                let is_over = case.operation(operation).reported_ms <= next.sent_ms;
                // Nobody knows when it ends.
                let cannot_be_read = case.exchanges(is_main).any(|poll| {
                    poll.asks_for == Some(operation)
                        && poll.sent_ms <= next.sent_ms
                        && !matches!(poll.seen, Seen::Status { .. } | Seen::Nothing)
                });
                // One logout that never ends must not block the others.
                let first = starts.iter().find(|it| (it.server, it.registry) == (exchange.server, exchange.registry));
                let had_its_share = exchange.call == Call::Logout
                    && first.is_some_and(|first| next.sent_ms >= first.sent_ms + LOGOUT_WAIT_MS);
                !is_over && !cannot_be_read && !had_its_share
            }
            _ => false,
        };
        let waited = !is_main && next.sent_ms > case.post().started_ms + LOGIN_WAIT_MS;
        if !waited && before.any(|it| is_running(&it)) {
            found.push(format!("two operations at once on {}", server_name(next.server)));
        }
    }
}

/// Backoff, `Retry-After` and the highest rate.
fn spacing(case: &Case<'_>, is_main: bool, found: &mut Vec<String>) {
    let step = if is_main { case.main() } else { case.post() };
    let all: Vec<&Exchange> = case.exchanges(is_main).collect();
    let limit_ms = if is_main { u64::from(case.use_.timeout_s) * 1_000 } else { POST_MS - MAIN_GRACE_MS };
    for (at, one) in all.iter().enumerate() {
        if let (Seen::Rejected { status: 429 | 503, retry_after_ms: Some(wait_ms) }, Some(ended_ms)) =
            (one.seen, one.ended_ms)
        {
            let until_ms = ended_ms + wait_ms;
            let fits = until_ms < step.started_ms + limit_ms;
            if fits && all.iter().any(|other| other.sent_ms > ended_ms && other.sent_ms < until_ms) {
                found.push(format!("a request before the end of Retry-After: {} s", wait_ms / 1_000));
            }
        }
        if all.get(at + MAX_PER_S).is_some_and(|later| later.sent_ms < one.sent_ms + 1_000) {
            found.push(format!("more than {MAX_PER_S} requests within a second"));
        }
    }
    let key = |it: &Exchange| (it.call, it.server, it.registry, it.asks_for, it.credential);
    for (at, one) in all.iter().enumerate() {
        if all.iter().take(at).any(|earlier| key(earlier) == key(one)) {
            continue;
        }
        let same = all.iter().filter(|it| key(it) == key(one));
        let mut failures = 0_u32;
        let mut last: Option<&Exchange> = None;
        for request in same {
            if one.call != Call::LatePoll
                && last.is_some_and(|last| matches!(last.seen, Seen::Rejected { .. }) && is_final(last))
            {
                found.push(format!("a request was sent again after {:?}", last.map(|last| last.seen)));
            }
            // After a 429 all requests pause.
            let last_failure = last.filter(|last| !matches!(last.seen, Seen::Rejected { status: 429, .. }));
            if let Some(last_ended_ms) = last_failure.and_then(|last| last.ended_ms)
                && failures > 0
            {
                let least_ms = (125_u64 << (failures - 1).min(10)).min(MAX_BACKOFF_MS);
                if request.sent_ms < last_ended_ms + least_ms - 1 {
                    found.push(format!("a retry {} ms after failure {failures}", request.sent_ms - last_ended_ms));
                }
                // A new series: another round, or another attempt of the login or logout.
                if request.sent_ms >= last_ended_ms + MAX_BACKOFF_MS {
                    failures = 0;
                }
            }
            match request.seen {
                Seen::NoAnswer | Seen::NotSent => failures += 1,
                Seen::Rejected { status, .. } if status != 429 => failures += 1,
                // A logout that a rate limit has prevented starts again.
                Seen::Rejected { .. } if one.call == Call::Logout => failures = 0,
                Seen::Rejected { .. } => {}
                _ => failures = 0,
            }
            let most = if one.call == Call::Logout { LOGOUT_REQUESTS } else { LOGIN_REQUESTS };
            if failures as usize >= most {
                failures = 0;
            }
            last = Some(request);
        }
    }
}
