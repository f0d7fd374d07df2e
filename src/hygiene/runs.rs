//! Finds long runs of the digits of base64 and hexadecimal numbers. Thirty-two bytes are classed at a
//! time where the processor can; what is left to do for each thirty-two are a few steps with the bits
//! that say which bytes are digits, and none of them depends on how the text is made of words.

use std::ops::Range;

/// Shorter runs hold no secret worth the look.
pub(super) const SHORTEST: usize = 24;
/// No longer run is given in one piece.
pub(super) const LONGEST: usize = 256 << 10;
/// How many bytes are classed at a time.
const WIDTH: usize = 32;

/// Whether a byte is a digit of base64 in one of its alphabets, by the byte.
pub(super) const DIGIT: [bool; 256] = {
    let mut table = [false; 256];
    let mut i = 0;
    while i < 256 {
        let b = i as u8;
        table[i] = b.is_ascii_alphanumeric() || b == b'+' || b == b'/' || b == b'-' || b == b'_';
        i += 1;
    }
    table
};

/// Calls `found` with every run of at least [`SHORTEST`] digits.
pub(super) fn runs(text: &[u8], found: impl FnMut(Range<usize>)) {
    let mut runs = Runs { open: 0, found };
    let whole = text.len() - text.len() % WIDTH;
    #[cfg(target_arch = "x86_64")]
    if let Some(simd) = pulp::x86::V3::try_new() {
        lanes::each(simd, &text[..whole], &mut |at, digits| runs.block(at, digits));
        return runs.end(text, whole);
    }
    for (number, block) in text[..whole].chunks_exact(WIDTH).enumerate() {
        let digits = block.iter().rev().fold(0, |bits, byte| bits << 1 | u32::from(DIGIT[usize::from(*byte)]));
        runs.block(number * WIDTH, digits);
    }
    runs.end(text, whole);
}

/// The run that reaches the bytes not yet looked at.
struct Runs<F> {
    /// How long it is, in bytes.
    open: usize,
    found: F,
}

impl<F: FnMut(Range<usize>)> Runs<F> {
    /// Takes in the thirty-two bytes at `at`, of which the first is the lowest bit of `digits`.
    #[inline(always)]
    fn block(&mut self, at: usize, digits: u32) {
        if digits == u32::MAX {
            self.open += WIDTH;
            if self.open >= LONGEST {
                (self.found)(at + WIDTH - self.open..at + WIDTH);
                self.open = 0;
            }
            return;
        }
        let lead = digits.trailing_ones();
        if self.open + lead as usize >= SHORTEST {
            (self.found)(at - self.open..at + lead as usize);
        }
        let tail = digits.leading_ones();
        let inner = digits & (u32::MAX << lead) & (u32::MAX >> tail);
        // A bit is left only where twenty-four stand in a row.
        let two = inner & inner >> 1;
        let four = two & two >> 2;
        let eight = four & four >> 4;
        let long = eight & eight >> 8 & eight >> 16;
        if long != 0 {
            let start = long.trailing_zeros();
            (self.found)(at + start as usize..at + start as usize + (inner >> start).trailing_ones() as usize);
        }
        self.open = tail as usize;
    }

    /// Takes in the last bytes of `text`.
    fn end(&mut self, text: &[u8], at: usize) {
        let mut end = at;
        for (i, byte) in text.iter().enumerate().skip(at) {
            if DIGIT[usize::from(*byte)] {
                self.open += 1;
                end = i + 1;
                continue;
            }
            if self.open >= SHORTEST {
                (self.found)(i - self.open..i);
            }
            self.open = 0;
        }
        if self.open >= SHORTEST {
            (self.found)(end - self.open..end);
        }
    }
}

#[cfg(target_arch = "x86_64")]
mod lanes {
    use std::arch::x86_64::__m256i;

    use pulp::NullaryFnOnce;
    use pulp::x86::V3;

    use super::{DIGIT, WIDTH};

