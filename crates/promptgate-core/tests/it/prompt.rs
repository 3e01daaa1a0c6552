//! Prompts as users write them: what is read, what is refused and where, and what changes a digest.

use std::collections::BTreeMap;

use promptgate_core::case::CaseInput;
use promptgate_core::diagnostic::Diagnostics;
use promptgate_core::format::prompt;
use promptgate_core::message::Message;
use promptgate_core::name::{ModelId, PromptId};
use promptgate_core::port::{Tree, TreeError, TreePath};
use promptgate_core::prompt::{SectionChange, Version, diff};
use serde_json::{Map, Value, json};

/// A tree of texts.
pub struct Texts(pub BTreeMap<String, String>);

impl Texts {
    pub fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }
}

impl Tree for Texts {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, TreeError> {
        let text = self.0.get(path.as_str()).map(|text| text.clone().into_bytes());
        text.ok_or_else(|| TreeError::Missing { tree: self.name(), path: path.to_string() })
    }

    fn list(&self, folder: &TreePath) -> Result<Vec<TreePath>, TreeError> {
        let inside = |path: &&String| path.rsplit_once('/').is_some_and(|(head, _)| head == folder.as_str());
        self.0.keys().filter(inside).map(|path| TreePath::new(path)).collect()
    }

    fn name(&self) -> String {
        "the working tree".to_owned()
    }
}

fn load(files: &[(&str, &str)]) -> Result<Version, Diagnostics> {
    let id = PromptId::new("p").unwrap();
    prompt::load(&Texts::of(files), &TreePath::new("s/prompts").unwrap(), &id)
}

fn version(text: &str) -> Version {
    load(&[("s/prompts/p.prompt", text)]).unwrap_or_else(|error| panic!("{error}"))
}

fn input(vars: Value) -> CaseInput {
    CaseInput { vars: vars.as_object().cloned().unwrap(), ..CaseInput::default() }
}

/// Checks the rendered messages, written `role: text` with parts joined by `|`.
fn check(text: &str, vars: Value, expected: &[(&str, &str)]) {
    let messages = version(text).render(&input(vars)).unwrap_or_else(|error| panic!("{error}"));
    let said: Vec<(&str, String)> =
        messages.iter().map(|message| (message.role.as_str(), message.joined_text())).collect();
    let said: Vec<(&str, &str)> = said.iter().map(|(role, text)| (*role, text.as_str())).collect();
    assert_eq!(said, expected, "{text}");
}

/// Checks the mistakes of a prompt, one a line, file:line:column first.
fn check_mistakes(text: &str, expected: &str) {
    match load(&[("s/prompts/p.prompt", text), ("s/prompts/_greeting.prompt", "Hello")]) {
        Ok(_) => panic!("{text:?} is read"),
        Err(error) => assert_eq!(error.to_string(), expected, "{text}"),
    }
}

#[test]
fn what_every_prompt_format_has_in_common_renders_the_same_from_all_files() {
    for file in ["s/prompts/p.prompt", "s/prompts/p.txt", "s/prompts/p.md"] {
        let version = load(&[(file, "Dear {{name}},\n{{ text }} & <b>\n")]).unwrap();
        let messages = version.render(&input(json!({"name": "Ünal", "text": "{{name}} \\{{x}}"}))).unwrap();
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].joined_text(), "Dear Ünal,\n{{name}} \\{{x}} & <b>\n", "{file}");
    }
}

#[test]
fn messages_can_be_written_byte_for_byte() {
    let front = "---\nmodel: a/b\n---\n";
    check(
        &format!(
            "{front}{{{{role \"system\"~}}}}\nYou judge.\n\n{{{{~role \"user\"}}}}# Q\n{{{{q}}}}\n\n{{{{!-- end --}}}}\n"
        ),
        json!({"q": "why"}),
        &[("system", "You judge."), ("user", "# Q\nwhy\n\n")],
    );
    check("{{role \"system\"}}A{{role \"user\"}}{{q}}", json!({"q": " x\n"}), &[("system", "A"), ("user", " x\n")]);
    check("{{role \"user\"}}\n  \\{{not a tag}}\r\n", json!({}), &[("user", "\n  {{not a tag}}\r\n")]);
    check(&format!("{front}\n\n  text  \n\n"), json!({}), &[("user", "text")]);
}

