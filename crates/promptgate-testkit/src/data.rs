//! The recorded real data that some tests replay; it is never in the repository.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Once;

/// The folder of recorded data: `PROMPTGATE_DATA`, else `../shared/data` beside the checkout.
///
/// Where it is absent the caller leaves its test out, which is said once, in one line. In CI absence is a failure.
pub fn data_dir() -> Option<PathBuf> {
    let folder = std::env::var_os("PROMPTGATE_DATA").map_or_else(beside_the_checkout, PathBuf::from);
    if folder.join("SHA256SUMS").is_file() {
        return Some(folder);
    }
    let message =
        format!("left out: tests on recorded data, since {} is not there; set PROMPTGATE_DATA", folder.display());
    assert!(std::env::var_os("CI").is_none(), "{message}");
    static ONCE: Once = Once::new();
    // Past the test harness's capture, or nobody would read it.
    ONCE.call_once(|| writeln!(std::io::stderr(), "{message}").unwrap_or(()));
    None
}

fn beside_the_checkout() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let checkout = crate_folder.ancestors().nth(2).expect("the crate lies in crates/");
    checkout.parent().unwrap_or(checkout).join("shared/data")
}
