// `make simulate-mutants`: how many simulated jobs it takes to catch each of these mutants, one changed line each.
//
// Usage: node tests/simulation/mutants.js [NAME]. Prints one row per mutant and exits with 1 if one is not caught. Seed and
// plan of a row can be pinned in src/simulation/tool.rs. The pinned jobs themselves are left out: they would catch some at once.
// With ONLY=1, the unit tests run on each mutant too, and a row says if only the simulation catches it.
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const JOBS = 20_000;
// Jobs are seeded: with the same seed, a mutant is caught by the same job, whose seed is its number.
const SEED = 1;

/** Name, file below src/, the line as it is, and as it is in the mutant. */
const MUTANTS = [
  ['state saved after the request', 'login/task.rs', 'state.set_requested();', ''],
  ['registry not saved', 'login/task.rs', 'self.state.set_accepted(&registry_url, operation_id.as_ref());', ''],
  ['no wait for an unknown login in post', 'login/logout.rs', '(LoginPhase::Requested, _) => true,', '(LoginPhase::Requested, _) => false,'],
  ['no wait for an earlier attempt in post', 'login/logout.rs', '_ => login.has_unconfirmed_attempt,', '_ => false,'],
  ['no wait for a login that cannot be read', 'login/logout.rs', 'Err(_) if !self.login_deadline.has_passed(host) => true,', 'Err(_) if !self.login_deadline.has_passed(host) => false,'],
  ['no wait for a running login in post', 'login/logout.rs', 'const LOGIN_WAIT_S: u32 = 20;', 'const LOGIN_WAIT_S: u32 = 1;'],
  ['no wait after an unknown logout', 'login/logout.rs', 'if left_here > 0 && (', 'if left_here > 99 && ('],
  ['no wait after an unknown login', 'login/mod.rs', 'may_be_running = task.has_unknown_operation();', 'may_be_running = false && task.has_unknown_operation();'],
  ['retry on 401', 'api/error.rs', 'matches!(status, 408 | 425', 'matches!(status, 401 | 408 | 425'],
  ['no retry on 503', 'api/error.rs', '| 502 | 503 | 504', '| 502 | 504'],
  ['logout of a failed login', 'login/task.rs', 'self.state.set_failed();', ''],
  ['a 502 rules out a login', 'api/error.rs', 'Self::HttpStatus { status: 408 | 499 | 500.., .. }', 'Self::HttpStatus { status: 408 | 499, .. }'],
  ['logout with cleanup: false', 'login/logout.rs', '_ if !saved.cleanup => keep(log, &targets),', '_ if !saved.cleanup && targets.is_empty() => keep(log, &targets),'],
  ['two operations at once on a server', 'login/mod.rs', 'tasks.chunks(step.inputs.credentials.len())', 'tasks.chunks(1)'],
  ['two logouts at once on a server', 'login/logout.rs', 'on.iter().any(|other| other.server_id == target.server_id)', 'on.iter().any(|other| std::ptr::eq(*other, target))'],
  ['uncertain attempt forgotten', 'login/task.rs', 'state.set_unconfirmed_attempt();', ''],
  ['deadline ignored in the backoff', 'api/client.rs', 'ends.sleep(self.host, wait_ms).await;', 'self.host.sleep(wait_ms).await;'],
  ['no backoff', 'api/retry.rs', 'const FIRST_BACKOFF_MS: u32 = 250;', 'const FIRST_BACKOFF_MS: u32 = 0;'],
  ['Retry-After ignored', 'api/budget.rs', 'let pause_ms = retry_after_ms.filter(|ms| *ms > 0)', 'let pause_ms = retry_after_ms.filter(|ms| *ms > 99_999_999)'],
  ['a 429 is an attempt', 'api/client.rs', 'let is_attempt = !self.budget.costs_only_time(&error);', 'let is_attempt = true;'],
  ['more than 200 requests a second', 'api/rate.rs', 'const MAX_PER_S: f64 = 200.0;', 'const MAX_PER_S: f64 = 2_000.0;'],
  ['end told before the operation has ended', 'login/operation.rs', 'if operation.has_ended() {', 'if true {'],
  ['exit code ignored', 'login/operation.rs', '(OperationStatus::Completed, Some(0)) => Ok(()),', '(OperationStatus::Completed, Some(_)) => Ok(()),'],
  ['logged out without the end of the operation', 'login/logout.rs', '(None | Some(OperationStatus::Completed), _) =>', '(None | Some(OperationStatus::Completed | OperationStatus::Running), _) =>'],
  ['post takes 60 s', 'login/logout.rs', 'const POST_TIMEOUT_S: u32 = 44;', 'const POST_TIMEOUT_S: u32 = 60;'],
  ['a cancelled step waits', 'login/mod.rs', 'const CANCEL_GRACE_MS: u32 = 1_500;', 'const CANCEL_GRACE_MS: u32 = 5_000;'],
  ['secrets not redacted in log lines', 'runner/log.rs', 'text::truncate(masks.redact(&line), max_chars)', 'text::truncate(text::sanitize(text), max_chars)'],
  ['commands not sanitized in docker output', 'runner/log.rs', 'let line = text::sanitize(&line);\n            if', 'let line = line.to_string();\n            if'],
  ['one failure stops the other logins', 'login/mod.rs', 'if task.failed_for_all_logins() {', 'if may_be_running || task.failed_for_all_logins() {'],
  ['failed logins in the outputs', 'login/result.rs', "self.accepted.as_ref().filter(|_| matches!(self.outcome, Some(Ok(()))))", 'self.accepted.as_ref()'],
  ['failed logouts not retried', 'login/logout.rs', 'while targets.iter().any(|target| target.failed_for_the_moment(host)) {', 'while false {'],
  ['one attempt of a logout request', 'api/retry.rs', 'ApiCall::Logout => Some(3),', 'ApiCall::Logout => Some(1),'],
  ['one attempt of a logout', 'login/logout.rs', 'const MAX_ATTEMPTS: u32 = 3;', 'const MAX_ATTEMPTS: u32 = 1;'],
  ['any number of logout requests', 'api/retry.rs', 'ApiCall::Logout => Some(3),', 'ApiCall::Logout => None,'],
  ['twelve login requests', 'api/retry.rs', '=> Some(6),', '=> Some(12),'],
  ['any number of logins', 'login/task.rs', 'const MAX_LOGIN_ATTEMPTS: u32 = 3;', 'const MAX_LOGIN_ATTEMPTS: u32 = 100;'],
  ['status requests every 10 ms', 'login/poll.rs', 'const MIN_WAIT_MS: f64 = 100.0;', 'const MIN_WAIT_MS: f64 = 10.0;'],
  ['a backoff of 10 s', 'api/retry.rs', 'const FIRST_BACKOFF_MS: u32 = 250;', 'const FIRST_BACKOFF_MS: u32 = 10_000;'],
  ['no summary of the logouts', 'login/logout.rs', 'if saved.job_summary && !targets.is_empty() {', 'if false {'],
  ['a summary of the logouts, although it is off', 'login/logout.rs', 'if saved.job_summary && !targets.is_empty() {', 'if !targets.is_empty() {'],
  ['a summary of the logins, although it is off', 'login/mod.rs', 'if inputs.job_summary {', 'if true {'],
  ['a confirmed logout not in the summary', 'login/logout.rs', 'None => target.result.set(result),', 'None => {}'],
  ['failed logouts reported as requested', 'login/logout.rs', 'Err(ApiError::HttpStatus { status: 403 | 404, .. }) =>', 'Err(_) =>'],
  ['rejections counted as attempts in the outputs', 'login/task.rs', 'result.borrow_mut().attempts -= 1;', ''],
  ['wrong registries in the outputs', 'login/outputs.rs', 'registries.push(login.map_or(NONE, |login| login.registry_url.as_str()));', 'registries.push(NONE);'],
  ['the error of a single login without its cause', 'login/report.rs', 'log.error(error.title(), &[error.with_fix()]);', 'log.error(error.title(), &[error.title().to_owned()]);'],
  ['no warning if the state cannot be saved', 'login/state.rs', 'self.log.warning("Cleanup may fail", &message);', 'let _ = message;'],
  ['a 429 pauses only the request that got it', 'api/client.rs', 'self.budget.slow_down(&error, sent_ms, retry_after_ms);', 'time.until.sleep(self.host, retry_after_ms.unwrap_or(500).max(500)).await;'],
  ['the last server is starved', 'api/budget.rs', 'queue.partition_point(|other| other.priority <= priority)', 'queue.partition_point(|other| other.priority < priority)'],
  ['a waiting request is not woken', 'api/budget.rs', 'waiting.waker = Some(waker.clone());', ''],
  ['a step panics', 'api/retry.rs', 'failed_attempts.saturating_sub(1).min(16)', '(failed_attempts - 2).min(16)'],
  ['token not masked in passthrough mode', 'inputs/mod.rs', 'Masks::of(host, api_key, username, &self.access_token, &parts)', 'Masks::of(host, api_key, username, "", &parts)'],
  ["a secret is a logout's operation", 'login/logout.rs', 'response.operation_id.filter(|id| !self.log.is_secret(id.as_str()))', 'response.operation_id'],
  ['the share of a logout begins before its turn', 'api/client.rs', 'let mut deadline = None;', 'let mut deadline = Some(time.begin(self.host));'],
  ['no warnings in post', 'login/logout.rs', 'None => warnings.push((title, vec![message])),', 'None => {}'],
];

