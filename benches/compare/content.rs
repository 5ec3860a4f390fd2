//! The files that are copied: made, warmed, compared.
//!
//! Each eight bytes are a hash of their offset: nothing compresses, no block is all zeros, and a block that lands at
//! the wrong place differs.

use anyhow::{Result, ensure};
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::path::Path;

/// Buffers are kept small: this command's own memory is the floor of what can be seen of a child's (see
/// `measure::Launch`).
const BLOCK: usize = 256 * 1024;

/// A block that begins at a page. What malloc gives begins 16 bytes later, and the kernel's copying into it was three
/// times as slow (AMD EPYC, 512 MiB spliced into a pipe and read: 0.45 s, aligned 0.15 s): a slow reader would hide
/// what the programs take.
struct Block {
    bytes: Vec<u8>,
    start: usize,
}

const PAGE: usize = 4096;

impl Block {
    fn new() -> Block {
        let bytes = vec![0; BLOCK + PAGE];
        let start = bytes.as_ptr().align_offset(PAGE);
        Block { bytes, start }
    }

    fn get(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.start + BLOCK]
    }
}

/// Writes `bytes` bytes of content number `seed` to a new file and counts its lines.
pub fn write(path: &Path, bytes: u64, seed: u64) -> Result<u64> {
    let mut file = File::create_new(path)?;
    let mut block = Block::new();
    let buffer = block.get();
    let (mut offset, mut lines) = (0, 0);
    while offset < bytes {
        for (index, word) in buffer.chunks_exact_mut(8).enumerate() {
            word.copy_from_slice(&hash(seed << 56 ^ (offset / 8 + index as u64)).to_ne_bytes());
        }
        let length = (bytes - offset).min(BLOCK as u64) as usize;
        file.write_all(&buffer[..length])?;
        lines += buffer[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
        offset += length as u64;
    }
    Ok(lines)
}

/// What a file that is formatted holds.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Words in lines of 0 to 120 letters, 60 on average.
    Text,
    /// Lines of 0 to 6 letters.
    ShortLines,
    /// Any bytes.
    Random,
}

/// Writes about `bytes` bytes of that kind to a new file.
pub fn write_lines(path: &Path, kind: Kind, bytes: u64) -> Result<()> {
    let longest = match kind {
        Kind::Random => return write(path, bytes, 2).map(|_| ()),
        Kind::Text => 121,
        Kind::ShortLines => 7,
    };
    let mut file = std::io::BufWriter::new(File::create_new(path)?);
    let (mut written, mut turn) = (0, 0);
    while written < bytes {
        let length = hash(turn) % longest;
        for at in 0..length {
            let letter = hash(turn ^ (at + 1) << 40) % 32;
            file.write_all(&[if letter < 26 { b'a' + letter as u8 } else { b' ' }])?;
        }
        file.write_all(b"\n")?;
        written += length + 1;
        turn += 1;
    }
    Ok(file.flush()?)
}

/// A number that stands for all bytes of a stream in their order (FNV-1a), and how many they were.
pub fn digest(mut stream: impl Read) -> Result<(u64, u64)> {
    let mut block = Block::new();
    let buffer = block.get();
    let (mut digest, mut total) = (0xcbf2_9ce4_8422_2325_u64, 0);
    loop {
        match stream.read(buffer) {
            Ok(0) => return Ok((digest, total)),
            Ok(length) => {
                total += length as u64;
                for byte in &buffer[..length] {
                    digest = (digest ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => ensure!(false, "cannot read the stream: {error}"),
        }
    }
}

/// The finalizer of splitmix64.
pub fn hash(word: u64) -> u64 {
    let mut z = word.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Brings a file into the page cache by reading it.
pub fn warm(path: &Path) -> Result<()> {
    let mut file = File::open(path)?;
    let mut block = Block::new();
    let buffer = block.get();
    while file.read(buffer)? != 0 {}
    Ok(())
}

/// Throws a file's clean pages out of the page cache, so that the next reader brings them in as any reader would.
pub fn forget(path: &Path) -> Result<()> {
    Ok(rustix::fs::fadvise(File::open(path)?, 0, None, rustix::fs::Advice::DontNeed)?)
}

/// Why `copy` is not a copy of the `bytes` bytes of `source`; its size always, its content if `thorough`.
pub fn fault(source: &Path, copy: &Path, bytes: u64, thorough: bool) -> Result<Option<String>> {
    let file = match File::open(copy) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Some("made no file".to_owned())),
        file => file?,
    };
    let size = file.metadata()?.len();
    if size != bytes {
        return Ok(Some(format!("made {size} bytes of {bytes}")));
    }
    if !thorough {
        return Ok(None);
    }
    let read = same_until(source, file)?;
    Ok((read != bytes).then(|| format!("made a file that differs from byte {read} on")))
}

/// Reads all of `stream`: how much of its beginning is the content of `source`; what goes beyond its end is counted.
pub fn same_until(source: &Path, mut stream: impl Read) -> Result<u64> {
    let mut file = File::open(source)?;
    let (mut given, mut wanted) = (Block::new(), Block::new());
    let (given, wanted) = (given.get(), wanted.get());
    let mut offset = 0;
    loop {
        let length = stream.read(given)?;
        if length == 0 {
            return Ok(offset);
        }
        let wanted = &mut wanted[..length];
        if let Err(error) = file.read_exact(wanted) {
            ensure!(error.kind() == ErrorKind::UnexpectedEof, "cannot read the source: {error}");
            return Ok(offset + length as u64 + std::io::copy(&mut stream, &mut std::io::sink())?);
        }
        let same = wanted.iter().zip(&*given).take_while(|(a, b)| a == b).count();
        offset += same as u64;
        if same != length {
            // To the end all the same: the program must not be stopped by a closed pipe.
            std::io::copy(&mut stream, &mut std::io::sink())?;
            return Ok(offset);
        }
    }
}

/// Takes `bytes` bytes of page cache for a new file at `path` and gives them back: the copy that follows gets memory
/// that was in use a moment ago. Memory that was not may cost a fault in the host of a virtual machine that reports
/// what is free (mm/page_reporting.c, two seconds after it was freed): a copy of 512 MiB took 1.2 s instead of 0.2 s.
pub fn touch_memory(path: &Path, bytes: u64) -> Result<()> {
    let mut file = File::create_new(path)?;
    let mut block = Block::new();
    let mut left = bytes;
    while left > 0 {
        let length = left.min(BLOCK as u64);
        file.write_all(&block.get()[..length as usize])?;
        left -= length;
    }
    Ok(std::fs::remove_file(path)?)
}

/// Reads a stream to its end; how much it was.
pub fn count(mut stream: impl Read) -> Result<u64> {
    let mut block = Block::new();
    let buffer = block.get();
    let mut total = 0u64;
    loop {
        match stream.read(buffer) {
            Ok(0) => return Ok(total),
            Ok(length) => total += length as u64,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => ensure!(false, "cannot read the stream: {error}"),
        }
    }
}
