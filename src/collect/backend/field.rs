//! One field of an answer: of the type it must have, or the reason with its path.

use serde_json::Value as Json;

use crate::model::reading::Reason;

/// The figures of one answer.
#[derive(Clone, Debug)]
pub(super) struct Body {
    /// The key they stood under: `data`, `stats` or nothing.
    key: &'static str,
    json: Json,
}

impl Body {
    pub(super) const fn new(key: &'static str, json: Json) -> Self {
        Self { key, json }
    }

    /// What stands at `path` (keys with points between them); nothing where it ends early.
    fn at(&self, path: &str) -> Option<&Json> {
        path.split('.').try_fold(&self.json, |json, key| json.get(key))
    }

    fn wrong(&self, path: &str, expected: &str) -> Reason {
        let point = if self.key.is_empty() { "" } else { "." };
        let place = format!("{}{point}{path}", self.key);
        Reason::new(match self.at(path) {
            None => format!("{place}: missing"),
            // a number is of the right type and still wrong: then it says more than its type
            Some(Json::Number(number)) => format!("{place}: expected {expected}, got {number}"),
            found => format!("{place}: expected {expected}, got {}", kind(found)),
        })
    }
}

/// The figures of one endpoint, or why there are none: then every field of it is unknown for that reason.
pub(super) type Answer = Result<Body, Reason>;

/// A number that is not negative.
pub(super) fn number(answer: &Answer, path: &str) -> Result<f64, Reason> {
    let body = answer.as_ref().map_err(Clone::clone)?;
    match body.at(path) {
        Some(Json::Number(number)) if number.as_f64().is_some_and(|number| number >= 0.0) => {
            Ok(number.as_f64().unwrap_or_default())
        }
        Some(Json::Number(_)) => Err(body.wrong(path, "a number of 0 or more")),
        _ => Err(body.wrong(path, "number")),
    }
}

/// A whole number that is not negative.
pub(super) fn count(answer: &Answer, path: &str) -> Result<u64, Reason> {
    let body = answer.as_ref().map_err(Clone::clone)?;
    match body.at(path) {
        Some(Json::Number(number)) => number.as_u64().ok_or_else(|| body.wrong(path, "a whole number of 0 or more")),
        _ => Err(body.wrong(path, "number")),
    }
}

/// True or false.
pub(super) fn flag(answer: &Answer, path: &str) -> Result<bool, Reason> {
    let body = answer.as_ref().map_err(Clone::clone)?;
    body.at(path).and_then(Json::as_bool).ok_or_else(|| body.wrong(path, "true or false"))
}

/// The type of a value in JSON's words.
pub(super) const fn kind(json: Option<&Json>) -> &'static str {
    match json {
        None => "nothing",
        Some(Json::Null) => "null",
        Some(Json::Bool(_)) => "boolean",
        Some(Json::Number(_)) => "number",
        Some(Json::String(_)) => "string",
        Some(Json::Array(_)) => "array",
        Some(Json::Object(_)) => "object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_is_of_its_type_or_named_with_its_path() {
        let body = json!({"a": {"ratio": "1.0", "users": 3, "half": 2.5, "minus": -1, "none": null, "on": true}});
        let answer: Answer = Ok(Body::new("data", body));
        let told = |reason: Reason| reason.as_str().to_owned();
        assert_eq!((number(&answer, "a.half"), count(&answer, "a.users")), (Ok(2.5), Ok(3)));
        assert_eq!(flag(&answer, "a.on"), Ok(true));
        for (found, expected) in [
            (number(&answer, "a.ratio").map_err(told), "data.a.ratio: expected number, got string"),
            (number(&answer, "a.none").map_err(told), "data.a.none: expected number, got null"),
            (number(&answer, "a.minus").map_err(told), "data.a.minus: expected a number of 0 or more, got -1"),
            (number(&answer, "a.users.x").map_err(told), "data.a.users.x: missing"),
            (
                count(&answer, "a.half").map(|count| count as f64).map_err(told),
                "data.a.half: expected a whole number of 0 or more, got 2.5",
            ),
            (count(&answer, "b").map(|count| count as f64).map_err(told), "data.b: missing"),
            (flag(&answer, "a.users").map(f64::from).map_err(told), "data.a.users: expected true or false, got 3"),
        ] {
            assert_eq!(found, Err(expected.to_owned()));
        }
        let failed: Answer = Err(Reason::TIMEOUT);
        assert_eq!(number(&failed, "a.half"), Err(Reason::TIMEOUT));
    }
}
