//! What has happened in many jobs: how often each fault struck each kind of request, and how the jobs ended.

use super::job::History;
use super::judge;
use super::plan::{CALLS, Call, DOCKER_FAULTS, DockerFault, FAULTS, Fault, Stop};
use super::reoclo::{Exchange, Seen};
use super::runner::{End, StepRecord};
use super::servers::{Operation, Origin};
use std::collections::BTreeMap;
use std::fmt::{self, Display};

/// What a step was doing when it was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    StateWrite,
    /// The request was on its way, or the API was executing it.
    Request(Call),
    /// Nothing was under way after a request that had failed.
    Backoff,
    /// The wait for the next poll, or for another server.
    Wait,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum StopKind {
    Cancelled,
    Killed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Succeeded,
    Failed,
    Stopped,
}

const OUTCOMES: [Outcome; 3] = [Outcome::Succeeded, Outcome::Failed, Outcome::Stopped];

const MOMENTS: [Moment; 8] = [
    Moment::StateWrite,
    Moment::Request(Call::Login),
    Moment::Request(Call::Poll),
    Moment::Request(Call::LatePoll),
    Moment::Request(Call::Logout),
    Moment::Request(Call::LogoutPoll),
    Moment::Backoff,
    Moment::Wait,
];

const STOPS: [(bool, StopKind, &str); 4] = [
    (true, StopKind::Cancelled, "main, cancelled"),
    (true, StopKind::Killed, "main, killed"),
    (false, StopKind::Cancelled, "post, cancelled"),
    (false, StopKind::Killed, "post, killed"),
];

/// Post writes no state, and a cancelled step is not interrupted while it writes.
fn is_possible(is_main: bool, kind: StopKind, moment: Moment) -> bool {
    match moment {
        Moment::StateWrite => is_main && kind == StopKind::Killed,
        Moment::Request(Call::Login | Call::Poll) => is_main,
        Moment::Request(Call::LatePoll | Call::Logout | Call::LogoutPoll) => !is_main,
        Moment::Backoff | Moment::Wait => true,
    }
}

type HasStruck = fn(&History) -> bool;

/// What else goes wrong in a job.
const OTHERS: [(&str, HasStruck); 5] = [
    ("API is down", |history| {
        let is_within = |it: &Exchange| {
            history.plan.api.outage.is_some_and(|(from_ms, for_ms, _)| {
                (u64::from(from_ms)..u64::from(from_ms) + u64::from(for_ms)).contains(&it.sent_ms)
            })
        };
        history.reoclo.exchanges.iter().any(is_within)
    }),
    ("rate limit", |history| {
        let is_limited = |it: &Exchange| matches!(it.seen, Seen::Rejected { status: 429, .. }) && it.fault.is_none();
        history.reoclo.exchanges.iter().any(is_limited)
    }),
    ("agent is offline", |history| {
        let starts_late = |it: &Operation| {
            let offline = history.plan.servers.get(it.server).and_then(|server| server.offline);
            offline.is_some_and(|(from_ms, for_ms)| for_ms > 0 && it.starts_ms == u64::from(from_ms + for_ms))
        };
        history.reoclo.servers.operations.iter().any(starts_late)
    }),
    ("disk is full", |history| history.uses.iter().any(|it| it.main.disk_was_full)),
    ("clock jumps", |history| {
        let ended_ms = history.uses.iter().map(|it| it.post.ended_ms).max();
        history.plan.clock_jump.is_some_and(|(at_ms, _)| ended_ms.is_some_and(|ms| u64::from(at_ms) < ms))
    }),
];

