//! HTTP by the global `fetch`: gloo-net builds the request and reads the reply.
//!
//! `fetch` itself is called here and not by gloo-net, which drops an error's `cause`, the one part that says why.

use super::{json, thrown};
use crate::client::REPLY_LIMIT_BYTES;
use crate::host::{Fault, Method, Reply, Request};
use gloo_net::http::{RequestBuilder, Response};
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

pub(super) async fn send(request: Request<'_>) -> Result<Reply, Fault> {
    let guard = Guard::starting(request.timeout_ms).map_err(|error| thrown::fault(&error))?;
    let outcome = exchange(request, &guard.signal()).await;
    if outcome.is_err() && guard.has_fired() { Err(Fault::TimedOut) } else { outcome }
}

async fn exchange(request: Request<'_>, signal: &AbortSignal) -> Result<Reply, Fault> {
    let fault = |error: JsValue| thrown::fault(&error);
    let response = JsFuture::from(fetch(&build(request, signal)?).map_err(fault)?).await.map_err(fault)?;
    let response: Response = response.dyn_into::<web_sys::Response>().map_err(fault)?.into();
    Ok(Reply {
        status: response.status(),
        location: response.headers().get("location"),
        retry_after: response.headers().get("retry-after"),
        date: response.headers().get("date"),
        body: read_body(&response).await?,
    })
}

fn build(request: Request<'_>, signal: &AbortSignal) -> Result<web_sys::Request, Fault> {
    let builder = RequestBuilder::new(&request.url)
        .method(match request.method {
            Method::Get => gloo_net::http::Method::GET,
            Method::Post => gloo_net::http::Method::POST,
        })
        .header("accept", "application/json")
        .header("authorization", request.authorization)
        .header("user-agent", USER_AGENT)
        .redirect(RequestRedirect::Manual)
        .abort_signal(Some(signal));
    let built = match request.body {
        Some(body) => builder.header("content-type", "application/json").body(json::text(body)),
        None => builder.build(),
    };
    built
        .map(web_sys::Request::from)
        .map_err(|error| Fault::Network { code: "ERR_INVALID_URL".to_owned(), message: error.to_string() })
}

/// Reads to the end, but never more than the limit: a body without a length could go on for ever.
async fn read_body(response: &Response) -> Result<String, Fault> {
    let fault = |error: JsValue| thrown::fault(&error);
    let Some(stream) = response.body() else { return Ok(String::new()) };
    let reader: ReadableStreamDefaultReader = stream.get_reader().unchecked_into();
    let mut body = Vec::new();
    loop {
        let chunk = JsFuture::from(reader.read()).await.map_err(fault)?;
        let value = Reflect::get(&chunk, &"value".into()).map_err(fault)?;
        let Ok(bytes) = value.dyn_into::<Uint8Array>() else { break };
        if body.len() + bytes.length() as usize > REPLY_LIMIT_BYTES {
            return Err(Fault::TooLarge);
        }
        body.extend(bytes.to_vec());
    }
    Ok(String::from_utf8_lossy(&body).into_owned())
}

/// Owns one request's abort signal and timer. Dropping it stops both, so neither a timer nor a half-read
/// reply keeps the process alive.
struct Guard {
    controller: AbortController,
    fired: Rc<Cell<bool>>,
    _timer: Timeout,
}

impl Guard {
    fn starting(timeout_ms: u32) -> Result<Self, JsValue> {
        let controller = AbortController::new()?;
        let fired = Rc::new(Cell::new(false));
        let timer = Timeout::new(timeout_ms, {
            let (controller, fired) = (controller.clone(), Rc::clone(&fired));
            move || {
                fired.set(true);
                controller.abort();
            }
        });
        Ok(Self { controller, fired, _timer: timer })
    }

    fn signal(&self) -> AbortSignal {
        self.controller.signal()
    }

    fn has_fired(&self) -> bool {
        self.fired.get()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.controller.abort();
    }
}
