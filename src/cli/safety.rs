//! Which options `--atomic`, `--resume`, `--verify` and `--durable` go with. docs/safety.md says the same in words, and a
//! test holds it against this table; what is not in it is allowed.

use super::usage::UsageError;
use crate::cp::Options;
use crate::cp::options::{Make, Update};
use crate::engine::Reflink;

/// An option of the command line, and whether it was given.
struct Asked {
    name: &'static str,
    given: fn(&Options) -> bool,
}

const ATOMIC: Asked = Asked { name: "--atomic", given: |options| options.safety.atomic };
const RESUME: Asked = Asked { name: "--resume", given: |options| options.safety.resume };
const VERIFY: Asked = Asked { name: "--verify", given: |options| options.safety.verify };
const ATTRIBUTES: Asked = Asked { name: "--attributes-only", given: |options| options.attributes_only };
const BACKUP: Asked = Asked { name: "--backup", given: |options| options.backup.is_some() };
const LINK: Asked = Asked { name: "--link", given: |options| options.make == Make::HardLink };
const SYMBOLIC: Asked = Asked { name: "--symbolic-link", given: |options| options.make == Make::SymbolicLink };
const CLONE: Asked = Asked { name: "--reflink=always", given: |options| options.policy.reflink == Reflink::Always };
const REMOVE: Asked = Asked { name: "--remove-destination", given: |options| options.remove_destination };
const NONE: Asked = Asked {
    name: "--no-clobber or --update=none",
    given: |options| matches!(options.update, Update::None | Update::NoneFail),
};
const OLDER: Asked = Asked { name: "--update=older", given: |options| options.update == Update::Older };

const NOTHING_COPIED: &str = "a link has no contents of its own";
const NO_CONTENTS: &str = "no contents are copied";

/// What cannot be combined, and why.
const CONFLICTS: [(Asked, Asked, &str); 17] = [
    (ATOMIC, RESUME, "an atomic copy leaves nothing to go on with"),
    (ATOMIC, REMOVE, "the old file is to stand until the new one is there"),
    (ATOMIC, LINK, NOTHING_COPIED),
    (ATOMIC, SYMBOLIC, NOTHING_COPIED),
    (ATOMIC, ATTRIBUTES, NO_CONTENTS),
    (RESUME, BACKUP, "what there is to go on with would be the backup"),
    (RESUME, REMOVE, "what there is to go on with would be removed"),
    (RESUME, NONE, "what there is to go on with would be left as it is"),
    (RESUME, OLDER, "what there is to go on with is newer than its source"),
    (RESUME, CLONE, "a clone is made as a whole"),
    (RESUME, LINK, NOTHING_COPIED),
    (RESUME, SYMBOLIC, NOTHING_COPIED),
    (RESUME, ATTRIBUTES, NO_CONTENTS),
    (VERIFY, CLONE, "a clone shares what it would be held against"),
    (VERIFY, LINK, NOTHING_COPIED),
    (VERIFY, SYMBOLIC, NOTHING_COPIED),
    (VERIFY, ATTRIBUTES, NO_CONTENTS),
];

/// Whether a copy with these options that is broken off can be gone on with by the same command with `--resume`.
pub fn can_be_resumed(options: &Options) -> bool {
    let of_resume = |given: &Asked| given.name == RESUME.name;
    CONFLICTS.iter().all(|(one, other, _)| match (of_resume(one), of_resume(other)) {
        (true, _) => !(other.given)(options),
        (_, true) => !(one.given)(options),
        (false, false) => true,
    })
}

/// Whether what was asked makes sense together.
///
/// # Errors
/// The first pair that does not.
pub(super) fn check(options: &Options) -> Result<(), UsageError> {
    let conflict = CONFLICTS.iter().find(|(one, other, _)| (one.given)(options) && (other.given)(options));
    match conflict {
        Some((one, other, why)) => {
            Err(UsageError::with_hint(format!("{} cannot be combined with {}: {why}", one.name, other.name)))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each conflict is a row of the page, word by word, and the page has no other.
    #[test]
    fn the_page_says_what_the_table_says() {
        let page = include_str!("../../docs/safety.md");
        for (one, other, why) in &CONFLICTS {
            let row = format!("| `{}` | {} | refused: {why} |", one.name, quoted(other.name));
            assert!(page.lines().any(|line| line == row), "docs/safety.md lacks\n{row}");
        }
        assert_eq!(page.matches("| refused: ").count(), CONFLICTS.len());
    }

    fn quoted(name: &str) -> String {
        name.split(" or ").map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
    }
}
