//! gRPC server reflection, versions v1 and v1alpha.
//!
//! tonic-reflection answers what prost encodes again, without the annotations of REST, and its streams
//! outlive a stop. This one answers the descriptor bytes as they were compiled.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost::Message;
use prost_types::{DescriptorProto, FieldDescriptorProto, FileDescriptorProto};
use tokio_util::sync::CancellationToken;

/// What is declared, itself included: it is part of the program, and is read once in a process.
static INDEX: LazyLock<Index> = LazyLock::new(|| {
    let mut index = Index::default();
    for set in super::rpcs::DESCRIPTOR_SETS {
        index.add_set(set);
    }
    index
});

/// The reflection services; a cheap clone.
#[derive(Clone)]
pub(super) struct Reflection {
    index: &'static Index,
    stop: CancellationToken,
}

impl Reflection {
    /// Its streams end on `stop`.
    pub(super) fn new(stop: &CancellationToken) -> Self {
        Reflection {
            index: &INDEX,
            stop: stop.clone(),
        }
    }
}

/// Where everything is declared.
#[derive(Default)]
struct Index {
    services: Vec<String>,
    /// Encoded files by name.
    files: HashMap<String, Vec<u8>>,
    /// The name of the file of each message, enum, service and method.
    symbols: HashMap<String, String>,
    /// The name of the file of each extension, by the extended message and the number.
    extensions: HashMap<String, HashMap<i32, String>>,
}

/// A `FileDescriptorSet` whose files are left as they are.
#[derive(Clone, PartialEq, Message)]
struct EncodedFiles {
    #[prost(bytes = "vec", repeated, tag = "1")]
    file: Vec<Vec<u8>>,
}

impl Index {
    fn add_set(&mut self, set: &[u8]) {
        let valid = "the set was encoded at build time";
        for encoded in EncodedFiles::decode(set).expect(valid).file {
            let file = FileDescriptorProto::decode(encoded.as_slice()).expect(valid);
            if !self.files.contains_key(file.name()) {
                self.add_symbols(&file);
                self.files.insert(file.name().to_owned(), encoded);
            }
        }
    }

    fn add_symbols(&mut self, file: &FileDescriptorProto) {
        for service in &file.service {
            let name = join(file.package(), service.name());
            for method in &service.method {
                self.add_symbol(file, join(&name, method.name()));
            }
            self.services.push(name.clone());
            self.add_symbol(file, name);
        }
        for of in &file.enum_type {
            self.add_symbol(file, join(file.package(), of.name()));
        }
        for message in &file.message_type {
            self.add_message(file, file.package(), message);
        }
        self.add_extensions(file, &file.extension);
    }

    fn add_message(&mut self, file: &FileDescriptorProto, parent: &str, message: &DescriptorProto) {
        let name = join(parent, message.name());
        for of in &message.enum_type {
            self.add_symbol(file, join(&name, of.name()));
        }
        for nested in &message.nested_type {
            self.add_message(file, &name, nested);
        }
        self.add_extensions(file, &message.extension);
        self.add_symbol(file, name);
    }

    fn add_extensions(&mut self, file: &FileDescriptorProto, extensions: &[FieldDescriptorProto]) {
        for extension in extensions {
            let extended = extension.extendee().trim_start_matches('.').to_owned();
            let numbers = self.extensions.entry(extended).or_default();
            numbers.insert(extension.number(), file.name().to_owned());
        }
    }

    fn add_symbol(&mut self, file: &FileDescriptorProto, symbol: String) {
        self.symbols.insert(symbol, file.name().to_owned());
    }

    fn of_symbol(&self, symbol: &str) -> Option<Vec<u8>> {
        self.files.get(self.symbols.get(symbol)?).cloned()
    }

    fn of_extension(&self, extended: &str, number: i32) -> Option<Vec<u8>> {
        let file = self.extensions.get(extended)?.get(&number)?;
        self.files.get(file).cloned()
    }

