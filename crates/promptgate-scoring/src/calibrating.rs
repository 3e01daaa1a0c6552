//! How far a judge agrees with people on the same outputs (gate.md, 7).

pub mod drift;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::stats::agreement::{Level, Weights, cohen_kappa, krippendorff, quadratic_kappa};
use crate::stats::sum;

/// Grades that a scale has at most; a finer one is an amount.
const MOST_CATEGORIES: usize = 11;

/// What measures an agreement.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Cohen's kappa with quadratic weights.
    #[default]
    Kappa,
    /// Krippendorff's alpha of an interval scale.
    Alpha,
    /// Cohen's kappa of labels that are names: any other label is as wrong as the next.
    KappaOfLabels,
}

impl Statistic {
    /// The word in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Kappa => "kappa",
            Self::Alpha => "alpha",
            Self::KappaOfLabels => "kappa of labels",
        }
    }
}

/// How far two raters agree beyond chance: 1 is perfect, 0 is chance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// By this.
    pub statistic: Statistic,
    /// How far.
    pub value: f64,
}

/// How far people and a judge agree: Cohen's kappa, its weights the squared distances of the grades, or Krippendorff's
/// alpha of an interval scale where the judge's grades are too fine for categories. Grades that nobody gave change neither,
/// and the mean of several raters may lie between two of the judge's. Absent where there is no label, or neither side ever
/// varies.
pub fn agreement(people: &[f64], judge: &[f64]) -> Option<Agreement> {
    let statistic = statistic(judge);
    let value = if statistic == Statistic::Alpha {
        let table = [people, judge].map(|rater| rater.iter().map(|value| Some(*value)).collect());
        krippendorff(&table, Level::Interval).ok()?
    } else {
        quadratic_kappa(people, judge).ok()?
    };
    Some(Agreement { statistic, value: value? })
}

/// By what a judge of these grades is held against people.
fn statistic(judge: &[f64]) -> Statistic {
    let mut levels = judge.to_vec();
    levels.sort_by(f64::total_cmp);
    levels.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
    if levels.len() > MOST_CATEGORIES { Statistic::Alpha } else { Statistic::Kappa }
}

/// An output that people and a judge have graded.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The case.
    pub case: String,
    /// The output, or how it begins.
    pub output: String,
    /// What people say, the mean where several do, in 0..=1.
    pub people: f64,
    /// What each of them says; one who has no name is the empty one.
    pub raters: BTreeMap<String, f64>,
    /// What the judge says, in 0..=1.
    pub judge: f64,
    /// The labels behind that, where they are names ([`are_names`]) and each person gave one.
    pub chosen: Option<Chosen>,
    /// Whether an output passes that people give this.
    pub people_pass: bool,
    /// Whether it passed by the judge.
    pub judge_passes: bool,
    /// The judge's reason.
    pub reason: String,
    /// Letters of the output.
    pub length: usize,
}

/// The labels that people and a judge chose for an output.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chosen {
    /// By person; one who has no name is the empty one.
    pub people: BTreeMap<String, String>,
    /// The judge's; absent where several judges chose different ones.
    pub judge: Option<String>,
}

impl Chosen {
    /// Whether all chose the same.
    fn agree(&self) -> bool {
        self.people.values().all(|label| Some(label) == self.judge.as_ref())
    }
}

/// Whether labels are names: some have the same score, so that the score does not tell them apart. Labels that each have
/// their own are grades.
pub fn are_names(labels: &[(String, f64)]) -> bool {
    (1..labels.len()).any(|at| labels[..at].iter().any(|(_, score)| *score == labels[at].1))
}

/// A judge held against people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Outputs graded by both.
    pub outputs: usize,
    /// [`agreement`], or of labels that are names Cohen's kappa, each label of a person held against the judge's.
    pub agreement: Option<f64>,
    /// What it is measured by.
    pub statistic: Statistic,
    /// Where several people labelled outputs, how far they agree.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raters: Option<Raters>,
    /// Share of outputs on which both pass or both fail.
    pub same_verdict: Option<f64>,
    /// Counts: people pass and judge passes, pass and fails, fail and passes, fail and fails.
    pub confusion: [u64; 4],
    /// The mean of judge minus people.
    pub bias: Option<f64>,
    /// Pearson's correlation of judge minus people with the length of the output; absent where one does not vary.
    pub length_correlation: Option<f64>,
    /// The largest disagreements first, as indices into what was given.
    pub disagreements: Vec<usize>,
}

