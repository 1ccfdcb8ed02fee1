//! The two recipes: `main` logs in, `post` logs out.

use crate::api::{self, ApiUrl, LoginReply, Operation, OperationId, Run, Status};
use crate::client::{Client, Deadline};
use crate::error::Error;
use crate::host::Host;
use crate::inputs::{Inputs, Login, RawInputs};
use crate::log::Log;
use crate::poll::Schedule;
use crate::run_context::{self, RunContext};
use crate::secret::{Masks, Secret};
use crate::state::{self, Saved, StateWriter};
use crate::text;

/// How long post may take in all, and how much of that it waits for a login that still runs.
const POST_S: u32 = 45;
const POST_WAIT_S: u32 = 20;
/// The most shown of docker's own words inside an error, in characters.
const WORDS_CHARS: usize = 600;

/// The main step; whether it succeeded.
pub(crate) async fn main(host: &impl Host) -> bool {
    let raw = RawInputs::read(host);
    let log = Log::masking(host, raw.masks());
    match log_in(host, &log, &raw).await {
        Ok(()) => true,
        Err(error) => {
            log.error(&error);
            false
        }
    }
}

async fn log_in<H: Host>(host: &H, log: &Log<'_, H>, raw: &RawInputs) -> Result<(), Error> {
    let inputs = raw.check().map_err(Error::Inputs)?;
    let deadline = Deadline::after_s(host, inputs.timeout_s);
    if inputs.api_url.is_exposed() {
        log.warning(
            "The API key travels unencrypted",
            &format!(
                "api_url is plain http to {}: use https, or anybody on the way can read the key.",
                inputs.api_url.host()
            ),
        );
    }
    log.info(&match &inputs.login {
        Login::Vault { credential_id } => {
            format!("Asking Reoclo to log server {} in with credential {credential_id} (vault mode)", inputs.server_id)
        }
        Login::Passthrough { registry, .. } => {
            format!("Asking Reoclo to log server {} in to {registry} (passthrough mode)", inputs.server_id)
        }
    });

    let state = StateWriter::new(host, log);
    state.login_requested(&inputs);
    let outcome = request_login(host, log, &state, &inputs, deadline).await;
    match &outcome {
        Ok(()) => state.login_completed(),
        Err(error) if error.leaves_no_login() => state.login_failed(),
        Err(_) => {}
    }
    outcome
}

/// Starts the login on the server and waits for its end.
async fn request_login<H: Host>(
    host: &H,
    log: &Log<'_, H>,
    state: &StateWriter<'_, H>,
    inputs: &Inputs,
    deadline: Deadline,
) -> Result<(), Error> {
    let client = Client::new(host, &inputs.api_url, &inputs.api_key);
    let late = |progress: String| Error::DeadlinePassed { timeout_s: inputs.timeout_s, progress };

    let request = api::login(&inputs.server_id, &inputs.login, &run(host));
    let reply: LoginReply = match client.call(&request, deadline).await {
        Err(_) if deadline.has_passed(host) => {
            return Err(late("Reoclo has not answered the login request".to_owned()));
        }
        reply => reply?,
    };
    state.login_accepted(&reply.operation_id, &reply.registry_url);
    set_output(host, log, "operation_id", &reply.operation_id.to_string());
    set_output(host, log, "registry_url", reply.registry_url.as_str());
    set_output(host, log, "registry_type", &reply.registry_type);
    let registry = reply.registry_url.as_str();
    log.info(&format!("Operation {}: docker login {registry} ({})", reply.operation_id, reply.registry_type));

    let operation = match wait(host, &client, &reply.operation_id, deadline).await {
        Ok(Some(operation)) => operation,
        Err(error) if !deadline.has_passed(host) => return Err(error),
        Ok(None) | Err(_) => return Err(late(format!("operation {} still ran on the server", reply.operation_id))),
    };
    log.remote("docker", operation.stdout());
    log.remote("docker", operation.stderr());
    let server = server_name(&operation, &inputs.server_id);
    judge(&operation, &server, registry, &reply.operation_id)?;
    let then = if inputs.cleanup { "the post step logs it out" } else { "it stays logged in (cleanup: false)" };
    log.info(&format!("Logged {server} in to {registry}; {then}"));
    Ok(())
}

/// Polls until the operation has ended; `None` when the deadline passes first.
async fn wait<H: Host>(
    host: &H,
    client: &Client<'_, H>,
    id: &OperationId,
    deadline: Deadline,
) -> Result<Option<Operation>, Error> {
    let request = api::operation(id);
    let mut schedule = Schedule::starting(host.now_ms());
    while !deadline.has_passed(host) {
        let operation: Operation = client.call(&request, deadline).await?;
        if operation.has_ended() {
            return Ok(Some(operation));
        }
        deadline.sleep(host, schedule.next_wait_ms(host.now_ms())).await;
    }
    Ok(None)
}

