//! The HTTP library alone: posts the JSON of its fourth argument to `http://<first argument>` as often as the second one
//! says, as many at once as the third, and reads each reply as JSON. `cargo xtask bench dispatch` measures it; there is no
//! clock in here.
#![allow(clippy::expect_used, reason = "a bench that cannot set up its world has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

fn main() {
    // Cargo hands its own flags to every bench.
    let mut words = std::env::args().skip(1).filter(|word| !word.starts_with("--"));
    let Some(address) = words.next() else { return };
    let mut number = || words.next().and_then(|word| word.parse::<usize>().ok()).expect("a number");
    let (calls, in_flight) = (number(), number());
    let question: Value = words.next().and_then(|word| serde_json::from_str(&word).ok()).expect("JSON");
    let client = reqwest::Client::builder().http1_only().no_proxy();
    let client = client.pool_max_idle_per_host(usize::MAX).build().expect("a client");
    let (left, url) = (Arc::new(AtomicUsize::new(calls)), format!("http://{address}/v1/chat/completions"));
    let runtime = Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut tasks = JoinSet::new();
        for _ in 0..in_flight.min(calls) {
            tasks.spawn(ask_all(client.clone(), url.clone(), question.clone(), left.clone()));
        }
        while let Some(ended) = tasks.join_next().await {
            ended.expect("no panic");
        }
    });
}

async fn ask_all(client: reqwest::Client, url: String, question: Value, left: Arc<AtomicUsize>) {
    while left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok() {
        let reply = client.post(&url).json(&question).send().await.expect("a reply");
        let reply = reply.bytes().await.expect("all of it");
        let reply: Value = serde_json::from_slice(&reply).expect("JSON");
        assert!(reply["choices"][0]["message"]["content"].is_string());
    }
}
