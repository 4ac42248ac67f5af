//! Policies in the format, and texts that are not policies.

use super::*;

const W1: &str = "witness.example/w1+efcd800c+BGa+fjMsekUzMr2dCn99sFX1xe8aBq2mbZizn7aBDEc6";
const W2: &str = "witness.example/w2+023facbb+BAtROtm0kkAVygkC7QeQRNOsXb7CMG8GlIwQ2o62458t";
const W3: &str = "witness.example/w3+581ff7a9+BJGiigt0OBWTpNlGlXkgiSavyK2CyIObdkQ1m566mks6";
const LOG: &str =
    "latchkeep.log/000102030405060708090a0b0c0d0e0f+aefeaf07+AYqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c";

fn unsupported() -> String {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/golden/cosigned-1.json")).unwrap();
    golden["unknown_vkey"].as_str().unwrap().to_owned()
}

/// Three witnesses, and lines after them.
fn with(lines: &str) -> Result<WitnessPolicy, Invalid> {
    WitnessPolicy::parse(format!("witness 1 {W1}\nwitness 2 {W2}\nwitness 3 {W3}\n{lines}").as_bytes())
}

/// Checks for each set of the three witnesses whether it is enough.
#[track_caller]
fn check(lines: &str, enough: &[&str]) {
    let policy = with(lines).unwrap();
    for set in ["", "1", "2", "3", "12", "13", "23", "123"] {
        let is_met = policy.is_met(|key| set.contains(key.name().trim_start_matches("witness.example/w")));
        assert_eq!(is_met, enough.contains(&set), "{lines:?}: {set:?}");
    }
}

#[test]
fn quorums_are_counted() {
    check("quorum none\n", &["", "1", "2", "3", "12", "13", "23", "123"]);
    check("quorum 2", &["2", "12", "23", "123"]);
    check("group g all 1 2 3\nquorum g\n", &["123"]);
    check("group g any 1 2\nquorum g\n", &["1", "2", "12", "13", "23", "123"]);
    check("group g 2 1 2 3\nquorum g\n", &["12", "13", "23", "123"]);
    check("group g any 1 2\n\n# two levels\n \t# of them\ngroup h\tall g  3 \nquorum h\n", &["13", "23", "123"]);
}

#[test]
fn logs_and_keys_of_other_types_are_read() {
    let other = unsupported();
    let policy = format!("log {LOG} https://log.example\nlog {other}\nwitness x {other} url\nwitness 1 {W1}\n");
    let both = WitnessPolicy::parse(format!("{policy}group g all 1 x\nquorum g\n").as_bytes()).unwrap();
    assert_eq!((both.logs().len(), both.witnesses().count(), both.has_logs()), (1, 1, true));
    assert!(!both.is_met(|_| true), "one that cannot be verified never counts");
    let any = WitnessPolicy::parse(format!("{policy}group g any 1 x\nquorum g\n").as_bytes()).unwrap();
    assert!(any.is_met(|_| true) && !any.is_met(|_| false));
    let alone = WitnessPolicy::parse(format!("log {other}\nquorum none\n").as_bytes()).unwrap();
    assert!(alone.has_logs() && alone.logs().is_empty());
    assert!(!with("quorum none\n").unwrap().has_logs());
    let non_ascii = format!("witness \u{fc} {W1}\n#\u{fc}\nquorum \u{fc}\n");
    assert!(WitnessPolicy::parse(non_ascii.as_bytes()).is_ok());
    let latin = [b"witness \xfc ".as_slice(), W1.as_bytes(), b"\nquorum \xfc\n"].concat();
    assert!(WitnessPolicy::parse(&latin).is_ok());
}

#[test]
fn what_is_no_policy_is_refused_with_its_line() {
    for (lines, why) in [
        ("", "has no quorum line"),
        ("quorum none\nquorum 1\n", "line 5 is a second quorum line"),
        ("quorum g\ngroup g any 1\n", "line 4 names a quorum that no line before it defines"),
        ("group g any h\ngroup h any 1\nquorum h\n", "line 4 names a member that no line before it defines"),
        ("group g any g\nquorum g\n", "line 4 names a member that no line before it defines"),
        ("group g any 1 none\nquorum g\n", "line 4 names a member that no line before it defines"),
        ("group g all 1 1\nquorum g\n", "line 4 names a member that is in a group already"),
        ("group g all 1\ngroup h all 1 2\nquorum h\n", "line 5 names a member that is in a group already"),
        ("group g all\nquorum g\n", "line 4 has a threshold of 0, or beyond its members"),
        ("group g 0 1\nquorum g\n", "line 4 has a threshold of 0, or beyond its members"),
        ("group g 3 1 2\nquorum g\n", "line 4 has a threshold of 0, or beyond its members"),
        ("group g 01 1 2\nquorum g\n", "line 4 has a threshold that is none of all, any and a plain number"),
        ("group g +1 1 2\nquorum g\n", "line 4 has a threshold that is none of all, any and a plain number"),
        ("group g some 1 2\nquorum g\n", "line 4 has a threshold that is none of all, any and a plain number"),
        ("group 1 any 2\nquorum 1\n", "line 4 defines a name twice"),
        ("group none any 2\nquorum none\n", "line 4 defines the name none, which has a meaning already"),
        ("quorum\n", "line 4 has too few items, or too many"),
        ("quorum 1 2\n", "line 4 has too few items, or too many"),
        ("Quorum 1\n", "line 4 begins with none of log, witness, group and quorum"),
        ("quorum 1\r\n", "line 4 has a control character"),
        ("#\u{7f}\nquorum 1\n", "line 4 has a control character"),
        (&format!("witness 4 {W1}\nquorum 1\n"), "line 4 lists the key of a witness twice"),
        (
            &format!("witness 4 {LOG}\nquorum 1\n"),
            "line 4 gives a witness a key of type 1, whose signatures have no time",
        ),
        (&format!("log {LOG}\nlog {LOG}\nquorum 1\n"), "line 5 lists the key of a log twice"),
        (&format!("log {W1}\nquorum 1\n"), "line 4 gives a log the key of a witness"),
        (&format!("witness 4 {}\nquorum 1\n", W1.replace("/w1", "/w9")), &format!("line 4 {BAD_KEY}")),
        ("witness 4 x\nquorum 1\n", &format!("line 4 {BAD_KEY}")),
    ] {
        assert_eq!(with(lines).unwrap_err().rule(), why, "{lines:?}");
    }
    let long = format!("#{}\nquorum none\n", "x".repeat(POLICY_BYTES_MAX));
    assert_eq!(WitnessPolicy::parse(long.as_bytes()).unwrap_err().rule(), "is longer than 256 KiB");
    // The name of a key does not matter: the same key under another name is the same key. Its base64 may contain a
    // plus, too.
    let id = hex(key_id("other.example", COSIGNATURE_OF_WITNESS, WitnessKey::parse(W1).unwrap().public_key()));
    let encoded = W1.splitn(3, '+').nth(2).unwrap();
    let renamed = format!("witness 4 other.example+{id}+{encoded}\nquorum 1\n");
    assert_eq!(with(&renamed).unwrap_err().rule(), "line 4 lists the key of a witness twice");
}

#[test]
fn as_many_members_as_the_format_asks_for_are_read() {
    let groups: String = (0..200)
        .map(|at| format!("group g{} any {}\n", at + 1, if at == 0 { "1".into() } else { format!("g{at}") }))
        .collect();
    let deep = with(&format!("{groups}quorum g200\n")).unwrap();
    assert!(deep.is_met(|key| key.name().ends_with("w1")) && !deep.is_met(|key| key.name().ends_with("w2")));
}
