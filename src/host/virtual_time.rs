//! A clock that advances only when everything waits for it, and runs futures until then.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

#[derive(Default)]
pub(crate) struct VirtualTime {
    now_ms: Cell<u64>,
    /// Who waits until when. The number tells apart those that wait for the same time: the first one comes first.
    sleepers: RefCell<BTreeMap<(u64, u64), Waker>>,
    last_number: Cell<u64>,
}

/// How the run of a future has ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Run<T> {
    Finished(T),
    /// The time was over, or the future was to be dropped.
    Dropped,
    /// The future waits for something that never happens.
    Stuck,
}

impl VirtualTime {
    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms.get()
    }

    pub(crate) fn advance_to(&self, ms: u64) {
        self.now_ms.set(ms.max(self.now_ms.get()));
    }

    pub(crate) async fn sleep_until(&self, at_ms: u64) {
        let sleeper = Sleeper { time: self, key: (at_ms, self.last_number.get() + 1) };
        self.last_number.set(sleeper.key.1);
        poll_fn(|context| {
            if self.now_ms.get() >= at_ms {
                return Poll::Ready(());
            }
            self.sleepers.borrow_mut().insert(sleeper.key, context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Runs a future to its end, but not beyond `end_ms` and only while it `is_alive`. The clock advances whenever
    /// nothing else can.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>, end_ms: u64, is_alive: impl Fn() -> bool) -> Run<T> {
        let mut future = pin!(future);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        let mut context = Context::from_waker(&waker);
        loop {
            woken.0.store(false, Ordering::Relaxed);
            let polled = future.as_mut().poll(&mut context);
            if !is_alive() {
                return Run::Dropped;
            }
            if let Poll::Ready(result) = polled {
                return Run::Finished(result);
            }
            if woken.0.load(Ordering::Relaxed) {
                continue;
            }
            let Some(next_ms) = self.sleepers.borrow().keys().next().map(|(at_ms, _)| *at_ms) else {
                return Run::Stuck;
            };
            self.advance_to(next_ms.min(end_ms));
            if next_ms > end_ms {
                return Run::Dropped;
            }
            let mut sleepers = self.sleepers.borrow_mut();
            let later = sleepers.split_off(&(next_ms + 1, 0));
            std::mem::replace(&mut *sleepers, later).into_values().for_each(Waker::wake);
        }
    }
}

struct Sleeper<'a> {
    time: &'a VirtualTime,
    key: (u64, u64),
}

impl Drop for Sleeper<'_> {
    fn drop(&mut self) {
        self.time.sleepers.borrow_mut().remove(&self.key);
    }
}

/// Whether something can continue before the clock advances.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}
