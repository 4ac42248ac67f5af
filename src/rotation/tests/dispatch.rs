//! What is taken up in one look: of secrets whose data the store makes itself, and of the others.

use super::world::{DAY, World, issuer};
use crate::domain::issuance::Issuance;
use crate::domain::name::{SecretName, Username};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::rotation::IssuerClass;
use crate::domain::secret::PasswordPolicy;
use crate::issuer::kit::ModelIssuer;
use crate::store::new_secret::NewSecret;

/// A thousand that an issuer is slow with once kept those from their turn that need no issuer.
#[test]
fn however_many_wait_for_an_issuer_those_that_need_none_are_taken_up() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateWithToken));
    let ops = world.ops();
    for number in 0..1_100 {
        let name = SecretName::parse(&format!("slow-{number}")).unwrap();
        ops.create(NewSecret::service_credentials(name, Issuance::by(issuer()))).unwrap();
    }
    let policy = RotationPolicy::every(Interval::new(1, IntervalUnit::Day).unwrap());
    let (name, username) = (SecretName::parse("own").unwrap(), Username::parse("admin").unwrap());
    let new = NewSecret::generated_password(name, username, PasswordPolicy::default()).rotating(policy);
    let own = ops.create(new).unwrap().secret.unwrap();
    world.clock.advance(DAY);
    let worker = world.worker();
    assert_eq!(worker.0.core.look(), (vec![own], 8), "the others are due longer");
    assert_eq!(worker.0.core.look(), (vec![own], 8), "what is given back is taken up again");
}
