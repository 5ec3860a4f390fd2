//! The number of a line, kept as the digits it is written with.

/// Digits that are counted in a register; the others change once in a million lines.
const LOW: usize = 6;

/// Room for the digits before them: more than lines can be counted with.
const HIGH: usize = 16;

/// Bytes of output that a number uses, most of them as scratch.
pub(super) const ROOM: usize = HIGH + 8;

/// A line's number, right-aligned in six columns, with the tab that follows it.
#[derive(Debug)]
pub(super) struct Number {
    /// The digits before the last six.
    high: [u8; HIGH],
    /// How many of them there are.
    digits: usize,
    /// The last six digits, or spaces, then a tab and one byte without meaning; the first is the lowest byte.
    low: u64,
}

impl Number {
    /// The first line's.
    pub(super) fn new() -> Number {
        Number { high: [b' '; HIGH], digits: 0, low: u64::from_le_bytes(*b"     1\t\0") }
    }

    /// Writes the number and the tab to the start of `out`, of which [`ROOM`] bytes are used as scratch, and goes on to the
    /// next. Returns how many bytes count.
    #[inline]
    pub(super) fn next(&mut self, out: &mut [u8]) -> usize {
        let width = self.write(self.low, out, true);
        self.low = self.after(self.low, true);
        width
    }

    /// The last digits, as the two functions that follow take and give them: a loop keeps them in a register.
    pub(super) fn low(&self) -> u64 {
        self.low
    }

    /// Where such a loop has ended.
    pub(super) fn set_low(&mut self, low: u64) {
        self.low = low;
    }

    /// As [`Number::next`], of a number that ends in `low`, without going on; 0 unless the line `counts`. Copies of fixed
    /// length are a few instructions.
    #[inline(always)]
    pub(super) fn write(&self, low: u64, out: &mut [u8], counts: bool) -> usize {
        if self.digits > 0 {
            out[..HIGH].copy_from_slice(&self.high);
        }
        out[self.digits..self.digits + 8].copy_from_slice(&low.to_le_bytes());
        if counts { self.digits + LOW + 1 } else { 0 }
    }

    /// What follows `low`, or `low` itself unless the line `counts`.
    #[inline(always)]
    pub(super) fn after(&mut self, low: u64, counts: bool) -> u64 {
        const LAST: usize = 8 * (LOW - 1);
        const TENS: usize = LAST - 8;
        let next = low + (u64::from(counts) << LAST);
        if next >> LAST & 0xff <= u64::from(b'9') {
            return next;
        }
        let tens = next - (10 << LAST) + (1 << TENS);
        if (b'1'..=b'9').contains(&((tens >> TENS) as u8)) { tens } else { self.carry(next) }
    }

    /// The last digit has gone beyond 9.
    #[cold]
    fn carry(&mut self, low: u64) -> u64 {
        let mut low = low.to_le_bytes();
        low[LOW - 1] = b'0';
        if !count(&mut low[..LOW - 1]) && !count(&mut self.high[..self.digits]) {
            self.high[..=self.digits].fill(b'0');
            self.high[0] = b'1';
            self.digits += 1;
        }
        u64::from_le_bytes(low)
    }
}

/// Adds one to digits that may have spaces before them; false if they were all nines (or none), and are
/// zeros now.
fn count(digits: &mut [u8]) -> bool {
    for digit in digits.iter_mut().rev() {
        match *digit {
            b'9' => *digit = b'0',
            b' ' => {
                *digit = b'1';
                return true;
            }
            _ => {
                *digit += 1;
                return true;
            }
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_as_printf_would() {
        let mut number = Number::new();
        let mut out = [0; 24];
        for line in 1..=1_100_100u64 {
            let n = number.next(&mut out);
            if line % 997 == 0 || line.to_string().trim_end_matches('0').len() < 3 || line.to_string().ends_with("99") {
                assert_eq!(String::from_utf8_lossy(&out[..n]), format!("{line:6}\t"));
            }
        }
    }

    #[test]
    fn the_highest_digits_carry_too() {
        let mut number = Number::new();
        number.high = *b"9999            ";
        number.digits = 4;
        number.low = u64::from_le_bytes(*b"999999\t\0");
        let mut out = [0; 24];
        number.next(&mut out);
        let n = number.next(&mut out);
        assert_eq!(&out[..n], b"10000000000\t");
    }
}
