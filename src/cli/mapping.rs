//! What clap found → the options the rooms below read: one line for each option. The rules between options are in
//! [`rules`](super::rules).

use super::Invocation;
use super::labels;
use super::peer;
use super::size;
use super::table::NO_ARGUMENT;
use super::usage::UsageError;
use crate::cat::options::{Format, Numbers};
use crate::cp::exclude::Exclude;
use crate::cp::options::{Dereference, Keep, Make, Preserve, Safety, Target, Update};
use crate::engine::{self, Name, Policy, Reflink, Sparse};
use crate::report::json;
use crate::report::watch::When;
use crate::sys::selinux;
use crate::{cat, cp};
use clap::ArgMatches;
use clap::parser::ValueSource;
use std::ffi::OsString;
use std::num::NonZero;

/// The most `--jobs`: more threads than any machine would have use for.
const MOST_JOBS: usize = 1024;

/// `zccp`'s options, before the operands and the rules between options are looked at.
///
/// # Errors
/// What GNU says of an option as soon as it sees it.
pub(super) fn zccp(matches: &ArgMatches, invocation: &Invocation) -> Result<cp::Options, UsageError> {
    let debug = matches.get_flag("debug");
    Ok(cp::Options {
        program: invocation.name().to_string_lossy().into_owned(),
        strictly_gnu: invocation.is_strictly_gnu(),
        operands: Vec::new(),
        target: target(matches)?,
        called: invocation.argv0().to_os_string(),
        ask: last(matches, &["interactive", "no-clobber"]) == Some("interactive"),
        update: update(matches),
        backup: None,
        remove_destination: matches.get_flag("remove-destination"),
        make: match (matches.get_flag("link"), matches.get_flag("symbolic-link")) {
            (true, _) => Make::HardLink,
            (false, true) => Make::SymbolicLink,
            (false, false) => Make::Copy,
        },
        dereference: dereference(matches),
        recursive: any(matches, &["recursive", "archive"]),
        copy_contents: matches.get_flag("copy-contents"),
        attributes_only: matches.get_flag("attributes-only"),
        preserve: preserve(matches),
        parents: matches.get_flag("parents"),
        exclude: exclude(matches)?,
        one_file_system: matches.get_flag("one-file-system"),
        strip_trailing_slashes: matches.get_flag("strip-trailing-slashes"),
        keep_directory_symlink: matches.get_flag("keep-directory-symlink"),
        jobs: jobs(matches)?,
        label: labels::label(matches),
        safety: Safety {
            atomic: matches.get_flag("atomic"),
            resume: matches.get_flag("resume"),
            verify: matches.get_flag("verify"),
            durable: matches.get_flag("durable"),
        },
        force: matches.get_flag("force"),
        verbose: matches.get_flag("verbose") || debug,
        debug,
        explain: matches.get_flag("explain"),
        rate_limit: size_above_zero(matches, "rate-limit")?,
        progress: progress(matches),
        quiet: matches.get_flag("quiet"),
        json: json(matches)?,
        dry_run: matches.get_flag("dry-run"),
        policy: Policy {
            engines: engines(matches),
            reflink: reflink(matches),
            sparse: sparse(matches),
            considerate: !invocation.is_strictly_gnu(),
            ..Policy::default()
        },
    })
}

/// `zccat`'s options, with its operands.
///
/// # Errors
/// What is wrong with an address or a time.
pub(super) fn zccat(
    matches: &ArgMatches,
    invocation: &Invocation,
    mut operands: Vec<OsString>,
) -> Result<cat::Options, UsageError> {
    if operands.is_empty() {
        operands.push("-".into());
    }
    let peer = peer::asked(matches)?;
    Ok(cat::Options {
        program: invocation.name().to_string_lossy().into_owned(),
        strictly_gnu: invocation.is_strictly_gnu(),
        operands,
        progress: progress(matches),
        json: json(matches)?,
        format: format(matches),
        explain: matches.get_flag("explain"),
        durable: peer::durable(matches, peer.as_ref())?,
        size: size_above_zero(matches, "size")?,
        rate_limit: size_above_zero(matches, "rate-limit")?,
        policy: Policy {
            engines: engines(matches),
            peer: peer.as_ref().map(|peer| engine::Peer { patience: peer.timeout }),
            ..Policy::default()
        },
        peer,
    })
}

