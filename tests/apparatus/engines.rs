//! All engines and "chosen by the plan", so that a case is written once and runs under each.

use super::content;
use super::running::Outcome;

/// One way to run a case: with `--engine=NAME`, or with the plan's own choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Engine(Option<&'static str>);

/// The plan's own choice.
pub const CHOSEN: Engine = Engine(None);

/// Every engine, and the plan's own choice last.
pub const ALL: [Engine; 8] = [
    Engine(Some("reflink")),
    Engine(Some("copy_file_range")),
    Engine(Some("sendfile")),
    Engine(Some("splice")),
    Engine(Some("zerocopy")),
    Engine(Some("mmap")),
    Engine(Some("read_write")),
    CHOSEN,
];

impl Engine {
    /// The engine of that name.
    pub fn named(name: &str) -> Engine {
        ALL.into_iter().find(|e| e.0 == Some(name)).unwrap_or_else(|| panic!("no engine is called {name}"))
    }

    /// The name given to `--engine`; "chosen" where none is given.
    pub fn name(self) -> &'static str {
        self.0.unwrap_or("chosen")
    }

    /// Whether one engine is forced.
    pub fn forced(self) -> bool {
        self.0.is_some()
    }

    /// The option for the command line: `--engine=NAME`, or nothing.
    pub fn option(self) -> Option<String> {
        self.0.map(|name| format!("--engine={name}"))
    }

    /// The option for a list that falls back to read and write: `--engine=NAME,read_write`, or nothing.
    pub fn option_with_fallback(self) -> Option<String> {
        self.0.map(|name| {
            if name == "read_write" { format!("--engine={name}") } else { format!("--engine={name},read_write") }
        })
    }
}

/// What a run under an engine has to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The right bytes and status 0.
    Must,
    /// Either the right bytes and status 0, or status 1, the engine named on standard error, and no wrong byte.
    May,
    /// Status 1, the engine named on standard error, and no wrong byte: the kernel cannot do this, so a success would
    /// be another engine's in disguise.
    Cannot,
}

/// Runs `case` under every engine and under the plan's own choice.
pub fn for_each_engine(mut case: impl FnMut(Engine)) {
    for engine in ALL {
        case(engine);
    }
}

/// Holds what came of a run under `engine` against what had to: `delivered` is what reached the sink, `expected` what
/// the source holds.
#[track_caller]
pub fn judge(engine: Engine, verdict: Verdict, outcome: &Outcome, delivered: &[u8], expected: &[u8]) {
    let verdict = if engine.forced() { verdict } else { Verdict::Must };
    if verdict == Verdict::Must || (verdict == Verdict::May && outcome.succeeded()) {
        outcome.succeeds();
        if let Some(diff) = content::difference(expected, delivered) {
            outcome.fail(&format!("the sink does not hold what the source holds: {diff}"));
        }
        return;
    }
    outcome.fails_with(1);
    outcome.stderr_has(engine.name()).stderr_has("cannot");
    if !expected.starts_with(delivered) {
        let diff = content::difference(expected, delivered).unwrap_or_default();
        outcome.fail(&format!("it failed, and left bytes that are not the source's: {diff}"));
    }
}
