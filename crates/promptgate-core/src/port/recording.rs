//! Where answers are recorded for `replay`.

use super::PortError;
use crate::answer::Response;
use crate::request::Request;

/// Takes real answers. Lines of the recording that are not recorded anew stay as they are.
pub trait RecordingSink: Send {
    /// Adds the answer to one request; secrets are scrubbed by value.
    fn record(&mut self, request: &Request, response: &Response) -> Result<(), PortError>;

    /// Hears that a request was not asked, since an equal one was answered for all cases: the line of that answer must not
    /// name whoever came first by chance.
    fn also_asked(&mut self, request: &Request) -> Result<(), PortError>;

    /// Waits until all that was added would outlive a power cut.
    fn sync(&mut self) -> Result<(), PortError>;

    /// Puts the new recording in place of the old one, atomically.
    fn finish(&mut self) -> Result<(), PortError>;
}
