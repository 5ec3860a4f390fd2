//! --engine=help: which engines work in a directory, tried there; and nothing is left of the trying.

use crate::apparatus::filesystems::{for_each_filesystem, small_tmpfs};
use crate::apparatus::fuse::{Faults, Mount};
use crate::apparatus::strace::{self, Call};
use crate::apparatus::{Fs, Outcome, Scene, skip};
use std::path::Path;
use zccp::engine::Name;

/// The table's rows: an engine's name and what it came to with a file, a pipe and a socket.
fn rows(outcome: &Outcome) -> Vec<(String, Vec<String>)> {
    let text = String::from_utf8_lossy(&outcome.stdout).into_owned();
    let rows = text.lines().skip(3).take(Name::ALL.len());
    let cell = |cell: &str| cell.trim().to_string();
    let rows = rows.map(|row| {
        let (name, cells) = row.split_at(17);
        let cells: Vec<String> = cells.as_bytes().chunks(18).map(|c| cell(&String::from_utf8_lossy(c))).collect();
        (name.trim().to_string(), cells)
    });
    rows.collect()
}

fn works(outcome: &Outcome, engine: &str) -> [bool; 3] {
    let rows = rows(outcome);
    let Some((_, cells)) = rows.iter().find(|(name, _)| name == engine) else { panic!("no {engine} in {rows:?}") };
    assert_eq!(cells.len(), 3, "{rows:?}");
    [0, 1, 2].map(|at| match cells[at].as_str() {
        "no" => false,
        "by read_write" => true,
        speed => {
            let number = speed.split(' ').next().and_then(|number| number.parse::<f64>().ok());
            assert!(speed.ends_with("B/s") && number.is_some_and(|number| number > 0.0), "{engine}: {speed}");
            true
        }
    })
}

/// Whether the call is about one of the temporary names.
fn is_ours(call: &Call) -> bool {
    call.arguments.iter().any(|argument| argument.contains(".zccp-engines-"))
}

fn is_empty(directory: &Path) -> bool {
    std::fs::read_dir(directory).unwrap().next().is_none()
}

#[test]
fn every_engine_is_tried_in_the_directory_and_nothing_is_left_there() {
    for_each_filesystem(|fs, scene| {
        let place = scene.directory("d");
        let outcome = scene.zccp(["--engine=help", "d"]).run();
        outcome.succeeds().stderr_is("").stdout_has("In 'd' (").stdout_has("copies a file of ");
        assert_eq!(
            rows(&outcome).iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
            Name::ALL.map(Name::as_str)
        );
        assert_eq!(works(&outcome, "reflink"), [fs.shares_extents(), false, false], "{}", fs.name());
        assert_eq!(works(&outcome, "sendfile"), [true; 3]);
        assert_eq!(works(&outcome, "splice"), [true; 3]);
        assert_eq!(works(&outcome, "mmap"), [true; 3]);
        assert_eq!(works(&outcome, "read_write"), [true; 3]);
        assert_eq!(works(&outcome, "zerocopy"), [false, false, true]);
        // Who moved nothing itself has no speed: as much as this may be unread in the two sockets, and goes by value.
        let size = String::from_utf8_lossy(&outcome.stdout);
        let size = size.split_once("copies a file of ").and_then(|(_, rest)| rest.lines().next()).unwrap().to_string();
        for engine in ["sendfile", "splice"] {
            let nothing = format!("\n{engine} to TCP loopback left {size} to read_write\n");
            let has_none = String::from_utf8_lossy(&outcome.stdout).contains(&nothing);
            let cells = rows(&outcome).into_iter().find(|(name, _)| name == engine).unwrap().1;
            assert_eq!(cells[2] == "by read_write", has_none, "{cells:?}");
        }
        outcome.stdout_has("zerocopy cannot copy to a pipe: the destination is not a TCP socket\n");
        outcome.stdout_has("Measured with files without a name, which are gone.");
        assert!(is_empty(&place), "{}", fs.name());
    });
}

/// The sentence that `--engine=reflink` alone comes to, between these words and the end of the line.
#[test]
fn the_reason_is_the_one_a_copy_would_have_given() {
    for fs in [Fs::Ext4, Fs::Tmpfs, Fs::XfsPlain] {
        let Some(scene) = Scene::on(fs) else { continue };
        scene.file("a", &[7; 100_000]);
        let forced = scene.zccp(["--engine=reflink", "a", "b"]).run();
        let said = forced.fails_with(1).stderr_text();
        let reason = said.strip_prefix("zccp: reflink cannot copy 'a' to 'b': ").unwrap().trim_end().to_string();
        let outcome = scene.zccp(["--engine=help"]).run();
        outcome.succeeds().stdout_has(&format!("\nreflink cannot copy to a file there: {reason}\n"));
    }
}

#[test]
fn the_engines_chosen_are_those_of_the_plan() {
    for (fs, chosen) in [
        (Fs::Btrfs, "reflink, then splice, then read_write"),
        (Fs::Tmpfs, "read_write"),
        (Fs::Xfs, "reflink, then read_write"),
    ] {
        let Some(scene) = Scene::on(fs) else { continue };
        let outcome = scene.zccp(["--engine=help"]).run();
        outcome.succeeds().stdout_has(&format!("\nWithout --engine, to a file there: {chosen}\n"));
        outcome.stdout_has("\nWithout --engine, to a pipe: splice, then read_write\n");
        if fs.shares_extents() {
            outcome.stdout_has("\nreflink to a file there shares the data: nothing is moved\n");
        }
    }
}

