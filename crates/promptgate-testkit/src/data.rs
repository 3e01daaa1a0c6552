//! The recorded real data that some tests replay; it is never in the repository.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

/// The folder of recorded data: `PROMPTGATE_DATA`, else `../shared/data` beside the checkout.
///
/// Where it is absent the caller leaves its test out, which is said once, in one line. In CI absence is a failure.
pub fn data_dir() -> Option<PathBuf> {
    let folder = std::env::var_os("PROMPTGATE_DATA").map_or_else(beside_the_checkout, PathBuf::from);
    if folder.join("SHA256SUMS").is_file() {
        return Some(folder);
    }
    static ONCE: Once = Once::new();
    let missing = format!("tests on recorded data, since {} is not there; set PROMPTGATE_DATA", folder.display());
    left_out(&missing, &ONCE);
    None
}

/// Whether there is a Python, which promptgate needs for nothing but what users write in it. In CI absence is a failure.
pub fn has_python() -> bool {
    static ONCE: Once = Once::new();
    let found = Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        left_out("tests of Python functions, since there is no python3", &ONCE);
    }
    found
}

/// Says once what is left out; in CI that is a failure.
fn left_out(what: &str, once: &'static Once) {
    assert!(std::env::var_os("CI").is_none(), "left out: {what}");
    // Past the test harness's capture, or nobody would read it.
    once.call_once(|| writeln!(std::io::stderr(), "left out: {what}").unwrap_or(()));
}

fn beside_the_checkout() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checkout = crate_folder.ancestors().nth(2).expect("the crate lies in crates/");
    checkout.parent().unwrap_or(checkout).join("shared/data")
}