fn any(matches: &ArgMatches, flags: &[&str]) -> bool {
    flags.iter().any(|flag| matches.get_flag(flag))
}

/// The last of them counts. Where there is none, a tree's links are copied as links.
fn dereference(matches: &ArgMatches) -> Dereference {
    match last(matches, &["H", "dereference", "no-dereference", "d", "archive"]) {
        Some("H") => Dereference::Operands,
        Some("dereference") => Dereference::Always,
        Some(_) => Dereference::Never,
        None if matches.get_flag("recursive") && !matches.get_flag("link") => Dereference::Never,
        None => Dereference::Always,
    }
}

/// `-d`, `-p`, `-a`, `--preserve` and `--no-preserve`, one after the other.
fn preserve(matches: &ArgMatches) -> Preserve {
    let mut steps: Vec<(usize, bool, &str)> = Vec::new();
    for (option, keeps) in [("preserve", true), ("no-preserve", false)] {
        let words = matches.get_many::<String>(option).into_iter().flatten();
        let places = matches.indices_of(option).into_iter().flatten();
        steps.extend(places.zip(words).map(|(at, word)| (at, keeps, word.as_str())));
    }
    for flag in ["d", "p", "archive"] {
        steps.extend(position(matches, flag).map(|at| (at, true, flag)));
    }
    steps.sort_unstable_by_key(|(at, ..)| *at);
    let mut preserve = Preserve::default();
    for (_, keeps, word) in steps {
        apply(&mut preserve, keeps, word);
    }
    preserve
}

fn apply(preserve: &mut Preserve, keeps: bool, word: &str) {
    let several: &[&str] = match word {
        "p" => &["mode", "ownership", "timestamps"],
        "all" | "archive" => &["mode", "ownership", "timestamps", "links"],
        _ => &[],
    };
    several.iter().for_each(|one| apply(preserve, keeps, one));
    let keep = |kept| if keeps { kept } else { Keep::No };
    match word {
        "mode" => (preserve.mode, preserve.no_mode) = (keeps, !keeps),
        "ownership" => preserve.ownership = keeps,
        "timestamps" => preserve.timestamps = keeps,
        "links" | "d" => preserve.links = keeps,
        "xattr" => preserve.xattr = keep(Keep::Required),
        "context" => preserve.context = keep(Keep::Required),
        // What was asked for by name before stays required.
        "all" | "archive" if keeps => {
            let kept = if word == "all" { Keep::Gladly } else { Keep::Silently };
            for kind in [&mut preserve.xattr, &mut preserve.context] {
                if *kind != Keep::Required {
                    *kind = kept;
                }
            }
        }
        "all" => {
            preserve.xattr = Keep::No;
            // Without SELinux GNU does not forget what was required.
            if preserve.context != Keep::Required || selinux::is_enabled() {
                preserve.context = Keep::No;
            }
        }
        _ => {}
    }
}

/// `-j`: a number of threads, or `auto`.
fn jobs(matches: &ArgMatches) -> Result<Option<NonZero<usize>>, UsageError> {
    let Some(text) = matches.get_one::<OsString>("jobs").filter(|text| *text != "auto") else { return Ok(None) };
    let number = text.to_str().and_then(|text| text.parse::<NonZero<usize>>().ok());
    let problem = format!("it is neither auto nor a number from 1 to {MOST_JOBS}");
    let fitting = number.filter(|number| number.get() <= MOST_JOBS);
    fitting.map(Some).ok_or_else(|| UsageError::value(text, "--jobs", &problem))
}

fn format(matches: &ArgMatches) -> Format {
    let numbers = match (matches.get_flag("number-nonblank"), matches.get_flag("number")) {
        (true, _) => Numbers::NonBlank, // whichever comes first
        (false, true) => Numbers::All,
        (false, false) => Numbers::None,
    };
    Format {
        numbers,
        squeeze_blank: matches.get_flag("squeeze-blank"),
        ends: any(matches, &["show-ends", "e", "show-all"]),
        tabs: any(matches, &["show-tabs", "t", "show-all"]),
        nonprinting: any(matches, &["show-nonprinting", "e", "t", "show-all"]),
    }
}

