//! A tree is copied by as many workers as pay. They reach directories by descriptor, never by a path from the top again, and
//! messages come in the order in which one worker alone would have written them.
//!
//! Every worker goes through its part as GNU cp goes through the whole tree: entry after entry, and into each directory when
//! its turn comes ([`walk`]). When another worker is idle, a worker gives away half of what is left in the directory nearest
//! to the root ([`share`], [`pool`]). So most directories are copied by one worker, no queue grows, and one directory with
//! very many files is shared as well.
//!
//! A directory is a [`Node`] until everything in it is done; the worker that does the last of it sets its attributes
//! ([`ending`]). Messages go into passages, which are read in the order of the walk ([`order`]). An entry whose copying
//! changes what later entries come to waits until that reading has reached it ([`turn`]).

mod ending;
mod listing;
mod node;
mod order;
mod pool;
mod reopen;
mod row;
mod share;
mod turn;
mod walk;
mod workers;

pub(super) use listing::Listing;
pub(super) use node::Node;
pub(super) use reopen::beneath;

use super::Run;
use super::directory::{Directory, Id};
use super::location::Location;
use super::names;
use super::options::Dereference;
use crate::sys::facts::Facts;
use node::{Operand, Shown};
use pool::Pool;
use rustix::fs::{self, Mode, OFlags};
use rustix::process::{Resource, getrlimit};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;
use walk::Walker;

/// Descriptors that a worker needs besides the directories that are its own: the three standard ones, the directory of
/// the operands, the roots, a source and a destination, a private pipe, and one to read a directory by for backups. Where
/// there are fewer, one worker alone keeps one directory open and goes without a pipe: ten are enough (`tests/trees/size.rs`).
const OTHER_DESCRIPTORS: u64 = 12;

/// The most directories that one worker keeps open.
const MOST_OPEN: u64 = 32;

/// With fewer descriptors no more than one file is open at once.
const ENOUGH: u64 = 512;

/// Copies what is in the directory that an operand is into its destination, which has been made or was there.
pub(super) fn fill(run: &mut Run<'_>, from: &Location<'_>, to: &Location<'_>, directory: Directory) {
    let Directory { facts, source, destination, id, finish } = directory;
    let (base, way) = to.from_base();
    if let Some(source) = &source {
        // Asked once: the sizes of a local disk's files are true, which spares each small one a read.
        run.learned.file_system(source, facts.device);
    }
    let follows = run.options.dereference == Dereference::Always || run.options.keep_directory_symlink;
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let open_at_once = (limit.saturating_sub(OTHER_DESCRIPTORS) / 2).clamp(1, MOST_OPEN) as usize;
    let place = source.is_none().then(|| place(run, from, facts.id())).flatten();
    let source = source.as_ref().map(|fd| fd.as_fd());
    let mut pool = Pool::new(source, destination.as_fd(), base, follows, open_at_once);
    pool.place = place.as_ref().map(|fd| fd.as_fd());
    // With these options the messages tell which name of a file was copied first.
    let tells = run.options.dry_run || run.options.debug || run.options.explain;
    pool.onto_existing = !finish.new || tells;
    pool.files_at_once = if limit < ENOUGH { 1 } else { row::MOST };
    pool.root_way = names::without_slashes(&way).len();
    let operand = Operand { from: from.shown(), to: to.shown(), way };
    let shown = Shown { from: operand.from.clone(), to: operand.to.clone(), way: operand.way.clone() };
    let root = Node {
        operand: Arc::new(operand),
        parent: None,
        name: Default::default(),
        facts,
        id,
        finish,
        lost_source: false.into(),
        lost_destination: false.into(),
        parts: 1.into(),
        late: Default::default(),
    };
    workers::with(run, &pool, |walker: &mut Walker<'_, '_, '_>| walker.enter_root(root, shown));
}

/// The operand opened as a mere place (O_PATH), if it is still the directory with this device and inode number.
fn place(run: &Run<'_>, from: &Location<'_>, id: Id) -> Option<OwnedFd> {
    let no_follow = if run.options.follows(true) { OFlags::empty() } else { OFlags::NOFOLLOW };
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC | no_follow;
    let place = fs::openat(from.directory, &*from.name, flags, Mode::empty()).ok()?;
    Facts::of(&place).is_ok_and(|facts| facts.id() == id).then_some(place)
}
