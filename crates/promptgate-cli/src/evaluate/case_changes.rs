//! How the working tree's cases differ from those at the baseline's revision: a pull request may edit prompt and cases at
//! once, and the report says so. Both sides are graded by the working tree's suite whatever is found here.

use std::collections::BTreeSet;

use promptgate_core::port::CaseSource;
use promptgate_core::reference::Reference;
use promptgate_runner::CaseChanges;

use crate::error::Failure;
use crate::session::Session;

/// One line for each git revision among the baselines whose cases differ from the working tree's.
pub fn notes(session: &Session, baselines: &[Reference], cases: &dyn CaseSource) -> Result<Vec<String>, Failure> {
    let revisions: BTreeSet<&str> = baselines.iter().filter_map(revision).collect();
    let lines = revisions.into_iter().map(|revision| -> Result<Option<String>, Failure> {
        let since = format!("git:{revision}");
        Ok(match session.cases_at(revision)? {
            Some(before) => CaseChanges::between(&before, cases)?.note(&since),
            None => Some(format!("the suite has no cases at {since}; both sides answer those of the working tree")),
        })
    });
    lines.filter_map(Result::transpose).collect()
}

fn revision(reference: &Reference) -> Option<&str> {
    match reference {
        Reference::Git(_, revision) => Some(revision),
        _ => None,
    }
}
