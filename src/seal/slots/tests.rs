//! Key slots: each key opens its own slot, and damage of one slot hides no other.

use super::*;
use crate::seal::testing::{STORE, wrapped_key};

const COST: PassphraseCost = PassphraseCost::FLOOR;

/// A key service that adds its number to each byte, and recognises its own output by the first byte.
struct Service(u8);

impl KeyCallback for Service {
    fn wrap(&self, slot_key: &SecretBytes, context: &[u8]) -> Result<Vec<u8>, CallbackError> {
        assert_eq!(context[..16], *STORE.as_bytes());
        Ok([self.0].into_iter().chain(slot_key.expose().iter().map(|byte| byte.wrapping_add(self.0))).collect())
    }

    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<SecretBytes, CallbackError> {
        assert_eq!(context.len(), 17);
        match wrapped.split_first() {
            _ if self.0 == 0 => Err(CallbackError::Failed("the service is away".into())),
            Some((number, rest)) if *number == self.0 => {
                Ok(rest.iter().map(|byte| byte.wrapping_sub(self.0)).collect::<Vec<_>>().into())
            }
            _ => Err(CallbackError::NotMine),
        }
    }
}

fn root() -> RootKey {
    RootKey::new(wrapped_key())
}

fn passphrase(text: &str) -> Unlock {
    Unlock::passphrase(text.to_owned())
}

/// Returns a set with a slot for each key, stored and read back.
fn stored(ways: &[&Unlock], spoil: impl Fn(u8, &mut Vec<u8>)) -> Slots {
    let mut slots = Slots::new(STORE);
    let mut rows: Vec<_> = ways.iter().map(|way| slots.add(&root(), way, COST).unwrap()).collect();
    for (number, bytes) in &mut rows {
        spoil(*number, bytes);
    }
    Slots::decode(STORE, rows.iter().map(|(number, bytes)| (*number, bytes.as_slice())))
}

#[track_caller]
fn check_opens(slots: &Slots, way: &Unlock, number: u8) {
    let (opened, slot) = slots.open(way).unwrap();
    assert_eq!((opened.expose(), slot), (root().expose(), number));
}

#[test]
fn each_way_in_opens_its_own_slot() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    key_file::create(&path).unwrap();
    let ways = [
        Unlock::key_file(&path),
        passphrase("correct horse"),
        Unlock::bytes(vec![7; 32]),
        Unlock::callback(Service(1)),
        passphrase("battery staple"),
        Unlock::callback(Service(2)),
    ];
    let slots = stored(&ways.iter().collect::<Vec<_>>(), |_, _| {});
    for (number, way) in (0..).zip(&ways) {
        check_opens(&slots, way, number);
    }
    let other = dir.path().join("other");
    key_file::create(&other).unwrap();
    for (wrong, kind) in [
        (Unlock::key_file(&other), KeySlotKind::KeyFile),
        (passphrase("wrong horse"), KeySlotKind::Passphrase),
        (Unlock::bytes(vec![8; 32]), KeySlotKind::HostBytes),
        (Unlock::callback(Service(3)), KeySlotKind::HostCallback),
    ] {
        assert!(matches!(slots.open(&wrong), Err(SealError::WrongKey(found)) if found == kind), "{wrong:?}");
    }
}

#[test]
fn a_damaged_slot_hides_no_other_and_is_named_when_none_opens() {
    let [one, two] = [vec![1; 32], vec![2; 32]].map(Unlock::bytes);
    let slots = stored(&[&one, &two], |number, bytes| bytes[50] ^= u8::from(number == 0));
    check_opens(&slots, &two, 1);
    assert!(matches!(slots.open(&one), Err(SealError::SlotDamaged { slot: 0, kind: KeySlotKind::HostBytes })));
    let states: Vec<_> = slots.iter().collect();
    assert_eq!(states, [(0, Err(Unusable::Damaged)), (1, Ok(KeySlotKind::HostBytes))]);
}

#[test]
fn a_kind_without_a_slot_is_named() {
    let slots = stored(&[&Unlock::bytes(vec![1; 32])], |_, _| {});
    assert!(matches!(slots.open(&passphrase("any")), Err(SealError::NoSlotOfKind(KeySlotKind::Passphrase))));
}

#[test]
fn a_failing_key_service_ends_the_attempt_with_its_own_cause() {
    let slots = stored(&[&Unlock::callback(Service(1))], |_, _| {});
    let err = slots.open(&Unlock::callback(Service(0))).unwrap_err();
    assert_eq!(err.to_string(), "the key service of the host failed: the service is away");
}

#[test]
fn what_cannot_be_a_key_is_refused_before_it_is_tried() {
    let mut slots = Slots::new(STORE);
    for bad in
        [passphrase("short"), passphrase(&"x".repeat(1_025)), Unlock::bytes(vec![1; 31]), Unlock::bytes(vec![1; 33])]
    {
        assert!(matches!(slots.add(&root(), &bad, COST), Err(SealError::Invalid(_))), "{bad:?}");
    }
    assert_eq!(slots.iter().count(), 0);
}

#[test]
fn there_are_eight_slots_and_the_last_that_opens_stays() {
    let mut slots = Slots::new(STORE);
    let way = Unlock::bytes(vec![1; 32]);
    for number in 0..8 {
        assert_eq!(slots.add(&root(), &way, COST).unwrap().0, number);
    }
    assert!(matches!(slots.add(&root(), &way, COST), Err(SealError::SlotsFull)));
    slots.remove(3).unwrap();
    assert!(matches!(slots.remove(3), Err(SealError::SlotEmpty(3))));
    assert_eq!(slots.add(&root(), &way, COST).unwrap().0, 3);
    for number in 0..7 {
        slots.remove(number).unwrap();
    }
    assert!(matches!(slots.remove(7), Err(SealError::LastSlot(7))));
    check_opens(&slots, &way, 7);
}

#[test]
fn a_damaged_slot_does_not_count_as_one_that_opens() {
    let ways = [vec![1; 32], vec![2; 32]].map(Unlock::bytes);
    let mut slots = stored(&[&ways[0], &ways[1]], |number, bytes| bytes[50] ^= u8::from(number == 0));
    assert!(matches!(slots.remove(1), Err(SealError::LastSlot(1))));
    slots.remove(0).unwrap();
}
