//! One login's life: ask for it, wait for its end, keep the state for post true at every moment.

use crate::api::{self, Accepted, LoginReply, OperationId, RegistryUrl, Run};
use crate::client::{Client, Deadline};
use crate::error::Error;
use crate::host::Host;
use crate::inputs::{Inputs, Login};
use crate::log::Log;
use crate::operation;
use crate::retry;
use crate::state::StateWriter;
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::pin::pin;

/// How long a cancelled step still waits for the reply to a login request that is out: the reply names the operation
/// and the registry, which post needs. Runners give a cancelled step seconds.
const CANCEL_GRACE_MS: u32 = 1_500;
const CANCEL_CHECK_MS: u32 = 50;

/// What is known of the login while it is under way.
#[derive(Default)]
struct Progress {
    stage: RefCell<Stage>,
    /// Whether some request may have led to a login that nobody heard of again.
    uncertain: Cell<bool>,
}

#[derive(Default)]
enum Stage {
    /// Nothing is under way: not yet, not between two attempts, not after a definite end.
    #[default]
    Idle,
    Requested,
    Running(OperationId),
}

impl Progress {
    fn enter(&self, stage: Stage) {
        self.stage.replace(stage);
    }

    fn awaits_reply(&self) -> bool {
        matches!(*self.stage.borrow(), Stage::Requested)
    }

    /// Whether the server may be logged in, or be about to.
    fn may_have_logged_in(&self) -> bool {
        self.uncertain.get() || !matches!(*self.stage.borrow(), Stage::Idle)
    }

    /// How far it got, as part of a sentence.
    fn tell(&self) -> String {
        match &*self.stage.borrow() {
            Stage::Idle => "Reoclo had not accepted the login".to_owned(),
            Stage::Requested => "Reoclo had not answered the login request".to_owned(),
            Stage::Running(id) => format!("operation {id} still ran on the server"),
        }
    }
}

/// Logs in, within the deadline, unless the runner asks the step to stop.
pub(crate) async fn log_in<H: Host>(
    host: &H,
    log: &Log<'_, H>,
    state: &StateWriter<'_, H>,
    inputs: &Inputs,
    run: &Run,
) -> Result<(), Error> {
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

    let login = LoginRun {
        host,
        log,
        state,
        inputs,
        run,
        client: Client::new(host, log, &inputs.api_url, &inputs.api_key),
        deadline: Deadline::after_s(host, inputs.timeout_s),
        progress: Progress::default(),
    };
    let outcome = match select(pin!(login.until_done()), pin!(login.cancelled())).await {
        // Once the time is up, what failed last is only how far it got; what docker said is an answer and stays.
        Either::Left((Err(error), _)) if login.deadline.has_passed(host) && error.is_of_the_network() => {
            let progress = format!("{}. Last failure: {error}", login.progress.tell());
            Err(Error::DeadlinePassed { timeout_s: inputs.timeout_s, progress })
        }
        Either::Left((outcome, _)) => outcome,
        Either::Right(_) => Err(Error::Cancelled { progress: login.progress.tell() }),
    };
    match &outcome {
        Ok(()) => state.login_completed(),
        Err(_) if login.progress.may_have_logged_in() => {}
        Err(_) => state.login_failed(),
    }
    outcome
}

/// One login under way, and what it needs.
struct LoginRun<'a, H> {
    host: &'a H,
    log: &'a Log<'a, H>,
    state: &'a StateWriter<'a, H>,
    inputs: &'a Inputs,
    run: &'a Run,
    client: Client<'a, H>,
    deadline: Deadline,
    progress: Progress,
}

