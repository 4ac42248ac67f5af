//! Answers that cannot be read, of issuers that say that they made something.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::world::{World, issuer};
use crate::RotationWorker;
use crate::domain::id::{LogId, RotationId};
use crate::domain::name::{OutsideId, Reason};
use crate::domain::refusal::Refusal;
use crate::domain::rotation::IssuerClass;
use crate::issuer::issuer::{IssueOrder, Issuer};
use crate::issuer::kit::ModelIssuer;
use crate::issuer::outcome::{Issued, IssuerError};
use crate::rotation::options::WorkerOptions;
use crate::seal::secret_bytes::SecretBytes;

/// Does what the model does, and says so with a comma too many.
struct Garbling {
    model: Arc<ModelIssuer>,
    garbles: AtomicBool,
}

const ANSWER: &[u8] = b"{\"credential\": {\"password\": \"canary\"},}";

impl Issuer for Garbling {
    fn class(&self) -> IssuerClass {
        self.model.class()
    }

    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError> {
        let made = self.model.create(order, value)?;
        if self.garbles.load(Ordering::Relaxed) {
            return Err(IssuerError::unknown("a comma too many").keeping(SecretBytes::copy_from(ANSWER)));
        }
        Ok(made)
    }

    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        self.model.find(order)
    }

    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError> {
        self.model.verify(order, credential)
    }

    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError> {
        self.model.retire(order, outside)
    }

    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        self.model.list(store)
    }
}

/// What was made was thrown away, or ended, for a fault of form.
#[test]
fn an_answer_that_cannot_be_read_is_kept_for_a_person() {
    for class in [IssuerClass::Opaque, IssuerClass::CreateWithToken, IssuerClass::CreateDiscoverable] {
        for is_resumed in [false, true] {
            let what = format!("{class}, resumed: {is_resumed}");
            let world = World::new(ModelIssuer::new(class));
            let garbling = Arc::new(Garbling { model: Arc::clone(&world.model), garbles: AtomicBool::new(true) });
            let options = WorkerOptions::new().shared_issuer(issuer(), Arc::clone(&garbling) as Arc<_>);
            let worker = RotationWorker::new(&world.store, options);
            let kept = || world.ops().unread_answer(world.secret);
            worker.run_due().unwrap();
            let open = world.get().rotation.clone().unwrap();
            let parked = open.parked.unwrap().reason;
            assert!(parked.as_str().contains("a comma too many; the answer is kept, sealed"), "{what}: {parked}");
            assert_eq!((world.model.calls().len(), open.attempts), (1, 0), "{what}: nothing else is tried");
            assert_eq!(kept().unwrap().expose(), ANSWER, "{what}");
            world.audit(&what);

            garbling.garbles.store(false, Ordering::Relaxed);
            if is_resumed {
                world.ops().resume_rotation(world.secret).unwrap();
            } else {
                world.ops().abort_rotation(world.secret, Reason::of("mended")).unwrap();
            }
            world.recover();
            let gone = kept().unwrap_err();
            assert_eq!(gone.refusal(), Some(&Refusal::RotationNotFound), "{what}");
            world.check(&what);
        }
    }
}
