//! The owner of an open file, or of one that is open as a mere place.

use super::descriptor::last_errno;
use rustix::io::Errno;
use std::os::fd::{AsRawFd as _, BorrowedFd};

/// fchownat(2) with AT_EMPTY_PATH, which takes O_PATH descriptors, of symbolic links too. `None` leaves it as it is.
///
/// By libc: the numbers come from a stat, and 4294967295, which is no owner, must not be taken for "leave it".
///
/// # Errors
/// What fchownat(2) says; EINVAL for the number that is no owner.
pub fn set(fd: BorrowedFd<'_>, owner: Option<u32>, group: Option<u32>) -> Result<(), Errno> {
    if owner == Some(u32::MAX) || group == Some(u32::MAX) {
        return Err(Errno::INVAL);
    }
    let (owner, group) = (owner.unwrap_or(u32::MAX), group.unwrap_or(u32::MAX));
    // SAFETY: the name is a C string, and no other memory is touched.
    if unsafe { libc::fchownat(fd.as_raw_fd(), c"".as_ptr(), owner, group, libc::AT_EMPTY_PATH) } == -1 {
        return Err(last_errno());
    }
    Ok(())
}
