//! Owns the end of a role: its login and sessions are ended, its objects go to a role that gains no power from them,
//! and it is dropped.
//!
//! Functions and views act with the rights of their owner. So giving them to a role with more rights would give those
//! rights to their author. They go to a role without rights, made for each retired role: not even what another one left
//! behind can be reached by them. Read next: [`super::trouble`].

use std::fmt::Write as _;
use std::time::Duration;

use tokio_postgres::{Client, Error, SimpleQueryMessage};

use super::identifier::SqlIdentifier;
use super::template::RoleTemplate;
use crate::issuer::outcome::IssuerError;

/// How often a retirement checks whether the role's sessions have ended, and the pause in between.
const LOOKS_MAX: u32 = 40;
const LOOK_PAUSE: Duration = Duration::from_millis(50);
/// The first release in which a membership says whether it is inherited.
const INHERITED_BY_GRANT: i32 = 160_000;

/// The objects that a role owns in this database, by kind. A table is counted apart if it may run code with its owner's
/// rights, or hide code from its users.
const OWNED: &str = "
SELECT kind, count(*) FROM (
  SELECT CASE
    WHEN d.classid = 'pg_proc'::regclass THEN 'functions'
    WHEN c.relkind IN ('v', 'm') THEN 'views'
    WHEN c.relkind IN ('r', 'p') AND (c.relhasrules OR c.relrowsecurity
      OR EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid)
      OR EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal)
      OR EXISTS (SELECT FROM pg_index i WHERE i.indrelid = c.oid AND (i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)))
      THEN 'tables with rules, triggers, policies or computed indexes'
    WHEN c.relkind IN ('r', 'p', 'S', 'c') THEN ''
    WHEN d.classid IN ('pg_type'::regclass, 'pg_namespace'::regclass, 'pg_largeobject'::regclass,
      'pg_database'::regclass) THEN ''
    ELSE 'other things that may act'
  END AS kind
  FROM pg_shdepend d LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
  WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype = 'o' AND d.classid <> 'pg_default_acl'::regclass
    AND d.refobjid = (SELECT oid FROM pg_roles WHERE rolname = $1)
    AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
) AS owned GROUP BY kind ORDER BY kind";

/// Whether a role has any right: to log in, as a superuser or the like, by a membership, by a grant, or by its objects.
const POWER: &str = "
SELECT rolcanlogin OR rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
  OR EXISTS (SELECT FROM pg_auth_members m WHERE m.member = r.oid)
  OR EXISTS (SELECT FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid)
FROM pg_roles r WHERE rolname = $1";

/// The release of the server, and whether the acting role has the rights of the roles that it is a member of.
const ACTING: &str =
    "SELECT current_setting('server_version_num')::int4, rolinherit FROM pg_roles WHERE rolname = current_user";

/// A role that is being retired, and the name of the role that gets what the template names no heir for.
pub(super) struct Leaving<'a> {
    pub(super) role: &'a SqlIdentifier,
    pub(super) left: &'a SqlIdentifier,
    pub(super) template: &'a RoleTemplate,
}

