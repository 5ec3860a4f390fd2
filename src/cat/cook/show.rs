//! Bytes shown in another way: `^I`, `M-C`, `^?`.

use super::super::options::Format;
use super::scan::{Stop, any, copy_until};
use super::{MARGIN, Progress};

/// Bytes that are looked up one after the other where one of them has to be shown in another way; four each at most, so
/// that half the margin holds them.
const DENSE: usize = 16;

/// What each byte becomes: up to four bytes, the first lowest, and above them how many.
#[derive(Debug)]
pub(super) struct Table([u64; 256]);

impl Table {
    pub(super) fn new(format: Format) -> Table {
        let mut table = [0; 256];
        for (byte, entry) in (0..=u8::MAX).zip(&mut table) {
            let (text, len) = shown(byte, format);
            *entry = u64::from(u32::from_le_bytes(text)) | (len as u64) << 32;
        }
        Table(table)
    }

    /// Shows `input` up to the newline, if `LINES`, or to its end, or until `out` is filled to `end` and no more than
    /// half a margin further. `S` are the bytes that do not stand for themselves, and the newline if `LINES`.
    #[inline]
    pub(super) fn show<S: Stop, const LINES: bool>(&self, input: &[u8], out: &mut [u8], end: usize) -> Progress {
        let mut done = Progress::default();
        loop {
            if done.given < end {
                let plain = copy_until::<S>(&input[done.taken..], &mut out[done.given..end]);
                done.taken += plain;
                done.given += plain;
            }
            let Some(&byte) = input.get(done.taken) else { return done };
            if done.given >= end || (LINES && byte == b'\n') {
                return done;
            }
            self.look_up(byte, out, &mut done);
            if byte == b'\n' {
                continue; // a line of text, most likely
            }
            // They come in pairs: the end of a line of DOS, a letter in UTF-8.
            if let Some(&second) = input.get(done.taken) {
                if LINES && second == b'\n' {
                    return done;
                }
                self.look_up(second, out, &mut done);
            }
            while let Some(next) = input[done.taken..].first_chunk::<DENSE>()
                && done.given < end
                && any::<S, DENSE>(next)
            {
                for &byte in next {
                    if LINES && byte == b'\n' {
                        return done;
                    }
                    self.look_up(byte, out, &mut done);
                }
            }
        }
    }

    #[inline]
    fn look_up(&self, byte: u8, out: &mut [u8], done: &mut Progress) {
        let entry = self.0[usize::from(byte)];
        out[done.given..done.given + 4].copy_from_slice(&(entry as u32).to_le_bytes());
        done.given += (entry >> 32) as usize;
        done.taken += 1;
    }
}

// What the loop above may write beyond `end`.
const _: () = assert!(4 * DENSE <= MARGIN / 2);

/// What `byte` becomes, and of how many bytes that is.
fn shown(byte: u8, format: Format) -> ([u8; 4], usize) {
    match byte {
        b'\n' if format.ends => (*b"$\n\0\0", 2),
        b'\t' if format.tabs => (*b"^I\0\0", 2),
        b'\n' | b'\t' => ([byte, 0, 0, 0], 1),
        _ if !format.nonprinting => ([byte, 0, 0, 0], 1),
        0..=31 | 127 => ([b'^', byte ^ 0x40, 0, 0], 2),
        32..=126 => ([byte, 0, 0, 0], 1),
        128..=159 | 255 => ([b'M', b'-', b'^', (byte & 0x7f) ^ 0x40], 4),
        160..=254 => ([b'M', b'-', byte & 0x7f, 0], 3),
    }
}
