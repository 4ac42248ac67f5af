//! Files of issuers: what they are read as, and what is refused, by which rule.

use super::*;

const MANUAL: &str = include_str!("../manual/issuers.md");

/// The example of the manual.
fn example() -> &'static str {
    let (_, rest) = MANUAL.split_once("## A file of issuers").unwrap();
    rest.split_once("```json\n").unwrap().1.split_once("```").unwrap().0
}

#[track_caller]
fn refused(text: &str, line: usize, field: &str, rule: &str) {
    let file = IssuersFile::parse(text).unwrap();
    let error = file.issuers()[0].description.as_ref().unwrap_err();
    assert_eq!((error.line(), error.field()), (line, field), "{error}");
    assert!(error.rule().contains(rule), "{error}");
    assert!(!error.to_string().contains("canary"), "{error}");
}

#[track_caller]
fn exec_refused(more: &str, field: &str, rule: &str) {
    refused(&format!("{{\"db\": {{\"kind\": \"exec\", \"program\": \"/p\",\n{more}}}}}"), 2, field, rule);
}

#[track_caller]
fn file_refused(text: &str, line: usize, shown: &str) {
    let error = IssuersFile::parse(text).unwrap_err();
    assert_eq!(error.line(), line, "{error}");
    assert!(error.to_string().contains(shown) && !error.to_string().contains("canary"), "{error}");
}

#[test]
fn the_example_of_the_manual_is_read_and_written() {
    let file = IssuersFile::parse(example()).unwrap();
    let names: Vec<_> = file.issuers().iter().map(|issuer| issuer.name.as_ref().unwrap().as_str()).collect();
    assert_eq!(names, ["orders-script", "billing-password", "orders-role", "internal-ca"]);
    assert!(file.issuers().iter().all(|issuer| issuer.description.is_ok()), "{file:?}");
    let IssuerDescription::PostgresRole(role) = file.issuers()[2].description.as_ref().unwrap() else { panic!() };
    assert_eq!((role.server.tls.clone(), role.server.port), (TlsDescription::Off, 5_432), "defaults are filled in");
    assert_eq!(role.server.password, Some(SecretSource::File("/etc/latchkeep/db-admin".into())));
    assert_eq!(role.grants[0].on, GrantTarget::Table("shop".into(), "orders".into()));
    let again = IssuersFile::parse(&file.to_json()).unwrap();
    let described = |file: &IssuersFile| {
        file.issuers().iter().map(|issuer| (issuer.name.clone(), issuer.description.clone())).collect::<Vec<_>>()
    };
    assert_eq!(described(&again), described(&file));
    assert_eq!(again.to_json(), file.to_json());
}

#[test]
fn what_is_wrong_with_the_whole_file_is_told_with_its_line() {
    for text in ["", " \n", "[\"canary\"]", "\"canary\"", "7"] {
        file_refused(text, if text == " \n" { 2 } else { 1 }, "takes a JSON object of issuers");
    }
    file_refused("{\n\"a\": canary}", 2, "is not JSON");
    file_refused("{} \"canary\"", 1, "is not JSON");
    file_refused("\u{feff}{\"ab\": {},\n\"\\u0061b\": 1}", 2, "issuer ab: is given twice");
    file_refused(&" ".repeat(FILE_BYTES_MAX + 1), 1, "is longer than 1 MiB");
    let many: Vec<_> = (0..=ISSUERS_MAX).map(|number| format!("\"i{number}\":{{}}")).collect();
    file_refused(&format!("{{{}}}", many.join(",\n")), ISSUERS_MAX + 1, "more than 1000 issuers");
    assert!(IssuersFile::parse(&format!("{{{}}}", many[1..].join(","))).is_ok());
    assert!(IssuersFile::parse("{}").unwrap().issuers().is_empty());
}

