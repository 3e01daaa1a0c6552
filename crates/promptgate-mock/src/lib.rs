//! A model server for rehearsals: the wires of all providers, streamed or not, and every way a network can misbehave.
//!
//! [`Server`] is a real HTTP server on loopback that replies as a function says. [`Play`] is such a function: it speaks
//! the wire that the path asks for ([`Wire`]) and behaves as a [`Script`] says. Tests use both; users start the second one
//! as `promptgate serve-mock`. It leans on nothing of promptgate, so that neither can repeat a mistake of the other.

mod asked;
mod event_stream;
mod gzip;
mod play;
mod reply;
mod said;
mod script;
mod server;
mod wire;

pub use asked::Asked;
pub use play::Play;
pub use reply::{Delivery, Reply};
pub use said::{Called, Finish, Likely, Said, Tokens};
pub use script::{Fault, Rule, Script, ScriptError};
pub use server::{Keep, Received, Server};
pub use wire::Wire;
