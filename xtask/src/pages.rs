//! The files that are written from the option tables: which they are, and whether those in the tree are the same.

use crate::{completions, man};
use std::path::Path;
use std::{fs, io};
use zccp::cli::table;

/// The project's root: the directory above this package's.
const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/..");

/// A file of the tree that is written by this program.
pub struct Page {
    /// From the project's root.
    pub path: String,
    /// Its contents.
    pub text: String,
}

fn all() -> Result<Vec<Page>, String> {
    let mut pages = vec![man::zccp(&table::zccp())?, man::zccat(&table::zccat())?];
    for command in [table::zccp(), table::zccat()] {
        pages.extend(completions::of(&command)?);
    }
    Ok(pages)
}

/// Writes them all.
pub fn write() -> Result<(), String> {
    for page in all()? {
        let path = Path::new(ROOT).join(&page.path);
        let directory = path.parent().unwrap_or(Path::new(ROOT));
        fs::create_dir_all(directory)
            .and_then(|()| fs::write(&path, &page.text))
            .map_err(|error| format!("{}: {error}", page.path))?;
    }
    Ok(())
}

/// Fails if one is not as it would be written, or if there is one beside them that nothing writes.
pub fn check() -> Result<(), String> {
    let pages = all()?;
    let mut wrong = Vec::new();
    for page in &pages {
        match fs::read_to_string(Path::new(ROOT).join(&page.path)) {
            Ok(text) if text == page.text => {}
            Ok(_) => wrong.push(format!("{} is not what the option tables make of it", page.path)),
            Err(error) => wrong.push(format!("{}: {error}", page.path)),
        }
    }
    for directory in ["man", "completions"] {
        let names = names_in(directory).map_err(|error| format!("{directory}: {error}"))?;
        let strangers = names.into_iter().filter(|name| !pages.iter().any(|page| page.path == *name));
        wrong.extend(strangers.map(|name| format!("{name} is written by nothing")));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("{}\nrun: cargo run -p xtask -- pages", wrong.join("\n")))
}

fn names_in(directory: &str) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(Path::new(ROOT).join(directory))?;
    entries.map(|entry| Ok(format!("{directory}/{}", entry?.file_name().to_string_lossy()))).collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_committed_pages_are_what_the_tables_make() {
        assert_eq!(super::check(), Ok(()));
    }
}
