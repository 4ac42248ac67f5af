//! SQLite as a contestant: WAL, `synchronous=FULL`, one transaction per operation, the same columns, the same sealing.
//!
//! Its events have what our records have, and are chained the same way; the state that our store keeps in memory is
//! in rows here, since that is how one would do it.

use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::sealing::{random, seal};
use crate::work::{Contestant, DATA, Operation};

/// How callers share the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// One connection, which callers take in turns.
    OneConnection,
    /// A connection for each, with a busy timeout.
    ConnectionEach,
}

/// A database with one secret per caller.
pub(crate) struct Sqlite(Vec<Mutex<Connection>>);

impl Sqlite {
    /// Makes the database and its secrets.
    pub(crate) fn create(dir: &Path, callers: usize, sharing: Sharing) -> Self {
        let path = dir.join(format!("{sharing:?}.sqlite"));
        let connections = if sharing == Sharing::OneConnection { 1 } else { callers };
        let connections: Vec<_> = (0..connections).map(|_| Mutex::new(open(&path))).collect();
        let mut first = connections[0].lock().expect("no caller panicked");
        first.execute_batch(SCHEMA).expect("tables");
        for caller in 0..callers {
            let transaction = begin(&mut first);
            let id = secret_id(caller);
            let insert = "INSERT INTO secrets VALUES (?1, ?2, 1, 0, 0, 0, 0)";
            transaction.execute(insert, params![id, format!("service-{caller:08}-token")]).expect("a row");
            rotate(&transaction, &id, &seal(&DATA));
            transaction.commit().expect("a commit");
        }
        drop(first);
        Self(connections)
    }
}

impl Contestant for Sqlite {
    fn run(&self, caller: usize, operation: Operation) {
        let sealed = (operation == Operation::Rotate).then(|| seal(&DATA));
        let mut connection = self.0[caller % self.0.len()].lock().expect("no caller panicked");
        let transaction = begin(&mut connection);
        let id = secret_id(caller);
        match (operation, sealed) {
            (Operation::Rotate, Some(sealed)) => rotate(&transaction, &id, &sealed),
            (Operation::RemoveLock, _) => remove_lock(&transaction, &id),
            _ => place_lock(&transaction, &id),
        }
        transaction.commit().expect("a commit");
    }
}

fn open(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("a database");
    connection.busy_timeout(Duration::from_secs(60)).expect("a timeout");
    connection.pragma_update(None, "journal_mode", "WAL").expect("write-ahead log");
    connection.pragma_update(None, "synchronous", "FULL").expect("a sync per commit");
    connection.set_prepared_statement_cache_capacity(64);
    connection
}

fn begin(connection: &mut Connection) -> Transaction<'_> {
    connection.transaction_with_behavior(TransactionBehavior::Immediate).expect("a transaction")
}

fn place_lock(transaction: &Transaction<'_>, id: &[u8; 16]) {
    let (revision, number) = secret(transaction, id);
    let position = append(transaction, 8, id, revision + 1, &[b'l'; 90]);
    let replace =
        "INSERT OR REPLACE INTO locks VALUES (?1, ?2, 'billing', 'service/billing', ?3, 'service/billing', ?4)";
    execute(transaction, replace, params![id, number, now(), position]);
    update(transaction, id, revision + 1, number, position);
}

fn remove_lock(transaction: &Transaction<'_>, id: &[u8; 16]) {
    let (revision, number) = secret(transaction, id);
    let remove = "DELETE FROM locks WHERE secret = ?1 AND version = ?2 AND name = 'billing'";
    if execute(transaction, remove, params![id, number]) > 0 {
        let position = append(transaction, 10, id, revision + 1, &[b'l'; 60]);
        update(transaction, id, revision + 1, number, position);
    }
}

