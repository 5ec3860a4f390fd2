//! What one fstat says of a file, and one fstatfs of its file system: plain data, no descriptor.

use super::{descriptor, start};
use rustix::fs::{self, AtFlags, FileType};
use rustix::io::Errno;
use rustix::path::Arg as _;
use std::ffi::{CStr, OsStr};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};

#[cfg(target_pointer_width = "64")]
use libc::{fstatat, stat};
// Without the 64 a file over 2 GiB is EOVERFLOW where a long has 32 bits (stat(2)).
#[cfg(target_pointer_width = "32")]
use libc::{fstatat64 as fstatat, stat64 as stat};

/// The kind of file, by `st_mode` (inode(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A regular file, a memfd included.
    Regular,
    /// A directory.
    Directory,
    /// A symbolic link (only from a stat that did not follow it).
    Symlink,
    /// A block device.
    Block,
    /// A character device, ttys included.
    Character,
    /// A pipe or FIFO.
    Pipe,
    /// A socket.
    Socket,
    /// Anything else: eventfd, epoll and other anonymous inodes have no type bits.
    Other,
}

impl Kind {
    /// By the type bits of `st_mode`.
    pub fn from_mode(mode: u32) -> Kind {
        Kind::from_type(FileType::from_raw_mode(mode))
    }

    /// By the type that fstat(2) or getdents64(2) gave; `Other` where it is unknown.
    pub fn from_type(file_type: FileType) -> Kind {
        match file_type {
            FileType::RegularFile => Kind::Regular,
            FileType::Directory => Kind::Directory,
            FileType::Symlink => Kind::Symlink,
            FileType::BlockDevice => Kind::Block,
            FileType::CharacterDevice => Kind::Character,
            FileType::Fifo => Kind::Pipe,
            FileType::Socket => Kind::Socket,
            FileType::Unknown => Kind::Other,
        }
    }
}

/// A time as the kernel keeps it: seconds since the epoch and nanoseconds.
pub type Timestamp = (i64, u32);

/// What fstat(2) said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Regular file, pipe, socket, …
    pub kind: Kind,
    /// Type and permission bits (`st_mode`).
    pub mode: u32,
    /// The device the file is on (`st_dev`).
    pub device: u64,
    /// The inode number (`st_ino`); with `device` it names the file.
    pub inode: u64,
    /// What a device node stands for (`st_rdev`).
    pub raw_device: u64,
    /// Hard links (`st_nlink`).
    pub links: u64,
    /// Owner (`st_uid`).
    pub owner: u32,
    /// Group (`st_gid`).
    pub group: u32,
    /// `st_size` in bytes: a hint, never the end (procfs says 0, sysfs 4096).
    pub size: u64,
    /// Bytes allocated: `st_blocks` × 512.
    pub allocated: u64,
    /// `st_blksize`, bytes.
    pub block_size: u32,
    /// Last access.
    pub accessed: Timestamp,
    /// Last change of the data (`st_mtim`).
    pub modified: Timestamp,
    /// Last change of inode or data (`st_ctim`).
    pub changed: Timestamp,
}

/// From a stat: that of libc and that of rustix have their fields in common, and no type. How wide a field is depends on the
/// processor: st_nlink has 32 bits on arm64 and 64 on x86-64, and st_ino and the times of libc's have 32 on i686.
macro_rules! facts {
    ($stat:expr) => {
        Facts {
            kind: Kind::from_mode($stat.st_mode),
            mode: $stat.st_mode,
            device: $stat.st_dev,
            inode: u64::from($stat.st_ino),
            raw_device: $stat.st_rdev,
            links: u64::from($stat.st_nlink),
            owner: $stat.st_uid,
            group: $stat.st_gid,
            size: u64::try_from($stat.st_size).unwrap_or(0),
            allocated: u64::try_from($stat.st_blocks).unwrap_or(0).saturating_mul(512),
            block_size: u32::try_from($stat.st_blksize).unwrap_or(4096),
            accessed: (i64::from($stat.st_atime), $stat.st_atime_nsec as u32),
            modified: (i64::from($stat.st_mtime), $stat.st_mtime_nsec as u32),
            changed: (i64::from($stat.st_ctime), $stat.st_ctime_nsec as u32),
        }
    };
}

impl Facts {
    /// fstat(2) of a descriptor.
    ///
    /// # Errors
    /// What fstat(2) says: EBADF, EOVERFLOW, EIO.
    pub fn of(fd: impl AsFd) -> Result<Facts, Errno> {
        fs::fstat(fd).map(|stat| Facts::from_stat(&stat))
    }

