//! The command line with accounts of a server: issuers in a file, the admin's password in a secret of the store or a file.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{ADMIN_PASSWORD, Server};

/// Runs the program in a directory with a store, and gives its exit code and all that it says.
fn run(home: &Path, args: &[&str], stdin: &str) -> (i32, String) {
    use std::io::Write as _;
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkeep"));
    command.args(args).current_dir(home).env_clear();
    command.env("LATCHKEEP_STORE", home.join("store")).env("LATCHKEEP_KEY_FILE", home.join("store.key"));
    command.env("LATCHKEEP_ACTOR", "tester").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(!said.contains(ADMIN_PASSWORD), "{said}");
    (output.status.code().unwrap(), said)
}

#[test]
fn accounts_are_rotated_by_an_issuers_file_without_a_password_in_it() {
    let Some(server) = Server::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let done = |args: &[&str], stdin: &str| {
        let (code, said) = run(home, args, stdin);
        assert_eq!(code, 0, "{args:?}: {said}");
        said
    };
    done(&["init"], "");
    done(&["secret", "create", "arbitrary", "db-admin", "--from-stdin"], ADMIN_PASSWORD);
    let file = home.join("admin-password");
    std::fs::write(&file, format!("{ADMIN_PASSWORD}\n")).unwrap();
    std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let at = |more: (&str, &str)| {
        serde_json::json!({ "host": "127.0.0.1", "port": server.port, "database": "app", "user": "keeper",
            "tls": "off", "limit_secs": 5, more.0: more.1 })
    };
    let issuers = serde_json::json!({
        "orders": { "kind": "postgres_role", "server": at(("password_secret", "db-admin")), "member_of": ["readers"],
            "grants": [{ "privileges": ["insert"], "on": { "schema": "shop", "table": "orders" } }],
            "valid_for_secs": 864_000 },
        "billing": { "kind": "postgres_password", "server": at(("password_file", "admin-password")), "roles": ["billing"] },
    });
    std::fs::write(home.join("issuers.json"), issuers.to_string()).unwrap();
    let once = ["rotation", "run", "--issuers", "issuers.json", "--once"];
    let rotate = |secret: &str| done(&[&once[..], &[secret]].concat(), "");
    let logs_in = |secret: &str, version: &str, sql: &str| {
        let field = |name: &str| {
            let (code, said) = run(home, &["secret", "get", secret, "--key", name, "--version", version], "");
            assert_eq!(code, 0, "{said}");
            said.trim().to_owned()
        };
        let (user, password) = (field("username"), field("password"));
        assert!(!server.log().contains(&password), "a password is in the log of the server");
        server.psql("app", &user, &password).arg("-c").arg(sql).output().unwrap().status.success()
    };

    done(&["secret", "create", "service-credentials", "orders-db", "--issuer", "orders"], "");
    done(&once, "");
    assert!(logs_in("orders-db", "current", "INSERT INTO shop.orders VALUES (8)"));
    assert!(!logs_in("orders-db", "current", "DELETE FROM shop.orders"));
    let shown = done(&["rotation", "show", "orders-db"], "");
    assert!(shown.contains("ends "), "{shown}");
    rotate("orders-db");
    assert!(logs_in("orders-db", "previous", "SELECT 1") && logs_in("orders-db", "current", "SELECT 1"));
    assert_eq!(server.roles_of_ours(), "2");
    rotate("orders-db");
    assert_eq!(server.roles_of_ours(), "2", "the first one was retired");

    done(&["secret", "create", "service-credentials", "billing-db", "--issuer", "billing"], "");
    done(&once, "");
    rotate("billing-db");
    assert!(logs_in("billing-db", "current", "SELECT 1"));
    assert!(!logs_in("billing-db", "previous", "SELECT 1"), "the old password died");

    done(&["secret", "delete", "orders-db", "--yes"], "");
    done(&once, "");
    assert_eq!(server.roles_of_ours(), "0", "nothing is left");
}

/// An account that is in use comes along with the password that it has; whether it still logs in can be asked.
#[test]
fn an_account_is_adopted_with_its_present_password_and_asked_whether_it_logs_in() {
    let Some(server) = Server::start() else { return };
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let done = |args: &[&str], stdin: &str| {
        let (code, said) = run(home, args, stdin);
        assert_eq!(code, 0, "{args:?}: {said}");
        said
    };
    server.sql("app", "ALTER ROLE billing PASSWORD 'as it was'");
    let at = serde_json::json!({ "host": "127.0.0.1", "port": server.port, "database": "app", "user": "keeper",
        "tls": "off", "limit_secs": 5, "password_secret": "db-admin" });
    let issuers = serde_json::json!({ "billing": { "kind": "postgres_password", "server": at, "roles": ["billing"] } });
    std::fs::write(home.join("issuers.json"), issuers.to_string()).unwrap();
    done(&["init"], "");
    done(&["secret", "create", "arbitrary", "db-admin", "--from-stdin"], ADMIN_PASSWORD);
    done(&["secret", "create", "service-credentials", "billing-db", "--issuer", "billing"], "");
    let adopt = ["rotation", "adopt", "billing-db", "--from-file", "-", "--issuers", "issuers.json"];
    let (code, said) = run(home, &adopt, "another\n");
    assert!(code == 2 && said.contains("refuses the login"), "{code}: {said}");
    assert!(server.psql("app", "billing", "as it was").arg("-c").arg("SELECT 1").status().unwrap().success());
    done(&adopt, "as it was\n");
    done(&["rotation", "run", "--issuers", "issuers.json", "--once"], "");
    assert_eq!(done(&["secret", "get", "billing-db", "--key", "password"], "").trim(), "as it was");
    assert!(server.psql("app", "billing", "as it was").arg("-c").arg("SELECT 1").status().unwrap().success());

    let verify = ["rotation", "verify", "billing-db", "--issuers", "issuers.json"];
    assert!(done(&verify, "").contains("logs in"));
    server.sql("app", "ALTER ROLE billing PASSWORD 'changed by hand'");
    let (code, said) = run(home, &verify, "");
    assert!(code == 1 && said.contains("does not log in: ") && said.contains("the password is another"), "{said}");
    server.kill();
    let (code, said) = run(home, &verify, "");
    assert!(code == 4 && said.contains("is not known: ") && said.contains("nothing listens"), "{said}");
    server.begin();
    done(&["rotation", "run", "billing-db", "--issuers", "issuers.json", "--once"], "");
    assert!(done(&verify, "").contains("logs in"));
}
