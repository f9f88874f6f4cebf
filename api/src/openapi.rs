//! `/openapi.json`: OpenAPI 3.1, made from the table of routes and the tables
//! of fields that requests are checked with.

use governance::access::Right;
use types::{Json, Object};

use crate::fields::{Field, schema};
use crate::problem::Code;
use crate::reply::{Member, Value};
use crate::routes::{self, Access, Method, Op, Reply, Route, Shape};

/// Codes that any route may answer with.
const ANYWHERE: &[Code] = &[
    Code::TENANT_UNSUPPORTED,
    Code::UNAUTHENTICATED,
    Code::SESSION_EXPIRED,
    Code::SESSION_REVOKED,
    Code::RATE_LIMITED,
    Code::METHOD_NOT_ALLOWED,
    Code::NOT_ACCEPTABLE,
    Code::VALIDATION_FAILED,
    Code::UNKNOWN_PARAMETER,
    Code::INTERNAL,
];

/// Codes of routes that take a body.
const WITH_BODY: &[Code] = &[
    Code::REQUEST_TIMEOUT,
    Code::PAYLOAD_TOO_LARGE,
    Code::UNSUPPORTED_MEDIA_TYPE,
    Code::DUPLICATE_KEY,
    Code::MALFORMED_JSON,
    Code::NUMBER_NOT_CANONICAL,
    Code::UNKNOWN_FIELD,
];

/// Codes of routes that record.
const WRITING: &[Code] = &[
    Code::OVERLOADED,
    Code::NO_LEADER,
    Code::OUTCOME_UNKNOWN,
    Code::STARTING,
    Code::NODE_QUARANTINED,
];

/// Codes of routes that read the state.
const READING: &[Code] = &[
    Code::OVERLOADED,
    Code::MIN_INDEX_TIMEOUT,
    Code::NO_LEADER,
    Code::READ_TIMEOUT,
    Code::STARTING,
    Code::NODE_QUARANTINED,
    Code::TOO_STALE,
];

/// The whole description.
pub(crate) fn document(version: &str) -> Json {
    let mut paths = Object::new();
    for route in routes::all() {
        let mut path = match paths.remove(route.path) {
            Some(Json::Object(path)) => path,
            Some(_) | None => Object::new(),
        };
        path.insert(route.method.as_str().to_ascii_lowercase(), operation(route));
        paths.insert(route.path, path);
    }
    Json::object([
        ("openapi", "3.1.0".into()),
        (
            "info",
            Json::object([
                ("title", "Lexecon".into()),
                ("version", version.into()),
                (
                    "description",
                    "A distributed governance ledger: decisions, tokens, proofs.".into(),
                ),
                ("license", Json::object([("name", "MIT".into()), ("identifier", "MIT".into())])),
            ]),
        ),
        ("servers", Json::Array(vec![Json::object([("url", "/".into())])])),
        ("paths", Json::Object(paths)),
        ("components", components()),
    ])
}

fn operation(route: &Route) -> Json {
    let mut operation = Object::new();
    operation.insert("operationId", operation_id(route));
    operation.insert("summary", route.summary);
    operation.insert("tags", vec![route.tag]);
    operation.insert("x-lexecon-who", route.who.describe());
    operation.insert("parameters", Json::Array(parameters(route)));
    if let Some(body) = request_body(route) {
        operation.insert("requestBody", body);
    }
    operation.insert("responses", responses(route));
    Json::Object(operation)
}

/// `decideBatch`, from the name of the operation in the code.
pub(crate) fn operation_id(route: &Route) -> String {
    let name = format!("{:?}", route.op);
    let mut characters = name.chars();
    let first = characters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(characters).collect()
}

fn parameters(route: &Route) -> Vec<Json> {
    let mut parameters = Vec::new();
    for name in route.path_parameters() {
        parameters.push(Json::object([
            ("name", name.into()),
            ("in", "path".into()),
            ("required", true.into()),
            ("schema", Json::object([("type", "string".into())])),
        ]));
    }
    for field in route.parameters().into_iter().flatten() {
        parameters.push(query_parameter(field, field.name));
        if let Some(alias) = field.alias {
            parameters.push(query_parameter(field, alias));
        }
    }
    let header =
        |name: &str| Json::object([("$ref", format!("#/components/parameters/{name}").into())]);
    match route.access {
        Access::Write => parameters.push(header("IdempotencyKey")),
        Access::Read | Access::Audit | Access::Compute => parameters.push(header("MinIndex")),
        Access::Probe | Access::Static => (),
    }
    parameters
}

fn query_parameter(field: &Field, name: &str) -> Json {
    let mut schema = schema::kind(field.kind);
    if let Some(default) = field.default.and_then(|text| serde_json::from_str::<Json>(text).ok()) {
        schema.insert("default", default);
    }
    Json::object([
        ("name", name.into()),
        ("in", "query".into()),
        ("required", field.required.into()),
        ("description", field.about.into()),
        ("schema", Json::Object(schema)),
    ])
}

