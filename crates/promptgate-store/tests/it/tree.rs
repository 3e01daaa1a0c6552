//! One suite of tests for both forms of a tree.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;

use promptgate_core::port::{Tree, TreeError, TreePath};
use promptgate_store::tree::{DiskTree, GitError, GitRepo, GitTree};
use promptgate_testkit::Project;

const CANARY: &str = "canary";

/// A project below the top of its repository, with a file outside that nothing may read.
struct World {
    project: Project,
}

impl World {
    fn new() -> Self {
        let project = Project::new()
            .file("secret.txt", CANARY)
            .file("app/suite.toml", "name = \"x\"\n")
            .file("app/prompts/triage.prompt", "Route {{email}}\n")
            .file("app/prompts/triage.cot.prompt", "Think.\n")
            .file("app/prompts/größe und mehr.txt", "ü\n")
            .file("app/prompts/deep/more.txt", "deep\n")
            .file("app/binary", b"\xff\xfe")
            .file("app/empty", "");
        let link = |target: &str, at: &str| symlink(target, project.path(at)).unwrap();
        link("triage.prompt", "app/prompts/inside.prompt");
        link("../../secret.txt", "app/prompts/outside.prompt");
        link("/etc/passwd", "app/prompts/absolute.prompt");
        link("prompts", "app/same");
        link("..", "app/up");
        link("loop", "app/loop");
        link("nowhere", "app/dangling");
        Self { project }
    }

    fn root(&self) -> std::path::PathBuf {
        self.project.path("app")
    }

    fn both(&self) -> [Box<dyn Tree>; 2] {
        self.project.commit("first");
        let git = GitTree::open(&self.root(), "main").unwrap();
        [Box::new(DiskTree::new(&self.root()).unwrap()), Box::new(git)]
    }
}

fn path(text: &str) -> TreePath {
    TreePath::new(text).unwrap()
}

#[test]
fn files_are_read_as_they_are() {
    for tree in World::new().both() {
        let read = |text: &str| tree.read_text(&path(text)).unwrap();
        assert_eq!(read("prompts/triage.prompt"), "Route {{email}}\n", "{}", tree.name());
        assert_eq!(read("prompts/größe und mehr.txt"), "ü\n");
        assert_eq!(read("prompts/inside.prompt"), "Route {{email}}\n");
        assert_eq!(read("same/deep/more.txt"), "deep\n");
        assert_eq!(read("empty"), "");
        assert_eq!(tree.read(&path("binary")).unwrap(), b"\xff\xfe");
        assert!(tree.read_text(&path("binary")).unwrap_err().to_string().contains("not UTF-8"), "{}", tree.name());
    }
}

#[test]
fn a_folder_lists_its_regular_files_sorted() {
    for tree in World::new().both() {
        let list = |text: &str| -> Vec<String> {
            tree.list(&path(text)).unwrap().iter().map(|path| path.as_str().to_owned()).collect()
        };
        let expected = ["größe und mehr.txt", "inside.prompt", "triage.cot.prompt", "triage.prompt"];
        assert_eq!(list("prompts"), expected.map(|name| format!("prompts/{name}")), "{}", tree.name());
        assert_eq!(list(""), ["binary", "empty", "suite.toml"], "{}", tree.name());
        assert!(list("nowhere").is_empty() && list("suite.toml").is_empty() && list("suite.toml/x").is_empty());
    }
}

#[test]
fn what_is_no_file_inside_says_what_it_is() {
    for tree in World::new().both() {
        let fails = |text: &str| match tree.read(&path(text)).unwrap_err() {
            TreeError::Outside { .. } => "outside",
            TreeError::Missing { .. } => "missing",
            TreeError::Unreadable { .. } => "unreadable",
        };
        for (text, expected) in [
            ("nowhere.txt", "missing"),
            ("dangling", "missing"),
            ("suite.toml/below", "missing"),
            ("prompts", "unreadable"),
            ("", "unreadable"),
            ("loop", "unreadable"),
            ("prompts/outside.prompt", "outside"),
            ("prompts/absolute.prompt", "outside"),
            ("up/secret.txt", "outside"),
            ("nowhere\n.txt", "missing"),
        ] {
            assert_eq!(fails(text), expected, "{text:?} in {}", tree.name());
        }
        assert!(tree.list(&path("up")).is_err(), "{}", tree.name());
    }
}

