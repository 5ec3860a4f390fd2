//! A tree that was made once, to be made again: in less time than by the shell that made it, and the same to whoever looks.

use rustix::fs::{AtFlags, CWD, FileType, Gid, Mode, SeekFrom, Timespec, Timestamps, Uid, XattrFlags};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// A tree.
pub struct Replica {
    /// In the order of their inode numbers, which is the order in which GNU cp copies them.
    inodes: Vec<Inode>,
    /// Each name and which inode has it, the names of a directory after its own and in the order they are listed in.
    names: Vec<(PathBuf, usize)>,
}

struct Inode {
    facts: Metadata,
    contents: Contents,
    attributes: Vec<(OsString, Vec<u8>)>,
}

enum Contents {
    Directory,
    /// What lies between the holes, and where.
    File(Vec<(u64, Vec<u8>)>),
    Link(PathBuf),
    Special(FileType),
}

impl Replica {
    /// Of the directory `root` and what is below it, as it is now.
    ///
    /// # Errors
    /// What cannot be read.
    pub fn of(root: &Path) -> io::Result<Replica> {
        let mut found = BTreeMap::new();
        let mut names = Vec::new();
        look(root, PathBuf::new(), &mut names, &mut found)?;
        let numbers: Vec<u64> = found.keys().copied().collect();
        let place = |number: u64| numbers.binary_search(&number).expect("every name was looked at");
        let names = names.into_iter().map(|(name, number)| (name, place(number))).collect();
        Ok(Replica { inodes: found.into_values().collect(), names })
    }

    /// The names in the order in which they are listed, and the place of each among the inode numbers: what
    /// [`tree::describe`](super::tree::describe) does not tell of a tree.
    pub fn order(&self) -> &[(PathBuf, usize)] {
        &self.names
    }

    /// Makes the tree again: `root`, in a directory that has nothing else in it.
    ///
    /// # Errors
    /// What cannot be made, or not as it was.
    pub fn make(&self, root: &Path) -> io::Result<()> {
        let beside = |number: usize| root.with_file_name(number.to_string());
        for (number, inode) in self.inodes.iter().enumerate() {
            inode.make(&beside(number))?;
        }
        let mut placed: Vec<Option<PathBuf>> = vec![None; self.inodes.len()];
        // tmpfs lists the newest name first.
        let (of_root, others) = self.names.split_first().expect("the root has a name");
        for (name, number) in std::iter::once(of_root).chain(by_depth_and_backwards(others)) {
            let name = if name.as_os_str().is_empty() { root.to_path_buf() } else { root.join(name) };
            match &placed[*number] {
                Some(first) => std::fs::hard_link(first, name)?,
                None => {
                    std::fs::rename(beside(*number), &name)?;
                    placed[*number] = Some(name);
                }
            }
        }
        // From the bottom up: what a directory allows, it allows no more afterwards.
        let mut inodes: Vec<_> = placed.iter().flatten().zip(&self.inodes).collect();
        inodes.sort_by_key(|(path, _)| std::cmp::Reverse(path.components().count()));
        inodes.into_iter().try_for_each(|(path, inode)| inode.dress(path))
    }
}

/// Directories before what is in them, and of one directory the name first that is listed last.
fn by_depth_and_backwards(names: &[(PathBuf, usize)]) -> impl Iterator<Item = &(PathBuf, usize)> {
    let mut names: Vec<_> = names.iter().rev().collect();
    names.sort_by_key(|(name, _)| name.components().count());
    names.into_iter()
}

/// Facts before contents: to read a directory or a file may change its time of access.
fn look(
    root: &Path,
    name: PathBuf,
    names: &mut Vec<(PathBuf, u64)>,
    found: &mut BTreeMap<u64, Inode>,
) -> io::Result<()> {
    let path = root.join(&name);
    let facts = path.symlink_metadata()?;
    let (is_directory, number) = (facts.is_dir(), facts.ino());
    if let std::collections::btree_map::Entry::Vacant(new) = found.entry(number) {
        let contents = contents(&path, &facts)?;
        new.insert(Inode { facts, contents, attributes: attributes(&path)? });
    }
    names.push((name.clone(), number));
    if is_directory {
        for entry in std::fs::read_dir(&path)? {
            look(root, name.join(entry?.file_name()), names, found)?;
        }
    }
    Ok(())
}

