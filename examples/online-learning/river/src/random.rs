//! The random numbers of Python's `random.Random(seed)`: the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998) with
//! Python's seeding by an integer, `random()`, `uniform()` and `choices()`.

const WORDS: usize = 624;
const SHIFT: usize = 397;

pub struct Random {
    words: [u32; WORDS],
    next: usize,
}

impl Random {
    /// As `random.Random(seed)`.
    pub fn new(seed: u64) -> Self {
        let key = [seed as u32, (seed >> 32) as u32];
        let key = if key[1] == 0 { &key[..1] } else { &key[..] };
        let mut words = Self::linear(19_650_218);
        let (mut i, mut j) = (1, 0);
        for _ in 0..WORDS {
            words[i] = (words[i] ^ (words[i - 1] ^ (words[i - 1] >> 30)).wrapping_mul(1_664_525))
                .wrapping_add(key[j])
                .wrapping_add(j as u32);
            (i, j) = (i + 1, (j + 1) % key.len());
            if i == WORDS {
                words[0] = words[WORDS - 1];
                i = 1;
            }
        }
        for _ in 1..WORDS {
            words[i] =
                (words[i] ^ (words[i - 1] ^ (words[i - 1] >> 30)).wrapping_mul(1_566_083_941)).wrapping_sub(i as u32);
            i += 1;
            if i == WORDS {
                words[0] = words[WORDS - 1];
                i = 1;
            }
        }
        words[0] = 0x8000_0000;
        Self { words, next: WORDS }
    }

    fn linear(seed: u32) -> [u32; WORDS] {
        let mut words = [seed; WORDS];
        for i in 1..WORDS {
            words[i] = (words[i - 1] ^ (words[i - 1] >> 30)).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        words
    }

    fn word(&mut self) -> u32 {
        if self.next == WORDS {
            for i in 0..WORDS {
                let joined = (self.words[i] & 0x8000_0000) | (self.words[(i + 1) % WORDS] & 0x7fff_ffff);
                let twisted = (joined >> 1) ^ if joined & 1 == 1 { 0x9908_b0df } else { 0 };
                self.words[i] = self.words[(i + SHIFT) % WORDS] ^ twisted;
            }
            self.next = 0;
        }
        let mut word = self.words[self.next];
        self.next += 1;
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c_5680;
        word ^= (word << 15) & 0xefc6_0000;
        word ^ (word >> 18)
    }

    /// From 0 up to 1, with 53 bits.
    pub fn random(&mut self) -> f64 {
        let (high, low) = (f64::from(self.word() >> 5), f64::from(self.word() >> 6));
        (high * 67_108_864.0 + low) * (1.0 / 9_007_199_254_740_992.0)
    }
    /// From `from` to `to`.
    pub fn uniform(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.random()
    }
    /// One of as many things as there are weights.
    pub fn choice(&mut self, weights: impl Iterator<Item = f64>) -> usize {
        let mut sums: Vec<f64> = Vec::new();
        for weight in weights {
            sums.push(sums.last().map_or(weight, |sum| sum + weight));
        }
        let wanted = self.random() * sums[sums.len() - 1];
        sums.partition_point(|sum| *sum <= wanted).min(sums.len() - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_python() {
        let mut random = Random::new(42);
        assert_eq!([random.random(), random.random()], [0.639_426_798_457_883_7, 0.025_010_755_222_666_936]);
        assert_eq!(Random::new(1 << 40).random(), 0.103_639_456_281_237_5);
    }
}
