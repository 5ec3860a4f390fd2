//! What is to be done with one source and one destination: pure, from facts and options.

use super::options::{Make, Numbering, Options, Update};
use crate::sys::facts::{Facts, Kind, Timestamp};

/// What stands at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum There {
    /// Nothing.
    Nothing,
    /// A symbolic link that leads nowhere, where symbolic links are followed.
    DanglingLink,
    /// A symbolic link that leads to itself, or a name that one stands in, where symbolic links are followed.
    Loop,
    /// Something. Whether symbolic links were followed, [`Wishes::follows_destination`] said.
    File(Facts),
}

impl There {
    /// Whether it is a directory.
    pub fn is_directory(&self) -> bool {
        matches!(self, There::File(facts) if facts.kind == Kind::Directory)
    }
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// To make something of the source.
    Make(Steps),
    /// Nothing: both are one file, and that is what was asked for.
    Nothing,
    /// Nothing: the destination is there.
    Skip,
    /// Nothing, and why is said.
    Refuse(Refusal),
}

/// How something is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Steps {
    /// What becomes of the destination beforehand.
    pub clear: Clear,
    /// What is made.
    pub product: Product,
}

/// What becomes of an existing destination before something is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clear {
    /// Nothing.
    Leave,
    /// It gets the name of a backup.
    Backup,
    /// It is removed.
    Remove,
}

/// What is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// A new file.
    New,
    /// A new file where the symbolic link at the destination points to.
    ThroughLink,
    /// The contents of what is there are replaced.
    Contents,
    /// What is there leads nowhere and is not written through: said once the copy is announced.
    Dangling,
    /// What is there cannot be opened and is removed, once the copy is announced (`-f`).
    AfterRemoval,
    /// A hard link to the source, in place of what is there if `replace`.
    HardLink {
        /// What is there gives way.
        replace: bool,
    },
    /// A symbolic link to the source's name.
    SymbolicLink {
        /// What is there gives way.
        replace: bool,
    },
    /// A symbolic link as the source is one.
    SameLink {
        /// What is there gives way.
        replace: bool,
    },
    /// A FIFO, socket or device as the source is one.
    Special,
    /// A directory, to be filled.
    Directory,
    /// Nothing: the directory is there, and is filled.
    IntoDirectory,
}

/// Why nothing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The source is a directory, and `-r` was not given.
    OmitDirectory,
    /// Both are one file, by whatever names.
    SameFile,
    /// The destination is there, which `--update=none-fail` makes a failure.
    NotReplacing,
    /// The destination is a directory, the source is not.
    OverwriteDirectory,
    /// The source is a directory, the destination is not.
    OverwriteNonDirectory,
    /// The destination is a symbolic link to itself.
    Loop,
    /// This run has just made the destination from another source.
    JustCreated,
    /// This run has just made the symbolic link at the destination.
    ThroughJustCreated,
    /// This source was copied before in this run: a warning only.
    Again,
}

/// How the names of source and destination meet. Asked of the file system only where a file is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Meeting {
    /// Both are one name in one directory; one that a symbolic link leads to is another.
    pub one_name: bool,
    /// The source's name is a symbolic link, whether it is followed or not.
    pub source_is_link: bool,
    /// The source is taken as a symbolic link, and it leads to the destination.
    pub leads_there: bool,
    /// The destination is taken as a symbolic link, and it leads to the source.
    pub leads_back: bool,
}

impl Meeting {
    /// Whether what both names lead to is still there when the destination has given way.
    fn is_harmless(self, wishes: &Wishes, there: &Facts) -> bool {
        let given_way = wishes.backup.is_some() || wishes.remove && there.links > 1;
        given_way && !self.one_name && !self.source_is_link
    }
}

/// What of the destination this run has made before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MadeBefore {
    /// Not made by this run.
    #[default]
    Not,
    /// The destination itself.
    File,
    /// The symbolic link that leads to the destination.
    Link,
}

/// What the decision depends on besides the two files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Circumstances {
    /// POSIXLY_CORRECT is set: dangling links are written through.
    pub posixly_correct: bool,
    /// What of the destination was made by this run.
    pub made: MadeBefore,
    /// This run copied this source to this destination before.
    pub again: bool,
    /// The source's name ends in `.` or `..`: no backup is made of what it takes the place of.
    pub dots: bool,
    /// How the names meet.
    pub meeting: Meeting,
}

