//! What the cases are built from. No case is in here.
//!
//! | file | what it gives |
//! |---|---|
//! | [`case`] | [`Scene`]: a private directory, and the programs under test |
//! | [`command`], [`child`] | [`Command`]: argv, environment and descriptors in; what is set up between fork and exec |
//! | [`running`] | [`Outcome`]: status and bytes out, assertions that print a diff |
//! | [`content`] | file contents in which every byte tells its place |
//! | [`engines`] | all engines and "chosen by the plan": every case runs under each |
//! | [`filesystems`] | real ext4, ext2, xfs, btrfs, tmpfs and overlay, mounted for this process alone |
//! | [`block`] | loop devices that vanish with their descriptor |
//! | [`skip`] | what could not run says so by name |
//! | [`stick`] | a device that says it can be pulled out, or that is slow |
//! | [`strace`] | a run's system calls as records; injected errors |
//! | [`fuse`] | a file system that answers short, lies about sizes and fails on request |
//! | [`tmux`] | a real terminal, its keys and its screen |
//! | [`sockets`], [`terminal`] | the other ends: TCP, unix, UDP, ptys, non-blocking descriptors |
//! | [`tree`] | a tree as text, with all that a copy is expected to keep |
//! | [`replica`] | a tree that was made once, made again |
//! | [`veth`] | a neighbour in a network namespace of its own on this machine |
//! | [`zerocopy_net`] | a TCP connection over a device that gathers, where MSG_ZEROCOPY completes without a copy |
//!
//! A case is a scene, a command and assertions. Nothing is timed; the time-out is there only to end a hang.
#![allow(dead_code, unused_imports, reason = "an apparatus may offer more than the cases use now")]

pub mod block;
pub mod case;
mod child;
pub mod command;
pub mod content;
pub mod engines;
pub mod filesystems;
pub mod fuse;
pub mod replica;
pub mod running;
pub mod skip;
pub mod sockets;
pub mod stick;
pub mod strace;
pub mod terminal;
pub mod tmux;
pub mod tree;
pub mod veth;
pub mod zerocopy_net;

pub use case::Scene;
pub use command::{Command, Input, Output, Reader};
pub use engines::{Engine, for_each_engine};
pub use filesystems::Fs;
pub use running::{Outcome, Running};
