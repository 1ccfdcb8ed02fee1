//! How fast a step sends requests. The rate adapts to the API as TCP adapts to a network: it starts high, falls when the
//! API asks for it, and rises with every success: fast up to where the API has last limited it, slowly from there on.
//!
//! All times are in milliseconds of [`crate::host::Host::monotonic_ms`].

use super::quota::Quota;
use std::mem;

/// The most requests per second, and the rate at the start. 100 logins are requested within half a second, each over a
/// connection of its own at most. One step with eight workers reached 180.
const MAX_PER_S: f64 = 200.0;
/// The rate after that burst until the API has accepted a request, so that it does not reject many for the same reason.
const FIRST_PER_S: f64 = 20.0;
/// The fewest requests per second: the longest wait without `Retry-After` is 10 s.
const MIN_PER_S: f64 = 0.1;
/// How many requests may be sent at once after a rest.
const BURST: u32 = 8;
/// What a rate that was too high is divided by. The right one can be a hundredth of it.
const DECREASE: f64 = 4.0;
/// What each success multiplies the rate by, from the threshold on. Below it a success undoes a decrease: an API that rejects
/// everything for a while brings the rate down to the minimum, which must not last.
const INCREASE: f64 = 1.01;

pub(crate) struct Rate {
    per_s: f64,
    /// Up to here the rate rises fast: to where it was lowered after a success. Rejections without a success in between say
    /// nothing about the right rate.
    threshold_per_s: f64,
    has_accepted_since_lowered: bool,
    /// When the next request is due if all are sent at even intervals.
    next_ms: f64,
    /// The same at the maximum rate, which holds however fast the rate rises.
    capped_ms: f64,
    paused_until_ms: f64,
    /// When the API rejected a request for the first time, and when the rate was last lowered.
    limited_ms: f64,
    lowered_ms: f64,
    /// The requests that have succeeded since `limited_ms`.
    accepted: u32,
    quota: Option<Quota>,
    in_flight: u32,
    has_accepted: bool,
}

impl Default for Rate {
    fn default() -> Self {
        Self {
            per_s: MAX_PER_S,
            threshold_per_s: MAX_PER_S,
            has_accepted_since_lowered: false,
            next_ms: 0.0,
            capped_ms: 0.0,
            paused_until_ms: 0.0,
            limited_ms: f64::INFINITY,
            lowered_ms: f64::NEG_INFINITY,
            accepted: 0,
            quota: None,
            in_flight: 0,
            has_accepted: false,
        }
    }
}

impl Rate {
    /// When the next request may be sent.
    pub(crate) fn due_ms(&self) -> f64 {
        let burst_ms = f64::from(BURST - 1) * 1_000.0 / MAX_PER_S;
        let quota_ms = self.quota.as_ref().filter(|quota| quota.remaining == 0).map_or(0.0, |quota| quota.resets_ms);
        (self.next_ms.max(self.capped_ms) - burst_ms).max(self.paused_until_ms).max(quota_ms)
    }

    /// A request is sent.
    pub(crate) fn sent(&mut self, now_ms: f64) {
        self.in_flight += 1;
        let before_first_success = !self.has_accepted && self.in_flight >= BURST;
        let per_s = if before_first_success { self.per_s.min(FIRST_PER_S) } else { self.per_s };
        self.next_ms = self.next_ms.max(now_ms) + 1_000.0 / per_s;
        self.capped_ms = self.capped_ms.max(now_ms) + 1_000.0 / MAX_PER_S;
        self.quota = self.quota.take().filter(|quota| quota.resets_ms > now_ms);
        if let Some(quota) = &mut self.quota {
            quota.remaining = quota.remaining.saturating_sub(1);
        }
    }

    /// A request has ended in any way; `quota` is what the API says about its limit.
    pub(crate) fn ended(&mut self, quota: Option<Quota>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        if let Some(quota) = quota {
            // The API has not counted those yet that are under way.
            self.quota = Some(Quota { remaining: quota.remaining.saturating_sub(self.in_flight), ..quota });
        }
    }

