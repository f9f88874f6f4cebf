//! The table of fields as JSON Schema 2020-12, which OpenAPI 3.1 uses.

use types::{Json, Object};

use super::{Alphabet, Field, Kind, Text, context, metadata};

/// The schema of an object with these members and no others.
pub(crate) fn object(fields: &[Field]) -> Object {
    let mut properties = Object::new();
    let mut required = Vec::new();
    for field in fields {
        properties.insert(field.name, member(field, field.about.to_owned()));
        if let Some(alias) = field.alias {
            let about = format!("Another spelling of `{}`.", field.name);
            properties.insert(alias, member(field, about));
        } else if field.required {
            required.push(field.name);
        }
    }
    let mut schema = Object::new();
    schema.insert("type", "object");
    schema.insert("properties", properties);
    schema.insert("additionalProperties", false);
    if !required.is_empty() {
        schema.insert("required", required);
    }
    let either: Vec<Json> =
        fields.iter().filter(|field| field.required).filter_map(either_spelling).collect();
    if !either.is_empty() {
        schema.insert("allOf", Json::Array(either));
    }
    schema
}

/// The schema of an object with these members and any others.
pub(crate) fn open_object(fields: &[Field]) -> Object {
    let mut schema = object(fields);
    schema.insert("additionalProperties", true);
    schema
}

/// One of two spellings must be there.
fn either_spelling(field: &Field) -> Option<Json> {
    let alias = field.alias?;
    let one = |name: &str| Json::object([("required", vec![name].into())]);
    Some(Json::object([("anyOf", Json::Array(vec![one(field.name), one(alias)]))]))
}

fn member(field: &Field, about: String) -> Json {
    let mut schema = kind(field.kind);
    schema.insert("description", about);
    if let Some(default) = field.default.and_then(|text| serde_json::from_str::<Json>(text).ok()) {
        schema.insert("default", default);
    }
    // Absent and null mean the same.
    if !field.required
        && let Some(Json::String(name)) = schema.remove("type")
    {
        schema.insert("type", vec![name, "null".to_owned()]);
        if let Some(Json::Array(mut words)) = schema.remove("enum") {
            words.push(Json::Null);
            schema.insert("enum", Json::Array(words));
        }
    }
    Json::Object(schema)
}

fn bounded(min: i64, max: i64) -> Object {
    let mut schema = Object::new();
    schema.insert("type", "integer");
    schema.insert("minimum", integer(min));
    schema.insert("maximum", integer(max));
    schema
}

fn one_of(words: &[&'static str]) -> Object {
    let mut schema = Object::new();
    schema.insert("type", "string");
    schema.insert("enum", words.to_vec());
    schema
}

/// The schema of a value, without words about it.
pub(crate) fn kind(kind: Kind) -> Object {
    let mut schema = Object::new();
    match kind {
        Kind::Text(bounds) => return text(bounds),
        Kind::Verbatim => {
            schema.insert("type", "string");
            schema.insert("minLength", 1_u32);
        }
        Kind::Integer { min, max } => return bounded(min, max),
        Kind::Bool => {
            schema.insert("type", "boolean");
        }
        Kind::Word(words) => return one_of(words),
        Kind::Time => {
            schema.insert("type", "string");
            schema.insert("anyOf", Json::Array(vec![format("date-time"), format("date")]));
        }
        Kind::Texts { items_max, item } => {
            schema = array(text(item), 0, items_max);
            schema.insert("uniqueItems", true);
        }
        Kind::Integers { items_max, min, max } => {
            schema = array(bounded(min, max), 0, items_max);
            schema.insert("uniqueItems", true);
        }
        Kind::Words(words) => {
            schema = array(one_of(words), 0, words.len());
            schema.insert("uniqueItems", true);
        }
        Kind::Object(fields) => return object(fields),
        Kind::Objects { items_min, items_max, item } => {
            return array(object(item), items_min, items_max);
        }
        Kind::Bodies { items_max, item } => return array(object(item), 1, items_max),
        Kind::Open(fields) => return open_object(fields),
        Kind::Default(fields) => {
            let mut schema = open_object(fields);
            schema.remove("required");
            return schema;
        }
        Kind::Evaluations { items_max, item } => return array(open_object(item), 0, items_max),
        Kind::Context | Kind::Free => limited(&mut schema),
        Kind::Recommendation => {
            limited(&mut schema);
            let mut confidence = Object::new();
            confidence.insert("type", "number");
            confidence.insert("minimum", 0_u32);
            confidence.insert("maximum", 1_u32);
            schema.insert("properties", Json::object([("confidence", confidence.into())]));
            schema.insert("required", vec!["confidence"]);
        }
        Kind::Metadata => {
            schema.insert("type", "object");
            let (levels, bytes) = (metadata::DEPTH_MAX, metadata::BYTES_MAX);
            let limits = format!("at most {levels} levels deep, {bytes} bytes as RFC 8785");
            schema.insert("$comment", limits);
        }
        Kind::Any => {
            schema.insert("type", "object");
        }
    }
    schema
}

/// The limits of a context.
fn limited(schema: &mut Object) {
    schema.insert("type", "object");
    schema.insert("maxProperties", count(context::KEYS_MAX));
    schema.insert(
        "$comment",
        format!(
            "at most {} levels deep, strings {} characters, arrays {} items",
            context::DEPTH_MAX,
            context::STRING_CHARS_MAX,
            context::ARRAY_ITEMS_MAX
        ),
    );
}

fn text(bounds: Text) -> Object {
    let Text { chars_min, chars_max, alphabet } = bounds;
    let mut schema = Object::new();
    schema.insert("type", "string");
    schema.insert("minLength", count(chars_min));
    schema.insert("maxLength", count(chars_max));
    if let Some(pattern) = Alphabet::pattern(alphabet) {
        schema.insert("pattern", pattern);
    }
    schema
}

fn array(items: Object, min: usize, max: usize) -> Object {
    let mut schema = Object::new();
    schema.insert("type", "array");
    schema.insert("items", items);
    schema.insert("maxItems", count(max));
    if 0 < min {
        schema.insert("minItems", count(min));
    }
    schema
}

fn format(name: &str) -> Json {
    Json::object([("format", name.into())])
}

fn count(value: usize) -> u64 {
    u64::try_from(value).unwrap_or(u64::MAX)
}

fn integer(value: i64) -> Json {
    types::Number::from_i64(value).map_or(Json::Null, Json::Number)
}
