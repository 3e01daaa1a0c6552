//! What a command writes: reports to standard output and to files, talk to standard error.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anstream::ColorChoice;
use promptgate_core::exit::ExitCode;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::record::SettledRecord;
use promptgate_core::report::Report;
use promptgate_core::report::plan::PlanReport;
use promptgate_core::secret::Scrubber;
use promptgate_report::registry::{by_name, by_path};
use promptgate_report::{FORMATS, Format, PLAN_FORMATS, PlanFormat, Rendering};
use promptgate_store::atomic;

use crate::args::Color;
use crate::error::Failure;

/// One `--report`.
pub struct Sink {
    format: &'static Format,
    /// Standard output where absent.
    path: Option<PathBuf>,
}

/// Reads the `--report` flags. Without one for standard output, `terminal` goes there.
pub fn sinks(flags: &[String]) -> Result<Vec<Sink>, Failure> {
    let mut sinks = flags.iter().map(|flag| sink(flag)).collect::<Result<Vec<_>, _>>()?;
    let on_stdout = sinks.iter().filter(|sink| sink.path.is_none()).count();
    if on_stdout > 1 {
        return Err(Failure::usage("two reports are for standard output").help("give all but one a file: json=FILE"));
    }
    if on_stdout == 0 {
        sinks.insert(0, Sink { format: &FORMATS[0], path: None });
    }
    Ok(sinks)
}

fn sink(flag: &str) -> Result<Sink, Failure> {
    let (name, path) = flag.split_once('=').map_or((flag, None), |(name, path)| (name, Some(path)));
    let names = || FORMATS.iter().map(|format| format.name);
    let unknown = || Failure::usage(format!("no report format is called `{name}`")).help(did_you_mean(name, names()));
    match (by_name(name), path) {
        (Some(_), Some("")) => Err(Failure::usage(format!("no file stands behind `{flag}`")).help("write FORMAT=FILE")),
        (Some(format), Some("-") | None) => Ok(Sink { format, path: None }),
        (Some(format), Some(path)) => Ok(Sink { format, path: Some(path.into()) }),
        (None, Some(_)) => Err(unknown()),
        // A bare path tells its format by its suffix.
        (None, None) => by_path(name).map(|format| Sink { format, path: Some(name.into()) }).ok_or_else(unknown),
    }
}

/// What a failed case, or a gate that is not met, means for the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failing {
    /// Exit 100.
    Counts,
    /// Nothing (`--no-fail`); what else is wrong still counts.
    IsNoMatter,
}

impl Failing {
    /// As the flag `--no-fail` says.
    pub fn of(no_fail: bool) -> Self {
        if no_fail { Self::IsNoMatter } else { Self::Counts }
    }
}

/// Writes all reports; the exit code is the report's own, or 110 when it would be 0 and a file could not be written.
pub fn write(sinks: &[Sink], report: &Report, record: &dyn SettledRecord, failing: Failing, out: &Output) -> ExitCode {
    let code = exit_code(report, failing);
    if failing == Failing::IsNoMatter && exit_code(report, Failing::Counts) == ExitCode::Failed {
        say_what_is_left(code, out);
    }
    let mut unwritten = false;
    for sink in sinks {
        let colour = sink.path.is_none() && out.colours_stdout();
        let rendering = Rendering { report, record, colour };
        let render = |out: &mut dyn Write| (sink.format.render)(&rendering, out);
        if let Err(why) = write_one(sink.path.as_deref(), &render, &out.scrubber) {
            unwritten = true;
            out.complain(&why);
        }
    }
    if unwritten && code == ExitCode::Done { ExitCode::OutputNotWritten } else { code }
}

/// Whoever asked for 0 is told why it is another code.
fn say_what_is_left(code: ExitCode, out: &Output) {
    let why = match code {
        ExitCode::Unavailable => "too many trials went unanswered",
        ExitCode::Inconclusive => "some trials could not be scored",
        _ => return,
    };
    out.say(&format!("exit {} with --no-fail: {why}, which is no failed case", code.code()));
}

fn exit_code(report: &Report, failing: Failing) -> ExitCode {
    match (report, failing) {
        (Report::Run(report), Failing::Counts) => report.exit_code,
        (Report::Run(report), Failing::IsNoMatter) => report.no_fail(),
        (Report::Gate(report), Failing::IsNoMatter) if report.exit_code == ExitCode::Failed => ExitCode::Done,
        (Report::Gate(report), _) => report.exit_code,
    }
}

/// One `--report` of a plan.
pub struct PlanSink {
    format: &'static PlanFormat,
    path: Option<PathBuf>,
}

/// Reads the `--report` flags of `plan`, which has fewer formats.
pub fn plan_sinks(flags: &[String]) -> Result<Vec<PlanSink>, Failure> {
    let of_plan = |sink: Sink| {
        let name = sink.format.name;
        let format = PLAN_FORMATS.iter().find(|format| format.name == name).ok_or_else(|| {
            let known: Vec<String> = PLAN_FORMATS.iter().map(|format| format!("`{}`", format.name)).collect();
            Failure::usage(format!("a plan has no `{name}` report: it has no trials and no verdict"))
                .help(format!("known: {}", known.join(", ")))
        })?;
        Ok(PlanSink { format, path: sink.path })
    };
    sinks(flags)?.into_iter().map(of_plan).collect()
}

