//! `--dry-run`: what would be done is said, and nothing is touched.

use crate::apparatus::strace::trace;
use crate::apparatus::{Command, Fs, Scene, content, skip};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

#[test]
fn each_way_of_making_a_copy_is_said() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    scene.file("a", &content::bytes(1, 4096));
    scene.file("b", b"old");
    scene.directory("d");
    scene.symlink("a", "l");
    for (arguments, said) in [
        (&["a", "new"][..], "would copy 'a' to 'new': 4096 bytes by read_write\n"),
        (&["a", "d"], "would copy 'a' to 'd/a': 4096 bytes by read_write\n"),
        (&["a", "b"], "would overwrite 'b' with 'a': 4096 bytes by read_write\n"),
        (&["-i", "a", "b"], "would ask, and then overwrite 'b' with 'a': 4096 bytes by read_write\n"),
        (&["-b", "a", "b"], "would rename 'b' to 'b~' and copy 'a' to 'b': 4096 bytes by read_write\n"),
        (&["--remove-destination", "a", "b"], "would remove 'b' and copy 'a' to 'b': 4096 bytes by read_write\n"),
        (&["--resume", "a", "b"], "would compare 'b' with 'a' and mend it: 4096 bytes by read_write\n"),
        (&["--atomic", "a", "b"], "would replace 'b' with a copy of 'a': 4096 bytes by read_write\n"),
        (&["--attributes-only", "a", "b"], "would copy the attributes of 'a' to 'b', and no contents\n"),
        (&["-n", "a", "b"], "would leave 'b' as it is\n"),
        (&["-l", "a", "new"], "would make 'new' a hard link to 'a'\n"),
        (&["-s", "a", "new"], "would make 'new' a symbolic link to 'a'\n"),
        (&["-P", "l", "new"], "would make 'new' the symbolic link that 'l' is\n"),
        (
            &["--engine=splice,read_write", "a", "new"],
            "would copy 'a' to 'new': 4096 bytes by splice, then read_write\n",
        ),
    ] {
        let outcome = scene.zccp(["--dry-run"]).arguments(arguments).run();
        outcome
            .succeeds()
            .stdout_is(said)
            .stderr_is("")
            .file_is("b", b"old")
            .no_file("new")
            .no_file("d/a")
            .no_file("b~");
    }
}

/// What is foretold of it is what comes of it: with --backup a directory is not refused before anything is tried.
#[test]
fn what_would_fail_at_a_directory_is_foretold_in_the_same_words() {
    let scene = Scene::new();
    scene.file("a", b"x");
    scene.fifo("p");
    ["d", "d/a", "d/a/x", "d/p"].iter().for_each(|name| _ = scene.directory(name));
    for (options, operand, said) in [
        ("--backup", "a", "cannot create regular file 'd/a': Is a directory"),
        ("--backup -f", "a", "cannot remove 'd/a': Is a directory"),
        ("--backup --remove-destination", "a", "cannot create regular file 'd/a': Is a directory"),
        ("--backup --attributes-only", "a", "cannot create regular file 'd/a': Is a directory"),
        ("--backup --atomic", "a", "cannot replace 'd/a': it is not a regular file"),
        ("--backup -l", "a", "cannot create hard link 'd/a' to 'a': File exists"),
        ("--backup -R", "p", "cannot create fifo 'd/p': File exists"),
    ] {
        for foretold in [&["--dry-run"][..], &[]] {
            let command = scene.zccp(foretold).arguments(options.split(' ')).arguments([operand, "d"]);
            command.run().fails_with(1).stdout_is("").stderr_is(&format!("zccp: {said}\n"));
        }
    }
}

