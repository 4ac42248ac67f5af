#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| latchkeep::fuzzing::changed_rows(bytes));
