//! Measurements, not tests: `cargo test --release --lib codec::tests::speed -- --ignored --nocapture`.

use std::hint::black_box;
use std::time::Instant;

use super::sample;
use super::saved::secret;
use crate::codec::context::{decode_context, encode_context};
use crate::codec::event::{decode_event, encode_event, schema_of};
use crate::codec::saved;
use crate::codec::tests::saved::KEY;
use crate::domain::event::Event;

/// Many short runs, of which the best counts: on a busy machine a long run is always disturbed.
const RUNS: u32 = 200;
const CALLS: u32 = 5_000;

#[test]
#[ignore = "a measurement"]
fn nanoseconds_per_call() {
    let samples = sample::events();
    let pick = |label: &str, case: &str| {
        let found = samples.iter().find(|(name, event)| event.label() == label && *name == case);
        found.unwrap().1.clone()
    };
    event("LockPlaced, typical", &sample::typical_lock_placed());
    event("LockPlaced, all fields", &pick("LockPlaced", "full"));
    event("LockRemoved", &pick("LockRemoved", "full"));
    event("VersionAdded, plain", &pick("VersionAdded", "bare"));
    event("VersionAdded, all fields", &pick("VersionAdded", "full"));
    event("SecretCreated, plain", &pick("SecretCreated", "arbitrary"));
    for (case, context) in sample::contexts() {
        let bytes = encode_context(&context).unwrap();
        time(&format!("decode context, {case}"), || decode_context(black_box(&bytes)));
        time(&format!("encode context, {case}"), || encode_context(black_box(&context)));
    }
    let secret = secret();
    let row = saved::encode_secret(KEY, &secret).unwrap();
    time(&format!("decode saved secret, {} bytes", row.bytes.len()), || {
        saved::decode_secret(KEY, secret.id, black_box(&row.bytes))
    });
    time("encode saved secret", || saved::encode_secret(KEY, black_box(&secret)));
}

fn event(what: &str, event: &Event) {
    let body = encode_event(event, &sample::SALT).unwrap();
    let (number, schema) = (event.number(), schema_of(event));
    time(&format!("decode {what}, {} bytes", body.len()), || decode_event(number, schema, black_box(&body)));
    time(&format!("encode {what}"), || encode_event(black_box(event), &sample::SALT));
}

fn time<T, E>(what: &str, mut call: impl FnMut() -> Result<T, E>) {
    let best = (0..RUNS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..CALLS {
                assert!(black_box(call()).is_ok());
            }
            start.elapsed().as_nanos() / u128::from(CALLS)
        })
        .min();
    println!("{:>6} ns  {what}", best.unwrap());
}
