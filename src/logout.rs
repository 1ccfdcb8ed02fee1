//! Post's work: log out what main logged in, or may have.

use crate::api::{self, ApiUrl, Operation, OperationId, Run};
use crate::client::{Client, Deadline, LOGOUT_MS};
use crate::error::Error;
use crate::fleet::{MOST_AT_ONCE, side_by_side};
use crate::host::Host;
use crate::inputs::Problem;
use crate::json::Json;
use crate::log::Log;
use crate::operation;
use crate::secret::Secret;
use crate::state::{LastSeen, Record, Saved};
use crate::summary;
use std::cell::{Cell, RefCell};

/// How long post may take in all, and how much of that it waits for logins that still run.
/// The process itself takes a moment besides; 45 s is the promise.
pub(crate) const POST_S: u32 = 44;
const POST_WAIT_S: u32 = 20;
/// How long a login whose operation nobody knows is given to end, from its request on. A logout that comes before the
/// login it is meant for leaves that login behind.
const UNKNOWN_LOGIN_MS: f64 = POST_WAIT_S as f64 * 1000.0;

const LOGGED_OUT: &str = "✅ logged out";
const NOTHING: &str = "✅ the login had failed, nothing to log out";
const KEPT: &str = "stays logged in (cleanup: false)";
const UNCERTAIN: &str = "⚠️ may still be logged in";

/// A registry that a server is, or may be, logged in to, by one or more of main's logins.
struct Target<'a> {
    server_id: &'a str,
    /// `None` where nobody has named it.
    registry: Option<&'a str>,
    logins: Vec<&'a Record>,
    /// What became of it, in a few words.
    end: Cell<&'static str>,
}

impl Target<'_> {
    /// As the summary shows it.
    fn row(&self) -> Vec<String> {
        let registry = self.registry.unwrap_or("unknown");
        vec![operation::named(self.server_name(), self.server_id), registry.to_owned(), self.end.get().to_owned()]
    }

    fn server_name(&self) -> Option<&str> {
        self.logins.iter().find_map(|login| login.server_name.as_deref())
    }

    fn is_unfinished(&self) -> bool {
        self.logins.iter().any(|login| login.last_seen != LastSeen::Ended)
    }
}

/// What there is to log out, in the order of the logins.
fn targets(logins: &[Record]) -> Vec<Target<'_>> {
    let mut targets: Vec<Target<'_>> = Vec::new();
    for login in logins.iter().filter(|login| login.last_seen != LastSeen::Failed) {
        // What one server was told of a credential's registry holds for the others.
        let same = |other: &&Record| other.credential == login.credential && other.registry_url.is_some();
        let registry = login.registry_url.as_deref();
        let registry = registry.or_else(|| logins.iter().find(same).and_then(|same| same.registry_url.as_deref()));
        match targets.iter_mut().find(|known| known.server_id == login.server_id && known.registry == registry) {
            Some(known) => known.logins.push(login),
            None => {
                let end = Cell::new(UNCERTAIN);
                targets.push(Target { server_id: &login.server_id, registry, logins: vec![login], end });
            }
        }
    }
    targets
}

/// Logs out whatever there is. Whatever goes wrong is a warning, one for all that went wrong in the same way.
pub(crate) async fn log_out<H: Host>(host: &H, log: &Log<'_, H>, saved: &Saved, run: &Run) {
    let targets = targets(&saved.logins);
    if targets.is_empty() {
        return log.info("No login to clean up.");
    }
    let warnings = Warnings::default();
    match &saved.api {
        _ if !saved.cleanup => keep(log, &targets),
        Ok((api_url, api_key)) => {
            if let Some(given) = &saved.ca_certificate {
                // It was good in main; what has become of it since shows where the connection does not verify.
                let _ = host.trust(given);
            }
            let post = Post {
                host,
                log,
                api_url,
                api_key,
                run,
                warnings: &warnings,
                is_one: targets.len() == 1,
                deadline: Deadline::after_s(host, POST_S),
                wait: Deadline::after_s(host, POST_WAIT_S),
                left: Cell::new(targets.len()),
                is_silent: Cell::new(false),
            };
            post.log_out(&targets).await;
        }
        Err(Problem { input, rule }) => {
            for target in &targets {
                match target.registry {
                    Some(registry) => warnings.add(
                        LOGOUT_FAILED,
                        format!("Server {} may still be logged in to {registry}: {input} {rule}.", target.server_id),
                    ),
                    None => warnings.add_lost(target),
                }
            }
        }
    }
    for (title, messages) in warnings.0.take() {
        log.warnings(title, &messages);
    }
    if saved.job_summary {
        summary::of_logouts(host, log, targets.iter().map(Target::row).collect());
    }
}

