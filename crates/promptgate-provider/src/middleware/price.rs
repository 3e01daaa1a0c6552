//! Puts the cost on every attempt, once, when it settles: failed attempts included where their usage is known.

use promptgate_core::answer::Response;
use promptgate_core::price::Price;
use promptgate_core::request::Request;

use crate::{BoxFuture, FailedCall, Provider};

/// A provider whose attempts carry their cost. An unknown price or usage leaves the cost unknown, never 0.
pub(crate) struct Priced<P> {
    pub(crate) inner: P,
    pub(crate) price: Option<Price>,
}

impl<P: Provider> Provider for Priced<P> {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        Box::pin(async move {
            let cost = |usage| Some(self.price.as_ref()?.cost(&usage));
            match self.inner.call(request).await {
                Ok(mut response) => {
                    response.reckon(self.price.as_ref());
                    Ok(response)
                }
                Err(failed) => Err(FailedCall { cost: failed.usage.and_then(cost), ..failed }),
            }
        })
    }
}
