//! cp: operands → entries; decide; the two ends of each copy opened, named and closed; trees.
//!
//! [`options`] are what was asked. [`operands`] says which source goes to which destination, below [`parents`] where their
//! names are kept; [`decide`] (pure) what is to be done with one, and [`entry`] does it: [`mod@file`] for contents of a
//! [`source`], into a [`sink`], the copy itself by [`ends`]; [`links`] for links, [`special`] for FIFOs and devices,
//! [`directory`] for directories, which [`tree`] fills but for what [`exclude`] names. [`backup`] is where an existing
//! destination goes, [`refusals`] why a source is not copied, [`rehearse`] all that without doing it (`--dry-run`).
//!
//! [`attributes`] is what is kept besides the data, [`safety`] what makes a copy one to be trusted. Where something is, is a
//! [`location`]: an open directory and a name ([`names`]). [`account`], [`first_names`], [`small`] and [`directory::Roots`]
//! are what the run remembers. [`workers`] says how many threads copy, [`apart`] and [`groups`] keep them out of each other's
//! way.

mod account;
mod apart;
mod attributes;
pub mod backup;
pub mod decide;
mod directory;
mod ends;
mod entry;
pub mod exclude;
mod file;
mod first_names;
mod groups;
mod links;
mod location;
mod names;
mod operands;
pub mod options;
mod parents;
mod refusals;
mod rehearse;
mod safety;
mod sink;
mod small;
mod source;
mod special;
mod tree;
mod workers;

pub use options::Options;

use crate::report::{Messages, Watch};
use crate::sys::selinux;
use crate::transfer::{Capabilities, Plan, RateLimit, Scratch};
use account::Account;
use attributes::Identity;
use directory::Roots;
use first_names::FirstNames;
use groups::Groups;
use location::Location;
use options::Label;
use safety::Flushes;
use small::Tally;
use std::rc::Rc;

/// What a thread of `zccp` has at hand: what all of them share, and what is its own.
pub(crate) struct Run<'a> {
    options: &'a Options,
    learned: &'a Capabilities,
    first_names: &'a FirstNames,
    roots: &'a Roots,
    groups: &'a Groups,
    flushes: &'a Flushes,
    identity: Identity,
    messages: &'a mut Messages,
    /// `--rate-limit`, which all threads keep to together.
    limit: Option<&'a RateLimit>,
    /// Who is told how far it is.
    watch: &'a Watch,
    /// The job is one operand: if that is a file, its size is the total.
    alone: bool,
    scratch: &'a mut Scratch,
    /// Bytes that the source at hand was foreseen with, until they are expected or it is clear that they are not.
    foreseen: Option<u64>,
    /// How the small files of a tree are copied, once one was.
    small_plan: Option<Rc<Plan>>,
    /// What this thread has to tell of them.
    tally: Tally,
    /// Bytes that this thread has moved in files that are not small; shared extents are not moved.
    moved: u64,
    /// Threads that copy files of this run when a big one is begun.
    at_work: usize,
    /// The operand at hand is being copied into itself: it is gone on with no further.
    into_itself: bool,
    /// What this run has copied and made, where several operands could meet; minded by the thread that has them.
    account: Option<&'a mut Account>,
}

impl Run<'_> {
    /// What was foreseen of the source at hand is expected now, or will never come.
    fn come_upon(&mut self) {
        if let Some(bytes) = self.foreseen.take() {
            self.tally.came_upon(self.watch.counters(), bytes);
        }
    }

    /// Notes what was made, if it is an operand's.
    fn note(&mut self, to: &Location<'_>) {
        if let Some(account) = self.account.as_mut().filter(|_| to.operand) {
            account.note(to);
        }
    }
}

/// Does what was asked. What goes wrong is said through `messages`, which remembers the exit status.
pub fn run(options: &Options, messages: &mut Messages, watch: &Watch) {
    if !labels_can_be_set(options, messages) {
        return;
    }
    if options.safety.verify {
        watch.counters().verifies();
    }
    let limit = options.rate_limit.map(RateLimit::new);
    let mut run = Run {
        options,
        learned: &Capabilities::new(),
        limit: limit.as_ref(),
        first_names: &FirstNames::default(),
        roots: &Roots::default(),
        groups: &Groups::new(),
        flushes: &Flushes::new(options),
        identity: Identity::as_far_as_needed(options),
        messages,
        watch,
        alone: options.sources().len() == 1,
        scratch: &mut Scratch::new(),
        foreseen: None,
        small_plan: None,
        tally: Tally::default(),
        moved: 0,
        at_work: 1,
        into_itself: false,
        account: Some(&mut Account::default()),
    };
    operands::each(&mut run);
    safety::end(&mut run);
    let remains = run.learned.targets().remains().filter(|_| !options.safety.durable);
    watch.remains(remains);
}

/// Whether what is asked of SELinux labels can be done. Without SELinux there are none to set (that `--context=CTX` is
/// ignored was said when it was read); with it, it is its library that knows what the policy says, and that is not part of
/// this program: better no copy than one with a wrong label.
fn labels_can_be_set(options: &Options, messages: &mut Messages) -> bool {
    if options.label == Label::ByKernel {
        return true;
    }
    if selinux::is_enabled() {
        messages.error("cannot set SELinux contexts: this program is built without SELinux's library");
        return false;
    }
    true
}
