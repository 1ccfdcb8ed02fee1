//! What the main step saves for the post step, in the runner's action state.
//!
//! It is saved before the request that it is needed for, so that a step that is killed at any time can be cleaned up.
//! The access token is never part of it.

use crate::api::credential::Credential;
use crate::api::identifier::{OperationId, RegistryUrl};
use crate::api::url::ApiUrl;
use crate::host::Host;
use crate::inputs::error::InputError;
use crate::inputs::{Inputs, MAX_LOGINS, RawInputs, parse};
use crate::runner::context;
use crate::runner::log::Log;
use crate::runner::secret::Secret;
use std::cell::{Cell, RefCell};

const CLEANUP: &str = "cleanup";
const API_KEY: &str = "api_key";
const API_URL: &str = "api_url";
const CA_CERTIFICATE: &str = "ca_certificate";
const JOB_SUMMARY: &str = "job_summary";

/// The key of a login: `login_1` for the first.
fn login_key(number: usize) -> String {
    format!("login_{number}")
}

/// One login as the post step needs it. In the state it is one compact line and not JSON: runners pass the state as
/// environment variables, for which Windows has 32,767 characters in total
/// (<https://learn.microsoft.com/windows/win32/procthread/environment-variables>), and 100 logins must fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SavedLogin {
    pub(crate) server_id: String,
    /// The number of the credential, or of the registry in passthrough mode, from 1. It is for the same registry on every
    /// server.
    pub(crate) credential: usize,
    pub(crate) phase: LoginPhase,
    /// The Unix time of the last request, in milliseconds.
    pub(crate) requested_at_ms: u64,
    /// Whether an earlier attempt may have caused a login whose operation is unknown.
    pub(crate) has_unconfirmed_attempt: bool,
    /// The last operation that the API has returned.
    pub(crate) operation_id: Option<OperationId>,
    /// In vault mode unknown until the API has returned it.
    pub(crate) registry_url: Option<String>,
    /// The server's name in Reoclo, if the API has returned it.
    pub(crate) server_name: Option<String>,
}

/// How far the main step has seen the login get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LoginPhase {
    /// The operation is unknown.
    Requested,
    /// The operation is known and was running.
    Running,
    /// The operation has ended, and the server is or may be logged in.
    Ended,
    /// It has definitely failed: there is nothing to log out.
    Failed,
}

const PHASES: [(LoginPhase, &str); 4] = [
    (LoginPhase::Requested, "requested"),
    (LoginPhase::Running, "running"),
    (LoginPhase::Ended, "ended"),
    (LoginPhase::Failed, "failed"),
];
const CERTAIN: &str = "certain";
const UNCERTAIN: &str = "uncertain";
const UNKNOWN: &str = "-";
/// Replaces the `::` of an IPv6 address: some runners search `::save-state` lines for the last `::`. No registry contains
/// a `~`.
const IPV6_COLONS: &str = ":~:";

impl SavedLogin {
    /// Whether the login may still be running on its server.
    pub(crate) fn is_unfinished(&self) -> bool {
        matches!(self.phase, LoginPhase::Requested | LoginPhase::Running)
    }

    /// Words separated by spaces. Only the last one, the server name, can contain spaces.
    fn to_line(&self) -> String {
        let phase = PHASES.iter().find(|(phase, _)| *phase == self.phase).map_or(UNKNOWN, |(_, word)| word);
        format!(
            "{} {} {phase} {} {} {} {} {}",
            self.server_id,
            self.credential,
            self.requested_at_ms,
            if self.has_unconfirmed_attempt { UNCERTAIN } else { CERTAIN },
            self.operation_id.as_ref().map_or(UNKNOWN, OperationId::as_str),
            self.registry_url.as_deref().unwrap_or(UNKNOWN).replace("::", IPV6_COLONS),
            self.server_name.as_deref().unwrap_or(UNKNOWN),
        )
    }

