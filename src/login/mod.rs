//! All logins of a step: every server with every credential. In passthrough mode, each registry makes one credential.
//!
//! Servers are logged in concurrently, the credentials of one server one at a time: docker reads `config.json`, talks to
//! the registry and then writes the whole file, so of concurrent logins on one server only the last one is kept. The
//! same applies to logouts.

mod cleanup;
mod error;
pub(crate) mod logout;
mod operation;
pub(crate) mod outputs;
mod poll;
mod report;
mod result;
pub(crate) mod state;
mod summary;
mod task;

use crate::api::budget::RequestBudget;
use crate::api::contract::OperationKind;
use crate::api::credential::Credential;
use crate::api::deadline::Deadline;
use crate::host::Host;
use crate::inputs::Inputs;
use crate::registry::kind::RegistryKind;
use crate::runner::context::CiRun;
use crate::runner::log::Log;
use cleanup::Cleanup;
use futures_util::future::{FutureExt, LocalBoxFuture, select};
use futures_util::stream::{FuturesUnordered, StreamExt};
use outputs::Outputs;
use poll::Polls;
use result::LoginResult;
use state::{LoginState, StateWriter};
use std::cell::Cell;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use task::{LoginTask, StepContext};

/// How long a cancelled step waits for responses to login requests: they name the operation and the registry, which the
/// post step needs. GitHub's runner sends SIGINT, SIGTERM after 7.5 s and kills 2.5 s later
/// (<https://docs.github.com/actions/reference/workflows-and-actions/workflow-cancellation>); other runners kill sooner.
const CANCEL_GRACE_MS: u32 = 1_500;
/// How long the next login on a server waits for one that nobody can ask for: it may still be running, and would lose
/// what the next one writes. docker login takes 1 to 3 s.
const UNKNOWN_LOGIN_MS: u32 = 5_000;
/// When a step that waits says so for the first time, and how often after that.
const FIRST_PROGRESS_MS: u32 = 5_000;
const NEXT_PROGRESS_MS: u32 = 10_000;
/// The most logins that such a line names.
const MAX_PROGRESS_NAMES: usize = 8;

/// Logs every server in with every credential, unless the runner cancels the step. Returns whether all succeeded.
pub(crate) async fn log_in<H: Host>(host: &H, log: &Log<'_, H>, inputs: &Inputs, run: &CiRun) -> bool {
    announce(log, inputs);
    let started_ms = host.monotonic_ms();
    let deadline = Deadline::after_s(host, inputs.timeout_s);
    let budget = RequestBudget::new(host, log, deadline);
    let step = StepContext {
        host,
        inputs,
        run,
        outputs: Outputs::new(host, log),
        deadline,
        budget: &budget,
        polls: Polls::of(OperationKind::Login),
        was_cancelled: Cell::new(false),
    };
    let logs: Vec<Log<'_, H>> = logins(inputs).map(|_| log.for_login(is_single(inputs))).collect();
    let state = StateWriter::start(host, log, inputs);
    let mut tasks = Vec::with_capacity(logs.len());
    for ((server_id, credential_number, credential), log) in logins(inputs).zip(&logs) {
        let state = LoginState::new(&state, tasks.len() + 1, server_id, credential_number, credential);
        tasks.push(LoginTask::new(&step, log, state, LoginResult::new(server_id, credential)));
    }

    budget.serve(run_until_cancelled(&step, log, &tasks)).await;
    for task in tasks.iter().filter(|task| !task.has_finished()) {
        if step.was_cancelled.get() { task.finish_cancelled() } else { task.finish_skipped() }
    }

    let results: Vec<LoginResult<'_>> = tasks.into_iter().map(LoginTask::into_result).collect();
    if !is_single(inputs) {
        step.outputs.set_accepted(results.iter().map(|result| result.accepted.as_ref()));
    }
    step.outputs.set_logins(&results);
    if inputs.job_summary {
        summary::write_logins(host, log, &results);
    }
    report::warn_about_duplicate_registries(log, &results);
    let cleanup = Cleanup::new(inputs.cleanup, state.is_saved());
    report::report_results(log, cleanup, &results, host.monotonic_ms() - started_ms)
}

/// Server ID, number of the credential from 1, and credential of each login, in the order of the inputs.
fn logins(inputs: &Inputs) -> impl Iterator<Item = (&str, usize, &Credential)> {
    inputs.server_ids.iter().flat_map(|server_id| {
        inputs.credentials.iter().enumerate().map(move |(at, credential)| (server_id.as_str(), at + 1, credential))
    })
}

