//! The formatter against a slow, obvious one, for every combination of options, arbitrary bytes, arbitrary ends of reads
//! and arbitrary room for output.

use super::*;

/// xorshift64*: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() >> 33) as usize % n
    }
}

/// What cat(1) says of one line, which ends with a newline or with the input.
fn model_of_line(line: &[u8], format: Format, number: Option<u64>, out: &mut Vec<u8>) {
    if let Some(number) = number {
        out.extend(format!("{number:6}\t").bytes());
    }
    let (body, newline) = line.strip_suffix(b"\n").map_or((line, false), |body| (body, true));
    for (at, &byte) in body.iter().enumerate() {
        let return_at_end = byte == b'\r' && newline && at + 1 == body.len() && format.ends;
        match byte {
            b'\t' if format.tabs => out.extend(b"^I"),
            b'\t' => out.push(byte),
            b'\r' if return_at_end => out.extend(b"^M"),
            _ if !format.nonprinting => out.push(byte),
            _ => {
                if byte >= 128 {
                    out.extend(b"M-");
                }
                match byte & 127 {
                    control @ 0..32 => out.extend([b'^', b'@' + control]),
                    127 => out.extend(b"^?"),
                    plain => out.push(plain),
                }
            }
        }
    }
    if newline {
        out.extend(if format.ends { &b"$\n"[..] } else { b"\n" });
    }
}

fn model(input: &[u8], format: Format) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut number, mut after_empty) = (0, false);
    for line in input.split_inclusive(|&byte| byte == b'\n') {
        let empty = line == b"\n";
        if format.squeeze_blank && empty && after_empty {
            continue;
        }
        after_empty = empty;
        let counts = match format.numbers {
            Numbers::None => false,
            Numbers::NonBlank => !empty,
            Numbers::All => true,
        };
        number += u64::from(counts);
        model_of_line(line, format, counts.then_some(number), &mut out);
    }
    out
}

fn all_formats() -> Vec<Format> {
    let mut all = Vec::new();
    for numbers in [Numbers::None, Numbers::NonBlank, Numbers::All] {
        for bits in 0..16 {
            let [squeeze_blank, ends, tabs, nonprinting] = [1, 2, 4, 8].map(|bit| bits & bit != 0);
            all.push(Format { numbers, squeeze_blank, ends, tabs, nonprinting });
        }
    }
    all.retain(|format| !format.is_raw());
    all
}

/// Formats `input` in pieces of `piece()` bytes into pieces of `room()` bytes.
fn cooked(input: &[u8], format: Format, mut piece: impl FnMut() -> usize, mut room: impl FnMut() -> usize) -> Vec<u8> {
    let mut cook = Cook::new(format);
    let mut result = Vec::new();
    let mut read = 0;
    while read < input.len() {
        let end = (read + piece()).min(input.len());
        while read < end {
            let mut out = vec![0xee; LEAST_ROOM + room()];
            let done = cook.format(&input[read..end], &mut out);
            assert!(done.taken > 0, "{format:?}: no progress at {read} of {input:?}");
            read += done.taken;
            result.extend_from_slice(&out[..done.given]);
        }
    }
    result.extend_from_slice(cook.finish());
    result
}

fn check(input: &[u8], random: &mut Random) {
    for format in all_formats() {
        let expected = model(input, format);
        let whole = cooked(input, format, || usize::MAX / 2, || 8 * input.len());
        assert!(whole == expected, "{}", difference(input, format, &expected, &whole));
        let seed = random.next() | 1;
        let (mut one, mut two) = (Random(seed), Random(seed ^ 0xffff));
        let longest = 1 + one.below(70);
        let split = cooked(input, format, || 1 + one.below(longest), || two.below(100));
        assert!(split == expected, "in pieces: {}", difference(input, format, &expected, &split));
    }
}

fn difference(input: &[u8], format: Format, expected: &[u8], got: &[u8]) -> String {
    let [input, expected, got] = [input, expected, got].map(|bytes| bytes.escape_ascii().to_string());
    format!("{format:?}\n  input    {input}\n  expected {expected}\n  got      {got}")
}

