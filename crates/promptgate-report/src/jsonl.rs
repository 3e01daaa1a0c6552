//! `jsonl`: the settled record, one trial per line, in plan order.

use std::io::{self, Write};

use crate::registry::Rendering;

pub(crate) fn render(rendering: &Rendering<'_>, out: &mut dyn Write) -> io::Result<()> {
    for trial in rendering.record.trials() {
        serde_json::to_writer(&mut *out, &trial.map_err(io::Error::other)?)?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
