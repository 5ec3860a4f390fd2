//! Calls that are refused, interrupted, cut short or end early: the right bytes all the same.

use crate::apparatus::fuse::{Faults, Mount};
use crate::apparatus::strace::inject;
use crate::apparatus::{Engine, Fs, Scene, content, for_each_engine, strace};

const LENGTH: usize = 3_000_001;

/// So long that no engine moves it in one call.
const LONG: usize = 40_000_001;

/// The call that each engine lives by, and the engine.
const CALLS: [(&str, &str); 5] = [
    ("copy_file_range", "copy_file_range"),
    ("sendfile", "sendfile"),
    ("splice", "splice"),
    ("ioctl", "reflink"),
    ("mmap", "mmap"),
];

/// Refusals: what each errno was seen from is in `transfer::verdict`.
const REFUSALS: [&str; 6] = ["ENOSYS", "EINVAL", "EXDEV", "EPERM", "EOPNOTSUPP", "EBADF"];

#[test]
fn a_refused_call_is_fallen_back_from() {
    for fs in [Fs::Ext4, Fs::Xfs] {
        let Some(scene) = Scene::on(fs) else { continue };
        let bytes = content::bytes(1, LENGTH);
        scene.file("a", &bytes);
        for (call, engine) in CALLS.into_iter().filter(|(call, _)| *call != "mmap") {
            for errno in REFUSALS {
                let _ = std::fs::remove_file(scene.path("b"));
                let list = format!("--engine={engine},read_write");
                let what = format!("{call}:error={errno}");
                let Some((outcome, trace)) = inject(&scene, &[&what], scene.zccp([&list, "a", "b"])) else { return };
                outcome.succeeds().stderr_is("").file_is("b", &bytes);
                // reflink is not even asked for on ext4, which cannot.
                let asked = trace.count(call) > 0 || (engine == "reflink" && fs == Fs::Ext4);
                assert!(asked, "{list} never called {call} on {}", fs.name());
            }
        }
    }
}

#[test]
fn the_plans_own_choice_is_fallen_back_from() {
    let all = "copy_file_range,sendfile,splice,ioctl,fallocate,fadvise64,sync_file_range";
    for fs in Fs::ALL {
        let Some(scene) = Scene::on(fs) else { continue };
        let bytes = content::bytes(1, LENGTH);
        scene.file("a", &bytes);
        for errno in ["ENOSYS", "EPERM", "EOPNOTSUPP"] {
            let what = format!("{all}:error={errno}");
            let Some((outcome, _)) = inject(&scene, &[&what], scene.zccp(["a", "b"])) else { return };
            outcome.succeeds().stderr_is("").file_is("b", &bytes);
            let Some((outcome, _)) = inject(&scene, &[&what], scene.zccat(["a"])) else { return };
            outcome.succeeds().stderr_is("").stdout_is(&bytes);
        }
    }
}

#[test]
fn a_refusal_half_way_goes_on_at_the_same_byte() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let bytes = content::bytes(1, LONG);
    scene.file("a", &bytes);
    // The name of the call is that of the engine. Of splice's calls every other one takes what the one before it brought.
    for (call, whens) in [("copy_file_range", &[2][..]), ("sendfile", &[2]), ("splice", &[2, 3])] {
        for errno in ["EINVAL", "EXDEV", "EOPNOTSUPP"] {
            for when in whens {
                let list = format!("--engine={call},read_write");
                let what = format!("{call}:error={errno}:when={when}+");
                let Some((outcome, _)) = inject(&scene, &[&what], scene.zccp([&list, "a", "b"])) else { return };
                outcome.succeeds().file_is("b", &bytes);
                if call == "copy_file_range" {
                    continue; // which is not tried into a pipe
                }
                let Some((outcome, _)) = inject(&scene, &[&what], scene.zccat([&list, "a"])) else { return };
                outcome.succeeds().stdout_is(&bytes);
            }
        }
    }
}

#[test]
fn interrupted_and_not_ready_calls_are_made_again() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let bytes = content::bytes(1, LENGTH);
    scene.file("a", &bytes);
    let a = scene.path("a");
    for_each_engine(|engine| {
        for errno in ["EINTR", "EAGAIN"] {
            for calls in [
                "read,pread64,preadv,preadv2",
                "write,pwrite64,pwritev2,sendfile,splice,copy_file_range,sendto,sendmsg",
            ] {
                // -P: only calls on the operands, or the dynamic loader's reads would fail.
                let what = format!("--inject={calls}:error={errno}:when=1+2");
                let b = scene.path("b");
                let options = [what.as_str(), "-P", a.to_str().unwrap(), "-P", b.to_str().unwrap()];
                let command = scene.zccp(engine.option_with_fallback()).arguments([&a, &b]);
                let Some((outcome, seen)) = strace::trace(&scene, &options, command) else { return };
                outcome.succeeds().stderr_is("").file_is("b", &bytes);
                assert!(calls.starts_with("read") || seen.injected() > 0, "{}: nothing was {errno}", engine.name());
            }
        }
    });
}

