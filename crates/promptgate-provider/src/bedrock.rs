//! `bedrock`: Converse of Amazon Bedrock, by bearer token or with signed requests.

mod credentials;
mod fold;
mod lent;
mod profile;
mod reply;
mod request;
mod sign;

use std::sync::Arc;

use promptgate_core::Diagnostic;
use promptgate_core::answer::Response;
use promptgate_core::request::RequestBody;
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use crate::FailedCall;
use crate::endpoint::{Api, Endpoint, Place, base_url_variables, encoded};
use crate::key;
use crate::registry::{Built, ProviderKind};
use crate::set::{BuildContext, Keys, SetupError};
use crate::wire::{Fold, Frames, HttpModel, Wire};
use profile::Profile;

pub(crate) use sign::Signer;

const API: Api = Api {
    name: NAME,
    base_url: None,
    base_urls: &["AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "AWS_ENDPOINT_URL"],
    keys: &["AWS_BEARER_TOKEN_BEDROCK"],
    // Without a token requests are signed.
    is_open: true,
    header: "authorization",
};

/// What it is called in model ids.
pub(crate) const NAME: &str = "bedrock";

/// Variables that name the region, the first one that is set.
pub(crate) const REGIONS: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The line of the registry.
pub(crate) const KIND: ProviderKind = ProviderKind {
    name: API.name,
    summary: "Converse of Amazon Bedrock, by bearer token or with signed requests",
    environment: &[
        "AWS_BEARER_TOKEN_BEDROCK",
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_SHARED_CREDENTIALS_FILE",
        "AWS_CONFIG_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        "AWS_ENDPOINT_URL",
    ],
    example: "bedrock/amazon.nova-lite-v1:0",
    api: Some(&API),
    build,
};

fn build(context: &BuildContext<'_>) -> Result<Built, SetupError> {
    let profile = Profile::of(context);
    let region = context.settings.region.clone().or_else(|| profile.region());
    let place = place(context, region.as_deref())?;
    let mut endpoint = Endpoint::at(context, &API, &place)?;
    // As with every key: those of the environment do not go to an address that only the project's file names.
    // AWS itself may see a signature, which shows no key: an endpoint in a network of one's own has an address of AWS too.
    let is_foreign = place.from_settings && context.settings.key_env.is_none() && !is_of_aws(&place);
    if !endpoint.has_key() && !is_foreign {
        match credentials::of(context, &profile)? {
            Some(credentials) => {
                let region = region.filter(|region| !region.is_empty()).ok_or_else(|| no_region(context))?;
                endpoint = endpoint.signed(Signer::new(credentials, region));
            }
            None if place.is_loopback() || context.setup.keys == Keys::NotNeeded => {}
            None => return Err(no_credentials(context)),
        }
    }
    let streamed = context.settings.stream.unwrap_or_default();
    let provider = HttpModel { wire: Converse, endpoint: Arc::new(endpoint), streamed };
    Ok(Built::remote(provider, place.source(&API), None))
}

/// A signature names a region, whatever the address.
fn no_region(context: &BuildContext<'_>) -> SetupError {
    Diagnostic::new(format!("`{}` has no region", context.name)).help(region_help(context)).into()
}

fn region_help(context: &BuildContext<'_>) -> String {
    format!("set AWS_REGION, or add `region = \"us-east-1\"` under [provider.{}]", context.name)
}

fn is_of_aws(place: &Place) -> bool {
    let host = place.parsed.host_str().unwrap_or_default();
    place.parsed.scheme() == "https" && [".amazonaws.com", ".amazonaws.com.cn"].iter().any(|aws| host.ends_with(aws))
}

/// The region's own address, unless another is named.
fn place(context: &BuildContext<'_>, region: Option<&str>) -> Result<Place, SetupError> {
    let variables = base_url_variables(context.name, &API);
    if context.settings.base_url.is_some() || variables.iter().any(|name| key::set(context, name).is_some()) {
        return Ok(Place::of(context, &API)?);
    }
    let is_region = |region: &&str| region.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let Some(region) = region.filter(is_region) else {
        if region.is_none() {
            return Err(no_region(context));
        }
        let message = format!("the region of `{}` is not one: small letters, digits and `-` only", context.name);
        return Err(Diagnostic::new(message).help(region_help(context)).into());
    };
    Place::at(&format!("https://bedrock-runtime.{region}.amazonaws.com")).map_err(Into::into)
}

fn no_credentials(context: &BuildContext<'_>) -> SetupError {
    let message = format!(
        "no key for provider `{}`: neither AWS_BEARER_TOKEN_BEDROCK nor AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set, \
         and neither a profile nor a container has keys",
        context.name
    );
    let help = "set AWS_BEARER_TOKEN_BEDROCK, or answer from a recording (leave out --live)";
    SetupError::Credential(Diagnostic::new(message).help(help).into())
}

struct Converse;

impl Wire for Converse {
    fn path(&self, request: &RequestBody, streamed: bool) -> String {
        let verb = if streamed { "converse-stream" } else { "converse" };
        format!("/model/{}/{verb}", encoded(&request.model.model))
    }

    fn body(&self, request: &RequestBody, _: bool) -> Result<Value, String> {
        request::body(request)
    }

    fn read(&self, reply: Value, scrubber: &Scrubber) -> Result<Response, FailedCall> {
        reply::read(&reply, scrubber)
    }

    fn fold(&self) -> Box<dyn Fold> {
        Box::new(fold::Events::default())
    }

    fn frames(&self) -> Frames {
        Frames::Aws
    }
}
