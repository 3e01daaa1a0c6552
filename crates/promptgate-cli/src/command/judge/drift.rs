//! A judge held against itself: what it gave the labelled outputs is kept (`--save`), and what it gives them now is compared
//! with that (`--against`).

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use promptgate_core::digest::Digest;
use promptgate_core::exit::ExitCode;
use promptgate_core::judge_calibration::{AssertionGrades, JudgeCalibration, OutputGrade};
use promptgate_core::name::{CaseId, SuiteName};
use promptgate_core::report::words::{chance, counted, cut, percent};
use promptgate_report::escape::terminal_line;
use promptgate_scoring::calibrating::drift::{Drift, FALSE_ALARMS, Finding, Twice, drift};
use promptgate_store::atomic;
use serde_json::{Value, json};

use super::{Calibrated, OUTPUT_SHOWN, Ready, SHOWN};
use crate::error::Failure;
use crate::output::Output;

/// An earlier calibration.
pub(super) struct Earlier {
    file: PathBuf,
    calibration: JudgeCalibration,
}

/// One assertion's judge, held against its earlier self.
pub(super) struct Held<'a> {
    file: &'a Path,
    before: &'a AssertionGrades,
    /// What was held, in the order of `drift.moved`'s indices.
    outputs: Vec<Regraded<'a>>,
    pub(super) drift: Drift,
}

/// An output that both calibrations have.
struct Regraded<'a> {
    case: &'a CaseId,
    output: &'a str,
    twice: Twice,
}

impl Earlier {
    pub(super) fn read(file: &Path, suite: &SuiteName) -> Result<Self, Failure> {
        let unread = |error| {
            Failure::usage(format!("cannot read {}: {error}", file.display()))
                .help("name a file that was written with --save FILE")
        };
        let text = std::fs::read_to_string(file).map_err(unread)?;
        let calibration = JudgeCalibration::parse(&text, &file.to_string_lossy())?;
        if calibration.suite != *suite {
            let why = format!("{} is of the suite `{}`, not of `{suite}`", file.display(), calibration.suite);
            return Err(Failure::usage(why).help("write one of this suite with --save FILE"));
        }
        Ok(Self { file: file.to_owned(), calibration })
    }

    /// Nothing is asked where nothing could be compared.
    pub(super) fn must_know(&self, ready: &Ready) -> Result<(), Failure> {
        let fail = |what: &str| {
            Err(Failure::usage(format!("{} {what} `{}`", self.file.display(), ready.spec.name))
                .help("write it anew with --save FILE, or choose assertions with --assertion NAME"))
        };
        let Some(before) = self.calibration.of(&ready.spec.name) else { return fail("has no grades of") };
        let graded = by_output(before);
        let common = ready.people.keys().any(|(case, output)| graded.contains_key(&(case, digest(output))));
        if common { Ok(()) } else { fail("shares no labelled output with those of") }
    }

    /// Compares what a judge gave then and now; `assertions` are looked at in this run.
    pub(super) fn held<'a>(&'a self, now: &'a Calibrated, assertions: usize) -> Option<Held<'a>> {
        let before = self.calibration.of(&now.name)?;
        let graded = by_output(before);
        let regraded = |each: &'a super::Graded| {
            let before = graded.get(&(&each.case, digest(&each.output)))?.judge;
            let twice = Twice { people: each.people, before, now: each.judge };
            Some(Regraded { case: &each.case, output: &each.output, twice })
        };
        let outputs: Vec<Regraded<'a>> = now.graded.iter().filter_map(regraded).collect();
        let drift = drift(&outputs.iter().map(|each| each.twice).collect::<Vec<_>>(), assertions);
        Some(Held { file: &self.file, before, outputs, drift })
    }
}

fn by_output(grades: &AssertionGrades) -> HashMap<(&CaseId, Digest), &OutputGrade> {
    grades.grades.iter().map(|grade| ((&grade.case, grade.output), grade)).collect()
}

fn digest(output: &str) -> Digest {
    Digest::of_bytes(output.as_bytes())
}

