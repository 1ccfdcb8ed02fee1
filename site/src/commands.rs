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
    /// An example of the file with its value, if that has several lines: a command that asks for a value reads one line.
    #[serde(skip)]
    pub(crate) file: Option<&'static str>,
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
    let has_file = stored.iter().any(|stored| stored.file.is_some());
    let asks =
        if has_file { "A command without a file asks for the value." } else { "Each command asks for the value." };
    let gh = format!("# In a clone of the repository. {asks}");
    let intro: &[&str] = match platform {
        Platform::GitHub => &[&gh],
        Platform::EnterpriseServer => &[&gh, "# Once before: gh auth login --hostname HOST"],
        Platform::Gitea => &[
            "# In a clone of the repository, or under Settings → Actions.",
            if has_file {
                "# A command for a secret without a file asks for the value."
            } else {
                "# The commands for secrets ask for the value."
            },
        ],
        Platform::Forgejo => &["# In the repository, under Settings → Actions."],
    };
    // https://cli.github.com/manual/gh_secret_set, https://gitea.com/gitea/tea/src/branch/main/docs/CLI.md
    let lines = stored.iter().map(|Stored { store, name, file, .. }| match (platform, store, file) {
        (Platform::GitHub | Platform::EnterpriseServer, _, None) => format!("gh {} set {name}", name_of(*store)),
        (Platform::GitHub | Platform::EnterpriseServer, _, Some(file)) => {
            format!("gh {} set {name} < {file}", name_of(*store))
        }
        (Platform::Gitea, Store::Secrets, None) => format!("tea actions secrets create {name}"),
        (Platform::Gitea, Store::Secrets, Some(file)) => format!("tea actions secrets create --file {file} {name}"),
        (Platform::Gitea, Store::Vars, None) => format!("tea actions variables set {name} VALUE"),
        (Platform::Gitea, Store::Vars, Some(file)) => format!("tea actions variables set --file {file} {name}"),
        (Platform::Forgejo, _, None) => format!("# Add {}: {name}", name_of(*store)),
        (Platform::Forgejo, _, Some(file)) => format!("# Add {}: {name}, with the text of {file}", name_of(*store)),
    });
    intro.iter().map(|line| (*line).to_owned()).chain(lines).map(|line| line + "\n").collect()
}
