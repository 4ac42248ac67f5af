//! Owns the properties that an issuer is tested for: what the rotation worker relies on, by class.

use std::sync::Arc;

use super::bench::{Answer, Bench, Made};
use super::by_jobs::ByJobs;
use super::report::{Finding, Report};
use super::trial::Trial;
use crate::domain::id::LogId;
use crate::domain::name::OutsideId;
use crate::domain::rotation::IssuerClass;
use crate::issuer::credential;
use crate::issuer::issuer::Issuer;
use crate::issuer::outcome::{Issued, IssuerErrorKind};
use crate::seal::secret_bytes::SecretBytes;

/// The result of a test: passed, why it was not made, or what was seen instead.
type Tried = Result<Option<&'static str>, String>;
/// A property: its name, and its test.
type Property = (&'static str, fn(&Bench<'_>) -> Tried);

const PROPERTIES: &[Property] = &[
    ("a credential can be kept and logs in", logs_in),
    ("a credential that was ended logs in no more", ends),
    ("retiring again, and retiring what was never made, is fine", retires_again),
    ("a lost reply is made good as the class promises", lost_reply),
    ("two calls at once leave nothing that cannot be ended", at_once),
    ("everything of a store is listed with its rotation, and of that store alone", listed),
    ("a refusal is told as one, and nothing was made", refused),
    ("while the outside system is away nothing is claimed, and afterwards all goes on", away),
    ("no reason holds secret data", tells_nothing),
    ("every call ends by itself", ends_in_time),
];

const NOT_OPAQUE: Option<&str> = Some("class opaque promises nothing here: a person looks");
const ONLY_DISCOVERABLE: Option<&str> = Some("asked of class create_discoverable alone");

/// Tests everything that the rotation worker relies on. Leaves nothing outside if the issuer keeps its promises, except
/// for class `SetValue`, whose account then has another value.
///
/// Calls that hang are left after the trial's limit, and keep their resources.
///
/// ```
/// use std::sync::Arc;
///
/// use latchkeep::issuer_kit::{ModelIssuer, Trial, check};
/// use latchkeep::{IssuerClass, LogId, SecretName};
///
/// let issuer = Arc::new(ModelIssuer::new(IssuerClass::CreateDiscoverable));
/// let trial = Trial::new(LogId::from_bytes([7; 16]), SecretName::parse("billing-db")?);
/// let report = check(issuer, &trial);
/// assert!(report.is_clean(), "{report}");
/// # Ok::<(), latchkeep::Invalid>(())
/// ```
#[must_use]
pub fn check(issuer: Arc<dyn Issuer>, trial: &Trial) -> Report {
    let mut report = Report::default();
    let Some(issuer) = called(issuer, trial) else {
        let why = "the issuer leaves its work to jobs, and the trial does not say how their reports come".to_owned();
        report.push("a report comes of each job", Finding::Broken(why));
        return report;
    };
    let bench = Bench::new(issuer, trial);
    for (name, tried) in PROPERTIES {
        let finding = match tried(&bench) {
            Ok(None) => Finding::Held,
            Ok(Some(why)) => Finding::NotAsked(why),
            Err(seen) => Finding::Broken(bench.shown(seen)),
        };
        report.push(name, finding);
    }
    report
}

/// Returns an issuer whose calls end when they answer: one that begins jobs waits for their reports.
fn called(issuer: Arc<dyn Issuer>, trial: &Trial) -> Option<Arc<dyn Issuer>> {
    if issuer.job_limit().is_none() {
        return Some(issuer);
    }
    let reports = trial.reports.clone()?;
    Some(Arc::new(ByJobs { issuer, reports }))
}

/// Makes the credential of a rotation; first picks its value if the class needs that.
fn make(bench: &Bench<'_>, rotation: u32) -> Result<Made, String> {
    let value = picked(bench, rotation)?;
    Ok(made(rotation, bench.create(rotation, value.as_ref()).got("create")?))
}

fn picked(bench: &Bench<'_>, rotation: u32) -> Result<Option<Arc<SecretBytes>>, String> {
    let wanted = bench.class == IssuerClass::SetValue;
    wanted.then(|| bench.pick(rotation).got("pick").map(Arc::new)).transpose()
}

fn made(rotation: u32, issued: Issued) -> Made {
    Made { rotation, credential: Arc::new(issued.credential), outside: issued.outside }
}

fn end(bench: &Bench<'_>, made: &Made) -> Result<(), String> {
    bench.retire(made.rotation, made.outside.as_ref()).got("retire")
}

