//! Owns the macro that declares what can happen: the structs, their numbers and their names, in one table.
//!
//! Read next: [`super::event`].

/// Declares [`Event`], its numbers and its names in one table.
///
/// Events whose structs are declared elsewhere stand in a table of their own at its end.
macro_rules! events {
    (
        $( $(#[$meta:meta])* $name:ident = $number:literal { $( $(#[$field_meta:meta])* $field:ident: $type:ty, )* } )+
        ; elsewhere { $( $(#[$far_meta:meta])* $far:ident = $far_number:literal; )+ }
    ) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $name {
                $( $(#[$field_meta])* pub $field: $type, )*
            }
        )+

        events!(@listed
            $( $(#[$meta])* $name = $number; )+
            $( $(#[$far_meta])* $far = $far_number; )+
        );
    };
    (@listed $( $(#[$meta:meta])* $name:ident = $number:literal; )+) => {
        $(
            impl From<$name> for Event {
                fn from(event: $name) -> Self {
                    Self::$name(event)
                }
            }
        )+

        /// Something that happened.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Event {
            $( $(#[$meta])* $name($name), )+
        }

        impl Event {
            /// Gives the number that stands for this kind of event in a record header; never reused.
            #[must_use]
            pub const fn number(&self) -> u16 {
                match self { $( Self::$name(_) => $number, )+ }
            }

            /// Gives the name of this kind of event.
            #[must_use]
            pub const fn label(&self) -> &'static str {
                match self { $( Self::$name(_) => stringify!($name), )+ }
            }

            /// Finds the name that belongs to a number.
            #[must_use]
            pub const fn label_of(number: u16) -> Option<&'static str> {
                match number { $( $number => Some(stringify!($name)), )+ _ => None }
            }

            /// Tells whether a text is the name of some kind of event.
            #[must_use]
            pub fn is_label(text: &str) -> bool {
                [$( stringify!($name), )+].contains(&text)
            }
        }
    };
}

pub(super) use events;
