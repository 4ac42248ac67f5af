//! Owns ordered rows and conditional batches that are durable or an error. It is the only home of sled.
//!
//! It knows only bytes: no rule of the domain, no record, no clock of the product. Read in this order: [`rows`] (the
//! contract), [`batch`] and [`chunks`] (what can be written), [`disk`] (how it becomes durable), [`memory`] (the same
//! in memory). The page on durability in the manual says what sled does not do, and which file here does it instead.

pub(crate) mod batch;
pub(crate) mod boot;
pub(crate) mod chunks;
pub(crate) mod disk;
pub(crate) mod error;
pub(crate) mod memory;
pub(crate) mod private_file;
pub(crate) mod rows;

mod anchor;
mod ballast;
mod claim;
mod create;
mod format;
mod guarded;
mod keeper;
mod layout;
mod space;
mod tidy;

#[cfg(test)]
mod contract;
#[cfg(test)]
mod durability;
#[cfg(test)]
pub(crate) mod faulty;
#[cfg(test)]
mod measure;

pub(crate) use batch::Batch;
pub(crate) use create::{Fill, Put};
pub(crate) use disk::{Disk, DiskOptions};
pub(crate) use error::StorageError;
pub(crate) use memory::Memory;
pub(crate) use rows::{AnchorMark, Direction, KeyRange, Room, Storage};