/// As with GNU cp, what is newer than another name of its source, which was copied, becomes a link to that copy.
#[test]
fn a_newer_name_that_would_become_a_link_is_not_said_to_stay() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    ["s", "d", "d/s"].iter().for_each(|name| _ = scene.directory(name));
    // tmpfs lists the newest name first.
    scene.file("s/g", b"source");
    fs::hard_link(scene.path("s/g"), scene.path("s/f")).unwrap();
    scene.file("d/s/g", b"newer");
    scene.file("d/s/f", b"older");
    let then = |seconds| std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
    scene.open_with("s/f", 0).set_modified(then(2_000_000)).unwrap();
    scene.open_with("d/s/f", 0).set_modified(then(1_000_000)).unwrap();
    let foretold = scene.zccp(["--dry-run", "-au", "s", "d"]).run();
    foretold.succeeds().stdout_is(
        "would overwrite 'd/s/f' with 's/f': 6 bytes by read_write\nwould make 'd/s/g' a hard link to 'd/s/f'\n",
    );
    scene.zccp(["-au", "s", "d"]).run().succeeds().stderr_is("");
    let inode = |name: &str| scene.path(name).metadata().unwrap().ino();
    assert_eq!(inode("d/s/f"), inode("d/s/g"));
}

#[test]
fn what_would_fail_is_said_and_fails() {
    let scene = Scene::new();
    scene.file("a", b"x");
    scene.symlink("nowhere", "dangling");
    scene.directory("d");
    scene.file("there", b"y");
    scene.fifo("fifo");
    for (arguments, said) in [
        (&["missing", "b"][..], "zccp: cannot stat 'missing': No such file or directory\n"),
        (&["a", "a"], "zccp: 'a' and 'a' are the same file\n"),
        (&["d", "b"], "zccp: -r not specified; omitting directory 'd'\n"),
        (&["a", "dangling"], "zccp: not writing through dangling symlink 'dangling'\n"),
        (&["a", "missing/b"], "zccp: cannot create regular file 'missing/b': No such file or directory\n"),
        (&["-l", "a", "there"], "zccp: cannot create hard link 'there' to 'a': File exists\n"),
        (&["-s", "a", "there"], "zccp: cannot create symbolic link 'there' to 'a': File exists\n"),
        (
            &["-P", "dangling", "missing/b"],
            "zccp: cannot create symbolic link 'missing/b': No such file or directory\n",
        ),
        (&["-s", "a", "d/b"], "zccp: d/b: can make relative symbolic links only in current directory\n"),
        (&["-l", "a", "b/"], "zccp: cannot create hard link 'b/' to 'a': No such file or directory\n"),
        (&["-r", "d", "missing/b"], "zccp: cannot create directory 'missing/b': No such file or directory\n"),
        (&["--resume", "a", "fifo"], "zccp: cannot resume 'fifo': it is not a regular file\n"),
        (&["--atomic", "a", "fifo"], "zccp: cannot replace 'fifo': it is not a regular file\n"),
    ] {
        scene.zccp(["--dry-run"]).arguments(arguments).run().fails_with(1).stderr_is(said).stdout_is("").no_file("b");
    }
}

#[test]
fn what_may_not_be_read_or_written_is_known_beforehand() {
    if !skip::is_root() {
        return skip::skip!("root is needed to become somebody else");
    }
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    scene.file("a", b"x");
    scene.file("secret", b"x");
    fs::set_permissions(scene.path("secret"), fs::Permissions::from_mode(0o600)).unwrap();
    let as_nobody = |from: &str, to: &str| -> Command { scene.zccp(["--dry-run", from, to]).with_user(65_534) };
    let outcome = as_nobody("secret", "b").run();
    outcome.fails_with(1).stderr_is("zccp: cannot open 'secret' for reading: Permission denied\n");
    let outcome = as_nobody("a", "b").run();
    outcome.fails_with(1).stderr_is("zccp: cannot create regular file 'b': Permission denied\n");
    let outcome = as_nobody("a", "secret").run();
    outcome.fails_with(1).stderr_is("zccp: cannot create regular file 'secret': Permission denied\n");
}

