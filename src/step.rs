//! The two steps: `main` logs in, `post` logs out.

use crate::host::Host;
use crate::inputs::RawInputs;
use crate::inputs::error::InputErrors;
use crate::login;
use crate::login::logout;
use crate::login::outputs::Outputs;
use crate::login::state::SavedState;
use crate::runner::context::CiRun;
use crate::runner::log::Log;

/// The main step. Returns whether it succeeded.
pub(crate) async fn main(host: &impl Host) -> bool {
    let inputs: RawInputs = host.inputs();
    let log = Log::masking(host, inputs.masks(host, &inputs.api_key));
    if let Some(input) = inputs.skipped_for() {
        set_no_logins(host, &log);
        let message = format!(
            "{input} is empty and if_missing is 'skip': no request was sent. Secrets are empty in runs started from a fork \
             or by Dependabot."
        );
        log.notice("Login skipped", &message);
        return true;
    }
    match inputs.validate(host) {
        Ok(inputs) => login::log_in(host, &log, &inputs, &CiRun::read(host)).await,
        Err(errors) => {
            set_no_logins(host, &log);
            log.error(InputErrors::TITLE, &[errors.with_fix()]);
            false
        }
    }
}

/// The post step. Every failure is a warning: cleanup must not fail the job.
pub(crate) async fn post(host: &impl Host) {
    let inputs: RawInputs = host.inputs();
    let Some(saved) = SavedState::load(host, &inputs) else { return };
    let api_key = saved.api.as_ref().map_or(inputs.api_key.as_str(), |(_, key)| key.expose());
    // The other secrets of the inputs too, since a server may repeat them.
    let log = Log::redacting(host, inputs.masks(host, api_key));
    logout::log_out(host, &log, &saved, &CiRun::read(host)).await;
}

/// Workflows can read the output `logins` after a failed or skipped step too.
fn set_no_logins<H: Host>(host: &H, log: &Log<'_, H>) {
    Outputs::new(host, log).set_logins(&[]);
}
