//! Rule 5: the anchor survives one damaged slot, and its loss prevents the open.

use std::fs;

use super::{Place, START};
use crate::storage::{AnchorMark, Storage, StorageError};

#[test]
fn a_garbled_anchor_stops_the_open_when_no_slot_is_left() {
    let place = Place::new();
    let disk = place.create().unwrap();
    let mark = AnchorMark { log_size: 4, head: [6; 32] };
    disk.write_anchor(mark).unwrap();
    disk.close().unwrap();
    let whole = fs::read(place.layout().anchor()).unwrap();
    let garbled = |slots: &[usize]| {
        let mut file = whole.clone();
        for slot in slots {
            file[slot * 4_096 + 30] ^= 1;
        }
        fs::write(place.layout().anchor(), file).unwrap();
        place.open().map(|disk| disk.anchor())
    };
    assert_eq!(garbled(&[]).unwrap(), Some(mark));
    assert_eq!(garbled(&[0]).unwrap(), Some(START));
    assert_eq!(garbled(&[1]).unwrap(), Some(mark));
    assert!(matches!(garbled(&[0, 1]), Err(StorageError::Corrupt { .. })));
}
