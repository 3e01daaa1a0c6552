//! A real HTTP server on loopback that plays a model API: answers, latencies, refusals, and every way a connection can
//! misbehave. It runs on a thread of its own, so that a test with a paused clock still talks to a live server.

use std::net::TcpListener;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

/// What decides how a request is replied to.
type Script = dyn Fn(&Received) -> Reply + Send + Sync;

/// A request as it came in.
#[derive(Debug, Clone)]
pub struct Received {
    /// Which request this is, from 1.
    pub number: usize,
    /// `POST`.
    pub method: String,
    /// `/v1/chat/completions`.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body.
    pub body: Vec<u8>,
}

impl Received {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(each, _)| each == name).map(|(_, value)| value.as_str())
    }
}

/// What is sent back, and how.
#[derive(Debug, Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    latency: Duration,
    delivery: Delivery,
}

/// How a reply is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// As it should be.
    Whole,
    /// Nothing is sent, and the connection stays open.
    Silence,
    /// The connection is closed before the first byte.
    Hangup,
    /// The connection is closed after so many bytes of the body.
    CutAfter(usize),
    /// After so many bytes of the body nothing more comes, and the connection stays open.
    StallAfter(usize),
    /// So many bytes at a time.
    Drip {
        /// Bytes at a time.
        bytes: usize,
        /// The pause between them.
        every: Duration,
    },
}

impl Reply {
    /// Any JSON, status 200.
    pub fn json(body: &Value) -> Self {
        Self::raw(body.to_string()).header("content-type", "application/json")
    }

    /// Any bytes, status 200, no content type.
    pub fn raw(body: impl Into<Vec<u8>>) -> Self {
        let (headers, latency) = (Vec::new(), Duration::ZERO);
        Self { status: 200, headers, body: body.into(), latency, delivery: Delivery::Whole }
    }

    /// A chat completion with this text: 11 tokens read, 7 written.
    pub fn answer(text: &str) -> Self {
        Self::json(&json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "mock-1",
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
        }))
    }

    /// A refusal in OpenAI's shape.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        Self::json(&json!({"error": {"message": message, "type": code, "code": code, "param": null}})).status(status)
    }

    /// With another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// With one more header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sent after a while.
    #[must_use]
    pub fn after(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Sent in another way.
    #[must_use]
    pub fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }
}

/// A running server; it stops when it is dropped.
pub struct ModelServer {
    address: std::net::SocketAddr,
    received: Arc<Mutex<Vec<Received>>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl ModelServer {
    /// Starts a server that replies as the script says, on a free port of 127.0.0.1.
    pub fn start(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port on loopback");
        let address = listener.local_addr().expect("a bound socket has an address");
        let (stop, stopped) = oneshot::channel();
        let received = Arc::new(Mutex::new(Vec::new()));
        let state = State { script: Arc::new(script), received: received.clone() };
        let thread = std::thread::spawn(move || serve(listener, state, stopped));
        Self { address, received, stop: Some(stop), thread: Some(thread) }
    }

    /// Starts a server that always gives this answer.
    pub fn answering(text: &str) -> Self {
        let reply = Reply::answer(text);
        Self::start(move |_| reply.clone())
    }

    /// The base URL that a provider is given.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Requests that came in so far.
    pub fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.received.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        // The receiver is gone only when the thread is.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

#[derive(Clone)]
struct State {
    script: Arc<Script>,
    received: Arc<Mutex<Vec<Received>>>,
}

/// Accepts until told to stop; connections end with the runtime.
fn serve(listener: TcpListener, state: State, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        listener.set_nonblocking(true).expect("a socket that does not block");
        let listener = tokio::net::TcpListener::from_std(listener).expect("a listener");
        let accept = async {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                tokio::spawn(connection(stream, state.clone()));
            }
        };
        tokio::select! {
            () = accept => {}
            _ = stopped => {}
        }
    });
}

async fn connection(stream: tokio::net::TcpStream, state: State) {
    let service = service_fn(move |request| respond(request, state.clone()));
    let mut builder = hyper::server::conn::http1::Builder::new();
    // An error here is a connection that broke off, which is what some tests are about.
    let _ = builder.timer(TokioTimer::new()).serve_connection(TokioIo::new(stream), service).await;
}

async fn respond(request: Request<Incoming>, state: State) -> Result<Response<Frames>, Hangup> {
    let received = state.receive(request).await;
    let reply = (state.script)(&received);
    tokio::time::sleep(reply.latency).await;
    match reply.delivery {
        Delivery::Hangup => return Err(Hangup),
        Delivery::Silence => std::future::pending::<()>().await,
        _ => {}
    }
    let mut response = Response::builder().status(reply.status);
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(frames(reply)).expect("a script gives valid headers"))
}

impl State {
    async fn receive(&self, request: Request<Incoming>) -> Received {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
        let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let mut all = self.received.lock().unwrap_or_else(PoisonError::into_inner);
        let (number, method, path) = (all.len() + 1, head.method.to_string(), head.uri.path().to_owned());
        let received = Received { number, method, path, headers, body };
        all.push(received.clone());
        received
    }
}

/// Closes the connection without a word.
#[derive(Debug)]
struct Hangup;

impl std::fmt::Display for Hangup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("hung up as the script says")
    }
}

impl std::error::Error for Hangup {}

/// A body whose frames come from a task.
struct Frames(mpsc::Receiver<Result<Bytes, Hangup>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = Hangup;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Hangup>>> {
        self.0.poll_recv(context).map(|frame| frame.map(|data| data.map(Frame::data)))
    }
}

fn frames(reply: Reply) -> Frames {
    let (sender, receiver) = mpsc::channel(4);
    tokio::spawn(async move {
        // A send fails when the client is gone; then there is nobody to misbehave to.
        let _ = deliver(reply, &sender).await;
    });
    Frames(receiver)
}

async fn deliver(
    reply: Reply,
    frames: &mpsc::Sender<Result<Bytes, Hangup>>,
) -> Result<(), mpsc::error::SendError<Result<Bytes, Hangup>>> {
    let head = |bytes: usize| Bytes::copy_from_slice(&reply.body[..bytes.min(reply.body.len())]);
    match reply.delivery {
        Delivery::CutAfter(bytes) => {
            frames.send(Ok(head(bytes))).await?;
            frames.send(Err(Hangup)).await?;
        }
        Delivery::StallAfter(bytes) => {
            frames.send(Ok(head(bytes))).await?;
            std::future::pending::<()>().await;
        }
        Delivery::Drip { bytes, every } => {
            for chunk in reply.body.chunks(bytes.max(1)) {
                frames.send(Ok(Bytes::copy_from_slice(chunk))).await?;
                tokio::time::sleep(every).await;
            }
        }
        Delivery::Whole | Delivery::Silence | Delivery::Hangup => frames.send(Ok(head(reply.body.len()))).await?,
    }
    Ok(())
}