/// The strings that path checks were got round with elsewhere, and how they are put together.
fn payloads() -> Vec<String> {
    let ups = [
        "..",
        "../",
        "..\\",
        "%2e%2e",
        "%252e%252e",
        "..%2f",
        "..%5c",
        ".%2e",
        "..;",
        "....//",
        "..\u{2215}",
        "..\u{ff0f}",
    ];
    let heads = [
        "",
        "/",
        "//",
        "\\",
        "\\\\",
        "./",
        "prompts/",
        "prompts/../",
        "C:",
        "C:\\",
        "file://",
        "file:///",
        "\\\\?\\",
        "//server/share/",
        "up/",
    ];
    let targets = [
        "secret.txt",
        "../secret.txt",
        "../../secret.txt",
        "etc/passwd",
        "proc/self/environ",
        "//proc/self/root/etc/passwd",
        "dev/zero",
        ".git/config",
        "../.git/HEAD",
        "secret.txt\0.prompt",
        "SECRET.TXT",
    ];
    let mut all = Vec::new();
    for head in heads {
        for target in targets {
            all.push(format!("{head}{target}"));
            all.extend(ups.iter().map(|up| format!("{head}{up}/{target}")));
        }
    }
    all
}

#[test]
fn no_payload_reads_anything_outside() {
    let world = World::new();
    let trees = world.both();
    let payloads = payloads();
    assert!(payloads.len() >= 400, "{}", payloads.len());
    for payload in &payloads {
        for tree in &trees {
            let Ok(path) = TreePath::new(payload) else { continue };
            let read = tree.read(&path);
            assert!(read.is_err(), "{payload:?} reads {:?} in {}", read.unwrap(), tree.name());
        }
    }
}

#[test]
fn pipes_devices_and_links_to_them_are_refused_without_waiting() {
    let world = World::new();
    let made = std::process::Command::new("mkfifo").arg(world.root().join("pipe")).status().unwrap();
    assert!(made.success());
    symlink("/dev/zero", world.root().join("zero")).unwrap();
    symlink("pipe", world.root().join("to-pipe")).unwrap();
    let tree = DiskTree::new(&world.root()).unwrap();
    for name in ["pipe", "zero", "to-pipe"] {
        assert!(tree.read(&path(name)).is_err(), "{name}");
    }
    assert!(!tree.list(&path("")).unwrap().iter().any(|path| path.as_str().contains("pipe")));
}

#[test]
fn a_folder_swapped_for_a_link_while_it_is_read_leads_nowhere() {
    let world = World::new();
    world.project.write("outside/triage.prompt", CANARY);
    let tree = Arc::new(DiskTree::new(&world.root()).unwrap());
    let reader = std::thread::spawn({
        let tree = Arc::clone(&tree);
        move || {
            (0..3_000)
                .filter(|_| tree.read(&path("swap/triage.prompt")).is_ok_and(|read| read == CANARY.as_bytes()))
                .count()
        }
    });
    let swap = world.root().join("swap");
    while !reader.is_finished() {
        symlink("prompts", &swap).unwrap();
        std::fs::remove_file(&swap).unwrap();
        symlink("../outside", &swap).unwrap();
        std::fs::remove_file(&swap).unwrap();
        std::fs::rename(world.root().join("prompts"), &swap).unwrap();
        std::fs::rename(&swap, world.root().join("prompts")).unwrap();
    }
    assert_eq!(reader.join().unwrap(), 0);
}

