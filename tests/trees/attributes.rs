//! Attributes that cannot be read or set, and those of what can only be had as a place, whichever worker is at it.

use super::{plant, same_trees};
use crate::apparatus::strace::{Call, inject, trace};
use crate::apparatus::{Fs, Scene, skip};
use std::os::unix::fs::PermissionsExt as _;

/// The sentences are those of GNU cp 9.10, seen by the same injection.
#[test]
fn what_is_said_of_permissions_tells_why_they_were_set() {
    let calls = &["fchmod,fchmodat,chmod:error=EPERM"][..];
    for (options, operand, said) in [
        (
            &["-r", "--no-preserve=mode"][..],
            "it's",
            &["setting permissions for 'n/it\\'s/f'", "setting permissions for 'n/it\\'s'"][..],
        ),
        (&["-r", "-p"], "it's", &["preserving permissions for 'n/it\\'s/f'", "preserving permissions for 'n/it\\'s'"]),
        (
            &["-r", "--preserve=ownership"],
            "it's",
            &["preserving permissions for \"n/it's/f\"", "preserving permissions for \"n/it's\""],
        ),
        (
            &["--parents", "--preserve=ownership"],
            "it's/f",
            &["preserving permissions for \"n/it's/f\"", "failed to preserve permissions for \"n/it's\""],
        ),
    ] {
        let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
        scene.directory("n");
        scene.directory("it's");
        scene.file("it's/f", b"f");
        let command = scene.zccp(options).arguments([operand, "n"]);
        let Some((outcome, _)) = inject(&scene, calls, command) else { return };
        let lines: String = said.iter().map(|line| format!("zccp: {line}: Operation not permitted\n")).collect();
        outcome.fails_with(1).stderr_is(&lines);
    }
}

/// The source's lists and extended attributes are read by a descriptor. Where none is to be had that is said: a FIFO whose
/// list is left out has its mask for the group's permissions.
#[test]
fn attributes_that_could_not_be_looked_for_are_missed() {
    for (options, operand, name, said) in [
        (&["-r", "-p", "-j1"][..], "s", "p", "preserving permissions for 'n/s/p'"),
        (&["-a", "--preserve=xattr", "-j1"], "s", "l", "listing attributes of 's/l'"),
        (&["-p", "--parents"], "s/f", "s", "preserving permissions for 'n/s'"),
    ] {
        let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
        scene.directory("s");
        scene.directory("n");
        scene.file("s/f", b"f");
        scene.fifo("s/p");
        scene.symlink("f", "s/l");
        let command = || scene.zccp(options).arguments([operand, "n"]);
        let Some((outcome, seen)) = trace(&scene, &["-e", "trace=openat,open"], command()) else { return };
        outcome.succeeds();
        let has = |call: &Call, what: &str| call.arguments.iter().any(|argument| argument.contains(what));
        let is_place = |call: &&Call| has(call, &format!("\"{name}\"")) && has(call, "O_PATH");
        // The destination's is opened first.
        let call = &seen.calls.iter().rfind(is_place).expect("it is opened as a place").name;
        let number = seen.named(call).enumerate().filter(|(_, call)| is_place(call)).last().unwrap().0 + 1;
        std::fs::remove_dir_all(scene.path("n/s")).unwrap();
        let refused = format!("{call}:error=EMFILE:when={number}");
        let Some((outcome, _)) = inject(&scene, &[&refused], command()) else { return };
        outcome.fails_with(1).stderr_is(&format!("zccp: {said}: Too many open files\n"));
    }
}

/// The same of a directory, which is opened once more for them.
#[test]
fn a_directory_that_cannot_be_opened_again_for_its_attributes_is_named() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    scene.directory("s");
    scene.directory("s/d");
    let command = || scene.zccp(["-a", "-j1", "s", "n"]);
    let Some((outcome, seen)) = trace(&scene, &["-e", "trace=openat"], command()) else { return };
    outcome.succeeds();
    let opened = seen.calls.iter().position(|call| call.arguments[1] == "\"d\"").expect("it is opened");
    std::fs::remove_dir_all(scene.path("n")).unwrap();
    let refused = [&*format!("openat:error=EMFILE:when={}", opened + 1), "openat2:error=EMFILE:when=2+"];
    let Some((outcome, _)) = inject(&scene, &refused, command()) else { return };
    outcome.fails_with(1).stderr_is(
        "zccp: cannot access 's/d': Too many open files\n\
         zccp: preserving permissions for 'n/d': Too many open files\n",
    );
}

