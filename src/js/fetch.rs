//! HTTP through the global `fetch`: gloo-net builds the request and reads the response.
//!
//! `fetch` itself is called here and not by gloo-net, which drops the `cause` of an error, its only useful part.

use super::error;
use crate::host::{MAX_RESPONSE_BYTES, Method, NOT_SENT, RESPONSE_HEADERS, Request, Response, TransportError};
use gloo_net::http::{self, RequestBuilder};
use gloo_timers::callback::Timeout;
use js_sys::{Promise, Reflect, Uint8Array};
use std::cell::Cell;
use std::rc::Rc;
use wasm_bindgen::prelude::{JsCast, JsValue, wasm_bindgen};
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, ReadableStreamDefaultReader, RequestRedirect};

const USER_AGENT: &str =
    concat!("reoclo-docker-auth/", env!("CARGO_PKG_VERSION"), " (+https://github.com/reoclo/docker-auth)");

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch)]
    fn fetch(request: &web_sys::Request) -> Result<Promise, JsValue>;
}

pub(super) async fn send(request: Request<'_>) -> Result<Response, TransportError> {
    let guard = RequestGuard::start(request.timeout_ms).map_err(|thrown| error::transport(&thrown))?;
    let result = send_with(request, &guard.signal()).await;
    match result {
        Err(TransportError::Network { code, .. }) if guard.has_timed_out() => {
            Err(TransportError::TimedOut { was_sent: code != NOT_SENT })
        }
        result => result,
    }
}

async fn send_with(request: Request<'_>, signal: &AbortSignal) -> Result<Response, TransportError> {
    let failed = |thrown: JsValue| error::transport(&thrown);
    let response = JsFuture::from(fetch(&build(request, signal)?).map_err(failed)?).await.map_err(failed)?;
    let response: http::Response = response.dyn_into::<web_sys::Response>().map_err(failed)?.into();
    Ok(Response {
        status: response.status(),
        headers: RESPONSE_HEADERS
            .iter()
            .filter_map(|name| response.headers().get(name).map(|value| (*name, value)))
            .collect(),
        body: read_body(&response).await?,
    })
}

fn build(request: Request<'_>, signal: &AbortSignal) -> Result<web_sys::Request, TransportError> {
    let builder = RequestBuilder::new(&request.url)
        .method(match request.method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
        })
        .header("accept", "application/json")
        .header("authorization", request.authorization)
        .header("user-agent", USER_AGENT)
        .redirect(RequestRedirect::Manual)
        .abort_signal(Some(signal));
    let built = match request.body {
        Some(body) => builder.header("content-type", "application/json").body(body),
        None => builder.build(),
    };
    built
        .map(web_sys::Request::from)
        .map_err(|error| TransportError::Network { code: "ERR_INVALID_URL".to_owned(), message: error.to_string() })
}

/// Reads the body up to the limit: a body without a length could be endless.
async fn read_body(response: &http::Response) -> Result<String, TransportError> {
    let failed = |thrown: JsValue| error::transport(&thrown);
    let Some(stream) = response.body() else { return Ok(String::new()) };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut body = Vec::new();
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(failed)?;
        let value = Reflect::get(&chunk, &"value".into()).map_err(failed)?;
        let Ok(bytes) = value.dyn_into::<Uint8Array>() else { break };
        if body.len() + bytes.length() as usize > MAX_RESPONSE_BYTES {
            return Err(TransportError::TooLarge);
        }
        body.extend(bytes.to_vec());
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Owns the abort signal and the timer of one request. Dropping it stops both, so that neither a timer nor an unread
/// response keeps the process alive.
struct RequestGuard {
    controller: AbortController,
    timed_out: Rc<Cell<bool>>,
    _timer: Timeout,
}

impl RequestGuard {
    fn start(timeout_ms: u32) -> Result<Self, JsValue> {
        let controller = AbortController::new()?;
        let timed_out = Rc::new(Cell::new(false));
        let timer = Timeout::new(timeout_ms, {
            let (controller, timed_out) = (controller.clone(), Rc::clone(&timed_out));
            move || {
                timed_out.set(true);
                controller.abort();
            }
        });
        Ok(Self { controller, timed_out, _timer: timer })
    }

    fn signal(&self) -> AbortSignal {
        self.controller.signal()
    }

    fn has_timed_out(&self) -> bool {
        self.timed_out.get()
    }
}

impl Drop for RequestGuard {
    fn drop(&mut self) {
        self.controller.abort();
    }
}
