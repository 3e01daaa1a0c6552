//! The cache of answers against a real file, damage, and other processes' connections.

use std::sync::Arc;

use promptgate_core::Digest;
use promptgate_core::answer::Response;
use promptgate_core::port::{AddressedKey, CacheKey, Clock, PortErrorKind, ResponseCache};
use promptgate_core::secret::{Scrubber, Secret};
use promptgate_store::SystemClock;
use promptgate_store::cache::{Access, CACHE_FILE, Cache, Pruning};
use promptgate_store::run::RunFolder;
use rusqlite::Connection;

struct Kept {
    folder: tempfile::TempDir,
    scrubber: Scrubber,
}

impl Kept {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), scrubber: Scrubber::new() }
    }

    fn runs(&self) -> RunFolder {
        RunFolder::below(self.folder.path().join("state"))
    }

    fn open(&self, access: Access) -> Option<Cache> {
        Cache::open(&self.runs(), access, Arc::new(SystemClock), self.scrubber.clone()).unwrap()
    }

    fn cache(&self) -> Cache {
        self.open(Access::ReadWrite).unwrap()
    }

    fn sql(&self) -> Connection {
        Connection::open(self.folder.path().join("state").join(CACHE_FILE)).unwrap()
    }
}

fn key(request: &str, repeat: u32, source: &str) -> AddressedKey {
    let request = Digest::of_bytes(request.as_bytes());
    CacheKey { request, repeat, case: None, source: source.to_owned() }.addressed()
}

fn output(cache: &Cache, key: &AddressedKey) -> Option<String> {
    cache.find(key, 0).map(|(response, _)| response.output)
}

#[test]
fn an_answer_is_found_by_request_repeat_and_place_and_by_nothing_less() {
    let kept = Kept::new();
    let cache = kept.cache();
    cache.keep(key("a", 1, "https://one"), Response::text("first"));
    cache.finish().unwrap();
    assert_eq!(output(&cache, &key("a", 1, "https://one")).as_deref(), Some("first"));
    for other in [key("b", 1, "https://one"), key("a", 2, "https://one"), key("a", 1, "https://two"), key("a", 1, "")] {
        assert_eq!(output(&cache, &other), None, "{other:?}");
    }
    cache.keep(key("a", 1, "https://one"), Response::text("again"));
    cache.finish().unwrap();
    assert_eq!(output(&kept.cache(), &key("a", 1, "https://one")).as_deref(), Some("again"));
}

#[test]
fn an_answer_that_is_not_written_yet_is_found_and_the_newest_stays() {
    let kept = Kept::new();
    let cache = kept.cache();
    for text in ["first", "second", "third"] {
        cache.keep(key("a", 1, "x"), Response::text(text));
        assert_eq!(output(&cache, &key("a", 1, "x")).as_deref(), Some(text));
    }
    cache.finish().unwrap();
    assert_eq!(output(&cache, &key("a", 1, "x")).as_deref(), Some("third"));
    assert_eq!(cache.find(&key("a", 1, "x"), u64::MAX), None);
}

