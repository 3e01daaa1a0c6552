//! A run that is killed, again and again, or told to stop: what it holds is kept, and it goes on where it was.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use promptgate_testkit::Project;
use serde_json::Value;

use crate::rehearsal;

const CASES: usize = 500;
/// Two versions, two repeats.
const TRIALS: usize = CASES * 2 * 2;
const CONCURRENCY: usize = 8;
const LATENCY: [&str; 2] = ["6ms", "14ms"];
const KILLS: usize = 50;

/// What one group commit of 50 ms holds at most when calls take 6 ms or more.
const OPEN_BATCH: usize = CONCURRENCY * 50 / 6;

/// A trial as both the calls log and the run's file name it: prompt, case, repeat.
type Trial = (String, String, u64);

fn start(project: &Project, resume: bool) -> Child {
    let concurrency = CONCURRENCY.to_string();
    let mut words = vec!["gate", "suites/rehearsal", "--quiet", "--concurrency", &concurrency];
    let reports = rehearsal::report_flags();
    words.extend(reports.iter().map(String::as_str));
    if resume {
        words.push("--resume");
    }
    project.spawn(words)
}

/// When each process dies: once it has written so much, and a moment later. What it wrote, and not how long it lived, so
/// that a busy machine meets the same phases of a run as an idle one.
struct Moments {
    seed: u64,
}

/// When one process dies.
struct Moment {
    /// Bytes that it has added to the run's file.
    grown: u64,
    /// How long after that.
    later: Duration,
}

impl Moments {
    /// Bytes that some four group commits hold.
    const MOST_GROWN: f64 = 128.0 * 1024.0;

    /// About one group commit.
    const LATEST: Duration = Duration::from_millis(60);

    /// One process in four dies before it has written anything.
    fn next(&mut self) -> Moment {
        let begins = self.draw() < 0.25;
        let grown = if begins { 0 } else { (Self::MOST_GROWN * self.draw()) as u64 };
        Moment { grown, later: Self::LATEST.mul_f64(self.draw()) }
    }

