//! What main leaves for post, in the runner's action state.
//!
//! Written before the request that it is needed for, so that a step killed at any moment can be cleaned up after.
//! The access token is never part of it.

use crate::api::{ApiUrl, OperationId, RegistryUrl};
use crate::host::Host;
use crate::inputs::{self, Inputs, Login, MOST_LOGINS, Problem};
use crate::log::Log;
use crate::run_context;
use crate::secret::Secret;
use std::cell::{Cell, RefCell};

const CLEANUP: &str = "cleanup";
const API_KEY: &str = "api_key";
const API_URL: &str = "api_url";
const CA_CERTIFICATE: &str = "ca_certificate";
const JOB_SUMMARY: &str = "job_summary";

/// Where a login's record is kept: `login_1` for the first.
fn key(number: usize) -> String {
    format!("login_{number}")
}

/// One login as post needs to know it. In the state it is one line, so that a hundred of them stay small; runners pass
/// the state as environment variables, for which Windows has 32 KB in all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Record {
    pub(crate) server_id: String,
    /// Which credential, counted from 1; the same one is for the same registry on every server.
    pub(crate) credential: usize,
    pub(crate) last_seen: LastSeen,
    /// When it was last requested, in milliseconds since 1970.
    pub(crate) requested_at_ms: u64,
    /// Whether there may be a login besides the one of `last_seen`, of which nobody heard again.
    pub(crate) uncertain: bool,
    /// The operation that was named last.
    pub(crate) operation_id: Option<OperationId>,
    /// Unknown in vault mode until the API has answered.
    pub(crate) registry_url: Option<String>,
    /// What the API calls the server, once it has said so.
    pub(crate) server_name: Option<String>,
}

/// Where main last saw the login on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastSeen {
    /// Its operation is not known.
    Requested,
    /// As the record's operation.
    Running,
    Ended,
    /// It failed for certain: there is nothing to log out.
    Failed,
}

const SEEN: [(LastSeen, &str); 4] = [
    (LastSeen::Requested, "requested"),
    (LastSeen::Running, "running"),
    (LastSeen::Ended, "ended"),
    (LastSeen::Failed, "failed"),
];
const UNKNOWN: &str = "-";

impl Record {
    /// None of its words can hold a space, but for the server's name, which is the last.
    fn text(&self) -> String {
        let seen = SEEN.iter().find(|(seen, _)| *seen == self.last_seen).map_or(UNKNOWN, |(_, word)| word);
        format!(
            "{} {} {seen} {} {} {} {} {}",
            self.server_id,
            self.credential,
            self.requested_at_ms,
            if self.uncertain { "uncertain" } else { "certain" },
            self.operation_id.as_ref().map_or(UNKNOWN, OperationId::as_str),
            self.registry_url.as_deref().unwrap_or(UNKNOWN),
            self.server_name.as_deref().unwrap_or(UNKNOWN),
        )
    }

    /// `None` for what no main step has written.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut words = text.splitn(8, ' ');
        let mut word = || words.next();
        let (server_id, credential, seen) = (word()?, word()?, word()?);
        let (requested_at, certainty, operation_id) = (word()?, word()?, word()?);
        let (registry_url, server_name) = (word()?, word()?);
        let operation_id = OperationId::try_from(operation_id.to_owned()).ok().filter(|id| id.as_str() != UNKNOWN);
        let last_seen = SEEN.iter().find(|(_, word)| *word == seen)?.0;
        Some(Self {
            server_id: server_id.to_owned(),
            credential: credential.parse().ok()?,
            last_seen: if operation_id.is_none() && last_seen == LastSeen::Running {
                LastSeen::Requested
            } else {
                last_seen
            },
            requested_at_ms: requested_at.parse().unwrap_or_default(),
            uncertain: certainty == "uncertain",
            operation_id,
            registry_url: Some(registry_url.to_owned()).filter(|url| url != UNKNOWN),
            server_name: Some(server_name.to_owned()).filter(|name| name != UNKNOWN),
        })
    }
}

