//! Rule 4: rows within their bounds stay in the log of sled, and never go to a file that it does not sync.

use std::fs;

use super::{Place, count};
use crate::storage::batch::{ROW_BYTES_MAX, ROW_KEY_BYTES_MAX};
use crate::storage::chunks::{put_chunked, remove_chunked};
use crate::storage::{Batch, Storage, StorageError};

type Step<'b> = Result<&'b mut Batch, StorageError>;

/// Returns a row key of full length, in an order that does not depend on the number.
fn row_key(number: u32) -> Vec<u8> {
    let hash = blake3::hash(&number.to_le_bytes());
    hash.as_bytes().repeat(2)[..ROW_KEY_BYTES_MAX].to_vec()
}

#[test]
fn no_blob_is_made_by_rows_of_any_lawful_size() {
    let place = Place::new();
    let disk = place.create().unwrap();
    let steps: [fn(&mut Batch, u32) -> Step<'_>; 4] = [
        |batch, number| batch.put(row_key(number), [1; 10]),
        |batch, number| batch.put(row_key(number), [2; ROW_BYTES_MAX]),
        |batch, number| if number % 5 == 0 { Ok(batch) } else { batch.remove(row_key(number)) },
        |batch, number| batch.put([&[0xff; 56], &u64::from(number).to_be_bytes()[..]].concat(), [3; ROW_BYTES_MAX]),
    ];
    for step in steps {
        for numbers in (0..1_200).collect::<Vec<_>>().chunks(60) {
            let mut batch = Batch::new();
            for number in numbers {
                step(&mut batch, *number).unwrap();
            }
            disk.commit(&batch).unwrap();
            check_no_blob(&place);
        }
    }
    for _ in 0..2 {
        let mut batch = Batch::new();
        remove_chunked(&disk, &mut batch, b"chunked").unwrap();
        put_chunked(&mut batch, b"chunked", &vec![4; 3_000_000]).unwrap();
        disk.commit(&batch).unwrap();
        check_no_blob(&place);
    }
    disk.close().unwrap();
    let disk = place.open().unwrap();
    check_no_blob(&place);
    assert_eq!(count(&disk), 1 + 1_200 / 5 + 1_200 + 489);
}

fn check_no_blob(place: &Place) {
    assert_eq!(fs::read_dir(place.layout().rows_blobs()).unwrap().count(), 0);
}
