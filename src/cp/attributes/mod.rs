//! What a copy keeps of its source besides the data: times, owner, extended attributes, permissions, in that order.
//!
//! Owner before permissions: a chown clears set-user-ID, and a set-user-ID file of the wrong owner must not exist for a
//! moment. Extended attributes after the owner: a chown clears security.capability. Permissions last: until then a file
//! that will be another's, or whose owner could not be kept, has none for group and others.

mod handle;
mod xattr;

pub(super) use handle::{Handle, Opened};
pub(super) use xattr::label_is_there;

use super::Run;
use super::location::Location;
use super::options::{Keep, Make, Options};
use crate::report::quote::{locale_quote, shell_always};
use crate::sys::facts::{Facts, Kind};
use crate::sys::text::strerror;
use rustix::fs::Mode;
use rustix::io::Errno;
use rustix::process;
use std::os::fd::BorrowedFd;

const SPECIAL: u32 = 0o7000;
const GROUP_AND_OTHERS: u32 = 0o077;

/// What the process is and does to new files.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    /// umask(2)
    pub(super) umask: u32,
    /// The effective user is root: a chown that fails is told.
    pub(super) is_root: bool,
}

impl Identity {
    /// Asked only where something depends on it: a plain copy has no use for it.
    pub(super) fn as_far_as_needed(options: &Options) -> Identity {
        if options.recursive || options.parents || are_set(options) {
            Identity::ask()
        } else {
            Identity { umask: 0, is_root: false }
        }
    }

    /// Asked once, before any other thread is there: umask(2) can only be read by setting it.
    fn ask() -> Identity {
        let umask = process::umask(Mode::empty());
        process::umask(umask);
        Identity { umask: umask.as_raw_mode(), is_root: process::geteuid().is_root() }
    }
}

/// The permission bits that something new does not get at first: those of group and others where its owner is still to be set;
/// of a directory that is still to be filled, the right of others to write into it.
pub(super) fn omitted(options: &Options, source: &Facts) -> u32 {
    let omitted = match source.kind {
        _ if options.preserve.ownership => GROUP_AND_OTHERS,
        Kind::Directory => 0o022,
        _ => 0,
    };
    source.mode & omitted
}

/// The permission bits that a new regular file is made with; the umask takes from them.
pub(super) fn mode_of_new_file(options: &Options, identity: Identity, source: &Facts) -> u32 {
    let mode = (source.mode & 0o777) & !omitted(options, source);
    // Setting an extended attribute, through a descriptor too, needs write permission to the file (xattr(7)).
    let writable = if options.preserve.xattr != Keep::No && !identity.is_root { 0o200 } else { 0 };
    mode | writable
}

/// A source and what was made of it, which is to get the source's attributes.
pub(super) struct Pair<'a> {
    pub(super) source: &'a Facts,
    /// It is a directory that leads to an operand (`--parents`): as with GNU it does without extended attributes, and keeps
    /// its special bits with any owner.
    pub(super) leads: bool,
    /// The source's descriptor, for its extended attributes; `None` where none are kept. An error if it could not be opened:
    /// then they are not known, which is not the same as there being none.
    pub(super) from: Option<Result<Handle<'a>, Errno>>,
    pub(super) from_location: &'a Location<'a>,
    pub(super) to: &'a Location<'a>,
    pub(super) handle: Handle<'a>,
    /// It was not there before.
    pub(super) new: bool,
    /// The permissions it is to have if the source's are not kept.
    pub(super) mode: Option<u32>,
}

impl<'a> Pair<'a> {
    /// A regular file, both of whose descriptors are open. `mode`: what it was made with, if it is new.
    pub(super) fn file(
        run: &Run<'_>,
        source: (&'a Facts, BorrowedFd<'a>, &'a Location<'a>),
        sink: (BorrowedFd<'a>, &'a Location<'a>),
        new: bool,
    ) -> Pair<'a> {
        let (source, from, from_location) = source;
        let plain = (source.mode & 0o777) & !run.identity.umask;
        let made_with = mode_of_new_file(run.options, run.identity, source) & !run.identity.umask;
        let mode = match new {
            true if run.options.preserve.no_mode => Some(0o666 & !run.identity.umask),
            true if made_with != plain => Some(plain),
            _ => None,
        };
        let from = Some(Ok(Handle::Open(from)));
        Pair { source, leads: false, from, from_location, to: sink.1, handle: Handle::Open(sink.0), new, mode }
    }
}

/// Whether anything is to be set at all, so that a small copy makes no call more than it needs.
pub(super) fn are_set(options: &Options) -> bool {
    options.preserve.any_attribute() || options.preserve.no_mode
}

