//! What an export holds, line by line.

use base64::Engine as _;
use serde_json::{Value, json};

use super::scenario::{LOG, Scenario, verify, word};
use crate::audit::{ExportError, ExportWriter, cloud_event};
use crate::ledger::Head;

#[test]
fn an_export_is_header_events_and_checkpoint() {
    let scenario = Scenario::small();
    let lines = scenario.lines();
    assert_eq!(lines.len() as u64, scenario.size() + 2);
    let header: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(header["format"], "latchkeep-export/1");
    assert_eq!(header["origin"], "latchkeep.log/07070707070707070707070707070707");
    assert_eq!((&header["first"], &header["frontier"]), (&json!(0), &json!([])));
    let last: Value = serde_json::from_str(lines.last().unwrap()).unwrap();
    assert_eq!(last["checkpoint"], scenario.checkpoint(scenario.size(), 1).note());
    assert_eq!(last["consistency"], Value::Null);
}

#[test]
fn an_event_is_a_cloud_event_with_the_bytes_that_are_the_truth() {
    let scenario = Scenario::small();
    let raws = scenario.raws();
    for (line, raw) in scenario.lines()[1..].iter().zip(&raws) {
        assert_eq!(*line, cloud_event(&LOG, raw));
        let event: Value = serde_json::from_str(line).unwrap();
        let decoded =
            |field: &str| base64::engine::general_purpose::STANDARD.decode(event[field].as_str().unwrap()).unwrap();
        assert_eq!(decoded("lkheader"), raw.header_bytes());
        assert_eq!(decoded("lkcontext"), raw.context());
        assert_eq!(decoded("lkbody"), raw.body().unwrap());
        assert!(Head::parse_base64(event["lkhead"].as_str().unwrap()).is_ok());
        assert_eq!(event["sequence"], format!("{:020}", raw.header().position.get()));
        assert_eq!(event["time"], raw.header().time.to_string());
    }
    let rotated: Value = scenario
        .lines()
        .iter()
        .rev()
        .find(|line| line.contains("ticket-17"))
        .map(|line| serde_json::from_str(line).unwrap())
        .unwrap();
    assert_eq!(rotated["authid"], "tester \"one\"");
    assert_eq!(rotated["causationid"], "09090909-0909-0909-0909-090909090909");
}

#[test]
fn every_slice_verifies_alone() {
    let scenario = Scenario::small();
    for first in 0..=scenario.size() {
        let report = verify(&scenario.export_as(first, None, &[]));
        let expected = match scenario.size() - first {
            // There is no record of which anything could be said.
            0 => "++++.???",
            _ if first == 0 => "++++.+++",
            _ => "++++.++?",
        };
        assert_eq!(word(&report), expected, "{report}");
        assert_eq!(report.records, scenario.size() - first);
    }
}

#[test]
fn records_out_of_order_are_not_written() {
    let scenario = Scenario::small();
    let raws = scenario.raws();
    let begin = || ExportWriter::begin(Vec::new(), &scenario.header(0)).unwrap();
    assert!(matches!(begin().write(&raws[1]), Err(ExportError::Order { .. })));
    let checkpoint = scenario.checkpoint(scenario.size(), 1);
    assert!(matches!(begin().finish(&checkpoint, None), Err(ExportError::Count { .. })));
    let mut writer = begin();
    raws.iter().for_each(|raw| writer.write(raw).unwrap());
    assert_eq!(writer.position().get(), scenario.size());
    assert!(matches!(writer.write(&raws[0]), Err(ExportError::Order { .. })));
    let shorter = scenario.checkpoint(3, 1);
    assert!(matches!(writer.finish(&shorter, None), Err(ExportError::Checkpoint { .. })));
}

#[test]
fn a_report_is_words_and_json() {
    let report = verify(&Scenario::small().export());
    let text = report.to_string();
    assert!(text.contains("passed       chain: unbroken over "), "{text}");
    assert!(text.ends_with("0 bodies erased, 0 events of a later release; every check passed"), "{text}");
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!((&json["sound"], &json["verdicts"][0]["check"]), (&json!(true), &json!("structure")));
    assert_eq!(json["verdicts"].as_array().unwrap().len(), 9);
}
