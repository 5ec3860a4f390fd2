//! One case for each defect that was found by attack: the line on top says what went wrong.

use crate::apparatus::block::LoopDevice;
use crate::apparatus::{Fs, Scene, content, filesystems, skip, strace};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// A small file system of its own, made in an image below a scene and unmounted at the end.
struct Disk {
    place: PathBuf,
    image: PathBuf,
}

impl Disk {
    /// `None`, and the test skipped by name, where it cannot be had.
    fn new(scene: &Scene, kind: &str, size: u64) -> Option<Disk> {
        let (place, image) = (scene.directory("disk"), scene.path("image"));
        let disk = Disk { place, image };
        let made = (|| {
            filesystems::may_mount()?;
            File::create(&disk.image).and_then(|file| file.set_len(size)).map_err(|error| error.to_string())?;
            let options: &[&str] = if kind == "xfs" { &["-q", "-f"] } else { &["-q", "-F", "-b", "4096"] };
            let mkfs = format!("mkfs.{kind}");
            let made = std::process::Command::new(&mkfs).args(options).arg(&disk.image).output();
            made.map_err(|error| format!("{mkfs}: {error}"))?;
            disk.mount(kind)
        })();
        match made {
            Ok(()) => Some(disk),
            Err(reason) => {
                skip::skip!(reason);
                None
            }
        }
    }

    fn mount(&self, kind: &str) -> Result<(), String> {
        let device = LoopDevice::over(&self.image)?;
        filesystems::mount(&device.path.to_string_lossy(), &self.place, kind, "")
    }

    fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.place.join(Path::new(name.as_ref()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        filesystems::unmount(&self.place);
    }
}

/// A read cut short by a bad block was taken for the end of the file: EIO was never seen, and half a file was exit 0.
#[test]
fn a_bad_block_in_the_middle_is_an_error_and_not_the_end() {
    for kind in ["ext4", "xfs"] {
        let scene = Scene::new();
        let Some(disk) = Disk::new(&scene, kind, 400 << 20) else { return };
        let bytes = content::bytes(1, 1_000_000);
        std::fs::write(disk.path("f"), &bytes).unwrap();
        rustix::fs::syncfs(File::open(disk.path("f")).unwrap()).unwrap();
        // The file's blocks are found in the image by their content.
        let image = File::open(&disk.image).unwrap();
        let first = (0..(400 << 20) / 4096u64)
            .map(|block| block * 4096)
            .find(|at| {
                let mut block = [0; 4096];
                image.read_exact_at(&mut block, *at).unwrap();
                block == bytes[..4096]
            })
            .expect("the file's first block");
        // Not mounted again, so that nothing has to be read there but the file: only its pages are dropped.
        rustix::fs::fadvise(File::open(disk.path("f")).unwrap(), 0, None, rustix::fs::Advice::DontNeed).unwrap();
        File::options().write(true).open(&disk.image).unwrap().set_len(first + 75 * 4096).unwrap();
        let source = disk.path("f");
        let outcome = scene.zccp([source.as_os_str(), OsStr::new("g")]).run();
        outcome.fails_with(1).stderr_has("error reading").stderr_has("Input/output error");
        assert!(bytes.starts_with(&scene.bytes("g")), "{kind}");
        let outcome = scene.zccat(["--engine=read_write".as_ref(), source.as_os_str()]).run();
        outcome.fails_with(1).stderr_has("Input/output error");
        assert!(bytes.starts_with(&outcome.stdout), "{kind}");
    }
}

/// On a full xfs the question whether there is room cut the file that was to be appended to, or written into, to nothing.
#[test]
fn a_file_that_is_not_ours_is_not_cut_to_find_out_whether_there_is_room() {
    let scene = Scene::new();
    let Some(disk) = Disk::new(&scene, "xfs", 320 << 20) else { return };
    scene.sparse_file("a", 400 << 20, &[]);
    let old = content::bytes(1, 50_000);
    for redirection in [">>", "1<>"] {
        let log = disk.path("log");
        std::fs::write(&log, &old).unwrap();
        let outcome = scene.shell(&format!("$ZCCAT a {redirection} disk/log")).run();
        outcome.fails_with(1).stderr_has("No space left on device");
        let mut now = vec![0; old.len()];
        File::open(&log).unwrap().read_exact(&mut now).unwrap();
        // `1<>` begins at byte 0, so there the zeros have taken the place of what was there.
        assert!(now == if redirection == ">>" { old.clone() } else { vec![0; old.len()] }, "{redirection}");
        std::fs::remove_file(&log).unwrap();
    }
}

/// Blocks that are written over were counted as needed: `1<>file` on a full disk was refused, as GNU cat does not.
#[test]
fn writing_over_what_is_there_needs_no_room() {
    for kind in ["ext4", "xfs"] {
        let scene = Scene::new();
        let Some(disk) = Disk::new(&scene, kind, 320 << 20) else { return };
        let bytes = content::bytes(2, 200 << 20);
        scene.file("a", &bytes);
        std::fs::write(disk.path("f"), vec![7; 200 << 20]).unwrap();
        rustix::fs::syncfs(File::open(disk.path("f")).unwrap()).unwrap();
        scene.shell("$ZCCAT a 1<>disk/f").run().succeeds().file_is(disk.path("f"), &bytes);
    }
}

/// sendfile writes at the sink's file offset; the look whether so large a file can be had had moved it, so the first
/// bytes went to the end, with exit 0.
#[test]
fn sendfile_begins_at_the_beginning_of_a_file_of_more_than_two_gibibytes() {
    let scene = Scene::new();
    let piece = content::bytes(1, 65536);
    let size = (2u64 << 30) + (1 << 20);
    scene.sparse_file("a", size, &[(0, &piece)]);
    scene.zccp(["--engine=sendfile", "a", "b"]).run().succeeds();
    let copy = scene.open("b");
    let mut first = vec![0; piece.len()];
    copy.read_exact_at(&mut first, 0).unwrap();
    assert!(first == piece);
    assert_eq!(copy.metadata().unwrap().len(), size);
}

/// A clone into a longer file (`1<>file`) was told as long as that file, and what came next went behind its end.
#[test]
fn what_follows_a_file_written_into_a_longer_one_follows_it() {
    for fs in [Fs::Xfs, Fs::Btrfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let bytes = content::bytes(1, 65536);
        scene.file("a", &bytes);
        scene.file("b", &[b'-'; 1 << 20]);
        scene.shell("{ $ZCCAT a; echo X; } 1<>b").run().succeeds();
        let expected = [&bytes[..], b"X\n", &vec![b'-'; (1 << 20) - 65538]].concat();
        assert!(scene.bytes("b") == expected, "{}", fs.name());
    }
}

/// A FIFO opened without waiting has no writer yet, which read(2) calls the end: a new file of 0 bytes, with exit 0.
#[test]
fn a_fifo_waits_for_its_writer_where_the_destination_is_new_too() {
    for existing in [false, true] {
        let scene = Scene::new();
        let fifo = scene.fifo("p");
        if existing {
            scene.file("b", b"old");
        }
        let running = scene.zccp(["p", "b"]).spawn();
        let mut writer = None;
        running.wait_until("the FIFO is read", || {
            let opened = File::options().write(true).custom_flags(libc::O_NONBLOCK).open(&fifo);
            writer = opened.ok();
            writer.is_some()
        });
        writer.unwrap().write_all(b"new").unwrap();
        running.finish().succeeds().file_is(scene.path("b"), b"new");
    }
}

/// A writer that had been waiting wrote and went while the FIFO was opened a second time, which then waited for ever.
#[test]
fn a_writer_that_waits_for_us_may_write_and_go_at_once() {
    let scene = Scene::new();
    let fifo = scene.fifo("p");
    scene.file("b", b"old");
    let writer = std::thread::spawn(move || std::fs::write(fifo, b"new").unwrap());
    // Every open takes its time, so the writer has gone before a second one could be made.
    let slowly = ["--inject=open,openat:delay_enter=100000"];
    let Some((outcome, _)) = strace::trace(&scene, &slowly, scene.zccp(["p", "b"])) else { return };
    outcome.succeeds().file_is(scene.path("b"), b"new");
    writer.join().unwrap();
}

/// `cp /dev/null stamp` did not move the times of an empty stamp.
#[test]
fn an_empty_file_is_cut_like_any_other() {
    let scene = Scene::new();
    let stamp = File::create(scene.file("stamp", b"")).unwrap();
    scene.file("empty", b"");
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    for source in ["/dev/null", "empty"] {
        stamp.set_modified(long_ago).unwrap();
        scene.zccp([source, "stamp"]).run().succeeds();
        assert_ne!(stamp.metadata().unwrap().modified().unwrap(), long_ago, "{source}");
    }
}

/// The second of two hard links was taken for the first one given twice: it was not copied, with exit 0.
#[test]
fn hard_links_are_copied_under_each_of_their_names() {
    let scene = Scene::new();
    scene.directory("d");
    scene.file("a", b"a");
    std::fs::hard_link(scene.path("a"), scene.path("b")).unwrap();
    let outcome = scene.zccp(["a", "b", "./b", "d"]).run();
    outcome.succeeds().stderr_is("zccp: warning: source file './b' specified more than once\n");
    outcome.file_is(scene.path("d/a"), b"a").file_is(scene.path("d/b"), b"a");
}

/// What had been overwritten in this run was overwritten once more by the next source of that name, with exit 0.
#[test]
fn what_this_run_has_overwritten_is_not_overwritten_again() {
    let scene = Scene::new();
    for directory in ["s", "t", "d", "l"] {
        scene.directory(directory);
    }
    scene.file("s/f", b"s");
    scene.file("t/f", b"t");
    scene.file("d/f", b"old");
    let outcome = scene.zccp(["s/f", "t/f", "d"]).run();
    outcome.fails_with(1).stderr_is("zccp: will not overwrite just-created 'd/f' with 't/f'\n");
    outcome.file_is(scene.path("d/f"), b"s");
    scene.file("target", b"old");
    scene.symlink("../target", "l/f");
    let outcome = scene.zccp(["s/f", "t/f", "l"]).run();
    outcome.fails_with(1).stderr_is("zccp: will not copy 't/f' through just-created symlink 'l/f'\n");
    outcome.file_is(scene.path("target"), b"s");
}

/// A link that had been copied in this run was in the way of the next source of its name where it led to a file with several
/// names (-d), and not where it led to itself (-f). GNU cp replaces the first and refuses the second.
#[test]
fn what_gives_way_to_a_just_created_link_is_as_by_gnu() {
    let scene = Scene::new();
    for directory in ["s", "t", "d"] {
        scene.directory(directory);
    }
    for name in ["f", "g", "other"] {
        scene.file(format!("s/{name}"), name.as_bytes());
    }
    std::fs::hard_link(scene.path("s/other"), scene.path("d/x")).unwrap();
    scene.symlink("../d/x", "t/f");
    scene.symlink("../d/g", "t/g");
    let outcome = scene.zccp(["-d", "t/f", "s/f", "d"]).run();
    outcome.succeeds().stderr_is("").file_is("d/f", b"f").file_is("d/x", b"other");
    let outcome = scene.zccp(["-Pf", "t/g", "s/g", "d"]).run();
    outcome.fails_with(1).stderr_is("zccp: will not copy 's/g' through just-created symlink 'd/g'\n");
    assert_eq!(std::fs::read_link(scene.path("d/g")).unwrap().to_str(), Some("../d/g"));
}

/// GNU cp ends where it comes upon an absolute name for the second time, and what follows is not copied.
#[test]
fn an_absolute_name_given_twice_with_backups_stops_nothing_else() {
    let scene = Scene::new();
    scene.directory("n");
    let [a, b] = ["a", "b"].map(|name| scene.file(name, name.as_bytes()));
    let outcome = scene.zccp(["--parents", "--backup=simple"]).arguments([&a, &a, &b]).argument("n").run();
    let name = a.display();
    outcome.fails_with(1).stderr_is(&format!("zccp: will not overwrite just-created 'n{name}' with '{name}'\n"));
    outcome.file_is(scene.path("n").join(b.strip_prefix("/").unwrap()), b"b");
}

/// Small files went through a buffer on the stack, and O_DIRECT wants aligned memory: EINVAL at either end.
#[test]
fn small_files_pass_descriptors_with_o_direct() {
    for fs in [Fs::Ext4, Fs::Xfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let bytes = content::bytes(1, 3 * 4096);
        scene.file("a", &bytes);
        let none: [&str; 0] = [];
        scene.zccat(none).stdin_from(scene.open_with("a", libc::O_DIRECT)).run().succeeds().stdout_is(&bytes);
        let outcome = scene.zccat(["a"]).stdout_to(scene.open_with("b", libc::O_DIRECT)).run();
        outcome.succeeds().file_is(scene.path("b"), &bytes);
    }
}

/// What ext4 had allocated before it said that the disk is full stayed with a file of 0 bytes.
#[test]
fn nothing_stays_allocated_to_a_file_that_did_not_fit() {
    let scene = Scene::new();
    let Some(disk) = Disk::new(&scene, "ext4", 400 << 20) else { return };
    let free = || rustix::fs::statvfs(&disk.place).unwrap().f_bfree * 4096;
    File::create(disk.path("fill")).unwrap().write_all(&vec![7; free() as usize - (50 << 20)]).unwrap();
    rustix::fs::syncfs(File::open(disk.path("fill")).unwrap()).unwrap();
    // As large as what statfs calls free to root, of which ext4 keeps a little for itself.
    File::create(scene.path("a")).unwrap().write_all(&vec![7; free() as usize]).unwrap();
    let outcome = scene.zccp(["a", "disk/b"]).run();
    outcome.fails_with(1).stderr_has("error writing 'disk/b': No space left on device");
    let left = std::fs::metadata(disk.path("b")).unwrap();
    assert!(left.blocks() * 512 <= left.len(), "{} bytes, {} allocated", left.len(), left.blocks() * 512);
}

/// Data appended to a sparse file between two questions about its end was copied as a hole.
#[test]
fn what_is_appended_to_a_sparse_file_is_no_hole() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let (hole, end) = (960 << 10, 1 << 20);
    let path = scene.sparse_file("a", end, &[(hole, &[b'+'; 64 << 10])]);
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let log = std::thread::spawn(move || {
        let mut file = File::options().append(true).open(path).unwrap();
        while !stopped.load(Ordering::Relaxed) {
            file.write_all(&[b'+'; 100]).unwrap();
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    // Each fstat takes its time, so that the file is another one by then; but not for ever, since a source that does not stop
    // changing is looked at very often (`engine::watch`).
    let copied = strace::trace(&scene, &["--inject=fstat:delay_enter=200000:when=1..16"], scene.zccp(["a", "b"]));
    stop.store(true, Ordering::Relaxed);
    log.join().unwrap();
    let Some((outcome, _)) = copied else { return };
    outcome.succeeds();
    let copy = scene.bytes("b");
    assert!(copy.len() as u64 >= end);
    assert_eq!(copy.iter().skip(hole as usize).position(|byte| *byte != b'+'), None);
}

/// EINTR and EAGAIN of the write into the private pipe had the pipe closed, and the same write made again said EBADF.
#[test]
fn an_interrupted_write_from_a_mapping_is_made_again() {
    let scene = Scene::new();
    let bytes = content::bytes(1, 3_000_000);
    scene.file("a", &bytes);
    for errno in ["EINTR", "EAGAIN"] {
        let refused = format!("write:error={errno}:when=1..9+2");
        let command = scene.zccat(["--engine=mmap", "a"]);
        let Some((outcome, trace)) = strace::inject(&scene, &[&refused], command) else { return };
        outcome.succeeds().stdout_is(&bytes);
        assert!(trace.injected() > 1);
    }
}

/// EINTR of ftruncate ended a copy.
#[test]
fn an_interrupted_ftruncate_is_made_again() {
    let scene = Scene::new();
    scene.sparse_file("a", 1 << 20, &[]);
    scene.file("b", b"old");
    let interrupted = ["ftruncate:error=EINTR:when=1+2"];
    let Some((outcome, trace)) = strace::inject(&scene, &interrupted, scene.zccp(["a", "b"])) else { return };
    outcome.succeeds().file_is(scene.path("b"), &[0; 1 << 20]);
    assert!(trace.injected() > 1);
}

/// --sparse=always was accepted and ignored where another engine than read_write was asked for.
#[test]
fn sparse_always_is_not_ignored_by_an_engine_that_does_not_look() {
    let scene = Scene::new();
    scene.file("a", &[0; 1 << 20]);
    for engine in ["copy_file_range", "sendfile", "splice", "mmap"] {
        let asked = format!("--engine={engine}");
        let outcome = scene.zccp([&asked, "--sparse=always", "a", "b"]).run();
        let sentence = format!("zccp: {engine} cannot copy 'a' to 'b': --sparse=always has every byte looked at\n");
        outcome.fails_with(1).stderr_is(&sentence).no_file(scene.path("b"));
        let asked = format!("{asked},read_write");
        scene.zccp([&asked, "--sparse=always", "a", "b"]).run().succeeds().file_is(scene.path("b"), &[0; 1 << 20]);
        assert_eq!(scene.allocated("b"), 0, "{engine}");
        std::fs::remove_file(scene.path("b")).unwrap();
    }
}

/// With --reflink=always a refusal met on one file was taken for the next one's, untried, although layers of an overlay
/// differ; and of a source that is no regular file a page of reasons was given instead of FICLONE's.
#[test]
fn every_file_that_must_be_cloned_is_tried() {
    let Some(scene) = Scene::on(Fs::Xfs) else { return };
    let bytes = content::bytes(1, 100_000);
    scene.file("a", &bytes);
    scene.file("b", &bytes);
    scene.directory("d");
    for must in ["--reflink=always", "--engine=reflink"] {
        let copy = scene.zccp([must, "a", "b", "d"]);
        let Some((outcome, _)) = strace::inject(&scene, &["ioctl:error=EOPNOTSUPP:when=1"], copy) else { return };
        outcome.fails_with(1).no_file(scene.path("d/a")).file_is(scene.path("d/b"), &bytes);
        std::fs::remove_file(scene.path("d/b")).unwrap();
    }
    let outcome = scene.zccp(["--reflink=always", "/dev/null", "c"]).run();
    outcome.fails_with(1).stderr_is("zccp: failed to clone 'c' from '/dev/null': Invalid cross-device link\n");
    outcome.no_file(scene.path("c"));
}

/// --explain repeated the number of threads for each extent of a sparse file.
#[test]
fn what_was_seen_more_than_once_is_told_once() {
    let scene = Scene::new();
    let piece = content::bytes(1, 9 << 20);
    scene.sparse_file("a", 64 << 20, &[(0, &piece), (20 << 20, &piece), (40 << 20, &piece)]);
    let outcome = scene.zccp(["--engine=read_write", "--explain", "a", "b"]).run();
    outcome.succeeds();
    assert_eq!(outcome.stderr_text().matches("    2 threads\n").count(), 1, "{}", outcome.stderr_text());
}

/// What xfs allocates on speculation behind the end of a growing file stayed in the holes of the copy.
#[test]
fn holes_are_not_allocated_on_xfs_either() {
    let Some(scene) = Scene::on(Fs::Xfs) else { return };
    let piece = content::bytes(1, 3 << 20);
    let pieces = [(0, &piece[..100_000]), (10 << 20, &piece), (20 << 20, &piece[..1])];
    scene.sparse_file("a", (40 << 20) + 1, &pieces);
    for option in ["--sparse=auto", "--sparse=always", "--engine=splice", "--engine=mmap", "--engine=sendfile"] {
        scene.zccp(["--reflink=never", option, "a", "b"]).run().succeeds().file_is(scene.path("b"), &scene.bytes("a"));
        let (source, copy) = (scene.allocated("a"), scene.allocated("b"));
        assert!(copy <= source + 65536, "{option}: {copy} allocated, {source} in the source");
    }
}

/// --sparse=never was called --reflink=never, which nobody had said.
#[test]
fn an_option_that_was_not_given_is_not_to_blame_alone() {
    let scene = Scene::new();
    scene.file("a", b"a");
    let outcome = scene.zccp(["--engine=copy_file_range", "--sparse=never", "a", "b"]).run();
    outcome.fails_with(1).stderr_has("--sparse=never");
}

/// Files of /proc that are made as they are read take no pwrite (ESPIPE), and `cp FILE /proc/PID/uid_map` failed.
#[test]
fn files_of_proc_that_take_no_offset_are_written() {
    if !skip::is_root() {
        return skip::skip!("timerslack_ns of another process is root's to write");
    }
    let scene = Scene::new();
    let mut sleeper = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    let slack = format!("/proc/{}/timerslack_ns", sleeper.id());
    let mut written = Vec::new();
    for (engine, value) in
        [None, Some("--engine=read_write"), Some("--engine=mmap,splice,read_write")].into_iter().zip(60_001..)
    {
        scene.file("value", format!("{value}\n").as_bytes());
        let outcome = scene.zccp(engine).arguments(["value", slack.as_str()]).run();
        written.push((outcome, value, std::fs::read_to_string(&slack).unwrap()));
    }
    sleeper.kill().unwrap();
    sleeper.wait().unwrap();
    for (outcome, value, now) in written {
        outcome.succeeds().stderr_is("");
        assert_eq!(now, format!("{value}\n"));
    }
}
