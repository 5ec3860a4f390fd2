//! `--dry-run`: what would be done is said, and nothing is touched.

use crate::apparatus::strace::trace;
use crate::apparatus::{Command, Fs, Scene, content, skip};
use std::fs;
use std::os::unix::fs::PermissionsExt;

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

#[test]
fn what_would_fail_is_said_and_fails() {
    let scene = Scene::new();
    scene.file("a", b"x");
    scene.symlink("nowhere", "dangling");
    scene.directory("d");
    for (arguments, said) in [
        (&["missing", "b"][..], "zccp: cannot stat 'missing': No such file or directory\n"),
        (&["a", "a"], "zccp: 'a' and 'a' are the same file\n"),
        (&["d", "b"], "zccp: -r not specified; omitting directory 'd'\n"),
        (&["a", "dangling"], "zccp: not writing through dangling symlink 'dangling'\n"),
        (&["a", "missing/b"], "zccp: cannot create regular file 'missing/b': No such file or directory\n"),
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
