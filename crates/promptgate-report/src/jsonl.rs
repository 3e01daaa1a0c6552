//! `jsonl`: the settled record, one trial per line, in plan order.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;

use crate::escape::CompactJson;
use crate::registry::Rendering;

pub(crate) fn render(rendering: &Rendering<'_>, out: &mut dyn Write) -> io::Result<()> {
    for trial in rendering.record.trials() {
        let trial = trial.map_err(io::Error::other)?;
        trial.serialize(&mut Serializer::with_formatter(&mut *out, CompactJson))?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
