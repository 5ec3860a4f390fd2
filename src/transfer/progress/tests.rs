//! What progress is told, and what it then says.

use super::*;

fn name(counters: &Counters) -> Vec<u8> {
    let mut name = [0; NAME];
    let length = counters.name(&mut name);
    name[..length].to_vec()
}

#[test]
fn the_total_is_known_when_nothing_more_can_be_found() {
    let counters = Counters::new();
    counters.expect(20);
    assert_eq!(counters.now().total(), None);
    counters.scanned();
    assert_eq!(counters.now().total(), Some(20));
    counters.endless(true);
    assert_eq!(counters.now().total(), None);
    counters.endless(false);
    counters.gave(15);
    counters.passed(2);
    counters.came_to(20, 17);
    assert_eq!((counters.now().total(), counters.now().done()), (Some(17), 17));
    counters.came_to(0, 5);
    assert_eq!((counters.now().expected, counters.now().expected_files), (22, 1));
    counters.came_to(100, 0);
    assert_eq!(counters.now().expected, 0);
    counters.expect(100);
    assert_eq!((counters.now().expected, counters.now().expected_files), (22, 2), "in whatever order");
}

#[test]
fn what_is_foreseen_counts_until_the_copy_comes_upon_it() {
    let counters = Counters::new();
    let now = || (counters.now().expected, counters.now().expected_files);
    for bytes in [10, 20, 30] {
        counters.foresee(bytes);
    }
    counters.scanned();
    assert_eq!((counters.now().total(), now()), (Some(60), (60, 3)));
    counters.expect(10);
    counters.come_upon(1, 10);
    assert_eq!(now(), (60, 3), "it is copied");
    counters.come_upon(1, 20);
    assert_eq!(now(), (40, 2), "it is skipped");
    counters.come_upon(2, 35);
    assert_eq!(now(), (10, 1), "the copy is ahead");
    counters.foresee(5);
    counters.foresee(7);
    assert_eq!(now(), (17, 2));
}

#[test]
fn what_is_to_be_verified_is_work_twice() {
    let counters = Counters::new();
    counters.expect(100);
    counters.scanned();
    counters.compared(30);
    assert_eq!((counters.now().done(), counters.now().worked(), counters.now().share()), (30, 30, Some((30, 100))));
    counters.verifies();
    counters.gave(70);
    assert_eq!((counters.now().worked(), counters.now().share()), (100, Some((100, 200))));
    counters.phase(Phase::Verifying, true);
    counters.verified(40);
    assert_eq!((counters.now().phase, counters.now().phase_done()), (Phase::Verifying, 40));
    assert_eq!((counters.now().done(), counters.now().worked(), counters.now().share()), (100, 140, Some((140, 200))));
    counters.phase(Phase::Verifying, false);
    assert_eq!((counters.now().phase, counters.now().phase_done()), (Phase::Copying, 100));
}

#[test]
fn of_a_long_name_the_end_is_kept_from_a_character_on() {
    let counters = Counters::new();
    assert_eq!(name(&counters), b"");
    counters.current(b"photos/1.dng");
    assert_eq!(name(&counters), b"photos/1.dng");
    let long = format!("{}é{}", "a".repeat(9), "b".repeat(NAME - 1));
    counters.current(long.as_bytes());
    assert_eq!(name(&counters), "b".repeat(NAME - 1).as_bytes());
}

#[test]
fn a_name_is_never_seen_half_written() {
    let counters = Counters::new();
    std::thread::scope(|scope| {
        for letter in [b'x', b'y'] {
            let counters = &counters;
            scope.spawn(move || (0..20_000).for_each(|n| counters.current(&vec![letter; 1 + n % 200])));
        }
        for _ in 0..20_000 {
            let seen = name(&counters);
            assert!(seen.iter().all(|byte| *byte == seen[0]), "{seen:?}");
        }
    });
}
