//! `json`: the contract, as it is serialised in core. Indented, one line feed at the end.

use std::io::{self, Write};

use promptgate_core::report::Report;
use serde::Serialize;
use serde_json::Serializer;

use crate::escape::PrettyJson;
use crate::registry::Rendering;

pub(crate) fn render(rendering: &Rendering<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *out, PrettyJson::default());
    match rendering.report {
        Report::Run(report) => report.serialize(&mut serializer)?,
        Report::Gate(report) => report.serialize(&mut serializer)?,
    }
    out.write_all(b"\n")
}