    /// `None` for text that no main step has saved.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let mut words = line.splitn(8, ' ');
        let mut word = || words.next();
        let (server_id, credential, phase) = (word()?, word()?, word()?);
        let (requested_at, certainty, operation_id) = (word()?, word()?, word()?);
        let (registry_url, server_name) = (word()?, word()?);
        let operation_id = OperationId::try_from(operation_id.to_owned()).ok().filter(|id| id.as_str() != UNKNOWN);
        let phase = PHASES.iter().find(|(_, word)| *word == phase)?.0;
        let registry_url = registry_url.replace(IPV6_COLONS, "::");
        // A forged value must not become an option of docker or another path.
        let is_registry = RegistryUrl::try_from(registry_url.clone()).is_ok();
        if !is_server_id(server_id) || !(is_registry || registry_url == UNKNOWN) {
            return None;
        }
        Some(Self {
            server_id: server_id.to_owned(),
            credential: credential.parse().ok()?,
            phase: if operation_id.is_none() && phase == LoginPhase::Running { LoginPhase::Requested } else { phase },
            requested_at_ms: requested_at.parse().unwrap_or_default(),
            has_unconfirmed_attempt: certainty == UNCERTAIN,
            operation_id,
            registry_url: Some(registry_url).filter(|url| url != UNKNOWN),
            server_name: Some(server_name.to_owned()).filter(|name| name != UNKNOWN),
        })
    }
}

/// A forged ID must not become an option of docker or another path.
fn is_server_id(text: &str) -> bool {
    OperationId::try_from(text.to_owned()).is_ok() && !text.starts_with('-')
}

/// How a warning names a login whose line cannot be read: a runner that is killed may have written only a part of it.
fn describe_unreadable(number: usize, line: &str) -> String {
    match line.split(' ').next().filter(|server_id| is_server_id(server_id)) {
        Some(server_id) => format!("login {number} on server {server_id}"),
        None => format!("login {number}"),
    }
}

/// Saves the state in the main step.
pub(crate) struct StateWriter<'a, H> {
    host: &'a H,
    log: &'a Log<'a, H>,
    has_failed: Cell<bool>,
    is_gitea: bool,
}

impl<'a, H: Host> StateWriter<'a, H> {
    /// Saves what all logins share. It is saved before the first login, without which the post step does nothing.
    pub(crate) fn start(host: &'a H, log: &'a Log<'a, H>, inputs: &Inputs) -> Self {
        let writer = Self { host, log, has_failed: Cell::new(false), is_gitea: context::is_gitea(host) };
        writer.save(API_URL, inputs.api_url.as_str());
        writer.save(CLEANUP, if inputs.cleanup { "true" } else { "false" });
        writer.save(JOB_SUMMARY, if inputs.job_summary { "true" } else { "false" });
        // Without a state file the key would be printed. The post step then uses its input.
        if !host.env("GITHUB_STATE").is_empty() {
            writer.save(API_KEY, inputs.api_key.expose());
        }
        if let Some(pem) = &inputs.ca_certificate {
            writer.save(CA_CERTIFICATE, pem);
        }
        writer
    }

    /// Whether the post step will find everything that it needs.
    pub(crate) fn is_saved(&self) -> bool {
        !self.has_failed.get() || self.is_gitea
    }

    /// Gitea's and Forgejo's runners can lose the state file of a cancelled job, but not what was printed. Every printed
    /// line is shown in their log, so only what the inputs do not contain is printed.
    fn print(&self, key: &str, value: &str) {
        if self.is_gitea {
            self.host.command(&format!("::save-state name={key}::{}", value.replace('%', "%25")));
        }
    }

    fn save(&self, key: &str, value: &str) {
        if let Err(reason) = self.host.save_state(key, value)
            && !self.has_failed.replace(true)
        {
            let message = format!("The runner could not save the state that the post step needs to log out: {reason}.");
            self.log.warning("Cleanup may fail", &message);
        }
    }
}

/// Saves the state of one login: each method saves at once.
pub(crate) struct LoginState<'a, H> {
    writer: &'a StateWriter<'a, H>,
    key: String,
    login: RefCell<SavedLogin>,
}

impl<'a, H: Host> LoginState<'a, H> {
    /// `number` and `credential_number` start at 1. Nothing is saved before the login is requested.
    pub(crate) fn new(
        writer: &'a StateWriter<'a, H>,
        number: usize,
        server_id: &str,
        credential_number: usize,
        credential: &Credential,
    ) -> Self {
        let registry_url = match credential {
            Credential::Passthrough { registry, .. } => Some(registry.clone()),
            Credential::Vault { .. } => None,
        };
        let login = SavedLogin {
            server_id: server_id.to_owned(),
            credential: credential_number,
            phase: LoginPhase::Requested,
            requested_at_ms: 0,
            has_unconfirmed_attempt: false,
            operation_id: None,
            registry_url,
            server_name: None,
        };
        Self { writer, key: login_key(number), login: RefCell::new(login) }
    }

