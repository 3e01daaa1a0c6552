//! Puts the images that a case names into its request, as data URLs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use promptgate_core::case::CaseInput;
use promptgate_core::media::image_file;
use promptgate_core::message::Part;
use promptgate_core::port::CaseSource;
use promptgate_core::request::RequestBody;
use promptgate_core::{Diagnostic, Digest};

/// Replaces the names of image files by their bytes.
///
/// # Errors
///
/// A file that cannot be read, that is not the one the plan was made with, or that no variable of the case names.
pub fn inline_images(body: &mut RequestBody, input: &CaseInput, cases: &dyn CaseSource) -> Result<(), Diagnostic> {
    for part in body.messages.iter_mut().flat_map(|message| &mut message.content) {
        let Part::Media { media } = part else { continue };
        let Some((path, kind)) = image_file(&media.url) else { continue };
        let known = input.files.iter().find(|(known, _)| known == path).map(|(_, digest)| digest);
        let Some(known) = known else {
            let message = format!("the template shows the image `{path}`, which no variable of the case names");
            return Err(Diagnostic::new(message).help("put its name into a variable, so that it belongs to the input"));
        };
        let bytes = cases.file(path).map_err(|error| Diagnostic::new(error.to_string()))?;
        if Digest::of_bytes(&bytes) != *known {
            let message = format!("the image `{path}` has changed since the plan was made");
            return Err(Diagnostic::new(message).help("start anew"));
        }
        media.url = format!("data:{kind};base64,{}", STANDARD.encode(&bytes));
        media.content_type = Some(kind.to_owned());
    }
    Ok(())
}
