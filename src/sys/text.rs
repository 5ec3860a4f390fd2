//! The C library's texts: its words for an errno, as GNU prints them, and its patterns (fnmatch(3)).

use rustix::io::Errno;
use std::ffi::CStr;

/// What glibc's strerror(3) says of `errno` ("No such file or directory"), without the "(os error 2)" of Rust's own text.
pub fn strerror(errno: Errno) -> String {
    #[cfg(target_env = "musl")]
    if let Some(text) = super::glibc::glibc(errno.raw_os_error()) {
        return text.to_string();
    }
    let mut text = [0u8; 256];
    // SAFETY: `text` is valid for writes of its length; the XSI strerror_r (libc binds `__xpg_strerror_r` on glibc)
    // writes a NUL-terminated string into it, truncated if need be, and keeps no pointer.
    unsafe { libc::strerror_r(errno.raw_os_error(), text.as_mut_ptr().cast(), text.len()) };
    CStr::from_bytes_until_nul(&text).map_or_else(|_| String::new(), |t| t.to_string_lossy().into_owned())
}

/// The symbolic name of an errno ("EXDEV"), for `--explain`; the number where it has none here.
pub fn errno_name(errno: Errno) -> String {
    // glibc 2.32 has strerrorname_np; musl and older glibc have not, so the names that copies can meet are kept here.
    let name = match errno {
        Errno::ACCESS => "EACCES",
        Errno::AGAIN => "EAGAIN",
        Errno::BADF => "EBADF",
        Errno::CONNRESET => "ECONNRESET",
        Errno::DQUOT => "EDQUOT",
        Errno::FAULT => "EFAULT",
        Errno::FBIG => "EFBIG",
        Errno::INTR => "EINTR",
        Errno::INVAL => "EINVAL",
        Errno::IO => "EIO",
        Errno::ISDIR => "EISDIR",
        Errno::MFILE => "EMFILE",
        Errno::MSGSIZE => "EMSGSIZE",
        Errno::NFILE => "ENFILE",
        Errno::NOBUFS => "ENOBUFS",
        Errno::NODATA => "ENODATA",
        Errno::NODEV => "ENODEV",
        Errno::NOENT => "ENOENT",
        Errno::NOMEM => "ENOMEM",
        Errno::NOSPC => "ENOSPC",
        Errno::NOSYS => "ENOSYS",
        Errno::NOTSOCK => "ENOTSOCK",
        Errno::NOTTY => "ENOTTY",
        Errno::NXIO => "ENXIO",
        Errno::OPNOTSUPP => "EOPNOTSUPP",
        Errno::OVERFLOW => "EOVERFLOW",
        Errno::PERM => "EPERM",
        Errno::PIPE => "EPIPE",
        Errno::ROFS => "EROFS",
        Errno::SPIPE => "ESPIPE",
        Errno::STALE => "ESTALE",
        Errno::TXTBSY => "ETXTBSY",
        Errno::XDEV => "EXDEV",
        other => return format!("errno {}", other.raw_os_error()),
    };
    name.to_string()
}

/// Whether `name` is what the shell pattern `pattern` stands for (fnmatch(3) without flags: `*` takes slashes and dots).
pub fn matches_glob(pattern: &CStr, name: &CStr) -> bool {
    // SAFETY: both are C strings, and fnmatch keeps neither.
    unsafe { libc::fnmatch(pattern.as_ptr(), name.as_ptr(), 0) == 0 }
}
