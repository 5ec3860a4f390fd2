//! The decision, case by case.

use super::*;

const NOTHING: Action = Action::Nothing;
const SAME: Action = Action::Refuse(Refusal::SameFile);

fn facts(kind: Kind, inode: u64) -> Facts {
    Facts {
        kind,
        mode: 0o644,
        device: 1,
        inode,
        raw_device: 0,
        links: 1,
        owner: 0,
        group: 0,
        size: 1,
        allocated: 4096,
        block_size: 4096,
        accessed: (0, 0),
        modified: (0, 0),
        changed: (0, 0),
    }
}

fn made(clear: Clear, product: Product) -> Action {
    Action::Make(Steps { clear, product })
}

fn plainly(wishes: &Wishes, source: &Facts, there: &There) -> (bool, Action) {
    decide(wishes, source, there, Circumstances::default())
}

#[test]
fn what_is_there_decides() {
    let source = facts(Kind::Regular, 1);
    let other = There::File(facts(Kind::Regular, 2));
    let directory = There::File(facts(Kind::Directory, 3));
    let force = Wishes { force: true, ..Wishes::default() };
    for (wishes, source, there, expected) in [
        (Wishes::default(), source, There::Nothing, made(Clear::Leave, Product::New)),
        (Wishes::default(), source, other, made(Clear::Leave, Product::Contents)),
        (Wishes::default(), source, There::File(source), SAME),
        (Wishes::default(), source, There::DanglingLink, made(Clear::Leave, Product::Dangling)),
        (Wishes::default(), source, There::Loop, Action::Refuse(Refusal::Loop)),
        (force, source, There::Loop, made(Clear::Leave, Product::AfterRemoval)),
        (force, source, There::DanglingLink, made(Clear::Leave, Product::Dangling)),
        (Wishes::default(), source, directory, Action::Refuse(Refusal::OverwriteDirectory)),
        (Wishes::default(), facts(Kind::Directory, 1), other, Action::Refuse(Refusal::OmitDirectory)),
    ] {
        assert_eq!(plainly(&wishes, &source, &there), (false, expected), "{wishes:?} {there:?}");
    }
}

#[test]
fn what_the_run_has_made_stays() {
    let source = facts(Kind::Regular, 1);
    let other = There::File(facts(Kind::Regular, 2));
    let made_before = |made| Circumstances { made, ..Circumstances::default() };
    let numbered = Wishes { backup: Some(Numbering::Numbered), ..Wishes::default() };
    let simple = Wishes { backup: Some(Numbering::Simple), ..Wishes::default() };
    let none = Wishes::default();
    let refuse = |refusal| (false, Action::Refuse(refusal));
    assert_eq!(decide(&none, &source, &other, made_before(MadeBefore::File)), refuse(Refusal::JustCreated));
    assert_eq!(decide(&simple, &source, &other, made_before(MadeBefore::File)), refuse(Refusal::JustCreated));
    let kept = (false, made(Clear::Backup, Product::New));
    assert_eq!(decide(&numbered, &source, &other, made_before(MadeBefore::File)), kept);
    let through = refuse(Refusal::ThroughJustCreated);
    assert_eq!(decide(&none, &source, &other, made_before(MadeBefore::Link)), through);
    assert_eq!(decide(&none, &source, &There::DanglingLink, made_before(MadeBefore::Link)), through);
    let again = Circumstances { again: true, ..made_before(MadeBefore::File) };
    assert_eq!(decide(&none, &source, &other, again), refuse(Refusal::Again));
    assert_eq!(decide(&simple, &source, &other, again), refuse(Refusal::JustCreated));
    let posix = Circumstances { posixly_correct: true, ..Circumstances::default() };
    let through = (false, made(Clear::Leave, Product::ThroughLink));
    assert_eq!(decide(&none, &source, &There::DanglingLink, posix), through);
}

#[test]
fn what_stays_stays_before_anybody_is_asked() {
    let mut source = facts(Kind::Regular, 1);
    source.modified = (10, 5);
    let there = |modified| There::File(Facts { modified, ..facts(Kind::Regular, 2) });
    let replaced = made(Clear::Leave, Product::Contents);
    for (update, modified, expected) in [
        (Update::All, (99, 0), (true, replaced)),
        (Update::None, (0, 0), (false, Action::Skip)),
        (Update::NoneFail, (0, 0), (false, Action::Refuse(Refusal::NotReplacing))),
        (Update::Older, (10, 4), (true, replaced)),
        (Update::Older, (10, 5), (false, Action::Skip)),
        (Update::Older, (10, 6), (false, Action::Skip)),
    ] {
        let wishes = Wishes { ask: true, update, ..Wishes::default() };
        assert_eq!(plainly(&wishes, &source, &there(modified)), expected, "{update:?} {modified:?}");
        let onto_itself = match update {
            Update::None | Update::NoneFail => expected,
            Update::All | Update::Older => (false, SAME),
        };
        assert_eq!(plainly(&wishes, &source, &There::File(source)), onto_itself, "{update:?}");
        let new = (false, made(Clear::Leave, Product::New));
        assert_eq!(plainly(&wishes, &source, &There::Nothing), new, "{update:?}");
    }
    let asked = Wishes { ask: true, ..Wishes::default() };
    let directory = There::File(facts(Kind::Directory, 3));
    let refused = (true, Action::Refuse(Refusal::OverwriteDirectory));
    assert_eq!(plainly(&asked, &source, &directory), refused);
}