#[test]
fn a_real_error_of_a_read_or_a_write_is_said() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    scene.file("a", &content::bytes(1, LENGTH));
    let (a, b) = (scene.path("a"), scene.path("b"));
    for (calls, words) in
        [("read,pread64,preadv,preadv2", "error reading"), ("write,pwrite64,pwritev,pwritev2", "error writing")]
    {
        let what = format!("--inject={calls}:error=EIO:when=1+");
        let options = [what.as_str(), "-P", a.to_str().unwrap(), "-P", b.to_str().unwrap()];
        let command = scene.zccp(["--engine=read_write"]).arguments([&a, &b]);
        let Some((outcome, _)) = strace::trace(&scene, &options, command) else { return };
        outcome.fails_with(1).stderr_has(words).stderr_has("Input/output error");
    }
}

#[test]
fn a_real_error_is_not_fallen_back_from() {
    // The disk's, of a clone at once, of the others once they have moved something (`transfer::verdict`).
    for (call, engine, when, fs) in [
        ("ioctl", "reflink", 1, Fs::Xfs),
        ("copy_file_range", "copy_file_range", 2, Fs::Ext4),
        ("sendfile", "sendfile", 2, Fs::Ext4),
        ("splice", "splice", 5, Fs::Ext4),
    ] {
        let Some(scene) = Scene::on(fs) else { continue };
        scene.file("a", &content::bytes(1, LONG));
        let list = format!("--engine={engine},read_write");
        let what = format!("{call}:error=EIO:when={when}+");
        let Some((outcome, trace)) = inject(&scene, &[&what], scene.zccp([&list, "a", "b"])) else { return };
        outcome.fails_with(1).stderr_has("Input/output error");
        assert_eq!(trace.count("pwrite64") + trace.count("pwritev2"), 0, "{engine} was fallen back from");
    }
}

/// A copy from a source with these faults, under every engine, into a file and into a pipe.
#[track_caller]
fn copied_all_the_same(name: &str, faults: &Faults, length: usize) {
    for_each_engine(|engine| {
        let scene = Scene::new();
        let Some(mount) = Mount::new(&scene) else { return };
        let bytes = content::bytes(1, length);
        let add = |file: &str| mount.file(file, &bytes, faults.clone());
        add("to-file");
        add("to-pipe");
        let describe = format!("{name} under {}", engine.name());
        let command = scene.zccp(engine.option_with_fallback()).arguments(["fuse/to-file", "copy"]);
        command.described_as(&describe).run().succeeds().stderr_is("").file_is("copy", &bytes);
        let command = scene.zccat(engine.option_with_fallback()).argument("fuse/to-pipe");
        command.described_as(&describe).run().succeeds().stderr_is("").stdout_is(&bytes);
    });
}

#[test]
fn short_reads_are_not_the_end() {
    // The kernel's splice and sendfile then give 1000 bytes and 0, although read goes on (seen on 6.18).
    let faults = Faults { read_at_most: Some(1000), ..Faults::default() };
    copied_all_the_same("reads of 1000", &faults, 300_001);
    copied_all_the_same("reads of 1000, sizes said to be 0", &Faults { size_says: Some(0), ..faults.clone() }, 300_001);
    copied_all_the_same("reads of 1 byte", &Faults { read_at_most: Some(1), ..faults }, 2000);
}

#[test]
fn sizes_that_lie_are_not_believed() {
    for says in [0, 1, 4096, 299_999, 300_002, 1 << 20] {
        // A size larger than the truth is a source that shrank, and that is said; nothing may be invented.
        let faults = Faults { size_says: Some(says), ..Faults::default() };
        if says <= 300_001 {
            copied_all_the_same(&format!("size said to be {says}"), &faults, 300_001);
            continue;
        }
        for_each_engine(|engine| {
            let scene = Scene::new();
            let Some(mount) = Mount::new(&scene) else { return };
            let bytes = content::bytes(1, 300_001);
            mount.file("lies", &bytes, faults.clone());
            let outcome = scene.zccp(engine.option_with_fallback()).arguments(["fuse/lies", "copy"]).run();
            outcome.file_is("copy", &bytes);
            assert!(matches!(outcome.status.code(), Some(0 | 1)), "{}: {}", engine.name(), outcome.stderr_text());
        });
    }
}

#[test]
fn an_early_zero_is_confirmed_by_a_read() {
    // The read that sendfile, splice or copy_file_range makes inside the kernel meets the zero. A zero that read(2)
    // itself gives is the end for everybody, so read_write is not here. Zeros further on are those of short reads: after
    // one the kernel gives 0 without asking again, see `short_reads_are_not_the_end`.
    for name in ["copy_file_range", "sendfile", "splice"] {
        let engine = Engine::named(name);
        let scene = Scene::new();
        let Some(mount) = Mount::new(&scene) else { return };
        let bytes = content::bytes(1, 300_001);
        mount.file("early", &bytes, Faults { zero_once_at: Some(0), ..Faults::default() });
        // copy_file_range works within one file system only.
        let target = if name == "copy_file_range" { "fuse/copy" } else { "copy" };
        scene.zccp(engine.option_with_fallback()).arguments(["fuse/early", target]).run().succeeds();
        let copied = mount.bytes("copy").unwrap_or_else(|| scene.bytes("copy"));
        assert_eq!(content::difference(&bytes, &copied), None, "{name}");
    }
}

