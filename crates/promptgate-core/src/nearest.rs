//! The known name nearest to an unknown one, for error messages.

/// The candidate most like `unknown`, if any is near enough to be a likely slip.
pub fn nearest<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(unknown, name), name))
        .filter(|(distance, name)| *distance <= 1 + name.chars().count() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// The candidate that one slip of the hand makes `unknown` of.
pub fn slipped<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known.into_iter().find(|name| strsim::damerau_levenshtein(unknown, name) == 1)
}

/// The help line for an unknown name: the nearest known one, or all of them.
pub fn did_you_mean<'a>(unknown: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match nearest(unknown, known.clone()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => {
            let names: Vec<String> = known.into_iter().map(|name| format!("`{name}`")).collect();
            format!("known: {}", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_name_and_nonsense_lists_all() {
        assert_eq!(did_you_mean("tresholdd", ["threshold", "weight"]), "did you mean `threshold`?");
        assert_eq!((slipped("wieght", ["weight"]), slipped("rubric", ["metric"])), (Some("weight"), None));
        assert_eq!(did_you_mean("zzzzzz", ["threshold", "weight"]), "known: `threshold`, `weight`");
    }
}
