//! `--resume`: killed at any moment, gone on with, identical.

use super::{program_for_all, with_error};
use crate::apparatus::filesystems::for_each_filesystem;
use crate::apparatus::strace::trace;
use crate::apparatus::{Engine, Fs, Scene, content, engines, skip};
use rustix::process::Signal;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::time::{Duration, Instant};

const MIB: usize = 1 << 20;

/// Kills for each engine; `ZCCP_KILLS=500` for the figures of a release.
fn kills() -> usize {
    std::env::var("ZCCP_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Kills the copy once its destination has so many bytes, or after a while: a copy that is at its end by then, or a
/// resumed one, whose destination does not grow while it is compared.
fn kill_at(scene: &Scene, arguments: &[String], bytes: u64, patience: Duration) {
    // So that whoever looks is not late.
    let running = scene.zccp(arguments).under("nice", ["-n", "19"]).spawn();
    let began = Instant::now();
    while running.is_running() && began.elapsed() < patience {
        if std::fs::metadata(scene.path("b")).is_ok_and(|there| there.len() >= bytes) {
            break;
        }
    }
    if running.is_running() {
        let _ = rustix::process::kill_process(running.pid(), Signal::KILL);
    }
    let _ = running.finish();
}

fn kill_and_resume(scene: &Scene, engine: Engine, right: &[u8], numbers: &mut Numbers) -> usize {
    let mut partial = 0;
    let option = |with: &[&str]| -> Vec<String> {
        let engine = engine.option_with_fallback();
        engine.into_iter().chain(with.iter().map(|text| (*text).to_string())).collect()
    };
    for _ in 0..kills() {
        let _ = std::fs::remove_file(scene.path("b"));
        kill_at(scene, &option(&["a", "b"]), 1 + numbers.below(right.len() as u64 * 2 / 3), Duration::from_secs(20));
        let there = std::fs::read(scene.path("b")).unwrap_or_default();
        partial += usize::from((1..right.len()).contains(&there.len()));
        assert!(right.starts_with(&there), "what is there is the source's ({})", engine.name());
        if numbers.below(2) == 0 {
            // And killed again: while it compares, or while it goes on.
            let patience = Duration::from_micros(numbers.below(40_000));
            kill_at(scene, &option(&["--resume", "a", "b"]), right.len() as u64 + 1, patience);
        }
        let outcome = scene.zccp(option(&["--resume", "a", "b"])).run();
        outcome.succeeds().stderr_is("").file_is("b", right);
    }
    partial
}

#[test]
fn a_copy_killed_at_any_moment_can_be_resumed() {
    let scene = Scene::new();
    let right = content::bytes(1, 96 * MIB + 4321);
    scene.file("a", &right);
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    let mut partial = 0;
    engines::for_each_engine(|engine| partial += kill_and_resume(&scene, engine, &right, &mut numbers));
    let all = kills() * engines::ALL.len();
    println!("{all} kills, {partial} of them left a partial file; every resumed copy is identical");
    // How many is a matter of time; that there are some makes the case one of resuming at all.
    assert!(partial * 5 >= all, "only {partial} of {all} kills left a partial file");
}

#[test]
fn on_every_file_system() {
    let right = content::bytes(2, 20 * MIB + 1);
    let mut numbers = Numbers(0xfeed_beef_1234_5671);
    for_each_filesystem(|_, scene| {
        scene.file("a", &right);
        kill_and_resume(&scene, Engine::named("read_write"), &right, &mut numbers);
    });
}

#[test]
fn a_file_with_wrong_bytes_in_it_is_mended_where_they_are() {
    for_each_filesystem(|fs, scene| {
        let right = content::bytes(3, 9 * MIB + 17);
        scene.file("a", &right);
        scene.file("b", &right[..7 * MIB]);
        let wrong = scene.open_with("b", 0);
        // A power cut: zeros in the middle. And one bit.
        wrong.write_all_at(&[0; 8192], 3 << 20).unwrap();
        wrong.write_all_at(&[right[5 * MIB] ^ 1], 5 << 20).unwrap();
        drop(wrong);
        let outcome = scene.zccp(["--resume", "--explain", "a", "b"]).run();
        outcome.succeeds().file_is("b", &right);
        let line = format!("  resumed: {} bytes compared, ", 7 * MIB);
        outcome.stderr_has(&line).stderr_has(&format!("; the copy goes on at byte {}\n", 7 * MIB));
        let block = std::fs::metadata(scene.path("b")).unwrap().blksize().clamp(512, 65536).max(512);
        let most = 8192 + block.max(4096);
        let rewritten: u64 = outcome
            .stderr_text()
            .split(&line)
            .nth(1)
            .and_then(|rest| rest.split(' ').next())
            .and_then(|number| number.parse().ok())
            .unwrap_or_else(|| outcome.fail("no number of bytes"));
        assert!((8193..=most).contains(&rewritten), "{}: {rewritten} bytes written anew", fs.name());
    });
}

#[test]
fn what_is_complete_is_read_and_not_written_to() {
    let scene = Scene::new();
    let right = content::bytes(4, 3 * MIB + 1);
    scene.file("a", &right);
    scene.file("b", &right);
    let before = std::fs::metadata(scene.path("b")).unwrap();
    let Some((outcome, trace)) = trace(&scene, &[], scene.zccp(["--resume", "a", "b"])) else { return };
    outcome.succeeds().stderr_is("");
    let after = std::fs::metadata(scene.path("b")).unwrap();
    assert_eq!((before.mtime_nsec(), before.ctime_nsec()), (after.mtime_nsec(), after.ctime_nsec()));
    let fd = trace.opened("b").unwrap();
    let wrote = ["write", "pwrite64", "ftruncate", "fallocate", "copy_file_range", "splice", "fchmod", "utimensat"];
    let touched: Vec<_> = trace.touching(fd).filter(|call| wrote.contains(&call.name.as_str())).collect();
    assert!(touched.is_empty(), "{touched:?}");
}

#[test]
fn a_longer_destination_is_cut_and_an_empty_one_filled() {
    let scene = Scene::new();
    for (source, sink) in [(100, 70_000), (0, 5), (5, 0), (0, 0), (40_000, 40_001), (1, 1)] {
        let right = content::bytes(5, source);
        scene.file("a", &right);
        scene.file("b", &content::bytes(6, sink));
        scene.zccp(["--resume", "a", "b"]).run().succeeds().file_is("b", &right);
    }
    scene.file("a", b"first");
    scene.zccp(["--resume", "a", "new"]).run().succeeds().file_is("new", b"first");
}

#[test]
fn holes_are_kept_made_or_filled_as_sparse_says() {
    for fs in [Fs::Ext4, Fs::Xfs, Fs::Btrfs, Fs::Tmpfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let piece = content::bytes(7, 65536);
        scene.sparse_file("a", 64 << 20, &[(0, &piece), (40 << 20, &piece)]);
        let right = scene.bytes("a");
        for (sparse, at_most, at_least) in [("auto", 4 << 20, 0), ("always", 4 << 20, 0), ("never", 1 << 40, 64 << 20)]
        {
            // Bytes of another file where the source has a hole, and cut in the middle.
            let mut partial = content::bytes(8, 30 << 20);
            partial[..65536].copy_from_slice(&piece);
            scene.file("b", &partial);
            let option = format!("--sparse={sparse}");
            scene.zccp(["--resume", &option, "a", "b"]).run().succeeds().file_is("b", &right);
            scene.zccp(["--durable", "--resume", &option, "a", "b"]).run().succeeds();
            let allocated = scene.allocated("b");
            assert!((at_least..=at_most).contains(&allocated), "{} {sparse}: {allocated} bytes", fs.name());
        }
    }
}

#[test]
fn what_cannot_be_resumed_is_said() {
    let scene = Scene::new();
    scene.file("a", b"some");
    let not_regular = |sink: &str| format!("zccp: cannot resume '{sink}': it is not a regular file\n");
    scene.zccp(["--resume", "a", "/dev/null"]).run().fails_with(1).stderr_is(&not_regular("/dev/null"));
    scene.fifo("pipe");
    let reader = scene.open_with("pipe", libc::O_NONBLOCK);
    scene.zccp(["--resume", "a", "pipe"]).run().fails_with(1).stderr_is(&not_regular("pipe"));
    drop(reader);
    // Without a reader it cannot even be opened, which is not what is wrong.
    scene.zccp(["--resume", "a", "pipe"]).run().fails_with(1).stderr_is(&not_regular("pipe"));
    scene.file("b", b"so");
    let outcome = scene.zccp(["--resume", "/dev/zero", "b"]).run();
    outcome
        .fails_with(1)
        .file_is("b", b"so")
        .stderr_is("zccp: cannot resume 'b': '/dev/zero' can be read only from its beginning, and only once\n");
    scene.zccp(["--resume", "a", "a"]).run().fails_with(1).stderr_is("zccp: 'a' and 'a' are the same file\n");
}

#[test]
fn a_partial_file_that_may_not_be_written_to_is_opened_and_stays_so() {
    if !skip::is_root() {
        return skip::skip!("only root can become somebody else");
    }
    let right = content::bytes(9, 300_000);
    for mode in [0o444, 0o400, 0o200, 0o000] {
        // Below /tmp, so that another user can get there.
        let scene = Scene::below(&std::env::temp_dir());
        scene.file("a", &right);
        scene.file("b", &right[..123_456]);
        chmod(&scene.path("a"), 0o644);
        chmod(&scene.path("b"), mode);
        chmod(&scene.path(""), 0o755);
        std::os::unix::fs::chown(scene.path("b"), Some(1234), Some(1234)).unwrap();
        let program = program_for_all(&scene);
        let outcome = scene.program(&program).arguments(["--resume", "a", "b"]).with_user(1234).run();
        outcome.succeeds().stderr_is("").file_is("b", &right);
        assert_eq!(std::fs::metadata(scene.path("b")).unwrap().mode() & 0o7777, mode, "{mode:o}");
        // Somebody else's is not.
        chmod(&scene.path("b"), 0o444);
        let outcome = scene.program(&program).arguments(["--resume", "a", "b"]).with_user(4321).run();
        outcome.fails_with(1).stderr_is("zccp: cannot create regular file 'b': Permission denied\n");
    }
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_complete_under_several_names_is_not_begun_anew() {
    let scene = Scene::new();
    let (bytes, other) = (content::bytes(12, 300_000), content::bytes(13, 300_000));
    scene.directory("from");
    let link = |from: &str, to: &str| std::fs::hard_link(scene.path(from), scene.path(to)).unwrap();
    for (name, bytes) in [("a", &bytes), ("c", &other), ("e", &bytes)] {
        scene.file(format!("from/{name}"), bytes);
    }
    link("from/a", "from/b");
    link("from/c", "from/d");
    link("from/e", "from/f");
    let inode = |name: &str| std::fs::metadata(scene.path(name)).unwrap().ino();
    let resume = || scene.zccp(["-a", "-T", "--resume", "from", "to"]).run();
    scene.zccp(["-a", "-T", "from", "to"]).run().succeeds();
    let before = inode("to/a");
    let arguments = ["-a", "-T", "--resume", "--json", "from", "to"];
    let outcome = scene.zccp(arguments).run();
    outcome.succeeds().stderr_has("\"compared\":300000,\"bytes\":0,").stderr_lacks("\"engine\"");
    assert_eq!((inode("to/a"), inode("to/b")), (before, before));
    // With a byte that differs it gives way, so that nobody else's name of it is written through; and the names are
    // those of one file again. One that is named in another directory besides gives way, and so does one that stands
    // for two files of the source.
    link("to/a", "mine");
    scene.open_with("to/c", 0).write_all_at(b"?", 299_999).unwrap();
    link("to/c", "broken");
    for name in ["to/e", "to/f"] {
        std::fs::remove_file(scene.path(name)).unwrap();
    }
    link("to/a", "to/e");
    let outcome = resume();
    outcome.succeeds().stderr_is("");
    for (name, bytes) in [("a", &bytes), ("b", &bytes), ("c", &other), ("d", &other), ("e", &bytes), ("f", &bytes)] {
        outcome.file_is(format!("to/{name}"), bytes);
    }
    let broken = std::fs::read(scene.path("broken")).unwrap();
    assert_eq!((broken.len(), broken[299_999]), (300_000, b'?'));
    for [one, other] in [["to/a", "to/b"], ["to/c", "to/d"], ["to/e", "to/f"]] {
        assert_eq!(inode(one), inode(other), "{one} and {other}");
    }
    assert!(![inode("to/a"), inode("to/e")].contains(&inode("mine")));
    assert_ne!(inode("to/a"), inode("to/e"));
}

#[test]
fn a_tree_is_resumed_file_by_file() {
    let scene = Scene::new();
    scene.directory("from");
    scene.directory("from/below");
    let contents: Vec<Vec<u8>> = [0, 1, 5000, 100_000, 3 * MIB].into_iter().map(|n| content::bytes(10, n)).collect();
    for (n, bytes) in contents.iter().enumerate() {
        scene.file(format!("from/below/{n}"), bytes);
    }
    scene.zccp(["-r", "from", "to"]).run().succeeds();
    scene.file("to/below/2", &contents[2][..100]);
    scene.file("to/below/3", &content::bytes(11, 100_001));
    scene.open_with("to/below/4", 0).write_all_at(&[0; 5000], 1 << 20).unwrap();
    let whole = std::fs::metadata(scene.path("to/below/1")).unwrap();
    let outcome = scene.zccp(["-r", "-T", "--resume", "from", "to"]).run();
    outcome.succeeds().stderr_is("");
    for (n, bytes) in contents.iter().enumerate() {
        outcome.file_is(format!("to/below/{n}"), bytes);
    }
    let after = std::fs::metadata(scene.path("to/below/1")).unwrap();
    assert_eq!((whole.ino(), whole.ctime_nsec()), (after.ino(), after.ctime_nsec()));
}

#[test]
fn calls_that_are_interrupted_or_come_short_do_no_harm() {
    let scene = Scene::new();
    let right = content::bytes(12, 2 * MIB + 5);
    scene.file("a", &right);
    for (call, number) in [("pread64", 1), ("pread64", 2), ("pwrite64", 1), ("ftruncate", 1)] {
        let mut partial = content::bytes(13, 3 * MIB);
        partial[..MIB].copy_from_slice(&right[..MIB]);
        scene.file("b", &partial);
        let Some(outcome) = with_error(&scene, &["--resume", "a", "b"], call, "EINTR", number) else { return };
        outcome.succeeds().file_is("b", &right);
    }
}

#[test]
fn errors_are_told_with_the_file_they_are_of() {
    let scene = Scene::new();
    let right = content::bytes(14, 100_000);
    scene.file("a", &right);
    for (call, number, error, text) in [
        ("pwrite64", 1, "ENOSPC", "error writing 'b': No space left on device"),
        ("pwrite64", 1, "EIO", "error writing 'b': Input/output error"),
        ("pread64", 1, "EIO", "error reading 'b': Input/output error\n"),
        ("pread64", 3, "EIO", "error reading 'a': Input/output error\n"),
        ("ftruncate", 1, "EPERM", "cannot create regular file 'b': Operation not permitted"),
    ] {
        scene.file("b", &content::bytes(15, 100_001));
        let Some(outcome) = with_error(&scene, &["--resume", "a", "b"], call, error, number) else { return };
        outcome.fails_with(1).stderr_has(&format!("zccp: {text}"));
    }
}
