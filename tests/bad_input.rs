//! Wrong operands, wrong options, files that cannot be read or written, full disks: the words and the exit status.
//!
//! The words are GNU coreutils 9.10's where GNU has them, because scripts read them.

use crate::apparatus::fuse::{Faults, Mount};
use crate::apparatus::{Command, Fs, Input, Output, Scene, content, filesystems, for_each_engine, skip};
use rustix::fs::{Mode, OFlags};

/// Nobody's user id.
const NOBODY: u32 = 65534;

/// A scene in which `a` and `b` are files and `d` is a directory.
fn scene() -> Scene {
    let scene = Scene::new();
    scene.file("a", b"the file a\n");
    scene.file("b", b"the file b, which is longer\n");
    scene.directory("d");
    scene
}

/// `zccp ARGUMENTS`, with `argv[0]` as a shell gives it.
fn zccp(scene: &Scene, arguments: &[&str]) -> Command {
    scene.zccp(arguments).called("zccp")
}

/// `zccat ARGUMENTS`, with `argv[0]` as a shell gives it.
fn zccat(scene: &Scene, arguments: &[&str]) -> Command {
    scene.zccat(arguments).called("zccat")
}

#[test]
fn wrong_operands_of_zccp() {
    let seek_help = "Try 'zccp --help' for more information.\n";
    for (arguments, said) in [
        (&[][..], format!("zccp: missing file operand\n{seek_help}")),
        (&["a"], format!("zccp: missing destination file operand after 'a'\n{seek_help}")),
        (&["-t", "d"], format!("zccp: missing file operand\n{seek_help}")),
        (&["-T", "a", "b", "d"], format!("zccp: extra operand 'd'\n{seek_help}")),
        (
            &["-T", "-t", "d", "a"],
            "zccp: cannot combine --target-directory (-t) and --no-target-directory (-T)\n".into(),
        ),
        (&["-t", "d", "-t", "d", "a"], "zccp: multiple target directories specified\n".into()),
        (&["a", "b", "none"], "zccp: target 'none': No such file or directory\n".into()),
        (&["d", "a", "b"], "zccp: target 'b': Not a directory\n".into()),
        (&["-t", "none", "a"], "zccp: target directory 'none': No such file or directory\n".into()),
        (&["-t", "b", "a"], "zccp: target directory 'b': Not a directory\n".into()),
        (&["none", "c"], "zccp: cannot stat 'none': No such file or directory\n".into()),
        (&["a/x", "c"], "zccp: cannot stat 'a/x': Not a directory\n".into()),
        (&["", "c"], "zccp: cannot stat '': No such file or directory\n".into()),
        (&["a", ""], "zccp: cannot create regular file '': No such file or directory\n".into()),
        (&["d", "c"], "zccp: -r not specified; omitting directory 'd'\n".into()),
        (&["a", "none/"], "zccp: cannot create regular file 'none/': Not a directory\n".into()),
        (&["a", "none/c"], "zccp: cannot create regular file 'none/c': No such file or directory\n".into()),
        (&["a", "b/"], "zccp: cannot stat 'b/': Not a directory\n".into()),
        (&["-T", "a", "d"], "zccp: cannot overwrite directory 'd' with non-directory 'a'\n".into()),
        (&["a", "a"], "zccp: 'a' and 'a' are the same file\n".into()),
        (&["a", "./a"], "zccp: 'a' and './a' are the same file\n".into()),
    ] {
        let scene = scene();
        let outcome = zccp(&scene, arguments).run();
        outcome.fails_with(1).stderr_is(&said).stdout_is("").no_file("c");
        outcome.file_is("a", b"the file a\n").file_is("b", b"the file b, which is longer\n");
    }
}