#[test]
fn values_are_inserted_as_they_are() {
    check(
        "{{a}}|{{b}}|{{c}}|{{d}}|{{{e}}}|{{&f}}",
        json!({"a": 1.0, "b": true, "c": null, "d": -3, "e": "<", "f": "&"}),
        &[("user", "1|true||-3|<|&")],
    );
    check("{{json a}} {{json a indent=2}}", json!({"a": {"x": 2.0}}), &[("user", "{\"x\":2} {\n  \"x\": 2\n}")]);
    check(
        "{{#each rows as |row i|}}{{i}}{{row.a}}{{../sep}}{{/each}}",
        json!({"rows": [{"a": "x"}, {"a": "y"}], "sep": ";"}),
        &[("user", "0x;1y;")],
    );
    check(
        "{{#with u}}{{n}}{{@root.k}}{{/with}}{{lookup u \"n\"}}",
        json!({"u": {"n": "N"}, "k": "K"}),
        &[("user", "NKN")],
    );
}

#[test]
fn a_list_or_a_table_has_no_text_of_its_own() {
    let error = version("text\n{{rows}}").render(&input(json!({"rows": [1]}))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "s/prompts/p.prompt:2:1: `rows` is a list, and lists have no text of their own; write `{{json name}}` for its JSON, or walk it with `{{#each name}}`"
    );
    assert!(version("{{t}}").render(&input(json!({"t": {}}))).is_err());
    assert!(version("{{lookup t \"x\"}}").render(&input(json!({"t": {"x": []}}))).is_err());
}

#[test]
fn context_values_are_found_in_any_block_and_render_empty_where_they_miss() {
    let version = version(
        "{{#each rows}}{{this}}{{@user.name}}{{@gone.x}}{{/each}}{{> (lookup}}".trim_end_matches("{{> (lookup}}"),
    );
    let context: Map<String, Value> = json!({"user": {"name": "U"}}).as_object().cloned().unwrap();
    let messages = version.render_with(&input(json!({"rows": ["a", "b"]})), &context).unwrap();
    assert_eq!(messages[0].joined_text(), "aUbU");
}

#[test]
fn a_message_that_holds_a_blank_value_is_kept() {
    check("{{role \"system\"}}S{{role \"user\"}}{{q}}", json!({"q": ""}), &[("system", "S"), ("user", "")]);
    check("{{role \"system\"}}S{{role \"user\"}} \n", json!({}), &[("system", "S")]);
}

#[test]
fn a_front_matter_mistake_stands_at_its_key() {
    check_mistakes(
        "---\nmodle: a/b\n---\nx",
        "s/prompts/p.prompt:2:1: there is no key `modle`; did you mean `model`? Keys of your own have a dot, such as `team.modle`",
    );
    check_mistakes(
        "---\n# licence\nmodel: gpt-4\n---\nx",
        "s/prompts/p.prompt:3:1: `gpt-4` is not a model id: expected `provider/model`, such as `openai/gpt-4.1-mini`; name the provider, as in `openai/gpt-4.1-mini`",
    );
    check_mistakes(
        "---\npromptgate.answr: output\n---\nx",
        "s/prompts/p.prompt:2:1: there is no key `promptgate.answr`; did you mean `promptgate.answer`?",
    );
    check_mistakes(
        "---\npromptgate.answer: [{}]\n---\nx",
        "s/prompts/p.prompt:2:21: the table names no extractor; write \"output\", a table such as { json = \"/queue\" }, or a list of such tables; known extractors: json, json-path, regex, line, code-block, after, before, number, choice, section, xml, tool-call, trim, lowercase, strip-punctuation, strip-articles, labels, map",
    );
    check_mistakes(
        "---\ninput:\n  schema:\n    a: strng\n---\nx",
        "s/prompts/p.prompt:4:5: there is no type `strng`; did you mean `string`?; a schema of your own stands in `strng.schema.json` beside the prompt",
    );
    check_mistakes(
        "---\ninput: {shema: {a: string}}\n---\nx",
        "s/prompts/p.prompt:2:9: `input` has no key `shema`; did you mean `schema`?",
    );
    check_mistakes(
        "---\nmodel: a/b\n",
        "s/prompts/p.prompt:1:1: the front matter is never closed; close it with a line `---`; a template that begins with such a line needs empty front matter before it",
    );
    check_mistakes(
        "---\n- a\n---\nx",
        "s/prompts/p.prompt:2:1: the front matter is not a mapping; write `key: value` lines, such as `model: openai/gpt-4.1-mini`",
    );
    check_mistakes(
        "---\ntools: [search]\n---\nx",
        "s/prompts/p.prompt:2:9: there is no `search.tool.json` beside the prompt; write a list; each item is `{name, description, inputSchema}` or the name of a `<name>.tool.json` beside the prompt",
    );
}