fn contents(path: &Path, facts: &Metadata) -> io::Result<Contents> {
    let kind = facts.file_type();
    Ok(match kind {
        _ if kind.is_dir() => Contents::Directory,
        _ if kind.is_symlink() => Contents::Link(std::fs::read_link(path)?),
        _ if kind.is_fifo() => Contents::Special(FileType::Fifo),
        _ if kind.is_socket() => Contents::Special(FileType::Socket),
        _ if kind.is_char_device() => Contents::Special(FileType::CharacterDevice),
        _ if kind.is_block_device() => Contents::Special(FileType::BlockDevice),
        _ => {
            let (file, mut pieces, mut at) = (File::open(path)?, Vec::new(), 0);
            while let Ok(start) = rustix::fs::seek(&file, SeekFrom::Data(at)) {
                at = rustix::fs::seek(&file, SeekFrom::Hole(start))?;
                let mut bytes = vec![0; (at - start) as usize];
                file.read_exact_at(&mut bytes, start)?;
                pieces.push((start, bytes));
            }
            Contents::File(pieces)
        }
    })
}

/// Extended attributes, access control lists and capabilities among them.
fn attributes(path: &Path) -> io::Result<Vec<(OsString, Vec<u8>)>> {
    let mut list = vec![0; 4096];
    let length = rustix::fs::llistxattr(path, &mut list)?;
    let names = list[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()).map(OsStr::from_bytes);
    let read = |name: &OsStr| {
        let mut value = vec![0; 4096];
        let length = rustix::fs::lgetxattr(path, name, &mut value)?;
        value.truncate(length);
        Ok((name.to_os_string(), value))
    };
    names.map(read).collect()
}

impl Inode {
    /// Makes it, under the name `path`, for its owner alone.
    fn make(&self, path: &Path) -> io::Result<()> {
        match &self.contents {
            Contents::Directory => rustix::fs::mkdirat(CWD, path, Mode::RWXU)?,
            Contents::Link(target) => rustix::fs::symlinkat(target, CWD, path)?,
            Contents::Special(kind) => rustix::fs::mknodat(CWD, path, *kind, Mode::RUSR, self.facts.rdev())?,
            Contents::File(pieces) => {
                let file = File::create_new(path)?;
                pieces.iter().try_for_each(|(at, bytes)| file.write_all_at(bytes, *at))?;
                file.set_len(self.facts.len())?;
            }
        }
        Ok(())
    }

    /// Gives it what it had: owners before what is lost by changing them, times last.
    fn dress(&self, path: &Path) -> io::Result<()> {
        let facts = &self.facts;
        let (owner, group) = (Uid::from_raw(facts.uid()), Gid::from_raw(facts.gid()));
        rustix::fs::chownat(CWD, path, Some(owner), Some(group), AtFlags::SYMLINK_NOFOLLOW)?;
        for (name, value) in &self.attributes {
            rustix::fs::lsetxattr(path, name.as_os_str(), value, XattrFlags::empty())?;
        }
        if !facts.is_symlink() {
            rustix::fs::chmodat(CWD, path, Mode::from_raw_mode(facts.mode() & 0o7777), AtFlags::empty())?;
        }
        let time = |seconds, nanoseconds: i64| Timespec { tv_sec: seconds, tv_nsec: nanoseconds as _ };
        let times = Timestamps {
            last_access: time(facts.atime(), facts.atime_nsec()),
            last_modification: time(facts.mtime(), facts.mtime_nsec()),
        };
        rustix::fs::utimensat(CWD, path, &times, AtFlags::SYMLINK_NOFOLLOW)?;
        Ok(())
    }
}
