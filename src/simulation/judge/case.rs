//! One use of the action in a job, and what its steps could know.

use crate::simulation::job::{History, UseRecord};
use crate::simulation::plan::{Call, Fault, PostInputs, Runner, Use};
use crate::simulation::reoclo::{Exchange, Seen, server_id, server_name};
use crate::simulation::runner::{End, Kind, StepRecord};
use crate::simulation::servers::{Operation, Status};

/// The most attempts of a login request, and of a login.
pub(super) const LOGIN_REQUESTS: usize = 6;
pub(super) const LOGINS: usize = 3;
/// The most attempts of a logout request, and of a logout.
pub(super) const LOGOUT_REQUESTS: usize = 3;
pub(super) const LOGOUTS: usize = 3;
/// A failed logout is tried again when the other servers are done, if that took so long.
pub(super) const NEXT_ROUND_MS: u64 = 5_000;
/// The time limit of all logouts.
pub(super) const LOGOUT_LIMIT_MS: u64 = 44_000;
/// How long the post step waits for logins that may still be running.
pub(super) const LOGIN_WAIT_MS: u64 = 20_000;
/// How long the next login on a server waits for one whose operation is unknown.
pub(super) const NEXT_LOGIN_WAIT_MS: u64 = 5_000;
/// How long a logout is expected to take whose end cannot be read.
pub(super) const LOGOUT_WAIT_MS: u64 = 5_000;

/// A server with a credential, and all that was requested for it.
pub(super) struct Login<'a> {
    pub(super) server: usize,
    pub(super) credential: usize,
    pub(super) registry: usize,
    pub(super) requests: Vec<&'a Exchange>,
}

/// How a logout has ended, as far as the post step could learn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogoutEnd {
    Done,
    /// Accepted, but nobody can ask for its result.
    Unreadable,
    /// A later attempt can succeed.
    FailedForNow,
    Failed,
    /// It was running when the time was over.
    Unfinished,
}

/// One use of the action.
pub(super) struct Case<'a> {
    pub(super) history: &'a History,
    pub(super) of: usize,
    pub(super) use_: &'a Use,
    pub(super) record: &'a UseRecord,
    pub(super) logins: Vec<Login<'a>>,
}

fn logins<'a>(history: &'a History, of: usize, use_: &Use) -> Vec<Login<'a>> {
    let mut logins: Vec<Login<'a>> = Vec::new();
    for server in 0..use_.servers {
        for (credential, it) in history.plan.credentials.iter().take(use_.credentials).enumerate() {
            let is_repeated = |login: &Login<'_>| login.server == server && login.registry == it.registry;
            if use_.is_vault || !logins.iter().any(is_repeated) {
                logins.push(Login { server, credential, registry: it.registry, requests: Vec::new() });
            }
        }
    }
    for exchange in history.reoclo.exchanges.iter().filter(|it| it.step.of == of && it.call == Call::Login) {
        let is_for = |login: &&mut Login<'_>| {
            login.server == exchange.server
                && if use_.is_vault {
                    login.credential == exchange.credential
                } else {
                    Some(login.registry) == exchange.registry
                }
        };
        if let Some(login) = logins.iter_mut().find(is_for) {
            login.requests.push(exchange);
        }
    }
    logins
}

impl Login<'_> {
    /// The last operation that a response has named, with a complete response or not.
    pub(super) fn accepted(&self) -> Option<(usize, bool)> {
        let accepted = self.requests.iter().rev().find_map(|request| match request.seen {
            Seen::Accepted { operation, is_valid } => Some(operation.map(|operation| (operation, is_valid))),
            _ => None,
        });
        accepted.flatten()
    }
}

impl<'a> Case<'a> {
    pub(super) fn new(history: &'a History, of: usize, use_: &'a Use, record: &'a UseRecord) -> Self {
        Self { history, of, use_, record, logins: logins(history, of, use_) }
    }

    pub(super) fn main(&self) -> &StepRecord {
        &self.record.main
    }

    pub(super) fn post(&self) -> &StepRecord {
        &self.record.post
    }