fn keep<H: Host>(log: &Log<'_, H>, targets: &[Target<'_>]) {
    for target in targets {
        let server = target.server_id;
        target.end.set(KEPT);
        log.info(&match target.registry {
            Some(registry) => format!("cleanup is false: server {server} stays logged in to {registry}."),
            None => format!("cleanup is false: server {server} is not logged out."),
        });
    }
}

const LOGOUT_FAILED: &str = "Logout failed";

/// What the step warns of in the end, by title.
#[derive(Default)]
struct Warnings(RefCell<Vec<(&'static str, Vec<String>)>>);

impl Warnings {
    fn add(&self, title: &'static str, message: String) {
        let mut warnings = self.0.borrow_mut();
        match warnings.iter_mut().find(|(same, _)| *same == title) {
            Some((_, messages)) => messages.push(message),
            None => warnings.push((title, vec![message])),
        }
    }

    fn add_lost(&self, target: &Target<'_>) {
        let message = format!(
            "The login request for server {} was cut off before Reoclo named the registry, so the login may have \
             happened and cannot be undone from here. Fix: run docker logout with that registry on this server.",
            target.server_id
        );
        self.add("A login may be left behind", message);
    }
}

/// What all logouts share.
struct Post<'a, H> {
    host: &'a H,
    log: &'a Log<'a, H>,
    api_url: &'a ApiUrl,
    api_key: &'a Secret,
    run: &'a Run,
    warnings: &'a Warnings,
    is_one: bool,
    deadline: Deadline,
    /// Until when logins that still run are waited for.
    wait: Deadline,
    /// How many logouts are still to come.
    left: Cell<usize>,
    /// Whether a logout got no answer.
    is_silent: Cell<bool>,
}

impl<H: Host> Post<'_, H> {
    /// Unfinished logins first, since they take longest.
    async fn log_out(&self, targets: &[Target<'_>]) {
        let mut servers: Vec<Vec<&Target<'_>>> = Vec::new();
        for is_unfinished in [true, false] {
            for target in targets.iter().filter(|target| target.is_unfinished() == is_unfinished) {
                match servers.iter_mut().find(|on| on.iter().any(|other| other.server_id == target.server_id)) {
                    Some(on_server) => on_server.push(target),
                    None => servers.push(vec![target]),
                }
            }
        }
        side_by_side(servers, |on_server| self.log_server_out(on_server), &Cell::new(false)).await;
    }

    /// All of one server: no logout while a login still runs there, since docker would bring back what was logged out.
    async fn log_server_out(&self, targets: Vec<&Target<'_>>) {
        let mut logouts = Vec::new();
        let is_only = targets.len() == 1;
        for target in targets {
            let log = self.log.of_one(self.is_one);
            let server = target.server_name().map_or_else(|| format!("server {}", target.server_id), str::to_owned);
            log.relabel(&format!("{server}, {}", target.registry.unwrap_or("a registry that was not named")));
            match target.registry {
                Some(registry) => {
                    let still_runs = self.wait(&log, target).await;
                    logouts.push((target, registry, log, still_runs));
                }
                None => {
                    // It cannot be undone, but it could bring back what the others are logged out of.
                    if !is_only {
                        self.wait(&log, target).await;
                    }
                    self.warnings.add_lost(target);
                    self.left.set(self.left.get() - 1);
                }
            }
        }
        let mut left_here = logouts.len();
        for (target, registry, log, still_runs) in logouts {
            // No logout uses up the time of those that come after it.
            let rounds = left_here.max(self.left.get().div_ceil(MOST_AT_ONCE));
            // Once one has got no answer, a slow server is no longer what to reckon with.
            let at_least_ms = if self.is_silent.get() { 0.0 } else { LOGOUT_MS };
            let deadline = self.deadline.share(self.host, rounds, at_least_ms);
            left_here -= 1;
            if target.end.get() == UNCERTAIN {
                // An end that nobody reports must not cost the others their turn.
                let until_ended = self.deadline.share(self.host, rounds, 0.0);
                let until_ended = (left_here > 0).then_some(until_ended);
                self.send(&log, target, registry, still_runs, deadline, until_ended).await;
            }
            self.left.set(self.left.get() - 1);
        }
    }

    /// Waits for the logins that were under way when main ended. The operation that was not seen to end, if there is one.
    async fn wait<'t>(&self, log: &Log<'_, H>, target: &Target<'t>) -> Option<&'t OperationId> {
        let (host, server, registry) = (self.host, target.server_id, target.registry.unwrap_or_default());
        let client = Client::new(host, log, self.api_url, self.api_key);
        let mut still_runs = None;
        let mut all_failed = true;
        for login in &target.logins {
            match (login.last_seen, &login.operation_id) {
                (LastSeen::Running, Some(id)) => {
                    log.info(&format!("Waiting for the end of operation {id} before logging out"));
                    match operation::wait(host, &client, id, self.wait).await {
                        Ok(Some(operation)) => {
                            let end = operation::judge(log, &operation, server, registry, id);
                            if end.is_err_and(|error| error.leaves_no_login()) && !login.uncertain {
                                log.info(&format!(
                                    "docker login {registry} had failed on server {server}: nothing to log out."
                                ));
                                continue;
                            }
                        }
                        Ok(None) => still_runs = Some(id),
                        Err(_) if self.wait.has_passed(host) => still_runs = Some(id),
                        // The logout goes out whatever became of the question.
                        Err(_) => {}
                    }
                }
                (LastSeen::Requested, _) => {
                    let ends_at_ms = login.requested_at_ms as f64 + UNKNOWN_LOGIN_MS;
                    let wait_ms = (ends_at_ms - host.wall_clock_ms()).clamp(0.0, UNKNOWN_LOGIN_MS);
                    if wait_ms > 0.0 {
                        log.info(
                            "Waiting for the end of a login that was cut off before Reoclo named its operation; one that \
                             takes longer than 20 s would outlast the logout",
                        );
                        self.wait.sleep(host, wait_ms as u32).await;
                    }
                }
                _ => {}
            }
            all_failed = false;
        }
        if all_failed {
            target.end.set(NOTHING);
        }
        still_runs
    }

    async fn send(
        &self,
        log: &Log<'_, H>,
        target: &Target<'_>,
        registry: &str,
        still_runs: Option<&OperationId>,
        deadline: Deadline,
        until_ended: Option<Deadline>,
    ) {
        let (host, server) = (self.host, target.server_id);
        if deadline.has_passed(host) {
            let why =
                "Reoclo took too long over the other logouts to be asked for this one. Fix: run docker logout there.";
            return self
                .warnings
                .add(LOGOUT_FAILED, format!("Server {server} may still be logged in to {registry}. {why}"));
        }
        let client = Client::new(host, log, self.api_url, self.api_key);
        match client.send(&api::logout(server, registry, self.run), deadline).await {
            Err(error) => {
                self.is_silent.set(self.is_silent.get() || matches!(error, Error::NoAnswer { .. }));
                let why = format!("Server {server} may still be logged in to {registry}. {}", error.explained());
                return self.warnings.add(LOGOUT_FAILED, why);
            }
            // Two at a time on one server would undo each other.
            Ok(reply) if Operation::read(&reply).is_ok_and(|operation| !operation.has_ended()) => {
                let id = reply.get("operation_id").and_then(Json::as_text).unwrap_or_default().to_owned();
                if let (Ok(id), Some(until_ended)) = (OperationId::try_from(id), until_ended) {
                    let _ = operation::wait(host, &client, &id, until_ended).await;
                }
            }
            Ok(_) => {}
        }
        if log.is_labelled() {
            log.info("Logged out");
        } else {
            log.info(&format!("Logged out of {registry} on server {server}"));
        }
        match still_runs {
            None => target.end.set(LOGGED_OUT),
            Some(id) => self.warnings.add(
                "The login may still run",
                format!(
                    "Operation {id} was not seen to end within {POST_WAIT_S} s. If it ends in a login after this logout, \
                     server {server} stays logged in to {registry}{}. Fix: look at the operation in the Reoclo dashboard.",
                    // docker then writes back all that it had read.
                    if self.is_one { "" } else { ", and to what else this step has logged it in to" }
                ),
            ),
        }
    }
}
