//! Owns the frozen shape of a rotation policy.

use super::shape::wire_struct;
use super::value::Maybe;
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};

wire_struct!(
    /// The time between two rotations.
    IntervalV1 is Interval {
        count: u16,
        unit: IntervalUnit,
    }
);

wire_struct!(
    /// How a secret rotates by policy.
    RotationPolicyV1 is RotationPolicy {
        auto_rotate: bool,
        interval: IntervalV1,
    }
);

impl From<Maybe<RotationPolicyV1>> for Option<RotationPolicy> {
    fn from(policy: Maybe<RotationPolicyV1>) -> Self {
        policy.lift()
    }
}
