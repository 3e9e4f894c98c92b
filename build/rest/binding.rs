//! Reads the google.api.http annotations: which method answers at which verb and path, and with what.

use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    Value,
};

use super::snake;

/// Methods that answer 201, which annotations cannot say.
const CREATES: [&str; 5] = [
    "CreateResourceDefinition",
    "ApplyResourceDefinition",
    "CreateResource",
    "CreatePipeline",
    "StartRun",
];

/// Methods whose answer src/api/rest/documented.rs writes by hand.
const BY_HAND: [&str; 2] = ["CreateResource", "BroadcastMessage"];

/// A method bound to a verb and a path.
pub(crate) struct Binding {
    pub(crate) method: MethodDescriptor,
    /// Name of the handler: the method's, numbered from its second binding on.
    pub(crate) handler: String,
    pub(crate) verb: &'static str,
    /// The path as annotated, such as `/pipelines/{pipeline.name}`.
    pub(crate) path: String,
    /// The field that the body holds; `*` for the whole request, empty for no body.
    pub(crate) body: String,
    /// The field that is answered; empty for the whole answer.
    pub(crate) response_body: String,
}

/// What goes over HTTP for a call.
pub(crate) enum Form {
    /// One request, one answer.
    Unary,
    /// One request, a stream of server-sent events.
    Events,
    /// A body of lines, one answer.
    Lines,
}

/// All bindings of all services.
pub(crate) fn bindings(pool: &DescriptorPool) -> Vec<Binding> {
    let http = pool
        .get_extension_by_name("google.api.http")
        .expect("the services import google/api/annotations.proto");
    let mut bindings = Vec::new();
    for method in pool
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
    {
        let options = method.options();
        if !options.has_extension(&http) {
            continue;
        }
        let rule = options.get_extension(&http);
        let rule = rule.as_message().expect("google.api.http is a message");
        let more = list(rule, "additional_bindings");
        for (number, rule) in std::iter::once(rule).chain(&more).enumerate() {
            bindings.push(Binding::new(&method, rule, number));
        }
    }
    bindings
}

impl Binding {
    fn new(method: &MethodDescriptor, rule: &DynamicMessage, number: usize) -> Self {
        let (verb, path) = ["get", "put", "post", "delete", "patch"]
            .into_iter()
            .map(|verb| (verb, text(rule, verb)))
            .find(|(_, path)| !path.is_empty())
            .expect("an annotation has a verb");
        let suffix = if number == 0 {
            String::new()
        } else {
            format!("_{}", number + 1)
        };
        Binding {
            method: method.clone(),
            handler: format!("{}{suffix}", snake(method.name())),
            verb,
            path,
            body: text(rule, "body"),
            response_body: text(rule, "response_body"),
        }
    }

    pub(crate) fn form(&self) -> Form {
        match (
            self.method.is_client_streaming(),
            self.method.is_server_streaming(),
        ) {
            (false, false) => Form::Unary,
            (false, true) if self.verb == "get" => Form::Events,
            (true, false) if self.verb == "post" => Form::Lines,
            _ => panic!("{} has no form in REST", self.method.full_name()),
        }
    }

    /// The status when all went well.
    pub(crate) fn status(&self) -> u16 {
        match self.verb {
            "delete" => 204,
            _ if CREATES.contains(&self.method.name()) => 201,
            _ => 200,
        }
    }

    /// Whether the answer's body is written by hand.
    pub(crate) fn is_by_hand(&self) -> bool {
        BY_HAND.contains(&self.method.name())
    }

    /// The message that the body holds, alone or one on each line.
    pub(crate) fn body_message(&self) -> Option<MessageDescriptor> {
        match self.body.as_str() {
            "" => None,
            "*" => Some(self.method.input()),
            field => Some(field_message(self.method.input(), field)),
        }
    }

    /// Whether the body may be left out: the path says what it is about.
    pub(crate) fn is_body_optional(&self) -> bool {
        self.body == "*" && self.path_fields().next().is_some()
    }

    /// The message that is answered, alone, in a list or as events.
    pub(crate) fn answer_message(&self) -> MessageDescriptor {
        match self.response_body.as_str() {
            "" => self.method.output(),
            field => field_message(self.method.output(), field),
        }
    }

    /// The fields that stand in the path, in their order.
    pub(crate) fn path_fields(&self) -> impl Iterator<Item = &str> {
        self.path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The fields that may stand in the query: scalars and enums, alone or repeated.
    pub(crate) fn query_fields(&self) -> impl Iterator<Item = FieldDescriptor> {
        self.method
            .input()
            .fields()
            .filter(|field| {
                let scalar = !matches!(field.kind(), Kind::Message(_));
                let elsewhere = self.path_fields().any(|name| name == field.name());
                scalar && !elsewhere && self.body != "*"
            })
            .collect::<Vec<_>>()
            .into_iter()
    }
}

fn field_message(message: MessageDescriptor, field: &str) -> MessageDescriptor {
    let field = message
        .get_field_by_name(field)
        .expect("an annotation names a field");
    match field.kind() {
        Kind::Message(message) => message,
        kind => panic!("{} holds a {kind:?}, not a message", field.full_name()),
    }
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value
        .and_then(|value| value.as_str().map(str::to_owned))
        .unwrap_or_default()
}

fn list(message: &DynamicMessage, field: &str) -> Vec<DynamicMessage> {
    let value = message.get_field_by_name(field);
    let items = value
        .as_deref()
        .and_then(Value::as_list)
        .unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.as_message().cloned())
        .collect()
}
