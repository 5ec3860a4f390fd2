//! The questions that `-i` asks, in GNU's words.

use std::fmt::Write as _;

/// Of an ordinary destination; `shown` is quoted.
pub fn overwrite(shown: &str) -> String {
    format!("overwrite {shown}? ")
}

/// Of one that cannot be written: whether it is to be replaced, if that will be tried, or only opened.
pub fn unwritable(shown: &str, mode: u32, replaces: bool) -> String {
    let octal = mode & 0o7777;
    let letters = letters(mode);
    if replaces {
        format!("replace {shown}, overriding mode {octal:04o} ({letters})? ")
    } else {
        format!("unwritable {shown} (mode {octal:04o}, {letters}); try anyway? ")
    }
}

/// The permission bits as ls(1) writes them: the execute letter also tells of set-user-ID, set-group-ID and sticky.
fn letters(mode: u32) -> String {
    let mut text = String::new();
    for (shift, special, letter) in [(6, 0o4000, 's'), (3, 0o2000, 's'), (0, 0o1000, 't')] {
        let bits = mode >> shift;
        let execute = match (mode & special != 0, bits & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        };
        let read = if bits & 4 != 0 { 'r' } else { '-' };
        let write = if bits & 2 != 0 { 'w' } else { '-' };
        let _ = write!(text, "{read}{write}{execute}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_spelled_as_by_ls() {
        for (mode, expected) in [
            (0o400, "r--------"),
            (0o4750, "rwsr-x---"),
            (0o6644, "rwSr-Sr--"),
            (0o1777, "rwxrwxrwt"),
            (0o1000, "--------T"),
        ] {
            assert_eq!(letters(0o100_000 | mode), expected);
        }
        assert_eq!(unwritable("'b'", 0o100_400, false), "unwritable 'b' (mode 0400, r--------); try anyway? ");
        assert_eq!(unwritable("'b'", 0o100_400, true), "replace 'b', overriding mode 0400 (r--------)? ");
    }
}
