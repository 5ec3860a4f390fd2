//! What the user asked of the moving of bytes: the only options that engines and the plan know.

use super::name::Name;
use std::time::Duration;

/// `--reflink`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reflink {
    /// Share extents where it works, copy where it does not.
    #[default]
    Auto,
    /// Share extents or fail.
    Always,
    /// Make an independent copy.
    Never,
}

/// `--sparse`
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sparse {
    /// Keep the holes of a source that has some.
    #[default]
    Auto,
    /// Make a hole of every run of zero bytes that is long enough.
    Always,
    /// Write every byte.
    Never,
}

/// The peer of a socket of the program's own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// `--timeout`: for how long it may take nothing before that is an error; `None`: for ever.
    pub patience: Option<Duration>,
}

/// What the user asked of the moving of bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// `--engine`: the engines allowed, in the order to try them; empty means that the plan chooses.
    pub engines: Vec<Name>,
    /// `--reflink`
    pub reflink: Reflink,
    /// `--sparse`
    pub sparse: Sparse,
    /// `--connect`, `--listen`: the sink is a non-blocking socket of our own, and what its peer says is to be discarded. A
    /// peer that is kept from writing does not come to read.
    pub peer: Option<Peer>,
    /// As `zccp`: a slow or removable sink is written with little left in memory.
    pub considerate: bool,
}
