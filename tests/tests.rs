//! The one test binary: the programs run from outside, as a user runs them.
//!
//! `cargo test --workspace --locked` runs everything. Cases that need root, a loop device or a peer program skip
//! themselves by name where they cannot run (see `apparatus::skip`).
#![allow(clippy::unwrap_used, reason = "a test that cannot set its scene up has failed, and unwrap says where")]

// Scenes, commands, file systems, peers and fault injection: everything a case is built from, and no case.
mod apparatus;

// Wrong operands, wrong options, files that cannot be read or written, full disks: the words and the exit status.
mod bad_input;

// How many system calls a copy makes.
mod budget;

// Sources that change while they are copied.
mod changing;

// Formatted output: -n, -b, -s, -v, -E, -T and their company, from outside.
mod cooked;

// --dry-run: what would be done, and nothing is.
mod dry_run;

// --engine=help: what works in a directory, tried there.
mod engine_help;

// Every kind of source into every kind of sink, under every engine: the right bytes, or the right error.
mod ends;

// Calls that are refused, interrupted, cut short or end early: the right bytes all the same.
mod fallbacks;

// Rules about the sources themselves: who may use whom, where unsafe may be, how long a file may grow.
mod floors;

// Descriptors that were there before us: shared offsets, append mode, closed ones, SIGPIPE, non-blocking ones.
mod inherited;

// The completions, installed, in real shells: what Tab makes of a word.
mod completions;

// FAT and exFAT of the kernel: what they cannot hold, and what is promised there.
mod fat;

// make install, and what it leaves.
mod install;

// --generate: the committed pages, from the program itself.
mod generate;

// --json, read by a reader that is not ours.
mod json;

// Keys: what is pressed while a copy goes on.
mod keys;

// Slow and removable targets: little in memory, two tones, the last line.
mod slow;

// How much memory one copy takes.
mod memory;

// SELinux labels, without SELinux.
mod labels;

// argv[0]: links, copies and renamed links decide which program it is.
mod names;

// GNU cat as the oracle: one list of argument lines under both.
mod oracle_cat;

// zccp called cp beside GNU cp, line by line.
mod oracle_cp;

// Many operands that go into one directory: side by side, and as if one had done it all.
mod operands;

// The man pages and the completions: complete, and taken by real shells and a real formatter.
mod pages;

// zccat --size: what is told of a stream.
mod size;

// --exclude: what of a tree is left out.
mod exclude;

// --rate-limit: never faster than was said.
mod rate;

// README's picture: what the programs print on a real terminal.
mod picture;

// How far a copy is, on a real terminal and on what is none.
mod progress;

// Full disks, files that are too large, limits.
mod room;

// One case for each defect that was found by attack.
mod regressions;

// zccat's own sockets, with real programs at the other end.
mod peers;

// Status lines, and a tidy end by the signal that came.
mod signals;

// What was sent stays what it was, whatever becomes of the source afterwards.
mod sharing;

// Copies that can be trusted: resumed, verified, atomic, durable.
mod safety;

// Holes: kept, made or filled.
mod sparse;

// Trees: calls, attackers, limits, refusals, changes meanwhile.
mod trees;

// --explain and --debug against what strace saw.
mod truth;

// Over the wire: nc and socat as peers, and a device on which MSG_ZEROCOPY truly does not copy.
mod wire;
