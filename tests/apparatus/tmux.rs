//! A real terminal: tmux, whose screen is read as a person would see it.

use super::case::{Scene, zccat, zccp};
use super::skip;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant};

/// Only against hanging.
const TIME_OUT: Duration = Duration::from_secs(30);

/// One window of one server of its own, with a shell in it; ended when dropped.
pub struct Tmux {
    socket: PathBuf,
}

impl Tmux {
    /// A window of that size in the scene's directory. `$ZCCP` and `$ZCCAT` are the programs, the prompt is `$ `.
    /// `None`, and the test skipped by name, without tmux.
    pub fn new(scene: &Scene, columns: u32, lines: u32) -> Option<Tmux> {
        if !skip::has_program("tmux") {
            skip::skip!("tmux is not installed");
            return None;
        }
        let tmux = Tmux { socket: scene.path("tmux") };
        let (columns, lines) = (columns.to_string(), lines.to_string());
        let directory = scene.path(".");
        let mut command = tmux.command(&["-f", "/dev/null", "new-session", "-d", "-x", &columns, "-y", &lines]);
        command.env("LC_ALL", "C.UTF-8").env("ZCCP", zccp()).env("ZCCAT", zccat());
        command.env_remove("TMUX").arg("-c").arg(directory).arg("PS1='$ ' exec bash --norc --noprofile");
        assert!(command.status().unwrap().success(), "tmux");
        tmux.wait_for("the shell", |screen| screen.starts_with('$'));
        Some(tmux)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("tmux");
        command.arg("-S").arg(&self.socket).args(arguments);
        command
    }

    /// Types a line and Enter.
    pub fn type_line(&self, text: &str) {
        self.type_keys(text);
        self.press("Enter");
    }

    /// Types a line, and no Enter.
    pub fn type_keys(&self, text: &str) {
        assert!(self.command(&["send-keys", "-l", text]).status().unwrap().success());
    }

    /// Presses a key by its name: `C-c`.
    pub fn press(&self, key: &str) {
        assert!(self.command(&["send-keys", key]).status().unwrap().success());
    }

    /// Makes the window that wide.
    pub fn resize(&self, columns: u32) {
        assert!(self.command(&["resize-window", "-x", &columns.to_string()]).status().unwrap().success());
    }

    /// What is on the screen now, without empty lines at the end.
    pub fn screen(&self) -> String {
        let output = self.command(&["capture-pane", "-p"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).trim_end().to_string()
    }

    /// Waits until the screen is as it should be, and gives it.
    #[track_caller]
    pub fn wait_for(&self, what: &str, mut seen: impl FnMut(&str) -> bool) -> String {
        let deadline = Instant::now() + TIME_OUT;
        loop {
            let screen = self.screen();
            if seen(&screen) {
                return screen;
            }
            assert!(Instant::now() < deadline, "{}: never seen: {what}; the screen:\n{screen}", skip::current_test());
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = self.command(&["kill-server"]).status();
    }
}
