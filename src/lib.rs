//! zccp and zccat: `cp` and `cat` that move bytes by the best path the kernel offers and say which it was.
//!
//! # The map
//!
//! | room | what it is for |
//! |---|---|
//! | [`cli`] | argv → options: one clap table per name, GNU's abbreviations, order rules and diagnostics |
//! | [`cp`] | operands → entries; decide; the two ends of each copy opened, named and closed |
//! | [`cat`] | operands → descriptors; raw output; a socket of its own, its peer and how that ends |
//! | [`report`] | every word the user reads: messages, quoting, `--explain`, `--debug` |
//! | [`transfer`] | endpoints, the plan (pure), capabilities, verdicts on errnos, pace, the one driver loop, the trail |
//! | [`engine`] | one file per kernel path and one table of them all; the contract they keep |
//! | [`sys`] | the only `unsafe`: libc and memmap2, thin and typed, one file per kernel subject |
//!
//! Floors, top to bottom: `main` › `cli` › `cp` `cat` › `report` › `transfer` › `engine` › `sys`. A room uses rooms
//! below it, never above; `cp` and `cat` do not know each other. `tests/floors.rs` reads the sources and keeps it so.
//!
//! # One copy, straight down
//!
//! argv → Options → Action → (source [`transfer::End`], sink [`transfer::End`]) → [`transfer::Plan`] →
//! steps of an engine → [`transfer::Trail`] → report → exit status. Each stage hands the next a value; none calls back.
//!
//! # What is never done where
//!
//! * Engines know neither each other, nor paths, nor options beyond the policy they are given, nor clocks.
//! * `decide` and `plan` make no system call.
//! * An errno is judged in one place only: `transfer::verdict`.
//! * Nothing that can fail happens in `Drop`; descriptors whose close can report an error are closed by
//!   [`sys::descriptor::close`].
//! * Nothing is predicted and reported as done: reports are made from the trail.

pub mod cat;
pub mod cli;
pub mod cp;
pub mod engine;
pub mod report;
pub mod sys;
pub mod transfer;

use cli::{Invocation, Options, Parsed, Program};
use report::Messages;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

/// The whole program: reads the command line, does what it says, and gives the exit status (0 or 1). `default` is the
/// program to be if `argv[0]` is no name of ours.
pub fn run(default: Program) -> i32 {
    sys::start::restore_sigpipe();
    let mut arguments = std::env::args_os();
    let argv0 = arguments.next().unwrap_or_else(|| OsString::from(default.name()));
    let invocation = Invocation::new(argv0, default);
    let mut messages = Messages::new(invocation.name().as_bytes());
    match cli::parse(&invocation, arguments) {
        Ok(Parsed::Run(Options::Zccp(options))) => cp::run(&options, &mut messages),
        Ok(Parsed::Run(Options::Zccat(options))) => cat::run(&options, &mut messages),
        Ok(Parsed::Help(text) | Parsed::Version(text)) => messages.print(text),
        Err(error) => {
            messages.note(error.render(&invocation));
            messages.fail();
        }
    }
    messages.finish()
}