/// What the user wants, as far as it decides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wishes {
    /// `-i`
    pub ask: bool,
    /// `-n`, `-u`, `--update`
    pub update: Update,
    /// `--backup`
    pub backup: Option<Numbering>,
    /// `--remove-destination`
    pub remove: bool,
    /// `-f`
    pub force: bool,
    /// `-l`, `-s`
    pub make: Make,
    /// `-P`, or an option that implies it: a symbolic link is copied as such. With `-H` that holds in a tree, but not for an
    /// operand.
    pub keeps_links: bool,
    /// `--attributes-only`: no contents come, so nothing gives way to them.
    pub attributes_only: bool,
    /// `-r`: directories are copied.
    pub recursive: bool,
    /// FIFOs, sockets and devices are made anew.
    pub special: bool,
    /// `--keep-directory-symlink`
    pub keep_directory_symlink: bool,
    /// `-d`, `--preserve=links`: the names of one file stay names of one file.
    pub links: bool,
}

impl Wishes {
    /// Of these options, for an operand or for an entry of a tree.
    pub fn of(options: &Options, operand: bool) -> Wishes {
        Wishes {
            ask: options.ask,
            update: options.update,
            backup: options.backup.as_ref().map(|backup| backup.numbering),
            remove: options.remove_destination,
            force: options.force,
            make: options.make,
            keeps_links: !options.follows(operand),
            attributes_only: options.attributes_only,
            recursive: options.recursive,
            special: options.makes_special_files(),
            keep_directory_symlink: options.keep_directory_symlink,
            links: options.preserve.links,
        }
    }

    /// Whether the destination is what its name leads to, or, where it is going to be replaced as a name, the name.
    pub fn follows_destination(&self, source: &Facts) -> bool {
        match source.kind {
            Kind::Directory => self.keep_directory_symlink,
            _ if self.is_link_or_special(source) => false,
            _ => self.make == Make::Copy && !self.remove && self.backup.is_none(),
        }
    }

    /// Whether it is made anew by its kind, not by its contents.
    fn is_link_or_special(&self, source: &Facts) -> bool {
        match source.kind {
            Kind::Symlink => true,
            Kind::Regular | Kind::Directory => false,
            _ => self.special,
        }
    }

    /// What is made where nothing is there, or nothing that counts.
    fn makes(&self, source: &Facts) -> Product {
        match self.make {
            Make::HardLink => Product::HardLink { replace: self.force || self.ask },
            Make::SymbolicLink => Product::SymbolicLink { replace: self.force },
            Make::Copy if source.kind == Kind::Symlink => Product::SameLink { replace: self.force },
            Make::Copy if self.is_link_or_special(source) => Product::Special,
            Make::Copy => Product::New,
        }
    }
}

/// Decides, and says whether the user has to agree first.
pub fn decide(wishes: &Wishes, source: &Facts, there: &There, circumstances: Circumstances) -> (bool, Action) {
    let unasked = |action| (false, action);
    let make = |clear, product| Action::Make(Steps { clear, product });
    if source.kind == Kind::Directory {
        return unasked(directory(wishes, source, there, circumstances));
    }
    if circumstances.again && wishes.backup.is_none() {
        return unasked(Action::Refuse(Refusal::Again));
    }
    match there {
        There::Nothing => unasked(make(Clear::Leave, wishes.makes(source))),
        There::DanglingLink if circumstances.made == MadeBefore::Link => {
            unasked(Action::Refuse(Refusal::ThroughJustCreated))
        }
        There::DanglingLink if circumstances.posixly_correct => unasked(make(Clear::Leave, Product::ThroughLink)),
        There::DanglingLink => unasked(make(Clear::Leave, Product::Dangling)),
        There::Loop if wishes.force && circumstances.made == MadeBefore::Link => {
            unasked(Action::Refuse(Refusal::ThroughJustCreated))
        }
        There::Loop if wishes.force => unasked(make(Clear::Leave, Product::AfterRemoval)),
        There::Loop => unasked(Action::Refuse(Refusal::Loop)),
        There::File(there) => {
            match wishes.update {
                Update::None => return unasked(Action::Skip),
                Update::NoneFail => return unasked(Action::Refuse(Refusal::NotReplacing)),
                Update::All | Update::Older => {}
            }
            let one = one_file(wishes, source, there, circumstances.meeting);
            if let Some(action @ Action::Refuse(_)) = one {
                return unasked(action);
            }
            if wishes.update == Update::Older && is_not_older(there.modified, source.modified) {
                return unasked(Action::Skip);
            }
            (wishes.ask, one.unwrap_or_else(|| replace(wishes, source, there, circumstances)))
        }
    }
}

