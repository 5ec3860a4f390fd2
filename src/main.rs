//! `zccp`: see the library's map. A link to it named `zccat`, `cat` or `cp` is that program.

#![no_main]

zccp::main!(zccp::cli::Program::Zccp);
