//! Owns chance that can be repeated: numbers that follow from a seed.

/// A row of numbers that looks like chance (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Starts the row that belongs to a seed and a place.
    pub fn new(seed: u64, place: [u64; 2]) -> Self {
        let mut dice = Self(seed);
        for number in place {
            dice.0 = dice.roll().wrapping_add(number.wrapping_mul(0xd6e8_feb8_6659_fd93));
        }
        dice
    }

    pub fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to one less than `bound`.
    pub fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(bound.max(1)).unwrap()).unwrap()
    }

    pub fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    pub fn pick<T: Clone>(&mut self, from: &[T]) -> Option<T> {
        if from.is_empty() { None } else { Some(from[self.below(from.len())].clone()) }
    }

    /// A text of hexadecimal digits.
    pub fn text(&mut self, characters: usize) -> String {
        let mut text = String::with_capacity(characters + 16);
        while text.len() < characters {
            text.push_str(&format!("{:016x}", self.roll()));
        }
        text.truncate(characters);
        text
    }
}

/// The seed of a test: from the environment, or the one that is given. Printed, so that a failure can be repeated.
pub fn seed_of(test: &str, default: u64) -> u64 {
    let seed = std::env::var("LATCHKEEP_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(default);
    println!("{test}: LATCHKEEP_SEED={seed}");
    seed
}
