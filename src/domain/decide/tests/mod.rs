//! Tests of the rules, a file per noun. A [`world::World`] says given, when and then; each file has a `check`, so that a
//! case is one line. Every event that any of these tests makes passes [`invariants`] before it is taken in.

mod invariants;

mod kind;
mod replay;
mod requests;
mod world;
mod writer;

mod adoption;
mod credentials;
mod doubt;
mod erasure;
mod expiry;
mod exploration;
mod groups;
mod idempotency;
mod impact;
mod issued;
mod issued_policy;
mod leases;
mod lock_modes;
mod locks;
mod mutants;
mod policy;
mod precedence;
mod protocol;
mod quarantine;
mod random;
mod rebase;
mod room;
mod secrets;
mod standing;
mod stop;
mod strict;
mod tasks;
mod touch;
mod versions;
mod whole;
mod words;
