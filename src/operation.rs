//! An operation on the server: waiting for its end, and what that end means.

use crate::api::{self, Operation, OperationId, Status};
use crate::client::{Client, Deadline};
use crate::error::Error;
use crate::host::Host;
use crate::log::Log;
use crate::poll;
use crate::text;

/// The most shown of docker's own words inside an error, in characters.
const WORDS_CHARS: usize = 600;

/// Polls until the operation has ended; `None` when the deadline passes first. Faults that may pass are outlasted.
pub(crate) async fn wait<H: Host>(
    host: &H,
    client: &Client<'_, H>,
    id: &OperationId,
    deadline: Deadline,
) -> Result<Option<Operation>, Error> {
    let request = api::operation(id);
    let started_ms = host.now_ms();
    while !deadline.has_passed(host) {
        match client.call(&request, deadline, Operation::read, &mut |_| true).await {
            Ok(operation) if operation.has_ended() => return Ok(Some(operation)),
            Ok(_) => deadline.sleep(host, poll::wait_ms(host.now_ms() - started_ms)).await,
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Success is `completed` with exit code 0, and nothing else.
pub(crate) fn judge<H: Host>(
    log: &Log<'_, H>,
    operation: &Operation,
    server: &str,
    registry: &str,
    id: &OperationId,
) -> Result<(), Error> {
    let (registry, server, operation_id) = (registry.to_owned(), server.to_owned(), id.clone());
    let output = || docker_words(log, operation);
    match (operation.status, operation.exit_code) {
        (Status::Completed, Some(0)) => Ok(()),
        (Status::Timeout, _) => Err(Error::AgentTimedOut { registry, server, operation_id }),
        (_, Some(exit_code)) if exit_code != 0 => {
            Err(Error::DockerFailed { registry, server, exit_code, output: output(), operation_id })
        }
        (status, exit_code) => {
            let how = match (status, exit_code) {
                (Status::Completed, _) => "ended without an exit code",
                (_, None) => "could not be run",
                (_, Some(_)) => "is reported as failed although its exit code is 0",
            };
            let ran = status == Status::Completed || exit_code.is_some();
            Err(Error::Unclear { registry, server, how, ran, output: output(), operation_id })
        }
    }
}

/// What docker itself said went wrong. It prints log lines of its own (`time="…" level=info …`) before the sentence
/// that counts; they stay in the log and out of the error.
fn docker_words<H: Host>(log: &Log<'_, H>, operation: &Operation) -> String {
    let said = [&operation.stderr, &operation.stdout].into_iter().find(|text| !text.trim().is_empty());
    let said = said.map_or("", String::as_str);
    let mut words = String::new();
    for line in said.lines().filter(|line| !line.starts_with("time=\"")) {
        text::append(&mut words, "\n", line);
    }
    log.quote(if words.trim().is_empty() { said } else { &words }, WORDS_CHARS)
}

/// What the API calls the server, safe to show.
pub(crate) fn server_name<H: Host>(log: &Log<'_, H>, operation: &Operation) -> Option<String> {
    operation.server_name.as_deref().map(|name| log.quote(name, 100)).filter(|name| !name.is_empty())
}

/// `web-1 (0b8f…)`, or the id alone where the API gives no name.
pub(crate) fn named(server_name: Option<&str>, server_id: &str) -> String {
    server_name.map_or_else(|| format!("server {server_id}"), |name| format!("{name} ({server_id})"))
}
