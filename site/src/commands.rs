//! The commands that set the secrets and variables of a workflow.

use crate::plan::Plan;
use crate::platform::Platform;
use crate::value::Store;
use serde::{Serialize, Serializer};

/// A secret or variable that the workflow needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stored {
    #[serde(rename = "kind", serialize_with = "kind")]
    pub(crate) store: Store,
    pub(crate) name: String,
    /// What it must contain. Whole sentences, or empty.
    pub(crate) what: String,
}

fn kind<S: Serializer>(store: &Store, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(name_of(*store))
}

fn name_of(store: Store) -> &'static str {
    match store {
        Store::Secrets => "secret",
        Store::Vars => "variable",
    }
}

pub(crate) fn stored(plan: &Plan) -> Vec<Stored> {
    let mut stored = plan.stored.clone();
    stored.sort_by_key(|stored| stored.store == Store::Vars);
    stored
}

/// One line for each, after a comment that says how to use them.
pub(crate) fn text(platform: Platform, stored: &[Stored]) -> String {
    let intro: &[&str] = match platform {
        Platform::GitHub => &["# In a clone of the repository. Each command asks for the value."],
        Platform::EnterpriseServer => &[
            "# In a clone of the repository. Each command asks for the value.",
            "# Once before: gh auth login --hostname HOST",
        ],
        Platform::Gitea => &[
            "# In a clone of the repository, or under Settings → Actions.",
            "# The commands for secrets ask for the value.",
        ],
        Platform::Forgejo => &["# In the repository, under Settings → Actions."],
    };
    let lines = stored.iter().map(|Stored { store, name, .. }| match (platform, store) {
        (Platform::GitHub | Platform::EnterpriseServer, _) => format!("gh {} set {name}", name_of(*store)),
        // https://gitea.com/gitea/tea
        (Platform::Gitea, Store::Secrets) => format!("tea actions secrets create {name}"),
        (Platform::Gitea, Store::Vars) => format!("tea actions variables set {name} VALUE"),
        (Platform::Forgejo, Store::Secrets) => format!("# Add secret: {name}"),
        (Platform::Forgejo, Store::Vars) => format!("# Add variable: {name}"),
    });
    intro.iter().map(|line| (*line).to_owned()).chain(lines).map(|line| line + "\n").collect()
}
