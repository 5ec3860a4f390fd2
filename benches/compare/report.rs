//! What is said: a table for each row, and all of it as JSON.

use crate::measure::{Outcome, Sample};
use crate::rivals::Program;
use crate::rows::Row;
use std::fmt::Write;
use std::time::Duration;

/// What came of a row.
pub struct Measured<'a> {
    /// The row.
    pub row: &'a Row,
    /// Bytes moved by each run.
    pub bytes: u64,
    /// Its programs' runs, or why there are none.
    pub outcomes: Result<Vec<Outcome>, String>,
}

/// The machine, for whoever reads the figures elsewhere.
pub struct Machine {
    kernel: String,
    cpu: String,
    cpus: usize,
    memory: String,
    load: String,
}

impl Machine {
    /// This one.
    pub fn here() -> Machine {
        let field = |file: &str, key: &str| {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(key)).unwrap_or(key).to_owned();
            line[key.len()..].trim_start_matches([' ', '\t', ':']).to_owned()
        };
        Machine {
            kernel: field("/proc/sys/kernel/osrelease", ""),
            cpu: field("/proc/cpuinfo", "model name"),
            cpus: std::thread::available_parallelism().map_or(0, usize::from),
            memory: field("/proc/meminfo", "MemTotal"),
            // What else runs takes part of every time: figures count on an idle machine only.
            load: field("/proc/loadavg", ""),
        }
    }
}

/// The lines before the first table.
pub fn head(machine: &Machine, programs: &[Program]) -> String {
    let Machine { kernel, cpu, cpus, memory, load } = machine;
    let mut text = format!("Linux {kernel}, {cpus} x {cpu}, memory {memory}, load {load}\n");
    text += "File systems: loop devices over images in tmpfs (\"on the device\" is a copy in memory), mounted with nodiscard.\n";
    text += "Medians; the first round is thrown away. \"by\": how many times as long as the first program's.\n\n";
    for program in programs {
        let _ = writeln!(text, "{:8} {} ({})", program.name, program.path.display(), program.version);
    }
    text
}

/// A row's table.
pub fn table(measured: &Measured) -> String {
    let row = measured.row;
    let mut text = format!("\n{}: {}, {}; {} rounds\n", row.name, bytes(measured.bytes), row.about, row.rounds);
    let outcomes = match &measured.outcomes {
        Ok(outcomes) => outcomes,
        Err(why) => return text + "  not measured: " + why + "\n",
    };
    let figures: Vec<_> = outcomes.iter().map(|outcome| Figures::of(outcome, measured.bytes)).collect();
    let first = figures.first().and_then(|figures| figures.as_ref().ok());
    let (first, first_least) = (first.map(Figures::ratio_base), first.map(|first| first.least));
    let any = |column: fn(&Figures) -> bool| figures.iter().flatten().any(column);
    let (synced, peak, empty) = (any(|f| f.synced.is_some()), any(|f| f.peak.is_some()), any(|f| f.above.is_some()));
    let traffic = measured.bytes >= 1 << 20;
    let mut lines = vec![heading(synced, traffic, peak, empty)];
    for (outcome, figures) in outcomes.iter().zip(&figures) {
        let name = outcome.program.to_owned();
        lines.push(match figures {
            Err(why) => vec![name, format!("failed: {why}")],
            Ok(figures) => {
                let mut cells = vec![name, time(figures.wall)];
                cells.extend(synced.then(|| figures.synced.map_or("-".into(), time)));
                let base = figures.ratio_base();
                cells.push(first.map_or("-".into(), |first| format!("{:.2}", ratio(base, first))));
                cells.push(time(figures.least));
                cells.push(first_least.map_or("-".into(), |first| format!("{:.2}", ratio(figures.least, first))));
                cells.push(time(figures.most));
                cells.push(time(figures.cpu));
                if traffic {
                    cells.push(format!("{:.2} s", figures.cpu_per_gb));
                    cells.push(format!("{:.2}", measured.bytes as f64 / base.as_secs_f64() / 1e9));
                }
                cells.extend(peak.then(|| figures.peak.map_or("-".into(), mebibytes)));
                cells.extend(empty.then(|| figures.above.map_or("-".into(), |above| format!("{:+.1}", mib(above)))));
                cells
            }
        });
    }
    lay_out(&mut text, &lines);
    text
}

