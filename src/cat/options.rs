//! What was asked of `zccat`, after parsing.

use super::address::Address;
use crate::engine::Policy;
use std::ffi::OsString;
use std::time::Duration;

/// What was asked of `zccat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The program's name as messages begin with it: the last component of `argv[0]`, as GNU has it.
    pub program: String,
    /// FILE...; `-` is standard input, and so is no operand at all (then this is a single `-`).
    pub operands: Vec<OsString>,
    /// `--explain`: plan and trail of each file, on standard error.
    pub explain: bool,
    /// `--engine`
    pub policy: Policy,
    /// `--connect`, `--listen`: where the bytes go instead of to standard output.
    pub peer: Option<Peer>,
}

/// Who the bytes are sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Who calls whom.
    pub role: Role,
    /// Where.
    pub address: Address,
    /// `--timeout`
    pub timeout: Option<Duration>,
}

/// Who calls whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// `--connect`: we do.
    Connect,
    /// `--listen`: the peer does.
    Listen,
}

impl Role {
    /// The option.
    pub fn option(self) -> &'static str {
        match self {
            Role::Connect => "--connect",
            Role::Listen => "--listen",
        }
    }
}
