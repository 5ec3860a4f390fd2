//! SELinux labels: what is asked of them, and what of it can be.

use super::mapping::last;
use super::table::NO_ARGUMENT;
use super::usage::UsageError;
use crate::cp::options::{Keep, Label, Preserve};
use crate::sys::selinux;
use clap::ArgMatches;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

/// What GNU says of `--context=CTX` where there is no SELinux.
pub(super) const LABEL_IGNORED: &str = "warning: ignoring --context; it requires an SELinux-enabled kernel";

/// How often that is said: once for each `--context=` among `options` (spelled in full) that is read before an option is
/// refused.
pub(super) fn ignored_labels(options: &[OsString]) -> usize {
    let is = |option: &OsString, name: &str| option.as_bytes().starts_with(name.as_bytes());
    let mut directories = 0;
    let read = options.iter().take_while(|option| {
        directories += usize::from(is(option, "--target-directory="));
        directories < 2 // the second is refused as soon as it is read
    });
    let labels = read.filter(|option| is(option, "--context=")).count();
    if labels > 0 && selinux::is_enabled() { 0 } else { labels }
}

/// `-Z`, `--context`: the last of them counts.
pub(super) fn label(matches: &ArgMatches) -> Label {
    match last(matches, &["Z", "context"]) {
        Some("context") => match matches.get_one::<OsString>("context").filter(|given| *given != NO_ARGUMENT) {
            Some(given) => Label::Given(given.clone()),
            None => Label::ByPolicy,
        },
        Some(_) => Label::ByPolicy,
        None => Label::ByKernel,
    }
}

/// Adjusts what is kept of labels to this kernel; `label` is the one that the copy gets.
///
/// # Errors
/// What GNU says of `--preserve=context` without SELinux, and with it beside a label that is to be set.
pub(super) fn settle(preserve: &mut Preserve, label: &Label) -> Result<(), UsageError> {
    if selinux::is_enabled() {
        return match (preserve.context, label) {
            (Keep::Required, Label::Given(_) | Label::ByPolicy) => {
                Err(UsageError::without_hint("cannot set target context and preserve it"))
            }
            _ => Ok(()),
        };
    }
    if preserve.context == Keep::Required {
        let text = "cannot preserve security context without an SELinux-enabled kernel";
        return Err(UsageError::without_hint(text));
    }
    // Without SELinux a label is an extended attribute like any other.
    preserve.context = Keep::No;
    Ok(())
}
