//! Where a file system is mounted, and from what: as /proc/self/mountinfo has it (proc_pid_mountinfo(5)).

use super::facts::{Facts, Kind};
use rustix::fs::{self, Mode, OFlags};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd as _, OwnedFd};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// Where it is seen.
    pub at: OsString,
    /// The kind of file system: `ext4`, `fuseblk`, `fuse.sshfs`.
    pub kind: OsString,
    /// What is mounted: a device's name, or whatever that kind of file system calls it.
    pub source: OsString,
}

/// The mount that an open file was opened in; `None` where /proc does not say.
pub fn of(fd: impl AsFd) -> Option<Mount> {
    // Threads may have descriptors of their own.
    let about = std::fs::read_to_string(format!("/proc/thread-self/fdinfo/{}", fd.as_fd().as_raw_fd())).ok()?;
    let id = about.lines().find_map(|line| line.strip_prefix("mnt_id:"))?.trim();
    find(&std::fs::read("/proc/self/mountinfo").ok()?, id.as_bytes())
}

/// The block device that an open file's file system is on, opened for reading. Of a FUSE file system of type fuseblk it is the
/// one that its program reads and writes, whose pages are cached under the device and not under the file.
///
/// # Errors
/// ENOTBLK where there is none (FUSE of type fuse, network file systems); EACCES for a user who may not read it; what open(2)
/// says.
pub fn device_below(fd: impl AsFd) -> Result<OwnedFd, Errno> {
    let device = Facts::of(fd.as_fd())?.device;
    if fs::major(device) == 0 {
        return Err(Errno::NOTBLK); // a number that stands for no device
    }
    let node = format!("/dev/block/{}:{}", fs::major(device), fs::minor(device));
    let open =
        |path: &std::path::Path| fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK, Mode::empty());
    let by_name = || of(fd.as_fd()).ok_or(Errno::NOENT).and_then(|mount| open(mount.source.as_ref()));
    let opened = open(node.as_ref()).or_else(|_| by_name())?;
    let facts = Facts::of(&opened)?;
    if facts.kind == Kind::Block && facts.raw_device == device { Ok(opened) } else { Err(Errno::NOTBLK) }
}

/// `36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw,errors=continue`
fn find(table: &[u8], id: &[u8]) -> Option<Mount> {
    let of_that_id = |line: &&[u8]| line.split(|byte| *byte == b' ').next() == Some(id);
    let line = table.split(|byte| *byte == b'\n').find(of_that_id)?;
    let fields: Vec<&[u8]> = line.split(|byte| *byte == b' ').collect();
    let dash = fields.iter().position(|field| *field == b"-")?;
    Some(Mount {
        at: unescaped(fields.get(4)?),
        kind: unescaped(fields.get(dash + 1)?),
        source: unescaped(fields.get(dash + 2)?),
    })
}

/// Space, tab, newline and backslash stand there as `\` and three octal digits.
fn unescaped(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let [first, behind @ ..] = rest {
        let digits =
            behind.get(..3).filter(|digits| *first == b'\\' && digits.iter().all(|d| (b'0'..=b'7').contains(d)));
        let value = digits.map(|digits| digits.iter().fold(0, |value, digit| value * 8 + u32::from(digit - b'0')));
        match value.and_then(|value| u8::try_from(value).ok()) {
            Some(byte) => {
                bytes.push(byte);
                rest = &behind[3..];
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    OsString::from_vec(bytes)
}

impl Mount {
    /// `/dev/sdb1 (exfat, /mnt/usb)`, but for what has to be escaped to be shown.
    pub fn parts(&self) -> [&OsStr; 3] {
        // FUSE calls a file system on a device "fuseblk", and after the dot what it calls itself.
        let kind = self.kind.as_bytes();
        let kind =
            [b"fuseblk.".as_slice(), b"fuse."].iter().find_map(|before| kind.strip_prefix(*before)).unwrap_or(kind);
        [&self.source, OsStr::from_bytes(kind), &self.at]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_table_is_read_whatever_its_options() {
        let table = b"36 35 98:0 / / rw - ext3 /dev/root rw\n\
            40 36 8:17 / /mnt/a\\040b\\134c rw,noatime shared:1 master:2 - fuseblk.exfat /dev/sdb1 rw,user_id=0\n";
        let mount = find(table, b"40").expect("there");
        assert_eq!(mount.parts(), ["/dev/sdb1", "exfat", "/mnt/a b\\c"].map(OsStr::new));
        assert_eq!(find(table, b"36").expect("there").parts(), ["/dev/root", "ext3", "/"].map(OsStr::new));
        assert_eq!(find(table, b"3"), None);
        assert_eq!(find(b"36 35 98:0 /", b"36"), None, "cut off");
        assert_eq!(unescaped(b"a\\04"), "a\\04");
    }

    #[test]
    fn an_open_file_says_where_it_is_mounted() {
        let mount = of(std::fs::File::open("/proc/self/status").expect("open")).expect("mount");
        assert_eq!((mount.kind.to_str(), mount.at.to_str()), (Some("proc"), Some("/proc")));
    }
}
