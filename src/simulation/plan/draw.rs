//! Draws plans. proptest makes a failing one smaller: fewer servers, fewer faults, shorter times.

use super::*;
use proptest::collection::vec;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;

/// The most logins of one step.
const MAX_LOGINS: usize = 100;

/// Every kind of job.
pub(crate) fn plans() -> impl Strategy<Value = Plan> {
    let faults = prop_oneof![
        6 => vec(any_fault(), 0..=3),
        // Two faults of one kind of request, one after the other.
        1 => (any_fault(), select(&FAULTS[..])).prop_map(|(one, fault)| {
            vec![one, FaultAt { fault, first: one.first + 1, ..one }]
        }),
        // Many of the same kind.
        1 => (any_fault(), prop_oneof![2..=7_usize, 7..=40_usize])
            .prop_map(|(fault, times)| vec![FaultAt { times, ..fault }]),
    ];
    let docker_faults = prop_oneof![2 => Just(vec![]), 1 => vec(any_docker_fault(), 1..=2)];
    let troubles = prop_oneof![9 => (faults, docker_faults), 1 => slow_and_unknown()];
    let others = prop_oneof![3 => Just(vec![]), 1 => vec(other_job(), 1..=3)];
    let clock_jump = weighted(0.05, (times_ms(), -100_000..100_000_i32));
    let counts = prop_oneof![
        97 => (server_count(), weighted(0.1, (1..=120_u32, 6..=600_u32))),
        // Several servers under a limit that they reach.
        3 => (2..=12_usize, (1..=20_u32, 20..=200_u32).prop_map(Some)),
    ];
    let servers = (counts, vec(server(), 1..=3));
    (
        (
            any::<u64>(),
            weighted(0.2, Just(())).prop_map(|short| short.is_some()),
            prop_oneof![4 => Just(Runner::GitHub), 2 => Just(Runner::Gitea), 1 => Just(Runner::WithoutStateFile)],
        ),
        (a_use(), weighted(0.1, a_use())),
        api(),
        servers,
        vec(credential(), 1..=3),
        (troubles, others, clock_jump),
    )
        .prop_map(
            |(
                (noise, has_short_backoff, runner),
                (first, second),
                api,
                ((count, rate_limit), kinds),
                credentials,
                troubles,
            )| {
                let api = Api { rate_limit, ..api };
                let ((faults, docker_faults), others, clock_jump) = troubles;
                let uses = [Some(first), second].into_iter().flatten();
                let uses = uses.map(|it| {
                    let servers = it.servers.min(count);
                    let credentials = it.credentials.min(credentials.len()).min(MAX_LOGINS / servers);
                    Use { servers, credentials, ..it }
                });
                let uses: Vec<Use> = uses.collect();
                let logins = uses.iter().map(|it| it.servers * it.credentials).sum();
                let faults = faults.into_iter().map(|it| within_reach(it, logins)).collect();
                let docker_faults = docker_faults.into_iter().map(|it| docker_within_reach(it, logins)).collect();
                let servers = kinds.iter().cycle().take(count).cloned().collect();
                Plan {
                    noise,
                    has_short_backoff,
                    runner,
                    uses,
                    api,
                    servers,
                    credentials,
                    faults,
                    docker_faults,
                    others,
                    clock_jump,
                }
            },
        )
}

/// Drawn numbers of requests reach as far as there are requests: the more logins, the further. There are more polls.
fn within_reach(fault: FaultAt, logins: usize) -> FaultAt {
    let reach = match fault.call {
        Call::Login | Call::Logout => 4 + 2 * logins,
        Call::Poll | Call::LatePoll | Call::LogoutPoll => 8 + 8 * logins,
    };
    FaultAt { first: fault.first % reach, ..fault }
}

fn docker_within_reach(fault: DockerFaultAt, logins: usize) -> DockerFaultAt {
    DockerFaultAt { first: fault.first % (4 + 2 * logins), ..fault }
}

