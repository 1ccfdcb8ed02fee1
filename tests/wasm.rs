//! The JavaScript boundary, run as WebAssembly in Node: `make wasm`.
//!
//! Only `src/js` is tested here. The logic is tested on the host, the whole action end to end.
#![cfg(target_arch = "wasm32")]
#![allow(clippy::expect_used, clippy::panic)]

use reoclo_docker_auth::js::{JsHost, run_main, run_post};
use wasm_bindgen::prelude::*;
use wasm_bindgen_test::wasm_bindgen_test;

/// A host that records every call as a line, and a global `fetch`. `behaviour` is the body of
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
                inputs: () => all,
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
                panicked: (description) => calls.push(`panic ${{description}}`),
                monotonicMs: () => performance.now(),
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
async fn requests_have_key_and_version_and_follow_no_redirect() {
    let (succeeded, calls) = main_with("{}", API).await;
    assert!(succeeded, "{calls}");
    let post = "send POST http://127.0.0.1:9999/api/automation/v1/registry-auth/login manual Bearer rca_key reoclo-docker-auth/";
    assert!(calls.contains(post), "{calls}");
    assert!(calls.contains("send GET http://127.0.0.1:9999/api/automation/v1/operations/op-1 manual"), "{calls}");
    assert!(calls.contains("output registry_type=ghcr"), "{calls}");
}

const UNEXPECTED: &str =
    "returned an unexpected response: status or result (exit_code, stdout, stderr) is missing or invalid";

#[wasm_bindgen_test]
async fn responses_are_read_by_type() {
    for (response, expected) in [
        (r#"{"status":"completed","result":{"exit_code":0.0}}"#, "Logged in to ghcr.io on server"),
        (
            r#"{"__proto__":{"status":"failed"},"status":"completed","result":{"exit_code":0},"server_name":"web"}"#,
            "Logged in to ghcr.io on web (",
        ),
        (r#"{"status":"completed","result":{"exit_code":0.5}}"#, UNEXPECTED),
        (r#"{"status":"completed","result":{"exit_code":1e400}}"#, UNEXPECTED),
        (r#"{"status":"completed","result":{"exit_code":"0"}}"#, UNEXPECTED),
        (r#"{"status":true}"#, UNEXPECTED),
        (r#"["completed"]"#, UNEXPECTED),
        ("null", UNEXPECTED),
    ] {
        let (_, calls) = main_with(
            "{}",
            &API.replace(
                "return Response.json(body);",
                &format!("return request.method === 'POST' ? Response.json(body) : new Response('{response}');"),
            ),
        )
        .await;
        assert!(calls.contains(expected), "{response}: {calls}");
    }
}

#[wasm_bindgen_test]
async fn post_logs_out_what_state_contains() {
    let state =
        "{ state: { login_1: 's 1 ended 7 certain op-1 ghcr.io -', api_key: 'rca_k', api_url: 'http://127.0.0.1:9' } }";
    let host = host(state, API);
    let record: JsValue = AsRef::<JsValue>::as_ref(&host).clone();
    run_post(host).await;
    assert!(calls(&record).contains("info Logged out of ghcr.io on server s"), "{}", calls(&record));
}

#[wasm_bindgen_test]
async fn shows_the_cause_of_a_failed_fetch() {
    let refused = "throw new TypeError('fetch failed', { cause: Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:9999'), { code: 'ECONNREFUSED' }) });";
    let (succeeded, calls) = main_with("{}", refused).await;
    assert!(!succeeded && calls.contains("ECONNREFUSED"), "{calls}");
}

#[wasm_bindgen_test]
async fn anything_that_fetch_throws_is_an_error() {
    for behaviour in ["throw 'a string';", "throw undefined;", "return { status: 200 };", "return undefined;"] {
        let (succeeded, calls) = main_with("{}", behaviour).await;
        assert!(!succeeded && calls.contains("error "), "{behaviour}: {calls}");
    }
}

#[wasm_bindgen_test]
async fn aborts_a_request_after_its_timeout() {
    let silent = "return new Promise((_, reject) => request.signal.addEventListener('abort', () => { host.calls.push('aborted'); reject(request.signal.reason); }));";
    let (succeeded, calls) = main_with("{ timeout: '1' }", silent).await;
    assert!(!succeeded && calls.contains("aborted") && calls.contains("did not finish within 1 s"), "{calls}");
}

#[wasm_bindgen_test]
async fn stops_reading_an_endless_body() {
    let endless = "return new Response(new ReadableStream({ pull: (c) => c.enqueue(new Uint8Array(1 << 20)) }));";
    let (succeeded, calls) = main_with("{}", endless).await;
    assert!(!succeeded && calls.contains("more than 16 MiB"), "{calls}");
}

#[wasm_bindgen_test]
async fn unsaved_state_is_one_warning() {
    let (succeeded, calls) = main_with("{ state: 'broken' }", API).await;
    assert!(succeeded && calls.contains("Missing file at path"), "{calls}");
    assert_eq!(calls.matches("warning ").count(), 1, "{calls}");
}

#[wasm_bindgen_test]
async fn limits_the_values_of_responses() {
    let (succeeded, calls) = main_with("{}", "return Response.json({ a: Array(1e6).fill(0) });").await;
    assert!(!succeeded && calls.contains("returned an unexpected response: too many values."), "{calls}");
}

#[wasm_bindgen_test]
async fn skips_unknown_fields_however_deep() {
    let deep = API.replace(
        "return Response.json(body);",
        "return new Response(JSON.stringify(body).replace('{', `{\"deep\":${'['.repeat(1e5)}${']'.repeat(1e5)},`));",
    );
    let (succeeded, calls) = main_with("{}", &deep).await;
    assert!(succeeded, "{calls}");
}

#[wasm_bindgen_test]
async fn shows_no_value_of_an_unexpected_response() {
    let secret = "return Response.json({ registry_url: { hunter22: 'hunter22' }, operation_id: 'hunter22' });";
    let (succeeded, calls) = main_with("{}", secret).await;
    assert!(!succeeded && !calls.contains("hunter22"), "{calls}");
}

#[wasm_bindgen_test]
async fn a_panic_reports_its_place_and_redacted_message() {
    let host = host("{ api_key: 'rca_hunter22', server_id: '' }", API);
    let record: JsValue = AsRef::<JsValue>::as_ref(&host).clone();
    run_main(host).await;
    let panics = Closure::<dyn FnMut()>::new(|| panic!("key rca_hunter22 ::error::x"));
    panics.as_ref().unchecked_ref::<js_sys::Function>().call0(&JsValue::NULL).expect_err("it panics");
    let calls = calls(&record);
    let panic =
        calls.lines().find_map(|call| call.strip_prefix("panic panicked at tests/wasm.rs:")).unwrap_or_default();
    assert!(panic.ends_with(": key *** : :error: :x"), "{calls}");
    std::mem::forget(panics);
}

#[wasm_bindgen_test]
async fn logins_are_json_without_summary_file() {
    let inputs = "{ job_summary: 'true' }";
    let (succeeded, calls) = main_with(inputs, API).await;
    assert!(succeeded, "{calls}");
    let list = calls.lines().find_map(|call| call.strip_prefix("output logins=")).unwrap_or_default();
    let list: js_sys::Array = js_sys::JSON::parse(list).expect("JSON").unchecked_into();
    assert_eq!(js_sys::Reflect::get(&list.get(0), &"attempts".into()).ok(), Some(1.into()));
    assert!(!calls.contains("summary "), "there is no summary without its variable: {calls}");
}
