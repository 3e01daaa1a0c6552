//! The writing side of a recording: real answers go into a new file beside the old one, which takes its place when the
//! run is over. Lines of the old file that were not recorded anew stay as they are, where they stood.

mod place;

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use promptgate_core::answer::Response;
use promptgate_core::format::lines::Lines;
use promptgate_core::format::recording::{RecordedLine, parse_line, to_json_line};
use promptgate_core::name::CaseId;
use promptgate_core::port::{PortError, RecordingSink};
use promptgate_core::request::Request;
use promptgate_core::secret::Scrubber;
use promptgate_core::{Diagnostic, Diagnostics};

use crate::atomic;
use crate::positioned::{read_line, spool};
use crate::scrub::scrub_json;
use place::{Place, taken_by};

/// Takes the answers of one model.
#[derive(Debug)]
pub struct RecordingFile {
    path: PathBuf,
    scrubber: Scrubber,
    /// The new lines, in order of completion.
    spool: BufWriter<File>,
    /// Where the spool is, if it outlives a process that is killed.
    kept: Option<PathBuf>,
    len: u64,
    /// Bytes of it that would outlive a power cut.
    synced: u64,
    /// Where the newest line of each trial and shared question stands in the spool; the order is that of the new file.
    places: BTreeMap<Place, Standing>,
}

#[derive(Debug, Clone)]
struct Standing {
    offset: u64,
    /// Of a question whose answer holds for all cases, whom its line names: the least of all that asked, since it is chance
    /// who asks first.
    named: Option<Named>,
}

/// A case, and an assertion of it.
type Named = (CaseId, String);

/// Before the lines of the spool that hold for all cases; a recording does not say so.
const SHARED: &str = "shared ";

impl RecordingFile {
    /// Prepares to record into a file, which need not be there. An old file is checked now, so that no answer is paid
    /// for that could not be put into it.
    pub fn create(path: &Path, scrubber: Scrubber) -> Result<Self, Diagnostics> {
        check_old(path)?;
        // Nothing is called whose answer would have no place.
        atomic::may_write(path).map_err(|error| {
            Diagnostic::new(format!("cannot record into {}: {error}", path.display()))
                .help("name a file in a folder that may be written")
        })?;
        let failed = |error: io::Error| Diagnostic::new(format!("cannot prepare to record: {error}"));
        let spool = BufWriter::new(spool().map_err(failed)?);
        Ok(Self { path: path.to_owned(), scrubber, spool, kept: None, len: 0, synced: 0, places: BTreeMap::new() })
    }

    /// The recording.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The same, with the new lines in a file of their own until the recording is in place: what a process that was killed
    /// left there is gone on with.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, read or cut.
    pub fn kept_in(mut self, spool: &Path) -> Result<Self, Diagnostics> {
        self.take_up(spool)
            .map_err(|error| Diagnostic::new(format!("cannot record by {}: {error}", spool.display())))?;
        Ok(self)
    }

    fn take_up(&mut self, spool: &Path) -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(spool)?;
        let mut reader = BufReader::new(&file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            // A line without an end was being written when the process died.
            let Some(text) = line.strip_suffix(b"\n") else { break };
            let shared = text.strip_prefix(SHARED.as_bytes());
            let Ok(recorded) = parse_line(shared.unwrap_or(text), "", 0) else { break };
            self.place(&recorded, shared.is_some(), text.len());
            line.clear();
        }
        // The name of a new file is on disk only with its folder.
        spool.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())?;
        file.set_len(self.len)?;
        file.seek(SeekFrom::Start(self.len))?;
        (self.spool, self.kept) = (BufWriter::new(file), Some(spool.to_owned()));
        Ok(())
    }

    /// Notes where a new line of so many bytes stands: behind all others.
    fn place(&mut self, line: &RecordedLine, is_shared: bool, bytes: usize) {
        let (place, offset, named) = match is_shared {
            true => (Place::of_shared(line), self.len + SHARED.len() as u64, names(line)),
            false => (Place::of(line), self.len, None),
        };
        if let Some(place) = place {
            self.places.insert(place, Standing { offset, named });
        }
        self.len += bytes as u64 + 1;
    }

    /// Adds a line to the spool.
    fn add(&mut self, line: &RecordedLine, is_shared: bool) -> Result<(), PortError> {
        let action = || format!("record into {}", self.path.display());
        let json = scrub_json::<RecordedLine>(to_json_line(line), &self.scrubber)
            .map_err(|reason| PortError::other(action(), reason))?;
        let mark = if is_shared { SHARED } else { "" };
        writeln!(self.spool, "{mark}{json}")
            .and_then(|()| if self.kept.is_some() { self.spool.flush() } else { Ok(()) })
            .map_err(|error| PortError::io(action(), error))?;
        self.place(line, is_shared, mark.len() + json.len());
        Ok(())
    }

    /// Lets a line that answers a question for all cases name whom the one before it names, who may come earlier.
    fn keep_name(&self, line: &mut RecordedLine) {
        let known = Place::of_shared(line).and_then(|place| self.places.get(&place)?.named.clone());
        if let Some(known) = known.filter(|known| Some(known) < names(line).as_ref()) {
            name(line, known);
        }
    }

    /// The newest line that answers a question for all cases, where it names one that comes later than these.
    fn later_than(&mut self, place: &Place, named: &Named) -> Result<Option<RecordedLine>, PortError> {
        let Some(standing) = self.places.get(place) else { return Ok(None) };
        if standing.named.as_ref().is_none_or(|known| known <= named) {
            return Ok(None);
        }
        let failed = |error| PortError::io(format!("read what is recorded into {}", self.path.display()), error);
        self.spool.flush().map_err(failed)?;
        let line = read_line(self.spool.get_ref(), standing.offset).map_err(failed)?;
        Ok(parse_line(&line, "", 0).ok())
    }

    fn write_new(&mut self, out: &mut dyn Write) -> io::Result<()> {
        self.spool.flush()?;
        let new = self.spool.get_ref();
        let mut left = self.places.clone();
        if let Some(old) = open_old(&self.path)? {
            let mut lines = Lines::new(BufReader::new(old), self.path.display().to_string());
            while let Some(line) = lines.next_line() {
                let line = line.map_err(|error| io::Error::other(error.to_string()))?;
                let old = parse_line(line.bytes, "", line.number).ok();
                match old.and_then(|old| taken_by(&self.places, &old)) {
                    Some(place) => {
                        // A doubled old line goes: its trial or question is recorded once.
                        if let Some(standing) = left.remove(&place) {
                            put(out, &read_line(new, standing.offset)?)?;
                        }
                    }
                    _ => put(out, line.bytes)?,
                }
            }
        }
        left.into_values().try_for_each(|standing| put(out, &read_line(new, standing.offset)?))
    }
}

