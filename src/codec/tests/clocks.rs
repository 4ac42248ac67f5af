//! Events about clocks: samples for golden files, and random ones.

use proptest::arbitrary::any;
use proptest::option;
use proptest::prelude::{Strategy, prop_oneof};
use proptest::sample::select;

use super::parts::{id, time as any_time};
use super::sample::time;
use crate::domain::clock::{BootTime, ClockConfirmed, ClockConfirmedBy, ClockHeld, ClockRanBack, ClockRebased};
use crate::domain::event::Event;
use crate::domain::id::BootId;

pub(super) fn events() -> Vec<(&'static str, Event)> {
    let boot = BootTime { boot_id: BootId::from_bytes([0x66; 16]), nanos: 77_000_000_000 };
    vec![
        ("full", ClockRanBack { observed_at: time(0) }.into()),
        ("full", ClockHeld { observed_at: time(1), boot: Some(boot) }.into()),
        ("bare", ClockHeld { observed_at: time(1), boot: None }.into()),
        ("full", ClockRebased { observed_at: time(0) }.into()),
        ("by a person", ClockConfirmed { by: ClockConfirmedBy::Person }.into()),
        ("by steadiness", ClockConfirmed { by: ClockConfirmedBy::Steadiness }.into()),
        ("by return", ClockConfirmed { by: ClockConfirmedBy::Return }.into()),
    ]
}

pub(super) fn any_event() -> impl Strategy<Value = Event> {
    let boot = (id(BootId::from_bytes), any::<u64>()).prop_map(|(boot_id, nanos)| BootTime { boot_id, nanos });
    prop_oneof![
        any_time().prop_map(|observed_at| ClockRanBack { observed_at }.into()),
        any_time().prop_map(|observed_at| ClockRebased { observed_at }.into()),
        (any_time(), option::of(boot)).prop_map(|(observed_at, boot)| ClockHeld { observed_at, boot }.into()),
        select(ClockConfirmedBy::ALL).prop_map(|by| ClockConfirmed { by }.into()),
    ]
}
