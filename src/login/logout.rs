//! The logouts of the post step: of everything that the main step has, or may have, logged in.

use super::error::LogoutError;
use super::for_each_server;
use super::operation;
use super::poll::Polls;
use super::state::{LoginPhase, SavedLogin, SavedState};
use super::summary;
use crate::api::budget::RequestBudget;
use crate::api::client::{Attempt, Client, SLOW_LOGOUT_MS};
use crate::api::contract::{self, LogoutResponse, OperationKind, OperationStatus};
use crate::api::deadline::{Deadline, Share};
use crate::api::error::ApiError;
use crate::api::identifier::OperationId;
use crate::api::retry;
use crate::api::url::ApiUrl;
use crate::host::Host;
use crate::runner::context::CiRun;
use crate::runner::log::Log;
use crate::runner::secret::Secret;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::ops::ControlFlow;

/// The time limit of all logouts. Starting and ending the process takes a moment more; the promise is 45 s.
pub(crate) const POST_TIMEOUT_S: u32 = 44;
/// How much of that time running logins are waited for.
const LOGIN_WAIT_S: u32 = 20;
/// How long a login with unknown operation may take from its request on. A logout that runs before the login it is meant
/// for leaves that login behind.
const UNKNOWN_LOGIN_MS: f64 = LOGIN_WAIT_S as f64 * 1000.0;

/// A logout that failed so long ago is retried when all other servers are done.
const RETRY_FAILED_AFTER_MS: f64 = 5_000.0;
/// How often a logout is requested if docker fails with a transient error.
const MAX_ATTEMPTS: u32 = 3;

/// What became of a logout, as the job summary shows it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum LogoutResult {
    Unconfirmed,
    LoggedOut,
    /// The API has accepted the logout, but its result cannot be read.
    Requested,
    LoginFailed,
    Kept,
}

impl fmt::Display for LogoutResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unconfirmed => "⚠️ may still be logged in",
            Self::LoggedOut => "✅ logged out",
            Self::Requested => "logout requested, result unknown",
            Self::LoginFailed => "✅ login failed, nothing to log out",
            Self::Kept => "stays logged in (cleanup: false)",
        })
    }
}

/// A server and a registry that one or more logins of the main step were for.
struct Target<'a> {
    server_id: &'a str,
    /// `None` if the API has not returned it.
    registry: Option<&'a str>,
    logins: Vec<&'a SavedLogin>,
    /// Whether a login may still be running on this server. Such a server goes first, since it takes longest.
    is_first: bool,
    result: Cell<LogoutResult>,
    /// Whether the logins have been waited for, and the operation that did not finish in that time.
    waited: Cell<Option<Option<&'a OperationId>>>,
    /// Whether a logout may be running that nobody can ask for.
    has_unknown_logout: Cell<bool>,
    failure: RefCell<Option<Failure>>,
}

/// Why a logout failed, and when in milliseconds of [`Host::monotonic_ms`].
struct Failure {
    error: LogoutError,
    at_ms: f64,
}

impl Target<'_> {
    fn summary_row(&self) -> Vec<String> {
        let server = operation::describe_server(self.server_name(), self.server_id);
        vec![server, self.registry.unwrap_or("unknown").to_owned(), self.result.get().to_string()]
    }

    fn server_name(&self) -> Option<&str> {
        self.logins.iter().find_map(|login| login.server_name.as_deref())
    }

    /// Whether the logout failed for a reason that may have passed while the other servers were logged out.
    fn failed_for_the_moment(&self, host: &impl Host) -> bool {
        let failure = self.failure.borrow();
        let failure = failure.as_ref().filter(|_| self.result.get() == LogoutResult::Unconfirmed);
        failure.is_some_and(|failure| {
            failure.error.is_transient() && host.monotonic_ms() - failure.at_ms >= RETRY_FAILED_AFTER_MS
        })
    }
}

