//! What somebody at the keyboard does while a copy goes on: the screens of `progress` are the other half.

use crate::apparatus::Scene;
use crate::apparatus::content;
use crate::apparatus::stick::{Kind, Stick};
use crate::apparatus::tmux::Tmux;

#[test]
fn ctrl_z_takes_the_line_away_and_it_comes_back() {
    let scene = Scene::new();
    let bytes = content::bytes(1, 12 << 20);
    scene.file("big.iso", &bytes);
    let Some(tmux) = Tmux::new(&scene, 80, 12) else { return };
    tmux.type_line("clear; \"$ZCCP\" --rate-limit=2M big.iso out");
    // 148: by SIGTSTP.
    for (says, next) in [("Stopped", "echo \"once $?\"; fg; echo \"twice $?\""), ("twice 148", "fg; echo \"ended $?\"")]
    {
        tmux.wait_for("a bar", |screen| screen.contains("%  "));
        tmux.press("C-z");
        let screen = tmux.wait_for("the shell", |screen| screen.contains(says) && screen.ends_with('$'));
        assert!(!screen.contains('%') && !screen.contains('█'), "{screen}");
        tmux.type_line(next);
    }
    let end = tmux.wait_for("the end", |screen| screen.contains("ended 0"));
    assert!(end.contains("once 148") && !end.contains('%'), "{end}");
    assert_eq!(scene.bytes("out"), bytes);
}

/// The copy is in memory long before it is on the device, and no signal interrupts fsync(2).
#[test]
fn ctrl_c_is_heard_while_the_device_is_waited_for() {
    for options in ["--durable", "--verify", "--atomic", "-r --durable"] {
        let scene = Scene::new();
        scene.file("big.iso", &content::bytes(1, 40 << 20));
        let kind = Kind { file_system: "ext4", removable: false, speed: Some(4) };
        let Some(stick) = Stick::new(&scene, kind) else { return };
        let Some(tmux) = Tmux::new(&scene, 120, 12) else { return };
        tmux.type_line(&format!("clear; \"$ZCCP\" {options} big.iso stick; echo \"status $?\""));
        tmux.wait_for("a bar", |screen| screen.contains("%  "));
        let before = stick.written();
        tmux.press("C-c");
        tmux.wait_for("its last word", |screen| {
            screen.contains("zccp: interrupted at 40.0 MiB of 40.0 MiB, before it was all on the device; ")
        });
        // Ten seconds are needed for all of it.
        let meanwhile = stick.written() - before;
        assert!(meanwhile < 20 << 20, "{options}: {meanwhile} bytes were written before it was heard");
        let screen = tmux.screen();
        assert!(!screen.contains('%') && !screen.contains('▓'), "{screen}");
        drop(tmux);
    }
}