#[test]
fn wrong_options() {
    let help = |program: &str| format!("Try '{program} --help' for more information.\n");
    let cp = help("zccp");
    for (arguments, said) in [
        (["--nonsense", "a"], format!("zccp: unrecognized option '--nonsense'\n{cp}")),
        (["--nonsense=x", "a"], format!("zccp: unrecognized option '--nonsense=x'\n{cp}")),
        (["-y", "a"], format!("zccp: invalid option -- 'y'\n{cp}")),
        (["--verbose=x", "a"], format!("zccp: option '--verbose' doesn't allow an argument\n{cp}")),
        (
            ["--reflink=sometimes", "a"],
            format!(
                "zccp: invalid argument 'sometimes' for '--reflink'\nValid arguments are:\n  - 'auto'\n  - 'always'\n  - 'never'\n{cp}"
            ),
        ),
    ] {
        zccp(&scene(), &arguments).argument("c").run().fails_with(1).stderr_is(&said).stdout_is("").no_file("c");
    }
    let said = format!("zccat: unrecognized option '--nonsense'\n{}", help("zccat"));
    zccat(&scene(), &["--nonsense", "a"]).run().fails_with(1).stderr_is(&said).stdout_is("");
    let missing = zccp(&scene(), &["a", "-t"]).run();
    missing.fails_with(1).stderr_is(&format!("zccp: option requires an argument -- 't'\n{cp}"));
    let missing = zccp(&scene(), &["a", "--target-directory"]).run();
    missing.fails_with(1).stderr_is(&format!("zccp: option '--target-directory' requires an argument\n{cp}"));
    let both = zccp(&scene(), &["--reflink=always", "--sparse=always", "a", "c"]).run();
    both.fails_with(1).stderr_is(&format!("zccp: --reflink can be used only with --sparse=auto\n{cp}")).no_file("c");
}

#[test]
fn an_unknown_engine_is_named() {
    for list in ["warp", "splice,warp", "Splice2", "splice,"] {
        let scene = scene();
        let option = format!("--engine={list}");
        let wrong = list.rsplit(',').next().unwrap();
        let outcome = zccp(&scene, &[&option, "a", "c"]).run();
        outcome.fails_with(1).stderr_has("zccp: ").stderr_has(&format!("'{wrong}'")).no_file("c");
        let outcome = zccat(&scene, &[&option, "a"]).run();
        outcome.fails_with(1).stderr_has("zccat: ").stderr_has(&format!("'{wrong}'")).stdout_is("");
    }
    let empty = zccp(&scene(), &["--engine=", "a", "c"]).run();
    empty.fails_with(1).stderr_has("zccp: ").no_file("c");
}

#[test]
fn an_engine_that_cannot_says_why() {
    for engine in ["reflink", "copy_file_range", "zerocopy"] {
        let outcome = zccat(&scene(), &[&format!("--engine={engine}"), "a"]).run();
        outcome.fails_with(1).stdout_is("").stderr_has(&format!("zccat: {engine} cannot"));
        // A reason, in words, after the name.
        assert!(outcome.stderr.len() > format!("zccat: {engine} cannot work here").len());
    }
}

#[test]
fn one_bad_operand_does_not_stop_the_others() {
    let scene = scene();
    let outcome = zccp(&scene, &["none", "a", "nothing", "b", "d"]).run();
    let said = "zccp: cannot stat 'none': No such file or directory\n\
                zccp: cannot stat 'nothing': No such file or directory\n";
    outcome.fails_with(1).stderr_is(said).file_is("d/a", b"the file a\n");
    outcome.file_is("d/b", b"the file b, which is longer\n");
    for_each_engine(|engine| {
        let outcome = zccat(&scene, &["none", "a", "d", "b", "a b", ""]).arguments(engine.option_with_fallback()).run();
        outcome.fails_with(1).stdout_is("the file a\nthe file b, which is longer\n").stderr_is(
            "zccat: none: No such file or directory\n\
             zccat: d: Is a directory\n\
             zccat: 'a b': No such file or directory\n\
             zccat: '': No such file or directory\n",
        );
    });
}

