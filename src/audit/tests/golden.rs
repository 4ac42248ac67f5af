//! The golden export: bytes that every release has to read, and to write. `UPDATE_GOLDEN=1` writes them, if they may change
//! at all.

use std::path::Path;

use super::scenario::{Scenario, verify, word};

#[test]
fn the_golden_export_is_written_and_verified() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/export-1.jsonl");
    let export = Scenario::small().export_as(0, Some(3), &[]);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &export).unwrap();
    }
    let golden = std::fs::read(&path).unwrap();
    assert!(export == golden, "the export is not the golden one:\n{}", String::from_utf8_lossy(&export));
    assert_eq!(word(&verify(&golden)), "++++.+++");
}
