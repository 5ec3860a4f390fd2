//! The one place where an errno is judged. Each row names the system that was seen to produce it.
//!
//! The errnos of the in-kernel calls are many and their lists were never complete in any program that used them (Go, Rust,
//! GNU, libuv and Bun each shipped data loss or failures over one that was missing), so the default is safe on both
//! sides: before anything has moved, an offload that fails is a refusal and read_write finds the true error; after that,
//! what is not known to be harmless is a failure.

use crate::engine::{Name, Side};
use rustix::io::Errno;

/// How far a refusal reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// This kernel, or the filter the program runs under: every pair.
    Kernel,
    /// This pair of file systems.
    Pair,
    /// This file only: not remembered.
    File,
}

/// What a flush that was not asked for (sync_file_range, syncfs) says, where that is lost data: a failed write-back is told
/// once. Everything else is of no consequence: ENOSYS of a filter, ESPIPE, EINVAL, EROFS, EOPNOTSUPP.
///
/// # Errors
/// EIO (strace --inject=sync_file_range:error=EIO), ENOSPC and EDQUOT, which were not told when the bytes were written (NFS,
/// FUSE, thin volumes).
pub(super) fn lost(errno: Errno) -> Result<(), Errno> {
    match errno {
        Errno::IO | Errno::NOSPC | Errno::DQUOT => Err(errno),
        _ => Ok(()),
    }
}

/// What is to be done about an errno.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Make the same call again.
    Retry,
    /// Wait until the end is ready.
    Wait,
    /// Go on with the next engine from the same byte.
    Refuse(Scope),
    /// An error: stop and tell.
    Fail,
}

/// When a row holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Always,
    /// This engine has moved nothing of this file yet.
    AtFirst,
}

struct Row {
    engines: &'static [Name],
    errnos: &'static [Errno],
    when: When,
    verdict: Verdict,
}

use Name::{CopyFileRange, Mmap, ReadWrite, Reflink, Sendfile, Splice, Zerocopy};

const EVERY: &[Name] = &Name::ALL;
const OFFLOADS: &[Name] = &[CopyFileRange, Sendfile, Splice];

/// The table; the first row that fits decides. What fits none: read_write fails, another engine is refused for this file
/// if it has moved nothing yet and fails otherwise.
const ROWS: &[Row] = &[
    // A signal with a handler came before anything moved (signal(7)); strace --inject=...:error=EINTR.
    Row { engines: EVERY, errnos: &[Errno::INTR], when: When::Always, verdict: Verdict::Retry },
    // O_NONBLOCK set by us or by another program that shares the descriptor: pipes, sockets, ttys.
    Row { engines: EVERY, errnos: &[Errno::AGAIN], when: When::Always, verdict: Verdict::Wait },
    // The reader has gone and SIGPIPE is ignored: no engine can help, and read_write would say the same.
    Row { engines: EVERY, errnos: &[Errno::PIPE, Errno::CONNRESET], when: When::Always, verdict: Verdict::Fail },
    // A connection that died of silence (tcp(7): TCP_USER_TIMEOUT, keepalive; ICMP). Whoever is told first is told last:
    // the next read of that socket says 0, as if the peer had ended, and the next write is SIGPIPE.
    Row {
        engines: &[Sendfile, Splice, Zerocopy, Mmap],
        errnos: &[Errno::TIMEDOUT, Errno::HOSTUNREACH, Errno::NETUNREACH, Errno::CONNABORTED, Errno::CONNREFUSED],
        when: When::Always,
        verdict: Verdict::Fail,
    },
    // Kernel without the call; gVisor, qemu-user and old seccomp profiles say so too.
    Row { engines: EVERY, errnos: &[Errno::NOSYS], when: When::AtFirst, verdict: Verdict::Refuse(Scope::Kernel) },
    // A failed clone whose cause is the disk must not be papered over by a copy: GNU 9.0 and 9.1 did, and corrupted
    // (NEWS 9.2: "transient" errors). ext4 and tmpfs never get here; btrfs and xfs write back both ranges first.
    Row {
        engines: &[Reflink],
        errnos: &[Errno::IO, Errno::NOMEM, Errno::NOSPC, Errno::DQUOT],
        when: When::Always,
        verdict: Verdict::Fail,
    },
    // Different superblocks (EXDEV: every file system, checked before the type); a file system without sharing
    // (EOPNOTSUPP: ext4, tmpfs, xfs without reflink=1; ENOTTY: drivers that know no such ioctl).
    Row {
        engines: &[Reflink, CopyFileRange],
        errnos: &[Errno::XDEV, Errno::OPNOTSUPP, Errno::NOTTY],
        when: When::AtFirst,
        verdict: Verdict::Refuse(Scope::Pair),
    },
    // FICLONE: btrfs nodatacow, DAX or other encryption key, a swap file (EINVAL; ETXTBSY on xfs), RLIMIT_FSIZE
    // (EINVAL, no SIGXFSZ); EPERM and EACCES from seccomp and LSMs; EBADF from O_APPEND.
    // copy_file_range: EFBIG at the end of a source with a sink near 2^63 (6.17), ENOENT (CIFS), EIO (CIFS on CentOS 7),
    // EACCES (CephFS before 4.20), EPERM (CIFS, seccomp), EOVERFLOW (negative offsets), EINVAL (not regular).
    // splice and sendfile: EINVAL from a source without splice_read (80 of 345 files of /proc, hugetlbfs, tracefs),
    // from /dev/full and eventfd as sinks, and from O_APPEND set later by another program (golang/go#79660).
    // These happen in the middle too (rust-lang/rust#91152); the next engine goes on at the same byte.
    Row {
        engines: &[Reflink, CopyFileRange, Sendfile, Splice, Mmap, Zerocopy],
        errnos: &[
            Errno::INVAL,
            Errno::BADF,
            Errno::TXTBSY,
            Errno::PERM,
            Errno::ACCESS,
            Errno::FBIG,
            Errno::OVERFLOW,
            Errno::XDEV,
            Errno::OPNOTSUPP,
            Errno::NOSYS,
            Errno::NOTTY,
        ],
        when: When::Always,
        verdict: Verdict::Refuse(Scope::File),
    },
    // mmap: the source was cut short under the mapping, or a page could not be read in (write(2): EFAULT); ENODEV, ENOMEM
    // and EACCES of mmap(2) itself. pread tells what is really wrong.
    Row {
        engines: &[Mmap],
        errnos: &[Errno::FAULT, Errno::NODEV, Errno::NOMEM],
        when: When::Always,
        verdict: Verdict::Refuse(Scope::File),
    },
    // The disk is full or the quota used up: the same for every engine, and certain.
    Row { engines: OFFLOADS, errnos: &[Errno::NOSPC, Errno::DQUOT], when: When::Always, verdict: Verdict::Fail },
    // No notification slots left that reaping could free (RLIMIT_MEMLOCK, optmem_max).
    Row { engines: &[Zerocopy], errnos: &[Errno::NOBUFS], when: When::Always, verdict: Verdict::Refuse(Scope::File) },
];

