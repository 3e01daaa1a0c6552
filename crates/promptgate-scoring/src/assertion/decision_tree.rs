//! `decision-tree`: a tree of questions to a judge. It is asked from the root, one question a round and only on the path
//! that its answers take; where the path ends, the score stands.

use std::sync::Arc;

use promptgate_core::ask::{Ask, Asked, Reply};
use promptgate_core::assertion::{AssertionSpec, Params as Written};
use promptgate_core::case::Case;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::score::Scored;
use promptgate_core::{Diagnostic, Diagnostics};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::expected::{Expected, some_criteria};
use super::judge::{
    Grade, Judge, Progress, Question, Shape, Shipped, answer, check_all, judged_parameters, judged_params, looked_at,
    suspicion,
};
use super::kind::score;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, State, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "decision-tree",
    summary: "a judge answers a tree of questions, from its root and only on the path that the answers take; the score is \
              the one at its end; `threshold` 0.5 unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![
        Parameter {
            name: "tree",
            doc: "`{ question, yes, no }`, or `{ question, answers = { label = ... } }` for other labels; behind each answer \
                  stands another such table, or the score, 0 to 1; a question may name parts of the case",
        },
        Parameter { name: "question", doc: "what was asked of the program, where that helps; may name parts of the case" },
    ],
    passes: Example::of(
        "tree.question = \"Does it name a time?\"\ntree.no = 0\ntree.yes = { question = \"How polite is it?\", answers = { polite = 1, curt = 0.25 } }",
        "Open until six, please.",
    )
    .replies(
        r#"[["{\"reason\": \"until six\", \"label\": \"yes\"}"], ["{\"reason\": \"it says please\", \"label\": \"polite\"}"]]"#,
    ),
    fails: Example::of("tree = { question = \"Does it name a time?\", yes = 1, no = 0 }", "We are open.")
        .replies(r#"[["{\"reason\": \"no time\", \"label\": \"no\"}"]]"#),
    build,
};

const PROMPT: Shipped = Shipped {
    name: "decision-tree",
    text: include_str!("judge/prompts/decision-tree.prompt"),
    variables: &["question", "labels"],
};

/// What people's labels are read by, who label the end of a path: numbers on the scale of the tree's scores.
const SCORES: Shape = Shape::Scale { min: 0.0, max: 1.0 };

/// The most questions on one path: each is a round of its own.
const MOST_DEEP: usize = 10;

/// The most questions of a tree.
const MOST_QUESTIONS: usize = 100;

/// The most answers to one question.
const MOST_ANSWERS: usize = 20;

/// The keys of a question, and of a score.
const KEYS: [&str; 5] = ["question", "yes", "no", "answers", "score"];

judged_params! {
    struct Params {
        tree: Value,
        question: Option<Value>,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`decision-tree`")?;
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &SCORES))?;
    let root = match (Reader { params: &spec.params, questions: 0 }).branch(&params.tree, "tree", 1)? {
        Branch::Ask(root) => *root,
        Branch::Score(_) => {
            let mistake = spec.params.mistake("tree", "`tree` begins with a score, so nothing is asked");
            return Err(mistake.help(FORM).into());
        }
    };
    let data = looked_at(spec, &[("question", "question", params.question.as_ref())])?;
    let threshold = spec.threshold.unwrap_or(0.5);
    Ok(Box::new(DecisionTree { judge, root, data, threshold }))
}

/// What a tree looks like.
const FORM: &str =
    "write `tree = { question = \"...\", yes = 1, no = 0 }`, or `answers = { label = score }` for other labels";

/// A question, and where each of its answers leads.
struct Node {
    question: Expected,
    answers: Vec<(String, Branch)>,
}

/// What stands behind an answer.
enum Branch {
    Ask(Box<Node>),
    Score(f64),
}

impl Node {
    fn shape(&self) -> Shape {
        Shape::Label(self.answers.iter().map(|(label, _)| (label.clone(), 0.0)).collect())
    }

    fn behind(&self, answer: &str) -> Option<&Branch> {
        self.answers.iter().find(|(label, _)| label == answer).map(|(_, branch)| branch)
    }

    /// Every question from here on.
    fn questions(&self) -> Vec<&Expected> {
        let below = self.answers.iter().filter_map(|(_, branch)| match branch {
            Branch::Ask(node) => Some(node.questions()),
            Branch::Score(_) => None,
        });
        std::iter::once(&self.question).chain(below.flatten()).collect()
    }
}

/// Where a path has come to.
enum Place<'a> {
    Question(&'a Node),
    End(f64),
}

/// Reads a tree, and says where it is wrong.
struct Reader<'a> {
    params: &'a Written,
    /// Read so far.
    questions: usize,
}

