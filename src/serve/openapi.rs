//! `/openapi.json`: the description of the API, made of the table of routes and of the types that are sent.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::body::Bytes;
use axum::http::StatusCode;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::answer::{Answer, JSON, Refused, body};
use super::health::Health;
use super::routes::{Access, Asked, ROUTES, Route};
use super::{pages, writes};
use crate::view::api::alerts::{Alerts, ApiAlert};
use crate::view::api::health::HealthChecks;
use crate::view::api::history::History;
use crate::view::api::migration::Migration;
use crate::view::api::reserves::Reserves;
use crate::view::api::system::System;
use crate::view::dashboard::Dashboard;
use crate::view::range::Range;
use crate::view::silences::Row;

/// The schemas that answers refer to.
type Schemas = BTreeMap<String, Value>;

/// The description, made once.
pub async fn openapi(_asked: Asked) -> Answer {
    static MADE: OnceLock<Bytes> = OnceLock::new();
    Ok(body(StatusCode::OK, JSON, MADE.get_or_init(|| Bytes::from(text())).clone()))
}

/// The description as text, as the repository has it in docs/openapi.json.
fn text() -> String {
    let mut text = serde_json::to_string_pretty(&description()).unwrap_or_default();
    text.push('\n');
    text
}

fn description() -> Value {
    let mut schemas = Schemas::new();
    let refused = named::<Refused<'static>>(&mut schemas);
    let mut paths: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
    for route in ROUTES {
        let method = match route.access {
            Access::Read => "get",
            Access::Write => "post",
        };
        paths.entry(route.path).or_default().insert(method, operation(route, &refused, &mut schemas));
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "sippar-mon",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "What a monitor of the Sippar bridge has measured, and what it makes of it. What is not measured is null.",
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer", "description": "The token of [serve]." },
            },
        },
    })
}

/// What stands about a route.
fn operation(route: &Route, refused: &Value, schemas: &mut Schemas) -> Value {
    let (status, schema) = given(route, schemas);
    let media = route.gives.split(';').next().unwrap_or_default();
    let mut wrong = json!({ "description": "What is wrong.", "content": { JSON: { "schema": refused } } });
    if route.gives == pages::HTML {
        // a page says itself what it has not; before it is asked the gate says so as JSON
        wrong["content"][media] = json!({ "schema": { "type": "string" } });
    }
    let mut responses = BTreeMap::from([
        (status, json!({ "description": route.about, "content": { media: { "schema": schema } } })),
        ("default", wrong),
    ]);
    if route.access == Access::Read && route.path != "/events" {
        responses.insert("304", json!({ "description": "The client has it already." }));
    }
    if route.path == "/health" {
        let either = json!({ "oneOf": [named::<Health>(schemas), refused] });
        let about = "No cycle has ended for too long, or the database cannot be read.";
        responses.insert("503", json!({ "description": about, "content": { JSON: { "schema": either } } }));
    }
    let mut operation = json!({
        "summary": route.about,
        "operationId": operation_id(route),
        "parameters": parameters(route),
        "responses": responses,
    });
    if route.access == Access::Write {
        operation["security"] = json!([{ "token": [] }]);
        if let Some((taken, required)) = taken(route, schemas) {
            operation["requestBody"] = json!({ "required": required, "content": { JSON: { "schema": taken } } });
        }
    }
    operation
}

/// `getMonitoringSystem`
fn operation_id(route: &Route) -> String {
    let mut id = if route.access == Access::Read { "get".to_owned() } else { "post".to_owned() };
    let words = route.path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    for word in words {
        id.extend(word.chars().take(1).map(|first| first.to_ascii_uppercase()));
        id.push_str(word.get(1..).unwrap_or_default());
    }
    if id.len() > 4 { id } else { "getPage".to_owned() }
}

/// What the path and the question hold.
fn parameters(route: &Route) -> Value {
    let text = json!({ "type": "string" });
    let parameter = |name: &str, place: &str, required: bool, about: &str, schema: &Value| json!({ "name": name, "in": place, "required": required, "description": about, "schema": schema });
    let mut all = Vec::new();
    for name in route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}')) {
        let schema = if name == "number" { json!({ "type": "integer", "minimum": 1 }) } else { text.clone() };
        all.push(parameter(name, "path", true, "Which one.", &schema));
    }
    if route.path.starts_with("/monitoring/history") {
        let is_table = route.gives != JSON;
        let metric = "One metric, with conditions on its labels or without: system_disk_usage_ratio{mount=\"/\"}.";
        all.push(parameter("metric", "query", is_table, metric, &text));
        for (name, about) in [
            ("from", "Since when: RFC 3339, seconds since the epoch, or how long ago (24h)."),
            ("to", "Until when; by default the last tick."),
            ("step", "How long a bucket is (5m); by default so long that there are at most 720."),
        ] {
            all.push(parameter(name, "query", false, about, &text));
        }
    }
    Value::Array(all)
}

