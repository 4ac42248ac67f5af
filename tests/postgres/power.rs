//! What a retirement must never give away: whoever wrote a function for one role gets the rights of no other by it.

use latchkeep::{Issuer, IssuerErrorKind, PostgresRole, RoleTemplate, SqlPrivilege, SqlTarget};

use crate::support::{ADMIN_PASSWORD, Server, field, name, role_issuer, trial};

fn template() -> RoleTemplate {
    RoleTemplate::new()
        .member_of(name("readers"))
        .granting(&[SqlPrivilege::Usage, SqlPrivilege::Create], SqlTarget::Schema(name("shop")))
}

/// Logs in as a fresh role and runs statements; gives the role's name.
fn made_by(server: &Server, issuer: &PostgresRole, number: u32, sql: &str) -> String {
    let made = issuer.create(&trial().order(number), None).unwrap();
    let (user, password) = (field(&made.credential, "username"), field(&made.credential, "password"));
    let output = server.psql("app", &user, &password).arg("-c").arg(sql).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    user
}

fn owner_of(server: &Server, function: &str) -> String {
    server.sql("app", &format!("SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE proname = '{function}'"))
}

const HELPER: &str = "CREATE FUNCTION shop.helper(cmd text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS \
                      $f$ BEGIN EXECUTE cmd; RETURN current_user; END $f$";

/// A consumer left a function behind that does whatever it is asked with its owner's rights, and everybody may call it; its
/// owner became the admin role, so that any login could make itself an admin.
#[test]
fn a_function_that_outlives_its_role_gives_nobody_the_rights_of_the_admin() {
    let Some(server) = Server::start() else { return };
    let issuer = PostgresRole::new(server.seen(), template()).unwrap();
    server.sql("app", "CREATE ROLE low LOGIN PASSWORD 'low'; GRANT USAGE ON SCHEMA shop TO low");
    server.sql("app", "CREATE TABLE shop.wages (id int); ALTER TABLE shop.wages OWNER TO keeper");
    let first = made_by(&server, &issuer, 1, &format!("{HELPER}; CREATE VIEW shop.seen AS SELECT * FROM shop.orders"));
    made_by(&server, &issuer, 2, "CREATE TABLE shop.mine (id int); REVOKE ALL ON shop.mine FROM PUBLIC");
    let as_low = |cmd: &str| {
        let sql = format!("SELECT shop.helper($c${cmd}$c$)");
        server.psql("app", "low", "low").arg("-c").arg(sql).output().unwrap().status.success()
    };
    assert!(as_low("SELECT 1"), "the function is there for everybody");
    for number in [1, 2] {
        issuer.retire(&trial().order(number), None).unwrap();
    }
    assert_eq!(server.roles_of_ours(), "0");
    let owner = owner_of(&server, "helper");
    assert_eq!(owner, format!("lkleft_{}", first.strip_prefix("lk_").unwrap()));
    for cmd in [
        "ALTER ROLE low CREATEROLE",
        "GRANT readers TO low",
        "GRANT keeper TO low",
        "SELECT * FROM shop.wages",
        "SELECT * FROM shop.orders",
        "INSERT INTO shop.orders VALUES (1)",
        "CREATE TABLE shop.other (id int)",
        // What another role left behind.
        "SELECT * FROM shop.mine",
    ] {
        assert!(!as_low(cmd), "{cmd}");
    }
    assert!(as_low("SELECT 1"), "it is there, and may do nothing");
    let login = format!("SELECT rolcanlogin OR rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = '{owner}'");
    assert_eq!(server.sql("app", &login), "f");
    let member = format!("SELECT count(*) FROM pg_auth_members WHERE member = '{owner}'::regrole");
    assert_eq!(server.sql("app", &member), "0");
}

