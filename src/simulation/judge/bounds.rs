//! Time, number and order of the requests.

use super::case::{
    Case, LOGIN_REQUESTS, LOGIN_WAIT_MS, LOGINS, LOGOUT_REQUESTS, LOGOUT_WAIT_MS, LOGOUTS, LogoutEnd, NEXT_ROUND_MS,
    is_final,
};
use crate::simulation::plan::Call;
use crate::simulation::reoclo::{Exchange, Seen, server_name};
use crate::simulation::runner::End;
use std::collections::BTreeMap;

/// How long a step may take to end, in addition to its limits.
const MAIN_GRACE_MS: u64 = 1_000;
const CANCEL_GRACE_MS: u64 = 2_000;
const POST_MS: u64 = 45_000;
/// The shortest and the longest wait before the first retry; it doubles with each, up to a limit.
const FIRST_BACKOFF_MS: (u64, u64) = (125, 250);
const MAX_BACKOFF_MS: (u64, u64) = (5_000, 10_000);
/// How much later a request may be sent that has to wait for its turn.
const TURN_MS: u64 = 100;
/// Up to so many servers, each operation is asked as if it were the only one.
const FEW: usize = 4;
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
        retries(case, is_main, found);
    }
    in_order(case, found);
}

/// Nothing overtakes the first login request of a server, so that the last one is not starved.
fn in_order(case: &Case<'_>, found: &mut Vec<String>) {
    let mut servers: Vec<usize> = Vec::new();
    for login in case.exchanges(true).filter(|it| it.call == Call::Login) {
        if !servers.contains(&login.server) {
            servers.push(login.server);
        }
    }
    if let Some((at, server)) = servers.iter().enumerate().find(|(at, server)| at != *server) {
        found.push(format!("{} is requested before {}", server_name(*server), server_name(at)));
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

/// `Retry-After` and the highest rate.
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
}

/// What is sent again, and when.
fn retries(case: &Case<'_>, is_main: bool, found: &mut Vec<String>) {
    let mut all: BTreeMap<_, Vec<&Exchange>> = BTreeMap::new();
    for it in case.exchanges(is_main) {
        all.entry((it.call, it.server, it.registry, it.asks_for, it.credential)).or_default().push(it);
    }
    let is_pause = |it: &Exchange| matches!(it.seen, Seen::Rejected { status: 429 | 503, .. });
    // An API that tells how many requests are left makes a step wait, too.
    let pauses = case.history.plan.api.quota_headers.is_some() || case.exchanges(is_main).any(is_pause);
    for ((call, ..), same) in all {
        match call {
            Call::Login => starts(case, &same, (LOGIN_REQUESTS, LOGINS), found),
            Call::Logout => starts(case, &same, (LOGOUT_REQUESTS, LOGOUTS), found),
            _ if case.use_.servers <= FEW => polls(&same, found),
            _ => {}
        }
        let mut failures = 0;
        for pair in same.windows(2) {
            let [last, next] = pair else { continue };
            if matches!(last.seen, Seen::Rejected { .. }) && is_final(last) {
                found.push(format!("a request was sent again after {:?}", last.seen));
            }
            let is_rate_limit = matches!(last.seen, Seen::Rejected { status: 429, .. });
            match () {
                () if case.is_failed_attempt(last) => failures += 1,
                // A logout that a rate limit has prevented starts again.
                () if is_rate_limit && call != Call::Logout => {}
                () => failures = 0,
            }
            let Some(last_ms) = last.ended_ms.filter(|_| failures > 0 && !is_rate_limit) else { continue };
            let waited_ms = next.sent_ms - last_ms;
            let doubled = |first_ms: u64| first_ms << (failures - 1).min(10);
            if !case.history.plan.has_short_backoff && waited_ms + 1 < doubled(FIRST_BACKOFF_MS.0).min(MAX_BACKOFF_MS.0)
            {
                found.push(format!("a retry {waited_ms} ms after failure {failures}"));
            }
            // Logouts have another round.
            let is_same_round = call != Call::Logout;
            let is_late = waited_ms > doubled(FIRST_BACKOFF_MS.1).min(MAX_BACKOFF_MS.1) + TURN_MS;
            if is_same_round && !pauses && case.use_.servers <= FEW && is_late {
                found.push(format!("a retry only {waited_ms} ms after failure {failures}"));
            }
            if call == Call::Logout && (waited_ms >= NEXT_ROUND_MS || failures as usize >= LOGOUT_REQUESTS) {
                failures = 0;
            }
        }
    }
}

/// Logins or logouts of the same thing: how often they are requested.
fn starts(case: &Case<'_>, same: &[&Exchange], (requests, attempts): (usize, usize), found: &mut Vec<String>) {
    let (mut failed, mut accepted) = (0, 0);
    for pair in same.windows(2) {
        let [last, next] = pair else { continue };
        let mut ended_ms = last.ended_ms;
        if let Seen::Accepted { operation, .. } = last.seen {
            (failed, accepted) = (0, accepted + 1);
            ended_ms = operation.and_then(|operation| case.seen_end_ms(operation, last.step.is_main));
            let failed_for_now = match (last.call, operation) {
                (Call::Logout, _) => case.logout_end(last) == LogoutEnd::FailedForNow,
                (_, Some(operation)) => ended_ms.is_some() && case.operation(operation).ending.is_transient,
                _ => false,
            };
            if !failed_for_now {
                found.push(format!("{:?} was requested again after {:?}", last.call, last.seen));
            }
        }
        if last.seen == Seen::LoggedOut {
            found.push("a logout was requested again".to_owned());
        }
        if case.is_failed_attempt(last) {
            failed += 1;
        } else if last.call == Call::Logout && matches!(last.seen, Seen::Rejected { .. }) {
            // A logout that a rate limit has prevented starts again.
            failed = 0;
        }
        if last.call == Call::Logout && ended_ms.is_some_and(|ended_ms| next.sent_ms >= ended_ms + NEXT_ROUND_MS) {
            (failed, accepted) = (0, 0);
        }
        if failed >= requests || accepted >= attempts {
            found.push(format!("{:?} was requested again after {failed} failures, {accepted} attempts", last.call));
        }
    }
}

/// Status requests of one operation: not before a quarter of its time has passed again, from 0.1 s to 2 s, and 3 s after a
/// minute.
fn polls(same: &[&Exchange], found: &mut Vec<String>) {
    let started_ms = same.first().map_or(0, |first| first.sent_ms);
    for pair in same.windows(2) {
        let [last, next] = pair else { continue };
        let asked_ms = last.sent_ms - started_ms;
        let least_ms = if asked_ms < 60_000 { (asked_ms / 4).clamp(100, 2_000) } else { 3_000 };
        match last.seen {
            Seen::Status { has_ended: false, .. } if next.sent_ms + 1 < last.sent_ms + least_ms => {
                found.push(format!("a status request {} ms after another", next.sent_ms - last.sent_ms));
            }
            Seen::Status { has_ended: true, .. } => {
                found.push("a status request after the end of the operation".to_owned());
            }
            _ => {}
        }
    }
}
