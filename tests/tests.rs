//! The one test binary: the programs run from outside, as a user runs them.
//!
//! `cargo test --workspace --locked` runs everything. Cases that need root, a loop device or a peer program skip
//! themselves by name where they cannot run (see `apparatus::skip`).
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene up has failed, and unwrap says where")]

// Scenes, commands, file systems, peers and fault injection: everything a case is built from, and no case.
mod apparatus;

// How many system calls a copy makes.
mod budget;

// Sources that change while they are copied.
mod changing;

// Every kind of source into every kind of sink under every engine: the right bytes or the right error.
mod ends;

// Rules about the sources themselves: who may use whom, where unsafe may be, how long a file may grow.
mod floors;

// zccp called cp beside GNU cp, line by line.
mod oracle_cp;

// The man pages and the completions: complete, and taken by real shells and a real formatter.
mod pages;

// Full disks, files that are too large, limits.
mod room;

// What was sent stays what it was, whatever becomes of the source afterwards.
mod sharing;

// --explain and --debug against what strace saw.
mod truth;