fn rotate(transaction: &Transaction<'_>, id: &[u8; 16], sealed: &crate::sealing::Sealed) {
    let (mut revision, mut number) = secret(transaction, id);
    (revision, number) = (revision + 1, number + 1);
    let mut position = append(transaction, 2, id, revision, &[b'v'; 130]);
    execute(transaction, "INSERT INTO data VALUES (?1, ?2, ?3)", params![sealed.id, sealed.wrapped, sealed.data]);
    let insert = "INSERT INTO versions VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'service/billing')";
    let version: [u8; 16] = random();
    execute(transaction, insert, params![id, number, version, sealed.id, sealed.digest, now()]);
    let locked = "SELECT count(*) FROM locks WHERE secret = ?1 AND version = ?2";
    let locks: i64 = transaction
        .prepare_cached(locked)
        .and_then(|mut query| query.query_row(params![id, number - 2], |row| row.get(0)))
        .expect("a count");
    assert_eq!(locks, 0, "nothing that is locked is destroyed");
    let destroy = "DELETE FROM data WHERE data_key = (SELECT data_key FROM versions WHERE secret = ?1 AND number = ?2)";
    if execute(transaction, destroy, params![id, number - 2]) > 0 {
        revision += 1;
        position = append(transaction, 7, id, revision, &[b'd'; 60]);
    }
    update(transaction, id, revision, number, position);
}

/// Gives revision and newest version of a secret.
fn secret(transaction: &Transaction<'_>, id: &[u8; 16]) -> (i64, i64) {
    let mut query = transaction.prepare_cached("SELECT revision, newest FROM secrets WHERE id = ?1").expect("a query");
    query.query_row(params![id], |row| Ok((row.get(0)?, row.get(1)?))).expect("a secret")
}

fn update(transaction: &Transaction<'_>, id: &[u8; 16], revision: i64, number: i64, position: i64) {
    let update = "UPDATE secrets SET revision = ?2, newest = ?3, as_of = ?4, updated_at = ?5 WHERE id = ?1";
    execute(transaction, update, params![id, revision, number, position + 1, now()]);
}

/// Appends an event to the chain; gives its position.
fn append(transaction: &Transaction<'_>, event_type: u16, id: &[u8; 16], revision: i64, body: &[u8]) -> i64 {
    let (size, head) = {
        let mut query = transaction.prepare_cached("SELECT size, head FROM log_end").expect("a query");
        query.query_row([], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; 32]>(1)?))).expect("the end")
    };
    let event_id: [u8; 16] = random();
    let body = [&random::<16>()[..], body].concat();
    let context = [b'c'; 40];
    let (context_hash, body_hash) = (*blake3::hash(&context).as_bytes(), *blake3::hash(&body).as_bytes());
    let time = now();
    let header =
        [&head[..], &context_hash, &body_hash, &event_id, id, &time.to_be_bytes(), &size.to_be_bytes()].concat();
    let insert = "INSERT INTO events VALUES (?1, 0, 1, 0, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    execute(
        transaction,
        insert,
        params![size, event_type, id, revision, event_id, time, head, context_hash, body_hash, context, body],
    );
    let head = *blake3::hash(&header).as_bytes();
    execute(transaction, "UPDATE log_end SET size = ?1, head = ?2", params![size + 1, head]);
    size
}

fn execute(transaction: &Transaction<'_>, sql: &str, params: impl rusqlite::Params) -> usize {
    transaction.prepare_cached(sql).and_then(|mut statement| statement.execute(params)).expect("a statement")
}

fn secret_id(caller: usize) -> [u8; 16] {
    (caller as u128 + 1).to_be_bytes()
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i64)
}

const SCHEMA: &str = "
    CREATE TABLE log_end (size INTEGER NOT NULL, head BLOB NOT NULL);
    INSERT INTO log_end VALUES (0, zeroblob(32));
    CREATE TABLE events (
        position INTEGER PRIMARY KEY, batch_index INTEGER, batch_count INTEGER, erasure INTEGER, event_type INTEGER,
        schema INTEGER, secret BLOB, revision INTEGER, event_id BLOB, recorded_at INTEGER, head_before BLOB,
        context_hash BLOB, body_hash BLOB, context BLOB, body BLOB
    );
    CREATE TABLE secrets (
        id BLOB PRIMARY KEY, name TEXT, type INTEGER, revision INTEGER, newest INTEGER, as_of INTEGER,
        updated_at INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE versions (
        secret BLOB, number INTEGER, id BLOB, data_key BLOB, digest BLOB, created_at INTEGER, created_by TEXT,
        PRIMARY KEY (secret, number)
    ) WITHOUT ROWID;
    CREATE TABLE locks (
        secret BLOB, version INTEGER, name TEXT, owner TEXT, created_at INTEGER, created_by TEXT,
        fencing_token INTEGER, PRIMARY KEY (secret, version, name)
    ) WITHOUT ROWID;
    CREATE TABLE data (data_key BLOB PRIMARY KEY, wrapped BLOB, sealed BLOB) WITHOUT ROWID;
";
