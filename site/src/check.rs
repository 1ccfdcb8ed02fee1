//! The checks of the action, run on the inputs of the planned step. What is stored as a secret or variable is not known, so a
//! sample takes its place.

use crate::codec::PageCodec;
use crate::plan::{Content, Plan};
use crate::value::Value;
use reoclo_docker_auth::page::{self, Findings, PRESETS, Username};

/// Tokens as services issue them, none of them real. A stored token may be of any kind, so only findings that no token could
/// avoid are shown.
const TOKENS: [&str; 9] = [
    "sample-token-0123456789",
    "dckr_pat_sample",
    "ghp_sample",
    "glpat-sample",
    "dop_v1_sample",
    "ya29.sample",
    "eyJ.sample.sample",
    r#"{"type":"service_account","private_key":"sample","client_email":"sample@example.com"}"#,
    "eyJ0eXBlIjoic2VydmljZV9hY2NvdW50IiwicHJpdmF0ZV9rZXkiOiJzYW1wbGUiLCJjbGllbnRfZW1haWwiOiJzYW1wbGVAZXhhbXBsZS5jb20ifQ==",
];
const USERNAME: &str = "sample-user";

/// What the action would print about the inputs, apart from what depends on stored values.
pub(crate) fn check(plan: &Plan) -> PageFindings {
    let tokens: &[&str] = if find(plan, "access_token").is_some() { &TOKENS } else { &[""] };
    let mut best: Option<Findings> = None;
    for token in tokens {
        for username in usernames(plan, token) {
            let inputs: Vec<(&str, String)> = plan
                .login
                .with
                .iter()
                .map(|(name, content)| (*name, input(plan, name, content, username, token)))
                .collect();
            let findings = page::check(&PageCodec, inputs.iter().map(|(name, value)| (*name, value.as_str())));
            let number = |findings: &Findings| (findings.problems.len(), findings.notices.len());
            if number(&findings) == (0, 0) {
                return PageFindings::from(findings);
            }
            if best.as_ref().is_none_or(|best| number(&findings) < number(best)) {
                best = Some(findings);
            }
        }
    }
    PageFindings::from(best.unwrap_or_default())
}

/// [`Findings`] by field: every input has the field of the same name.
pub(crate) struct PageFindings {
    pub(crate) problems: Vec<crate::Problem>,
    pub(crate) notices: Vec<String>,
}

impl From<Findings> for PageFindings {
    fn from(Findings { problems, notices }: Findings) -> Self {
        let problem = |page::Problem { input, message }| crate::Problem { field: input, message, is_secret: false };
        Self { problems: problems.into_iter().map(problem).collect(), notices }
    }
}

fn find<'p>(plan: &'p Plan, input: &str) -> Option<&'p Value> {
    plan.login.with.iter().find_map(|(name, content)| match content {
        Content::One(value) if *name == input => Some(value),
        _ => None,
    })
}

/// The usernames to try with a token.
fn usernames<'s>(plan: &'s Plan, token: &'s str) -> Vec<&'s str> {
    match find(plan, "username") {
        Some(Value::Literal(username)) => vec![username],
        username if username == find(plan, "access_token") => vec![token],
        Some(Value::Stored(..)) => {
            let stored = |username| if let Username::Fixed(username) = username { Some(username) } else { None };
            let known = PRESETS.iter().flat_map(|preset| preset.issued.into_iter().chain(stored(preset.stored)));
            std::iter::once(USERNAME).chain(known).collect()
        }
        _ => vec![USERNAME],
    }
}

/// The value that the action would get.
fn input(plan: &Plan, name: &str, content: &Content, username: &str, token: &str) -> String {
    match (name, content) {
        (_, Content::List(items)) => {
            let values = items.iter().enumerate().map(|(at, item)| match (&item.value, name) {
                (Value::Literal(text), _) => text.clone(),
                (_, "registry_url") => plan.preset.host.text().to_owned(),
                // A UUID that no other entry has.
                _ => format!("{at:08x}-0000-4000-8000-{:012x}", u32::from(name == "server_id")),
            });
            values.collect::<Vec<_>>().join("\n")
        }
        ("username", _) => username.to_owned(),
        ("access_token", _) => token.to_owned(),
        ("api_key", _) => "rca_sample".to_owned(),
        (_, Content::One(Value::Literal(text))) => text.clone(),
        // Empty inputs have their default.
        _ => String::new(),
    }
}
