//! Where the quotes and backslashes of a JSON text stand, found 64 bytes at a time before the text is walked over: a string's end is
//! then a look into a bit map, not a search.
//!
//! ```text
//! text         {"a":"x\"y"}
//! quotes       .1.1.1....1.     those that begin or end a string
//! backslashes  .......1....
//! ```

const BLOCK: usize = 64;

/// The marks of one text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    /// Bit `i` of word `w` stands for byte `64 w + i`: a quote that is not escaped. A word of zeros closes the list.
    quotes: Vec<u64>,
    /// As many words.
    backslashes: Vec<u64>,
    any_backslash: bool,
    /// Strings must be searched byte by byte: nothing was marked, or the text has control characters, which strings must not.
    pub(super) search: bool,
    /// No byte is above 0x7F.
    pub(super) ascii: bool,
}

/// The marks of a text that is searched byte by byte.
pub(super) static NONE: Marks =
    Marks { quotes: Vec::new(), backslashes: Vec::new(), any_backslash: false, search: true, ascii: false };

/// What one block holds: a bit a byte, and whether there are others.
struct Block {
    quotes: u64,
    backslashes: u64,
    control: bool,
    high: bool,
}

impl Marks {
    /// Marks another text.
    pub(super) fn scan(&mut self, text: &[u8]) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { self.scan_avx2(text) };
        }
        self.scan_by(text, classify);
    }

    /// The same in instructions that a part of all processors lack.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn scan_avx2(&mut self, text: &[u8]) {
        self.scan_by(text, |block| classify_avx2(block));
    }

    #[inline(always)]
    fn scan_by(&mut self, text: &[u8], classify: impl Fn(&[u8; BLOCK]) -> Block) {
        let (blocks, tail) = text.as_chunks::<BLOCK>();
        self.quotes.resize(blocks.len() + 2, 0);
        self.backslashes.resize(blocks.len() + 2, 0);
        let mut last = [b' '; BLOCK];
        last[..tail.len()].copy_from_slice(tail);
        let (mut control, mut high, mut backslashes, mut escapes_next) = (false, false, 0, 0);
        let mut mark = |block: &[u8; BLOCK], quotes: &mut u64, backslash: &mut u64| {
            let block = classify(block);
            *quotes = block.quotes & !escaped(block.backslashes, &mut escapes_next);
            *backslash = block.backslashes;
            control |= block.control;
            high |= block.high;
            backslashes |= block.backslashes;
        };
        let mut words = self.quotes.iter_mut().zip(&mut self.backslashes);
        for (block, (quotes, backslashes)) in blocks.iter().zip(&mut words) {
            mark(block, quotes, backslashes);
        }
        if let Some((quotes, backslashes)) = words.next() {
            mark(&last, quotes, backslashes);
        }
        self.quotes[blocks.len() + 1] = 0;
        self.backslashes[blocks.len() + 1] = 0;
        self.search = control;
        self.ascii = !high;
        self.any_backslash = backslashes != 0;
    }

    /// The first quote at or behind `from` that is not escaped.
    #[inline]
    pub(super) fn quote(&self, from: usize) -> Option<usize> {
        let mut word = from / BLOCK;
        let mut bits = *self.quotes.get(word)? & (u64::MAX << (from % BLOCK));
        while bits == 0 {
            word += 1;
            bits = *self.quotes.get(word)?;
        }
        Some(word * BLOCK + bits.trailing_zeros() as usize)
    }

    /// Whether a backslash stands from `start` to before `end`.
    #[inline]
    pub(super) fn has_backslash(&self, start: usize, end: usize) -> bool {
        self.any_backslash && {
            let (first, last) = (start / BLOCK, end / BLOCK);
            let from = u64::MAX << (start % BLOCK);
            let to = !(u64::MAX << (end % BLOCK));
            if first == last {
                self.backslashes[first] & from & to != 0
            } else {
                let between = self.backslashes[first + 1..last].iter().any(|word| *word != 0);
                self.backslashes[first] & from != 0 || between || self.backslashes[last] & to != 0
            }
        }
    }
}

