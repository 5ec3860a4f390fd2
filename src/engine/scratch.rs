//! What a worker keeps from one file to the next: a small buffer on its stack and a private pipe.

use crate::sys::pipe::PrivatePipe;
use std::mem::MaybeUninit;

/// Bytes of the buffer that every worker has at hand without a system call. A file of at most this size less one is
/// moved by one read and one write.
pub const SMALL: usize = 64 * 1024;

/// What a worker keeps from one file to the next.
pub struct Scratch {
    /// For small files. Not touched, so not faulted in, before it is used.
    pub small: [MaybeUninit<u8>; SMALL],
    /// The private pipe that splice goes through; taken away and closed when bytes could not be drained from it, so that
    /// they can never end up in the next file.
    pub pipe: Option<PrivatePipe>,
}

impl Scratch {
    /// With nothing in it.
    pub fn new() -> Scratch {
        Scratch { small: [MaybeUninit::uninit(); SMALL], pipe: None }
    }
}

impl Default for Scratch {
    fn default() -> Scratch {
        Scratch::new()
    }
}

impl std::fmt::Debug for Scratch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scratch").field("pipe", &self.pipe).finish_non_exhaustive()
    }
}
