//! The rows in which a tree is copied, from a tmpfs onto a file system made anew for each run: where many files were
//! deleted a moment ago, ext4 is slow to make new ones, and that is all one would see.

use crate::content;
use crate::filesystems::{Kind, Mounted};
use crate::measure::{self, Launch, Sample, Scene, Verdict};
use crate::rivals::{Many, Program};
use anyhow::{Context, Result, ensure};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// What the tree looks like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Sources of programs: the crates of this project's Cargo.lock, as far as cargo has unpacked them on this machine,
    /// and made ones, 13,000 files in all; the same for all programs, not for all machines. What they come to is counted when
    /// they are there.
    Crates,
    /// One directory with 100,000 files of that many bytes.
    Flat(u64),
    /// 256 directories with 200,000 files of 1 KiB.
    Spread,
    /// Files of 1 MiB, a hundred to a directory.
    Large(u64),
    /// One directory with so many files of so many bytes.
    Few { files: u64, bytes: u64 },
}

const CRATES_FILES: u64 = 13_000;
/// Room for them. (With 2,851 files of 37 crates, 52 MiB, they came to 116 MiB.)
const CRATES_ROOM: u64 = 200 << 20;

impl Shape {
    /// In words.
    pub fn about(self) -> String {
        match self {
            Shape::Crates => "13,000 files, unpacked crates and made ones".into(),
            Shape::Flat(0) => "100,000 empty files in one directory".into(),
            Shape::Flat(bytes) => format!("100,000 files of {bytes} bytes in one directory"),
            Shape::Spread => "200,000 files of 1 KiB in 256 directories".into(),
            Shape::Large(files) => format!("{files} files of 1 MiB"),
            Shape::Few { files, bytes } => format!("{files} files of {} KiB", bytes >> 10),
        }
    }

    fn files(self) -> u64 {
        match self {
            Shape::Crates => CRATES_FILES,
            Shape::Flat(_) => 100_000,
            Shape::Spread => 256 * 782,
            Shape::Large(files) | Shape::Few { files, .. } => files,
        }
    }

    /// Bytes of all files; of crates what there is room for.
    pub fn bytes(self) -> u64 {
        match self {
            Shape::Crates => CRATES_ROOM,
            Shape::Flat(bytes) => self.files() * bytes,
            Shape::Spread => self.files() << 10,
            Shape::Large(files) => files << 20,
            Shape::Few { files, bytes } => files * bytes,
        }
    }

    /// Room on a target: ext4 has an inode for each 16 KiB (mke2fs.conf), XFS is 300 MiB at least, and btrfs keeps its
    /// metadata twice, and sets hundreds of KiB of it aside for each name that is made (a leaf and all nodes above it, for
    /// several items): where that comes near to what is left, it begins to write back and everybody waits. 13,000 files took
    /// every program 2.8 s with 0.8 GiB, 1.2 s with 1.6, 0.72 s with 4 and 0.65 s with 8 (Linux 6.18, medians of 3).
    fn room(self, target: Kind) -> u64 {
        let free = if target == Kind::Btrfs { 8 << 30 } else { 320 << 20 };
        free + self.bytes() * 5 / 4 + self.files() * (18 << 10)
    }

    /// Room for the source on a tmpfs, whose files are whole pages.
    fn source_room(self) -> u64 {
        (64 << 20) + self.bytes() + self.files() * (4 << 10)
    }

    /// The memory a row of it takes: source, image and page cache.
    pub fn memory(self, target: Kind) -> u64 {
        let cache = if target == Kind::Tmpfs { 0 } else { self.source_room() };
        self.source_room() + self.room(target) + cache
    }

    /// Makes the tree at `root`, which is not there yet.
    fn plant(self, root: &Path) -> Result<()> {
        fs::create_dir(root)?;
        match self {
            Shape::Crates => plant_crates(root),
            Shape::Flat(bytes) | Shape::Few { bytes, .. } => {
                (0..self.files()).try_for_each(|file| small(&root.join(format!("file-{file}")), bytes, file))
            }
            Shape::Spread => plant_directories(root, self.files(), self.files() / 256, |_| 1 << 10),
            Shape::Large(files) => plant_directories(root, files, 100, |_| 1 << 20),
        }
    }
}

/// So many files, `each` to a directory.
fn plant_directories(root: &Path, files: u64, each: u64, bytes: impl Fn(u64) -> u64) -> Result<()> {
    for number in 0..files {
        let place = root.join(format!("directory-{}", number / each));
        if number % each == 0 {
            fs::create_dir(&place)?;
        }
        small(&place.join(format!("file-{}.rs", number % each)), bytes(number), number)?;
    }
    Ok(())
}

/// A file of `bytes` bytes that are the same for the same `number`.
fn small(path: &Path, bytes: u64, number: u64) -> Result<()> {
    if bytes > 64 << 10 {
        content::write(path, bytes, number % 200)?;
        return Ok(());
    }
    let words = (0..bytes.div_ceil(8)).flat_map(|word| content::hash(number << 32 ^ word).to_ne_bytes());
    let bytes: Vec<u8> = words.take(bytes as usize).collect();
    Ok(File::create_new(path)?.write_all(&bytes)?)
}

fn plant_crates(root: &Path) -> Result<()> {
    let mut more = CRATES_FILES;
    for unpacked in unpacked_crates() {
        let name = unpacked.file_name().context("a crate without a name")?;
        copy_crate(&unpacked, &root.join(name), &mut more)?;
    }
    // Five files to a directory, as in the crates; sizes from 128 bytes to 128 KiB, small ones most of all.
    plant_directories(root, more, 5, |number| 128 << (content::hash(number) % 11).min(content::hash(!number) % 11))
}

