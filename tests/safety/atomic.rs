//! `--atomic`: the old file or the new one, whatever happens, and nothing else.

use super::{Replacing, ended_at_every_call};
use crate::apparatus::filesystems::{for_each_filesystem, small_tmpfs};
use crate::apparatus::strace::{self, trace};
use crate::apparatus::{Fs, Scene, content, skip};
use std::collections::HashMap;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

/// What is in a directory, in order.
pub(super) fn names(scene: &Scene, directory: &str) -> Vec<String> {
    let entries = std::fs::read_dir(scene.path(directory)).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn the_new_file_is_another_one_with_what_the_old_one_had() {
    for_each_filesystem(|fs, scene| {
        scene.directory("d");
        let bytes = content::bytes(1, 200_000);
        scene.file("a", &bytes);
        let path = scene.file("d/b", b"old");
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o4751)).unwrap();
        let has = rustix::fs::setxattr(&path, c"user.zccp", b"kept", rustix::fs::XattrFlags::empty()).is_ok();
        if skip::is_root() {
            std::os::unix::fs::chown(&path, Some(1234), Some(4321)).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o4751)).unwrap();
        }
        let old = std::fs::metadata(&path).unwrap();
        let held = scene.open("d/b");
        scene.zccp(["--atomic", "a", "d/b"]).run().succeeds().stderr_is("").file_is("d/b", &bytes);
        let new = std::fs::metadata(&path).unwrap();
        assert_ne!(old.ino(), new.ino(), "{}", fs.name());
        assert_eq!((old.mode(), old.uid(), old.gid()), (new.mode(), new.uid(), new.gid()), "{}", fs.name());
        if has {
            assert_eq!(rustix::fs::getxattr(&path, c"user.zccp", &mut [0; 10][..]), Ok(4));
        }
        assert_eq!(std::io::read_to_string(held).unwrap(), "old", "who has the old one open keeps it");
        assert_eq!(names(&scene, "d"), ["b"]);
    });
}

#[test]
fn a_new_file_is_made_as_without_it() {
    let scene = Scene::new();
    scene.directory("d");
    scene.file("a", b"some");
    std::fs::set_permissions(scene.path("a"), PermissionsExt::from_mode(0o776)).unwrap();
    scene.zccp(["--atomic", "a", "d/b"]).run().succeeds();
    scene.zccp(["a", "d/c"]).run().succeeds();
    let mode = |name: &str| std::fs::metadata(scene.path(name)).unwrap().mode();
    assert_eq!(mode("d/b"), mode("d/c"));
    assert_eq!(names(&scene, "d"), ["b", "c"]);
    scene.zccp(["--atomic", "/dev/null", "d/empty"]).run().fails_with(0).file_is("d/empty", b"");
}

/// Killed on entering each of its system calls: everything there was between two calls.
fn killed_at_every_call(scene: &Scene, arguments: &[&str], prepare: impl Fn(), check: impl Fn(&str)) {
    let killed = ended_at_every_call(scene, ("KILL", libc::SIGKILL), || scene.zccp(arguments), prepare, check);
    assert!(killed.is_none_or(|killed| killed > 8), "{killed:?} calls");
}

#[test]
fn a_crash_between_any_two_calls_leaves_the_old_or_the_new() {
    let replacing = Replacing::new();
    let Replacing { scene, new, .. } = &replacing;
    let check = |when: &str| {
        replacing.is_old_or_new(when);
        for name in names(scene, "d") {
            match name.as_str() {
                "b" => {}
                ".b.zccp-new" => assert!(scene.bytes("d/.b.zccp-new") == *new, "{when}: what is left over is whole"),
                other => panic!("{when}: {other}"),
            }
        }
        // The next run is not hindered, and takes away what is left.
        scene.zccp(["--atomic", "a", "d/b"]).run().succeeds().file_is("d/b", new);
        assert_eq!(names(scene, "d"), ["b"], "{when}");
    };
    killed_at_every_call(scene, &["--atomic", "--durable", "a", "d/b"], || replacing.prepare(), check);
}

