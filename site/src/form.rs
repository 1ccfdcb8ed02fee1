//! The form, as the page and its address hold it: names and values. Unset fields are empty.

use crate::Problem;
use crate::value::is_maybe_name;
use reoclo_docker_auth::page::secrets;
use serde::Deserialize;

macro_rules! form {
    ($($(#[$doc:meta])* $field:ident,)*) => {
        /// The fields of the form. Those that have the name of an input are about this input.
        #[derive(Debug, Clone, Default, Deserialize)]
        #[serde(default)]
        pub struct Form {
            $($(#[$doc])* pub $field: String,)*
        }

        impl Form {
            /// The form without the fields that contain a secret, and a problem for each of these.
            pub(crate) fn without_secrets(&self) -> (Self, Vec<Problem>) {
                let mut problems = Vec::new();
                let mut kept = |field: &'static str, value: &str| match secret_in(field, value) {
                    None => value.to_owned(),
                    Some(what) => {
                        problems.push(refused(field, what));
                        String::new()
                    }
                };
                let form = Self { $($field: kept(stringify!($field), &self.$field),)* };
                (form, problems)
            }
        }
    };
}

form! {
    /// `vault` or `passthrough`.
    mode,
    /// `github`, `ghes`, `gitea` or `forgejo`.
    platform,
    /// Label of the runner.
    runs_on,
    /// `tag` or `commit`.
    pin,
    /// Name of the secret with the automation key.
    api_key,
    /// UUIDs or names of variables.
    server_id,
    /// UUIDs or names of variables.
    credential_id,
    /// ID of a preset.
    registry,
    /// Where the token comes from: `job`, `oidc`, `keys` or `secret`.
    source,
    /// Registry hosts, or names of variables.
    registry_url,
    /// Username, or the name of a variable as `vars.NAME`.
    username,
    /// Name of the secret with the token.
    access_token,
    /// URL, or the name of a variable.
    api_url,
    /// Path, or the name of a variable.
    ca_certificate,
    /// URL, or the name of a secret or variable.
    proxy,
    /// `true` or `false`.
    cleanup,
    /// Seconds.
    timeout,
    /// `fail` or `skip`.
    if_missing,
    /// `true` or `false`.
    job_summary,
    /// The commit of this version, which the page adds. Not a field that users see.
    commit,
}

/// What a field contains that looks like a secret.
fn secret_in(field: &str, value: &str) -> Option<&'static str> {
    match field {
        "api_url" | "proxy" => secrets::find_in_url(value),
        // Any text can be a password. Here it is found by what the name of a secret cannot be.
        "api_key" | "access_token" => {
            secrets::find(value).or_else(|| (!is_maybe_name(value)).then_some("the value of a secret"))
        }
        // No registry has usernames with a colon: it ends the username in HTTP's basic authentication.
        "username" => secrets::find(value).or_else(|| {
            let (_, password) = value.split_once(':')?;
            (!password.trim().is_empty()).then_some("a username with a password")
        }),
        _ => secrets::find(value),
    }
}

fn refused(field: &'static str, what: &str) -> Problem {
    let fix = match field {
        "server_id" | "credential_id" => "copy the ID from the Reoclo dashboard",
        "registry_url" => "enter the host of the registry",
        "username" => "enter the username, or the name of a variable",
        "api_url" | "proxy" => "store it as a secret or variable, and enter its name here",
        "api_key" | "access_token" => {
            "store it as a secret of the repository, and enter the name of the secret here (letters, digits and \
             underscores, and no digit at the start)"
        }
        _ => "store it as a secret of the repository, and enter the name of the secret here",
    };
    let message = format!("This looks like {what} and was removed. This page needs no secrets: {fix}.");
    Problem { field, message, is_secret: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_a_secret_are_emptied_and_named() {
        let form = Form { api_key: "rca_0123456789".into(), username: "octocat".into(), ..Form::default() };
        let (kept, problems) = form.without_secrets();
        assert_eq!((kept.api_key.as_str(), kept.username.as_str()), ("", "octocat"));
        assert_eq!(
            problems.iter().map(|problem| (problem.field, problem.is_secret)).collect::<Vec<_>>(),
            [("api_key", true)]
        );
        assert!(!problems[0].message.contains("0123"));
    }

    #[test]
    fn each_field_has_its_own_secrets() {
        for (field, value, is_secret) in [
            ("api_key", "abc8Q~0123", true),
            ("access_token", "hunter2!", true),
            ("access_token", "bob:hunter22", true),
            ("api_key", "2hunter", true),
            ("api_key", "my key", true),
            ("api_key", "$hunter", true),
            ("api_key", "vars.a.b", true),
            ("api_key", "MY_KEY", false),
            ("username", "bob:hunter22", true),
            ("username", "bob:", false),
            ("username", "robot$acme+ci", false),
            ("proxy", "http://bob:pa/ss@proxy.example.com:3128", true),
            ("proxy", "http://bob@proxy.example.com:3128", true),
            ("api_url", "https://bob:pa#ss@reoclo.example.com", true),
            ("api_url", "https://reoclo.example.com:8443/x", false),
            ("registry_url", "registry.example.com:5000/a@b", false),
        ] {
            assert_eq!(secret_in(field, value).is_some(), is_secret, "{field}: {value}");
        }
        // What is typed on the way to a name, and names that are not allowed.
        let text = " ${{ secrets.GITHUB_X }}";
        for end in 0..=text.len() {
            assert_eq!(secret_in("api_key", &text[..end]), None, "{}", &text[..end]);
        }
    }
}