impl Reader<'_> {
    fn branch(&mut self, value: &Value, path: &str, depth: usize) -> Result<Branch, Diagnostic> {
        match value {
            Value::Number(score) => self.score(score.as_f64(), path),
            Value::Object(table) => {
                self.check_keys(table, path)?;
                match table.get("score") {
                    Some(score) if table.len() == 1 => self.score(score.as_f64(), path),
                    Some(_) => {
                        Err(self.mistake(path, "has a `score` and something to ask; it can have one of the two"))
                    }
                    None => Ok(Branch::Ask(Box::new(self.node(table, path, depth)?))),
                }
            }
            _ => Err(self.mistake(path, "is neither a score nor a table with a question").help(FORM)),
        }
    }

    fn check_keys(&self, table: &Map<String, Value>, path: &str) -> Result<(), Diagnostic> {
        match table.keys().find(|key| !KEYS.contains(&key.as_str())) {
            Some(key) => {
                let mistake = self.params.mistake(&format!("{path}.{key}"), format!("`{path}` has no key `{key}`"));
                Err(mistake.help(did_you_mean(key, KEYS)))
            }
            None => Ok(()),
        }
    }

    fn score(&self, score: Option<f64>, path: &str) -> Result<Branch, Diagnostic> {
        match score.filter(|score| (0.0..=1.0).contains(score)) {
            Some(score) => Ok(Branch::Score(score)),
            None => Err(self.mistake(path, "is no score: a number from 0 to 1")),
        }
    }

    fn node(&mut self, table: &Map<String, Value>, path: &str, depth: usize) -> Result<Node, Diagnostic> {
        self.questions += 1;
        if depth > MOST_DEEP {
            return Err(self
                .mistake(path, &format!("is the question number {depth} of one path; at most {MOST_DEEP} are asked")));
        }
        if self.questions > MOST_QUESTIONS {
            return Err(self.mistake(path, &format!("is one question too many; a tree has at most {MOST_QUESTIONS}")));
        }
        let question = table.get("question").ok_or_else(|| self.mistake(path, "has no `question`").help(FORM))?;
        let question =
            Expected::read_at(self.params, "question", &format!("{path}.question"), question, some_criteria)?;
        let mut answers = Vec::new();
        for (label, below, value) in self.answers(table, path)? {
            answers.push((label.to_owned(), self.branch(value, &below, depth + 1)?));
        }
        Ok(Node { question, answers })
    }

    /// The answers of a question: the label, the place, and what stands behind it.
    fn answers<'t>(
        &self,
        table: &'t Map<String, Value>,
        path: &str,
    ) -> Result<Vec<(&'t str, String, &'t Value)>, Diagnostic> {
        match (table.get("answers"), table.get("yes"), table.get("no")) {
            (None, Some(yes), Some(no)) => {
                Ok(vec![("yes", format!("{path}.yes"), yes), ("no", format!("{path}.no"), no)])
            }
            (None, None, None) => Err(self.mistake(path, "has a question and no answers").help(FORM)),
            (None, ..) => Err(self.mistake(path, "has one of `yes` and `no`; both can be the answer").help(FORM)),
            (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
                Err(self.mistake(path, "has `answers` beside `yes` or `no`; keep one of the two"))
            }
            (Some(Value::Object(answers)), None, None) => {
                let place = format!("{path}.answers");
                if !(2..=MOST_ANSWERS).contains(&answers.len()) || answers.keys().any(|label| label.trim().is_empty()) {
                    let problem =
                        format!("are {}; a question has 2 to {MOST_ANSWERS} answers, each with a label", answers.len());
                    return Err(self.mistake(&place, &problem));
                }
                Ok(answers.iter().map(|(label, value)| (label.as_str(), format!("{place}.{label}"), value)).collect())
            }
            (Some(_), None, None) => Err(self.mistake(&format!("{path}.answers"), "is no table of labels").help(FORM)),
        }
    }

    fn mistake(&self, path: &str, problem: &str) -> Diagnostic {
        self.params.mistake(path, format!("`{path}` {problem}"))
    }
}

struct DecisionTree {
    judge: Judge,
    root: Node,
    /// What is looked at beside the answer.
    data: Vec<(&'static str, Expected)>,
    threshold: f64,
}

/// How far one judge has come. Several judges take each its own path.
#[derive(Default, Serialize, Deserialize)]
struct Walk {
    /// The answers so far.
    answers: Vec<String>,
    /// The reason of the last one.
    reason: String,
    /// The state of the question that it is asked; none where the path has ended.
    asked: Option<Value>,
}

impl DecisionTree {
    /// Where answers lead from the root; nowhere where one is none of its question's.
    fn place(&self, answers: &[String]) -> Option<Place<'_>> {
        answers.iter().try_fold(Place::Question(&self.root), |place, answer| match place {
            Place::Question(node) => Some(match node.behind(answer)? {
                Branch::Ask(next) => Place::Question(next),
                Branch::Score(score) => Place::End(*score),
            }),
            Place::End(_) => None,
        })
    }

