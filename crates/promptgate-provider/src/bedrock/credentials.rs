//! The keys that requests are signed with: from the environment, else from a profile of the shared files.
//!
//! Keys that a machine or a container of AWS hands out are not looked for: that would call an address nobody named.

use std::path::PathBuf;

use promptgate_core::Diagnostic;
use promptgate_core::secret::Secret;

use crate::key;
use crate::set::{BuildContext, SetupError};

/// A pair of keys, and the token of a session.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) id: Secret,
    pub(crate) secret: Secret,
    pub(crate) session: Option<Secret>,
}

/// The credentials of a provider, learnt by the scrubber; nothing where there are none.
pub(super) fn of(context: &BuildContext<'_>) -> Result<Option<Credentials>, SetupError> {
    let found = match from_environment(context) {
        Some(found) => Some(found),
        None => from_profile(context)?,
    };
    if let Some(credentials) = &found {
        context.setup.scrubber.learn(&credentials.secret);
        credentials.session.iter().for_each(|session| context.setup.scrubber.learn(session));
    }
    Ok(found)
}

fn from_environment(context: &BuildContext<'_>) -> Option<Credentials> {
    let set = |name| key::set(context, name).map(Secret::new);
    Some(Credentials {
        id: set("AWS_ACCESS_KEY_ID")?,
        secret: set("AWS_SECRET_ACCESS_KEY")?,
        session: set("AWS_SESSION_TOKEN"),
    })
}

fn from_profile(context: &BuildContext<'_>) -> Result<Option<Credentials>, SetupError> {
    let named = key::set(context, "AWS_PROFILE");
    let profile = named.as_deref().unwrap_or("default");
    let file = key::set(context, "AWS_SHARED_CREDENTIALS_FILE").map(PathBuf::from);
    let Some(file) = file.or_else(|| Some(PathBuf::from(key::set(context, "HOME")?).join(".aws/credentials"))) else {
        return Ok(None);
    };
    let unusable = |reason: String| -> SetupError {
        let message = format!("no keys of the profile `{profile}` for `{}`: {reason}", context.name);
        SetupError::Credential(
            Diagnostic::new(message).help("set AWS_PROFILE to a profile with keys, or unset it").into(),
        )
    };
    let text = match std::fs::read_to_string(&file) {
        Ok(text) => text,
        Err(_) if named.is_none() => return Ok(None),
        Err(error) => return Err(unusable(format!("{} cannot be read: {error}", file.display()))),
    };
    match (keys_of(&text, profile), named.is_some()) {
        (None, true) => Err(unusable(format!("{} holds none", file.display()))),
        (found, _) => Ok(found),
    }
}

/// The keys under `[profile]`.
fn keys_of(text: &str, profile: &str) -> Option<Credentials> {
    let mut inside = false;
    let (mut id, mut secret, mut session) = (None, None, None);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            inside = name.trim() == profile;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| inside) else { continue };
        let value = Some(Secret::new(value.trim()));
        match key.trim() {
            "aws_access_key_id" => id = value,
            "aws_secret_access_key" => secret = value,
            "aws_session_token" => session = value,
            _ => {}
        }
    }
    Some(Credentials { id: id?, secret: secret?, session })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_and_its_neighbours_are_not() {
        let text = "[default]\naws_access_key_id = A\n\n[work]\n# x\naws_access_key_id=B\naws_secret_access_key = s=\naws_session_token = t\n[late]\n";
        assert!(keys_of(text, "default").is_none());
        let found = keys_of(text, "work").unwrap();
        assert_eq!((found.id.expose(), found.secret.expose(), found.session.unwrap().expose()), ("B", "s=", "t"));
    }
}
