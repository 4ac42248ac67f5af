#![no_main]

#[path = "../../tests/model/chance.rs"]
mod chance;
#[path = "../../tests/model/plain.rs"]
mod plain;
#[path = "../../tests/model/run.rs"]
#[allow(dead_code, reason = "the tests begin runs in other ways too")]
mod run;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| run::Run::follow(bytes));