fn request_body(route: &Route) -> Option<Json> {
    let schema = match route.shape {
        Shape::None => return None,
        Shape::Fields(fields) => schema::object(fields),
        Shape::Open(fields) => schema::open_object(fields),
        Shape::Policy(fields) => {
            let wrapped = Json::Object(schema::object(fields));
            let document = free("The policy document: at least one of `terms` and `relations`.");
            let mut schema = Object::new();
            schema.insert("anyOf", Json::Array(vec![wrapped, document]));
            schema
        }
        Shape::Either { with, without, .. } => {
            let of = [without, with].map(|fields| Json::Object(schema::object(fields)));
            let mut schema = Object::new();
            schema.insert("oneOf", Json::Array(of.into()));
            schema
        }
        Shape::Decision => {
            let mut schema = Object::new();
            schema.insert("type", "object");
            schema.insert(
                "description",
                "The reply to a decision, or that reply in `decision_response`, with the request \
                 in `original_request` if it is to be compared too.",
            );
            schema
        }
    };
    let is_optional =
        matches!(route.shape, Shape::Fields(fields) if fields.iter().all(|field| !field.required));
    Some(Json::object([
        ("required", (!is_optional).into()),
        ("content", content("application/json", Json::Object(schema))),
    ]))
}

/// What a principal is told who may not.
fn refusals(who: Right) -> &'static [Code] {
    match who {
        Right::Public | Right::Own => &[],
        Right::Any => &[Code::MFA_REQUIRED, Code::PASSWORD_EXPIRED],
        Right::Actor => &[Code::MFA_REQUIRED, Code::PASSWORD_EXPIRED, Code::ACTOR_NOT_COVERED],
        Right::Human | Right::Oversight | Right::OversightRole => {
            &[Code::MFA_REQUIRED, Code::PASSWORD_EXPIRED, Code::NOT_AUTHORISED]
        }
        Right::Holds(_)
        | Right::ActorOr(_)
        | Right::OversightOr(_)
        | Right::Operator
        | Right::OperatorOrNode
        | Right::Node => &[Code::MFA_REQUIRED, Code::PASSWORD_EXPIRED, Code::PERMISSION_DENIED],
    }
}

fn responses(route: &Route) -> Json {
    let mut responses = Object::new();
    // What is still to be done when it is answered.
    let done = if route.op == Op::ExportRequest { "202" } else { "200" };
    responses.insert(
        done,
        Json::object([("description", "Done.".into()), ("content", answer_content(route.reply))]),
    );
    if matches!(route.op, Op::ExportDownload) {
        let content = answer_content(route.reply);
        let piece = [("description", "A piece.".into()), ("content", content)];
        responses.insert("206", Json::object(piece));
    }
    // Said before it is known what is asked for, so without a body.
    let long = [("description", "The head of the request is longer than is read.".into())];
    responses.insert("431", Json::object(long));
    if matches!(route.op, Op::ArtifactContent) {
        responses.insert("304", Json::object([("description", "As it is known.".into())]));
    }
    let mut codes: Vec<Code> = ANYWHERE.to_vec();
    codes.extend_from_slice(route.codes);
    codes.extend_from_slice(refusals(route.who));
    if route.method != Method::Get {
        codes.push(Code::CSRF_REQUIRED);
    }
    if route.who != Right::Public {
        codes.push(Code::TOO_STALE);
    }
    if !matches!(route.shape, Shape::None) {
        codes.extend_from_slice(WITH_BODY);
    }
    match route.access {
        Access::Write => codes.extend_from_slice(WRITING),
        Access::Read | Access::Audit | Access::Compute => codes.extend_from_slice(READING),
        Access::Probe | Access::Static => (),
    }
    codes.sort_by_key(|code| (code.status, code.name));
    codes.dedup();
    let mut statuses: Vec<u16> = codes.iter().map(|code| code.status).collect();
    statuses.dedup();
    for status in statuses {
        let of_status = codes.iter().filter(|code| code.status == status);
        let lines: Vec<String> =
            of_status.map(|code| format!("`{}`: {}.", code.name, code.title)).collect();
        responses.insert(
            status.to_string(),
            Json::object([
                ("description", lines.join(" ").into()),
                (
                    "content",
                    content(
                        "application/problem+json",
                        Json::object([("$ref", "#/components/schemas/Problem".into())]),
                    ),
                ),
            ]),
        );
    }
    Json::Object(responses)
}