/// What to do about `errno` from `engine`, which has or has not `moved` bytes of this file.
pub fn judge(engine: Name, errno: Errno, moved: bool) -> Verdict {
    let fits = |row: &&Row| {
        row.engines.contains(&engine) && row.errnos.contains(&errno) && (row.when == When::Always || !moved)
    };
    match ROWS.iter().find(fits) {
        // There is nothing behind read_write to refuse to.
        Some(Row { verdict: Verdict::Refuse(_), .. }) if engine == ReadWrite => Verdict::Fail,
        Some(row) => row.verdict,
        None if engine == ReadWrite || moved => Verdict::Fail,
        None => Verdict::Refuse(Scope::File),
    }
}

/// Which end an error of a call that names both belongs to, where the errno tells.
pub fn side(side: Side, errno: Errno) -> Side {
    match (side, errno) {
        (Side::Either, Errno::PIPE | Errno::CONNRESET | Errno::NOSPC | Errno::DQUOT | Errno::FBIG) => Side::Sink,
        _ => side,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_write_refuses_nothing() {
        for errno in [Errno::INVAL, Errno::IO, Errno::NOSPC, Errno::PIPE, Errno::BADF, Errno::ISDIR, Errno::NOSYS] {
            assert_eq!(judge(ReadWrite, errno, false), Verdict::Fail);
            assert_eq!(judge(ReadWrite, errno, true), Verdict::Fail);
        }
    }

    #[test]
    fn the_scope_is_that_of_the_errno() {
        assert_eq!(judge(CopyFileRange, Errno::NOSYS, false), Verdict::Refuse(Scope::Kernel));
        assert_eq!(judge(CopyFileRange, Errno::XDEV, false), Verdict::Refuse(Scope::Pair));
        assert_eq!(judge(CopyFileRange, Errno::XDEV, true), Verdict::Refuse(Scope::File));
        assert_eq!(judge(Reflink, Errno::INVAL, false), Verdict::Refuse(Scope::File));
    }

    #[test]
    fn errors_of_the_disk_are_errors() {
        assert_eq!(judge(Reflink, Errno::IO, false), Verdict::Fail);
        assert_eq!(judge(CopyFileRange, Errno::IO, false), Verdict::Refuse(Scope::File));
        assert_eq!(judge(CopyFileRange, Errno::IO, true), Verdict::Fail);
        assert_eq!(judge(Splice, Errno::NOSPC, false), Verdict::Fail);
        assert_eq!(judge(Splice, Errno::PIPE, false), Verdict::Fail);
    }

    #[test]
    fn what_a_dead_connection_says_once_is_an_error() {
        for engine in [Splice, Sendfile, Zerocopy, ReadWrite] {
            assert_eq!(judge(engine, Errno::TIMEDOUT, false), Verdict::Fail);
        }
    }
}