    /// fstatat(2), by way of libc: programs that stand in for its functions (LD_PRELOAD) are asked, as GNU's tests want.
    ///
    /// # Errors
    /// What fstatat(2) says, and ENOENT of what only stands where a descriptor was closed (`/dev/stdin`), and of its name in
    /// /proc.
    pub fn at(directory: BorrowedFd<'_>, name: &OsStr, followed: bool) -> Result<Facts, Errno> {
        let flags = if followed { 0 } else { libc::AT_SYMLINK_NOFOLLOW };
        name.into_with_c_str(|name| {
            let mut stat = MaybeUninit::<stat>::uninit();
            // SAFETY: `name` is a C string, and `stat` is valid for the write of one stat.
            if unsafe { fstatat(directory.as_raw_fd(), name.as_ptr(), stat.as_mut_ptr(), flags) } == -1 {
                return Err(descriptor::last_errno());
            }
            // SAFETY: fstatat succeeded, so it is filled in.
            let stat = unsafe { stat.assume_init() };
            let facts = facts!(stat);
            let is_there = match facts.kind {
                Kind::Socket => !start::stands_in(facts.device, facts.inode),
                Kind::Symlink if !followed && start::was_any_closed() => !names_a_stand_in(directory, name),
                _ => true,
            };
            if is_there { Ok(facts) } else { Err(Errno::NOENT) }
        })
    }

    /// From a stat already made.
    pub fn from_stat(stat: &fs::Stat) -> Facts {
        facts!(stat)
    }

    /// Device and inode number, which name the file.
    pub fn id(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Whether both are the same file: the same device and inode number.
    pub fn same_file(&self, other: &Facts) -> bool {
        self.device == other.device && self.inode == other.inode
    }

    /// Whether fewer bytes are allocated than the size needs, so that there may be holes.
    pub fn looks_sparse(&self) -> bool {
        self.kind == Kind::Regular && self.allocated < self.size / 512 * 512
    }

    /// Whether offsets mean something here: regular files and block devices.
    pub fn has_offsets(&self) -> bool {
        matches!(self.kind, Kind::Regular | Kind::Block)
    }
}

/// Whether a link is the name that /proc has for what stands where a descriptor was closed (`socket:[INODE]`:
/// proc_pid_fd(5)), not one that leads to such a name as /dev/stdin does.
fn names_a_stand_in(directory: BorrowedFd<'_>, name: &CStr) -> bool {
    fs::readlinkat(directory, name, Vec::new()).is_ok_and(|text| text.to_bytes().starts_with(b"socket:["))
        && fs::statat(directory, name, AtFlags::empty()).is_ok_and(|to| start::stands_in(to.st_dev, to.st_ino))
}

/// A file system, by the magic number of statfs(2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileSystem {
    /// ext2, ext3 and ext4 share one number.
    Ext4,
    /// XFS; shares extents if made with `reflink=1`.
    Xfs,
    /// Btrfs.
    Btrfs,
    /// tmpfs, memfd and ramfs.
    Tmpfs,
    /// bcachefs.
    Bcachefs,
    /// F2FS.
    F2fs,
    /// OCFS2.
    Ocfs2,
    /// OpenZFS.
    Zfs,
    /// overlayfs.
    Overlay,
    /// FAT (vfat, msdos).
    Fat,
    /// exFAT.
    ExFat,
    /// NTFS by the in-kernel driver.
    Ntfs,
    /// NFS, any version.
    Nfs,
    /// SMB/CIFS.
    Cifs,
    /// Any FUSE file system.
    Fuse,
    /// Ceph.
    Ceph,
    /// procfs, sysfs, cgroup, tracefs, debugfs: files made up when read, whose size lies.
    Pseudo,
    /// hugetlbfs: mmap only; read works, write does not.
    Hugetlb,
    /// Anything else, by its number.
    Other(u64),
}

impl FileSystem {
    /// fstatfs(2) of a descriptor.
    ///
    /// # Errors
    /// What fstatfs(2) says; ENOSYS on pipes and sockets of some kernels.
    pub fn of(fd: impl AsFd) -> Result<FileSystem, Errno> {
        fs::fstatfs(fd).map(|stat| FileSystem::from_magic(stat.f_type as u64))
    }