#[test]
fn the_same_file_by_every_route_is_left_alone() {
    for_each_engine(|engine| {
        let scene = scene();
        std::fs::hard_link(scene.path("a"), scene.path("hard")).unwrap();
        scene.symlink("a", "soft");
        scene.symlink(".", "here");
        for (from, to) in [("a", "hard"), ("soft", "a"), ("a", "soft"), ("a", "here/a"), ("a", "d/../a"), ("a", ".")] {
            let shown = if to == "." { "./a" } else { to };
            let outcome = zccp(&scene, &[from, to]).arguments(engine.option()).run();
            outcome.fails_with(1).stderr_is(&format!("zccp: '{from}' and '{shown}' are the same file\n"));
            outcome.file_is("a", b"the file a\n");
            // -f unlinks what cannot be opened; this could be.
            zccp(&scene, &["-f", from, to]).run().fails_with(1).file_is("a", b"the file a\n");
        }
    });
}

#[test]
fn output_that_is_input_is_not_read() {
    for_each_engine(|engine| {
        let scene = scene();
        let option = engine.option_with_fallback().unwrap_or_default();
        let outcome = scene.shell("exec \"$ZCCAT\" $ENGINE a b >>a").variable("ENGINE", &option).run();
        outcome.fails_with(1).stderr_is("zccat: a: input file is output file\n");
        outcome.file_is("a", b"the file a\nthe file b, which is longer\n");
        // The shell has emptied it, so there is nothing that could be read again.
        scene.shell("exec \"$ZCCAT\" $ENGINE b >b").variable("ENGINE", &option).run().succeeds().file_is("b", b"");
    });
}

#[test]
fn links_that_lead_nowhere_are_not_written_through() {
    let scene = scene();
    scene.symlink("nowhere", "dangling");
    let said = "zccp: not writing through dangling symlink 'dangling'\n";
    zccp(&scene, &["a", "dangling"]).run().fails_with(1).stderr_is(said).no_file("nowhere");
    zccp(&scene, &["-f", "a", "dangling"]).run().fails_with(1).stderr_is(said).no_file("nowhere");
}

#[test]
fn permissions_are_asked_for() {
    if !skip::is_root() {
        return skip::skip!("only root can become somebody else");
    }
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    // The program itself may lie where nobody can go.
    scene.copy_of(&crate::apparatus::case::zccp(), "zccp");
    scene.copy_of(&crate::apparatus::case::zccp(), "zccat");
    let reached = scene.program("/bin/sh").arguments(["-c", "./zccp --version"]).with_user(NOBODY).run();
    if !reached.succeeded() {
        return skip::skip!("nobody cannot reach the build directory");
    }
    scene.file("a", b"a");
    scene.file("secret", b"secret");
    scene.file("kept", b"kept");
    scene.directory("closed");
    scene.program("/bin/chmod").arguments(["600", "secret"]).run().succeeds();
    let run = |program: &str, arguments: &[&str]| {
        scene.program(scene.path(program)).arguments(arguments).with_user(NOBODY).run()
    };
    run("zccp", &["secret", "closed/x"])
        .fails_with(1)
        .stderr_is("zccp: cannot open 'secret' for reading: Permission denied\n");
    let outcome = run("zccp", &["a", "closed/x"]);
    outcome.fails_with(1).stderr_is("zccp: cannot create regular file 'closed/x': Permission denied\n");
    run("zccp", &["a", "kept"])
        .fails_with(1)
        .stderr_is("zccp: cannot create regular file 'kept': Permission denied\n")
        .file_is("kept", b"kept");
    run("zccat", &["secret", "a"]).fails_with(1).stdout_is("a").stderr_is("zccat: secret: Permission denied\n");
}