/// Several people who labelled outputs, not each of them all: Krippendorff's alpha of an interval scale, or of names.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Raters {
    /// How many people there are.
    pub count: usize,
    /// How far they agree with each other.
    pub among_people: Option<f64>,
    /// How far all agree, the judge being one of them.
    pub with_judge: Option<f64>,
}

/// Labels that are names, each with its place; where there is none, that is a name too.
struct Names<'j>(Vec<Option<&'j String>>);

impl<'j> Names<'j> {
    /// Those of all outputs; `None` where they are no names.
    fn of(judged: &'j [Judged]) -> Option<Self> {
        let chosen: Vec<&Chosen> = judged.iter().map(|each| each.chosen.as_ref()).collect::<Option<_>>()?;
        let labels = chosen.iter().flat_map(|each| each.people.values().map(Some).chain([each.judge.as_ref()]));
        let names: BTreeSet<Option<&String>> = labels.collect();
        (!names.is_empty()).then(|| Self(names.into_iter().collect()))
    }

    fn place(&self, label: Option<&String>) -> usize {
        self.0.iter().position(|name| *name == label).unwrap_or_default()
    }

    /// Cohen's kappa, each label of a person held against the judge's.
    fn kappa(&self, judged: &[Judged]) -> Option<f64> {
        let pairs = judged.iter().filter_map(|each| each.chosen.as_ref()).flat_map(|chosen| {
            let judge = self.place(chosen.judge.as_ref());
            chosen.people.values().map(move |label| (self.place(Some(label)), judge))
        });
        let (people, judge): (Vec<usize>, Vec<usize>) = pairs.unzip();
        cohen_kappa(&people, &judge, self.0.len(), Weights::None).ok()?.kappa
    }
}

/// How far several people agree, without and with the judge; nothing where one labelled all.
fn raters(judged: &[Judged]) -> Option<Raters> {
    let names: BTreeSet<&String> = judged.iter().flat_map(|each| each.raters.keys()).collect();
    if names.len() < 2 {
        return None;
    }
    let names_of = Names::of(judged);
    let level = if names_of.is_some() { Level::Nominal } else { Level::Interval };
    let label = |each: &Judged, name: &String| match &names_of {
        Some(names) => each.chosen.as_ref()?.people.get(name).map(|label| names.place(Some(label)) as f64),
        None => each.raters.get(name).copied(),
    };
    let of_judge = |each: &Judged| match &names_of {
        Some(names) => names.place(each.chosen.as_ref().and_then(|chosen| chosen.judge.as_ref())) as f64,
        None => each.judge,
    };
    let labels = |name: &&String| judged.iter().map(|each| label(each, name)).collect();
    let mut table: Vec<Vec<Option<f64>>> = names.iter().map(labels).collect();
    let among_people = krippendorff(&table, level).ok().flatten();
    table.push(judged.iter().map(|each| Some(of_judge(each))).collect());
    let with_judge = krippendorff(&table, level).ok().flatten();
    Some(Raters { count: names.len(), among_people, with_judge })
}

