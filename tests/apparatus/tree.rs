//! A tree as text: one line for each entry, with all that a copy is expected to keep, so that two trees can be held
//! against each other and a difference be read.

use rustix::fs::SeekFrom;
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// Times before this were set by somebody (2017-07-14); later ones passed by themselves, and are not shown.
const SET: i64 = 1_500_000_000;
/// The longest file that is read; of longer ones the size and the holes are compared.
const READ_AT_MOST: u64 = 64 << 20;
/// How many levels are looked at.
const DEEPEST: usize = 40;

/// The tree below the directory `root`, itself included: names, types, modes, owners other than ours, contents, holes,
/// link targets, hard links, devices, extended attributes, and times that were set.
pub fn describe(root: &Path) -> String {
    let mut files = BTreeMap::new();
    // Facts before contents: to read a directory or a file may change its time of access.
    files.insert(PathBuf::from("."), root.symlink_metadata().unwrap());
    walk(root, Path::new(""), &mut files);
    let mut text = String::new();
    let mut first_names = HashMap::new();
    for (name, facts) in &files {
        let path = root.join(name);
        let _ = write!(text, "{} {:o}", name.as_os_str().as_bytes().escape_ascii(), facts.mode());
        describe_owner_and_times(&mut text, facts);
        if !facts.is_dir() && facts.nlink() > 1 {
            let first = first_names.entry((facts.dev(), facts.ino())).or_insert_with(|| name.clone());
            let _ = write!(text, " = {}", first.display());
        }
        describe_contents(&mut text, &path, facts, root);
        describe_attributes(&mut text, &path);
        text.push('\n');
    }
    text
}

fn walk(root: &Path, inside: &Path, files: &mut BTreeMap<PathBuf, Metadata>) {
    for entry in std::fs::read_dir(root.join(inside)).unwrap() {
        let name = inside.join(entry.unwrap().file_name());
        let facts = root.join(&name).symlink_metadata().unwrap();
        let is_directory = facts.is_dir();
        files.insert(name.clone(), facts);
        if is_directory && name.components().count() < DEEPEST {
            walk(root, &name, files);
        }
    }
}

fn describe_owner_and_times(text: &mut String, facts: &Metadata) {
    let (user, group) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    if (facts.uid(), facts.gid()) != (user, group) {
        let _ = write!(text, " of {}:{}", facts.uid(), facts.gid());
    }
    let times = [("modified", facts.mtime(), facts.mtime_nsec()), ("accessed", facts.atime(), facts.atime_nsec())];
    for (what, seconds, nanoseconds) in times {
        // Reading a link changes its time of access, on some days (relatime).
        // An empty file is not read (docs/deviations.md), so its time of access stays what it was.
        let unread = facts.is_symlink() || facts.is_file() && facts.len() == 0;
        if seconds < SET && !(unread && what == "accessed") {
            let _ = write!(text, " {what} {seconds}.{nanoseconds:09}");
        }
    }
}

fn describe_contents(text: &mut String, path: &Path, facts: &Metadata, root: &Path) {
    let kind = facts.file_type();
    if kind.is_symlink() {
        let target = std::fs::read_link(path).unwrap();
        let target = target.strip_prefix(root).map_or(target.clone(), |inside| Path::new("$PWD").join(inside));
        let _ = write!(text, " -> {}", target.as_os_str().as_bytes().escape_ascii());
    } else if kind.is_file() {
        let _ = write!(text, " {} bytes", facts.len());
        if facts.len() <= READ_AT_MOST {
            let bytes = std::fs::read(path).unwrap();
            let sum = bytes.iter().fold(0u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
            let start = bytes[..bytes.len().min(40)].escape_ascii();
            let _ = write!(text, " \"{start}\"");
            if bytes.len() > 40 {
                let _ = write!(text, "… sum {sum:x}");
            }
        }
        if facts.blocks() * 512 < facts.len() {
            let _ = write!(text, " data at {}", data(path));
        }
    } else if kind.is_char_device() || kind.is_block_device() {
        let _ = write!(text, " device {}:{}", rustix::fs::major(facts.rdev()), rustix::fs::minor(facts.rdev()));
    }
}

/// Where a file has data between its holes.
fn data(path: &Path) -> String {
    let file = std::fs::File::open(path).unwrap();
    let (mut pieces, mut at) = (Vec::new(), 0);
    while let Ok(start) = rustix::fs::seek(&file, SeekFrom::Data(at)) {
        at = rustix::fs::seek(&file, SeekFrom::Hole(start)).unwrap();
        pieces.push(format!("{start}-{at}"));
    }
    pieces.join(",")
}

/// Extended attributes, access control lists and capabilities among them.
fn describe_attributes(text: &mut String, path: &Path) {
    let mut list = vec![0; 4096];
    let Ok(length) = rustix::fs::llistxattr(path, &mut list) else { return };
    let mut names: Vec<&[u8]> = list[..length].split(|byte| *byte == 0).filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    for name in names {
        let mut value = vec![0; 4096];
        let length = rustix::fs::lgetxattr(path, OsStr::from_bytes(name), &mut value).unwrap_or(0);
        let _ = write!(text, " {}=\"{}\"", name.escape_ascii(), value[..length].escape_ascii());
    }
}