fn server_count() -> impl Strategy<Value = usize> {
    prop_oneof![900 => Just(1_usize), 88 => 2..=6_usize, 10 => 7..=25_usize, 2 => 26..=MAX_LOGINS]
}

fn a_use() -> impl Strategy<Value = Use> {
    let timeouts = select(&[1, 2, 5, 10, 30, 60, 120, 600, 600, 600, 3_600][..]);
    let stops = (weighted(0.3, main_stop()), weighted(0.08, post_stop()));
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

fn main_stop() -> impl Strategy<Value = Stop> {
    let written = select(&[Written::Nothing, Written::Torn, Written::All][..]);
    prop_oneof![
        3 => post_stop(),
        1 => (0..14_u8, written).prop_map(|(nth, written)| Stop::KillInWrite { nth, written }),
    ]
}

/// The post step writes no state.
fn post_stop() -> impl Strategy<Value = Stop> {
    prop_oneof![2 => times_ms().prop_map(Stop::CancelAt), 1 => times_ms().prop_map(Stop::KillAt)]
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
    let limiters = prop_oneof![
        3 => Just(Limiter::TokenBucket),
        1 => Just(Limiter::Minute),
        1 => Just(Limiter::SilentMinute),
    ];
    let looks = prop_oneof![2 => Just(Down::NoConnection), 2 => Just(Down::Unavailable), 1 => Just(Down::RateLimited)];
    let outages = weighted(0.1, (times_ms(), prop_oneof![3 => 0..10_000_u32, 1 => 0..200_000_u32], looks));
    let quota_headers =
        [QuotaHeaders::Draft, QuotaHeaders::EarlierDraft, QuotaHeaders::Seconds, QuotaHeaders::UnixTime];
    let limiters = (limiters, weighted(0.3, select(quota_headers.to_vec())));
    (keys, logout_responses, limiters, outages, weighted(0.4, Just(()))).prop_map(
        |(key, logout_response, (limiter, quota_headers), outage, of_post)| Api {
            key,
            logout_response,
            rate_limit: None,
            limiter,
            quota_headers,
            outage,
            is_outage_of_post: of_post.is_some(),
        },
    )
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

/// Rather the first of a kind.
fn numbers() -> impl Strategy<Value = usize> {
    prop_oneof![2 => 0..3_usize, 1 => 0..500_usize]
}

fn any_fault() -> impl Strategy<Value = FaultAt> {
    (select(&CALLS[..]), numbers(), select(&FAULTS[..])).prop_map(|(call, first, fault)| FaultAt {
        call,
        first,
        times: 1,
        fault,
    })
}

/// An operation that takes long and that nobody knows of, since the response is lost.
fn slow_and_unknown() -> impl Strategy<Value = (Vec<FaultAt>, Vec<DockerFaultAt>)> {
    let lost = select(&[Fault::ResponseLost, Fault::SilentExecuted, Fault::Truncated, Fault::UnavailableExecuted][..]);
    (any::<bool>(), 0..4_usize, lost).prop_map(|(is_login, first, fault)| {
        let call = if is_login { Call::Login } else { Call::Logout };
        let slow = DockerFaultAt { is_login, first, times: 1, fault: DockerFault::Slow };
        (vec![FaultAt { call, first, times: 1, fault }], vec![slow])
    })
}

fn any_docker_fault() -> impl Strategy<Value = DockerFaultAt> {
    let times = prop_oneof![2 => Just(1_usize), 1 => 2..=4_usize];
    (any::<bool>(), numbers(), times, select(&DOCKER_FAULTS[..]))
        .prop_map(|(is_login, first, times, fault)| DockerFaultAt { is_login, first, times, fault })
}

fn other_job() -> impl Strategy<Value = OtherJob> {
    (times_ms(), 0..6_usize, 0..4_usize, any::<bool>()).prop_map(|(at_ms, server, registry, is_login)| OtherJob {
        at_ms,
        server,
        registry,
        is_login,
    })
}
