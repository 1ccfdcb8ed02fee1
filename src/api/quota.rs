//! What an API says about its rate limit before it is reached.

use super::retry;
use crate::host::{Host, Response};

/// How many more requests are allowed until when, in milliseconds of [`Host::monotonic_ms`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Quota {
    pub(crate) remaining: u32,
    pub(crate) resets_ms: f64,
}

/// A larger number is a Unix time and not a number of seconds from now: GitHub's `X-RateLimit-Reset`.
const MAX_SECONDS: u32 = 100_000_000;

/// Reads `RateLimit` (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/>, drafts 7 to 10), or the
/// `RateLimit-Remaining` and `RateLimit-Reset` of earlier drafts, or those with `X-` in front. `None` without a quota.
pub(crate) fn read(host: &impl Host, response: &Response) -> Option<Quota> {
    let now_ms = host.monotonic_ms();
    if let Some(header) = response.header("ratelimit") {
        let (remaining, reset_s) = scarcest(header)?;
        return Some(Quota { remaining, resets_ms: now_ms + f64::from(reset_s) * 1_000.0 });
    }
    let number = |name| response.header(name)?.trim().parse::<u32>().ok();
    let both = |remaining, reset| Some((number(remaining)?, number(reset)?));
    let (remaining, reset) = both("ratelimit-remaining", "ratelimit-reset")
        .or_else(|| both("x-ratelimit-remaining", "x-ratelimit-reset"))?;
    let reset_ms = f64::from(reset) * 1_000.0;
    let resets_in_ms = if reset > MAX_SECONDS {
        let date_ms = response.header("date").and_then(|date| retry::http_date_ms(host, date));
        (reset_ms - date_ms.unwrap_or_else(|| host.unix_time_ms())).max(0.0)
    } else {
        reset_ms
    };
    Some(Quota { remaining, resets_ms: now_ms + resets_in_ms })
}

/// Remaining requests and seconds of the scarcest of several policies: `"burst";r=5;t=1, "day";r=900;t=3600`. Draft 7
/// has one: `limit=10, remaining=5, reset=1`.
fn scarcest(header: &str) -> Option<(u32, u32)> {
    let is_draft_7 = header.contains("remaining=");
    let quotas = header.split(if is_draft_7 { '\n' } else { ',' }).filter_map(|policy| {
        let parameter = |names: [&str; 2]| {
            let mut parts = policy.split([';', ',']).filter_map(|part| part.trim().split_once('='));
            parts.find(|(name, _)| names.contains(name)).and_then(|(_, value)| value.parse::<u32>().ok())
        };
        Some((parameter(["r", "remaining"])?, parameter(["t", "reset"])?))
    });
    quotas.min_by_key(|(remaining, _)| *remaining)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    fn quota(headers: &[(&'static str, &str)]) -> Option<(u32, f64)> {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let quota = read(&FakeHost::default(), &Response { headers, ..Response::default() });
        quota.map(|Quota { remaining, resets_ms }| (remaining, resets_ms))
    }

    #[test]
    fn reads_every_draft_and_the_older_headers() {
        for headers in [
            &[("ratelimit", r#""default";r=5;t=30"#)][..],
            &[("ratelimit", r#""burst";r=5;t=30, "day";r=900;t=3600"#)],
            &[("ratelimit", "limit=100, remaining=5, reset=30")],
            &[("ratelimit-remaining", "5"), ("ratelimit-reset", "30")],
            &[("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", "30")],
            &[("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", "784111807")],
            &[
                ("x-ratelimit-remaining", "5"),
                ("x-ratelimit-reset", "784111837"),
                ("date", "Sun, 06 Nov 1994 08:50:07 GMT"),
            ],
        ] {
            assert_eq!(quota(headers), Some((5, 30_000.0)), "{headers:?}");
        }
    }

    #[test]
    fn anything_else_is_no_quota() {
        for headers in [
            &[][..],
            &[("ratelimit", "")],
            &[("ratelimit", r#""default";r=5"#)],
            &[("ratelimit", r#""default";r=-5;t=1"#)],
            &[("ratelimit", "remaining=NaN, reset=inf")],
            &[("ratelimit-remaining", "5")],
            &[("x-ratelimit-remaining", "many"), ("x-ratelimit-reset", "soon")],
        ] {
            assert_eq!(quota(headers), None, "{headers:?}");
        }
    }
    #[test]
    fn a_reset_up_to_three_years_is_a_number_of_seconds() {
        let reset = |seconds| quota(&[("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", seconds)]);
        assert_eq!(reset("100000000"), Some((5, 100_000_000_000.0)));
        assert_eq!(reset("100000001"), Some((5, 0.0)), "a time in 1973");
    }
}
