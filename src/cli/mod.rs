//! argv → options: one clap table per name, GNU's abbreviations, order rules and diagnostics.
//!
//! `argv[0]` → [`Invocation`]; the arguments → [`prepass`] (getopt's reading, every option in full) → clap → [`mapping`]
//! → [`rules`] → [`Options`]; where there are only operands, [`plain`] is the short way. Whatever goes wrong is a
//! [`UsageError`], and its exit status is 1.

mod backups;
mod engines;
mod generate;
pub mod gnu;
mod help;
mod labels;
mod mapping;
mod peer;
mod plain;
pub mod prepass;
mod rules;
mod safety;
mod size;
pub mod table;
mod usage;

pub use safety::can_be_resumed;
pub use usage::UsageError;

use crate::{cat, cp};
use gnu::GnuNames;
use prepass::End;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The two programs in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// `zccp`, and `cp`
    Zccp,
    /// `zccat`, and `cat`
    Zccat,
}

impl Program {
    /// Its own name, as its table has it.
    pub fn name(self) -> &'static str {
        match self {
            Program::Zccp => "zccp",
            Program::Zccat => "zccat",
        }
    }
}

/// How the program was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    argv0: OsString,
    program: Program,
    strictly_gnu: bool,
}

impl Invocation {
    /// The last component of `argv0`, all of it, decides; `default` is the program if it is no name of ours.
    pub fn new(argv0: OsString, default: Program) -> Invocation {
        let (program, strictly_gnu) = match last_component(&argv0).as_bytes() {
            b"zccp" => (Program::Zccp, false),
            b"zccat" => (Program::Zccat, false),
            b"cp" => (Program::Zccp, true),
            b"cat" => (Program::Zccat, true),
            _ => (default, false),
        };
        Invocation { argv0, program, strictly_gnu }
    }

    /// The name that diagnostics begin with: the last component of `argv[0]`, as with GNU coreutils 9.10. getopt's own
    /// messages and the line that points at `--help` have all of `argv[0]`.
    pub fn name(&self) -> &OsStr {
        last_component(&self.argv0)
    }

    /// `argv[0]`, all of it.
    pub fn argv0(&self) -> &OsStr {
        &self.argv0
    }

    /// Which of the two it is.
    pub fn program(&self) -> Program {
        self.program
    }

    /// Called `cp` or `cat`.
    pub fn is_strictly_gnu(&self) -> bool {
        self.strictly_gnu
    }

    fn table(&self) -> (clap::Command, &'static GnuNames) {
        let (command, gnu) = match self.program {
            Program::Zccp => (table::zccp(), &gnu::GNU_CP),
            Program::Zccat => (table::zccat(), &gnu::GNU_CAT),
        };
        if !self.strictly_gnu {
            return (command, gnu);
        }
        // GNU has none of the letters that are ours.
        let ours = table::OUR_LETTERS.iter().filter(|id| command.get_arguments().any(|option| option.get_id() == **id));
        let ours: Vec<&str> = ours.copied().collect();
        let without_letter = |command: clap::Command, id: &str| command.mut_arg(id, |option| option.short(None));
        (ours.into_iter().fold(command, without_letter), gnu)
    }
}

fn last_component(path: &OsStr) -> &OsStr {
    path.as_bytes().rsplit(|&byte| byte == b'/').next().map_or(path, OsStr::from_bytes)
}

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there is one of it in a run")]
pub enum Parsed {
    /// To do the program's work.
    Run(Options),
    /// To print this (without a last newline) and exit.
    Help(String),
    /// To print this (without a last newline) and exit.
    Version(String),
    /// To print this man page or these completions (without the last newline) and exit.
    Page(&'static str),
    /// To try every engine in this directory, say how fast each is, and exit.
    Engines(OsString),
}

/// The options of the program that was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Options {
    /// `zccp`'s
    Zccp(cp::Options),
    /// `zccat`'s
    Zccat(cat::Options),
}

/// Reads the arguments that follow `argv[0]`. `warn` gets the warnings about options that were read, even if a later one is
/// refused.
///
/// # Errors
/// What is wrong with them: the first mistake only, as with GNU.
pub fn parse(
    invocation: &Invocation,
    arguments: impl IntoIterator<Item = OsString>,
    warn: &mut dyn FnMut(&str),
) -> Result<Parsed, UsageError> {
    let arguments = match plain::options(invocation, arguments.into_iter().collect()) {
        Ok(options) => return Ok(Parsed::Run(options)),
        Err(arguments) => arguments,
    };
    // Standardised for every utility that permutes its operands (getopt(3)).
    parse_as(invocation, std::env::var_os("POSIXLY_CORRECT").is_some(), arguments, warn)
}

fn parse_as(
    invocation: &Invocation,
    posixly_correct: bool,
    arguments: impl IntoIterator<Item = OsString>,
    warn: &mut dyn FnMut(&str),
) -> Result<Parsed, UsageError> {
    let (mut command, gnu) = invocation.table();
    let line = prepass::read(&command, gnu, posixly_correct, arguments);
    if invocation.program == Program::Zccp {
        (0..labels::ignored_labels(&line.options)).for_each(|_| warn(labels::LABEL_IGNORED));
    }
    let program = OsString::from(command.get_name());
    // The pre-pass lets nothing through that clap refuses. If it did, the user would read clap's reason; the status is 1.
    let matches = command
        .try_get_matches_from_mut(std::iter::once(program).chain(line.options))
        .map_err(|error| UsageError::with_hint(error.kind().to_string()))?;
    let options = match invocation.program {
        Program::Zccp => Some(mapping::zccp(&matches, invocation)?),
        Program::Zccat => None,
    };
    match line.end {
        End::Wrong(error) => return Err(error),
        End::Help => return Ok(Parsed::Help(help::help(&mut command, invocation))),
        End::Version => return Ok(Parsed::Version(help::version(&command))),
        End::Complete => {}
    }
    if let Some(page) = generate::page(&matches, invocation.program, &line.operands)? {
        return Ok(Parsed::Page(page));
    }
    if let Some(directory) = engines::asked(&matches, &line.operands)? {
        return Ok(Parsed::Engines(directory));
    }
    Ok(Parsed::Run(match options {
        Some(options) => {
            let variable = |name: &str| std::env::var_os(name);
            Options::Zccp(rules::settle(options, &matches, variable, line.operands)?)
        }
        None => Options::Zccat(mapping::zccat(&matches, invocation, line.operands)?),
    }))
}

#[cfg(test)]
mod tests;
