//! What is drawn for one job: its inputs, the servers, and everything that goes wrong. One seed gives one plan, and one
//! plan gives one history.

mod draw;

pub(super) use draw::plans;
use std::hash::{DefaultHasher, Hash, Hasher};

#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Decides what is of no interest in itself, such as the exact duration of a request.
    pub(super) noise: u64,
    /// Whether the random numbers of the steps are also small. Otherwise they are at least a half, so that the judge knows the
    /// shortest backoff.
    pub(super) has_short_backoff: bool,
    pub(super) runner: Runner,
    /// The uses of the action in the job, one or two.
    pub(super) uses: Vec<Use>,
    pub(super) api: Api,
    pub(super) servers: Vec<Server>,
    pub(super) credentials: Vec<Credential>,
    pub(super) faults: Vec<FaultAt>,
    pub(super) docker_faults: Vec<DockerFaultAt>,
    pub(super) others: Vec<OtherJob>,
    /// When the runner's wall clock jumps, and by how many seconds.
    pub(super) clock_jump: Option<(u32, i32)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Runner {
    GitHub,
    /// Runners of Gitea and Forgejo lose the state file of a killed step, but not what it has printed.
    Gitea,
    /// Runners without a state file print the state.
    WithoutStateFile,
}

/// One step that uses the action.
#[derive(Debug, Clone)]
pub(super) struct Use {
    pub(super) is_vault: bool,
    /// How many of the servers and credentials it uses.
    pub(super) servers: usize,
    pub(super) credentials: usize,
    pub(super) timeout_s: u32,
    pub(super) cleanup: bool,
    pub(super) job_summary: bool,
    pub(super) if_missing_skips: bool,
    /// Runs started from a fork have no secrets.
    pub(super) has_secrets: bool,
    pub(super) main_stop: Option<Stop>,
    pub(super) post_stop: Option<Stop>,
    /// How long the following steps take.
    pub(super) pause_ms: u32,
    pub(super) post_inputs: PostInputs,
    /// From this write on, the runner's files cannot be written.
    pub(super) full_disk_from: Option<u8>,
}

/// How a step is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// SIGINT, and a kill 10 s later as GitHub's runner does it.
    CancelAt(u32),
    KillAt(u32),
    /// A kill while the state of the main step is written for the n-th time.
    KillInWrite {
        nth: u8,
        written: Written,
    },
}

/// How much of a state has reached the runner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Written {
    Nothing,
    /// The beginning of the line.
    Torn,
    All,
}

/// The inputs that the runner gives to the post step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PostInputs {
    Own,
    /// In a composite action inside a composite action, those of the parent.
    OfParent,
    /// Expressions of later steps that are empty by now.
    Empty,
}

#[derive(Debug, Clone)]
pub(super) struct Api {
    pub(super) key: Key,
    pub(super) logout_response: LogoutResponse,
    /// How many requests it accepts at once, and a minute.
    pub(super) rate_limit: Option<(u32, u32)>,
    pub(super) limiter: Limiter,
    pub(super) quota_headers: Option<QuotaHeaders>,
    /// When the whole API is down, for how long, and what that looks like.
    pub(super) outage: Option<(u32, u32, Down)>,
    /// Whether that is counted from the start of the first post step, and not from that of the job.
    pub(super) is_outage_of_post: bool,
}

/// How the API counts requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Limiter {
    TokenBucket,
    /// Those of each minute, however many at once.
    Minute,
    /// The same, but its 429 has no `Retry-After`.
    SilentMinute,
}

/// The headers in which an API says how many requests are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum QuotaHeaders {
    /// `RateLimit`, as the drafts of the standard have it.
    Draft,
    /// `RateLimit-Remaining` and `RateLimit-Reset`, of earlier drafts.
    EarlierDraft,
    /// `X-RateLimit-Remaining` and `X-RateLimit-Reset`: in seconds, or at a Unix time.
    Seconds,
    UnixTime,
}

/// What an API looks like that is down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Down {
    NoConnection,
    /// A gateway responds for it.
    Unavailable,
    /// It rejects all requests as too many, and says that each can be sent again soon.
    RateLimited,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    Valid,
    Invalid,
    /// From this time on.
    RevokedAt(u32),
    /// Without the permission to log in, to log out, or to read operations.
    NoLogin,
    NoLogout,
    NoStatus,
}

/// How the API responds to a logout request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LogoutResponse {
    Operation,
    /// When docker has ended, with its status.
    Completed,
    /// When docker has ended, without a body.
    Empty,
    /// At once, without an operation to ask for.
    Accepted,
}

#[derive(Debug, Clone)]
pub(super) struct Server {
    /// Multiplies the time that docker takes.
    pub(super) slowness: u8,
    /// From when on and for how long its agent is offline.
    pub(super) offline: Option<(u32, u32)>,
    /// A login that was there before the job.
    pub(super) has_earlier_login: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Credential {
    /// Two credentials can be for the same registry.
    pub(super) registry: usize,
    pub(super) is_accepted: bool,
    /// A vault credential that the API does not know.
    pub(super) exists: bool,
}

/// Which of the requests of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Call {
    Login,
    /// Of a login, in the main step.
    Poll,
    /// Of a login, in the post step.
    LatePoll,
    Logout,
    LogoutPoll,
}

