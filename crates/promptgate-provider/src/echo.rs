//! `echo`: answers with the last user message. For first steps, and to see what a prompt renders to.

use promptgate_core::answer::Response;
use promptgate_core::message::Role;
use promptgate_core::request::Request;

use crate::registry::{Built, ProviderKind};
use crate::{BoxFuture, FailedCall, Provider};

/// The line of the registry.
pub(crate) const KIND: ProviderKind = ProviderKind {
    name: "echo",
    summary: "answers with the last user message",
    environment: &[],
    example: "echo/any",
    api: None,
    build: |_| Ok(Built::new(Echo, "echo")),
};

/// Answers with the last user message.
struct Echo;

impl Provider for Echo {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        Box::pin(std::future::ready(Ok(Response::text(last_user_text(request)))))
    }
}

/// The text of the last user message; empty where there is none.
pub(crate) fn last_user_text(request: &Request) -> String {
    let mut newest_first = request.body.messages.iter().rev();
    newest_first.find(|message| message.role == Role::User).map(|message| message.joined_text()).unwrap_or_default()
}