#[derive(Default)]
pub(super) struct Table {
    jobs: u64,
    logins: u64,
    requests: u64,
    outcomes: BTreeMap<Outcome, u64>,
    faults: BTreeMap<(Fault, Call), u64>,
    fault_outcomes: BTreeMap<(Fault, Outcome), u64>,
    docker_faults: BTreeMap<(DockerFault, bool), u64>,
    docker_outcomes: BTreeMap<(DockerFault, Outcome), u64>,
    stops: BTreeMap<(bool, StopKind, Moment), u64>,
    stop_outcomes: BTreeMap<(bool, StopKind, Outcome), u64>,
    others: BTreeMap<(&'static str, Outcome), u64>,
    left_behind: BTreeMap<&'static str, u64>,
}

impl Table {
    pub(super) fn add(&mut self, history: &History) {
        let outcome = outcome(history);
        self.jobs += 1;
        self.requests += history.reoclo.exchanges.len() as u64;
        *self.outcomes.entry(outcome).or_default() += 1;
        let mut seen: Vec<Fault> = Vec::new();
        for (&(fault, call), times) in &history.reoclo.struck {
            *self.faults.entry((fault, call)).or_default() += times;
            if !seen.contains(&fault) {
                seen.push(fault);
                *self.fault_outcomes.entry((fault, outcome)).or_default() += 1;
            }
        }
        let servers = &history.reoclo.servers;
        for &(fault, is_login) in &servers.struck {
            *self.docker_faults.entry((fault, is_login)).or_default() += 1;
        }
        for fault in DOCKER_FAULTS.into_iter().filter(|fault| servers.struck.iter().any(|(it, _)| it == fault)) {
            *self.docker_outcomes.entry((fault, outcome)).or_default() += 1;
        }
        for (name, _) in OTHERS.into_iter().filter(|(_, has_struck)| has_struck(history)) {
            *self.others.entry((name, outcome)).or_default() += 1;
        }
        self.logins +=
            servers.operations.iter().filter(|it| it.is_login && matches!(it.origin, Origin::Use(_))).count() as u64;
        for reason in judge::reasons(history) {
            *self.left_behind.entry(reason).or_default() += 1;
        }
        for (record, use_) in history.uses.iter().zip(&history.plan.uses) {
            self.add_stop(history, true, &record.main, use_.main_stop, outcome);
            self.add_stop(history, false, &record.post, use_.post_stop, outcome);
        }
    }

    fn add_stop(&mut self, history: &History, is_main: bool, step: &StepRecord, stop: Option<Stop>, outcome: Outcome) {
        let (kind, at_ms) = match (stop, step.cancelled_ms) {
            (_, Some(at_ms)) if at_ms <= step.ended_ms => (StopKind::Cancelled, at_ms),
            _ if step.end == End::Killed => (StopKind::Killed, step.ended_ms),
            _ => return,
        };
        let is_under_way = |from_ms: u64, to_ms: Option<u64>| from_ms <= at_ms && to_ms.is_none_or(|ms| ms > at_ms);
        let exchanges =
            history.reoclo.exchanges.iter().filter(|it| it.step.is_main == is_main && it.sent_ms >= step.started_ms);
        let under_way = exchanges.clone().rfind(|it| is_under_way(it.sent_ms, it.ended_ms));
        let last = exchanges.filter(|it| it.ended_ms.is_some_and(|ms| ms <= at_ms)).max_by_key(|it| it.ended_ms);
        let has_failed = |it: &Exchange| matches!(it.seen, Seen::NotSent | Seen::NoAnswer | Seen::Rejected { .. });
        let moment = match under_way {
            _ if step.killed_in_write => Moment::StateWrite,
            Some(exchange) => Moment::Request(exchange.call),
            None if last.is_some_and(has_failed) => Moment::Backoff,
            None => Moment::Wait,
        };
        *self.stops.entry((is_main, kind, moment)).or_default() += 1;
        *self.stop_outcomes.entry((is_main, kind, outcome)).or_default() += 1;
    }

    /// What can happen, but never has.
    pub(super) fn empty_cells(&self) -> Vec<String> {
        let faults = FAULTS.into_iter().flat_map(|fault| CALLS.map(|call| (fault, call)));
        let faults = faults.filter(|cell| !self.faults.contains_key(cell)).map(|cell| format!("{cell:?}"));
        let docker = DOCKER_FAULTS.into_iter().flat_map(|fault| [true, false].map(|is_login| (fault, is_login)));
        let docker = docker.filter(|cell| !self.docker_faults.contains_key(cell)).map(|cell| format!("{cell:?}"));
        let stops = STOPS.into_iter().flat_map(|(is_main, kind, _)| MOMENTS.map(|moment| (is_main, kind, moment)));
        let stops = stops.filter(|&(is_main, kind, moment)| is_possible(is_main, kind, moment));
        let stops = stops.filter(|cell| !self.stops.contains_key(cell)).map(|cell| format!("{cell:?}"));
        let others = OTHERS.into_iter().map(|(name, _)| name);
        let others = others.filter(|name| !self.others.keys().any(|(other, _)| other == name)).map(str::to_owned);
        faults.chain(docker).chain(stops).chain(others).collect()
    }

