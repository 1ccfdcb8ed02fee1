//! What has happened in many jobs: how often each fault struck each kind of request, and how the jobs ended.

use super::job::History;
use super::judge;
use super::plan::{CALLS, Call, DOCKER_FAULTS, DockerFault, FAULTS, Fault, Stop};
use super::runner::{End, StepRecord};
use super::servers::Origin;
use std::collections::BTreeMap;
use std::fmt::{self, Display};

/// What a step was doing when it was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Moment {
    StateWrite,
    /// The request was on its way, or the API was executing it.
    Request(Call),
    /// Nothing was under way: a backoff, or the wait for the next poll.
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

#[derive(Default)]
pub(super) struct Table {
    jobs: u64,
    logins: u64,
    requests: u64,
    outcomes: BTreeMap<Outcome, u64>,
    faults: BTreeMap<(Fault, Call), u64>,
    fault_outcomes: BTreeMap<(Fault, Outcome), u64>,
    docker_faults: BTreeMap<(DockerFault, bool), u64>,
    stops: BTreeMap<(bool, StopKind, Moment), u64>,
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
        self.logins +=
            servers.operations.iter().filter(|it| it.is_login && matches!(it.origin, Origin::Use(_))).count() as u64;
        for reason in judge::reasons(history) {
            *self.left_behind.entry(reason).or_default() += 1;
        }
        for (record, use_) in history.uses.iter().zip(&history.plan.uses) {
            self.add_stop(history, true, &record.main, use_.main_stop);
            self.add_stop(history, false, &record.post, use_.post_stop);
        }
    }

    fn add_stop(&mut self, history: &History, is_main: bool, step: &StepRecord, stop: Option<Stop>) {
        let (kind, at_ms) = match (stop, step.cancelled_ms) {
            (_, Some(at_ms)) if at_ms <= step.ended_ms => (StopKind::Cancelled, at_ms),
            _ if step.end == End::Killed => (StopKind::Killed, step.ended_ms),
            _ => return,
        };
        let is_under_way = |from_ms: u64, to_ms: Option<u64>| from_ms <= at_ms && to_ms.is_none_or(|ms| ms > at_ms);
        let mut exchanges =
            history.reoclo.exchanges.iter().filter(|it| it.step.is_main == is_main && it.sent_ms >= step.started_ms);
        let under_way = exchanges.rfind(|it| is_under_way(it.sent_ms, it.ended_ms));
        let moment = match under_way {
            _ if step.killed_in_write => Moment::StateWrite,
            Some(exchange) => Moment::Request(exchange.call),
            None => Moment::Wait,
        };
        *self.stops.entry((is_main, kind, moment)).or_default() += 1;
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
        add(&mut self.stops, other.stops);
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

fn row(f: &mut fmt::Formatter<'_>, name: &str, cells: impl IntoIterator<Item = u64>) -> fmt::Result {
    write!(f, "{name:<24}")?;
    for count in cells {
        write!(f, "{count:>12}")?;
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
        head(f, "Fault of docker", &["login", "logout"])?;
        for fault in DOCKER_FAULTS {
            let by_kind =
                [true, false].map(|is_login| self.docker_faults.get(&(fault, is_login)).copied().unwrap_or_default());
            row(f, &format!("{fault:?}"), by_kind)?;
        }
        head(f, "Stopped during", &["state write", "login", "poll", "late poll", "logout", "logout poll", "wait"])?;
        for (is_main, kind, name) in [
            (true, StopKind::Cancelled, "main, cancelled"),
            (true, StopKind::Killed, "main, killed"),
            (false, StopKind::Killed, "post, killed"),
        ] {
            let moments = [Moment::StateWrite].into_iter().chain(CALLS.map(Moment::Request)).chain([Moment::Wait]);
            row(f, name, moments.map(|moment| self.stops.get(&(is_main, kind, moment)).copied().unwrap_or_default()))?;
        }
        writeln!(f, "\nLogins left behind, and why")?;
        for (reason, count) in &self.left_behind {
            writeln!(f, "{count:>12}  {reason}")?;
        }
        Ok(())
    }
}
