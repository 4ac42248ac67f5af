//! Owns the macros that declare wire types: parts, events, earlier schemas of events, and enums with a tag of one byte.
//!
//! Each macro declares the type and its conversion to its domain type and back, field by field; a missing field on
//! either side does not compile.

use serde::Deserialize;
use serde::de::{Error, SeqAccess};

/// Declares a frozen struct that has the fields of a domain struct, in the order of their bytes.
macro_rules! wire_struct {
    ($(#[$meta:meta])* $name:ident is $domain:ident { $( $field:ident: $type:ty, )* }) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub(crate) struct $name {
            $( pub(crate) $field: $type, )*
        }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                let $domain { $( $field, )* } = value;
                Self { $( $field: $field.into(), )* }
            }
        }

        impl From<$name> for $domain {
            fn from(value: $name) -> Self {
                let $name { $( $field, )* } = value;
                Self { $( $field: $field.into(), )* }
            }
        }
    };
}

/// Declares the frozen struct of the newest schema of an event type: its schema, the structs of the earlier schemas,
/// newest first, then the fields.
macro_rules! wire_event {
    (
        $(#[$meta:meta])*
        $name:ident ($schema:literal) is $domain:ident $(, before it $older:ident)* { $( $field:ident: $type:ty, )* }
    ) => {
        $crate::codec::wire::shape::wire_struct!($(#[$meta])* $name is $domain { $( $field: $type, )* });

        impl $crate::codec::event::Body for $name {
            const NUMBER: u16 = <$domain as $crate::domain::event_shape::Kind>::NUMBER;
            const SCHEMA: u16 = $schema;

            fn into_event(self) -> $crate::domain::event::Event {
                $domain::from(self).into()
            }
        }

        impl $crate::codec::event::Schemas for $domain {
            type Newest = $name;

            const COUNT: u16 = 1 $( + { let _ = <$older as $crate::codec::event::Body>::SCHEMA; 1 } )*;

            fn decoder(schema: u16) -> Option<$crate::codec::event::Decoder> {
                use $crate::codec::event::{Body, decode_body};
                match schema {
                    <$name as Body>::SCHEMA => Some(decode_body::<$name>),
                    $( <$older as Body>::SCHEMA => Some(decode_body::<$older>), )*
                    _ => None,
                }
            }

            fn write_json(&self, schema: u16, out: &mut Vec<u8>) {
                use $crate::codec::event::write_json;
                let body = <$name>::from(self.clone());
                $(
                    if schema > <$older as $crate::codec::event::Body>::SCHEMA {
                        return write_json(&body, out);
                    }
                    let body = <$older>::from(body);
                )*
                let _ = schema;
                write_json(&body, out);
            }
        }
    };
}

/// Declares the frozen struct of an earlier schema of an event type: its schema, the struct of the next schema, and the
/// fields that both have. After a semicolon follow the values of the fields that only the later schema has.
///
/// The lift is pure: it sees only the struct. If a later schema drops or changes a field, write the lift by hand.
macro_rules! wire_event_before {
    (
        $(#[$meta:meta])*
        $name:ident ($schema:literal) lifts to $later:ident {
            $( $field:ident: $type:ty, )*
            ; $( $new:ident = $value:expr, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
        pub(crate) struct $name {
            $( pub(crate) $field: $type, )*
        }

        impl From<$name> for $later {
            fn from(old: $name) -> Self {
                let $name { $( $field, )* } = old;
                Self { $( $field, )* $( $new: $value, )* }
            }
        }

        impl From<$later> for $name {
            /// Leaves out the fields that the earlier schema does not have.
            fn from(later: $later) -> Self {
                let $later { $( $field, )* .. } = later;
                Self { $( $field, )* }
            }
        }

        impl $crate::codec::event::Body for $name {
            const NUMBER: u16 = <$later as $crate::codec::event::Body>::NUMBER;
            const SCHEMA: u16 = $schema;

            fn into_event(self) -> $crate::domain::event::Event {
                $later::from(self).into_event()
            }
        }
    };
}

/// Declares a frozen enum: a tag of one byte and a label per case, then the fields of the case. A case in round
/// brackets is a case of the domain with one unnamed field.
macro_rules! wire_enum {
    (
        $(#[$meta:meta])*
        $name:ident is $domain:ident {
            $(
                $case:ident = $tag:literal, $label:literal
                $( { $( $field:ident: $type:ty ),+ } )?
                $( ( $inner:ident: $inner_type:ty ) )? ;
            )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq)]
        pub(crate) enum $name {
            $( $case { $( $( $field: $type, )+ )? $( $inner: $inner_type, )? }, )+
        }

        impl From<$domain> for $name {
            fn from(value: $domain) -> Self {
                match value {
                    $( $domain::$case { $( $( $field, )+ )? $( 0: $inner )? } => {
                        Self::$case { $( $( $field: $field.into(), )+ )? $( $inner: $inner.into() )? }
                    } )+
                }
            }
        }

        impl From<$name> for $domain {
            fn from(value: $name) -> Self {
                match value {
                    $( $name::$case { $( $( $field, )+ )? $( $inner )? } => {
                        Self::$case { $( $( $field: $field.into(), )+ )? $( 0: $inner.into() )? }
                    } )+
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeStruct;
                let readable = serializer.is_human_readable();
                // The length is a hint to formats that write it; bincode does not.
                let mut fields = serializer.serialize_struct(stringify!($name), 1)?;
                match self {
                    $( Self::$case { $( $( $field, )+ )? $( $inner )? } => {
                        if readable {
                            fields.serialize_field("kind", $label)?;
                        } else {
                            const TAG: u8 = $tag;
                            fields.serialize_field("kind", &TAG)?;
                        }
                        $( $( fields.serialize_field(stringify!($field), $field)?; )+ )?
                        $( fields.serialize_field(stringify!($inner), $inner)?; )?
                    } )+
                }
                fields.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Case;

                impl<'de> serde::de::Visitor<'de> for Case {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(stringify!($name))
                    }

                    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut seq: A) -> Result<$name, A::Error> {
                        use $crate::codec::wire::shape::next;
                        match next::<u8, A>(&mut seq)? {
                            $( $tag => Ok($name::$case {
                                $( $( $field: next(&mut seq)?, )+ )?
                                $( $inner: next(&mut seq)?, )?
                            }), )+
                            _ => Err(serde::de::Error::custom(concat!("unknown ", stringify!($name)))),
                        }
                    }
                }

                deserializer.deserialize_tuple($crate::codec::wire::shape::FIELDS_MAX, Case)
            }
        }
    };
}

pub(super) use wire_enum;
pub(super) use wire_event;
pub(super) use wire_event_before;
pub(super) use wire_struct;

/// Fields that a case may have, with its tag; bincode reads as many as requested.
pub(super) const FIELDS_MAX: usize = 16;

/// Reads the next field of a case.
pub(super) fn next<'de, T: Deserialize<'de>, A: SeqAccess<'de>>(seq: &mut A) -> Result<T, A::Error> {
    seq.next_element()?.ok_or_else(|| A::Error::custom("a field is missing"))
}