    pub(super) fn merge(&mut self, other: Self) {
        fn add<K: Ord>(to: &mut BTreeMap<K, u64>, from: BTreeMap<K, u64>) {
            from.into_iter().for_each(|(key, count)| *to.entry(key).or_default() += count);
        }
        self.jobs += other.jobs;
        self.logins += other.logins;
        self.requests += other.requests;
        add(&mut self.outcomes, other.outcomes);
        add(&mut self.faults, other.faults);
        add(&mut self.fault_outcomes, other.fault_outcomes);
        add(&mut self.docker_faults, other.docker_faults);
        add(&mut self.docker_outcomes, other.docker_outcomes);
        add(&mut self.stops, other.stops);
        add(&mut self.stop_outcomes, other.stop_outcomes);
        add(&mut self.others, other.others);
        add(&mut self.left_behind, other.left_behind);
    }
}

fn outcome(history: &History) -> Outcome {
    let ends: Vec<End> = history.uses.iter().map(|record| record.main.end).collect();
    if ends.iter().all(|end| *end == End::Exited(true)) {
        Outcome::Succeeded
    } else if ends.contains(&End::Killed)
        || history.uses.iter().any(|it| it.main.cancelled_ms.is_some_and(|ms| ms <= it.main.ended_ms))
    {
        Outcome::Stopped
    } else {
        Outcome::Failed
    }
}

/// A row of counts, with `-` for what cannot happen.
fn row(f: &mut fmt::Formatter<'_>, name: &str, cells: impl IntoIterator<Item = impl Into<Option<u64>>>) -> fmt::Result {
    write!(f, "{name:<24}")?;
    for cell in cells {
        let text = cell.into().map_or_else(|| "-".to_owned(), |count| count.to_string());
        write!(f, "{text:>12}")?;
    }
    writeln!(f)
}

fn head(f: &mut fmt::Formatter<'_>, name: &str, columns: &[&str]) -> fmt::Result {
    write!(f, "\n{name:<24}")?;
    for column in columns {
        write!(f, "{column:>12}")?;
    }
    writeln!(f)
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |outcome: &Outcome| self.outcomes.get(outcome).copied().unwrap_or_default();
        let [succeeded, failed, stopped] = OUTCOMES.map(|outcome| count(&outcome));
        writeln!(
            f,
            "{} jobs: {succeeded} succeeded, {failed} failed, {stopped} were stopped. {} requests, {} docker logins.",
            self.jobs, self.requests, self.logins
        )?;
        head(
            f,
            "Fault of a request",
            &["login", "poll", "late poll", "logout", "logout poll", "succeeded", "failed", "stopped"],
        )?;
        for fault in FAULTS {
            let by_call = CALLS.map(|call| self.faults.get(&(fault, call)).copied().unwrap_or_default());
            let by_outcome =
                OUTCOMES.map(|outcome| self.fault_outcomes.get(&(fault, outcome)).copied().unwrap_or_default());
            row(f, &format!("{fault:?}"), by_call.into_iter().chain(by_outcome))?;
        }
        head(f, "Fault of docker", &["login", "logout", "succeeded", "failed", "stopped"])?;
        for fault in DOCKER_FAULTS {
            let by_kind =
                [true, false].map(|is_login| self.docker_faults.get(&(fault, is_login)).copied().unwrap_or_default());
            let by_outcome =
                OUTCOMES.map(|outcome| self.docker_outcomes.get(&(fault, outcome)).copied().unwrap_or_default());
            row(f, &format!("{fault:?}"), by_kind.into_iter().chain(by_outcome))?;
        }
        head(f, "Other trouble", &["succeeded", "failed", "stopped"])?;
        for (name, _) in OTHERS {
            row(f, name, OUTCOMES.map(|outcome| self.others.get(&(name, outcome)).copied().unwrap_or_default()))?;
        }
        head(
            f,
            "Stopped during",
            &[
                "state write",
                "login",
                "poll",
                "late poll",
                "logout",
                "logout poll",
                "backoff",
                "wait",
                "succeeded",
                "failed",
                "stopped",
            ],
        )?;
        for (is_main, kind, name) in STOPS {
            let moments = MOMENTS.map(|moment| {
                let count = self.stops.get(&(is_main, kind, moment)).copied().unwrap_or_default();
                is_possible(is_main, kind, moment).then_some(count)
            });
            let by_outcome = OUTCOMES
                .map(|outcome| Some(self.stop_outcomes.get(&(is_main, kind, outcome)).copied().unwrap_or_default()));
            row(f, name, moments.into_iter().chain(by_outcome))?;
        }
        writeln!(f, "\nLogins left behind, and why")?;
        for (reason, count) in &self.left_behind {
            writeln!(f, "{count:>12}  {reason}")?;
        }
        Ok(())
    }
}
