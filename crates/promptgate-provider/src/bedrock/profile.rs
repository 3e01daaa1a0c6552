//! A profile of the files that AWS's own tools share: `~/.aws/credentials` and `~/.aws/config`.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

use crate::key;
use crate::set::BuildContext;

/// What stands under a heading. It may hold secrets, so it is never shown.
type Section = BTreeMap<String, String>;

/// The profile in use: that of `AWS_PROFILE`, else `default`.
pub(super) struct Profile {
    pub(super) name: String,
    /// Whether the environment names it, so that it must be there.
    pub(super) is_named: bool,
    /// From the credentials file.
    keys: Section,
    /// From the config file.
    settings: Section,
    /// Why nothing of it is known, where it is named.
    pub(super) problem: Option<String>,
}

/// What a profile may ask for and is not done here: the key that asks, and what it asks for.
const UNSUPPORTED_ROLES: [(&str, &str); 2] =
    [("role_arn", "an assumed role"), ("web_identity_token_file", "a web identity")];
const UNSUPPORTED_SIGN_ONS: [(&str, &str); 2] =
    [("sso_session", "a single sign-on"), ("sso_start_url", "a single sign-on")];

impl Profile {
    /// Reads it. That it is missing matters only to who needs its keys.
    pub(super) fn of(context: &BuildContext<'_>) -> Self {
        let named = key::set(context, "AWS_PROFILE");
        let name = named.clone().unwrap_or_else(|| "default".to_owned());
        let credentials = file(context, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let config = file(context, "AWS_CONFIG_FILE", "config");
        let found = [
            credentials.as_ref().map(|path| section(path, |heading| heading == name)),
            config.as_ref().map(|path| section(path, |heading| is_profile(heading, &name))),
        ];
        let mut problem = None;
        let [keys, settings] = found.map(|found| match found {
            Some(Ok(section)) => section,
            Some(Err(why)) => {
                problem = Some(why);
                None
            }
            None => None,
        });
        if problem.is_none() && keys.is_none() && settings.is_none() {
            let shown = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
            let files: Vec<String> = [shown(&credentials), shown(&config)].into_iter().flatten().collect();
            problem = Some(format!("it stands neither in {}", files.join(" nor in ")));
        }
        let (keys, settings) = (keys.unwrap_or_default(), settings.unwrap_or_default());
        Self { name, is_named: named.is_some(), keys, settings, problem }
    }

    /// The region that it names.
    pub(super) fn region(&self) -> Option<String> {
        self.either("region").map(str::to_owned)
    }

    /// The program that prints keys.
    pub(super) fn credential_process(&self) -> Option<&str> {
        self.either("credential_process")
    }

    /// The id, the secret and the session of its keys: those of the credentials file before those of the config file.
    pub(super) fn keys(&self) -> Option<[Option<&str>; 3]> {
        [&self.keys, &self.settings].into_iter().find_map(|section| {
            let of = |key: &str| section.get(key).map(String::as_str).filter(|value| !value.is_empty());
            let (id, secret) = (of("aws_access_key_id")?, of("aws_secret_access_key")?);
            Some([Some(id), Some(secret), of("aws_session_token")])
        })
    }

    /// A way to keys that it asks for and that is not gone here, whatever keys stand beside it: they are of somebody else.
    pub(super) fn asks_for_role(&self) -> Option<(&'static str, &'static str)> {
        UNSUPPORTED_ROLES.into_iter().find(|(key, _)| self.either(key).is_some())
    }

    /// The same of one that keys beside it stand in for: tools that sign on write them there.
    pub(super) fn asks_for_sign_on(&self) -> Option<(&'static str, &'static str)> {
        UNSUPPORTED_SIGN_ONS.into_iter().find(|(key, _)| self.either(key).is_some())
    }

    fn either(&self, key: &str) -> Option<&str> {
        let found = self.settings.get(key).or_else(|| self.keys.get(key))?;
        (!found.is_empty()).then_some(found)
    }
}

/// Where a file is: as its variable says, else below the home folder.
fn file(context: &BuildContext<'_>, variable: &str, name: &str) -> Option<PathBuf> {
    let said = key::set(context, variable).map(PathBuf::from);
    said.or_else(|| Some(PathBuf::from(key::set(context, "HOME")?).join(".aws").join(name)))
}

/// How a config file heads a profile.
fn is_profile(heading: &str, name: &str) -> bool {
    let of_profile = heading.split_once(char::is_whitespace).filter(|(word, _)| *word == "profile");
    of_profile.is_some_and(|(_, said)| said.trim() == name) || (name == "default" && heading == name)
}

/// What stands under the headings that are wanted; nothing where there is no such heading or no such file.
fn section(path: &PathBuf, is_wanted: impl Fn(&str) -> bool) -> Result<Option<Section>, String> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(section_of(&text, is_wanted)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("{} cannot be read: {error}", path.display())),
    }
}

fn section_of(text: &str, is_wanted: impl Fn(&str) -> bool) -> Option<Section> {
    let mut found = None;
    let mut inside = false;
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';'])) {
        if let Some(heading) = line.strip_prefix('[').and_then(|line| line.split_once(']')).map(|(heading, _)| heading)
        {
            inside = is_wanted(heading.trim());
            if inside {
                found.get_or_insert_with(Section::new);
            }
        } else if let (Some((key, value)), Some(section), true) = (line.split_once('='), &mut found, inside) {
            section.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_read_and_its_neighbours_are_not() {
        let text = "[default]\naws_access_key_id = A\n\n[work]\n# x\naws_access_key_id=B\naws_secret_access_key = s=\n[late]\n";
        let found = section_of(text, |heading| heading == "work").unwrap();
        let expected = [("aws_access_key_id", "B"), ("aws_secret_access_key", "s=")];
        assert_eq!(found, expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into());
        assert!(section_of(text, |heading| heading == "none").is_none());
        assert!(section_of(text, |heading| heading == "late").unwrap().is_empty());
    }

    #[test]
    fn a_config_file_heads_profiles_with_a_word_and_the_default_one_without() {
        for (heading, name, expected) in [
            ("profile work", "work", true),
            ("profile  work", "work", true),
            ("work", "work", false),
            ("profilework", "work", false),
            ("default", "default", true),
            ("profile default", "default", true),
            ("sso-session work", "work", false),
        ] {
            assert_eq!(is_profile(heading, name), expected, "{heading}");
        }
    }
}
