//! The request budget of a step: which of its requests is sent next, and when.
//!
//! Servers are many, but the requests that an API takes from one key are few. So every server is served at once, and its
//! requests wait here for their turn.

use super::changes::Changes;
use super::deadline::Deadline;
use super::error::ApiError;
use super::quota::Quota;
use super::rate::Rate;
use super::retry;
use crate::host::Host;
use crate::runner::log::Log;
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Poll, Waker};

/// Which of the waiting requests is sent first; requests of one priority are sent in the order of their arrival.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Priority {
    /// Of what takes longest: in the post step, everything for a server where a login may still be running.
    First,
    /// A login or logout. It takes its time on the server, so the earlier the better.
    Start,
    /// A request for the status of what was started.
    Status,
}

/// How the wait of a request has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    Granted,
    /// The deadline has passed.
    TooLate,
    /// The step starts nothing any more.
    Stopped,
}

struct Waiting {
    number: u64,
    priority: Priority,
    deadline: Deadline,
    turn: Option<Turn>,
    waker: Option<Waker>,
}

impl Waiting {
    fn end(&mut self, turn: Turn) {
        self.turn = Some(turn);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

/// Shorter pauses for a quota are not logged.
const LOGGED_PAUSE_MS: f64 = 1_000.0;

pub(crate) struct RequestBudget<'a, H> {
    host: &'a H,
    log: &'a Log<'a, H>,
    /// The last one of the step.
    deadline: Deadline,
    rate: RefCell<Rate>,
    /// In the order in which they are sent.
    queue: RefCell<Vec<Waiting>>,
    last_number: Cell<u64>,
    queue_changes: Changes,
    is_stopped: Cell<bool>,
    /// How often the rate was lowered since the API last accepted a request.
    rejections: Cell<u32>,
    has_slowed_down: Cell<bool>,
    is_rate_limited: Cell<bool>,
    was_too_slow: Cell<bool>,
}

impl<'a, H: Host> RequestBudget<'a, H> {
    pub(crate) fn new(host: &'a H, log: &'a Log<'a, H>, deadline: Deadline) -> Self {
        Self {
            host,
            log,
            deadline,
            rate: RefCell::default(),
            queue: RefCell::default(),
            last_number: Cell::new(0),
            queue_changes: Changes::default(),
            is_stopped: Cell::new(false),
            rejections: Cell::new(0),
            has_slowed_down: Cell::new(false),
            is_rate_limited: Cell::new(false),
            was_too_slow: Cell::new(false),
        }
    }

    /// Runs the work of a step, and gives its requests their turns meanwhile.
    pub(crate) async fn serve<T>(&self, work: impl Future<Output = T>) -> T {
        let give_turns = async {
            loop {
                let changed = self.queue_changes.next();
                match self.give_turns() {
                    Some(wait_ms) => {
                        select(pin!(changed), pin!(self.host.sleep(wait_ms))).await;
                    }
                    None => changed.await,
                }
            }
        };
        match select(pin!(work), pin!(give_turns)).await {
            Either::Left((result, _)) => result,
            Either::Right((never, _)) => {
                let never: Infallible = never;
                match never {}
            }
        }
    }

    /// Waits until a request may be sent.
    pub(crate) async fn turn(&self, priority: Priority, deadline: Deadline) -> Turn {
        if self.is_stopped.get() && priority != Priority::Status {
            return Turn::Stopped;
        }
        if deadline.has_passed(self.host) {
            return Turn::TooLate;
        }
        let place = self.enter(priority, deadline);
        poll_fn(|context| place.poll(context.waker())).await
    }

    /// From now on no login or logout is started. What is under way can still be asked for.
    pub(crate) fn stop_starting(&self) {
        self.is_stopped.set(true);
        let mut queue = self.queue.borrow_mut();
        let starts = queue.iter_mut().filter(|waiting| waiting.turn.is_none() && waiting.priority != Priority::Status);
        starts.for_each(|waiting| waiting.end(Turn::Stopped));
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.is_stopped.get()
    }

    /// A request that got its turn has ended; `quota` is what its response said.
    pub(crate) fn ended(&self, quota: Option<Quota>) {
        let now_ms = self.host.monotonic_ms();
        // A quota that resets after the deadline is ignored: the step would fail without a try.
        let quota = quota.filter(|quota| quota.resets_ms < now_ms + self.deadline.left_ms(self.host));
        let is_new = quota.is_some();
        self.rate.borrow_mut().ended(quota);
        if !is_new {
            return;
        }
        self.queue_changes.announce();
        let pause_ms = self.rate.borrow().due_ms() - now_ms;
        if pause_ms > LOGGED_PAUSE_MS && !self.has_slowed_down.replace(true) {
            self.log.pausing(pause_ms as u32);
        }
    }

    pub(crate) fn succeeded(&self) {
        self.rejections.set(0);
        self.rate.borrow_mut().raise(self.host.monotonic_ms());
    }

    /// The API asks for fewer requests with `error`: all requests of the step wait for `retry_after_ms`, or for a backoff,
    /// and are sent more slowly then.
    pub(crate) fn slow_down(&self, error: &ApiError, sent_ms: f64, retry_after_ms: Option<u32>) {
        self.is_rate_limited.set(self.is_rate_limited.get() || error.is_rate_limit());
        if self.rate.borrow().was_sent_at_present_rate(sent_ms) {
            self.rejections.set(self.rejections.get() + 1);
        }
        let backoff_ms = || retry::backoff_ms(self.rejections.get(), self.host.random());
        let pause_ms = retry_after_ms.filter(|ms| *ms > 0).unwrap_or_else(backoff_ms);
        self.rate.borrow_mut().lower(sent_ms, self.host.monotonic_ms(), f64::from(pause_ms));
        if !self.has_slowed_down.replace(true) {
            self.log.slowing_down(error, pause_ms);
        }
    }

