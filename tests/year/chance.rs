//! Owns what is drawn: by a generator that a seed begins, and by a hash where the order of asking must not matter.

/// A generator of numbers, the same for the same seed.
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(hashed(seed, &[0x79]))
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    /// Draws a number from the first to before the second.
    pub(crate) fn between(&mut self, from: u64, end: u64) -> u64 {
        from + self.below(end - from)
    }

    /// Is true in so many of a thousand cases.
    pub(crate) fn of_1000(&mut self, cases: u64) -> bool {
        self.below(1_000) < cases
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// Gives a number that depends on the parts alone.
pub(crate) fn hashed(seed: u64, parts: &[u64]) -> u64 {
    parts.iter().fold(seed ^ 0x9e37_79b9_7f4a_7c15, |hash, part| {
        let mixed = (hash ^ part).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb) ^ (mixed >> 29)
    })
}

/// Gives a number for a text.
pub(crate) fn number_of(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}
