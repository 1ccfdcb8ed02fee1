//! JSON as far as the API uses it. The host reads and writes its text; here it is data.

/// A JSON value.
#[cfg_attr(test, derive(Debug, PartialEq))]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Integer(i64),
    /// A number that is no 64-bit integer; none is ever asked for.
    OtherNumber,
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// An object of texts.
    pub(crate) fn of(fields: &[(&str, &str)]) -> Self {
        Self::Object(fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())).collect())
    }

    /// A field of an object; `None` where there is none, where it is null and where this is no object.
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        let Self::Object(fields) = self else { return None };
        let (_, value) = fields.iter().find(|(found, _)| found == name)?;
        (!matches!(value, Self::Null)).then_some(value)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(crate) fn as_list(&self) -> Option<&[Json]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    pub(crate) fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod native {
    //! Text to JSON and back where there is no JavaScript.

    use super::Json;
    use serde_json::Value;

    pub(crate) fn parse(text: &str) -> Option<Json> {
        serde_json::from_str(text).ok().map(of)
    }

    #[cfg(test)]
    pub(crate) fn text(json: &Json) -> String {
        value(json).to_string()
    }

    fn of(value: Value) -> Json {
        match value {
            Value::Null => Json::Null,
            Value::Bool(is) => Json::Bool(is),
            Value::Number(number) => number.as_i64().map_or(Json::OtherNumber, Json::Integer),
            Value::String(text) => Json::Text(text),
            Value::Array(items) => Json::List(items.into_iter().map(of).collect()),
            Value::Object(fields) => Json::Object(fields.into_iter().map(|(name, value)| (name, of(value))).collect()),
        }
    }

    #[cfg(test)]
    fn value(json: &Json) -> Value {
        match json {
            Json::Null | Json::OtherNumber => Value::Null,
            Json::Bool(is) => (*is).into(),
            Json::Integer(number) => (*number).into(),
            Json::Text(text) => text.as_str().into(),
            Json::List(items) => items.iter().map(value).collect(),
            Json::Object(fields) => fields.iter().map(|(name, json)| (name.clone(), value(json))).collect(),
        }
    }
}
