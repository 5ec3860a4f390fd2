//! Amounts as people read them: bytes in KiB, MiB and so on, a rate, a time. They are written without allocating, so that a
//! signal handler may.

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

/// Each is 1024 of the one before.
const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// The unit in which an amount has at most four digits before the point.
fn unit(bytes: u64) -> usize {
    (bytes.max(1).ilog2() / 10) as usize
}

/// `bytes` in that unit, one digit after the point below a hundred; cut, not rounded, so that nothing looks done before it
/// is.
fn number(f: &mut Formatter<'_>, bytes: u64, unit: usize) -> fmt::Result {
    let one = 1u64 << (10 * unit);
    let whole = bytes / one;
    if unit == 0 || whole >= 100 {
        write!(f, "{whole}")
    } else {
        write!(f, "{whole}.{}", u128::from(bytes % one) * 10 / u128::from(one))
    }
}

/// An amount of bytes: `512 B`, `4.3 GiB`.
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let unit = unit(self.0);
        number(f, self.0, unit)?;
        write!(f, " {}", UNITS[unit])
    }
}

/// So much of so much, in one unit: `2.6/4.3 GiB`.
#[derive(Clone, Copy, Debug)]
pub struct Of(pub u64, pub u64);

impl Display for Of {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let unit = unit(self.1);
        number(f, self.0, unit)?;
        f.write_str("/")?;
        number(f, self.1, unit)?;
        write!(f, " {}", UNITS[unit])
    }
}

/// A time as a clock shows it: `0:01`, `12:34`, `1:02:03`; from a hundred hours on, days.
#[derive(Clone, Copy, Debug)]
pub struct Clock(pub Duration);

impl Display for Clock {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs();
        let (hours, minutes, rest) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        match hours {
            0 => write!(f, "{minutes}:{rest:02}"),
            1..100 => write!(f, "{hours}:{minutes:02}:{rest:02}"),
            _ => write!(f, "{} days", hours / 24),
        }
    }
}

/// Bytes a second over a time; 0 where there was none.
pub fn per_second(bytes: u64, time: Duration) -> u64 {
    let rate = (u128::from(bytes) * 1000).checked_div(time.as_millis()).unwrap_or(0);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_cut_and_share_the_units_of_the_whole() {
        for (bytes, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (102_399, "99.9 KiB"),
            (102_400, "100 KiB"),
            (1 << 20, "1.0 MiB"),
            ((1 << 30) - 1, "1023 MiB"),
            (u64::MAX, "15.9 EiB"),
        ] {
            assert_eq!(Bytes(bytes).to_string(), text);
        }
        assert_eq!(Of(2_800_000_000, 4_700_000_000).to_string(), "2.6/4.3 GiB");
        assert_eq!(Of(5, 3 << 30).to_string(), "0.0/3.0 GiB");
        assert_eq!(Of(3, 700).to_string(), "3/700 B");
    }

    #[test]
    fn times_are_a_clocks() {
        for (seconds, text) in
            [(0, "0:00"), (61, "1:01"), (3600, "1:00:00"), (359_999, "99:59:59"), (360_000, "4 days")]
        {
            assert_eq!(Clock(Duration::from_secs(seconds)).to_string(), text);
        }
        assert_eq!(per_second(10, Duration::from_millis(2500)), 4);
        assert_eq!(per_second(10, Duration::ZERO), 0);
        assert_eq!(per_second(u64::MAX, Duration::from_millis(1)), u64::MAX);
    }
}