#[test]
fn what_gives_way_gives_way() {
    let (source, link) = (facts(Kind::Regular, 1), facts(Kind::Symlink, 1));
    let other = There::File(facts(Kind::Regular, 2));
    let names = There::File(Facts { links: 2, ..facts(Kind::Regular, 2) });
    let directory = There::File(facts(Kind::Directory, 3));
    let none = Wishes::default();
    let remove = Wishes { remove: true, ..none };
    let both = Wishes { backup: Some(Numbering::Simple), ..remove };
    let link_as_such = Wishes { keeps_links: true, ..none };
    let keeps_links = Wishes { links: true, ..none };
    for (wishes, source, there, expected) in [
        (remove, source, other, made(Clear::Remove, Product::New)),
        (both, source, other, made(Clear::Backup, Product::New)),
        (both, source, directory, made(Clear::Leave, Product::Contents)),
        (link_as_such, link, other, made(Clear::Remove, Product::SameLink { replace: false })),
        (link_as_such, source, other, made(Clear::Leave, Product::Contents)),
        (link_as_such, facts(Kind::Pipe, 1), other, made(Clear::Remove, Product::New)),
        (keeps_links, source, other, made(Clear::Leave, Product::Contents)),
        (keeps_links, source, names, made(Clear::Remove, Product::New)),
        (none, source, names, made(Clear::Leave, Product::Contents)),
    ] {
        assert_eq!(plainly(&wishes, &source, &there), (false, expected), "{wishes:?} {there:?}");
    }
}

#[test]
fn links_replace_what_they_may() {
    let source = facts(Kind::Regular, 1);
    let other = There::File(facts(Kind::Regular, 2));
    for (make, ask, force, hard, symbolic) in [
        (Make::HardLink, false, false, Some(false), None),
        (Make::HardLink, true, false, Some(true), None),
        (Make::HardLink, false, true, Some(true), None),
        (Make::SymbolicLink, false, false, None, Some(false)),
        (Make::SymbolicLink, true, false, None, Some(false)),
        (Make::SymbolicLink, false, true, None, Some(true)),
    ] {
        let wishes = Wishes { make, ask, force, ..Wishes::default() };
        let product = hard
            .map(|replace| Product::HardLink { replace })
            .or(symbolic.map(|replace| Product::SymbolicLink { replace }));
        let expected = (ask, made(Clear::Leave, product.expect("one of both")));
        assert_eq!(plainly(&wishes, &source, &other), expected, "{wishes:?}");
    }
}

#[test]
fn one_file_by_two_names() {
    let file = facts(Kind::Regular, 1);
    let twice = Facts { links: 2, ..file };
    let link = facts(Kind::Symlink, 2);
    let hard_links = Meeting::default();
    let one_name = Meeting { one_name: true, ..hard_links };
    let by_link = Meeting { source_is_link: true, ..hard_links };
    let leads_there = Meeting { leads_there: true, ..hard_links };
    let none = Wishes::default();
    let remove = Wishes { remove: true, ..none };
    let backup = Wishes { backup: Some(Numbering::Existing), ..none };
    let hard = Wishes { make: Make::HardLink, ..none };
    let hard_backup = Wishes { make: Make::HardLink, ..backup };
    let kept = made(Clear::Backup, Product::New);
    let kept_link = made(Clear::Backup, Product::SameLink { replace: false });
    for (number, (wishes, source, there, meeting, expected)) in [
        (none, file, file, hard_links, SAME),
        (none, file, file, one_name, SAME),
        (remove, file, file, hard_links, SAME),
        (remove, file, twice, hard_links, made(Clear::Remove, Product::New)),
        (remove, file, twice, one_name, SAME),
        (remove, file, twice, by_link, SAME),
        (backup, file, file, hard_links, kept),
        (backup, file, file, one_name, SAME),
        (backup, file, file, by_link, SAME),
        (hard, file, file, hard_links, NOTHING),
        (hard, file, file, one_name, NOTHING),
        (hard_backup, file, file, hard_links, NOTHING),
        (none, link, file, leads_there, SAME),
        (remove, link, file, leads_there, SAME),
        (backup, link, file, leads_there, kept_link),
        (hard, link, file, leads_there, NOTHING),
        (hard_backup, link, file, leads_there, made(Clear::Backup, Product::HardLink { replace: false })),
        (none, link, link, one_name, SAME),
        (none, link, link, hard_links, NOTHING),
        (remove, link, link, hard_links, NOTHING),
        (backup, link, link, hard_links, kept_link),
        (hard, link, link, one_name, NOTHING),
        (hard_backup, link, link, hard_links, NOTHING),
    ]
    .into_iter()
    .enumerate()
    {
        let circumstances = Circumstances { meeting, ..Circumstances::default() };
        let decided = decide(&wishes, &source, &There::File(there), circumstances);
        assert_eq!(decided, (false, expected), "row {number}: {wishes:?} {meeting:?}");
    }
}

