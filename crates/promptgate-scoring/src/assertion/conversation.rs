//! `conversation`: a judge looks at the turns of a conversation, of which the output is the last, in one respect.

use promptgate_core::ask::{Asked, Reply};
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::message::{Message, Part, Role};
use promptgate_core::score::Scored;
use promptgate_core::{Diagnostic, Diagnostics, Location};
use serde_json::{Map, Value, json};

use super::expected::{Expected, some_criteria, some_texts, something};
use super::judge::{
    Grade, Judge, Look, Progress, Question, Shape, Shipped, answer, aspect, check_all, judged_parameters,
    judged_params, suspicion, told,
};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, State, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "conversation",
    summary: "a judge looks at a conversation, of which the answer is the last turn, in one respect; the score is the \
              share of the assistant's turns, or of what the user wanted, that is right; `threshold` 0.5 unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![
        Parameter { name: "aspect", doc: "`relevance`, `completeness`, `retention`, `role` or `topic`" },
        Parameter {
            name: "turns",
            doc: "the earlier turns, default the case's `messages`: a list of `{ role, content }`, or of texts of which the \
                  user says the first and then both take turns; may name parts of the case",
        },
        Parameter {
            name: "question",
            doc: "what the user said last, where it is not among the turns; may name parts of the case",
        },
        Parameter {
            name: "window",
            doc: "for `relevance`: how many turns, up to the one that is judged, are looked at together, 2 to 100; default 10",
        },
        Parameter {
            name: "goals",
            doc: "for `completeness`: what was to be reached, a list; default what the user wants by the judge's reading; may name parts of the case",
        },
        Parameter { name: "role", doc: "for `role`: who the assistant is to be, in free text; may name parts of the case" },
        Parameter { name: "topics", doc: "for `topic`: what the assistant is to keep to, a list; may name parts of the case" },
    ],
    passes: Example::of("aspect = \"retention\"", "A table for two at seven, Ann.").case(EARLIER).replies(
        r#"[["{\"items\": [{\"text\": \"2: asks when\", \"verdict\": true}, {\"text\": \"4: repeats it all\", \"verdict\": true}]}"]]"#,
    ),
    fails: Example::of("aspect = \"relevance\"\nthreshold = 1.0", "It is sunny.").case(EARLIER).replies(
        r#"[["{\"reason\": \"it asks what is missing\", \"label\": \"yes\"}", "{\"reason\": \"nobody asked\", \"label\": \"no\"}"]]"#,
    ),
    build,
};

/// The case of both examples.
const EARLIER: &str = r#"{"messages": [{"role": "user", "content": "I am Ann. A table for two?"}, {"role": "model", "content": "When?"}, {"role": "user", "content": "At seven."}]}"#;

const PROMPT: Shipped = Shipped {
    name: "conversation",
    text: include_str!("judge/prompts/conversation.prompt"),
    variables: &["aspect", "items"],
};

/// The respects, and what they mean.
const ASPECTS: [(&str, &str); 5] = [
    (
        "relevance",
        "Relevance: what the assistant says bears on what was said before it, above all on what the user said last.",
    ),
    ("completeness", "Completeness: by the end of the conversation the user has got what the user wanted."),
    (
        "retention",
        "Retention: the assistant keeps in mind what the user told it in earlier turns. It does not ask for it again, forget it or contradict it.",
    ),
    ("role", "Role: the assistant speaks and acts as `role` says, and never leaves that role."),
    (
        "topic",
        "Topic: the assistant keeps to the subjects in `topics`. Where the user leaves them it is right to decline or to lead back; greetings and questions about what is meant are right too.",
    ),
];

/// The keys that one aspect alone has, and whether it needs them.
const KEYS: [(&str, &str, bool); 4] = [
    ("window", "relevance", false),
    ("goals", "completeness", false),
    ("role", "role", true),
    ("topics", "topic", true),
];

/// More turns are not judged: each may be a question of its own, and a judge's list has an end.
const MOST_TURNS: usize = 200;

