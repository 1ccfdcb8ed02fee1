//! When to ask again how an operation is doing.

const FIRST_MS: u32 = 100;
const LONGEST_MS: u32 = 2_000;
const LONGEST_LATER_MS: u32 = 3_000;
const LATER_FROM_MS: f64 = 60_000.0;

/// The waits between polls: 100 ms, then a quarter longer each time up to 2 s, or 3 s once a minute has passed.
pub(crate) struct Schedule {
    started_ms: f64,
    next_ms: u32,
}

impl Schedule {
    pub(crate) fn starting(now_ms: f64) -> Self {
        Self { started_ms: now_ms, next_ms: FIRST_MS }
    }

    /// The wait before the next poll, in milliseconds.
    pub(crate) fn next_wait_ms(&mut self, now_ms: f64) -> u32 {
        if now_ms - self.started_ms >= LATER_FROM_MS {
            return LONGEST_LATER_MS;
        }
        let wait = self.next_ms;
        self.next_ms = (wait + wait / 4).min(LONGEST_MS);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_by_a_quarter_to_two_seconds_and_three_after_a_minute() {
        let mut schedule = Schedule::starting(0.0);
        let first: Vec<u32> = (0..5).map(|_| schedule.next_wait_ms(0.0)).collect();
        assert_eq!(first, [100, 125, 156, 195, 243]);
        let last = (0..20).map(|_| schedule.next_wait_ms(59_999.0)).last();
        assert_eq!(last, Some(2_000));
        assert_eq!(schedule.next_wait_ms(60_000.0), 3_000);
    }

    #[test]
    fn an_operation_of_ten_minutes_takes_at_most_240_polls() {
        let (mut now, mut polls) = (0.0, 1);
        let mut schedule = Schedule::starting(now);
        while now < 600_000.0 {
            now += f64::from(schedule.next_wait_ms(now));
            polls += 1;
        }
        assert!(polls <= 238, "{polls} polls");
    }

    #[test]
    fn notices_an_end_within_150_ms_or_30_percent() {
        for end in [200.0, 500.0, 1_000.0, 3_000.0] {
            let mut now = 0.0;
            let mut schedule = Schedule::starting(now);
            while now < end {
                now += f64::from(schedule.next_wait_ms(now));
            }
            assert!(now - end <= f64::max(150.0, end * 0.3), "{end}: {now}");
        }
    }
}
