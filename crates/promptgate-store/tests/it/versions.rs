use promptgate_core::name::PromptId;
use promptgate_core::plan::PlannedVersion;
use promptgate_core::port::TreePath;
use promptgate_core::prompt::Version;
use promptgate_core::secret::Scrubber;
use promptgate_store::run::RunFolder;
use promptgate_store::tree::DiskTree;
use promptgate_store::versions::{Found, Places, VersionError, resolve};
use promptgate_testkit::Project;

use crate::sample::header;

/// A project in git: `triage` was edited since its first commit, `triage.cot` uses a partial.
fn project() -> Project {
    let project = Project::new()
        .file("app/suites/x/prompts/triage.txt", "Route {{email}}\n")
        .file("app/suites/x/prompts/triage.cot.prompt", "{{>rules}} Think about {{email}}")
        .file("app/suites/x/prompts/_rules.prompt", "Be kind.");
    project.commit("first");
    project.write("app/suites/x/prompts/triage.txt", "Route {{email}} quickly\n");
    project
}

/// `current` is the folder of the command line; without one the suite says the reference.
fn find_in(project: &Project, reference: &str, current: Option<&str>) -> Result<Found, VersionError> {
    let tree = DiskTree::new(&project.path("app")).unwrap();
    let current = current.map(|current| project.path(current));
    let suite = TreePath::new("suites/x").unwrap();
    let runs = RunFolder::of(&project.path("app"));
    let places = Places { tree: &tree, suite: &suite, runs: &runs, current: current.as_deref() };
    resolve(&reference.parse().unwrap(), &places)
}

fn find(project: &Project, reference: &str) -> Result<Version, VersionError> {
    find_in(project, reference, Some("app")).map(|found| found.version)
}

fn text(project: &Project, reference: &str) -> String {
    find(project, reference).unwrap().files[0].text.clone()
}

/// Stores a run of a version and gives its id.
fn store_run(project: &Project, id: &str, version: &Version) {
    let mut header = header(id, 1);
    header.versions = vec![PlannedVersion {
        reference: "triage".into(),
        identity: version.identity.clone(),
        files: version.files.clone(),
        stored: None,
        again: 0,
    }];
    RunFolder::of(&project.path("app")).create(&header, Scrubber::new()).unwrap();
}

#[test]
fn a_file_a_variant_and_a_revision_are_found() {
    let project = project();
    assert_eq!(text(&project, "triage"), "Route {{email}} quickly\n");
    assert_eq!(text(&project, "triage@git:main"), "Route {{email}}\n");
    let variant = find(&project, "triage.cot").unwrap();
    assert_eq!(variant.identity.prompt, PromptId::new("triage.cot").unwrap());
    assert_eq!(variant.files.len(), 2);
    let then = find(&project, "triage.cot@git:main").unwrap();
    assert_eq!(then.identity.digest, variant.identity.digest);
}

#[test]
fn a_digest_is_found_in_the_tree_in_runs_and_in_history() {
    let project = project();
    let by_digest = |version: &Version| format!("triage@sha256:{}", version.identity.digest.short());
    let now = find(&project, "triage").unwrap();
    let variant = find(&project, "triage.cot").unwrap();
    assert_eq!(text(&project, &by_digest(&variant)), variant.files[0].text);
    // In a run alone.
    store_run(&project, "r1", &now);
    project.write("app/suites/x/prompts/triage.txt", "Newest {{email}}\n");
    assert_eq!(text(&project, &by_digest(&now)), "Route {{email}} quickly\n");
    // In git alone.
    let first = find(&project, "triage@git:main").unwrap();
    assert_eq!(text(&project, &by_digest(&first)), "Route {{email}}\n");
    assert!(matches!(find(&project, "triage.cot@sha256:0000000000"), Err(VersionError::Missing { .. })));
    assert!(find(&project, &format!("triage.cot@sha256:{}", first.identity.digest.short())).is_err());
}

#[test]
fn the_beginning_of_two_digests_is_ambiguous() {
    // Four digits of 65,536: some hundreds of variants share them somewhere.
    let mut project = Project::new();
    for variant in 0..500 {
        project = project.file(&format!("app/suites/x/prompts/triage.v{variant}.txt"), format!("variant {variant}"));
    }
    let digests: Vec<String> = (0..500)
        .map(|variant| find(&project, &format!("triage.v{variant}")).unwrap().identity.digest.hex()[..4].to_owned())
        .collect();
    let doubled = digests.iter().find(|digest| digests.iter().filter(|other| other == digest).count() > 1).unwrap();
    let error = find(&project, &format!("triage@sha256:{doubled}")).unwrap_err();
    assert!(matches!(&error, VersionError::Ambiguous { found, .. } if found.len() > 1), "{error}");
}

#[test]
fn a_run_is_a_reference_to_the_version_it_judged() {
    let project = project();
    let version = find(&project, "triage").unwrap();
    store_run(&project, "20260101-a", &version);
    project.write("app/suites/x/prompts/triage.txt", "Newest\n");
    let path = "app/.promptgate/runs/20260101-a.jsonl";
    for (reference, current) in [("run:20260101", "app"), ("run:latest", "app"), (path, ".")] {
        let found = find_in(&project, reference, Some(current)).unwrap();
        assert_eq!(found.version.identity, version.identity, "{reference}");
        let (run, index) = found.run.unwrap();
        assert_eq!((run.path().ends_with("20260101-a.jsonl"), index), (true, 0));
    }
}

#[test]
fn a_run_whose_files_are_not_its_version_is_refused() {
    let project = project();
    let mut version = find(&project, "triage").unwrap();
    version.files[0].text = "another text".into();
    store_run(&project, "r1", &version);
    let error = find(&project, "run:r1").unwrap_err();
    assert!(!error.is_missing() && error.to_string().contains("do not make up the version"), "{error}");
}

#[test]
fn a_path_begins_at_the_current_folder_or_at_the_suite() {
    let project = project().file("elsewhere/other.txt", "Other\n");
    let at = |reference: &str, current: Option<&str>| {
        find_in(&project, reference, current).map(|found| found.version.files[0].text.clone())
    };
    assert_eq!(at("prompts/triage.txt", Some("app/suites/x")).unwrap(), "Route {{email}} quickly\n");
    assert_eq!(at("prompts/triage.txt", None).unwrap(), "Route {{email}} quickly\n");
    assert_eq!(at("elsewhere/other.txt", Some(".")).unwrap(), "Other\n");
    assert_eq!(at("../elsewhere/other.txt", Some("app")).unwrap(), "Other\n");
    // What a suite says cannot leave the project.
    assert!(matches!(at("../../../elsewhere/other.txt", None), Err(VersionError::Tree(_))));
}

#[test]
fn what_is_not_there_is_missing_and_what_is_wrong_is_not() {
    let project = project();
    let check = |reference: &str, missing: bool, says: &str| {
        let error = find(&project, reference).unwrap_err();
        assert_eq!(error.is_missing(), missing, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    };
    check("triag", true, "did you mean `triage`?");
    check("triage.cott", true, "did you mean `triage.cot`?");
    check("triage@git:nowhere", true, "no revision `nowhere`");
    check("run:nothing", true, "no run `nothing`");
    check("nowhere/x.txt", true, "nowhere/x.txt");
    check("nowhere/x.jsonl", true, "nowhere/x.jsonl");
    check("triage@production", false, "no registry");
    check("triage@git:main..main", false, "range");
    project.write("app/suites/x/prompts/triage.txt", b"\xff");
    check("triage", false, "UTF-8");
}
