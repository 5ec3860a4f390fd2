//! `zccp`: see the library's map. A link to it named `zccat`, `cat` or `cp` is that program.

fn main() {
    std::process::exit(zccp::run(zccp::cli::Program::Zccp))
}