    fn question(&self, trial: &Trial<'_>, node: &Node, seat: usize) -> Result<Question, String> {
        let labels: Value = node.answers.iter().map(|(label, _)| label.as_str()).collect();
        let question = node.question.value(trial.case)?.into_owned();
        let mut data = Map::from_iter([("answer".to_owned(), answer(trial))]);
        for (name, expected) in &self.data {
            data.insert((*name).to_owned(), expected.value(trial.case)?.into_owned());
        }
        let instructions = Map::from_iter([("question".to_owned(), question), ("labels".to_owned(), labels)]);
        Ok(Question { seat, instructions, data: Arc::new(data), each: None })
    }

    /// Takes one judge on: with the reply to what it was asked, or to its next question.
    fn advance(
        &self,
        trial: &Trial<'_>,
        seat: usize,
        walk: &mut Walk,
        reply: Option<Reply>,
    ) -> Result<Vec<Ask>, String> {
        let Some(Place::Question(node)) = self.place(&walk.answers) else { return Ok(Vec::new()) };
        let questions = [self.question(trial, node, seat)?];
        let progress = match walk.asked.take() {
            None => self.judge.begin(&questions, &node.shape()),
            Some(state) => self.judge.proceed(&questions, &node.shape(), State(state), reply.into_iter().collect()),
        };
        match progress {
            Progress::Ask(State(state), asks) => {
                walk.asked = Some(state);
                Ok(asks)
            }
            Progress::Unscored(reason) => Err(format!("question {}: {reason}", walk.answers.len() + 1)),
            Progress::Done(grades) => {
                let grade = grades.into_iter().next().ok_or("a judge was not asked")?;
                walk.answers.push(grade.label.unwrap_or_default());
                walk.reason = grade.reason;
                self.advance(trial, seat, walk, None)
            }
        }
    }

    fn go_on(&self, trial: &Trial<'_>, mut walks: Vec<Walk>, replies: Vec<Reply>) -> Result<Step, String> {
        let mut replies = replies.into_iter();
        let mut asks = Vec::new();
        for (seat, walk) in walks.iter_mut().enumerate() {
            let reply = walk.asked.is_some().then(|| replies.next()).flatten();
            asks.extend(self.advance(trial, seat, walk, reply)?);
        }
        if asks.is_empty() {
            return self.decided(trial, &walks).map(Step::Done);
        }
        let state = serde_json::to_value(&walks).map_err(|error| format!("its state cannot be kept: {error}"))?;
        Ok(Step::Ask(State(state), asks))
    }

    fn decided(&self, trial: &Trial<'_>, walks: &[Walk]) -> Result<Scored, String> {
        let mut grades = Vec::new();
        let mut notes = Vec::new();
        for (seat, walk) in walks.iter().enumerate() {
            let Some(Place::End(score)) = self.place(&walk.answers) else {
                return Err("its path has no end".to_owned());
            };
            let path = self.path(trial, walk)?;
            notes.push(match walks.len() {
                1 => path,
                _ => format!("{} {score:.2}: {path}", self.judge.model(seat)),
            });
            grades.push(Grade::of(score, ""));
        }
        Ok(self.judge.decided((&grades, self.threshold), Some(trial), notes.join("; ")))
    }

    /// The questions on a path with their answers, and why the last one was given.
    fn path(&self, trial: &Trial<'_>, walk: &Walk) -> Result<String, String> {
        let mut told = Vec::new();
        for (at, answer) in walk.answers.iter().enumerate() {
            let Some(Place::Question(node)) = self.place(&walk.answers[..at]) else { continue };
            told.push(format!("{} {answer}", excerpt(&node.question.text(trial.case)?)));
        }
        Ok(format!("{} ({})", told.join(" > "), excerpt(&walk.reason)).replace('\n', " "))
    }

    fn resumed(&self, trial: &Trial<'_>, state: Value, replies: Vec<Reply>) -> Result<Step, String> {
        let walks = serde_json::from_value(state).map_err(|error| format!("its state cannot be read: {error}"))?;
        self.go_on(trial, walks, replies)
    }
}

impl Assertion for DecisionTree {
    fn start(&self, trial: &Trial<'_>) -> Step {
        if let Some(suspect) = suspicion(trial) {
            return Step::Done(suspect);
        }
        let walks = (0..self.judge.count()).map(|_| Walk::default()).collect();
        self.go_on(trial, walks, Vec::new()).unwrap_or_else(|problem| Step::Done(Scored::unscored(problem)))
    }

    fn resume(&self, trial: &Trial<'_>, State(state): State, replies: Vec<Reply>) -> Step {
        self.resumed(trial, state, replies).unwrap_or_else(|problem| Step::Done(Scored::unscored(problem)))
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        let named = self.root.questions().into_iter().chain(self.data.iter().map(|(_, expected)| expected));
        check_all(named, case)
    }

    fn label(&self, trial: &Trial<'_>) -> Option<f64> {
        self.judge.label(trial, &SCORES)
    }

    fn label_score(&self, label: &Value) -> Option<f64> {
        SCORES.score_of(label)
    }

    fn threshold(&self) -> Option<f64> {
        Some(self.threshold)
    }

    fn has_labels(&self) -> bool {
        self.judge.has_labels()
    }

    fn asks(&self) -> Vec<Asked> {
        self.judge.asks()
    }
}
