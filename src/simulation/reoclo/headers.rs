//! Headers that say how long to wait, and how many requests are left.

use crate::host::Response;
use crate::host::fake::{START_UNIX_MS, parse_date};
use crate::simulation::plan::{Plan, QuotaHeaders};
use std::time::{Duration, UNIX_EPOCH};

type Headers = Vec<(&'static str, String)>;

/// `Retry-After` in one of its forms.
pub(super) fn retry_after(plan: &Plan, exchange: usize, seconds: u64, now_ms: u64) -> Headers {
    let now_s = unix_s(now_ms);
    match plan.between(0, 5, ("form of Retry-After", exchange)) {
        0 => vec![("retry-after", date(now_s + seconds)), ("date", date(now_s))],
        // The runner's clock has to be right.
        1 if plan.clock_jump.is_none() => vec![("retry-after", date(now_s + seconds))],
        _ => vec![("retry-after", seconds.to_string())],
    }
}

/// How long a response that arrives at `at_ms` asks to wait.
pub(super) fn retry_after_ms(response: &Response, at_ms: u64) -> Option<u64> {
    let header = response.header("retry-after")?;
    if let Ok(seconds) = header.parse::<u64>() {
        return Some(seconds * 1_000);
    }
    let now_ms = response.header("date").and_then(parse_date).unwrap_or((START_UNIX_MS + at_ms) as f64);
    parse_date(header).map(|until_ms| (until_ms - now_ms).max(0.0) as u64)
}

/// So many requests are left, and more in so many seconds.
pub(super) fn quota(plan: &Plan, (left, more_in_s): (u64, u64), now_ms: u64) -> Headers {
    let both = |remaining, reset, value: u64| vec![(remaining, left.to_string()), (reset, value.to_string())];
    match plan.api.quota_headers {
        None => Vec::new(),
        Some(QuotaHeaders::Draft) => vec![("ratelimit", format!(r#""key";r={left};t={more_in_s}"#))],
        Some(QuotaHeaders::EarlierDraft) => both("ratelimit-remaining", "ratelimit-reset", more_in_s),
        Some(QuotaHeaders::Seconds) => both("x-ratelimit-remaining", "x-ratelimit-reset", more_in_s),
        Some(QuotaHeaders::UnixTime) => {
            let now_s = unix_s(now_ms);
            let mut headers = both("x-ratelimit-remaining", "x-ratelimit-reset", now_s + more_in_s);
            headers.push(("date", date(now_s)));
            headers
        }
    }
}

/// The next full second.
fn unix_s(now_ms: u64) -> u64 {
    (START_UNIX_MS + now_ms).div_ceil(1_000)
}

fn date(unix_s: u64) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(unix_s))
}
