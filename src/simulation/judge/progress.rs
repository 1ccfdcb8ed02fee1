//! The main step fails only for a reason that does not pass by itself, or because its time is over.

use super::case::{Case, LOGIN_REQUESTS, LOGINS, Login, is_final};
use crate::simulation::plan::{DockerFault, Server};
use crate::simulation::reoclo::{Exchange, Seen, server_name};
use crate::simulation::runner::End;
use crate::simulation::servers::REGISTRIES;

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
    let attempts = login
        .requests
        .iter()
        .filter(|request| !matches!(request.seen, Seen::Rejected { status: 429, .. } | Seen::Accepted { .. }));
    // A rate limit whose Retry-After is beyond the deadline is an error like others.
    let deadline_ms = case.main().started_ms + u64::from(case.use_.timeout_s) * 1_000;
    let hopeless = |request: &&&Exchange| match (request.seen, request.ended_ms) {
        (Seen::Rejected { status: 429, retry_after_ms: Some(ms) }, Some(ended_ms)) => ended_ms + ms >= deadline_ms,
        _ => false,
    };
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
        || attempts.count() + login.requests.iter().filter(hopeless).count() >= LOGIN_REQUESTS
        || transient.count() >= LOGINS
        || operations.iter().any(|operation| docker_failed(&operation))
}

/// Whether the time was enough beyond doubt: nothing went wrong, and docker was fast.
fn has_time(case: &Case<'_>) -> bool {
    let plan = &case.history.plan;
    let per_server = case.logins.len().div_ceil(case.use_.servers);
    let docker_ms: u64 = 1_300 * per_server as u64;
    let requests = 5 * case.logins.len() as u64;
    let limit_ms =
        plan.api.rate_limit.map_or(0, |(_, per_minute)| 2 * requests * 60_000 / u64::from(per_minute) + 10_000);
    let is_slow = |server: &Server| server.slowness > 1 || server.offline.is_some();
    plan.faults.is_empty()
        && plan.api.outage.is_none()
        && !plan.docker_faults.iter().any(|it| it.is_login && it.fault != DockerFault::Denied)
        && !plan.servers.iter().any(is_slow)
        && u64::from(case.use_.timeout_s) * 1_000 > 2 * docker_ms + 1_000 * per_server as u64 + limit_ms + 2_000
}
