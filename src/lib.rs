//! zccp and zccat: `cp` and `cat` that move bytes by the best path the kernel offers and say which it was.
//!
//! # The map
//!
//! | room | what it is for |
//! |---|---|
//! | [`cli`] | argv → options: one clap table per name, GNU's abbreviations, order rules and diagnostics |
//! | [`cp`] | operands → entries; decide; the two ends of each copy opened, named and closed |
//! | [`cat`] | operands → descriptors; raw output |
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
//! argv → Options → Action → (source [`transfer::Endpoint`], sink [`transfer::Endpoint`]) → [`transfer::Plan`] →
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
pub mod cp;
pub mod engine;
pub mod report;
pub mod sys;
pub mod transfer;
