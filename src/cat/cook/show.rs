//! Bytes shown in another way: `^I`, `M-C`, `^?`.

use super::super::options::Format;

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

    /// Writes what `byte` becomes to the start of `out`, of which four bytes are used. Returns how many count.
    #[inline]
    pub(super) fn look_up(&self, byte: u8, out: &mut [u8]) -> usize {
        let entry = self.0[usize::from(byte)];
        out[..4].copy_from_slice(&(entry as u32).to_le_bytes());
        (entry >> 32) as usize
    }
}

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
