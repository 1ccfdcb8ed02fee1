//! No login of the job is left behind, or a warning names the server.

use super::case::{
    Case, LOGIN_WAIT_MS, LOGOUT_LIMIT_MS, LOGOUT_REQUESTS, LOGOUT_WAIT_MS, LOGOUTS, LogoutEnd, NEXT_ROUND_MS,
};
use crate::simulation::job::History;
use crate::simulation::plan::{Key, LogoutResponse, PostInputs, Runner};
use crate::simulation::reoclo::{Exchange, Seen, server_id, server_name};
use crate::simulation::runner::{End, Kind};
use crate::simulation::servers::{Entry, Origin, REGISTRIES};

/// For how long the API has to work at the end of the post step.
const REACHABLE_MS: u64 = 15_000;
/// The longest time of the post step.
const POST_MS: u64 = 45_000;

pub(super) fn check(case: &Case<'_>, found: &mut Vec<String>) {
    let (main, post) = (case.main(), case.post());
    if main.state_was_lost {
        let is_told = main.lines_of(Kind::Warning).any(|line| line.starts_with("Cleanup may fail"));
        if matches!(main.end, End::Exited(_)) && !is_told {
            found.push("the state could not be saved, without a warning".to_owned());
        }
        return;
    }
    if !case.use_.cleanup || !case.post_knows_inputs() || !matches!(post.end, End::Exited(_)) {
        return;
    }
    for server in 0..case.use_.servers {
        let id = server_id(server);
        let lines = post.lines_of(Kind::Warning).flat_map(str::lines);
        let unknown = lines.filter(|line| line.contains("returned no registry") && line.contains(&id)).count();
        if unknown > 1 {
            found.push(format!("{unknown} warnings about the unknown registry on {}", server_name(server)));
        }
    }
    for (server, registry) in case.targets() {
        if gave_up(case, server, registry) {
            found.push(format!("the logout of {} on {} was given up", REGISTRIES[registry], server_name(server)));
        }
    }
    for entry in left_behind(case) {
        if is_beyond_reach(case, &entry) {
            continue;
        }
        let server = case.operation(entry.operation).server;
        let (name, registry) = (server_name(server), REGISTRIES[entry.registry]);
        let what = format!("{name} stays logged in to {registry} by op-{}", entry.operation);
        if !case.is_told(server) {
            found.push(format!("{what}, without a warning"));
        } else if was_forgotten(case, &entry) {
            found.push(format!("{what}, and no logout was requested"));
        } else if is_healthy(case, server) {
            found.push(format!("{what}, although the API was reachable"));
        }
    }
}

/// Whether a logout has failed without a reason: no final error, fewer attempts than the maximum, and time left.
fn gave_up(case: &Case<'_>, server: usize, registry: usize) -> bool {
    let requests: Vec<&Exchange> = case.logouts(server, registry).collect();
    let Some(last) = requests.last() else { return false };
    let end = case.logout_end(last);
    let post = case.post();
    // Each registry of a server has a share of the time.
    let shares = case.targets().iter().filter(|(other, _)| *other == server).count() as u64;
    let share_ends_ms = |request: &&&Exchange| {
        let left_ms = (post.started_ms + LOGOUT_LIMIT_MS).saturating_sub(request.sent_ms);
        request.sent_ms + left_ms / shares
    };
    let is_over = requests.iter().map(|it| share_ends_ms(&it)).min().is_some_and(|ends_ms| post.ended_ms >= ends_ms);
    if is_over || !matches!(end, LogoutEnd::FailedForNow | LogoutEnd::Unfinished) {
        return false;
    }
    let (is_last_attempt, failed_ms) = match last.seen {
        Seen::Accepted { operation: Some(operation), .. } => {
            let accepted = requests.iter().rev().filter(|it| matches!(it.seen, Seen::Accepted { .. }));
            (accepted.count() >= LOGOUTS, case.seen_end_ms(operation, false))
        }
        _ => {
            let rejected = requests.iter().rev().take_while(|it| !matches!(it.seen, Seen::Accepted { .. }));
            (rejected.filter(|it| case.is_failed_attempt(it)).count() >= LOGOUT_REQUESTS, last.ended_ms)
        }
    };
    !is_last_attempt || failed_ms.is_none_or(|failed_ms| post.ended_ms >= failed_ms + NEXT_ROUND_MS)
}

/// Whether no logout was requested, although the state names the registry and there was time.
fn was_forgotten(case: &Case<'_>, entry: &Entry) -> bool {
    let server = case.operation(entry.operation).server;
    let (id, url) = (server_id(server), REGISTRIES[entry.registry].replace("::", ":~:"));
    // Another credential may be for the same registry, and its login may have failed.
    let may_be_of = |certainty: &str, operation: &str| {
        certainty == "uncertain" || operation == "-" || operation == format!("op-{}", entry.operation)
    };
    // A torn line has fewer words.
    let is_for = |line: &String| match line.splitn(8, ' ').collect::<Vec<_>>().as_slice() {
        [server_id, _, phase, _, certainty, operation, registry, _] => {
            *server_id == id && *registry == url && *phase != "failed" && may_be_of(certainty, operation)
        }
        _ => false,
    };
    let is_known = case.main().state.values().any(is_for);
    let has_time = case.post().ended_ms < case.post().started_ms + LOGOUT_LIMIT_MS;
    is_known && has_time && case.logouts(server, entry.registry).next().is_none()
}

