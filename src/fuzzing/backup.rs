//! Owns the target on backups: whoever has the key of one can put anything into it, and whoever has none, nothing.

use crate::engine::backup::{BackupTrust, check};
use crate::seal::passphrase::PassphraseCost;
use crate::seal::secret_bytes::SecretBytes;
use crate::seal::stream::StreamSealer;
use crate::seal::unlock::Unlock;

use super::mutate;

/// Entries that nobody wrote are refused or hold together; a sealed file that was changed is refused.
pub fn backup(bytes: &[u8]) {
    let key = Unlock::bytes(SecretBytes::copy_from(&[5; 32]));
    let mut sealer = StreamSealer::begin(Vec::new(), &key, PassphraseCost::FLOOR).unwrap();
    sealer.write(bytes).unwrap();
    let file = sealer.finish().unwrap();
    if let Ok(checked) = check(file.as_slice(), &key, &BackupTrust::default(), &mut |_| {}) {
        assert!(checked.report.log_size.get() > 0 && !checked.report.checkpoint.is_empty());
    }
    let changed = mutate(&file, bytes.get(..64).unwrap_or(bytes));
    assert!(changed == file || check(changed.as_slice(), &key, &BackupTrust::default(), &mut |_| {}).is_err());
}
