//! What the server tells of itself by reflection: its files, and in them the routes.

use std::collections::BTreeMap;

use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};
use prost_types::FileDescriptorProto;
use tokio_stream::iter;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use crate::support::{Server, soon};

/// The unary methods that have routes.
pub(super) struct Surface {
    pub(super) routes: Vec<Route>,
}

/// A method at a verb and a path.
#[derive(Clone)]
pub(super) struct Route {
    pub(super) method: MethodDescriptor,
    pub(super) verb: String,
    /// The parts of the path: a literal, or a field in braces.
    pub(super) path: Vec<String>,
    pub(super) body: String,
    pub(super) response_body: String,
}

#[derive(Clone, PartialEq, Message)]
struct Files {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file: Vec<Vec<u8>>,
}

impl Surface {
    /// Asks the server for its services, and for the files they need.
    pub(super) async fn of(server: &Server) -> Self {
        let services = match ask(server, MessageRequest::ListServices(String::new())).await {
            MessageResponse::ListServicesResponse(list) => list.service,
            other => panic!("{other:?}"),
        };
        let mut files = BTreeMap::new();
        let mut wanted: Vec<MessageRequest> = services
            .into_iter()
            .map(|service| MessageRequest::FileContainingSymbol(service.name))
            .collect();
        while let Some(request) = wanted.pop() {
            let encoded = match ask(server, request).await {
                MessageResponse::FileDescriptorResponse(files) => files.file_descriptor_proto,
                other => panic!("{other:?}"),
            };
            for bytes in encoded {
                let file = FileDescriptorProto::decode(bytes.as_slice()).unwrap();
                if files.insert(file.name().to_owned(), bytes).is_none() {
                    wanted.extend(
                        file.dependency
                            .into_iter()
                            .map(MessageRequest::FileByFilename),
                    );
                }
            }
        }
        let set = Files {
            file: files.into_values().collect(),
        };
        Self::read(&DescriptorPool::decode(set.encode_to_vec().as_slice()).unwrap())
    }

    fn read(pool: &DescriptorPool) -> Self {
        let http = pool.get_extension_by_name("google.api.http").unwrap();
        let mut routes = Vec::new();
        let methods: Vec<_> = pool
            .services()
            .flat_map(|service| service.methods().collect::<Vec<_>>())
            .collect();
        for method in methods {
            let options = method.options();
            let streams = method.is_client_streaming() || method.is_server_streaming();
            if streams || !options.has_extension(&http) {
                continue;
            }
            let rule = options.get_extension(&http);
            let rule = rule.as_message().unwrap();
            routes.push(Route::read(&method, rule));
            let more = rule.get_field_by_name("additional_bindings").unwrap();
            for rule in more.as_list().unwrap() {
                routes.push(Route::read(&method, rule.as_message().unwrap()));
            }
        }
        Self { routes }
    }
}

impl Route {
    fn read(method: &MethodDescriptor, rule: &DynamicMessage) -> Self {
        let text = |name: &str| match rule.get_field_by_name(name).as_deref() {
            Some(Value::String(text)) => text.clone(),
            other => panic!("{name}: {other:?}"),
        };
        let verbs = ["get", "put", "post", "delete"];
        let verb = verbs.iter().find(|verb| !text(verb).is_empty()).unwrap();
        Self {
            method: method.clone(),
            verb: verb.to_uppercase(),
            path: text(verb).split('/').skip(1).map(str::to_owned).collect(),
            body: text("body"),
            response_body: text("response_body"),
        }
    }
}

async fn ask(server: &Server, request: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(request),
    };
    let mut client = ServerReflectionClient::new(server.channel.clone());
    let asked = client.server_reflection_info(iter([request]));
    let mut answers = soon("reflection", asked).await.unwrap().into_inner();
    let answer: ServerReflectionResponse = answers.message().await.unwrap().unwrap();
    answer.message_response.unwrap()
}
