//! `json`: the contract, as it is serialised in core. Indented, one line feed at the end.

use std::io::{self, Write};

use promptgate_core::report::Report;

use crate::registry::Rendering;

pub(crate) fn render(rendering: &Rendering<'_>, out: &mut dyn Write) -> io::Result<()> {
    match rendering.report {
        Report::Run(report) => serde_json::to_writer_pretty(&mut *out, report)?,
        Report::Gate(report) => serde_json::to_writer_pretty(&mut *out, report)?,
    }
    out.write_all(b"\n")
}