/// no two keys share an address.
/// A kill takes what is not on disk: answers that come one close after the other are written all the same.
#[test]
fn answers_that_never_cease_are_written_while_they_come() {
    let kept = Kept::new();
    let cache = kept.cache();
    let on_disk = || kept.sql().query_row("SELECT count(*) FROM answer", [], |row| row.get::<_, i64>(0)).unwrap();
    let mut given = 0;
    while on_disk() == 0 {
        assert!(given < 1_000, "fewer than are written together");
        cache.keep(key(&given.to_string(), 1, "https://a/v1"), Response::text("said"));
        given += 1;
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
}

#[test]
fn a_hundred_thousand_pairs_of_keys_never_meet() {
    let mut addresses = std::collections::HashSet::new();
    for number in 0..100_000_u32 {
        let source = ["https://a/v1", "https://a/v1/responses", "https://b"][number as usize % 3];
        let key = key(&format!("{}", number / 12), 1 + number / 3 % 4, source);
        assert!(addresses.insert(key.address()), "{key:?}");
    }
}

#[test]
fn an_entry_that_is_damaged_or_stands_in_anothers_place_is_a_miss_and_set_aside() {
    let damage: [(&str, &str); 7] = [
        ("a flipped time", "UPDATE answer SET kept_ms = kept_ms | (1 << 45)"),
        ("a time that is none", "UPDATE answer SET kept_ms = -5"),
        ("a flipped answer", "UPDATE answer SET response = replace(response, 'first', 'worst')"),
        ("a flipped sum", "UPDATE answer SET sum = x'00'"),
        ("a foreign key", "UPDATE answer SET key = replace(key, '\"repeat\":1', '\"repeat\":2')"),
        ("an answer that is none", "UPDATE answer SET response = '{}'"),
        ("no answer at all", "UPDATE answer SET response = ''"),
    ];
    for (what, sql) in damage {
        let kept = Kept::new();
        let cache = kept.cache();
        cache.keep(key("a", 1, "x"), Response::text("first"));
        cache.finish().unwrap();
        assert_eq!(kept.sql().execute(sql, []).unwrap(), 1, "{what}");
        assert_eq!(output(&cache, &key("a", 1, "x")), None, "{what}");
        cache.finish().unwrap();
        assert!(!cache.holds(&key("a", 1, "x").address()).unwrap(), "{what}");
        assert_eq!(cache.stats().unwrap().damaged, 1, "{what}");
    }
}

#[test]
fn an_entry_moved_to_another_address_is_never_served_there() {
    let kept = Kept::new();
    let cache = kept.cache();
    cache.keep(key("a", 1, "x"), Response::text("of a"));
    cache.finish().unwrap();
    let address = key("b", 1, "x").address();
    kept.sql().execute("UPDATE answer SET address = ?1", [address.as_bytes()]).unwrap();
    assert_eq!(output(&cache, &key("b", 1, "x")), None);
}

#[test]
fn reading_only_writes_nothing_and_needs_a_file() {
    let kept = Kept::new();
    assert!(kept.open(Access::ReadOnly).is_none());
    kept.cache().keep(key("a", 1, "x"), Response::text("first"));
    let before = kept.cache().stats().unwrap().answers;
    let reading = kept.open(Access::ReadOnly).unwrap();
    reading.keep(key("b", 1, "x"), Response::text("second"));
    reading.finish().unwrap();
    assert_eq!((output(&reading, &key("b", 1, "x")), reading.stats().unwrap().answers), (None, before));
}

/// writers wait for each other; nothing is lost, nobody is told that the file is locked.
#[test]
fn several_writers_lose_nothing() {
    let kept = Kept::new();
    drop(kept.cache());
    std::thread::scope(|scope| {
        for writer in 0..3 {
            let kept = &kept;
            scope.spawn(move || {
                let cache = kept.cache();
                for number in 0..500 {
                    cache.keep(key(&format!("{writer}-{number}"), 1, "x"), Response::text(format!("{number}")));
                    if number % 50 == 0 {
                        cache.finish().unwrap();
                    }
                }
                cache.finish().unwrap();
            });
        }
    });
    let stats = kept.cache().stats().unwrap();
    assert_eq!((stats.answers, stats.damaged, stats.health.as_str()), (1_500, 0, "ok"));
}

#[test]
fn a_secret_in_an_answer_is_not_kept() {
    let kept = Kept::new();
    kept.scrubber.learn(&Secret::new("sk-canary-0123456789"));
    let cache = kept.cache();
    cache.keep(key("a", 1, "x"), Response::text("the key is sk-canary-0123456789"));
    cache.finish().unwrap();
    assert_eq!(output(&cache, &key("a", 1, "x")).as_deref(), Some("the key is [secret]"));
    drop(cache);
    for file in
        std::fs::read_dir(kept.folder.path().join("state")).unwrap().flatten().filter(|file| file.path().is_file())
    {
        let bytes = std::fs::read(file.path()).unwrap();
        assert!(!bytes.windows(9).any(|window| window == b"sk-canary"), "{:?}", file.path());
        use std::os::unix::fs::PermissionsExt;
        let name = file.file_name();
        let mode = file.metadata().unwrap().permissions().mode() & 0o077;
        assert!(mode == 0 || name == ".gitignore", "{name:?} is open to others: {mode:o}");
    }
}

#[test]
fn what_is_old_or_too_much_can_be_taken_out() {
    let kept = Kept::new();
    let cache = kept.cache();
    (0..10).for_each(|number| cache.keep(key(&number.to_string(), 1, "x"), Response::text("x")));
    cache.finish().unwrap();
    assert_eq!(cache.prune(&Pruning { before_ms: Some(1), keep: None }).unwrap(), 0);
    assert_eq!(cache.prune(&Pruning { before_ms: None, keep: Some(4) }).unwrap(), 6);
    assert_eq!(cache.prune(&Pruning { before_ms: Some(SystemClock.now_ms() + 1_000), keep: None }).unwrap(), 4);
    assert_eq!(cache.stats().unwrap().kept_ms, None);
}

#[test]
fn a_file_that_is_no_cache_or_a_newer_one_is_refused_with_what_to_do() {
    let kept = Kept::new();
    drop(kept.cache());
    kept.sql().pragma_update(None, "user_version", 99).unwrap();
    let error = |access| {
        let opened = Cache::open(&kept.runs(), access, Arc::new(SystemClock), kept.scrubber.clone());
        opened.map(drop).unwrap_err()
    };
    let refused = |access| error(access).to_string();
    for access in [Access::ReadOnly, Access::ReadWrite] {
        assert!(refused(access).contains("version 99"), "{}", refused(access));
        assert_eq!(error(access).kind, PortErrorKind::Newer);
    }
    let file = kept.folder.path().join("state").join(CACHE_FILE);
    std::fs::write(&file, "this is no database at all, but a text that is longer than a header of one").unwrap();
    for extra in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{extra}", file.display()));
    }
    for access in [Access::ReadOnly, Access::ReadWrite] {
        assert!(refused(access).contains("`promptgate cache prune --all`"), "{}", refused(access));
    }
    Cache::discard(&kept.runs()).unwrap();
    assert!(kept.cache().is_empty());
    Cache::discard(&kept.runs()).unwrap();
    std::fs::create_dir(&file).unwrap();
    for access in [Access::ReadOnly, Access::ReadWrite] {
        assert!(refused(access).contains("it is a folder"), "{}", refused(access));
    }
    assert!(Cache::discard(&kept.runs()).is_err() && file.is_dir());
}

