//! The English stemmer of Porter ("An algorithm for suffix stripping", 1980) with the extensions of NLTK, which rouge-score
//! and NLTK's METEOR use. A letter outside of `a` to `z` is a consonant.

/// A condition on what is left when the suffix is gone.
type Condition = fn(&[char]) -> bool;

/// The stem of a word in lower case.
pub(super) fn stem(word: &str) -> String {
    if let Some(stem) = irregular(word) {
        return stem.to_owned();
    }
    let mut word: Vec<char> = word.chars().collect();
    if word.len() > 2 {
        for step in [plural, past, ending_y, double_suffix, suffix, last_suffix, final_e, double_l] {
            step(&mut word);
        }
    }
    word.into_iter().collect()
}

/// Words whose stem the rules get wrong.
fn irregular(word: &str) -> Option<&'static str> {
    Some(match word {
        "sky" | "skies" => "sky",
        "dying" => "die",
        "lying" => "lie",
        "tying" => "tie",
        "news" => "news",
        "innings" | "inning" => "inning",
        "outings" | "outing" => "outing",
        "cannings" | "canning" => "canning",
        "howe" => "howe",
        "proceed" => "proceed",
        "exceed" => "exceed",
        "succeed" => "succeed",
        _ => return None,
    })
}

/// Whether each letter is a consonant: `y` is one where no consonant is before it.
fn consonants(word: &[char]) -> impl Iterator<Item = bool> {
    word.iter().scan(false, |before, letter| {
        *before = match letter {
            'a' | 'e' | 'i' | 'o' | 'u' => false,
            'y' => !*before,
            _ => true,
        };
        Some(*before)
    })
}

/// How many times vowels are followed by consonants.
fn measure(word: &[char]) -> usize {
    let mut vowel = false;
    consonants(word).filter(|consonant| std::mem::replace(&mut vowel, !consonant) && *consonant).count()
}

fn has_vowel(word: &[char]) -> bool {
    consonants(word).any(|consonant| !consonant)
}

fn ends_in_consonant(word: &[char]) -> bool {
    consonants(word).last().unwrap_or(false)
}

fn ends_in_double_consonant(word: &[char]) -> bool {
    matches!(word, [.., before, last] if before == last) && ends_in_consonant(word)
}

/// Consonant, vowel, consonant at the end, the last not `w`, `x` or `y`; or a word of a vowel and a consonant.
fn ends_in_short_syllable(word: &[char]) -> bool {
    let kinds: Vec<bool> = consonants(word).collect();
    match kinds.as_slice() {
        [false, true] => true,
        [.., true, false, true] => !matches!(word.last(), Some('w' | 'x' | 'y')),
        _ => false,
    }
}

fn ends_with(word: &[char], suffix: &str) -> bool {
    word.len() >= suffix.len() && word[word.len() - suffix.len()..].iter().copied().eq(suffix.chars())
}

fn replace(word: &mut Vec<char>, suffix: &str, by: &str) {
    word.truncate(word.len() - suffix.len());
    word.extend(by.chars());
}

/// Applies the first rule whose suffix the word has, if what is left meets the condition.
fn apply(word: &mut Vec<char>, rules: &[(&str, &str)], condition: Condition) {
    if let Some((suffix, by)) = rules.iter().find(|(suffix, _)| ends_with(word, suffix))
        && condition(&word[..word.len() - suffix.len()])
    {
        replace(word, suffix, by);
    }
}

fn is_measured(stem: &[char]) -> bool {
    measure(stem) > 0
}

fn is_long(stem: &[char]) -> bool {
    measure(stem) > 1
}

/// Step 1a.
fn plural(word: &mut Vec<char>) {
    if word.len() == 4 && ends_with(word, "ies") {
        return replace(word, "ies", "ie");
    }
    apply(word, &[("sses", "ss"), ("ies", "i"), ("ss", "ss"), ("s", "")], |_| true);
}

