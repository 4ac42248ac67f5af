//! Owns the form of a kept answer that could not be read: a credential with one field, which no issuer makes.
//!
//! Read next: [`super::outcome`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::credential::{self, Field};
use crate::domain::limits::KV_BYTES_MAX;
use crate::seal::secret_bytes::SecretBytes;

/// The only field of a kept answer, for text and for other bytes.
const TEXT: &str = "unread_answer";
const BYTES: &str = "unread_answer_base64";

/// Converts an answer into the form of a credential; an answer that is too long is truncated.
pub(crate) fn kept(answer: &SecretBytes) -> Option<SecretBytes> {
    // An answer has little more than the longest credential, and its form as a credential has to fit too.
    let fits = |written: &SecretBytes| written.expose().len() <= KV_BYTES_MAX;
    let text = || credential::write(&[(TEXT, Field::Secret(answer))]).filter(fits);
    let bytes = || {
        let most = (KV_BYTES_MAX / 4).saturating_mul(3).saturating_sub(BYTES.len().saturating_mul(2));
        let digits = STANDARD.encode(answer.expose().get(..most).unwrap_or(answer.expose()));
        credential::write(&[(BYTES, Field::Secret(&SecretBytes::from(digits)))]).filter(fits)
    };
    text().or_else(bytes)
}

/// Returns the kept answer; `None` for an ordinary credential.
pub(crate) fn unread(credential: &SecretBytes) -> Option<SecretBytes> {
    if let Some(text) = credential::only_text(credential, TEXT) {
        return Some(text);
    }
    let digits = credential::only_text(credential, BYTES)?;
    STANDARD.decode(digits.expose()).ok().map(SecretBytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_of_any_form_comes_back() {
        for answer in
            [&b"\x00\xff{"[..], b"{\"credential\":{\"a\":1},}", b"\"", "\u{feff}x\n".as_bytes(), &[b'x'; 500_000]]
        {
            let kept = kept(&SecretBytes::copy_from(answer)).unwrap();
            assert!(credential::is_kept(&kept));
            assert_eq!(unread(&kept).unwrap().expose(), answer);
        }
        // An answer that is longer than a credential is kept as far as there is space.
        let long = vec![b'"'; 580_000];
        let kept = kept(&SecretBytes::copy_from(&long)).unwrap();
        assert!(credential::is_kept(&kept) && unread(&kept).unwrap().expose().len() > 390_000);
        for other in [r#"{"password":"x"}"#, r#"{"unread_answer":"x","password":"y"}"#, r#"{"unread_answer":7}"#, "{}"]
        {
            assert!(unread(&SecretBytes::from(other.to_owned())).is_none(), "{other}");
        }
    }
}
