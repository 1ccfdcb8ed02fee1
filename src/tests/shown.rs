//! What both steps print, and write to the job summary.

use super::{DENIED, ID, SUCCEEDED, field, vault};
use crate::host::fake::{FakeHost, response};
use crate::login::state::SavedLogin;
use crate::step::{main, post};

const OTHER: &str = "1b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";
const ACCEPTED: (u16, &str) =
    (202, r#"{"operation_id":"op-1","status":"running","registry_url":"ghcr.io","registry_type":"ghcr"}"#);
const WITH_SUMMARY: [(&str, &str); 1] = [("GITHUB_STEP_SUMMARY", "/summary")];

fn passthrough(registries: &str) -> FakeHost {
    vault().with_inputs(&[
        ("credential_id", ""),
        ("username", "u"),
        ("access_token", "tok-hunter22"),
        ("registry_url", registries),
    ])
}

/// An API whose logins end as `end` says for their registry, which in vault mode is named after the credential.
fn answering(host: FakeHost, end: impl Fn(&str) -> (u16, &'static str) + 'static) -> FakeHost {
    host.responding_by(move |call, body, _| {
        let registry = match call.rsplit('/').next() {
            Some("login") => field(body, "credential_id").get(..1).map(|first| format!("r{first}.example")),
            Some("login-direct") => Some(field(body, "registry_url").to_owned()),
            _ => None,
        };
        let response = match registry {
            Some(registry) => {
                let id = registry.replace('.', "_");
                let body =
                    format!(r#"{{"operation_id":"{id}","registry_url":"{registry}","registry_type":"generic"}}"#);
                response(202, &body)
            }
            None if call.starts_with("GET") => {
                let (status, body) = end(&call.rsplit('/').next().unwrap_or_default().replace('_', "."));
                response(status, body)
            }
            None => response(200, "{}"),
        };
        (100, Ok(response))
    })
}

fn succeeding(host: FakeHost) -> FakeHost {
    answering(host, |_| SUCCEEDED)
}

/// What a main step prints first.
fn announced(host: &FakeHost) -> String {
    host.run(main(host));
    host.events("info").swap_remove(0)
}

#[test]
fn the_first_line_says_what_is_going_to_happen() {
    let two = format!("{ID}, {OTHER}");
    let lists = |server: &str, credential: &str| {
        succeeding(vault().with_inputs(&[("server_id", server), ("credential_id", credential)]))
    };
    for (host, line) in [
        (lists(ID, ID), format!("info Logging in on server {ID} with credential {ID} (vault mode)")),
        (lists(&two, ID), format!("info Logging in on 2 servers with credential {ID} (vault mode)")),
        (lists(ID, &two), format!("info Logging in on server {ID} with 2 credentials (vault mode)")),
        (
            succeeding(passthrough("ghcr.io")),
            format!("info Logging in to ghcr.io on server {ID} (passthrough mode, ghcr)"),
        ),
        (
            succeeding(passthrough("ghcr.io, quay.io")),
            format!("info Logging in to 2 registries on server {ID} (passthrough mode)"),
        ),
    ] {
        assert_eq!(announced(&host), line);
    }
}

#[test]
fn an_unencrypted_api_url_is_a_warning() {
    for (api_url, warnings) in [("http://reoclo.example", 1), ("https://reoclo.example", 0)] {
        let host = succeeding(vault().with_inputs(&[("api_url", api_url)]));
        assert!(host.run(main(&host)));
        assert_eq!(host.events("warning API key sent unencrypted: api_url uses plain HTTP to reo").len(), warnings);
    }
}

#[test]
fn a_suspicious_credential_is_a_notice() {
    let host = succeeding(passthrough("quay.io").with_inputs(&[("username", "oauthtoken")]));
    assert!(host.run(main(&host)));
    assert_eq!(host.events("notice Check the credential: Quay's token usernames").len(), 1);
}

#[test]
fn one_login_shows_its_operation_and_dockers_output() {
    let host = vault().responding(&[ACCEPTED, SUCCEEDED]);
    assert!(host.run(main(&host)));
    assert_eq!(
        host.events("info")[1..],
        [
            "info Operation op-1: docker login ghcr.io (ghcr)".to_owned(),
            "info   docker | Login Succeeded".to_owned(),
            format!("info Logged in to ghcr.io on web-1 ({ID}); the post step will log out"),
        ]
    );
}

#[test]
fn a_line_says_what_the_post_step_will_do() {
    let line = |host: FakeHost| {
        let host = host.responding(&[ACCEPTED, SUCCEEDED]);
        assert!(host.run(main(&host)));
        host.events("info").pop().unwrap().rsplit("; the post step ").next().unwrap().to_owned()
    };
    assert_eq!(line(vault()), "will log out");
    assert_eq!(line(vault().with_inputs(&[("cleanup", "false")])), "will not log out (cleanup: false)");
    let cannot = "cannot log out: run docker logout for this registry on the server";
    assert_eq!(line(vault().without_space()), cannot);
    // What these runners print is kept, too.
    assert_eq!(line(vault().without_space().with_env(&[("GITEA_ACTIONS", "true")])), "will log out");
}

#[test]
fn files_that_cannot_be_written_are_one_warning_each() {
    let host = vault().without_space().with_env(&WITH_SUMMARY).with_inputs(&[("job_summary", "true")]);
    let host = host.responding(&[ACCEPTED, SUCCEEDED]);
    assert!(host.run(main(&host)));
    assert_eq!(
        host.events("warning"),
        [
            "warning Cleanup may fail: The runner could not save the state that the post step needs to log out: no space \
             left.",
            "warning Outputs not set: The runner could not save the outputs: no space left.",
            "warning Job summary not written: The runner could not write the job summary: no space left.",
        ]
    );
}

#[test]
fn several_logins_are_labelled_and_counted() {
    let host = answering(
        passthrough("a.example, b.example"),
        |registry| {
            if registry == "a.example" { SUCCEEDED } else { DENIED }
        },
    );
    assert!(!host.run(main(&host)));
    let lines = host.events("info");
    let has = |line: &str| assert!(lines.iter().any(|other| other == line), "{line}: {lines:#?}");
    has(&format!("info [server {ID}, a.example] Operation a_example: docker login a.example (generic)"));
    has(&format!("info [web-1, a.example] Logged in to a.example on web-1 ({ID}); the post step will log out"));
    assert!(!lines.concat().contains("Login Succeeded"), "only failed logins show docker's output");
    has(&format!("info [server {ID}, b.example]   docker | Error: denied: ***"));
    assert_eq!(lines.last().unwrap(), "info 1 of 2 logins succeeded in 0.4 s; the post step will log out");
    let error = host.events("error").concat();
    assert!(error.starts_with("error Docker login failed: 1 of 2 logins failed:\n"), "{error}");
}

#[test]
fn logins_that_all_failed_need_no_word_about_cleanup() {
    let host = answering(passthrough("a.example, b.example"), |_| DENIED);
    assert!(!host.run(main(&host)));
    assert_eq!(host.events("info").last().unwrap(), "info 0 of 2 logins succeeded in 0.4 s");
}

#[test]
fn a_fix_for_several_failures_is_told_once() {
    let two = format!("{ID}, {OTHER}");
    let host = answering(vault().with_inputs(&[("credential_id", &two)]), |_| DENIED);
    assert!(!host.run(main(&host)));
    let accepted = format!("Operation r0_example: docker login r0.example (generic) with credential {ID}");
    assert!(host.events("info").concat().contains(&accepted));
    let error = host.events("error").concat();
    let lines: Vec<&str> = error.lines().skip(1).collect();
    assert!(lines[0].starts_with(&format!("credential {ID}: docker login r0.example on server {ID}")), "{error}");
    assert!(lines[1].starts_with("Fix for these 2: check the username"), "{error}");
    assert!(lines[2].starts_with(&format!("credential {OTHER}: docker login r1.example")), "{error}");
    assert_eq!(lines.len(), 3);
}

#[test]
fn failures_with_one_cause_are_one_line() {
    let two = format!("{ID}, {OTHER}");
    let host = vault().with_inputs(&[("server_id", &two)]).responding(&[(404, r#"{"detail":"No."}"#); 2]);
    assert!(!host.run(main(&host)));
    let error = host.events("error").concat();
    let lines: Vec<&str> = error.lines().skip(1).collect();
    let names = format!("(server {ID}, credential {ID}; server {OTHER}, credential {ID})");
    assert!(lines[0].starts_with("2 logins: Login request to") && lines[0].ends_with(&names), "{error}");
    assert!(lines[1].starts_with("Fix: check server_id") && lines.len() == 2, "{error}");
}

#[test]
fn credentials_for_one_registry_are_a_warning_only_on_one_server() {
    // The ids of both credentials start with the same character, so both are for the same registry.
    let (same, two_servers) = (format!("{ID}, {}", ID.replace("11", "12")), format!("{ID}, {OTHER}"));
    for (server_id, credential_id, warnings) in [(ID, same.as_str(), 1), (&two_servers, ID, 0)] {
        let inputs = [("server_id", server_id), ("credential_id", credential_id)];
        let host = succeeding(vault().with_inputs(&inputs));
        assert!(host.run(main(&host)));
        assert_eq!(host.events("warning Duplicate registry: Credentials 0b8f").len(), warnings);
    }
    let failed = answering(vault().with_inputs(&[("credential_id", &same)]), |_| DENIED);
    assert!(!failed.run(main(&failed)));
    assert!(failed.events("warning").is_empty(), "nothing was replaced");
}

#[test]
fn the_summary_of_main_has_a_row_per_login() {
    let host = answering(
        passthrough("a.example, b.example"),
        |registry| {
            if registry == "a.example" { SUCCEEDED } else { DENIED }
        },
    );
    let host = host.with_env(&WITH_SUMMARY).with_inputs(&[("job_summary", "true")]);
    host.run(main(&host));
    let failure = format!(
        "❌ Docker login failed: docker login b.example on server {ID} failed with exit code 1: Error: denied: \\*\\*\\* \
         (operation b\\_example)."
    );
    assert_eq!(
        host.events("summary"),
        [format!(
            "summary ### Registry logins\n\n\
             | Server | Registry | Type | Mode | Operation | Attempts | Duration | Result |\n\
             | --- | --- | --- | --- | --- | --- | --- | --- |\n\
             | web-1 ({ID}) | a.example | generic | passthrough | a\\_example | 1 | 0.2 s | ✅ logged in |\n\
             | server {ID} | b.example | generic | passthrough | b\\_example | 1 | 0.2 s | {failure} |\n\n"
        )]
    );
}

/// The post step after logins, each a line of the saved state without its server.
fn after(logins: &[&str]) -> FakeHost {
    let state = logins.iter().enumerate().map(|(at, login)| (format!("login_{}", at + 1), format!("{ID} {login}")));
    let state: Vec<(String, String)> = state.collect();
    FakeHost::default().with_state(&state).with_state(&[("api_key", "rca_key")])
}

#[test]
fn there_is_no_summary_of_the_logins_unless_it_is_wanted() {
    let host = vault().with_env(&WITH_SUMMARY).responding(&[ACCEPTED, SUCCEEDED]);
    assert!(host.run(main(&host)));
    assert!(host.events("summary").is_empty());
}

#[test]
fn the_summary_of_post_has_a_row_per_logout() {
    let logins = ["1 ended 7 certain op-1 a.example web-1", "2 ended 7 certain op-2 b.example -"];
    let host = after(&logins).with_env(&WITH_SUMMARY).with_state(&[("job_summary", "true")]);
    let host = host.responding(&[(200, "{}"), (403, "{}")]);
    host.run(post(&host));
    assert_eq!(
        host.events("summary"),
        [format!(
            "summary ### Registry logouts\n\n| Server | Registry | Result |\n| --- | --- | --- |\n\
             | web-1 ({ID}) | a.example | ✅ logged out |\n| server {ID} | b.example | ⚠️ may still be logged in |\n\n"
        )]
    );
    for (change, result) in [
        (("cleanup", "false"), "stays logged in (cleanup: false)"),
        (("login_1", "s 1 running 7 certain op-1 a.example -"), "✅ login failed, nothing to log out"),
    ] {
        let host = after(&logins[..1]).with_env(&WITH_SUMMARY).with_state(&[("job_summary", "true"), change]);
        let host = host.responding(&[DENIED]);
        host.run(post(&host));
        assert!(host.events("summary").concat().contains(&format!("| a.example | {result} |")), "{result}");
    }
    let unread = after(&logins[..1]).with_env(&WITH_SUMMARY).with_state(&[("job_summary", "true")]);
    let unread = unread.responding(&[(202, r#"{"operation_id":"op-2","status":"running"}"#), (403, "{}")]);
    unread.run(post(&unread));
    assert!(unread.events("summary").concat().contains("| logout requested, result unknown |"));
}

#[test]
fn there_is_no_summary_without_a_file_a_login_or_the_input() {
    let login = "1 ended 7 certain op-1 a.example -";
    let summary = ("job_summary", "true");
    for host in [
        after(&[login]).with_state(&[summary]),
        after(&[login]).with_env(&WITH_SUMMARY),
        after(&["1 failed 7 certain op-1 a.example -"]).with_env(&WITH_SUMMARY).with_state(&[summary]),
    ] {
        let host = host.responding(&[(200, "{}")]);
        host.run(post(&host));
        assert!(host.events("summary").is_empty());
    }
}

#[test]
fn a_ca_certificate_is_trusted_and_saved_for_post() {
    const PEM: &str = "-----BEGIN CERTIFICATE-----";
    let host = vault().with_inputs(&[("ca_certificate", PEM)]).responding(&[ACCEPTED, SUCCEEDED]);
    assert!(host.run(main(&host)));
    assert_eq!(host.events("ca"), [format!("ca {PEM}")]);
    assert_eq!(host.events("state ca_certificate="), [format!("state ca_certificate={PEM}")]);
    let login = "1 ended 7 certain op-1 a.example -";
    let post_host = after(&[login]).with_state(&[("ca_certificate", PEM)]).responding(&[(200, "{}")]);
    post_host.run(post(&post_host));
    assert_eq!(post_host.events("ca"), [format!("ca {PEM}")]);
    let without = after(&[login]).responding(&[(200, "{}")]);
    without.run(post(&without));
    assert!(without.events("ca").is_empty());
}

#[test]
fn post_names_the_logouts_of_several_registries() {
    let logins = ["1 ended 7 certain op-1 a.example web-1", "2 ended 7 certain op-2 b.example -"];
    let host = after(&logins).responding(&[(200, "{}"), (200, r#"{"status":"queued"}"#)]);
    host.run(post(&host));
    assert_eq!(
        host.events("info"),
        [
            "info [web-1, a.example] Logged out".to_owned(),
            format!("info [server {ID}, b.example] Logout requested; its result cannot be read"),
        ]
    );
}

#[test]
fn logins_that_post_cannot_read_are_one_warning() {
    let host = after(&["1 ended 7 certain op-1 a.example -", "2 gone"]).with_state(&[("login_3", "../x 1 gone")]);
    let host = host.responding(&[(200, "{}")]);
    host.run(post(&host));
    let warnings = host.events("warning");
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
    assert!(warnings[0].starts_with("warning Login may not be cleaned up: The saved state of login 2 on server "));
    assert!(warnings[0].contains("\nThe saved state of login 3 cannot be read"));
}

#[test]
fn the_state_has_the_name_of_the_server_after_the_login() {
    let host = vault().responding(&[ACCEPTED, SUCCEEDED]);
    assert!(host.run(main(&host)));
    let line = host.events("state login_1=").pop().unwrap();
    let saved = SavedLogin::parse(line.split_once('=').unwrap().1).unwrap();
    assert_eq!(saved.server_name.as_deref(), Some("web-1"));
}