    /// A request has succeeded.
    pub(crate) fn raise(&mut self, now_ms: f64) {
        self.has_accepted = true;
        self.has_accepted_since_lowered = true;
        self.accepted += 1;
        if self.per_s < self.threshold_per_s {
            self.per_s = (self.per_s * DECREASE).min(self.threshold_per_s);
            self.next_ms = self.next_ms.min(now_ms + 1_000.0 / self.per_s);
        } else {
            self.per_s = (self.per_s * INCREASE).min(MAX_PER_S);
        }
    }

    /// Whether a request was sent since the rate was last lowered. The rejection of an earlier one says nothing about it.
    pub(crate) fn was_sent_at_present_rate(&self, sent_ms: f64) -> bool {
        sent_ms >= self.lowered_ms
    }

    /// The API asks to send fewer requests: pauses all, then continues more slowly. `sent_ms` is when the rejected request
    /// was sent.
    pub(crate) fn lower(&mut self, sent_ms: f64, now_ms: f64, pause_ms: f64) {
        self.paused_until_ms = self.paused_until_ms.max(now_ms + pause_ms);
        if !self.was_sent_at_present_rate(sent_ms) {
            return;
        }
        self.lowered_ms = now_ms;
        let lowered_per_s = if now_ms > self.limited_ms {
            // From one rejection to another the API accepts exactly what its limit allows.
            let accepted = f64::from(self.accepted + self.in_flight);
            (accepted * 1_000.0 / (now_ms - self.limited_ms)).max(self.per_s / DECREASE)
        } else {
            (self.limited_ms, self.accepted) = (now_ms, 0);
            self.per_s / DECREASE
        };
        self.per_s = lowered_per_s.min(self.per_s).max(MIN_PER_S);
        if mem::take(&mut self.has_accepted_since_lowered) {
            self.threshold_per_s = self.per_s;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::retry::backoff_ms;

    /// Sends requests until so many have succeeded. `rejects` says for how many milliseconds the API asks to pause, if it
    /// rejects a request at this time. Returns how long it took, and how many were rejected.
    fn send_all(requests: u32, response_ms: f64, mut rejects: impl FnMut(f64) -> Option<f64>) -> (f64, usize) {
        let mut rate = Rate::default();
        let mut in_flight: Vec<(f64, f64, Option<f64>)> = Vec::new();
        let (mut now_ms, mut left, mut rejected) = (0.0_f64, requests, 0);
        while left > 0 || !in_flight.is_empty() {
            let due_ms = if left > 0 { rate.due_ms().max(now_ms) } else { f64::INFINITY };
            match in_flight.first().copied().filter(|(response_ms, ..)| *response_ms < due_ms) {
                Some((at_ms, sent_ms, pause_ms)) => {
                    now_ms = at_ms;
                    in_flight.remove(0);
                    rate.ended(None);
                    if let Some(pause_ms) = pause_ms {
                        (left, rejected) = (left + 1, rejected + 1);
                        rate.lower(sent_ms, now_ms, pause_ms);
                    } else {
                        rate.raise(now_ms);
                    }
                }
                None => {
                    now_ms = due_ms;
                    rate.sent(now_ms);
                    left -= 1;
                    in_flight.push((now_ms + response_ms, now_ms, rejects(now_ms)));
                }
            }
        }
        (now_ms, rejected)
    }

    /// The same for an API whose limit is a bucket of `capacity` tokens that gets `per_s` of them a second. The time is divided
    /// by the time that the limit makes necessary.
    fn against_token_bucket(requests: u32, capacity: f64, per_s: f64, response_ms: f64) -> (f64, usize) {
        let (mut tokens, mut filled_ms) = (capacity, 0.0);
        let (took_ms, rejected) = send_all(requests, response_ms, |now_ms| {
            tokens = f64::min(capacity, tokens + (now_ms - filled_ms) * per_s / 1_000.0);
            filled_ms = now_ms;
            let pause_ms = (tokens < 1.0).then(|| ((1.0 - tokens) / per_s).ceil() * 1_000.0);
            tokens -= if pause_ms.is_none() { 1.0 } else { 0.0 };
            pause_ms
        });
        (took_ms / ((f64::from(requests) - capacity) / per_s * 1_000.0), rejected)
    }

    #[test]
    fn finds_the_limit_of_a_token_bucket() {
        for (capacity, per_s) in [(120.0, 2.0), (10.0, 2.0), (60.0, 1.0), (20.0, 10.0), (5.0, 0.2), (30.0, 30.0)] {
            let (factor, rejected) = against_token_bucket(200, capacity, per_s, 2.0);
            assert!(factor <= 1.25 && rejected <= 20, "{capacity}, {per_s}/s: {factor:.2}, {rejected} rejected");
        }
        let (factor, rejected) = against_token_bucket(200, 120.0, 2.0, 50.0);
        assert!(factor <= 1.25 && rejected <= 20, "50 ms: {factor:.2}, {rejected} rejected");
    }

    #[test]
    fn recovers_from_an_api_that_rejected_everything() {
        for pause_ms in [0.0, 250.0, 1_000.0] {
            let (took_ms, rejected) = send_all(200, 5.0, |now_ms| (now_ms < 10_000.0).then_some(pause_ms));
            assert!(took_ms <= 25_000.0 && rejected <= 20, "{pause_ms}: {took_ms:.0} ms, {rejected} rejected");
        }
    }

    #[test]
    fn finds_the_limit_of_a_window() {
        // 120 requests in each minute; a rejection says how long the minute lasts, or there is a backoff.
        for tells_end in [true, false] {
            let (mut window, mut accepted) = (0.0, 0);
            let (took_ms, rejected) = send_all(300, 5.0, |now_ms| {
                if (now_ms / 60_000.0).floor() > window {
                    (window, accepted) = ((now_ms / 60_000.0).floor(), 0);
                }
                accepted += 1;
                let backoff_ms = || f64::from(backoff_ms(accepted - 120, 0.5));
                (accepted > 120).then(|| if tells_end { (window + 1.0) * 60_000.0 - now_ms } else { backoff_ms() })
            });
            assert!(took_ms <= 1.1 * 120_000.0 && rejected <= 30, "{tells_end}: {took_ms:.0} ms, {rejected} rejected");
        }
    }

    /// When so many requests would be sent, if nothing else happened.
    fn send(rate: &mut Rate, from_ms: f64, requests: u32) -> Vec<f64> {
        let mut at_ms = from_ms;
        let send_one = |_| {
            at_ms = rate.due_ms().max(at_ms);
            rate.sent(at_ms);
            at_ms
        };
        (0..requests).map(send_one).collect()
    }

    #[test]
    fn sends_eight_requests_at_once_then_200_per_second() {
        let mut rate = Rate::default();
        rate.raise(0.0);
        let at_ms = send(&mut rate, 1_000.0, 108);
        assert!(at_ms[..8].iter().all(|at| *at == 1_000.0));
        assert_eq!(at_ms.last(), Some(&1_500.0));
    }

    #[test]
    fn sends_eight_requests_then_20_per_second_until_one_is_accepted() {
        let mut rate = Rate::default();
        assert_eq!(send(&mut rate, 0.0, 10)[7..], [0.0, 50.0, 100.0]);
        rate.raise(0.0);
        assert_eq!(send(&mut rate, 100.0, 3)[1..], [155.0, 160.0]);
    }

    #[test]
    fn never_exceeds_the_maximum() {
        let mut rate = Rate::default();
        for _ in 0..1_000 {
            rate.raise(0.0);
        }
        assert_eq!(send(&mut rate, 0.0, 208).last(), Some(&1_000.0));
    }

    /// Found by the simulation.
    #[test]
    fn never_exceeds_the_maximum_while_the_rate_rises() {
        let mut rate = Rate::default();
        let (mut at_ms, mut sent_ms) = (0.0, Vec::new());
        for _ in 0..400 {
            at_ms = rate.due_ms().max(at_ms);
            rate.sent(at_ms);
            sent_ms.push(at_ms);
            // As if it had been lowered since the last success.
            rate.per_s = MAX_PER_S / 2.0;
            rate.raise(at_ms);
        }
        let most = |from_ms: &f64| sent_ms.iter().filter(|at| (*from_ms..*from_ms + 1_000.0).contains(at)).count();
        assert_eq!(sent_ms.iter().map(most).max(), Some(207));
    }

    #[test]
    fn a_rejection_pauses_and_divides_the_rate() {
        let mut rate = Rate::default();
        rate.raise(0.0);
        send(&mut rate, 0.0, 8);
        rate.lower(0.0, 10.0, 3_000.0);
        assert_eq!(send(&mut rate, 10.0, 4), [3_010.0, 3_010.0, 3_015.0, 3_035.0], "50 a second");
    }

    #[test]
    fn responses_raise_the_rate_to_the_maximum_again() {
        let mut rate = Rate::default();
        rate.raise(0.0);
        rate.lower(0.0, 0.0, 0.0);
        assert_eq!(rate.per_s, 50.0);
        (0..70).for_each(|_| rate.raise(0.0));
        assert!(rate.per_s > 100.0 && rate.per_s < MAX_PER_S);
        (0..70).for_each(|_| rate.raise(0.0));
        assert_eq!(rate.per_s, MAX_PER_S);
    }

    #[test]
    fn a_success_undoes_a_decrease_up_to_the_threshold() {
        let mut rate = Rate::default();
        rate.raise(0.0);
        for at_ms in [0.0, 100.0, 200.0] {
            rate.sent(at_ms);
            rate.ended(None);
            rate.lower(at_ms, at_ms, 0.0);
        }
        assert_eq!((rate.per_s, rate.threshold_per_s), (3.125, 50.0), "only the first followed a success");
        rate.sent(1_000.0);
        rate.raise(1_005.0);
        assert_eq!((rate.per_s, rate.next_ms), (12.5, 1_085.0), "the next request does not wait for the old rate");
        (0..2).for_each(|_| rate.raise(1_005.0));
        assert_eq!(rate.per_s, 50.0 * INCREASE, "slowly from the threshold on");
    }

    #[test]
    fn rejections_of_one_moment_count_once() {
        let mut rate = Rate::default();
        send(&mut rate, 0.0, 8);
        for at_ms in [10.0, 11.0, 12.0] {
            rate.lower(0.0, at_ms, 1_000.0);
        }
        assert_eq!(rate.per_s, 50.0);
        assert_eq!(rate.due_ms(), 1_012.0, "the longest pause");
    }

    #[test]
    fn an_api_that_rejects_everything_gets_a_request_in_ten_seconds() {
        let mut rate = Rate::default();
        for n in 0..20 {
            rate.lower(f64::from(n) * 1_000.0, f64::from(n) * 1_000.0, 0.0);
        }
        assert_eq!(rate.per_s, MIN_PER_S);
    }

    #[test]
    fn waits_for_the_reset_of_a_used_up_quota() {
        let mut rate = Rate::default();
        send(&mut rate, 0.0, 3);
        rate.ended(Some(Quota { remaining: 4, resets_ms: 9_000.0 }));
        // Two of the four are under way.
        assert_eq!(send(&mut rate, 100.0, 3), [100.0, 100.0, 9_000.0]);
        assert_eq!(send(&mut rate, 9_000.0, 3), [9_000.0; 3], "the next response tells the new quota");
    }
    #[test]
    fn rejections_of_one_rate_lower_it_once() {
        let mut rate = Rate::default();
        rate.lower(0.0, 10.0, 0.0);
        rate.lower(5.0, 12.0, 0.0);
        assert_eq!(rate.per_s, MAX_PER_S / DECREASE);
        rate.lower(12.0, 20.0, 0.0);
        assert!(rate.per_s < MAX_PER_S / DECREASE);
    }

    #[test]
    fn rejections_in_the_same_millisecond_lower_the_rate() {
        let mut rate = Rate::default();
        rate.sent(0.0);
        rate.lower(0.0, 0.0, 0.0);
        rate.lower(0.0, 0.0, 0.0);
        assert_eq!(rate.per_s, MAX_PER_S / DECREASE / DECREASE);
    }

    #[test]
    fn from_one_rejection_to_another_the_rate_is_what_was_accepted() {
        let mut rate = Rate::default();
        rate.raise(0.0);
        rate.lower(0.0, 500.0, 0.0);
        (0..20).for_each(|_| rate.raise(0.0));
        (0..5).for_each(|_| rate.sent(1_000.0));
        rate.lower(1_000.0, 1_500.0, 0.0);
        assert_eq!(rate.per_s, 25.0);
    }
}
