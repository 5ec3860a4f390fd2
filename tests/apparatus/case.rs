//! A case: a [`Scene`] (a private directory), a [`Command`] (argv and descriptors in), an [`Outcome`] (status and
//! bytes out).

use super::command::Command;
use super::filesystems::{self, Fs};
use super::skip;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// The program under test as `zccp`. `ZCCP_UNDER_TEST` names another one, so that a case about GNU's behaviour can be
/// held against GNU's own program.
pub fn zccp() -> PathBuf {
    std::env::var_os("ZCCP_UNDER_TEST").map_or_else(|| env!("CARGO_BIN_EXE_zccp").into(), PathBuf::from)
}

/// The program under test as `zccat`; `ZCCAT_UNDER_TEST` as for [`zccp`].
pub fn zccat() -> PathBuf {
    std::env::var_os("ZCCAT_UNDER_TEST").map_or_else(|| env!("CARGO_BIN_EXE_zccat").into(), PathBuf::from)
}

/// A private directory, removed at the end.
pub struct Scene {
    directory: PathBuf,
}

impl Scene {
    /// On whatever file system the build directory is on.
    pub fn new() -> Scene {
        Scene::below(Path::new(env!("CARGO_TARGET_TMPDIR")))
    }

    /// On a file system of that kind; `None`, and the test skipped by name, where that cannot be had.
    pub fn on(fs: Fs) -> Option<Scene> {
        match filesystems::mounted(fs) {
            Ok(place) => Some(Scene::below(place)),
            Err(reason) => {
                skip::skip!(format!("{} on {}", skip::current_test(), fs.name()), reason);
                None
            }
        }
    }

    /// In the directory `place`.
    pub fn below(place: &Path) -> Scene {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("scene-{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let directory = place.join(name);
        std::fs::create_dir_all(&directory).unwrap();
        Scene { directory }
    }

    /// The full path of `name`.
    pub fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.directory.join(name.as_ref())
    }

    /// Writes a file.
    pub fn file(&self, name: impl AsRef<OsStr>, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Writes a file of `size` bytes that is a hole but for the given pieces.
    pub fn sparse_file(&self, name: impl AsRef<OsStr>, size: u64, pieces: &[(u64, &[u8])]) -> PathBuf {
        let path = self.path(name);
        let file = File::create(&path).unwrap();
        for (offset, bytes) in pieces {
            file.write_all_at(bytes, *offset).unwrap();
        }
        file.set_len(size).unwrap();
        path
    }

    /// Makes a directory.
    pub fn directory(&self, name: impl AsRef<OsStr>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir(&path).unwrap();
        path
    }

    /// Makes a symbolic link.
    pub fn symlink(&self, target: impl AsRef<OsStr>, name: impl AsRef<OsStr>) -> PathBuf {
        let path = self.path(name);
        std::os::unix::fs::symlink(target.as_ref(), &path).unwrap();
        path
    }

    /// Makes a FIFO.
    pub fn fifo(&self, name: impl AsRef<OsStr>) -> PathBuf {
        let path = self.path(name);
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            rustix::fs::Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        path
    }

    /// What a file holds.
    #[track_caller]
    pub fn bytes(&self, name: impl AsRef<OsStr>) -> Vec<u8> {
        let path = self.path(name);
        std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Bytes allocated to a file (`st_blocks`).
    #[track_caller]
    pub fn allocated(&self, name: impl AsRef<OsStr>) -> u64 {
        std::fs::metadata(self.path(name)).unwrap().blocks() * 512
    }

    /// A file opened for reading.
    pub fn open(&self, name: impl AsRef<OsStr>) -> File {
        File::open(self.path(name)).unwrap()
    }

    /// A file created, or emptied, and opened for reading and writing.
    pub fn create(&self, name: impl AsRef<OsStr>) -> File {
        File::options().read(true).write(true).create(true).truncate(true).open(self.path(name)).unwrap()
    }

    /// A file created if need be and opened with extra flags of open(2), such as `O_APPEND`.
    pub fn open_with(&self, name: impl AsRef<OsStr>, flags: i32) -> File {
        File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .custom_flags(flags)
            .open(self.path(name))
            .unwrap()
    }

    /// `zccp` with these arguments, run here.
    pub fn zccp<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        self.program(zccp()).arguments(arguments)
    }

    /// `zccat` with these arguments, run here.
    pub fn zccat<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        self.program(zccat()).arguments(arguments)
    }

    /// A copy of `program` in this directory, to be run. A process of its own makes it: a file that this one still has open
    /// for writing when another test's thread forks is "Text file busy" (ETXTBSY) to execve(2) until that child has gone on.
    #[track_caller]
    pub fn copy_of(&self, program: &Path, name: &str) -> PathBuf {
        let copy = self.path(name);
        self.program("/bin/cp").argument(program).argument(&copy).run().succeeds();
        copy
    }

    /// A line of shell, run here by `/bin/sh`; `$ZCCP` and `$ZCCAT` are the programs.
    pub fn shell(&self, script: &str) -> Command {
        self.program("/bin/sh").arguments(["-c", script]).variable("ZCCP", zccp()).variable("ZCCAT", zccat())
    }

    /// Any program, run here.
    pub fn program(&self, program: impl Into<PathBuf>) -> Command {
        Command::new(program.into(), self.directory.clone())
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        if std::env::var_os("ZCCP_KEEP_SCENES").is_none() {
            let _ = std::fs::remove_dir_all(&self.directory);
        }
    }
}
