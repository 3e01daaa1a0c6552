//! How Python code is asked: a shim around a file, which goes with the binary so that nothing has to be installed.

/// The shim: as a module (`import promptgate`), or as a program around a function of a file.
pub const SHIM: &str = include_str!("python/promptgate.py");

/// The command that runs a function of a Python file through the shim.
pub fn python_command(file: &str, function: &str) -> Vec<String> {
    ["python3", "-u", "-c", SHIM, file, function].map(str::to_owned).to_vec()
}

/// What people call such a command: the function and its file; of any other, its words.
pub fn named(command: &[String]) -> String {
    match command {
        [.., shim, file, function] if shim == SHIM => format!("{function} of {file}"),
        words => words.join(" "),
    }
}
