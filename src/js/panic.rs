//! Panics: a panic ends as a trap, of which JavaScript sees only "unreachable". The hook passes on message and place.

use super::js_host::JsHost;
use std::cell::RefCell;
use std::panic::{PanicHookInfo, set_hook};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::JsValue;

type Redact = Box<dyn Fn(&str) -> String>;

thread_local! {
    static HOST: RefCell<Option<JsHost>> = const { RefCell::new(None) };
    static REDACT: RefCell<Option<Redact>> = const { RefCell::new(None) };
}

/// From now on a panic calls `host.panicked` before it traps.
pub(super) fn report_to(host: &JsHost) {
    let host = AsRef::<JsValue>::as_ref(host).clone().unchecked_into();
    HOST.with_borrow_mut(|current| *current = Some(host));
    set_hook(Box::new(|panic| {
        let description = describe(panic);
        HOST.with_borrow(|host| host.iter().for_each(|host| host.panicked(&description)));
    }));
}

/// From now on the message of a panic is reported too, redacted.
pub(super) fn redact_with(redact: impl Fn(&str) -> String + 'static) {
    REDACT.with_borrow_mut(|current| *current = Some(Box::new(redact)));
}

/// `panicked at src/step.rs:20:5: message`.
fn describe(panic: &PanicHookInfo<'_>) -> String {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let message = panic.payload_as_str().unwrap_or_default();
    // Before the secrets are known, a message could contain one.
    let message = REDACT.with_borrow(|redact| redact.as_ref().map(|redact| format!(": {}", redact(message))));
    format!("panicked at {place}{}", message.unwrap_or_default())
}
