//! The JavaScript boundary, run as WebAssembly in Node: `make wasm`.
//!
//! Only what `src/js` does is tested here; the logic is tested on the host, the whole action end to end.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::expect_used, clippy::panic)]

use reoclo_docker_auth::js::{JsHost, run_main, run_post};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

/// A host that records every call as a line, and a `fetch` to go with it. `behaviour` is the body of
/// `async fetch(request, host)`.
fn host(inputs: &str, behaviour: &str) -> JsHost {
    let script = format!(
        r#"(() => {{
            const calls = [];
            const inputs = {inputs};
            const id = '0b8f7a52-5c3e-4a8e-9d0c-3f1f7f6d2a11';
            const all = {{ api_key: 'rca_key', server_id: id, credential_id: id, api_url: 'http://127.0.0.1:9999', ...inputs }};
            const host = {{
                calls,
                input: (name) => all[name] ?? '',
                env: (name) => (name === 'GITHUB_STATE' ? '/state' : ''),
                state: (key) => inputs.state?.[key] ?? '',
                saveState: (key, value) => {{
                    if (inputs.state === 'broken') throw new Error('Missing file at path');
                    calls.push(`state ${{key}}=${{value}}`);
                }},
                setOutput: (name, value) => calls.push(`output ${{name}}=${{value}}`),
                setSecret: (value) => calls.push(`mask ${{value}}`),
                info: (line) => calls.push(`info ${{line}}`),
                appendSummary: (markdown) => calls.push(`summary ${{markdown}}`),
                notice: (message, title) => calls.push(`notice ${{title}}|${{message}}`),
                warning: (message, title) => calls.push(`warning ${{title}}|${{message}}`),
                error: (message, title) => calls.push(`error ${{title}}|${{message}}`),
                command: (line) => calls.push(`command ${{line}}`),
                now: () => performance.now(),
                cancelled: () => new Promise(() => {{}}),
                sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
                base64: btoa,
                decodeBase64: atob,
            }};
            globalThis.fetch = async (request) => {{ {behaviour} }};
            return host;
        }})()"#
    );
    js_sys::eval(&script).expect("the script runs").unchecked_into()
}

fn calls(host: &JsValue) -> String {
    let calls = js_sys::Reflect::get(host, &"calls".into()).expect("calls");
    js_sys::Array::from(&calls).join("\n").into()
}

async fn main_with(inputs: &str, behaviour: &str) -> (bool, String) {
    let host = host(inputs, behaviour);
    let record: JsValue = AsRef::<JsValue>::as_ref(&host).clone();
    (run_main(host).await, calls(&record))
}

const API: &str = r#"
    const of = (k) => request.headers.get(k);
    host.calls.push(`send ${request.method} ${request.url} ${request.redirect} ${of('authorization')} ${of('user-agent')}`);
    const body = request.method === 'POST'
        ? { operation_id: 'op-1', status: 'running', registry_url: 'ghcr.io', registry_type: 'ghcr' }
        : { status: 'completed', result: { exit_code: 0, stdout: 'Login Succeeded\n' } };
    return Response.json(body);
"#;

#[wasm_bindgen_test]
async fn requests_carry_the_key_and_the_version_and_follow_no_redirect() {
    let (succeeded, calls) = main_with("{}", API).await;
    assert!(succeeded, "{calls}");
    let post = "send POST http://127.0.0.1:9999/api/automation/v1/registry-auth/login manual Bearer rca_key reoclo-docker-auth/";
    assert!(calls.contains(post), "{calls}");
    assert!(calls.contains("send GET http://127.0.0.1:9999/api/automation/v1/operations/op-1 manual"), "{calls}");
    assert!(calls.contains("output registry_type=ghcr"), "{calls}");
}

