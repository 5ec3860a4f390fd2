//! File contents in which every byte tells its place: lost, doubled, shifted and invented bytes all show.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

/// `len` bytes that are never 0 and do not repeat with any period a block or page has; other seeds give other bytes.
pub fn bytes(seed: u64, len: usize) -> Vec<u8> {
    // Made once for each seed, because unoptimized code makes them slowly; what is shorter is the beginning of it.
    static MADE: Mutex<BTreeMap<u64, Arc<Vec<u8>>>> = Mutex::new(BTreeMap::new());
    let made = MADE.lock().unwrap().get(&seed).filter(|made| made.len() >= len).cloned();
    let made = made.unwrap_or_else(|| {
        let new = Arc::new(make_bytes(seed, len.max(64 * 1024)));
        MADE.lock().unwrap().insert(seed, Arc::clone(&new));
        new
    });
    made[..len].to_vec()
}

fn make_bytes(seed: u64, len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len + 8);
    let mut word = 0u64;
    while out.len() < len {
        // splitmix64 of the word's index: any 8 bytes name their place.
        let mut z = (seed << 40).wrapping_add(word).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        out.extend((z ^ (z >> 31)).to_le_bytes().map(|b| if b == 0 { 0xa5 } else { b }));
        word += 1;
    }
    out
}

/// At least `len` bytes of text: numbered lines, the last one ended.
pub fn text(len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len + 32);
    let mut line = 1;
    while out.len() < len {
        out.extend_from_slice(format!("line {line} of the text\n").as_bytes());
        line += 1;
    }
    out
}

/// Where two byte strings first differ, in words with the bytes around; `None` if they are equal.
pub fn difference(expected: &[u8], actual: &[u8]) -> Option<String> {
    if expected == actual {
        return None;
    }
    let same = expected.iter().zip(actual).take_while(|(a, b)| a == b).count();
    if let (Some(want), Some(got)) = (short_text(expected), short_text(actual)) {
        let mut diff = String::new();
        for line in want.lines() {
            diff += &format!("    - {line}\n");
        }
        for line in got.lines() {
            diff += &format!("    + {line}\n");
        }
        return Some(format!("(- expected, + actual)\n{diff}"));
    }
    let window = |b: &[u8]| {
        let part = &b[same.min(b.len())..(same + 16).min(b.len())];
        part.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
    };
    Some(format!(
        "expected {} bytes, got {}; the first {same} are equal, then\n    - {}\n    + {}\n",
        expected.len(),
        actual.len(),
        window(expected),
        window(actual)
    ))
}

/// `bytes` as text, if it is short and printable enough to be shown as lines.
fn short_text(bytes: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(bytes).ok().filter(|t| t.len() < 4000)?;
    text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()).then_some(text)
}