#[test]
fn the_directory_is_the_operand_or_that_of_t_or_this_one() {
    let scene = Scene::new();
    scene.directory("d");
    for arguments in [&["--engine=help", "d"][..], &["--engine=help", "-t", "d"], &["-td", "--engine", "help"]] {
        scene.zccp(arguments).run().succeeds().stdout_has("In 'd' (");
    }
    scene.zccp(["--engine=help"]).called("cp").run().succeeds().stdout_has("In '.' (");
    scene.zccat(["--engine=help"]).run().succeeds().stdout_has("In '.' (");
    scene.zccat(["--engine=help", "d"]).called("cat").run().succeeds().stdout_has("In 'd' (");
    for (arguments, extra) in [(&["--engine=help", "a", "d"][..], "'d'"), (&["-t", "d", "--engine=help", "a"], "'a'")] {
        scene.zccp(arguments).run().fails_with(1).stdout_is("").stderr_has(&format!("extra operand {extra}\n"));
    }
    for list in ["--engine=help,splice", "--engine=splice,help"] {
        let outcome = scene.zccp([list, "d"]).run();
        outcome.fails_with(1).stdout_is("").stderr_has("invalid argument 'help' for '--engine': it stands alone\n");
    }
    // The last list counts.
    scene.file("a", b"some");
    scene.zccp(["--engine=help", "--engine=read_write", "a", "b"]).run().succeeds().stdout_is("").file_is("b", b"some");
}

#[test]
fn where_nothing_can_be_measured_that_is_said() {
    let scene = Scene::new();
    scene.file("a", b"some");
    let fails = |directory: &str, why: &str| {
        let outcome = scene.zccp(["--engine=help", directory]).run();
        let why = format!("zccp: cannot try the engines in '{directory}': {why}\n");
        outcome.fails_with(1).stdout_is("").stderr_is(&why);
    };
    fails("a", "Not a directory");
    fails("nowhere", "No such file or directory");
    fails("/proc", "cannot create a temporary file there: No such file or directory");
    let place = scene.directory("locked");
    std::fs::set_permissions(&place, std::os::unix::fs::PermissionsExt::from_mode(0o555)).unwrap();
    if skip::is_root() {
        let outcome = scene.program(crate::safety::program_for_all(&scene)).called("zccp").with_user(65534);
        let outcome = outcome.arguments(["--engine=help", "locked"]).run();
        outcome.fails_with(1).stdout_is("").stderr_is(
            "zccp: cannot try the engines in 'locked': cannot create a temporary file there: Permission denied\n",
        );
    } else {
        fails("locked", "cannot create a temporary file there: Permission denied");
    }
    let full = scene.directory("full");
    match small_tmpfs(&full, 2 << 20) {
        Ok(()) => fails("full", "not enough room: 4.0 MiB have to be free, 2.0 MiB are"),
        Err(reason) => skip::skip!(skip::current_test(), reason),
    }
}

#[test]
fn in_little_room_a_smaller_file_is_used() {
    let scene = Scene::new();
    let place = scene.directory("small");
    if let Err(reason) = small_tmpfs(&place, 10 << 20) {
        return skip::skip!(skip::current_test(), reason);
    }
    let outcome = scene.zccp(["--engine=help", "small"]).run();
    outcome.succeeds().stdout_has("In 'small' (tmpfs) each engine copies a file of 2.0 MiB\n");
    assert_eq!(works(&outcome, "read_write"), [true; 3]);
    assert!(is_empty(&place));
}

#[test]
fn without_o_tmpfile_the_names_go_at_once() {
    let scene = Scene::new();
    let Some(mount) = Mount::new(&scene) else { return };
    mount.created_files_have(Faults { cached: true, ..Faults::default() });
    let traced = strace::trace(&scene, &["-e", "trace=openat,unlinkat"], scene.zccp(["--engine=help", "fuse"]));
    let Some((outcome, trace)) = traced else { return };
    outcome
        .succeeds()
        .stdout_has("In 'fuse' (fuse) ")
        .stdout_has("Measured with files whose names were removed at once");
    assert_eq!(works(&outcome, "read_write"), [true; 3]);
    assert_eq!(works(&outcome, "reflink"), [false; 3]);
    let made = trace.named("openat").filter(|call| is_ours(call)).count();
    let gone = trace.named("unlinkat").filter(|call| is_ours(call)).count();
    assert_eq!((made, gone), (2, 2));
    assert_eq!(mount.names(), [""; 0]);
}

#[test]
fn a_signal_between_making_and_removing_leaves_no_name() {
    let scene = Scene::new();
    let Some(mount) = Mount::new(&scene) else { return };
    mount.created_files_have(Faults { cached: true, ..Faults::default() });
    let command = || scene.zccp(["--engine=help", "fuse"]);
    let Some((_, trace)) = strace::trace(&scene, &["-e", "trace=openat"], command()) else { return };
    let making = trace.named("openat").position(is_ours).unwrap() + 1;
    let inject = format!("openat:signal=TERM:when={making}");
    let Some((outcome, _)) = strace::inject(&scene, &[&inject], command()) else { return };
    outcome.dies_of(libc::SIGTERM);
    assert_eq!(mount.names(), [""; 0]);
}
