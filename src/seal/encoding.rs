//! Owns the bytes of secret data before they are sealed.
//!
//! It never leaves a copy behind: the buffer has its exact size before the first byte is written, and is wiped. Read
//! next: [`super::envelope`].
//!
//! Byte by byte, numbers big-endian: encoding (1 byte, 1), type (1 byte), then fields, each a tag (1 byte), a length (4
//! bytes) and its bytes. Tags never decrease; only tag 4 of `iam_credentials` may occur more than once. All bytes are
//! text in UTF-8.
//!
//! | Type | Tags |
//! |---|---|
//! | 1 `arbitrary` | 1 payload |
//! | 2 `username_password` | 1 username, 2 password |
//! | 3 `kv` | 1 data |
//! | 4 `iam_credentials` | 1 API key, 2 API key id, then 3 service id or 4 access group (one or more) |
//! | 5 `imported_cert` | 1 certificate, 2 intermediate (optional), 3 private key (optional) |
//! | 6 `service_credentials`, 7 `custom_credentials`, 8 `private_cert` | 1 credential |

use super::data::{
    Arbitrary, IamCredentials, IamIdentity, ImportedCert, IssuedData, Kv, SecretData, UsernamePassword, issued_code,
};
use super::error::SealError;
use super::secret_bytes::SecretBytes;
use crate::domain::secret::SecretType;

const ENCODING: u8 = 1;
const FIELD_HEAD_BYTES: usize = 5;

/// A tag and its bytes.
type Field<'a> = (u8, &'a [u8]);
/// The fields of one value, in the order of their tags.
type Fields<'a> = Vec<Field<'a>>;

impl SecretData {
    /// Encodes into a buffer of exactly the needed size, wiped when dropped.
    pub(crate) fn encode(&self) -> SecretBytes {
        let (kind, fields) = self.fields();
        let len = fields
            .iter()
            .fold(2_usize, |len, (_, bytes)| len.saturating_add(FIELD_HEAD_BYTES).saturating_add(bytes.len()));
        let mut encoded = Vec::with_capacity(len);
        encoded.extend_from_slice(&[ENCODING, kind]);
        for (tag, bytes) in fields {
            encoded.push(tag);
            let len = u32::try_from(bytes.len()).expect("secret data is bounded far below 4 GiB");
            encoded.extend_from_slice(&len.to_be_bytes());
            encoded.extend_from_slice(bytes);
        }
        SecretBytes::from(encoded)
    }

    /// Decodes the result of [`encode`](Self::encode). Does not check the bounds of the types again.
    ///
    /// # Errors
    ///
    /// [`SealError::DataUnreadable`] when the bytes are anything else.
    pub(crate) fn decode(encoded: &SecretBytes) -> Result<Self, SealError> {
        decode(encoded.expose()).ok_or(SealError::DataUnreadable)
    }

    fn fields(&self) -> (u8, Fields<'_>) {
        match self {
            Self::Arbitrary(data) => (1, vec![(1, data.payload.expose())]),
            Self::UsernamePassword(data) => (2, vec![(1, data.username.as_bytes()), (2, data.password.expose())]),
            Self::Kv(data) => (3, vec![(1, data.data.expose())]),
            Self::IamCredentials(data) => (4, iam_fields(data)),
            Self::ImportedCert(data) => {
                let mut fields = vec![(1, data.certificate.expose())];
                fields.extend(data.intermediate.iter().map(|part| (2, part.expose())));
                fields.extend(data.private_key.iter().map(|part| (3, part.expose())));
                (5, fields)
            }
            Self::Issued(data) => {
                (issued_code(data.secret_type).unwrap_or_default(), vec![(1, data.credential.expose())])
            }
        }
    }
}

fn iam_fields(data: &IamCredentials) -> Fields<'_> {
    let mut fields = vec![(1, data.api_key.expose()), (2, data.api_key_id.as_bytes())];
    match &data.identity {
        IamIdentity::Service(id) => fields.push((3, id.as_bytes())),
        IamIdentity::AccessGroups(ids) => fields.extend(ids.iter().map(|id| (4, id.as_bytes()))),
    }
    fields
}

