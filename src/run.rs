//! The two recipes: `main` logs in, `post` logs out.

use crate::api::Run;
use crate::error::Error;
use crate::fleet;
use crate::host::Host;
use crate::inputs::RawInputs;
use crate::log::Log;
use crate::logout;
use crate::outputs::Outputs;
use crate::run_context::{self, RunContext};
use crate::secret::Masks;
use crate::state;

/// The main step; whether it succeeded.
pub(crate) async fn main(host: &impl Host) -> bool {
    let raw = RawInputs::read(host);
    let log = Log::masking(host, raw.masks(host));
    // Without a login the list is an empty one, which workflows can read like any other.
    let outputs = Outputs::new(host, &log);
    if let Some(input) = raw.skipped_for() {
        outputs.set_logins(&[]);
        log.notice(
            "Login skipped",
            &format!(
                "{input} is empty, as secrets are in runs that a fork or Dependabot has started, and if_missing is 'skip': \
                 nothing was sent."
            ),
        );
        return true;
    }
    match raw.check(host) {
        Ok(inputs) => fleet::log_in(host, &log, &inputs, &run(host)).await,
        Err(problems) => {
            outputs.set_logins(&[]);
            let error = Error::Inputs(problems);
            log.error(error.title(), &[error.explained()]);
            false
        }
    }
}

