//! Extended attributes (xattr(7)): which are copied, and what is said where one cannot be.
//!
//! xattr.conf(5) names those that are not copied, and those that belong to the permissions: access control lists.

use super::super::Run;
use super::super::options::Keep;
use super::{Made, quoted_name};
use crate::sys::text::{matches_glob, strerror};
use rustix::io::Errno;
use std::ffi::{CStr, CString};
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

/// The names of `class` in a list of them.
fn of_class(list: &[u8], class: Class) -> impl Iterator<Item = &CStr> {
    let names = list.split_inclusive(|byte| *byte == 0).filter_map(|name| CStr::from_bytes_with_nul(name).ok());
    names.filter(move |name| Rules::current().class(name) == class)
}

/// Copies the access control lists.
///
/// # Errors
/// What the calls say; not that the source's file system has no such thing.
pub(super) fn copy_lists(made: &Made<'_>) -> Result<(), Errno> {
    let Some(from) = made.from else { return Ok(()) };
    let list = match from.attributes() {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(()),
        list => list?,
    };
    for name in of_class(&list, Class::Permissions) {
        let value = from.attribute(name)?;
        made.handle.set_attribute(name, &value)?;
    }
    Ok(())
}

/// Copies the others. Whether that went as well as it was asked to.
pub(super) fn copy(run: &mut Run<'_>, made: &Made<'_>) -> bool {
    let keep = run.options.preserve.xattr;
    let mut troubles = Vec::new();
    let mut unsupported = false;
    if let Some(from) = made.from {
        match from.attributes() {
            Ok(list) => {
                for name in of_class(&list, Class::Ordinary) {
                    let named = |what: &str, of: &dyn Fn() -> String| format!("{what} {} {}", quoted_name(name), of());
                    match from.attribute(name).map(|value| made.handle.set_attribute(name, &value)) {
                        Ok(Ok(())) => {}
                        Ok(Err(Errno::OPNOTSUPP)) => unsupported = true,
                        Ok(Err(errno)) => {
                            let of = || format!("for {}", made.to.quoted());
                            troubles.push((named("setting attribute", &of), errno));
                        }
                        Err(errno) => {
                            let of = || format!("of {}", made.from_location.quoted());
                            troubles.push((named("getting attribute", &of), errno));
                        }
                    }
                }
            }
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => {}
            Err(errno) => troubles.push((format!("listing attributes of {}", made.from_location.quoted()), errno)),
        }
    }
    if unsupported {
        troubles.push((format!("setting attributes for {}", made.to.quoted()), Errno::OPNOTSUPP));
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

#[cfg(test)]
mod tests {
    use super::*;

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