/// The logins of this use that are there after the job.
fn left_behind<'a>(case: &'a Case<'_>) -> impl Iterator<Item = Entry> + 'a {
    let entries = case.history.reoclo.servers.logins.iter().flatten().cloned();
    entries.filter(|entry| case.operation(entry.operation).origin == Origin::Use(case.of))
}

/// Why each login that is there after the job was left behind.
pub(in crate::simulation) fn reasons(history: &History) -> Vec<&'static str> {
    let mut reasons = Vec::new();
    for (of, record) in history.uses.iter().enumerate() {
        let Some(use_) = history.plan.uses.get(of) else { continue };
        let case = Case::new(history, of, use_, record);
        reasons.extend(left_behind(&case).map(|entry| match () {
            () if !use_.cleanup => "cleanup: false",
            () if record.post.end == End::Killed => "post was killed",
            () if !case.post_knows_inputs() => "post had no state, and other inputs",
            () if record.main.state_was_lost => "the state could not be saved (warning)",
            () if is_beyond_reach(&case, &entry) => "restored, or logged in later, by what nobody knows of",
            () => "post could not log out (warning)",
        }));
    }
    reasons
}

/// A login that the action cannot know of, or cannot have prevented.
fn is_beyond_reach(case: &Case<'_>, entry: &Entry) -> bool {
    let mut culprits = [&entry.operation].into_iter().chain(&entry.restored_by);
    culprits.any(|culprit| is_out_of_control(case, *culprit))
}

/// Whether the action cannot know of an operation, or cannot wait for it.
fn is_out_of_control(case: &Case<'_>, culprit: usize) -> bool {
    let operation = case.operation(culprit);
    let history = case.history;
    let other;
    let case = match operation.origin {
        Origin::Use(of) if of == case.of => case,
        // Another use of the action may have been killed together with its post step, or have given up an operation.
        Origin::Use(of) => match (history.uses.get(of), history.plan.uses.get(of)) {
            (Some(record), Some(use_)) if [&record.main, &record.post].iter().all(|it| it.end != End::Killed) => {
                other = Case::new(history, of, use_, record);
                if [true, false].iter().all(|is_main| other.seen_end_ms(culprit, *is_main).is_none()) {
                    return true;
                }
                &other
            }
            _ => return true,
        },
        Origin::OtherJob | Origin::Earlier => return true,
    };
    if case.is_known(culprit) && !case.cannot_be_read(culprit) {
        return false;
    }
    // Of a request with an unknown operation, the login is expected to end within 20 s. A gateway may send a request
    // twice, which nobody knows of.
    let requests = &case.history.reoclo.exchanges;
    let request = requests.iter().find(|exchange| exchange.started.contains(&culprit));
    let wait_ms = if operation.is_login { LOGIN_WAIT_MS } else { LOGOUT_WAIT_MS };
    let is_duplicate = request.is_some_and(Exchange::is_sent_twice);
    let is_late = request.is_some_and(|request| {
        // The wait is over too soon if the clock has jumped forward since the request.
        let jumped = case.history.plan.clock_jump.is_some_and(|(at_ms, by_s)| {
            by_s > 0 && (request.sent_ms..case.post().ended_ms).contains(&u64::from(at_ms))
        });
        operation.is_login && jumped || operation.ends_ms > request.sent_ms + wait_ms
    });
    is_duplicate || is_late
}

/// Whether nothing kept the post step from logging this server out.
fn is_healthy(case: &Case<'_>, server: usize) -> bool {
    let (plan, post) = (&case.history.plan, case.post());
    let from_ms = post.started_ms.max(post.ended_ms.saturating_sub(REACHABLE_MS));
    let outage =
        case.history.reoclo.outage.map(|(at_ms, for_ms, _)| (u64::from(at_ms), u64::from(at_ms) + u64::from(for_ms)));
    let operations = &case.history.reoclo.servers.operations;
    plan.api.key == Key::Valid
        && plan.api.rate_limit.is_none()
        && plan.api.logout_response != LogoutResponse::Accepted
        && (plan.runner == Runner::GitHub || case.use_.post_inputs == PostInputs::Own)
        && !(plan.runner == Runner::WithoutStateFile && case.main().killed_in_write)
        && case.logins.len() <= 20
        && outage.is_none_or(|(starts_ms, ends_ms)| ends_ms < from_ms || starts_ms > post.ended_ms)
        && case.exchanges(false).all(|it| it.fault.is_none_or(|fault| fault.passes() && it.ended_ms.is_some_and(|ms| ms < from_ms)))
        && plan.servers.get(server).is_some_and(|server| server.offline.is_none())
        && operations.iter().filter(|it| it.server == server).all(|it| {
            it.ending.is_success() && it.reported_ms < post.started_ms.max(it.starts_ms) + LOGIN_WAIT_MS / 2
        })
        && post.ended_ms - post.started_ms < POST_MS - REACHABLE_MS
        // In vault mode the registry is only known from a response.
        && (!case.use_.is_vault || case.main().end != End::Killed && case.logins.iter().all(|login| login.requests.iter().all(|it| matches!(it.seen, Seen::Accepted { .. }))))
}
