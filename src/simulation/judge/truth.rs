//! The main step succeeds exactly when docker has logged in everywhere, and everything that is printed is true.

use super::case::{Case, Login};
use crate::simulation::plan::Call;
use crate::simulation::reoclo::{Exchange, Seen, credential_id, server_id, server_name};
use crate::simulation::runner::{End, Kind};
use crate::simulation::servers::{Operation, Origin, REGISTRIES, Status};

pub(super) fn check(case: &Case<'_>, found: &mut Vec<String>) {
    let main = case.main();
    let End::Exited(succeeded) = main.end else { return };
    if !case.use_.has_secrets {
        if succeeded != case.use_.if_missing_skips {
            found.push(format!("main without secrets: success {succeeded}"));
        }
        return;
    }
    let all = case.logins.len();
    let successful: Vec<&Login<'_>> = case.logins.iter().filter(|login| case.has_succeeded(login)).collect();
    if succeeded != (successful.len() == all) {
        found.push(format!("main: success {succeeded}, but docker has logged in {} of {all}", successful.len()));
    }
    for login in &successful {
        // Others, and operations that nobody knows of, can undo it.
        let operations = case.history.reoclo.servers.operations.iter().enumerate();
        let mut here = operations.filter(|(_, operation)| operation.server == login.server);
        let is_disturbed = here.any(|(number, operation)| {
            operation.origin == Origin::OtherJob
                || operation.origin == Origin::Use(case.of) && case.is_late_and_unknown(number)
                || matches!(operation.origin, Origin::Use(other) if other != case.of) && !case.is_known(number)
        });
        let was_logged_in = case
            .history
            .reoclo
            .servers
            .logins_at(login.server, main.ended_ms)
            .iter()
            .any(|entry| entry.registry == login.registry);
        if succeeded && !is_disturbed && !was_logged_in {
            found.push(format!("{} is not logged in to {}", server_name(login.server), REGISTRIES[login.registry]));
        }
    }
    if !main.disk_was_full {
        truth_of_outputs(case, &successful, found);
        if case.use_.job_summary {
            let count = |words: &str| main.summary.matches(words).count();
            if (count("✅ logged in"), count("❌")) != (successful.len(), all - successful.len()) {
                found.push(format!("summary of main: {}", main.summary));
            }
        }
    }
    truth_of_log(case, &successful, found);
    truth_of_post(case, found);
}

fn truth_of_outputs(case: &Case<'_>, successful: &[&Login<'_>], found: &mut Vec<String>) {
    let output = |name: &str| {
        let outputs = case.main().outputs.iter().rev();
        outputs.clone().find(|(other, _)| other == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let logins: Vec<serde_json::Value> = serde_json::from_str(&output("logins")).unwrap_or_default();
    let told: Vec<(String, String, String)> = logins
        .iter()
        .map(|login| {
            let text = |name: &str| login.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            (text("server_id"), text("registry_url"), text("operation_id"))
        })
        .collect();
    let expected: Vec<(String, String, String)> = successful
        .iter()
        .map(|login| {
            let id = login.accepted().map(|(operation, _)| Operation::id(operation)).unwrap_or_default();
            (server_id(login.server), REGISTRIES[login.registry].to_owned(), id)
        })
        .collect();
    if told != expected {
        found.push(format!("output logins: {told:?} instead of {expected:?}"));
    }
    let ids: Vec<String> = case
        .logins
        .iter()
        .map(|login| {
            let mut requests = login.requests.iter().rev();
            let named = requests.find_map(|request| match request.seen {
                Seen::Accepted { operation, is_valid: true } => operation,
                _ => None,
            });
            named.map_or_else(|| "-".to_owned(), Operation::id)
        })
        .collect();
    let expected = if ids.iter().any(|id| id != "-") { ids.join("\n") } else { String::new() };
    if output("operation_id") != expected {
        found.push(format!("output operation_id: {:?} instead of {expected:?}", output("operation_id")));
    }
}

fn truth_of_log(case: &Case<'_>, successful: &[&Login<'_>], found: &mut Vec<String>) {
    let main = case.main();
    let logged_in = main.lines_of(Kind::Info).filter(|line| line.contains("Logged in to ")).count();
    if logged_in != successful.len() {
        found.push(format!("{logged_in} lines of success instead of {}", successful.len()));
    }
    let all = case.logins.len();
    if all > 1 {
        let line = format!("{} of {all} logins succeeded", successful.len());
        if !main.lines_of(Kind::Info).any(|info| info.starts_with(&line)) {
            found.push(format!("no line: {line}"));
        }
        let error: String = main.lines_of(Kind::Error).collect();
        for login in case.logins.iter().filter(|login| all <= 10 && !case.has_succeeded(login)) {
            let names = [server_id(login.server), server_name(login.server), credential_id(login.credential)];
            if !names.iter().any(|name| error.contains(name)) {
                found.push(format!("the error does not name {}: {error}", server_name(login.server)));
            }
        }
    }
}

/// "Logged out" means that docker has logged out.
fn truth_of_post(case: &Case<'_>, found: &mut Vec<String>) {
    let post = case.post();
    if !matches!(post.end, End::Exited(_)) {
        return;
    }
    let logouts: Vec<&Exchange> = case.exchanges(false).filter(|exchange| exchange.call == Call::Logout).collect();
    let mut confirmed: Vec<(usize, Option<usize>)> = Vec::new();
    for logout in logouts {
        let is_confirmed = match logout.seen {
            Seen::LoggedOut => true,
            Seen::Accepted { operation: Some(operation), .. } => {
                case.seen_end_ms(operation, false).is_some() && is_done(case.operation(operation))
            }
            _ => false,
        };
        if is_confirmed && !confirmed.contains(&(logout.server, logout.registry)) {
            confirmed.push((logout.server, logout.registry));
        }
    }
    let lines = post.lines_of(Kind::Info).filter(|line| line.contains("Logged out")).count();
    if lines != confirmed.len() {
        found.push(format!("{lines} lines \"Logged out\", but {} logouts are confirmed", confirmed.len()));
    }
    let told = post.summary.matches("✅ logged out").count();
    if told > confirmed.len() {
        found.push(format!("{told} logouts in the summary, but {} are confirmed", confirmed.len()));
    }
}

/// A logout is done when it has completed. Without an exit code there is nothing to say against it.
fn is_done(logout: &Operation) -> bool {
    logout.ending.status == Status::Completed && logout.ending.exit_code.unwrap_or(0) == 0
}
