use promptgate_store::Project;

fn open(project: &promptgate_testkit::Project, folder: &str) -> Result<Project, String> {
    let home = project.home();
    let env = |name: &str| (name == "HOME").then(|| home.display().to_string());
    Project::find(&project.path(folder), &env).map_err(|error| error.to_string())
}

#[test]
fn the_root_is_the_projects_file_then_the_repository_then_the_folder() {
    let check = |files: &[&str], expected: &str| {
        let mut project = promptgate_testkit::Project::new().file("a/b/c/keep", "");
        for file in files {
            project = project.file(file, "");
        }
        let root = project.path(expected).canonicalize().unwrap();
        assert_eq!(open(&project, "a/b/c").unwrap().root(), root, "{files:?}");
    };
    check(&["a/promptgate.toml", "a/b/.git/HEAD"], "a");
    check(&["promptgate.toml", "a/promptgate.toml"], "a");
    check(&["a/.git/HEAD"], "a");
    check(&[], "a/b/c");
}

#[test]
fn a_projects_settings_lie_over_the_users() {
    let project = promptgate_testkit::Project::new().file("promptgate.toml", "concurrency = 3\n");
    let user = project.home().join(".config/promptgate");
    std::fs::create_dir_all(&user).unwrap();
    std::fs::write(user.join("config.toml"), "concurrency = 5\nstore = \"state\"\n").unwrap();
    let opened = open(&project, ".").unwrap();
    assert_eq!((opened.settings().concurrency, opened.settings().store.as_deref()), (Some(3), Some("state")));
    assert!(opened.runs().path().ends_with("state/runs"));
    std::fs::write(user.join("config.toml"), "concurency = 5\n").unwrap();
    let error = open(&project, ".").unwrap_err();
    assert!(error.contains("config.toml:1:1") && error.contains("concurrency"), "{error}");
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let project = promptgate_testkit::Project::new().file("promptgate.toml", "concurrency = ");
    assert!(open(&project, ".").unwrap_err().starts_with("promptgate.toml:1:"));
    assert!(open(&project, "nowhere").unwrap_err().contains("cannot enter"));
}