/// The bytes that are escaped: those behind a backslash that is not escaped itself. `next` tells whether the first byte of a block is,
/// and afterwards whether that of the next block is.
///
/// Of a run of backslashes every second one escapes its follower, counted from the run's first. Adding the runs' first bits to the
/// runs carries a bit to behind each run; whether run and carry begin at even or odd places tells how long the run is.
#[inline]
fn escaped(backslashes: u64, next: &mut u64) -> u64 {
    if backslashes == 0 {
        return std::mem::take(next);
    }
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let escaping = backslashes & !*next;
    let behind = escaping << 1 | *next;
    let odd_firsts = escaping & !EVEN & !behind;
    let (carried, overflow) = odd_firsts.overflowing_add(escaping);
    *next = u64::from(overflow);
    (EVEN ^ carried << 1) & behind
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn classify(block: &[u8; BLOCK]) -> Block {
    use std::arch::x86_64::{
        __m128i, _mm_cmpeq_epi8, _mm_loadu_si128, _mm_min_epu8, _mm_movemask_epi8, _mm_or_si128, _mm_set1_epi8,
        _mm_subs_epu8,
    };
    // SAFETY: SSE2 is part of x86-64, and the loads read the block's 64 bytes, 16 each.
    unsafe {
        let lane = block.as_ptr().cast::<__m128i>();
        let lanes = [lane, lane.add(1), lane.add(2), lane.add(3)].map(|lane| _mm_loadu_si128(lane));
        let equal = |byte: u8| {
            let byte = _mm_set1_epi8(byte as i8);
            let [a, b, c, d] = lanes.map(|lane| _mm_movemask_epi8(_mm_cmpeq_epi8(lane, byte)) as u64);
            (a | b << 16) | (c | d << 16) << 32
        };
        let [a, b, c, d] = lanes;
        let any = _mm_or_si128(_mm_or_si128(a, b), _mm_or_si128(c, d));
        let least = _mm_min_epu8(_mm_min_epu8(a, b), _mm_min_epu8(c, d));
        // A control character less 0x1F is 0.
        let controls = _mm_cmpeq_epi8(_mm_subs_epu8(least, _mm_set1_epi8(0x1F)), _mm_set1_epi8(0));
        Block {
            quotes: equal(b'"'),
            backslashes: equal(b'\\'),
            control: _mm_movemask_epi8(controls) != 0,
            high: _mm_movemask_epi8(any) != 0,
        }
    }
}

/// The same, 32 bytes at a time.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
#[inline]
fn classify_avx2(block: &[u8; BLOCK]) -> Block {
    use std::arch::x86_64::{
        __m256i, _mm256_cmpeq_epi8, _mm256_loadu_si256, _mm256_min_epu8, _mm256_movemask_epi8, _mm256_or_si256,
        _mm256_set1_epi8, _mm256_setzero_si256, _mm256_subs_epu8,
    };
    let lane = block.as_ptr().cast::<__m256i>();
    // SAFETY: the loads read the block's 64 bytes, 32 each.
    let (a, b) = unsafe { (_mm256_loadu_si256(lane), _mm256_loadu_si256(lane.add(1))) };
    let equal = |byte: u8| {
        let byte = _mm256_set1_epi8(byte as i8);
        let [a, b] = [a, b].map(|lane| _mm256_movemask_epi8(_mm256_cmpeq_epi8(lane, byte)) as u32);
        u64::from(a) | u64::from(b) << 32
    };
    // A control character less 0x1F is 0.
    let least = _mm256_subs_epu8(_mm256_min_epu8(a, b), _mm256_set1_epi8(0x1F));
    let controls = _mm256_cmpeq_epi8(least, _mm256_setzero_si256());
    Block {
        quotes: equal(b'"'),
        backslashes: equal(b'\\'),
        control: _mm256_movemask_epi8(controls) != 0,
        high: _mm256_movemask_epi8(_mm256_or_si256(a, b)) != 0,
    }
}

#[cfg(not(target_arch = "x86_64"))]
fn classify(block: &[u8; BLOCK]) -> Block {
    classify_bytes(block)
}

/// The same, a byte at a time.
#[cfg(any(test, not(target_arch = "x86_64")))]
fn classify_bytes(block: &[u8; BLOCK]) -> Block {
    let mask = |is: fn(u8) -> bool| block.iter().rev().fold(0, |bits, byte| bits << 1 | u64::from(is(*byte)));
    Block {
        quotes: mask(|b| b == b'"'),
        backslashes: mask(|b| b == b'\\'),
        control: mask(|b| b < 0x20) != 0,
        high: mask(|b| b >= 0x80) != 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::SmallRng;
    use rand::{Rng, SeedableRng};

    #[test]
    fn marks_are_those_of_a_walk_from_byte_to_byte() {
        let mut random = SmallRng::seed_from_u64(1);
        let mut marks = Marks::default();
        for round in 0..20_000 {
            let alphabet: &[u8] = if round % 2 == 0 { b"\\\\\\\\\"a" } else { b"\\\"a {}:\xC3\xA9\n0" };
            let length = random.random_range(0..200);
            let text: Vec<u8> = (0..length).map(|_| alphabet[random.random_range(0..alphabet.len())]).collect();
            marks.scan(&text);
            let mut quotes = Vec::new();
            let mut escapes = false;
            for (at, byte) in text.iter().enumerate() {
                if *byte == b'"' && !escapes {
                    quotes.push(at);
                }
                escapes = *byte == b'\\' && !escapes;
            }
            for from in 0..=length {
                assert_eq!(marks.quote(from), quotes.iter().copied().find(|q| *q >= from), "{text:?} from {from}");
                let end = random.random_range(from..=length);
                assert_eq!(marks.has_backslash(from, end), text[from..end].contains(&b'\\'), "{text:?} {from}..{end}");
            }
            assert_eq!((marks.ascii, marks.search), (text.is_ascii(), text.iter().any(|b| *b < 0x20)), "{text:?}");
        }
    }

    #[test]
    fn blocks_are_classified_as_their_bytes_are() {
        let mut random = SmallRng::seed_from_u64(2);
        for _ in 0..1_000 {
            let from = if random.random() { 0x1E } else { 0x20 };
            let block: [u8; BLOCK] = std::array::from_fn(|_| random.random_range(from..=0x7F + u8::from(from == 0x1E)));
            let (fast, slow) = (classify(&block), classify_bytes(&block));
            let parts = |b: &Block| (b.quotes, b.backslashes, b.control, b.high);
            assert_eq!(parts(&fast), parts(&slow), "{block:?}");
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                let fastest = unsafe { classify_avx2(&block) };
                assert_eq!(parts(&fastest), parts(&slow), "{block:?}");
            }
        }
    }
}
