//! Exports of which not everything can be seen: none of them is said to have passed.

use super::scenario::{LOG, Scenario, brought, failure, joined, key, lock, verify, word};
use crate::audit::{Check, Conclusion, Report, verify_export};
use crate::domain::event::{Event, PolicyCleared, SigningKeySet, VersionAdded};
use crate::domain::id::SecretId;
use crate::domain::secret::SecretSpec;
use crate::domain::version::VersionRef::Current;
use crate::domain::version::{VersionDetails, VersionOrigin};
use crate::ledger::{ChainEnd, Erasure, NewRecord, RawRecord, frames};

/// A log with a locked version; `between` comes behind the lock, then a rotation that the store refuses.
fn rotated_away(between: impl FnOnce(&mut Scenario, SecretId)) -> Scenario {
    let mut log = Scenario::new();
    let secret = log.secret(SecretSpec::Arbitrary, "database");
    log.lock(secret, Current, vec![lock("app")]);
    log.rotate(secret).unwrap();
    between(&mut log, secret);
    let (next, number) = (log.prepared(), log.get(secret).next_number());
    let added = VersionAdded {
        version: next.version,
        number,
        origin: VersionOrigin::RotatedByHand,
        restored_from: None,
        sealed: next.sealed,
        details: VersionDetails::Plain,
        expires_at: None,
        custom_metadata: None,
    };
    let locked = log.get(secret).previous().unwrap();
    let (version, data_key) = (locked.id, locked.data.sealed().unwrap().data_key);
    let cause = crate::domain::version::DestroyCause::Retention;
    let destroyed = crate::domain::event::VersionDataDestroyed { version, data_key, cause };
    log.append(vec![(Some(secret), destroyed.into()), (Some(secret), added.into())]);
    log
}

impl Scenario {
    /// Records all again, with another word on whether the body of one may be erased.
    fn mark(&mut self, position: usize, erasure: Erasure) {
        let framed = std::mem::take(&mut self.framed);
        self.end = ChainEnd::genesis(&LOG);
        self.heads.clear();
        let raws: Vec<_> = frames(&framed).map(Result::unwrap).collect();
        for batch in raws.chunk_by(|_, next| next.header().batch_index > 0) {
            let new = |raw: &RawRecord<'_>| {
                let header = *raw.header();
                let is_it = usize::try_from(header.position.get()).unwrap() == position;
                (header, if is_it { erasure } else { header.erasure })
            };
            let new: Vec<_> = batch
                .iter()
                .map(|raw| {
                    let (header, erasure) = new(raw);
                    NewRecord {
                        erasure,
                        event_type: header.event_type,
                        schema: header.schema,
                        subject: header.subject,
                        event_id: header.event_id,
                        time: header.time,
                        context: raw.context(),
                        body: raw.body().unwrap(),
                    }
                })
                .collect();
            self.heads.extend(self.end.append(&new, &mut self.framed).unwrap());
        }
    }
}

#[track_caller]
fn check_unseen(report: &Report, expected: &str) {
    assert_eq!(word(report), expected, "{report}");
    assert_eq!((report.conclusion(), report.is_sound()), (Conclusion::NotAllChecked, false));
    assert!(!report.to_string().contains("passed       semantic replay"));
    let json = serde_json::to_value(report).unwrap();
    assert_eq!((&json["conclusion"], &json["sound"]), (&"not_all_checked".into(), &false.into()));
}

/// The positions of the records of a kind.
fn of_kind(log: &Scenario, number: u16) -> Vec<u64> {
    let of_kind = log.raws().into_iter().filter(|raw| raw.header().event_type == number);
    of_kind.map(|raw| raw.header().position.get()).collect()
}

#[test]
fn a_locked_version_that_was_rotated_away_is_told() {
    let report = verify(&rotated_away(|_, _| {}).export());
    assert_eq!(word(&report), "++++.++!", "{report}");
    assert!(failure(&report, Check::Replay).1.contains("a locked version is modified"));
}

#[test]
fn a_lock_whose_body_is_gone_still_protects_its_version() {
    let log = rotated_away(|_, _| {});
    let report = verify(&log.export_as(0, None, &of_kind(&log, 40)));
    assert_eq!((report.bodies_unexplained, word(&report).as_str()), (1, "++++.?+!"), "{report}");
    assert!(failure(&report, Check::Replay).1.contains("a locked version is modified"));
    // Where it may have stood on another version, nobody can say.
    let mut log = Scenario::new();
    let secret = log.secret(SecretSpec::Arbitrary, "database");
    log.rotate(secret).unwrap();
    log.lock(secret, Current, vec![lock("app")]);
    log.rotate(secret).unwrap();
    let report = verify(&log.export_as(0, None, &of_kind(&log, 40)));
    check_unseen(&report, "++++.?+?");
}

#[test]
fn bodies_that_a_carrier_took_away_are_missed() {
    let log = Scenario::small();
    let erasable: Vec<_> =
        log.raws().iter().filter(|raw| raw.erased().is_ok()).map(|raw| raw.header().position.get()).collect();
    let report = verify(&log.export_as(0, None, &erasable));
    assert_eq!((report.bodies_erased, report.bodies_unexplained), (7, 7));
    check_unseen(&report, "++++.?+?");
    assert!(report.to_string().contains("of 7 erased no record here says that they were"), "{report}");
}