    /// Calls `found` with each thirty-two bytes of `text` as the bits of which are digits.
    pub fn each(simd: V3, text: &[u8], found: &mut impl FnMut(usize, u32)) {
        simd.vectorize(Pass { simd, text, found });
    }

    /// One pass over a text, compiled for the processor's lanes.
    struct Pass<'a, F> {
        simd: V3,
        text: &'a [u8],
        found: &'a mut F,
    }

    /// By a byte's low half the high halves with which it is a digit, and the other way round: all
    /// digits are ASCII, whose eight high halves are as many bits.
    const HALVES: ([u8; 16], [u8; 16]) = {
        let (mut low, mut high, mut byte) = ([0; 16], [0; 16], 0);
        while byte < 128 {
            if DIGIT[byte] {
                low[byte & 15] |= 1 << (byte >> 4);
                high[byte >> 4] = 1 << (byte >> 4);
            }
            byte += 1;
        }
        (low, high)
    };

    impl<F: FnMut(usize, u32)> NullaryFnOnce for Pass<'_, F> {
        type Output = ();

        #[inline(always)]
        fn call(self) {
            let (avx, avx2) = (self.simd.avx, self.simd.avx2);
            let low = avx2._mm256_broadcastsi128_si256(pulp::cast(HALVES.0));
            let high = avx2._mm256_broadcastsi128_si256(pulp::cast(HALVES.1));
            let nibble = avx._mm256_set1_epi8(15);
            let (blocks, _) = self.text.as_chunks::<WIDTH>();
            for (number, block) in blocks.iter().enumerate() {
                let bytes: __m256i = pulp::cast(*block);
                let upper = avx2._mm256_and_si256(avx2._mm256_srli_epi16::<4>(bytes), nibble);
                let by_low = avx2._mm256_shuffle_epi8(low, avx2._mm256_and_si256(bytes, nibble));
                let both = avx2._mm256_and_si256(by_low, avx2._mm256_shuffle_epi8(high, upper));
                let none = avx2._mm256_cmpeq_epi8(both, avx._mm256_setzero_si256());
                (self.found)(number * WIDTH, !avx2._mm256_movemask_epi8(none).cast_unsigned());
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::single_range_in_vec_init)]
mod tests {
    use super::*;

    fn seen(text: &[u8]) -> Vec<Range<usize>> {
        let mut seen = Vec::new();
        runs(text, |run| seen.push(run));
        seen
    }

    #[test]
    fn runs_are_found_at_every_place() {
        for length in [SHORTEST - 1, SHORTEST, 25, 31, 32, 33, 64, 100, 300] {
            for shift in 0..70 {
                for after in ["", "!", "! and words that are no run at all, but go on for a while"] {
                    let text = format!("{}{}{after}", " ".repeat(shift), "a".repeat(length));
                    let expected = if length < SHORTEST { vec![] } else { vec![shift..shift + length] };
                    assert_eq!(seen(text.as_bytes()), expected, "{length} at {shift} before {after:?}");
                }
            }
        }
        let both = format!("{} {}", "b".repeat(24), "c".repeat(24));
        assert_eq!(seen(both.as_bytes()), [0..24, 25..49]);
    }

    #[test]
    fn every_byte_is_classed_as_the_table_says() {
        for byte in 0..=255_u8 {
            let text = [vec![byte; 40], b" ".repeat(40)].concat();
            let expected = if DIGIT[usize::from(byte)] { vec![0..40] } else { vec![] };
            assert_eq!(seen(&text), expected, "{byte}");
        }
    }

    #[test]
    fn an_endless_run_comes_in_pieces() {
        let text = vec![b'a'; 3 * LONGEST + 100];
        let seen = seen(&text);
        assert!(seen.iter().all(|run| run.len() <= LONGEST + WIDTH));
        assert_eq!(seen.iter().map(Range::len).sum::<usize>(), text.len());
    }
}
