//! What is drawn for one job: its inputs, the servers, and everything that goes wrong. One seed gives one plan, and one
//! plan gives one history.
//!
//! proptest draws the plans and makes a failing one smaller: fewer servers, fewer faults, shorter times.

use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The most logins of one step.
const MAX_LOGINS: usize = 100;

#[derive(Debug, Clone)]
pub(super) struct Plan {
    /// Decides what is of no interest in itself, such as the exact duration of a request.
    pub(super) noise: u64,
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
    /// A kill while the state is written for the n-th time, before or after that has reached the disk.
    KillInWrite {
        nth: u8,
        is_written: bool,
    },
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
    /// A token bucket: its capacity, and how many requests a minute it allows.
    pub(super) rate_limit: Option<(u32, u32)>,
    /// When the whole API is down, for how long, and whether a gateway responds for it.
    pub(super) outage: Option<(u32, u32, bool)>,
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
}

pub(super) const FAULTS: [Fault; 21] = [
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
];

impl Fault {
    /// Whether a later request can succeed.
    pub(super) fn passes(self) -> bool {
        !matches!(self, Self::WrongType | Self::Incomplete | Self::TooLarge | Self::Rejected | Self::Redirected)
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct FaultAt {
    pub(super) call: Call,
    /// The number of the request among those of its kind, from 0. See [`Plan::number`].
    pub(super) nth: u16,
    pub(super) fault: Fault,
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
    /// The number of the operation among those of its kind, from 0. See [`Plan::number`].
    pub(super) nth: u16,
    pub(super) fault: DockerFault,
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

    /// Drawn numbers of requests reach as far as there are requests: the more logins, the further.
    pub(super) fn number(&self, nth: u16) -> usize {
        let logins: usize = self.uses.iter().map(|it| it.servers * it.credentials).sum();
        usize::from(nth) % (4 + 2 * logins)
    }
}

/// Every kind of job.
pub(super) fn plans() -> impl Strategy<Value = Plan> {
    let faults = prop_oneof![
        6 => vec(any_fault(), 0..=3),
        // Two faults of one kind of request, one after the other.
        1 => (any_fault(), select(&FAULTS[..]), any::<bool>()).prop_map(|(first, fault, is_next)| {
            vec![first, FaultAt { fault, nth: first.nth.saturating_add(u16::from(is_next)), ..first }]
        }),
        // Many of the same kind.
        1 => (any_fault(), 1..=40_u16).prop_map(|(first, times)| {
            (0..times).map(|at| FaultAt { nth: first.nth.saturating_add(at), ..first }).collect()
        }),
    ];
    let docker_faults = prop_oneof![
        12 => Just(vec![]),
        6 => vec(any_docker_fault(), 1..=2),
        // Many of the same kind.
        1 => (any_docker_fault(), 3..=10_u16).prop_map(|(first, times)| {
            (0..times).map(|at| DockerFaultAt { nth: first.nth.saturating_add(at), ..first }).collect()
        }),
    ];
    let troubles = prop_oneof![9 => (faults, docker_faults), 1 => slow_and_unknown()];
    let others = prop_oneof![3 => Just(vec![]), 1 => vec(other_job(), 1..=3)];
    let clock_jump = weighted(0.05, (times_ms(), -100_000..100_000_i32));
    let servers = (server_count(), vec(server(), 1..=3));
    (
        (
            any::<u64>(),
            prop_oneof![4 => Just(Runner::GitHub), 2 => Just(Runner::Gitea), 1 => Just(Runner::WithoutStateFile)],
        ),
        (a_use(), weighted(0.1, a_use())),
        api(),
        servers,
        vec(credential(), 1..=3),
        (troubles, others, clock_jump),
    )
        .prop_map(|((noise, runner), (first, second), api, (count, kinds), credentials, troubles)| {
            let ((faults, docker_faults), others, clock_jump) = troubles;
            let uses = [Some(first), second].into_iter().flatten();
            let uses = uses.map(|it| {
                let servers = it.servers.min(count);
                let credentials = it.credentials.min(credentials.len()).min(MAX_LOGINS / servers);
                Use { servers, credentials, ..it }
            });
            let uses: Vec<Use> = uses.collect();
            let servers = kinds.iter().cycle().take(count).cloned().collect();
            Plan { noise, runner, uses, api, servers, credentials, faults, docker_faults, others, clock_jump }
        })
}

fn server_count() -> impl Strategy<Value = usize> {
    prop_oneof![900 => Just(1_usize), 88 => 2..=6_usize, 10 => 7..=25_usize, 2 => 26..=MAX_LOGINS]
}

fn a_use() -> impl Strategy<Value = Use> {
    let timeouts = select(&[1, 2, 5, 10, 30, 60, 120, 600, 600, 600, 3_600][..]);
    let stops = (weighted(0.3, stop()), weighted(0.08, stop()));
    let flags = (weighted(0.1, Just(())), any::<bool>(), any::<bool>(), weighted(0.97, Just(())));
    let post_inputs =
        prop_oneof![6 => Just(PostInputs::Own), 1 => Just(PostInputs::OfParent), 1 => Just(PostInputs::Empty)];
    let pauses = prop_oneof![1 => 0..100_u32, 2 => 0..10_000_u32, 1 => 0..600_000_u32];
    let servers = prop_oneof![9 => Just(MAX_LOGINS), 1 => 1..=3_usize];
    (any::<bool>(), servers, 1..=3_usize, timeouts, stops, flags, pauses, post_inputs, weighted(0.02, 0..12_u8))
        .prop_map(
            |(
                is_vault,
                servers,
                credentials,
                timeout_s,
                (main_stop, post_stop),
                flags,
                pause_ms,
                post_inputs,
                disk,
            )| {
                let (keeps, job_summary, if_missing_skips, has_secrets) = flags;
                Use {
                    is_vault,
                    servers,
                    credentials,
                    timeout_s,
                    cleanup: keeps.is_none(),
                    job_summary,
                    if_missing_skips,
                    has_secrets: has_secrets.is_some(),
                    main_stop,
                    post_stop,
                    pause_ms,
                    post_inputs,
                    full_disk_from: disk,
                }
            },
        )
}

fn times_ms() -> impl Strategy<Value = u32> {
    prop_oneof![2 => 0..300_u32, 3 => 0..4_000_u32, 1 => 0..60_000_u32]
}

fn stop() -> impl Strategy<Value = Stop> {
    prop_oneof![
        2 => times_ms().prop_map(Stop::CancelAt),
        1 => times_ms().prop_map(Stop::KillAt),
        1 => (0..14_u8, any::<bool>()).prop_map(|(nth, is_written)| Stop::KillInWrite { nth, is_written }),
    ]
}

fn api() -> impl Strategy<Value = Api> {
    let keys = prop_oneof![
        30 => Just(Key::Valid),
        1 => Just(Key::Invalid),
        1 => times_ms().prop_map(Key::RevokedAt),
        1 => Just(Key::NoLogin),
        1 => Just(Key::NoLogout),
        1 => Just(Key::NoStatus),
    ];
    let logout_responses = prop_oneof![
        4 => Just(LogoutResponse::Operation),
        1 => Just(LogoutResponse::Completed),
        1 => Just(LogoutResponse::Empty),
        1 => Just(LogoutResponse::Accepted),
    ];
    let rate_limits = weighted(0.1, (1..=120_u32, 6..=600_u32));
    let outages = weighted(0.1, (times_ms(), prop_oneof![3 => 0..10_000_u32, 1 => 0..200_000_u32], any::<bool>()));
    (keys, logout_responses, rate_limits, outages).prop_map(|(key, logout_response, rate_limit, outage)| Api {
        key,
        logout_response,
        rate_limit,
        outage,
    })
}

fn server() -> impl Strategy<Value = Server> {
    let slowness = prop_oneof![40 => Just(1_u8), 4 => 2..=10_u8, 1 => 10..=100_u8];
    let offline = weighted(0.03, (times_ms(), prop_oneof![1 => 0..10_000_u32, 1 => 0..300_000_u32]));
    (slowness, offline, any::<bool>()).prop_map(|(slowness, offline, has_earlier_login)| Server {
        slowness,
        offline,
        has_earlier_login,
    })
}

fn credential() -> impl Strategy<Value = Credential> {
    (0..4_usize, weighted(0.05, Just(())), weighted(0.02, Just(()))).prop_map(|(registry, denied, missing)| {
        Credential { registry, is_accepted: denied.is_none(), exists: missing.is_none() }
    })
}

fn any_fault() -> impl Strategy<Value = FaultAt> {
    let nths = prop_oneof![2 => 0..3_u16, 1 => 0..500_u16];
    (select(&CALLS[..]), nths, select(&FAULTS[..])).prop_map(|(call, nth, fault)| FaultAt { call, nth, fault })
}

/// An operation that takes long and that nobody knows of, since the response is lost.
fn slow_and_unknown() -> impl Strategy<Value = (Vec<FaultAt>, Vec<DockerFaultAt>)> {
    let lost = select(&[Fault::ResponseLost, Fault::SilentExecuted, Fault::Truncated, Fault::UnavailableExecuted][..]);
    (any::<bool>(), 0..4_u16, lost).prop_map(|(is_login, nth, fault)| {
        let call = if is_login { Call::Login } else { Call::Logout };
        (vec![FaultAt { call, nth, fault }], vec![DockerFaultAt { is_login, nth, fault: DockerFault::Slow }])
    })
}

fn any_docker_fault() -> impl Strategy<Value = DockerFaultAt> {
    let nths = prop_oneof![2 => 0..3_u16, 1 => 0..500_u16];
    (any::<bool>(), nths, select(&DOCKER_FAULTS[..])).prop_map(|(is_login, nth, fault)| DockerFaultAt {
        is_login,
        nth,
        fault,
    })
}

fn other_job() -> impl Strategy<Value = OtherJob> {
    (times_ms(), 0..6_usize, 0..4_usize, any::<bool>()).prop_map(|(at_ms, server, registry, is_login)| OtherJob {
        at_ms,
        server,
        registry,
        is_login,
    })
}
