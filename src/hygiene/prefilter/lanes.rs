//! The coarsest sieve: thirty-two places of a text at a time. For each of four bytes in a row two
//! look-ups, one by the byte's low and one by its high half, say in which buckets of words it may
//! stand there; a place passes when one bucket is left. What passes is only a hint: the method lets
//! through more than the words, and never less.
//!
//! It needs a processor that looks up sixteen bytes at once (AVX2), and asks for one at run time.

#[cfg(target_arch = "x86_64")]
pub(super) use with_lanes::Lanes;
#[cfg(not(target_arch = "x86_64"))]
pub(super) use without::Lanes;

#[cfg(target_arch = "x86_64")]
mod with_lanes {
    use std::arch::x86_64::__m256i;

    use pulp::NullaryFnOnce;
    use pulp::x86::V3;

    use super::super::Word;
    use super::super::plan::{GROUPS, Part, SPAN, may_stand};

    /// For each of the bytes in a row the buckets by half a byte, eight buckets to a group.
    type Halves = [[[u8; 16]; SPAN]; GROUPS];

    /// The words' buckets, ready to be looked up.
    pub struct Lanes {
        simd: V3,
        low: Halves,
        high: Halves,
    }

    impl Lanes {
        /// The sieve for `words` by their `parts`; `None` when the processor cannot.
        pub fn new(words: &[Word], parts: &[Part]) -> Option<Self> {
            let mut lanes =
                Self { simd: V3::try_new()?, low: [[[0; 16]; SPAN]; GROUPS], high: [[[0; 16]; SPAN]; GROUPS] };
            for (word, part) in words.iter().zip(parts).filter(|(word, _)| word.bytes.len() >= 3) {
                let (group, bit) = (part.bucket / 8, 1 << (part.bucket % 8));
                for k in 0..SPAN {
                    may_stand(word, part.offset + k, |byte| {
                        lanes.low[group][k][usize::from(byte & 15)] |= bit;
                        lanes.high[group][k][usize::from(byte >> 4)] |= bit;
                    });
                }
            }
            Some(lanes)
        }

        /// How many places are looked at at once.
        pub const WIDTH: usize = 32;

        /// Calls `found` for every thirty-two places of `text` with those that pass, the first as the lowest
        /// bit, and gives how far it looked.
        pub fn each(&self, text: &[u8], found: &mut impl FnMut(usize, u32)) -> usize {
            self.simd.vectorize(Pass { lanes: self, text, found })
        }
    }

    /// One pass over a text, compiled for the processor's lanes.
    struct Pass<'a, F> {
        lanes: &'a Lanes,
        text: &'a [u8],
        found: &'a mut F,
    }

    impl<F: FnMut(usize, u32)> NullaryFnOnce for Pass<'_, F> {
        type Output = usize;

        #[inline(always)]
        fn call(self) -> usize {
            let (avx, avx2) = (self.lanes.simd.avx, self.lanes.simd.avx2);
            let tables = |halves: &Halves| {
                halves.map(|group| group.map(|half| avx2._mm256_broadcastsi128_si256(pulp::cast(half))))
            };
            let (low, high) = (tables(&self.lanes.low), tables(&self.lanes.high));
            let nibble = avx._mm256_set1_epi8(15);
            let mut at = 0;
            while let Some(window) = self.text.get(at..at + Lanes::WIDTH + SPAN + 4) {
                let mut left = [avx._mm256_set1_epi8(-1); GROUPS];
                for k in 0..SPAN {
                    let Some(bytes) = window[k..].first_chunk::<{ Lanes::WIDTH }>() else { return at };
                    let bytes: __m256i = pulp::cast(*bytes);
                    let lower = avx2._mm256_and_si256(bytes, nibble);
                    let upper = avx2._mm256_and_si256(avx2._mm256_srli_epi16::<4>(bytes), nibble);
                    for group in 0..GROUPS {
                        let by_low = avx2._mm256_shuffle_epi8(low[group][k], lower);
                        let by_high = avx2._mm256_shuffle_epi8(high[group][k], upper);
                        left[group] = avx2._mm256_and_si256(left[group], avx2._mm256_and_si256(by_low, by_high));
                    }
                }
                let any = left.into_iter().reduce(|a, b| avx2._mm256_or_si256(a, b)).unwrap_or(nibble);
                let none = avx2._mm256_cmpeq_epi8(any, avx._mm256_setzero_si256());
                (self.found)(at, !avx2._mm256_movemask_epi8(none).cast_unsigned());
                at += Lanes::WIDTH;
            }
            at
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod without {
    use super::super::Word;
    use super::super::plan::Part;

    /// No lanes on this processor.
    pub enum Lanes {}

    impl Lanes {
        pub fn new(_: &[Word], _: &[Part]) -> Option<Self> {
            None
        }

        pub const WIDTH: usize = 32;

        pub fn each(&self, _: &[u8], _: &mut impl FnMut(usize, u32)) -> usize {
            match *self {}
        }
    }
}
