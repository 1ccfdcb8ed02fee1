//! When to request the status of an operation again.

use crate::api::changes::Changes;
use crate::api::contract::OperationKind;
use crate::api::deadline::Deadline;
use crate::host::Host;
use futures_util::future::select;
use std::cell::{Cell, RefCell};
use std::pin::pin;

const MIN_WAIT_MS: f64 = 100.0;
const MAX_WAIT_MS: f64 = 2_000.0;
const LATE_WAIT_MS: f64 = 3_000.0;
const LATE_FROM_MS: f64 = 60_000.0;

/// Up to so many operations are asked as often as a single one is. Of more operations, each is asked when it is probably
/// at its end.
const FEW: usize = 4;
/// The longest wait for what others took. They may have been slower.
const MAX_LEARNED_WAIT_MS: f64 = 10_000.0;
/// The longest time from one turn to the next, so that each of a hundred operations has its own within 40 s.
const MAX_TURN_MS: f64 = 400.0;
/// How many operations the typical duration is learned from: the last that have ended.
const LEARNED_FROM: usize = 5;

/// When to ask an operation again that was asked `asked_ms` after its start: after a quarter of that time, from 100 ms to
/// 2 s, and 3 s after a minute. So the end of an operation is noticed at most a quarter of its time late.
fn next_ms(asked_ms: f64) -> f64 {
    let wait_ms = if asked_ms < LATE_FROM_MS { (asked_ms / 4.0).clamp(MIN_WAIT_MS, MAX_WAIT_MS) } else { LATE_WAIT_MS };
    asked_ms + wait_ms
}

/// The operations of one kind that a step waits for.
///
/// While nothing is known about many operations, they take turns: together they are asked as often as a single one is, so
/// that the first ends are noticed in time, even if some operations hang. The duration of those that have ended tells when
/// to ask the others.
pub(crate) struct Polls {
    kind: OperationKind,
    /// Their numbers, the oldest first.
    under_way: RefCell<Vec<u64>>,
    last_number: Cell<u64>,
    /// Whether one of many is waiting to be asked before anything is known.
    is_exploring: Cell<bool>,
    recent_ms: RefCell<Vec<f64>>,
    /// The shortest of the recent durations.
    typical_ms: Cell<Option<f64>>,
    changes: Changes,
}

impl Polls {
    pub(crate) fn of(kind: OperationKind) -> Self {
        Self {
            kind,
            under_way: RefCell::default(),
            last_number: Cell::default(),
            is_exploring: Cell::default(),
            recent_ms: RefCell::default(),
            typical_ms: Cell::default(),
            changes: Changes::default(),
        }
    }

    pub(crate) fn kind(&self) -> OperationKind {
        self.kind
    }

    /// From now on an operation is waited for.
    pub(crate) fn start(&self, host: &impl Host) -> Polled<'_> {
        let (number, started_ms) = (self.last_number.get() + 1, host.monotonic_ms());
        self.last_number.set(number);
        self.under_way.borrow_mut().push(number);
        Polled { polls: self, number, started_ms, asked_ms: Cell::new(None), is_exploring: Cell::new(false) }
    }

    fn learn(&self, duration_ms: f64) {
        let mut recent_ms = self.recent_ms.borrow_mut();
        if recent_ms.len() == LEARNED_FROM {
            recent_ms.remove(0);
        }
        recent_ms.push(duration_ms);
        let typical_ms = recent_ms.iter().copied().fold(f64::INFINITY, f64::min);
        // Small differences change nothing for those that wait.
        if self.typical_ms.get().is_none_or(|before_ms| (typical_ms / before_ms - 1.0).abs() > 0.1) {
            self.typical_ms.set(Some(typical_ms));
            self.changes.announce();
        }
    }
}

/// An operation that is waited for; it counts as under way until this is dropped.
pub(crate) struct Polled<'a> {
    polls: &'a Polls,
    number: u64,
    started_ms: f64,
    /// When its status was last requested, or its turn has passed; from its start on.
    asked_ms: Cell<Option<f64>>,
    is_exploring: Cell<bool>,
}

impl Polled<'_> {
    /// Waits until the status should be requested, at most until the deadline.
    pub(crate) async fn until_due(&self, host: &impl Host, deadline: Deadline) {
        loop {
            let changed = self.polls.changes.next();
            let (due_ms, explores) = self.due();
            let left_ms = due_ms - self.elapsed_ms(host);
            if deadline.has_passed(host) || left_ms <= 0.0 && !explores {
                return;
            }
            if left_ms > 0.0 {
                select(pin!(changed), pin!(deadline.sleep(host, left_ms.ceil() as u32))).await;
            } else if !self.polls.is_exploring.replace(true) {
                self.is_exploring.set(true);
                return;
            } else {
                self.asked_ms.set(Some(due_ms));
            }
        }
    }

    /// The status is requested.
    pub(crate) fn asked(&self, host: &impl Host) {
        self.asked_ms.set(Some(self.elapsed_ms(host)));
        self.end_exploring();
    }

    fn end_exploring(&self) {
        if self.is_exploring.take() {
            self.polls.is_exploring.set(false);
        }
    }

    /// The last status request has found that the operation has ended.
    pub(crate) fn ended(&self) {
        if let Some(asked_ms) = self.asked_ms.get() {
            self.polls.learn(asked_ms);
        }
    }

    fn elapsed_ms(&self, host: &impl Host) -> f64 {
        host.monotonic_ms() - self.started_ms
    }

    /// How long after its start the operation should be asked next, and whether that is to find out about all.
    fn due(&self) -> (f64, bool) {
        let asked_ms = self.asked_ms.get();
        let under_way = self.polls.under_way.borrow();
        match self.polls.typical_ms.get() {
            // The youngest is asked as if it were the only one. Otherwise nobody would notice that operations are faster now.
            Some(typical_ms) if under_way.len() > FEW && under_way.last() != Some(&self.number) => {
                let asked_ms = asked_ms.unwrap_or(0.0);
                (next_ms(asked_ms).max(typical_ms.min(asked_ms + MAX_LEARNED_WAIT_MS)), false)
            }
            None if under_way.len() > FEW => {
                let place = under_way.iter().take_while(|number| **number != self.number).count();
                let mut due_ms = 0.0;
                let mut turn = 0;
                while turn % under_way.len() != place || asked_ms.is_some_and(|asked_ms| due_ms <= asked_ms) {
                    due_ms = next_ms(due_ms).min(due_ms + MAX_TURN_MS);
                    turn += 1;
                }
                (due_ms, true)
            }
            _ => (asked_ms.map_or(0.0, next_ms), false),
        }
    }
}