pub(super) const CALLS: [Call; 5] = [Call::Login, Call::Poll, Call::LatePoll, Call::Logout, Call::LogoutPoll];

/// What happens to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Fault {
    Refused,
    DnsFailure,
    ConnectTimeout,
    /// The connection is lost before the API has read the request.
    Reset,
    /// The connection is lost after the API has executed the request.
    ResponseLost,
    /// No response, and the request was not executed.
    Silent,
    /// No response, but the request was executed.
    SilentExecuted,
    /// The response comes much later, perhaps too late.
    Late,
    /// A gateway sends the request a second time, and passes on the first response.
    Twice,
    /// The same, but it passes on the second response.
    TwiceSecondResponse,
    Truncated,
    LoginPage,
    /// JSON of another type.
    WrongType,
    /// Without the operation, the type of registry, or the status.
    Incomplete,
    TooLarge,
    Rejected,
    RateLimited,
    Unavailable,
    UnavailableExecuted,
    /// A redirect that was not executed.
    Redirected,
    /// Texts in the response contain secrets and runner commands.
    Hostile,
    /// The same, in fields that the step needs: IDs, registry and its type.
    HostileIds,
}

pub(super) const FAULTS: [Fault; 22] = [
    Fault::Refused,
    Fault::DnsFailure,
    Fault::ConnectTimeout,
    Fault::Reset,
    Fault::ResponseLost,
    Fault::Silent,
    Fault::SilentExecuted,
    Fault::Late,
    Fault::Twice,
    Fault::TwiceSecondResponse,
    Fault::Truncated,
    Fault::LoginPage,
    Fault::WrongType,
    Fault::Incomplete,
    Fault::TooLarge,
    Fault::Rejected,
    Fault::RateLimited,
    Fault::Unavailable,
    Fault::UnavailableExecuted,
    Fault::Redirected,
    Fault::Hostile,
    Fault::HostileIds,
];

impl Fault {
    /// Whether a later request can succeed.
    pub(super) fn passes(self) -> bool {
        !matches!(
            self,
            Self::WrongType | Self::Incomplete | Self::TooLarge | Self::Rejected | Self::Redirected | Self::HostileIds
        )
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct FaultAt {
    pub(super) call: Call,
    /// The number of the first request among those of its kind, from 0.
    pub(super) first: usize,
    /// How many requests in a row.
    pub(super) times: usize,
    pub(super) fault: Fault,
}

impl FaultAt {
    /// Whether it strikes the request with this number among those of its kind.
    pub(super) fn strikes(&self, number: usize) -> bool {
        number.checked_sub(self.first).is_some_and(|after| after < self.times)
    }
}

/// How docker ends, other than with success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum DockerFault {
    Denied,
    /// Of the network or the registry; it passes by itself.
    Transient,
    Slow,
    /// The agent could not run docker.
    NotRun,
    /// docker has succeeded, but its exit code is lost.
    NoExitCode,
    /// docker has succeeded, but the operation is reported as failed.
    ReportedAsFailed,
    /// The agent has given up: after docker has written its file, or before.
    TimeoutAfterWrite,
    TimeoutBeforeWrite,
}

pub(super) const DOCKER_FAULTS: [DockerFault; 8] = [
    DockerFault::Denied,
    DockerFault::Transient,
    DockerFault::Slow,
    DockerFault::NotRun,
    DockerFault::NoExitCode,
    DockerFault::ReportedAsFailed,
    DockerFault::TimeoutAfterWrite,
    DockerFault::TimeoutBeforeWrite,
];

#[derive(Debug, Clone, Copy)]
pub(super) struct DockerFaultAt {
    pub(super) is_login: bool,
    /// The number of the first operation among those of its kind, from 0.
    pub(super) first: usize,
    /// How many operations in a row.
    pub(super) times: usize,
    pub(super) fault: DockerFault,
}

impl DockerFaultAt {
    /// Whether it strikes the operation with this number among those of its kind.
    pub(super) fn strikes(&self, number: usize) -> bool {
        number.checked_sub(self.first).is_some_and(|after| after < self.times)
    }
}

/// A login or logout by another job, on a server of this one.
#[derive(Debug, Clone, Copy)]
pub(super) struct OtherJob {
    pub(super) at_ms: u32,
    pub(super) server: usize,
    pub(super) registry: usize,
    pub(super) is_login: bool,
}

impl Plan {
    /// From 0 to 1, the same for the same thing.
    pub(super) fn noise(&self, of: impl Hash) -> f64 {
        let mut hasher = DefaultHasher::new();
        (self.noise, of).hash(&mut hasher);
        (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A whole number in a range.
    pub(super) fn between(&self, min: u64, max: u64, of: impl Hash) -> u64 {
        min + ((max + 1 - min) as f64 * self.noise(of)) as u64
    }
}
