//! When to request the status of an operation again.

const MIN_WAIT_MS: f64 = 100.0;
const MAX_WAIT_MS: f64 = 2_000.0;
const LATE_WAIT_MS: u32 = 3_000;
const LATE_FROM_MS: f64 = 60_000.0;

/// The wait before the next status request of an operation that has run for `elapsed_ms`: a quarter of that time, from
/// 100 ms to 2 s, and 3 s after a minute. So the end of an operation is noticed at most a quarter of its time late.
pub(crate) fn wait_ms(elapsed_ms: f64) -> u32 {
    if elapsed_ms >= LATE_FROM_MS {
        return LATE_WAIT_MS;
    }
    (elapsed_ms / 4.0).clamp(MIN_WAIT_MS, MAX_WAIT_MS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The times of all status requests of an operation that ends after `end_ms`.
    fn status_requests(end_ms: f64) -> Vec<f64> {
        let mut times = vec![0.0];
        let mut now_ms = 0.0;
        while now_ms < end_ms {
            now_ms += f64::from(wait_ms(now_ms));
            times.push(now_ms);
        }
        times
    }

    #[test]
    fn waits_a_quarter_of_the_elapsed_time_within_limits() {
        let waits = [0.0, 400.0, 800.0, 7_999.0, 8_000.0, 59_999.0, 60_000.0].map(wait_ms);
        assert_eq!(waits, [100, 100, 200, 1_999, 2_000, 2_000, 3_000]);
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
}
