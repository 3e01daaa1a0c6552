//! A real HTTP server on loopback that plays a model API: answers, latencies, refusals, and every way a connection can
//! misbehave. It runs on a thread of its own, so that a test with a paused clock still talks to a live server.

use std::net::TcpListener;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::reply::{Delivery, Reply};

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
    /// What stands behind a question mark; empty where there is none.
    pub query: String,
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

/// A running server; it stops when it is dropped.
pub struct Server {
    address: std::net::SocketAddr,
    seen: Arc<Seen>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Server {
    /// Starts a server that replies as the script says, on a free port of 127.0.0.1.
    #[expect(clippy::expect_used, reason = "a test without a port on loopback has failed")]
    pub fn start(script: impl Fn(&Received) -> Reply + Send + Sync + 'static) -> Self {
        Self::listen(0, Keep::All, script).expect("a free port on loopback")
    }

    /// Starts a server on a port of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    ///
    /// The port is taken, or may not be had.
    pub fn listen(
        port: u16,
        keep: Keep,
        script: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let seen = Arc::new(Seen { keep, count: AtomicUsize::new(0), requests: Mutex::default() });
        let state = State { script: Arc::new(script), seen: seen.clone() };
        let thread = std::thread::Builder::new().name("mock".into());
        let thread = thread.spawn(move || runtime.block_on(serve(listener, state, stopped)))?;
        Ok(Self { address, seen, stop: Some(stop), thread: Some(thread) })
    }

    /// Starts a server that always gives this answer.
    pub fn answering(text: &str) -> Self {
        let reply = Reply::answer(text);
        Self::start(move |_| reply.clone())
    }

    /// The base URL that an OpenAI-shaped provider is given.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.origin())
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Requests that came in so far; none where they are only counted.
    pub fn received(&self) -> Vec<Received> {
        self.seen.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many there were.
    pub fn count(&self) -> usize {
        self.seen.count.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The receiver is gone only when the thread is.
        let _ = self.stop.take().map(|stop| stop.send(()));
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

/// Which requests a server keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// All, to be looked at.
    All,
    /// None; they are counted.
    Count,
}

/// The requests that came in.
struct Seen {
    keep: Keep,
    count: AtomicUsize,
    requests: Mutex<Vec<Received>>,
}

#[derive(Clone)]
struct State {
    script: Arc<Script>,
    seen: Arc<Seen>,
}

/// Accepts until told to stop; connections end with the runtime.
async fn serve(listener: TcpListener, state: State, stopped: oneshot::Receiver<()>) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    let accept = async {
        loop {
            // What cannot be accepted (no descriptors left) is tried again: a server that stops listening helps nobody.
            let Ok((stream, _)) = listener.accept().await else {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
                continue;
            };
            let _ = stream.set_nodelay(true);
            tokio::spawn(connection(stream, state.clone()));
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stopped => {}
    }
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
    // A header that is none is a mistake of the script; the client sees a closed connection.
    response.body(frames(reply)).map_err(|_| Hangup)
}

impl State {
    async fn receive(&self, request: Request<Incoming>) -> Received {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
        let text = |value: &hyper::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
        let headers = head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
        let (method, path) = (head.method.to_string(), head.uri.path().to_owned());
        let query = head.uri.query().unwrap_or_default().to_owned();
        let number = self.seen.count.fetch_add(1, Ordering::Relaxed) + 1;
        let received = Received { number, method, path, query, headers, body };
        if self.seen.keep == Keep::All {
            self.seen.requests.lock().unwrap_or_else(PoisonError::into_inner).push(received.clone());
        }
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
        Delivery::Whole | Delivery::Silence | Delivery::Hangup => {
            let mut from = 0;
            for end in &reply.pieces {
                if from > 0 && !reply.pace.is_zero() {
                    tokio::time::sleep(reply.pace).await;
                }
                frames.send(Ok(Bytes::copy_from_slice(&reply.body[from..*end]))).await?;
                from = *end;
            }
        }
    }
    Ok(())
}