fn heading(synced: bool, traffic: bool, peak: bool, empty: bool) -> Vec<String> {
    let mut cells = vec!["", if synced { "returned" } else { "wall" }];
    cells.extend(synced.then_some("on device"));
    cells.extend(["by", "least", "by", "most", "CPU"]);
    cells.extend(if traffic { &["CPU/GB", "GB/s"][..] } else { &[] });
    cells.extend(peak.then_some("peak MiB"));
    cells.extend(empty.then_some("above empty"));
    cells.into_iter().map(str::to_owned).collect()
}

/// Names left, figures right; a failure's words may be as long as they like.
fn lay_out(text: &mut String, lines: &[Vec<String>]) {
    let columns = lines[0].len();
    let width = |column: usize| {
        let whole = lines.iter().filter(|line| line.len() == columns);
        whole.map(|line| line[column].len()).max().unwrap_or(0)
    };
    let names = lines.iter().map(|line| line[0].len()).max().unwrap_or(0);
    for line in lines {
        let _ = write!(text, "  {:names$}", line[0]);
        for (column, cell) in line.iter().enumerate().skip(1) {
            let width = if line.len() == columns { width(column) } else { 0 };
            let _ = write!(text, "  {cell:>width$}");
        }
        text.push('\n');
    }
}

/// The medians of one program's runs.
struct Figures {
    wall: Duration,
    synced: Option<Duration>,
    least: Duration,
    most: Duration,
    cpu: Duration,
    cpu_per_gb: f64,
    peak: Option<u64>,
    above: Option<i64>,
}

impl Figures {
    fn of(outcome: &Outcome, bytes: u64) -> Result<Figures, &str> {
        let runs = outcome.runs.as_ref().map_err(String::as_str)?;
        let all = |figure: fn(&Sample) -> Option<Duration>| median(runs.iter().filter_map(figure).collect());
        let counted = || runs.iter().map(|run| run.synced.unwrap_or(run.wall));
        let cpu = all(|run| Some(run.cpu)).unwrap_or_default();
        let above = |run: &Sample| Some(run.peak_bytes? as i64 - run.empty_peak_bytes? as i64);
        Ok(Figures {
            wall: all(|run| Some(run.wall)).ok_or("no run")?,
            synced: all(|run| run.synced),
            least: counted().min().unwrap_or_default(),
            most: counted().max().unwrap_or_default(),
            cpu,
            cpu_per_gb: cpu.as_secs_f64() / (bytes as f64 / 1e9),
            peak: median(runs.iter().filter_map(|run| run.peak_bytes).collect()),
            above: median(runs.iter().filter_map(above).collect()),
        })
    }

    /// The time that is compared.
    fn ratio_base(&self) -> Duration {
        self.synced.unwrap_or(self.wall)
    }
}

/// The middle one; of an even number the upper of the two.
fn median<T: Ord + Copy>(mut values: Vec<T>) -> Option<T> {
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 0.01 { format!("{:.0} us", seconds * 1e6) } else { format!("{:.1} ms", seconds * 1e3) }
}

fn mib(bytes: i64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1}", mib(bytes as i64))
}

fn bytes(bytes: u64) -> String {
    match bytes {
        0 => "no bytes".to_owned(),
        n if n >= 1 << 20 => format!("{} MiB", n >> 20),
        n => format!("{n} bytes"),
    }
}