#[test]
fn so_it_does_where_files_cannot_be_without_a_name() {
    let replacing = Replacing::new();
    let Replacing { scene, new, .. } = &replacing;
    replacing.prepare();
    let Some((_, all)) = trace(scene, &[], scene.zccp(["--atomic", "a", "d/b"])) else { return };
    let unnamed = all.named("openat").position(|call| call.arguments[2].contains("O_TMPFILE")).unwrap() + 1;
    let refuse = format!("--inject=openat:error=EOPNOTSUPP:when={unnamed}");
    replacing.prepare();
    let Some((outcome, all)) = trace(scene, &[&refuse], scene.zccp(["--atomic", "a", "d/b"])) else { return };
    outcome.succeeds().file_is("d/b", new);
    assert_eq!(names(scene, "d"), ["b"]);
    // strace has one injection for each call, so the calls of that name are left out here; all others are killed at.
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for call in &all.calls {
        let number = *seen.entry(&call.name).and_modify(|n| *n += 1).or_insert(1);
        let copying =
            ["pwrite64", "splice", "write", "fsync", "renameat", "renameat2", "fchmod", "flock", "close", "unlinkat"];
        if !copying.contains(&call.name.as_str()) {
            continue;
        }
        replacing.prepare();
        let inject = format!("--inject={}:signal=KILL:when={number}", call.name);
        let Some((outcome, _)) = trace(scene, &[&refuse, &inject], scene.zccp(["--atomic", "a", "d/b"])) else {
            return;
        };
        outcome.dies_of(libc::SIGKILL);
        replacing.is_old_or_new(&format!("{} {number}", call.name));
        assert!(names(scene, "d").iter().all(|name| name == "b" || name == ".b.zccp-new"));
        scene.zccp(["--atomic", "a", "d/b"]).run().succeeds().file_is("d/b", new);
        assert_eq!(names(scene, "d"), ["b"], "{} {number}", call.name);
    }
}

#[test]
fn a_call_that_fails_leaves_the_old_one_and_nothing_else() {
    let scene = Scene::new();
    scene.directory("d");
    scene.file("a", &content::bytes(5, 100_000));
    for (what, text) in [
        ("splice:error=ENOSPC:when=2", "zccp: error writing 'd/b': No space left on device"),
        ("fsync:error=EIO", "zccp: error flushing 'd/b': Input/output error\n"),
        ("linkat:error=EDQUOT", "zccp: cannot replace 'd/b': Disk quota exceeded\n"),
        ("renameat:error=EPERM", "zccp: cannot replace 'd/b': Operation not permitted\n"),
        ("fchmod:error=EPERM", "zccp: cannot replace 'd/b': the new file cannot be given its permissions: "),
    ] {
        std::fs::set_permissions(scene.file("d/b", b"old"), PermissionsExt::from_mode(0o4640)).unwrap();
        let command = scene.zccp(["--atomic", "a", "d/b"]);
        let Some((outcome, _)) = strace::inject(&scene, &[what], command) else { return };
        outcome.fails_with(1).stderr_has(text).file_is("d/b", b"old");
        assert_eq!(names(&scene, "d"), ["b"], "{what}");
    }
}

#[test]
fn a_full_disk_leaves_the_old_one() {
    let scene = Scene::new();
    let place = scene.directory("full");
    if let Err(reason) = small_tmpfs(&place, 4 << 20) {
        return skip::skip!(reason);
    }
    scene.file("a", &content::bytes(6, 3 << 20));
    scene.file("full/b", &content::bytes(7, 2 << 20));
    let outcome = scene.zccp(["--atomic", "a", "full/b"]).run();
    outcome.fails_with(1).stderr_has("error writing 'full/b': No space left on device");
    outcome.file_is("full/b", &content::bytes(7, 2 << 20));
    assert_eq!(names(&scene, "full"), ["b"]);
}

