//! The rules explored, not only sampled: every order of what two workers, two consumers, an owner, a host, crashes and
//! faults can do to secrets of two issuer classes, up to bounds. What may happen is asked of `judge`, what it changes of
//! the replay; nothing of either is said here again.
//!
//! Usual runs explore small bounds. The large ones, of hundreds of thousands of nodes, are explored by
//! `cargo test --release --lib explor -- --ignored --nocapture`; `LATCHKEEP_FAULTS` calls that fail, at most, in place of one,
//! and `LATCHKEEP_DAYS` days that pass, in place of none, make millions of them.

mod form;
mod node;
mod outside;
mod people;
mod promises;
mod worker;

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::audit::Replay;
use crate::domain::command::{Command, Terms};
use crate::domain::due::{Step, steps};
use crate::domain::event::StoreCreated;
use crate::domain::id::{GroupId, LogId, SecretId};
use crate::domain::issuance::Issuance;
use crate::domain::name::{Actor, IssuerName, SecretName};
use crate::domain::rotation::{IssuerClass, RotationTrigger};
use crate::domain::secret::{SecretMetadata, SecretSpec};
use crate::domain::settings::{KeySlotKind, Settings};
use node::{Left, Node};
use outside::Luck;
use people::{CONSUMERS, Deed};
use promises::Promise;
use worker::{Issuers, Worker};

/// What is explored.
#[derive(Clone, Debug)]
struct Bounds {
    /// The class of the issuer of each secret; the second one is there too where there is one secret only.
    classes: [IssuerClass; 2],
    secrets: usize,
    /// Consumers that are waited for, and that lock what they use.
    consumers: usize,
    /// Versions of each secret at the beginning, and at most.
    versions: (usize, usize),
    /// Whether a worker waits until the other one is idle, as the store has them do.
    takes_turns: bool,
    left: Left,
}

impl Bounds {
    fn of(classes: [IssuerClass; 2], left: Left) -> Self {
        Self { classes, secrets: 1, consumers: 1, versions: (2, 3), takes_turns: true, left }
    }

