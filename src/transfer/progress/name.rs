//! A name that can be read while it is written, in a signal handler too: a reader that met a writer sees it by the turn,
//! which is a different one afterwards, and tries again.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering, fence};

/// Bytes of a name that are kept: NAME_MAX and one more. Of a longer path the end is kept.
pub const NAME: usize = 256;

/// A name that can be read while it is written.
#[derive(Debug)]
pub(super) struct Name {
    /// Odd while it is written.
    turn: AtomicU32,
    length: AtomicU32,
    words: [AtomicU64; NAME / 8],
}

/// So often a reader tries; in a signal handler the writer may be the very thread that was interrupted.
const TRIES: u32 = 8;

impl Name {
    pub(super) const fn new() -> Name {
        Name { turn: AtomicU32::new(0), length: AtomicU32::new(0), words: [const { AtomicU64::new(0) }; NAME / 8] }
    }

    pub(super) fn set(&self, name: &[u8]) {
        let mut name = &name[name.len().saturating_sub(NAME)..];
        if name.len() == NAME {
            // Not in the middle of a character.
            name = &name[name.iter().position(|byte| byte & 0xc0 != 0x80).unwrap_or(0)..];
        }
        let turn = self.turn.load(Ordering::Relaxed);
        let ours = turn.is_multiple_of(2)
            && self.turn.compare_exchange(turn, turn + 1, Ordering::Acquire, Ordering::Relaxed).is_ok();
        if !ours {
            return;
        }
        fence(Ordering::Release);
        self.length.store(name.len() as u32, Ordering::Relaxed);
        for (word, bytes) in self.words.iter().zip(name.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_ne_bytes(whole), Ordering::Relaxed);
        }
        self.turn.store(turn.wrapping_add(2), Ordering::Release);
    }

    pub(super) fn get(&self, to: &mut [u8; NAME]) -> usize {
        for _ in 0..TRIES {
            let before = self.turn.load(Ordering::Acquire);
            let length = (self.length.load(Ordering::Relaxed) as usize).min(NAME);
            for (bytes, word) in to.chunks_mut(8).zip(&self.words).take(length.div_ceil(8)) {
                bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_ne_bytes());
            }
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.turn.load(Ordering::Relaxed) == before {
                return length;
            }
        }
        0
    }
}
