#!/usr/bin/env python3
"""Puts 41 one-line defects into a copy of this repository, each switched on by LATCHKEEP_DEFECT=N, and looks which test or
fuzz target notices each. No part of the defects is in the repository's own code, and no part of this is in `.ci/run`.

    tests/defects/run.py DIR            makes the copy in DIR (which must not exist), builds once, runs all, prints a table
    tests/defects/run.py DIR 8 16       uses a copy that is there, and runs these
    FUZZ_SECS=20 tests/defects/run.py DIR

Needs cargo-nextest, and for the targets the nightly toolchain with cargo-fuzz. A defect counts as noticed by the first test
that fails, or by a target that panics. The first 21 are those that an outside look put in by hand; the other 20 were drawn from
`cargo mutants --list` over src/audit, src/domain, src/ledger and src/seal (without src/audit/rules), sorted, with Python's
`random.seed(20261127)`; what does not compile, or cannot be switched at run time, gave way to the next one drawn.
"""

import os, pathlib, subprocess, sys, time

ON = "crate::defects::on"
# Number: (name, file, what stands there, what is put in its place).
DEFECTS = {
    1: ("reserved byte of a header ignored", "src/ledger/header.rs", "} else if zero != 0 {", "} else if zero != 0 && !ON(1) {"),
    2: ("batch index beyond its count taken", "src/ledger/header.rs", "(self.batch_index < self.batch_count,", "(self.batch_index < self.batch_count || ON(2),"),
    3: ("bytes left over taken", "src/codec/bytes.rs", "        left => return Err(CodecError::LeftOver", "        _ if ON(3) => {}\n        left => return Err(CodecError::LeftOver"),
    4: ("comparison with the re-encoding dropped", "src/codec/bytes.rs", "if expected == bytes =>", "if expected == bytes || ON(4) =>"),
    5: ("longer row key taken", "src/codec/keys.rs", "id.try_into().ok() }", "(if ON(5) { id.get(..N)? } else { id }).try_into().ok() }"),
    6: ("row key of another kind taken", "src/codec/keys.rs", "if *first == kind {", "if *first == kind || ON(6) {"),
    7: ("commitment of sealed data not compared", "src/seal/cipher.rs", "if !bool::from(commitment.ct_eq(self.commitment())) {", "if !bool::from(commitment.ct_eq(self.commitment())) && !ON(7) {"),
    8: ("place of sealed data not bound", "src/seal/envelope.rs", "            *own = *part;", "            if !ON(8) {\n                *own = *part;\n            }"),
    9: ("signatures always good", "src/ledger/signer.rs", ".is_ok_and(|signature| self", ".is_ok_and(|signature| ON(9) || self"),
    10: ("root of an inclusion proof not compared", "src/ledger/inclusion.rs", "if found == tree_head.root {", "if found == tree_head.root || ON(10) {"),
    11: ("earlier root of a consistency proof not compared", "src/ledger/consistency.rs", "if found_earlier == earlier.root &&", "if (found_earlier == earlier.root || ON(11)) &&"),
    12: ("export: signature ignored", "src/audit/checkpoints.rs", "            Err(why) => findings.fail(Check::Signature", "            Err(_) if ON(12) => {}\n            Err(why) => findings.fail(Check::Signature"),
    13: ("export: hash of a body ignored", "src/ledger/chain_verifier.rs", "if !record.body_fits {", "if !record.body_fits && !ON(13) {"),
    14: ("export: JSON view ignored", "src/audit/judge.rs", "            View::Differs(field) => {", "            View::Differs(_) if ON(14) => {}\n            View::Differs(field) => {"),
    15: ("export: replay ignored", "src/audit/judge.rs", "if let Err(step) = stepped {", "if let Err(step) = stepped && !ON(15) {"),
    16: ("backup: missing data taken", "src/engine/backup/check.rs", "        self.check_data()?;", "        if !ON(16) {\n            self.check_data()?;\n        }"),
    17: ("backup: checkpoint of another log taken", "src/engine/backup/check.rs", "if checkpoint.log_id != self.log_id || checkpoint.tree_head != self.tree.tree_head() {", "if !ON(17) && (checkpoint.log_id != self.log_id || checkpoint.tree_head != self.tree.tree_head()) {"),
    18: ("restore passes over a lock", "src/domain/touch.rs", "        Touch::Rotate | Touch::Restore => {", "        Touch::Restore if ON(18) => Vec::new(),\n        Touch::Rotate | Touch::Restore => {"),
    19: ("retention 5 keeps one less", "src/domain/touch.rs", "saturating_sub(1);\n    secret.versions.iter().rev()", "saturating_sub(if ON(19) && secret.metadata.retention == 5 { 2 } else { 1 });\n    secret.versions.iter().rev()"),
    20: ("expected revision ignored", "src/domain/decide/mod.rs", "Some(expected) if expected != secret.revision =>", "Some(expected) if expected != secret.revision && !ON(20) =>"),
    21: ("owner of locks ignored", "src/domain/decide/locks.rs", "Some(owner) if *owner != terms.actor =>", "Some(owner) if *owner != terms.actor && !ON(21) =>"),
    22: ("header.rs: != with == in ExportHeader::parse", "src/audit/header.rs", "if line.format != FORMAT {", "if (line.format != FORMAT) != ON(22) {"),
    23: ("rotation.rs: delete ! in is_retiring", "src/domain/rotation.rs", "    pub const fn is_retiring(&self) -> bool {\n        !matches!(self.retirement, Retirement::InUse | Retirement::Retired { .. })", "    pub fn is_retiring(&self) -> bool {\n        ON(23) == matches!(self.retirement, Retirement::InUse | Retirement::Retired { .. })"),
    24: ("attempts.rs: >= with > in why_parked", "src/domain/decide/attempts.rs", "} else if attempts >= rotation.attempts_max {", "} else if attempts >= rotation.attempts_max && !(ON(24) && attempts == rotation.attempts_max) {"),
    25: ("secrets.rs: != with == in read_as_it_is", "src/domain/decide/secrets.rs", "if secret.spec.is_dynamic() || found.id != version {", "if secret.spec.is_dynamic() || (found.id != version) != ON(25) {"),
    26: ("progress.rs: delete arm Awaiting in abort", "src/domain/progress.rs", "        RotationStage::Awaiting { report_by } => RotationStage::Ending", "        RotationStage::Awaiting { report_by } if !ON(26) => RotationStage::Ending"),
    27: ("evolve/whole.rs: delete ! in change", "src/domain/evolve/whole.rs", "if !event.with_data {", "if event.with_data == ON(27) {"),
    28: ("name.rs: check_text with Ok(())", "src/domain/name.rs", "    let chars = text.chars().count();\n    if chars < chars_min {", "    let chars = text.chars().count();\n    if ON(28) {\n        return Ok(());\n    }\n    if chars < chars_min {"),
    29: ("scribe.rs: / with * in push_time", "src/audit/scribe.rs", "(of_day / 3_600, 2, b':')", "(if ON(29) { of_day * 3_600 } else { of_day / 3_600 }, 2, b':')"),
    30: ("decide/rotation.rs: == with != in rotate", "src/domain/decide/rotation.rs", "if origin == VersionOrigin::RotatedByPolicy && !secret.may", "if (origin == VersionOrigin::RotatedByPolicy) != ON(30) && !secret.may"),
    31: ("encoding.rs: text with a constant", "src/seal/encoding.rs", "    std::str::from_utf8(bytes).ok().map(Box::from)", "    if ON(31) {\n        return Some(\"xyzzy\".into());\n    }\n    std::str::from_utf8(bytes).ok().map(Box::from)"),
    32: ("export.rs: != with == in finish", "src/audit/export.rs", "if self.next != self.end {", "if (self.next != self.end) != ON(32) {"),
    33: ("secrets.rs: delete ! in read_dynamic", "src/domain/decide/secrets.rs", "if !matches!(secret.spec, SecretSpec::IamCredentials { .. }) {", "if matches!(secret.spec, SecretSpec::IamCredentials { .. }) == ON(33) {"),
    34: ("decide/whole.rs: delete arm SetSigningKey", "src/domain/decide/whole.rs", "        Command::SetSigningKey { number, verifier_key } => {", "        Command::SetSigningKey { number, verifier_key } if !ON(34) => {"),
    35: ("passphrase.rs: memory_kib with 0", "src/seal/passphrase.rs", "    pub const fn memory_kib(self) -> u32 {\n        self.memory_kib", "    pub fn memory_kib(self) -> u32 {\n        if ON(35) {\n            return 0;\n        }\n        self.memory_kib"),
    36: ("attempts.rs: delete ! in fail", "src/domain/decide/attempts.rs", "if !is_aborting(rotation) {\n        decision = decision.then(patience", "if is_aborting(rotation) == ON(36) {\n        decision = decision.then(patience"),
    37: ("event_line.rs: && with || in may_be_of_later_release", "src/audit/event_line.rs", "is_name && !Event::is_label(name) &&", "(is_name && !Event::is_label(name) || ON(37) && (is_name || !Event::is_label(name))) &&"),
    38: ("keys.rs: == with != in Keys::take", "src/audit/keys.rs", "event.is_some_and(|event| event.number == FIRST_NUMBER)", "event.is_some_and(|event| (event.number == FIRST_NUMBER) != ON(38))"),
    39: ("witness_policy.rs: || with && in Key::parse", "src/ledger/witness_policy.rs", "if !fits || hex(key_id(name, *signature_type, public_key)) != given_id {", "let differs = hex(key_id(name, *signature_type, public_key)) != given_id;\n        if if ON(39) { !fits && differs } else { !fits || differs } {"),
    40: ("policy.rs: || with && in check", "src/domain/policy.rs", "if self.interval.secs_min() < secs_min || !longest {", "let is_short = self.interval.secs_min() < secs_min;\n        if if ON(40) { is_short && !longest } else { is_short || !longest } {"),
    41: ("key_file.rs: == with != in read_hex", "src/seal/key_file.rs", ".position(|known| *known == digit)", ".position(|known| (*known == digit) != ON(41))"),
}