/// Success is `completed` with exit code 0, and nothing else.
fn judge(operation: &Operation, server: &str, registry: &str, id: &OperationId) -> Result<(), Error> {
    let (registry, server, operation_id) = (registry.to_owned(), server.to_owned(), id.clone());
    let output = docker_words(operation);
    match (operation.status, operation.exit_code()) {
        (Status::Completed, Some(0)) => Ok(()),
        (Status::Timeout, _) => Err(Error::AgentTimedOut { registry, server, operation_id }),
        (_, Some(exit_code)) if exit_code != 0 => {
            Err(Error::DockerFailed { registry, server, exit_code, output, operation_id })
        }
        (status, _) => {
            let completed = status == Status::Completed;
            Err(Error::NoExitCode { registry, server, completed, output, operation_id })
        }
    }
}

/// What docker itself said went wrong. It prints log lines of its own (`time="…" level=info …`) before the sentence
/// that counts; they stay in the log and out of the error.
fn docker_words(operation: &Operation) -> String {
    let said = [operation.stderr(), operation.stdout()].into_iter().find(|text| !text.trim().is_empty());
    let lines = text::neutral_lines(said.unwrap_or_default());
    let words: Vec<&str> = lines.iter().map(String::as_str).filter(|line| !line.starts_with("time=\"")).collect();
    text::neutral(&(if words.is_empty() { lines.join(" ") } else { words.join(" ") }), WORDS_CHARS)
}

/// The post step. Whatever goes wrong is a warning: a job that has done its work must not fail in its cleanup.
pub(crate) async fn post(host: &impl Host) {
    let Some(saved) = state::load(host) else { return };
    let log = Log::masking(host, masks_for_post(host, &saved.api_key));
    if !saved.login_performed {
        return log.info("No login to clean up.");
    }
    let registry = saved.registry_url.as_deref();
    if !saved.cleanup {
        let registry = registry.unwrap_or("its registry");
        return log.info(&format!("cleanup is false: server {} stays logged in to {registry}.", saved.server_id));
    }
    let (Some(registry), Some(api_url)) = (registry, saved.api_url.as_ref()) else {
        return log.warning(
            "A login may be left behind",
            &format!(
                "The login request for server {} was cut off before Reoclo named the registry, so the login may have \
                 happened and cannot be undone from here. Fix: run docker logout with that registry on this server.",
                saved.server_id
            ),
        );
    };
    log_out(host, &log, &saved, registry, api_url).await;
}

async fn log_out<H: Host>(host: &H, log: &Log<'_, H>, saved: &Saved, registry: &str, api_url: &ApiUrl) {
    let deadline = Deadline::after_s(host, POST_S);
    let client = Client::new(host, api_url, &saved.api_key);
    let server = &saved.server_id;
    if let Some(id) = &saved.running {
        log.info(&format!("Waiting for the end of operation {id} before logging out"));
        match wait(host, &client, id, deadline.or_after_s(host, POST_WAIT_S)).await {
            Ok(Some(operation)) if judge(&operation, server, registry, id).is_err_and(|e| e.leaves_no_login()) => {
                return log.info(&format!("docker login {registry} had failed on server {server}: nothing to log out."));
            }
            Ok(None) => log.warning(
                "The login still runs",
                &format!("Operation {id} still runs after {POST_WAIT_S} s; if it ends in a login, server {server} stays logged in to {registry}."),
            ),
            // The logout goes out whatever became of the question.
            Ok(Some(_)) | Err(_) => {}
        }
    }
    match client.send(&api::logout(server, registry, &run(host)), deadline).await {
        Ok(_) => log.info(&format!("Logged out of {registry} on server {server}")),
        Err(error) => log.warning(
            "Logout failed",
            &format!("Server {server} may still be logged in to {registry}. {}", log.explain(&error)),
        ),
    }
}

/// The secrets that post may meet: the key it acts with, and those of its inputs, in case a server repeats them.
fn masks_for_post(host: &impl Host, api_key: &Secret) -> Masks {
    Masks::of(api_key.expose(), &host.input("username"), &host.input("access_token"))
}

fn run(host: &impl Host) -> Run {
    Run { id: run_context::run_id(host), context: RunContext::read(host) }
}

/// `web-1 (0b8f…)`, or the id alone where the API gives no name.
fn server_name(operation: &Operation, server_id: &str) -> String {
    match operation.server_name.as_deref().map(|name| text::neutral(name, 100)) {
        Some(name) if !name.is_empty() => format!("{name} ({server_id})"),
        _ => format!("server {server_id}"),
    }
}