#[test]
fn force_removes_what_cannot_be_opened() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    scene.copy_of(&crate::apparatus::case::zccp(), "zccp");
    scene.program("/bin/chmod").arguments(["777", "."]).run().succeeds();
    scene.file("a", b"new");
    scene.file("b", b"old");
    let run = |arguments: &[&str]| scene.program(scene.path("zccp")).arguments(arguments).with_user(NOBODY).run();
    if !run(&["--version"]).succeeded() {
        return skip::skip!("nobody cannot reach the build directory");
    }
    run(&["a", "b"]).fails_with(1).file_is("b", b"old");
    run(&["-f", "a", "b"]).succeeds().stderr_is("").file_is("b", b"new");
}

#[test]
fn a_full_disk_is_said_before_the_first_byte() {
    for_each_engine(|engine| {
        let scene = scene();
        if let Err(reason) = filesystems::small_tmpfs(&scene.path("d"), 1 << 20) {
            return skip::skip!(reason);
        }
        scene.file("big", &content::bytes(3, 4 << 20));
        let outcome = zccp(&scene, &["big", "d/copy"]).arguments(engine.option_with_fallback()).run();
        outcome.fails_with(1).stderr_has("No space left on device").stderr_has("'d/copy'");
        let copied = std::fs::metadata(scene.path("d/copy")).map_or(0, |m| m.len());
        filesystems::unmount(&scene.path("d"));
        assert_eq!(copied, 0, "bytes were copied onto a disk that could not hold them");
    });
}

#[test]
fn a_disk_that_fills_up_keeps_what_was_copied() {
    for_each_engine(|engine| {
        let scene = scene();
        let Some(mount) = Mount::new(&scene) else { return };
        mount.created_files_have(Faults { write_error: Some((200_000, libc::ENOSPC)), ..Faults::default() });
        let bytes = content::bytes(3, 500_000);
        scene.file("big", &bytes);
        let outcome = zccp(&scene, &["big", "fuse/copy"]).arguments(engine.option_with_fallback()).run();
        outcome.fails_with(1).stderr_has("zccp: error writing 'fuse/copy': No space left on device");
        assert_eq!(mount.bytes("copy").unwrap(), &bytes[..200_000]);
        let option = engine.option_with_fallback().unwrap_or("-u".into());
        let sent = scene.shell("exec \"$ZCCAT\" $ENGINE big a >fuse/sent").variable("ENGINE", option).run();
        sent.fails_with(1).stderr_is("zccat: write error: No space left on device\n");
        assert_eq!(mount.bytes("sent").unwrap(), &bytes[..200_000]);
    });
}

#[test]
fn a_file_too_large_for_the_file_system_is_said_before_the_first_byte() {
    let (Some(from), Some(to)) = (Scene::on(Fs::Ext4), Scene::on(Fs::Ext2Small)) else { return };
    // ext2 with blocks of 1 KiB holds 16 GiB and 64 MiB and a bit (256 + 256² + 256³ blocks); this one is a hole.
    let big = from.sparse_file("big", 20 << 30, &[]);
    let data = from.sparse_file("data", 20 << 30, &[(0, b"data")]);
    for source in [big, data] {
        let outcome = to.zccp(["--sparse=never"]).argument(source).argument("copy").run();
        outcome.fails_with(1).stderr_has("'copy'").stderr_has("File too large");
        assert_eq!(std::fs::metadata(to.path("copy")).map_or(0, |m| m.len()), 0);
    }
}

#[test]
fn dev_full_is_full() {
    for_each_engine(|engine| {
        let scene = scene();
        let copied = zccp(&scene, &["a", "/dev/full"]).arguments(engine.option_with_fallback()).run();
        copied.fails_with(1).stderr_has("zccp: error writing '/dev/full': No space left on device");
        let sent = zccat(&scene, &["a", "b"]).arguments(engine.option_with_fallback()).stdout(Output::Full).run();
        // A write error ends it: the second file is not tried.
        sent.fails_with(1).stderr_is("zccat: write error: No space left on device\n");
    });
}

