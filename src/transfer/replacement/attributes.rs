//! What a new file takes over from the one it replaces: owner, mode, access control list and extended attributes.

use crate::sys::facts::Facts;
use crate::sys::{descriptor, xattr};
use rustix::fs::{self, Gid, Mode, Uid, XattrFlags};
use rustix::io::Errno;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::OsStrExt as _;

/// What speaks of the old contents, or of who last wrote them: the kernel itself drops a capability when a file is written
/// to (capabilities(7)), and the two others are sums of what was in it (IMA, EVM).
const OF_CONTENTS: [&[u8]; 3] = [b"security.capability", b"security.ima", b"security.evm"];

/// Why the new file cannot take the old one's place: what of it could not be taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Owner or group (fchown(2)).
    Owner(Errno),
    /// Permission bits (fchmod(2)).
    Mode(Errno),
    /// The names of its attributes could not be listed.
    Attributes(Errno),
    /// This attribute, ACLs included.
    Attribute(OsString, Errno),
}

/// Gives `new` what `old` has; `old` may have been opened with O_PATH. `was`: its facts.
///
/// # Errors
/// What could not be taken over.
pub fn take_over(old: BorrowedFd<'_>, was: &Facts, new: BorrowedFd<'_>) -> Result<(), Refused> {
    let is = Facts::of(new).map_err(Refused::Mode)?;
    // First the owner: that takes set-id bits and capabilities away.
    let owner = (is.owner != was.owner).then(|| Uid::from_raw(was.owner));
    let group = (is.group != was.group).then(|| Gid::from_raw(was.group));
    if owner.is_some() || group.is_some() {
        fs::fchown(new, owner, group).map_err(Refused::Owner)?;
    }
    attributes(old, new)?;
    let mode = was.mode & 0o7777;
    // Asked again: an ACL has set some of them.
    if Facts::of(new).map_err(Refused::Mode)?.mode & 0o7777 != mode {
        fs::fchmod(new, Mode::from_raw_mode(mode)).map_err(Refused::Mode)?;
    }
    Ok(())
}

fn attributes(old: BorrowedFd<'_>, new: BorrowedFd<'_>) -> Result<(), Refused> {
    // By its name in /proc, because a descriptor that cannot be read from has no flistxattr (EBADF of O_PATH).
    let name = descriptor::name_in_proc(old);
    let of_old = names(|buffer| fs::listxattr(name.as_str(), buffer))
        .or_else(|_| names(|buffer| fs::flistxattr(old, buffer)))
        .map_err(Refused::Attributes)?;
    let of_new = names(|buffer| fs::flistxattr(new, buffer)).map_err(Refused::Attributes)?;
    let refused = |attribute: &CStr| {
        let attribute = OsStr::from_bytes(attribute.to_bytes()).to_os_string();
        move |errno| Refused::Attribute(attribute, errno)
    };
    for attribute in &of_old {
        let value = xattr::whole(|buffer| fs::getxattr(name.as_str(), attribute.as_c_str(), buffer))
            .or_else(|_| xattr::whole(|buffer| fs::fgetxattr(old, attribute.as_c_str(), buffer)))
            .map_err(refused(attribute))?;
        let has = xattr::whole(|buffer| fs::fgetxattr(new, attribute.as_c_str(), buffer));
        if has.as_ref() != Ok(&value) {
            fs::fsetxattr(new, attribute.as_c_str(), &value, XattrFlags::empty()).map_err(refused(attribute))?;
        }
    }
    // What the directory has put on the new one (a default ACL), and the old one has not.
    for attribute in of_new.iter().filter(|attribute| !of_old.contains(attribute)) {
        if attribute.to_bytes() == b"system.posix_acl_access" {
            fs::fremovexattr(new, attribute.as_c_str()).map_err(refused(attribute))?;
        }
    }
    Ok(())
}

/// The names of a file's attributes that are taken over.
fn names(list: impl Fn(&mut [u8]) -> Result<usize, Errno>) -> Result<Vec<CString>, Errno> {
    let bytes = match xattr::whole(list) {
        Ok(bytes) => bytes,
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => return Ok(Vec::new()), // a file system without any
        Err(errno) => return Err(errno),
    };
    let names = bytes.split(|byte| *byte == 0).filter(|name| !name.is_empty() && !OF_CONTENTS.contains(name));
    Ok(names.filter_map(|name| CString::new(name).ok()).collect())
}