/// The bytes an option says, with GNU's suffixes.
fn size_above_zero(matches: &ArgMatches, option: &str) -> Result<Option<NonZero<u64>>, UsageError> {
    let Some(text) = matches.get_one::<OsString>(option) else { return Ok(None) };
    size::parse(text).map(Some).map_err(|no| UsageError::value(text, &format!("--{option}"), no.problem()))
}

/// Which of these options came last on the command line.
pub(super) fn last<'o>(matches: &ArgMatches, options: &[&'o str]) -> Option<&'o str> {
    options
        .iter()
        .filter_map(|option| position(matches, option).map(|at| (at, *option)))
        .max()
        .map(|(_, option)| option)
}

/// Where an option stands on the command line, the last time if several.
pub(super) fn position(matches: &ArgMatches, option: &str) -> Option<usize> {
    matches.value_source(option).filter(|source| *source == ValueSource::CommandLine)?;
    matches.indices_of(option)?.max()
}

/// `-n` rules whatever `--update` says; of `-u` and `--update` the last counts.
fn update(matches: &ArgMatches) -> Update {
    if last(matches, &["interactive", "no-clobber"]) == Some("no-clobber") {
        return Update::None;
    }
    match last(matches, &["update", "older"]) {
        Some("older") => Update::Older,
        Some(_) => match keyword(matches, "update") {
            Some("none") => Update::None,
            Some("none-fail") => Update::NoneFail,
            Some("older") => Update::Older,
            _ => Update::All,
        },
        None => Update::All,
    }
}

fn target(matches: &ArgMatches) -> Result<Target, UsageError> {
    let mut directories = matches.get_many::<OsString>("target-directory").into_iter().flatten();
    match (directories.next(), directories.next()) {
        (_, Some(_)) => Err(UsageError::without_hint("multiple target directories specified")),
        (Some(directory), None) => Ok(Target::Directory(directory.clone())),
        (None, None) if matches.get_flag("no-target-directory") => Ok(Target::NoDirectory),
        (None, None) => Ok(Target::LastOperand),
    }
}

fn reflink(matches: &ArgMatches) -> Reflink {
    match keyword(matches, "reflink") {
        Some("always") => Reflink::Always,
        Some("never") => Reflink::Never,
        _ => Reflink::Auto,
    }
}

fn sparse(matches: &ArgMatches) -> Sparse {
    match keyword(matches, "sparse") {
        Some("always") => Sparse::Always,
        Some("never") => Sparse::Never,
        _ => Sparse::Auto,
    }
}

fn progress(matches: &ArgMatches) -> When {
    match keyword(matches, "progress") {
        Some("always") => When::Always,
        Some("never") => When::Never,
        _ => When::Auto,
    }
}

fn json(matches: &ArgMatches) -> Result<Option<json::Target>, UsageError> {
    let Some(value) = matches.get_one::<OsString>("json") else { return Ok(None) };
    if value == NO_ARGUMENT {
        return Ok(Some(json::Target::StandardError));
    }
    json::Target::parse(value).map(Some).map_err(|problem| UsageError::value(value, "--json", problem))
}

fn engines(matches: &ArgMatches) -> Vec<Name> {
    let mut engines = Vec::new();
    for name in matches.get_many::<String>("engine").into_iter().flatten().filter_map(|text| Name::parse(text)) {
        if !engines.contains(&name) {
            engines.push(name);
        }
    }
    engines
}

fn exclude(matches: &ArgMatches) -> Result<Exclude, UsageError> {
    let mut exclude = Exclude::default();
    for pattern in matches.get_many::<OsString>("exclude").into_iter().flatten() {
        exclude.add(pattern).map_err(|problem| UsageError::value(pattern, "--exclude", problem))?;
    }
    Ok(exclude)
}

fn keyword<'m>(matches: &'m ArgMatches, option: &str) -> Option<&'m str> {
    matches.get_one::<String>(option).map(String::as_str)
}