/// Sets what is to be kept. Whether all went well; what did not was said.
pub(super) fn set(run: &mut Run<'_>, pair: &Pair<'_>) -> bool {
    let preserve = run.options.preserve;
    let mut well = true;
    if preserve.timestamps
        && let Err(errno) = pair.handle.set_times(pair.to, pair.source.accessed, pair.source.modified)
    {
        let unsupported = pair.source.kind == Kind::Symlink && matches!(errno, Errno::NOSYS | Errno::OPNOTSUPP);
        if !unsupported {
            let what = if pair.leads { "failed to preserve times for" } else { "preserving times for" };
            run.messages.error(format!("{what} {}: {}", pair.to.quoted(), strerror(errno)));
            return false;
        }
    }
    let mut special = pair.source.mode & SPECIAL;
    let lost = if pair.leads { special } else { 0 };
    // A link to the source (-s) gets its times, but stays ours, as with GNU.
    let points_to_source = pair.source.kind == Kind::Symlink && run.options.make == Make::SymbolicLink;
    if preserve.ownership && !points_to_source {
        match owner(run, pair) {
            Owner::Kept => {}
            Owner::NotKept => special = lost,
            Owner::Failed => return false,
        }
    }
    // A directory that was there keeps its label, as with GNU.
    if preserve.context != Keep::No && (pair.new || pair.source.kind != Kind::Directory) {
        well &= xattr::copy_label(run, pair);
    }
    if !pair.leads && preserve.xattr != Keep::No {
        well &= xattr::copy(run, pair);
        if !well && pair.source.kind != Kind::Regular {
            return false; // as with GNU its permissions stay what they are
        }
    }
    if pair.source.kind == Kind::Symlink {
        return well; // its permissions mean nothing
    }
    if preserve.mode {
        well & permissions(run, pair, (pair.source.mode & 0o777) | special)
    } else if let Some(mode) = pair.mode {
        let mut reason = Reason::Restored;
        if preserve.no_mode {
            pair.handle.remove_list(); // what was inherited says more than the bits
            reason = Reason::Plain;
        }
        well & said(run, pair, reason, pair.handle.set_mode(mode))
    } else {
        well
    }
}

/// What came of the owner.
enum Owner {
    Kept,
    NotKept,
    Failed,
}

fn owner(run: &mut Run<'_>, pair: &Pair<'_>) -> Owner {
    let there = match pair.handle.facts() {
        Ok(there) if has_owner(pair, &there) => return Owner::Kept,
        Ok(there) => there,
        Err(errno) => return owner_failed(run, pair, errno),
    };
    // What is there keeps its permissions when its owner changes: so first it keeps only those of its owner that the source
    // has too, and no access control list that says more.
    let left = there.mode & pair.source.mode & 0o700;
    if !pair.new
        && run.options.preserve.mode
        && pair.source.kind != Kind::Symlink
        && let Err(errno) = pair.handle.set_mode(left).map(|()| pair.handle.remove_list())
    {
        if !is_borne(run, errno) {
            run.messages.error(format!("clearing permissions for {}: {}", pair.to.quoted(), strerror(errno)));
        }
        return Owner::Failed; // without a word to whom it does not belong, as with GNU
    }
    match pair.handle.set_owner(Some(pair.source.owner), Some(pair.source.group)) {
        Ok(()) => Owner::Kept,
        Err(errno @ (Errno::PERM | Errno::INVAL)) => {
            // We may be a member of the group, at least; if not, nothing is lost.
            if pair.source.kind != Kind::Symlink {
                let _ = pair.handle.set_owner(None, Some(pair.source.group));
            }
            owner_failed(run, pair, errno)
        }
        Err(errno) => owner_failed(run, pair, errno),
    }
}

/// What a user name space shows of every owner and group that it has no number for (user_namespaces(7), and what
/// /proc/sys/kernel/overflowuid is unless somebody has changed it).
const NOBODY: u32 = 65_534;

/// Whether the source's owner and group are those it has. Of two that are nobody here it is not known, and the kernel is
/// asked; as with GNU cp not for regular files, nor for what was there.
fn has_owner(pair: &Pair<'_>, there: &Facts) -> bool {
    let source = (pair.source.owner, pair.source.group);
    let unknown = source.0 == NOBODY || source.1 == NOBODY;
    (there.owner, there.group) == source && !(unknown && pair.new && pair.source.kind != Kind::Regular)
}

/// An ordinary user cannot give files away: that is no failure.
fn is_borne(run: &Run<'_>, errno: Errno) -> bool {
    !run.identity.is_root && matches!(errno, Errno::PERM | Errno::INVAL | Errno::ACCESS)
}

fn owner_failed(run: &mut Run<'_>, pair: &Pair<'_>, errno: Errno) -> Owner {
    if is_borne(run, errno) {
        return Owner::NotKept;
    }
    let to = match pair.source.kind {
        Kind::Symlink => pair.to.shown().to_string_lossy().into_owned(), // GNU's
        _ => pair.to.quoted(),
    };
    run.messages.error(format!("failed to preserve ownership for {to}: {}", strerror(errno)));
    Owner::Failed
}

/// The source's permissions: the bits, and then the lists that say more than bits.
fn permissions(run: &mut Run<'_>, pair: &Pair<'_>, mode: u32) -> bool {
    let set = pair.handle.set_mode(mode).and_then(|()| xattr::copy_lists(pair));
    said(run, pair, Reason::Kept, set)
}

/// Why permissions are set: GNU's sentence and quotation marks depend on it.
#[derive(Clone, Copy)]
enum Reason {
    /// They are the source's.
    Kept,
    /// They are those of any new file (`--no-preserve=mode`).
    Plain,
    /// They were narrower, or wider, for as long as it was not complete.
    Restored,
}

fn said(run: &mut Run<'_>, pair: &Pair<'_>, reason: Reason, set: Result<(), Errno>) -> bool {
    if let Err(errno) = set {
        let text = match reason {
            Reason::Kept => format!("preserving permissions for {}", locale_quote(&pair.to.shown())),
            Reason::Plain => format!("setting permissions for {}", locale_quote(&pair.to.shown())),
            Reason::Restored if pair.leads => format!("failed to preserve permissions for {}", pair.to.quoted()),
            Reason::Restored => format!("preserving permissions for {}", pair.to.quoted()),
        };
        run.messages.error(format!("{text}: {}", strerror(errno)));
    }
    set.is_ok()
}

/// For messages about one attribute.
fn quoted_name(name: &std::ffi::CStr) -> String {
    use std::os::unix::ffi::OsStrExt as _;
    shell_always(std::ffi::OsStr::from_bytes(name.to_bytes()))
}
