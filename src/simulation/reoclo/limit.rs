//! The rate limit of Reoclo's API.

use crate::simulation::plan::{Limiter, Plan};

const MINUTE_MS: u64 = 60_000;

/// How many requests a key may send.
pub(super) struct RateLimit {
    limiter: Limiter,
    capacity: f64,
    per_minute: f64,
    /// How many more requests are accepted at `counted_ms`.
    left: f64,
    counted_ms: u64,
    /// When the first minute begins, before the job.
    minute_offset_ms: u64,
}

impl RateLimit {
    pub(super) fn new(plan: &Plan) -> Option<Self> {
        let (capacity, per_minute) = plan.api.rate_limit?;
        let limiter = plan.api.limiter;
        let left = f64::from(if limiter == Limiter::TokenBucket { capacity } else { per_minute });
        let minute_offset_ms = plan.between(0, MINUTE_MS - 1, "minute");
        Some(Self {
            limiter,
            capacity: f64::from(capacity),
            per_minute: f64::from(per_minute),
            left,
            counted_ms: 0,
            minute_offset_ms,
        })
    }

    /// Counts a request.
    ///
    /// # Errors
    /// If it is one too many: `Retry-After` in seconds, if there is one.
    pub(super) fn take(&mut self, now_ms: u64) -> Result<(), Option<u64>> {
        match self.limiter {
            Limiter::TokenBucket => {
                let new = (now_ms - self.counted_ms) as f64 * self.per_minute / MINUTE_MS as f64;
                self.left = self.capacity.min(self.left + new);
            }
            Limiter::Minute | Limiter::SilentMinute => {
                let minute = |ms: u64| (ms + self.minute_offset_ms) / MINUTE_MS;
                if minute(now_ms) > minute(self.counted_ms) {
                    self.left = self.per_minute;
                }
            }
        }
        self.counted_ms = now_ms;
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        Err((self.limiter != Limiter::SilentMinute).then(|| self.next_s(now_ms)))
    }

    /// How many requests are left, and in how many seconds there are more.
    pub(super) fn quota(&self, now_ms: u64) -> (u64, u64) {
        let more_in_s = match self.limiter {
            Limiter::TokenBucket if self.left >= 1.0 => {
                ((self.capacity - self.left) * 60.0 / self.per_minute).ceil() as u64
            }
            _ => self.next_s(now_ms),
        };
        (self.left as u64, more_in_s)
    }

    /// In how many seconds another request is accepted.
    fn next_s(&self, now_ms: u64) -> u64 {
        match self.limiter {
            Limiter::TokenBucket => ((1.0 - self.left) * 60.0 / self.per_minute).ceil() as u64,
            _ => (MINUTE_MS - (now_ms + self.minute_offset_ms) % MINUTE_MS).div_ceil(1_000),
        }
    }
}
