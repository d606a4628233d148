//! A small random source for victims and shards: xorshift64*, not for secrets. (Vigna, "An experimental exploration of
//! Marsaglia's xorshift generators, scrambled", 2016.)

use std::cell::Cell;

/// One generator; each worker has its own, seeded from the runtime's seed and its index.
#[derive(Debug)]
pub(crate) struct Rng(Cell<u64>);

impl Rng {
    /// A generator that gives the same numbers for the same seed.
    pub(crate) fn new(seed: u64) -> Self {
        // Spread small seeds over the word (splitmix64's finaliser); the state must not be 0.
        let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        Self(Cell::new((z ^ (z >> 31)) | 1))
    }

    /// The next number.
    pub(crate) fn next(&self) -> u64 {
        let mut x = self.0.get();
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        self.0.set(x);
        x.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number below `n`; 0 when `n` is 0.
    pub(crate) fn below(&self, n: usize) -> usize {
        // The high half of a 32 by 32 bit product: even enough for a choice of victim.
        (((self.next() >> 32) * n as u64) >> 32) as usize
    }
}
