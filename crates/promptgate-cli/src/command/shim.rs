//! `shim`: the Python module that programs of the user's own talk to promptgate with.

use promptgate_core::exit::ExitCode;
use promptgate_core::python::SHIM;
use promptgate_store::atomic;

use crate::args::ShimArgs;
use crate::error::Failure;
use crate::output::Output;

pub fn run(args: &ShimArgs, out: &Output) -> Result<ExitCode, Failure> {
    let Some(path) = &args.file else { return Ok(out.print(SHIM)) };
    if path.exists() && !args.replace {
        return Err(Failure::usage(format!("{} is there already", path.display())).help("overwrite it with --replace"));
    }
    let written = atomic::write(path, SHIM.as_bytes());
    written.map_err(|error| Failure::new(ExitCode::OutputNotWritten, error.to_string()))?;
    Ok(out.print(&format!("{}: import it, and call `promptgate.serve(function)`\n", path.display())))
}
