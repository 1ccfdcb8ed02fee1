//! The servers: what docker does there, and what their agents report.
//!
//! `docker login` and `docker logout` read `config.json`, talk to the registry, and write the whole file back. So of two
//! that overlap, the one that ends later restores what it has read.

use super::plan::{DockerFault, Plan};

/// The registries of the world; a number stands for each.
pub(super) const REGISTRIES: [&str; 4] =
    ["registry.example.com:5000", "harbor.example.com", "[2001:db8::7]:5000", "quay.io"];

/// What docker prints when the network or the registry fails.
const TRANSIENT_ERRORS: [&str; 9] = [
    "Error response from daemon: dial tcp 10.0.0.1:443: connect: connection refused",
    "Error response from daemon: Get https://registry/v2/: net/http: TLS handshake timeout",
    "Error response from daemon: Get https://registry/v2/: context deadline exceeded",
    "Error response from daemon: Get https://registry/v2/: EOF",
    "Error response from daemon: dial tcp: lookup registry on 127.0.0.53:53: no such host",
    "Error response from daemon: dial tcp 10.0.0.1:443: connect: no route to host",
    "read tcp 10.0.0.1:50000->10.0.0.2:443: read: connection reset by peer",
    "login attempt to https://registry/v2/ failed with status: 503 Service Unavailable",
    "time=2026 level=info msg=retrying\\nlogin attempt to https://registry/v2/ failed with status: 502 Bad Gateway\\n",
];

/// An agent that stays offline for longer loses the operation.
const MAX_QUEUED_MS: u64 = 60_000;

/// Who has started an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A use of the action in the job.
    Use(usize),
    OtherJob,
    /// Before the job.
    Earlier,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Completed,
    Failed,
    TimedOut,
}

/// How an operation ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending {
    pub(super) status: Status,
    pub(super) exit_code: Option<i64>,
    pub(super) stderr: &'static str,
    /// Whether docker says that it failed for a reason that passes.
    pub(super) is_transient: bool,
    /// Whether docker has changed its file.
    pub(super) writes: bool,
}

impl Ending {
    const SUCCESS: Self =
        Self { status: Status::Completed, exit_code: Some(0), stderr: "", is_transient: false, writes: true };

    pub(super) fn is_success(&self) -> bool {
        self.status == Status::Completed && self.exit_code == Some(0)
    }
}

#[derive(Debug)]
pub(super) struct Operation {
    pub(super) origin: Origin,
    pub(super) is_login: bool,
    pub(super) server: usize,
    pub(super) registry: usize,
    /// When docker reads and writes its file, and when the agent reports the end.
    pub(super) starts_ms: u64,
    pub(super) ends_ms: u64,
    pub(super) reported_ms: u64,
    pub(super) ending: Ending,
    has_read: Vec<Entry>,
}

impl Operation {
    /// The ID in the API.
    pub(super) fn id(number: usize) -> String {
        format!("op-{number}")
    }
}

/// A login in the file of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) registry: usize,
    /// The operation that has logged in.
    pub(super) operation: usize,
    /// The operations that have restored it after a logout.
    pub(super) restored_by: Vec<usize>,
}

#[derive(Debug, Default)]
pub(super) struct Servers {
    pub(super) operations: Vec<Operation>,
    /// The file of each server.
    pub(super) logins: Vec<Vec<Entry>>,
    /// When docker has written which file, and what.
    writes: Vec<(u64, usize, Vec<Entry>)>,
    /// How many logouts and logins the job has started.
    started: [usize; 2],
    /// The faults that have struck, and whether it was a login.
    pub(super) struck: Vec<(DockerFault, bool)>,
}

/// A login or logout to start.
#[derive(Clone, Copy)]
pub(super) struct Start {
    pub(super) origin: Origin,
    pub(super) is_login: bool,
    pub(super) server: usize,
    pub(super) registry: usize,
    /// Whether the registry accepts the credential.
    pub(super) is_accepted: bool,
}

