//! Looking at the cache as a whole: what is in it, what can go.

use promptgate_core::Digest;
use promptgate_core::answer::Response;
use promptgate_core::port::{CacheKey, PortError};
use rusqlite::{OptionalExtension, Row, params};

use super::{Cache, check_sum, failed};

/// What a cache holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stats {
    /// Answers.
    pub answers: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// The oldest and the newest, milliseconds since 1970; nothing where there is none.
    pub kept_ms: Option<(u64, u64)>,
    /// Entries that were damaged and set aside.
    pub damaged: u64,
    /// By place, how many answers come from there, the most first.
    pub sources: Vec<(String, u64)>,
    /// Whether SQLite finds the file whole; else what it finds.
    pub health: String,
}

/// What is taken out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruning {
    /// Answers that are kept since before this time, milliseconds since 1970.
    pub before_ms: Option<u64>,
    /// All but the newest so many.
    pub keep: Option<u64>,
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// What it is found by.
    pub key: CacheKey,
    /// What it is.
    pub response: Response,
    /// Since when it is kept, milliseconds since 1970.
    pub kept_ms: u64,
}

/// The entry of a row, where nothing of it is damaged.
fn whole(row: &Row<'_>) -> Option<Entry> {
    let (key, response): (String, String) = (row.get(0).ok()?, row.get(1).ok()?);
    let (sum, kept_ms): (Vec<u8>, i64) = (row.get(2).ok()?, row.get(3).ok()?);
    if sum != check_sum(&key, &response, kept_ms) {
        return None;
    }
    let (key, response) = (serde_json::from_str(&key).ok()?, serde_json::from_str(&response).ok()?);
    Some(Entry { key, response, kept_ms: u64::try_from(kept_ms).ok()? })
}

impl Cache {
    /// What it holds.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn stats(&self) -> Result<Stats, PortError> {
        let read = || -> rusqlite::Result<Stats> {
            let reader = self.reader();
            let count = |sql: &str| reader.query_row(sql, [], |row| row.get::<_, u64>(0));
            // A damaged entry is no reason to say nothing of the others.
            let kept =
                "SELECT min(kept_ms), max(kept_ms) FROM answer WHERE typeof(kept_ms) = 'integer' AND kept_ms >= 0";
            let kept: (Option<u64>, Option<u64>) = reader.query_row(kept, [], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let by_source = "SELECT CASE WHEN json_valid(key) THEN CAST(key ->> 'source' AS TEXT) END AS source, \
                             count(*) AS n FROM answer GROUP BY source ORDER BY n DESC, source";
            let mut by_source = reader.prepare(by_source)?;
            let sources = by_source
                .query_map([], |row| Ok((row.get::<_, Option<String>>(0)?.unwrap_or_default(), row.get(1)?)))?;
            Ok(Stats {
                answers: count("SELECT count(*) FROM answer")?,
                bytes: 0,
                kept_ms: kept.0.zip(kept.1),
                damaged: count("SELECT count(*) FROM damaged")?,
                sources: sources.collect::<rusqlite::Result<_>>()?,
                health: reader.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?,
            })
        };
        let stats = read().map_err(|error| failed(self.path(), "read the cache", error))?;
        let bytes = std::fs::metadata(self.path()).map(|file| file.len()).unwrap_or_default();
        Ok(Stats { bytes, ..stats })
    }

    /// Calls `each` with every answer that is whole, the oldest first.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn entries(&self, mut each: impl FnMut(Entry)) -> Result<(), PortError> {
        let mut read = || -> rusqlite::Result<()> {
            let reader = self.reader();
            let mut all = reader.prepare("SELECT key, response, sum, kept_ms FROM answer ORDER BY kept_ms, address")?;
            let mut rows = all.query([])?;
            while let Some(row) = rows.next()? {
                if let Some(entry) = whole(row) {
                    each(entry);
                }
            }
            Ok(())
        };
        read().map_err(|error| failed(self.path(), "read the cache", error))
    }

    /// Takes answers out and gives the room back; says how many.
    ///
    /// # Errors
    ///
    /// A file that cannot be written.
    pub fn prune(&self, pruning: &Pruning) -> Result<u64, PortError> {
        let prune = || -> rusqlite::Result<u64> {
            let writer = rusqlite::Connection::open(self.path())?;
            writer.busy_timeout(super::PATIENCE)?;
            let mut gone = 0;
            if let Some(before) = pruning.before_ms {
                gone += writer
                    .execute("DELETE FROM answer WHERE kept_ms < ?1", [i64::try_from(before).unwrap_or(i64::MAX)])?;
            }
            if let Some(keep) = pruning.keep {
                let newest = "DELETE FROM answer WHERE address NOT IN \
                              (SELECT address FROM answer ORDER BY kept_ms DESC, address LIMIT ?1)";
                gone += writer.execute(newest, params![i64::try_from(keep).unwrap_or(i64::MAX)])?;
            }
            writer.execute_batch("VACUUM; PRAGMA wal_checkpoint(TRUNCATE);")?;
            Ok(gone as u64)
        };
        prune().map_err(|error| failed(self.path(), "prune the cache", error))
    }

    /// Whether an answer is there for exactly this address, whole or not.
    ///
    /// # Errors
    ///
    /// A file that cannot be read.
    pub fn holds(&self, address: &Digest) -> Result<bool, PortError> {
        let reader = self.reader();
        let found =
            reader.query_row("SELECT 1 FROM answer WHERE address = ?1", [address.as_bytes()], |_| Ok(())).optional();
        Ok(found.map_err(|error| failed(self.path(), "read the cache", error))?.is_some())
    }
}