    /// Evenly from 0 to 1.
    fn draw(&mut self) -> f64 {
        // xorshift64*, Vigna 2016.
        self.seed ^= self.seed >> 12;
        self.seed ^= self.seed << 25;
        self.seed ^= self.seed >> 27;
        (self.seed.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

impl Moment {
    /// Waits for it, or for the process to end.
    fn wait(&self, chain: &Chain, child: &mut Child) {
        let file = || rehearsal::run_file(&chain.project).and_then(|file| fs::metadata(file).ok());
        let written = || file().map_or(0, |file| file.len());
        let until = chain.held.len() as u64 + self.grown;
        while written() < until && child.try_wait().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(self.later);
    }
}

/// The settled trials of a run's file, each whole line of it.
fn settled(text: &str) -> Vec<Trial> {
    let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let Some(header) = lines.next() else { return Vec::new() };
    let name = |version: &Value| header["header"]["versions"][version.as_u64().unwrap() as usize]["reference"].clone();
    let trial = |line: Value| {
        let trial = line.get("trial")?.clone();
        Some(named(&name(&trial["version"]), &trial["case"]["id"], &trial["repeat"]))
    };
    lines.filter_map(trial).collect()
}

fn named(prompt: &Value, case: &Value, repeat: &Value) -> Trial {
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned();
    (text(prompt), text(case), repeat.as_u64().unwrap())
}

fn calls(project: &Project) -> Vec<Trial> {
    let log = fs::read_to_string(project.path("calls.jsonl")).unwrap_or_default();
    let call = |line: &str| {
        let call: Value = serde_json::from_str(line).unwrap();
        named(&call["prompt"], &call["case"], &call["repeat"])
    };
    log.lines().map(call).collect()
}

/// The whole lines of a run's file; what is behind them was being written when the process died.
fn whole_lines(file: &Path) -> String {
    let bytes = fs::read(file).unwrap();
    let end = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    String::from_utf8(bytes[..end].to_vec()).unwrap()
}

/// One run and what it held and asked when it was last looked at.
struct Chain {
    project: Project,
    held: String,
    called: usize,
    kills: usize,
}

impl Chain {
    fn new() -> Self {
        Self { project: rehearsal::project(CASES, LATENCY), held: String::new(), called: 0, kills: 0 }
    }

    fn start(&self) -> Child {
        start(&self.project, rehearsal::run_file(&self.project).is_some())
    }

    /// Looks at the disk after a process ended: nothing that was there is gone, and nothing that was there was asked for.
    fn look(&mut self) {
        let Some(file) = rehearsal::run_file(&self.project) else { return };
        let now = whole_lines(&file);
        assert!(now.starts_with(&self.held), "after kill {} lines are gone that were there before", self.kills);
        let calls = calls(&self.project);
        let held: HashSet<Trial> = settled(&self.held).into_iter().collect();
        let mut asked = HashSet::new();
        for call in &calls[self.called..] {
            assert!(!held.contains(call), "{call:?} was settled and is asked again");
            assert!(asked.insert(call), "{call:?} is asked twice by one process");
        }
        (self.held, self.called) = (now, calls.len());
    }

    /// Every trial once, and no more calls than were under way or in the open batch at a kill.
    fn check_complete(&self) {
        let mut times: BTreeMap<Trial, u32> = BTreeMap::new();
        for trial in settled(&self.held) {
            *times.entry(trial).or_default() += 1;
        }
        assert_eq!(times.len(), TRIALS, "trials in the run's file");
        assert!(times.values().all(|times| *times == 1), "a trial is there twice: {times:?}");
        let allowed = TRIALS + self.kills * (CONCURRENCY + OPEN_BATCH);
        assert!(self.called <= allowed, "{} calls after {} kills, allowed are {allowed}", self.called, self.kills);
    }
}

/// How a process ended.
#[derive(PartialEq)]
enum Ended {
    /// It was killed.
    Killed,
    /// It was done before the moment came.
    ByItself,
}

/// Starts, kills at the moment, and looks.
fn kill(chain: &mut Chain, moments: &mut Moments) -> Ended {
    let mut child = chain.start();
    moments.next().wait(chain, &mut child);
    child.kill().unwrap();
    let ended = if child.wait().unwrap().code().is_none() { Ended::Killed } else { Ended::ByItself };
    chain.kills += usize::from(ended == Ended::Killed);
    chain.look();
    ended
}

#[test]
fn a_run_killed_at_50_moments_and_resumed_loses_and_doubles_nothing() {
    let undisturbed = Chain::new();
    let output = undisturbed.start().wait_with_output().unwrap();
    let expected = (output.status.code(), rehearsal::reports(&undisturbed.project));
    assert_eq!(calls(&undisturbed.project).len(), TRIALS);

    let mut moments = Moments { seed: 0x5EED };
    let (mut kills, mut under_way) = (0, 0);
    while kills < KILLS {
        let mut chain = Chain::new();
        while kills < KILLS && kill(&mut chain, &mut moments) == Ended::Killed {
            kills += 1;
            under_way += usize::from((1..TRIALS).contains(&settled(&chain.held).len()));
        }
        let output = chain.start().wait_with_output().unwrap();
        chain.look();
        chain.check_complete();
        assert_eq!((output.status.code(), rehearsal::reports(&chain.project)), expected, "reports after {kills} kills");
    }
    assert!(under_way >= KILLS / 2, "only {under_way} kills met a run under way");
}

/// Sends Ctrl-C.
fn interrupt(child: &Child) {
    let status = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Waits until a run is well under way: something is settled in its file.
fn wait_until_under_way(project: &Project) {
    let begin = Instant::now();
    while rehearsal::run_file(project).is_none_or(|file| settled(&whole_lines(&file)).is_empty()) {
        assert!(begin.elapsed() < Duration::from_secs(20), "the run does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn one_interrupt_stops_cleanly_and_the_printed_line_completes_the_run() {
    let project = rehearsal::project(150, ["15ms", "30ms"]);
    let child = start(&project, false);
    wait_until_under_way(&project);
    let begin = Instant::now();
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert!(begin.elapsed() < Duration::from_secs(2), "the prompt is back after {:?}", begin.elapsed());
    let talk = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(106), "{talk}");
    assert!(output.stdout.is_empty(), "an interrupted gate has no verdict");
    let held = settled(&whole_lines(&rehearsal::run_file(&project).unwrap())).len();
    assert!(talk.contains(&format!("{held} of 600 trials are settled and kept")), "{held}: {talk}");

    let line = talk.lines().find_map(|line| line.split_once("go on with: promptgate ")).unwrap().1;
    let words = Command::new("sh").args(["-c", &format!("printf '%s\\n' {line}")]).output().unwrap().stdout;
    let words = String::from_utf8(words).unwrap();
    let output = project.run(words.lines());
    assert!([0, 100, 102].contains(&output.code), "{output:?}");
    assert_eq!(settled(&whole_lines(&rehearsal::run_file(&project).unwrap())).len(), 600);
    let undisturbed = rehearsal::project(150, ["15ms", "30ms"]);
    assert_eq!(start(&undisturbed, false).wait_with_output().unwrap().status.code(), Some(output.code));
    assert_eq!(rehearsal::reports(&project), rehearsal::reports(&undisturbed));
}

#[test]
fn the_second_interrupt_ends_at_once() {
    // Calls that take longer than a clean stop would wait.
    let project = rehearsal::project(300, ["1ms", "5s"]);
    let mut child = start(&project, false);
    wait_until_under_way(&project);
    interrupt(&child);
    std::thread::sleep(Duration::from_millis(100));
    assert!(child.try_wait().unwrap().is_none(), "a clean stop waits for what is under way");
    let begin = Instant::now();
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(begin.elapsed() < Duration::from_millis(500), "{:?}", begin.elapsed());
}
