//! ServerService.

use futures_util::{Stream, StreamExt, stream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::{Answers, Api};
use crate::api::convert;
use crate::engine::backup::{Backup, Piece};
use crate::proto::backup_response::Part;
use crate::proto::server_service_server::ServerService;
use crate::proto::{
    BackupDone, BackupFile, BackupFileEnd, BackupRequest, BackupResponse, BackupStart,
    GetServerRequest, GetServerResponse,
};

#[tonic::async_trait]
impl ServerService for Api {
    type BackupStream = Answers<BackupResponse>;

    async fn get_server(
        &self,
        _: Request<GetServerRequest>,
    ) -> Result<Response<GetServerResponse>, Status> {
        Ok(Response::new(GetServerResponse {
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }))
    }

    async fn backup(
        &self,
        _: Request<BackupRequest>,
    ) -> Result<Response<Self::BackupStream>, Status> {
        let backup = self.engine.backup(&self.tracker).await?;
        Ok(Response::new(parts(backup).boxed()))
    }
}

fn parts(backup: Backup) -> impl Stream<Item = Result<BackupResponse, Status>> {
    let start = Part::Start(BackupStart {
        format: backup.format,
        position: backup.position,
        time: Some(convert::time(backup.time)),
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
        files: u32::try_from(backup.files).unwrap_or(u32::MAX),
        bytes: backup.bytes,
    });
    let pieces = ReceiverStream::new(backup.pieces);
    let parts = pieces.map(|piece| Ok(response(part(piece?))));
    stream::once(async { Ok(response(start)) }).chain(parts)
}

fn response(part: Part) -> BackupResponse {
    BackupResponse { part: Some(part) }
}

fn part(piece: Option<Piece>) -> Part {
    match piece {
        Some(Piece::Begin(name, bytes)) => Part::Begin(BackupFile { name, bytes }),
        Some(Piece::Data(bytes)) => Part::Data(bytes.into()),
        Some(Piece::End(hash)) => Part::End(BackupFileEnd {
            sha256: hash.to_vec(),
        }),
        None => Part::Done(BackupDone {}),
    }
}
