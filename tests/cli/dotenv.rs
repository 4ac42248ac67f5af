//! `.env` files as other programs read them: what is written is read alike, or refused with its field.

use std::process::Command;

use crate::omission::not_run;
use crate::support::Home;

/// Programs that read a file and print the values of `V0` up to `V<last>`, each followed by U+0001. The arguments after the
/// program text are the path and the count.
const READERS: [(&str, &[&str]); 4] = [
    ("bash", &["-c", SHELL, "bash"]),
    ("sh", &["-c", SHELL, "sh"]),
    (
        "node",
        &[
            "-e",
            "const v = require('util').parseEnv(require('fs').readFileSync(process.argv[1], 'utf8'));\
             for (let i = 0; i < +process.argv[2]; i++) process.stdout.write(v['V' + i] + '\\x01')",
        ],
    ),
    (
        "python3",
        &[
            "-c",
            "import dotenv, sys\n\
             v = dotenv.dotenv_values(sys.argv[1], interpolate=False)\n\
             for i in range(int(sys.argv[2])): sys.stdout.write(v['V%d' % i] + '\\x01')",
        ],
    ),
];

/// The same for a POSIX shell.
const SHELL: &str = r#". "$1"; i=0; while [ $i -lt $2 ]; do eval "printf '%s\001' \"\$V$i\""; i=$((i + 1)); done"#;

const VALUES: [&str; 22] = [
    "plain",
    "",
    "two words",
    "#x",
    "a #b",
    "$HOME",
    "${HOME}",
    "`id`",
    "$(id)",
    "it's",
    "it's\ntwo lines",
    "-----BEGIN X-----\nQUJD\n-----END X-----\n",
    "{\"a\": \"b\"}",
    "a\\nb",
    "tab\there",
    "a=b=c",
    " lead and trail ",
    "ä€😀",
    "x\u{a0}",
    "!history",
    "~user",
    "'",
];

fn read(reader: &str, args: &[&str], file: &str, count: usize) -> Option<String> {
    let ran = Command::new(reader).args(args).arg(file).arg(count.to_string()).output().ok()?;
    ran.status.success().then(|| String::from_utf8(ran.stdout).unwrap())
}

#[test]
fn what_is_written_is_read_alike_by_shells_and_other_readers() {
    let home = Home::new();
    let plain = home.file("plain.env", "V0=plain\n");
    // Node without `parseEnv` and Python without its package are no readers here.
    let readers: Vec<_> = READERS
        .iter()
        .filter(|(reader, args)| read(reader, args, &plain, 1).as_deref() == Some("plain\u{1}"))
        .collect();
    assert!(readers.iter().any(|(reader, _)| *reader == "sh"));
    for (reader, _) in READERS.iter().filter(|(name, _)| !readers.iter().any(|(reader, _)| reader == name)) {
        let what = format!("the test that {reader} reads `.env` files alike (tests/cli/dotenv.rs)");
        not_run(&what, &format!("{reader} is not installed, or lacks what reads them"));
    }
    let values: serde_json::Map<_, _> =
        VALUES.iter().enumerate().map(|(index, value)| (format!("V{index}"), (*value).into())).collect();
    let json = serde_json::Value::Object(values).to_string();
    home.feed(&["secret", "create", "kv", "values", "--from-stdin"], &json).done();
    let written = home.run(&["secret", "get", "values", "--format", "env"]).done();
    let file = home.file("values.env", &written.out);
    for (reader, args) in readers {
        let found = read(reader, args, &file, VALUES.len()).unwrap();
        let found: Vec<&str> = found.split_terminator('\u{1}').collect();
        assert_eq!(found, VALUES, "{reader} reads {}", written.text());
    }
    home.run(&["secret", "create", "kv", "again", "--from-env", &file]).done();
    assert_eq!(home.run(&["secret", "get", "again"]).done().text(), json);
}

#[test]
fn a_value_that_no_form_suits_is_refused_with_its_field() {
    let home = Home::new();
    home.feed(&["secret", "create", "kv", "mixed", "--from-stdin"], r#"{"FINE":"1","MIXED":"it's $x"}"#).done();
    home.run(&["secret", "get", "mixed", "--format", "env"]).failed(2, &["MIXED", "--key"]);
    let env = home.file("hash.env", "A=#hunter2\n");
    home.run(&["secret", "create", "kv", "hash", "--from-env", &env]).failed(2, &["line 1", "quote the value"]);
}