/// Compares a judge with people.
pub fn compare(judged: &[Judged]) -> Comparison {
    let (people, judge): (Vec<f64>, Vec<f64>) = judged.iter().map(|each| (each.people, each.judge)).unzip();
    let mut confusion = [0; 4];
    for each in judged {
        confusion[2 * usize::from(!each.people_pass) + usize::from(!each.judge_passes)] += 1;
    }
    let gaps: Vec<f64> = judged.iter().map(|each| each.judge - each.people).collect();
    let lengths: Vec<f64> = judged.iter().map(|each| each.length as f64).collect();
    let names = Names::of(judged);
    let disagree = |at: &usize| match (&names, &judged[*at].chosen) {
        (Some(_), Some(chosen)) => !chosen.agree(),
        _ => gaps[*at].abs() > 1e-9,
    };
    let mut disagreements: Vec<usize> = (0..judged.len()).filter(disagree).collect();
    disagreements.sort_by(|a, b| gaps[*b].abs().total_cmp(&gaps[*a].abs()).then(judged[*a].case.cmp(&judged[*b].case)));
    let same = (confusion[0] + confusion[3]) as f64;
    Comparison {
        outputs: judged.len(),
        agreement: match &names {
            Some(names) => names.kappa(judged),
            None => agreement(&people, &judge).map(|agreement| agreement.value),
        },
        statistic: if names.is_some() { Statistic::KappaOfLabels } else { statistic(&judge) },
        raters: raters(judged),
        same_verdict: (!judged.is_empty()).then(|| same / judged.len() as f64),
        confusion,
        bias: sum::mean(&gaps),
        length_correlation: pearson(&gaps, &lengths),
        disagreements,
    }
}

