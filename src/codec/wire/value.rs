//! Owns the containers of wire structs: optional parts, lists with bounded allocation, digests.

use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use crate::domain::id::DataKeyId;
use crate::domain::name::{Actor, Label};
use crate::domain::position::Position;

/// An optional part that is itself a wire struct. Encoded like `Option`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Maybe<T>(Option<T>);

impl<A, B: From<A>> From<Option<A>> for Maybe<B> {
    fn from(value: Option<A>) -> Self {
        Self(value.map(B::from))
    }
}

impl<A> Maybe<A> {
    /// Converts to an optional part of the domain. Each such part implements this itself: a `From` for all is not
    /// possible.
    pub(super) fn lift<B: From<A>>(self) -> Option<B> {
        self.0.map(B::from)
    }
}

/// A list. Reading one never reserves much more than its present elements, whatever its length claims.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub(crate) struct List<T>(Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

/// Elements for which capacity is reserved before the first is read.
const RESERVED_MAX: usize = 16;

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Elements<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Elements<T> {
            type Value = Vec<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<T>, A::Error> {
                let mut elements = Vec::with_capacity(seq.size_hint().unwrap_or(0).min(RESERVED_MAX));
                while let Some(element) = seq.next_element()? {
                    elements.push(element);
                }
                Ok(elements)
            }
        }

        deserializer.deserialize_seq(Elements(std::marker::PhantomData)).map(Self)
    }
}

impl<A, B: From<A>> From<Vec<A>> for List<B> {
    fn from(elements: Vec<A>) -> Self {
        Self(elements.into_iter().map(B::from).collect())
    }
}

impl<A, B: From<A>> From<List<A>> for Vec<B> {
    fn from(list: List<A>) -> Self {
        list.0.into_iter().map(B::from).collect()
    }
}

impl<T> From<Box<[T]>> for List<T> {
    fn from(elements: Box<[T]>) -> Self {
        Self(elements.into_vec())
    }
}

impl From<List<Label>> for Box<[Label]> {
    fn from(list: List<Label>) -> Self {
        list.0.into_boxed_slice()
    }
}

impl From<List<DataKeyId>> for Box<[DataKeyId]> {
    fn from(list: List<DataKeyId>) -> Self {
        list.0.into_boxed_slice()
    }
}

impl From<List<Actor>> for Box<[Actor]> {
    fn from(list: List<Actor>) -> Self {
        list.0.into_boxed_slice()
    }
}

impl From<List<Position>> for Box<[Position]> {
    fn from(list: List<Position>) -> Self {
        list.0.into_boxed_slice()
    }
}

/// 32 bytes of a hash; lower-case hexadecimal for people.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Digest([u8; 32]);

impl From<[u8; 32]> for Digest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl From<Digest> for [u8; 32] {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        // Two numbers of 16 bytes, little-endian, are the same 32 bytes, in two steps instead of 32.
        let [first, second] = self.0.as_chunks::<16>().0 else { return self.0.serialize(serializer) };
        (u128::from_le_bytes(*first), u128::from_le_bytes(*second)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (first, second) = <(u128, u128)>::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        for (to, from) in bytes.as_chunks_mut::<16>().0.iter_mut().zip([first, second]) {
            *to = from.to_le_bytes();
        }
        Ok(Self(bytes))
    }
}