fn answer_content(reply: Reply) -> Json {
    const JSON: &str = "application/json";
    let bytes = |media: &str| match media {
        "application/octet-stream"
        | "application/zip"
        | "application/pdf"
        | "image/gif"
        | "image/jpeg"
        | "image/png"
        | "image/webp" => {
            let fields = [("type", "string".into()), ("format", "binary".into())];
            Json::object([("schema", Json::object(fields))])
        }
        // A file: any value.
        JSON => Json::object([]),
        _ => Json::object([("schema", Json::object([("type", "string".into())]))]),
    };
    let each = |media: &[&str]| {
        let mut types = Object::new();
        for name in media {
            types.insert(*name, bytes(name));
        }
        types
    };
    match reply {
        Reply::Members(members) => content(JSON, members_schema(members)),
        Reply::DoneOrPlanned(done, plan) => {
            let of = [done, plan].map(members_schema);
            content(JSON, Json::object([("anyOf", Json::Array(of.into()))]))
        }
        Reply::Media([JSON]) => content(JSON, free("An object.")),
        Reply::Media(media) => Json::Object(each(media)),
        Reply::Either { members, media, .. } => {
            let mut types = each(media);
            types.insert(JSON, Json::object([("schema", members_schema(members))]));
            Json::Object(types)
        }
    }
}

fn content(media: &str, schema: Json) -> Json {
    Json::object([(media, Json::object([("schema", schema)]))])
}

fn free(about: &str) -> Json {
    Json::object([("type", "object".into()), ("description", about.into())])
}

/// The schema of an answer.
pub(crate) fn members_schema(members: &[Member]) -> Json {
    let mut properties = Object::new();
    for member in members {
        properties.insert(member.name, member_schema(member));
    }
    let names: Vec<&str> = members.iter().map(|member| member.name).collect();
    Json::object([
        ("type", "object".into()),
        ("properties", Json::Object(properties)),
        ("required", names.into()),
    ])
}

fn member_schema(member: &Member) -> Json {
    let typed = |name: &str| {
        let mut schema = Object::new();
        match member.nullable {
            true => schema.insert("type", vec![name, "null"]),
            false => schema.insert("type", name),
        };
        schema
    };
    let mut schema = match member.value {
        Value::Text => typed("string"),
        Value::Integer => typed("integer"),
        Value::Bool => typed("boolean"),
        Value::Free => typed("object"),
        Value::Any => Object::new(),
        Value::Mixed => typed("array"),
        Value::Time => {
            let mut schema = typed("string");
            schema.insert("format", "date-time");
            schema
        }
        Value::Hash => {
            let mut schema = typed("string");
            schema.insert("pattern", "^[0-9a-f]{64}$");
            schema
        }
        Value::Texts => {
            let mut schema = typed("array");
            schema.insert("items", Json::object([("type", "string".into())]));
            schema
        }
        Value::List(members) => {
            let mut schema = typed("array");
            schema.insert("items", members_schema(members));
            schema
        }
        Value::Object(members) => {
            let Json::Object(of_members) = members_schema(members) else {
                return Json::Null;
            };
            let mut schema = of_members;
            if member.nullable {
                schema.insert("type", vec!["object", "null"]);
            }
            schema
        }
    };
    schema.insert("description", member.about);
    Json::Object(schema)
}

fn components() -> Json {
    let header = |name: &str, about: &str, schema: Json| {
        Json::object([
            ("name", name.into()),
            ("in", "header".into()),
            ("required", false.into()),
            ("description", about.into()),
            ("schema", schema),
        ])
    };
    let key = header(
        "Idempotency-Key",
        "Makes a repeated request known: the same key and body get the same answer.",
        Json::object([
            ("type", "string".into()),
            ("minLength", 1_u32.into()),
            ("maxLength", 128_u32.into()),
            ("pattern", "^[ -~]+$".into()),
        ]),
    );
    let index = header(
        "X-Lexecon-Min-Index",
        "Wait until this node has applied that log index.",
        Json::object([("type", "integer".into()), ("minimum", 0_u32.into())]),
    );
    Json::object([
        ("parameters", Json::object([("IdempotencyKey", key), ("MinIndex", index)])),
        ("schemas", Json::object([("Problem", problem())])),
    ])
}

fn problem() -> Json {
    let mut codes: Vec<&str> = Vec::new();
    for code in Code::ALL {
        if !codes.contains(&code.name) {
            codes.push(code.name);
        }
    }
    let text = || Json::object([("type", "string".into())]);
    let fault = Json::object([
        ("type", "object".into()),
        (
            "properties",
            Json::object([
                ("pointer", text()),
                ("parameter", text()),
                ("header", text()),
                ("code", text()),
                ("detail", text()),
            ]),
        ),
        ("required", vec!["code", "detail"].into()),
    ]);
    Json::object([
        ("type", "object".into()),
        ("description", "RFC 9457.".into()),
        (
            "properties",
            Json::object([
                ("type", text()),
                ("title", text()),
                ("status", Json::object([("type", "integer".into())])),
                ("code", Json::object([("type", "string".into()), ("enum", codes.into())])),
                ("detail", text()),
                ("instance", text()),
                ("errors", Json::object([("type", "array".into()), ("items", fault)])),
                ("errors_omitted", Json::object([("type", "integer".into())])),
            ]),
        ),
        ("required", vec!["type", "title", "status", "code", "detail", "instance"].into()),
    ])
}
