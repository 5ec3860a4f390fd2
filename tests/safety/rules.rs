//! The tables of docs/safety.md: what is refused, and that the rest is not.

use crate::apparatus::Scene;

/// Every row of the page that refuses: the two options and why.
fn refused() -> Vec<(String, Vec<String>, String)> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/safety.md")).unwrap();
    let mut rows = Vec::new();
    for line in page.lines() {
        let cells: Vec<&str> = line.split(" | ").collect();
        let [one, other, means] = cells.as_slice() else { continue };
        let Some(why) = means.strip_prefix("refused: ") else { continue };
        let names = |cell: &str| -> Vec<String> {
            cell.trim_start_matches("| ").split('`').filter(|part| part.starts_with('-')).map(String::from).collect()
        };
        rows.push((names(one).remove(0), names(other), why.trim_end_matches(" |").to_string()));
    }
    rows
}

#[test]
fn what_makes_no_sense_together_is_refused_in_words() {
    let scene = Scene::new();
    scene.file("a", b"new");
    scene.file("b", b"old");
    let rows = refused();
    assert!(rows.len() >= 17, "{rows:?}");
    for (one, others, why) in rows {
        for other in &others {
            let names = others.join(" or ");
            for arguments in [[one.as_str(), other.as_str()], [other.as_str(), one.as_str()]] {
                let outcome = scene.zccp(arguments).arguments(["a", "b"]).run();
                outcome.fails_with(1).stderr_is(&format!(
                    "zccp: {one} cannot be combined with {names}: {why}\nTry '{} --help' for more information.\n",
                    crate::apparatus::case::zccp().display()
                ));
                outcome.file_is("b", b"old");
            }
        }
    }
}

#[test]
fn what_makes_sense_together_is_done() {
    let scene = Scene::new();
    scene.file("a", b"new contents");
    for with in [
        "--atomic --durable",
        "--atomic --verify",
        "--resume --verify",
        "--resume --durable",
        "--verify --durable",
        "--atomic --verify --durable",
        "--resume --verify --durable",
        "--atomic --sparse=always",
        "--atomic --sparse=never",
        "--atomic --reflink=never",
        "--atomic --engine=read_write",
        "--atomic --force",
        "--atomic --update",
        "--atomic --backup=numbered",
        "--atomic --preserve",
        "--atomic -P",
        "--resume --sparse=auto",
        "--resume --sparse=always",
        "--resume --sparse=never",
        "--resume --reflink=never",
        "--resume --engine=read_write",
        "--resume --force",
        "--resume -d",
        "--resume --preserve",
        "--verify --sparse=always",
        "--verify --sparse=never",
        "--verify --backup",
        "--verify --update",
        "--verify --remove-destination",
        "--durable --backup",
        "--durable --attributes-only",
        "--durable --link --force",
        "--durable --symbolic-link --force",
    ] {
        scene.file("b", b"old");
        // So that -u has a reason to copy.
        let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000);
        scene.open_with("b", 0).set_modified(old).unwrap();
        let outcome = scene.zccp(with.split(' ')).arguments(["a", "b"]).run();
        outcome.succeeds().stderr_is("");
        let kept = with.contains("attributes-only");
        outcome.file_is("b", if kept { b"old" } else { b"new contents" });
        std::fs::remove_file(scene.path("b")).unwrap();
    }
}

#[test]
fn what_is_not_copied_is_not_verified_either() {
    let scene = Scene::new();
    scene.file("a", b"new");
    scene.file("b", b"old");
    scene.zccp(["--verify", "-n", "a", "b"]).run().succeeds().file_is("b", b"old");
    scene.zccp(["--atomic", "-n", "a", "b"]).run().succeeds().file_is("b", b"old");
}
