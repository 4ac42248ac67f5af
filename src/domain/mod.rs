//! The rules of the product, and nothing else: no disk, clock, thread or randomness. Commands go in, events or a
//! refusal come out.
//!
//! Read in this order: [`secret`], [`version`], [`lock`], then [`touch`] (the one rule), [`decide`] (what is refused and
//! why) and [`evolve`] (what an event changes).

pub(crate) mod back_off;
pub(crate) mod batch;
mod blocked;
pub(crate) mod clock;
mod code;
pub(crate) mod command;
mod command_kind;
#[cfg_attr(
    not(feature = "store"),
    allow(unused_imports, reason = "asked by the writer, which comes with the feature `store`")
)]
pub(crate) mod decide;
pub(crate) mod doubt;
pub(crate) mod due;
pub(crate) mod effect;
#[cfg_attr(not(feature = "store"), allow(dead_code, reason = "asked by the store"))]
pub(crate) mod ending;
pub(crate) mod erasable;
pub(crate) mod event;
pub(crate) mod event_kind;
pub(crate) mod event_shape;
pub(crate) mod evidence;
pub(crate) mod evolve;
pub(crate) mod expiry;
pub(crate) mod fencing;
pub(crate) mod held;
pub(crate) mod id;
pub(crate) mod impact;
pub(crate) mod incarnation;
pub(crate) mod invalid;
pub(crate) mod issuance;
pub(crate) mod json;
pub(crate) mod json_text;
pub(crate) mod lapsed;
pub(crate) mod legal;
pub mod limits;
pub(crate) mod lock;
pub(crate) mod name;
pub(crate) mod patience;
pub(crate) mod planned;
pub(crate) mod policy;
pub(crate) mod position;
pub(crate) mod progress;
pub(crate) mod quarantine;
pub(crate) mod rebase;
pub(crate) mod receipt;
pub(crate) mod record;
pub(crate) mod refusal;
pub(crate) mod refused;
pub(crate) mod remembered;
pub(crate) mod restate;
pub(crate) mod room;
pub(crate) mod rotation;
pub(crate) mod rotation_command;
pub(crate) mod rotation_event;
pub(crate) mod schedule;
pub(crate) mod secret;
pub(crate) mod settings;
pub(crate) mod size;
mod spec;
pub(crate) mod stage;
pub(crate) mod standing;
pub(crate) mod state;
pub(crate) mod step;
pub(crate) mod stop;
pub(crate) mod stretch;
pub(crate) mod task;
pub(crate) mod time;
pub(crate) mod touch;
pub(crate) mod version;
