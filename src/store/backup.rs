//! Owns copies of a store, as a host asks for them: taking a backup, verifying one, and the two ways back in.
//!
//! Read next: [`crate::engine::backup`].

use std::io::{Read, Seek, Write};

use crate::audit::{Report, VerifyOptions};
use crate::engine::backup::{BackupProgress, BackupReport, BackupTrust, RestoreProgress, check, from_export, restore};
use crate::error::Error;
use crate::options::StoreOptions;
use crate::seal::passphrase::PassphraseCost;
use crate::seal::unlock::Unlock;

use super::store::Store;

impl Store {
    /// Writes a backup of the store as it is at one position of its log: the log, the data that there is at that position,
    /// still sealed under the store's own keys, the keys that open it, still wrapped, and a signed checkpoint. All of it is
    /// sealed once more under `key`, which should be another one than the store's.
    ///
    /// The store goes on working. Memory grows by some 50 bytes per version with data, not with what they hold. What opened
    /// the store at that position opens the restored one; the key of the backup alone reads no secret data, but all else.
    ///
    /// ```
    /// use latchkeep::{SecretBytes, StoreOptions, Unlock, verify_backup};
    ///
    /// let unlock = |byte| Unlock::bytes(SecretBytes::copy_from(&[byte; 32]));
    /// let store = StoreOptions::in_memory(unlock(7)).create()?;
    /// let mut file = Vec::new();
    /// let taken = store.backup(&mut file, &unlock(8), |_| {})?;
    /// assert_eq!(verify_backup(file.as_slice(), &unlock(8), |_| {})?.log_size, taken.log_size);
    ///
    /// let file = std::io::Cursor::new(file);
    /// let (restored, _) = StoreOptions::in_memory(unlock(7)).restore(file, &unlock(8), |_| {})?;
    /// assert_eq!(restored.log_id(), store.log_id());
    /// assert!(restored.status()?.quarantine.is_some());
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Kind `Unavailable` when `out` does not take it, or, code `backup_overtaken`, when data is destroyed faster than it
    /// can be copied; `Corrupt` when the store is damaged; `Invalid` when the key cannot be used. What was written until
    /// then is no backup.
    ///
    /// # Durability
    ///
    /// Flushes `out`; to make a file durable is up to the host.
    pub fn backup(
        &self,
        out: impl Write,
        key: &Unlock,
        mut progress: impl FnMut(BackupProgress),
    ) -> Result<BackupReport, Error> {
        self.0.engine.backup(out, (key, PassphraseCost::default()), &mut progress)
    }
}

/// Verifies a backup without a key of the store and without writing anything: every chunk, the chain of the log, its tree,
/// its checkpoint under the key that was in force, that the history is a legal one, and that all data of its last state is
/// there, each under a key of a living epoch. Tells `progress` how many bytes were read, more or less.
///
/// The log of a backup names the keys that sign it. So this shows that the backup is whole, and not who wrote it:
/// [`BackupReport::proved_size`] is 0. [`verify_backup_against`] holds it to keys or checkpoints from elsewhere.
///
/// It reads once. Memory is that of the state of a store, twice. What only the store's own key could show, whether the
/// wrapped keys open, is checked by a restore.
///
/// # Errors
///
/// Kind `Invalid`: `not_a_backup`, `other_revision`, `wrong_key`. Kind `Corrupt`: `backup_damaged`, saying where;
/// `illegal_step` of a backup that is whole, when its log has a step that the rules do not allow and that no restore accepted. Kind
/// `Unavailable`: `io`; `unknown_events` when a later release wrote to the store.
pub fn verify_backup(backup: impl Read, key: &Unlock, mut progress: impl FnMut(u64)) -> Result<BackupReport, Error> {
    Ok(check(backup, key, &BackupTrust::default(), &mut progress)?.report)
}

/// Verifies a backup as [`verify_backup`] does, and holds its log to what the caller brings: verifier keys, of which the
/// one in force has to have signed the checkpoint, and earlier checkpoints, which the log has to extend. What they prove is
/// in [`BackupReport::proved_size`] and [`BackupReport::unproved_keys`].
///
/// # Errors
///
/// Those of [`verify_backup`]. Kind `Corrupt`: `backup_forged` when keys are given and the log has none of them;
/// `rolled_back` when the log is shorter than a checkpoint says; `forked` when it is another. Kind `Invalid` when a
/// checkpoint is none.
pub fn verify_backup_against(
    backup: impl Read,
    key: &Unlock,
    trust: &BackupTrust,
    mut progress: impl FnMut(u64),
) -> Result<BackupReport, Error> {
    Ok(check(backup, key, trust, &mut progress)?.report)
}

