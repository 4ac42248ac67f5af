//! Owns the drawing of characters: each of an alphabet with the same probability, by rejection.
//!
//! It never reduces a random byte modulo anything, which would favour the front of the alphabet. Read next:
//! [`super::password`], [`super::api_key`].

use zeroize::Zeroizing;

use crate::seal::error::SealError;

/// Random bytes read at a time.
const CHUNK_BYTES: usize = 64;
/// Chunks in a row without a usable byte: with real randomness not even two occur, so this detects a broken source.
const BARREN_CHUNKS_MAX: u32 = 16;

/// Draws characters from a source of random bytes; unused bytes are wiped.
pub(super) struct Draw<F> {
    fill: F,
    chunk: Zeroizing<[u8; CHUNK_BYTES]>,
    used: usize,
}

impl<F: FnMut(&mut [u8]) -> Result<(), SealError>> Draw<F> {
    /// Draws from `fill`, which fills a slice with random bytes.
    pub(super) fn new(fill: F) -> Self {
        Self { fill, chunk: Zeroizing::new([0; CHUNK_BYTES]), used: CHUNK_BYTES }
    }

    /// Writes a character of `alphabet` (1 to 256 of them, ASCII, none twice) to each place of `out`.
    ///
    /// # Errors
    ///
    /// Those of the source; [`SealError::NotRandom`] when it returns the same bytes again and again.
    pub(super) fn characters(&mut self, alphabet: &[u8], out: &mut [u8]) -> Result<(), SealError> {
        out.iter_mut().try_for_each(|place| {
            *place = self.character(alphabet)?;
            Ok(())
        })
    }

    fn character(&mut self, alphabet: &[u8]) -> Result<u8, SealError> {
        let whole = 256_usize.checked_rem(alphabet.len()).map_or(0, |rest| 256_usize.saturating_sub(rest));
        let barren_max = CHUNK_BYTES.saturating_mul(BARREN_CHUNKS_MAX as usize);
        for _ in 0..barren_max {
            let byte = usize::from(self.byte()?);
            if byte < whole {
                let at = byte.checked_rem(alphabet.len()).and_then(|at| alphabet.get(at));
                return at.copied().ok_or(SealError::NotRandom);
            }
        }
        Err(SealError::NotRandom)
    }

    fn byte(&mut self) -> Result<u8, SealError> {
        if self.used >= CHUNK_BYTES {
            (self.fill)(&mut *self.chunk)?;
            self.used = 0;
        }
        let byte = self.chunk.get(self.used).copied().ok_or(SealError::NotRandom)?;
        self.used = self.used.saturating_add(1);
        Ok(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_character_has_the_same_chance() {
        for len in [1, 2, 10, 26, 62, 78, 100, 255, 256] {
            let alphabet: Vec<u8> = (0..=255).take(len).collect();
            let mut next = 0_u8;
            let mut draw = Draw::new(|bytes: &mut [u8]| {
                for byte in bytes {
                    *byte = next;
                    next = next.wrapping_add(1);
                }
                Ok(())
            });
            // One round through all accepted byte values gives each character equally often.
            let mut out = vec![0; 256 - 256 % len];
            draw.characters(&alphabet, &mut out).unwrap();
            let mut drawn = [0; 256];
            for char in out {
                drawn[usize::from(char)] += 1;
            }
            assert!(drawn.iter().take(len).all(|times| *times == 256 / len), "alphabet of {len}");
        }
    }

    #[test]
    fn a_source_that_is_stuck_is_an_error() {
        let mut draw = Draw::new(|bytes: &mut [u8]| {
            bytes.fill(255);
            Ok(())
        });
        assert!(matches!(draw.characters(b"abc", &mut [0]), Err(SealError::NotRandom)));
    }
}
