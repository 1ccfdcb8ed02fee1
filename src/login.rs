//! One login's life: ask for it, wait for its end, keep the state for post true at every moment.

use crate::api::{self, Accepted, LoginReply, OperationId, RegistryUrl, Run};
use crate::client::{Attempt, Client, Deadline};
use crate::error::Error;
use crate::host::Host;
use crate::inputs::{Inputs, Login};
use crate::log::Log;
use crate::operation;
use crate::outputs::Outputs;
use crate::retry;
use crate::state::LoginState;
use std::cell::{Cell, RefCell};

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

/// What a login has come to, for outputs and summary.
#[derive(Default)]
pub(crate) struct Report {
    /// As the API calls the server.
    pub(crate) server_name: Option<String>,
    /// What the API has answered to the last request that it accepted.
    pub(crate) accepted: Option<(RegistryUrl, Accepted)>,
    /// How often the login was requested.
    pub(crate) attempts: u32,
    started_ms: Option<f64>,
    pub(crate) duration_ms: f64,
    /// `None` while it is under way, and before.
    pub(crate) outcome: Option<Result<(), Error>>,
}

impl Report {
    /// What the API has answered, once docker has succeeded.
    pub(crate) fn succeeded(&self) -> Option<&(RegistryUrl, Accepted)> {
        self.accepted.as_ref().filter(|_| matches!(self.outcome, Some(Ok(()))))
    }
}

/// What all logins of a step share.
pub(crate) struct Step<'a, H> {
    pub(crate) host: &'a H,
    pub(crate) inputs: &'a Inputs,
    pub(crate) run: &'a Run,
    pub(crate) outputs: Outputs<'a, H>,
    pub(crate) deadline: Deadline,
    /// Whether nothing is to be asked for any more but how what is under way is doing.
    pub(crate) is_over: Cell<bool>,
}

/// One login of a step, and what it needs.
pub(crate) struct LoginRun<'a, H> {
    step: &'a Step<'a, H>,
    log: &'a Log<'a, H>,
    pub(crate) server_id: &'a str,
    pub(crate) login: &'a Login,
    state: LoginState<'a, H>,
    client: Client<'a, H>,
    progress: Progress,
    pub(crate) report: RefCell<Report>,
}

impl<'a, H: Host> LoginRun<'a, H> {
    pub(crate) fn new(
        step: &'a Step<'a, H>,
        log: &'a Log<'a, H>,
        server_id: &'a str,
        login: &'a Login,
        state: LoginState<'a, H>,
    ) -> Self {
        Self {
            step,
            log,
            server_id,
            login,
            state,
            client: Client::new(step.host, log, &step.inputs.api_url, &step.inputs.api_key),
            progress: Progress::default(),
            report: RefCell::default(),
        }
    }

    /// Server and registry, by the best names that are known by now.
    pub(crate) fn name(&self) -> String {
        let report = self.report.borrow();
        let server = report.server_name.clone().unwrap_or_else(|| format!("server {}", self.server_id));
        match (self.login, &report.accepted) {
            (_, Some((registry, _))) => format!("{server}, {}", registry.as_str()),
            (Login::Passthrough { registry, .. }, None) => format!("{server}, {registry}"),
            (Login::Vault { credential_id }, None) => format!("{server}, credential {credential_id}"),
        }
    }

    /// The registry, once docker has succeeded.
    pub(crate) fn logged_in_to(&self) -> Option<String> {
        self.report.borrow().succeeded().map(|(registry, _)| registry.as_str().to_owned())
    }

    pub(crate) fn is_under_way(&self) -> bool {
        let report = self.report.borrow();
        report.started_ms.is_some() && report.outcome.is_none()
    }

    /// Whether a reply is still to come that names the operation and the registry.
    pub(crate) fn awaits_reply(&self) -> bool {
        matches!(*self.progress.stage.borrow(), Stage::Requested)
    }

    /// Whether it has met what is in the way of every other login, too.
    pub(crate) fn has_failed_for_all(&self) -> bool {
        matches!(&self.report.borrow().outcome, Some(Err(error)) if error.concerns_all())
    }

    /// Logs in, within the deadline, and takes down what came of it.
    pub(crate) async fn to_end(&self) {
        self.log.relabel(&self.name());
        self.report.borrow_mut().started_ms = Some(self.step.host.now_ms());
        let has_passed = || self.step.deadline.has_passed(self.step.host);
        let passed = |progress| Error::DeadlinePassed { timeout_s: self.step.inputs.timeout_s, progress };
        let outcome = match self.until_done().await {
            // Once the time is up, what failed last is only how far it got; what docker said is an answer and stays.
            Err(error) if has_passed() && error.is_of_the_network() => {
                Err(passed(format!("{}. Last failure: {error}", self.progress.tell())))
            }
            outcome => outcome,
        };
        self.end(outcome);
    }