    /// `Retry-After` of `error`, if the step has time for it.
    pub(crate) fn retry_after_ms(&self, error: &ApiError) -> Option<u32> {
        error.retry_after_ms().filter(|ms| f64::from(*ms) < self.deadline.left_ms(self.host))
    }

    /// Whether a request that has failed with `error` is sent again without that being one of its attempts: the API's rate
    /// limit costs time only, as long as the step has it.
    pub(crate) fn costs_only_time(&self, error: &ApiError) -> bool {
        error.is_rate_limit() && self.retry_after_ms(error) == error.retry_after_ms()
    }

    /// Whether a request had no turn before its deadline because of the API's rate limit.
    pub(crate) fn was_too_slow(&self) -> bool {
        self.was_too_slow.get()
    }

    fn enter(&self, priority: Priority, deadline: Deadline) -> Place<'_, 'a, H> {
        let number = self.last_number.get() + 1;
        self.last_number.set(number);
        let mut queue = self.queue.borrow_mut();
        let at = queue.partition_point(|other| other.priority <= priority);
        queue.insert(at, Waiting { number, priority, deadline, turn: None, waker: None });
        drop(queue);
        if self.give_turns().is_some() {
            self.queue_changes.announce();
        }
        Place { budget: self, number }
    }

    /// Ends all waits that are over. Returns the time until the next can be, if there is any.
    fn give_turns(&self) -> Option<u32> {
        let mut queue = self.queue.borrow_mut();
        for waiting in queue.iter_mut().filter(|it| it.turn.is_none() && it.deadline.has_passed(self.host)) {
            waiting.end(Turn::TooLate);
            self.was_too_slow.set(self.is_rate_limited.get());
        }
        let now_ms = self.host.monotonic_ms();
        let mut wait_ms = None;
        for waiting in queue.iter_mut().filter(|waiting| waiting.turn.is_none()) {
            let due_ms = self.rate.borrow().due_ms() - now_ms;
            if due_ms <= 0.0 {
                self.rate.borrow_mut().sent(now_ms);
                waiting.end(Turn::Granted);
            } else {
                let ends_ms = due_ms.min(waiting.deadline.left_ms(self.host)).ceil() as u32;
                wait_ms = Some(wait_ms.map_or(ends_ms, |ms: u32| ms.min(ends_ms)));
            }
        }
        wait_ms
    }
}

/// A place in the queue, which is left when the request is given up.
struct Place<'b, 'a, H> {
    budget: &'b RequestBudget<'a, H>,
    number: u64,
}

impl<H> Place<'_, '_, H> {
    fn poll(&self, waker: &Waker) -> Poll<Turn> {
        let mut queue = self.budget.queue.borrow_mut();
        let Some(waiting) = queue.iter_mut().find(|waiting| waiting.number == self.number) else {
            return Poll::Pending;
        };
        match waiting.turn {
            Some(turn) => Poll::Ready(turn),
            None => {
                waiting.waker = Some(waker.clone());
                Poll::Pending
            }
        }
    }
}

impl<H> Drop for Place<'_, '_, H> {
    fn drop(&mut self) {
        self.budget.queue.borrow_mut().retain(|waiting| waiting.number != self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::contract::ApiCall;
    use crate::host::fake::FakeHost;
    use crate::runner::secret::Masks;
    use futures_util::future::{join3, select};

    fn rejection(status: u16) -> ApiError {
        ApiError::HttpStatus {
            call: ApiCall::Status,
            host: "api".into(),
            status,
            detail: String::new(),
            retry_after_ms: None,
        }
    }

    /// What a test does with a budget that is paused for so long by an error of this status, with 9 s left.
    fn paused<T>(status: u16, pause_ms: u32, test: impl AsyncFnOnce(&RequestBudget<'_, FakeHost>, Deadline) -> T) -> T {
        let host = FakeHost::default();
        let log = Log::redacting(&host, Masks::default());
        let deadline = Deadline::after_s(&host, 9);
        let budget = RequestBudget::new(&host, &log, deadline);
        budget.slow_down(&rejection(status), 0.0, Some(pause_ms));
        host.run(budget.serve(test(&budget, deadline)))
    }

    #[test]
    fn only_a_rate_limit_makes_a_request_too_slow() {
        for (status, was_too_slow) in [(429, true), (503, false)] {
            let result = paused(status, 60_000, async |budget, deadline| {
                (budget.turn(Priority::Start, deadline).await, budget.was_too_slow())
            });
            assert_eq!(result, (Turn::TooLate, was_too_slow), "{status}");
        }
    }

    #[test]
    fn a_budget_that_starts_nothing_still_grants_status_requests() {
        let (login, status, ()) = paused(429, 1_000, async |budget, deadline| {
            let stopping = async { budget.stop_starting() };
            join3(budget.turn(Priority::Start, deadline), budget.turn(Priority::Status, deadline), stopping).await
        });
        assert_eq!((login, status), (Turn::Stopped, Turn::Granted));
    }
    #[test]
    fn a_request_that_is_given_up_leaves_the_queue() {
        let waiting = paused(429, 1_000, async |budget, deadline| {
            select(pin!(budget.turn(Priority::Start, deadline)), pin!(budget.host.sleep(100))).await;
            budget.queue.borrow().len()
        });
        assert_eq!(waiting, 0);
    }
}
