//! Owns randomness: the only place that asks the system for random bytes.
//!
//! It never makes bytes up: if the system has none, the caller gets an error. Read next: [`super::sealing_key`].

use super::error::SealError;

/// Fills `bytes` with unpredictable bytes of the system.
///
/// # Errors
///
/// [`SealError::Random`] when the system returns none; do not use `bytes` then.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), SealError> {
    // A test under shuttle must be reproducible by its seed.
    #[cfg(test)]
    if shuttle::current::try_get_current_task().is_some() {
        shuttle::rand::RngCore::fill_bytes(&mut shuttle::rand::thread_rng(), bytes);
        return Ok(());
    }
    #[expect(clippy::disallowed_methods, reason = "this is the home of randomness")]
    getrandom::fill(bytes).map_err(SealError::Random)
}

/// Returns `N` unpredictable bytes that are not secret: ids, nonces, salts.
///
/// # Errors
///
/// As [`fill`].
pub(crate) fn array<const N: usize>() -> Result<[u8; N], SealError> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_two_draws_are_alike() {
        assert_ne!(super::array::<16>().unwrap(), super::array::<16>().unwrap());
    }
}