fn set_output<H: Host>(host: &H, log: &Log<'_, H>, name: &str, value: &str) {
    if let Err(reason) = host.set_output(name, &log.redact(value)) {
        log.warning("An output is missing", &format!("The runner could not take the output {name}: {reason}."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Fault;
    use crate::host::fake::FakeHost;
    use pollster::block_on;

    const ID: &str = "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";
    const ACCEPTED: (u16, &str) =
        (202, r#"{"operation_id":"op-1","status":"running","registry_url":"ghcr.io","registry_type":"ghcr"}"#);
    const RUNNING: (u16, &str) = (200, r#"{"status":"running"}"#);
    const SUCCEEDED: (u16, &str) =
        (200, r#"{"status":"completed","server_name":"web-1","result":{"exit_code":0,"stdout":"Login Succeeded\n"}}"#);
    const DENIED: (u16, &str) =
        (200, r#"{"status":"failed","result":{"exit_code":1,"stderr":"Error: denied: tok-hunter22\n"}}"#);

    fn vault() -> FakeHost {
        FakeHost::default().with_env(&[("GITHUB_STATE", "/state")]).with_inputs(&[
            ("api_key", "rca_key"),
            ("server_id", ID),
            ("credential_id", ID),
        ])
    }

    fn passthrough() -> FakeHost {
        vault().with_inputs(&[
            ("credential_id", ""),
            ("username", "u"),
            ("access_token", "tok-hunter22"),
            ("registry_url", "GHCR.io"),
        ])
    }

    fn position(host: &FakeHost, event: &str) -> usize {
        let events = host.events.borrow();
        events.iter().position(|e| e.starts_with(event)).unwrap_or_else(|| panic!("no {event:?} in {events:#?}"))
    }

    fn login_performed(host: &FakeHost) -> Option<String> {
        host.events("state login_performed=").pop()
    }

    #[test]
    fn masks_come_before_anything_else() {
        for host in [vault(), passthrough(), vault().with_inputs(&[("server_id", "bad")])] {
            block_on(main(&host));
            let events = host.events.borrow();
            let last_mask = events.iter().rposition(|e| e.starts_with("mask ")).unwrap();
            assert!(events[..=last_mask].iter().all(|e| e.starts_with("mask ")), "{events:#?}");
        }
    }

    #[test]
    fn a_login_polls_until_it_has_ended_and_sets_outputs() {
        let host = vault().answering(&[ACCEPTED, RUNNING, RUNNING, SUCCEEDED]);
        assert!(block_on(main(&host)));
        assert_eq!(host.events("send").len(), 4);
        assert_eq!(host.now_ms(), 225.0);
        assert_eq!(
            host.events("output"),
            ["output operation_id=op-1", "output registry_url=ghcr.io", "output registry_type=ghcr"]
        );
        assert!(host.events("error").is_empty() && host.events("warning").is_empty());
    }

    #[test]
    fn bad_input_is_one_error_and_no_request_and_no_state() {
        let host = vault().with_inputs(&[("server_id", "x"), ("cleanup", "yes")]);
        assert!(!block_on(main(&host)));
        assert_eq!(host.events("error").len(), 1);
        assert!(host.events("send").is_empty() && host.events("state").is_empty());
    }

    #[test]
    fn passthrough_state_names_the_registry_before_the_request() {
        let host = passthrough().answering(&[ACCEPTED, SUCCEEDED]);
        assert!(block_on(main(&host)));
        assert!(position(&host, "state registry_url=ghcr.io") < position(&host, "send POST"));
        assert!(position(&host, "state login_performed=true") < position(&host, "send POST"));
        assert!(host.events("state").iter().all(|e| !e.contains("hunter22")));
    }

    #[test]
    fn vault_state_names_the_registry_as_soon_as_the_reply_does() {
        let host = vault().answering(&[ACCEPTED, SUCCEEDED]);
        assert!(block_on(main(&host)));
        assert!(position(&host, "state registry_url=ghcr.io") < position(&host, "send GET"));
        assert!(position(&host, "state registry_url=ghcr.io") < position(&host, "output"));
    }

    #[test]
    fn a_definite_failure_is_taken_back_from_state() {
        let refused = passthrough().answering(&[(403, r#"{"detail":"no"}"#)]);
        let denied = passthrough().answering(&[ACCEPTED, DENIED]);
        for host in [refused, denied] {
            assert!(!block_on(main(&host)));
            assert_eq!(login_performed(&host).as_deref(), Some("state login_performed=false"));
        }
    }

    #[test]
    fn an_unknown_end_stays_in_state() {
        let lost = Fault::Network { code: "ECONNRESET".into(), message: String::new() };
        for host in [
            passthrough().failing(lost.clone()),
            passthrough().answering(&[ACCEPTED]).failing(lost),
            passthrough().answering(&[ACCEPTED, (200, r#"{"status":"timeout"}"#)]),
            passthrough().answering(&[ACCEPTED, (200, r#"{"status":"completed","result":{}}"#)]),
            passthrough().with_inputs(&[("timeout", "1")]).answering(&[ACCEPTED]).answering(&[RUNNING; 9]),
        ] {
            assert!(!block_on(main(&host)));
            assert_eq!(login_performed(&host).as_deref(), Some("state login_performed=true"));
        }
    }

    #[test]
    fn the_deadline_ends_the_wait_and_says_how_far_it_got() {
        let host = vault().with_inputs(&[("timeout", "2")]).answering(&[ACCEPTED]).answering(&[RUNNING; 99]);
        assert!(!block_on(main(&host)));
        assert_eq!(host.now_ms(), 2_000.0);
        let error = host.events("error").pop().unwrap();
        assert!(error.contains("within 2 s: operation op-1 still ran"), "{error}");
    }

    #[test]
    fn docker_s_own_log_lines_do_not_crowd_out_its_words() {
        let stderr = r#"time=\"2026\" level=info msg=\"trying next\"\nError: 401 Unauthorized\n"#;
        let failed = format!(r#"{{"status":"failed","result":{{"exit_code":1,"stderr":"{stderr}"}}}}"#);
        let host = vault().answering(&[ACCEPTED, (200, &failed)]);
        block_on(main(&host));
        let error = host.events("error").pop().unwrap();
        assert!(error.contains("exit code 1: Error: 401 Unauthorized (operation"), "{error}");
        assert_eq!(host.events("info   docker").len(), 2, "the log keeps them");
    }

    #[test]
    fn what_a_server_repeats_of_a_secret_is_redacted() {
        let host = passthrough().answering(&[ACCEPTED, DENIED]);
        block_on(main(&host));
        let shown = [host.events("info"), host.events("error")].concat().join("\n");
        assert!(shown.contains("denied: ***") && !shown.contains("hunter22"), "{shown}");
    }

    const STATE: [(&str, &str); 6] = [
        ("login_performed", "true"),
        ("cleanup", "true"),
        ("server_id", ID),
        ("registry_url", "ghcr.io"),
        ("api_key", "rca_key"),
        ("api_url", "https://api.example.com"),
    ];

    #[test]
    fn post_without_state_is_silent() {
        let host = vault();
        block_on(post(&host));
        assert!(host.events.borrow().is_empty());
    }

    #[test]
    fn post_logs_out_and_takes_any_2xx() {
        for reply in [(200, "{}"), (204, ""), (202, "<html>")] {
            let host = FakeHost::default().with_state(&STATE).answering(&[reply]);
            block_on(post(&host));
            assert_eq!(host.events("send").len(), 1);
            assert_eq!(host.events("info"), [format!("info Logged out of ghcr.io on server {ID}")]);
        }
    }

    #[test]
    fn post_waits_for_a_running_login_before_it_logs_out() {
        let host = FakeHost::default().with_state(&STATE).with_state(&[("operation_id", "op-1")]).answering(&[
            RUNNING,
            SUCCEEDED,
            (200, "{}"),
        ]);
        block_on(post(&host));
        assert!(host.events("send").pop().unwrap().ends_with("/registry-auth/logout"));
        assert!(host.events("warning").is_empty());
    }

    #[test]
    fn post_does_not_log_out_a_login_that_failed_after_all() {
        let state = [("operation_id", "op-1")];
        let host = FakeHost::default().with_state(&STATE).with_state(&state).answering(&[DENIED]);
        block_on(post(&host));
        assert_eq!(host.events("send").len(), 1, "only the poll");
    }

    #[test]
    fn post_never_takes_more_than_45_seconds_and_only_warns() {
        let host = FakeHost::default().with_state(&STATE).with_state(&[("operation_id", "op-1")]);
        block_on(post(&host));
        assert!(host.now_ms() <= f64::from(POST_S) * 1000.0, "{} ms", host.now_ms());
        assert!(host.events("error").is_empty() && !host.events("warning").is_empty());
    }

    #[test]
    fn post_says_in_one_line_why_it_does_nothing() {
        for (state, line) in [
            (("login_performed", "false"), "No login to clean up."),
            (("cleanup", "false"), "stays logged in to ghcr.io"),
        ] {
            let host = FakeHost::default().with_state(&STATE).with_state(&[state]);
            block_on(post(&host));
            assert!(host.events("send").is_empty());
            assert_eq!(host.events("info").len(), 1);
            assert!(host.events("info")[0].contains(line));
        }
    }

    #[test]
    fn a_login_lost_before_its_registry_was_known_is_one_warning_that_names_the_server() {
        let host = FakeHost::default().with_state(&STATE).with_state(&[("registry_url", "")]);
        block_on(post(&host));
        assert!(host.events("send").is_empty());
        assert!(host.events("warning").len() == 1 && host.events("warning")[0].contains(ID));
    }
}
