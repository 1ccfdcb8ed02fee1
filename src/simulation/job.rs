//! One job: its steps one after the other, as the runner starts them.

use super::plan::Plan;
use super::reoclo::Reoclo;
use super::runner::{Job, StepRecord};
use crate::host::virtual_time::VirtualTime;
use std::cell::RefCell;

/// After the job, operations that are still under way end within this time.
const SETTLED_AFTER_MS: u64 = 24 * 3_600_000;

/// All that has happened in a job.
pub(super) struct History {
    /// Its outage is that of the job, whatever it was counted from.
    pub(super) plan: Plan,
    /// One for each use of the action that was started.
    pub(super) uses: Vec<UseRecord>,
    pub(super) reoclo: Reoclo,
}

pub(super) struct UseRecord {
    pub(super) main: StepRecord,
    pub(super) post: StepRecord,
}

/// Runs a job. With `is_recorded`, its history has a timeline.
pub(super) fn run(plan: &Plan, is_recorded: bool) -> History {
    let job = Job { plan, time: VirtualTime::default(), reoclo: RefCell::new(Reoclo::new(plan, is_recorded)) };
    let mut started = Vec::new();
    for (of, use_) in plan.uses.iter().enumerate() {
        let main = job.main(of, use_);
        let succeeded = main.succeeded();
        started.push((of, use_, main));
        if !succeeded {
            break;
        }
        job.time.advance_to(job.time.now_ms() + u64::from(use_.pause_ms));
    }
    // Post steps run in the reverse order.
    let mut uses = Vec::new();
    while let Some((of, use_, main)) = started.pop() {
        job.reoclo.borrow_mut().advance(job.time.now_ms());
        job.reoclo.borrow_mut().start_post(job.time.now_ms());
        let post = job.post(of, use_, main.state.clone());
        uses.insert(0, UseRecord { main, post });
    }
    let mut reoclo = job.reoclo.into_inner();
    reoclo.advance(job.time.now_ms() + SETTLED_AFTER_MS);
    let mut plan = plan.clone();
    plan.api.outage = reoclo.outage;
    History { plan, uses, reoclo }
}
