//! How much an engine may move before the driver is asked again. Beside `lull` the only place of a copy that looks at a clock.
//!
//! A call of copy_file_range or sendfile that is given a whole file cannot be seen into; in chunks that take about a tenth
//! of a second ([`chunk`]) a stop or a look at progress is never far. With `--rate-limit` a step is granted what
//! [`RateLimit`] has saved up, a tenth of a second's worth at most.

mod chunk;

use crate::engine::{Ask, Name};
use chunk::Chunk;
use std::convert::Infallible;
use std::num::NonZero;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What a rate limit lets be saved up, and so the most that goes out at once: this much time's worth.
const SAVED: Duration = Duration::from_millis(100);
/// Nothing goes out before this much time's worth is there. Less than what can be saved, so that time spent in a step, or
/// slept too long, is not lost.
const LEAST: Duration = Duration::from_millis(50);
/// A sleep lasts no longer at once, so that whoever wants the copy to stop is heard.
const NAP: Duration = Duration::from_millis(100);
/// An O_DIRECT end takes whole blocks of the device only, of 512 or 4096 bytes (open(2), NOTES).
const DIRECT_BLOCK: u64 = 4096;

/// `--rate-limit`: bytes per second, over all files and all threads of a run.
///
/// A bucket that fills at that rate. Taking more than there is leaves a debt, which the next one to take sleeps off; so the
/// rate is kept on the whole even where a single read has to be larger (a datagram).
#[derive(Debug)]
pub struct RateLimit {
    /// Bytes per second.
    rate: NonZero<u64>,
    /// When the bucket is, or was, empty: since then it has been filling.
    empty_at: Mutex<Instant>,
}

impl RateLimit {
    /// A bucket with enough in it for a first step.
    pub fn new(rate: NonZero<u64>) -> RateLimit {
        let now = Instant::now();
        RateLimit { rate, empty_at: Mutex::new(now.checked_sub(LEAST).unwrap_or(now)) }
    }

    /// Sleeps until enough has been saved up and takes it out of the bucket: bytes that may be moved. They are no more
    /// than [`SAVED`] is worth, or `least` where that is more.
    pub fn take(&self, least: u64) -> u64 {
        let sleep = |wait| {
            std::thread::sleep(wait);
            Ok::<(), Infallible>(())
        };
        let Ok(bytes) = self.take_after(least, sleep);
        bytes
    }

    /// The same for who has something to look after meanwhile: `pause` is what passes the time.
    ///
    /// # Errors
    /// Those of `pause`; then nothing was taken.
    pub fn take_after<E>(&self, least: u64, mut pause: impl FnMut(Duration) -> Result<(), E>) -> Result<u64, E> {
        loop {
            match self.try_take(least, Instant::now()) {
                Ok(bytes) => return Ok(bytes),
                Err(wait) => pause(wait.min(NAP))?,
            }
        }
    }

    /// Bytes that it lets through in as much time as may be saved up.
    pub(super) fn in_a_moment(&self) -> u64 {
        self.bytes_in(SAVED)
    }

    /// Of `taken` bytes, `moved` were moved: what is left over goes back, and what is missing becomes a debt.
    pub fn moved(&self, taken: u64, moved: u64) {
        let mut empty_at = self.empty_at();
        let changed = match moved.checked_sub(taken) {
            Some(more) => empty_at.checked_add(self.time_of(more)),
            None => empty_at.checked_sub(self.time_of(taken - moved)),
        };
        *empty_at = changed.unwrap_or(*empty_at);
    }

    fn empty_at(&self) -> MutexGuard<'_, Instant> {
        self.empty_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What may be moved at `now`, or how long to wait before that is asked again.
    fn try_take(&self, least: u64, now: Instant) -> Result<u64, Duration> {
        let one_byte = self.time_of(1);
        let mut empty_at = self.empty_at();
        // More is not saved up, however long nothing was taken.
        let full_since = now.checked_sub(SAVED.max(one_byte)).unwrap_or(*empty_at);
        let since = (*empty_at).max(full_since);
        let saved = now.saturating_duration_since(since);
        let enough = LEAST.max(one_byte);
        if saved < enough {
            return Err(since.saturating_duration_since(now) + (enough - saved));
        }
        let bytes = in_blocks(self.bytes_in(saved)).max(least);
        *empty_at = since.checked_add(self.time_of(bytes)).unwrap_or(since);
        Ok(bytes)
    }

    fn bytes_in(&self, time: Duration) -> u64 {
        let bytes = u128::from(self.rate.get()) * time.as_nanos() / Duration::from_secs(1).as_nanos();
        u64::try_from(bytes).unwrap_or(u64::MAX)
    }

    fn time_of(&self, bytes: u64) -> Duration {
        let nanos = u128::from(bytes) * Duration::from_secs(1).as_nanos() / u128::from(self.rate.get());
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// Whole blocks of the page cache and of file systems, where it is as many: pieces that begin and end in the middle of one
/// cost more and cannot be shared. At least a byte.
fn in_blocks(bytes: u64) -> u64 {
    let whole = |block| Some(bytes - bytes % block).filter(|whole| *whole > 0);
    whole(64 * 1024).or(whole(4096)).unwrap_or(bytes.max(1))
}

/// The pace of one copy.
#[derive(Debug)]
pub(super) struct Pace<'a> {
    chunk: Chunk,
    began: Option<Instant>,
    limit: Option<&'a RateLimit>,
    /// The least that a step of this copy can do with, bytes.
    least: u64,
    /// A read takes a message, whatever its length.
    by_message: bool,
    /// What was taken out of the bucket for the step that is under way.
    taken: Option<u64>,
}

impl<'a> Pace<'a> {
    /// `shown`: somebody may be looking at how far it is.
    pub(super) fn new(ask: &Ask<'_>, limit: Option<&'a RateLimit>, shown: bool) -> Pace<'a> {
        Pace {
            chunk: Chunk::new(shown),
            began: None,
            limit,
            least: if ask.source.direct || ask.sink.direct { DIRECT_BLOCK } else { 1 },
            by_message: ask.source.socket().is_some_and(|socket| !socket.stream),
            taken: None,
        }
    }

