//! An operation on the server: waiting for its end, and what its result means.

use super::error::{LoginError, LogoutError};
use super::poll::Polls;
use crate::api::client::{Attempt, Client};
use crate::api::contract::{self, Operation, OperationStatus};
use crate::api::deadline::Deadline;
use crate::api::error::ApiError;
use crate::api::identifier::OperationId;
use crate::host::Host;
use crate::registry::docker_output;
use crate::runner::log::Log;
use std::ops::ControlFlow;

/// The most that an error shows of docker's output.
const MAX_OUTPUT_CHARS: usize = 600;
const MAX_SERVER_NAME_CHARS: usize = 100;

/// Requests the status until the operation has ended; `None` if the deadline passes first. Transient errors are retried
/// until then. `polls` are all operations of its kind.
pub(crate) async fn wait<H: Host>(
    host: &H,
    client: &Client<'_, H>,
    polls: &Polls,
    id: &OperationId,
    server_id: &str,
    deadline: Deadline,
) -> Result<Option<Operation>, ApiError> {
    let request = contract::status(id);
    let polled = polls.start(host);
    loop {
        polled.until_due(host, deadline).await;
        let on_attempt = |attempt: Attempt<'_>| {
            if let Attempt::Starts = attempt {
                polled.asked(host);
            }
            ControlFlow::Continue(())
        };
        let operation: Operation = match client.request_json(&request, deadline, on_attempt).await {
            Err(ApiError::NotSent { .. }) => return Ok(None),
            response => response?,
        };
        if !operation.is_for(polls.kind(), id, server_id) {
            return Err(client.unexpected_response(request.call, "it is for another operation or server"));
        }
        if operation.has_ended() {
            polled.ended();
            return Ok(Some(operation));
        }
    }
}

/// A login has succeeded if its operation is `completed` with exit code 0.
pub(crate) fn check_result<H: Host>(
    log: &Log<'_, H>,
    operation: &Operation,
    server: &str,
    registry: &str,
    id: &OperationId,
) -> Result<(), LoginError> {
    let (registry, server, operation_id) = (registry.to_owned(), server.to_owned(), id.clone());
    let output = || log.quote(&docker_output::error_lines(operation.stdout(), operation.stderr()), MAX_OUTPUT_CHARS);
    match (operation.status, operation.exit_code()) {
        (OperationStatus::Completed, Some(0)) => Ok(()),
        (OperationStatus::Timeout, _) => Err(LoginError::OperationTimeout { registry, server, operation_id }),
        (_, Some(exit_code)) if exit_code != 0 => {
            Err(LoginError::DockerFailed { registry, server, exit_code, output: output(), operation_id })
        }
        (status, exit_code) => {
            let reason = match (status, exit_code) {
                (OperationStatus::Completed, _) => "returned no exit code",
                (_, None) => "could not be run",
                (_, Some(_)) => "was reported as failed with exit code 0",
            };
            let ran = status == OperationStatus::Completed || exit_code.is_some();
            Err(LoginError::UnexpectedDockerResult { registry, server, reason, ran, output: output(), operation_id })
        }
    }
}

/// A logout has succeeded if its operation is `completed`, with exit code 0 if there is one.
pub(crate) fn check_logout<H: Host>(
    log: &Log<'_, H>,
    operation: &Operation,
    registry: &str,
    id: &OperationId,
) -> Result<(), LogoutError> {
    if operation.status == OperationStatus::Completed && operation.exit_code().unwrap_or(0) == 0 {
        return Ok(());
    }
    let output = log.quote(&docker_output::error_lines(operation.stdout(), operation.stderr()), MAX_OUTPUT_CHARS);
    Err(LogoutError::DockerFailed { registry: registry.to_owned(), output, operation_id: id.clone() })
}

/// The server's name in Reoclo, safe to show.
pub(crate) fn server_name<H: Host>(log: &Log<'_, H>, operation: &Operation) -> Option<String> {
    let name = operation.server_name.as_deref().map(|name| log.quote(name, MAX_SERVER_NAME_CHARS));
    name.filter(|name| !name.is_empty())
}

/// `web-1 (0b8f…)`, or `server 0b8f…` if the name is unknown.
pub(crate) fn describe_server(name: Option<&str>, id: &str) -> String {
    name.map_or_else(|| format!("server {id}"), |name| format!("{name} ({id})"))
}

/// `web-1`, or `server 0b8f…` if the name is unknown.
pub(crate) fn name_server(name: Option<&str>, id: &str) -> String {
    name.map_or_else(|| format!("server {id}"), str::to_owned)
}
