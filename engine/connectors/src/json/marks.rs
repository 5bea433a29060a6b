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
    /// Bit `i` of word `w` stands for byte `64 w + i`: a quote that is not escaped, and a backslash. A word of zeros closes the list.
    words: Vec<Word>,
    any_backslash: bool,
    /// Strings must be searched byte by byte: nothing was marked, or the text has control characters, which strings must not.
    pub(super) search: bool,
    /// No byte is above 0x7F.
    pub(super) ascii: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Word {
    quotes: u64,
    backslashes: u64,
}

/// The marks of a text that is searched byte by byte.
pub(super) static NONE: Marks = Marks { words: Vec::new(), any_backslash: false, search: true, ascii: false };

/// What the blocks of a text hold: how a processor's instructions look at them.
trait Blocks: Copy {
    /// Quotes, escaped ones too, and backslashes of a block.
    fn block(&mut self, block: &[u8; BLOCK]) -> Word;
    /// Whether one of the blocks had a control character.
    fn has_control(self) -> bool;
    /// Whether one of the blocks had a byte above 0x7F.
    fn has_high(self) -> bool;
}

impl Marks {
    /// Marks another text.
    pub(super) fn scan(&mut self, text: &[u8]) {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has AVX2.
            return unsafe { self.scan_avx2(text) };
        }
        // SAFETY: every processor has these.
        self.scan_by(text, unsafe { Baseline::new() });
    }

    /// The same in instructions that a part of all processors lack.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn scan_avx2(&mut self, text: &[u8]) {
        // SAFETY: this function is for processors with AVX2.
        self.scan_by(text, unsafe { avx2::Avx2::new() });
    }

    #[inline(always)]
    fn scan_by(&mut self, text: &[u8], mut all: impl Blocks) {
        let (blocks, tail) = text.as_chunks::<BLOCK>();
        self.words.resize(blocks.len() + 2, Word::default());
        let mut last = [b' '; BLOCK];
        last[..tail.len()].copy_from_slice(tail);
        let mut escapes = Escapes::default();
        for (block, word) in blocks.iter().zip(&mut self.words) {
            *word = escapes.unescaped(all.block(block));
        }
        self.words[blocks.len()] = escapes.unescaped(all.block(&last));
        self.words[blocks.len() + 1] = Word::default();
        self.any_backslash = escapes.any;
        self.search = all.has_control();
        self.ascii = !all.has_high();
    }

    /// The first quote at or behind `from` that is not escaped.
    #[inline]
    pub(super) fn quote(&self, from: usize) -> Option<usize> {
        let mut word = from / BLOCK;
        let mut bits = self.words.get(word)?.quotes & (u64::MAX << (from % BLOCK));
        while bits == 0 {
            word += 1;
            bits = self.words.get(word)?.quotes;
        }
        Some(word * BLOCK + bits.trailing_zeros() as usize)
    }

    /// The first backslash at or behind `from` and before `end`.
    #[inline]
    pub(super) fn backslash(&self, from: usize, end: usize) -> Option<usize> {
        let mut word = from / BLOCK;
        let mut bits = self.words.get(word)?.backslashes & (u64::MAX << (from % BLOCK));
        while bits == 0 {
            word += 1;
            if word * BLOCK >= end {
                return None;
            }
            bits = self.words.get(word)?.backslashes;
        }
        let at = word * BLOCK + bits.trailing_zeros() as usize;
        (at < end).then_some(at)
    }

    /// Whether a backslash stands from `start` to before `end`.
    #[inline]
    pub(super) fn has_backslash(&self, start: usize, end: usize) -> bool {
        self.any_backslash && {
            let (first, last) = (start / BLOCK, end / BLOCK);
            let from = u64::MAX << (start % BLOCK);
            let to = !(u64::MAX << (end % BLOCK));
            let words = &self.words[first..=last];
            match words {
                [word] => word.backslashes & from & to != 0,
                [head, between @ .., tail] => {
                    head.backslashes & from != 0
                        || between.iter().any(|word| word.backslashes != 0)
                        || tail.backslashes & to != 0
                }
                [] => false,
            }
        }
    }
}

/// What backslashes do to what follows them, from block to block.
#[derive(Default)]
struct Escapes {
    /// Whether the first byte of the next block is escaped.
    next: u64,
    any: bool,
}

impl Escapes {
    /// The next block, with the quotes that are not escaped.
    #[inline(always)]
    fn unescaped(&mut self, mut word: Word) -> Word {
        if word.backslashes | self.next != 0 {
            self.any |= word.backslashes != 0;
            word.quotes &= !self.escaped(word.backslashes);
        }
        word
    }

    /// The bytes of a block that are escaped: those behind a backslash that is not escaped itself.
    ///
    /// Of a run of backslashes every second one escapes its follower, counted from the run's first. Adding the runs' first bits to the
    /// runs carries a bit to behind each run; whether run and carry begin at even or odd places tells how long the run is.
    fn escaped(&mut self, backslashes: u64) -> u64 {
        const EVEN: u64 = 0x5555_5555_5555_5555;
        let escaping = backslashes & !self.next;
        let behind = escaping << 1 | self.next;
        let odd_firsts = escaping & !EVEN & !behind;
        let (carried, overflow) = odd_firsts.overflowing_add(escaping);
        self.next = u64::from(overflow);
        (EVEN ^ carried << 1) & behind
    }
}

/// What every processor of a kind has: SSE2 on x86-64, else a byte at a time.
#[cfg(target_arch = "x86_64")]
use sse2::Sse2 as Baseline;