#[test]
fn in_a_directory_that_may_not_be_written_the_old_one_stands() {
    if !skip::is_root() {
        return skip::skip!("only root can become somebody else");
    }
    let scene = Scene::below(&std::env::temp_dir());
    scene.directory("d");
    scene.file("a", b"new");
    let path = scene.file("d/b", b"old");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
    std::fs::set_permissions(scene.path(""), PermissionsExt::from_mode(0o755)).unwrap();
    let program = super::program_for_all(&scene);
    let run = |arguments: [&str; 3]| scene.program(&program).arguments(arguments).with_user(1234).run();
    let outcome = run(["--atomic", "a", "d/b"]);
    outcome.fails_with(1).stderr_is("zccp: cannot replace 'd/b': cannot create a file beside it: Permission denied\n");
    outcome.file_is("d/b", b"old");
    let outcome = run(["--atomic", "a", "d/c"]);
    outcome.fails_with(1).stderr_is("zccp: cannot create regular file 'd/c': Permission denied\n");
    // An owner that cannot be given is a refusal.
    std::fs::set_permissions(scene.path("d"), PermissionsExt::from_mode(0o777)).unwrap();
    let outcome = run(["--atomic", "a", "d/b"]);
    outcome.fails_with(1).file_is("d/b", b"old").stderr_is(
        "zccp: cannot replace 'd/b': the new file cannot be given its owner and group: Operation not permitted\n",
    );
    // What may not be written to is not replaced either, unless that is forced.
    std::os::unix::fs::chown(&path, Some(1234), Some(1234)).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o444)).unwrap();
    let outcome = run(["--atomic", "a", "d/b"]);
    outcome.fails_with(1).stderr_is("zccp: cannot create regular file 'd/b': Permission denied\n");
    outcome.file_is("d/b", b"old");
    run(["--atomic", "a", "d/b"]).file_is("d/b", b"old");
    let outcome = scene.program(&program).arguments(["--atomic", "-f", "a", "d/b"]).with_user(1234).run();
    outcome.succeeds().stderr_is("").file_is("d/b", b"new");
    assert_eq!(names(&scene, "d"), ["b"]);
}

#[test]
fn in_a_directory_that_may_only_be_added_to_nothing_is_left_that_cannot_be_removed() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    scene.directory("d");
    scene.file("a", b"new");
    scene.file("d/b", b"old");
    let chattr = |change: &str| _ = scene.program("/usr/bin/chattr").arguments([change, "d"]).run().succeeds();
    chattr("+a");
    for option in ["--atomic", "--atomic --backup"] {
        let outcome = scene.zccp(option.split(' ')).arguments(["a", "d/b"]).run();
        outcome.fails_with(1).stderr_is("zccp: cannot replace 'd/b': Operation not permitted\n").file_is("d/b", b"old");
    }
    scene.zccp(["--atomic", "a", "d/c"]).run().succeeds().file_is("d/c", b"new");
    let there = names(&scene, "d");
    chattr("-a");
    assert_eq!(there, ["b", "c"]);
}

/// In a sticky directory another's file may be written to, and get one name more, but none may be taken away.
#[test]
fn in_a_sticky_directory_anothers_file_stands_and_gets_no_backup() {
    if !skip::is_root() {
        return skip::skip!("needs root");
    }
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    let mode = |name: &str, bits| std::fs::set_permissions(scene.path(name), PermissionsExt::from_mode(bits)).unwrap();
    mode(".", 0o755);
    scene.directory("d");
    mode("d", 0o1777);
    scene.file("a", b"new");
    scene.file("d/b", b"old");
    mode("d/b", 0o666);
    mode("a", 0o644);
    std::os::unix::fs::chown(scene.path("d/b"), Some(1234), None).unwrap();
    for options in [&["--atomic", "--backup"][..], &["--atomic", "--backup=numbered"], &["--atomic"]] {
        let outcome = scene.zccp(options).arguments(["a", "d/b"]).with_user(65534).run();
        outcome.fails_with(1).stderr_is("zccp: cannot replace 'd/b': Operation not permitted\n");
        outcome.file_is("d/b", b"old");
        assert_eq!(names(&scene, "d"), ["b"], "{options:?}");
    }
    // Its owner may, and so may who may act as any owner.
    std::os::unix::fs::chown(scene.path("d/b"), Some(65534), Some(65534)).unwrap();
    scene.zccp(["--atomic", "a", "d/b"]).with_user(65534).run().succeeds().file_is("d/b", b"new");
    std::os::unix::fs::chown(scene.path("d"), Some(1234), None).unwrap();
    scene.zccp(["--atomic", "--backup", "a", "d/b"]).run().succeeds().stderr_is("");
    assert_eq!(names(&scene, "d"), ["b", "b~"]);
}

