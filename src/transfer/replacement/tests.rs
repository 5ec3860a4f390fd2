//! Replacements against a real directory.

use super::*;
use std::fs::{self as std_fs, File};
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

/// A directory of its own, beside the sources, which are on a disk.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let base = option_env!("ZCCP_TEST_DIRECTORY").map_or_else(std::env::temp_dir, PathBuf::from);
        let path = base.join(format!("zccp-replacement-{}-{name}", std::process::id()));
        std_fs::create_dir_all(&path).expect("create");
        Directory(path)
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = std_fs::read_dir(&self.0)
            .expect("read")
            .map(|entry| entry.expect("entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    fn destination(&self, name: &str) -> Destination {
        Destination::of(fs::CWD, self.0.join(name).as_os_str()).expect("destination")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std_fs::remove_dir_all(&self.0);
    }
}

fn fill(replacement: &Replacement, bytes: &[u8]) {
    let mut file = File::from(replacement.file().try_clone_to_owned().expect("dup"));
    file.write_all(bytes).expect("write");
}

fn read(path: &Path) -> String {
    std_fs::read_to_string(path).expect("read")
}

/// Both ways to begin.
fn each_way(destination: impl Fn() -> Destination, check: impl Fn(Replacement)) {
    check(Replacement::begin(destination(), 0o644).expect("begin"));
    check(Replacement::named(destination(), Mode::from_raw_mode(0o644)).expect("begin"));
}

#[test]
fn the_old_one_stands_until_the_new_one_is_there() {
    let directory = Directory::new("stands");
    let path = directory.0.join("b");
    std_fs::write(&path, "old").expect("write");
    let destination = || directory.destination("b");
    each_way(destination, |replacement| {
        std_fs::write(&path, "old").expect("write");
        fill(&replacement, b"new contents");
        assert_eq!(read(&path), "old");
        replacement.put(Over::Old, || Ok(())).expect("put");
        assert_eq!(read(&path), "new contents");
        assert_eq!(directory.names(), ["b"]);
    });
    each_way(destination, |replacement| {
        fill(&replacement, b"half of");
        assert_eq!(replacement.abandon(), Ok(()));
        assert_eq!((read(&path).as_str(), directory.names().len()), ("new contents", 1));
    });
}

#[test]
fn what_has_come_meanwhile_stays_where_nothing_was() {
    let directory = Directory::new("meanwhile");
    let destination = || directory.destination("b");
    each_way(destination, |replacement| {
        fill(&replacement, b"new");
        std_fs::write(directory.0.join("b"), "somebody's").expect("write");
        assert_eq!(replacement.put(Over::Nothing, || Ok(())).expect_err("taken"), Unput::Name(Errno::EXIST));
        assert_eq!((read(&directory.0.join("b")).as_str(), directory.names().len()), ("somebody's", 1));
        std_fs::remove_file(directory.0.join("b")).expect("remove");
    });
    each_way(destination, |replacement| {
        replacement.put(Over::Nothing, || Ok(())).expect("put");
        assert_eq!(directory.names(), ["b"]);
        std_fs::remove_file(directory.0.join("b")).expect("remove");
    });
}

#[test]
fn leftovers_go_and_what_is_in_use_stays() {
    let directory = Directory::new("leftovers");
    std_fs::write(directory.0.join(".b.zccp-new"), "left by one that was killed").expect("write");
    std_fs::write(directory.0.join(".b.zccp-new3"), "and another").expect("write");
    std_fs::write(directory.0.join(".c.zccp-new"), "another target's").expect("write");
    std_fs::create_dir(directory.0.join(".b.zccp-new4")).expect("directory");
    let destination = || directory.destination("b");
    let first = Replacement::named(destination(), Mode::from_raw_mode(0o600)).expect("begin");
    assert_eq!(first.aside.as_ref().map(|aside| &*aside.name), Some(OsStr::new(".b.zccp-new2")));
    let second = Replacement::begin(destination(), 0o600).expect("begin");
    assert_eq!(directory.names(), [".b.zccp-new2", ".b.zccp-new4", ".c.zccp-new"]);
    fill(&second, b"second");
    second.put(Over::Old, || Ok(())).expect("put");
    fill(&first, b"first");
    first.put(Over::Old, || Ok(())).expect("put");
    assert_eq!(read(&directory.0.join("b")), "first");
    assert_eq!(directory.names(), [".b.zccp-new4", ".c.zccp-new", "b"]);
}

