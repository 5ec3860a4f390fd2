//! Measures copies to a slow stick: `cargo bench --bench slow -- [OPTIONS]`, as root.
//!
//! | option | meaning |
//! |---|---|
//! | `--file-systems A,B` | of `vfat` (fusefat), `exfat` (exfat-fuse), `ext4`, `xfs`; default: the last three |
//! | `--programs A=PATH,B=PATH` | default this program, and `cp` and `rsync` found in PATH |
//! | `--speed MIB` | what the stick takes a second, 20 |
//! | `--size MIB` | of the file, 200 |
//! | `--rounds N` | 3; medians are given |
//! | `--read-back` | measures instead how fast `--verify` reads back what is there ([`reading`]) |
//!
//! How it measures, and why so:
//!
//! * The stick is a loop device over a file in /dev/shm, held to its speed, reading and writing, by a control group (version
//!   1, `blkio`). It says that it is removable, as a stick does: the kernel's answer is covered by a file, in a mount
//!   namespace of this program's own. It is made anew for each run.
//! * The source is on the disk and cold: its pages were dropped.
//! * "ends" is the program's end, "there" when sync(1) of the file system has returned after it.
//! * Meanwhile, until it is there, another program writes 4 KiB to the stick and flushes it (fsync), and reads 4 KiB from it
//!   that are in nobody's cache, a fifth of a second after the last time; the longest and the median are given.
//! * "in memory" is the most by which Dirty and Writeback in /proc/meminfo were above what they were before, looked at every
//!   20 ms; "cached" is what is in the page cache of the copy when it is there (fincore(1)).

// --read-back
mod reading;

use anyhow::{Context as _, Result, bail, ensure};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const MIB: u64 = 1 << 20;
/// Set for the second start of this program, which has mounts of its own.
const PRIVATE: &str = "ZCCP_BENCH_SLOW_PRIVATE";

struct Options {
    file_systems: Vec<String>,
    programs: Vec<(String, PathBuf)>,
    speed: u64,
    size: u64,
    rounds: usize,
    read_back: bool,
}

/// What makes rsync leave least undone on fusefat, which has neither chmod(2) nor utimes(2) of what is open.
const TO_FUSEFAT: [&str; 4] = ["--inplace", "--no-perms", "--no-times", "--whole-file"];
/// rsync's status when all data is there and not all attributes (rsync(1), EXIT VALUES): fusefat refuses fchmod (ENOSYS).
const PARTIAL: i32 = 23;

/// What one run came to.
#[derive(Clone, Default)]
struct Run {
    ends: Duration,
    there: Duration,
    in_memory: u64,
    cached: u64,
    writes: Vec<Duration>,
    reads: Vec<Duration>,
}

