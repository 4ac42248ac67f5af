//! Owns where the choices of a run come from: a seed, or bytes that somebody else chose.

/// Where choices come from.
pub(super) enum Chance {
    Seed(u64),
    /// Bytes that somebody else chose, last first; zeros behind them.
    Script(Vec<u8>),
}

impl Chance {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        let drawn = match self {
            Self::Seed(seed) => {
                *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                *seed >> 33
            }
            Self::Script(bytes) => {
                u64::from(bytes.pop().unwrap_or_default()) << 8 | u64::from(bytes.pop().unwrap_or_default())
            }
        };
        drawn % end
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self, Self::Script(bytes) if bytes.is_empty())
    }

    pub(super) fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}
