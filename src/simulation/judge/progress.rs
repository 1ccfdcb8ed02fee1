//! The main step fails only for a reason that does not pass by itself, or because its time is over.

use super::case::{Case, LOGIN_REQUESTS, LOGINS, Login, is_final};
use crate::simulation::plan::{DockerFault, Down, Limiter, Server};
use crate::simulation::reoclo::{Exchange, Seen, server_name};
use crate::simulation::runner::End;
use crate::simulation::servers::REGISTRIES;

/// The longest wait before a retry.
const MAX_BACKOFF_MS: u64 = 10_000;
const MINUTE_MS: u64 = 60_000;

pub(super) fn check(case: &Case<'_>, found: &mut Vec<String>) {
    let main = case.main();
    if main.end != End::Exited(false) || !case.use_.has_secrets {
        return;
    }
    let is_over = main.ended_ms - main.started_ms >= u64::from(case.use_.timeout_s) * 1_000;
    let is_cancelled = main.cancelled_ms.is_some_and(|ms| ms <= main.ended_ms);
    if is_cancelled || is_over && !has_time(case) {
        return;
    }
    let fails_all = |seen: Seen| matches!(seen, Seen::Rejected { status: 401 | 300..=399, .. });
    if case.exchanges(true).any(|exchange| fails_all(exchange.seen)) {
        return;
    }
    for login in case.logins.iter().filter(|login| !case.has_succeeded(login)) {
        if !has_reason(case, login) {
            found.push(format!(
                "{}, {}: failed without a reason",
                server_name(login.server),
                REGISTRIES[login.registry]
            ));
        }
    }
}

fn has_reason(case: &Case<'_>, login: &Login<'_>) -> bool {
    let attempts = login.requests.iter().filter(|request| case.is_failed_attempt(request));
    let operations: Vec<usize> = login
        .requests
        .iter()
        .filter_map(|request| match request.seen {
            Seen::Accepted { operation, .. } => operation,
            _ => None,
        })
        .collect();
    let polls =
        case.exchanges(true).filter(|exchange| exchange.asks_for.is_some_and(|asked| operations.contains(&asked)));
    let transient = operations.iter().filter(|operation| case.operation(**operation).ending.is_transient);
    let docker_failed = |operation: &&usize| {
        let ending = case.operation(**operation).ending;
        !ending.is_success() && !ending.is_transient
    };
    login.requests.iter().any(|request| is_final(request))
        || polls.into_iter().any(is_final)
        || attempts.count() >= LOGIN_REQUESTS
        || transient.count() >= LOGINS
        || operations.iter().any(|operation| docker_failed(&operation))
}

/// Whether the time was enough beyond doubt: docker was fast, and each request that failed had its time, and the longest
/// backoff after it.
fn has_time(case: &Case<'_>) -> bool {
    let plan = &case.history.plan;
    let per_server = case.logins.len().div_ceil(case.use_.servers);
    let docker_ms: u64 = 1_300 * per_server as u64;
    let requests = 5 * case.logins.len() as u64;
    // A limit by the minute may have been used up just after the start of a minute, by another use of the action.
    let window_ms = if plan.api.limiter == Limiter::TokenBucket { 0 } else { MINUTE_MS };
    let limit_ms = plan
        .api
        .rate_limit
        .map_or(0, |(_, per_minute)| 2 * requests * MINUTE_MS / u64::from(per_minute) + window_ms + MAX_BACKOFF_MS);
    let is_slow = |server: &Server| server.slowness > 1 || server.offline.is_some();
    let failed_ms = |it: &Exchange| match it.seen {
        // With a rate limit of its own: see above.
        Seen::Rejected { status: 429, .. } if plan.api.rate_limit.is_some() && it.fault.is_none() => 0,
        Seen::Rejected { retry_after_ms: Some(wait_ms), .. } => wait_ms + MAX_BACKOFF_MS,
        Seen::NotSent | Seen::NoAnswer | Seen::Rejected { .. } => MAX_BACKOFF_MS,
        _ => 0,
    };
    let faults_ms: u64 = case
        .exchanges(true)
        .filter(|it| it.fault.is_some() || failed_ms(it) > 0)
        .map(|it| it.ended_ms.unwrap_or(it.sent_ms) - it.sent_ms + failed_ms(it))
        .sum();
    // Each rejection lowers the rate of all requests, down to one in 10 s.
    let rejections = case
        .exchanges(true)
        .filter(|it| it.fault.is_some() && matches!(it.seen, Seen::Rejected { status: 429 | 503, .. }))
        .count();
    let is_down_with_429 = matches!(plan.api.outage, Some((.., Down::RateLimited)));
    rejections <= 1
        && !is_down_with_429
        && !plan.docker_faults.iter().any(|it| it.is_login && it.fault != DockerFault::Denied)
        && !plan.servers.iter().any(is_slow)
        && u64::from(case.use_.timeout_s) * 1_000
            > 2 * docker_ms + 1_000 * per_server as u64 + limit_ms + faults_ms + 2_000
}