judged_params! {
    struct Params {
        aspect: String,
        turns: Option<Value>,
        question: Option<Value>,
        window: Option<usize>,
        goals: Option<Value>,
        role: Option<Value>,
        topics: Option<Value>,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`conversation`")?;
    let meaning = aspect(spec, &params.aspect, &ASPECTS)?;
    check_keys(spec, &params.aspect)?;
    let parts = match params.aspect.as_str() {
        "relevance" => Parts::Windows(window(spec, params.window)?),
        "completeness" if params.goals.is_some() => Parts::Goals,
        "completeness" => Parts::Wants,
        _ => Parts::Turns,
    };
    let shape = parts.shape();
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    let read = |key: &'static str, value: &Option<Value>, rule| {
        value.as_ref().map(|value| Expected::read(&spec.params, key, value, rule)).transpose()
    };
    let given = [
        ("goals", read("goals", &params.goals, some_texts)?),
        ("role", read("role", &params.role, some_criteria)?),
        ("topics", read("topics", &params.topics, some_texts)?),
    ];
    Ok(Box::new(Conversation {
        judge,
        meaning,
        parts,
        turns: read("turns", &params.turns, |value| messages_of(value).map(|_| ()))?,
        question: read("question", &params.question, something)?,
        given: given.into_iter().filter_map(|(name, expected)| Some((name, expected?))).collect(),
        place: spec.params.place("turns"),
        shape,
        threshold: spec.threshold.unwrap_or(0.5),
    }))
}

fn check_keys(spec: &AssertionSpec, aspect: &str) -> Result<(), Diagnostic> {
    for (key, of, is_needed) in KEYS {
        let is_given = spec.params.values.contains_key(key);
        if is_given && aspect != of {
            let mistake = spec.params.mistake(key, format!("`{key}` changes nothing for `aspect = \"{aspect}\"`"));
            return Err(mistake.help(format!("leave it out, or write `aspect = \"{of}\"`")));
        }
        if is_needed && !is_given && aspect == of {
            return Err(spec.params.mistake("aspect", format!("`aspect = \"{aspect}\"` needs `{key}` to go by")));
        }
    }
    Ok(())
}

fn window(spec: &AssertionSpec, window: Option<usize>) -> Result<usize, Diagnostic> {
    let window = window.unwrap_or(10);
    match (2..=100).contains(&window) {
        true => Ok(window),
        false => {
            Err(spec.params.mistake("window", format!("`window` is {window}; 2 to 100 turns are looked at together")))
        }
    }
}

/// What is right or not, one by one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Parts {
    /// Each turn of the assistant, by the last so many turns; a question each.
    Windows(usize),
    /// Each turn of the assistant, by the whole conversation.
    Turns,
    /// Each of the suite's goals.
    Goals,
    /// Each thing that the user wanted, as the judge reads it.
    Wants,
}

impl Parts {
    fn shape(self) -> Shape {
        match self {
            Self::Windows(_) => Shape::Label(vec![("yes".to_owned(), 1.0), ("no".to_owned(), 0.0)]),
            Self::Turns | Self::Goals => Shape::Each,
            Self::Wants => Shape::Share { empty: None },
        }
    }

    /// What the judge lists; nothing where it decides on one turn.
    fn items(self) -> &'static str {
        match self {
            Self::Windows(_) => "",
            Self::Turns => {
                "Go through the turns of the assistant whose numbers are in `judged`, in this order, one item for each and none left out. `text` is the number of the turn and what it does, in few words. `verdict` is true where the turn is right in this respect, else false."
            }
            Self::Goals => {
                "Go through `goals`, in their order, one item for each and none left out. `text` is the goal in few words. `verdict` is true where the conversation has reached it by its end, else false."
            }
            Self::Wants => {
                "List what the user wants in the course of the conversation, each on its own and in few words, in the order of the conversation. `verdict` is true where the user has got it by the end, else false."
            }
        }
    }
}