/// A directory is neither asked about nor compared by age: what is in it is.
fn directory(wishes: &Wishes, source: &Facts, there: &There, circumstances: Circumstances) -> Action {
    let make = |clear, product| Action::Make(Steps { clear, product });
    // Where nothing is replaced, GNU does not ask whether both are one.
    let compared = !matches!(wishes.update, Update::None | Update::NoneFail);
    let led_back = circumstances.meeting.leads_back && wishes.keeps_links && wishes.make == Make::Copy;
    // Nor where what is there is a name that is to go.
    let led_back = led_back && !wishes.remove;
    match there {
        _ if !wishes.recursive => Action::Refuse(Refusal::OmitDirectory),
        There::Nothing => make(Clear::Leave, Product::Directory),
        There::File(there) if compared && source.same_file(there) => match wishes.make {
            Make::HardLink => Action::Nothing,
            _ if circumstances.meeting.is_harmless(wishes, there) => make(Clear::Leave, Product::IntoDirectory),
            _ => Action::Refuse(Refusal::SameFile),
        },
        There::File(_) if compared && led_back && wishes.backup.is_none() => Action::Refuse(Refusal::SameFile),
        There::File(there) if there.kind == Kind::Directory => make(Clear::Leave, Product::IntoDirectory),
        _ if circumstances.made == MadeBefore::File && !matches!(wishes.backup, None | Some(Numbering::Numbered)) => {
            Action::Refuse(Refusal::JustCreated)
        }
        _ if wishes.backup.is_some() && !circumstances.dots => make(Clear::Backup, Product::Directory),
        There::File(there) if wishes.backup.is_some() && gives_way(wishes, source, there) => {
            make(Clear::Remove, Product::Directory)
        }
        // Something is there, so it cannot be made; the attempt says so.
        _ if wishes.backup.is_some() => make(Clear::Leave, Product::Directory),
        _ => Action::Refuse(Refusal::OverwriteNonDirectory),
    }
}

/// What is done because both are one file, or because the source leads to the destination; `None` if they are two files, or
/// if it does no harm.
fn one_file(wishes: &Wishes, source: &Facts, there: &Facts, meeting: Meeting) -> Option<Action> {
    let linking = wishes.make == Make::HardLink;
    let same = Some(Action::Refuse(Refusal::SameFile));
    let special = wishes.makes(source) == Product::Special && wishes.keeps_links;
    if meeting.leads_back && special && !wishes.remove && wishes.backup.is_none() {
        return same;
    }
    if !source.same_file(there) {
        let harmless = wishes.backup.is_some() || !meeting.leads_there;
        return if harmless {
            None
        } else if linking {
            Some(Action::Nothing)
        } else {
            same
        };
    }
    match source.kind {
        _ if linking => Some(Action::Nothing),
        Kind::Symlink if meeting.one_name => same,
        Kind::Symlink if wishes.backup.is_some() => None,
        Kind::Symlink => Some(Action::Nothing),
        _ if meeting.is_harmless(wishes, there) => None,
        _ => same,
    }
}

fn is_not_older(there: Timestamp, source: Timestamp) -> bool {
    there >= source
}

/// Something else is there, and it may be replaced.
fn replace(wishes: &Wishes, source: &Facts, there: &Facts, circumstances: Circumstances) -> Action {
    let directory = there.kind == Kind::Directory;
    if directory && wishes.backup.is_none() {
        return Action::Refuse(Refusal::OverwriteDirectory);
    }
    match circumstances.made {
        MadeBefore::Not => {}
        _ if wishes.backup == Some(Numbering::Numbered) => {}
        MadeBefore::File => return Action::Refuse(Refusal::JustCreated),
        // As with GNU, the link gives way for the many names of what it leads to, and nothing is written through it.
        MadeBefore::Link if wishes.links && gives_way(wishes, source, there) => {}
        MadeBefore::Link => return Action::Refuse(Refusal::ThroughJustCreated),
    }
    let product = wishes.makes(source);
    match product {
        _ if wishes.backup.is_some() && !directory => Action::Make(Steps { clear: Clear::Backup, product }),
        _ if gives_way(wishes, source, there) && !directory => Action::Make(Steps { clear: Clear::Remove, product }),
        Product::New => Action::Make(Steps { clear: Clear::Leave, product: Product::Contents }),
        product => Action::Make(Steps { clear: Clear::Leave, product }),
    }
}

/// Whether what is there is removed. Nothing is written to a link: what is there gives way to it, and, as with GNU cp, to a
/// FIFO that is copied with -P. A file with several names gives way too, because what is written to one would be to all.
fn gives_way(wishes: &Wishes, source: &Facts, there: &Facts) -> bool {
    let not_written = wishes.keeps_links && source.kind != Kind::Regular || wishes.links && there.links > 1;
    wishes.remove || not_written && !wishes.attributes_only
}

#[cfg(test)]
mod tests;
