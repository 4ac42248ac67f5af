//! Owns random numbers that are the same in each run.

/// A seed.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }

    pub(crate) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }

    pub(crate) fn id(&mut self) -> [u8; 16] {
        let (high, low) = (self.below(1 << 31), self.below(1 << 31));
        (u128::from(high) << 96 | u128::from(low)).to_be_bytes()
    }
}