struct Conversation {
    judge: Judge,
    meaning: &'static str,
    parts: Parts,
    turns: Option<Expected>,
    question: Option<Expected>,
    /// What the aspect goes by.
    given: Vec<(&'static str, Expected)>,
    /// Where the turns are named, or else the assertion.
    place: Option<Location>,
    shape: Shape,
    threshold: f64,
}

impl Conversation {
    /// What was said before the answer.
    fn earlier(&self, case: &Case) -> Result<Vec<Message>, String> {
        let mut messages = match &self.turns {
            Some(turns) => messages_of(&*turns.value(case)?)?,
            None => case.messages.clone(),
        };
        if let Some(question) = &self.question {
            messages.push(Message::text(Role::User, question.text(case)?));
        }
        if messages.len() >= MOST_TURNS {
            return Err(format!(
                "the conversation has {} turns before the answer; fewer than {MOST_TURNS} can be judged",
                messages.len()
            ));
        }
        match messages.iter().any(|message| message.role == Role::User) {
            true => Ok(messages),
            false => Err("no turn of a user stands before the answer".to_owned()),
        }
    }

    /// The turns, the answer being the last, and the places of those that are judged.
    fn turns(&self, trial: &Trial<'_>) -> Result<(Vec<Value>, Vec<usize>), String> {
        let earlier = self.earlier(trial.case)?;
        // A turn that only calls tools says nothing yet; what is said with their results is judged.
        let speaks = |message: &Message| message.role == Role::Model && !message.joined_text().trim().is_empty();
        let mut judged: Vec<usize> = (0..earlier.len()).filter(|at| speaks(&earlier[*at])).collect();
        judged.push(earlier.len());
        let said = earlier.iter().map(|message| (message.role, content(message)));
        let said = said.chain([(Role::Model, answer(trial))]).enumerate();
        let turn = |(at, (role, content))| json!({"number": at + 1, "role": speaker(role), "content": content});
        Ok((said.map(turn).collect(), judged))
    }

