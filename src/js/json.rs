//! JSON by the platform: what it reads and writes anyway need not be shipped.

use crate::json::Json;
use js_sys::{Array, JSON, Object, Reflect};
use std::cell::Cell;
use wasm_bindgen::prelude::{JsCast, JsValue};

/// Nothing that is asked for lies deeper, or behind so many other values; what does, is left out, since reading millions
/// of them would outlast every deadline.
const DEPTH: u32 = 8;
/// Numbers beyond are no longer told from their neighbours.
const SAFE_INTEGER: f64 = 9_007_199_254_740_991.0;
const VALUES: u32 = 10_000;

pub(super) fn parse(text: &str) -> Option<Json> {
    let left = Cell::new(VALUES);
    JSON::parse(text).ok().map(|value| read(&value, DEPTH, &left))
}

pub(super) fn text(json: &Json) -> String {
    JSON::stringify(&write(json)).map(String::from).unwrap_or_default()
}

fn read(value: &JsValue, depth: u32, left: &Cell<u32>) -> Json {
    if let Some(text) = value.as_string() {
        Json::Text(text)
    } else if let Some(number) = value.as_f64() {
        let is_integer = number.fract() == 0.0 && number.abs() <= SAFE_INTEGER;
        if is_integer { Json::Integer(number as i64) } else { Json::OtherNumber }
    } else if let Some(is) = value.as_bool() {
        Json::Bool(is)
    } else if depth == 0 || !value.is_object() {
        Json::Null
    } else if let Some(items) = value.dyn_ref::<Array>() {
        Json::List((0..take(items, left)).map(|at| read(&items.get(at), depth - 1, left)).collect())
    } else {
        let names = Object::keys(value.unchecked_ref::<Object>());
        let field = |at| {
            let name = names.get(at);
            let value = Reflect::get(value, &name).unwrap_or(JsValue::NULL);
            (name.as_string().unwrap_or_default(), read(&value, depth - 1, left))
        };
        Json::Object((0..take(&names, left)).map(field).collect())
    }
}

/// How many of the entries may still be read.
fn take(entries: &Array, left: &Cell<u32>) -> u32 {
    let taken = entries.length().min(left.get());
    left.set(left.get() - taken);
    taken
}

fn write(json: &Json) -> JsValue {
    match json {
        Json::Null | Json::OtherNumber => JsValue::NULL,
        Json::Bool(is) => (*is).into(),
        Json::Integer(number) => (*number as f64).into(),
        Json::Text(text) => text.into(),
        Json::List(items) => items.iter().map(write).collect::<Array>().into(),
        Json::Object(fields) => {
            let object = Object::new();
            for (name, value) in fields {
                // Fails only on objects that are frozen.
                let _ = Reflect::set(&object, &name.into(), &write(value));
            }
            object.into()
        }
    }
}
