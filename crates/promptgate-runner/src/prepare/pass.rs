//! The pass over the cases.

use super::{PlanRequest, PrepareError, Prepared};

pub(super) fn plan(request: PlanRequest<'_>) -> Result<Prepared, PrepareError> {
    let _ = request;
    Err(PrepareError::Wrong(promptgate_core::Diagnostics::default()))
}