    /// What the aspect goes by, for a case.
    fn given(&self, case: &Case) -> Result<Map<String, Value>, String> {
        let value =
            |(name, expected): &(&'static str, Expected)| Ok(((*name).to_owned(), expected.value(case)?.into_owned()));
        self.given.iter().map(value).collect()
    }

    /// What a judge is asked: one question, or one for each turn that is judged.
    fn looks(&self, trial: &Trial<'_>) -> Result<Vec<Look>, String> {
        let (turns, judged) = self.turns(trial)?;
        let given = self.given(trial.case)?;
        let of = |turns: &[Value]| {
            let mut data = given.clone();
            data.insert("turns".to_owned(), turns.into());
            data
        };
        Ok(match self.parts {
            Parts::Windows(window) => {
                let up_to = |at: &usize| of(&turns[(at + 1).saturating_sub(window)..=*at]);
                judged.iter().map(|at| Look { data: up_to(at), each: None }).collect()
            }
            Parts::Turns => {
                let mut data = of(&turns);
                data.insert("judged".to_owned(), judged.iter().map(|at| at + 1).collect());
                vec![Look { data, each: Some(judged.len()) }]
            }
            Parts::Goals | Parts::Wants => {
                let each = given.get("goals").and_then(Value::as_array).map(Vec::len);
                vec![Look { data: of(&turns), each }]
            }
        })
    }

    /// All questions, by judge.
    fn questions(&self, trial: &Trial<'_>) -> Result<Vec<Question>, String> {
        let filling = [("aspect", self.meaning), ("items", self.parts.items())];
        let instructions: Map<String, Value> =
            filling.into_iter().map(|(name, text)| (name.to_owned(), text.into())).collect();
        Ok(Question::of_judges(self.judge.count(), &instructions, self.looks(trial)?))
    }

    fn go_on(&self, trial: &Trial<'_>, questions: &[Question], progress: Progress) -> Step {
        match progress {
            Progress::Ask(state, asks) => Step::Ask(state, asks),
            Progress::Unscored(reason) => Step::Done(Scored::unscored(reason)),
            Progress::Done(grades) => Step::Done(self.decided(trial, questions, &grades)),
        }
    }

    fn decided(&self, trial: &Trial<'_>, questions: &[Question], grades: &[Grade]) -> Scored {
        let windows = grades.len() / self.judge.count();
        let of_judge: Vec<Grade> = match self.parts {
            Parts::Windows(_) => {
                let rounds = grades.chunks(windows).zip(questions.chunks(windows));
                rounds.map(|(grades, windows)| over_windows(grades, windows)).collect()
            }
            _ => grades.to_vec(),
        };
        self.judge.decided((&of_judge, self.threshold), Some(trial), told(&self.judge, &of_judge))
    }
}

/// The share of turns that one judge finds right, and what it says of the others.
fn over_windows(grades: &[Grade], windows: &[Question]) -> Grade {
    let number = |window: &Question| window.data["turns"].as_array()?.last()?["number"].as_u64();
    let wrong = grades.iter().zip(windows).filter(|(grade, _)| grade.score < 1.0);
    let wrong = wrong.map(|(grade, window)| format!("turn {}: {}", number(window).unwrap_or_default(), grade.reason));
    let wrong: Vec<String> = wrong.collect();
    let share = grades.iter().map(|grade| grade.score).sum::<f64>() / grades.len() as f64;
    match wrong.as_slice() {
        [] => Grade::of(share, format!("all {} turns hold", grades.len())),
        wrong => {
            Grade::of(share, format!("{} of {} turns do not hold: {}", wrong.len(), grades.len(), wrong.join("; ")))
        }
    }
}

/// Reads turns: a list, or the JSON text of one, as a CSV file holds it.
fn messages_of(value: &Value) -> Result<Vec<Message>, String> {
    let parsed = value.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let Value::Array(turns) = parsed.as_ref().unwrap_or(value) else {
        return Err("is no list of turns such as `{ role = \"user\", content = \"...\" }`".to_owned());
    };
    let mut messages: Vec<Message> = Vec::new();
    for (at, turn) in turns.iter().enumerate() {
        let message = match turn {
            Value::String(text) => Message::text(next_speaker(&messages), text),
            turn => serde_json::from_value(turn.clone())
                .map_err(|error| format!("holds a turn that cannot be read, number {}: {error}", at + 1))?,
        };
        messages.push(message);
    }
    Ok(messages)
}

/// Who says a text that does not tell.
fn next_speaker(messages: &[Message]) -> Role {
    match messages.last() {
        Some(Message { role: Role::User, .. }) => Role::Model,
        _ => Role::User,
    }
}

fn speaker(role: Role) -> &'static str {
    match role {
        Role::Model => "assistant",
        other => other.as_str(),
    }
}

/// What is said in a turn. Of a file stands its type alone: its bytes would drown the rest.
fn content(message: &Message) -> Value {
    if message.content.iter().all(|part| part.as_text().is_some()) {
        return message.joined_text().into();
    }
    let part = |part: &Part| match part {
        Part::Text { text } => Value::from(text.clone()),
        Part::Media { media } => json!({"media": media.content_type}),
        other => serde_json::to_value(other).unwrap_or_default(),
    };
    message.content.iter().map(part).collect()
}

impl Assertion for Conversation {
    fn start(&self, trial: &Trial<'_>) -> Step {
        if let Some(suspect) = suspicion(trial) {
            return Step::Done(suspect);
        }
        match self.questions(trial) {
            Ok(questions) => self.go_on(trial, &questions, self.judge.begin(&questions, &self.shape)),
            Err(problem) => Step::Done(Scored::unscored(problem)),
        }
    }

    fn resume(&self, trial: &Trial<'_>, state: State, replies: Vec<Reply>) -> Step {
        match self.questions(trial) {
            Ok(questions) => {
                let progress = self.judge.proceed(&questions, &self.shape, state, replies);
                self.go_on(trial, &questions, progress)
            }
            Err(problem) => Step::Done(Scored::unscored(problem)),
        }
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        let named = self.turns.iter().chain(&self.question).chain(self.given.iter().map(|(_, expected)| expected));
        check_all(named, case)?;
        self.earlier(case).map(|_| ()).map_err(|problem| {
            let mistake = Diagnostic::new(format!("`conversation` for case `{}`: {problem}", case.id));
            let mistake = mistake.help("give the case `messages`, or name what was said with `turns` or `question`");
            match &self.place {
                Some(place) => mistake.at(place.clone()).into(),
                None => mistake.into(),
            }
        })
    }

    fn label(&self, trial: &Trial<'_>) -> Option<f64> {
        self.judge.label(trial, &self.shape)
    }

    fn label_score(&self, label: &Value) -> Option<f64> {
        self.shape.score_of(label)
    }

    fn labels(&self) -> &[(String, f64)] {
        self.shape.labels()
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
