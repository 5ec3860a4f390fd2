//! `zccat`: see the library's map. A link to it named `zccp`, `cp` or `cat` is that program.

fn main() {
    std::process::exit(zccp::run(zccp::cli::Program::Zccat))
}