#[test]
fn an_error_of_close_is_an_error() {
    for (errno, words) in [
        (libc::EIO, "Input/output error"),
        (libc::ENOSPC, "No space left on device"),
        (libc::EDQUOT, "Disk quota exceeded"),
    ] {
        let scene = scene();
        let Some(mount) = Mount::new(&scene) else { return };
        mount.created_files_have(Faults { close_error: Some(errno), ..Faults::default() });
        let copied = zccp(&scene, &["a", "fuse/copy"]).run();
        copied.fails_with(1).stderr_is(&format!("zccp: failed to close 'fuse/copy': {words}\n"));
        let sent = scene.shell("exec \"$ZCCAT\" a >fuse/sent").run();
        sent.fails_with(1).stderr_has("write error").stderr_has(words);
    }
}

#[test]
fn an_error_of_reading_keeps_what_came_before() {
    for_each_engine(|engine| {
        let scene = scene();
        let Some(mount) = Mount::new(&scene) else { return };
        let bytes = content::bytes(3, 500_000);
        mount.file("bad", &bytes, Faults { read_error: Some((123_456, libc::EIO)), ..Faults::default() });
        let copied = zccp(&scene, &["fuse/bad", "copy"]).arguments(engine.option_with_fallback()).run();
        copied.fails_with(1).stderr_has("zccp: error reading 'fuse/bad': Input/output error");
        copied.file_is("copy", &bytes[..123_456]);
        let sent = zccat(&scene, &["fuse/bad", "a"]).arguments(engine.option_with_fallback()).run();
        sent.fails_with(1).stderr_has("zccat: fuse/bad: Input/output error");
        sent.stdout_is([&bytes[..123_456], b"the file a\n"].concat());
    });
}

/// As in a chroot that nobody has furnished. GNU's needs no /dev/null either.
#[test]
fn closed_descriptors_need_no_dev_null() {
    if !skip::is_root() || !skip::has_program("unshare") {
        return skip::skip!("needs root and unshare");
    }
    let scene = Scene::new();
    scene.file("a", b"a");
    let script =
        "mount -t tmpfs none /dev && \"$ZCCP\" a b <&- >&- 2>&- && ! \"$ZCCP\" -v a c <&- >&- && \"$ZCCAT\" a <&-";
    let outcome = scene.shell(&format!("unshare -m /bin/sh -c '{script}'")).run();
    outcome.succeeds().stdout_is("a").stderr_is("zccp: write error: Bad file descriptor\n");
    outcome.file_is("b", b"a").file_is("c", b"a");
}

#[test]
fn closed_descriptors_are_said() {
    let scene = scene();
    let said = "zccat: standard output: Bad file descriptor\n";
    zccat(&scene, &["a"]).stdout(Output::Closed).run().fails_with(1).stderr_is(said);
    zccat(&scene, &["/dev/null"]).stdout(Output::Closed).run().fails_with(1).stderr_is(said);
    let said = "zccat: -: Bad file descriptor\nzccat: closing standard input: Bad file descriptor\n";
    zccat(&scene, &[]).stdin(Input::Closed).run().fails_with(1).stderr_is(said);
    zccat(&scene, &["a"]).stdin(Input::Closed).run().succeeds().stdout_is("the file a\n");
    // A write error is the last that is said.
    let said = "zccat: -: Bad file descriptor\nzccat: write error: No space left on device\n";
    for option in ["-u", "-n"] {
        let command = zccat(&scene, &[option, "-", "a"]).stdin(Input::Closed);
        command.stdout(Output::Full).run().fails_with(1).stderr_is(said);
    }
    // Without -v nothing is written, so nobody misses it.
    zccp(&scene, &["a", "c"]).stdout(Output::Closed).run().succeeds().file_is("c", b"the file a\n");
    let said = zccp(&scene, &["-v", "a", "c"]).stdout(Output::Closed).run();
    said.fails_with(1).stderr_is("zccp: write error: Bad file descriptor\n");
    let said = zccp(&scene, &["-v", "a", "c"]).stdout(Output::Full).run();
    said.fails_with(1).stderr_is("zccp: write error: No space left on device\n");
}