#[test]
fn a_template_mistake_stands_at_its_tag() {
    check_mistakes(
        "---\nmodel: a/b\n---\n\na {{#if x}}\nb",
        "s/prompts/p.prompt:5:3: `{{#if}}` is never closed; close it with `{{/if}}`",
    );
    check_mistakes(
        "a\n{{#if x}}{{/each}}",
        "s/prompts/p.prompt:2:10: `{{/each}}` closes a block that `{{#if}}` opened; write `{{/if}}` before it",
    );
    check_mistakes(
        "{{/if}}",
        "s/prompts/p.prompt:1:1: `{{/if}}` closes nothing; open it with `{{#if ...}}`, or remove it",
    );
    check_mistakes(
        "ü {{name",
        "s/prompts/p.prompt:1:3: the tag is never closed; close it with `}}`, or write `\\{{` for braces that are text",
    );
    check_mistakes("{{jsn x}}", "s/prompts/p.prompt:1:3: there is no helper `jsn`; did you mean `json`?");
    check_mistakes("{{#ech x}}{{/ech}}", "s/prompts/p.prompt:1:4: there is no block `ech`; did you mean `{{#each}}`?");
    check_mistakes("{{role \"sytem\"}}", "s/prompts/p.prompt:1:8: there is no role `sytem`; did you mean `system`?");
    check_mistakes(
        "{{role kind}}",
        "s/prompts/p.prompt:1:3: `role` takes one quoted text, so that no value decides on structure; write `{{role \"user\"}}`",
    );
    check_mistakes(
        "{{> greting}}",
        "s/prompts/p.prompt:1:5: there is no partial `greting`; did you mean `greeting`?; a partial is a file `_greting.prompt` beside the prompt",
    );
    check_mistakes("{{../x}}", "s/prompts/p.prompt:1:3: `../x` climbs above the input; take a `../` away");
    check_mistakes(
        "{{#if a}}{{elsewhere}}{{/if}}",
        "s/prompts/p.prompt:1:12: a name in a tag cannot begin with `else`; the template engine reads the word as `{{else}}`; rename the variable",
    );
    check_mistakes(
        "{{json (role \"user\")}}",
        "s/prompts/p.prompt:1:9: `role` yields no value; give it a tag of its own",
    );
}

#[test]
fn a_plain_text_prompt_knows_variables_alone() {
    let error = load(&[("s/prompts/p.txt", "a\n{{#if x}}b{{/if}}")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "s/prompts/p.txt:2:1: a plain-text prompt knows `{{name}}` alone; call the file `<name>.prompt` to use helpers, partials and roles, or write `\\{{` for braces that are text"
    );
}

#[test]
fn a_prompt_that_is_not_there_lists_those_that_are() {
    let tree = Texts::of(&[
        ("s/prompts/triage.prompt", ""),
        ("s/prompts/triage.cot.prompt", ""),
        ("s/prompts/_x.prompt", ""),
        ("s/prompts/README.md", ""),
    ]);
    let folder = TreePath::new("s/prompts").unwrap();
    let ids: Vec<String> = prompt::list(&tree, &folder).unwrap().iter().map(PromptId::to_string).collect();
    assert_eq!(ids, ["triage", "triage.cot"]);
    let error = prompt::load(&tree, &folder, &PromptId::new("triage.cto").unwrap()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "s/prompts/triage.cto.prompt:1:1: the working tree has no prompt `triage.cto` in `s/prompts`; did you mean `triage.cot`? prompts there: `triage`, `triage.cot`"
    );
}

#[test]
fn a_prompt_in_two_files_is_refused() {
    let error = load(&[("s/prompts/p.prompt", "a"), ("s/prompts/p.md", "b")]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "s/prompts/p.md:1:1: both `p.prompt` and `p.md` are the prompt `p`; keep one of them"
    );
}

#[test]
fn a_path_names_a_prompt_too_and_stored_files_give_the_same_version() {
    let tree = Texts::of(&[
        ("s/prompts/a.b.prompt", "{{> x}}"),
        ("s/prompts/_x.prompt", "X {{v}}"),
        ("s/prompts/_unused.prompt", "{{"),
    ]);
    let version = prompt::load_path(&tree, &TreePath::new("s/prompts/a.b.prompt").unwrap()).unwrap();
    assert_eq!(version.identity.prompt.to_string(), "a.b");
    let paths: Vec<&str> = version.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["prompts/a.b.prompt", "prompts/_x.prompt"]);
    let again = prompt::from_sources(&version.identity.prompt, &version.files).unwrap();
    assert_eq!(again.identity, version.identity);
    assert!(prompt::load_path(&tree, &TreePath::new("s/prompts/_x.prompt").unwrap()).is_err());
}

