//! One login: request it, wait for its end, and keep the state for the post step up to date.

use super::cleanup::Cleanup;
use super::error::{LoginError, SkipReason};
use super::operation;
use super::outputs::Outputs;
use super::poll::Polls;
use super::result::{AcceptedLogin, LoginResult};
use super::state::LoginState;
use crate::api::budget::RequestBudget;
use crate::api::client::{Attempt, Client};
use crate::api::contract::{self, ApiCall, LoginResponse};
use crate::api::credential::Credential;
use crate::api::deadline::Deadline;
use crate::api::error::ApiError;
use crate::api::identifier::{OperationId, RegistryType};
use crate::api::retry;
use crate::host::Host;
use crate::inputs::Inputs;
use crate::runner::context::CiRun;
use crate::runner::log::Log;
use std::cell::{Cell, RefCell};
use std::ops::ControlFlow;

/// How often a login is requested if docker fails with a transient error.
const MAX_LOGIN_ATTEMPTS: u32 = 3;

/// What all logins of a step share.
pub(crate) struct StepContext<'a, H> {
    pub(crate) host: &'a H,
    pub(crate) inputs: &'a Inputs,
    pub(crate) run: &'a CiRun,
    pub(crate) outputs: Outputs<'a, H>,
    pub(crate) deadline: Deadline,
    pub(crate) budget: &'a RequestBudget<'a, H>,
    pub(crate) polls: Polls,
    pub(crate) was_cancelled: Cell<bool>,
}

/// What is known of a login while it is under way.
#[derive(Default)]
struct Progress {
    stage: RefCell<Stage>,
    /// Whether a failed request may have caused a login.
    has_unconfirmed_attempt: Cell<bool>,
}

#[derive(Default)]
enum Stage {
    /// No login is under way: before a request, between two attempts, or after a definite failure.
    #[default]
    Idle,
    Requested,
    Running(OperationId),
}

impl Progress {
    fn enter(&self, stage: Stage) {
        self.stage.replace(stage);
    }

    fn may_have_logged_in(&self) -> bool {
        self.has_unconfirmed_attempt.get() || !matches!(*self.stage.borrow(), Stage::Idle)
    }

    /// A part of a sentence.
    fn describe(&self) -> String {
        match &*self.stage.borrow() {
            Stage::Idle => "the login had not been accepted".to_owned(),
            Stage::Requested => "there was no response to the login request".to_owned(),
            Stage::Running(id) => format!("operation {id} was still running"),
        }
    }
}

pub(crate) struct LoginTask<'a, H> {
    step: &'a StepContext<'a, H>,
    log: &'a Log<'a, H>,
    state: LoginState<'a, H>,
    client: Client<'a, H>,
    progress: Progress,
    started_ms: Cell<Option<f64>>,
    result: RefCell<LoginResult<'a>>,
}

impl<'a, H: Host> LoginTask<'a, H> {
    pub(crate) fn new(
        step: &'a StepContext<'a, H>,
        log: &'a Log<'a, H>,
        state: LoginState<'a, H>,
        result: LoginResult<'a>,
    ) -> Self {
        Self {
            step,
            log,
            state,
            client: Client::new(step.host, log, &step.inputs.api_url, &step.inputs.api_key, step.budget),
            progress: Progress::default(),
            started_ms: Cell::new(None),
            result: RefCell::new(result),
        }
    }

    pub(crate) fn name(&self) -> String {
        self.result.borrow().name()
    }

    pub(crate) fn has_finished(&self) -> bool {
        self.result.borrow().outcome.is_some()
    }

    pub(crate) fn is_under_way(&self) -> bool {
        self.started_ms.get().is_some() && !self.has_finished()
    }

    /// Whether the response that names operation and registry has not been received yet.
    pub(crate) fn awaits_response(&self) -> bool {
        matches!(*self.progress.stage.borrow(), Stage::Requested)
    }

    /// Whether an operation may be running whose end nobody will learn.
    pub(crate) fn has_unknown_operation(&self) -> bool {
        let has_failed = self.result.borrow().error().is_some();
        self.progress.has_unconfirmed_attempt.get() || has_failed && self.progress.may_have_logged_in()
    }

    pub(crate) fn failed_for_all_logins(&self) -> bool {
        self.result.borrow().error().is_some_and(LoginError::affects_all_logins)
    }