#[test]
fn bodies_whose_erasure_is_recorded_are_explained_and_the_replay_is_still_not_whole() {
    let mut log = Scenario::small();
    log.erase(|_| true).unwrap();
    let report = verify(&log.export());
    assert_eq!((report.bodies_erased, report.bodies_unexplained), (7, 0));
    check_unseen(&report, "++++.++?");
    // Up to a size before that record nothing explains them.
    let slice = verify(&log.export_as(1, None, &[]));
    check_unseen(&slice, "++++.++?");
}

#[test]
fn an_unknown_event_in_front_of_an_illegal_step_leaves_it_unchecked() {
    let log = rotated_away(|log, secret| {
        log.disguise = Some((999, 1));
        log.append(vec![(Some(secret), PolicyCleared {}.into())]);
        log.disguise = None;
    });
    let report = verify(&log.export());
    assert_eq!(report.unknown_events, 1);
    check_unseen(&report, "++++.?+?");
}

#[test]
fn keys_that_the_header_names_are_those_that_the_log_sets() {
    let mut log = Scenario::new();
    for number in [1, 2] {
        let event = SigningKeySet { number, verifier_key: key(1).to_string().into() };
        log.append(vec![(None, Event::from(event))]);
    }
    log.secret(SecretSpec::Kv, "after");
    let with = |first: u64, keys: &[u8], known: &[u8]| {
        let mut header = log.header(first);
        header.vkeys = keys.iter().map(|number| key(*number)).collect();
        let mut lines: Vec<String> =
            String::from_utf8(log.export_as(first, None, &[])).unwrap().lines().map(str::to_owned).collect();
        let mut line = Vec::new();
        header.write(&mut line);
        lines[0] = String::from_utf8(line).unwrap();
        verify_export(joined(&lines).as_slice(), &brought(known), |_| {})
    };
    for known in [&[1][..], &[]] {
        assert_eq!(with(0, &[1, 1], known).first_fault(), None);
        for keys in [&[][..], &[1], &[9], &[1, 9], &[9, 1], &[1, 1, 1], &[9, 1, 1]] {
            let report = with(0, keys, known);
            assert_eq!(failure(&report, Check::Structure), (1, "vkeys are not the keys that the log sets"), "{keys:?}");
        }
    }
    // A slice shows the second alone; the first may be any, unless it was brought.
    assert_eq!(word(&with(2, &[1, 1], &[1])), "++++.++?");
    assert_eq!(word(&with(2, &[9, 1], &[1])), "?+++.++?");
    for keys in [&[][..], &[1], &[1, 9], &[1, 1, 1]] {
        failure(&with(2, keys, &[1]), Check::Structure);
    }
    failure(&with(3, &[], &[1]), Check::Structure);
}

#[test]
fn where_a_slice_begins_is_compared_even_when_nothing_follows() {
    let log = Scenario::small();
    for first in 1..=log.size() {
        let export = String::from_utf8(log.export_as(first, None, &[])).unwrap();
        let other = log.header(if first == 1 { 2 } else { first - 1 }).head_before;
        let changed = export.replacen(&log.header(first).head_before.to_base64(), &other.to_base64(), 1);
        let report = verify(changed.as_bytes());
        if first < log.size() || first % 2 == 1 {
            failure(&report, Check::Chain);
        } else {
            assert_eq!(&word(&report)[..2], "+?", "{report}");
        }
    }
}

#[test]
fn whether_a_body_may_be_erased_is_held_to_its_type() {
    let change = |position: usize, erasure: Erasure| {
        let mut log = Scenario::small();
        log.mark(position, erasure);
        verify(&log.export())
    };
    let raws: Vec<_> = Scenario::small().raws().iter().map(|raw| raw.header().erasure).collect();
    for (position, erasure) in raws.iter().enumerate() {
        assert!(change(position, *erasure).is_sound());
        let other = if *erasure == Erasure::Never { Erasure::Allowed } else { Erasure::Never };
        let report = change(position, other);
        assert_eq!(word(&report), "++++.!++", "{report}");
        let words = "whether its body may be erased is not what its type says";
        assert_eq!(failure(&report, Check::Bodies), (position as u64 + 2, words));
    }
    for number in 0..=u16::MAX {
        assert_eq!(Event::is_erasable_by(number).is_some(), Event::label_of(number).is_some());
    }
}

#[test]
fn a_field_twice_at_any_depth_is_a_fault() {
    let lines = Scenario::small().lines();
    let twice = |line: usize, from: &str, to: &str| {
        let mut changed = lines.clone();
        changed[line] = lines[line].replacen(from, to, 1);
        assert_ne!(changed[line], lines[line]);
        verify(&joined(&changed))
    };
    let last = lines.len() - 1;
    for (line, from, to) in [
        (2, "\"metadata\":{", "\"metadata\":{\"retention\":9,"),
        (2, "\"data\":{", "\"data\":{\"group\":null,"),
        (2, "\"specversion\"", "\"specversion\":\"1.0\",\"specversion\""),
        (0, "\"count\"", "\"count\":11,\"count\""),
        (last, "\"consistency\"", "\"consistency\":null,\"consistency\""),
    ] {
        let report = twice(line, from, to);
        let (found, why) = failure(&report, Check::Structure);
        assert_eq!((found, why.contains("a wrong one")), (line as u64 + 1, true), "{why}");
    }
}

#[test]
fn line_ends_of_windows_are_taken() {
    let text = String::from_utf8(Scenario::small().export()).unwrap().replace('\n', "\r\n");
    assert_eq!(word(&verify(text.as_bytes())), "++++.+++");
}