/// The blocks of one processor's instructions: of `$count` lanes of `$bytes` bytes each.
#[cfg(target_arch = "x86_64")]
macro_rules! x86_blocks {
    ($module:ident, $name:ident, $lane:ident, $count:literal, $bytes:literal,
     $load:ident, $set:ident, $equal:ident, $mask:ident, $or:ident, $min:ident, $less:ident, $zero:ident) => {
        mod $module {
            use std::arch::x86_64::*;

            use super::{BLOCK, Blocks, Word};

            #[derive(Clone, Copy)]
            pub(super) struct $name {
                least: $lane,
                any: $lane,
            }

            impl $name {
                /// # Safety
                /// Only where the processor has the instructions.
                #[inline(always)]
                pub(super) unsafe fn new() -> Self {
                    // SAFETY: the caller has seen to it that the processor has the instructions.
                    unsafe { Self { least: $set(0x20), any: $zero() } }
                }
            }

            impl Blocks for $name {
                #[inline(always)]
                fn block(&mut self, block: &[u8; BLOCK]) -> Word {
                    let mut word = Word::default();
                    // SAFETY: the loads read the block's bytes; the processor has the instructions, as `new` was called.
                    unsafe {
                        let (quote, backslash) = ($set(b'"' as i8), $set(b'\\' as i8));
                        let lanes = block.as_ptr().cast::<$lane>();
                        let mut at = 0;
                        while at < $count {
                            let lane = $load(lanes.add(at));
                            word.quotes |= u64::from($mask($equal(lane, quote)) as u32) << (at * $bytes);
                            word.backslashes |= u64::from($mask($equal(lane, backslash)) as u32) << (at * $bytes);
                            self.least = $min(self.least, lane);
                            self.any = $or(self.any, lane);
                            at += 1;
                        }
                    }
                    word
                }
                #[inline(always)]
                fn has_control(self) -> bool {
                    // SAFETY: as in `block`. A control character less 0x1F is 0.
                    unsafe { $mask($equal($less(self.least, $set(0x1F)), $zero())) != 0 }
                }
                #[inline(always)]
                fn has_high(self) -> bool {
                    // SAFETY: as in `block`.
                    unsafe { $mask(self.any) != 0 }
                }
            }
        }
    };
}

#[cfg(target_arch = "x86_64")]
x86_blocks!(
    sse2,
    Sse2,
    __m128i,
    4,
    16,
    _mm_loadu_si128,
    _mm_set1_epi8,
    _mm_cmpeq_epi8,
    _mm_movemask_epi8,
    _mm_or_si128,
    _mm_min_epu8,
    _mm_subs_epu8,
    _mm_setzero_si128
);
#[cfg(target_arch = "x86_64")]
x86_blocks!(
    avx2,
    Avx2,
    __m256i,
    2,
    32,
    _mm256_loadu_si256,
    _mm256_set1_epi8,
    _mm256_cmpeq_epi8,
    _mm256_movemask_epi8,
    _mm256_or_si256,
    _mm256_min_epu8,
    _mm256_subs_epu8,
    _mm256_setzero_si256
);

/// A byte at a time.
#[cfg(any(test, not(target_arch = "x86_64")))]
#[derive(Clone, Copy)]
struct EachByte {
    least: u8,
    any: u8,
}

#[cfg(any(test, not(target_arch = "x86_64")))]
impl EachByte {
    /// # Safety
    /// Safe; as the others.
    unsafe fn new() -> Self {
        Self { least: 0x20, any: 0 }
    }
}

#[cfg(any(test, not(target_arch = "x86_64")))]
impl Blocks for EachByte {
    fn block(&mut self, block: &[u8; BLOCK]) -> Word {
        let mask = |of: u8| block.iter().rev().fold(0, |bits, byte| bits << 1 | u64::from(*byte == of));
        for byte in block {
            self.least = self.least.min(*byte);
            self.any |= byte;
        }
        Word { quotes: mask(b'"'), backslashes: mask(b'\\') }
    }
    fn has_control(self) -> bool {
        self.least < 0x20
    }
    fn has_high(self) -> bool {
        self.any >= 0x80
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
                let backslash = text[from..end].iter().position(|b| *b == b'\\').map(|at| from + at);
                assert_eq!(marks.backslash(from, end), backslash, "{text:?} {from}..{end}");
                assert_eq!(marks.has_backslash(from, end), backslash.is_some(), "{text:?} {from}..{end}");
            }
            assert_eq!((marks.ascii, marks.search), (text.is_ascii(), text.iter().any(|b| *b < 0x20)), "{text:?}");
        }
    }

    /// What blocks give, for comparison.
    fn parts(mut blocks: impl Blocks, block: &[u8; BLOCK]) -> (u64, u64, bool, bool) {
        let word = blocks.block(block);
        (word.quotes, word.backslashes, blocks.has_control(), blocks.has_high())
    }

    #[test]
    fn blocks_are_classified_as_their_bytes_are() {
        let mut random = SmallRng::seed_from_u64(2);
        for _ in 0..1_000 {
            let from = if random.random() { 0x1E } else { 0x20 };
            let block: [u8; BLOCK] = std::array::from_fn(|_| random.random_range(from..=0x7F + u8::from(from == 0x1E)));
            // SAFETY: every processor has these.
            let (slow, fast) = unsafe { (parts(EachByte::new(), &block), parts(Baseline::new(), &block)) };
            assert_eq!(fast, slow, "{block:?}");
            #[cfg(target_arch = "x86_64")]
            if std::arch::is_x86_feature_detected!("avx2") {
                // SAFETY: the processor has AVX2.
                assert_eq!(parts(unsafe { avx2::Avx2::new() }, &block), slow, "{block:?}");
            }
        }
    }
}
