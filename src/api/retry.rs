//! How often a request is repeated, and after what wait.

use super::contract::ApiCall;
use crate::host::Host;

/// The first wait is at most this long; the maximum doubles with every attempt.
const FIRST_BACKOFF_MS: u32 = 250;
const MAX_BACKOFF_MS: u32 = 10_000;

/// The most attempts of one request; `None` if only the deadline limits them.
pub(crate) fn max_attempts(call: ApiCall) -> Option<u32> {
    match call {
        ApiCall::VaultLogin | ApiCall::PassthroughLogin => Some(6),
        ApiCall::Logout => Some(3),
        ApiCall::Status => None,
    }
}

/// The wait after so many failed attempts (1 or more): exponential with full jitter; `random` is from 0 to 1.
/// Source: <https://aws.amazon.com/builders-library/timeouts-retries-and-backoff-with-jitter/>.
pub(crate) fn backoff_ms(failed_attempts: u32, random: f64) -> u32 {
    let doublings = failed_attempts.saturating_sub(1).min(16);
    let max_ms = FIRST_BACKOFF_MS.saturating_mul(1 << doublings).min(MAX_BACKOFF_MS);
    (f64::from(max_ms) * random.clamp(0.0, 1.0)) as u32
}

/// A `Retry-After` header in milliseconds: seconds, or an HTTP date. The date is compared with the response's own `Date`
/// if there is one, since the runner's clock may be wrong. `None` for anything else.
pub(crate) fn retry_after_ms(host: &impl Host, header: &str, date: Option<&str>) -> Option<u32> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|b| b.is_ascii_digit()) {
        return Some(header.parse::<u32>().unwrap_or(u32::MAX).saturating_mul(1000));
    }
    let now_ms = date.and_then(|date| http_date_ms(host, date)).unwrap_or_else(|| host.unix_time_ms());
    http_date_ms(host, header).map(|until_ms| (until_ms - now_ms).max(0.0) as u32)
}

/// The Unix time in milliseconds of a date such as "Sun, 06 Nov 1994 08:49:37 GMT", the only form that is still sent.
pub(crate) fn http_date_ms(host: &impl Host, date: &str) -> Option<f64> {
    let date = date.trim();
    // Hosts parse much more as a date.
    if date.len() == 29 && date.ends_with(" GMT") { host.parse_date(date) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    #[test]
    fn backoff_doubles_up_to_a_maximum_with_jitter() {
        let longest: Vec<u32> = (1..=8).map(|failed| backoff_ms(failed, 1.0)).collect();
        assert_eq!(longest, [250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
        assert_eq!(backoff_ms(5, 0.0), 0);
        assert_eq!(backoff_ms(3, 0.5), 500);
        assert_eq!(backoff_ms(u32::MAX, 1.0), MAX_BACKOFF_MS);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let host = FakeHost::default();
        let after = |header| retry_after_ms(&host, header, None);
        assert_eq!(after("0"), Some(0));
        assert_eq!(after(" 120 "), Some(120_000));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:47 GMT"), Some(10_000));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:00 GMT"), Some(0), "the past");
        for header in
            ["", "-1", "1.5", "soon", "1e3", "Sun, 99 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:47 GMT"]
        {
            assert_eq!(after(header), None, "{header:?}");
        }
    }

    #[test]
    fn compares_a_retry_date_with_the_servers_clock() {
        let date = Some("Sun, 07 Nov 2094 08:49:37 GMT");
        assert_eq!(retry_after_ms(&FakeHost::default(), "Sun, 07 Nov 2094 08:49:42 GMT", date), Some(5_000));
    }
}