/// Bytes of which some alphabet's are more frequent than others.
fn input(random: &mut Random, alphabet: &[u8]) -> Vec<u8> {
    let len = random.below(300);
    (0..len)
        .map(|_| match random.below(alphabet.len() + 1) {
            0 => random.below(256) as u8,
            at => alphabet[at - 1],
        })
        .collect()
}

#[test]
fn arbitrary_bytes_come_out_as_the_model_says_however_they_are_read() {
    let mut random = Random(0x5eed);
    for round in 0..24 {
        for alphabet in
            [&b""[..], b"\n", b"\r\n", b"\n\n\r\t\x80", b"abcdefghijklmnop\n\r", b"abcdefghijklmnopqrstuvwxyz"]
        {
            let mut bytes = input(&mut random, alphabet);
            if round % 3 == 0 {
                bytes.push(b'\r');
            }
            check(&bytes, &mut random);
        }
    }
}

#[test]
fn stretches_of_lines_of_every_length_come_out_as_the_model_says() {
    let mut random = Random(0xba7c);
    for _ in 0..6 {
        let mut bytes = Vec::new();
        while bytes.len() < 24_000 {
            let end = bytes.len() + 1 + random.below(7000);
            // Nothing but stops, lines from the shortest to what no batch holds, and any bytes.
            let longest = [1, 2, 7, 40, 121, 300, 1500, 5000, 0][random.below(9)];
            while bytes.len() < end {
                match longest {
                    0 => bytes.push(random.below(256) as u8),
                    _ => {
                        bytes.extend((0..random.below(longest)).map(|_| b" abcdefg"[random.below(8)]));
                        bytes.extend([&b"\n"[..], b"\n", b"\n", b"\r\n", b"\t\n", b"\n\n"][random.below(6)]);
                    }
                }
            }
        }
        for format in all_formats() {
            let expected = model(&bytes, format);
            let seed = random.next() | 1;
            for (piece, room) in [(usize::MAX / 2, 8 * bytes.len()), (9000, 6000), (2500, 300)] {
                let (mut one, mut two) = (Random(seed), Random(seed ^ 0xffff));
                let got = cooked(&bytes, format, || 1 + one.below(piece), || two.below(room));
                let same = got.iter().zip(&expected).take_while(|(a, b)| a == b).count();
                assert!(got == expected, "{format:?}, pieces to {piece}, room to {room}: differs from byte {same} on");
            }
        }
    }
}

#[test]
fn every_byte_alone_among_plain_ones() {
    let mut random = Random(1);
    for byte in 0..=u8::MAX {
        // Each place is met by bytes of every kind.
        let mut bytes = vec![b'x'; 70];
        bytes[[0, 1, 15, 31, 32, 40, 69][usize::from(byte) % 7]] = byte;
        check(&bytes, &mut random);
    }
}

#[test]
fn numbers_grow_beyond_their_six_columns() {
    let lines = 1_000_123;
    let input = b"\n".repeat(lines);
    let out = cooked(&input, Format { numbers: Numbers::All, ..Format::default() }, || 100_000, || 100_000);
    assert_eq!(out.len(), 8 * 999_999 + 9 * (lines - 999_999));
    assert!(out.ends_with(b"1000122\t\n1000123\t\n"));
}

#[test]
fn where_pieces_end_is_never_seen_by_the_reader_of_the_lines() {
    let by_one = |bytes: &[u8], format| cooked(bytes, format, || 1, || 0);
    let ends = Format { ends: true, ..Format::default() };
    assert_eq!(by_one(b"a\r\n\r\r\n\rb\r", ends), b"a^M$\n\r^M$\n\rb\r");
    let squeeze = Format { squeeze_blank: true, numbers: Numbers::NonBlank, ..Format::default() };
    assert_eq!(by_one(b"\n\n\na\n\n\n\nb", squeeze), b"\n     1\ta\n\n     2\tb");
}