/// Checks that a credential does not log in, if that can be seen.
fn is_dead(bench: &Bench<'_>, made: &Made, which: &str) -> Result<(), String> {
    match bench.verify(made) {
        Answer::Got(()) if bench.trial.has_outside => Err(format!("{which} still logs in")),
        Answer::Never => Err("verify gave no answer".to_owned()),
        Answer::Got(()) | Answer::Said(_) => Ok(()),
    }
}

fn logs_in(bench: &Bench<'_>) -> Tried {
    let made = make(bench, 1)?;
    if !credential::is_kept(&made.credential) {
        return Err("the credential is no JSON object with a field, none twice, within 512 KiB".to_owned());
    }
    if made.outside.is_none() && bench.class == IssuerClass::CreateDiscoverable {
        return Err("the outside system has no name for it, so it could not be retired".to_owned());
    }
    bench.verify(&made).got("verify")?;
    end(bench, &made)?;
    Ok(None)
}

fn ends(bench: &Bench<'_>) -> Tried {
    if !bench.trial.has_outside {
        return Ok(Some("no outside system knows the values"));
    }
    let old = make(bench, 2)?;
    bench.verify(&old).got("verify")?;
    let new = make(bench, 3)?;
    bench.verify(&new).got("verify of the newer one")?;
    if bench.class == IssuerClass::SetValue {
        is_dead(bench, &old, "the value that was replaced")?;
    } else {
        bench.verify(&old).got("verify of the older one, which nobody ended")?;
    }
    end(bench, &old)?;
    is_dead(bench, &old, "what was retired")?;
    bench.verify(&new).got("verify of the newer one after the older was ended")?;
    end(bench, &new)?;
    Ok(None)
}

fn retires_again(bench: &Bench<'_>) -> Tried {
    let made = make(bench, 4)?;
    end(bench, &made)?;
    end(bench, &made).map_err(|seen| format!("the second time {seen}"))?;
    if bench.class != IssuerClass::Opaque {
        bench.retire(5, None).got("retire of a rotation that made nothing")?;
    }
    Ok(None)
}

fn lost_reply(bench: &Bench<'_>) -> Tried {
    const ROTATION: u32 = 6;
    let value = picked(bench, ROTATION)?;
    let lost = match bench.class {
        IssuerClass::Opaque => return Ok(NOT_OPAQUE),
        _ => made(ROTATION, bench.create(ROTATION, value.as_ref()).got("create")?),
    };
    if bench.class == IssuerClass::CreateDiscoverable {
        let found = bench.find(ROTATION).got("find")?;
        if !lost.outside.as_ref().is_some_and(|outside| found.contains(outside)) {
            return Err(format!("find does not find what was made; it finds {}", found.len()));
        }
        end_all(bench, ROTATION, &found)?;
        is_dead(bench, &lost, "what was found and retired")?;
    }
    let again = made(ROTATION, bench.create(ROTATION, value.as_ref()).got("create, called again,")?);
    if bench.class == IssuerClass::CreateWithToken && !same(&lost, &again) {
        return Err("the same token gave another credential".to_owned());
    }
    bench.verify(&again).got("verify after the second call")?;
    end(bench, &again)?;
    if bench.class != IssuerClass::SetValue {
        is_dead(bench, &again, "what was retired")?;
    }
    Ok(None)
}

fn same(one: &Made, other: &Made) -> bool {
    one.outside == other.outside && one.credential.equals_in_constant_time(&other.credential)
}

fn end_all(bench: &Bench<'_>, rotation: u32, found: &[OutsideId]) -> Result<(), String> {
    for outside in found {
        bench.retire(rotation, Some(outside)).got("retire of what was found")?;
    }
    match bench.find(rotation).got("find")?.len() {
        0 => Ok(()),
        left => Err(format!("find still finds {left} after all were retired")),
    }
}

fn at_once(bench: &Bench<'_>) -> Tried {
    const ROTATION: u32 = 7;
    if bench.class == IssuerClass::Opaque {
        return Ok(NOT_OPAQUE);
    }
    let value = picked(bench, ROTATION)?;
    let started = [(); 2].map(|()| bench.start_create(ROTATION, value.as_ref()));
    let mut all = Vec::new();
    for started in &started {
        match bench.wait_created(started) {
            Answer::Got(issued) => all.push(made(ROTATION, issued)),
            Answer::Said(_) => {}
            Answer::Never => return Err("create gave no answer".to_owned()),
        }
    }
    if bench.class == IssuerClass::CreateDiscoverable {
        let found = bench.find(ROTATION).got("find")?;
        end_all(bench, ROTATION, &found)?;
        return all.iter().try_for_each(|made| is_dead(bench, made, "what was made at once")).map(|()| None);
    }
    let again = made(ROTATION, bench.create(ROTATION, value.as_ref()).got("create, called once more,")?);
    if bench.class == IssuerClass::CreateWithToken && !all.iter().all(|made| same(made, &again)) {
        return Err("the same token gave two credentials".to_owned());
    }
    bench.verify(&again).got("verify after two calls at once")?;
    end(bench, &again)?;
    Ok(None)
}

