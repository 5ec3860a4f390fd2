//! Kernel subjects, one file each: thin, typed, and the only place where `unsafe` is allowed.
//!
//! Calls that rustix wraps safely are made through rustix where they are needed; what is here is what rustix does not
//! wrap, what must go through libc, and the plain values ([`facts`]) that every room above speaks in.
#![allow(unsafe_code)]

#[cfg(target_env = "musl")]
mod allocator;
pub mod block;
pub mod buffer;
pub mod descriptor;
pub mod extents;
pub mod facts;
#[cfg(any(test, target_env = "musl"))]
mod glibc;
pub mod interface;
pub mod lanes;
pub mod map;
pub mod mount;
pub mod owner;
pub mod pipe;
mod power;
pub mod processor;
pub mod selinux;
pub mod signal;
pub mod socket;
pub mod start;
pub mod temporary;
pub mod text;
pub mod thread;
pub mod write_back;
pub mod xattr;
pub mod xfs;
pub mod zerocopy;