/// The status code and the schema of what a route answers with.
fn given(route: &Route, schemas: &mut Schemas) -> (&'static str, Value) {
    let data = match (route.path, route.access) {
        ("/monitoring/system", _) => named::<System>(schemas),
        ("/monitoring/migration", _) => named::<Migration>(schemas),
        ("/monitoring/reserves", _) => named::<Reserves>(schemas),
        ("/monitoring/alerts", _) => named::<Alerts<'static>>(schemas),
        ("/monitoring/health-checks", _) => named::<HealthChecks>(schemas),
        ("/monitoring/dashboard", _) => named::<Dashboard<'static>>(schemas),
        ("/monitoring/history", _) => {
            json!({ "oneOf": [named::<History<'static>>(schemas), named::<Range>(schemas)] })
        }
        ("/monitoring/silences", Access::Read) => json!({ "type": "array", "items": named::<Row<'static>>(schemas) }),
        ("/monitoring/silences", Access::Write) => return ("201", enveloped(&named::<Row<'static>>(schemas))),
        ("/monitoring/silences/{number}/end", _) => named::<writes::Ended>(schemas),
        ("/monitoring/alerts/test", _) => named::<writes::Tested>(schemas),
        ("/monitoring/alerts/{number}/ack", _) => named::<ApiAlert<'static>>(schemas),
        ("/health", _) => return ("200", named::<Health>(schemas)),
        ("/openapi.json" | "/reserves/proof.json", _) => return ("200", json!({ "type": "object" })),
        _ => return ("200", json!({ "type": "string" })),
    };
    ("200", enveloped(&data))
}

/// The schema of what a route takes, and whether it must be there.
fn taken(route: &Route, schemas: &mut Schemas) -> Option<(Value, bool)> {
    match route.path {
        "/monitoring/silences" => Some((named::<writes::Silence>(schemas), true)),
        "/monitoring/alerts/test" => Some((named::<writes::Test>(schemas), false)),
        "/monitoring/alerts/{number}/ack" => Some((named::<writes::Ack>(schemas), true)),
        _ => None,
    }
}

/// `{success, data, stale, age_seconds, timestamp}` around a schema.
fn enveloped(data: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["success", "data", "stale", "age_seconds", "timestamp"],
        "properties": {
            "success": { "const": true },
            "data": data,
            "stale": { "type": "boolean", "description": "No cycle has ended for longer than their rhythm explains." },
            "age_seconds": { "type": ["number", "null"], "description": "Since the last cycle." },
            "timestamp": { "type": "string", "format": "date-time" },
        },
    })
}

/// A reference to the schema of a type, which is kept together with all that it refers to.
fn named<T: ToSchema>(schemas: &mut Schemas) -> Value {
    let mut found = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut found);
    for (name, schema) in found {
        schemas.insert(name, serde_json::to_value(schema).unwrap_or_default());
    }
    json!({ "$ref": format!("#/components/schemas/{}", T::name()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");

    #[test]
    fn the_committed_description_is_that_of_this_program() {
        let way = "cargo test --bin sippar-mon -- --ignored writes_the_description";
        let committed = std::fs::read_to_string(COMMITTED).unwrap();
        assert!(text() == committed, "docs/openapi.json is not what the program serves; write it anew: {way}");
    }

    #[test]
    #[ignore = "writes docs/openapi.json, for whoever changed the API"]
    fn writes_the_description() {
        std::fs::write(COMMITTED, text()).unwrap();
    }

    /// Every reference of a document.
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str).map(str::to_owned));
                fields.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }

    #[test]
    fn every_route_is_described_and_every_reference_leads_somewhere() {
        let description = description();
        let mut found = Vec::new();
        references(&description, &mut found);
        assert!(found.len() > 30);
        for reference in found {
            let name = reference.strip_prefix("#/components/schemas/").unwrap();
            assert!(description["components"]["schemas"][name].is_object(), "{reference}");
        }
        let mut ids = std::collections::BTreeSet::new();
        for route in ROUTES {
            let method = if route.access == Access::Read { "get" } else { "post" };
            let operation = &description["paths"][route.path][method];
            assert_eq!(operation["summary"], route.about);
            assert!(ids.insert(operation["operationId"].to_string()), "{}", operation["operationId"]);
            let has_envelope = operation["responses"]["200"].to_string().contains("\"success\"");
            let is_created = operation["responses"]["201"].is_object();
            assert_eq!(
                has_envelope || is_created,
                route.path.starts_with("/monitoring") && route.gives == JSON,
                "{}",
                route.path
            );
        }
    }

    /// Two types of one name would be one schema.
    #[test]
    fn no_two_types_have_one_name() {
        let mut all = Vec::new();
        <Dashboard<'static> as ToSchema>::schemas(&mut all);
        <HealthChecks as ToSchema>::schemas(&mut all);
        <Alerts<'static> as ToSchema>::schemas(&mut all);
        <History<'static> as ToSchema>::schemas(&mut all);
        <Range as ToSchema>::schemas(&mut all);
        <writes::Tested as ToSchema>::schemas(&mut all);
        all.push((Health::name().into_owned(), <Health as utoipa::PartialSchema>::schema()));
        all.push((Row::name().into_owned(), <Row<'static> as utoipa::PartialSchema>::schema()));
        let mut known: BTreeMap<String, Value> = BTreeMap::new();
        for (name, schema) in all {
            let schema = serde_json::to_value(schema).unwrap();
            assert_eq!(*known.entry(name.clone()).or_insert_with(|| schema.clone()), schema, "{name}");
        }
    }
}
