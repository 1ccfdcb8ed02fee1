//! Nothing that is printed or saved contains a secret or a runner command.

use super::case::Case;
use crate::simulation::plan::PostInputs;
use crate::simulation::reoclo::{ACCESS_TOKEN, API_KEY, USERNAME};
use crate::simulation::runner::{End, Kind};
use base64::{Engine, engine::general_purpose::STANDARD};

pub(super) fn check(case: &Case<'_>, found: &mut Vec<String>) {
    let encoded = STANDARD.encode(format!("{USERNAME}:{ACCESS_TOKEN}"));
    // The access token is never saved. A post step with other inputs leaves it to the runner, which keeps the masks.
    let all = if case.use_.is_vault { vec![API_KEY] } else { vec![API_KEY, ACCESS_TOKEN, &encoded] };
    let of_post = match case.use_.post_inputs {
        PostInputs::Own => all.clone(),
        _ if case.main().state.contains_key("api_key") => vec![API_KEY],
        _ => Vec::new(),
    };
    for (step, name, secrets) in [(case.main(), "main", all), (case.post(), "post", of_post)] {
        let is_secret = |text: &str| secrets.iter().any(|secret| text.contains(secret));
        for (kind, text) in step.lines.iter().filter(|(kind, _)| *kind != Kind::Mask) {
            let is_mask = text.starts_with("::add-mask::") || text.starts_with("##[add-mask]");
            if *kind == Kind::Command && is_mask {
                continue;
            }
            let is_state = *kind == Kind::Command && text.starts_with("::save-state name=");
            let has_command =
                !is_state && (text.lines().any(|line| line.trim_start().starts_with("::")) || text.contains("##["));
            let is_controlled = text.chars().any(|c| c.is_control() && c != '\n');
            if is_secret(text) || has_command || is_controlled {
                found.push(format!("{name} prints {text:?}"));
            }
        }
        let outputs = step.outputs.iter().map(|(_, value)| value);
        let state = step.state.iter().filter(|(key, _)| *key != "api_key").map(|(_, value)| value);
        if let Some(text) = outputs.chain(state).chain([&step.summary]).find(|text| is_secret(text)) {
            found.push(format!("{name} saves {text:?}"));
        }
        let errors = step.lines_of(Kind::Error).count();
        let expected = usize::from(step.end == End::Exited(false));
        if step.end != End::Killed && errors != expected {
            found.push(format!("{name} prints {errors} errors instead of {expected}"));
        }
    }
    if case.use_.has_secrets {
        let first = case.main().lines.iter().find(|(kind, _)| !matches!(kind, Kind::Mask | Kind::Command));
        let masked = case.main().lines.iter().take_while(|line| Some(*line) != first);
        let secrets: &[&str] = if case.use_.is_vault { &[API_KEY] } else { &[API_KEY, ACCESS_TOKEN] };
        for secret in secrets.iter().filter(|secret| !masked.clone().any(|(_, text)| text.contains(**secret))) {
            found.push(format!("{secret} is not masked first"));
        }
    }
}
