//! `prompt show|render|diff`: looking at versions.

use std::path::Path;

use promptgate_core::exit::ExitCode;
use promptgate_core::message::{Message, Part};
use promptgate_core::prompt::{self, ChangePlace, SectionChange, Version};
use promptgate_core::reference::Reference;
use promptgate_report::escape::terminal_line;
use promptgate_runner::inline_images;
use similar::{ChangeTag, TextDiff};

use crate::args::RenderArgs;
use crate::error::Failure;
use crate::output::Output;
use crate::session::Session;

/// Lines of unchanged text around a change.
const CONTEXT: usize = 2;

pub fn show(reference: &Reference, suite: Option<&Path>, out: &Output) -> Result<ExitCode, Failure> {
    let session = Session::around(reference, suite, out)?;
    let version = session.version(reference)?.version;
    let front = &version.front;
    let mut text = format!("{}\nversion digest  {}\n", terminal_line(&reference.to_string()), version.identity.digest);
    text.push_str(&format!("byte digest     {}\n", version.identity.byte_digest));
    if let Some(model) = &front.model {
        text.push_str(&format!("model           {}\n", terminal_line(&model.to_string())));
    }
    if !front.config.is_empty() {
        let config = serde_json::Value::Object(front.config.clone());
        text.push_str(&format!("parameters      {}\n", terminal_line(&config.to_string())));
    }
    text.push_str(&format!("variables       {}\n", variables(&version)));
    let files: Vec<_> = version.files.iter().map(|file| terminal_line(&file.path)).collect();
    text.push_str(&format!("files           {}\n", files.join(", ")));
    for section in version.sections() {
        let heading = if section.heading.is_empty() { "(before any heading)" } else { &section.heading };
        let title = format!("{} / {}", section.role.as_str(), terminal_line(heading));
        text.push_str(&format!("\n{title}  (line {})\n{}", section.line, indented(&section.text)));
    }
    Ok(out.print(&text))
}

fn variables(version: &Version) -> String {
    let name = |variable: &prompt::Variable| match variable.optional {
        true => format!("{}?", terminal_line(&variable.name)),
        false => terminal_line(&variable.name).into_owned(),
    };
    let names: Vec<String> = version.variables().iter().map(name).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {}\n", terminal_line(line))).collect()
}

pub fn render(args: &RenderArgs, out: &Output) -> Result<ExitCode, Failure> {
    let session = Session::around(&args.version, args.suite.as_deref(), out)?;
    let version = session.version(&args.version)?.version;
    let models = session.models(&args.model.clone().into_iter().collect::<Vec<_>>(), Some(&version))?;
    let model = models.first().ok_or_else(|| Failure::usage("neither the suite nor the prompt names a model"))?;
    let cases = session.cases()?;
    let case = session.case(cases.as_ref(), args.case.as_ref())?;
    let input = cases.input(&case, &version.identity.prompt, &model.id)?;
    let body = version.request_body(&model.id, &model.config, &input);
    let mut body = body.map_err(|error| Failure::usage(error.to_string()))?;
    inline_images(&mut body, &input, &*cases)?;
    let text = if args.json {
        let value = serde_json::json!({ "case": case.id, "request_digest": body.digest(), "request": body });
        format!("{value:#}\n")
    } else {
        body.messages.iter().map(message).collect()
    };
    Ok(out.print(&text))
}

fn message(message: &Message) -> String {
    let parts: String = message.content.iter().map(part).collect();
    format!(
        "--- {} ---\n{}\n",
        message.role.as_str(),
        parts.lines().map(|l| format!("{}\n", terminal_line(l))).collect::<String>()
    )
}

fn part(part: &Part) -> String {
    if let Part::Media { media } = part
        && let Some((head, data)) = media.url.strip_prefix("data:").and_then(|rest| rest.split_once(','))
    {
        return format!("[{}, about {} bytes]", head.trim_end_matches(";base64"), data.len() / 4 * 3);
    }
    part.as_text().map_or_else(|| serde_json::json!(part).to_string(), str::to_owned)
}

pub fn diff(from: &Reference, to: &Reference, suite: Option<&Path>, out: &Output) -> Result<ExitCode, Failure> {
    let session = Session::around(from, suite, out)?;
    let (old, new) = (session.version(from)?.version, session.version(to)?.version);
    let changes = prompt::diff(&old, &new);
    let (from, to) = (from.to_string(), to.to_string());
    let mut text = format!("{} -> {}\n", terminal_line(&from), terminal_line(&to));
    if changes.is_empty() {
        text.push_str("the same content\n");
    }
    for change in &changes {
        text.push_str(&change_block(change));
    }
    Ok(out.print(&text))
}

fn change_block(change: &SectionChange) -> String {
    let (old, new) = (change.old.as_deref(), change.new.as_deref());
    let what = match (old, new) {
        (None, _) => "added",
        (_, None) => "removed",
        _ => "changed",
    };
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    format!("\n{}  {what}\n{}", place(&change.place), line_diff(old, new))
}

fn place(place: &ChangePlace) -> String {
    match place {
        ChangePlace::Section { role, heading } if heading.is_empty() => {
            format!("{} / (before any heading)", role.as_str())
        }
        ChangePlace::Section { role, heading } => format!("{} / {}", role.as_str(), terminal_line(heading)),
        ChangePlace::Setting(path) => format!("setting {}", terminal_line(path)),
        ChangePlace::Partial(name) => format!("partial {}", terminal_line(name)),
    }
}

fn line_diff(old: &str, new: &str) -> String {
    let diff = TextDiff::from_lines(old, new);
    let mut text = String::new();
    for (index, group) in diff.grouped_ops(CONTEXT).iter().enumerate() {
        if index > 0 {
            text.push_str("  ...\n");
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            text.push_str(&format!("  {sign} {}\n", terminal_line(change.value().trim_end_matches('\n'))));
        }
    }
    text
}