fn decode(encoded: &[u8]) -> Option<SecretData> {
    let ([ENCODING, kind], mut rest) = encoded.split_first_chunk::<2>()? else { return None };
    let mut fields = Vec::new();
    while !rest.is_empty() {
        let (field, left) = split_field(rest)?;
        std::str::from_utf8(field.1).ok()?;
        fields.push(field);
        rest = left;
    }
    build(*kind, &fields)
}

fn split_field(bytes: &[u8]) -> Option<(Field<'_>, &[u8])> {
    let ([tag, len @ ..], rest) = bytes.split_first_chunk::<FIELD_HEAD_BYTES>()?;
    let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
    let (field, left) = rest.split_at_checked(len)?;
    Some(((*tag, field), left))
}

fn build(kind: u8, fields: &[Field<'_>]) -> Option<SecretData> {
    let secret = SecretBytes::copy_from;
    Some(match (kind, fields) {
        (1, [(1, payload)]) => SecretData::Arbitrary(Arbitrary { payload: secret(payload) }),
        (2, [(1, username), (2, password)]) => {
            SecretData::UsernamePassword(UsernamePassword { username: text(username)?, password: secret(password) })
        }
        (3, [(1, data)]) => SecretData::Kv(Kv { data: secret(data) }),
        (4, [(1, api_key), (2, api_key_id), identity @ ..]) => SecretData::IamCredentials(IamCredentials {
            api_key: secret(api_key),
            api_key_id: text(api_key_id)?,
            identity: build_identity(identity)?,
        }),
        (5, [(1, certificate), optional @ ..]) => {
            let (intermediate, private_key) = match optional {
                [] => (None, None),
                [(2, intermediate)] => (Some(intermediate), None),
                [(3, private_key)] => (None, Some(private_key)),
                [(2, intermediate), (3, private_key)] => (Some(intermediate), Some(private_key)),
                _ => return None,
            };
            SecretData::ImportedCert(ImportedCert {
                certificate: secret(certificate),
                intermediate: intermediate.map(|part| secret(part)),
                private_key: private_key.map(|part| secret(part)),
            })
        }
        (kind, [(1, credential)]) => {
            SecretData::Issued(IssuedData { secret_type: issued_type(kind)?, credential: secret(credential) })
        }
        _ => return None,
    })
}

/// Returns the type with an issuer that has this code.
const fn issued_type(kind: u8) -> Option<SecretType> {
    match kind {
        6 => Some(SecretType::ServiceCredentials),
        7 => Some(SecretType::CustomCredentials),
        8 => Some(SecretType::PrivateCert),
        _ => None,
    }
}

fn build_identity(fields: &[Field<'_>]) -> Option<IamIdentity> {
    match fields {
        [(3, id)] => Some(IamIdentity::Service(text(id)?)),
        [(4, _), ..] => {
            let ids = fields.iter().map(|(tag, id)| if *tag == 4 { text(id) } else { None });
            Some(IamIdentity::AccessGroups(ids.collect::<Option<_>>()?))
        }
        _ => None,
    }
}

fn text(bytes: &[u8]) -> Option<Box<str>> {
    std::str::from_utf8(bytes).ok().map(Box::from)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::name::Username;
    use crate::seal::testing::hex;

    fn secret(text: &str) -> SecretBytes {
        SecretBytes::from(text.to_owned())
    }

    fn every_type() -> Vec<SecretData> {
        let groups = IamIdentity::AccessGroups(vec!["g1".into(), "g2".into()]);
        let cert = |chain: Option<&str>, key: Option<&str>| {
            SecretData::imported_cert(secret("C"), chain.map(secret), key.map(secret)).unwrap()
        };
        vec![
            SecretData::arbitrary(secret("p\u{e4}y")).unwrap(),
            SecretData::username_password(&Username::parse("me").unwrap(), secret("passwd")).unwrap(),
            SecretData::kv(&secret("{ \"a\" : 1 }")).unwrap(),
            SecretData::iam_credentials(secret("k"), "id", IamIdentity::Service("s".into())).unwrap(),
            SecretData::iam_credentials(secret("k"), "id", groups).unwrap(),
            cert(None, None),
            cert(Some("I"), None),
            cert(None, Some("K")),
            cert(Some("I"), Some("K")),
        ]
    }

    #[test]
    fn encodings_are_golden_and_come_back_the_same() {
        let golden = [
            "0101010000000470c3a479",
            "01020100000002 6d65 02000000067061737377 64",
            "010301000000077b2261223a317d",
            "010401000000016b 020000000269 64 030000000173",
            "010401000000016b 020000000269 64 04000000026731 04000000026732",
            "0105010000000143",
            "0105010000000143 020000000149",
            "0105010000000143 03000000014b",
            "0105010000000143 020000000149 03000000014b",
        ];
        let all = every_type();
        assert_eq!(all.len(), golden.len());
        for (data, golden) in all.iter().zip(golden) {
            let encoded = data.encode();
            assert_eq!(hex(encoded.expose()), golden.replace(' ', ""));
            assert_eq!(SecretData::decode(&encoded).unwrap().encode().expose(), encoded.expose());
        }
    }

    #[test]
    fn every_cut_and_every_added_byte_is_refused() {
        for data in every_type() {
            let whole = data.encode().expose().to_vec();
            let last_field_starts = |len: usize| {
                // Optional and repeated fields at the end may be missing: a cut right before one is a shorter value.
                SecretData::decode(&SecretBytes::copy_from(&whole[..len]))
                    .is_ok_and(|shorter| shorter.encode().expose() == &whole[..len])
            };
            for len in 0..whole.len() {
                let cut = SecretData::decode(&SecretBytes::copy_from(&whole[..len]));
                assert!(cut.is_err() || last_field_starts(len), "length {len}");
            }
            assert!(SecretData::decode(&SecretBytes::copy_from(&[&whole[..], &[0]].concat())).is_err());
        }
    }

    #[test]
    fn hostile_bytes_are_refused() {
        for bytes in [
            &b""[..],
            b"\x01",
            b"\x01\x01",
            b"\x02\x01\x01\0\0\0\x01a",
            b"\x01\x09\x01\0\0\0\x01a",
            b"\x01\x01\x02\0\0\0\x01a",
            b"\x01\x01\x01\xff\xff\xff\xffa",
            b"\x01\x01\x01\0\0\0\x01\xff",
            b"\x01\x01\x01\0\0\0\x01a\x01\0\0\0\x01a",
            b"\x01\x02\x02\0\0\0\x01a\x01\0\0\0\x01a",
            b"\x01\x04\x01\0\0\0\x01a\x02\0\0\0\x01a",
            b"\x01\x04\x01\0\0\0\x01a\x02\0\0\0\x01a\x03\0\0\0\x01a\x04\0\0\0\x01a",
            b"\x01\x05\x01\0\0\0\x01a\x03\0\0\0\x01a\x02\0\0\0\x01a",
        ] {
            let decoded = SecretData::decode(&SecretBytes::copy_from(bytes));
            assert!(matches!(decoded, Err(SealError::DataUnreadable)), "{bytes:?}");
        }
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_to_the_same_bytes(kind in 0..10_u8, fields: Vec<(u8, String)>, tail: Vec<u8>) {
            let mut bytes = vec![ENCODING, kind];
            for (tag, text) in &fields {
                bytes.push(tag % 5);
                bytes.extend_from_slice(&u32::try_from(text.len()).unwrap().to_be_bytes());
                bytes.extend_from_slice(text.as_bytes());
            }
            if kind == 0 {
                bytes = tail;
            }
            if let Ok(data) = SecretData::decode(&SecretBytes::copy_from(&bytes)) {
                prop_assert!(data.encode().expose() == bytes);
            }
        }
    }
}
