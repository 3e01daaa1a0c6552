//! Model providers and what stands around a call: retries, prices, recording.
//!
//! The one seam for answers is [`Answerer`]: a serialisable request in, an answer out, for trials and asks alike. Behind
//! it every model has its own stack (see `stack.rs` for the order) over a [`Provider`], which makes one call. Plans,
//! scoring and the run's log know nothing of this crate, and this crate knows nothing of them: secrets, prices, time and
//! the environment are handed in.

mod answerer;
mod anthropic;
mod azure;
mod bedrock;
mod budget;
mod checkup;
mod consult;
mod doubled;
mod echo;
mod endpoint;
mod exec;
mod gemini;
mod http;
mod http_target;
mod key;
mod middleware;
mod openai;
mod precedence;
mod program;
mod provider;
mod registry;
mod replay;
mod retry_after;
mod scripted;
mod set;
mod shaped;
mod stack;
mod target;
mod tokens;
mod wire;

pub use answerer::{Answerer, BoxFuture, CalledFor, LocalAnswerer};
pub use budget::{Budget, BudgetLimits, Sides, Spending};
pub use checkup::{Checkup, ListedModel, Reached};
pub use middleware::{Caching, Recorder, RetryPolicy, Saved};
pub use precedence::overridden;
pub use program::end_programs;
pub use provider::{FailedCall, Provider};
pub use registry::{ProviderKind, kinds};
pub use replay::{Lookup, Recording};
pub use set::{AnswersFrom, Keys, ModelSetup, ProviderSet, Setup, SetupError, learn_keys};
pub use stack::Calling;