    fn extension_numbers(&self, extended: &str) -> Option<Vec<i32>> {
        let numbers = self.extensions.get(extended);
        let is_known = numbers.is_some() || self.symbols.contains_key(extended);
        is_known.then(|| {
            numbers
                .into_iter()
                .flat_map(HashMap::keys)
                .copied()
                .collect()
        })
    }
}

fn join(parent: &str, name: &str) -> String {
    if parent.is_empty() {
        name.to_owned()
    } else {
        format!("{parent}.{name}")
    }
}

/// The two versions differ in their package alone.
macro_rules! version {
    ($version:ident) => {
        pub(super) mod $version {
            use futures_util::StreamExt;
            use futures_util::stream::BoxStream;
            use tonic::{Code, Request, Response, Status, Streaming};
            use tonic_reflection::pb::$version::server_reflection_request::MessageRequest as Asked;
            use tonic_reflection::pb::$version::server_reflection_response::MessageResponse as Told;
            pub(in crate::api) use tonic_reflection::pb::$version::server_reflection_server::ServerReflectionServer;
            use tonic_reflection::pb::$version::server_reflection_server::ServerReflection;
            use tonic_reflection::pb::$version::{
                ErrorResponse, ExtensionNumberResponse, FileDescriptorResponse,
                ListServiceResponse, ServerReflectionRequest, ServerReflectionResponse,
                ServiceResponse,
            };

            use super::{Index, Reflection};

            #[tonic::async_trait]
            impl ServerReflection for Reflection {
                type ServerReflectionInfoStream =
                    BoxStream<'static, Result<ServerReflectionResponse, Status>>;

                async fn server_reflection_info(
                    &self,
                    requests: Request<Streaming<ServerReflectionRequest>>,
                ) -> Result<Response<Self::ServerReflectionInfoStream>, Status> {
                    let index = self.index;
                    let answers = requests
                        .into_inner()
                        .map(move |request| Ok(answer(index, request?)))
                        .take_until(self.stop.clone().cancelled_owned());
                    Ok(Response::new(answers.boxed()))
                }
            }

            fn answer(index: &Index, request: ServerReflectionRequest) -> ServerReflectionResponse {
                let told = request.message_request.as_ref().and_then(|asked| tell(index, asked));
                let unknown = || {
                    Told::ErrorResponse(ErrorResponse {
                        error_code: Code::NotFound.into(),
                        error_message: "not known".to_owned(),
                    })
                };
                ServerReflectionResponse {
                    valid_host: request.host.clone(),
                    original_request: Some(request),
                    message_response: Some(told.unwrap_or_else(unknown)),
                }
            }

            fn tell(index: &Index, asked: &Asked) -> Option<Told> {
                let file = |encoded| {
                    let file_descriptor_proto = vec![encoded];
                    Told::FileDescriptorResponse(FileDescriptorResponse { file_descriptor_proto })
                };
                match asked {
                    Asked::FileByFilename(name) => index.files.get(name).cloned().map(file),
                    Asked::FileContainingSymbol(symbol) => index.of_symbol(symbol).map(file),
                    Asked::FileContainingExtension(of) => {
                        index.of_extension(&of.containing_type, of.extension_number).map(file)
                    }
                    Asked::AllExtensionNumbersOfType(of) => {
                        let numbers = index.extension_numbers(of)?;
                        Some(Told::AllExtensionNumbersResponse(ExtensionNumberResponse {
                            base_type_name: of.clone(),
                            extension_number: numbers,
                        }))
                    }
                    Asked::ListServices(_) => {
                        let names = index.services.iter().cloned();
                        let service = names.map(|name| ServiceResponse { name }).collect();
                        Some(Told::ListServicesResponse(ListServiceResponse { service }))
                    }
                }
            }
        }
    };
}

version!(v1);
version!(v1alpha);