    fn issuers(&self) -> Issuers {
        [("first", self.classes[0]), ("second", self.classes[1])]
            .map(|(name, class)| (IssuerName::parse(name).unwrap(), class))
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Action {
    Look(usize, SecretId, Step),
    Call(usize, Luck),
    Report(usize),
    Sweep(usize, IssuerName),
    Crash(usize),
    Do(SecretId, Deed),
    Whim(SecretId, Deed),
    Pass,
    BackUp,
    Restore,
    EndQuarantine,
}

impl Model for Bounds {
    type State = Node;
    type Action = Action;

    fn init_states(&self) -> Vec<Node> {
        let log_id = LogId::from_bytes([7; 16]);
        let mut node = Node::new(Replay::from_genesis(log_id), self.left);
        let created = StoreCreated { log_id, settings: Settings::default(), key_slot: KeySlotKind::KeyFile };
        node.append(&[(None, created.into())], &Terms::by(Actor::system()));
        for (at, (issuer, _)) in self.issuers().iter().enumerate().take(self.secrets) {
            let consumers =
                CONSUMERS.iter().take(self.consumers).map(|consumer| Actor::parse(consumer).unwrap()).collect();
            let issuance = Issuance { consumers, ..Issuance::by(issuer.clone()) };
            let id = SecretId::from_bytes(u128::try_from(at).unwrap().to_be_bytes());
            let metadata = SecretMetadata::bare(SecretName::parse(&format!("secret-{at}")).unwrap());
            let spec = SecretSpec::ServiceCredentials { issuance };
            let group = GroupId::DEFAULT;
            node.ask(
                "person",
                &Command::CreateSecret { id, group, metadata, spec, expires: None, policy: None, first: None },
            )
            .unwrap();
            for made in 0..self.versions.0 {
                self.rotate(&mut node, id, made);
            }
        }
        vec![node.settle()]
    }

    fn actions(&self, node: &Node, actions: &mut Vec<Action>) {
        if node.broken.is_some() {
            return;
        }
        let is_quarantined = node.log.state().whole.quarantine().is_some();
        for at in 0..2 {
            self.work(node, at, is_quarantined, actions);
        }
        for secret in node.ids() {
            let habits = Deed::habits(self.consumers).filter(|deed| self.may(node, secret, *deed));
            actions.extend(habits.map(|deed| Action::Do(secret, deed)));
            if node.left.whims > 0 {
                actions.extend(Deed::WHIMS.map(|deed| Action::Whim(secret, deed)));
            }
        }
        let left = node.left;
        let can = [
            (left.days > 0, Action::Pass),
            (left.restores > 0 && node.kept.is_none(), Action::BackUp),
            (left.restores > 0 && node.kept.is_some(), Action::Restore),
            (is_quarantined, Action::EndQuarantine),
        ];
        actions.extend(can.into_iter().filter(|(can, _)| *can).map(|(_, action)| action));
    }

    fn next_state(&self, before: &Node, action: Action) -> Option<Node> {
        let mut node = before.clone();
        let issuers = self.issuers();
        match &action {
            Action::Look(at, secret, step) => node.look(*at, &issuers, *secret, *step),
            Action::Call(at, luck) => {
                node.left.faults -= u8::from(*luck != Luck::Well);
                node.call(*at, &issuers, *luck);
            }
            Action::Report(at) => node.report(*at),
            Action::Sweep(at, issuer) => node.sweep(*at, issuer),
            Action::Crash(at) => {
                node.left.crashes -= 1;
                node.workers[*at] = Worker::Idle;
            }
            Action::Do(secret, deed) => node.deed(&issuers, *secret, *deed),
            Action::Whim(secret, deed) => {
                node.left.whims -= 1;
                node.deed(&issuers, *secret, *deed);
            }
            Action::Pass => node.pass(),
            Action::BackUp => node.back_up(),
            Action::Restore => node.restore(),
            Action::EndQuarantine => drop(node.ask("person", &Command::EndQuarantine)),
        }
        if matches!(action, Action::Do(..) | Action::Whim(..)) && node.log.size() == before.log.size() {
            return None;
        }
        let node = node.settle();
        (node != *before).then_some(node)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no locked version is touched", |_, node: &Node| node.broken != Some(Promise::Locks)),
            Property::always("what is shown or sealed logs in", |_, node: &Node| node.broken != Some(Promise::LogsIn)),
            Property::always("what is retired does not", |_, node: &Node| node.broken != Some(Promise::Ended)),
            Property::always("what is in use is not ended", |_, node: &Node| node.broken != Some(Promise::InUse)),
            Property::always("every batch is legal", |_, node: &Node| node.broken != Some(Promise::Legal)),
            Property::always("nothing acknowledged is undone", |_, node: &Node| node.broken != Some(Promise::Kept)),
            Property::always("strangers live", |_, node: &Node| node.broken != Some(Promise::Strangers)),
        ]
    }
}

impl Bounds {
    /// Makes a version, from its plan to its commit.
    fn rotate(&self, node: &mut Node, secret: SecretId, made: usize) {
        let issuers = self.issuers();
        let trigger = if made == 0 { RotationTrigger::FirstVersion } else { RotationTrigger::ByHand };
        node.plan(&issuers, secret, trigger, "person");
        for _ in 0..2 {
            node.look(0, &issuers, secret, Step::GoOn);
            node.call(0, &issuers, Luck::Well);
            node.report(0);
        }
        assert_eq!(node.secret(secret).unwrap().versions.len(), made + 1);
    }

    /// What a worker can do next.
    fn work(&self, node: &Node, at: usize, is_quarantined: bool, actions: &mut Vec<Action>) {
        let worker = &node.workers[at];
        if *worker != Worker::Idle && node.left.crashes > 0 {
            actions.push(Action::Crash(at));
        }
        match worker {
            Worker::Idle if is_quarantined => {}
            // Two that are idle are alike.
            Worker::Idle if at == 1 && node.workers[0] == Worker::Idle => {}
            // One begins when the other has ended what it was at.
            Worker::Idle if self.takes_turns && node.workers[1 - at] != Worker::Idle => {}
            Worker::Idle => {
                for secret in node.log.state().secrets.values() {
                    let may = |step: &Step| !matches!(step, Step::Plan(_)) || secret.versions.len() < self.versions.1;
                    let due = steps(secret).map(|(_, step)| step).filter(may);
                    actions.extend(due.map(|step| Action::Look(at, secret.id, step)));
                }
                let lists = self.issuers().into_iter().filter(|(_, class)| *class == IssuerClass::CreateDiscoverable);
                actions.extend(lists.map(|(issuer, _)| Action::Sweep(at, issuer)));
            }
            Worker::Calling(_) | Worker::Sweeping(..) => {
                actions.push(Action::Call(at, Luck::Well));
                if node.left.faults > 0 {
                    actions.extend([Luck::Refused, Luck::Away, Luck::Lost].map(|luck| Action::Call(at, luck)));
                }
            }
            Worker::Called(..) => actions.push(Action::Report(at)),
        }
    }