/// Checks the variables of a template, optional ones with a `?`.
fn check_variables(text: &str, expected: &[&str]) {
    let version = load(&[("s/prompts/p.prompt", text), ("s/prompts/_row.prompt", "{{cell}}{{@root.top}}")])
        .unwrap_or_else(|error| panic!("{error}"));
    let said: Vec<String> = version
        .variables()
        .iter()
        .map(|variable| format!("{}{}", variable.name, if variable.optional { "?" } else { "" }))
        .collect();
    assert_eq!(said, expected, "{text}");
}

#[test]
fn variables_are_found_in_every_branch_and_scope() {
    check_variables("{{#if a}}{{b}}{{else if c}}{{d}}{{else}}{{e.f}}{{/if}}", &["a", "b", "c", "d", "e"]);
    check_variables("{{#each rows}}{{x}}{{this}}{{this.y}}{{@index}}{{../z}}{{@root.w}}{{/each}}", &["rows", "z", "w"]);
    check_variables("{{#with u as |v|}}{{v.x}}{{y}}{{#if ../q}}{{/if}}{{/with}}{{v}}", &["u", "q", "v"]);
    check_variables(
        "{{#each rows as |row i|}}{{row}}{{i}}{{#each row.cells}}{{row}}{{../../k}}{{/each}}{{/each}}",
        &["rows", "k"],
    );
    check_variables("{{json this}}{{lookup a b}}{{media url=c}}{{json (lookup d e)}}", &["a", "b", "c", "d", "e"]);
    check_variables("{{> row}}{{#each rows}}{{> row}}{{> row ../q}}{{/each}}", &["cell", "top", "rows", "q"]);
    check_variables("{{> row cell=a}}{{> row b}}{{@user.x}}", &["a", "top", "b"]);
    check_variables("{{#with this}}{{a}}{{/with}}{{[first name]}}", &["a", "first name"]);
    check_variables(
        "---\ninput: {schema: {a?: string, b: string, c: string}, default: {c: x}}\n---\n{{a}}{{b}}{{c}}{{d}}",
        &["a?", "b", "c?", "d"],
    );
    check_variables("{{#*inline \"nav\"}}{{n}}{{/inline}}{{> nav}}{{! {{ }}{{!-- {{z}} --}}", &["n"]);
}

#[test]
fn an_undefined_variable_is_a_mistake_even_in_a_branch_that_is_not_taken() {
    let version = version("a\n{{#if yes}}{{x}}{{else}}{{no}}{{/if}}");
    let vars = input(json!({"yes": true, "x": "1"}));
    let names: Vec<&str> = version.check_input(&vars.vars).iter().map(|variable| variable.name.as_str()).collect();
    assert_eq!(names, ["no"]);
    assert_eq!(
        version.render(&vars).unwrap_err().to_string(),
        "s/prompts/p.prompt:2:27: the variable `no` is not defined; give it in the case or in `[vars]`, or mark it as optional: `no?` in `input.schema`"
    );
}

