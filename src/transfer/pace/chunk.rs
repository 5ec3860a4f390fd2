//! How much one call of an in-kernel copy is given: as much as it moves in about a tenth of a second.
//!
//! Where that is cannot be known beforehand: within one file system in memory it is a GiB, through a FUSE program that fetches
//! from afar a hundred KiB. A copy that nobody looks at begins with much, one that may be shown with little: of 1 MB a second,
//! 16 MiB are a quarter of a minute in which a bar would stand still, or not be there yet.

use std::time::Duration;

/// The first chunk, bytes.
const FIRST: u64 = 16 << 20;
/// The first of a copy that may be shown, bytes. On a fast file system the third is of tens of MiB: two calls more, of some
/// microseconds each.
const FIRST_SHOWN: u64 = 256 << 10;
/// The largest, bytes: a multiple of every block size, so that shared ranges stay aligned.
const LARGEST: u64 = 1 << 30;
/// Longer calls make the next chunk smaller by as much: whoever watches sees something move ten times a second.
const LONG: Duration = Duration::from_millis(100);
/// Shorter than half of that, and it becomes larger by as much; by this at most.
const GROWS_BY: u32 = 16;
/// The smallest it becomes, bytes.
const SMALLEST: u64 = 1 << 20;
/// The same of a copy that may be shown, bytes.
const SMALLEST_SHOWN: u64 = 64 << 10;

/// The size of the next chunk.
#[derive(Debug)]
pub(super) struct Chunk {
    bytes: u64,
    smallest: u64,
    /// What the last full call moved, bytes, and how long it took.
    last: Option<(u64, Duration)>,
    /// What each call takes whatever it moves, where a server far away has to answer: smaller chunks would only be more of it.
    wait: Duration,
}

impl Chunk {
    /// `shown`: somebody may be looking.
    pub(super) fn new(shown: bool) -> Chunk {
        let (bytes, smallest) = if shown { (FIRST_SHOWN, SMALLEST_SHOWN) } else { (FIRST, SMALLEST) };
        Chunk { bytes, smallest, last: None, wait: Duration::ZERO }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A call moved so many bytes in that time; `full` if that is all it was granted.
    pub(super) fn took(&mut self, moved: u64, full: bool, time: Duration) {
        if full {
            let before = self.last.replace((moved, time));
            self.wait = before.and_then(|before| wait(before, (moved, time))).unwrap_or(self.wait);
        }
        let own = time.saturating_sub(self.wait);
        let long = LONG.max(self.wait * 2); // so that most of the time something is moved
        let times = |large: Duration, small: Duration| {
            u32::try_from(large.as_nanos() / small.as_nanos().max(1)).unwrap_or(u32::MAX)
        };
        if own > long {
            let times = u64::from(times(own, long)) + 1;
            self.bytes = (self.bytes / times.next_power_of_two()).max(self.smallest);
        } else if full && own < long / 2 {
            // What is reckoned from two calls that took long is not worth as much as one that did not.
            let most = if time < long / 2 { GROWS_BY } else { 2 };
            let times = times(long / 2, own).clamp(2, most);
            self.bytes = (self.bytes << times.ilog2()).min(LARGEST);
        }
    }
}

/// Of two calls, one of which moved at least twice as much as the other: what both took besides the time of their bytes.
fn wait(one: (u64, Duration), other: (u64, Duration)) -> Option<Duration> {
    let (small, large) = if one.0 < other.0 { (one, other) } else { (other, one) };
    if small.0 == 0 || large.0 / 2 < small.0 {
        return None;
    }
    let more = large.1.saturating_sub(small.1).as_nanos() * u128::from(small.0) / u128::from(large.0 - small.0);
    Some(small.1.saturating_sub(Duration::from_nanos(u64::try_from(more).unwrap_or(u64::MAX))))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What calls of a copy of `total` bytes are given, one that waits `wait` in each call and moves so many bytes a second.
    fn calls(shown: bool, total: u64, rate: u64, wait: Duration) -> Vec<(u64, Duration)> {
        let (mut chunk, mut left, mut calls) = (Chunk::new(shown), total, Vec::new());
        while left > 0 {
            let moved = chunk.bytes().min(left);
            let time = wait + Duration::from_nanos((u128::from(moved) * 1_000_000_000 / u128::from(rate)) as u64);
            chunk.took(moved, moved == chunk.bytes(), time);
            calls.push((moved, time));
            left -= moved;
        }
        calls
    }

    #[test]
    fn a_call_comes_to_last_about_a_tenth_of_a_second() {
        let wait = Duration::from_micros(2);
        for shown in [false, true] {
            for rate in [20_000_000, 100_000_000, 500_000_000, 3_000_000_000] {
                let calls = calls(shown, rate * 10, rate, wait);
                for (at, (_, time)) in calls[3..calls.len() - 1].iter().enumerate() {
                    assert!((25..=100).contains(&time.as_millis()), "{rate}/s, {shown}: call {at} of {calls:?}");
                }
            }
        }
    }

    #[test]
    fn where_it_may_be_shown_a_slow_source_is_seen_at_work_from_the_start() {
        let calls_shown = calls(true, 10_000_000, 1_000_000, Duration::from_millis(1));
        assert!(calls_shown.iter().all(|(_, time)| time.as_millis() < 300), "{calls_shown:?}");
        assert!(calls_shown[1..].iter().all(|(_, time)| time.as_millis() <= 100), "{calls_shown:?}");
        // Where nobody looks there are few calls from the first on.
        assert_eq!(calls(false, 40 << 20, 3 << 30, Duration::ZERO).len(), 2);
        assert!(calls(true, 512 << 20, 3 << 30, Duration::ZERO).len() <= 8);
    }

    #[test]
    fn a_server_that_takes_its_time_for_each_call_is_not_asked_more_often_than_need_be() {
        for shown in [false, true] {
            for wait in [120, 300, 1000].map(Duration::from_millis) {
                let calls = calls(shown, 10 << 30, 1 << 30, wait);
                let all: Duration = calls.iter().map(|(_, time)| *time).sum();
                assert!(
                    all < Duration::from_secs(20) + wait * 24,
                    "{shown}, {wait:?}: {all:?} in {} calls",
                    calls.len()
                );
            }
        }
    }
}