fn main() -> ExitCode {
    match begin() {
        Ok(status) => status,
        Err(error) => {
            eprintln!("slow: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn begin() -> Result<ExitCode> {
    if std::env::var_os(PRIVATE).is_none() {
        let again = std::env::current_exe()?;
        let status = Command::new("unshare")
            .args(["--mount", "--propagation", "private"])
            .arg(again)
            .args(std::env::args_os().skip(1))
            .env(PRIVATE, "1")
            .status()
            .context("unshare")?;
        return Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE });
    }
    let options = parse()?;
    let place = std::env::temp_dir().join(format!("zccp-slow-{}", std::process::id()));
    fs::create_dir_all(&place)?;
    let measured = measure(&options, &place);
    let _ = fs::remove_dir_all(&place);
    measured.map(|()| ExitCode::SUCCESS)
}

fn parse() -> Result<Options> {
    let found = |name: &str| (name.to_string(), PathBuf::from(name));
    let ours = PathBuf::from(env!("CARGO_BIN_EXE_zccp"));
    let mut options = Options {
        file_systems: ["exfat", "ext4", "xfs"].map(String::from).to_vec(),
        programs: vec![("zccp".into(), ours), found("cp"), found("rsync")],
        speed: 20,
        size: 200,
        rounds: 3,
        read_back: false,
    };
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    while let Some(word) = words.next() {
        if word == "--read-back" {
            options.read_back = true;
            continue;
        }
        let value = words.next().with_context(|| format!("{word} wants a value"))?;
        match word.as_str() {
            "--file-systems" => options.file_systems = value.split(',').map(String::from).collect(),
            "--programs" => {
                let pair = |one: &str| one.split_once('=').map(|(name, path)| (name.to_string(), PathBuf::from(path)));
                options.programs = value.split(',').map(pair).collect::<Option<_>>().context("NAME=PATH,...")?;
            }
            "--speed" => options.speed = value.parse()?,
            "--size" => options.size = value.parse()?,
            "--rounds" => options.rounds = value.parse()?,
            _ => bail!("unknown option {word}"),
        }
    }
    Ok(options)
}

fn measure(options: &Options, place: &Path) -> Result<()> {
    let source = place.join("big.iso");
    let block: Vec<u8> = (0..MIB).map(|n| ((n * 2_654_435_761) >> 13) as u8).collect();
    let mut file = File::create(&source)?;
    for _ in 0..options.size {
        file.write_all(&block)?;
    }
    file.sync_all()?;
    if options.read_back {
        return reading::measure(options, &source, place);
    }
    println!("| | ends | there | in memory | cached | write: longest | median | read: longest | median |");
    println!("|---|---|---|---|---|---|---|---|---|");
    for file_system in &options.file_systems {
        let mut all = vec![Vec::new(); options.programs.len()];
        let mut failures = vec![None; options.programs.len()];
        for round in 0..options.rounds {
            for turn in 0..options.programs.len() {
                let which = (turn + round) % options.programs.len();
                let (name, program) = &options.programs[which];
                rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
                if failures[which].is_none() {
                    match one(options, file_system, program, &source, place) {
                        Ok(run) => all[which].push(run),
                        Err(error) => failures[which] = Some(format!("{name} to {file_system}: {error:#}")),
                    }
                }
            }
        }
        for (((name, _), runs), failure) in options.programs.iter().zip(&all).zip(&failures) {
            if let Some(failure) = failure {
                println!("| {file_system}: {name} | fails | | | | | | | |");
                eprintln!("{failure}");
                continue;
            }
            let of = |what: fn(&Run) -> Duration| seconds(median(runs.iter().map(what).collect()));
            let mib = |what: fn(&Run) -> u64| median(runs.iter().map(what).collect()) / MIB;
            println!(
                "| {file_system}: {name} | {} | {} | {} MiB | {} MiB | {} | {} | {} | {} |",
                of(|run| run.ends),
                of(|run| run.there),
                mib(|run| run.in_memory),
                mib(|run| run.cached),
                of(|run| run.writes.iter().copied().max().unwrap_or_default()),
                of(|run| median(run.writes.clone())),
                of(|run| run.reads.iter().copied().max().unwrap_or_default()),
                of(|run| median(run.reads.clone())),
            );
        }
    }
    Ok(())
}

fn one(options: &Options, file_system: &str, program: &Path, source: &Path, place: &Path) -> Result<Run> {
    let stick = Stick::new(options, file_system, place)?;
    let copy = stick.place.join("big.iso");
    let before = unwritten()?;
    let over = AtomicBool::new(false);
    let most = Mutex::new(0u64);
    let mut run = Run::default();
    let others = thread::scope(|scope| -> Result<(Vec<Duration>, Vec<Duration>)> {
        let began = Instant::now();
        let mut command = Command::new(program);
        if program.ends_with("rsync") {
            command.arg("--info=progress2");
            if file_system == "vfat" {
                command.args(TO_FUSEFAT);
            }
        }
        let mut child = command.arg(source).arg(&stick.place).stdout(Stdio::null()).spawn()?;
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                let now = unwritten().unwrap_or(0).saturating_sub(before);
                if let Ok(mut most) = most.lock() {
                    *most = now.max(*most);
                }
                thread::sleep(Duration::from_millis(20));
            }
        });
        let other = scope.spawn(|| other_program(&stick.place, &over));
        let status = child.wait();
        run.ends = began.elapsed();
        let synced = run_it(Command::new("sync").arg("-f").arg(&stick.place));
        run.there = began.elapsed();
        over.store(true, Ordering::Relaxed); // before anything is given up: the others would never end
        synced?;
        let status = status?;
        let as_expected = program.ends_with("rsync") && file_system == "vfat" && status.code() == Some(PARTIAL);
        ensure!(status.success() || as_expected, "{status}");
        other.join().map_err(|_| anyhow::anyhow!("the other program"))?
    })?;
    (run.writes, run.reads) = others;
    run.in_memory = most.into_inner().unwrap_or(0);
    ensure!(fs::metadata(&copy)?.len() == options.size * MIB, "the copy is not complete");
    let cached = Command::new("fincore").args(["-n", "-b", "-o", "RES"]).arg(&copy).output()?;
    run.cached = String::from_utf8_lossy(&cached.stdout).trim().parse()?;
    run_it(Command::new("cmp").arg(source).arg(&copy))?;
    Ok(run)
}

