//! Messages of gRPC by their descriptors: made of JSON and read as JSON, with the
//! names that REST has, so that one test can ask both the same.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use prost::encoding::{decode_varint, encode_varint};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, FieldDescriptorProto, FileDescriptorProto, FileDescriptorSet,
    ServiceDescriptorProto,
};
use serde_json::{Map, Value, json};

const PACKAGE: &str = "lexecon.governance.v1";
const VERBS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];

/// A method of a service.
#[derive(Clone, Debug)]
pub(crate) struct Method {
    /// `Service/Method`.
    pub(crate) name: String,
    /// The rows of the contract it stands for, as its comment says: `GET /path`.
    pub(crate) rows: Vec<String>,
    /// Its message.
    pub(crate) input: String,
    /// Its answer.
    pub(crate) output: String,
}

/// Every message and method of the public interface.
pub(crate) struct Messages {
    messages: BTreeMap<String, DescriptorProto>,
    /// The file of each.
    files: BTreeMap<String, String>,
    pub(crate) methods: Vec<Method>,
}

impl Messages {
    pub(crate) fn new() -> Self {
        let set = FileDescriptorSet::decode(proto::DESCRIPTORS).unwrap();
        let mut all =
            Self { messages: BTreeMap::new(), files: BTreeMap::new(), methods: Vec::new() };
        for file in set.file.iter().filter(|file| file.package() == PACKAGE) {
            for message in &file.message_type {
                let name = format!(".{PACKAGE}.{}", message.name());
                for nested in &message.nested_type {
                    all.messages.insert(format!("{name}.{}", nested.name()), nested.clone());
                }
                all.files.insert(name.clone(), file.name().to_owned());
                all.messages.insert(name, message.clone());
            }
            for (at, service) in file.service.iter().enumerate() {
                all.methods.extend(methods(file, at, service));
            }
        }
        all
    }

    /// The method of a row.
    pub(crate) fn of_row(&self, row: &str) -> &Method {
        let mut found = self.methods.iter().filter(|method| method.rows.iter().any(|it| it == row));
        let method = found.next().unwrap_or_else(|| panic!("no method for {row}"));
        assert!(found.next().is_none(), "two methods for {row}");
        method
    }

    pub(crate) fn fields(&self, message: &str) -> &[FieldDescriptorProto] {
        &self.messages.get(message).unwrap_or_else(|| panic!("no message {message}")).field
    }

    /// The fields of the messages of some files.
    pub(crate) fn fields_of_files(&self, files: &[&str]) -> BTreeSet<(String, String)> {
        let is_wanted = |name: &&String| {
            let file = &self.files[*name];
            files.iter().any(|wanted| file.ends_with(&format!("/{wanted}.proto")))
        };
        let names = self.files.keys().filter(is_wanted);
        names
            .flat_map(|name| {
                self.fields(name).iter().map(|field| (name.clone(), field.name().to_owned()))
            })
            .collect()
    }

    /// A message of these members; free-form ones are given as they are.
    pub(crate) fn encode(&self, message: &str, members: &Value) -> Vec<u8> {
        let members = members.as_object().unwrap();
        let mut bytes = Vec::new();
        let mut used = BTreeSet::new();
        for field in self.fields(message) {
            let name = shown_name(field);
            let Some(value) = members.get(name) else { continue };
            used.insert(name);
            let text = json!(value.to_string());
            self.put(&mut bytes, field, if is_json(field) { &text } else { value });
        }
        for name in members.keys() {
            assert!(used.contains(name.as_str()), "{message} has no `{name}`");
        }
        bytes
    }

    fn put(&self, bytes: &mut Vec<u8>, field: &FieldDescriptorProto, value: &Value) {
        let tag = u64::from(field.number().unsigned_abs()) << 3;
        match (value, field.r#type()) {
            (Value::Array(items), _) if field.label() == Label::Repeated => {
                items.iter().for_each(|item| self.put(bytes, field, item));
            }
            (_, Type::Message) => {
                let inner = match value {
                    // A list that can be told from none is wrapped.
                    Value::Array(_) => {
                        json!({self.fields(field.type_name())[0].name(): value})
                    }
                    _ => value.clone(),
                };
                put_bytes(bytes, tag, &self.encode(field.type_name(), &inner));
            }
            (Value::String(text), Type::String) => put_bytes(bytes, tag, text.as_bytes()),
            (Value::Bool(fact), Type::Bool) => put_number(bytes, tag, u64::from(*fact)),
            (Value::Number(number), _) => {
                let signed = number.as_i64().map(|number| u64::from_ne_bytes(number.to_ne_bytes()));
                put_number(bytes, tag, signed.unwrap());
            }
            (value, kind) => panic!("{} is {kind:?}, not {value}", field.name()),
        }
    }

