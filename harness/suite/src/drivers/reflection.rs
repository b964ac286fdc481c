//! Server reflection of one instance, in either version (GRP-2).

use std::time::Duration;

use conformance_engine::failure::{Failure, StepResult};
use conformance_engine::observe::Journal;
use conformance_engine::sandbox::exhaustion;
use prost::Message as _;
use prost_types::FileDescriptorProto;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use tonic_reflection::pb::v1::{ServerReflectionRequest, ServerReflectionResponse};

use crate::drivers::users::shown;

/// Time limit of an answer.
const GIVE_UP: Duration = Duration::from_secs(30);

/// Both versions, which have the same messages; clients try the first one first.
const VERSIONS: [&str; 2] = [
    "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
    "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
];

/// A client on a connection of its own.
pub struct Reflection {
    channel: Channel,
    journal: Journal,
}

impl Reflection {
    /// A connection to `url`, opened at the first question.
    pub fn connect(url: &str, journal: &Journal) -> StepResult<Self> {
        let endpoint = Endpoint::from_shared(url.to_owned()).map_err(Failure::broken)?;
        Ok(Self {
            channel: endpoint.connect_lazy(),
            journal: journal.clone(),
        })
    }

    /// The full names of the services.
    pub async fn services(&self) -> StepResult<Vec<String>> {
        match self
            .ask(MessageRequest::ListServices(String::new()))
            .await?
        {
            MessageResponse::ListServicesResponse(list) => {
                Ok(list.service.into_iter().map(|it| it.name).collect())
            }
            other => Err(Failure::mismatch(
                "a list of services",
                format!("{other:?}"),
            )),
        }
    }

    /// The file that defines a symbol, and every file that it needs; none where the symbol is not found, as
    /// enums are not by every library.
    pub async fn files(&self, symbol: &str) -> StepResult<Vec<FileDescriptorProto>> {
        let question = MessageRequest::FileContainingSymbol(symbol.to_owned());
        let Some(mut files) = self.described(question).await? else {
            return Ok(Vec::new());
        };
        // Some libraries send all that a file imports with it, others wait to be asked.
        while let Some((file, import)) = lacking(&files) {
            let question = MessageRequest::FileByFilename(import.clone());
            let found = self.described(question).await?.unwrap_or_default();
            if !found.iter().any(|it| *it.name() == import) {
                let expected = format!("the file {import:?}, which {file:?} imports");
                return Err(Failure::mismatch(expected, "another answer"));
            }
            files.extend(found);
        }
        Ok(files)
    }

    /// The files that an answer holds; none where it is an error.
    async fn described(
        &self,
        question: MessageRequest,
    ) -> StepResult<Option<Vec<FileDescriptorProto>>> {
        match self.ask(question.clone()).await? {
            MessageResponse::FileDescriptorResponse(files) => files
                .file_descriptor_proto
                .iter()
                .map(|it| FileDescriptorProto::decode(it.as_slice()))
                .collect::<Result<_, _>>()
                .map(Some)
                .map_err(|error| Failure::mismatch("a file descriptor", error)),
            MessageResponse::ErrorResponse(_) => Ok(None),
            other => Err(Failure::mismatch(
                format!("an answer to {question:?}"),
                format!("{other:?}"),
            )),
        }
    }

    async fn ask(&self, question: MessageRequest) -> StepResult<MessageResponse> {
        let mut answer = Err(Status::unimplemented("no version was tried"));
        for version in VERSIONS {
            answer = tokio::time::timeout(GIVE_UP, self.ask_by(version, question.clone()))
                .await
                .unwrap_or_else(|_| Err(Status::unknown("the suite gave up: no answer")));
            let result = answer.as_ref().map(|_| "answered").map_err(shown);
            self.journal
                .note(format!("{version} {question:?}: {result:?}"));
            if !matches!(&answer, Err(status) if status.code() == Code::Unimplemented) {
                break;
            }
        }
        answer.map_err(|status| Failure::mismatch("an answer of reflection", shown(&status)))
    }

    async fn ask_by(
        &self,
        version: &'static str,
        question: MessageRequest,
    ) -> Result<MessageResponse, Status> {
        let mut client = Grpc::new(self.channel.clone());
        let unreachable = |error: tonic::transport::Error| {
            exhaustion::record(&error);
            Status::unavailable(error.to_string())
        };
        client.ready().await.map_err(unreachable)?;
        let request = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(question),
        };
        let codec = ProstCodec::<ServerReflectionRequest, ServerReflectionResponse>::default();
        let questions = Request::new(tokio_stream::once(request));
        let path = PathAndQuery::from_static(version);
        let mut answers = client.streaming(questions, path, codec).await?.into_inner();
        let answer = answers.message().await?;
        answer
            .and_then(|it| it.message_response)
            .ok_or_else(|| Status::unknown("the suite: a stream without an answer"))
    }
}

/// A file and one of its imports that is not among the files.
fn lacking(files: &[FileDescriptorProto]) -> Option<(String, String)> {
    let has = |name: &String| files.iter().any(|it| it.name() == name);
    files.iter().find_map(|file| {
        let import = file.dependency.iter().find(|it| !has(it))?;
        Some((file.name().to_owned(), import.clone()))
    })
}