    /// Before each login request.
    pub(crate) fn set_requested(&self) {
        let now_ms = self.writer.host.unix_time_ms() as u64;
        self.update(|login| {
            login.phase = LoginPhase::Requested;
            login.requested_at_ms = now_ms;
            login.operation_id = None;
        });
    }

    /// A request has failed in a way that does not rule out a login.
    pub(crate) fn set_unconfirmed_attempt(&self) {
        self.update(|login| login.has_unconfirmed_attempt = true);
    }

    /// The API has returned the registry, and the operation unless the response is invalid.
    pub(crate) fn set_accepted(&self, registry_url: &RegistryUrl, operation_id: Option<&OperationId>) {
        self.update(|login| {
            login.registry_url = Some(registry_url.as_str().to_owned());
            if let Some(id) = operation_id {
                login.phase = LoginPhase::Running;
                login.operation_id = Some(id.clone());
            }
        });
    }

    /// Saved together with the next change.
    pub(crate) fn set_server_name(&self, name: &str) {
        self.login.borrow_mut().server_name = Some(name.to_owned());
    }

    /// Not printed: without it the post step requests the status of the operation once more.
    pub(crate) fn set_ended(&self) {
        let mut login = self.login.borrow_mut();
        login.phase = LoginPhase::Ended;
        self.writer.save(&self.key, &login.to_line());
    }

    /// Whether the registry to log out of is known.
    pub(crate) fn has_registry(&self) -> bool {
        self.login.borrow().registry_url.is_some()
    }

    /// Whether the post step will find this login.
    pub(crate) fn is_saved(&self) -> bool {
        self.writer.is_saved()
    }

    pub(crate) fn set_failed(&self) {
        if self.login.borrow().phase == LoginPhase::Failed {
            return;
        }
        self.update(|login| login.phase = LoginPhase::Failed);
    }

    fn update(&self, change: impl FnOnce(&mut SavedLogin)) {
        let mut login = self.login.borrow_mut();
        change(&mut login);
        let line = login.to_line();
        self.writer.print(&self.key, &line);
        self.writer.save(&self.key, &line);
    }
}

/// What the post step loads.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SavedState {
    pub(crate) cleanup: bool,
    pub(crate) job_summary: bool,
    /// An error if they had to come from the inputs and those are invalid.
    pub(crate) api: Result<(ApiUrl, Secret), InputError>,
    /// PEM text, or the path of a PEM file if only the input is left.
    pub(crate) ca_certificate: Option<String>,
    /// The requested logins in the order of the inputs.
    pub(crate) logins: Vec<SavedLogin>,
    /// The logins whose state cannot be read.
    pub(crate) unreadable: Vec<String>,
}