/// Where symbolic links are followed, a FIFO's attributes are those of the FIFO, not of the link that led to it.
#[test]
fn a_fifo_that_was_followed_has_the_attributes_of_the_fifo() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    scene.directory("s");
    scene.fifo("p");
    scene.symlink("../p", "s/l");
    let value = b"v";
    if rustix::fs::setxattr(scene.path("p"), c"trusted.t", value, rustix::fs::XattrFlags::empty()).is_err() {
        return skip::skip!("trusted attributes need root");
    }
    for options in [&["-aL"][..], &["-aH"]] {
        let (from, to) = if options == ["-aL"] { ("s", "n/l") } else { ("s/l", "m") };
        let into = if options == ["-aL"] { "n" } else { "m" };
        scene.zccp(options).arguments([from, into]).run().succeeds().stderr_is("");
        let mut there = [0; 8];
        let read = rustix::fs::lgetxattr(scene.path(to), c"trusted.t", &mut there);
        assert_eq!(read.map(|n| &there[..n]), Ok(&value[..]), "{options:?}");
    }
}

/// Workers have descriptor tables of their own, in which a number is another file than in that of the first thread: what is
/// done by the name of a descriptor in /proc is done by the right one.
#[test]
fn what_cannot_be_opened_gets_its_own_attributes_from_any_worker() {
    let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
    plant(&scene, "s", 40, 10, 300);
    let mode = |name: &str, bits| {
        std::fs::set_permissions(scene.path(name), std::fs::Permissions::from_mode(bits)).unwrap();
    };
    for directory in 0..40 {
        for number in 0..10 {
            let fifo = format!("s/d{directory:03}/p{number}");
            scene.fifo(&fifo);
            mode(&fifo, 0o600 + (directory * 10 + number) % 64);
            mode(&format!("s/d{directory:03}/f{number}"), 0o400 + (directory * 10 + number) % 256);
        }
        scene.directory(format!("s/d{directory:03}/e"));
        mode(&format!("s/d{directory:03}/e"), 0o700 + directory % 64);
        mode(&format!("s/d{directory:03}"), 0o700 + (directory * 7) % 64);
    }
    // The second time the directories are there, and are places only, and so are files that cannot be opened.
    for (options, into) in [(&["-aj4"][..], "s"), (&["-aj4"], "s/."), (&["-aj4", "--atomic"], "s/.")] {
        scene.zccp(options).arguments([into, "n"]).run().succeeds().stderr_is("");
        same_trees(&scene, "s", "n");
        for directory in (0..40).step_by(2) {
            mode(&format!("n/d{directory:03}/e"), 0o700);
            mode(&format!("n/d{directory:03}"), 0o777);
        }
    }
}

/// The link that the destination was named by is replaced by the first operand's copy, and leads to another directory then.
/// What is there has the names of what is copied next, and keeps its permissions; the copies get theirs.
#[test]
fn what_is_copied_gets_the_permissions_where_the_destination_leads_elsewhere_by_then() {
    const KEPT: [(&str, u32); 3] = [("s", 0o751), ("s/e", 0o705), ("p", 0o640)];
    for options in [&["-a"][..], &["-aj4"], &["-a", "--backup"], &["-rp"], &["-r", "--preserve=mode"]] {
        let Some(scene) = Scene::on(Fs::Tmpfs) else { return };
        let mode = |name: String, bits| {
            std::fs::set_permissions(scene.path(name), std::fs::Permissions::from_mode(bits)).unwrap();
        };
        for root in ["from", "other"] {
            ["", "/s", "/s/e"].iter().for_each(|name| _ = scene.directory(format!("{root}{name}")));
            scene.fifo(format!("{root}/p"));
        }
        KEPT.iter().for_each(|(name, bits)| {
            mode(format!("from/{name}"), *bits);
            mode(format!("other/{name}"), 0o700);
        });
        scene.symlink("other", "from/k");
        scene.symlink(".", "k");
        scene.zccp(options).arguments(["from/k", "from/s", "from/p", "k"]).run().succeeds().stderr_is("");
        let is = |name: String| scene.path(name).symlink_metadata().unwrap().permissions().mode() & 0o7777;
        for (name, bits) in KEPT {
            assert_eq!(is(name.to_owned()), bits, "{options:?} {name}");
            assert_eq!(is(format!("other/{name}")), 0o700, "{options:?} other/{name}");
        }
        assert_eq!(std::fs::read_link(scene.path("k")).unwrap().as_os_str(), "other", "{options:?}");
    }
}
