//! Writes the REST routes of the google.api.http annotations: one axum handler for each, which fills the
//! typed request and calls the service in process. What the handlers lean on is in src/api/rest.

mod binding;
mod request;

use std::collections::BTreeMap;
use std::fmt::Write;

pub(crate) use binding::{Binding, Form, bindings};

/// The module of handlers and the router that holds them.
pub(crate) fn routes(bindings: &[Binding]) -> String {
    let mut paths = BTreeMap::<String, (String, String)>::new();
    let mut code = String::new();
    for binding in bindings {
        let (_, verbs) = paths
            .entry(binding.axum_path())
            .or_insert_with(|| (binding.template(), String::new()));
        let _ = write!(verbs, ".{}({}::<S>)", binding.verb, binding.handler);
        code.push_str(&match binding.form() {
            Form::Unary => binding.unary(),
            Form::Events => binding.events(),
            Form::Lines => binding.lines(),
        });
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
    /// The path with its fields numbered: axum wants one name for one place, whatever the method.
    fn axum_path(&self) -> String {
        let mut path = self.path.clone();
        for (place, field) in self.path_fields().enumerate() {
            path = path.replacen(&format!("{{{field}}}"), &format!("{{p{place}}}"), 1);
        }
        path
    }

    /// The path as people read it: each field by its own name, not by where it stands in the request.
    pub(crate) fn template(&self) -> String {
        let mut path = self.path.clone();
        for field in self.path_fields() {
            let name = field.rsplit('.').next().unwrap_or(field);
            path = path.replacen(&format!("{{{field}}}"), &format!("{{{name}}}"), 1);
        }
        path
    }

    /// A handler of one request and one answer.
    fn unary(&self) -> String {
        format!(
            "
async fn {handler}<S: Services>(State(api): State<Arc<S>>, call: Call) -> Result<Response, Failure> {{
    let mut message: proto::{input} = {message};
{fill}    let answer = {method}(&*api, Request::new(message)).await;
    let answer = answer.map_err(|status| call.failure(&status, {prefix:?}))?.into_inner();
    let mut response = {response};
{headers}    Ok(response)
}}
",
            handler = self.handler,
            input = self.method.input().name(),
            message = self.message(),
            fill = self.fill(),
            method = self.rust_method(),
            prefix = self.body_prefix(),
            response = self.response(),
            headers = self.headers(),
        )
    }

    /// A handler that answers with events.
    fn events(&self) -> String {
        let position = match self.method.output().get_field_by_name("position") {
            Some(_) => "Some(|answer| answer.position)",
            None => "None",
        };
        format!(
            "
async fn {handler}<S: Services>(State(api): State<Arc<S>>, Extension(options): Extension<Arc<RouterOptions>>, call: Call) -> Result<Response, Failure> {{
    let mut message: proto::{input} = {message};
{fill}    let answers = {method}(&*api, Request::new(message)).await;
    let answers = answers.map_err(|status| call.failure(&status, \"\"))?.into_inner();
    Ok(events::answer(answers, {position}, &call, &options).await)
}}
",
            handler = self.handler,
            input = self.method.input().name(),
            message = self.message(),
            fill = self.fill(),
            method = self.rust_method(),
        )
    }

    /// A handler of a body of lines, each an item of the field that the body holds. The method is called
    /// for each batch of them; what it counts is added up.
    fn lines(&self) -> String {
        let output = self.method.output();
        let counts: String = output
            .fields()
            .map(|field| format!(" total.{0} += answer.{0};", field.name()))
            .collect();
        format!(
            "
async fn {handler}<S: Services>(State(api): State<Arc<S>>, Extension(options): Extension<Arc<RouterOptions>>, request: extract::Request) -> Result<Response, Failure> {{
    let store = |{field}| {{
        let api = Arc::clone(&api);
        let message = lines::stream_of(&proto::{input} {{ {field}, ..Default::default() }});
        async move {{ {method}(&*api, Request::new(message)).await }}
    }};
    let add = |total: &mut proto::{output}, answer: proto::{output}| {{{counts} }};
    let total = lines::each(request, &options, {field:?}, store, add).await?;
    Ok(answer::json(StatusCode::OK, &total))
}}
",
            handler = self.handler,
            input = self.method.input().name(),
            output = output.name(),
            field = self.body,
            method = self.rust_method(),
        )
    }

    /// The method of the service's trait.
    fn rust_method(&self) -> String {
        let service = self.method.parent_service().name().to_owned();
        format!(
            "proto::{}_server::{service}::{}",
            snake(&service),
            snake(self.method.name())
        )
    }

    fn response(&self) -> String {
        let status = self.status();
        match self.response_body.as_str() {
            _ if self.is_by_hand() => {
                format!("documented::{}(&answer)", snake(self.method.name()))
            }
            _ if status == 204 => "answer::no_content()".to_owned(),
            "" => format!("answer::json({}, &answer)", constant(status)),
            field => format!("answer::json({}, &answer.{field})", constant(status)),
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

fn constant(status: u16) -> &'static str {
    match status {
        200 => "StatusCode::OK",
        201 => "StatusCode::CREATED",
        _ => panic!("{status} is not a status with a body"),
    }
}

/// `GetResource` as `get_resource`.
pub(crate) fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