/// What somebody else does with the stick meanwhile: how long each write took, and each read.
fn other_program(stick: &Path, over: &AtomicBool) -> Result<(Vec<Duration>, Vec<Duration>)> {
    let (mut writes, mut reads) = (Vec::new(), Vec::new());
    for turn in 0.. {
        thread::sleep(Duration::from_millis(200));
        if over.load(Ordering::Relaxed) {
            break;
        }
        let began = Instant::now();
        let file = File::create(stick.join(format!("note-{turn}")))?;
        file.write_all_at(&[7; 4096], 0)?;
        file.sync_all()?;
        writes.push(began.elapsed());
        let there = File::open(stick.join(format!("there-{}", turn % 64)))?;
        rustix::fs::fadvise(&there, 0, None, rustix::fs::Advice::DontNeed)?;
        let began = Instant::now();
        (&there).read_exact(&mut [0; 4096])?;
        reads.push(began.elapsed());
    }
    Ok((writes, reads))
}

/// Bytes in memory that are to be written: Dirty and Writeback.
fn unwritten() -> Result<u64> {
    let text = fs::read_to_string("/proc/meminfo")?;
    let of = |name: &str| -> Option<u64> {
        text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
    };
    Ok((of("Dirty:").context("Dirty")? + of("Writeback:").context("Writeback")?) * 1024)
}

struct Stick {
    device: String,
    number: String,
    place: PathBuf,
    image: PathBuf,
    says: PathBuf,
}

impl Stick {
    fn new(options: &Options, file_system: &str, place: &Path) -> Result<Stick> {
        let image = PathBuf::from(format!("/dev/shm/zccp-slow-{}", std::process::id()));
        File::create(&image)?.set_len((options.size + 400) * MIB)?;
        let found = Command::new("losetup").args(["-f", "--show"]).arg(&image).output()?;
        let device = String::from_utf8(found.stdout)?.trim().to_string();
        ensure!(!device.is_empty(), "losetup: {}", String::from_utf8_lossy(&found.stderr));
        let block = Path::new("/sys/devices/virtual/block").join(device.trim_start_matches("/dev/"));
        let number = fs::read_to_string(block.join("dev"))?.trim().to_string();
        let stick = Stick { device, number, place: place.join("stick"), image, says: block.join("removable") };
        let yes = place.join("removable");
        fs::write(&yes, "1\n")?;
        run_it(Command::new("mount").arg("--bind").arg(&yes).arg(&stick.says))?;
        let made: &[&str] = match file_system {
            "ext4" => &["-q", "-F"],
            "xfs" => &["-q", "-f"],
            "vfat" => &["-F", "32"],
            _ => &[],
        };
        run_it(Command::new(format!("mkfs.{file_system}")).args(made).arg(&stick.device))?;
        fs::create_dir_all(&stick.place)?;
        let on_a_device = format!("rw+,blkdev,big_writes,fsname={}", stick.device);
        let (mount, how): (&str, &[&str]) = match file_system {
            "exfat" => ("mount.exfat-fuse", &[]),
            "vfat" => ("fusefat", &["-o", &on_a_device]),
            _ => ("mount", &[]),
        };
        let mut command = Command::new(mount);
        let mounted =
            command.args(how).arg(&stick.device).arg(&stick.place).stdout(Stdio::null()).stderr(Stdio::null());
        ensure!(mounted.status()?.success(), "{mount}");
        for turn in 0..64 {
            fs::write(stick.place.join(format!("there-{turn}")), [1; 4096])?;
        }
        run_it(Command::new("sync").arg("-f").arg(&stick.place))?;
        fs::write("/proc/sys/vm/drop_caches", "1")?; // what a FUSE program has read of its device, too
        stick.throttle(options.speed * MIB)?;
        Ok(stick)
    }

    fn throttle(&self, bytes: u64) -> Result<()> {
        for which in ["read", "write"] {
            let rule = format!("/sys/fs/cgroup/blkio/blkio.throttle.{which}_bps_device");
            fs::write(&rule, format!("{} {bytes}", self.number)).with_context(|| rule.clone())?;
        }
        Ok(())
    }
}

impl Drop for Stick {
    fn drop(&mut self) {
        let _ = self.throttle(0);
        let quietly = |command: &mut Command| drop(command.stderr(Stdio::null()).status());
        quietly(Command::new("umount").arg(&self.place));
        quietly(Command::new("umount").arg(&self.says));
        quietly(Command::new("losetup").arg("-d").arg(&self.device));
        let _ = fs::remove_file(&self.image);
    }
}

fn run_it(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn median<T: Ord + Copy + Default>(mut all: Vec<T>) -> T {
    all.sort();
    all.get(all.len() / 2).copied().unwrap_or_default()
}

fn seconds(time: Duration) -> String {
    if time < Duration::from_millis(100) {
        return format!("{:.1} ms", time.as_secs_f64() * 1000.0);
    }
    format!("{:.2} s", time.as_secs_f64())
}