    pub(super) fn exchanges(&self, is_main: bool) -> impl Iterator<Item = &Exchange> {
        let of = self.of;
        self.history.reoclo.exchanges.iter().filter(move |it| it.step.of == of && it.step.is_main == is_main)
    }

    pub(super) fn operation(&self, number: usize) -> &Operation {
        &self.history.reoclo.servers.operations[number]
    }

    /// When the step has learned that an operation has ended.
    pub(super) fn seen_end_ms(&self, operation: usize, is_main: bool) -> Option<u64> {
        let ended = Seen::Status { operation, has_ended: true };
        self.exchanges(is_main).find(|exchange| exchange.seen == ended).and_then(|exchange| exchange.ended_ms)
    }

    /// When the time of a step is over.
    pub(super) fn deadline_ms(&self, is_main: bool) -> u64 {
        if is_main {
            self.main().started_ms + u64::from(self.use_.timeout_s) * 1_000
        } else {
            self.post().started_ms + LOGOUT_LIMIT_MS
        }
    }

    /// Whether a request has failed, and is one of the limited attempts: a rate limit costs only time, if there is enough.
    pub(super) fn is_failed_attempt(&self, request: &Exchange) -> bool {
        match (request.seen, request.ended_ms) {
            (Seen::Rejected { status: 429, retry_after_ms: Some(wait_ms) }, Some(ended_ms)) => {
                ended_ms + wait_ms >= self.deadline_ms(request.step.is_main)
            }
            (Seen::Rejected { status: 429, .. }, _) => false,
            (seen, _) => matches!(seen, Seen::NotSent | Seen::NoAnswer | Seen::Rejected { .. }),
        }
    }

    /// How a logout request, and the logout that it has started, have ended.
    pub(super) fn logout_end(&self, request: &Exchange) -> LogoutEnd {
        let operation = match request.seen {
            Seen::LoggedOut => return LogoutEnd::Done,
            Seen::Accepted { operation: None, .. } => return LogoutEnd::Unreadable,
            Seen::Accepted { operation: Some(operation), .. } => operation,
            _ if is_final(request) => return LogoutEnd::Failed,
            _ => return LogoutEnd::FailedForNow,
        };
        let ending = self.operation(operation).ending;
        let ended = Seen::Status { operation, has_ended: true };
        let mut polls = self.exchanges(false).filter(|it| it.asks_for == Some(operation));
        match () {
            () if self.seen_end_ms(operation, false).is_none() => match polls.find(|poll| is_final(poll)) {
                Some(Exchange { seen: Seen::Rejected { status: 403 | 404, .. }, .. }) => LogoutEnd::Unreadable,
                Some(_) => LogoutEnd::Failed,
                None => LogoutEnd::Unfinished,
            },
            // Without an exit code there is nothing to say against it.
            () if ending.status == Status::Completed && ending.exit_code.unwrap_or(0) == 0 => LogoutEnd::Done,
            () if ending.is_transient => LogoutEnd::FailedForNow,
            // Without output, the agent could not run docker.
            () if ending.stderr.is_empty() && !polls.any(|it| it.fault == Some(Fault::Hostile) && it.seen == ended) => {
                LogoutEnd::FailedForNow
            }
            () => LogoutEnd::Failed,
        }
    }

    /// The logout requests for a registry on a server.
    pub(super) fn logouts(&self, server: usize, registry: usize) -> impl Iterator<Item = &Exchange> {
        let logouts = self.exchanges(false).filter(|it| it.call == Call::Logout);
        logouts.filter(move |it| (it.server, it.registry) == (server, Some(registry)))
    }

    /// What there can be to log out: each server and registry once.
    pub(super) fn targets(&self) -> Vec<(usize, usize)> {
        let mut targets: Vec<(usize, usize)> = Vec::new();
        for login in &self.logins {
            if !targets.contains(&(login.server, login.registry)) {
                targets.push((login.server, login.registry));
            }
        }
        targets
    }

