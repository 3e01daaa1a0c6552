//! Calibrations: `.promptgate/calibrations/<suite>.json`, one for each suite, replaced whole when a suite is calibrated
//! anew.

use std::fs::{self, DirBuilder};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use promptgate_core::Diagnostic;
use promptgate_core::calibration::Calibration;
use promptgate_core::name::SuiteName;

/// A calibration's file is a few kilobytes; a larger one is something else.
const LARGEST: u64 = 4 << 20;

/// The folder of a project's calibrations. Nothing is touched before one is written.
#[derive(Debug, Clone)]
pub struct CalibrationFolder {
    state: PathBuf,
    calibrations: PathBuf,
}

/// Why a calibration could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CalibrationError {
    /// The file is there and is no calibration.
    #[error("{0}")]
    Wrong(Diagnostic),
    /// It could not be read or written.
    #[error("cannot {action} {file}: {cause}", file = file.display())]
    Io {
        /// `read` or `write`.
        action: &'static str,
        /// The file or folder.
        file: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// Others may write into the folder, so the figures could be anybody's.
    #[error("{folder} {reason}; {help}", folder = folder.display())]
    UnsafeFolder {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
        /// What to do.
        help: String,
    },
}

impl CalibrationFolder {
    /// The folder below a project's state folder.
    pub(crate) fn below(state: PathBuf) -> Self {
        Self { calibrations: state.join("calibrations"), state }
    }

    /// The file of a suite, whether it is there or not.
    pub fn path(&self, suite: &SuiteName) -> PathBuf {
        self.calibrations.join(format!("{suite}.json"))
    }

    /// The calibration of a suite, where there is one.
    ///
    /// # Errors
    ///
    /// A file that is no calibration, or cannot be read; a folder that others may write into.
    pub fn read(&self, suite: &SuiteName) -> Result<Option<Calibration>, CalibrationError> {
        self.check_rights()?;
        let path = self.path(suite);
        let io = |cause| CalibrationError::Io { action: "read", file: path.clone(), cause };
        match fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io(error)),
            Ok(meta) if !meta.is_file() || meta.len() > LARGEST => {
                return Err(io(std::io::Error::other("it is no calibration's file")));
            }
            Ok(_) => {}
        }
        let text = fs::read_to_string(&path).map_err(io)?;
        let name = format!("calibrations/{suite}.json");
        Calibration::parse(&text, &name).map(Some).map_err(CalibrationError::Wrong)
    }

    /// Puts a calibration in the place of the suite's old one, whole or not at all.
    ///
    /// # Errors
    ///
    /// Numbers that cannot be, no room, a folder that others may write into.
    pub fn write(&self, calibration: &Calibration) -> Result<(), CalibrationError> {
        let path = self.path(&calibration.suite);
        let io = |cause| CalibrationError::Io { action: "write", file: path.clone(), cause };
        let text = calibration.to_json().map_err(|what| io(std::io::Error::other(what)))?;
        self.make().map_err(io)?;
        self.check_rights()?;
        // Private from its first byte on, as temporary files are.
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.calibrations).map_err(io)?;
        file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(io)?;
        file.persist(&path).map_err(|error| io(error.error))?;
        fs::File::open(&self.calibrations).and_then(|folder| folder.sync_all()).map_err(io)
    }

    fn make(&self) -> std::io::Result<()> {
        if !self.calibrations.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.calibrations)?;
        }
        // As beside the runs: what is kept there is not to be committed by accident.
        match fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.state.join(".gitignore")) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            file => file.and_then(|mut file| file.write_all(b"*\n")),
        }
    }

    fn check_rights(&self) -> Result<(), CalibrationError> {
        [&self.state, &self.calibrations].into_iter().try_for_each(|folder| check_folder(folder))
    }
}

fn check_folder(folder: &Path) -> Result<(), CalibrationError> {
    let refuse = |reason, help| Err(CalibrationError::UnsafeFolder { folder: folder.to_owned(), reason, help });
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(CalibrationError::Io { action: "read", file: folder.to_owned(), cause }),
        Ok(meta) if !meta.is_dir() => refuse("is not a folder", "move it away".to_owned()),
        Ok(meta) if meta.permissions().mode() & 0o022 != 0 => {
            refuse("is writable by others", format!("run `chmod go-w {}`", folder.display()))
        }
        Ok(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use promptgate_core::Digest;
    use promptgate_core::calibration::{CALIBRATION_SCHEMA, CalibratedVersion};
    use promptgate_core::name::RunId;

    use super::*;

    fn calibration(cases: u64) -> Calibration {
        Calibration {
            schema: CALIBRATION_SCHEMA.to_owned(),
            suite: SuiteName::new("triage").unwrap(),
            baseline: CalibratedVersion { reference: "triage".to_owned(), digest: Digest::of_bytes(b"v") },
            run: RunId::new("r1").unwrap(),
            started: "2026-01-14T10:00:00Z".to_owned(),
            trials: 2,
            cases,
            metrics: Vec::new(),
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_calibration_is_private_reads_back_and_is_replaced() {
        let project = tempfile::tempdir().unwrap();
        let folder = CalibrationFolder::below(project.path().join(".promptgate"));
        let suite = SuiteName::new("triage").unwrap();
        assert_eq!(folder.read(&suite).unwrap(), None);
        folder.write(&calibration(180)).unwrap();
        folder.write(&calibration(227)).unwrap();
        assert_eq!(folder.read(&suite).unwrap(), Some(calibration(227)));
        let path = folder.path(&suite);
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        assert_eq!(fs::read_to_string(project.path().join(".promptgate/.gitignore")).unwrap(), "*\n");
    }

    #[test]
    fn what_is_no_calibration_is_named_and_never_used() {
        let project = tempfile::tempdir().unwrap();
        let folder = CalibrationFolder::below(project.path().join(".promptgate"));
        let suite = SuiteName::new("triage").unwrap();
        folder.write(&calibration(180)).unwrap();
        fs::write(folder.path(&suite), "{\"schema\": \"promptgate.calibration/1\"}").unwrap();
        let error = folder.read(&suite).unwrap_err().to_string();
        assert!(error.starts_with("calibrations/triage.json:1:1: this is no calibration: missing field"), "{error}");
        fs::remove_file(folder.path(&suite)).unwrap();
        fs::create_dir(folder.path(&suite)).unwrap();
        assert!(folder.read(&suite).unwrap_err().to_string().contains("it is no calibration's file"));
    }

    #[test]
    fn a_folder_that_others_may_write_into_is_refused() {
        let project = tempfile::tempdir().unwrap();
        let folder = CalibrationFolder::below(project.path().join(".promptgate"));
        folder.write(&calibration(180)).unwrap();
        let place = project.path().join(".promptgate/calibrations");
        fs::set_permissions(&place, fs::Permissions::from_mode(0o777)).unwrap();
        for error in [folder.read(&SuiteName::new("triage").unwrap()).map(drop), folder.write(&calibration(1))] {
            assert!(error.unwrap_err().to_string().contains("is writable by others; run `chmod go-w"));
        }
    }
}
