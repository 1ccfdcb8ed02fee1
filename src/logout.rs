//! Post's work: log out what main logged in, or may have.

use crate::api::{self, ApiUrl, Run};
use crate::client::{Client, Deadline};
use crate::host::Host;
use crate::log::Log;
use crate::operation;
use crate::secret::Secret;
use crate::state::{LastSeen, Saved};

/// How long post may take in all, and how much of that it waits for a login that still runs.
/// The process itself takes a moment besides; 45 s is the promise.
pub(crate) const POST_S: u32 = 44;
const POST_WAIT_S: u32 = 20;
/// How long a login whose operation nobody knows is given to end, from its request on. A logout that comes before the
/// login it is meant for leaves that login behind.
const UNKNOWN_LOGIN_MS: f64 = POST_WAIT_S as f64 * 1000.0;

pub(crate) async fn log_out<H: Host>(
    host: &H,
    log: &Log<'_, H>,
    saved: &Saved,
    registry: &str,
    api_url: &ApiUrl,
    api_key: &Secret,
    run: &Run,
) {
    if let Some(given) = &saved.ca_certificate {
        // It was good in main; what has become of it since shows where the connection does not verify.
        let _ = host.trust(given);
    }
    let deadline = Deadline::after_s(host, POST_S);
    let client = Client::new(host, log, api_url, api_key);
    let server = &saved.server_id;
    let mut may_still_run = None;
    match &saved.last_seen {
        LastSeen::Ended => {}
        LastSeen::Running(id) => {
            log.info(&format!("Waiting for the end of operation {id} before logging out"));
            let wait = deadline.or_after_s(host, POST_WAIT_S);
            match operation::wait(host, &client, id, wait).await {
                Ok(Some(operation)) => {
                    let failed =
                        operation::judge(log, &operation, server, registry, id).is_err_and(|e| e.leaves_no_login());
                    if failed && !saved.login_uncertain {
                        return log.info(&format!(
                            "docker login {registry} had failed on server {server}: nothing to log out."
                        ));
                    }
                }
                Ok(None) => may_still_run = Some(id),
                Err(_) if wait.has_passed(host) => may_still_run = Some(id),
                // The logout goes out whatever became of the question.
                Err(_) => {}
            }
        }
        LastSeen::Requested { at_ms } => {
            let wait_ms = (*at_ms as f64 + UNKNOWN_LOGIN_MS - host.wall_clock_ms()).clamp(0.0, UNKNOWN_LOGIN_MS);
            if wait_ms > 0.0 {
                log.info(
                    "Waiting for the end of a login that was cut off before Reoclo named its operation; one that takes longer \
                     than 20 s would outlast the logout",
                );
                host.sleep(wait_ms as u32).await;
            }
        }
    }
    if let Err(error) = client.send(&api::logout(server, registry, run), deadline).await {
        return log.warning(
            "Logout failed",
            &format!("Server {server} may still be logged in to {registry}. {}", error.explained()),
        );
    }
    log.info(&format!("Logged out of {registry} on server {server}"));
    if let Some(id) = may_still_run {
        log.warning(
            "The login may still run",
            &format!(
                "Operation {id} was not seen to end within {POST_WAIT_S} s. If it ends in a login after this logout, server \
                 {server} stays logged in to {registry}. Fix: look at the operation in the Reoclo dashboard."
            ),
        );
    }
}
