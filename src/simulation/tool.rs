//! `make simulate`: runs jobs on all cores, prints what has happened, and explains the first job that breaks a guarantee.

use super::job;
use super::judge::{Violation, judge};
use super::plan::{Plan, plans};
use super::table::Table;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A job that has broken a guarantee before.
///
/// A pin is a seed: if plans are drawn in another way, it stands for another job, which tests nothing. `plan` tells. Then
/// `make simulate-mutants` prints the seed and the plan of the first job that catches the mutant, which is the next pin.
struct Pin {
    seed: u64,
    /// [`fingerprint`] of the plan.
    plan: u64,
    /// What was wrong.
    what: &'static str,
    /// What undoes its correction: a mutant in `tests/simulation/mutants.js`.
    mutant: &'static str,
}

const PINNED: [Pin; 7] = [
    Pin {
        seed: 6,
        plan: 0x76be_2f4d_3798_3fa2,
        what: "The logout overtook a login whose status was refused",
        mutant: "no wait for a login that cannot be read",
    },
    Pin {
        seed: 1_457,
        plan: 0xb564_5cd5_6dec_3612,
        what: "The logout overtook the login of an earlier attempt, whose response was lost",
        mutant: "no wait for an earlier attempt in post",
    },
    Pin {
        seed: 17,
        plan: 0x11b7_4753_3ad1_fee1,
        what: "A logout whose response was lost restored the login that the next logout had removed",
        mutant: "no wait after an unknown logout",
    },
    Pin {
        seed: 15_687,
        plan: 0x8492_3d83_a20c_da15,
        what: "A login whose response was lost removed the next login on the server",
        mutant: "no wait after an unknown login",
    },
    Pin {
        seed: 513,
        plan: 0x3652_8486_3bc8_f26d,
        what: "A logout was given up while Reoclo was down for a second, although the post step went on",
        mutant: "failed logouts not retried",
    },
    Pin {
        seed: 759,
        plan: 0x2e7c_96e6_f7b6_ae0c,
        what: "The API key in the place of a logout's operation ID became part of a URL",
        mutant: "a secret is a logout's operation",
    },
    Pin {
        seed: 1_003_837_074,
        plan: 0x54c3_4eed_0c85_93cd,
        what: "A logout was given up after its share of the time had passed while it waited for its turn",
        mutant: "the share of a logout begins before its turn",
    },
];
/// In so many jobs, everything happens that can.
const MANY: u64 = 1_000_000;
/// How many jobs a thread takes at a time.
const CHUNK: u64 = 50;
/// How long a failing job is made smaller.
const MAX_SHRINK_STEPS: u32 = 5_000;
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { max_shrink_iters: MAX_SHRINK_STEPS, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

fn plan(strategy: &impl Strategy<Value = Plan>, seed: u64) -> Plan {
    strategy.new_tree(&mut runner(seed)).expect("plans are never rejected").current()
}

/// The same for the same plan only.
fn fingerprint(plan: &Plan) -> u64 {
    let mut hasher = DefaultHasher::new();
    format!("{plan:?}").hash(&mut hasher);
    hasher.finish()
}

/// Runs a job and judges it. A panic breaks a guarantee, too: that of a step is judged like other ends, so this one is in
/// the simulation itself.
fn check(plan: &Plan, table: Option<&mut Table>) -> Vec<Violation> {
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let history = job::run(plan, false);
        if let Some(table) = table {
            table.add(&history);
        }
        judge(&history)
    }));
    checked.unwrap_or_else(|_| vec![Violation { guarantee: "bounds", what: "the simulation panics".to_owned() }])
}

/// The smallest plan like that of `seed` that breaks the same guarantee.
fn shrink(seed: u64, guarantee: &str) -> Plan {
    let strategy = plans();
    let mut runner = runner(seed);
    let tree = strategy.new_tree(&mut runner).expect("plans are never rejected");
    let original = tree.current();
    let test = |plan: Plan| {
        let is_broken = check(&plan, None).iter().any(|violation| violation.guarantee == guarantee);
        if is_broken { Err(TestCaseError::fail("broken")) } else { Ok(()) }
    };
    match runner.run_one(tree, test) {
        Err(TestError::Fail(_, smallest)) => smallest,
        _ => original,
    }
}

fn timeline(plan: &Plan) -> String {
    let text = catch_unwind(AssertUnwindSafe(|| recorded(plan)));
    text.unwrap_or_else(|_| "BROKEN: the simulation panics\n".to_owned())
}

fn recorded(plan: &Plan) -> String {
    let history = job::run(plan, true);
    let mut events = history.reoclo.timeline.clone().unwrap_or_default();
    events.sort_by_key(|(at_ms, _)| *at_ms);
    let mut text: String =
        events.iter().map(|(at_ms, event)| format!("{:>11.3} s  {event}\n", *at_ms as f64 / 1_000.0)).collect();
    for Violation { guarantee, what } in judge(&history) {
        text.push_str(&format!("BROKEN: {guarantee}: {what}\n"));
    }
    text
}

