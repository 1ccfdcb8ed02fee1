//! The fields that apply to a plan: what is hidden, what an empty field means, and help that depends on other fields.

use crate::plan::{Content, Mode, Plan, sentence};
use crate::token::Source;
use reoclo_docker_auth::page::{PRESETS, Username};
use serde::Serialize;
use std::collections::BTreeMap;

/// What the page shows of a field.
#[derive(Debug, Default, Serialize)]
pub struct Field {
    /// What an empty field stands for.
    pub placeholder: String,
    /// Help that replaces that of the page, if not empty.
    pub help: String,
    /// Choices that replace those of the page, if there are any.
    pub options: Vec<Choice>,
    /// The choice in use, if there are any.
    pub value: &'static str,
}

/// One option of a field.
#[derive(Debug, Serialize)]
pub struct Choice {
    /// Its value in the form.
    pub value: &'static str,
    /// What users see.
    pub label: &'static str,
}

const ALWAYS: [&str; 13] = [
    "mode",
    "platform",
    "runs_on",
    "pin",
    "api_key",
    "server_id",
    "api_url",
    "ca_certificate",
    "proxy",
    "cleanup",
    "timeout",
    "if_missing",
    "job_summary",
];

pub(crate) fn of(plan: &Plan) -> BTreeMap<&'static str, Field> {
    let mut fields: BTreeMap<&'static str, Field> = ALWAYS.map(|name| (name, Field::default())).into();
    fields.insert("runs_on", placeholder(plan.platform.runs_on()));
    match plan.mode {
        Mode::Vault => {
            fields.insert("credential_id", Field::default());
        }
        Mode::Passthrough => {
            fields.insert("registry", registry(plan));
            fields.insert("source", source(plan));
            fields.insert("registry_url", placeholder(plan.preset.host.text()));
            let example = match (plan.source, plan.preset.stored) {
                (Source::Secret, Username::Example(example)) => example.to_owned(),
                _ => in_workflow(plan, "username"),
            };
            fields.insert("username", placeholder(&example));
            if plan.source == Source::Secret {
                let help = plan.preset.kind.advice().map(sentence).unwrap_or_default();
                let name = in_workflow(plan, "access_token");
                fields.insert("access_token", Field { help, ..placeholder(name.trim_start_matches("secrets.")) });
            }
        }
    }
    fields
}

fn placeholder(text: &str) -> Field {
    Field { placeholder: text.to_owned(), ..Field::default() }
}

/// What the workflow has for an input, without the braces of an expression.
fn in_workflow(plan: &Plan, input: &str) -> String {
    let content = plan.login.with.iter().find(|(name, _)| *name == input).map(|(_, content)| content);
    match content {
        Some(Content::One(value)) => value.to_string().trim_matches(['$', '{', '}', ' ']).to_owned(),
        _ => String::new(),
    }
}

fn registry(plan: &Plan) -> Field {
    let options = PRESETS.iter().map(|preset| Choice { value: preset.id, label: preset.name }).collect();
    Field { options, value: plan.preset.id, ..Field::default() }
}

fn source(plan: &Plan) -> Field {
    let options = Source::available(plan.preset, plan.platform).into_iter();
    let options = options.map(|source| Choice { value: source.id(), label: source.label() }).collect();
    Field { options, value: plan.source.id(), ..Field::default() }
}
