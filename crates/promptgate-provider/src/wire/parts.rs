//! Parts of messages, in the forms that several wires share.

use promptgate_core::message::{Media, Message, Part, Role};
use serde_json::{Map, Value, json};

/// An image, as it can be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Image<'a> {
    /// Its bytes in base64.
    Inline {
        /// `image/png`.
        kind: &'a str,
        /// Base64.
        data: &'a str,
    },
    /// Where the provider fetches it.
    Url(&'a str),
}

/// What a piece of media is on a wire that takes images.
pub(crate) fn image(media: &Media) -> Result<Image<'_>, String> {
    let kind = media.content_type.as_deref().unwrap_or("image/*");
    if !kind.starts_with("image/") {
        return Err(format!("media of type `{kind}` cannot be sent to this provider; only images can"));
    }
    if let Some(rest) = media.url.strip_prefix("data:") {
        let (head, data) = rest.split_once(',').ok_or("an image is a data URL without data")?;
        let kind = head.strip_suffix(";base64").ok_or("an image is a data URL that is not in base64")?;
        return Ok(Image::Inline { kind, data });
    }
    if ["https://", "http://"].iter().any(|scheme| media.url.starts_with(scheme)) {
        return Ok(Image::Url(&media.url));
    }
    Err(format!("the image `{}` is neither a data URL nor a URL", media.url))
}

/// The same as one URL.
pub(crate) fn image_url(media: &Media) -> Result<&str, String> {
    image(media).map(|_| media.url.as_str())
}

/// Puts a member into an object that `config` may have begun.
pub(crate) fn put(body: &mut Map<String, Value>, object: &str, member: &str, value: Value) {
    body.entry(object).or_insert_with(|| json!({}))[member] = value;
}

/// Whether `config` may begin an object: one without the member that the request itself decides.
pub(crate) fn may_begin(name: &str, value: &Value, ours: &str) -> Result<(), String> {
    match value.as_object() {
        None => Err(format!("the parameter `{name}` is no object")),
        Some(begun) if begun.contains_key(ours) => {
            Err(format!("`{ours}` of the parameter `{name}` cannot be set in `config`"))
        }
        Some(_) => Ok(()),
    }
}

/// What ties a call to its result. Where the case gives no reference, the tool's name does.
pub(crate) fn tool_reference(call: &Value) -> &Value {
    call.get("ref").filter(|reference| reference.is_string()).unwrap_or(&call["name"])
}

/// The result of a tool as a text.
pub(crate) fn text_of_tool_result(result: &Value) -> String {
    match &result["output"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The turns on wires where results of tools are said by the user, and neighbours of one role are one message.
pub(crate) fn merged_turns<'a>(
    turns: impl Iterator<Item = &'a Message>,
    block: impl Fn(&Part) -> Result<Option<Value>, String>,
) -> Result<Vec<Value>, String> {
    let mut sent: Vec<(&str, Vec<Value>)> = Vec::new();
    for message in turns {
        let role = if message.role == Role::Model { "assistant" } else { "user" };
        let blocks = message.content.iter().map(&block).collect::<Result<Vec<_>, _>>()?;
        let blocks = blocks.into_iter().flatten();
        match sent.last_mut().filter(|(last, _)| *last == role) {
            Some((_, before)) => before.extend(blocks),
            None => sent.push((role, blocks.collect())),
        }
    }
    Ok(sent.into_iter().map(|(role, content)| json!({"role": role, "content": content})).collect())
}