fn list(violations: &[Violation]) -> String {
    violations.iter().map(|it| format!("  {}: {}\n", it.guarantee, it.what)).collect()
}

/// A smaller job than that of `seed` which breaks the same guarantee, and what happens there.
fn explain(seed: u64, violations: &[Violation]) -> String {
    let smallest = shrink(seed, violations.first().map_or("", |violation| violation.guarantee));
    format!(
        "A smaller job that breaks it:\n{smallest:#?}\n\n{}\nReplay the whole job: make simulate SEED={seed}",
        timeline(&smallest)
    )
}

/// Runs so many jobs, from a seed on. Returns the table, and the first job that breaks a guarantee, from 0.
fn run(first_seed: u64, jobs: u64, report: impl Fn(u64, Duration) + Sync) -> (Table, Option<(u64, Vec<Violation>)>) {
    // Jobs before the first that fails are still run, so that the same one is found however the threads are scheduled.
    let (next, end) = (AtomicU64::new(0), AtomicU64::new(jobs));
    let (table, failure) = (Mutex::new(Table::default()), Mutex::new(None));
    let started = Instant::now();
    let work = |is_reporter: bool| {
        let strategy = plans();
        let mut own = Table::default();
        let mut reported = Instant::now();
        loop {
            let from = next.fetch_add(CHUNK, Ordering::Relaxed);
            let until = end.load(Ordering::Relaxed).min(from + CHUNK);
            if from >= until {
                break;
            }
            for at in from..until {
                let violations = check(&plan(&strategy, first_seed.wrapping_add(at)), Some(&mut own));
                if !violations.is_empty() {
                    end.fetch_min(at, Ordering::Relaxed);
                    let mut failure = failure.lock().unwrap();
                    if failure.as_ref().is_none_or(|(earlier, _)| at < *earlier) {
                        *failure = Some((at, violations));
                    }
                    break;
                }
            }
            if is_reporter && reported.elapsed() > PROGRESS_EVERY {
                reported = Instant::now();
                report(from, started.elapsed());
            }
        }
        table.lock().unwrap().merge(own);
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for thread in 0..threads {
            let work = &work;
            scope.spawn(move || work(thread == 0));
        }
    });
    (table.into_inner().unwrap(), failure.into_inner().unwrap())
}

/// What is wrong with a pinned job.
fn check_pin(pin: &Pin) -> Result<(), String> {
    let Pin { seed, what, mutant, .. } = pin;
    let plan = plan(&plans(), *seed);
    if fingerprint(&plan) != pin.plan {
        return Err(format!(
            "The pinned job {seed} is another job now, since plans are drawn in another way. It was: {what}.\nPin the job that \
             this prints: node tests/simulation/mutants.js '{mutant}'"
        ));
    }
    let violations = check(&plan, None);
    if violations.is_empty() {
        return Ok(());
    }
    Err(format!(
        "The pinned job {seed} breaks a guarantee. It was: {what}.\n{}\n{}",
        list(&violations),
        explain(*seed, &violations)
    ))
}

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {value:?}")))
}

/// `JOBS` jobs from `SEED` on, or the timeline of the one job `SEED`. `PINS=0` leaves out the pinned jobs.
#[test]
#[ignore = "make simulate"]
#[allow(clippy::print_stdout)]
fn simulate() {
    let (jobs, seed) = (variable("JOBS"), variable("SEED"));
    if let (None, Some(seed)) = (jobs, seed) {
        let plan = plan(&plans(), seed);
        let timeline = timeline(&plan);
        println!("{plan:#?}\n\n{timeline}");
        std::process::exit(i32::from(timeline.contains("\nBROKEN: ")));
    }
    if variable("PINS") != Some(0) {
        if let Err(broken) = PINNED.iter().try_for_each(check_pin) {
            println!("{broken}");
            std::process::exit(1);
        }
        println!("{} pinned jobs hold.", PINNED.len());
    }
    let jobs = jobs.unwrap_or(20_000);
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(Instant::now()) >> 16);
    println!("Simulating {jobs} jobs from seed {seed}");
    let started = Instant::now();
    let (table, failure) = run(seed, jobs, |done, elapsed| {
        let per_s = done as f64 / elapsed.as_secs_f64();
        let left_s = (jobs - done) as f64 / per_s;
        println!("{done} jobs, {per_s:.0} jobs/s, {left_s:.0} s left");
    });
    println!("\n{table}");
    if let Some((at, violations)) = failure {
        let failed = seed.wrapping_add(at);
        let plan = fingerprint(&plan(&plans(), failed));
        println!("Job {}, seed {failed}, plan {plan:#018x}, breaks a guarantee:\n{}", at + 1, list(&violations));
        println!("{}", explain(failed, &violations));
        std::process::exit(1);
    }
    let empty = table.empty_cells();
    if jobs >= MANY && !empty.is_empty() {
        println!("Never happened in {jobs} jobs: {}", empty.join(", "));
        std::process::exit(1);
    }
    let elapsed = started.elapsed().as_secs_f64();
    println!("All guarantees hold: {jobs} jobs in {elapsed:.1} s, {:.0} jobs/s", jobs as f64 / elapsed);
}
