//! Owns the upgrade of a store of release 0.1 to one with a voucher: one commit, after the whole log was replayed and
//! no row was used.
//!
//! The commit rolls an epoch. Its key is of the format that proves a voucher, and all later data is sealed under it. So
//! an attacker who puts older rows back cannot have the store opened without its voucher and with its later data. Read
//! next: [`super::open`].

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::codec::keys;
use crate::codec::meta::{decode_meta, encode_meta};
use crate::domain::command::Terms;
use crate::domain::event::{EpochRolled, Event};
use crate::domain::position::Position;
use crate::error::Error;

use super::Shared;
use super::draw::Draw;
use super::erasure::rewrite;
use super::group::{By, Group};
use super::open::Opening;
use super::queue::Payload;
use super::snapshot::Snapshot;

impl Shared {
    /// Upgrades a store that no caller uses yet, and removes erased bodies that are still present. A crash leaves it
    /// unchanged, or upgraded.
    ///
    /// # Errors
    /// Those of a commit. Then the store is unchanged, or upgraded.
    pub(super) fn bring_up_to_date(&self, opening: &Opening, still_there: &BTreeSet<Position>) -> Result<(), Error> {
        let (storage, mut snapshot) = (&*self.storage, Snapshot::clone(&self.published.load()));
        let (rolled, wrapped) = self.keyring().roll_epoch()?;
        let (epoch, rolled) = (rolled.in_force().get(), Arc::new(rolled));
        let terms = Terms::by(opening.system.clone());
        let now = self.now();
        let by = By { terms: &terms, now, writer_epoch: snapshot.state.whole.writer_epoch.next() };
        let wrapped = wrapped.as_bytes().to_vec();
        let payload = Payload::Epoch { epoch, wrapped, keyring: Arc::clone(&rolled) };
        let mut group = Group::new(snapshot.end.size);
        group.append(
            &mut snapshot,
            vec![(None, Event::from(EpochRolled { epoch }))],
            payload,
            &by,
            &mut Draw::new(),
        )?;
        let meta = storage.get(&keys::STORE_META)?;
        let meta = meta.ok_or_else(|| Error::corrupt("the store has no description of itself"))?;
        group.batch.put(keys::STORE_META, encode_meta(&decode_meta(&meta)?))?;
        rewrite(storage, still_there)?.map_err(Error::refused)?.put(&mut group.batch)?;
        group.batch.remove(keys::OLD_SAVED_MARK)?.remove(keys::OLD_FRONTIER)?;
        let durable = snapshot.saved.mark();
        group.close(&mut snapshot, durable, storage)?;
        storage.commit(&group.batch)?;
        *self.keyring.write() = rolled;
        self.published.replace(Arc::new(snapshot));
        Ok(())
    }
}
