//! Owns copies of a store in the public interface: taking a backup, verifying one, and making a store from a backup or
//! an export.
//!
//! Read next: [`crate::engine::backup`].

use std::io::{Read, Seek, Write};

use crate::audit::{Report, VerifyOptions};
use crate::engine::backup::{BackupProgress, BackupReport, BackupTrust, RestoreProgress, check, from_export, restore};
use crate::error::Error;
use crate::seal::passphrase::PassphraseCost;
use crate::seal::unlock::Unlock;
use crate::store::options::StoreOptions;

use super::store::Store;

impl Store {
    /// Writes a backup of the store at one position of its log. It has the log, the data at that position, still sealed
    /// under the store's own keys, the keys that open it, still wrapped, and a signed checkpoint. All of it is sealed
    /// once more under `key`, which should differ from the store's.
    ///
    /// The store works meanwhile. Memory grows by some 50 bytes per version with data, whatever the size of the data.
    /// The keys that opened the store at that position open the restored one. The key of the backup alone reads
    /// everything except secret data.
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
    /// Kind `Unavailable` when `out` fails, or, code `backup_overtaken`, when data is destroyed faster than it can be
    /// copied; `Corrupt` when the store is damaged; `Invalid` when the key cannot be used. After an error, the bytes
    /// written so far are not a backup.
    ///
    /// # Durability
    ///
    /// Flushes `out`. The host must make a file durable.
    pub fn backup(
        &self,
        out: impl Write,
        key: &Unlock,
        mut progress: impl FnMut(BackupProgress),
    ) -> Result<BackupReport, Error> {
        self.0.backup(out, (key, PassphraseCost::default()), &mut progress)
    }
}

/// Verifies a backup without a key of the store and without writing anything. It checks every chunk, the chain of the
/// log, its tree, and its checkpoint under the key in force. It checks that the history is legal, and that all data of
/// its last state is there, each under a key of a living epoch. Calls `progress` with the approximate number of bytes
/// read.
///
/// The log of a backup names the keys that sign it. So this shows that the backup is whole, and not who wrote it:
/// [`BackupReport::proved_size`] is 0. [`verify_backup_against`] checks it against keys or checkpoints from elsewhere.
///
/// It reads once, and takes the memory of the state of a store, twice. Only a restore checks whether the wrapped keys
/// open, since that needs the store's own key.
///
/// # Errors
///
/// Kind `Invalid`: `not_a_backup`, `other_revision`, `wrong_key`. Kind `Corrupt`: `backup_damaged`, saying where;
/// `illegal_step` for a whole backup whose log has a step that the rules do not allow and that no restore accepted.
/// Kind `Unavailable`: `io`; `unknown_events` when a later release wrote to the store.
pub fn verify_backup(backup: impl Read, key: &Unlock, mut progress: impl FnMut(u64)) -> Result<BackupReport, Error> {
    Ok(check(backup, key, &BackupTrust::default(), &mut progress)?.report)
}

/// Verifies a backup like [`verify_backup`], and checks its log against what the caller brings. The verifier key in
/// force must have signed the checkpoint, and the log must extend the earlier checkpoints.
/// [`BackupReport::proved_size`] and [`BackupReport::unproved_keys`] say what that proves.
///
/// # Errors
///
/// Those of [`verify_backup`]. Kind `Corrupt`: `backup_forged` when keys are given and the log has none of them;
/// `rolled_back` when the log is shorter than a checkpoint says; `forked` when it is another log. Kind `Invalid` when a
/// text is not a checkpoint.
pub fn verify_backup_against(
    backup: impl Read,
    key: &Unlock,
    trust: &BackupTrust,
    mut progress: impl FnMut(u64),
) -> Result<BackupReport, Error> {
    Ok(check(backup, key, trust, &mut progress)?.report)
}

impl StoreOptions {
    /// Makes a store from a backup and opens it, in quarantine. Nothing lapses and no version is touched until a person
    /// has found out which credentials made after the backup are in use, and calls [`crate::Session::end_quarantine`].
    ///
    /// Reads the backup twice. Writes nothing before everything was verified as by [`verify_backup`] and a key slot has
    /// opened. `key` is the key of the backup; the key in these options opens the store. The restored log ends with a
    /// record of the restore and with a new signing key, since the original may still be in use: publish the new key.
    /// With [`StoreOptions::expecting_checkpoint`] the log of the backup must equal, or extend, the log of that
    /// checkpoint.
    ///
    /// Each signing key that the log has set since the store was made, or was last made from an export, must match a
    /// seed that the store's own key has sealed. So an attacker with only the key of the backup cannot write another
    /// history that is accepted. An older backup of the same store is accepted unless a checkpoint is expected. Options
    /// for new stores only (settings, passphrase cost) have no effect.
    ///
    /// # Errors
    ///
    /// Kind `Invalid`, code `store_exists`, when the path has anything other than an empty directory; `wrong_key` when
    /// either key is wrong; `legal_step` when a step to accept breaks no rule
    /// ([`StoreOptions::accepting_illegal_step`]). Kind `Corrupt`, code `backup_forged`, when the store has not sealed
    /// a signing key of the log. Kind `Unavailable`, code `time_unconfirmed`, when the clock is further ahead of the
    /// last record of the backup than [`ClockBounds::ahead_at_open`](crate::ClockBounds::ahead_at_open), since the log
    /// would keep the time that it shows for good. Also all errors of [`verify_backup_against`], and those of
    /// [`StoreOptions::create`]. After an error, no store is left.
    ///
    /// # Durability
    ///
    /// When this returns, the store survives a crash; an earlier crash leaves no store, or a whole one.
    pub fn restore(
        self,
        backup: impl Read + Seek,
        key: &Unlock,
        mut progress: impl FnMut(RestoreProgress),
    ) -> Result<(Store, BackupReport), Error> {
        let (engine, report) = restore(backup, key, &self.opening(), &mut progress)?;
        Ok((Store::new(engine), report))
    }

    /// Makes a store from the export of a whole log and opens it. It has the same log and everything in it, except the
    /// data, which no export has. All versions that had data show it as unavailable, and their locks exist. The store
    /// opens in quarantine, as after [`StoreOptions::restore`], under a new signing key. The key in these options is
    /// its only key slot.
    ///
    /// Reads the export twice, and writes nothing before it was verified as by [`crate::audit::verify_export`]. Calls
    /// `progress` with the number of verified records.
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
    /// Kind `Invalid`, code `store_exists`; `legal_step` as for [`StoreOptions::restore`]. Kind `Corrupt`, code
    /// `illegal_step`, when the only fault is a step that the rules do not allow and that no one has accepted
    /// ([`StoreOptions::accepting_illegal_step`]); code `export_unsound`, with the first fault, or when the export is a
    /// slice. Kind `Unavailable`, code `unknown_events`, when a later release wrote to the log. Also those of
    /// [`StoreOptions::create`]. After an error, no store is left.
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
