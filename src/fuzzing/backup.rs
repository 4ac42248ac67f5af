//! Owns the target on backups: whoever has the key of one can put anything into it, and whoever has none, nothing.

use std::sync::LazyLock;

use crate::codec::backup::{Entry, HEAD_BYTES, decode_head, encode_head};
use crate::engine::backup::{BackupReport, BackupTrust, check};
use crate::seal::passphrase::PassphraseCost;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::stream::{StreamOpener, StreamSealer};
use crate::seal::unlock::Unlock;
use crate::seal::wrapped_key::WrappedDataKey;

use super::mutate;

const GOLDEN: &[u8] = include_bytes!("../../tests/golden/backup-1.lkbk");

/// What the chunks of the golden backup hold together.
pub(super) static ENTRIES: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let key = Unlock::bytes(SecretBytes::copy_from(&[99; 32]));
    let mut stream = StreamOpener::begin(GOLDEN, &key).unwrap();
    let mut entries = Vec::new();
    while !stream.is_at_end().unwrap() {
        stream.read(1, &mut entries).unwrap();
    }
    entries
});

static GOLDEN_REPORT: LazyLock<BackupReport> = LazyLock::new(|| {
    let key = Unlock::bytes(SecretBytes::copy_from(&[99; 32]));
    check(GOLDEN, &key, &BackupTrust::default(), &mut |_| {}).unwrap().report
});

/// Entries that somebody with the key of the backup made up are refused, unless they are those of the store that the
/// checkpoint is of, with all of its data; a sealed file that was changed is refused.
pub fn backup(bytes: &[u8]) {
    let entries = match bytes.split_first() {
        Some((0, script)) => changed(script),
        _ => bytes.to_vec(),
    };
    let key = Unlock::bytes(SecretBytes::copy_from(&[5; 32]));
    let mut sealer = StreamSealer::begin(Vec::new(), &key, PassphraseCost::FLOOR).unwrap();
    sealer.write(&entries).unwrap();
    let file = sealer.finish().unwrap();
    let golden = &*GOLDEN_REPORT;
    let trust = BackupTrust::default().checkpoint(&golden.checkpoint);
    if let Ok(checked) = check(file.as_slice(), &key, &trust, &mut |_| {}) {
        let report = &checked.report;
        assert_eq!(
            (report.log_id, report.log_size, report.secrets, report.versions, report.sealed_bytes),
            (golden.log_id, golden.log_size, golden.secrets, golden.versions, golden.sealed_bytes)
        );
        holds_all(&split(&entries));
    } else {
        assert_ne!(entries, *ENTRIES, "the golden entries are taken");
    }
    let changed = mutate(&file, bytes.get(..64).unwrap_or(bytes));
    assert!(changed == file || check(changed.as_slice(), &key, &BackupTrust::default(), &mut |_| {}).is_err());
}

/// Row keys and values of entries, as far as they can be told apart.
fn split(mut entries: &[u8]) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut split = Vec::new();
    while let Some((head, rest)) = entries.split_first_chunk::<HEAD_BYTES>() {
        let Ok((key, value)) = decode_head(head) else { break };
        let Some((row_key, rest)) = rest.split_at_checked(key) else { break };
        let Some((bytes, rest)) = rest.split_at_checked(value) else { break };
        split.push((row_key.to_vec(), bytes.to_vec()));
        entries = rest;
    }
    split
}

/// Holds entries that were taken to what the store's own backup holds: the log and all sealed data to the byte, and a key for
/// each. What wraps a key only the store's key opens.
fn holds_all(entries: &[(Vec<u8>, Vec<u8>)]) {
    for (row_key, value) in split(&ENTRIES) {
        let same_key = || entries.iter().filter(|(other, _)| *other == row_key);
        match Entry::parse(&row_key).unwrap() {
            // The last of two entries of a key counts.
            Entry::SealedData(_) => assert!(same_key().next_back().is_some_and(|(_, bytes)| *bytes == value)),
            Entry::Commit(_) | Entry::Checkpoint => {
                assert_eq!(same_key().map(|(_, bytes)| bytes).collect::<Vec<_>>(), [&value])
            }
            Entry::DataKey(_) => {
                let epoch = |bytes: &[u8]| WrappedDataKey::from_bytes(bytes).unwrap().epoch();
                assert!(same_key().any(|(_, bytes)| epoch(bytes) == epoch(&value)));
            }
            Entry::Meta | Entry::KeySlot(_) | Entry::EpochKey(_) | Entry::SigningSeed(_) => {}
        }
    }
}

/// Drops, repeats, exchanges and changes whole entries of the golden backup, four bytes a change.
fn changed(script: &[u8]) -> Vec<u8> {
    let mut entries = split(&ENTRIES);
    for change in script.chunks_exact(4) {
        let [how, at, other, bits] = [0, 1, 2, 3].map(|nth| change[nth]);
        let len = entries.len();
        let (at, other) = (usize::from(at) % len.max(1), usize::from(other) % len.max(1));
        match how % 5 {
            0 if len > 1 => drop(entries.remove(at)),
            1 if len > 0 => entries.insert(at, entries[other].clone()),
            2 if len > 0 => entries.swap(at, other),
            3 if len > 0 => entries[at].1 = entries[other].1.clone(),
            4 if len > 0 => {
                let value = &mut entries[at].1;
                let place = other * 31 % value.len().max(1);
                value.get_mut(place).into_iter().for_each(|byte| *byte ^= bits);
            }
            _ => {}
        }
    }
    let framed = entries.iter().map(|(row_key, value)| [encode_head(row_key, value).unwrap(), value.clone()].concat());
    framed.collect::<Vec<_>>().concat()
}
