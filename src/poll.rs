//! When to ask again how an operation is doing.

const SHORTEST_MS: f64 = 100.0;
const LONGEST_MS: f64 = 2_000.0;
const LONGEST_LATER_MS: u32 = 3_000;
const LATER_FROM_MS: f64 = 60_000.0;

/// The wait before the next poll of an operation that has run for so long: a quarter of that, at least 100 ms and at
/// most 2 s, or 3 s once a minute has passed. An end is so noticed late by a quarter at most.
pub(crate) fn wait_ms(elapsed_ms: f64) -> u32 {
    if elapsed_ms >= LATER_FROM_MS {
        return LONGEST_LATER_MS;
    }
    (elapsed_ms / 4.0).clamp(SHORTEST_MS, LONGEST_MS) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When an operation is asked about, from its start until `end`.
    fn polls(end: f64) -> Vec<f64> {
        let mut polls = vec![0.0];
        let mut now = 0.0;
        while now < end {
            now += f64::from(wait_ms(now));
            polls.push(now);
        }
        polls
    }

    #[test]
    fn a_wait_is_a_quarter_of_the_time_passed_to_two_seconds_and_three_after_a_minute() {
        let waits = [0.0, 400.0, 800.0, 7_999.0, 8_000.0, 59_999.0, 60_000.0].map(wait_ms);
        assert_eq!(waits, [100, 100, 200, 1_999, 2_000, 2_000, 3_000]);
    }

    #[test]
    fn an_operation_of_ten_minutes_takes_at_most_240_requests() {
        let with_its_login = polls(600_000.0).len() + 1;
        assert!(with_its_login <= 240, "{with_its_login} requests");
    }

    #[test]
    fn notices_an_end_within_100_ms_or_25_percent() {
        for end in [200.0, 500.0, 1_000.0, 3_000.0] {
            let late = polls(end).last().unwrap() - end;
            assert!(late <= f64::max(100.0, end / 4.0), "{end}: {late}");
        }
    }
}
