//! What cannot run here says so by name, where nobody can overlook it.
//!
//! A skipped case writes `SKIPPED name: reason` to the real standard error and, if `ZCCP_SKIPS` names a file, appends
//! the same line there. `.ci/run` fails if that file holds a name that is not in `tests/allowed-skips`.

use std::io::Write;

/// Reports that `name` is skipped because of `reason`. Use [`crate::apparatus::skip::skip!`].
pub fn report(name: &str, reason: &str) {
    let line = format!("SKIPPED {name}: {}\n", reason.replace('\n', " "));
    // Not eprintln!: the test harness would capture it and show it for failed tests only.
    let _ = std::io::stderr().write_all(line.as_bytes());
    if let Some(path) = std::env::var_os("ZCCP_SKIPS") {
        // One write of one line in append mode, so that tests running at once do not mix their lines.
        let mut file = std::fs::OpenOptions::new().append(true).create(true).open(path).expect("$ZCCP_SKIPS");
        file.write_all(line.as_bytes()).expect("$ZCCP_SKIPS");
    }
}

/// The name of the test that runs on this thread, as `cargo test` prints it.
pub fn current_test() -> String {
    std::thread::current().name().unwrap_or("main").to_string()
}

/// Skips the rest of the test by name: `skip!("reason")`, or `skip!("name", "reason")` for a part of one.
macro_rules! skip {
    ($reason:expr) => {
        $crate::apparatus::skip::report(&$crate::apparatus::skip::current_test(), $reason.as_ref())
    };
    ($name:expr, $reason:expr) => {
        $crate::apparatus::skip::report(&$name, $reason.as_ref())
    };
}
pub(crate) use skip;

/// Whether this process is root; mounting, loop devices and network namespaces need it.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Whether the program `name` is found in `PATH`.
pub fn has_program(name: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(name).is_file()))
}