    /// Whether a deed stays within the bounds.
    fn may(&self, node: &Node, secret: SecretId, deed: Deed) -> bool {
        deed != Deed::Rotate || node.secret(secret).is_some_and(|secret| secret.versions.len() < self.versions.1)
    }
}

/// Explores, and tells how much that was; gives the shortest ways to what broke a promise.
fn explore(bounds: &Bounds) -> Vec<String> {
    let began = std::time::Instant::now();
    let checker = bounds.clone().checker().threads(THREADS).spawn_bfs().join();
    let way = |(name, path): (&&str, &stateright::Path<Node, Action>)| {
        let actions: Vec<String> = path.clone().into_actions().iter().map(|action| format!("{action:?}")).collect();
        format!("{name}:\n  {}", actions.join("\n  "))
    };
    let mut ways: Vec<String> = checker.discoveries().iter().map(way).collect();
    ways.sort();
    println!(
        "{:?}: {} nodes, {} steps, {} deep, {:.1} s",
        bounds.classes,
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        began.elapsed().as_secs_f32()
    );
    ways
}

/// Threads that explore; with one, the ways that are found are the shortest.
const THREADS: usize = 1;

#[track_caller]
fn check(bounds: &Bounds) {
    let ways = explore(bounds);
    assert!(ways.is_empty(), "{:?}: {} promises are broken:\n{}", bounds.classes, ways.len(), ways.join("\n"));
}

const NOTHING: Left = Left { faults: 0, crashes: 0, restores: 0, whims: 0, days: 0 };
const LITTLE: Left = Left { faults: 1, crashes: 1, whims: 1, ..NOTHING };

/// One secret of a class, and one consumer.
fn small(class: IssuerClass, left: Left) -> Bounds {
    let finds = class == IssuerClass::CreateDiscoverable;
    let other = if finds { IssuerClass::SetValue } else { IssuerClass::CreateDiscoverable };
    Bounds::of([class, other], left)
}

/// Faults and crashes alone, then whims alone, then time.
fn check_class(class: IssuerClass) {
    check(&small(class, Left { faults: 1, crashes: 1, ..NOTHING }));
    check(&small(class, Left { whims: 1, ..NOTHING }));
    check(&small(class, Left { faults: 1, days: 1, ..NOTHING }));
}

#[test]
fn values_that_are_set_keep_the_promises() {
    check_class(IssuerClass::SetValue);
}

#[test]
fn credentials_by_token_keep_the_promises() {
    check_class(IssuerClass::CreateWithToken);
}

#[test]
fn credentials_that_are_found_keep_the_promises() {
    check_class(IssuerClass::CreateDiscoverable);
}

#[test]
fn opaque_credentials_keep_the_promises() {
    check_class(IssuerClass::Opaque);
}

#[test]
fn a_restored_store_keeps_the_promises_about_values_that_are_set() {
    check(&small(IssuerClass::SetValue, Left { restores: 1, ..NOTHING }));
}

#[test]
fn a_restored_store_keeps_the_promises_about_credentials_that_are_found() {
    check(&small(IssuerClass::CreateDiscoverable, Left { restores: 1, ..NOTHING }));
}

/// Two workers that do not wait for each other end what is in use: the exploration finds that.
#[test]
fn workers_that_take_no_turns_are_found_out() {
    let bounds = small(IssuerClass::SetValue, Left { faults: 1, whims: 1, ..NOTHING });
    let bounds = Bounds { takes_turns: false, ..bounds };
    let checker = bounds.checker().finish_when(HasDiscoveries::Any).spawn_bfs().join();
    assert!(!checker.discoveries().is_empty(), "{} nodes were explored", checker.unique_state_count());
}

#[test]
#[ignore = "explores hundreds of thousands of nodes; by hand"]
fn each_class_keeps_the_promises_with_two_consumers() {
    let number = |variable| std::env::var(variable).ok().map(|text| text.parse().unwrap());
    let left =
        Left { faults: number("LATCHKEEP_FAULTS").unwrap_or(1), days: number("LATCHKEEP_DAYS").unwrap_or(0), ..LITTLE };
    for class in IssuerClass::ALL.iter().copied() {
        check(&Bounds { consumers: 2, ..small(class, left) });
    }
}