/// Main's side.
pub(crate) struct StateWriter<'a, H> {
    host: &'a H,
    log: &'a Log<'a, H>,
    has_warned: Cell<bool>,
    is_gitea: bool,
}

impl<'a, H: Host> StateWriter<'a, H> {
    /// Saves what all logins share; it comes before the first of them, without which post does nothing.
    pub(crate) fn starting(host: &'a H, log: &'a Log<'a, H>, inputs: &Inputs) -> Self {
        let this = Self { host, log, has_warned: Cell::new(false), is_gitea: run_context::is_gitea(host) };
        this.save(API_URL, inputs.api_url.as_str());
        this.save(CLEANUP, if inputs.cleanup { "true" } else { "false" });
        if inputs.job_summary {
            this.save(JOB_SUMMARY, "true");
        }
        // Without a state file the value would travel over stdout; post then takes the key from its input.
        if !host.env("GITHUB_STATE").is_empty() {
            this.save(API_KEY, inputs.api_key.expose());
        }
        if let Some(pem) = &inputs.ca_certificate {
            this.save(CA_CERTIFICATE, pem);
        }
        this
    }

    fn save(&self, key: &str, value: &str) {
        // Gitea's and Forgejo's runners can lose the state file of a cancelled job; what was printed survives. The input
        // stands in for what is secret or has several lines.
        if self.is_gitea && key != API_KEY && key != CA_CERTIFICATE {
            self.host.command(&format!("::save-state name={key}::{}", value.replace('%', "%25")));
        }
        if let Err(reason) = self.host.save_state(key, value)
            && !self.has_warned.replace(true)
        {
            self.log.warning(
                "Cleanup is not certain",
                &format!("The runner could not save what the post step needs to log out: {reason}."),
            );
        }
    }
}

/// Main's side of one login: each method writes through at once.
pub(crate) struct LoginState<'a, H> {
    state: &'a StateWriter<'a, H>,
    key: String,
    record: RefCell<Record>,
}

impl<'a, H: Host> LoginState<'a, H> {
    /// `number` and `credential` count from 1. Nothing is saved before the login is requested.
    pub(crate) fn new(
        state: &'a StateWriter<'a, H>,
        number: usize,
        server_id: &str,
        credential: usize,
        login: &Login,
    ) -> Self {
        let registry_url = match login {
            Login::Passthrough { registry, .. } => Some(registry.clone()),
            Login::Vault { .. } => None,
        };
        let record = Record {
            server_id: server_id.to_owned(),
            credential,
            last_seen: LastSeen::Requested,
            requested_at_ms: 0,
            uncertain: false,
            operation_id: None,
            registry_url,
            server_name: None,
        };
        Self { state, key: key(number), record: RefCell::new(record) }
    }

    /// Before each login request.
    pub(crate) fn requested(&self) {
        let now_ms = self.state.host.wall_clock_ms() as u64;
        self.update(|record| {
            record.last_seen = LastSeen::Requested;
            record.requested_at_ms = now_ms;
            record.operation_id = None;
        });
    }

    /// A request failed in a way that may hide a login.
    pub(crate) fn uncertain(&self) {
        self.update(|record| record.uncertain = true);
    }

    /// As soon as the API has named the registry.
    pub(crate) fn registry_named(&self, registry_url: &RegistryUrl) {
        self.update(|record| record.registry_url = Some(registry_url.as_str().to_owned()));
    }

    /// As soon as the API has named the operation.
    pub(crate) fn operation_named(&self, operation_id: &OperationId) {
        self.update(|record| {
            record.last_seen = LastSeen::Running;
            record.operation_id = Some(operation_id.clone());
        });
    }

    /// Saved with what comes next.
    pub(crate) fn server_named(&self, name: &str) {
        self.record.borrow_mut().server_name = Some(name.to_owned());
    }

    pub(crate) fn ended(&self) {
        self.update(|record| record.last_seen = LastSeen::Ended);
    }

    /// It definitely failed: there is nothing to log out.
    pub(crate) fn failed(&self) {
        self.update(|record| record.last_seen = LastSeen::Failed);
    }

    fn update(&self, change: impl FnOnce(&mut Record)) {
        let mut record = self.record.borrow_mut();
        change(&mut record);
        self.state.save(&self.key, &record.text());
    }
}

