//! The two recipes: `main` logs in, `post` logs out.

use crate::api::Run;
use crate::error::Error;
use crate::host::Host;
use crate::inputs::{Problem, RawInputs};
use crate::log::Log;
use crate::login;
use crate::logout;
use crate::run_context::{self, RunContext};
use crate::secret::Masks;
use crate::state::{self, StateWriter};

/// The main step; whether it succeeded.
pub(crate) async fn main(host: &impl Host) -> bool {
    let raw = RawInputs::read(host);
    let log = Log::masking(host, raw.masks(host));
    let outcome = match raw.check(host) {
        Ok(inputs) => {
            let state = StateWriter::new(host, &log);
            login::log_in(host, &log, &state, &inputs, &run(host)).await
        }
        Err(problems) => Err(Error::Inputs(problems)),
    };
    if let Err(error) = &outcome {
        log.error(error);
    }
    outcome.is_ok()
}

/// The post step. Whatever goes wrong is a warning: a job that has done its work must not fail in its cleanup.
pub(crate) async fn post(host: &impl Host) {
    let Some(saved) = state::load(host) else { return };
    let key = saved.api_key.as_ref().map_or_else(|_| host.input("api_key"), |key| key.expose().to_owned());
    // Those of the inputs, too, in case a server repeats them.
    let log = Log::masking(host, Masks::of(host, &key, &host.input("username"), &host.input("access_token")));
    let server = &saved.server_id;
    if !saved.login_performed {
        return log.info("No login to clean up.");
    }
    match (saved.cleanup, &saved.registry_url, &saved.api_url, &saved.api_key) {
        (false, Some(registry), ..) => {
            log.info(&format!("cleanup is false: server {server} stays logged in to {registry}."));
        }
        (false, None, ..) => log.info(&format!("cleanup is false: server {server} is not logged out.")),
        (true, Some(registry), Some(api_url), Ok(api_key)) => {
            logout::log_out(host, &log, &saved, registry, api_url, api_key, &run(host)).await;
        }
        (true, Some(registry), _, Err(Problem { input, rule })) => log.warning(
            "Logout failed",
            &format!("Server {server} may still be logged in to {registry}: {input} {rule}."),
        ),
        (true, ..) => log.warning(
            "A login may be left behind",
            &format!(
                "The login request for server {server} was cut off before Reoclo named the registry, so the login may \
                 have happened and cannot be undone from here. Fix: run docker logout with that registry on this server."
            ),
        ),
    }
}

