//! A project made of strings in a folder of its own, and the real binary run in it with a clean environment.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// A throw-away project. Its folder goes when it does.
#[derive(Debug)]
pub struct Project {
    /// Holds the project and, beside it, the home folder of its runs.
    folder: tempfile::TempDir,
    binary: Option<PathBuf>,
    variables: Vec<(String, String)>,
    stdin: String,
}

/// What a run of the binary came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// The exit code; -1 for a signal.
    pub code: i32,
    /// Results.
    pub stdout: String,
    /// Talk.
    pub stderr: String,
}

impl Output {
    /// Panics, and shows what was printed, unless it ended with this code.
    #[track_caller]
    #[must_use]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl Project {
    /// An empty project.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("promptgate-test-").tempdir().expect("a temporary folder");
        for name in ["project", "home"] {
            std::fs::create_dir(folder.path().join(name)).expect("a folder in a temporary folder");
        }
        Self { folder, binary: None, variables: Vec::new(), stdin: String::new() }
    }

    /// Which binary to run: `env!("CARGO_BIN_EXE_promptgate")` in the tests of the crate that builds it. Elsewhere the
    /// variable `PROMPTGATE_BIN` names it.
    #[must_use]
    pub fn binary(mut self, path: impl Into<PathBuf>) -> Self {
        self.binary = Some(path.into());
        self
    }

    /// Puts a file in the project; missing folders are made.
    #[must_use]
    pub fn file(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        self.write(path, text);
        self
    }

    /// A variable of the environment of all runs. Nothing of the caller's environment but PATH is there.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// What all runs read from standard input.
    #[must_use]
    pub fn stdin(mut self, text: &str) -> Self {
        text.clone_into(&mut self.stdin);
        self
    }

    /// The project's folder.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("project")
    }

    /// A path in the project.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root().join(path)
    }

    /// The home folder of its runs.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// Writes or overwrites a file.
    #[track_caller]
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&path)).expect("a folder in the project");
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Reads a file.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        let path = self.path(path);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Removes a file.
    #[track_caller]
    pub fn remove(&self, path: &str) {
        let path = self.path(path);
        std::fs::remove_file(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }

    /// Whether a file or folder is there.
    pub fn has(&self, path: &str) -> bool {
        self.path(path).exists()
    }

    /// The files below a folder of the project, as paths from the project, sorted.
    pub fn files(&self, folder: &str) -> Vec<String> {
        let mut files = Vec::new();
        collect(&self.path(folder), &mut files);
        let root = self.root();
        let mut names: Vec<String> =
            files.iter().filter_map(|file| Some(file.strip_prefix(&root).ok()?.to_str()?.to_owned())).collect();
        names.sort_unstable();
        names
    }

    /// Runs `promptgate` in the project to its end.
    #[track_caller]
    pub fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        let mut command = self.command(arguments);
        if self.stdin.is_empty() {
            return finish(command.stdin(Stdio::null()).output());
        }
        let mut child = command.stdin(Stdio::piped()).spawn().expect("the promptgate binary starts");
        let mut pipe = child.stdin.take().expect("standard input is piped");
        let text = self.stdin.clone();
        // A thread of its own: a child that does not read must not block the test.
        let writer = std::thread::spawn(move || std::io::Write::write_all(&mut pipe, text.as_bytes()).unwrap_or(()));
        let output = finish(child.wait_with_output());
        writer.join().expect("the writer of standard input ends");
        output
    }

    /// Starts `promptgate` in the project; for tests that kill it.
    #[track_caller]
    pub fn spawn<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Child {
        self.command(arguments).stdin(Stdio::null()).spawn().expect("the promptgate binary starts")
    }

    /// The command of a run, for tests that change more of it. Outputs are piped.
    #[track_caller]
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(self.binary_path());
        command.args(arguments).current_dir(self.root()).stdout(Stdio::piped()).stderr(Stdio::piped());
        self.clean(&mut command);
        command
    }

    #[track_caller]
    fn binary_path(&self) -> PathBuf {
        let named = self.binary.clone().or_else(|| std::env::var_os("PROMPTGATE_BIN").map(PathBuf::from));
        let fail = "name the binary: Project::binary(env!(\"CARGO_BIN_EXE_promptgate\")), or PROMPTGATE_BIN";
        named.unwrap_or_else(|| panic!("{fail}"))
    }

    fn clean(&self, command: &mut Command) {
        command.env_clear().env("HOME", self.home()).env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
    }

    /// Runs git in the project with a fixed identity and time, and gives what it printed.
    #[track_caller]
    pub fn git(&self, arguments: &[&str]) -> String {
        let mut command = Command::new("git");
        self.clean(&mut command);
        command.args(["-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]).args(arguments);
        for role in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{role}_NAME"), "A Tester").env(format!("GIT_{role}_EMAIL"), "tester@example.com");
            command.env(format!("GIT_{role}_DATE"), "2026-01-02T03:04:05Z");
        }
        command.env("GIT_CONFIG_NOSYSTEM", "1").current_dir(self.root()).stdin(Stdio::null());
        let output = finish(command.output());
        assert_eq!(output.code, 0, "git {arguments:?}: {}", output.stderr);
        output.stdout
    }

    /// Commits everything as it is, in a new repository if there is none; gives the commit's id.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        if !self.has(".git") {
            self.git(&["init", "--quiet"]);
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"]).trim().to_owned()
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for item in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = item.path();
        if item.file_type().is_ok_and(|kind| kind.is_dir()) { collect(&path, files) } else { files.push(path) }
    }
}

#[track_caller]
fn finish(output: std::io::Result<std::process::Output>) -> Output {
    let output = output.expect("the program starts");
    let text = |bytes| String::from_utf8(bytes).expect("the program prints UTF-8");
    Output { code: output.status.code().unwrap_or(-1), stdout: text(output.stdout), stderr: text(output.stderr) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_sees_nothing_of_the_callers_environment_but_path() {
        let project = Project::new().binary("/usr/bin/env").variable("OPENAI_API_KEY", "sk-test");
        let output = project.run([] as [&str; 0]).expect_code(0);
        let mut names: Vec<&str> = output.stdout.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        names.sort_unstable();
        assert_eq!(names, ["HOME", "OPENAI_API_KEY", "PATH"]);
    }

    #[test]
    fn a_run_reads_what_it_is_given_and_tells_code_and_streams() {
        let project = Project::new().binary("/bin/sh").stdin("some input\n").file("a/b.txt", "in a file\n");
        let output = project.run(["-c", "cat; cat a/b.txt; echo talk >&2; exit 3"]);
        let expected = Output { code: 3, stdout: "some input\nin a file\n".into(), stderr: "talk\n".into() };
        assert_eq!(output, expected);
        assert_eq!(project.files("."), ["a/b.txt"]);
    }

    #[test]
    fn commits_are_the_same_on_every_machine() {
        let commit = || Project::new().file("a.txt", "one\n").commit("first");
        assert_eq!(commit(), commit());
    }
}