const CARGO = ['test', '--locked', '--quiet', '--profile', 'mutants', '--lib', '--'];
const env = { ...process.env, CARGO_TARGET_DIR: join(process.cwd(), 'target/mutants') };

/** Whether the unit tests of the sources in a folder pass. */
function passesTests(folder) {
  return spawnSync('cargo', [...CARGO, '--skip', 'simulation::'], { cwd: folder, env, stdio: 'ignore', timeout: 300_000 }).status === 0;
}

/** Builds and simulates the sources in a folder. Resolves to what catches the mutant, or null. */
async function simulate(folder) {
  const child = spawn(
    'cargo',
    [...CARGO, '--ignored', '--exact', '--nocapture', 'simulation::tool::simulate'],
    { cwd: folder, env: { ...env, JOBS, SEED, PINS: '0' }, stdio: ['ignore', 'pipe', 'pipe'], detached: true },
  );
  let stderr = '';
  child.stderr.on('data', (data) => (stderr += data));
  let caught = null;
  let holds = false;
  for await (const line of createInterface({ input: child.stdout })) {
    const [, job, plan] = /^Job (\d+), seed \d+, plan (\w+)/.exec(line) ?? [];
    if (job) caught = { job: Number(job), plan, by: '' };
    if (line.startsWith('All guarantees hold')) holds = true;
    const [, by] = /^  (.*)$/.exec(line) ?? [];
    if (caught && by) {
      caught.by = by;
      // The smaller job is of no interest here.
      process.kill(-child.pid, 'SIGKILL');
      break;
    }
  }
  if (!caught && !holds) throw new Error(`The mutant does not build:\n${stderr}`);
  return caught;
}