#[test]
fn sections_are_the_headings_of_the_template() {
    let text = "---\nmodel: a/b\n---\n{{role \"system\"}}\nIntro\n## Role\nYou {{verb}}.\n```\n## not one\n```\n## {{kind}} rules\n{{#if x}}\n## Guardrails\nNo.\n{{/if}}\n{{role \"user\"}}## Task\n{{text}}\n{{!--\n## nor this\n--}}\n### nor this";
    let version = version(text);
    let said: Vec<String> = version
        .sections()
        .iter()
        .map(|section| format!("{} {} {:?} {}", section.message, section.role.as_str(), section.heading, section.line))
        .collect();
    assert_eq!(
        said,
        [
            r#"0 system "" 4"#,
            r#"0 system "Role" 6"#,
            r#"0 system "{{kind}} rules" 11"#,
            r#"0 system "Guardrails" 13"#,
            r#"1 user "Task" 16"#
        ]
    );
    let whole: String = version.sections().iter().map(|section| section.text.as_str()).collect();
    assert_eq!(
        whole.replace("\r", ""),
        text.split_once("{{role \"system\"}}").unwrap().1.replace("{{role \"user\"}}", "")
    );
}

const BASE: &str = "---\nmodel: a/b\nconfig: {temperature: 0, topP: 1}\ninput: {schema: {q: string}}\npromptgate.answer: [{json: \"\"}]\n---\n## Role\n{{> x}} {{q}}";