#[test]
fn one_issuer_that_is_wrong_leaves_the_others() {
    let good = "{\"kind\": \"exec\", \"program\": \"/p\"}";
    let file = IssuersFile::parse(&format!("{{\"7\": {good},\n\"bad\": 1,\n\"good\": {good}}}")).unwrap();
    let [misnamed, bad, good] = file.issuers() else { panic!() };
    assert_eq!((misnamed.name.as_ref(), misnamed.line), (None, 1));
    assert!(misnamed.description.as_ref().unwrap_err().to_string().starts_with("line 1: issuer 7: has a name that"));
    assert_eq!(bad.description.as_ref().unwrap_err().to_string(), "line 2: issuer bad: takes a JSON object");
    assert!(good.description.is_ok() && good.line == 3);
    let nameless = IssuersFile::parse("{\"\": {}}").unwrap();
    assert!(
        nameless.issuers()[0].description.as_ref().unwrap_err().to_string().starts_with("line 1: issuer \"\": has a")
    );
    assert_eq!(IssuersFile::parse(&file.to_json()).unwrap().issuers().len(), 1, "what is wrong is not written");
}

#[test]
fn fields_are_held_to_their_kinds_and_bounds() {
    for (more, field, rule) in [
        ("\"args\": [\"a\",\n\"b\"], \"args\": 1", "args", "is given twice"),
        ("\"env\": {\"A\": \"\",\n\"A\": \"canary\"}", "env.A", "is given twice"),
        ("\"args\": [\"a\",\n[[[[\"canary\"]]]]]", "args[1]", "takes a text"),
    ] {
        refused(&format!("{{\"db\": {{\"kind\": \"exec\", \"program\": \"/p\", {more}}}}}"), 2, field, rule);
    }
    exec_refused("\"limit_secs\": 0", "limit_secs", "takes 1 to 3600");
    exec_refused("\"limit_secs\": 1e1", "limit_secs", "takes 1 to 3600");
    exec_refused("\"limit_secs\": 18446744073709551616", "limit_secs", "takes 1 to 3600");
    exec_refused("\"job_limit_secs\": 5, \"class\": \"set_value\"", "job_limit_secs", "is for the classes");
    exec_refused("\"class\": \"canary\"", "class", "takes set_value");
    exec_refused("\"env\": {\"A=\": \"canary\"}", "env", "names without =");
    exec_refused("\"program\\n\\u0007\": \"canary\"", "program", "is no field");
    exec_refused(&format!("\"args\": [{}]", vec!["\"\""; LIST_MAX + 1].join(",")), "args", "more than 1000");
    exec_refused(&format!("\"directory\": \"{}\"", "x".repeat(TEXT_BYTES_MAX + 1)), "directory", "longer than 65536");
    let deep = format!("\"args\": {}{}", "[".repeat(300_000), "]".repeat(300_000));
    exec_refused(&deep, "args[0]", "takes a text");
    let long = "x".repeat(70_000);
    exec_refused(&format!("\"{long}\": 1"), &long[..64], "is no field");
}

#[test]
fn a_field_that_looks_like_a_place_for_a_secret_is_refused_at_any_depth() {
    let server = "\"host\": \"/run\", \"database\": \"d\", \"user\": \"u\"";
    let password = |more: &str| {
        format!("{{\"db\": {{\"kind\": \"postgres_password\", \"roles\": [\"r\"], \"server\": {{{server}{more}}}}}}}")
    };
    assert!(IssuersFile::parse(&password("")).unwrap().issuers()[0].description.is_ok());
    refused(&password(", \"PassWord\": \"canary\""), 1, "server.PassWord", "belongs into no file of issuers");
    let tls = ", \"tls\": {\"ca_file\": \"/ca\", \"key\": \"canary\"}";
    refused(&password(tls), 1, "server.tls.key", "belongs into no file of issuers");
    refused(&password(", \"tls\": {\"ca_file\": [\"canary\"]}"), 1, "server.tls.ca_file", "takes a text");
    refused(&password(", \"tls\": [\"canary\"]"), 1, "server.tls", "takes \"off\"");
}

#[test]
fn neither_errors_nor_debug_show_what_a_program_is_given() {
    let text =
        "{\"db\": {\"kind\": \"exec\", \"program\": \"/p\", \"args\": [\"canary\"], \"env\": {\"A\": \"canary\"}}}";
    let file = IssuersFile::parse(text).unwrap();
    assert!(!format!("{file:?}").contains("canary"), "{file:?}");
    let IssuerDescription::Exec(exec) = file.issuers()[0].description.as_ref().unwrap() else { panic!() };
    assert!(exec.issuer().is_ok());
}
