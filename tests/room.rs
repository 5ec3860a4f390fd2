//! No room: said before the first byte where it can be known, and then nothing is touched; otherwise said when it is met.

use crate::apparatus::filesystems::small_tmpfs;
use crate::apparatus::{Fs, Outcome, Output, Scene, content, skip};

/// A scene with a tmpfs of 16 MiB in `full` and a file `a` that does not fit.
fn small() -> Option<Scene> {
    let scene = Scene::new();
    let place = scene.directory("full");
    if let Err(reason) = small_tmpfs(&place, 16 << 20) {
        skip::skip!(reason);
        return None;
    }
    scene.file("a", &content::bytes(1, 20 << 20));
    Some(scene)
}

#[test]
fn a_full_disk_is_known_before_the_first_byte() {
    let Some(scene) = small() else { return };
    let outcome = scene.zccp(["a", "full/b"]).run();
    outcome.fails_with(1);
    outcome.stderr_has("zccp: error writing 'full/b': No space left on device (20971520 bytes are needed, ");
    outcome.stderr_has("nothing was copied)").no_file(scene.path("full/b"));
}

#[test]
fn under_the_name_cp_it_is_said_as_gnu_says_it() {
    let Some(scene) = small() else { return };
    let outcome = scene.zccp(["a", "full/b"]).called("cp").run();
    outcome.fails_with(1).stderr_is("cp: error writing 'full/b': No space left on device\n");
}

#[test]
fn what_was_there_stays_if_the_new_contents_cannot_fit() {
    let Some(scene) = small() else { return };
    scene.file("full/b", b"the old contents");
    let outcome = scene.zccp(["a", "full/b"]).run();
    outcome.fails_with(1).stderr_has("No space left on device").file_is(scene.path("full/b"), b"the old contents");
}

#[test]
fn the_blocks_of_what_is_replaced_count_as_free() {
    let Some(scene) = small() else { return };
    scene.file("full/b", &content::bytes(2, 12 << 20));
    let bytes = content::bytes(3, 10 << 20);
    scene.file("c", &bytes);
    scene.zccp(["c", "full/b"]).run().succeeds().file_is(scene.path("full/b"), &bytes);
}

#[test]
fn an_engine_that_cannot_work_leaves_what_was_there() {
    let scene = Scene::new();
    scene.file("a", b"new");
    scene.file("b", b"old");
    let outcome = scene.zccp(["--engine=zerocopy", "a", "b"]).run();
    outcome.fails_with(1);
    outcome.stderr_is("zccp: zerocopy cannot copy 'a' to 'b': the destination is not a TCP socket\n");
    outcome.file_is(scene.path("b"), b"old");
}

/// Small enough not to be asked about beforehand, or not known to statvfs: met when it is met, and what is there counted.
#[test]
fn a_disk_that_fills_up_is_told_with_what_is_there() {
    let Some(scene) = small() else { return };
    scene.file("full/filler", &content::bytes(2, 14 << 20));
    scene.file("c", &content::bytes(3, 3 << 20));
    let outcome = scene.zccp(["c", "full/b"]).run();
    outcome.fails_with(1).stderr_has("error writing 'full/b': No space left on device (");
    let there = scene.bytes("full/b");
    assert!(content::bytes(3, 3 << 20).starts_with(&there), "what is there is the source's");
    outcome.stderr_has(&format!("({} bytes were copied)", there.len()));
}

#[test]
fn a_file_too_large_for_the_file_system_is_known_before_the_first_byte() {
    let Some(scene) = Scene::on(Fs::Ext2Small) else { return };
    let Some(other) = Scene::on(Fs::Xfs) else { return };
    other.sparse_file("a", 20 << 30, &[(1 << 20, b"data")]);
    for option in ["--sparse=auto", "--sparse=always", "--sparse=never", "--atomic", "--resume"] {
        let copy = || scene.zccp([option.as_ref(), other.path("a").as_os_str(), scene.path("b").as_os_str()]);
        let said = "File too large (no file of 21474836480 bytes fits that file system; nothing was copied)";
        copy().run().fails_with(1).stderr_has(said).no_file(scene.path("b"));
        scene.file("b", b"what was there");
        copy().run().fails_with(1).stderr_has(said).file_is(scene.path("b"), b"what was there");
        std::fs::remove_file(scene.path("b")).unwrap();
    }
}

#[test]
fn dev_full_is_a_write_error_under_every_engine() {
    let scene = Scene::new();
    scene.file("a", &content::bytes(1, 3_000_000));
    let check = |outcome: &Outcome, text: &str| {
        outcome.fails_with(1).stderr_has(text);
    };
    for list in ["splice,read_write", "sendfile,read_write", "mmap,read_write", "read_write"] {
        let option = format!("--engine={list}");
        let full = "error writing '/dev/full': No space left on device";
        check(&scene.zccp([option.as_str(), "a", "/dev/full"]).run(), full);
        let outcome = scene.zccat([option.as_str(), "a"]).stdout(Output::Full).run();
        check(&outcome, "zccat: write error: No space left on device\n");
    }
}

/// The limit of the process (RLIMIT_FSIZE), with SIGXFSZ ignored as under `trap '' XFSZ`.
#[test]
fn the_file_size_limit_is_told() {
    let scene = Scene::new();
    scene.file("a", &content::bytes(1, 300_000));
    let script = format!("trap '' XFSZ; ulimit -f 64; {} a b", crate::apparatus::case::zccp().display());
    let outcome = scene.shell(&script).run();
    outcome.fails_with(1).stderr_has("error writing 'b': File too large");
    let there = scene.bytes("b");
    assert!(there.len() == 32 * 1024 || there.len() == 64 * 1024, "{} (a shell counts in 512 or 1024)", there.len());
    assert!(content::bytes(1, 300_000).starts_with(&there));
}
