//! A reader of Server-Sent Events that are lines of a log, over a bare HTTP/1.1 connection.

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::Result;
use super::http::get;

/// What is read ahead of a connection.
const READ_BYTES: usize = 16 << 10;

/// The events of one answer.
pub(crate) struct Events {
    stream: BufReader<TcpStream>,
    /// What came and is not yet a whole event.
    text: Vec<u8>,
}

/// What is read of an event's data.
#[derive(Deserialize)]
struct Data<'a> {
    message: &'a str,
}

/// What an event says.
enum Event<'a> {
    Line(&'a str),
    Heartbeat,
    End,
}

impl Events {
    /// Asks for them and waits for the head of the answer.
    pub(crate) async fn open(mut stream: TcpStream, path: &str) -> Result<Self> {
        stream.write_all(&get(path)).await?;
        let mut stream = BufReader::with_capacity(READ_BYTES, stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if stream.read_line(&mut head).await? == 0 {
                return Err(format!("the connection ended within a head: {head}").into());
            }
        }
        let is_chunked = head.lines().any(|it| it == "transfer-encoding: chunked");
        if !head.starts_with("HTTP/1.1 200") || !is_chunked {
            return Err(head.into());
        }
        let text = Vec::new();
        Ok(Self { stream, text })
    }

    /// Waits for events and hands over the messages of lines. False once the server has said that the log is over.
    pub(crate) async fn read(&mut self, mut line: impl FnMut(&str) -> Result<()>) -> Result<bool> {
        self.read_chunk().await?;
        let text = std::str::from_utf8(&self.text)?;
        let mut rest = text;
        while let Some((event, after)) = rest.split_once("\n\n") {
            rest = after;
            match parse(event)? {
                Event::Line(data) => {
                    let data: Data<'_> = serde_json::from_str(data)?;
                    line(data.message)?;
                }
                Event::Heartbeat => (),
                Event::End => return Ok(false),
            }
        }
        let whole = text.len() - rest.len();
        self.text.drain(..whole);
        Ok(true)
    }

    /// Reads a chunk of the answer: its size in hexadecimal digits, then its bytes, each with an end of line.
    async fn read_chunk(&mut self) -> Result<()> {
        let mut size = String::new();
        self.stream.read_line(&mut size).await?;
        let size = usize::from_str_radix(size.trim_end(), 16)?;
        if size == 0 {
            return Err("the answer ended before the log".into());
        }
        let begin = self.text.len();
        self.text.resize(begin + size, 0);
        self.stream.read_exact(&mut self.text[begin..]).await?;
        let mut end_of_line = [0; 2];
        self.stream.read_exact(&mut end_of_line).await?;
        Ok(())
    }
}

fn parse(event: &str) -> Result<Event<'_>> {
    if event.starts_with(':') {
        return Ok(Event::Heartbeat);
    }
    let field = |name| event.lines().find_map(|line| line.strip_prefix(name));
    match (field("event: "), field("data: ")) {
        (None, Some(data)) => Ok(Event::Line(data)),
        (Some("end"), _) => Ok(Event::End),
        _ => Err(format!("expected a line, got {event}").into()),
    }
}