/// What to log out, in the order of the logins.
fn targets(logins: &[SavedLogin]) -> Vec<Target<'_>> {
    let mut targets: Vec<Target<'_>> = Vec::new();
    for login in logins.iter().filter(|login| login.phase != LoginPhase::Failed) {
        // A credential has the same registry on every server.
        let known = |other: &&SavedLogin| other.credential == login.credential && other.registry_url.is_some();
        let registry = login.registry_url.as_deref();
        let registry = registry.or_else(|| logins.iter().find(known).and_then(|other| other.registry_url.as_deref()));
        match targets.iter_mut().find(|target| target.server_id == login.server_id && target.registry == registry) {
            Some(target) => target.logins.push(login),
            None => targets.push(Target {
                server_id: &login.server_id,
                registry,
                logins: vec![login],
                is_first: logins.iter().any(|other| other.server_id == login.server_id && other.is_unfinished()),
                result: Cell::new(LogoutResult::Unconfirmed),
                waited: Cell::default(),
                has_unknown_logout: Cell::new(false),
                failure: RefCell::default(),
            }),
        }
    }
    targets
}

/// Logs out everything in the saved state. Every failure is a warning; failures of one kind share a warning.
pub(crate) async fn log_out<H: Host>(host: &H, log: &Log<'_, H>, saved: &SavedState, run: &CiRun) {
    let targets = targets(&saved.logins);
    let warnings = Warnings::default();
    for login in &saved.unreadable {
        let message = format!(
            "The saved state of {login} cannot be read, so the post step cannot log it out. Fix: run docker logout for \
             its registry on the server."
        );
        warnings.add(LOGIN_NOT_CLEANED_UP, message);
    }
    if targets.is_empty() {
        log.info("No logins to clean up");
    }
    match &saved.api {
        _ if !saved.cleanup => keep(log, &targets),
        Ok((api_url, api_key)) => {
            if let Some(pem_or_path) = &saved.ca_certificate {
                // The main step has used it. If it has become invalid, the connection fails and says why.
                let _ = host.add_ca_certificates(pem_or_path);
            }
            let deadline = Deadline::after_s(host, POST_TIMEOUT_S);
            let budget = RequestBudget::new(host, log, deadline);
            let step = LogoutStep {
                host,
                log,
                api_url,
                api_key,
                run,
                warnings: &warnings,
                is_single: targets.len() == 1,
                deadline,
                login_deadline: Deadline::after_s(host, LOGIN_WAIT_S),
                budget: &budget,
                login_polls: Polls::of(OperationKind::Login),
                logout_polls: Polls::of(OperationKind::Logout),
                api_was_silent: Cell::new(false),
            };
            let log_out_all = async {
                step.log_out_servers(targets.iter()).await;
                while targets.iter().any(|target| target.failed_for_the_moment(host)) {
                    step.log_out_servers(targets.iter().filter(|target| target.failed_for_the_moment(host))).await;
                }
            };
            budget.serve(log_out_all).await;
            for target in targets.iter().filter(|target| target.result.get() == LogoutResult::Unconfirmed) {
                if let (Some(Failure { error, .. }), Some(registry)) = (&*target.failure.borrow(), target.registry) {
                    warnings.add_failure(target, registry, &error.with_fix());
                }
            }
        }
        Err(error) => {
            for target in &targets {
                match target.registry {
                    Some(registry) => warnings.add_failure(target, registry, &error.to_string()),
                    None => warnings.add_unknown_registry(target),
                }
            }
        }
    }
    for (title, messages) in warnings.0.take() {
        log.warning_lines(title, &messages);
    }
    if saved.job_summary && !targets.is_empty() {
        summary::write_logouts(host, log, targets.iter().map(Target::summary_row));
    }
}

fn keep<H: Host>(log: &Log<'_, H>, targets: &[Target<'_>]) {
    for target in targets {
        let server = target.server_id;
        target.result.set(LogoutResult::Kept);
        log.info(&match target.registry {
            Some(registry) => format!("cleanup is false: server {server} stays logged in to {registry}"),
            None => format!("cleanup is false: server {server} is not logged out"),
        });
    }
}

