//! A PostgreSQL server of one's own: made, started, stopped hard, started again, gone with its directory.

use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use latchkeep::issuer_kit::Trial;
use latchkeep::{
    LogId, PostgresPassword, PostgresRole, PostgresServer, PostgresTls, RoleTemplate, SecretBytes, SecretName,
    SqlIdentifier, SqlPrivilege, SqlTarget,
};

pub const ADMIN_PASSWORD: &str = "canary-of-the-admin";
const ROOT_PASSWORD: &str = "canary-of-the-superuser";

/// What the database is made with: an admin that is no superuser, a group, a table, two accounts.
const SETUP: &str = r#"
CREATE ROLE keeper LOGIN CREATEROLE PASSWORD 'canary-of-the-admin';
CREATE ROLE readers;
CREATE ROLE billing LOGIN;
CREATE ROLE "o'Neil ""the\ $$ role"" ;--" LOGIN;
CREATE SCHEMA shop;
CREATE TABLE shop.orders (id int);
INSERT INTO shop.orders VALUES (7);
GRANT USAGE ON SCHEMA shop TO readers;
GRANT SELECT ON shop.orders TO readers;
GRANT USAGE, CREATE ON SCHEMA shop TO keeper WITH GRANT OPTION;
GRANT INSERT ON shop.orders TO keeper WITH GRANT OPTION;
"#;

pub struct Server {
    home: tempfile::TempDir,
    bin: PathBuf,
    user: Option<(u32, u32)>,
    pub port: u16,
}

impl Server {
    /// Starts a server; says why not, in a word that is shown, when there is none on this machine.
    pub fn start() -> Option<Self> {
        let Some(bin) = programs() else {
            crate::omission::not_run(
                "tests with a PostgreSQL server (tests/postgres, src/rotation/tests/real.rs)",
                "PostgreSQL is not installed (Debian: apt-get install postgresql)",
            );
            return None;
        };
        let user = unprivileged();
        // Whoever we are instead of root has to get there.
        let home = if user.is_some() { tempfile::tempdir_in("/tmp") } else { tempfile::tempdir() }.unwrap();
        if let Some((uid, gid)) = user {
            chown(home.path(), Some(uid), Some(gid)).unwrap();
        }
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let port = free_port();
        let server = Self { home, bin, user, port };
        server.make();
        server.begin();
        server.sql("postgres", "CREATE DATABASE app");
        server.sql("app", SETUP);
        Some(server)
    }

    fn make(&self) {
        let password = self.home.path().join("password");
        fs::write(&password, ROOT_PASSWORD).unwrap();
        if let Some((uid, gid)) = self.user {
            chown(&password, Some(uid), Some(gid)).unwrap();
        }
        let mut initdb = self.program("initdb");
        initdb.args(["-U", "root", "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8", "--locale=C", "-D"]);
        run(initdb.arg(self.data()).arg("--pwfile").arg(&password));
        self.configure("log_statement = 'all'\nlog_connections = on\nfsync = off\nlisten_addresses = '127.0.0.1'");
        self.configure(&format!("port = {}\nunix_socket_directories = '{}'", self.port, self.home.path().display()));
    }

    /// Adds lines to the server's configuration.
    pub fn configure(&self, lines: &str) {
        let mut file = fs::OpenOptions::new().append(true).open(self.data().join("postgresql.conf")).unwrap();
        writeln!(file, "{lines}").unwrap();
    }

    pub fn begin(&self) {
        run(self
            .program("pg_ctl")
            .arg("-D")
            .arg(self.data())
            .arg("-l")
            .arg(self.log_path())
            .args(["-w", "-s", "start"]));
    }

    /// Stops it as a power cut would: no goodbye, recovery at the next start.
    pub fn kill(&self) {
        run(self.program("pg_ctl").arg("-D").arg(self.data()).args(["-m", "immediate", "-w", "-s", "stop"]));
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap()
    }

