//! A time limit for many requests.

use crate::host::Host;

/// The time by which everything must have finished, in milliseconds of [`Host::monotonic_ms`].
#[derive(Clone, Copy)]
pub(crate) struct Deadline {
    at_ms: f64,
}

impl Deadline {
    pub(crate) fn after_s(host: &impl Host, seconds: u32) -> Self {
        Self { at_ms: host.monotonic_ms() + f64::from(seconds) * 1000.0 }
    }

    /// The end of the first of `shares` equal parts of the time that is left, each at least `min_ms` long.
    pub(crate) fn share(self, host: &impl Host, shares: usize, min_ms: f64) -> Self {
        let left_ms = self.left_ms(host);
        let share_ms = (left_ms / shares.max(1) as f64).max(min_ms).min(left_ms);
        Self { at_ms: host.monotonic_ms() + share_ms }
    }

    /// Milliseconds left, never negative.
    pub(crate) fn left_ms(self, host: &impl Host) -> f64 {
        (self.at_ms - host.monotonic_ms()).max(0.0)
    }

    pub(crate) fn has_passed(self, host: &impl Host) -> bool {
        self.left_ms(host) <= 0.0
    }

    /// Sleeps for `ms`, at most until the deadline.
    pub(crate) async fn sleep(self, host: &impl Host, ms: u32) {
        let left_ms = self.left_ms(host).ceil();
        host.sleep(f64::from(ms).min(left_ms) as u32).await;
    }
}

/// A part of the time until a deadline, for a request and its retries. It begins when the request is sent: it may wait long for
/// its turn.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    pub(crate) until: Deadline,
    pub(crate) shares: usize,
    pub(crate) min_ms: f64,
}

impl Share {
    pub(crate) fn begin(self, host: &impl Host) -> Deadline {
        if self.shares > 1 { self.until.share(host, self.shares, self.min_ms) } else { self.until }
    }
}

/// All of the time.
impl From<Deadline> for Share {
    fn from(until: Deadline) -> Self {
        Self { until, shares: 1, min_ms: 0.0 }
    }
}
