//! Signatures of AWS, version 4.

use std::time::{Duration, UNIX_EPOCH};

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::header::{HeaderName, HeaderValue};

use super::credentials::{Credentials, Held};
use crate::http::Request;

/// Signs requests for one region.
pub(crate) struct Signer {
    held: Held,
    region: String,
}

impl Signer {
    pub(super) fn new(held: Held, region: String) -> Self {
        Self { held, region }
    }

    /// Adds the signature to a request whose body is in memory. Keys that end are asked for anew first.
    pub(crate) async fn sign(&self, request: &mut Request, now_ms: u64) -> Result<(), String> {
        let credentials = self.held.at(now_ms).await?;
        self.sign_with(&credentials, request, now_ms)
    }

    fn sign_with(&self, credentials: &Credentials, request: &mut Request, now_ms: u64) -> Result<(), String> {
        let session = credentials.session.as_ref().map(|session| session.expose().to_owned());
        let (id, secret) = (credentials.id.expose(), credentials.secret.expose());
        let identity = aws_credential_types::Credentials::new(id, secret, session, None, "promptgate").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("bedrock")
            .time(UNIX_EPOCH + Duration::from_millis(now_ms))
            .settings(SigningSettings::default())
            .build()
            .map_err(|error| error.to_string())?;
        // The body is covered by its digest, the address by itself; of the headers only what does not change on the way.
        let headers =
            request.headers().get("content-type").and_then(|value| Some(("content-type", value.to_str().ok()?)));
        let signable = SignableRequest::new(
            request.method().as_str(),
            request.uri().to_string(),
            headers.into_iter(),
            SignableBody::Bytes(request.body()),
        );
        let signed = signable.and_then(|signable| sign(signable, &params.into())).map_err(|error| error.to_string())?;
        let (instructions, _) = signed.into_parts();
        for (name, value) in instructions.headers() {
            let name = HeaderName::try_from(name).map_err(|error| error.to_string())?;
            let mut value = HeaderValue::try_from(value).map_err(|error| error.to_string())?;
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use promptgate_core::secret::Secret;

    use super::*;

    #[test]
    fn a_signature_covers_path_body_and_time() {
        let credentials = Credentials {
            id: Secret::new("AKIDEXAMPLE"),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session: Some(Secret::new("token")),
        };
        let signer = Signer::new(Held::Fixed(credentials.clone()), "us-east-1".to_owned());
        let signature = |path: &str, body: &'static str, now_ms: u64| {
            let url = format!("https://bedrock-runtime.us-east-1.amazonaws.com{path}");
            let mut request = Request::new(body.into());
            *request.method_mut() = http::Method::POST;
            *request.uri_mut() = url.parse().unwrap();
            signer.sign_with(&credentials, &mut request, now_ms).unwrap();
            assert_eq!(request.headers()["x-amz-security-token"], "token");
            request.headers()["authorization"].to_str().unwrap().to_owned()
        };
        let one = signature("/model/a%3A0/converse", "{}", 1_440_938_160_000);
        let expected = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/bedrock/aws4_request, SignedHeaders=host;x-amz-date;x-amz-security-token, Signature=";
        assert!(one.starts_with(expected), "{one}");
        for other in [
            signature("/model/b/converse", "{}", 1_440_938_160_000),
            signature("/model/a%3A0/converse", "{ }", 1_440_938_160_000),
            signature("/model/a%3A0/converse", "{}", 1_440_938_161_000),
        ] {
            assert_ne!(one, other);
        }
    }
}