#[test]
fn what_a_link_leads_to_is_replaced() {
    let scene = Scene::new();
    scene.directory("d");
    scene.file("a", b"new");
    let path = scene.file("d/there", b"old");
    let before = std::fs::metadata(&path).unwrap().ino();
    scene.symlink("d/there", "one");
    scene.symlink(scene.path("one"), "b");
    scene.zccp(["--atomic", "a", "b"]).run().succeeds().file_is("d/there", b"new");
    assert!(scene.path("b").is_symlink() && scene.path("one").is_symlink());
    assert_ne!(before, std::fs::metadata(&path).unwrap().ino());
    assert_eq!(names(&scene, "d"), ["there"]);
    scene.symlink("nowhere", "dangling");
    let outcome = scene.zccp(["--atomic", "a", "dangling"]).run();
    outcome.fails_with(1).stderr_is("zccp: not writing through dangling symlink 'dangling'\n").no_file("nowhere");
}

#[test]
fn only_files_are_replaced() {
    let scene = Scene::new();
    scene.file("a", b"new");
    let outcome = scene.zccp(["--atomic", "a", "/dev/null"]).run();
    outcome.fails_with(1).stderr_is("zccp: cannot replace '/dev/null': it is not a regular file\n");
    scene.zccp(["--atomic", "a", "a"]).run().fails_with(1).stderr_is("zccp: 'a' and 'a' are the same file\n");
    assert_eq!(scene.bytes("a"), b"new");
}

#[test]
fn the_name_is_never_missing_while_a_backup_is_made() {
    let scene = Scene::new();
    scene.directory("d");
    scene.file("a", b"new");
    let prepare = || {
        let _ = std::fs::remove_dir_all(scene.path("d"));
        scene.directory("d");
        scene.file("d/b", b"old");
        scene.file("d/b~", b"older");
    };
    for (option, backup) in [("--backup=simple", "d/b~"), ("--backup=numbered", "d/b.~1~")] {
        let check = |when: &str| {
            let there = scene.bytes("d/b");
            assert!(there == b"old" || there == b"new", "{when}");
            if there == b"new" {
                assert_eq!(scene.bytes(backup), b"old", "{when}: the old one is kept");
            }
        };
        killed_at_every_call(&scene, &["--atomic", option, "a", "d/b"], prepare, check);
        prepare();
        let outcome = scene.zccp(["--atomic", option, "-v", "a", "d/b"]).run();
        outcome.succeeds().file_is("d/b", b"new").file_is(backup, b"old");
        outcome.stdout_is(format!("'a' -> 'd/b' (backup: '{backup}')\n"));
        // Where the new one does not get its name, the old one has no other.
        prepare();
        std::fs::remove_file(scene.path("d/b~")).unwrap();
        let command = scene.zccp(["--atomic", option, "a", "d/b"]);
        let Some((outcome, trace)) = strace::inject(&scene, &["renameat:error=EPERM"], command) else { return };
        assert_eq!(trace.injected(), 1);
        outcome.fails_with(1).stderr_is("zccp: cannot replace 'd/b': Operation not permitted\n").file_is("d/b", b"old");
        assert_eq!(names(&scene, "d"), ["b"], "{option}");
    }
}

#[test]
fn a_copy_that_cannot_be_verified_does_not_take_the_place() {
    let scene = Scene::new();
    scene.directory("d");
    scene.file("a", b"new");
    scene.file("d/b", b"old");
    let outcome = scene.shell("cat a | $ZCCP --atomic --verify /dev/stdin d/b").run();
    outcome.fails_with(1).stderr_is("zccp: cannot verify 'd/b': '/dev/stdin' cannot be read a second time\n");
    outcome.file_is("d/b", b"old");
    scene.shell("cat a | $ZCCP --atomic /dev/stdin d/b").run().succeeds().file_is("d/b", b"new");
    assert_eq!(names(&scene, "d"), ["b"]);
}

#[test]
fn a_program_that_runs_can_be_replaced() {
    let scene = Scene::new();
    scene.program("/bin/cp").arguments(["/bin/sleep", "b"]).run().succeeds();
    scene.file("a", b"new");
    let running = scene.program(scene.path("b")).arguments(["60"]).spawn();
    scene.zccp(["a", "b"]).run().fails_with(1).stderr_is("zccp: cannot create regular file 'b': Text file busy\n");
    scene.zccp(["--atomic", "a", "b"]).run().succeeds().file_is("b", b"new");
    running.signal(rustix::process::Signal::KILL);
    let _ = running.finish();
}