impl StoreOptions {
    /// Makes a store from a backup and opens it, in quarantine: nothing lapses and no version is touched until a person
    /// has found out which credentials made after the backup are in use, and calls [`crate::Session::end_quarantine`].
    ///
    /// Reads the backup twice, and writes nothing before all of it was verified as by [`verify_backup`] and a key slot has
    /// opened. `key` is that of the backup; what these options name opens the store. The restored log ends with a record of
    /// the restore and with a new signing key, since the original may live on: hand the new key out. With
    /// [`StoreOptions::expecting_checkpoint`] the log of the backup has to be, or extend, the one of that checkpoint.
    ///
    /// Each signing key that the log has set since the store was made, or was last made from an export, must be that of a
    /// seed which the store's own key has sealed. So whoever has the key of the backup alone cannot write another history
    /// that is taken; an older backup of the same store is taken unless a checkpoint is expected. What
    /// concerns new stores only (settings, passphrase cost) has no effect.
    ///
    /// # Errors
    ///
    /// Kind `Invalid`, code `store_exists`, when there is anything at the path but an empty directory; `wrong_key` when
    /// either key is another; `legal_step` when a step was to be accepted that breaks no rule
    /// ([`StoreOptions::accepting_illegal_step`]); kind `Corrupt`, code `backup_forged`, when a signing key of the log is not one that the store
    /// has sealed; kind `Unavailable`, code `time_unconfirmed`, when the clock is further ahead of the last record of the backup than
    /// [`ClockBounds::ahead_at_open`](crate::ClockBounds::ahead_at_open), since what it shows would stay in the log for
    /// good; all errors of [`verify_backup_against`], and those of [`StoreOptions::create`]. No store is left then.
    ///
    /// # Durability
    ///
    /// When this returns the store survives a crash; a crash before leaves no store, or a whole one.
    pub fn restore(
        self,
        backup: impl Read + Seek,
        key: &Unlock,
        mut progress: impl FnMut(RestoreProgress),
    ) -> Result<(Store, BackupReport), Error> {
        let (engine, report) = restore(backup, key, &self.opening(), &mut progress)?;
        Ok((Store::new(engine), report))
    }

    /// Makes a store from the export of a whole log and opens it: the same log, with all that it tells, but for the data,
    /// which is in no export. All versions that had data show it as unavailable; their locks stand. It opens in quarantine,
    /// as after [`StoreOptions::restore`], under a new signing key, and with what these options name as its only key slot.
    ///
    /// Reads the export twice, and writes nothing before it was verified as by [`crate::audit::verify_export`]. Tells
    /// `progress` how many records were verified.
    ///
    /// ```
    /// use std::io::Cursor;
    ///
    /// use latchkeep::audit::VerifyOptions;
    /// use latchkeep::{SecretBytes, StoreOptions, Unlock};
    ///
    /// let unlock = |byte| Unlock::bytes(SecretBytes::copy_from(&[byte; 32]));
    /// let store = StoreOptions::in_memory(unlock(7)).create()?;
    /// let mut export = Vec::new();
    /// store.export(&mut export, latchkeep::ExportOptions::default(), |_| {})?;
    ///
    /// // The key is the owner's: an export that vouches for itself makes a store as well, and the report says so.
    /// let mut brought = VerifyOptions::default();
    /// brought.keys.extend(store.verifier_keys()?.into_values());
    /// let options = StoreOptions::in_memory(unlock(9));
    /// let (replayed, report) = options.create_from_export(Cursor::new(export), &brought, |_| {})?;
    /// assert!(report.is_sound());
    /// assert_eq!(replayed.log_id(), store.log_id());
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Kind `Invalid`, code `store_exists`; `legal_step` as for [`StoreOptions::restore`]; kind `Corrupt`, code
    /// `illegal_step`, when nothing else is wrong than a step that the rules do not allow and that nobody has accepted
    /// ([`StoreOptions::accepting_illegal_step`]); code `export_unsound`, with the first fault, or when the export is a slice; kind `Unavailable`, code `unknown_events`, when a later release wrote to the log; those of
    /// [`StoreOptions::create`]. No store is left then.
    ///
    /// # Durability
    ///
    /// As [`StoreOptions::restore`].
    pub fn create_from_export(
        self,
        export: impl Read + Seek + Send,
        options: &VerifyOptions,
        mut progress: impl FnMut(u64),
    ) -> Result<(Store, Report), Error> {
        let (engine, report) = from_export(export, options, &self.opening(), &mut progress)?;
        Ok((Store::new(engine), report))
    }
}