fn listed(bench: &Bench<'_>) -> Tried {
    if bench.class != IssuerClass::CreateDiscoverable {
        return Ok(ONLY_DISCOVERABLE);
    }
    let made = make(bench, 8)?;
    let store = bench.trial.store;
    let other = LogId::from_bytes(store.as_bytes().map(|byte| !byte));
    let [own, others] = [store, other].map(|store| {
        let listed = bench.start("list", 8, move |issuer, _| issuer.list(store));
        bench.wait(&listed).got("list")
    });
    let (own, others) = (own?, others?);
    let expected = made.outside.clone().map(|outside| (bench.trial.rotation(8), outside));
    if !expected.is_some_and(|made| own.contains(&made)) {
        return Err("list does not name what was made".to_owned());
    }
    if !others.is_empty() {
        return Err("list names what belongs to another store".to_owned());
    }
    end(bench, &made)?;
    Ok(None)
}

fn refused(bench: &Bench<'_>) -> Tried {
    const ROTATION: u32 = 9;
    let Some(parameters) = bench.trial.refused.clone() else {
        return Ok(Some("the trial tells of no parameters that are to be refused"));
    };
    match bench.create_with(ROTATION, parameters) {
        Answer::Said(error) if error.kind() == IssuerErrorKind::Refused => {}
        other => return Err(format!("it was not refused: {other:?}")),
    }
    if bench.class == IssuerClass::CreateDiscoverable && !bench.find(ROTATION).got("find")?.is_empty() {
        return Err("something was made all the same".to_owned());
    }
    Ok(None)
}

fn away(bench: &Bench<'_>) -> Tried {
    let Some(outage) = &bench.trial.outage else {
        return Ok(Some("the trial tells no way to take the outside system away"));
    };
    let before = make(bench, 10)?;
    let value = picked(bench, 11)?;
    (outage.begin)();
    let claims = claims_while_away(bench, &before, value.as_ref());
    (outage.end)();
    claims?;
    if bench.class == IssuerClass::CreateDiscoverable {
        let found = bench.find(11).got("find afterwards")?;
        end_all(bench, 11, &found)?;
    } else if bench.class != IssuerClass::SetValue {
        bench.verify(&before).got("verify of the older one afterwards")?;
    }
    let after = made(11, bench.create(11, value.as_ref()).got("create afterwards")?);
    bench.verify(&after).got("verify afterwards")?;
    end(bench, &before)?;
    end(bench, &after)?;
    Ok(None)
}

/// Makes all calls while the outside system is unavailable: no call may have an answer, nor say that it was refused.
fn claims_while_away(bench: &Bench<'_>, before: &Made, value: Option<&Arc<SecretBytes>>) -> Result<(), String> {
    unanswered("create", &bench.create(11, value))?;
    unanswered("verify", &bench.verify(before))?;
    if bench.class != IssuerClass::SetValue {
        unanswered("retire", &bench.retire(before.rotation, before.outside.as_ref()))?;
    }
    if bench.class == IssuerClass::CreateDiscoverable {
        unanswered("find", &bench.find(11))?;
        let store = bench.trial.store;
        unanswered("list", &bench.wait(&bench.start("list", 11, move |issuer, _| issuer.list(store))))?;
    }
    Ok(())
}

fn unanswered<T>(name: &str, answer: &Answer<T>) -> Result<(), String> {
    match answer {
        Answer::Said(error) if error.kind() != IssuerErrorKind::Refused => Ok(()),
        other => Err(format!("{name}, asked meanwhile, answered: {other:?}")),
    }
}

fn tells_nothing(bench: &Bench<'_>) -> Tried {
    if bench.secret_was_told() { Err("an error repeats a part of a credential".to_owned()) } else { Ok(None) }
}

fn ends_in_time(bench: &Bench<'_>) -> Tried {
    let unended = bench.unended();
    if unended.is_empty() { Ok(None) } else { Err(unended.join(", ")) }
}