/// Step 1b.
fn past(word: &mut Vec<char>) {
    if ends_with(word, "ied") {
        let by = if word.len() == 4 { "ie" } else { "i" };
        return replace(word, "ied", by);
    }
    if ends_with(word, "eed") {
        return apply(word, &[("eed", "ee")], is_measured);
    }
    let stripped = |suffix: &&str| ends_with(word, suffix) && has_vowel(&word[..word.len() - suffix.len()]);
    if let Some(suffix) = ["ed", "ing"].into_iter().find(stripped) {
        replace(word, suffix, "");
        mend(word);
    }
}

/// What step 1b makes of a word that has lost `ed` or `ing`.
fn mend(word: &mut Vec<char>) {
    if ["at", "bl", "iz"].iter().any(|end| ends_with(word, end)) {
        word.push('e');
    } else if ends_in_double_consonant(word) {
        if !matches!(word.last(), Some('l' | 's' | 'z')) {
            word.pop();
        }
    } else if measure(word) == 1 && ends_in_short_syllable(word) {
        word.push('e');
    }
}

/// Step 1c, by the rule of NLTK.
fn ending_y(word: &mut Vec<char>) {
    apply(word, &[("y", "i")], |stem| stem.len() > 1 && ends_in_consonant(stem));
}

/// Step 2.
fn double_suffix(word: &mut Vec<char>) {
    if ends_with(word, "alli") && is_measured(&word[..word.len() - 4]) {
        replace(word, "alli", "al");
        return double_suffix(word);
    }
    let rules = [
        ("ational", "ate"),
        ("tional", "tion"),
        ("enci", "ence"),
        ("anci", "ance"),
        ("izer", "ize"),
        ("bli", "ble"),
        ("alli", "al"),
        ("entli", "ent"),
        ("eli", "e"),
        ("ousli", "ous"),
        ("ization", "ize"),
        ("ation", "ate"),
        ("ator", "ate"),
        ("alism", "al"),
        ("iveness", "ive"),
        ("fulness", "ful"),
        ("ousness", "ous"),
        ("aliti", "al"),
        ("iviti", "ive"),
        ("biliti", "ble"),
        ("fulli", "ful"),
    ];
    match ends_with(word, "logi") {
        // The `l` counts to what is left, so that `geo` and `theo` are treated as `archaeo`.
        true if is_measured(&word[..word.len() - 3]) => replace(word, "i", ""),
        true => {}
        false => apply(word, &rules, is_measured),
    }
}

/// Step 3.
fn suffix(word: &mut Vec<char>) {
    let rules =
        [("icate", "ic"), ("ative", ""), ("alize", "al"), ("iciti", "ic"), ("ical", "ic"), ("ful", ""), ("ness", "")];
    apply(word, &rules, is_measured);
}

/// Step 4.
fn last_suffix(word: &mut Vec<char>) {
    let suffixes = [
        "al", "ance", "ence", "er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "ion", "ou", "ism", "ate",
        "iti", "ous", "ive", "ize",
    ];
    let Some(suffix) = suffixes.into_iter().find(|suffix| ends_with(word, suffix)) else { return };
    let stem = &word[..word.len() - suffix.len()];
    if is_long(stem) && (suffix != "ion" || matches!(stem.last(), Some('s' | 't'))) {
        replace(word, suffix, "");
    }
}

/// Step 5a.
fn final_e(word: &mut Vec<char>) {
    apply(word, &[("e", "")], |stem| match measure(stem) {
        0 => false,
        1 => !ends_in_short_syllable(stem),
        _ => true,
    });
}

/// Step 5b.
fn double_l(word: &mut Vec<char>) {
    if ends_with(word, "ll") && is_long(&word[..word.len() - 1]) {
        word.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::stem;

    #[test]
    fn words_of_one_stem_are_brought_together() {
        for (word, expected) in [
            ("caresses", "caress"),
            ("ponies", "poni"),
            ("relational", "relat"),
            ("hopping", "hop"),
            ("falling", "fall"),
            ("happy", "happi"),
            ("skies", "sky"),
            ("generalizations", "gener"),
            ("is", "is"),
            ("größe", "größe"),
            ("", ""),
        ] {
            assert_eq!(stem(word), expected, "{word}");
        }
    }
}