#[test]
fn a_file_that_is_too_large_is_refused() {
    let project = Project::new();
    let large = std::fs::File::create(project.path("large")).unwrap();
    large.set_len(promptgate_store::tree::LARGEST_FILE + 1).unwrap();
    project.commit("large");
    let trees: [Box<dyn Tree>; 2] =
        [Box::new(DiskTree::new(&project.root()).unwrap()), Box::new(GitTree::open(&project.root(), "main").unwrap())];
    for tree in trees {
        assert!(tree.read(&path("large")).unwrap_err().to_string().contains("at most"), "{}", tree.name());
        // The one process behind a git tree still answers.
        assert!(matches!(tree.read(&path("nothing")), Err(TreeError::Missing { .. })), "{}", tree.name());
    }
}

#[test]
fn a_revision_is_read_as_it_was() {
    let project = Project::new().file("prompts/a.txt", "one\n");
    let first = project.commit("first");
    project.git(&["tag", "-a", "v1", "-m", "tag"]);
    project.write("prompts/a.txt", "two\n");
    project.commit("second");
    project.write("prompts/a.txt", "not committed\n");
    let repo = GitRepo::around(&project.root()).unwrap();
    let read = |rev: &str| repo.tree(rev).unwrap().read_text(&path("prompts/a.txt")).unwrap();
    let short = &first[..10];
    for (rev, text) in [("main", "two\n"), ("HEAD~1", "one\n"), ("v1", "one\n"), (short, "one\n"), (&first, "one\n")] {
        assert_eq!(read(rev), text, "{rev}");
    }
    assert_eq!(repo.tree("v1").unwrap().commit(), first);
    let history = repo.history(&path("prompts"), 10).unwrap();
    assert_eq!((history.len(), &history[1]), (2, &first));
}

#[test]
fn a_revision_that_is_none_says_why() {
    let project = Project::new().file("a.txt", "one\n");
    project.commit("first");
    project.git(&["update-ref", "refs/remotes/origin/release", "HEAD"]);
    let error = |rev: &str| GitTree::open(&project.root(), rev).unwrap_err();
    assert!(error("release").to_string().contains("did you mean `git:origin/release`?"));
    assert!(matches!(error("nowhere"), GitError::UnknownRevision { .. }));
    for rev in ["", "--output=x", "main:a.txt", "main..main", "main\nmain", "a b", &"x".repeat(300)] {
        assert!(matches!(error(rev), GitError::BadRevision { .. }), "{rev}");
    }
    let outside = Project::new();
    assert!(matches!(GitTree::open(&outside.root(), "main"), Err(GitError::NotARepository { .. })));
    assert!(matches!(GitTree::open(Path::new("/nowhere"), "main"), Err(GitError::Git(_) | GitError::NoGit)));
}

#[test]
fn a_project_that_was_not_there_yet_is_said_to_be_missing() {
    let project = Project::new().file("a.txt", "one\n");
    let first = project.commit("first");
    project.write("app/suite.toml", "name = \"x\"\n");
    project.commit("second");
    let error = GitTree::open(&project.path("app"), &first).unwrap_err();
    assert!(matches!(&error, GitError::NoProject { folder, .. } if folder == "app"), "{error}");
}

#[test]
fn a_file_to_be_written_has_its_place_inside() {
    let world = World::new();
    let tree = DiskTree::new(&world.root()).unwrap();
    for inside in ["new.jsonl", "recordings/new.jsonl", "prompts/triage.prompt", "same/new.txt"] {
        assert_eq!(tree.place(&path(inside)).unwrap(), tree.root().join(inside));
    }
    for outside in ["up/new.txt", "prompts/outside.prompt", "prompts/absolute.prompt", "dangling", "loop"] {
        assert!(matches!(tree.place(&path(outside)), Err(TreeError::Outside { .. })), "{outside}");
    }
}
