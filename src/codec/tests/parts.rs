//! Owns the small parts of random events: ids, times, names, texts and objects.

use proptest::arbitrary::any;
use proptest::prelude::{Just, Strategy, prop_oneof};
use proptest::sample::select;
use proptest::{collection, option};

use crate::domain::event::{Event, StoreRestored};
use crate::domain::id::VersionId;
use crate::domain::incarnation::Incarnation;
use crate::domain::json::JsonObject;
use crate::domain::name::{Actor, Description, LockName};
use crate::domain::position::Position;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::time::Timestamp;

pub(super) fn id<T: std::fmt::Debug>(wrap: fn([u8; 16]) -> T) -> impl Strategy<Value = T> {
    any::<[u8; 16]>().prop_map(wrap)
}

pub(super) fn version() -> impl Strategy<Value = VersionId> {
    id(VersionId::from_bytes)
}

pub(super) fn time() -> impl Strategy<Value = Timestamp> {
    prop_oneof![any::<u64>().prop_map(Timestamp::from_nanos), Just(Timestamp::EPOCH), Just(Timestamp::MAX)]
}

pub(super) fn text(chars_min: usize, chars_max: usize) -> impl Strategy<Value = String> {
    proptest::string::string_regex(&format!("\\PC{{{chars_min},{chars_max}}}")).unwrap()
}

pub(super) fn token() -> impl Strategy<Value = String> {
    "[!-~]{1,40}"
}

pub(super) fn actor() -> impl Strategy<Value = Actor> {
    text(1, 30).prop_map(|text| Actor::parse(&text).unwrap())
}

pub(super) fn lock_name() -> impl Strategy<Value = LockName> {
    "[A-Za-z][A-Za-z0-9._-]{1,63}".prop_map(|text| LockName::parse(&text).unwrap())
}

pub(super) fn description() -> impl Strategy<Value = Option<Description>> {
    option::of("(\\PC|\n|\t){0,40}".prop_map(|text| Description::parse(&text).unwrap()))
}

/// Returns objects that are hard to write in only one way: numbers with fractions, escapes, nesting.
pub(super) fn json() -> impl Strategy<Value = JsonObject> {
    let number = (any::<i16>(), 0..40_u32).prop_map(|(digits, shift)| format!("{digits}.{digits:x}e-{shift}"));
    let plain = number.prop_map(|text| text.chars().filter(|char| !"abcdf".contains(*char)).collect::<String>());
    let float = any::<f64>().prop_map(|number| serde_json::json!(number).to_string());
    let number = prop_oneof![float, plain];
    let leaf = prop_oneof![
        1 => any::<u64>().prop_map(|number| number.to_string()),
        1 => ".{0,12}".prop_map(|text| serde_json::json!(text).to_string()),
        2 => number.prop_filter("is taken", |text| JsonObject::parse(&format!("{{\"n\":{text}}}")).is_ok()),
    ];
    collection::btree_map(".{0,8}", leaf, 0..4).prop_map(|fields| {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| format!("{}: [{value}]", serde_json::json!(name))).collect();
        JsonObject::parse(&format!("{{ {} }}", fields.join(", "))).unwrap()
    })
}

/// Returns random restores.
pub(super) fn restored() -> impl Strategy<Value = Event> {
    let accepted = collection::vec(any::<u64>().prop_map(Position::new), 0..4);
    (select(RestoredFrom::ALL), any::<u64>(), any::<bool>(), any::<u64>(), accepted).prop_map(
        |(from, size, with_data, incarnation, accepted)| {
            let (log_size, incarnation) = (Position::new(size), Incarnation::new(incarnation));
            StoreRestored { from, log_size, with_data, incarnation, accepted_steps: accepted.into() }.into()
        },
    )
}