    pub fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// Writes a file that the server may read and nobody else.
    pub fn write_private(&self, name: &str, text: &str) -> PathBuf {
        let path = self.data().join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        if let Some((uid, gid)) = self.user {
            chown(&path, Some(uid), Some(gid)).unwrap();
        }
        path
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("log")
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin.join(name));
        command.current_dir(self.home.path()).stdin(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Runs statements as superuser, and gives what they answer, a line per row.
    #[track_caller]
    pub fn sql(&self, database: &str, sql: &str) -> String {
        let output = self.psql(database, "root", ROOT_PASSWORD).arg("-c").arg(sql).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub fn psql(&self, database: &str, user: &str, password: &str) -> Command {
        let mut psql = self.program("psql");
        psql.env("PGPASSWORD", password).args([
            "-h",
            "127.0.0.1",
            "-p",
            &self.port.to_string(),
            "-U",
            user,
            "-d",
            database,
        ]);
        psql.args(["-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1"]);
        psql
    }

    /// The server as issuers see it, perhaps through a proxy on another port.
    pub fn seen_through(&self, port: u16) -> PostgresServer {
        PostgresServer::new("127.0.0.1", port, name("app"), name("keeper"), PostgresTls::off())
            .unwrap()
            .with_admin_password(SecretBytes::copy_from(ADMIN_PASSWORD.as_bytes()))
            .giving_up_after(Duration::from_secs(5))
    }

    pub fn seen(&self) -> PostgresServer {
        self.seen_through(self.port)
    }

    pub fn roles_of_ours(&self) -> String {
        self.sql("app", "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'lk\\_%'")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.program("pg_ctl").arg("-D").arg(self.data()).args(["-m", "immediate", "-s", "stop"]).output();
    }
}

/// Finds a port that is free and stays so while the server is away: below those that outgoing connections get.
fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let candidate =
        || 15_000 + std::process::id().wrapping_mul(16).wrapping_add(NEXT.fetch_add(1, Ordering::SeqCst)) % 15_000;
    let ports = std::iter::repeat_with(|| u16::try_from(candidate()).unwrap()).take(1_000);
    ports.into_iter().find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("some port is free")
}

pub fn name(text: &str) -> SqlIdentifier {
    SqlIdentifier::parse(text).unwrap()
}

pub fn password_issuer(server: PostgresServer) -> PostgresPassword {
    PostgresPassword::new(server, name("billing")).unwrap()
}

pub fn role_issuer(server: PostgresServer) -> PostgresRole {
    let template = RoleTemplate::new()
        .member_of(name("readers"))
        .granting(&[SqlPrivilege::Usage, SqlPrivilege::Create], SqlTarget::Schema(name("shop")))
        .granting(&[SqlPrivilege::Insert], SqlTarget::Table(name("shop"), name("orders")));
    PostgresRole::new(server, template).unwrap()
}

pub fn trial() -> Trial {
    Trial::new(LogId::from_bytes([7; 16]), SecretName::parse("billing-db").unwrap())
}

/// Reads a field of a credential.
pub fn field(credential: &SecretBytes, name: &str) -> String {
    let fields: serde_json::Value = serde_json::from_slice(credential.expose()).unwrap();
    fields[name].as_str().unwrap().to_owned()
}

/// Finds the programs of the newest release of PostgreSQL that Debian installed here, or whichever is in the path.
fn programs() -> Option<PathBuf> {
    let releases = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut found: Vec<(u32, PathBuf)> = releases
        .filter_map(|release| {
            let release = release.ok()?;
            Some((release.file_name().to_str()?.parse().ok()?, release.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists() && bin.join("psql").exists())
        .collect();
    found.sort();
    let in_path = || {
        let paths = std::env::var_os("PATH")?;
        std::env::split_paths(&paths).find(|bin| bin.join("initdb").exists() && bin.join("psql").exists())
    };
    found.pop().map(|(_, bin)| bin).or_else(in_path)
}

/// Gives user and group to run the server as, when we are root, as whom it does not run.
fn unprivileged() -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt as _;
    if fs::metadata("/proc/self").map_or(1, |own| own.uid()) != 0 {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let ids = |user: &str| {
        let line = users.lines().find(|line| line.starts_with(&format!("{user}:")))?;
        let mut fields = line.split(':').skip(2).map(|id| id.parse().ok());
        Some((fields.next()??, fields.next()??))
    };
    Some(ids("postgres").or_else(|| ids("nobody")).expect("there is a user without rights"))
}

#[track_caller]
fn run(command: &mut Command) {
    // To no pipe: the server would keep it open.
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
    assert!(status.success(), "{:?} failed", Path::new(command.get_program()).file_name());
}