    /// By `f_type`. The numbers are those of `<linux/magic.h>`; zfs, bcachefs, ntfs3, exfat and ceph from their own
    /// headers.
    pub fn from_magic(magic: u64) -> FileSystem {
        match magic & 0xffff_ffff {
            0xef53 => FileSystem::Ext4,
            0x5846_5342 => FileSystem::Xfs,
            0x9123_683e => FileSystem::Btrfs,
            0x0102_1994 | 0x8584_58f6 => FileSystem::Tmpfs,
            0xca45_1a4e => FileSystem::Bcachefs,
            0xf2f5_2010 => FileSystem::F2fs,
            0x7461_636f => FileSystem::Ocfs2,
            0x2fc1_2fc1 => FileSystem::Zfs,
            0x794c_7630 => FileSystem::Overlay,
            0x4d44 => FileSystem::Fat,
            0x2011_bab0 => FileSystem::ExFat,
            0x7366_746e => FileSystem::Ntfs,
            0x6969 => FileSystem::Nfs,
            0xff53_4d42 | 0xfe53_4d42 | 0x517b => FileSystem::Cifs,
            0x6573_5546 => FileSystem::Fuse,
            0x00c3_6400 => FileSystem::Ceph,
            0x9fa0 | 0x6265_6572 | 0x0027_e0eb | 0x6367_7270 | 0x7472_6163 | 0x6462_6720 | 0x7363_6673 => {
                FileSystem::Pseudo
            }
            0x9584_58f6 => FileSystem::Hugetlb,
            other => FileSystem::Other(other),
        }
    }

    /// The name people know it by, for `--explain`.
    pub fn name(self) -> &'static str {
        match self {
            FileSystem::Ext4 => "ext4",
            FileSystem::Xfs => "xfs",
            FileSystem::Btrfs => "btrfs",
            FileSystem::Tmpfs => "tmpfs",
            FileSystem::Bcachefs => "bcachefs",
            FileSystem::F2fs => "f2fs",
            FileSystem::Ocfs2 => "ocfs2",
            FileSystem::Zfs => "zfs",
            FileSystem::Overlay => "overlay",
            FileSystem::Fat => "vfat",
            FileSystem::ExFat => "exfat",
            FileSystem::Ntfs => "ntfs",
            FileSystem::Nfs => "nfs",
            FileSystem::Cifs => "cifs",
            FileSystem::Fuse => "fuse",
            FileSystem::Ceph => "ceph",
            FileSystem::Pseudo => "a pseudo file system",
            FileSystem::Hugetlb => "hugetlbfs",
            FileSystem::Other(_) => "an unknown file system",
        }
    }

    /// Whether two files of this kind of file system may share extents (FICLONE).
    pub fn shares_extents(self) -> bool {
        matches!(self, FileSystem::Xfs | FileSystem::Btrfs | FileSystem::Bcachefs | FileSystem::Ocfs2 | FileSystem::Zfs)
    }

    /// Whether copy_file_range may be done by a server or a layer below instead of moving the bytes here.
    pub fn offloads(self) -> bool {
        matches!(self, FileSystem::Nfs | FileSystem::Cifs | FileSystem::Fuse | FileSystem::Ceph | FileSystem::Overlay)
    }

    /// Whether it is one of the usual ones on disks and in memory of this machine.
    pub fn is_local(self) -> bool {
        matches!(
            self,
            FileSystem::Ext4
                | FileSystem::Xfs
                | FileSystem::Btrfs
                | FileSystem::Tmpfs
                | FileSystem::F2fs
                | FileSystem::Bcachefs
        )
    }

    /// Whether it tells names by their bytes, or by those of ASCII whatever their case (XFS made with `-n version=ci`); but
    /// for directories that fold case, which have an attribute for it (chattr(1), F).
    pub fn names_are_bytes(self) -> bool {
        self.is_local()
    }

    /// Whether a read that came short of what was asked has met the end: local disks and memory, where nothing else
    /// shortens a read of a regular file.
    pub fn short_read_is_end(self) -> bool {
        self.is_local()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A FUSE file system may say anything; more bytes than a u64 counts must not overflow.
    #[test]
    fn absurd_numbers_of_blocks_are_borne() {
        let mut stat = fs::stat("/proc/self/exe").expect("stat");
        stat.st_blocks = i64::MAX;
        assert_eq!(Facts::from_stat(&stat).allocated, u64::MAX);
        stat.st_blocks = -1;
        assert_eq!(Facts::from_stat(&stat).allocated, 0);
    }
}
