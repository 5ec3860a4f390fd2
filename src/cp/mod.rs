//! cp: operands → entries; decide; the two ends of each copy opened, named and closed.
//!
//! [`operands`] says which source goes to which destination, [`decide`] (pure) what is to be done with one, [`entry`] does
//! it: [`mod@file`] for contents, [`links`] for links, [`rehearse`] for `--dry-run`. [`account`] is what the run remembers.

mod account;
pub mod backup;
pub mod decide;
mod destination;
mod entry;
mod file;
mod links;
mod names;
mod operands;
pub mod options;
mod rehearse;

pub use options::Options;

use crate::report::{Messages, Watch};
use crate::transfer::{Capabilities, RateLimit, Scratch};
use account::Account;

/// What one run of `zccp` has at hand.
pub(crate) struct Run<'a> {
    options: &'a Options,
    messages: &'a mut Messages,
    /// Who is told how far it is.
    watch: &'a Watch,
    /// The job is one file, whose size is the total.
    alone: bool,
    learned: Capabilities,
    /// `--rate-limit`
    limit: Option<RateLimit>,
    scratch: Scratch,
    /// What this run has copied and made, where several sources could meet.
    account: Account,
}

/// Does what was asked. What goes wrong is said through `messages`, which remembers the exit status.
pub fn run(options: &Options, messages: &mut Messages, watch: &Watch) {
    let mut run = Run {
        options,
        messages,
        watch,
        alone: options.sources().len() == 1,
        learned: Capabilities::new(),
        limit: options.rate_limit.map(RateLimit::new),
        scratch: Scratch::new(),
        account: Account::default(),
    };
    operands::each(&mut run);
}