/// The post step. Whatever goes wrong is a warning: a job that has done its work must not fail in its cleanup.
pub(crate) async fn post(host: &impl Host) {
    let Some(saved) = state::load(host) else { return };
    let key = saved.api.as_ref().map_or_else(|_| host.input("api_key"), |(_, key)| key.expose().to_owned());
    // Those of the inputs, too, in case a server repeats them.
    let log = Log::masking(host, Masks::of(host, &key, &host.input("username"), &host.input("access_token")));
    logout::log_out(host, &log, &saved, &run(host)).await;
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
    use crate::state::{LastSeen, Record};

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

    /// What post would find of the first login.
    fn record(host: &FakeHost) -> Option<Record> {
        Record::parse(host.events("state login_1=").last()?.split_once('=')?.1)
    }

    fn is_logged_out_by_post(host: &FakeHost) -> bool {
        record(host).unwrap().last_seen != LastSeen::Failed
    }

    #[test]
    fn masks_come_before_anything_else() {
        for host in [vault(), passthrough(), vault().with_inputs(&[("server_id", "bad")])] {
            host.run(main(&host));
            let events = host.events.borrow();
            let last_mask = events.iter().rposition(|e| e.starts_with("mask ")).unwrap();
            assert!(events[..=last_mask].iter().all(|e| e.starts_with("mask ")), "{events:#?}");
        }
    }

    #[test]
    fn a_login_polls_until_it_has_ended_and_sets_outputs() {
        let host = vault().answering(&[ACCEPTED, RUNNING, RUNNING, SUCCEEDED]);
        assert!(host.run(main(&host)));
        assert_eq!(host.events("send").len(), 4);
        assert_eq!(host.now_ms(), 200.0);
        assert_eq!(
            host.events("output"),
            [
                "output operation_id=op-1",
                "output registry_url=ghcr.io",
                "output registry_type=ghcr",
                r#"output logins=[{"attempts":1,"auth_mode":"vault","credential_id":"0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11","duration_ms":200,"operation_id":"op-1","registry_type":"ghcr","registry_url":"ghcr.io","server_id":"0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11","server_name":"web-1"}]"#
            ]
        );
        assert!(host.events("error").is_empty() && host.events("warning").is_empty());
    }

    #[test]
    fn bad_input_is_one_error_and_no_request_and_no_state() {
        let host = vault().with_inputs(&[("server_id", "x"), ("cleanup", "yes")]);
        assert!(!host.run(main(&host)));
        assert_eq!(host.events("error").len(), 1);
        assert!(host.events("send").is_empty() && host.events("state").is_empty());
    }

    #[test]
    fn passthrough_state_names_the_registry_before_the_request() {
        let host = passthrough().answering(&[ACCEPTED, SUCCEEDED]);
        assert!(host.run(main(&host)));
        let first = format!("state login_1={ID} 1 requested 784111777000 certain - ghcr.io -");
        assert!(position(&host, &first) < position(&host, "send POST"));
        assert!(host.events("state").iter().all(|e| !e.contains("hunter22")));
    }

    #[test]
    fn vault_state_names_the_registry_as_soon_as_the_reply_does() {
        let host = vault().answering(&[ACCEPTED, SUCCEEDED]);
        assert!(host.run(main(&host)));
        let named = format!("state login_1={ID} 1 running 784111777000 certain op-1 ghcr.io -");
        assert!(position(&host, &named) < position(&host, "send GET"));
        assert!(position(&host, &named) < position(&host, "output"));
        assert!(position(&host, "output registry_type=") < position(&host, "send GET"));
    }

    #[test]
    fn a_definite_failure_is_taken_back_from_state() {
        let refused = passthrough().answering(&[(403, r#"{"detail":"no"}"#)]);
        let denied = passthrough().answering(&[ACCEPTED, DENIED]);
        for host in [refused, denied] {
            assert!(!host.run(main(&host)));
            assert!(!is_logged_out_by_post(&host));
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
            assert!(!host.run(main(&host)));
            assert!(is_logged_out_by_post(&host));
        }
    }

    #[test]
    fn the_deadline_ends_the_wait_and_says_how_far_it_got() {
        let host = vault().with_inputs(&[("timeout", "2")]).answering(&[ACCEPTED]).answering(&[RUNNING; 99]);
        assert!(!host.run(main(&host)));
        assert_eq!(host.now_ms(), 2_000.0);
        let error = host.events("error").pop().unwrap();
        assert!(error.contains("within 2 s: operation op-1 still ran"), "{error}");
    }

    #[test]
    fn docker_s_own_log_lines_do_not_crowd_out_its_words() {
        let stderr = r#"time=\"2026\" level=info msg=\"trying next\"\nError: 401 Unauthorized\n"#;
        let failed = format!(r#"{{"status":"failed","result":{{"exit_code":1,"stderr":"{stderr}"}}}}"#);
        let host = vault().answering(&[ACCEPTED, (200, &failed)]);
        host.run(main(&host));
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
                host.run(main(&host));
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
            assert!(!host.run(main(&host)));
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
        assert!(host.run(main(&host)));
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
            assert!(!host.run(main(&host)));
            assert_eq!(record(&host).unwrap().registry_url.as_deref(), Some("ghcr.io"));
            assert!(is_logged_out_by_post(&host));
        }
    }

    #[test]
    fn what_a_failed_operation_leaves_behind_depends_on_whether_docker_ran() {
        for (end, left) in [
            (r#"{"status":"failed","result":{"exit_code":0}}"#, true),
            (r#"{"status":"completed","result":{}}"#, true),
            (r#"{"status":"failed","result":{"stderr":"docker: not found"}}"#, false),
            (r#"{"status":"failed"}"#, false),
        ] {
            let host = vault().answering(&[ACCEPTED, (200, end)]);
            assert!(!host.run(main(&host)));
            assert_eq!(is_logged_out_by_post(&host), left, "{end}");
        }
    }

    #[test]
    fn a_login_s_record_is_written_after_all_that_it_needs() {
        let host = passthrough().answering(&[ACCEPTED, SUCCEEDED]);
        host.run(main(&host));
        for key in ["api_url", "cleanup", "api_key"] {
            assert!(position(&host, &format!("state {key}=")) < position(&host, "state login_1="), "{key}");
        }
    }

    #[test]
    fn gitea_s_runner_gets_the_state_in_print_too_but_for_the_key() {
        let host = passthrough().with_env(&[("GITEA_ACTIONS", "true")]).answering(&[ACCEPTED, SUCCEEDED]);
        host.run(main(&host));
        let printed = host.events("command ::save-state");
        let last = format!("command ::save-state name=login_1::{ID} 1 ended 784111777000 certain op-1 ghcr.io web-1");
        assert_eq!(printed.last(), Some(&last));
        assert!(!printed.iter().any(|line| line.contains("api_key")));
    }

    #[test]
    fn post_warns_where_the_key_of_its_input_cannot_be_used() {
        let host = left(ENDED).with_state(&[("api_key", "")]).with_inputs(&[("api_key", "rca_a\nb")]);
        host.run(post(&host));
        assert!(host.events("send").is_empty());
        let warning = host.events("warning").join("\n");
        assert!(warning.contains("api_key is cut off or has white space inside"), "{warning}");
    }

    #[test]
    fn what_a_server_repeats_of_a_secret_is_redacted() {
        let host = passthrough().answering(&[ACCEPTED, DENIED]);
        host.run(main(&host));
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
        assert!(host.run(main(&host)));
        let retries = host.events("info Retrying");
        assert_eq!(retries.len(), 5, "{retries:#?}");
        assert_eq!(
            retries[1],
            "info Retrying the login request in 0.5 s (attempt 3 of 6): Reoclo at api.reoclo.com answered 503 to the login request."
        );
        assert!(retries[4].contains("(attempt 3): "), "polls have no last attempt: {}", retries[4]);
    }

    #[test]
    fn the_state_tells_when_the_login_was_last_requested() {
        let host = vault().answering(&[(503, ""); 2]).answering(&[ACCEPTED, SUCCEEDED]);
        assert!(host.run(main(&host)));
        // The third request came after waits of 250 and 500 ms.
        assert_eq!(record(&host).unwrap().requested_at_ms, 784_111_777_750);
    }

    #[test]
    fn a_login_request_is_made_at_most_6_times() {
        let host = vault().answering(&[(503, ""); 9]);
        assert!(!host.run(main(&host)));
        assert_eq!(host.events("send").len(), 6);
        assert_eq!(host.events("error").len(), 1);
    }

    #[test]
    fn what_is_final_is_tried_once() {
        for reply in
            [(400, ""), (401, ""), (403, ""), (404, ""), (422, ""), (501, ""), (302, ""), (200, "{}"), (200, "[1]")]
        {
            let host = vault().answering(&[reply]);
            assert!(!host.run(main(&host)));
            assert_eq!(host.events("send").len(), 1, "{reply:?}");
        }
    }

    #[test]
    fn polls_outlast_faults_until_the_deadline() {
        let host = vault().with_inputs(&[("timeout", "60")]).answering(&[ACCEPTED]).answering(&[(503, ""); 40]);
        assert!(!host.run(main(&host)));
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
            assert!(host.run(main(&host)));
            assert_eq!(host.now_ms(), waited, "{header}");
        }
    }

    #[test]
    fn a_registry_that_fails_for_the_moment_gets_a_new_login_at_most_three_in_all() {
        const FLAKY: (u16, &str) =
            (200, r#"{"status":"failed","result":{"exit_code":1,"stderr":"dial tcp: connection refused"}}"#);
        let host = vault().answering(&[ACCEPTED, FLAKY, ACCEPTED, SUCCEEDED]);
        assert!(host.run(main(&host)));
        assert_eq!(host.events("info Retrying the login in").len(), 1);

        let host = vault().answering(&[ACCEPTED, FLAKY, ACCEPTED, FLAKY, ACCEPTED, FLAKY, ACCEPTED]);
        assert!(!host.run(main(&host)));
        assert_eq!(host.events("send POST").len(), 3);
        assert!(!is_logged_out_by_post(&host));
    }

    #[test]
    fn a_denial_is_never_tried_again() {
        let host = vault().answering(&[ACCEPTED, DENIED, ACCEPTED, SUCCEEDED]);
        assert!(!host.run(main(&host)));
        assert_eq!(host.events("send POST").len(), 1);
    }

    #[test]
    fn a_request_whose_fate_is_unknown_keeps_the_logout_whatever_comes_after() {
        for after in [(403, "{}"), (401, "")] {
            let host = passthrough().answering_with(Err(lost())).answering(&[after]);
            assert!(!host.run(main(&host)));
            assert!(is_logged_out_by_post(&host));
            assert!(record(&host).unwrap().uncertain);
        }
        let nothing_sent = passthrough().answering_with(Err(refused())).answering(&[(403, "{}")]);
        assert!(!nothing_sent.run(main(&nothing_sent)));
        assert!(!is_logged_out_by_post(&nothing_sent));
    }

    #[test]
    fn a_new_login_forgets_the_operation_of_the_one_before() {
        const FLAKY: (u16, &str) = (200, r#"{"status":"failed","result":{"exit_code":1,"stderr":"i/o timeout"}}"#);
        let host = vault().answering(&[ACCEPTED, FLAKY]).cancelling();
        assert!(!host.run(main(&host)));
        assert_eq!(record(&host).unwrap().last_seen, LastSeen::Requested);
        assert!(is_logged_out_by_post(&host));
    }

    #[test]
    fn a_cancelled_step_says_how_far_it_got_and_keeps_its_state() {
        let requested = passthrough().cancelling();
        let polling = passthrough().answering(&[ACCEPTED]).cancelling();
        for (host, words) in [(requested, "had not answered the login request"), (polling, "operation op-1 still ran")]
        {
            assert!(!host.run(main(&host)));
            let error = host.events("error").pop().unwrap();
            assert!(error.starts_with("error Cancelled: ") && error.contains(words), "{error}");
            assert!(is_logged_out_by_post(&host));
            assert!(host.now_ms() <= 1_500.0);
        }
    }

    /// What main has left, with one login's record after its server and credential.
    fn left(record: &str) -> FakeHost {
        FakeHost::default().with_state(&[
            ("cleanup", "true"),
            ("api_key", "rca_key"),
            ("api_url", "https://api.example.com"),
            ("login_1", &format!("{ID} 1 {record}")),
        ])
    }

    const ENDED: &str = "ended 7 certain op-1 ghcr.io -";
    const RAN: &str = "running 7 certain op-1 ghcr.io -";

    #[test]
    fn post_without_state_is_silent() {
        let host = vault();
        host.run(post(&host));
        assert!(host.events.borrow().is_empty());
    }

    #[test]
    fn post_logs_out_and_takes_any_2xx() {
        for reply in [(200, "{}"), (204, ""), (202, "<html>")] {
            let host = left(ENDED).answering(&[reply]);
            host.run(post(&host));
            assert_eq!(host.events("send").len(), 1);
            assert_eq!(host.events("info"), [format!("info Logged out of ghcr.io on server {ID}")]);
        }
    }

    #[test]
    fn post_waits_for_a_running_login_before_it_logs_out() {
        let host = left(RAN).answering(&[RUNNING, SUCCEEDED, (200, "{}")]);
        host.run(post(&host));
        assert!(host.events("send").pop().unwrap().ends_with("/registry-auth/logout"));
        assert!(host.events("warning").is_empty());
    }

    #[test]
    fn post_does_not_log_out_a_login_that_failed_after_all() {
        let host = left(RAN).answering(&[DENIED]);
        host.run(post(&host));
        assert_eq!(host.events("send").len(), 1, "only the poll");
    }

    #[test]
    fn post_never_takes_more_than_45_seconds_and_only_warns() {
        let host = left(RAN);
        host.run(post(&host));
        assert!(host.now_ms() <= f64::from(POST_S) * 1000.0, "{} ms", host.now_ms());
        assert!(host.events("error").is_empty() && !host.events("warning").is_empty());
    }

    #[test]
    fn post_tries_a_logout_three_times_and_then_warns_once() {
        let host = left(ENDED).answering(&[(503, ""); 9]);
        host.run(post(&host));
        assert_eq!(host.events("send").len(), 3);
        assert_eq!(host.events("warning").len(), 1);
        let host = left(ENDED);
        host.run(post(&host));
        assert_eq!(host.events("send").len(), 3, "a silent API does not use up the time of the other attempts");
        assert!(host.now_ms() <= f64::from(POST_S) * 1000.0);
    }

    #[test]
    fn post_gives_a_login_that_was_cut_off_time_to_end_before_it_logs_out() {
        let wall_clock_ms = FakeHost::default().wall_clock_ms();
        for (ago_ms, waited_ms) in [(0.0, 20_000.0), (4_000.0, 16_000.0), (60_000.0, 0.0), (-9e9, 20_000.0)] {
            let at_ms = (wall_clock_ms - ago_ms) as u64;
            let host = left(&format!("requested {at_ms} certain - ghcr.io -")).answering(&[(200, "{}")]);
            host.run(post(&host));
            assert_eq!(host.now_ms(), waited_ms);
            assert_eq!(host.events("send POST").len(), 1);
        }
    }

    #[test]
    fn post_logs_out_after_a_failed_login_if_an_earlier_one_is_uncertain() {
        let host = left("running 7 uncertain op-1 ghcr.io -").answering(&[DENIED, (200, "{}")]);
        host.run(post(&host));
        assert_eq!(host.events("send POST").len(), 1);
    }

    #[test]
    fn post_says_in_one_line_why_it_does_nothing() {
        for (host, line) in [
            (left("failed 7 certain op-1 ghcr.io -"), "No login to clean up."),
            (left(ENDED).with_state(&[("cleanup", "false")]), "stays logged in to ghcr.io"),
        ] {
            host.run(post(&host));
            assert!(host.events("send").is_empty());
            assert_eq!(host.events("info").len(), 1);
            assert!(host.events("info")[0].contains(line));
        }
    }

    #[test]
    fn a_login_lost_before_its_registry_was_known_is_one_warning_that_names_the_server() {
        let host = left("requested 7 certain - - -");
        host.run(post(&host));
        assert!(host.events("send").is_empty());
        assert!(host.events("warning").len() == 1 && host.events("warning")[0].contains(ID));
    }
}
