//! Owns `coded_enum!`: enums whose numbers on disk and words for people are written down once.
//!
//! A number is never given to another case, and a case never gets another number: both stand in stored records.
//! Read next: [`super::event`].

/// Declares an enum with a stable number (for bytes) and a stable label (for people and JSON) per case.
macro_rules! coded_enum {
    (
        $(#[$meta:meta])*
        $name:ident {
            $( $(#[$case_meta:meta])* $case:ident = $code:literal, $label:literal; )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$case_meta])* $case, )+
        }

        impl $name {
            /// Every case, in the order of its numbers.
            pub const ALL: &'static [Self] = &[$(Self::$case,)+];

            /// Gives the stable number that stands for this case in stored bytes.
            #[must_use]
            pub const fn code(self) -> u8 {
                match self { $(Self::$case => $code,)+ }
            }

            /// Gives the stable word that stands for this case in text and JSON.
            #[must_use]
            pub const fn label(self) -> &'static str {
                match self { $(Self::$case => $label,)+ }
            }

            /// Finds the case of a stored number.
            #[must_use]
            pub const fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$case),)+ _ => None }
            }

            /// Finds the case of a label.
            #[must_use]
            pub fn from_label(label: &str) -> Option<Self> {
                match label { $($label => Some(Self::$case),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.label())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    serializer.serialize_str(self.label())
                } else {
                    serializer.serialize_u8(self.code())
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let found = if deserializer.is_human_readable() {
                    Self::from_label(&<std::borrow::Cow<'de, str>>::deserialize(deserializer)?)
                } else {
                    Self::from_code(u8::deserialize(deserializer)?)
                };
                found.ok_or_else(|| serde::de::Error::custom(concat!("unknown ", stringify!($name))))
            }
        }
    };
}

pub(crate) use coded_enum;