/// What post finds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Saved {
    pub(crate) cleanup: bool,
    pub(crate) job_summary: bool,
    /// Where to ask, with which key; the problem with them where they had to come from the inputs, and those are bad.
    pub(crate) api: Result<(ApiUrl, Secret), Problem>,
    /// PEM text, or the path of it where only the input is left.
    pub(crate) ca_certificate: Option<String>,
    /// Those that were requested, in the order of the inputs.
    pub(crate) logins: Vec<Record>,
}

/// Post's side; `None` when main requested nothing. The inputs stand in only for values that are absent: a runner may
/// evaluate them anew, or hand post those of another step.
pub(crate) fn load(host: &impl Host) -> Option<Saved> {
    let logins: Vec<Record> = (1..=MOST_LOGINS).filter_map(|number| Record::parse(&host.state(&key(number)))).collect();
    if logins.is_empty() {
        return None;
    }
    let or_input = |key| match host.state(key) {
        value if value.is_empty() => host.input(key).trim().to_owned(),
        value => value,
    };
    Some(Saved {
        cleanup: !or_input(CLEANUP).eq_ignore_ascii_case("false"),
        job_summary: host.state(JOB_SUMMARY) == "true",
        api: inputs::api_url(&or_input(API_URL)).and_then(|url| Ok((url, inputs::api_key(&or_input(API_KEY))?))),
        ca_certificate: Some(or_input(CA_CERTIFICATE)).filter(|given| !given.is_empty()),
        logins,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::FakeHost;

    #[test]
    fn nothing_saved_means_nothing_to_do() {
        assert_eq!(load(&FakeHost::default().with_inputs(&[("api_key", "rca_x"), ("registry_url", "ghcr.io")])), None);
    }

    #[test]
    fn state_goes_before_inputs_and_inputs_stand_in_for_what_is_absent() {
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
    fn a_record_reads_as_it_was_written() {
        for (last_seen, operation_id, registry_url) in [
            (LastSeen::Requested, None, None),
            (LastSeen::Running, Some("op-1"), Some("[::1]:5000")),
            (LastSeen::Ended, Some("op-1"), Some("https://index.docker.io/v1/")),
            (LastSeen::Failed, None, Some("ghcr.io")),
        ] {
            let record = Record {
                server_id: "s".into(),
                credential: 2,
                last_seen,
                requested_at_ms: 784_111_777_000,
                uncertain: last_seen == LastSeen::Ended,
                operation_id: operation_id.map(|id| OperationId::try_from(id.to_owned()).unwrap()),
                registry_url: registry_url.map(str::to_owned),
                server_name: operation_id.map(|_| "web 1".into()),
            };
            assert_eq!(Record::parse(&record.text()), Some(record));
        }
    }

    #[test]
    fn what_no_main_step_has_written_is_no_record() {
        for text in [
            "",
            "s",
            "s 1 gone 7 certain op-1 ghcr.io -",
            "s x ended 7 certain op-1 ghcr.io -",
            "s 1 ended 7 certain op-1 ghcr.io",
        ] {
            assert_eq!(Record::parse(text), None, "{text:?}");
        }
        let nameless = Record::parse("s 1 running soon certain ../x ghcr.io -").unwrap();
        assert_eq!((nameless.last_seen, nameless.requested_at_ms), (LastSeen::Requested, 0));
    }

    #[test]
    fn a_hundred_logins_take_less_than_20_kb() {
        let record = Record {
            server_id: "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11".into(),
            credential: 100,
            last_seen: LastSeen::Requested,
            requested_at_ms: 1_784_111_777_000,
            uncertain: true,
            operation_id: OperationId::try_from("0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11".to_owned()).ok(),
            registry_url: Some("123456789012.dkr.ecr.ap-southeast-1.amazonaws.com".into()),
            server_name: Some("web-100.eu-west-1.example".into()),
        };
        let variable = format!("STATE_{}={}\0", key(100), record.text());
        assert!(100 * variable.len() < 20 * 1024, "{}", variable.len());
    }
}