fn of(text: &str, partial: &str) -> Version {
    load(&[("s/prompts/p.prompt", text), ("s/prompts/_x.prompt", partial)]).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn the_version_digest_changes_with_what_shapes_a_request_and_with_nothing_else() {
    let digest = |from: &str, to: &str| {
        assert!(BASE.contains(from), "{from}");
        of(&BASE.replace(from, to), "X").identity.digest
    };
    let base = of(BASE, "X").identity.digest;
    let same = [
        ("model: a/b\n", "# a comment\nmodel:   a/b\n\n"),
        ("{temperature: 0, topP: 1}", "{topP: 1.0, temperature: 0}"),
        ("model: a/b\n", "model: a/b\nowners: [team]\ndescription: it asks\nmetadata: {a: 1}\nteam.note: x\nname: p\n"),
        ("{{q}}", "{{q}}\n\n"),
    ];
    for (from, to) in same {
        assert_eq!(digest(from, to), base, "{to}");
    }
    let other = [
        ("a/b", "a/c"),
        ("temperature: 0", "temperature: 1"),
        ("q: string", "q: integer"),
        ("input: {", "output: {format: json}\ninput: {"),
        ("input: {", "input: {default: {q: x}, "),
        ("input: {", "tools: [{name: t}]\ninput: {"),
        ("json: \"\"", "json: \"/a\""),
        ("## Role", "## Rule"),
        ("## Role\n", "## Role\r\n"),
    ];
    for (from, to) in other {
        assert_ne!(digest(from, to), base, "{to}");
    }
    assert_ne!(of(BASE, "Y").identity.digest, base, "a partial");
}

#[test]
fn the_byte_digest_changes_with_every_byte_of_the_file() {
    let base = of(BASE, "X").identity.byte_digest;
    assert_ne!(of(&BASE.replace("model: a/b", "model:  a/b"), "X").identity.byte_digest, base);
    assert_eq!(of(BASE, "Y").identity.byte_digest, base);
}

#[test]
fn the_request_digest_is_of_messages_tools_model_and_parameters() {
    let request = |text: &str, config: Value, vars: Value| {
        let model = ModelId::new("a/b").unwrap();
        let body = of(text, "X").request_body(&model, config.as_object().unwrap(), &input(vars)).unwrap();
        body.digest()
    };
    let base = request(BASE, json!({}), json!({"q": "1"}));
    assert_eq!(request(BASE, json!({"temperature": 0}), json!({"q": "1", "unread": 2})), base);
    assert_eq!(
        request(&BASE.replace("json: \"\"", "json: \"/a\""), json!({}), json!({"q": "1"})),
        base,
        "the reading of the answer"
    );
    assert_ne!(request(BASE, json!({"temperature": 1}), json!({"q": "1"})), base);
    assert_ne!(request(BASE, json!({}), json!({"q": "2"})), base);
}

#[test]
fn the_input_digest_is_of_variables_turns_and_files() {
    let base = input(json!({"a": 1, "b": 2}));
    assert_eq!(input(json!({"b": 2.0, "a": 1})).digest(), base.digest());
    assert_ne!(input(json!({"a": 1})).digest(), base.digest());
    let turn = serde_json::from_value(json!({"role": "user", "content": "hi"})).unwrap();
    assert_ne!(CaseInput { messages: vec![turn], ..base.clone() }.digest(), base.digest());
}

#[test]
fn a_diff_names_sections_settings_and_partials() {
    let old = of("---\nmodel: a/b\nconfig: {temperature: 0}\n---\n## A\none\n## B\ntwo\n{{> x}}", "X");
    let new = of("---\nmodel: a/c\nconfig: {topP: 1}\n---\n## A\none\n## B\n2\n{{> x}}\n## C\nthree", "Y");
    let line = |change: &SectionChange| format!("{:?}: {:?} -> {:?}", change.place, change.old, change.new);
    let changes: Vec<String> = diff(&old, &new).iter().map(line).collect();
    assert_eq!(
        changes,
        [
            r###"Section { role: User, heading: "B" }: Some("## B\ntwo\n{{> x}}") -> Some("## B\n2\n{{> x}}\n")"###,
            r###"Section { role: User, heading: "C" }: None -> Some("## C\nthree")"###,
            r#"Setting("config.temperature"): Some("0") -> None"#,
            r#"Setting("config.topP"): None -> Some("1")"#,
            r#"Setting("model"): Some("a/b") -> Some("a/c")"#,
            r#"Partial("x"): Some("X") -> Some("Y")"#,
        ]
    );
    assert!(diff(&old, &old).is_empty());
}

#[test]
fn appending_a_section_leaves_the_one_above_unchanged() {
    let (old, new) = (version("## A\none"), version("## A\none\n## B\ntwo"));
    assert_eq!(diff(&old, &new).len(), 1);
    assert_eq!(diff(&version("## A\none"), &version("## A\none\n")).len(), 1, "white space alone");
}

#[test]
fn a_version_is_shared_by_threads() {
    fn shared<T: Send + Sync>(value: T) -> T {
        value
    }
    let version = shared(version("{{role \"system\"}}{{a}}"));
    std::thread::scope(|scope| {
        for name in ["x", "y", "z"] {
            let version = &version;
            scope.spawn(move || {
                let messages = version.render(&input(json!({ "a": name }))).unwrap();
                assert_eq!(messages[0].joined_text(), name);
            });
        }
    });
}

#[test]
fn tools_and_schemas_come_from_files_beside_the_prompt() {
    let text = "---\ntools: [search, {name: add, inputSchema: {a: number}}]\noutput: {schema: Ticket}\n---\nx";
    let tool = r#"{"name": "search", "description": "finds", "inputSchema": {"type": "object"}}"#;
    let files = [
        ("s/prompts/p.prompt", text),
        ("s/prompts/search.tool.json", tool),
        ("s/prompts/Ticket.schema.json", r#"{"type": "object"}"#),
    ];
    let version = load(&files).unwrap();
    let names: Vec<&str> = version.front.tools.iter().filter_map(|tool| tool["name"].as_str()).collect();
    assert_eq!(names, ["search", "add"]);
    assert_eq!(version.front.tools[1]["inputSchema"]["required"], json!(["a"]));
    assert_eq!(version.files.len(), 3);
    let again = prompt::from_sources(&version.identity.prompt, &version.files).unwrap();
    assert_eq!(again.identity, version.identity);
}

#[test]
fn earlier_turns_stand_where_history_is_or_before_the_last_user_message() {
    let turn: Message = serde_json::from_value(json!({"role": "model", "content": "earlier"})).unwrap();
    let check = |text: &str, expected: &[&str]| {
        let input = CaseInput { messages: vec![turn.clone()], ..CaseInput::default() };
        let messages = version(text).render(&input).unwrap();
        let said = messages.iter().map(|message| format!("{}:{}", message.role.as_str(), message.joined_text()));
        assert_eq!(said.collect::<Vec<_>>(), expected);
    };
    check("{{role \"system\"}}S{{role \"user\"}}U", &["system:S", "model:earlier", "user:U"]);
    check(
        "{{role \"system\"}}S{{history}}{{role \"user\"}}U{{role \"model\"}}M",
        &["system:S", "model:earlier", "user:U", "model:M"],
    );
    check("{{role \"system\"}}S", &["system:S", "model:earlier"]);
}
