//! The rules between `zccp`'s options, and between them and its operands; those of the options that make a copy safe are a
//! table of their own ([`safety`]).

use super::backups;
use super::labels;
use super::safety;
use super::usage::UsageError;
use crate::cp;
use crate::cp::options::{PARENTS_WANT_A_DIRECTORY, Target, Update};
use crate::engine::{Reflink, Sparse};
use clap::ArgMatches;
use std::ffi::OsString;

/// The rules between `zccp`'s options and its operands, in the order in which GNU cp looks at them.
///
/// # Errors
/// What GNU says when the options are read and one of the rules is broken.
pub(super) fn settle(
    mut options: cp::Options,
    matches: &ArgMatches,
    variable: impl Fn(&str) -> Option<OsString>,
    operands: Vec<OsString>,
) -> Result<cp::Options, UsageError> {
    if matches.get_flag("link") && matches.get_flag("symbolic-link") {
        return Err(UsageError::with_hint("cannot make both hard and symbolic links"));
    }
    if backups::wanted(matches) && matches!(options.update, Update::None | Update::NoneFail) {
        let text = "--backup is mutually exclusive with -n or --update=none-fail";
        return Err(UsageError::with_hint(text));
    }
    if options.policy.reflink == Reflink::Always && options.policy.sparse != Sparse::Auto {
        return Err(UsageError::with_hint("--reflink can be used only with --sparse=auto"));
    }
    // Extents that are shared have the source's holes, not none.
    if options.policy.reflink == Reflink::Auto && options.policy.sparse == Sparse::Never {
        options.policy.reflink = Reflink::Never;
    }
    options.backup = backups::asked(matches, variable)?;
    labels::settle(&mut options.preserve, &options.label)?;
    safety::check(&options)?;
    let no_target_directory = matches.get_flag("no-target-directory");
    let in_directory = matches!(options.target, Target::Directory(_));
    match operands.as_slice() {
        [] => return Err(UsageError::with_hint("missing file operand")),
        [only] if !in_directory => return Err(UsageError::operand("missing destination file operand after", only)),
        _ if in_directory && no_target_directory => {
            let text = "cannot combine --target-directory (-t) and --no-target-directory (-T)";
            return Err(UsageError::without_hint(text));
        }
        [_, _, extra, ..] if no_target_directory => return Err(UsageError::operand("extra operand", extra)),
        _ if options.parents && no_target_directory => return Err(UsageError::with_hint(PARENTS_WANT_A_DIRECTORY)),
        _ => {}
    }
    options.operands = operands;
    Ok(options)
}
