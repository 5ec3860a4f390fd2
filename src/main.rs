//! `zccp`: see the library's map. A link to it named `zccat`, `cat` or `cp` is that program.

fn main() {}
