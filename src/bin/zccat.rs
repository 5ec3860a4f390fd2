//! `zccat`: see the library's map. A link to it named `zccp`, `cp` or `cat` is that program.

#![no_main]

zccp::main!(zccp::cli::Program::Zccat);