    /// A login that was given up where it stood ends so.
    pub(crate) fn end_cancelled(&self) {
        self.end(Err(Error::Cancelled { progress: self.progress.tell() }));
    }

    pub(crate) fn end_untried(&self) {
        self.end(Err(Error::NotTried { in_time: !self.step.deadline.has_passed(self.step.host) }));
    }

    fn end(&self, outcome: Result<(), Error>) {
        let mut report = self.report.borrow_mut();
        // One that was never begun has no state, and nothing to tell but in the error.
        if let Some(started_ms) = report.started_ms {
            report.duration_ms = self.step.host.now_ms() - started_ms;
            match &outcome {
                Ok(()) => self.state.ended(),
                Err(_) if self.progress.may_have_logged_in() => {}
                Err(_) => self.state.failed(),
            }
            if let Err(error) = &outcome
                && self.log.is_labelled()
            {
                self.log.info(&format!("Failed: {error}"));
            }
        }
        report.outcome = Some(outcome);
    }

    /// Logs in, and again where the registry failed in a way that passes by itself.
    async fn until_done(&self) -> Result<(), Error> {
        let mut login = 1;
        loop {
            let error = match self.once().await {
                Err(error @ Error::DockerFailed { .. })
                    if retry::is_transient(&error) && login < retry::LOGINS && !self.step.is_over.get() =>
                {
                    error
                }
                outcome => return outcome,
            };
            let wait_ms = retry::backoff_ms(login, self.step.host.random());
            self.log.retrying("the login", wait_ms, login, Some(retry::LOGINS), &error);
            self.step.deadline.sleep(self.step.host, wait_ms).await;
            if self.step.is_over.get() || self.step.deadline.has_passed(self.step.host) {
                return Err(error);
            }
            login += 1;
        }
    }

    /// Asks for the login and waits for its end.
    async fn once(&self) -> Result<(), Error> {
        let Self { step: Step { host, inputs, outputs, deadline, .. }, log, progress, .. } = self;
        let passed = || Error::DeadlinePassed { timeout_s: inputs.timeout_s, progress: progress.tell() };
        if deadline.has_passed(*host) {
            return Err(passed());
        }
        let (registry_url, accepted) = self.request().await?;
        let registry = registry_url.as_str();
        let Accepted { operation_id: id, registry_type } = &accepted;
        log.relabel(&self.name());
        if !log.is_labelled() {
            // Of the only login they are there at once, whatever becomes of it.
            outputs.set_accepted([Some((registry, &accepted))].into_iter());
        }
        let with = match self.login {
            Login::Vault { credential_id } if log.is_labelled() => format!(" with credential {credential_id}"),
            _ => String::new(),
        };
        log.info(&format!("Operation {id}: docker login {registry} ({registry_type}){with}"));

        let Some(operation) = operation::wait(*host, &self.client, id, *deadline).await? else {
            return Err(passed());
        };
        let server_name = operation::server_name(log, &operation);
        if let Some(name) = &server_name {
            self.state.server_named(name);
        }
        let server = operation::named(server_name.as_deref(), self.server_id);
        self.report.borrow_mut().server_name = server_name;
        log.relabel(&self.name());
        let end = operation::judge(log, &operation, &server, registry, id);
        // Of many that succeed one line each is enough.
        if end.is_err() || !log.is_labelled() {
            log.remote("docker", &operation.stdout);
            log.remote("docker", &operation.stderr);
        }
        end.inspect_err(|error| {
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
        let Self { log, state, login, progress, report, .. } = self;
        let request = api::login(self.server_id, login, self.step.run);
        let mut hears = |attempt: Attempt<'_>| {
            match attempt {
                Attempt::Begins if self.step.is_over.get() => {}
                Attempt::Begins => {
                    report.borrow_mut().attempts += 1;
                    state.requested();
                    progress.enter(Stage::Requested);
                }
                Attempt::Failed(error) => {
                    progress.enter(Stage::Idle);
                    if !error.leaves_no_login() && !progress.uncertain.replace(true) {
                        state.uncertain();
                    }
                }
            }
            !self.step.is_over.get()
        };
        let reply = self.client.call(&request, self.step.deadline, LoginReply::read, &mut hears).await?;

        let off_contract = |flaw| self.client.off_contract(request.call, flaw);
        // What the user wrote, and what the API documents, is public, even where a weak token is a part of it.
        let is_secret = |word: &str| !login.names(word) && !api::is_documented(word) && log.is_secret(word);
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
        report.borrow_mut().accepted = Some((reply.registry_url.clone(), accepted.clone()));
        Ok((reply.registry_url, accepted))
    }
}