    pub(crate) fn into_result(self) -> LoginResult<'a> {
        self.result.into_inner()
    }

    /// Logs in within the deadline and records the outcome.
    pub(crate) async fn run(&self) {
        self.log.set_label(&self.name());
        let outcome = match self.login_with_retries().await {
            // A request that was given up is not a failure of its own.
            Err(error) if self.step.was_cancelled.get() && (error.is_transient_api_error() || error.is_skipped()) => {
                Err(LoginError::Cancelled { progress: self.progress.describe() })
            }
            // After the deadline the last API error is only progress; what docker returned stays the outcome.
            Err(error) if self.has_timed_out() && error.is_transient_api_error() => {
                let progress = format!("{}. Last error: {error}", self.progress.describe());
                Err(self.timeout(progress, error.is_rate_limit()))
            }
            outcome => outcome,
        };
        self.finish(outcome);
    }

    pub(crate) fn finish_cancelled(&self) {
        self.finish(Err(LoginError::Cancelled { progress: self.progress.describe() }));
    }

    pub(crate) fn finish_skipped(&self) {
        self.finish(Err(LoginError::Skipped(self.skip_reason())));
    }

    fn skip_reason(&self) -> SkipReason {
        if self.has_timed_out() { SkipReason::StepTimeout } else { SkipReason::OtherLoginFailed }
    }

    fn finish(&self, outcome: Result<(), LoginError>) {
        let mut result = self.result.borrow_mut();
        // A login that was never started has no state and no log line.
        if let Some(started_ms) = self.started_ms.get() {
            result.duration_ms = self.step.host.monotonic_ms() - started_ms;
            match &outcome {
                Ok(()) => self.state.set_ended(),
                // What has definitely failed is saved already.
                Err(error) => self.report_failure(error),
            }
        }
        result.outcome = Some(outcome);
    }

    /// What the error of the step does not say: a single login needs only that the server may be logged in all the same.
    fn report_failure(&self, error: &LoginError) {
        let mut parts = Vec::new();
        if self.log.is_labelled() {
            parts.push(format!("Failed: {error}"));
        }
        if self.progress.may_have_logged_in() {
            parts.push(match self.cleanup() {
                Cleanup::LogOut if !self.state.has_registry() => {
                    "The server may be logged in, but Reoclo has not returned the registry".to_owned()
                }
                cleanup => format!("The server may be logged in; the post step {}", cleanup.describe()),
            });
        }
        if !parts.is_empty() {
            self.log.info(&parts.join(" "));
        }
    }

    fn cleanup(&self) -> Cleanup {
        Cleanup::new(self.step.inputs.cleanup, self.state.is_saved())
    }

    fn has_timed_out(&self) -> bool {
        self.step.deadline.has_passed(self.step.host)
    }

    fn timeout(&self, progress: String, is_rate_limited: bool) -> LoginError {
        let StepContext { inputs, budget, .. } = self.step;
        let rate_limited = is_rate_limited || budget.was_too_slow();
        LoginError::StepTimeout { timeout_s: inputs.timeout_s, progress, rate_limited }
    }

    /// Logs in, and again if docker failed with a transient error.
    async fn login_with_retries(&self) -> Result<(), LoginError> {
        let StepContext { host, budget, .. } = self.step;
        let mut attempt = 1;
        let mut last_error = None;
        loop {
            let error = match self.attempt().await {
                // The next attempt was not sent.
                Err(error @ LoginError::Skipped(_)) => return Err(last_error.unwrap_or(error)),
                Err(error)
                    if error.is_transient_docker_failure() && attempt < MAX_LOGIN_ATTEMPTS && !budget.is_stopped() =>
                {
                    error
                }
                outcome => return outcome,
            };
            let wait_ms = retry::backoff_ms(attempt, host.random());
            self.log.retrying_login(&error, wait_ms, attempt, MAX_LOGIN_ATTEMPTS);
            self.step.deadline.sleep(*host, wait_ms).await;
            if budget.is_stopped() || self.has_timed_out() {
                return Err(error);
            }
            last_error = Some(error);
            attempt += 1;
        }
    }

    /// Requests the login and waits for its end.
    async fn attempt(&self) -> Result<(), LoginError> {
        let Self { step: StepContext { host, outputs, deadline, polls, .. }, log, progress, .. } = self;
        if deadline.has_passed(*host) {
            return Err(self.timeout(progress.describe(), false));
        }
        let accepted = self.request().await?;
        let (id, registry) = (&accepted.operation_id, accepted.registry_url.as_str());
        log.set_label(&self.name());
        if !log.is_labelled() {
            // A single login sets its outputs at once, whatever its outcome.
            outputs.set_accepted([Some(&accepted)].into_iter());
        }
        let server_id = self.result.borrow().server_id;
        let with = match self.result.borrow().credential_id() {
            Some(credential_id) if log.is_labelled() => format!(" with credential {credential_id}"),
            _ => String::new(),
        };
        log.info(&format!("Operation {id}: docker login {registry} ({}){with}", accepted.registry_type.as_str()));

        let Some(operation) = operation::wait(*host, &self.client, polls, id, server_id, *deadline).await? else {
            return Err(self.timeout(progress.describe(), false));
        };
        let server_name = operation::server_name(log, &operation);
        if let Some(name) = &server_name {
            self.state.set_server_name(name);
        }
        let server = operation::describe_server(server_name.as_deref(), server_id);
        self.result.borrow_mut().server_name = server_name;
        log.set_label(&self.name());
        let result = operation::check_result(log, &operation, &server, registry, id);
        // Of several logins only the failed ones show docker's output.
        if result.is_err() || !log.is_labelled() {
            log.output("docker", operation.stdout());
            log.output("docker", operation.stderr());
        }
        result.inspect_err(|error| {
            if error.rules_out_login() {
                progress.enter(Stage::Idle);
                self.save_failure();
            }
        })?;
        let cleanup = self.cleanup().describe();
        log.info(&format!("Logged in to {registry} on {server}; the post step {cleanup}"));
        Ok(())
    }

    /// Sends the login request, with the state saved before it, and records the response.
    async fn request(&self) -> Result<AcceptedLogin, LoginError> {
        let Self { step, state, progress, result, .. } = self;
        let (server_id, credential) = (result.borrow().server_id, result.borrow().credential);
        let request = contract::login(step.host, server_id, credential, step.run);
        let on_attempt = |attempt: Attempt<'_>| {
            match attempt {
                Attempt::Starts if step.budget.is_stopped() => {}
                Attempt::Starts => {
                    if self.started_ms.get().is_none() {
                        self.started_ms.set(Some(step.host.monotonic_ms()));
                    }
                    result.borrow_mut().attempts += 1;
                    state.set_requested();
                    progress.enter(Stage::Requested);
                }
                Attempt::Failed { error, counts } => {
                    progress.enter(Stage::Idle);
                    if !counts {
                        result.borrow_mut().attempts -= 1;
                    }
                    if !error.rules_out_operation() {
                        if !progress.has_unconfirmed_attempt.replace(true) {
                            state.set_unconfirmed_attempt();
                        }
                    } else {
                        self.save_failure();
                    }
                }
            }
            if step.budget.is_stopped() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let response = self.client.request_json(&request, step.deadline, on_attempt).await;
        let response = response.map_err(|error| match error {
            ApiError::NotSent { .. } => LoginError::Skipped(self.skip_reason()),
            error => LoginError::Api(error),
        })?;
        let accepted = self.check_response(request.call, credential, response)?;
        progress.enter(Stage::Running(accepted.operation_id.clone()));
        result.borrow_mut().accepted = Some(accepted.clone());
        Ok(accepted)
    }

    /// What has definitely failed is not logged out, even if the step is killed before the next attempt.
    fn save_failure(&self) {
        if !self.progress.has_unconfirmed_attempt.get() {
            self.state.set_failed();
        }
    }

    /// Saves what the post step needs, and checks the response.
    fn check_response(
        &self,
        call: ApiCall,
        credential: &Credential,
        response: LoginResponse,
    ) -> Result<AcceptedLogin, ApiError> {
        let unexpected = |reason| self.client.unexpected_response(call, reason);
        let LoginResponse { registry_url, operation_id, registry_type } = response;
        // What the user wrote is not secret, even if a weak token is a part of it.
        if !credential.names_registry(registry_url.as_str()) && self.log.is_secret(registry_url.as_str()) {
            return Err(unexpected("registry_url contains a secret"));
        }
        let operation_id = operation_id.filter(|id| !self.log.is_secret(id.as_str()));
        // With the registry the login can be undone, even if the rest of the response is invalid.
        self.state.set_accepted(&registry_url, operation_id.as_ref());
        let operation_id = operation_id.ok_or_else(|| unexpected("operation_id is missing or invalid"))?;
        let is_secret = |kind: &RegistryType| !kind.is_documented() && self.log.is_secret(kind.as_str());
        let registry_type = registry_type.filter(|kind| !is_secret(kind));
        let registry_type = registry_type.ok_or_else(|| unexpected("registry_type is missing or invalid"))?;
        Ok(AcceptedLogin { registry_url, registry_type, operation_id })
    }
}
