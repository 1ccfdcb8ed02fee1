//! A login that has definitely failed, or was never requested, is not logged out.

use super::case::Case;
use crate::simulation::plan::Call;
use crate::simulation::reoclo::{Seen, server_id, server_name};
use crate::simulation::servers::REGISTRIES;

pub(super) fn check(case: &Case<'_>, found: &mut Vec<String>) {
    for logout in
        case.exchanges(false).filter(|exchange| exchange.call == Call::Logout && exchange.seen != Seen::NotSent)
    {
        let Some(registry) = logout.registry else {
            found.push("a logout of an unknown registry".to_owned());
            continue;
        };
        let what = format!("logout of {} on {}", REGISTRIES[registry], server_name(logout.server));
        if !case.use_.cleanup && case.post_knows_inputs() {
            found.push(format!("{what} with cleanup: false"));
        }
        let mut logins = case
            .logins
            .iter()
            .filter(|it| (it.server, it.registry) == (logout.server, registry) && !it.requests.is_empty())
            .peekable();
        // A kill between the state and the request, or its end, cannot be told from one after it.
        let id = server_id(logout.server);
        let is_saved = case.main().killed_in_write
            && case.main().state.values().any(|line| line.starts_with(&id) && line.contains(" requested "));
        if logins.peek().is_none() && !is_saved {
            found.push(format!("{what}, which was never requested"));
        } else if !case.main().killed_in_write
            && logins.peek().is_some()
            && !case.main().state_was_lost
            && logins.all(|login| case.has_definitely_failed(login))
        {
            found.push(format!("{what}, which has definitely failed"));
        }
    }
    if case.exchanges(true).any(|exchange| exchange.call == Call::Logout) {
        found.push("a logout in the main step".to_owned());
    }
}
