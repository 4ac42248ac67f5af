//! Sealed streams: every change to a file is detected and reported as what it is.

use super::*;
use crate::seal::secret_bytes::SecretBytes;

fn key(byte: u8) -> Unlock {
    Unlock::bytes(SecretBytes::copy_from(&[byte; 32]))
}

fn content(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| u8::try_from(at * 7 % 251).unwrap()).collect()
}

fn sealed(content: &[u8]) -> Vec<u8> {
    let mut sealer = StreamSealer::begin(Vec::new(), &key(1), PassphraseCost::FLOOR).unwrap();
    content.chunks(1_000).for_each(|part| sealer.write(part).unwrap());
    sealer.finish().unwrap()
}

fn open(bytes: &[u8]) -> Result<Vec<u8>, StreamError> {
    let mut opener = StreamOpener::begin(bytes, &key(1))?;
    let mut opened = Vec::new();
    while !opener.is_at_end()? {
        opener.read(1, &mut opened)?;
    }
    Ok(opened)
}

fn start() -> usize {
    sealed(b"").len() - OVERHEAD_BYTES
}

#[test]
fn streams_of_every_length_come_back() {
    for bytes in [0, 1, 999, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES, 200_000] {
        let content = content(bytes);
        let file = sealed(&content);
        assert!(open(&file).unwrap() == content, "{bytes} bytes");
        let chunks = bytes.div_ceil(CHUNK_BYTES).max(1);
        assert_eq!(file.len(), start() + bytes + chunks * OVERHEAD_BYTES);
    }
}

#[test]
fn every_changed_byte_is_found() {
    let file = sealed(&content(300));
    for at in 0..file.len() {
        let mut bad = file.clone();
        bad[at] ^= 1;
        assert!(open(&bad).is_err(), "byte {at}");
    }
    let mut bad = file;
    bad[start() + 40] ^= 1;
    assert!(matches!(open(&bad), Err(StreamError::Chunk(0))));
}

#[test]
fn a_cut_is_found_wherever_it_is() {
    let file = sealed(&content(2 * CHUNK_BYTES + 5));
    let boundary = |chunks: usize| start() + chunks * SEALED_CHUNK_BYTES;
    for end in (0..file.len()).step_by(997).chain(0..200) {
        assert!(open(&file[..end]).is_err(), "cut at {end}");
    }
    assert!(matches!(open(&file[..boundary(1)]), Err(StreamError::Cut(0))));
    assert!(matches!(open(&file[..boundary(2)]), Err(StreamError::Cut(1))));
    assert!(matches!(open(&file[..boundary(0)]), Err(StreamError::Chunk(0))));
    assert!(matches!(open(&file[..boundary(1) + 9]), Err(StreamError::Chunk(1))));
    assert!(matches!(open(&[]), Err(StreamError::NotABackup)));
    assert!(matches!(open(&file[..30]), Err(StreamError::Header)));
}

#[test]
fn chunks_that_are_moved_repeated_or_added_are_found() {
    let content = content(3 * CHUNK_BYTES);
    let (one, two) = (sealed(&content), sealed(&content));
    let chunk = |file: &[u8], number: usize| {
        let from = start() + number * SEALED_CHUNK_BYTES;
        file[from..from + SEALED_CHUNK_BYTES].to_vec()
    };
    let put = |parts: &[Vec<u8>]| [one[..start()].to_vec(), parts.concat()].concat();
    let own: Vec<_> = (0..3).map(|number| chunk(&one, number)).collect();
    assert!(open(&put(&own)).is_ok());
    for parts in [
        vec![own[1].clone(), own[0].clone(), own[2].clone()],
        vec![own[0].clone(), own[2].clone()],
        vec![own[0].clone(), own[0].clone(), own[1].clone(), own[2].clone()],
        vec![own[0].clone(), chunk(&two, 1), own[2].clone()],
    ] {
        assert!(matches!(open(&put(&parts)), Err(StreamError::Chunk(_))));
    }
    let surplus = [one.clone(), vec![0]].concat();
    assert!(matches!(open(&surplus), Err(StreamError::Surplus(2))));
}

#[test]
fn another_key_is_told_from_damage_and_a_later_version_from_both() {
    let file = sealed(b"content");
    assert!(matches!(StreamOpener::begin(file.as_slice(), &key(2)), Err(StreamError::OtherKey(_))));
    let passphrase = Unlock::passphrase(String::from("correct horse"));
    assert!(matches!(StreamOpener::begin(file.as_slice(), &passphrase), Err(StreamError::OtherKey(_))));
    let mut later = file;
    later[5] = 2;
    assert!(matches!(open(&later), Err(StreamError::Version(2))));
}