fn run(host: &impl Host) -> Run {
    Run { id: run_context::run_id(host), context: RunContext::read(host) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Fault;
    use crate::host::Reply;
    use crate::host::fake::FakeHost;
    use crate::logout::POST_S;
    use pollster::block_on;

    const ID: &str = "0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11";
    const ACCEPTED: (u16, &str) =
        (202, r#"{"operation_id":"op-1","status":"running","registry_url":"ghcr.io","registry_type":"ghcr"}"#);
    const RUNNING: (u16, &str) = (200, r#"{"status":"running"}"#);
    const SUCCEEDED: (u16, &str) =
        (200, r#"{"status":"completed","server_name":"web-1","result":{"exit_code":0,"stdout":"Login Succeeded\n"}}"#);
    const DENIED: (u16, &str) =
        (200, r#"{"status":"failed","result":{"exit_code":1,"stderr":"Error: denied: tok-hunter22\n"}}"#);

    fn vault() -> FakeHost {
        FakeHost::default().with_env(&[("GITHUB_STATE", "/state")]).with_inputs(&[
            ("api_key", "rca_key"),
            ("server_id", ID),
            ("credential_id", ID),
        ])
    }

    fn passthrough() -> FakeHost {
        vault().with_inputs(&[
            ("credential_id", ""),
            ("username", "u"),
            ("access_token", "tok-hunter22"),
            ("registry_url", "GHCR.io"),
        ])
    }

    fn position(host: &FakeHost, event: &str) -> usize {
        let events = host.events.borrow();
        events.iter().position(|e| e.starts_with(event)).unwrap_or_else(|| panic!("no {event:?} in {events:#?}"))
    }

    fn login_performed(host: &FakeHost) -> Option<String> {
        host.events("state login_performed=").pop()
    }

    #[test]
    fn masks_come_before_anything_else() {
        for host in [vault(), passthrough(), vault().with_inputs(&[("server_id", "bad")])] {
            block_on(main(&host));
            let events = host.events.borrow();
            let last_mask = events.iter().rposition(|e| e.starts_with("mask ")).unwrap();
            assert!(events[..=last_mask].iter().all(|e| e.starts_with("mask ")), "{events:#?}");
        }
    }

    #[test]
    fn a_login_polls_until_it_has_ended_and_sets_outputs() {
        let host = vault().answering(&[ACCEPTED, RUNNING, RUNNING, SUCCEEDED]);
        assert!(block_on(main(&host)));
        assert_eq!(host.events("send").len(), 4);
        assert_eq!(host.now_ms(), 200.0);
        assert_eq!(
            host.events("output"),
            ["output operation_id=op-1", "output registry_url=ghcr.io", "output registry_type=ghcr"]
        );
        assert!(host.events("error").is_empty() && host.events("warning").is_empty());
    }

    #[test]
    fn bad_input_is_one_error_and_no_request_and_no_state() {
        let host = vault().with_inputs(&[("server_id", "x"), ("cleanup", "yes")]);
        assert!(!block_on(main(&host)));
        assert_eq!(host.events("error").len(), 1);
        assert!(host.events("send").is_empty() && host.events("state").is_empty());
    }

    #[test]
    fn passthrough_state_names_the_registry_before_the_request() {
        let host = passthrough().answering(&[ACCEPTED, SUCCEEDED]);
        assert!(block_on(main(&host)));
        assert!(position(&host, "state registry_url=ghcr.io") < position(&host, "send POST"));
        assert!(position(&host, "state login_performed=true") < position(&host, "send POST"));
        assert!(host.events("state").iter().all(|e| !e.contains("hunter22")));
    }

    #[test]
    fn vault_state_names_the_registry_as_soon_as_the_reply_does() {
        let host = vault().answering(&[ACCEPTED, SUCCEEDED]);
        assert!(block_on(main(&host)));
        assert!(position(&host, "state registry_url=ghcr.io") < position(&host, "send GET"));
        assert!(position(&host, "state registry_url=ghcr.io") < position(&host, "output"));
    }

    #[test]
    fn a_definite_failure_is_taken_back_from_state() {
        let refused = passthrough().answering(&[(403, r#"{"detail":"no"}"#)]);
        let denied = passthrough().answering(&[ACCEPTED, DENIED]);
        for host in [refused, denied] {
            assert!(!block_on(main(&host)));
            assert_eq!(login_performed(&host).as_deref(), Some("state login_performed=false"));
        }
    }

    #[test]
    fn an_unknown_end_stays_in_state() {
        let lost = Fault::Network { code: "ECONNRESET".into(), message: String::new() };
        for host in [
            passthrough().answering_with(Err(lost.clone())),
            passthrough().answering(&[ACCEPTED]).answering_with(Err(lost)),
            passthrough().answering(&[ACCEPTED, (200, r#"{"status":"timeout"}"#)]),
            passthrough().answering(&[ACCEPTED, (200, r#"{"status":"completed","result":{}}"#)]),
            passthrough().with_inputs(&[("timeout", "1")]).answering(&[ACCEPTED]).answering(&[RUNNING; 9]),
        ] {
            assert!(!block_on(main(&host)));
            assert_eq!(login_performed(&host).as_deref(), Some("state login_performed=true"));
        }
    }

    #[test]
    fn the_deadline_ends_the_wait_and_says_how_far_it_got() {
        let host = vault().with_inputs(&[("timeout", "2")]).answering(&[ACCEPTED]).answering(&[RUNNING; 99]);
        assert!(!block_on(main(&host)));
        assert_eq!(host.now_ms(), 2_000.0);
        let error = host.events("error").pop().unwrap();
        assert!(error.contains("within 2 s: operation op-1 still ran"), "{error}");
    }

    #[test]
    fn docker_s_own_log_lines_do_not_crowd_out_its_words() {
        let stderr = r#"time=\"2026\" level=info msg=\"trying next\"\nError: 401 Unauthorized\n"#;
        let failed = format!(r#"{{"status":"failed","result":{{"exit_code":1,"stderr":"{stderr}"}}}}"#);
        let host = vault().answering(&[ACCEPTED, (200, &failed)]);
        block_on(main(&host));
        let error = host.events("error").pop().unwrap();
        assert!(error.contains("exit code 1: Error: 401 Unauthorized (operation"), "{error}");
        assert_eq!(host.events("info   docker").len(), 2, "the log keeps them");
    }

    #[test]
    fn a_secret_is_redacted_while_it_is_whole() {
        const TOKEN: &str = "tok::hunter22%\t x  y-and-a-long-tail-of-it";
        for said in [TOKEN.to_owned(), TOKEN.replace("ok", "o\u{7}k"), "x".repeat(590) + TOKEN] {
            let said = serde_json::to_string(&said).unwrap();
            let docker =
                format!(r#"{{"status":"failed","server_name":{said},"result":{{"exit_code":1,"stderr":{said}}}}}"#);
            let detail = format!(r#"{{"detail":{said}}}"#);
            let flaw = format!(r#"{{"status":"failed","result":{{"exit_code":{said}}}}}"#);
            for replies in [
                vec![ACCEPTED, (200, &docker)],
                vec![(422, &*detail)],
                vec![(503, &*detail); 6],
                vec![ACCEPTED, (200, &flaw)],
            ] {
                let host = passthrough().with_inputs(&[("access_token", TOKEN)]).answering(&replies);
                block_on(main(&host));
                let shown = [host.events("info"), host.events("error")].concat().join("\n");
                assert!(!shown.contains("tok:") && !shown.contains("hunter"), "{shown}");
                assert_eq!(host.events("error").len(), 1);
            }
        }
    }

    #[test]
    fn a_reply_that_repeats_a_secret_goes_into_no_output_and_no_state() {
        for (id, registry, kind) in
            [("tok-hunter22", "ghcr.io", "ghcr"), ("op-1", "tok-hunter22", "ghcr"), ("op-1", "ghcr.io", "hunter2222")]
        {
            let reply = format!(r#"{{"operation_id":"{id}","registry_url":"{registry}","registry_type":"{kind}"}}"#);
            let host = vault()
                .with_inputs(&[
                    ("credential_id", ""),
                    ("username", "u"),
                    ("access_token", "tok-hunter22\nhunter2222"),
                    ("registry_url", "ghcr.io"),
                ])
                .answering(&[(202, &reply), SUCCEEDED]);
            assert!(!block_on(main(&host)));
            let events = [host.events("state"), host.events("output"), host.events("send"), host.events("error")]
                .concat()
                .join("\n");
            assert!(!events.contains("hunter"), "{events}");
        }
    }

    #[test]
    fn a_weak_token_that_is_part_of_a_registry_s_name_does_not_stop_the_login() {
        let reply = r#"{"operation_id":"op-1","registry_url":"registry.example.com","registry_type":"google_artifact_registry"}"#;
        let host = passthrough()
            .with_inputs(&[("access_token", "registry"), ("registry_url", "registry.example.com")])
            .answering(&[(202, reply), SUCCEEDED]);
        assert!(block_on(main(&host)));
        assert!(host.events("output").contains(&"output registry_url=registry.example.com".to_owned()));
    }

    #[test]
    fn a_registry_that_was_named_is_kept_whatever_the_rest_of_the_reply_is_worth() {
        for rest in [
            "",
            r#","registry_type":null,"operation_id":"op-1""#,
            r#","registry_type":"ghcr","operation_id":"a:b""#,
            r#","operation_id":"op-1","registry_type":"$(id)""#,
        ] {
            let reply = format!(r#"{{"registry_url":"ghcr.io"{rest}}}"#);
            let host = vault().answering(&[(202, &reply)]);
            assert!(!block_on(main(&host)));
            assert_eq!(host.events("state registry_url="), ["state registry_url=ghcr.io"]);
            assert_eq!(login_performed(&host).as_deref(), Some("state login_performed=true"));
        }
    }

    #[test]
    fn what_a_failed_operation_leaves_behind_depends_on_whether_docker_ran() {
        for (end, left) in [
            (r#"{"status":"failed","result":{"exit_code":0}}"#, "true"),
            (r#"{"status":"completed","result":{}}"#, "true"),
            (r#"{"status":"failed","result":{"stderr":"docker: not found"}}"#, "false"),
            (r#"{"status":"failed"}"#, "false"),
        ] {
            let host = vault().answering(&[ACCEPTED, (200, end)]);
            assert!(!block_on(main(&host)));
            assert_eq!(login_performed(&host).unwrap(), format!("state login_performed={left}"), "{end}");
        }
    }

    #[test]
    fn login_performed_is_written_after_all_that_it_needs() {
        let host = passthrough().answering(&[ACCEPTED, SUCCEEDED]);
        block_on(main(&host));
        for key in ["api_url", "server_id", "cleanup", "registry_url", "api_key", "operation", "requested_at"] {
            assert!(position(&host, &format!("state {key}=")) < position(&host, "state login_performed=true"), "{key}");
        }
    }

    #[test]
    fn gitea_s_runner_gets_the_state_in_print_too_but_for_the_key() {
        let host = passthrough().with_env(&[("GITEA_ACTIONS", "true")]).answering(&[ACCEPTED, SUCCEEDED]);
        block_on(main(&host));
        let printed = host.events("command ::save-state");
        assert!(printed.contains(&"command ::save-state name=login_performed::true".to_owned()), "{printed:#?}");
        assert!(!printed.iter().any(|line| line.contains("api_key")));
    }

    #[test]
    fn post_warns_where_the_key_of_its_input_cannot_be_used() {
        let host = FakeHost::default()
            .with_state(&STATE)
            .with_state(&[("api_key", "")])
            .with_inputs(&[("api_key", "rca_a\nb")]);
        block_on(post(&host));
        assert!(host.events("send").is_empty());
        let warning = host.events("warning").join("\n");
        assert!(warning.contains("api_key is cut off or has white space inside"), "{warning}");
    }

    #[test]
    fn what_a_server_repeats_of_a_secret_is_redacted() {
        let host = passthrough().answering(&[ACCEPTED, DENIED]);
        block_on(main(&host));
        let shown = [host.events("info"), host.events("error")].concat().join("\n");
        assert!(shown.contains("denied: ***") && !shown.contains("hunter22"), "{shown}");
    }

    fn lost() -> Fault {
        Fault::Network { code: "ECONNRESET".into(), message: "socket hang up".into() }
    }

    fn refused() -> Fault {
        Fault::Network { code: "ECONNREFUSED".into(), message: String::new() }
    }

    #[test]
    fn what_may_pass_is_tried_again_one_line_each() {
        let host = vault()
            .answering_with(Err(refused()))
            .answering(&[(503, "busy"), (200, "<html>"), ACCEPTED])
            .answering_with(Err(lost()))
            .answering(&[(502, ""), SUCCEEDED]);
        assert!(block_on(main(&host)));
        let retries = host.events("info Retrying");
        assert_eq!(retries.len(), 5, "{retries:#?}");
        assert_eq!(
            retries[1],
            "info Retrying the login request in 0.5 s (attempt 3 of 6): Reoclo at api.reoclo.com answered 503 to the login request."
        );
        assert!(retries[4].contains("(attempt 3): "), "polls have no last attempt: {}", retries[4]);
    }

    #[test]
    fn a_login_request_is_made_at_most_6_times() {
        let host = vault().answering(&[(503, ""); 9]);
        assert!(!block_on(main(&host)));
        assert_eq!(host.events("send").len(), 6);
        assert_eq!(host.events("error").len(), 1);
    }

    #[test]
    fn what_is_final_is_tried_once() {
        for reply in
            [(400, ""), (401, ""), (403, ""), (404, ""), (422, ""), (501, ""), (302, ""), (200, "{}"), (200, "[1]")]
        {
            let host = vault().answering(&[reply]);
            assert!(!block_on(main(&host)));
            assert_eq!(host.events("send").len(), 1, "{reply:?}");
        }
    }

    #[test]
    fn polls_outlast_faults_until_the_deadline() {
        let host = vault().with_inputs(&[("timeout", "60")]).answering(&[ACCEPTED]).answering(&[(503, ""); 40]);
        assert!(!block_on(main(&host)));
        assert_eq!(host.now_ms(), 60_000.0);
        let error = host.events("error").pop().unwrap();
        assert!(error.contains("operation op-1 still ran on the server. Last failure: Reoclo at"), "{error}");
    }

    #[test]
    fn retry_after_is_honoured_when_it_fits_the_deadline() {
        for (header, waited) in
            [("7", 7_000.0), ("Sun, 06 Nov 1994 08:49:46 GMT", 9_000.0), ("3600", 250.0), ("soon", 250.0)]
        {
            let busy = Reply { status: 429, retry_after: Some(header.into()), ..Reply::default() };
            let host = vault().answering_with(Ok(busy)).answering(&[ACCEPTED, SUCCEEDED]);
            assert!(block_on(main(&host)));
            assert_eq!(host.now_ms(), waited, "{header}");
        }
    }

    #[test]
    fn a_registry_that_fails_for_the_moment_gets_a_new_login_at_most_three_in_all() {
        const FLAKY: (u16, &str) =
            (200, r#"{"status":"failed","result":{"exit_code":1,"stderr":"dial tcp: connection refused"}}"#);
        let host = vault().answering(&[ACCEPTED, FLAKY, ACCEPTED, SUCCEEDED]);
        assert!(block_on(main(&host)));
        assert_eq!(host.events("info Retrying the login in").len(), 1);

        let host = vault().answering(&[ACCEPTED, FLAKY, ACCEPTED, FLAKY, ACCEPTED, FLAKY, ACCEPTED]);
        assert!(!block_on(main(&host)));
        assert_eq!(host.events("send POST").len(), 3);
        assert_eq!(login_performed(&host).as_deref(), Some("state login_performed=false"));
    }

    #[test]
    fn a_denial_is_never_tried_again() {
        let host = vault().answering(&[ACCEPTED, DENIED, ACCEPTED, SUCCEEDED]);
        assert!(!block_on(main(&host)));
        assert_eq!(host.events("send POST").len(), 1);
    }

    #[test]
    fn a_request_whose_fate_is_unknown_keeps_the_logout_whatever_comes_after() {
        for after in [(403, "{}"), (401, "")] {
            let host = passthrough().answering_with(Err(lost())).answering(&[after]);
            assert!(!block_on(main(&host)));
            assert_eq!(login_performed(&host).as_deref(), Some("state login_performed=true"));
            assert_eq!(host.events("state login_uncertain").len(), 1);
        }
        let nothing_sent = passthrough().answering_with(Err(refused())).answering(&[(403, "{}")]);
        assert!(!block_on(main(&nothing_sent)));
        assert_eq!(login_performed(&nothing_sent).as_deref(), Some("state login_performed=false"));
    }

    #[test]
    fn a_new_login_forgets_the_operation_of_the_one_before() {
        const FLAKY: (u16, &str) = (200, r#"{"status":"failed","result":{"exit_code":1,"stderr":"i/o timeout"}}"#);
        let host = vault().answering(&[ACCEPTED, FLAKY]).cancelling();
        assert!(!block_on(main(&host)));
        assert_eq!(host.events("state operation=").pop().as_deref(), Some("state operation=requested"));
        assert_eq!(login_performed(&host).as_deref(), Some("state login_performed=true"));
    }

    #[test]
    fn a_cancelled_step_says_how_far_it_got_and_keeps_its_state() {
        let requested = passthrough().cancelling();
        let polling = passthrough().answering(&[ACCEPTED]).cancelling();
        for (host, words) in [(requested, "had not answered the login request"), (polling, "operation op-1 still ran")]
        {
            assert!(!block_on(main(&host)));
            let error = host.events("error").pop().unwrap();
            assert!(error.starts_with("error Cancelled: ") && error.contains(words), "{error}");
            assert_eq!(login_performed(&host).as_deref(), Some("state login_performed=true"));
            assert!(host.now_ms() <= 1_500.0);
        }
    }

    const STATE: [(&str, &str); 7] = [
        ("operation", "ended"),
        ("login_performed", "true"),
        ("cleanup", "true"),
        ("server_id", ID),
        ("registry_url", "ghcr.io"),
        ("api_key", "rca_key"),
        ("api_url", "https://api.example.com"),
    ];

    #[test]
    fn post_without_state_is_silent() {
        let host = vault();
        block_on(post(&host));
        assert!(host.events.borrow().is_empty());
    }

    #[test]
    fn post_logs_out_and_takes_any_2xx() {
        for reply in [(200, "{}"), (204, ""), (202, "<html>")] {
            let host = FakeHost::default().with_state(&STATE).answering(&[reply]);
            block_on(post(&host));
            assert_eq!(host.events("send").len(), 1);
            assert_eq!(host.events("info"), [format!("info Logged out of ghcr.io on server {ID}")]);
        }
    }

    #[test]
    fn post_waits_for_a_running_login_before_it_logs_out() {
        let host = FakeHost::default()
            .with_state(&STATE)
            .with_state(&[("operation", "running"), ("operation_id", "op-1")])
            .answering(&[RUNNING, SUCCEEDED, (200, "{}")]);
        block_on(post(&host));
        assert!(host.events("send").pop().unwrap().ends_with("/registry-auth/logout"));
        assert!(host.events("warning").is_empty());
    }

    #[test]
    fn post_does_not_log_out_a_login_that_failed_after_all() {
        let state = [("operation", "running"), ("operation_id", "op-1")];
        let host = FakeHost::default().with_state(&STATE).with_state(&state).answering(&[DENIED]);
        block_on(post(&host));
        assert_eq!(host.events("send").len(), 1, "only the poll");
    }

    #[test]
    fn post_never_takes_more_than_45_seconds_and_only_warns() {
        let host =
            FakeHost::default().with_state(&STATE).with_state(&[("operation", "running"), ("operation_id", "op-1")]);
        block_on(post(&host));
        assert!(host.now_ms() <= f64::from(POST_S) * 1000.0, "{} ms", host.now_ms());
        assert!(host.events("error").is_empty() && !host.events("warning").is_empty());
    }

    #[test]
    fn post_tries_a_logout_three_times_and_then_warns_once() {
        let host = FakeHost::default().with_state(&STATE).answering(&[(503, ""); 9]);
        block_on(post(&host));
        assert_eq!(host.events("send").len(), 3);
        assert_eq!(host.events("warning").len(), 1);
        let host = FakeHost::default().with_state(&STATE);
        block_on(post(&host));
        assert_eq!(host.events("send").len(), 3, "a silent API does not use up the time of the other attempts");
        assert!(host.now_ms() <= f64::from(POST_S) * 1000.0);
    }

    #[test]
    fn post_gives_a_login_that_was_cut_off_time_to_end_before_it_logs_out() {
        let wall_clock_ms = FakeHost::default().wall_clock_ms();
        for (ago_ms, waited_ms) in [(0.0, 20_000.0), (4_000.0, 16_000.0), (60_000.0, 0.0), (-9e9, 20_000.0)] {
            let at = ((wall_clock_ms - ago_ms) as u64).to_string();
            let state = [("operation", "requested"), ("requested_at", at.as_str())];
            let host = FakeHost::default().with_state(&STATE).with_state(&state).answering(&[(200, "{}")]);
            block_on(post(&host));
            assert_eq!(host.now_ms(), waited_ms);
            assert_eq!(host.events("send POST").len(), 1);
        }
    }

    #[test]
    fn post_logs_out_after_a_failed_login_if_an_earlier_one_is_uncertain() {
        let state = [("operation", "running"), ("operation_id", "op-1"), ("login_uncertain", "true")];
        let host = FakeHost::default().with_state(&STATE).with_state(&state).answering(&[DENIED, (200, "{}")]);
        block_on(post(&host));
        assert_eq!(host.events("send POST").len(), 1);
    }

    #[test]
    fn post_says_in_one_line_why_it_does_nothing() {
        for (state, line) in [
            (("login_performed", "false"), "No login to clean up."),
            (("cleanup", "false"), "stays logged in to ghcr.io"),
        ] {
            let host = FakeHost::default().with_state(&STATE).with_state(&[state]);
            block_on(post(&host));
            assert!(host.events("send").is_empty());
            assert_eq!(host.events("info").len(), 1);
            assert!(host.events("info")[0].contains(line));
        }
    }

    #[test]
    fn a_login_lost_before_its_registry_was_known_is_one_warning_that_names_the_server() {
        let host = FakeHost::default().with_state(&STATE).with_state(&[("registry_url", "")]);
        block_on(post(&host));
        assert!(host.events("send").is_empty());
        assert!(host.events("warning").len() == 1 && host.events("warning")[0].contains(ID));
    }
}