#[test]
fn a_destination_that_is_replaced_as_a_name_is_looked_at_as_a_name() {
    let source = facts(Kind::Regular, 1);
    let none = Wishes::default();
    assert!(none.follows_destination(&source));
    assert!(!none.follows_destination(&facts(Kind::Symlink, 1)));
    for wishes in [
        Wishes { remove: true, ..none },
        Wishes { backup: Some(Numbering::Simple), ..none },
        Wishes { make: Make::HardLink, ..none },
        Wishes { make: Make::SymbolicLink, ..none },
    ] {
        assert!(!wishes.follows_destination(&source), "{wishes:?}");
    }
}

#[test]
fn a_directory_and_what_is_in_its_place() {
    let source = facts(Kind::Directory, 1);
    let file = There::File(facts(Kind::Regular, 2));
    let link = There::File(facts(Kind::Symlink, 3));
    let directory = There::File(facts(Kind::Directory, 4));
    let back =
        Circumstances { meeting: Meeting { leads_back: true, ..Meeting::default() }, ..Circumstances::default() };
    let before = Circumstances { made: MadeBefore::File, ..Circumstances::default() };
    let dots = Circumstances { dots: true, ..Circumstances::default() };
    let plain = Circumstances::default();
    let tree = Wishes { recursive: true, ..Wishes::default() };
    let as_links = Wishes { keeps_links: true, ..tree };
    let hard = Wishes { make: Make::HardLink, ..as_links };
    let simple = Wishes { backup: Some(Numbering::Simple), ..as_links };
    let numbered = Wishes { backup: Some(Numbering::Numbered), ..as_links };
    let refuse = Action::Refuse;
    let anew = made(Clear::Backup, Product::Directory);
    for (number, (wishes, there, circumstances, expected)) in [
        (as_links, link, back, SAME),
        (Wishes { update: Update::None, ..as_links }, link, back, refuse(Refusal::OverwriteNonDirectory)),
        (tree, link, back, refuse(Refusal::OverwriteNonDirectory)),
        (hard, link, back, refuse(Refusal::OverwriteNonDirectory)),
        (simple, link, back, anew),
        (as_links, directory, plain, made(Clear::Leave, Product::IntoDirectory)),
        (as_links, file, before, refuse(Refusal::OverwriteNonDirectory)),
        (simple, file, before, refuse(Refusal::JustCreated)),
        (numbered, file, before, anew),
        (simple, file, plain, anew),
        (simple, file, dots, made(Clear::Remove, Product::Directory)),
        (Wishes { attributes_only: true, ..simple }, file, dots, made(Clear::Leave, Product::Directory)),
        (as_links, There::Nothing, plain, made(Clear::Leave, Product::Directory)),
    ]
    .into_iter()
    .enumerate()
    {
        let decided = decide(&wishes, &source, &there, circumstances);
        assert_eq!(decided, (false, expected), "row {number}: {wishes:?}");
    }
}

#[test]
fn a_special_file_and_a_link_that_leads_to_it() {
    let pipe = facts(Kind::Pipe, 1);
    let link = There::File(facts(Kind::Symlink, 2));
    let back =
        Circumstances { meeting: Meeting { leads_back: true, ..Meeting::default() }, ..Circumstances::default() };
    let special = Wishes { recursive: true, special: true, keeps_links: true, ..Wishes::default() };
    let cleared = made(Clear::Remove, Product::Special);
    for (wishes, circumstances, expected) in [
        (special, back, SAME),
        (special, Circumstances::default(), cleared),
        (Wishes { keeps_links: false, ..special }, back, made(Clear::Leave, Product::Special)),
        (Wishes { remove: true, ..special }, back, cleared),
        (Wishes { backup: Some(Numbering::Simple), ..special }, back, made(Clear::Backup, Product::Special)),
    ] {
        assert_eq!(decide(&wishes, &pipe, &link, circumstances), (false, expected), "{wishes:?}");
    }
    assert!(There::File(facts(Kind::Directory, 1)).is_directory());
    assert!(!link.is_directory() && !There::Nothing.is_directory());
}