impl Servers {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut servers = Self { logins: vec![Vec::new(); plan.servers.len()], ..Self::default() };
        for (server, _) in plan.servers.iter().enumerate().filter(|(_, server)| server.has_earlier_login) {
            let registry = plan.between(0, REGISTRIES.len() as u64 - 1, ("earlier login", server)) as usize;
            let start = Start { origin: Origin::Earlier, is_login: true, server, registry, is_accepted: true };
            let operation = servers.push(start, Ending::SUCCESS, [0; 3]);
            servers.begin(operation);
            servers.end(operation);
        }
        servers
    }

    /// Queues an operation that was requested at `now_ms`. Its course is known from now on.
    pub(super) fn start(&mut self, plan: &Plan, start: Start, now_ms: u64) -> usize {
        let number = self.operations.len();
        let fault = self.fault(plan, start);
        let transient_error = plan.between(0, TRANSIENT_ERRORS.len() as u64 - 1, ("transient", number)) as usize;
        let ending = ending(fault, start.is_accepted, TRANSIENT_ERRORS[transient_error]);
        let Some(server) = plan.servers.get(start.server) else { return number };

        let mut starts_ms = now_ms + plan.between(5, 100, ("queued", number));
        if let Some((from_ms, for_ms)) = server.offline
            && starts_ms >= u64::from(from_ms)
        {
            starts_ms = starts_ms.max(u64::from(from_ms + for_ms));
        }
        if starts_ms > now_ms + MAX_QUEUED_MS {
            let ending =
                Ending { status: Status::TimedOut, exit_code: None, stderr: "", is_transient: false, writes: false };
            return self.push(start, ending, [now_ms + MAX_QUEUED_MS; 3]);
        }
        let shortest_ms = if start.is_login { 40 } else { 10 };
        let mut takes_ms = plan.between(shortest_ms, 30 * shortest_ms, ("docker", number)) * u64::from(server.slowness);
        if fault == Some(DockerFault::Slow) {
            // Rather a few seconds than a minute.
            takes_ms += 1_000 + (59_000.0 * plan.noise(("slow", number)).powi(3)) as u64;
        }
        let ends_ms = starts_ms + takes_ms;
        let reported_ms = match fault {
            Some(DockerFault::TimeoutAfterWrite | DockerFault::TimeoutBeforeWrite) => ends_ms + 5_000,
            _ => ends_ms + plan.between(0, 50, ("reported", number)),
        };
        self.push(start, ending, [starts_ms, ends_ms, reported_ms])
    }

    fn push(&mut self, start: Start, ending: Ending, [starts_ms, ends_ms, reported_ms]: [u64; 3]) -> usize {
        let Start { origin, is_login, server, registry, .. } = start;
        let has_read = Vec::new();
        self.operations.push(Operation {
            origin,
            is_login,
            server,
            registry,
            starts_ms,
            ends_ms,
            reported_ms,
            ending,
            has_read,
        });
        self.operations.len() - 1
    }

    fn fault(&mut self, plan: &Plan, start: Start) -> Option<DockerFault> {
        if !matches!(start.origin, Origin::Use(_)) {
            return None;
        }
        let started = self.started.get_mut(usize::from(start.is_login))?;
        let nth = *started;
        *started += 1;
        let faults = plan.docker_faults.iter();
        let mut faults = faults.filter(|fault| fault.is_login == start.is_login && fault.strikes(nth));
        let fault = faults.next()?.fault;
        self.struck.push((fault, start.is_login));
        Some(fault)
    }

    /// docker reads its file.
    pub(super) fn begin(&mut self, number: usize) {
        if let Some(operation) = self.operations.get_mut(number)
            && let Some(logins) = self.logins.get(operation.server)
        {
            operation.has_read.clone_from(logins);
        }
    }

    /// docker writes its file.
    pub(super) fn end(&mut self, number: usize) {
        let Some(operation) = self.operations.get_mut(number).filter(|it| it.ending.writes) else { return };
        let Some(logins) = self.logins.get_mut(operation.server) else { return };
        let mut written = std::mem::take(&mut operation.has_read);
        written.retain(|entry| entry.registry != operation.registry);
        for entry in &mut written {
            let is_there = |other: &&Entry| (other.registry, other.operation) == (entry.registry, entry.operation);
            match logins.iter().find(is_there) {
                Some(same) => entry.restored_by.clone_from(&same.restored_by),
                None => entry.restored_by.push(number),
            }
        }
        if operation.is_login {
            written.push(Entry { registry: operation.registry, operation: number, restored_by: Vec::new() });
        }
        self.writes.push((operation.ends_ms, operation.server, written.clone()));
        *logins = written;
    }

    /// The file of a server at a time.
    pub(super) fn logins_at(&self, server: usize, at_ms: u64) -> &[Entry] {
        let mut writes = self.writes.iter().rev();
        writes.find(|(ms, of, _)| *of == server && *ms <= at_ms).map_or(&[], |(_, _, logins)| logins)
    }
}

fn ending(fault: Option<DockerFault>, is_accepted: bool, transient_error: &'static str) -> Ending {
    let failed =
        |stderr| Ending { status: Status::Completed, exit_code: Some(1), stderr, is_transient: false, writes: false };
    match fault {
        Some(DockerFault::NotRun) => {
            Ending { status: Status::Failed, exit_code: None, stderr: "", is_transient: false, writes: false }
        }
        Some(DockerFault::TimeoutBeforeWrite) => {
            Ending { status: Status::TimedOut, exit_code: None, stderr: "", is_transient: false, writes: false }
        }
        Some(DockerFault::Transient) => Ending { is_transient: true, ..failed(transient_error) },
        _ if !is_accepted => failed("Error response from daemon: unauthorized: incorrect username or password"),
        Some(DockerFault::Denied) => failed("Error response from daemon: denied: requested access is denied"),
        Some(DockerFault::NoExitCode) => Ending { exit_code: None, ..Ending::SUCCESS },
        Some(DockerFault::ReportedAsFailed) => Ending { status: Status::Failed, ..Ending::SUCCESS },
        Some(DockerFault::TimeoutAfterWrite) => {
            Ending { status: Status::TimedOut, exit_code: None, stderr: "", is_transient: false, writes: true }
        }
        Some(DockerFault::Slow) | None => Ending::SUCCESS,
    }
}
