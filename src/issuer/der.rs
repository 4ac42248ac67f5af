//! Owns the bytes of DER (X.690) as far as keys and certificates need them: splitting an element off, and making one.
//!
//! It copies nothing that it splits. Read next: [`super::private_key`].

#[cfg(feature = "private-ca")]
use zeroize::Zeroizing;

pub(super) const INTEGER: u8 = 0x02;
pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// Returns the value of a DER element that fills all bytes.
pub(super) fn whole(tag: u8, der: &[u8]) -> Option<&[u8]> {
    take(tag, der).and_then(|(value, rest)| rest.is_empty().then_some(value))
}

/// Returns the value of the first DER element, which must have `tag`, and the bytes after it.
pub(super) fn take(tag: u8, der: &[u8]) -> Option<(&[u8], &[u8])> {
    split(der).and_then(|(found, value, rest)| (found == tag).then_some((value, rest)))
}

/// Splits the first DER element off: tag of one byte, definite length.
pub(super) fn split(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let ([tag, first], rest) = der.split_first_chunk::<2>()?;
    let (len, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (bytes.iter().fold(0_usize, |len, byte| len << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(len)?;
    Some((*tag, value, rest))
}

/// Makes an element; `None` when it would be longer than 16 MiB.
#[cfg(feature = "private-ca")]
pub(super) fn element(tag: u8, parts: &[&[u8]]) -> Option<Zeroizing<Vec<u8>>> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let [zero, high, middle, low] = u32::try_from(len).ok()?.to_be_bytes();
    let head: &[u8] = match len {
        0..=0x7f => &[tag, low],
        0x80..=0xff => &[tag, 0x81, low],
        0x100..=0xffff => &[tag, 0x82, middle, low],
        _ if zero == 0 => &[tag, 0x83, high, middle, low],
        _ => return None,
    };
    // Reserved once for the whole, so that no reallocation leaves a copy behind.
    let mut der = Zeroizing::new(Vec::with_capacity(head.len().saturating_add(len)));
    der.extend_from_slice(head);
    for part in parts {
        der.extend_from_slice(part);
    }
    Some(der)
}

#[cfg(all(test, feature = "private-ca"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_together_comes_apart_again() {
        for len in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x1_0000] {
            let value = vec![7; len];
            let der = element(OCTET_STRING, &[&value[..len / 2], &value[len / 2..]]).unwrap();
            assert_eq!(whole(OCTET_STRING, &der), Some(value.as_slice()), "{len}");
            assert_eq!(whole(INTEGER, &der), None);
        }
        assert!(element(OCTET_STRING, &[&vec![0; 0x100_0000]]).is_none());
    }
}