impl SavedState {
    /// `None` if the main step has requested no login. The inputs are used only for values that are absent: a runner may
    /// evaluate them again, or pass those of another step.
    pub(crate) fn load(host: &impl Host, inputs: &RawInputs) -> Option<Self> {
        let (mut logins, mut unreadable) = (Vec::new(), Vec::new());
        for number in 1..=MAX_LOGINS {
            let line = host.state(&login_key(number));
            match SavedLogin::parse(&line) {
                Some(login) => logins.push(login),
                None if line.is_empty() => {}
                None => unreadable.push(describe_unreadable(number, &line)),
            }
        }
        if logins.is_empty() && unreadable.is_empty() {
            return None;
        }
        let or_input = |key, input: &str| match host.state(key) {
            value if value.is_empty() => input.trim().to_owned(),
            value => value,
        };
        let api_url = parse::api_url(&or_input(API_URL, &inputs.api_url));
        let api_key = parse::api_key(&or_input(API_KEY, &inputs.api_key));
        Some(Self {
            cleanup: !or_input(CLEANUP, &inputs.cleanup).eq_ignore_ascii_case("false"),
            job_summary: or_input(JOB_SUMMARY, &inputs.job_summary).eq_ignore_ascii_case("true"),
            api: api_url.and_then(|url| Ok((url, api_key?))),
            ca_certificate: Some(or_input(CA_CERTIFICATE, &inputs.ca_certificate)).filter(|pem| !pem.is_empty()),
            logins,
            unreadable,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    fn load(host: &FakeHost) -> Option<SavedState> {
        SavedState::load(host, &host.inputs())
    }

    #[test]
    fn loads_nothing_if_nothing_was_saved() {
        assert_eq!(load(&FakeHost::default().with_inputs(&[("api_key", "rca_x"), ("registry_url", "ghcr.io")])), None);
    }

    #[test]
    fn inputs_replace_only_absent_values() {
        let host = FakeHost::default()
            .with_state(&[("login_1", "mine 1 ended 7 certain op-1 ghcr.io -"), (API_URL, "https://a")])
            .with_inputs(&[("server_id", "other"), ("api_key", " rca_x\n"), ("registry_url", "docker.io")]);
        let saved = load(&host).unwrap();
        assert_eq!(saved.logins[0].server_id, "mine");
        assert_eq!(saved.logins[0].registry_url.as_deref(), Some("ghcr.io"));
        assert_eq!(
            saved.api.map(|(url, key)| (url.as_str().to_owned(), key)),
            Ok(("https://a".into(), Secret::new("rca_x")))
        );
        assert!(saved.cleanup);
    }

    #[test]
    fn parses_what_it_writes() {
        for (phase, operation_id, registry_url) in [
            (LoginPhase::Requested, None, None),
            (LoginPhase::Running, Some("op-1"), Some("[::1]:5000")),
            (LoginPhase::Ended, Some("op-1"), Some("https://index.docker.io/v1/")),
            (LoginPhase::Failed, None, Some("ghcr.io")),
        ] {
            let record = SavedLogin {
                server_id: "s".into(),
                credential: 2,
                phase,
                requested_at_ms: 784_111_777_000,
                has_unconfirmed_attempt: phase == LoginPhase::Ended,
                operation_id: operation_id.map(|id| OperationId::try_from(id.to_owned()).unwrap()),
                registry_url: registry_url.map(str::to_owned),
                server_name: operation_id.map(|_| "web 1".into()),
            };
            assert_eq!(SavedLogin::parse(&record.to_line()), Some(record));
        }
    }

    #[test]
    fn a_saved_line_contains_no_double_colon() {
        let line = "s 1 ended 7 certain op-1 [:~:1]:5000 -";
        let login = SavedLogin::parse(line).unwrap();
        assert_eq!(login.registry_url.as_deref(), Some("[::1]:5000"));
        assert_eq!(login.to_line(), line);
    }

    #[test]
    fn rejects_text_that_was_not_saved() {
        for text in [
            "",
            "s",
            "s 1 gone 7 certain op-1 ghcr.io -",
            "s x ended 7 certain op-1 ghcr.io -",
            "s 1 ended 7 certain op-1 ghcr.io",
            "--help 1 ended 7 certain op-1 ghcr.io -",
            "../s 1 ended 7 certain op-1 ghcr.io -",
            "s 1 ended 7 certain op-1 --help -",
            "s 1 ended 7 certain op-1 ../../x -",
            "s 1 ended 7 certain op-1 $(id) -",
            "s 1 ended 7 certain op-1 ghcr.io/$(id) -",
            "s 1 ended 7 certain op-1 a:b:c -",
        ] {
            assert_eq!(SavedLogin::parse(text), None, "{text:?}");
        }
        let nameless = SavedLogin::parse("s 1 running soon certain ../x ghcr.io -").unwrap();
        assert_eq!((nameless.phase, nameless.requested_at_ms), (LoginPhase::Requested, 0));
    }

    #[test]
    fn a_hundred_logins_fit_into_20_kb() {
        let record = SavedLogin {
            server_id: "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11".into(),
            credential: 100,
            phase: LoginPhase::Requested,
            requested_at_ms: 1_784_111_777_000,
            has_unconfirmed_attempt: true,
            operation_id: OperationId::try_from("0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11".to_owned()).ok(),
            registry_url: Some("123456789012.dkr.ecr.ap-southeast-1.amazonaws.com".into()),
            server_name: Some("web-100.eu-west-1.example".into()),
        };
        let variable = format!("STATE_{}={}\0", login_key(100), record.to_line());
        assert!(100 * variable.len() < 20 * 1024, "{}", variable.len());
    }
}