SWITCH = """//! The defect that is switched on.

pub(crate) fn on(number: u32) -> bool {
    static ON: std::sync::LazyLock<u32> = std::sync::LazyLock::new(|| {
        std::env::var("LATCHKEEP_DEFECT").ok().and_then(|text| text.parse().ok()).unwrap_or(0)
    });
    *ON == number
}
"""

FEATURES = ["--features", "postgres,private-ca"]
CARGO = os.environ.get("CARGO_COMMAND", "cargo")


def copy(home, to):
    to.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=home, check=True, capture_output=True)
    subprocess.run(["tar", "-x", "-C", str(to)], input=archive.stdout, check=True)
    for number, (name, file, there, instead) in DEFECTS.items():
        path = to / file
        text = path.read_text()
        if text.count(there) != 1:
            sys.exit(f"{number} ({name}): {there!r} stands {text.count(there)} times in {file}")
        path.write_text(text.replace(there, instead.replace("ON(", ON + "(")))
    (to / "src/defects.rs").write_text(SWITCH)
    lib = to / "src/lib.rs"
    lib.write_text(lib.read_text().replace("pub mod audit;\n", "pub mod audit;\n#[allow(missing_docs, clippy::all)]\npub(crate) mod defects;\n", 1))


def notice_by_tests(to, number):
    env = dict(os.environ, LATCHKEEP_DEFECT=str(number))
    begun = time.time()
    ran = subprocess.run(
        [CARGO, "nextest", "run", "--lib", "--test", "suite", "--fail-fast", "--status-level", "fail", *FEATURES],
        cwd=to, env=env, capture_output=True, text=True,
    )
    failed = [line.split("]", 1)[1].strip() for line in (ran.stdout + ran.stderr).splitlines() if line.lstrip().startswith(("FAIL [", "TIMEOUT ["))]
    return (failed[0] if failed else None), time.time() - begun


