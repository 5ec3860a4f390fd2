//! Holes: kept, made or filled.

use crate::apparatus::{Engine, Fs, Scene, content, filesystems, for_each_engine};

const MIB: u64 = 1 << 20;
/// Allocation may round up: a block for each piece, tree blocks, and what a file system takes ahead.
const SLACK: u64 = 256 * 1024;

/// Data at both ends and in the middle of 32 MiB; `trailing` more bytes of hole.
fn make(scene: &Scene, name: &str, trailing: u64) -> Vec<u8> {
    let piece = content::bytes(1, 10_000);
    let pieces: [(u64, &[u8]); 3] = [(0, &piece), (16 * MIB + 5, &piece), (32 * MIB - 10_000, &piece)];
    std::fs::read(scene.sparse_file(name, 32 * MIB + trailing, &pieces)).unwrap()
}

/// What a copy has allocated, after everything has reached the disk's maps.
fn allocated(scene: &Scene, name: &str) -> u64 {
    scene.program("/bin/sync").arguments(["-f", name]).run().succeeds();
    scene.allocated(name)
}

/// Engines that look at files by extents; a clone keeps holes of itself.
fn engines() -> Vec<Engine> {
    crate::apparatus::engines::ALL.into_iter().filter(|e| e.name() != "zerocopy").collect()
}

#[test]
fn holes_are_kept() {
    filesystems::for_each_filesystem(|fs, scene| {
        for trailing in [0, 7 * MIB + 3] {
            let bytes = make(&scene, "a", trailing);
            for engine in engines() {
                let _ = std::fs::remove_file(scene.path("b"));
                let describe = format!("{trailing} more on {} under {}", fs.name(), engine.name());
                let command = scene.zccp(engine.option_with_fallback()).arguments(["a", "b"]);
                command.described_as(&describe).run().succeeds().stderr_is("").file_is("b", &bytes);
                let taken = allocated(&scene, "b");
                assert!(taken <= scene.allocated("a") + SLACK, "{describe}: {taken} bytes allocated");
            }
        }
    });
}

#[test]
fn holes_are_kept_across_file_systems() {
    filesystems::for_each_filesystem(|from, source| {
        filesystems::for_each_filesystem(|to, sink| {
            let bytes = make(&source, "a", 1);
            sink.zccp([source.path("a")]).argument("b").run().succeeds().file_is("b", &bytes);
            let taken = allocated(&sink, "b");
            assert!(taken < 3 * MIB, "{} to {}: {taken} bytes allocated", from.name(), to.name());
        });
    });
}

#[test]
fn a_file_that_is_all_hole_stays_one() {
    filesystems::for_each_filesystem(|fs, scene| {
        scene.sparse_file("a", 20 * MIB + 1, &[]);
        for_each_engine(|engine| {
            let _ = std::fs::remove_file(scene.path("b"));
            let command = scene.zccp(engine.option_with_fallback()).arguments(["a", "b"]).described_as(fs.name());
            command.run().succeeds().file_is("b", &vec![0; 20 * MIB as usize + 1]);
            let taken = allocated(&scene, "b");
            assert!(taken <= SLACK, "{} under {}: {taken} bytes allocated", fs.name(), engine.name());
        });
    });
}

#[test]
fn holes_take_the_place_of_older_data() {
    filesystems::for_each_filesystem(|fs, scene| {
        let bytes = make(&scene, "a", 3);
        for_each_engine(|engine| {
            scene.file("b", &content::bytes(9, 34 * MIB as usize));
            let command = scene.zccp(engine.option_with_fallback()).arguments(["a", "b"]).described_as(fs.name());
            command.run().succeeds().file_is("b", &bytes);
        });
    });
}

#[test]
fn never_fills_holes() {
    filesystems::for_each_filesystem(|fs, scene| {
        let bytes = make(&scene, "a", MIB);
        scene.zccp(["--sparse=never", "a", "b"]).run().succeeds().file_is("b", &bytes);
        let taken = allocated(&scene, "b");
        assert!(taken >= 33 * MIB, "{}: {taken} bytes allocated", fs.name());
    });
}

#[test]
fn always_makes_holes_of_zeros() {
    filesystems::for_each_filesystem(|fs, scene| {
        let bytes = make(&scene, "holes", 5);
        // The same bytes, all of them written.
        scene.file("a", &bytes);
        for engine in ["", "--engine=read_write"] {
            // Without --reflink=never a clone is tried first, here as with GNU, and that keeps what is allocated.
            let options = [engine, "--reflink=never", "--sparse=always"].into_iter().filter(|o| !o.is_empty());
            scene.zccp(options).arguments(["a", "b"]).run().succeeds().file_is("b", &bytes);
            let taken = allocated(&scene, "b");
            assert!(taken < MIB, "{}: {taken} bytes allocated", fs.name());
        }
    });
}

#[test]
fn standard_output_is_written_whole() {
    // cat has never made holes: the reader of a file it wrote may count on the space.
    let Some(scene) = Scene::on(Fs::Ext4) else { return };
    let bytes = make(&scene, "a", 5);
    for_each_engine(|engine| {
        let file = scene.create("b");
        let command = scene.zccat(engine.option_with_fallback()).argument("a").stdout_to(file);
        command.described_as(engine.name()).run().succeeds().file_is("b", &bytes);
    });
}

#[test]
fn many_extents_are_all_found() {
    filesystems::for_each_filesystem(|fs, scene| {
        let piece = content::bytes(1, 4096);
        let pieces: Vec<(u64, &[u8])> = (0..500).map(|i| (i * 12_288, &piece[..])).collect();
        let bytes = std::fs::read(scene.sparse_file("a", 500 * 12_288, &pieces)).unwrap();
        for engine in engines() {
            let command = scene.zccp(engine.option_with_fallback()).arguments(["a", "b"]).described_as(fs.name());
            command.run().succeeds().file_is("b", &bytes);
        }
    });
}
