//! Owns secret bytes in memory: they have one owner and one way to read them, and are wiped when dropped.
//!
//! It never grows (which would leave copies behind) and never clones. It compares in constant time only. Its `Debug`
//! shows nothing, not even a length. Read next: [`super::data`].

use std::fmt;

use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::domain::invalid::Invalid;

/// Secret bytes: wiped when dropped, shown only by [`expose`](SecretBytes::expose).
///
/// ```
/// use latchkeep::SecretBytes;
///
/// let password = SecretBytes::from(String::from("correct horse"));
/// assert_eq!(format!("{password:?}"), "SecretBytes(..)");
/// assert_eq!(password.expose(), b"correct horse");
/// ```
pub struct SecretBytes(Box<[u8]>);

impl SecretBytes {
    /// Copies the bytes; the source stays unchanged, and the caller must wipe it.
    #[must_use]
    pub fn copy_from(bytes: &[u8]) -> Self {
        Self(Box::from(bytes))
    }

    /// Copies the bytes and wipes the source.
    #[must_use]
    pub fn wiping(source: &mut [u8]) -> Self {
        let taken = Self(Box::from(&*source));
        source.zeroize();
        taken
    }

    /// Makes zero bytes and lets `fill` write them, so that a secret is made where it stays.
    pub(crate) fn filled<E>(len: usize, fill: impl FnOnce(&mut [u8]) -> Result<(), E>) -> Result<Self, E> {
        let mut made = Self(vec![0; len].into_boxed_slice());
        fill(&mut made.0)?;
        Ok(made)
    }

    /// Returns the bytes; there is no other way to them. A caller that copies them must wipe the copy.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Returns the bytes as text.
    ///
    /// # Errors
    ///
    /// [`Invalid`] when they are not UTF-8; the error does not say where.
    pub fn expose_text(&self) -> Result<&str, Invalid> {
        std::str::from_utf8(&self.0).map_err(|_| Invalid::new("secret data", "is not UTF-8 text"))
    }

    /// Returns whether there are no bytes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares in a time that does not reveal where the first difference is. It does reveal a difference in length.
    #[must_use]
    pub fn equals_in_constant_time(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl From<Vec<u8>> for SecretBytes {
    /// Takes the bytes over. If the vector has unused capacity, the bytes are copied and the whole vector is wiped.
    fn from(mut bytes: Vec<u8>) -> Self {
        if bytes.len() == bytes.capacity() {
            return Self(bytes.into_boxed_slice());
        }
        let taken = Self(Box::from(bytes.as_slice()));
        bytes.zeroize();
        taken
    }
}

impl From<String> for SecretBytes {
    /// Takes the text over, like `From<Vec<u8>>`.
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl Drop for SecretBytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_shown_and_everything_is_read() {
        let secret = SecretBytes::from(String::from("canary"));
        assert_eq!(format!("{secret:?} {secret:#?}"), "SecretBytes(..) SecretBytes(..)");
        assert_eq!(secret.expose_text().unwrap(), "canary");
        assert!(SecretBytes::copy_from(&[0xff]).expose_text().is_err());
    }

    #[test]
    fn a_source_with_room_to_spare_is_copied_whole() {
        let mut roomy = Vec::with_capacity(64);
        roomy.extend_from_slice(b"canary");
        assert_eq!(SecretBytes::from(roomy).expose(), b"canary");
        assert_eq!(SecretBytes::from(b"canary".to_vec()).expose(), b"canary");
    }

    #[test]
    fn a_borrowed_source_is_wiped() {
        let mut source = *b"canary";
        let taken = SecretBytes::wiping(&mut source);
        assert_eq!(source, [0; 6]);
        assert_eq!(taken.expose(), b"canary");
    }

    #[test]
    fn comparison_sees_content_and_length() {
        let [one, same, other, longer] = ["canary", "canary", "canarz", "canaryy"].map(|text| text.to_owned().into());
        assert!(SecretBytes::equals_in_constant_time(&one, &same));
        assert!(!one.equals_in_constant_time(&other));
        assert!(!one.equals_in_constant_time(&longer));
    }
}
