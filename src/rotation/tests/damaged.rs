//! Data of one secret that is damaged: whoever rotates says so, and does what is due for all others.

use super::world::{HOUR, World, issuer};
use crate::RotationWorker;
use crate::codec::keys;
use crate::domain::issuance::Issuance;
use crate::domain::name::SecretName;
use crate::domain::rotation::IssuerClass;
use crate::issuer::kit::{ModelFault, ModelIssuer, ModelMethod};
use crate::storage::Batch;
use crate::storage::chunks::put_chunked;
use crate::store::new_secret::NewSecret;

/// A run ended at the first error, so all that were due behind it never had their turn.
#[test]
fn damaged_data_of_one_secret_keeps_no_other_from_being_rotated() {
    let world = World::new(ModelIssuer::new(IssuerClass::CreateWithToken));
    world.model.fault_soon(ModelMethod::Verify, 0, ModelFault::BeUnavailable);
    world.worker().run_due().unwrap();
    let secret = world.get();
    let sealed = secret.rotation.as_deref().unwrap().credential().unwrap().sealed;
    let mut batch = Batch::new();
    put_chunked(&mut batch, &keys::sealed_data(sealed.data_key), b"damaged").unwrap();
    world.store.0.shared.storage.commit(&batch).unwrap();
    // It is due longer than the other.
    world.clock.advance(HOUR);
    let name = SecretName::parse("billing").unwrap();
    let new = NewSecret::service_credentials(name, Issuance::by(issuer()));
    let other = world.ops().create(new).unwrap().secret.unwrap();
    let worker = RotationWorker::new(&world.store, world.options().threads(1));
    assert_eq!(worker.run_due().unwrap_err().code(), "corrupt");
    assert_eq!(world.store.secret(other).unwrap().versions.len(), 1);
    let [(damaged, why)] = &worker.waiting()[..] else { panic!("{:?}", worker.waiting()) };
    assert!(*damaged == world.secret && why.as_str().contains("restore the store from a backup"), "{why}");
}
