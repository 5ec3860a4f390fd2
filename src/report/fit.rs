//! Names made to fit a line of the terminal: what a terminal would obey, or what would turn the line around, is shown by
//! its bytes (`\x1b`), and of what is too long the middle is left out.

use super::quote::Charset;
use std::fmt::{self, Display, Formatter, Write as _};
use unicode_width::UnicodeWidthChar as _;

/// Columns that a character takes; those that cannot be shown take none.
pub fn columns(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// What is put for the middle that was left out.
fn gap(charset: Charset) -> &'static str {
    match charset {
        Charset::Utf8 => "…",
        Charset::Ascii => "..",
    }
}

/// `name` in at most `columns` columns; empty where not even the gap would fit.
pub fn fit(name: &[u8], columns: usize, charset: Charset) -> String {
    let pieces = pieces(name, charset);
    let width = |pieces: &[(String, usize)]| pieces.iter().map(|(_, width)| width).sum::<usize>();
    let text = |pieces: &[(String, usize)]| pieces.iter().map(|(text, _)| text.as_str()).collect::<String>();
    if width(&pieces) <= columns {
        return text(&pieces);
    }
    let gap = gap(charset);
    let Some(room) = columns.checked_sub(self::columns(gap)) else { return String::new() };
    // The end tells more than the beginning: it has the last name of a path.
    let (mut from, mut to, mut head, mut tail) = (0, pieces.len(), 0, 0);
    while let Some(last) = pieces[..to].last().filter(|last| tail + last.1 <= room - room / 3) {
        tail += last.1;
        to -= 1;
    }
    while let Some(next) = pieces[..to].get(from).filter(|next| head + next.1 + tail <= room) {
        head += next.1;
        from += 1;
    }
    text(&pieces[..from]) + gap + &text(&pieces[to..])
}

/// A whole name, however long; written without allocating, so that a signal handler may.
#[derive(Clone, Copy, Debug)]
pub struct Shown<'n>(pub &'n [u8], pub Charset);

impl Display for Shown<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            for c in chunk.valid().chars() {
                if is_shown(c, self.1) {
                    f.write_char(c)?;
                } else {
                    c.encode_utf8(&mut [0; 4]).bytes().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
                }
            }
            chunk.invalid().iter().try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}

/// The name in pieces that are shown whole or not at all, with their columns.
fn pieces(name: &[u8], charset: Charset) -> Vec<(String, usize)> {
    let mut pieces: Vec<(String, usize)> = Vec::new();
    let escape =
        |bytes: &[u8]| -> Vec<(String, usize)> { bytes.iter().map(|byte| (format!("\\x{byte:02x}"), 4)).collect() };
    for chunk in name.utf8_chunks() {
        for c in chunk.valid().chars() {
            let width = c.width().unwrap_or(0);
            match pieces.last_mut() {
                // A mark belongs to the character it stands on.
                Some((before, at)) if width == 0 && *at > 0 && is_shown(c, charset) => before.push(c),
                _ if width > 0 && is_shown(c, charset) => pieces.push((c.into(), width)),
                _ => pieces.extend(escape(c.encode_utf8(&mut [0; 4]).as_bytes())),
            }
        }
        pieces.extend(escape(chunk.invalid()));
    }
    pieces
}

/// Whether a character may go to the terminal as it is. Format characters (general category Cf) may not: they include
/// those that turn the direction of writing around and those that cannot be seen.
fn is_shown(c: char, charset: Charset) -> bool {
    if c.is_ascii() {
        return !c.is_ascii_control();
    }
    let format = matches!(c,
        '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}' | '\u{891}' | '\u{8e2}'
        | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff0}'..='\u{fffb}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}');
    charset == Charset::Utf8 && !c.is_control() && !format
}

#[cfg(test)]
mod tests {
    use super::*;
    use Charset::{Ascii, Utf8};

    #[test]
    fn what_a_terminal_would_obey_is_shown_by_its_bytes() {
        for (name, charset, shown) in [
            (&b"big.iso"[..], Ascii, "big.iso"),
            (b"a\x1b[2Jb", Utf8, "a\\x1b[2Jb"),
            (b"a\nb\r\x7f", Utf8, "a\\x0ab\\x0d\\x7f"),
            (b"\xc2\x9bm", Utf8, "\\xc2\\x9bm"),
            ("\u{202e}gpj".as_bytes(), Utf8, "\\xe2\\x80\\xaegpj"),
            ("a\u{200b}b".as_bytes(), Utf8, "a\\xe2\\x80\\x8bb"),
            (b"a\xffb", Utf8, "a\\xffb"),
            ("é".as_bytes(), Utf8, "é"),
            ("é".as_bytes(), Ascii, "\\xc3\\xa9"),
            ("e\u{301}x".as_bytes(), Utf8, "e\u{301}x"),
            ("\u{301}x".as_bytes(), Utf8, "\\xcc\\x81x"),
        ] {
            assert_eq!(fit(name, 80, charset), shown);
            assert_eq!(
                Shown(name, charset).to_string().replace("\\xcc\\x81", "\u{301}"),
                shown.replace("\\xcc\\x81", "\u{301}")
            );
        }
    }

    #[test]
    fn of_what_is_too_long_the_middle_is_left_out() {
        assert_eq!(fit(b"photos/2024/holiday/0007.dng", 20, Utf8), "photos…iday/0007.dng");
        assert_eq!(fit(b"photos/2024/holiday/0007.dng", 20, Ascii), "photos..day/0007.dng");
        assert_eq!(fit("日本語のファイル".as_bytes(), 9, Utf8), "日…ァイル");
        for columns in 0..40 {
            for name in
                ["日本語のファイル日本語のファイル", "a\x1b\x1b\x1b\x1bb", "abcdefghijklmnopqrstuvwxyz0123456789"]
            {
                let fitted = fit(name.as_bytes(), columns, Utf8);
                assert!(self::columns(&fitted) <= columns, "{fitted:?} in {columns}");
            }
        }
    }
}
