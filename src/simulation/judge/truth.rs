//! The main step succeeds exactly when docker has logged in everywhere, and everything that is printed is true.

use super::case::{Case, Login, LogoutEnd, is_final};
use crate::simulation::reoclo::{Exchange, Seen, credential_id, server_id, server_name};
use crate::simulation::runner::{End, Kind};
use crate::simulation::servers::{Operation, Origin, REGISTRIES};

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
        let count = |words: &str| main.summary.matches(words).count();
        let expected = if case.use_.job_summary { (successful.len(), all - successful.len()) } else { (0, 0) };
        if (count("✅ logged in"), count("❌")) != expected || !case.use_.job_summary && !main.summary.is_empty() {
            found.push(format!("summary of main: {:?}", main.summary));
        }
    } else if !main.lines_of(Kind::Warning).any(|line| line.contains("no space left on device")) {
        found.push("the disk was full, without a warning".to_owned());
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
    let told: Vec<[String; 5]> = logins
        .iter()
        .map(|login| {
            let text = |name: &str| login.get(name).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            let attempts = login.get("attempts").map(serde_json::Value::to_string).unwrap_or_default();
            [text("server_id"), text("registry_url"), text("registry_type"), text("operation_id"), attempts]
        })
        .collect();
    let expected: Vec<[String; 5]> = successful
        .iter()
        .map(|login| {
            let id = login.accepted().map(|(operation, _)| Operation::id(operation)).unwrap_or_default();
            let is_attempt = |it: &&&Exchange| matches!(it.seen, Seen::Accepted { .. }) || case.is_failed_attempt(it);
            let attempts = login.requests.iter().filter(is_attempt).count();
            let registry = REGISTRIES[login.registry].to_owned();
            [server_id(login.server), registry, "generic".to_owned(), id, attempts.to_string()]
        })
        .collect();
    if told != expected {
        found.push(format!("output logins: {told:?} instead of {expected:?}"));
    }
    // One line for each login, or nothing if none was accepted.
    let accepted = |login: &Login<'_>| {
        let mut requests = login.requests.iter().rev();
        requests.find_map(|request| match request.seen {
            Seen::Accepted { operation, is_valid: true } => operation,
            _ => None,
        })
    };
    let value = |of: &dyn Fn(&Login<'_>, usize) -> String| {
        let lines = case.logins.iter().map(|login| accepted(login).map(|operation| of(login, operation)));
        let lines: Vec<Option<String>> = lines.collect();
        let has_any = lines.iter().any(Option::is_some);
        let lines: Vec<String> = lines.into_iter().map(|line| line.unwrap_or_else(|| "-".to_owned())).collect();
        if has_any { lines.join("\n") } else { String::new() }
    };
    for (name, expected) in [
        ("operation_id", value(&|_, operation| Operation::id(operation))),
        ("registry_url", value(&|login, _| REGISTRIES[login.registry].to_owned())),
        ("registry_type", value(&|_, _| "generic".to_owned())),
    ] {
        if output(name) != expected {
            found.push(format!("output {name}: {:?} instead of {expected:?}", output(name)));
        }
    }
}

fn truth_of_log(case: &Case<'_>, successful: &[&Login<'_>], found: &mut Vec<String>) {
    let main = case.main();
    let logged_in = main.lines_of(Kind::Info).filter(|line| line.contains("Logged in to ")).count();
    if logged_in != successful.len() {
        found.push(format!("{logged_in} lines of success instead of {}", successful.len()));
    }
    let all = case.logins.len();
    let error: String = main.lines_of(Kind::Error).collect();
    if let [login] = case.logins.as_slice()
        && let Some(cause) = cause(case, login)
        && !error.contains(&cause)
    {
        found.push(format!("the error does not say {cause:?}: {error}"));
    }
    if all > 1 {
        let line = format!("{} of {all} logins succeeded", successful.len());
        if !main.lines_of(Kind::Info).any(|info| info.starts_with(&line)) {
            found.push(format!("no line: {line}"));
        }
        for login in case.logins.iter().filter(|login| all <= 10 && !case.has_succeeded(login)) {
            let names = [server_id(login.server), server_name(login.server), credential_id(login.credential)];
            if !names.iter().any(|name| error.contains(name)) {
                found.push(format!("the error does not name {}: {error}", server_name(login.server)));
            }
        }
    }
}

/// What the error of a single login must contain: the status of a final response, or the operation of which docker failed.
fn cause(case: &Case<'_>, login: &Login<'_>) -> Option<String> {
    if case.main().cancelled_ms.is_some_and(|ms| ms <= case.main().ended_ms) {
        return None;
    }
    match login.requests.last()?.seen {
        Seen::Rejected { status, .. } if is_final(login.requests.last()?) => Some(format!("HTTP {status}")),
        Seen::Accepted { operation: Some(operation), is_valid: true }
            if case.seen_end_ms(operation, true).is_some() && !case.operation(operation).ending.is_success() =>
        {
            Some(Operation::id(operation))
        }
        _ => None,
    }
}

/// "Logged out" means that docker has logged out, and the summary says the same as the log.
fn truth_of_post(case: &Case<'_>, found: &mut Vec<String>) {
    let post = case.post();
    if !matches!(post.end, End::Exited(_)) {
        return;
    }
    let ended = |end: LogoutEnd| {
        let targets = case.targets().into_iter();
        let is_such = |(server, registry): &(usize, usize)| {
            case.logouts(*server, *registry).any(|logout| case.logout_end(logout) == end)
        };
        targets.filter(is_such).collect::<Vec<_>>()
    };
    let (done, unreadable) = (ended(LogoutEnd::Done), ended(LogoutEnd::Unreadable));
    for (words, expected) in [("Logged out", done.len()), ("result cannot be read", unreadable.len())] {
        let lines = post.lines_of(Kind::Info).filter(|line| line.contains(words)).count();
        if lines != expected {
            found.push(format!("{lines} lines {words:?} instead of {expected}"));
        }
    }
    if !case.post_knows_inputs() || case.main().state_was_lost {
        return;
    }
    if !case.use_.job_summary {
        if !post.summary.is_empty() {
            found.push(format!("summary of post, although it is off: {:?}", post.summary));
        }
        return;
    }
    // A login that may still be running can come after the logout.
    let unfinished: Vec<&str> = post
        .lines_of(Kind::Warning)
        .flat_map(str::lines)
        .filter(|line| line.contains(" did not finish within 20 s. If it succeeds"))
        .collect();
    let is_certain = |(server, registry): &&(usize, usize)| {
        let registry = format!("logged in to {}", REGISTRIES[*registry].replace("::", ": :"));
        !unfinished.iter().any(|line| line.contains(&server_id(*server)) && line.contains(&registry))
    };
    for (words, of) in [("✅ logged out", &done), ("logout requested, result unknown", &unreadable)] {
        let (told, expected) = (post.summary.matches(words).count(), of.iter().filter(is_certain).count());
        if told != expected {
            found.push(format!("{told} times {words:?} in the summary of post instead of {expected}"));
        }
    }
}