#[test]
fn a_zero_that_the_kernel_only_claims_is_confirmed_too() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let bytes = content::bytes(1, LENGTH);
    scene.file("a", &bytes);
    for (call, engine) in [("copy_file_range", "copy_file_range"), ("sendfile", "sendfile"), ("splice", "splice")] {
        for when in ["1", "2", "1+", "2+"] {
            // strace does not make the call then, so that the zero is a true one.
            let list = format!("--engine={engine},read_write");
            let what = format!("{call}:retval=0:when={when}");
            let Some((outcome, _)) = inject(&scene, &[&what], scene.zccp([&list, "a", "b"])) else { return };
            outcome.succeeds().file_is("b", &bytes);
        }
    }
}

#[test]
fn short_writes_are_gone_on_from() {
    for_each_engine(|engine| {
        for at_most in [1000, 4095] {
            let scene = Scene::new();
            let Some(mount) = Mount::new(&scene) else { return };
            mount.created_files_have(Faults { write_at_most: Some(at_most), ..Faults::default() });
            let bytes = content::bytes(1, 300_001);
            scene.file("a", &bytes);
            let command = scene.zccp(engine.option_with_fallback()).arguments(["a", "fuse/copy"]);
            let describe = format!("writes of {at_most} under {}", engine.name());
            command.described_as(&describe).run().succeeds().stderr_is("");
            assert_eq!(content::difference(&bytes, &mount.bytes("copy").unwrap()), None, "{describe}");
        }
    });
}

#[test]
fn regular_files_without_offsets_are_read_and_written_in_order() {
    for cached in [false, true] {
        let faults = Faults { no_offsets: true, cached, ..Faults::default() };
        for length in [7, 40_000, 300_001, 12_000_000] {
            copied_all_the_same("a source that does not seek", &faults, length);
        }
        for_each_engine(|engine| {
            for (length, option) in [
                (7, None),
                (40_000, Some("--reflink=never")),
                (12_000_000, None),
                (12_000_000, Some("--sparse=always")),
            ] {
                let scene = Scene::new();
                let Some(mount) = Mount::new(&scene) else { return };
                mount.created_files_have(faults.clone());
                let mut bytes = content::bytes(1, length);
                bytes[length / 3..length / 2].fill(0);
                scene.file("a", &bytes);
                let command = scene.zccp(engine.option_with_fallback()).arguments(option).arguments(["a", "fuse/copy"]);
                let describe = format!("{length} bytes to a file that does not seek, under {}", engine.name());
                command.described_as(&describe).run().succeeds().stderr_is("");
                assert_eq!(content::difference(&bytes, &mount.bytes("copy").unwrap()), None, "{describe}");
            }
        });
    }
}

#[test]
fn a_pipe_that_cannot_be_had_is_done_without() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let bytes = content::bytes(1, LENGTH);
    scene.file("a", &bytes);
    for what in ["pipe2:error=EMFILE", "pipe2:error=ENFILE"] {
        let command = scene.zccat(["--engine=splice,read_write", "a"]);
        let Some((outcome, _)) = inject(&scene, &[what], command) else { return };
        outcome.succeeds().stdout_is(&bytes);
        let Some((outcome, _)) = inject(&scene, &[what], scene.zccat(["a"])) else { return };
        outcome.succeeds().stdout_is(&bytes);
    }
}

/// strace answers for the kernel how much the pipe holds. The calls of a page each would be 256 for a MiB, where read and
/// write take 4; what the user asks for by name is done all the same.
#[test]
fn a_pipe_of_a_page_is_not_worth_splicing_through() {
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let bytes = content::bytes(1, 1 << 20);
    scene.file("a", &bytes);
    let spliced = |options: &[&str], held: &[&str]| {
        let command = scene.zccp(options).arguments(["a", "b"]);
        let (outcome, trace) = inject(&scene, held, command)?;
        outcome.succeeds().stderr_is("").file_is("b", &bytes);
        std::fs::remove_file(scene.path("b")).unwrap();
        Some(trace.count("splice"))
    };
    let (a_page, as_it_is) = (&["fcntl:retval=4096"][..], &[][..]);
    for (options, held, is_spliced) in
        [(&[][..], as_it_is, true), (&[], a_page, false), (&["--engine=splice"], a_page, true)]
    {
        let Some(spliced) = spliced(options, held) else { return };
        assert_eq!(spliced > 0, is_spliced, "{options:?} {held:?}: {spliced} calls");
    }
}
