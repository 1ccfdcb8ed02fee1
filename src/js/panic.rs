//! A panic must end as one annotation. It never settles a promise, so it is turned into a JavaScript error that the
//! shim's `uncaughtException` handler sees.

use std::panic::{PanicHookInfo, set_hook};
use std::sync::Once;

static INSTALLED: Once = Once::new();

pub(super) fn install_hook() {
    INSTALLED.call_once(|| set_hook(Box::new(throw)));
}

/// Tells where, never what: a panic's message may quote a value.
fn throw(info: &PanicHookInfo<'_>) {
    let place = info.location().map(|at| format!("{}:{}", at.file(), at.line())).unwrap_or_default();
    wasm_bindgen::throw_str(&format!("panic at {place}"));
}