/// Writes all reports of a plan.
pub fn write_plan(sinks: &[PlanSink], report: &PlanReport, out: &Output) -> ExitCode {
    let mut code = ExitCode::Done;
    for sink in sinks {
        let colour = sink.path.is_none() && out.colours_stdout();
        let render = |out: &mut dyn Write| (sink.format.render)(report, colour, out);
        if let Err(why) = write_one(sink.path.as_deref(), &render, &out.scrubber) {
            code = ExitCode::OutputNotWritten;
            out.complain(&why);
        }
    }
    code
}

/// Writes one report to a file, or to standard output.
fn write_one(
    path: Option<&Path>,
    render: &dyn Fn(&mut dyn Write) -> io::Result<()>,
    scrubber: &Scrubber,
) -> Result<(), Failure> {
    let fill = |out: &mut dyn Write| {
        let mut clean = ScrubbedLines { out, scrubber, line: Vec::new() };
        render(&mut clean)?;
        clean.finish()
    };
    let unwritten = |why: String| Failure::new(ExitCode::OutputNotWritten, why);
    match path {
        Some(path) => atomic::write_with(path, fill).map_err(|error| unwritten(error.to_string())),
        None => match fill(&mut io::BufWriter::new(io::stdout().lock())) {
            // Whoever read us has seen enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            result => result.map_err(|error| unwritten(format!("cannot write to standard output: {error}"))),
        },
    }
}

/// Scrubs line by line, so that a report is never held whole.
struct ScrubbedLines<'a> {
    out: &'a mut dyn Write,
    scrubber: &'a Scrubber,
    line: Vec<u8>,
}

impl ScrubbedLines<'_> {
    fn put(&mut self) -> io::Result<()> {
        let line = std::mem::take(&mut self.line);
        self.out.write_all(self.scrubber.scrub(&String::from_utf8_lossy(&line)).as_bytes())
    }

    fn finish(mut self) -> io::Result<()> {
        self.put()?;
        self.out.flush()
    }
}

impl Write for ScrubbedLines<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend_from_slice(part);
            if part.ends_with(b"\n") {
                self.put()?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The two streams, with what every line on them passes.
#[derive(Clone)]
pub struct Output {
    color: Color,
    quiet: bool,
    /// Learns secrets as they are read.
    pub scrubber: Scrubber,
}

impl Output {
    /// The streams of this process.
    pub fn new(color: Color, quiet: bool) -> Self {
        Self { color, quiet, scrubber: Scrubber::new() }
    }

    /// Whether standard output takes colour.
    pub fn colours_stdout(&self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => anstream::AutoStream::choice(&io::stdout()) != ColorChoice::Never,
        }
    }

    /// What progress is shown: a bar on a terminal, sparse lines elsewhere.
    pub fn progress(&self) -> promptgate_report::progress::Progress {
        use promptgate_report::progress::Progress;
        match (self.quiet, io::stderr().is_terminal()) {
            (true, _) => Progress::Silent,
            (false, true) => Progress::Bar,
            (false, false) => Progress::Lines,
        }
    }

    /// Prints text on standard output; a closed pipe is a quiet end.
    pub fn print(&self, text: &str) -> ExitCode {
        let clean = self.scrubber.scrub(text);
        match io::stdout().lock().write_all(clean.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::OutputNotWritten,
            _ => ExitCode::Done,
        }
    }

    /// A line on standard error, unless `--quiet`.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.line(text);
        }
    }

    /// An error on standard error.
    pub fn complain(&self, failure: &Failure) {
        self.line(&failure.message);
    }

    /// An error that is the last thing said, on a line of its own where progress stands on a terminal.
    pub fn complain_last(&self, failure: &Failure) {
        let is_bar = matches!(self.progress(), promptgate_report::progress::Progress::Bar);
        self.line(&format!("{}{}", if is_bar { "\n" } else { "" }, failure.message));
    }

    fn line(&self, text: &str) {
        // A closed stderr is no reason to end differently.
        writeln!(io::stderr(), "{}", self.scrubber.scrub(text)).ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(flags: &[&str], expected: &[(&str, Option<&str>)]) {
        let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
        let sinks = sinks(&flags).unwrap();
        let found: Vec<_> = sinks.iter().map(|s| (s.format.name, s.path.as_deref().and_then(|p| p.to_str()))).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_report_flag_names_a_format_a_file_or_both() {
        check(&[], &[("terminal", None)]);
        check(&["json"], &[("json", None)]);
        check(&["junit=a.xml"], &[("terminal", None), ("junit", Some("a.xml"))]);
        check(&["out/a.md"], &[("terminal", None), ("markdown", Some("out/a.md"))]);
        check(&["json=-", "csv=x.csv"], &[("json", None), ("csv", Some("x.csv"))]);
    }

    #[test]
    fn a_report_flag_that_means_nothing_is_refused() {
        for flags in [&["jsn"][..], &["json", "csv"], &["json="], &["pdf=x"]] {
            let flags: Vec<String> = flags.iter().map(|flag| (*flag).to_owned()).collect();
            assert!(sinks(&flags).is_err(), "{flags:?}");
        }
    }
}
