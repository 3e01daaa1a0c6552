//! What `cache` and others tell of answers that are kept.

use promptgate_mock::{Said, Server, Wire};
use promptgate_testkit::Project;

/// Two cases whose judge is asked the very same of both.
fn project(server: &Server) -> Project {
    let suite = "name = \"s\"\nprompt = \"say\"\n[[model]]\nid = \"echo/any\"\n[[judge]]\nid = \"openai/judge\"\n\
        [cases]\nfile = \"cases.jsonl\"\n[[assert]]\nkind = \"rubric\"\ncriteria = \"It is polite.\"\n";
    Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", "")
        .file("suites/s/suite.toml", suite)
        .file("suites/s/prompts/say.prompt", "please")
        .file("suites/s/cases.jsonl", "{\"id\":\"a\"}\n{\"id\":\"b\"}\n")
        .variable("OPENAI_BASE_URL", &server.base_url())
        .variable("OPENAI_API_KEY", "k")
}

fn polite() -> Server {
    Server::start(|_| Wire::Chat.whole(&Said::text("m", "{\"reason\": \"it is\", \"score\": 5}")))
}

#[test]
fn a_judges_answer_is_told_with_the_case_it_is_about() {
    let server = polite();
    let project = project(&server);
    let _ = project.run(["run", "suites/s"]).expect_code(0);
    let exported = project.run(["cache", "export"]).expect_code(0).stdout;
    let lines: Vec<serde_json::Value> = exported.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut cases: Vec<&str> = lines.iter().filter_map(|line| line["case"].as_str()).collect();
    cases.sort_unstable();
    assert_eq!(cases, ["a", "b"], "{exported}");
    let digest = lines[0]["request_digest"].as_str().unwrap();
    let explained = project.run(["cache", "explain", digest]).expect_code(0).stdout;
    assert!(explained.contains("repeat 1  case a  ") && explained.contains("repeat 1  case b  "), "{explained}");
}

#[test]
fn a_cache_of_an_older_promptgate_is_told_as_one() {
    let server = polite();
    let project = project(&server);
    let _ = project.run(["run", "suites/s"]).expect_code(0);
    let older = || {
        let mut file = std::fs::read(project.path(".promptgate/cache.db")).unwrap();
        // The last byte of `user_version` in SQLite's header.
        file[63] = 1;
        project.write(".promptgate/cache.db", file);
    };
    older();
    for command in [["cache", "stats"], ["cache", "export"]] {
        let said = project.run(command).expect_code(0).stdout;
        assert!(said.contains("of an older promptgate"), "{said}");
    }
    let checked = project.run(["doctor", "--offline"]);
    assert!(checked.stdout.contains("of an older promptgate"), "{checked:?}");
    let told = |how: &str| project.run(["run", "suites/s", "--fresh", how]).expect_code(0).stderr;
    assert_eq!(told("--cache=read").matches("of an older promptgate").count(), 1);
    assert!(!told("--cache=off").contains("older"));
    assert!(!told("--cache=read-write").contains("older"));
    let said = project.run(["cache", "stats"]).expect_code(0).stdout;
    assert!(said.contains("answers   2\n"), "{said}");
}

#[test]
fn a_cache_of_a_newer_promptgate_is_left_alone() {
    let server = polite();
    let project = project(&server);
    let _ = project.run(["run", "suites/s"]).expect_code(0);
    let path = project.path(".promptgate/cache.db");
    let mut newer = std::fs::read(&path).unwrap();
    // The last byte of `user_version` in SQLite's header.
    newer[63] = 99;
    project.write(".promptgate/cache.db", &newer);
    for command in [&["cache", "stats"][..], &["cache", "prune", "--keep", "1"], &["cache", "prune", "--all"]] {
        let told = project.run(command.iter().copied()).expect_code(2).stderr;
        assert!(told.contains("a newer promptgate") && told.contains("or delete the file"), "{told}");
    }
    let run = project.run(["run", "suites/s", "--fresh"]).expect_code(0);
    assert!(run.stderr.contains("the cache is not used in this run"), "{run:?}");
    assert!(std::fs::read(&path).unwrap() == newer, "nothing of it is changed");
}

/// a cache is never a reason for a run to fail, and each state of its file can be mended.
#[test]
fn a_file_that_is_no_cache_is_told_done_without_and_can_be_mended() {
    let server = polite();
    let project = project(&server);
    let _ = project.run(["run", "suites/s"]).expect_code(0);
    let file = project.path(".promptgate/cache.db");
    let whole = std::fs::read(&file).unwrap();
    let (mut header, mut pages) = (whole.clone(), whole);
    header[..16].copy_from_slice(b"0123456789abcdef");
    // The first page, which is told by the header's size of pages, stays: what is damaged is what it leads to.
    let page = usize::from(u16::from_be_bytes([pages[16], pages[17]]));
    assert!(page >= 512 && page < pages.len(), "{page} of {}", pages.len());
    pages[page..].fill(0x5a);
    for (what, damaged) in [("header", header), ("pages", pages)] {
        let _ = std::fs::remove_file(project.path(".promptgate/cache.db-wal"));
        project.write(".promptgate/cache.db", damaged);
        let before = server.count();
        let run = project.run(["run", "suites/s", "--fresh"]).expect_code(0);
        assert_eq!(server.count() - before, 2, "{what}: it is asked again");
        assert!(
            run.stderr.contains("cache") && run.stderr.contains("`promptgate cache prune --all`"),
            "{what}: {run:?}"
        );
        for command in [&["cache", "stats"][..], &["cache", "export"], &["cache", "prune", "--keep", "1"]] {
            let told = project.run(command.iter().copied()).expect_code(2);
            assert!(told.stderr.contains("`promptgate cache prune --all`"), "{what}: {told:?}");
        }
        let mended = project.run(["cache", "prune", "--all"]).expect_code(0);
        assert!(mended.stdout.contains("removed"), "{what}: {mended:?}");
        let _ = project.run(["run", "suites/s", "--fresh"]).expect_code(0);
        let kept = project.run(["cache", "stats"]).expect_code(0).stdout;
        assert!(kept.contains("answers   2\n"), "{what}: {kept}");
    }
    std::fs::remove_file(&file).unwrap();
    project.write(".promptgate/cache.db/mine.txt", "mine");
    let run = project.run(["run", "suites/s", "--fresh"]).expect_code(0);
    assert!(run.stderr.contains("the cache is not used in this run") && run.stderr.contains("a folder"), "{run:?}");
    for command in [&["cache", "stats"][..], &["cache", "prune", "--all"]] {
        let told = project.run(command.iter().copied()).expect_code(2);
        assert!(told.stderr.contains("it is a folder"), "{told:?}");
    }
    assert_eq!(project.read(".promptgate/cache.db/mine.txt"), "mine");
}