#[test]
fn an_heir_with_power_gets_data_and_nothing_that_acts() {
    let Some(server) = Server::start() else { return };
    server.sql("app", "CREATE ROLE shop_owner; ALTER SCHEMA shop OWNER TO shop_owner; GRANT shop_owner TO keeper");
    server.sql("app", "CREATE ROLE nobody; GRANT CREATE ON SCHEMA shop TO PUBLIC; GRANT nobody TO keeper");
    server.sql("app", "GRANT USAGE, CREATE ON SCHEMA shop TO keeper WITH GRANT OPTION");
    let order = trial();
    let order = order.order(1);
    let leaving_to = |heir: &str| PostgresRole::new(server.seen(), template().leaving_to(name(heir))).unwrap();
    for (what, words) in [
        (HELPER, "1 functions"),
        ("CREATE VIEW shop.acting AS SELECT 1", "1 views"),
        (
            "CREATE TABLE shop.acting (id int); CREATE RULE r AS ON INSERT TO shop.acting DO ALSO NOTHING",
            "tables with rules",
        ),
        ("CREATE TABLE shop.acting (id int); CREATE INDEX ON shop.acting ((id + 1))", "computed indexes"),
        ("CREATE TABLE shop.acting (id int); ALTER TABLE shop.acting ENABLE ROW LEVEL SECURITY", "policies"),
        ("CREATE AGGREGATE shop.acting (int) (sfunc = int4pl, stype = int)", "1 functions"),
    ] {
        let user = made_by(&server, &leaving_to("shop_owner"), 1, what);
        let error = leaving_to("shop_owner").retire(&order, None).unwrap_err();
        assert_eq!(error.kind(), IssuerErrorKind::Refused, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        let login = format!("SELECT rolcanlogin FROM pg_roles WHERE rolname = '{user}'");
        assert_eq!(server.sql("app", &login), "f", "it has no login any more");
        // Whoever granted something takes it away.
        let clear = format!("DROP OWNED BY {user}; DROP ROLE {user}");
        assert!(server.psql("app", "keeper", ADMIN_PASSWORD).arg("-c").arg(clear).status().unwrap().success());
    }
    made_by(
        &server,
        &leaving_to("shop_owner"),
        1,
        "CREATE TABLE shop.data (id int); CREATE TYPE shop.kind AS ENUM ('a')",
    );
    leaving_to("shop_owner").retire(&order, None).unwrap();
    assert_eq!(server.sql("app", "SELECT tableowner FROM pg_tables WHERE tablename = 'data'"), "shop_owner");

    made_by(&server, &leaving_to("nobody"), 1, HELPER);
    leaving_to("nobody").retire(&order, None).unwrap();
    assert_eq!(owner_of(&server, "helper"), "nobody");
    assert_eq!(server.roles_of_ours(), "0");
}

/// The heir was not there, which was taken for the role being gone: it stayed, and was reported as retired.
#[test]
fn a_role_is_gone_only_when_the_server_no_longer_has_it() {
    let Some(server) = Server::start() else { return };
    let order = trial();
    let order = order.order(1);
    for left in ["CREATE TABLE shop.data (id int)", "SELECT 1"] {
        let issuer = PostgresRole::new(server.seen(), template().leaving_to(name("nosuch_heir"))).unwrap();
        made_by(&server, &issuer, 1, left);
        let ended = issuer.retire(&order, None);
        let is_there = server.roles_of_ours() == "1";
        assert_eq!(ended.is_err(), is_there, "{left}: {ended:?}");
        if let Err(error) = ended {
            assert!(error.to_string().contains("leaving_to) is not there"), "{error}");
            server.sql("app", "CREATE ROLE nosuch_heir; GRANT nosuch_heir TO keeper");
            issuer.retire(&order, None).unwrap();
            issuer.retire(&order, None).unwrap();
            server.sql("app", "DROP OWNED BY nosuch_heir; DROP ROLE nosuch_heir");
        }
        assert_eq!(server.roles_of_ours(), "0");
    }
}

/// A role that was to be retired went on logging in, because what came behind took its end back.
#[test]
fn whatever_a_retirement_comes_upon_the_login_is_gone() {
    let Some(server) = Server::start() else { return };
    let issuer = role_issuer(server.seen());
    let order = trial();
    let order = order.order(1);
    let made = issuer.create(&order, None).unwrap();
    let user = field(&made.credential, "username");
    // By hand, and so that the admin cannot become a member of the role.
    server.sql("app", &format!("GRANT keeper TO {user}"));
    let error = issuer.retire(&order, None).unwrap_err();
    assert!(error.to_string().contains("0LP01"), "{error}");
    assert!(issuer.verify(&order, &made.credential).is_err(), "it logs in all the same");
    server.sql("app", &format!("REVOKE keeper FROM {user}"));
    issuer.retire(&order, None).unwrap();

    server.sql("app", "ALTER ROLE keeper NOINHERIT");
    let made = issuer.create(&order, None).unwrap();
    match issuer.retire(&order, None) {
        // From release 16 on the grant says that it is inherited.
        Ok(()) => assert_eq!(server.roles_of_ours(), "0"),
        Err(error) => {
            assert!(error.to_string().contains("NOINHERIT"), "{error}");
            assert!(issuer.verify(&order, &made.credential).is_err());
            server.sql("app", "ALTER ROLE keeper INHERIT");
            issuer.retire(&order, None).unwrap();
        }
    }
}

#[test]
fn a_template_that_leads_to_the_admin_makes_no_role() {
    let Some(server) = Server::start() else { return };
    server.sql("app", "CREATE ROLE detour; GRANT keeper TO detour; CREATE ROLE way; GRANT detour TO way");
    for group in ["detour", "way"] {
        for template in [RoleTemplate::new().member_of(name(group)), RoleTemplate::new().acting_as(name(group))] {
            let issuer = PostgresRole::new(server.seen(), template).unwrap();
            let error = issuer.create(&trial().order(1), None).unwrap_err();
            assert_eq!(error.kind(), IssuerErrorKind::Refused, "{error}");
            assert!(error.to_string().contains("leads to the role that acts for the store"), "{error}");
            assert_eq!(server.roles_of_ours(), "0");
        }
    }
}

#[test]
fn what_a_role_makes_as_its_group_outlives_it() {
    let Some(server) = Server::start() else { return };
    server.sql(
        "app",
        "CREATE ROLE makers; GRANT USAGE, CREATE ON SCHEMA shop TO makers; GRANT makers TO keeper WITH ADMIN OPTION",
    );
    let issuer = PostgresRole::new(server.seen(), RoleTemplate::new().acting_as(name("makers"))).unwrap();
    made_by(&server, &issuer, 1, &format!("CREATE TABLE shop.mine (id int); {HELPER}"));
    issuer.retire(&trial().order(1), None).unwrap();
    assert_eq!(server.sql("app", "SELECT tableowner FROM pg_tables WHERE tablename = 'mine'"), "makers");
    assert_eq!(
        server.sql("app", "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'lk%'"),
        "0",
        "nothing was left over"
    );
    made_by(&server, &issuer, 2, "INSERT INTO shop.mine VALUES (1); DROP TABLE shop.mine");
    assert!(PostgresRole::new(server.seen(), RoleTemplate::new().acting_as(name("keeper"))).is_err());
}
