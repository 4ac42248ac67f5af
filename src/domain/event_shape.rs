//! Owns the macros that declare events. [`events`] declares the struct of an event with all that its kind says: its number,
//! whether its body may be erased, the release that wrote it first. [`event_list`] makes the enum of all of them.
//!
//! Read next: [`super::event`].

/// What is said of each kind of event where it is declared.
pub(crate) trait Kind {
    /// Stands for this kind of event in record headers; never reused.
    const NUMBER: u16;
    /// Whether the body may be erased later: it can hold words about a person.
    const IS_ERASABLE: bool;
    /// Whether release 0.1 did not know it.
    const IS_NEWER: bool;
}

/// Declares events: `Name = number, kept or erasable, since release { fields }`.
macro_rules! events {
    (
        $(
            $(#[$meta:meta])*
            $name:ident = $number:literal, $body:ident, since $release:tt {
                $( $(#[$field_meta:meta])* $field:ident: $type:ty, )*
            }
        )+
    ) => {
        $(
            $(#[$meta])*
            #[derive(Clone, Debug, PartialEq, Eq)]
            pub struct $name {
                $( $(#[$field_meta])* pub $field: $type, )*
            }

            impl $crate::domain::event_shape::Kind for $name {
                const NUMBER: u16 = $number;
                const IS_ERASABLE: bool = $crate::domain::event_shape::events!(@is_erasable $body);
                const IS_NEWER: bool = $crate::domain::event_shape::events!(@is_newer $release);
            }
        )+
    };
    (@is_erasable erasable) => { true };
    (@is_erasable kept) => { false };
    (@is_newer 0.1) => { false };
    (@is_newer 0.2) => { true };
}

/// Makes [`Event`](super::event::Event) of the list of all events, by whom they are about; a pattern for each part of the list,
/// for matches that name all events; and `each_event`, which gives the whole list to another macro.
macro_rules! event_list {
    (
        ($d:tt)
        whole { $( $whole:ident, )+ }
        trail { $( $trail:ident, )+ }
        secret { $( $secret:ident, )+ }
        rotation { $( $rotation:ident, )+ }
    ) => {
        /// The events of the whole store, its keys and its groups.
        macro_rules! of_whole { () => { $( $crate::domain::event::Event::$whole(_) )|+ }; }

        /// The events of the audit trail.
        macro_rules! of_trail { () => { $( $crate::domain::event::Event::$trail(_) )|+ }; }

        /// The events about a secret, its versions and its locks.
        macro_rules! of_secret { () => { $( $crate::domain::event::Event::$secret(_) )|+ }; }

        /// The events about rotations by an issuer, and about credentials.
        macro_rules! of_rotation { () => { $( $crate::domain::event::Event::$rotation(_) )|+ }; }

        /// Gives the names of all events to a macro.
        macro_rules! each_event {
            ($d with:ident) => { $d with! { $( $whole, )+ $( $trail, )+ $( $secret, )+ $( $rotation, )+ } };
        }

        pub(crate) use {each_event, of_rotation, of_secret, of_trail, of_whole};

        /// The numbers of all events, by whom they are about.
        #[cfg(test)]
        pub(crate) const NUMBERS: &[(&str, &[u16])] = &[
            ("store", &[$( <$crate::domain::event::$whole as $crate::domain::event_shape::Kind>::NUMBER, )+]),
            ("trail", &[$( <$crate::domain::event::$trail as $crate::domain::event_shape::Kind>::NUMBER, )+]),
            ("secret", &[$( <$crate::domain::event::$secret as $crate::domain::event_shape::Kind>::NUMBER, )+]),
            ("secret", &[$( <$crate::domain::event::$rotation as $crate::domain::event_shape::Kind>::NUMBER, )+]),
        ];

        each_event!(event_enum);
    };
}

/// Makes the enum of events, with what is told of one by its kind.
macro_rules! event_enum {
    ($( $name:ident, )+) => {
        /// Something that happened.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Event {
            $( #[doc = concat!("See [`", stringify!($name), "`](crate::event::", stringify!($name), ").")] $name($crate::domain::event::$name), )+
        }

        $(
            impl From<$crate::domain::event::$name> for Event {
                fn from(event: $crate::domain::event::$name) -> Self {
                    Self::$name(event)
                }
            }
        )+

        impl Event {
            /// Gives the number that stands for this kind of event in a record header; never reused.
            #[must_use]
            pub const fn number(&self) -> u16 {
                match self { $( Self::$name(_) => <$crate::domain::event::$name as $crate::domain::event_shape::Kind>::NUMBER, )+ }
            }

            /// Gives the name of this kind of event.
            #[must_use]
            pub const fn label(&self) -> &'static str {
                match self { $( Self::$name(_) => stringify!($name), )+ }
            }

            /// Finds the name that belongs to a number.
            #[must_use]
            pub const fn label_of(number: u16) -> Option<&'static str> {
                match number { $( <$crate::domain::event::$name as $crate::domain::event_shape::Kind>::NUMBER => Some(stringify!($name)), )+ _ => None }
            }

            /// Tells whether a text is the name of some kind of event.
            #[must_use]
            pub fn is_label(text: &str) -> bool {
                [$( stringify!($name), )+].contains(&text)
            }

            /// Tells whether the body may be erased later: it can hold words about a person.
            #[must_use]
            pub const fn is_erasable(&self) -> bool {
                match self { $( Self::$name(_) => <$crate::domain::event::$name as $crate::domain::event_shape::Kind>::IS_ERASABLE, )+ }
            }

            /// Tells the same of the kind of event with this number, as record headers give it; `None` when no event has it.
            #[must_use]
            pub const fn is_erasable_by(number: u16) -> Option<bool> {
                match number { $( <$crate::domain::event::$name as $crate::domain::event_shape::Kind>::NUMBER => Some(<$crate::domain::event::$name as $crate::domain::event_shape::Kind>::IS_ERASABLE), )+ _ => None }
            }

            /// Tells whether release 0.1 did not know this kind of event.
            pub(crate) const fn is_newer(&self) -> bool {
                match self { $( Self::$name(_) => <$crate::domain::event::$name as $crate::domain::event_shape::Kind>::IS_NEWER, )+ }
            }
        }
    };
}

pub(super) use {event_enum, event_list, events};