const chosen = process.argv[2];
let failed = 0;
const folder = mkdtempSync(join(tmpdir(), 'mutants-'));
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
for (const path of execFileSync('git', ['ls-files', 'src', 'site/Cargo.toml', 'site/src', 'Cargo.toml', 'Cargo.lock', 'rust-toolchain.toml', 'tests/wasm.rs'], { encoding: 'utf8' }).split('\n').filter(Boolean)) {
  cpSync(path, join(folder, path), { recursive: true });
}
for (const [name, file, from, to] of MUTANTS.filter(([name]) => !chosen || name === chosen)) {
  const path = join(folder, 'src', file);
  const original = readFileSync(path, 'utf8');
  if (original.split(from).length !== 2) throw new Error(`${name}: ${file} must contain this line once: ${from}`);
  writeFileSync(path, original.replace(from, () => to));
  const caught = await simulate(folder);
  const only = process.env.ONLY && passesTests(folder) ? '  (only the simulation)' : '';
  writeFileSync(path, original);
  if (!caught) failed += 1;
  console.log(`${name.padEnd(48)} ${caught ? `job ${String(caught.job).padStart(6)}, plan ${caught.plan}  ${caught.by.slice(0, 110)}` : `NOT CAUGHT in ${JOBS} jobs`}${only}`);
}
process.exit(failed > 0 ? 1 : 0);
