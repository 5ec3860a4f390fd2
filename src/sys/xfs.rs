//! XFS: in which allocation group a file lies.

use rustix::io::Errno;
use rustix::ioctl::{self, Getter, opcode};
use std::os::fd::AsFd;

/// `struct xfs_fsop_geom_v1` (`libxfs/xfs_fs.h`): of its 112 bytes, those that are asked for here have names.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
struct Answer {
    block_size: u32,
    _extent_size: u32,
    group_blocks: u32,
    groups: u32,
    _log: [u32; 2],
    inode_size: u32,
    _rest: [u32; 21],
}

/// How inode numbers tell the allocation group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    /// The group's number is the inode's shifted down by so many bits.
    shift: u32,
    /// How many groups there are.
    pub groups: u32,
}

impl Geometry {
    /// That of the file system that a file or directory is on, which must be open, not O_PATH.
    ///
    /// # Errors
    /// ENOTTY on other file systems, EBADF; EINVAL where the answer makes no sense.
    pub fn of(fd: impl AsFd) -> Result<Geometry, Errno> {
        // `XFS_IOC_FSGEOMETRY_V1`, `_IOR('X', 100, struct xfs_fsop_geom_v1)`: in all kernels, and anybody may ask.
        const GEOMETRY: ioctl::Opcode = opcode::read::<Answer>(b'X', 100);
        // SAFETY: the request fills in a `struct xfs_fsop_geom_v1` (fs/xfs/xfs_ioctl.c, xfs_ioc_fsgeometry), whose size, a part
        // of the request's number, and layout are those of `Answer`; every value of its fields is one.
        let answer = unsafe { ioctl::ioctl(fd, Getter::<GEOMETRY, Answer>::new()) }?;
        Geometry::told_by(answer).ok_or(Errno::INVAL)
    }

    /// `m_agblklog` and `sb_inopblog` (`libxfs/xfs_ag.h`, XFS_INO_TO_AGNO): as many bits as number the blocks of a group, and as
    /// number the inodes of a block.
    fn told_by(answer: Answer) -> Option<Geometry> {
        let blocks = answer.group_blocks.checked_next_power_of_two()?.trailing_zeros();
        let inodes = answer.block_size.checked_div(answer.inode_size)?.checked_ilog2()?;
        (answer.groups > 0).then_some(Geometry { shift: blocks + inodes, groups: answer.groups })
    }

    /// The number of the group that an inode is in.
    pub fn group(&self, inode: u64) -> u32 {
        u32::try_from(inode >> self.shift).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
impl Geometry {
    /// So many groups of so many bits.
    pub fn of_parts(shift: u32, groups: u32) -> Geometry {
        Geometry { shift, groups }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_group_is_that_of_the_kernel() {
        // mkfs.xfs of 2 GiB says: agcount=4, agsize=131072 blks, bsize=4096, isize=512. The first five directories had these
        // numbers (`ls -id`, Linux 6.18), and a file of the second one lay in group 1 (`xfs_io -c 'bmap -v'`).
        let answer = Answer {
            block_size: 4096,
            _extent_size: 0,
            group_blocks: 131_072,
            groups: 4,
            _log: [0; 2],
            inode_size: 512,
            _rest: [0; 21],
        };
        let geometry = Geometry::told_by(answer).expect("an answer that makes sense");
        let directories = [131, 1_048_704, 2_228_352, 3_145_856, 132];
        assert_eq!(directories.map(|inode| geometry.group(inode)), [0, 1, 2, 3, 0]);
        assert_eq!(geometry.groups, 4);
        assert_eq!(Geometry::told_by(Answer { inode_size: 0, ..answer }), None);
        assert_eq!(Geometry::told_by(Answer { groups: 0, ..answer }), None);
    }

    #[test]
    fn other_file_systems_have_none() {
        let memory = rustix::fs::memfd_create("zccp-test", rustix::fs::MemfdFlags::CLOEXEC).expect("memory");
        assert_eq!(Geometry::of(memory), Err(Errno::NOTTY));
    }
}