#[test]
fn nobody_who_waits_at_a_fifo_is_woken_and_nothing_is_opened_to_write() {
    let scene = Scene::new();
    scene.fifo("from");
    scene.fifo("to");
    scene.file("a", b"x");
    for (arguments, said) in [
        (["from", "b"], "would copy 'from' to 'b': until it ends by "),
        (["a", "to"], "would overwrite 'to' with 'a': 1 bytes by "),
    ] {
        let command = scene.zccp(["--dry-run"]).arguments(arguments);
        let Some((outcome, trace)) = trace(&scene, &[], command) else { return };
        outcome.succeeds().stdout_has(said);
        let opens = trace.calls.iter().filter(|call| ["open", "openat"].contains(&call.name.as_str()));
        for call in opens {
            let flags = call.arguments.iter().find(|argument| argument.contains("O_")).unwrap();
            let harmless = flags.contains("O_PATH") || flags.contains("O_RDONLY");
            assert!(harmless && !flags.contains("O_CREAT"), "{call:?}");
            let is_fifo = ["\"from\"", "\"to\""].iter().any(|name| call.arguments.iter().any(|a| a == name));
            assert!(!is_fifo || flags.contains("O_PATH"), "{call:?}");
        }
    }
}

/// A tree with what may be in one, and a destination where some of it is.
fn plant(scene: &Scene) {
    for directory in ["from", "from/below", "from/below/left", "to", "to/from", "elsewhere"] {
        scene.directory(directory);
    }
    for (name, bytes) in [
        ("from/a", &b"aaaa"[..]),
        ("from/below/b", b"b"),
        ("from/below/left/x", b"x"),
        ("from/z", b""),
        ("to/from/a", b"old"),
    ] {
        scene.file(name, bytes);
    }
    fs::hard_link(scene.path("from/a"), scene.path("from/second")).unwrap();
    scene.symlink("a", "from/link");
    scene.fifo("from/pipe");
}

/// Every name below the scene, with what of it a copy could change. The names are found out once, because listing a
/// directory is an access to it.
fn picture(scene: &Scene, names: &[PathBuf]) -> Vec<String> {
    let facts = |path: &PathBuf| match fs::symlink_metadata(path) {
        Ok(facts) => {
            let times = (facts.mtime(), facts.mtime_nsec(), facts.ctime(), facts.ctime_nsec());
            format!("{path:?} {} {:o} {} {} {times:?}", facts.ino(), facts.mode(), facts.nlink(), facts.size())
        }
        Err(error) => format!("{path:?} {error}"),
    };
    assert!(names.len() > 10, "{:?}", scene.path(""));
    names.iter().map(facts).collect()
}

fn names_below(directory: &Path, found: &mut Vec<PathBuf>) {
    found.push(directory.to_path_buf());
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() { names_below(&path, found) } else { found.push(path) }
    }
}