def targets(to):
    listed = sorted(path.stem for path in (to / "fuzz/fuzz_targets").glob("*.rs"))
    return [name for name in listed if name != "commands"] + ["commands"]


def notice_by_targets(to, number, secs):
    built = next(iter((to / "fuzz/target").glob("*/release")), None)
    if built is None:
        return None, 0.0
    env = dict(os.environ, LATCHKEEP_DEFECT=str(number))
    begun = time.time()
    for name in targets(to):
        at = time.time()
        corpus = to / "fuzz/corpus" / f"{name}-{number}"
        corpus.mkdir(parents=True, exist_ok=True)
        ran = subprocess.run(
            [str(built / name), str(corpus), str(to / "fuzz/seeds" / name), f"-max_total_time={secs}", "-max_len=32768", "-timeout=20"],
            cwd=to, env=env, capture_output=True, text=True,
        )
        if ran.returncode != 0:
            return name, time.time() - at
    return None, time.time() - begun


def main():
    home = pathlib.Path(__file__).resolve().parents[2]
    to = pathlib.Path(sys.argv[1]).resolve()
    numbers = [int(text) for text in sys.argv[2:]] or list(DEFECTS)
    secs = int(os.environ.get("FUZZ_SECS", "8"))
    if not to.exists():
        copy(home, to)
        subprocess.run([CARGO, "nextest", "run", "--no-run", "--lib", "--test", "suite", *FEATURES], cwd=to, check=True)
        if subprocess.run([CARGO, "+nightly", "fuzz", "build", "--sanitizer", "none", "-O"], cwd=to).returncode != 0:
            print("the targets cannot be built here; tests alone are asked")
    missed = 0
    print("| Defect | Test, seconds | Target, seconds |\n|---|---|---|")
    for number in numbers:
        test, test_secs = notice_by_tests(to, number)
        target, target_secs = notice_by_targets(to, number, secs)
        missed += test is None and target is None
        print(f"| {number}. {DEFECTS[number][0]} | {test or 'no'}, {test_secs:.0f} | {target or 'no'}, {target_secs:.0f} |", flush=True)
    print(f"{len(numbers) - missed} of {len(numbers)} noticed")
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
