//! The page that writes a workflow: a form in, a workflow, the commands that set its secrets, problems and notices out.
//!
//! The rules and the facts about registries are those of the action: [`reoclo_docker_auth::page`]. What is here is the form,
//! and YAML. Nothing knows JavaScript but `boundary`, which exports [`write`] to the page.

#[cfg(target_arch = "wasm32")]
pub mod boundary;
mod check;
mod codec;
mod commands;
mod fields;
mod form;
mod plan;
mod platform;
#[cfg(test)]
#[allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]
mod tests;
mod token;
mod value;
mod workflow;
mod yaml;

pub use commands::Stored;
pub use fields::Field;
pub use form::Form;

use serde::Serialize;
use std::collections::BTreeMap;

/// What the page shows for a form.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// Where the workflow belongs, relative to the repository.
    pub path: &'static str,
    /// A complete workflow: valid YAML, also if there are problems.
    pub workflow: String,
    /// Commands that set the secrets and variables of the workflow, with comments.
    pub commands: String,
    /// These secrets and variables.
    pub stored: Vec<Stored>,
    /// What is wrong with the form.
    pub problems: Vec<Problem>,
    /// What may be wrong, and what the platform needs. Whole sentences.
    pub notices: Vec<String>,
    /// The fields that apply to the mode, platform and registry, by name.
    pub fields: BTreeMap<&'static str, Field>,
}

/// Something wrong with a field of the form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// The name of the field.
    pub field: &'static str,
    /// Whole sentences, without the value. The sentence of the action's error if the action would stop with one.
    pub message: String,
    /// Whether the field has a secret, which must not be kept.
    pub is_secret: bool,
}

/// Writes the workflow for a form.
#[must_use]
pub fn write(form: &Form) -> Page {
    let (form, mut problems) = form.without_secrets();
    let plan = plan::Plan::of(&form);
    problems.extend(plan.problems.iter().cloned());
    let findings = check::check(&plan);
    // One problem per field: the page's own comes first, and the value that it is about is not in the workflow.
    for problem in findings.problems {
        if problems.iter().all(|other| other.field != problem.field) {
            problems.push(problem);
        }
    }
    let stored = commands::stored(&plan);
    Page {
        path: plan.platform.workflow_path(),
        workflow: workflow::text(&plan),
        commands: commands::text(plan.platform, &stored),
        stored,
        problems,
        notices: plan.notices().into_iter().chain(findings.notices).collect(),
        fields: fields::of(&plan),
    }
}