#[test]
fn a_link_leads_to_what_is_replaced() {
    let directory = Directory::new("links");
    std_fs::create_dir(directory.0.join("d")).expect("directory");
    symlink("d/there", directory.0.join("one")).expect("link");
    symlink(directory.0.join("one"), directory.0.join("two")).expect("link");
    let destination = directory.destination("two");
    assert_eq!(destination.name, "there");
    Replacement::begin(destination, 0o600).expect("begin").put(Over::Nothing, || Ok(())).expect("put");
    assert!(directory.0.join("d/there").is_file() && directory.0.join("two").is_symlink());
    symlink("loop", directory.0.join("loop")).expect("link");
    assert_eq!(Destination::of(fs::CWD, directory.0.join("loop").as_os_str()).err(), Some(Errno::LOOP));
    assert_eq!(Destination::of(fs::CWD, directory.0.join("d/..").as_os_str()).err(), Some(Errno::ISDIR));
}

#[test]
fn names_are_as_long_as_names_may_be() {
    let directory = Directory::new("long");
    for name in ["x".repeat(255), "é".repeat(127), "€".repeat(85)] {
        let destination = || directory.destination(&name);
        each_way(destination, |replacement| {
            if let Some(aside) = &replacement.aside {
                assert!(aside.name.to_str().is_some(), "{:?}", aside.name);
            }
            replacement.put(Over::Old, || Ok(())).expect("put");
        });
    }
    assert_eq!(directory.names().len(), 3);
}

#[test]
fn owner_mode_and_attributes_are_taken_over() {
    let directory = Directory::new("attributes");
    let path = directory.0.join("b");
    std_fs::write(&path, "old").expect("write");
    std_fs::set_permissions(&path, std_fs::Permissions::from_mode(0o4640)).expect("chmod");
    let old = File::open(&path).expect("open");
    let named = fs::fsetxattr(&old, c"user.zccp", b"kept", fs::XattrFlags::empty()).is_ok();
    // A name and a value too large for the first try.
    let long = c"user.zccp-much";
    let much = named && fs::fsetxattr(&old, long, &[b'm'; 2000], fs::XattrFlags::empty()).is_ok();
    if rustix::process::geteuid().is_root() {
        fs::fchown(&old, Some(fs::Uid::from_raw(1234)), Some(fs::Gid::from_raw(4321))).expect("chown");
        std_fs::set_permissions(&path, std_fs::Permissions::from_mode(0o4640)).expect("chmod");
    }
    let was = Facts::of(&old).expect("facts");
    let destination = || directory.destination("b");
    let as_path = fs::open(&path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()).expect("open");
    for old in [old.as_fd(), as_path.as_fd()] {
        let replacement = Replacement::begin(destination(), 0o600).expect("begin");
        assert_eq!(take_over(old, &was, replacement.file()), Ok(()));
        let is = Facts::of(replacement.file()).expect("facts");
        assert_eq!((is.owner, is.group, is.mode), (was.owner, was.group, was.mode));
        let mut value = [0; 4000];
        if named {
            assert_eq!(fs::fgetxattr(replacement.file(), c"user.zccp", &mut value[..]), Ok(4));
        }
        if much {
            assert_eq!(fs::fgetxattr(replacement.file(), long, &mut value[..]), Ok(2000));
        }
    }
    assert_eq!(std_fs::metadata(&path).expect("stat").len(), 3);
}