    /// A message as members: what is absent is null, and what a message cannot
    /// leave out has its default. Notes which fields had another value.
    pub(crate) fn decode(
        &self,
        message: &str,
        mut bytes: &[u8],
        seen: &mut BTreeSet<(String, String)>,
    ) -> Value {
        let fields = self.fields(message);
        let mut members = Map::new();
        for field in fields {
            members.insert(shown_name(field).to_owned(), self.absent(field));
        }
        while !bytes.is_empty() {
            let key = decode_varint(&mut bytes).unwrap();
            let number = decode_varint(&mut bytes).unwrap();
            let field = fields.iter().find(|it| u64::from(it.number().unsigned_abs()) == key >> 3);
            let field = field.unwrap_or_else(|| panic!("{message} has no {}", key >> 3));
            seen.insert((message.to_owned(), field.name().to_owned()));
            let member = members.get_mut(shown_name(field)).unwrap();
            if key & 7 == 0 {
                *member =
                    if field.r#type() == Type::Bool { json!(number != 0) } else { json!(number) };
                continue;
            }
            assert_eq!(key & 7, 2, "{message}.{}", field.name());
            let (value, rest) = bytes.split_at(usize::try_from(number).unwrap());
            bytes = rest;
            self.take(field, value, member, seen);
        }
        Value::Object(members)
    }

    fn take(
        &self,
        field: &FieldDescriptorProto,
        value: &[u8],
        member: &mut Value,
        seen: &mut BTreeSet<(String, String)>,
    ) {
        let text = || String::from_utf8(value.to_vec()).unwrap();
        let value = match field.r#type() {
            Type::Message => self.decode(field.type_name(), value, seen),
            Type::String if is_json(field) => serde_json::from_str(&text()).unwrap(),
            Type::String => json!(text()),
            other => panic!("{}: {other:?}", field.name()),
        };
        match member {
            Value::Array(items) => items.push(value),
            Value::Object(entries) if self.is_map(field) => {
                entries.insert(value["key"].as_str().unwrap().to_owned(), value["value"].clone());
            }
            member => *member = value,
        }
    }

    fn is_map(&self, field: &FieldDescriptorProto) -> bool {
        let options = self.messages.get(field.type_name()).and_then(|it| it.options.as_ref());
        options.is_some_and(|options| options.map_entry())
    }

    fn absent(&self, field: &FieldDescriptorProto) -> Value {
        match (field.label(), field.r#type()) {
            (Label::Repeated, _) if self.is_map(field) => json!({}),
            (Label::Repeated, _) => json!([]),
            (_, Type::Message) => Value::Null,
            (_, _) if field.proto3_optional() || is_json(field) => Value::Null,
            (_, Type::String) => json!(""),
            (_, Type::Bool) => json!(false),
            (_, _) => json!(0),
        }
    }
}

fn put_number(bytes: &mut Vec<u8>, tag: u64, number: u64) {
    encode_varint(tag, bytes);
    encode_varint(number, bytes);
}

fn put_bytes(bytes: &mut Vec<u8>, tag: u64, value: &[u8]) {
    encode_varint(tag | 2, bytes);
    encode_varint(value.len() as u64, bytes);
    bytes.extend_from_slice(value);
}

/// The methods of the service at a place in its file, with their comments.
fn methods(file: &FileDescriptorProto, at: usize, service: &ServiceDescriptorProto) -> Vec<Method> {
    let place = |number: usize| i32::try_from(number).unwrap();
    let comments = |method: usize| {
        let path = [6, place(at), 2, place(method)];
        let locations = file.source_code_info.iter().flat_map(|info| &info.location);
        let found = locations.filter(move |location| location.path == path);
        found.map(|location| location.leading_comments().to_owned()).collect::<String>()
    };
    let methods = service.method.iter().enumerate().map(|(number, method)| Method {
        name: format!("{}/{}", service.name(), method.name()),
        rows: comments(number).lines().flat_map(rows).collect(),
        input: method.input_type().to_owned(),
        output: method.output_type().to_owned(),
    });
    methods.collect()
}

/// The rows that a line of a comment names: `GET /one and /another`.
fn rows(line: &str) -> Vec<String> {
    let mut words = line.split([' ', ',']).filter(|word| !word.is_empty());
    let Some(verb) = words.next().filter(|verb| VERBS.contains(verb)) else { return Vec::new() };
    words.filter(|word| word.starts_with('/')).map(|path| format!("{verb} {path}")).collect()
}

pub(crate) fn is_json(field: &FieldDescriptorProto) -> bool {
    field.name().ends_with("_json")
}

/// The name that REST has.
pub(crate) fn shown_name(field: &FieldDescriptorProto) -> &str {
    field.name().strip_suffix("_json").unwrap_or(field.name())
}