impl Held<'_> {
    pub(super) fn told(&self, now: &Calibrated) -> String {
        let Drift { outputs, shift, shift_p_value, distance, distance_p_value, level, .. } = self.drift;
        let file = terminal_line(&self.file.to_string_lossy()).into_owned();
        let mut text = format!("  held against {file}: {}\n", self.finding());
        let outputs = counted(outputs as u64, "output", "outputs");
        if let Some((shift, distance)) = shift.zip(distance) {
            let line = |name: &str, points: f64, p: f64| {
                let by_chance = chance(p);
                format!("    {name} {:+.1} points on average over {outputs} ({by_chance} by chance)\n", points * 100.0)
            };
            text.push_str(&line("grades          ", shift, shift_p_value));
            text.push_str(&line("away from people", distance, distance_p_value));
        }
        let (level, false_alarms) = (percent(level), percent(FALSE_ALARMS));
        text.push_str(&format!(
            "    an alarm is raised from {level} by chance on, for either: in at most {false_alarms} of nights falsely\n"
        ));
        for change in self.changes(now) {
            text.push_str(&format!("    {}\n", terminal_line(&change)));
        }
        text.push_str(&self.moved());
        if self.drift.finding == Finding::Drifted {
            text.push_str(
                "    next: put the judge's earlier model or prompt back; or accept it as it is (--save FILE without\n",
            );
            text.push_str("    --against), and grade both sides of a comparison anew\n");
        }
        text
    }

    fn finding(&self) -> String {
        let Drift { finding, outputs, outputs_needed, ungraded, .. } = &self.drift;
        match finding {
            Finding::Drifted => "ALARM, it grades otherwise than it did".to_owned(),
            Finding::Steady => "no drift found".to_owned(),
            Finding::TooFew => {
                let outputs = counted(*outputs as u64, "output is", "outputs are");
                format!("not decided, {outputs} graded both times, and drift can be found from {outputs_needed} on")
            }
            Finding::Ungraded => {
                let ungraded = counted(*ungraded as u64, "output", "outputs");
                format!("not decided, {ungraded} that had a grade got none")
            }
        }
    }

    /// In what the judge is another one than it was.
    fn changes(&self, now: &Calibrated) -> Vec<String> {
        let list = |names: &[String]| match names {
            [] => "no model".to_owned(),
            names => names.iter().map(|name| cut(name, 80)).collect::<Vec<_>>().join(", "),
        };
        let before = self.before;
        let mut changes = Vec::new();
        if before.judge != now.judge {
            let (was, is) = (before.judge.short(), now.judge.short());
            changes.push(format!("the judge itself changed (prompt, parameters or models): {is}, was {was}"));
        }
        if before.models != now.models {
            changes.push(format!("it asks {}, and asked {}", list(&now.models), list(&before.models)));
        }
        if before.answered_by != now.answered_by && !before.answered_by.is_empty() {
            changes.push(format!("answered by {}, was by {}", list(&now.answered_by), list(&before.answered_by)));
        }
        changes
    }

    fn moved(&self) -> String {
        let moved = &self.drift.moved;
        if moved.is_empty() {
            return String::new();
        }
        let mut text = format!("    moved, the largest first ({} in all)\n", moved.len());
        for Regraded { case, output, twice } in moved.iter().take(SHOWN).map(|at| &self.outputs[*at]) {
            let (case, grade) = (terminal_line(case.as_str()), |grade: Option<f64>| grade.unwrap_or(f64::NAN));
            let (people, before, now) = (twice.people, grade(twice.before), grade(twice.now));
            text.push_str(&format!("      {case}  people {people:.2}, judge {before:.2} -> {now:.2}\n"));
            text.push_str(&format!("        of \"{}\"\n", super::shown(output, OUTPUT_SHOWN)));
        }
        text
    }

    pub(super) fn as_json(&self, now: &Calibrated) -> Value {
        let moved = self.drift.moved.iter().map(|at| {
            let Regraded { case, output, twice } = &self.outputs[*at];
            let output = super::shown(output, OUTPUT_SHOWN);
            json!({"case": case, "output": output, "people": twice.people, "before": twice.before, "now": twice.now})
        });
        let mut value = json!(self.drift);
        value["moved"] = moved.collect();
        value["changes"] = json!(self.changes(now));
        value
    }
}

/// What a command with findings ends with: an alarm comes before what is open.
pub(super) fn exit_code(held: &[Option<Held<'_>>]) -> Option<ExitCode> {
    let found = |wanted: &[Finding]| held.iter().flatten().any(|held| wanted.contains(&held.drift.finding));
    match () {
        () if found(&[Finding::Drifted]) => Some(ExitCode::Invalid),
        () if found(&[Finding::TooFew, Finding::Ungraded]) => Some(ExitCode::Inconclusive),
        () => None,
    }
}

/// Keeps what the judges gave.
pub(super) fn save(file: &Path, suite: &SuiteName, found: &[Calibrated], out: &Output) -> Result<(), Failure> {
    let calibration = JudgeCalibration::new(suite.clone(), found.iter().map(grades).collect());
    let text = calibration.to_json().map_err(|what| Failure::new(ExitCode::Bug, what))?;
    let written = atomic::write(file, out.scrubber.scrub(&text).as_bytes());
    written.map_err(|error| Failure::new(ExitCode::OutputNotWritten, error.to_string()))
}

fn grades(found: &Calibrated) -> AssertionGrades {
    let grade = |each: &super::Graded| OutputGrade {
        case: each.case.clone(),
        output: digest(&each.output),
        people: each.people,
        judge: each.judge,
    };
    AssertionGrades {
        assertion: found.name.clone(),
        judge: found.judge,
        models: found.models.clone(),
        answered_by: found.answered_by.clone(),
        grades: found.graded.iter().map(grade).collect(),
    }
}
