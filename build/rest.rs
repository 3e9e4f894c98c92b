//! Reads the google.api.http annotations and writes one axum handler for each, which fills the typed
//! request and calls the service in process. What the handlers lean on is in src/api/rest.

use std::collections::BTreeMap;
use std::fmt::Write;

use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor,
    Value,
};

/// Methods whose answer src/api/rest/documented.rs writes by hand.
const BY_HAND: [&str; 5] = [
    "CreateResourceDefinition",
    "ApplyResourceDefinition",
    "CreateResource",
    "CreatePipeline",
    "BroadcastMessage",
];

/// A method bound to a verb and a path.
pub(crate) struct Binding {
    pub(crate) method: MethodDescriptor,
    /// Name of the handler: the method's, numbered from its second binding on.
    handler: String,
    verb: &'static str,
    /// The path as annotated, such as `/pipelines/{pipeline.name}`.
    path: String,
    body: String,
    response_body: String,
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
            bindings.push(binding(&method, rule, number));
        }
    }
    bindings
}

fn binding(method: &MethodDescriptor, rule: &DynamicMessage, number: usize) -> Binding {
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

/// The module of handlers and the router that holds them.
pub(crate) fn routes(bindings: &[Binding]) -> String {
    let mut paths = BTreeMap::<String, (String, String)>::new();
    let mut code = String::new();
    for binding in bindings {
        let (_, verbs) = paths
            .entry(binding.axum_path())
            .or_insert_with(|| (binding.template(), String::new()));
        let _ = write!(verbs, ".{}({}::<S>)", binding.verb, binding.handler);
        code.push_str(&binding.handler());
    }
    let routes: String = paths
        .iter()
        .map(|(path, (template, verbs))| {
            format!("        .route_as({path:?}, {template:?}, MethodRouter::new(){verbs})\n")
        })
        .collect();
    format!(
        "/// A route for each annotated method.
pub(super) fn routes<S: Services>() -> Routes<Arc<S>> {{
    Routes::new()
{routes}}}
{code}"
    )
}

impl Binding {
    /// The message that the body holds.
    pub(crate) fn body_message(&self) -> Option<MessageDescriptor> {
        match self.body.as_str() {
            "" => None,
            "*" => Some(self.method.input()),
            field => Some(field_message(self.method.input(), field)),
        }
    }

    /// The message that is answered, alone or in a list.
    pub(crate) fn answer_message(&self) -> MessageDescriptor {
        match self.response_body.as_str() {
            "" => self.method.output(),
            field => field_message(self.method.output(), field),
        }
    }

    /// The fields that stand in the path, in their order.
    fn path_fields(&self) -> impl Iterator<Item = &str> {
        self.path
            .split('/')
            .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
    }

    /// The path with its fields numbered: axum wants one name for one place, whatever the method.
    fn axum_path(&self) -> String {
        let mut path = self.path.clone();
        for (place, field) in self.path_fields().enumerate() {
            path = path.replacen(&format!("{{{field}}}"), &format!("{{p{place}}}"), 1);
        }
        path
    }

    /// The path as people read it: each field by its own name, not by where it stands in the request.
    fn template(&self) -> String {
        let mut path = self.path.clone();
        for field in self.path_fields() {
            let name = field.rsplit('.').next().unwrap_or(field);
            path = path.replacen(&format!("{{{field}}}"), &format!("{{{name}}}"), 1);
        }
        path
    }

    fn handler(&self) -> String {
        let Binding {
            handler, method, ..
        } = self;
        let service = method.parent_service().name().to_owned();
        let module = format!("proto::{}_server", snake(&service));
        format!(
            "
async fn {handler}<S: Services>(State(api): State<Arc<S>>, call: Call) -> Result<Response, Failure> {{
    let mut message: proto::{input} = {message};
{fill}    let request = Request::new(message);
    let answer = {module}::{service}::{name}(&*api, request).await;
    let answer = answer.map_err(|status| call.failure(&status, {prefix:?}))?.into_inner();
    let mut response = {response};
{headers}    Ok(response)
}}
",
            input = method.input().name(),
            message = self.message(),
            fill = self.fill(),
            name = snake(method.name()),
            prefix = self.body_prefix(),
            response = self.response(),
            headers = self.headers(),
        )
    }

    /// The request as the body gives it.
    fn message(&self) -> String {
        match self.body.as_str() {
            "" => "Default::default()".to_owned(),
            "*" => "call.body()?".to_owned(),
            field => format!(
                "proto::{} {{ {field}: Some(call.body()?), ..Default::default() }}",
                self.method.input().name()
            ),
        }
    }

    /// What stands before a field's path in the request but not in the body.
    fn body_prefix(&self) -> String {
        match self.body.as_str() {
            "" | "*" => String::new(),
            field => format!("{field}."),
        }
    }

    /// Statements that put path, query and headers into the request.
    fn fill(&self) -> String {
        let mut code = String::new();
        let prefix = self.body_prefix();
        for (place, field) in self.path_fields().enumerate() {
            let name = field.strip_prefix(&prefix).unwrap_or(field);
            let rust = field.replace('.', ".get_or_insert_default().");
            let _ = writeln!(
                code,
                "    call.path({place}, {name:?}, &mut message.{rust})?;"
            );
        }
        for field in self
            .method
            .input()
            .fields()
            .filter(|field| self.is_query(field))
        {
            let name = field.name();
            let _ = writeln!(code, "    call.query({name:?}, &mut message.{name})?;");
            match name {
                "expected_revision" => {
                    let _ = writeln!(code, "    call.if_match(&mut message.{name})?;");
                }
                "request_id" => {
                    let _ = writeln!(code, "    call.idempotency_key(&mut message.{name})?;");
                }
                _ => (),
            }
        }
        code
    }

    fn is_query(&self, field: &FieldDescriptor) -> bool {
        let scalar = !matches!(field.kind(), Kind::Message(_) | Kind::Enum(_)) && !field.is_list();
        let elsewhere = self.path_fields().any(|name| name == field.name());
        scalar && !elsewhere && self.body != "*"
    }

    fn response(&self) -> String {
        let method = self.method.name();
        if BY_HAND.contains(&method) {
            return format!("documented::{}(&answer)", snake(method));
        }
        match (self.verb, self.response_body.as_str()) {
            ("delete", _) => "answer::no_content()".to_owned(),
            (_, "") => "answer::json(StatusCode::OK, &answer)".to_owned(),
            (_, field) => format!("answer::json(StatusCode::OK, &answer.{field})"),
        }
    }

    /// What the body does not show of the answer goes into headers.
    fn headers(&self) -> String {
        let output = self.method.output();
        let has = |name| output.get_field_by_name(name).is_some();
        let mut code = String::new();
        if has("next_page_token") {
            code += "    answer::link_next(&mut response, &call, &answer.next_page_token);\n";
        }
        if has("run_id") {
            code += "    answer::run_id(&mut response, &answer.run_id);\n";
        }
        code
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

/// `GetResource` as `get_resource`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
