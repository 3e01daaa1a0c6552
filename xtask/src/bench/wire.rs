//! The other side of the dispatch rows: a server that answers after a while, and a bare client that does nothing but ask.
//! Both speak just enough HTTP/1.1 over tokio, keep their connections, and are processes of their own.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use super::World;
use super::measure::{Usage, raise_descriptors};
use super::project::answer;

/// The words by which this program is started as one or the other.
pub const SERVER: &str = "--serve";
pub const CLIENT: &str = "--ask";

/// All connections of a run may come at once.
const BACKLOG: u32 = 4_096;

/// A server in a process of its own; it ends with this value.
pub struct Server {
    process: Child,
    address: String,
}

impl Server {
    /// Starts a server that answers after so many milliseconds.
    pub fn start(world: &World, latency_ms: u64) -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("the server could not be started: {error}");
        let mut command = Command::new(&world.xtask);
        command.args(["bench", SERVER, &latency_ms.to_string()]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let mut address = String::new();
        if let Some(stdout) = process.stdout.take() {
            BufReader::new(stdout).read_line(&mut address).map_err(failed)?;
        }
        Ok(Self { process, address: address.trim().to_owned() })
    }

    /// Where it is: `127.0.0.1:<port>`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Has the bare client ask so many times, and measures it.
    pub fn call(&self, world: &World, trials: usize, in_flight: usize) -> Result<Usage, String> {
        let (trials, in_flight) = (trials.to_string(), in_flight.to_string());
        let line = ["bench", CLIENT, &self.address, &trials, &in_flight];
        world.measured(&world.xtask, Path::new("."), &line)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It ends when its input does; an error means that it has ended already.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

/// The server: prints its address and answers until its input ends.
pub fn play_server(latency_ms: &str) -> Result<(), String> {
    let latency = Duration::from_millis(latency_ms.parse().map_err(|_| "the latency is no number")?);
    raise_descriptors()?;
    let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        drop(stop);
    });
    runtime.block_on(async {
        tokio::select! {
            result = serve(latency) => result.map_err(|error| error.to_string()),
            _ = stopped => Ok(()),
        }
    })
}

async fn serve(latency: Duration) -> std::io::Result<()> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    let listener = socket.listen(BACKLOG)?;
    println!("{}", listener.local_addr()?);
    let reply: Arc<[u8]> = reply().into();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(answer_all(Messages::new(stream), latency, reply.clone()));
    }
}

async fn answer_all(mut messages: Messages, latency: Duration, reply: Arc<[u8]>) -> std::io::Result<()> {
    while messages.next().await? {
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        messages.stream.write_all(&reply).await?;
    }
    Ok(())
}

fn reply() -> Vec<u8> {
    let body = json!({
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "bench",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": answer(200)}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
    })
    .to_string();
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}

/// The bare client: asks so many times, so many at once, each on a connection that is kept.
pub fn play_client(address: &str, trials: &str, in_flight: &str) -> Result<(), String> {
    let number = |text: &str| text.parse::<usize>().map_err(|_| format!("`{text}` is no number"));
    let (trials, in_flight) = (number(trials)?, number(in_flight)?);
    let runtime = Builder::new_multi_thread().enable_all().build().map_err(|error| error.to_string())?;
    let (left, question): (_, Arc<[u8]>) = (Arc::new(AtomicUsize::new(trials)), posted(address).into());
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..in_flight.min(trials) {
            tasks.spawn(ask_all(address.to_owned(), left.clone(), question.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            ended.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        }
        Ok(())
    })
}

async fn ask_all(address: String, left: Arc<AtomicUsize>, question: Arc<[u8]>) -> std::io::Result<()> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let mut messages = Messages::new(stream);
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        messages.stream.write_all(&question).await?;
        if !messages.next().await? {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(())
}

/// About what promptgate sends for a case of these rows.
pub fn question() -> String {
    let body = json!({
        "model": "bench",
        "messages": [
            {"role": "system", "content": "Sort the message into a queue. Answer with JSON: `queue`, `because`.\n"},
            {"role": "user", "content": "Message 1: the invoice of last month was charged twice, please have a look at it.\n"},
        ],
    });
    body.to_string()
}

/// The whole message.
fn posted(address: &str) -> Vec<u8> {
    let body = question();
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n");
    format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// Messages on a connection, each with a head and a body whose length the head tells.
struct Messages {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Messages {
    fn new(stream: TcpStream) -> Self {
        Self { stream, read: Vec::with_capacity(4_096) }
    }

    /// Waits for a whole message and passes over it; false where the connection ended before it began.
    async fn next(&mut self) -> std::io::Result<bool> {
        loop {
            if let Some(length) = whole(&self.read) {
                self.read.drain(..length);
                return Ok(true);
            }
            if self.stream.read_buf(&mut self.read).await? == 0 {
                return if self.read.is_empty() { Ok(false) } else { Err(std::io::ErrorKind::UnexpectedEof.into()) };
            }
        }
    }
}

/// The length of the message that is there in whole, if one is.
fn whole(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&bytes[..head]).ok()?;
    let length = text.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let length = head + length.unwrap_or(0);
    (bytes.len() >= length).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_whole_once_its_body_is_there() {
        let message = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcHTTP";
        assert_eq!(whole(message), Some(message.len() - 4));
        assert_eq!(whole(&message[..message.len() - 5]), None);
        assert_eq!(whole(b"HTTP/1.1 200 OK\r\nContent-Le"), None);
    }

    #[test]
    fn an_answer_has_the_length_asked_for() {
        assert_eq!(answer(200).len(), 200);
        assert!(serde_json::from_str::<serde_json::Value>(&answer(2_000)).is_ok());
    }
}