impl Drop for Polled<'_> {
    fn drop(&mut self) {
        self.end_exploring();
        self.polls.under_way.borrow_mut().retain(|number| *number != self.number);
        // The others move up: one may be due now, such as when the requests of those before it fail.
        self.polls.changes.announce();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    /// The times of all status requests of an operation that ends after `end_ms`.
    fn status_requests(end_ms: f64) -> Vec<f64> {
        let mut times = vec![0.0];
        while times.last().is_some_and(|last_ms| *last_ms < end_ms) {
            times.extend(times.last().copied().map(next_ms));
        }
        times
    }

    #[test]
    fn waits_a_quarter_of_the_elapsed_time_within_limits() {
        let waits = [0.0, 400.0, 800.0, 7_996.0, 8_000.0, 59_999.0, 60_000.0].map(|ms| next_ms(ms) - ms);
        assert_eq!(waits, [100.0, 100.0, 200.0, 1_999.0, 2_000.0, 2_000.0, 3_000.0]);
    }

    #[test]
    fn ten_minutes_take_at_most_240_requests() {
        let with_login = status_requests(600_000.0).len() + 1;
        assert!(with_login <= 240, "{with_login} requests");
    }

    #[test]
    fn notices_an_end_within_100_ms_or_25_percent() {
        for end_ms in [200.0, 500.0, 1_000.0, 3_000.0] {
            let late_ms = status_requests(end_ms).last().unwrap() - end_ms;
            assert!(late_ms <= f64::max(100.0, end_ms / 4.0), "{end_ms}: {late_ms}");
        }
    }

    /// When each of so many operations is due, from its start on.
    fn due_ms(polls: &Polls, host: &FakeHost, count: usize) -> Vec<f64> {
        let polled: Vec<Polled<'_>> = (0..count).map(|_| polls.start(host)).collect();
        polled.iter().map(|polled| polled.due().0).collect()
    }

    #[test]
    fn few_operations_are_asked_at_once_many_take_turns() {
        let (polls, host) = (Polls::of(OperationKind::Login), FakeHost::default());
        assert_eq!(due_ms(&polls, &host, 4), [0.0; 4]);
        assert_eq!(due_ms(&polls, &host, 6), [0.0, 100.0, 200.0, 300.0, 400.0, 500.0]);
        assert_eq!(due_ms(&polls, &host, 4), [0.0; 4], "those that ended are forgotten");
    }

    #[test]
    fn what_others_took_tells_when_to_ask() {
        let (polls, host) = (Polls::of(OperationKind::Login), FakeHost::default());
        polls.learn(3_000.0);
        let due_ms_of_six = |ms| [ms, ms, ms, ms, ms, 0.0];
        assert_eq!(due_ms(&polls, &host, 6), due_ms_of_six(3_000.0), "the youngest is asked as ever");
        assert_eq!(due_ms(&polls, &host, 4), [0.0; 4], "few are asked as ever");
        // Slower ones replace it only when it is no longer among the last five.
        for (duration_ms, expected_ms) in [(9_000.0, 3_000.0), (2_000.0, 2_000.0), (90_000.0, 2_000.0)] {
            polls.learn(duration_ms);
            assert_eq!(due_ms(&polls, &host, 6), due_ms_of_six(expected_ms));
        }
        (0..5).for_each(|_| polls.learn(90_000.0));
        assert_eq!(due_ms(&polls, &host, 6), due_ms_of_six(MAX_LEARNED_WAIT_MS), "others may be faster");
    }
    #[test]
    fn small_differences_change_nothing() {
        let (polls, host) = (Polls::of(OperationKind::Login), FakeHost::default());
        for (duration_ms, expected_ms) in [(3_000.0, 3_000.0), (2_800.0, 3_000.0), (2_600.0, 2_600.0)] {
            polls.learn(duration_ms);
            assert_eq!(due_ms(&polls, &host, 6)[0], expected_ms, "{duration_ms}");
        }
    }
    #[test]
    fn those_that_are_left_still_take_turns() {
        let (polls, host) = (Polls::of(OperationKind::Login), FakeHost::default());
        let mut polled: Vec<Polled<'_>> = (0..7).map(|_| polls.start(&host)).collect();
        drop(polled.remove(0));
        let due_ms: Vec<f64> = polled.iter().map(|polled| polled.due().0).collect();
        assert_eq!(due_ms, [0.0, 100.0, 200.0, 300.0, 400.0, 500.0]);
    }
}