/// All of it as one JSON object. Times are in seconds, memory in bytes; every run is there, medians too.
pub fn json(machine: &Machine, programs: &[Program], all: &[Measured]) -> String {
    let Machine { kernel, cpu, cpus, memory, load } = machine;
    let mut text = format!(
        "{{\n\"format\": 1,\n\"machine\": {{\"kernel\": {}, \"cpu\": {}, \"cpus\": {cpus}, \"memory\": {}, \"load\": {}}},\n\"images\": \"tmpfs\",\n\"programs\": [",
        quoted(kernel),
        quoted(cpu),
        quoted(memory),
        quoted(load)
    );
    list(&mut text, programs, |program| {
        let (path, version) = (quoted(&program.path.to_string_lossy()), quoted(&program.version));
        format!("{{\"name\": {}, \"path\": {path}, \"version\": {version}}}", quoted(program.name))
    });
    text += ",\n\"rows\": [";
    list(&mut text, all, json_row);
    text + "\n}\n"
}

fn json_row(measured: &Measured) -> String {
    let row = measured.row;
    let (name, about) = (quoted(&row.name), quoted(&row.about));
    let mut text =
        format!("{{\"name\": {name}, \"about\": {about}, \"bytes\": {}, \"rounds\": {}, ", measured.bytes, row.rounds);
    match &measured.outcomes {
        Err(why) => text += &format!("\"not_measured\": {}}}", quoted(why)),
        Ok(outcomes) => {
            text += "\"results\": [";
            list(&mut text, outcomes, |outcome| json_outcome(outcome, outcomes, measured.bytes));
            text.push('}');
        }
    }
    text
}

fn json_outcome(outcome: &Outcome, all: &[Outcome], bytes: u64) -> String {
    let name = quoted(outcome.program);
    let (figures, runs) = match (Figures::of(outcome, bytes), &outcome.runs) {
        (Ok(figures), Ok(runs)) => (figures, runs),
        (Err(why), _) => return format!("  {{\"program\": {name}, \"failed\": {}}}", quoted(why)),
        (_, Err(why)) => return format!("  {{\"program\": {name}, \"failed\": {}}}", quoted(why)),
    };
    let first = all.first().and_then(|first| Figures::of(first, bytes).ok());
    let by = first.as_ref().map_or("null".into(), |first| number(ratio(figures.ratio_base(), first.ratio_base())));
    let by_least = first.map_or("null".into(), |first| number(ratio(figures.least, first.least)));
    let seconds = |time: Option<Duration>| time.map_or("null".to_owned(), |time| number(time.as_secs_f64()));
    let whole = |value: Option<i64>| value.map_or("null".to_owned(), |value| value.to_string());
    let each = |figure: fn(&Sample) -> Option<Duration>| {
        let all: Vec<_> = runs.iter().filter_map(figure).map(|time| number(time.as_secs_f64())).collect();
        format!("[{}]", all.join(", "))
    };
    format!(
        "  {{\"program\": {name}, \"wall\": {}, \"synced\": {}, \"by\": {by}, \"by_least\": {by_least}, \"cpu\": {}, \"peak\": {}, \
         \"above_empty\": {}, \"walls\": {}, \"synceds\": {}, \"cpus\": {}}}",
        seconds(Some(figures.wall)),
        seconds(figures.synced),
        seconds(Some(figures.cpu)),
        whole(figures.peak.map(|peak| peak as i64)),
        whole(figures.above),
        each(|run| Some(run.wall)),
        each(|run| run.synced),
        each(|run| Some(run.cpu)),
    )
}

fn list<T>(text: &mut String, items: &[T], item: impl Fn(&T) -> String) {
    for (index, one) in items.iter().enumerate() {
        text.push_str(if index == 0 { "\n" } else { ",\n" });
        text.push_str(&item(one));
    }
    text.push_str("\n]");
}

/// Not a number where there is none: JSON has no infinity.
fn number(value: f64) -> String {
    if value.is_finite() { format!("{value:.6}") } else { "null".to_owned() }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            c if c < ' ' => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