    /// Whether the main step knows that docker has logged in.
    pub(super) fn has_succeeded(&self, login: &Login<'_>) -> bool {
        login.accepted().is_some_and(|(operation, is_valid)| {
            is_valid && self.seen_end_ms(operation, true).is_some() && self.operation(operation).ending.is_success()
        })
    }

    /// Whether a step knows that docker has not logged in.
    pub(super) fn has_definitely_failed(&self, login: &Login<'_>) -> bool {
        login.requests.iter().all(|request| match request.seen {
            Seen::Accepted { operation: Some(operation), .. } => {
                let ending = self.operation(operation).ending;
                let is_known = [true, false].iter().any(|is_main| self.seen_end_ms(operation, *is_main).is_some());
                is_known && !ending.writes && ending.status != Status::TimedOut
            }
            seen => seen.rules_out_execution(),
        })
    }

    /// Whether a response has named this operation, and the step was not killed before it could save that.
    pub(super) fn is_known(&self, operation: usize) -> bool {
        let is_lost = self.main().end == End::Killed && {
            let id = format!(" {} ", Operation::id(operation));
            self.operation(operation).is_login && !self.main().state.values().any(|line| line.contains(&id))
        };
        let names = |exchange: &Exchange| matches!(exchange.seen, Seen::Accepted { operation: Some(named), .. } if named == operation);
        !is_lost && self.history.reoclo.exchanges.iter().any(names)
    }

    /// Whether no response has named the operation, and it took longer than the next login waits for it.
    pub(super) fn is_late_and_unknown(&self, number: usize) -> bool {
        let request = self.history.reoclo.exchanges.iter().find(|exchange| exchange.started.contains(&number));
        let is_late = request.is_some_and(|request| {
            let ended_ms = request.ended_ms.unwrap_or(request.sent_ms);
            request.is_sent_twice() || self.operation(number).ends_ms > ended_ms + NEXT_LOGIN_WAIT_MS
        });
        is_late && !self.is_known(number)
    }

    /// Whether the post step was refused the status of an operation.
    pub(super) fn cannot_be_read(&self, operation: usize) -> bool {
        self.exchanges(false).any(|poll| poll.asks_for == Some(operation) && is_final(poll))
    }

    /// Whether the post step had the state and the inputs of its own main step.
    pub(super) fn post_knows_inputs(&self) -> bool {
        self.use_.post_inputs == PostInputs::Own
            || self.history.plan.runner == Runner::GitHub
            || self.history.plan.runner == Runner::Gitea && self.main().end != End::Killed
    }

    /// Whether a warning names the server, or a line says that nobody knows how its logout has ended.
    pub(super) fn is_told(&self, server: usize) -> bool {
        let (id, name) = (server_id(server), server_name(server));
        let is_label = |line: &str| {
            let rest = line.strip_prefix('[').and_then(|label| label.strip_prefix(name.as_str()));
            rest.is_some_and(|rest| rest.starts_with([',', ' ']))
        };
        // What is left of a torn state may not tell the server, but the number of the login.
        let numbers = (1_usize..).zip(&self.logins).filter(|(_, login)| login.server == server);
        let is_torn =
            |line: &str| numbers.clone().any(|(number, _)| line.contains(&format!("state of login {number} ")));
        let names = |line: &str| line.contains(&id) || is_label(line) || is_torn(line);
        let is_unreadable = self
            .exchanges(false)
            .any(|it| it.call == Call::Logout && it.server == server && self.logout_end(it) == LogoutEnd::Unreadable);
        let unknown =
            self.post().lines_of(Kind::Info).filter(|line| is_unreadable && line.contains("result cannot be read"));
        self.post().lines_of(Kind::Warning).flat_map(str::lines).chain(unknown).any(names)
    }
}

/// Whether a retry of this request is of no use.
pub(super) fn is_final(exchange: &Exchange) -> bool {
    match exchange.seen {
        Seen::Rejected { status, .. } => !matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 520..=524),
        Seen::Accepted { is_valid, .. } => !is_valid,
        Seen::NoAnswer => exchange.fault.is_some_and(|fault| !fault.passes()),
        _ => false,
    }
}