impl Leaving<'_> {
    /// Ends the role. The inner error says why that is not possible now; the role then has no login any more.
    pub(super) async fn end(&self, client: &Client) -> Result<Result<(), IssuerError>, Error> {
        let name = self.role.quoted();
        // A statement of its own, so that no later step can undo it: no one can log in any more.
        client.batch_execute(&format!("ALTER ROLE {name} NOLOGIN PASSWORD NULL")).await?;
        let acting = client.query_one(ACTING, &[]).await?;
        let (release, inherits): (i32, bool) = (acting.try_get(0)?, acting.try_get(1)?);
        let by_grant = release >= INHERITED_BY_GRANT;
        if !by_grant && !inherits {
            return Ok(Err(IssuerError::refused(
                "retiring a role: it has no login any more, but the role that acts for the store has NOINHERIT, and so may \
                 not do the rest: ALTER ROLE .. INHERIT",
            )));
        }
        let with = if by_grant { " WITH INHERIT TRUE, SET TRUE" } else { "" };
        // Membership lets an admin that is not a superuser do the rest.
        client.batch_execute(&format!("GRANT {name} TO CURRENT_USER{with}")).await?;
        if !sessions_ended(client, &name).await? {
            return Ok(Err(IssuerError::unavailable(
                "retiring a role: it has no login any more, and its sessions were told to end, but have not ended yet",
            )));
        }
        self.hand_on(client, with).await
    }

    /// Hands on the role's objects, and drops it.
    async fn hand_on(&self, client: &Client, with: &str) -> Result<Result<(), IssuerError>, Error> {
        let name = self.role.quoted();
        let owned = self.owned(client).await?;
        if owned.is_empty() {
            client.batch_execute(&format!("BEGIN; DROP OWNED BY {name}; DROP ROLE {name}; COMMIT")).await?;
            return Ok(Ok(()));
        }
        let sql = match &self.template.heir {
            Some(heir) => match unfit(client, heir, &owned).await? {
                Some(why) => return Ok(Err(why)),
                None => format!(
                    "BEGIN; REASSIGN OWNED BY {name} TO {}; DROP OWNED BY {name}; DROP ROLE {name}; COMMIT",
                    heir.quoted()
                ),
            },
            None => self.leave_to_nobody(with),
        };
        client.batch_execute(&sql).await.map(Ok)
    }

    /// Returns the statements that leave everything to a role without rights. While that role takes over functions, it
    /// must be allowed to create in their schema; no other session sees it like that.
    fn leave_to_nobody(&self, with: &str) -> String {
        let (name, left) = (self.role.quoted(), self.left.quoted());
        let mut sql = format!("BEGIN; CREATE ROLE {left} NOLOGIN; GRANT {left} TO CURRENT_USER{with};\n");
        sql.push_str(&self.template.making(self.left));
        // Writing to a string does not fail.
        let _ = writeln!(sql, "REASSIGN OWNED BY {name} TO {left};");
        sql.push_str(&self.template.unmaking(self.left));
        let _ = write!(sql, "DROP OWNED BY {name}; DROP ROLE {name}; COMMIT");
        sql
    }

    async fn owned(&self, client: &Client) -> Result<Vec<(String, i64)>, Error> {
        let rows = client.query(OWNED, &[&self.role.as_str()]).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}

/// Returns why an heir that the host names cannot take over a role's objects.
async fn unfit(client: &Client, heir: &SqlIdentifier, owned: &[(String, i64)]) -> Result<Option<IssuerError>, Error> {
    let Some(row) = client.query_opt(POWER, &[&heir.as_str()]).await? else {
        return Ok(Some(IssuerError::refused(
            "retiring a role: it has no login any more, but the role that the template leaves things to (leaving_to) is not there",
        )));
    };
    let acting: Vec<_> = owned.iter().filter(|(kind, _)| !kind.is_empty()).collect();
    if acting.is_empty() || !row.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    let named: Vec<_> = acting.iter().map(|(kind, count)| format!("{count} {kind}")).collect();
    Ok(Some(IssuerError::refused(&format!(
        "retiring a role: it has no login any more, but owns {}, which would act with the rights of the role that the template \
         leaves things to (leaving_to): drop them, or give them away by hand, or leave things to nobody",
        named.join(", ")
    ))))
}

/// Ends the sessions of a role, given as quoted in a statement, and waits a while; returns whether they have ended.
async fn sessions_ended(client: &Client, quoted: &str) -> Result<bool, Error> {
    let literal = format!("'{}'::regrole", quoted.replace('\'', "''"));
    let sql = format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = {literal}");
    for _ in 0..LOOKS_MAX {
        let messages = client.simple_query(&sql).await?;
        if !messages.iter().any(|message| matches!(message, SimpleQueryMessage::Row(_))) {
            return Ok(true);
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    Ok(false)
}
