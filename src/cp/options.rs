//! What was asked of `zccp`, after parsing: plain data that `cli` makes and everything below reads.

use crate::engine::Policy;
use crate::report::json;
use crate::report::watch::When;
use std::ffi::OsString;
use std::num::NonZero;

/// Where the copies go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The last operand, a directory or a file: looked at when the copy starts.
    LastOperand,
    /// `-t DIRECTORY`
    Directory(OsString),
    /// `-T`: the last operand is a file, whatever it is now.
    NoDirectory,
}

/// Which existing destinations are replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Update {
    /// All.
    #[default]
    All,
    /// None; that one was there is no failure.
    None,
    /// None, and it is a failure.
    NoneFail,
    /// Those whose data was changed before the source's.
    Older,
}

/// What is made of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Make {
    /// A copy.
    #[default]
    Copy,
    /// `-l`: another name of it.
    HardLink,
    /// `-s`: a symbolic link to it.
    SymbolicLink,
}

/// What a copy keeps of its source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Preserve {
    /// Names of one file stay names of one file.
    pub links: bool,
}

/// How an existing destination is kept under another name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// How the other name is chosen.
    pub numbering: Numbering,
    /// What a name without a number ends in.
    pub suffix: OsString,
}

/// How the name of a backup is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbering {
    /// Name and suffix.
    Simple,
    /// Numbered where there is a numbered one, simple otherwise.
    Existing,
    /// `name.~N~`, one more than the highest there is.
    Numbered,
}

/// What was asked of `zccp`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The program's name as messages begin with it: the last component of `argv[0]`, as GNU has it.
    pub program: String,
    /// Named `cp`: GNU's to the letter, nothing extra on any stream.
    pub strictly_gnu: bool,
    /// SOURCE..., without the destination unless [`Target::LastOperand`] or [`Target::NoDirectory`], where it is last.
    pub operands: Vec<OsString>,
    /// `-t`, `-T` or neither.
    pub target: Target,
    /// `argv[0]`, all of it: prompts begin with it.
    pub called: OsString,
    /// `-i`: ask before an existing destination is replaced.
    pub ask: bool,
    /// `-n`, `-u`, `--update`
    pub update: Update,
    /// `-b`, `--backup`, `-S`
    pub backup: Option<Backup>,
    /// `--remove-destination`
    pub remove_destination: bool,
    /// `-l`, `-s`
    pub make: Make,
    /// `-P`, `-d`: a source that is a symbolic link is copied as one.
    pub no_dereference: bool,
    /// `--preserve`, `--no-preserve`, `-p`, `-d`
    pub preserve: Preserve,
    /// `-f`: if an existing destination cannot be opened, remove it and try again.
    pub force: bool,
    /// `-v`: say what is done.
    pub verbose: bool,
    /// `--debug`: GNU's line about how each file was copied; implies `-v`.
    pub debug: bool,
    /// `--explain`: plan and trail of each file, on standard error.
    pub explain: bool,
    /// `--rate-limit`: bytes per second.
    pub rate_limit: Option<NonZero<u64>>,
    /// `-g`, `--progress`
    pub progress: When,
    /// `-q`: no progress, nothing said but errors and what was asked for.
    pub quiet: bool,
    /// `--json`
    pub json: Option<json::Target>,
    /// `--dry-run`: say what would be done, and touch nothing.
    pub dry_run: bool,
    /// `--engine`, `--reflink`, `--sparse`
    pub policy: Policy,
}

impl Options {
    /// The operands that are sources.
    pub fn sources(&self) -> &[OsString] {
        match self.target {
            Target::Directory(_) => &self.operands,
            Target::LastOperand | Target::NoDirectory => self.operands.split_last().map_or(&[], |(_, sources)| sources),
        }
    }
}