/// Whom a line of an assertion names.
fn names(line: &RecordedLine) -> Option<Named> {
    Some((line.case.clone(), line.assertion.clone()?))
}

fn name(line: &mut RecordedLine, (case, assertion): Named) {
    (line.case, line.assertion) = (case, Some(assertion));
}

fn put(out: &mut dyn Write, line: &[u8]) -> io::Result<()> {
    out.write_all(line)?;
    out.write_all(b"\n")
}

impl RecordingSink for RecordingFile {
    fn record(&mut self, request: &Request, response: &Response) -> Result<(), PortError> {
        let mut line = RecordedLine::of(request, response);
        let is_shared = request.origin.is_shared();
        if is_shared {
            self.keep_name(&mut line);
        }
        self.add(&line, is_shared)
    }

    fn also_asked(&mut self, request: &Request) -> Result<(), PortError> {
        let asked = RecordedLine::of(request, &Response::text(""));
        let (Some(place), Some(named)) = (Place::of_shared(&asked), names(&asked)) else { return Ok(()) };
        let Some(mut line) = self.later_than(&place, &named)? else { return Ok(()) };
        name(&mut line, named);
        self.add(&line, true)
    }

    fn sync(&mut self) -> Result<(), PortError> {
        if self.kept.is_some() && self.synced < self.len {
            self.spool
                .flush()
                .and_then(|()| self.spool.get_ref().sync_data())
                .map_err(|error| PortError::io(format!("record into {}", self.path.display()), error))?;
            self.synced = self.len;
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PortError> {
        let path = self.path.clone();
        if !self.places.is_empty() {
            atomic::write_with(&path, |out| self.write_new(out))
                .map_err(|error| PortError::io(format!("write {}", path.display()), error.cause))?;
        }
        // All of it is in the recording now; where it stays, it is only written once more.
        if let Some(spool) = self.kept.take() {
            let _ = std::fs::remove_file(spool);
        }
        Ok(())
    }
}

impl Drop for RecordingFile {
    /// Where a command is refused before anything is recorded, nothing is left behind.
    fn drop(&mut self) {
        if let Some(spool) = self.kept.take_if(|_| self.len == 0) {
            let _ = std::fs::remove_file(spool);
        }
    }
}

fn open_old(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        file => file.map(Some),
    }
}

fn check_old(path: &Path) -> Result<(), Diagnostics> {
    let name = path.display().to_string();
    let failed = |error: io::Error| Diagnostic::new(format!("cannot read {name}: {error}"));
    let kind = std::fs::metadata(path).map(|meta| meta.is_file());
    match kind {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error).into()),
        // A device may have no end, and a pipe nobody who writes; neither could be replaced by a file.
        Ok(false) => {
            return Err(Diagnostic::new(format!("{name} is no file, so nothing can be recorded into it")).into());
        }
        Ok(true) => {}
    }
    let old = File::open(path).map_err(failed)?;
    let mut lines = Lines::new(BufReader::new(old), name.clone());
    while let Some(line) = lines.next_line() {
        let line = line?;
        parse_line(line.bytes, &name, line.number)?;
    }
    Ok(())
}