/// A race in writing the log of older ones lost data (fixed in 3.51.3).
#[test]
fn sqlite_is_new_enough() {
    let parts: Vec<u32> = rusqlite::version().split('.').map(|part| part.parse().unwrap()).collect();
    assert!(parts.as_slice() >= [3, 51, 3].as_slice(), "{}", rusqlite::version());
}

#[test]
fn an_answer_says_since_when_it_is_kept_and_is_not_taken_when_it_is_too_old() {
    let kept = Kept::new();
    let cache = kept.cache();
    let before = SystemClock.now_ms();
    cache.keep(key("a", 1, "x"), Response::text("first"));
    cache.finish().unwrap();
    let (_, kept_ms) = cache.find(&key("a", 1, "x"), before).unwrap();
    assert!(kept_ms >= before);
    assert!(cache.find(&key("a", 1, "x"), kept_ms + 1).is_none());
    assert!(cache.find(&key("a", 1, "x"), kept_ms).is_some(), "one that is too old for somebody is kept for others");
}

/// other entries stay usable.
#[test]
fn one_damaged_entry_keeps_nobody_from_seeing_the_others() {
    let damage = ["kept_ms = -5", "kept_ms = 'soon'", "key = 'x'", "key = x'00ff'", "response = x'00ff'"];
    for set in damage {
        let kept = Kept::new();
        let cache = kept.cache();
        cache.keep(key("a", 1, "x"), Response::text("first"));
        cache.keep(key("b", 1, "x"), Response::text("second"));
        cache.finish().unwrap();
        let address = key("a", 1, "x").address();
        let sql = format!("UPDATE answer SET {set} WHERE address = ?1");
        assert_eq!(kept.sql().execute(&sql, [address.as_bytes()]).unwrap(), 1, "{set}");
        assert_eq!(cache.stats().unwrap().answers, 2, "{set}");
        let mut seen = Vec::new();
        cache.entries(|entry| seen.push(entry.response.output)).unwrap();
        assert_eq!(seen, ["second"], "{set}");
    }
}

#[test]
fn a_folder_that_may_not_be_written_is_read_all_the_same() {
    let kept = Kept::new();
    let cache = kept.cache();
    cache.keep(key("a", 1, "x"), Response::text("first"));
    cache.finish().unwrap();
    drop(cache);
    // Where its place is taken SQLite cannot write beside the file, whoever runs this test.
    std::fs::create_dir(kept.folder.path().join("state").join(format!("{CACHE_FILE}-shm"))).unwrap();
    let reading = kept.open(Access::ReadOnly).unwrap();
    assert_eq!(output(&reading, &key("a", 1, "x")).as_deref(), Some("first"));
    assert_eq!(reading.stats().unwrap().answers, 1);
}

#[test]
fn what_an_older_version_kept_is_missing() {
    let kept = Kept::new();
    let cache = kept.cache();
    cache.keep(key("a", 1, "x"), Response::text("first"));
    cache.finish().unwrap();
    drop(cache);
    kept.sql().pragma_update(None, "user_version", 1).unwrap();
    assert!(kept.open(Access::ReadOnly).is_none());
    assert!(kept.cache().is_empty());
    assert!(kept.open(Access::ReadOnly).is_some());
}

#[test]
fn processes_that_find_an_older_version_at_once_lose_nothing_of_each_other() {
    const PROCESSES: usize = 6;
    let kept = Kept::new();
    for _ in 0..10 {
        drop(kept.cache());
        kept.sql().pragma_update(None, "user_version", 1).unwrap();
        let begin = std::sync::Barrier::new(PROCESSES);
        std::thread::scope(|scope| {
            for process in 0..PROCESSES {
                let (kept, begin) = (&kept, &begin);
                scope.spawn(move || {
                    begin.wait();
                    let cache = kept.cache();
                    cache.keep(key(&process.to_string(), 1, "x"), Response::text("kept"));
                    cache.finish().unwrap();
                });
            }
        });
        assert_eq!(kept.cache().stats().unwrap().answers, PROCESSES as u64);
    }
}
