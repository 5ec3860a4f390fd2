//! Sixty-four bytes compared at once: the processor's vector registers, where they are there without asking (every x86-64
//! has SSE2), and plain arithmetic elsewhere.

/// Bytes that are compared at once.
pub const LANES: usize = 64;

/// For each byte a bit, the first byte's lowest: whether it is `byte`.
#[inline]
pub fn equal(bytes: &[u8; LANES], byte: u8) -> u64 {
    each_quarter(bytes, |quarter| quarter::equal(quarter, byte))
}

/// For each byte a bit, the first byte's lowest: whether it is below `first` or above `last`, and none of `but`. `first` and
/// `last` are ASCII, in this order.
#[inline]
pub fn outside<const N: usize>(bytes: &[u8; LANES], first: u8, last: u8, but: [u8; N]) -> u64 {
    each_quarter(bytes, |quarter| quarter::outside(quarter, first, last, but))
}

#[inline]
fn each_quarter(bytes: &[u8; LANES], mask: impl Fn(&[u8; 16]) -> u32) -> u64 {
    match bytes.as_chunks::<16>().0 {
        [a, b, c, d] => {
            let (low, high) = (mask(a) | mask(b) << 16, mask(c) | mask(d) << 16);
            u64::from(low) | u64::from(high) << 32
        }
        _ => 0,
    }
}

#[cfg(target_arch = "x86_64")]
mod quarter {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi8, _mm_andnot_si128, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_loadu_si128, _mm_movemask_epi8,
        _mm_set1_epi8,
    };

    #[inline]
    pub(super) fn equal(bytes: &[u8; 16], byte: u8) -> u32 {
        // SAFETY: sixteen bytes are read, aligned or not, and the bytes are sixteen. SSE2 is part of x86-64.
        unsafe {
            let lanes = _mm_loadu_si128(bytes.as_ptr().cast::<__m128i>());
            _mm_movemask_epi8(_mm_cmpeq_epi8(lanes, _mm_set1_epi8(byte.cast_signed()))).cast_unsigned()
        }
    }

    #[inline]
    pub(super) fn outside<const N: usize>(bytes: &[u8; 16], first: u8, last: u8, but: [u8; N]) -> u32 {
        // Moved up until `last` is the highest, what is above it is negative as a signed byte, or has come round to be small.
        let up = 0x7f - last;
        // SAFETY: sixteen bytes are read, aligned or not, and the bytes are sixteen. SSE2 is part of x86-64.
        unsafe {
            let lanes = _mm_loadu_si128(bytes.as_ptr().cast::<__m128i>());
            let moved = _mm_add_epi8(lanes, _mm_set1_epi8(up.cast_signed()));
            let mut outside = _mm_cmplt_epi8(moved, _mm_set1_epi8((first + up).cast_signed()));
            for byte in but {
                outside = _mm_andnot_si128(_mm_cmpeq_epi8(lanes, _mm_set1_epi8(byte.cast_signed())), outside);
            }
            _mm_movemask_epi8(outside).cast_unsigned()
        }
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
#[cfg_attr(target_arch = "x86_64", allow(dead_code, reason = "held against the vector registers by a test"))]
mod plain {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x80 * EACH;
    const LOWER: u64 = 0x7f * EACH;

    /// The highest bits of eight bytes, gathered in the highest byte, in order.
    fn gather(highest: u64) -> u32 {
        ((highest >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) as u32
    }

    fn words(bytes: &[u8; 16], highest: impl Fn(u64) -> u64) -> u32 {
        match bytes.as_chunks::<8>().0 {
            [low, high] => gather(highest(u64::from_le_bytes(*low))) | gather(highest(u64::from_le_bytes(*high))) << 8,
            _ => 0,
        }
    }

    pub(super) fn equal(bytes: &[u8; 16], byte: u8) -> u32 {
        words(bytes, |word| {
            let other = word ^ (u64::from(byte) * EACH);
            // Zero bytes; exact, no carry leaves its byte.
            !(((other & LOWER) + LOWER) | other) & HIGHEST
        })
    }

    pub(super) fn outside<const N: usize>(bytes: &[u8; 16], first: u8, last: u8, but: [u8; N]) -> u32 {
        let outside = words(bytes, |word| {
            let at_least = (word & LOWER) + (0x80 - u64::from(first)) * EACH;
            let above = (word & LOWER) + (0x7f - u64::from(last)) * EACH;
            (word | !at_least | above) & HIGHEST
        });
        but.into_iter().fold(outside, |outside, byte| outside & !equal(bytes, byte))
    }
}

#[cfg(not(target_arch = "x86_64"))]
use plain as quarter;

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(bytes: &[u8; LANES], is: impl Fn(u8) -> bool) -> u64 {
        (0..LANES).map(|at| u64::from(is(bytes[at])) << at).sum()
    }

    #[test]
    fn every_byte_in_every_lane_is_judged_as_when_alone() {
        for byte in 0..=u8::MAX {
            for around in [0, b'\t', b'\n', b' ', b'a', 0x7f, 0x80, 0xff] {
                for at in 0..LANES {
                    let mut bytes = [around; LANES];
                    bytes[at] = byte;
                    for wanted in [b'\t', b'\n', 0x7f, 0] {
                        let expected = expected(&bytes, |byte| byte == wanted);
                        assert_eq!(equal(&bytes, wanted), expected);
                        assert_eq!(each_quarter(&bytes, |quarter| plain::equal(quarter, wanted)), expected);
                    }
                    let beyond = |byte: u8| !(b' '..=b'~').contains(&byte);
                    let same = |expected, but| {
                        assert_eq!(outside(&bytes, b' ', b'~', but), expected);
                        assert_eq!(each_quarter(&bytes, |quarter| plain::outside(quarter, b' ', b'~', but)), expected);
                    };
                    same(expected(&bytes, beyond), [b'a', b'b']);
                    same(expected(&bytes, |byte| beyond(byte) && byte != b'\t'), [b'\t', b'a']);
                    same(expected(&bytes, |byte| beyond(byte) && byte != b'\t' && byte != 0xff), [b'\t', 0xff]);
                }
            }
        }
    }
}