/// Pearson's correlation.
fn pearson(one: &[f64], other: &[f64]) -> Option<f64> {
    let (one_mean, other_mean) = (sum::mean(one)?, sum::mean(other)?);
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for (x, y) in one.iter().zip(other) {
        let (x, y) = (x - one_mean, y - other_mean);
        both += x * y;
        first += x * x;
        second += y * y;
    }
    (first > 1e-12 && second > 1e-12).then(|| both / (first * second).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(pairs: &[(f64, f64)]) -> Vec<Judged> {
        let one = |(at, (people, judge)): (usize, &(f64, f64))| Judged {
            case: format!("c{at}"),
            output: String::new(),
            people: *people,
            raters: BTreeMap::from([(String::new(), *people)]),
            judge: *judge,
            chosen: None,
            people_pass: *people >= 0.5,
            judge_passes: *judge >= 0.5,
            reason: String::new(),
            length: 10 * (at + 1),
        };
        pairs.iter().enumerate().map(one).collect()
    }

    #[test]
    fn a_judge_is_held_against_people() {
        let found = compare(&judged(&[(1.0, 1.0), (1.0, 0.0), (0.0, 0.0), (0.0, 0.0)]));
        assert_eq!((found.confusion, found.same_verdict), ([1, 1, 0, 2], Some(0.75)));
        assert_eq!((found.agreement, found.bias, found.disagreements), (Some(0.5), Some(-0.25), vec![1]));
        // A lenient judge says nothing: it never varies, and agreement beyond chance is none.
        let lenient = compare(&judged(&[(1.0, 1.0), (0.0, 1.0), (0.0, 1.0), (1.0, 1.0)]));
        assert_eq!((lenient.agreement, lenient.bias), (Some(0.0), Some(0.5)));
        // Longer answers get more than people give them.
        let longer = compare(&judged(&[(0.5, 0.5), (0.5, 0.6), (0.5, 0.7), (0.5, 0.8)]));
        assert!((longer.length_correlation.unwrap() - 1.0).abs() < 1e-9);
        let nothing = compare(&[]);
        assert_eq!((nothing.agreement, nothing.same_verdict, nothing.length_correlation), (None, None, None));
        let constant = compare(&judged(&[(1.0, 1.0), (1.0, 1.0)]));
        assert_eq!((constant.agreement, constant.same_verdict), (None, Some(1.0)));
    }

    #[test]
    fn labels_that_are_names_are_held_against_each_other_by_name() {
        let of = |people: &[&str], judge: &str| {
            let score = |label: &str| f64::from(u8::from(label == "a"));
            let raters: BTreeMap<String, f64> =
                people.iter().enumerate().map(|(at, label)| (at.to_string(), score(label))).collect();
            let people = people.iter().enumerate().map(|(at, label)| (at.to_string(), (*label).to_owned())).collect();
            let chosen = Some(Chosen { people, judge: Some(judge.to_owned()) });
            Judged { raters, chosen, ..judged(&[(1.0, score(judge))]).remove(0) }
        };
        // `b` and `c` have the same score. Seen 4/6, expected 1/3: (4/6 - 1/3) / (1 - 1/3).
        let given = ["aa", "aa", "bc", "bb", "cc", "cb"].map(|pair| {
            let mut each = of(&[&pair[..1]], &pair[1..]);
            each.people = each.raters["0"];
            each
        });
        let found = compare(&given);
        assert_eq!((found.agreement, found.statistic), (Some(0.5), Statistic::KappaOfLabels));
        assert_eq!(found.disagreements, [2, 5]);
        let several = compare(&[of(&["a", "a"], "a"), of(&["b", "c"], "b"), of(&["c", "c"], "c")]).raters.unwrap();
        assert!(several.among_people.unwrap() < 1.0 && several.with_judge.unwrap() < 1.0);
        let labels = |scores: [f64; 3]| scores.map(|score| (score.to_string(), score));
        assert!(are_names(&labels([1.0, 0.0, 0.0])) && !are_names(&labels([1.0, 0.5, 0.0])));
    }

    #[test]
    fn several_people_are_held_against_each_other_and_the_judge_is_one_of_them() {
        let of = |labels: &[(&str, f64)], judge: f64| {
            let raters: BTreeMap<String, f64> =
                labels.iter().map(|(name, label)| ((*name).to_owned(), *label)).collect();
            let people = raters.values().sum::<f64>() / raters.len() as f64;
            Judged { raters, people, ..judged(&[(people, judge)]).remove(0) }
        };
        // The krippendorff package, level "interval": ratings of a, b and c, with gaps, then the judge's beside them.
        let given = [
            of(&[("a", 1.0), ("b", 1.0)], 1.0),
            of(&[("a", 0.0), ("b", 0.5), ("c", 0.0)], 0.5),
            of(&[("b", 0.5), ("c", 1.0)], 0.5),
            of(&[("a", 0.0)], 0.0),
        ];
        let found = compare(&given).raters.unwrap();
        assert_eq!(found.count, 3);
        let close = |found: Option<f64>, value: f64| assert!((found.unwrap() - value).abs() < 1e-12, "{found:?}");
        close(found.among_people, 0.6470588235294118);
        close(found.with_judge, 0.732638888888889);
        assert_eq!(compare(&judged(&[(1.0, 1.0), (0.0, 1.0)])).raters, None);
    }

    #[test]
    fn agreement_goes_by_the_distances_of_grades_and_not_by_which_of_them_occur() {
        let of = |people: &[f64], judge: &[f64]| agreement(people, judge).unwrap();
        let close =
            |found: Agreement, value: f64| assert!((found.value - value).abs() < 1e-12, "{found:?}, not {value}");
        // scikit-learn's cohen_kappa_score of the grades 5 1 and 4 2, labels 1 to 5, quadratic weights.
        close(of(&[1.0, 0.0], &[0.75, 0.25]), 0.8);
        // A grade of 0.5 by one of many moves what another pair of grades is worth no more than its share.
        close(of(&[1.0, 0.0, 0.5], &[0.75, 0.25, 0.5]), 0.8);
        // The mean of several people between two grades of the judge.
        close(of(&[0.875, 0.0], &[1.0, 0.0]), 1.0 - 0.0078125 / (0.19140625 + 0.25 + 0.00390625));
        // Where categories are equidistant it is the kappa of categories.
        let (people, judge) = ([0_usize, 1, 2, 3, 4, 4, 1, 0], [1, 1, 2, 4, 3, 4, 0, 0]);
        let kappa = cohen_kappa(&people, &judge, 5, Weights::Quadratic).unwrap().kappa.unwrap();
        let scores = |grades: [usize; 8]| grades.map(|grade| grade as f64 / 4.0);
        close(of(&scores(people), &scores(judge)), kappa);
    }

    #[test]
    fn grades_too_fine_for_categories_are_held_against_people_by_alpha() {
        let fine: Vec<f64> = (0..12).map(|at| f64::from(at) / 12.0).collect();
        assert_eq!(agreement(&fine, &fine), Some(Agreement { statistic: Statistic::Alpha, value: 1.0 }));
        // However fine the means of several people are, the judge's grades are categories.
        let coarse = fine.iter().map(|value| value.round()).collect::<Vec<_>>();
        assert_eq!(agreement(&fine, &coarse).unwrap().statistic, Statistic::Kappa);
    }
}