/// The crates of Cargo.lock that cargo has unpacked on this machine.
fn unpacked_crates() -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let registries = home.and_then(|home| fs::read_dir(home.join("registry/src")).ok());
    let registries: Vec<PathBuf> = registries.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    let mut found = BTreeMap::new();
    let mut name = "";
    for line in include_str!("../../Cargo.lock").lines() {
        let value = |key| line.strip_prefix(key).and_then(|rest: &str| rest.strip_suffix('"'));
        name = value("name = \"").unwrap_or(name);
        let Some(version) = value("version = \"") else { continue };
        let crate_name = format!("{name}-{version}");
        let place = registries.iter().map(|registry| registry.join(&crate_name)).find(|place| place.is_dir());
        found.extend(place.map(|place| (crate_name, place)));
    }
    found.into_values().collect()
}

/// Copies a tree of regular files, no more than are still wanted.
fn copy_crate(from: &Path, to: &Path, more: &mut u64) -> Result<()> {
    if *more == 0 {
        return Ok(());
    }
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (place, kind) = (to.join(entry.file_name()), entry.file_type()?);
        if kind.is_dir() {
            copy_crate(&entry.path(), &place, more)?;
        } else if kind.is_file() && *more > 0 {
            fs::copy(entry.path(), place)?;
            *more -= 1;
        }
    }
    Ok(())
}

/// Copies of one tree.
pub struct Planting {
    many: Many,
    bytes: u64,
    /// Each entry's name below the root and its size; none for a directory.
    entries: BTreeMap<PathBuf, Option<u64>>,
    complaints: PathBuf,
    source: Mounted,
    target: Mounted,
}

impl Planting {
    /// Makes the source and the target below `base`.
    pub fn new(base: &Path, shape: Shape, target: Kind, many: Many) -> Result<Planting> {
        let source = Mounted::make(Kind::Tmpfs, base, "source", shape.source_room())?;
        let target = Mounted::make(target, base, "target", shape.room(target))?;
        let tree = source.directory().join("tree");
        pass_small_numbers(source.directory())?;
        shape.plant(&tree)?;
        let mut entries = BTreeMap::new();
        list(&tree, Path::new(""), &mut entries)?;
        let (files, bytes) = (entries.values().flatten().count() as u64, entries.values().flatten().sum());
        // What the row says is what is measured.
        ensure!(files == shape.files(), "{files} files were made of {}", shape.files());
        Ok(Planting { many, bytes, entries, complaints: base.join("complaints"), source, target })
    }

    fn tree(&self) -> PathBuf {
        self.source.directory().join("tree")
    }

    fn copy(&self) -> PathBuf {
        self.target.directory().join("copy")
    }

    /// Why the copy is none: names, kinds and sizes always, contents if `thorough`.
    fn fault(&self, thorough: bool) -> Result<Option<String>> {
        if !self.copy().is_dir() {
            return Ok(Some("made no directory".to_owned()));
        }
        let mut made = BTreeMap::new();
        list(&self.copy(), Path::new(""), &mut made)?;
        if made != self.entries {
            let missing = self.entries.iter().find(|(name, size)| made.get(*name) != Some(size));
            let wrong = missing.or_else(|| made.iter().find(|(name, _)| !self.entries.contains_key(*name)));
            let name = wrong.map(|(name, _)| name.display().to_string()).unwrap_or_default();
            return Ok(Some(format!("made {} entries of {}; wrong is {name}", made.len(), self.entries.len())));
        }
        for (name, size) in self.entries.iter().filter(|_| thorough) {
            let Some(size) = size else { continue };
            if let Some(fault) = content::fault(&self.tree().join(name), &self.copy().join(name), *size, true)? {
                return Ok(Some(format!("{}: {fault}", name.display())));
            }
        }
        Ok(None)
    }
}

impl Scene for Planting {
    fn bytes(&self) -> Option<u64> {
        Some(self.bytes)
    }

    fn run(&mut self, program: &Program, thorough: bool) -> Result<Verdict> {
        self.target.remake()?;
        content::touch_memory(&self.target.directory().join("touched"), self.bytes)?;
        self.target.sync()?;
        let sources = match self.many {
            Many::Operands => {
                fs::create_dir(self.copy())?;
                self.entries.keys().map(|name| self.tree().join(name)).collect()
            }
            Many::Tree | Many::Archive => vec![self.tree()],
        };
        let mut command = program.copy_many(&sources, &self.copy(), self.many);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let (begun, ended) = measure::run(&mut command, Launch::Fork, &self.complaints)?;
        let wall = begun.elapsed();
        let ended = match ended {
            Ok(ended) => ended,
            Err(why) => return Ok(Err(why)),
        };
        if let Some(why) = self.fault(thorough)? {
            return Ok(Err(why));
        }
        Ok(Ok(Sample { wall, cpu: ended.cpu, peak_bytes: Some(ended.peak_bytes), ..Sample::default() }))
    }
}

/// Uses the first inode numbers of a new file system up. cpz 3.2.1 leaves out whatever has the number that the copy's root
/// has on the *other* file system, and could never be measured.
fn pass_small_numbers(root: &Path) -> Result<()> {
    let passing = root.join("passing");
    for _ in 0..2000 {
        File::create_new(&passing)?;
        fs::remove_file(&passing)?;
    }
    Ok(())
}

/// Every entry below `root`, with its size if it is a file.
fn list(root: &Path, inside: &Path, entries: &mut BTreeMap<PathBuf, Option<u64>>) -> Result<()> {
    for entry in fs::read_dir(root.join(inside))? {
        let entry = entry?;
        let name = inside.join(entry.file_name());
        let facts = entry.metadata()?;
        if facts.is_dir() {
            list(root, &name, entries)?;
        }
        entries.insert(name, facts.is_file().then_some(facts.len()));
    }
    Ok(())
}