#[test]
fn two_at_once_do_not_hinder_each_other() {
    let scene = Scene::new();
    scene.directory("d");
    let contents: Vec<Vec<u8>> = (0..8).map(|n| content::bytes(n, 300_000 + n as usize)).collect();
    for (n, bytes) in contents.iter().enumerate() {
        scene.file(format!("a{n}"), bytes);
    }
    for round in 0..6 {
        if round % 2 == 0 {
            let _ = std::fs::remove_file(scene.path("d/b"));
        }
        let all = (0..8).map(|n| scene.zccp(["--atomic", &format!("a{n}"), "d/b"]).spawn()).collect::<Vec<_>>();
        for running in all {
            running.finish().succeeds().stderr_is("");
        }
        assert!(contents.contains(&scene.bytes("d/b")));
        assert_eq!(names(&scene, "d"), ["b"]);
    }
}

#[test]
fn what_this_run_has_put_there_is_not_replaced_by_another_source_of_that_name() {
    let scene = Scene::new();
    for directory in ["one", "two", "d", "e"] {
        scene.directory(directory);
    }
    scene.file("one/a", b"1");
    scene.file("two/a", b"2");
    scene.file("e/a", b"old");
    for to in ["d", "e"] {
        let said = format!("zccp: will not overwrite just-created '{to}/a' with 'two/a'\n");
        let outcome = scene.zccp(["--atomic", "one/a", "two/a", to]).run();
        outcome.fails_with(1).stderr_is(&said).file_is(format!("{to}/a"), b"1");
    }
}

#[test]
fn trees_are_copied_file_by_file() {
    let scene = Scene::new();
    scene.directory("from");
    scene.directory("to");
    scene.file("from/x", b"new x");
    scene.file("from/y", &content::bytes(1, 50_000));
    scene.symlink("x", "from/link");
    scene.file("to/x", b"old x");
    let before = std::fs::metadata(scene.path("to/x")).unwrap().ino();
    let outcome = scene.zccp(["-r", "-T", "--atomic", "--durable", "--verify", "from", "to"]).run();
    outcome.succeeds().file_is("to/x", b"new x").file_is("to/y", &content::bytes(1, 50_000));
    assert_ne!(before, std::fs::metadata(scene.path("to/x")).unwrap().ino());
    assert_eq!(names(&scene, "to"), ["link", "x", "y"]);
}

#[test]
fn a_backup_whose_name_is_too_long_leaves_the_old_one() {
    let scene = Scene::new();
    scene.directory("d");
    scene.file("a", b"new");
    let long = "b".repeat(255);
    let path = format!("d/{long}");
    scene.file(&path, b"old");
    let outcome = scene.zccp(["--atomic", "--backup=simple", "a", &path]).run();
    let said = format!("zccp: cannot backup '{path}': File name too long\n");
    outcome.fails_with(1).stderr_is(&said).file_is(&path, b"old");
    assert_eq!(names(&scene, "d"), [long]);
    // One that just fits takes the place of an older one: what stands in between is shorter.
    std::fs::remove_file(scene.path(&path)).unwrap();
    let (fits, backup) = ("b".repeat(254), format!("d/{}~", "b".repeat(254)));
    let path = format!("d/{fits}");
    scene.file(&path, b"old");
    scene.file(&backup, b"older");
    scene.zccp(["--atomic", "--backup=simple", "a", &path]).run().succeeds().stderr_is("");
    assert_eq!((scene.bytes(&path), scene.bytes(&backup)), (b"new".to_vec(), b"old".to_vec()));
    assert_eq!(names(&scene, "d").len(), 2);
}

#[test]
fn on_a_file_system_that_is_read_only_it_is_said_that_it_is() {
    let Some(scene) = Scene::on(crate::apparatus::Fs::Tmpfs) else { return };
    scene.file("a", b"new");
    let place = scene.directory("d");
    if let Err(reason) = small_tmpfs(&place, 1 << 20) {
        return skip::skip!(reason);
    }
    scene.file("d/b", b"old");
    scene.program("mount").arguments(["-o", "remount,ro", "d"]).run().succeeds();
    for arguments in [["--atomic", "a", "d/b"], ["--atomic", "a", "d/new"], ["--resume", "a", "d/b"]] {
        let outcome = scene.zccp(arguments).run();
        let said = format!("zccp: cannot create regular file '{}': Read-only file system\n", arguments[2]);
        outcome.fails_with(1).stderr_is(&said).file_is("d/b", b"old");
    }
}
