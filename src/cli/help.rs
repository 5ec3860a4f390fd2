//! `--help` and `--version`, from the table. The shape is GNU's, which scripts and completions parse: options indented by
//! two to six columns, `-x, --long[=VALUE]`, and the version last on its line.

use super::Invocation;
use clap::{Arg, Command};
use std::fmt::Write as _;

/// The text of `--help`, without the last newline.
pub(super) fn help(command: &mut Command, invocation: &Invocation) -> String {
    let argv0 = invocation.argv0.to_string_lossy();
    let name = command.get_name().to_owned();
    let mut text = String::new();
    // clap writes "Usage: " before the first form only and lines the others up with it.
    let usage = command.render_usage().to_string();
    for (at, form) in usage.trim_start_matches("Usage:").lines().enumerate() {
        let head = if at == 0 { "Usage: " } else { "  or:  " };
        let form = form.trim_start().strip_prefix(&name).unwrap_or(form);
        let _ = writeln!(text, "{head}{argv0}{form}");
    }
    if let Some(about) = command.get_about() {
        let _ = writeln!(text, "{about}");
    }
    text.push('\n');
    for option in command.get_arguments().filter(|option| !option.is_positional()) {
        text.push_str(&synopsis(option));
        text.push('\n');
        let meaning = option.get_help().map(ToString::to_string).unwrap_or_default();
        meaning.lines().for_each(|line| {
            let _ = writeln!(text, "         {line}");
        });
    }
    if let Some(after) = command.get_after_help() {
        let _ = write!(text, "\n{after}");
    }
    text
}

fn synopsis(option: &Arg) -> String {
    let mut text = match (option.get_short(), option.get_long()) {
        (Some(letter), Some(long)) => {
            let others = option.get_visible_short_aliases().unwrap_or_default();
            let others: String = others.iter().map(|letter| format!("-{letter}, ")).collect();
            format!("  -{letter}, {others}--{long}")
        }
        (Some(letter), None) => format!("  -{letter}"),
        (None, long) => format!("      --{}", long.unwrap_or_default()),
    };
    if let Some(value) = option.get_value_names().and_then(<[_]>::first) {
        let _ = if option.is_require_equals_set() { write!(text, "[={value}]") } else { write!(text, "={value}") };
    }
    text
}

/// The text of `--version`, without the last newline.
pub(super) fn version(command: &Command) -> String {
    let version = command.get_version().unwrap_or_default();
    format!("{} ({}) {version}\nLicence: MIT OR Apache-2.0", command.get_name(), env!("CARGO_PKG_NAME"))
}
