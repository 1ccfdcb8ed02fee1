//! JSON by the platform: what it reads and writes anyway need not be shipped.

use crate::json::Json;
use js_sys::{Array, JSON, Object, Reflect};
use wasm_bindgen::prelude::{JsCast, JsValue};

/// Nothing that is asked for lies deeper, or behind so many others; what does, is left out.
const DEPTH: u32 = 8;
const ENTRIES: u32 = 1_000;

pub(super) fn parse(text: &str) -> Option<Json> {
    JSON::parse(text).ok().map(|value| read(&value, DEPTH))
}

pub(super) fn text(json: &Json) -> String {
    JSON::stringify(&write(json)).map(String::from).unwrap_or_default()
}

fn read(value: &JsValue, depth: u32) -> Json {
    if let Some(text) = value.as_string() {
        Json::Text(text)
    } else if let Some(number) = value.as_f64() {
        let integer = number as i64;
        if integer as f64 == number { Json::Integer(integer) } else { Json::OtherNumber }
    } else if let Some(is) = value.as_bool() {
        Json::Bool(is)
    } else if depth == 0 || !value.is_object() {
        Json::Null
    } else if let Some(items) = value.dyn_ref::<Array>() {
        Json::List((0..length(items)).map(|at| read(&items.get(at), depth - 1)).collect())
    } else {
        let names = Object::keys(value.unchecked_ref::<Object>());
        let field = |at| {
            let name = names.get(at);
            let value = Reflect::get(value, &name).unwrap_or(JsValue::NULL);
            (name.as_string().unwrap_or_default(), read(&value, depth - 1))
        };
        Json::Object((0..length(&names)).map(field).collect())
    }
}

fn length(entries: &Array) -> u32 {
    entries.length().min(ENTRIES)
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