#[wasm_bindgen_test]
async fn a_reply_is_read_by_what_its_values_are() {
    for (reply, told) in [
        (r#"{"status":"completed","result":{"exit_code":0.0}}"#, "Logged server"),
        (
            r#"{"__proto__":{"status":"failed"},"status":"completed","result":{"exit_code":0},"server_name":"web"}"#,
            "Logged web (",
        ),
        (r#"{"status":"completed","result":{"exit_code":0.5}}"#, "exit_code is not an integer"),
        (r#"{"status":"completed","result":{"exit_code":1e400}}"#, "exit_code is not an integer"),
        (r#"{"status":"completed","result":{"exit_code":"0"}}"#, "exit_code is not an integer"),
        (r#"{"status":true}"#, "status is not a word"),
        (r#"["completed"]"#, "status is not a word"),
        ("null", "status is not a word"),
    ] {
        let (_, calls) = main_with(
            "{}",
            &API.replace(
                "return Response.json(body);",
                &format!("return request.method === 'POST' ? Response.json(body) : new Response('{reply}');"),
            ),
        )
        .await;
        assert!(calls.contains(told), "{reply}: {calls}");
    }
}

#[wasm_bindgen_test]
async fn post_logs_out_with_what_state_says() {
    let state =
        "{ state: { login_1: 's 1 ended 7 certain op-1 ghcr.io -', api_key: 'rca_k', api_url: 'http://127.0.0.1:9' } }";
    let host = host(state, API);
    let record: JsValue = AsRef::<JsValue>::as_ref(&host).clone();
    run_post(host).await;
    assert!(calls(&record).contains("info Logged out of ghcr.io on server s"), "{}", calls(&record));
}

#[wasm_bindgen_test]
async fn the_cause_of_a_failed_fetch_is_told() {
    let refused = "throw new TypeError('fetch failed', { cause: Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9999'), { code: 'ECONNREFUSED' }) });";
    let (succeeded, calls) = main_with("{}", refused).await;
    assert!(!succeeded && calls.contains("ECONNREFUSED"), "{calls}");
}

#[wasm_bindgen_test]
async fn whatever_fetch_throws_or_returns_is_an_error_and_no_panic() {
    for behaviour in ["throw 'a string';", "throw undefined;", "return { status: 200 };", "return undefined;"] {
        let (succeeded, calls) = main_with("{}", behaviour).await;
        assert!(!succeeded && calls.contains("error "), "{behaviour}: {calls}");
    }
}

#[wasm_bindgen_test]
async fn a_request_is_aborted_when_its_time_is_up() {
    let silent = "return new Promise((_, reject) => request.signal.addEventListener('abort', () => { host.calls.push('aborted'); reject(request.signal.reason); }));";
    let (succeeded, calls) = main_with("{ timeout: '1' }", silent).await;
    assert!(!succeeded && calls.contains("aborted") && calls.contains("did not end within 1 s"), "{calls}");
}

#[wasm_bindgen_test]
async fn a_body_without_end_is_not_read_for_ever() {
    let endless = "return new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(1 << 20)) }));";
    let (succeeded, calls) = main_with("{}", endless).await;
    assert!(!succeeded && calls.contains("more than 16 MiB"), "{calls}");
}

#[wasm_bindgen_test]
async fn state_that_cannot_be_saved_is_one_warning_with_its_reason() {
    let (succeeded, calls) = main_with("{ state: 'broken' }", API).await;
    assert!(succeeded && calls.contains("Missing file at path"), "{calls}");
    assert_eq!(calls.matches("warning ").count(), 1, "{calls}");
}

#[wasm_bindgen_test]
async fn a_panic_becomes_a_javascript_error_that_does_not_tell_what() {
    main_with("{ server_id: '' }", API).await;
    let panics = Closure::<dyn FnMut()>::new(|| panic!("hunter22"));
    let thrown = panics.as_ref().unchecked_ref::<js_sys::Function>().call0(&JsValue::NULL).expect_err("it panics");
    assert_eq!(String::from(thrown.unchecked_into::<js_sys::Error>().message()), "unreachable");
    std::mem::forget(panics);
}

#[wasm_bindgen_test]
async fn the_list_of_logins_is_json_and_no_summary_is_written_where_there_is_none() {
    let inputs = "{ job_summary: 'true' }";
    let (succeeded, calls) = main_with(inputs, API).await;
    assert!(succeeded, "{calls}");
    let list = calls.lines().find_map(|call| call.strip_prefix("output logins=")).unwrap_or_default();
    let list: js_sys::Array = js_sys::JSON::parse(list).expect("JSON").unchecked_into();
    assert_eq!(js_sys::Reflect::get(&list.get(0), &"attempts".into()).ok(), Some(1.into()));
    assert!(!calls.contains("summary "), "without a variable there is no summary: {calls}");
}