const LOGIN_NOT_CLEANED_UP: &str = "Login may not be cleaned up";

/// The warnings of the step: title and messages.
#[derive(Default)]
struct Warnings(RefCell<Vec<(&'static str, Vec<String>)>>);

impl Warnings {
    fn add(&self, title: &'static str, message: String) {
        let mut warnings = self.0.borrow_mut();
        match warnings.iter_mut().find(|(other, _)| *other == title) {
            Some((_, messages)) => messages.push(message),
            None => warnings.push((title, vec![message])),
        }
    }

    fn add_failure(&self, target: &Target<'_>, registry: &str, cause: &str) {
        let server = target.server_id;
        self.add("Logout failed", format!("Server {server} may still be logged in to {registry}. {cause}"));
    }

    fn add_unknown_registry(&self, target: &Target<'_>) {
        let message = format!(
            "Reoclo returned no registry for the login on server {}, so the post step cannot log it out. Fix: run docker \
             logout for that registry on the server.",
            target.server_id
        );
        self.add(LOGIN_NOT_CLEANED_UP, message);
    }
}

/// What all logouts share.
struct LogoutStep<'a, H> {
    host: &'a H,
    log: &'a Log<'a, H>,
    api_url: &'a ApiUrl,
    api_key: &'a Secret,
    run: &'a CiRun,
    warnings: &'a Warnings,
    is_single: bool,
    deadline: Deadline,
    /// Until when running logins are waited for.
    login_deadline: Deadline,
    budget: &'a RequestBudget<'a, H>,
    login_polls: Polls,
    logout_polls: Polls,
    /// Whether a logout request has timed out.
    api_was_silent: Cell<bool>,
}

impl<H: Host> LogoutStep<'_, H> {
    async fn log_out_servers<'t>(&self, targets: impl Iterator<Item = &'t Target<'t>> + Clone) {
        let mut servers: Vec<Vec<&Target<'_>>> = Vec::new();
        for is_first in [true, false] {
            for target in targets.clone().filter(|target| target.is_first == is_first) {
                match servers.iter_mut().find(|on| on.iter().any(|other| other.server_id == target.server_id)) {
                    Some(on_server) => on_server.push(target),
                    None => servers.push(vec![target]),
                }
            }
        }
        for_each_server(servers, async |on_server| self.log_out_server(on_server).await).await;
    }

    /// Logs out one server. No logout is sent while a login may be running there: docker would restore what it had read.
    async fn log_out_server(&self, targets: Vec<&Target<'_>>) {
        let mut logouts = Vec::new();
        let is_only_target = targets.len() == 1;
        for target in targets {
            let log = self.log.for_login(self.is_single);
            let server = operation::name_server(target.server_name(), target.server_id);
            log.set_label(&format!("{server}, {}", target.registry.unwrap_or("unknown registry")));
            match target.registry {
                Some(registry) => {
                    let unfinished = self.wait_for_logins(&log, target).await;
                    logouts.push((target, registry, log, unfinished));
                }
                None => {
                    // It cannot be logged out, but when it finishes it could restore the other logins of this server.
                    if !is_only_target {
                        self.wait_for_logins(&log, target).await;
                    }
                    self.warnings.add_unknown_registry(target);
                }
            }
        }
        let mut left_here = logouts.len();
        for (target, registry, log, unfinished) in logouts {
            if target.result.get() == LogoutResult::Unconfirmed {
                let min_ms = if self.api_was_silent.get() { 0.0 } else { SLOW_LOGOUT_MS };
                let share = Share { until: self.deadline, shares: left_here, min_ms };
                self.log_out_target(&log, target, registry, unfinished, share).await;
            }
            left_here -= 1;
            if left_here > 0 && (target.has_unknown_logout.get() || target.result.get() == LogoutResult::Requested) {
                // Two at a time would restore each other's logins, and nobody can say when this one has ended. The wait gets
                // as much time as the next logout.
                self.deadline.share(self.host, 2 * left_here, 0.0).sleep(self.host, SLOW_LOGOUT_MS as u32).await;
            }
        }
    }

    /// Waits once for the logins that were running when the main step ended. Returns the operation that did not finish.
    async fn wait_for_logins<'t>(&self, log: &Log<'_, H>, target: &Target<'t>) -> Option<&'t OperationId> {
        if let Some(unfinished) = target.waited.get() {
            return unfinished;
        }
        let (host, server, registry) = (self.host, target.server_id, target.registry.unwrap_or_default());
        let client = self.client(log, target);
        let mut unfinished = None;
        let mut all_failed = true;
        for login in &target.logins {
            let has_unknown_end = match (login.phase, &login.operation_id) {
                (LoginPhase::Running, Some(id)) => {
                    log.info(&format!("Waiting for operation {id} to finish before logging out"));
                    match operation::wait(host, &client, &self.login_polls, id, server, self.login_deadline).await {
                        Ok(Some(operation)) => {
                            let result = operation::check_result(log, &operation, server, registry, id);
                            if result.is_err_and(|error| error.rules_out_login()) && !login.has_unconfirmed_attempt {
                                log.info(&format!(
                                    "docker login {registry} failed on server {server}: nothing to log out"
                                ));
                                continue;
                            }
                            login.has_unconfirmed_attempt
                        }
                        Err(_) if !self.login_deadline.has_passed(host) => true,
                        Ok(None) | Err(_) => {
                            unfinished = Some(id);
                            false
                        }
                    }
                }
                (LoginPhase::Requested, _) => true,
                _ => login.has_unconfirmed_attempt,
            };
            if has_unknown_end {
                self.wait_for_unknown_login(log, login).await;
            }
            all_failed = false;
        }
        if all_failed {
            target.result.set(LogoutResult::LoginFailed);
        }
        target.waited.set(Some(unfinished));
        unfinished
    }

    /// Waits for a login that nobody can ask for: its operation is unknown, or cannot be read.
    async fn wait_for_unknown_login(&self, log: &Log<'_, H>, login: &SavedLogin) {
        let ends_at_ms = login.requested_at_ms as f64 + UNKNOWN_LOGIN_MS;
        let wait_ms = (ends_at_ms - self.host.unix_time_ms()).clamp(0.0, UNKNOWN_LOGIN_MS);
        if wait_ms > 0.0 {
            log.info(
                "Waiting up to 20 s for a login with unknown operation; if it takes longer, it may finish after the logout",
            );
            self.login_deadline.sleep(self.host, wait_ms as u32).await;
        }
    }

    /// What takes longest goes first: logouts that have to wait for a login.
    fn client<'c>(&'c self, log: &'c Log<'c, H>, target: &Target<'_>) -> Client<'c, H> {
        let client = Client::new(self.host, log, self.api_url, self.api_key, self.budget);
        client.first_if(target.is_first)
    }

    /// Logs out of one registry and reports the result.
    async fn log_out_target(
        &self,
        log: &Log<'_, H>,
        target: &Target<'_>,
        registry: &str,
        unfinished: Option<&OperationId>,
        share: Share,
    ) {
        let server = target.server_id;
        let client = self.client(log, target);
        if target.failure.take().is_some() {
            log.info("Retrying the logout that failed before");
        }
        let result = match self.log_out_with_retries(log, &client, target, registry, share).await {
            Ok(result) => result,
            Err(error) => {
                self.api_was_silent.set(self.api_was_silent.get() || error.is_request_timeout());
                target.failure.replace(Some(Failure { error, at_ms: self.host.monotonic_ms() }));
                return;
            }
        };
        log.info(&match (result, log.is_labelled()) {
            (LogoutResult::LoggedOut, true) => "Logged out".to_owned(),
            (LogoutResult::LoggedOut, false) => format!("Logged out of {registry} on server {server}"),
            (_, true) => "Logout requested; its result cannot be read".to_owned(),
            (_, false) => format!("Logout of {registry} on server {server} requested; its result cannot be read"),
        });
        match unfinished {
            None => target.result.set(result),
            Some(id) => self.warnings.add(
                "Login may still be running",
                format!(
                    "Operation {id} did not finish within {LOGIN_WAIT_S} s. If it succeeds after this logout, server {server} \
                     stays logged in to {registry}{}. Fix: check the operation in the Reoclo dashboard.",
                    // docker then restores all logins that it had read.
                    if self.is_single { "" } else { " and to the other registries of this step" }
                ),
            ),
        }
    }

    /// Logs out, and again if docker failed with a transient error.
    async fn log_out_with_retries(
        &self,
        log: &Log<'_, H>,
        client: &Client<'_, H>,
        target: &Target<'_>,
        registry: &str,
        share: Share,
    ) -> Result<LogoutResult, LogoutError> {
        let mut attempt = 1;
        loop {
            let error = match self.attempt(client, target, registry, share).await {
                Err(error) if error.is_transient_docker_failure() && attempt < MAX_ATTEMPTS => error,
                result => return result,
            };
            let wait_ms = retry::backoff_ms(attempt, self.host.random());
            log.retrying(&error, wait_ms, attempt, Some(MAX_ATTEMPTS));
            self.deadline.sleep(self.host, wait_ms).await;
            attempt += 1;
        }
    }

    /// Requests one logout and waits for its end: a logout is done when its operation has completed.
    async fn attempt(
        &self,
        client: &Client<'_, H>,
        target: &Target<'_>,
        registry: &str,
        share: Share,
    ) -> Result<LogoutResult, LogoutError> {
        let (host, server) = (self.host, target.server_id);
        if self.deadline.has_passed(host) {
            return Err(LogoutError::NoTimeLeft { registry: registry.to_owned() });
        }
        let request = contract::logout(host, server, registry, self.run);
        let on_attempt = |attempt: Attempt<'_>| {
            if matches!(attempt, Attempt::Failed { error, .. } if !error.rules_out_operation()) {
                target.has_unknown_logout.set(true);
            }
            ControlFlow::Continue(())
        };
        let response: LogoutResponse = match client.request_json(&request, share, on_attempt).await {
            Err(ApiError::NotSent { .. }) => return Err(LogoutError::NoTimeLeft { registry: registry.to_owned() }),
            response => response?,
        };
        // One that never ends must not block the rest.
        let ended_by = Share { min_ms: 0.0, ..share }.begin(host);
        // It becomes part of a URL.
        let operation_id = response.operation_id.filter(|id| !self.log.is_secret(id.as_str()));
        match (response.status, operation_id) {
            (None | Some(OperationStatus::Completed), _) => Ok(LogoutResult::LoggedOut),
            (Some(_), Some(id)) => {
                match operation::wait(host, client, &self.logout_polls, &id, server, ended_by).await {
                    Ok(Some(operation)) => {
                        operation::check_logout(self.log, &operation, registry, &id).map(|()| LogoutResult::LoggedOut)
                    }
                    // A key may be allowed to log out but not to read operations.
                    Err(ApiError::HttpStatus { status: 403 | 404, .. }) => Ok(LogoutResult::Requested),
                    Err(error) if !ended_by.has_passed(host) => {
                        target.has_unknown_logout.set(true);
                        Err(error.into())
                    }
                    _ => Err(LogoutError::NotFinished { registry: registry.to_owned(), operation_id: id }),
                }
            }
            (Some(OperationStatus::Running), None) => Ok(LogoutResult::Requested),
            (Some(_), None) => Err(LogoutError::Rejected { registry: registry.to_owned() }),
        }
    }
}