fn is_single(inputs: &Inputs) -> bool {
    logins(inputs).count() == 1
}

/// Prints what is going to happen.
fn announce<H: Host>(log: &Log<'_, H>, inputs: &Inputs) {
    if let Some(warning) = inputs.api_url.unencrypted_warning() {
        log.warning("API key sent unencrypted", &warning);
    }
    for notice in &inputs.notices {
        log.notice("Check the credential", notice);
    }
    let servers = match inputs.server_ids.as_slice() {
        [server] => format!("server {server}"),
        servers => format!("{} servers", servers.len()),
    };
    log.info(&match inputs.credentials.as_slice() {
        [Credential::Vault { credential_id }] => {
            format!("Logging in on {servers} with credential {credential_id} (vault mode)")
        }
        [Credential::Passthrough { registry, .. }] => {
            let kind = RegistryKind::of(registry).registry_type();
            format!("Logging in to {registry} on {servers} (passthrough mode, {kind})")
        }
        [Credential::Passthrough { .. }, ..] => {
            format!("Logging in to {} registries on {servers} (passthrough mode)", inputs.credentials.len())
        }
        credentials => format!("Logging in on {servers} with {} credentials (vault mode)", credentials.len()),
    });
}

/// Runs all logins until they have finished or the runner cancels the step.
async fn run_until_cancelled<H: Host>(step: &StepContext<'_, H>, log: &Log<'_, H>, tasks: &[LoginTask<'_, H>]) {
    let all = for_each_server(tasks.chunks(step.inputs.credentials.len()), async |on_server| {
        let mut may_be_running = false;
        for task in on_server {
            if may_be_running && !step.budget.is_stopped() {
                step.deadline.sleep(step.host, UNKNOWN_LOGIN_MS).await;
            }
            if !step.budget.is_stopped() && !step.deadline.has_passed(step.host) {
                task.run().await;
                may_be_running = task.has_unknown_operation();
                if task.failed_for_all_logins() {
                    step.budget.stop_starting();
                }
            }
        }
    });
    let cancelled = async {
        step.host.cancelled().await;
        step.was_cancelled.set(true);
        step.budget.stop_starting();
        select(pin!(responses_received(tasks)), pin!(step.host.sleep(CANCEL_GRACE_MS))).await;
    };
    // The logins are polled first, so that the cancellation sees what they have received.
    select(pin!(all), select(pin!(cancelled), pin!(log_progress(step.host, log, tasks)))).await;
}

/// Runs `work` for all servers concurrently: the request budget says when their requests are sent.
async fn for_each_server<T>(servers: impl IntoIterator<Item = T>, work: impl AsyncFn(T)) {
    let work: FuturesUnordered<LocalBoxFuture<'_, ()>> =
        servers.into_iter().map(|server| work(server).boxed_local()).collect();
    work.collect().await
}

/// Resolves when no login request awaits its response. It needs no waker of its own: it is polled whenever a login makes
/// progress, since both belong to the same future.
async fn responses_received<H: Host>(tasks: &[LoginTask<'_, H>]) {
    poll_fn(|_| if tasks.iter().any(LoginTask::awaits_response) { Poll::Pending } else { Poll::Ready(()) }).await;
}

/// Prints from time to time what the step waits for; never resolves.
async fn log_progress<H: Host>(host: &H, log: &Log<'_, H>, tasks: &[LoginTask<'_, H>]) {
    let mut waited_s = 0;
    let mut wait_ms = FIRST_PROGRESS_MS;
    loop {
        host.sleep(wait_ms).await;
        waited_s += wait_ms / 1000;
        wait_ms = NEXT_PROGRESS_MS;
        let names: Vec<String> = tasks.iter().filter(|task| task.is_under_way()).map(LoginTask::name).collect();
        let progress = match tasks {
            [_] => String::new(),
            _ => {
                let finished = tasks.iter().filter(|task| task.has_finished()).count();
                let (all, running) = (tasks.len(), names.len());
                let waiting = all - finished - running;
                format!(" ({finished} of {all} logins finished, {running} running, {waiting} waiting)")
            }
        };
        let more = match names.len().saturating_sub(MAX_PROGRESS_NAMES) {
            0 => String::new(),
            more => format!("; {more} more"),
        };
        let names = names.into_iter().take(MAX_PROGRESS_NAMES).collect::<Vec<_>>().join("; ");
        log.info(&format!("Still waiting after {waited_s} s{progress}: {names}{more}"));
    }
}
