//! Writes the man pages and completions.

fn main() {}