impl<H: Host> LoginRun<'_, H> {
    /// Resolves when the runner has asked the step to stop and nothing is left to learn.
    async fn cancelled(&self) {
        self.host.cancelled().await;
        for _ in 0..CANCEL_GRACE_MS / CANCEL_CHECK_MS {
            if !self.progress.awaits_reply() {
                return;
            }
            self.host.sleep(CANCEL_CHECK_MS).await;
        }
    }

    /// Logs in, and again where the registry failed in a way that passes by itself.
    async fn until_done(&self) -> Result<(), Error> {
        let mut login = 1;
        loop {
            let error = match self.once().await {
                Err(error @ Error::DockerFailed { .. }) if retry::is_transient(&error) && login < retry::LOGINS => {
                    error
                }
                outcome => return outcome,
            };
            let wait_ms = retry::backoff_ms(login, self.host.random());
            self.log.retrying("the login", wait_ms, login, Some(retry::LOGINS), &error);
            self.deadline.sleep(self.host, wait_ms).await;
            if self.deadline.has_passed(self.host) {
                return Err(error);
            }
            login += 1;
        }
    }

    /// Asks for the login and waits for its end.
    async fn once(&self) -> Result<(), Error> {
        let Self { host, log, inputs, progress, .. } = self;
        let (registry_url, Accepted { operation_id: id, registry_type }) = self.request().await?;
        let registry = registry_url.as_str();
        let outputs = [("operation_id", id.as_str()), ("registry_url", registry), ("registry_type", &registry_type)];
        let refusals = outputs.map(|(name, value)| self.host.set_output(name, value).err());
        if let Some(reason) = refusals.into_iter().flatten().next() {
            log.warning("Outputs are missing", &format!("The runner could not take the outputs: {reason}."));
        }
        log.info(&format!("Operation {id}: docker login {registry} ({registry_type})"));

        let Some(operation) = operation::wait(*host, &self.client, &id, self.deadline).await? else {
            return Err(Error::DeadlinePassed { timeout_s: inputs.timeout_s, progress: progress.tell() });
        };
        log.remote("docker", &operation.stdout);
        log.remote("docker", &operation.stderr);
        let server = operation::server_name(log, &operation, &inputs.server_id);
        operation::judge(log, &operation, &server, registry, &id).inspect_err(|error| {
            if error.leaves_no_login() {
                progress.enter(Stage::Idle);
            }
        })?;
        let then = if inputs.cleanup { "the post step logs it out" } else { "it stays logged in (cleanup: false)" };
        log.info(&format!("Logged {server} in to {registry}; {then}"));
        Ok(())
    }

    /// Sends the login request, with the state one step ahead of it, and takes in the reply.
    async fn request(&self) -> Result<(RegistryUrl, Accepted), Error> {
        let Self { log, state, inputs, progress, .. } = self;
        state.login_requested(inputs);
        progress.enter(Stage::Requested);
        let request = api::login(&inputs.server_id, &inputs.login, self.run);
        let mut failed = |error: &Error| {
            if !error.leaves_no_login() && !progress.uncertain.replace(true) {
                state.login_uncertain();
            }
        };
        let reply = self.client.call(&request, self.deadline, LoginReply::read, &mut failed).await;
        let reply = reply.inspect_err(|_| progress.enter(Stage::Idle))?;

        let off_contract = |flaw| self.client.off_contract(request.call, flaw);
        // What the user wrote, and what the API documents, is public, even where a weak token is a part of it.
        let is_secret = |word: &str| !inputs.login.names(word) && !api::is_documented(word) && log.is_secret(word);
        if is_secret(reply.registry_url.as_str()) {
            return Err(off_contract("registry_url repeats a secret"));
        }
        state.registry_named(&reply.registry_url);
        // From here on the login can be undone; what is wrong with the rest of the reply costs the step, not the logout.
        let accepted = reply.accepted().map_err(off_contract)?;
        if is_secret(accepted.operation_id.as_str()) || is_secret(&accepted.registry_type) {
            return Err(off_contract("it repeats a secret"));
        }
        state.operation_named(&accepted.operation_id);
        progress.enter(Stage::Running(accepted.operation_id.clone()));
        Ok((reply.registry_url, accepted))
    }
}