    /// Whether steps follow each other as fast as they can.
    pub(super) fn is_free(&self) -> bool {
        self.limit.is_none()
    }

    /// Bytes the next step may move; with a rate limit, once it may, and until then `pause` passes the time. Engines whose
    /// steps are blocks of their own are not held back otherwise. A clone moves no bytes.
    ///
    /// # Errors
    /// Those of `pause`.
    pub(super) fn grant<E>(&mut self, engine: Name, pause: impl FnMut(Duration) -> Result<(), E>) -> Result<u64, E> {
        let limit = self.limit.filter(|_| engine != Name::Reflink);
        self.taken = limit.map(|limit| limit.take_after(self.least, pause)).transpose()?;
        let limited = self.taken.filter(|_| !self.by_message).unwrap_or(u64::MAX);
        Ok(match engine {
            Name::CopyFileRange | Name::Sendfile => {
                self.began = Some(Instant::now());
                self.chunk.bytes().min(limited)
            }
            Name::Reflink | Name::Splice | Name::Zerocopy | Name::Mmap | Name::ReadWrite => limited,
        })
    }

    /// The step is over and has moved so many bytes; `full` if that is all it was granted.
    pub(super) fn over(&mut self, moved: u64, full: bool) {
        if let (Some(limit), Some(taken)) = (self.limit, self.taken.take()) {
            limit.moved(taken, moved);
        }
        if let Some(began) = self.began.take() {
            self.chunk.took(moved, full, began.elapsed());
        }
    }

    /// Bytes were moved that no step was granted.
    pub(super) fn also(&self, moved: u64) {
        if let Some(limit) = self.limit {
            limit.moved(0, moved);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bucket(rate: u64) -> (RateLimit, Instant) {
        let limit = RateLimit::new(NonZero::new(rate).unwrap_or(NonZero::<u64>::MIN));
        let start = *limit.empty_at();
        (limit, start)
    }

    #[test]
    fn a_step_is_granted_a_tenth_of_a_second_at_most_and_nothing_before_half_of_that_is_saved() {
        let (limit, start) = bucket(10_000_000);
        assert_eq!(limit.try_take(1, start + LEAST / 2), Err(LEAST / 2));
        assert_eq!(limit.try_take(1, start + LEAST), Ok(in_blocks(500_000)));
        let (limit, start) = bucket(10_000_000);
        assert_eq!(limit.try_take(1, start + Duration::from_secs(60)), Ok(in_blocks(1_000_000)));
        assert!(limit.try_take(1, start + Duration::from_secs(60)).is_err(), "it was empty");
    }

    #[test]
    fn over_time_it_is_the_rate_whatever_the_steps_make_of_what_they_are_granted() {
        for rate in [1, 3, 100, 4095, 5000, 123_457, 10_000_000, 3_000_000_000] {
            let (limit, start) = bucket(rate);
            let (mut now, mut moved, mut turn) = (start, 0, 0);
            while now < start + Duration::from_secs(20) {
                match limit.try_take(1, now) {
                    Err(wait) => now += wait,
                    Ok(bytes) => {
                        turn += 1;
                        // All of it, a part, nothing, or more than was granted (what a pipe held from before).
                        let done = [bytes, bytes / 3, 0, bytes + bytes / 4][turn % 4];
                        limit.moved(bytes, done);
                        moved += done;
                        now += Duration::from_millis(1);
                    }
                }
            }
            let (least, most) = (rate * 20 - rate / 5 - 2, rate * 20 + rate / 5 + 2);
            assert!((least..=most).contains(&moved), "{rate}/s: {moved} in 20 s");
        }
    }

    #[test]
    fn a_debt_is_slept_off_and_several_takers_share_one_rate() {
        let (limit, start) = bucket(1000);
        assert_eq!(limit.try_take(4096, start + LEAST), Ok(4096));
        // Paid off 4.096 s after the start; then as much has to be saved again as was there when it was taken.
        let wait = Duration::from_millis(4096);
        assert_eq!(limit.try_take(1, start + LEAST), Err(wait));
        assert_eq!(limit.try_take(1, start + LEAST), Err(wait), "whoever asks");
        assert_eq!(limit.try_take(1, start + LEAST + wait), Ok(50));
    }

    #[test]
    fn rates_beyond_all_reason_do_no_harm() {
        let (limit, start) = bucket(u64::MAX);
        let bytes = limit.try_take(1, start + LEAST);
        assert!(bytes.is_ok_and(|bytes| bytes > u64::MAX / 21));
        limit.moved(bytes.unwrap_or(0), u64::MAX);
        let (limit, _) = bucket(1);
        limit.moved(0, u64::MAX);
        assert!(limit.try_take(1, Instant::now()).is_err());
    }

    #[test]
    fn pieces_are_whole_blocks_where_they_can_be() {
        let pieces = [0, 1, 4095, 4096, 10_000, 65_535, 65_536, 1_000_000].map(in_blocks);
        assert_eq!(pieces, [1, 1, 4095, 4096, 8192, 61_440, 65_536, 983_040]);
    }
}