#[test]
fn descriptors_that_are_only_places_are_neither_read_nor_written() {
    // O_PATH: poll(2) calls them closed (POLLNVAL), but their numbers are not free.
    let scene = scene();
    let place = |name| rustix::fs::open(scene.path(name), OFlags::PATH, Mode::empty()).unwrap();
    let said = "zccat: write error: Bad file descriptor\n";
    zccat(&scene, &["a"]).stdout_to(place("a")).run().fails_with(1).stderr_is(said);
    let outcome = zccat(&scene, &["-", "a"]).stdin_from(place("a")).run();
    outcome.fails_with(1).stderr_has("zccat: -: Bad file descriptor\n").stdout_is("the file a\n");
    zccp(&scene, &["a", "c"]).stdout_to(place("a")).run().succeeds().file_is("c", b"the file a\n");
    zccp(&scene, &["a", "e"]).stdin_from(place("a")).run().succeeds().file_is("e", b"the file a\n");
}

#[test]
fn what_was_closed_is_at_no_name_either() {
    // No device stands there instead, which would swallow a copy, and as root be given the modes of `a` by -a.
    let scene = scene();
    let no = "No such file or directory";
    for name in ["/dev/stdin", "/dev/fd/0"] {
        let said = format!("zccat: {name}: {no}\n");
        let outcome = zccat(&scene, &[name, "a"]).stdin(Input::Closed).run();
        outcome.fails_with(1).stderr_is(&said).stdout_is("the file a\n");
        let said = format!("zccp: cannot stat '{name}': {no}\n");
        zccp(&scene, &[name, "c"]).stdin(Input::Closed).run().fails_with(1).stderr_is(&said).no_file("c");
    }
    let name = "/proc/self/fd/0";
    let said = format!("zccp: cannot create regular file '{name}': {no}\n");
    for options in [&[][..], &["-u"], &["-n"], &["--remove-destination"]] {
        let command = zccp(&scene, options).arguments(["a", name]);
        command.stdin(Input::Closed).run().fails_with(1).stderr_is(&said);
    }
    let said = format!("zccp: cannot stat '{name}': {no}\n");
    zccp(&scene, &["-P", name, "c"]).stdin(Input::Closed).run().fails_with(1).stderr_is(&said).no_file("c");
    // Names that nothing can remove, whatever root is told to: of /dev/stdout nobody would be left with the link.
    let name = "/proc/self/fd/1";
    for option in ["-p", "-a", "-f", "--atomic"] {
        let outcome = zccp(&scene, &[option, "a", name]).stdout(Output::Closed).run();
        outcome.fails_with(1).stderr_has("zccp: ").stderr_has(&format!("'{name}'"));
    }
    zccp(&scene, &["a", "/proc/self/fd/2"]).stderr(Output::Closed).run().fails_with(1);
}

#[test]
fn an_error_that_cannot_be_said_is_still_an_error() {
    let scene = scene();
    zccp(&scene, &["none", "c"]).stderr(Output::Full).run().fails_with(1);
    zccp(&scene, &["none", "c"]).stderr(Output::Closed).run().fails_with(1);
    zccat(&scene, &["none", "a"]).stderr(Output::Full).run().fails_with(1).stdout_is("the file a\n");
    zccat(&scene, &["none", "a"]).stderr(Output::Closed).run().fails_with(1).stdout_is("the file a\n");
}

#[test]
fn names_that_are_not_text_are_quoted_and_work() {
    use std::os::unix::ffi::OsStrExt;
    let scene = scene();
    let name = std::ffi::OsStr::from_bytes(b"\xe9t\xe9\n");
    let said = "zccp: cannot stat ''$'\\351''t'$'\\351\\n': No such file or directory\n";
    scene.zccp([name]).argument("c").run().fails_with(1).stderr_is(said);
    scene.file(name, b"odd\n");
    scene.zccp([name]).argument("c").run().succeeds().file_is("c", b"odd\n");
    scene.zccat([name]).run().succeeds().stdout_is("odd\n");
}
