//! Extended attributes (xattr(7)): which are copied, and what is said where one cannot be.
//!
//! SELinux's label has an option of its own (`--preserve=context`), for which GNU has words of their own.
//!
//! xattr.conf(5) names those that are not copied, and those that belong to the permissions: access control lists.

use super::super::Run;
use super::super::location::Location;
use super::super::options::Keep;
use super::{Handle, Pair, quoted_name};
use crate::sys::text::{matches_glob, strerror};
use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
use std::os::fd::AsFd as _;
use std::sync::OnceLock;

/// What becomes of an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    /// It is copied with the others.
    Ordinary,
    /// It goes with the permissions.
    Permissions,
    /// It is not copied.
    Skipped,
}

/// xattr.conf(5): patterns and what they say, in their order.
#[derive(Debug)]
struct Rules(Vec<(CString, Class)>);

/// Where there is no /etc/xattr.conf: the lists that Linux's own file systems have.
const LISTS: &str = "system.posix_acl_access permissions\nsystem.posix_acl_default permissions\n\
                     system.nfs4_acl permissions\nsystem.nfs4acl permissions\n";

impl Rules {
    fn current() -> &'static Rules {
        static CURRENT: OnceLock<Rules> = OnceLock::new();
        CURRENT.get_or_init(|| {
            let text = std::fs::read("/etc/xattr.conf");
            text.map_or_else(|_| Rules::parse(LISTS), |text| Rules::parse(&String::from_utf8_lossy(&text)))
        })
    }

    fn parse(text: &str) -> Rules {
        let rule = |line: &str| {
            let mut words = line.split('#').next()?.split_whitespace();
            let (pattern, action) = (words.next()?, words.next()?);
            let class = match action {
                "permissions" => Class::Permissions,
                "skip" => Class::Skipped,
                _ => return None,
            };
            Some((CString::new(pattern).ok()?, class))
        };
        Rules(text.lines().filter_map(rule).collect())
    }

    fn class(&self, name: &CStr) -> Class {
        let rule = self.0.iter().find(|(pattern, _)| matches_glob(pattern, name));
        rule.map_or(Class::Ordinary, |(_, class)| *class)
    }
}

/// SELinux's label.
const LABEL: &CStr = c"security.selinux";

/// The names of `class` in a list of them.
fn of_class(list: &[u8], class: Class) -> impl Iterator<Item = &CStr> {
    let names = list.split_inclusive(|byte| *byte == 0).filter_map(|name| CStr::from_bytes_with_nul(name).ok());
    names.filter(move |name| Rules::current().class(name) == class)
}

/// Copies the access control lists.
///
/// # Errors
/// What the calls say; not that the source's file system has no such thing.
pub(super) fn copy_lists(pair: &Pair<'_>) -> Result<(), Errno> {
    let Some(from) = pair.from else { return Ok(()) };
    let from = from?;
    let list = match from.attributes() {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(()),
        list => list?,
    };
    for name in of_class(&list, Class::Permissions) {
        let value = from.attribute(name)?;
        pair.handle.set_attribute(name, &value)?;
    }
    Ok(())
}

/// Copies the others. Whether that went as well as it was asked to.
pub(super) fn copy(run: &mut Run<'_>, pair: &Pair<'_>) -> bool {
    let keep = run.options.preserve.xattr;
    let mut troubles = Vec::new();
    let mut unsupported = false;
    if let Some(from) = pair.from {
        match from.and_then(|from| Ok((from, from.attributes()?))) {
            Ok((from, list)) => {
                let apart = |name: &&CStr| run.options.preserve.context != Keep::No && *name == LABEL;
                for name in of_class(&list, Class::Ordinary).filter(|name| !apart(name)) {
                    let named = |what: &str, of: &dyn Fn() -> String| format!("{what} {} {}", quoted_name(name), of());
                    match from.attribute(name).map(|value| pair.handle.set_attribute(name, &value)) {
                        Ok(Ok(())) => {}
                        Ok(Err(Errno::OPNOTSUPP)) => unsupported = true,
                        Ok(Err(errno)) => {
                            let of = || match run.options.strictly_gnu {
                                true => format!("for {}", quoted_name(name)), // GNU's names the attribute once more
                                false => format!("for {}", pair.to.quoted()),
                            };
                            troubles.push((named("setting attribute", &of), errno));
                        }
                        Err(errno) => {
                            let of = || match run.options.strictly_gnu {
                                true => format!("of {}", quoted_name(name)),
                                false => format!("of {}", pair.from_location.quoted()),
                            };
                            troubles.push((named("getting attribute", &of), errno));
                        }
                    }
                }
            }
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            Err(errno) => troubles.push((format!("listing attributes of {}", pair.from_location.quoted()), errno)),
        }
    }
    if unsupported {
        troubles.push((format!("setting attributes for {}", pair.to.quoted()), Errno::OPNOTSUPP));
    }
    let all = run.options.attributes_only || keep == Keep::Required;
    let well = troubles.is_empty() || keep != Keep::Required;
    for (text, errno) in troubles {
        let told = all || keep == Keep::Gladly && !matches!(errno, Errno::OPNOTSUPP | Errno::NODATA);
        let text = format!("{text}: {}", strerror(errno));
        match (told, well) {
            (true, true) => run.messages.warn(text),
            (true, false) => run.messages.error(text),
            (false, _) => {}
        }
    }
    well
}

