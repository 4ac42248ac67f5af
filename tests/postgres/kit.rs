//! Both issuers go through the kit, and the server dies in the middle of it and comes back.

use std::sync::Arc;

use latchkeep::issuer_kit::{Finding, check};
use latchkeep::{Issuer, JsonObject};

use crate::support::{Server, password_issuer, role_issuer, trial};

#[test]
fn both_issuers_keep_their_promises_also_when_the_server_goes_away_and_comes_back() {
    let Some(server) = Server::start() else { return };
    let server = Arc::new(server);
    let issuers: [Arc<dyn Issuer>; 2] =
        [Arc::new(password_issuer(server.seen())), Arc::new(role_issuer(server.seen()))];
    for issuer in issuers {
        let (begin, end) = (Arc::clone(&server), Arc::clone(&server));
        let refused = JsonObject::parse(r#"{"role":"postgres"}"#).unwrap();
        let trial = trial().refusing(refused).with_outage(move || begin.kill(), move || end.begin());
        let class = issuer.class();
        let report = check(issuer, &trial);
        assert!(report.is_clean(), "{class:?}\n{report}");
        let held = report.lines().iter().filter(|(_, finding)| *finding == Finding::Held).count();
        assert!(held >= 9, "{class:?}\n{report}");
    }
    assert_eq!(server.roles_of_ours(), "0", "the kit left roles behind");
}
