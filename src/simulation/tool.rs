//! `make simulate`: runs jobs on all cores, prints what has happened, and explains the first job that breaks a guarantee.

use super::job;
use super::judge::{Violation, judge};
use super::plan::{Plan, plans};
use super::table::Table;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use std::hash::{BuildHasher, RandomState};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Jobs that have broken a guarantee before, and what was wrong. When the plans are drawn in another way, their seeds have to
/// be found again: `make simulate-mutants` undoes what has mended them.
const PINNED: [(u64, &str); 4] = [
    (74, "The logout overtook a login whose status was refused"),
    (796, "The logout overtook the login of an earlier attempt, whose response was lost"),
    (3_353, "A logout whose response was lost restored the login that the next logout had removed"),
    (8_000, "A login whose response was lost removed the next login on the server"),
];
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

/// Runs a job and judges it. A panic breaks a guarantee, too.
fn check(plan: &Plan, table: Option<&mut Table>) -> Vec<Violation> {
    let checked = catch_unwind(AssertUnwindSafe(|| {
        let history = job::run(plan, false);
        if let Some(table) = table {
            table.add(&history);
        }
        judge(&history)
    }));
    checked.unwrap_or_else(|_| vec![Violation { guarantee: "bounds", what: "the step panics".to_owned() }])
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

/// Runs so many jobs, from a seed on. Returns the table, and the first seed that breaks a guarantee.
fn run(first_seed: u64, jobs: u64, report: impl Fn(u64, Duration) + Sync) -> (Table, Option<(u64, Vec<Violation>)>) {
    let (next, failed) = (AtomicU64::new(0), AtomicBool::new(false));
    let (table, failure) = (Mutex::new(Table::default()), Mutex::new(None));
    let started = Instant::now();
    let work = |is_reporter: bool| {
        let strategy = plans();
        let mut own = Table::default();
        let mut reported = Instant::now();
        while !failed.load(Ordering::Relaxed) {
            let from = next.fetch_add(CHUNK, Ordering::Relaxed);
            if from >= jobs {
                break;
            }
            for at in from..jobs.min(from + CHUNK) {
                let seed = first_seed.wrapping_add(at);
                let violations = check(&plan(&strategy, seed), Some(&mut own));
                if !violations.is_empty() {
                    failed.store(true, Ordering::Relaxed);
                    failure.lock().unwrap().get_or_insert((seed, violations));
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

fn variable(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} must be a number, not {value:?}")))
}

/// `JOBS` jobs from `SEED` on, or the timeline of the one job `SEED`.
#[test]
#[ignore = "make simulate"]
#[allow(clippy::print_stdout)]
fn simulate() {
    let (jobs, seed) = (variable("JOBS"), variable("SEED"));
    if let (None, Some(seed)) = (jobs, seed) {
        let plan = plan(&plans(), seed);
        println!("{plan:#?}\n\n{}", timeline(&plan));
        return;
    }
    let strategy = plans();
    for (seed, what) in PINNED {
        let violations = check(&plan(&strategy, seed), None);
        assert!(violations.is_empty(), "{what}\n{}{}", list(&violations), explain(seed, &violations));
    }
    let jobs = jobs.unwrap_or(20_000);
    let seed = seed.unwrap_or_else(|| RandomState::new().hash_one(Instant::now()) >> 16);
    println!("{} pinned jobs hold. Simulating {jobs} jobs from seed {seed}", PINNED.len());
    let started = Instant::now();
    let (table, failure) = run(seed, jobs, |done, elapsed| {
        let per_s = done as f64 / elapsed.as_secs_f64();
        let left_s = (jobs - done) as f64 / per_s;
        println!("{done} jobs, {per_s:.0} jobs/s, {left_s:.0} s left");
    });
    println!("\n{table}");
    if let Some((failed, violations)) = failure {
        println!("Job {}, seed {failed}, breaks a guarantee:\n{}", failed.wrapping_sub(seed) + 1, list(&violations));
        println!("{}", explain(failed, &violations));
        std::process::exit(1);
    }
    let elapsed = started.elapsed().as_secs_f64();
    println!("All guarantees hold: {jobs} jobs in {elapsed:.1} s, {:.0} jobs/s", jobs as f64 / elapsed);
}
