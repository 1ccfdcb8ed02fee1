//! What the workflow says: the values of the inputs, and what the platform needs. The steps that get a token are in
//! [`crate::token`].

use crate::form::Form;
use crate::platform::Platform;
use crate::token::Source;
use crate::value::{INVALID_NAME, Store, Value, name_of};
use crate::{Problem, commands::Stored};
use reoclo_docker_auth::page::{self, Host, Preset, RegistryKind, Username};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Vault,
    Passthrough,
}

/// An entry of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) value: Value,
    pub(crate) comment: String,
}

/// The value of a key in a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    One(Value),
    List(Vec<Item>),
}

#[derive(Debug, Default)]
pub(crate) struct Step {
    pub(crate) name: String,
    pub(crate) id: &'static str,
    /// The action, and the version for a comment.
    pub(crate) uses: Option<(String, String)>,
    pub(crate) run: &'static [&'static str],
    pub(crate) with: Vec<(&'static str, Content)>,
    pub(crate) env: Vec<(&'static str, Content)>,
}

/// Everything that the workflow says.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) platform: Platform,
    pub(crate) mode: Mode,
    pub(crate) preset: &'static Preset,
    pub(crate) source: Source,
    /// Labels of the runner, at least one.
    pub(crate) runs_on: Vec<Value>,
    /// Scopes of the job's token, and why; GitHub only.
    pub(crate) permissions: Vec<(&'static str, &'static str, &'static str)>,
    /// Steps that get a token.
    pub(crate) prepare: Vec<Step>,
    pub(crate) login: Step,
    pub(crate) stored: Vec<Stored>,
    pub(crate) problems: Vec<Problem>,
}

impl Plan {
    pub(crate) fn of(form: &Form) -> Self {
        let platform = Platform::of(&form.platform);
        let mode = if form.mode == "passthrough" { Mode::Passthrough } else { Mode::Vault };
        let preset = Preset::of(&form.registry);
        let sources = Source::available(preset, platform);
        let source = sources.iter().find(|source| source.id() == form.source).or(sources.first());
        let mut plan = Self {
            platform,
            mode,
            preset,
            source: source.copied().unwrap_or(Source::Secret),
            runs_on: Vec::new(),
            permissions: vec![("contents", "read", "for your steps")],
            prepare: Vec::new(),
            login: Step::default(),
            stored: Vec::new(),
            problems: Vec::new(),
        };
        plan.runs_on = plan.labels(&form.runs_on);
        plan.login = plan.login_step(form);
        plan
    }

    /// The platform's needs, and those of the steps that get a token.
    pub(crate) fn notices(&self) -> Vec<String> {
        let cli = match (self.mode, self.source, self.preset.kind) {
            (Mode::Vault, ..) | (_, Source::Job | Source::Secret, _) | (_, _, RegistryKind::ArtifactRegistry) => None,
            (_, _, RegistryKind::Acr) => Some("The runner needs the Azure CLI. Runners of GitHub have it."),
            _ => Some("The runner needs the AWS CLI. Runners of GitHub have it."),
        };
        let oidc = (self.mode == Mode::Passthrough
            && self.source == Source::Oidc
            && self.platform == Platform::EnterpriseServer)
            .then_some("The cloud must trust the OIDC tokens of your server, and reach it.");
        let cli = cli.filter(|_| self.platform != Platform::GitHub);
        self.platform.notice().into_iter().chain(oidc).chain(cli).map(str::to_owned).collect()
    }

    /// Labels as in YAML, with or without brackets, or the platform's usual one.
    fn labels(&mut self, text: &str) -> Vec<Value> {
        let text = text.trim();
        let list = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        let mut labels = Vec::new();
        for text in list.split(',') {
            match self.optional("runs_on", text, Value::parse) {
                // https://docs.github.com/actions/reference/workflows-and-actions/contexts#context-availability
                Some(Value::Stored(Store::Secrets, _) | Value::Expression("secrets.GITHUB_TOKEN")) => {
                    self.problem("runs_on", "cannot be a secret: enter a label, or a variable such as vars.RUNNER");
                }
                Some(label) => {
                    self.remember(&label, "Label of the runner.");
                    labels.push(label);
                }
                None => {}
            }
        }
        if labels.is_empty() {
            labels.push(Value::Literal(self.platform.runs_on().to_owned()));
        }
        labels
    }

    fn login_step(&mut self, form: &Form) -> Step {
        let mut with = Vec::new();
        let reach = match self.mode {
            Mode::Vault => "the credential",
            Mode::Passthrough => "passthrough (allow_registry_passthrough)",
        };
        let what = format!(
            "Automation key of Reoclo (API Keys → Automation Keys). Allow registry_login, registry_logout, the server and {reach}."
        );
        let api_key = self.secret("api_key", &form.api_key, "REOCLO_API_KEY", &what);
        with.push(("api_key", Content::One(api_key)));
        let servers = self.list(
            "server_id",
            &form.server_id,
            "REOCLO_SERVER_ID",
            "UUID of the server, from the Reoclo dashboard.",
        );
        with.push(("server_id", Content::List(servers)));
        let mut name = "Log in to the registry".to_owned();
        match self.mode {
            Mode::Vault => {
                let what = "UUID of the registry credential, from the Reoclo dashboard (Registry Credentials).";
                let credentials = self.list("credential_id", &form.credential_id, "REOCLO_CREDENTIAL_ID", what);
                with.push(("credential_id", Content::List(credentials)));
            }
            Mode::Passthrough => {
                let registries = self.registry_list(form);
                match registries.as_slice() {
                    [Item { value: Value::Literal(host), .. }] => name = format!("Log in to {host}"),
                    [_] => {}
                    several => name = format!("Log in to {} registries", several.len()),
                }
                let (username, access_token) = self.credential(form, &registries);
                with.push(("username", Content::One(username)));
                with.push(("access_token", Content::One(access_token)));
                with.push(("registry_url", Content::List(registries)));
            }
        }
        self.settings(form, &mut with);
        let mut env = Vec::new();
        if let Some(proxy) = self.optional("proxy", &form.proxy, Value::parse_or_name) {
            self.remember(&proxy, "URL of the proxy, such as http://proxy.example.com:3128.");
            if matches!(&proxy, Value::Literal(url) if !page::is_proxy(url)) {
                let message =
                    "is not a valid proxy URL, such as http://proxy.example.com:3128 or socks5h://127.0.0.1:1080";
                self.problem("proxy", message);
            }
            for name in proxy_variables(&with) {
                env.push((*name, Content::One(proxy.clone())));
            }
        }
        Step { name, uses: Some(self.uses(form)), with, env, ..Step::default() }
    }

    /// The action, pinned by tag or by commit.
    fn uses(&self, form: &Form) -> (String, String) {
        let action = format!("{}reoclo/docker-auth", self.platform.prefix());
        let is_commit = form.commit.len() == 40 && form.commit.bytes().all(|b| b.is_ascii_hexdigit());
        if form.pin == "commit" && is_commit {
            return (format!("{action}@{}", form.commit), format!("v{}", page::VERSION));
        }
        let major = page::VERSION.split('.').next().unwrap_or_default();
        (format!("{action}@v{major}"), String::new())
    }

    /// Inputs that differ from their default.
    fn settings(&mut self, form: &Form, with: &mut Vec<(&'static str, Content)>) {
        if let Some(url) = self.optional("api_url", &form.api_url, Value::parse_or_name) {
            self.remember(&url, "Base URL of your Reoclo instance.");
            with.push(("api_url", Content::One(url)));
        }
        if form.ca_certificate.trim_start().starts_with("-----BEGIN") {
            self.problem(
                "ca_certificate",
                "is the text of a certificate: store it as a variable, and enter the name of the variable",
            );
        } else if let Some(ca) = self.optional("ca_certificate", &form.ca_certificate, Value::parse_or_name) {
            self.remember(&ca, "CA certificate of your Reoclo instance, as PEM text.");
            self.is_file(&ca, "ca.pem");
            if matches!(&ca, Value::Literal(path) if is_relative(path)) {
                self.check_out();
            }
            with.push(("ca_certificate", Content::One(ca)));
        }
        for (input, text, default) in [
            ("cleanup", &form.cleanup, "true"),
            ("timeout", &form.timeout, "600"),
            ("if_missing", &form.if_missing, "fail"),
            ("job_summary", &form.job_summary, "false"),
        ] {
            if let Some(value) = self.optional(input, text, Value::parse)
                && value != Value::Literal(default.to_owned())
            {
                self.remember(&value, "");
                with.push((input, Content::One(value)));
            }
        }
    }

    fn registry_list(&mut self, form: &Form) -> Vec<Item> {
        let variable = format!("{}_HOST", self.prefix());
        let what = format!("Host of the registry, such as {}.", self.preset.host.text());
        if form.registry_url.trim().is_empty()
            && let Host::Known(host) = self.preset.host
        {
            return vec![Item { value: Value::Literal(host.to_owned()), comment: String::new() }];
        }
        let mut registries = self.list("registry_url", &form.registry_url, &variable, &what);
        // What the action makes of it.
        for item in &mut registries {
            if let Value::Literal(text) = &item.value
                && let Some(host) = page::registry_host(text)
            {
                item.value = Value::Literal(host);
            }
        }
        let is_other =
            |item: &Item| matches!(&item.value, Value::Literal(host) if RegistryKind::of(host) != self.preset.kind);
        if self.source != Source::Secret && registries.iter().any(is_other) {
            let message = format!(
                "has a host that is not one of {}, such as {}: this source of the token works there only",
                self.preset.name,
                self.preset.host.text()
            );
            self.problem("registry_url", &message);
        }
        let is_one = registries.iter().all(|item| Some(&item.value) == registries.first().map(|first| &first.value));
        if self.source == Source::Oidc && page::is_token_for_one_registry(self.preset.kind) && !is_one {
            let message = format!(
                "has several hosts, but a token of {} is for one registry only: use one step per registry, or a stored \
                 token that all of them accept",
                self.preset.name
            );
            self.problem("registry_url", &message);
        }
        registries
    }

    /// Username and token.
    fn credential(&mut self, form: &Form, registries: &[Item]) -> (Value, Value) {
        let token = match self.source {
            Source::Job => {
                self.permissions.push(("packages", "read", "for ghcr.io; write to push"));
                Value::Expression("secrets.GITHUB_TOKEN")
            }
            Source::Oidc | Source::Keys => self.issue(registries),
            Source::Secret => {
                let name = format!("{}_TOKEN", self.prefix());
                let what = self.preset.kind.advice().map_or("Token or password for the registry.".to_owned(), sentence);
                self.secret("access_token", &form.access_token, &name, &what)
            }
        };
        let preset = match (self.source, self.preset.issued, self.preset.stored) {
            (Source::Job, ..) => Value::Expression("github.actor"),
            (Source::Oidc | Source::Keys, Some(username), _) | (_, _, Username::Fixed(username)) => {
                Value::Literal(username.to_owned())
            }
            (_, _, Username::Token) => token.clone(),
            (_, _, Username::Example(_)) => Value::Stored(Store::Vars, format!("{}_USERNAME", self.prefix())),
        };
        let username = self.optional("username", &form.username, Value::parse).unwrap_or(preset);
        self.remember(&username, "Username at the registry.");
        if username == Value::Literal(page::KEY_FILE_USER.to_owned()) {
            self.is_file(&token, "key.json");
        }
        (username, token)
    }

    /// What the names of this registry's secrets and variables start with.
    fn prefix(&self) -> String {
        match self.preset.kind {
            RegistryKind::Generic => "REGISTRY".to_owned(),
            _ => self.preset.id.to_ascii_uppercase(),
        }
    }

    /// The secret with this name, or with the default one if the field is empty or invalid.
    fn secret(&mut self, field: &'static str, text: &str, default: &str, what: &str) -> Value {
        let text = text.trim();
        let value = match Value::parse(text) {
            _ if text.is_empty() => None,
            Ok(Value::Literal(name)) => name_of(&name).map(|name| Value::Stored(Store::Secrets, name)),
            // A token of the platform, for a registry only.
            Ok(Value::Expression("secrets.GITHUB_TOKEN")) if field == "api_key" => None,
            Ok(value @ (Value::Stored(Store::Secrets, _) | Value::Expression("secrets.GITHUB_TOKEN"))) => Some(value),
            _ => None,
        };
        if value.is_none() && !text.is_empty() {
            self.problem(
                field,
                &format!("{INVALID_NAME}. This page asks for the name of the secret, not for its value"),
            );
        }
        let value = value.unwrap_or_else(|| Value::Stored(Store::Secrets, default.to_owned()));
        self.remember(&value, what);
        value
    }

    /// The entries of a list, or the variable with the default name if there are none.
    fn list(&mut self, field: &'static str, text: &str, default: &str, what: &str) -> Vec<Item> {
        let mut items: Vec<Item> = Vec::new();
        for page::Entry { text, comment } in page::entries(text) {
            match Value::parse_or_name(text) {
                Ok(value) => {
                    let comment = if comment.contains("${{") { String::new() } else { comment.to_owned() };
                    items.push(Item { value, comment });
                }
                Err(message) => self.problem(field, message),
            }
        }
        if items.is_empty() {
            items.push(Item { value: Value::Stored(Store::Vars, default.to_owned()), comment: String::new() });
        }
        for item in &items {
            self.remember(&item.value, what);
        }
        items
    }

    /// The value of a field that may be empty.
    fn optional(
        &mut self,
        field: &'static str,
        text: &str,
        parse: impl Fn(&str) -> Result<Value, &'static str>,
    ) -> Option<Value> {
        if text.trim().is_empty() {
            return None;
        }
        parse(text).map_err(|message| self.problem(field, message)).ok()
    }

    fn problem(&mut self, field: &'static str, message: &str) {
        if self.problems.iter().all(|problem| problem.field != field) {
            self.problems.push(Problem { field, message: format!("{field} {message}."), is_secret: false });
        }
    }

    /// Lists a secret or variable among those to set.
    pub(crate) fn remember(&mut self, value: &Value, what: &str) {
        let Value::Stored(store, name) = value else { return };
        if self.stored.iter().all(|stored| (stored.store, &stored.name) != (*store, name)) {
            self.stored.push(Stored { store: *store, name: name.clone(), what: what.to_owned(), file: None });
        }
    }

    /// Notes that a value of several lines is stored: that of a file.
    fn is_file(&mut self, value: &Value, file: &'static str) {
        let is_same = |stored: &&mut Stored| *value == Value::Stored(stored.store, stored.name.clone());
        if let Some(stored) = self.stored.iter_mut().find(is_same) {
            stored.file = Some(file);
        }
    }
}

/// The variables in which the action looks for the proxy to the API: by the scheme of its URL, which is unknown if the URL is
/// stored.
fn proxy_variables(with: &[(&str, Content)]) -> &'static [&'static str] {
    match with.iter().find(|(name, _)| *name == "api_url") {
        Some((_, Content::One(Value::Literal(url)))) if url.to_ascii_lowercase().starts_with("http://") => {
            &["http_proxy"]
        }
        None | Some((_, Content::One(Value::Literal(_)))) => &["https_proxy"],
        Some(_) => &["http_proxy", "https_proxy"],
    }
}

/// Whether a path is below the workspace, on Linux, macOS and Windows.
fn is_relative(path: &str) -> bool {
    !path.starts_with(['/', '\\']) && path.as_bytes().get(1) != Some(&b':')
}

/// A remedy that starts in lower case, as a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_ascii_uppercase().to_string() + chars.as_str()).unwrap_or_default()
}
