//! Signals: a status line on SIGUSR1, and a tidy end by the very signal that came.

use crate::apparatus::{Scene, content, sockets};
use rustix::process::Signal;
use std::fs::File;
use std::io::{Read, Write};

#[test]
fn sigusr1_prints_a_line_each_time_and_disturbs_nothing() {
    let scene = Scene::new();
    let bytes = content::bytes(1, 3_000_000);
    let (read, write) = sockets::pipe();
    let running = scene.zccp(["/dev/stdin", "out"]).stdin_from(read).spawn();
    let mut from = File::from(write);
    for piece in bytes.chunks(1_000_000) {
        from.write_all(piece).unwrap();
        let arrived =
            || std::fs::metadata(scene.path("out")).is_ok_and(|out| out.len() % 1_000_000 == 0 && out.len() > 0);
        running.wait_until("copied a piece", || arrived() && running.is_asleep());
        running.signal(Signal::USR1);
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    drop(from);
    let outcome = running.finish();
    outcome.succeeds().file_is("out", &bytes);
    let said = outcome.stderr_text();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 3, "{said}");
    assert!(lines[0].starts_with("zccp: 1000000 bytes (976 KiB) copied, 0."), "{said}");
    assert!(
        lines[2].starts_with("zccp: 3000000 bytes (2.8 MiB) copied, ") && lines[2].ends_with("/s: /dev/stdin"),
        "{said}"
    );
}

#[test]
fn sigusr1_under_every_engine_loses_no_byte() {
    crate::apparatus::engines::for_each_engine(|engine| {
        let scene = Scene::new();
        let bytes = content::bytes(2, 64 << 20);
        scene.file("a", &bytes);
        let running = scene.zccp(engine.option_with_fallback()).arguments(["a", "b"]).spawn();
        while running.is_running() {
            // Not before it has exec'd and is prepared: the default action of SIGUSR1 is to end the program.
            if std::fs::metadata(scene.path("b")).is_ok() {
                running.signal(Signal::USR1);
            }
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
        running.finish().succeeds().file_is("b", &bytes);
    });
}

#[test]
fn the_end_is_by_the_signal_that_came_and_is_told() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        for (called, said) in [("zccp", "zccp: interrupted at 9 B; what was copied stays\n"), ("cp", "")] {
            let scene = Scene::new();
            let (read, write) = sockets::pipe();
            let running = scene.zccp(["/dev/stdin", "out"]).called(called).stdin_from(read).spawn();
            File::from(write.try_clone().unwrap()).write_all(b"some text").unwrap();
            let arrived = || std::fs::read(scene.path("out")).is_ok_and(|out| out == b"some text");
            running.wait_until("copied it", || arrived() && running.is_asleep());
            running.signal(signal);
            running.finish().dies_of(signal.as_raw()).stderr_is(said).file_is("out", b"some text");
            drop(write);
        }
        let scene = Scene::new();
        let (read, write) = sockets::pipe();
        let running = scene.zccp(["-q", "/dev/stdin", "out"]).stdin_from(read).spawn();
        File::from(write.try_clone().unwrap()).write_all(b"x").unwrap();
        running.wait_until("begun", || scene.path("out").exists());
        running.signal(signal);
        running.finish().dies_of(signal.as_raw()).stderr_is("");
    }
}

#[test]
fn who_is_stuck_in_a_write_ends_all_the_same() {
    crate::apparatus::engines::for_each_engine(|engine| {
        let scene = Scene::new();
        scene.file("a", &content::bytes(1, 1 << 20));
        let (read, write) = sockets::pipe();
        let running =
            scene.zccp(engine.option_with_fallback()).arguments(["a", "/dev/stdout"]).stdout_to(write).spawn();
        running.wait_until("filled the pipe", || rustix::io::ioctl_fionread(&read).is_ok_and(|bytes| bytes >= 65_536));
        running.signal(Signal::TERM);
        running.finish().dies_of(libc::SIGTERM).stderr_has("zccp: interrupted at ");
        let mut taken = Vec::new();
        File::from(read).read_to_end(&mut taken).unwrap();
    });
}

#[test]
fn what_was_ignored_at_the_start_stays_ignored() {
    let scene = Scene::new();
    let (read, write) = sockets::pipe();
    let running = scene.shell("trap '' INT HUP TERM USR1; exec \"$ZCCP\" /dev/stdin out").stdin_from(read).spawn();
    let mut from = File::from(write);
    from.write_all(b"before ").unwrap();
    running.wait_until("begun", || scene.path("out").exists());
    for signal in [Signal::INT, Signal::HUP, Signal::TERM, Signal::USR1] {
        running.signal(signal);
    }
    from.write_all(b"after").unwrap();
    drop(from);
    running.finish().succeeds().stderr_is("").file_is("out", b"before after");
}

#[test]
fn a_socket_that_was_made_to_listen_on_goes_with_the_signal() {
    let scene = Scene::new();
    for signal in ASK_TO_END {
        let running = scene.zccat(["--listen=unix:socket"]).spawn();
        // The name is noted right after it is made; who sleeps has done both.
        running.wait_until("listening", || scene.path("socket").exists() && running.is_asleep());
        running.signal(signal);
        running.finish().dies_of(signal.as_raw()).stderr_is("").no_file("socket");
    }
}

/// The default action of all of them is to end the program, and somebody else may send them (signal(7)).
pub const ASK_TO_END: [Signal; 10] = [
    Signal::HUP,
    Signal::INT,
    Signal::QUIT,
    Signal::TERM,
    Signal::ALARM,
    Signal::USR2,
    Signal::XCPU,
    Signal::VTALARM,
    Signal::PROF,
    Signal::IO,
];
