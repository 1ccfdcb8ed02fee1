//! What users type in a field: a literal, or a reference to a secret or variable.

use std::fmt;

/// Where a referenced value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Store {
    Secrets,
    Vars,
}

/// The value of an input in the workflow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    /// It contains no `${{`.
    Literal(String),
    Stored(Store, String),
    /// Another expression, such as `github.actor`.
    Expression(&'static str),
}

/// Expressions that users may type.
const CONTEXTS: [&str; 4] =
    ["github.actor", "github.repository_owner", "github.triggering_actor", "secrets.GITHUB_TOKEN"];

impl Value {
    /// Reads `${{ vars.NAME }}`, `vars.NAME`, the same with `secrets`, or a literal.
    ///
    /// # Errors
    /// The end of the sentence "<field> …".
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        let inner = text.strip_prefix("${{").and_then(|rest| rest.strip_suffix("}}")).map(str::trim);
        let path = inner.unwrap_or(text);
        if let Some(known) = CONTEXTS.iter().find(|known| **known == path) {
            return Ok(Self::Expression(known));
        }
        let stores = [(Store::Secrets, "secrets."), (Store::Vars, "vars.")];
        if let Some((store, name)) =
            stores.iter().find_map(|(store, prefix)| Some((*store, path.strip_prefix(prefix)?)))
        {
            return name_of(name).map(|name| Self::Stored(store, name)).ok_or(INVALID_NAME);
        }
        if text.contains("${{") {
            return Err("has an expression that this page cannot write: use one such as ${{ vars.NAME }}, alone");
        }
        Ok(Self::Literal(text.to_owned()))
    }

    /// The same, where a name alone refers to a variable.
    pub(crate) fn parse_or_name(text: &str) -> Result<Self, &'static str> {
        match Self::parse(text)? {
            Self::Literal(text) if is_name(&text) => Ok(Self::Stored(Store::Vars, text)),
            value => Ok(value),
        }
    }
}

/// How the workflow refers to it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(text) => f.write_str(text),
            Self::Stored(Store::Secrets, name) => write!(f, "${{{{ secrets.{name} }}}}"),
            Self::Stored(Store::Vars, name) => write!(f, "${{{{ vars.{name} }}}}"),
            Self::Expression(path) => write!(f, "${{{{ {path} }}}}"),
        }
    }
}

pub(crate) const INVALID_NAME: &str = "is not a valid name of a secret or variable: use letters, digits and underscores, \
                                       and start with a letter or underscore, but not with GITHUB_, GITEA_ or FORGEJO_";

/// The name of a secret or variable; `None` if the platforms do not allow it:
/// <https://docs.github.com/actions/reference/security/secrets#naming-your-secrets>.
pub(crate) fn name_of(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    let is_reserved = ["GITHUB_", "GITEA_", "FORGEJO_"].iter().any(|prefix| upper.starts_with(prefix));
    (is_name(text) && !is_reserved).then(|| text.to_owned())
}

/// Whether a text may become the name of a secret or variable, or a reference to one: it is being typed. A name that the
/// platforms do not allow is one here.
pub(crate) fn is_maybe_name(text: &str) -> bool {
    let text = text.trim();
    let inner = text.strip_prefix("${{");
    let inner = inner.map(|rest| rest.strip_suffix("}}").or(rest.strip_suffix('}')).unwrap_or(rest).trim());
    let path = inner.unwrap_or(text);
    let name = ["secrets.", "vars."].iter().find_map(|store| path.strip_prefix(store)).unwrap_or(path);
    name.is_empty() || is_name(name) || "${{".starts_with(text)
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_with_and_without_braces() {
        for text in ["vars.WEB_1", "${{ vars.WEB_1 }}", " ${{vars.WEB_1}} "] {
            assert_eq!(Value::parse(text), Ok(Value::Stored(Store::Vars, "WEB_1".into())), "{text}");
        }
        assert_eq!(Value::parse("secrets.A"), Ok(Value::Stored(Store::Secrets, "A".into())));
        assert_eq!(Value::parse("github.actor"), Ok(Value::Expression("github.actor")));
    }

    #[test]
    fn a_name_alone_is_a_variable_only_where_names_are_expected() {
        assert_eq!(Value::parse("octocat"), Ok(Value::Literal("octocat".into())));
        assert_eq!(Value::parse_or_name("WEB_1"), Ok(Value::Stored(Store::Vars, "WEB_1".into())));
        assert_eq!(Value::parse_or_name("web-1"), Ok(Value::Literal("web-1".into())));
    }

    #[test]
    fn other_expressions_are_refused() {
        for text in [
            "${{ vars.A }}${{ vars.B }}",
            "x ${{ vars.A }}",
            "${{",
            "${{ toJSON(secrets) }}",
            "vars.A-B",
            "secrets.GITHUB_X",
        ] {
            assert!(Value::parse(text).is_err(), "{text}");
        }
    }
}