/// Copies the label. Whether that went as well as it was asked to.
pub(super) fn copy_label(run: &mut Run<'_>, pair: &Pair<'_>) -> bool {
    let Some(from) = pair.from else { return true };
    match from.and_then(|from| from.attribute(LABEL)) {
        Ok(label) => match pair.handle.set_attribute(LABEL, &label) {
            Ok(()) => true,
            Err(errno) => told(run, &format!("failed to set the security context of {}", pair.to.quoted()), errno),
        },
        Err(errno) => told(run, &not_read(pair.from_location), errno),
    }
}

/// Whether the source has a label, if one is required: if not, nothing is made of it, and that was said.
pub(in crate::cp) fn label_is_there(run: &mut Run<'_>, from: &Location<'_>, followed: bool) -> bool {
    if run.options.preserve.context != Keep::Required {
        return true;
    }
    let no_follow = if followed { OFlags::empty() } else { OFlags::NOFOLLOW };
    let place = fs::openat(from.directory, &*from.name, OFlags::PATH | OFlags::CLOEXEC | no_follow, Mode::empty());
    match place.and_then(|place| Handle::Place(place.as_fd()).attribute(LABEL)) {
        Ok(_) => true,
        Err(errno) => told(run, &not_read(from), errno),
    }
}

fn not_read(from: &Location<'_>) -> String {
    format!("failed to get security context of {}", from.quoted())
}

/// Says that the label could not be copied, if that is to be said. Whether it is no failure.
fn told(run: &mut Run<'_>, what: &str, errno: Errno) -> bool {
    let text = format!("{what}: {}", strerror(errno));
    match weight(run.options.preserve.context, errno) {
        Weight::Failure => run.messages.error(text),
        Weight::Warning => run.messages.warn(text),
        Weight::Nothing => {}
    }
    run.options.preserve.context != Keep::Required
}

/// What it is that a label could not be copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Failure,
    Warning,
    Nothing,
}

/// GNU's rule, as 9.10 shows it where SELinux's library is made to say what it likes (docs/deviations.md).
fn weight(keep: Keep, errno: Errno) -> Weight {
    match keep {
        Keep::Required => Weight::Failure,
        Keep::Gladly if !matches!(errno, Errno::OPNOTSUPP | Errno::NODATA) => Weight::Warning,
        Keep::Gladly | Keep::Silently | Keep::No => Weight::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_required_wanted_or_welcome() {
        for (keep, errno, expected) in [
            (Keep::Required, Errno::NODATA, Weight::Failure),
            (Keep::Required, Errno::OPNOTSUPP, Weight::Failure),
            (Keep::Gladly, Errno::ACCESS, Weight::Warning),
            (Keep::Gladly, Errno::INVAL, Weight::Warning),
            (Keep::Gladly, Errno::OPNOTSUPP, Weight::Nothing),
            (Keep::Gladly, Errno::NODATA, Weight::Nothing),
            (Keep::Silently, Errno::ACCESS, Weight::Nothing),
        ] {
            assert_eq!(weight(keep, errno), expected, "{keep:?} {errno:?}");
        }
    }

    #[test]
    fn the_rules_are_read_and_the_first_that_fits_counts() {
        let rules =
            Rules::parse("# x\nuser.a skip # why\nuser.* permissions\n\nbroken\nsystem.x copy\ntrusted.B_* skip\n");
        for (name, class) in [
            (c"user.a", Class::Skipped),
            (c"user.ab", Class::Permissions),
            (c"system.x", Class::Ordinary),
            (c"trusted.B_1", Class::Skipped),
            (c"trusted.B", Class::Ordinary),
        ] {
            assert_eq!(rules.class(name), class, "{name:?}");
        }
        assert_eq!(Rules::parse(LISTS).class(c"system.posix_acl_access"), Class::Permissions);
    }
}
