//! Sizes as GNU takes them (`head -c`, `split -b`): a number, a suffix, or both.

use std::ffi::OsStr;
use std::num::NonZero;

/// Suffixes in the order of their powers; `k` and `m` are taken for `K` and `M` (GNU head 9.1 takes these two and no
/// other small letter).
const POWERS: &[u8] = b"KMGTPEZYRQ";

/// Why a text is no size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoSize {
    /// It is not written as one.
    Unreadable,
    /// It is 0.
    Zero,
    /// It is more than 2⁶⁴ − 1 bytes.
    TooLarge,
}

impl NoSize {
    /// What to say of it.
    pub(super) fn problem(self) -> &'static str {
        match self {
            NoSize::Unreadable => "it is not a number of bytes with or without a suffix like K, MiB or GB",
            NoSize::Zero => "it is zero",
            NoSize::TooLarge => "it is more than 18446744073709551615 bytes",
        }
    }
}

/// Bytes of a size above 0. A suffix alone is one of it; `K` and `KiB` are 1024, `KB` (and `KD`) 1000, `b` 512, as GNU
/// head has it.
///
/// # Errors
/// Why the text is no size.
pub(super) fn parse(text: &OsStr) -> Result<NonZero<u64>, NoSize> {
    let text = text.to_str().ok_or(NoSize::Unreadable)?;
    let end_of_number = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    let (number, suffix) = text.split_at(end_of_number);
    let unit = unit(suffix.as_bytes())?;
    if text.is_empty() {
        return Err(NoSize::Unreadable);
    }
    if !number.is_empty() && number.bytes().all(|digit| digit == b'0') {
        return Err(NoSize::Zero); // of whatever
    }
    // They are all digits, so the only thing that can be wrong is that they are too many.
    let number = if number.is_empty() { 1 } else { number.parse::<u64>().map_err(|_| NoSize::TooLarge)? };
    let bytes = unit.and_then(|unit| number.checked_mul(unit)).ok_or(NoSize::TooLarge)?;
    NonZero::new(bytes).ok_or(NoSize::Zero)
}

/// Bytes of a suffix; `None` if they are more than can be counted.
fn unit(suffix: &[u8]) -> Result<Option<u64>, NoSize> {
    let (letter, rest) = match suffix {
        [] => return Ok(Some(1)),
        b"b" => return Ok(Some(512)),
        [b'k', rest @ ..] => (b'K', rest),
        [b'm', rest @ ..] => (b'M', rest),
        [letter, rest @ ..] => (*letter, rest),
    };
    let base: u64 = match rest {
        b"" | b"iB" => 1024,
        b"B" | b"D" => 1000,
        _ => return Err(NoSize::Unreadable),
    };
    let power = (1..).zip(POWERS).find(|(_, name)| **name == letter).ok_or(NoSize::Unreadable)?.0;
    Ok(base.checked_pow(power))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Result<u64, NoSize> {
        parse(OsStr::new(text)).map(NonZero::get)
    }

    #[test]
    fn sizes_are_what_gnu_head_takes_them_for() {
        // Each was given to `head -c SIZE /dev/zero | wc -c` (GNU head 9.1).
        let sizes = [
            ("1", 1),
            ("010", 10),
            ("1b", 512),
            ("1k", 1024),
            ("1K", 1024),
            ("1kB", 1000),
            ("1KB", 1000),
            ("1KD", 1000),
            ("1KiB", 1024),
            ("1kiB", 1024),
            ("3m", 3 << 20),
            ("3MB", 3_000_000),
            ("3MiB", 3 << 20),
            ("K", 1024),
            ("b", 512),
            ("kB", 1000),
            ("1G", 1 << 30),
            ("2TB", 2_000_000_000_000),
            ("15E", 15 << 60),
            ("18EB", 18_000_000_000_000_000_000),
            ("18446744073709551615", u64::MAX),
        ];
        for (text, expected) in sizes {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_says_why() {
        for text in
            ["", " ", "x", "1x", "1B", "1Ki", "1Kib", "1bB", "1g", "1t", "1c", "5.5", "0x10", "1_000", "1 K", "-1"]
        {
            assert_eq!(bytes(text), Err(NoSize::Unreadable), "{text:?}");
        }
        for text in ["0", "000", "0K", "0Q"] {
            assert_eq!(bytes(text), Err(NoSize::Zero), "{text}");
        }
        for text in ["18446744073709551616", "16E", "1Z", "Y", "1RB", "1Q", "99999999999999999999999999999999K"] {
            assert_eq!(bytes(text), Err(NoSize::TooLarge), "{text}");
        }
    }
}
