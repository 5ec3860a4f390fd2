//! Chores of the project that are no part of the program.
//!
//! `cargo run -p xtask -- pages` writes `man/` and `completions/` from the option tables (`zccp::cli::table`), and
//! `cargo run -p xtask -- pages --check` only looks whether they are up to date. Both directories are committed, so
//! that whoever packages the program needs nothing but the source.

mod bash;
mod completions;
mod elvish;
mod man;
mod nushell;
mod pages;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo run -p xtask -- pages [--check]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["pages"] => pages::write(),
        ["pages", "--check"] => pages::check(),
        _ => Err(USAGE.to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            eprintln!("xtask: {text}");
            ExitCode::FAILURE
        }
    }
}
