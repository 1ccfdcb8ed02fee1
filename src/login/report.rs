//! What the log says when all logins have finished.

use super::cleanup::Cleanup;
use super::error::LoginError;
use super::result::LoginResult;
use crate::host::Host;
use crate::runner::log::Log;
use crate::runner::text;

/// The title of an error with several causes.
const SEVERAL: &str = "Logins failed";

/// docker stores one login per registry: of two credentials for the same registry, the later one replaces the earlier.
pub(crate) fn warn_about_duplicate_registries<H: Host>(log: &Log<'_, H>, results: &[LoginResult<'_>]) {
    let registry = |result: &LoginResult<'_>| result.succeeded().map(|accepted| accepted.registry_url.clone());
    for (at, later) in results.iter().enumerate() {
        let (Some(registry_url), Some(credential_id)) = (registry(later), later.credential_id()) else { continue };
        let earlier = results
            .iter()
            .take(at)
            .find(|earlier| earlier.server_id == later.server_id && registry(earlier) == Some(registry_url.clone()));
        if let Some(replaced) = earlier.and_then(LoginResult::credential_id) {
            return log.warning(
                "Duplicate registry",
                &format!(
                    "Credentials {replaced} and {credential_id} are both for {}. docker stores one login per registry, so \
                     the later one replaced the earlier one. Fix: keep one of them in credential_id.",
                    registry_url.as_str()
                ),
            );
        }
    }
}

/// Logins that failed for the same reason.
struct Failure {
    cause: String,
    fix: &'static str,
    names: Vec<String>,
}

impl Failure {
    fn line(&self) -> String {
        match self.names.as_slice() {
            [name] => format!("{name}: {}", self.cause),
            names => format!("{} logins: {} ({})", names.len(), self.cause, names.join("; ")),
        }
    }
}

/// Prints how many logins succeeded, and one error for all that failed. Returns whether all succeeded.
pub(crate) fn report_results<H: Host>(
    log: &Log<'_, H>,
    cleanup: Cleanup,
    results: &[LoginResult<'_>],
    duration_ms: f64,
) -> bool {
    if let [only] = results {
        if let Some(error) = only.error() {
            log.error(error.title(), &[error.with_fix()]);
        }
        return only.error().is_none();
    }
    let (all, failed) = (results.len(), results.iter().filter(|result| result.error().is_some()).count());
    let then = if failed == all { String::new() } else { format!("; the post step {}", cleanup.describe()) };
    let duration = text::seconds(duration_ms);
    log.info(&format!("{} of {all} logins succeeded in {duration}{then}", all - failed));
    if failed > 0 {
        let mut lines = vec![format!("{failed} of {all} logins failed:")];
        lines.extend(failure_lines(&group_failures(results)));
        log.error(common_title(results), &lines);
    }
    failed == 0
}

/// The title that all failures share. Skipped logins are not counted: they have no cause of their own.
fn common_title(results: &[LoginResult<'_>]) -> &'static str {
    let errors = results.iter().filter_map(LoginResult::error);
    let mut titles = errors.filter(|error| !matches!(error, LoginError::Skipped(_))).map(LoginError::title);
    match titles.next() {
        Some(first) if titles.all(|title| title == first) => first,
        _ => SEVERAL,
    }
}

fn group_failures(results: &[LoginResult<'_>]) -> Vec<Failure> {
    let mut failures: Vec<Failure> = Vec::new();
    for result in results {
        let Some(error) = result.error() else { continue };
        let name = match result.credential_id() {
            Some(credential_id) if error.names_server_and_registry() => format!("credential {credential_id}"),
            _ => result.name(),
        };
        let (cause, fix) = (error.to_string(), error.fix());
        match failures.iter_mut().find(|failure| failure.cause == cause && failure.fix == fix) {
            Some(same) => same.names.push(name),
            None => failures.push(Failure { cause, fix, names: vec![name] }),
        }
    }
    failures
}

/// The failures grouped by fix. Each fix comes once and after the first failure of its group, since GitHub truncates
/// long errors.
fn failure_lines(failures: &[Failure]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut fixes: Vec<&str> = Vec::new();
    for Failure { fix, .. } in failures {
        if fixes.contains(fix) {
            continue;
        }
        fixes.push(fix);
        let mut group = failures.iter().filter(|failure| failure.fix == *fix).map(Failure::line);
        lines.extend(group.next());
        let others: Vec<String> = group.collect();
        let of = if others.is_empty() { String::new() } else { format!(" for these {}", others.len() + 1) };
        lines.push(format!("Fix{of}: {fix}"));
        lines.extend(others);
    }
    lines
}
