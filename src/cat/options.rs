//! What was asked of `zccat`, after parsing.

use super::address::Address;
use crate::engine::Policy;
use crate::report::json;
use crate::report::watch::When;
use std::ffi::OsString;
use std::num::NonZero;
use std::time::Duration;

/// What was asked of `zccat`; by default, what is done where no option says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The program's name as messages begin with it: the last component of `argv[0]`, as GNU has it.
    pub program: String,
    /// Named `cat`: GNU's to the letter, nothing extra on any stream.
    pub strictly_gnu: bool,
    /// `-g`, `--progress`
    pub progress: When,
    /// `--json`
    pub json: Option<json::Target>,
    /// FILE...; `-` is standard input, and so is no operand at all (then this is a single `-`).
    pub operands: Vec<OsString>,
    /// What is to be shown in another way.
    pub format: Format,
    /// `--explain`: plan and trail of each file, on standard error.
    pub explain: bool,
    /// `--durable`: standard output is flushed to its device, and what goes wrong with that is an error.
    pub durable: bool,
    /// `--size`: bytes expected of an operand that does not tell.
    pub size: Option<NonZero<u64>>,
    /// `--rate-limit`: bytes per second.
    pub rate_limit: Option<NonZero<u64>>,
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

/// What is to be shown in another way; nothing by default, and then the bytes go out as they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Format {
    /// Which lines are numbered.
    pub numbers: Numbers,
    /// `-s`: of empty lines in a row only the first is output.
    pub squeeze_blank: bool,
    /// `-E`: `$` before each newline, `^M` for a carriage return before it.
    pub ends: bool,
    /// `-T`: tabs as `^I`.
    pub tabs: bool,
    /// `-v`: control characters but tab and newline as `^X`, bytes from 128 on as `M-` and what the lower 7 bits are.
    pub nonprinting: bool,
}

/// Which lines are numbered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Numbers {
    /// None.
    #[default]
    None,
    /// `-b`: those that are not empty.
    NonBlank,
    /// `-n`: all.
    All,
}

impl Format {
    /// Whether the bytes go out as they are.
    pub fn is_raw(self) -> bool {
        self == Format::default()
    }
}