#[test]
fn of_a_tree_each_entry_is_said_and_what_is_said_is_what_is_done() {
    for (arguments, said) in [
        (
            &["-a", "--exclude=left", "--exclude=second", "from", "new"][..],
            &[
                "make directory 'new'",
                "copy 'from/a' to 'new/a': 4 bytes by read_write",
                "make 'new/link' the symbolic link that 'from/link' is",
                "make 'new/pipe' such a special file as 'from/pipe' is",
                "make directory 'new/below'",
                "copy 'from/below/b' to 'new/below/b': 1 bytes by read_write",
                "copy 'from/z' to 'new/z': 0 bytes by read_write",
            ][..],
        ),
        (
            &["-r", "--exclude=second", "--exclude=pipe", "from", "to"],
            &[
                "overwrite 'to/from/a' with 'from/a': 4 bytes by read_write",
                "make 'to/from/link' the symbolic link that 'from/link' is",
                "make directory 'to/from/below'",
                "make directory 'to/from/below/left'",
                "copy 'from/below/left/x' to 'to/from/below/left/x': 1 bytes by read_write",
                "copy 'from/below/b' to 'to/from/below/b': 1 bytes by read_write",
                "copy 'from/z' to 'to/from/z': 0 bytes by read_write",
            ],
        ),
        (
            &["-p", "--parents", "from/below/b", "elsewhere"],
            &[
                "make directory 'elsewhere/from'",
                "make directory 'elsewhere/from/below'",
                "copy 'from/below/b' to 'elsewhere/from/below/b': 1 bytes by read_write",
            ],
        ),
        (
            &["-a", "from/a", "from/second", "elsewhere"],
            &[
                "copy 'from/a' to 'elsewhere/a': 4 bytes by read_write",
                "make 'elsewhere/second' a hard link to 'elsewhere/a'",
            ],
        ),
        (
            &["-r", "from/below/left", "from/a", "-b", "to/from"],
            &[
                "make directory 'to/from/left'",
                "copy 'from/below/left/x' to 'to/from/left/x': 1 bytes by read_write",
                "rename 'to/from/a' to 'to/from/a~' and copy 'from/a' to 'to/from/a': 4 bytes by read_write",
            ],
        ),
    ] {
        let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
        plant(&scene);
        let mut names = Vec::new();
        names_below(&scene.path(""), &mut names);
        let before = picture(&scene, &names);
        let outcome = scene.zccp(["--dry-run"]).arguments(arguments).run();
        outcome.succeeds().stderr_is("");
        assert_eq!(picture(&scene, &names), before, "{arguments:?}");
        let mut again = Vec::new();
        names_below(&scene.path(""), &mut again);
        assert_eq!(again, names, "{arguments:?}");
        let sorted = |lines: Vec<String>| -> Vec<String> {
            let mut lines = lines;
            lines.sort(); // a tree is walked by inode number
            lines
        };
        let expected =
            said.iter().map(|said| format!("would {}", said.replace(": 0 bytes", ": until it ends"))).collect();
        let lines = String::from_utf8(outcome.stdout.clone()).unwrap().lines().map(String::from).collect();
        assert_eq!(sorted(lines), sorted(expected), "{arguments:?}");
        // Then -v names as many.
        let real = scene.zccp(["-v"]).arguments(arguments).run();
        real.succeeds().stderr_is("");
        assert_eq!(String::from_utf8_lossy(&real.stdout).matches(" -> ").count(), said.len(), "{arguments:?}");
    }
}

#[test]
fn what_would_come_in_its_own_way_is_said() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    scene.directory("d");
    scene.directory("d/inner");
    scene.directory("e");
    scene.file("d/a", b"1");
    scene.file("a", b"22");
    for (arguments, said) in [
        (&["-r", "d", "d/inner"][..], "zccp: cannot copy a directory, 'd', into itself, 'd/inner/d'\n"),
        (&["d/a", "a", "e"], "zccp: will not overwrite just-created 'e/a' with 'a'\n"),
        (&["--update=none-fail", "d/a", "a", "e"], "zccp: not replacing 'e/a'\n"),
    ] {
        let rehearsed = scene.zccp(["--dry-run"]).arguments(arguments).run();
        rehearsed.fails_with(1).stderr_is(said).no_file("e/a").no_file("d/inner/d");
        scene.zccp(arguments).run().fails_with(1).stderr_is(said);
        let _ = (fs::remove_file(scene.path("e/a")), fs::remove_dir_all(scene.path("d/inner/d")));
    }
    scene
        .zccp(["--dry-run", "-n", "d/a", "a", "e"])
        .run()
        .succeeds()
        .stdout_is("would copy 'd/a' to 'e/a': 1 bytes by read_write\nwould leave 'e/a' as it is\n");
}

#[test]
fn a_tree_deeper_than_descriptors_go_is_rehearsed_to_its_end() {
    let scene = Scene::new();
    let deep = vec!["d"; 200].join("/");
    fs::create_dir_all(scene.path("from").join(&deep)).unwrap();
    scene.file(format!("from/{deep}/file"), b"x");
    scene.file("from/d/late", b"x");
    scene.directory("to");
    let outcome = scene.zccp(["--dry-run", "-r", "from", "to"]).limit(libc::RLIMIT_NOFILE, 24).run();
    outcome.succeeds().stderr_is("").stdout_has(&format!("to 'to/from/{deep}/file'")).stdout_has("to 'to/from/d/late'");
    outcome.no_file("to/from");
}
