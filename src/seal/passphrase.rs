//! Owns the derivation of a slot key from a passphrase: Argon2id (RFC 9106), with bounded costs.
//!
//! It never works with costs outside the bounds, even if stored bytes say so. With lower costs, a passphrase could be
//! guessed too cheaply; with higher costs, a forged slot would take the host's memory. Read next: [`super::slot`].

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::error::SealError;
use super::sealing_key::{KEY_BYTES, KeyBytes, SlotKey};
use super::secret_bytes::SecretBytes;
use crate::domain::invalid::Invalid;

/// Characters of a new passphrase, at least.
pub(crate) const PASSPHRASE_CHARS_MIN: usize = 8;
/// Bytes of a passphrase, at most, so that a pasted file is not taken for one.
pub(crate) const PASSPHRASE_BYTES_MAX: usize = 1_024;
/// Bytes of the salt.
pub(crate) const SALT_BYTES: usize = 16;

/// The cost of trying a passphrase: memory, passes over it, and lanes. Stored in the slot, and bound to it.
///
/// The default of 64 MiB, 3 passes and 4 lanes is the second recommendation of RFC 9106, section 4.
///
/// ```
/// use latchkeep::PassphraseCost;
///
/// assert_eq!(PassphraseCost::default(), PassphraseCost::new(64 * 1024, 3, 4)?);
/// assert!(PassphraseCost::new(1024, 1, 1).is_err());
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassphraseCost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl PassphraseCost {
    /// The lowest accepted cost: 19 MiB, 2 passes, 1 lane.
    pub const FLOOR: Self = Self { memory_kib: 19 * 1_024, passes: 2, lanes: 1 };

    /// The highest accepted cost: 1 GiB, 16 passes, 16 lanes.
    pub const CEILING: Self = Self { memory_kib: 1_024 * 1_024, passes: 16, lanes: 16 };

    /// Returns a cost.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when a figure is below [`FLOOR`](Self::FLOOR) or above [`CEILING`](Self::CEILING).
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, Invalid> {
        let (floor, ceiling) = (Self::FLOOR, Self::CEILING);
        let fits = (floor.memory_kib..=ceiling.memory_kib).contains(&memory_kib)
            && (floor.passes..=ceiling.passes).contains(&passes)
            && (floor.lanes..=ceiling.lanes).contains(&lanes);
        let rule = "takes 19456 to 1048576 KiB of memory, 2 to 16 passes and 1 to 16 lanes";
        fits.then_some(Self { memory_kib, passes, lanes }).ok_or_else(|| Invalid::new("passphrase cost", rule))
    }

    /// Returns the memory, in KiB.
    #[must_use]
    pub const fn memory_kib(self) -> u32 {
        self.memory_kib
    }

    /// Returns the number of passes.
    #[must_use]
    pub const fn passes(self) -> u32 {
        self.passes
    }

    /// Returns the number of lanes.
    #[must_use]
    pub const fn lanes(self) -> u32 {
        self.lanes
    }
}

impl Default for PassphraseCost {
    fn default() -> Self {
        Self { memory_kib: 64 * 1_024, passes: 3, lanes: 4 }
    }
}

/// Checks a new passphrase against its bounds. A passphrase that is only tried needs no lower bound.
pub(super) fn check_new(passphrase: &SecretBytes) -> Result<(), Invalid> {
    let text = passphrase.expose_text().map_err(|_| Invalid::new("passphrase", "is not UTF-8 text"))?;
    if text.chars().count() < PASSPHRASE_CHARS_MIN {
        Err(Invalid::new("passphrase", "takes at least 8 characters"))
    } else if text.len() > PASSPHRASE_BYTES_MAX {
        Err(Invalid::new("passphrase", "takes at most 1024 bytes"))
    } else {
        Ok(())
    }
}

/// Derives the slot key of a passphrase. Takes the memory and the time of `cost`.
///
/// The bytes of the passphrase are used unchanged, without Unicode normalisation.
///
/// # Errors
///
/// [`SealError::PassphraseMemory`] when the system does not provide the memory.
pub(super) fn slot_key(
    passphrase: &SecretBytes,
    salt: &[u8; SALT_BYTES],
    cost: PassphraseCost,
) -> Result<SlotKey, SealError> {
    let refused = || SealError::PassphraseMemory { kib: cost.memory_kib };
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(KEY_BYTES)).map_err(|_| refused())?;
    let mut memory = Zeroizing::new(Vec::new());
    memory.try_reserve_exact(params.block_count()).map_err(|_| refused())?;
    memory.resize(params.block_count(), Block::new());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    KeyBytes::filled(|key| argon2.hash_password_into_with_memory(passphrase.expose(), salt, key, memory.as_mut_slice()))
        .map(SlotKey::new)
        .map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derivation_is_argon2id_of_rfc_9106() {
        // The value comes from another implementation, OpenSSL (through Python's `cryptography`).
        let golden = "4fde6aed2db4e6d7fd588e078583990c842630c01b9ed69c1974c892ed205d3f";
        let passphrase = SecretBytes::from(String::from("password"));
        let key = slot_key(&passphrase, b"saltsaltsaltsalt", PassphraseCost::FLOOR).unwrap();
        assert_eq!(blake3::Hash::from_bytes(*key.expose()).to_hex().as_str(), golden);
    }

    #[test]
    fn costs_outside_the_bounds_are_refused() {
        for (memory_kib, passes, lanes) in [
            (19_455, 2, 1),
            (19_456, 1, 1),
            (19_456, 2, 0),
            (1_048_577, 2, 1),
            (19_456, 17, 1),
            (19_456, 2, 17),
            (u32::MAX, u32::MAX, u32::MAX),
        ] {
            assert!(PassphraseCost::new(memory_kib, passes, lanes).is_err(), "{memory_kib} {passes} {lanes}");
        }
        assert!(PassphraseCost::new(1_048_576, 16, 16).is_ok());
    }

    #[test]
    fn a_new_passphrase_is_held_to_its_bounds() {
        let check = |text: &str| check_new(&SecretBytes::from(text.to_owned()));
        assert!(check("eight888").is_ok());
        assert!(check("seven77").is_err());
        assert!(check(&"x".repeat(1_025)).is_err());
        assert!(check_new(&SecretBytes::copy_from(&[0xff; 16])).is_err());
    }

    /// Run by hand: `cargo test --release --lib seal::passphrase -- --ignored --nocapture`.
    #[test]
    #[ignore = "measures; means something in release only"]
    fn the_default_cost_is_bearable() {
        let passphrase = SecretBytes::from(String::from("password"));
        for cost in [PassphraseCost::FLOOR, PassphraseCost::default()] {
            let start = std::time::Instant::now();
            slot_key(&passphrase, b"saltsaltsaltsalt", cost).unwrap();
            println!("{cost:?}: {:?}", start.elapsed());
            assert!(start.elapsed() < std::time::Duration::from_secs(2));
        }
    }
}
