//! What is shown, to the byte: `UPDATE_GOLDEN=1` writes the files anew.

mod explanation;
mod lock;
mod record;
mod rotation;
mod sample;
mod secret;
mod status;

use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Compares JSON with its golden file, and parses it again.
#[track_caller]
fn golden<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(name: &str, shown: &T) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/view").join(format!("{name}.json"));
    let json = serde_json::to_string_pretty(shown).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &json).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert!(json == golden, "{} is shown otherwise:\n{json}", path.display());
    assert_eq!(&serde_json::from_str::<T>(&json).unwrap(), shown, "{name} is not parsed as what it was");
    let mut more: serde_json::Value = serde_json::from_str(&json).unwrap();
    more["of_a_later_release"] = 1.into();
    assert_eq!(&serde_json::from_value::<T>(more).unwrap(), shown, "{name} is not parsed with an unknown field");
}
