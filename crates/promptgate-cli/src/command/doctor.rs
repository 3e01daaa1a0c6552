//! `doctor`: whether everything is there that a run will need. No model is asked anything.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use promptgate_core::ask::Asked;
use promptgate_core::exit::ExitCode;
use promptgate_core::name::ModelId;
use promptgate_core::port::Clock;
use promptgate_core::price::Prices;
use promptgate_core::reference::Reference;
use promptgate_provider::{
    AnswersFrom, Checkup, Keys, ModelSetup, ProviderSet, Reached, Setup, SetupError, overridden,
};
use promptgate_report::escape::terminal_line;
use promptgate_runner::LoadedVersion;
use promptgate_store::cache::{Access, Cache};
use promptgate_store::{SystemClock, disk_room};

use crate::args::DoctorArgs;
use crate::error::Failure;
use crate::evaluate::grader;
use crate::output::Output;
use crate::session::{Opened, Session};

/// A clock that is further away spoils signatures and `Retry-After` dates.
const MOST_SKEW_S: i64 = 60;

/// A model that is shut down within so many days is named.
const SOON_DAYS: i64 = 90;

/// Less room than this does not hold a run.
const LITTLE_ROOM: u64 = 200 << 20;

/// What was found, line by line, and how bad it is.
struct Findings {
    text: String,
    worst: ExitCode,
}

impl Findings {
    fn good(&mut self, what: &str, told: &str) {
        self.line("ok ", what, told);
    }

    fn note(&mut self, what: &str, told: &str) {
        self.line("-  ", what, told);
    }

    /// Something that will be in the way. The first code stays.
    fn bad(&mut self, code: ExitCode, what: &str, told: &str) {
        self.line("NO ", what, told);
        if self.worst == ExitCode::Done {
            self.worst = code;
        }
    }

    fn line(&mut self, mark: &str, what: &str, told: &str) {
        self.text.push_str(&format!("{mark} {what:<12} {}\n", terminal_line(told)));
    }
}

pub fn run(args: &DoctorArgs, out: &Output) -> Result<ExitCode, Failure> {
    let opened = Opened::here(out)?;
    let mut found = Findings { text: String::new(), worst: ExitCode::Done };
    found.good("project", &opened.root().display().to_string());
    let used = models(&opened, &mut found, out);
    state(&opened, &mut found, out);
    providers(&opened, &used, args.offline, &mut found, out)?;
    let written = out.print(&found.text);
    Ok(if found.worst == ExitCode::Done { written } else { found.worst })
}

/// The models of a provider that suites use.
#[derive(Default)]
struct Used {
    models: Vec<ModelId>,
    /// Whether one of them has no recording, so that it has to be called.
    is_called: bool,
}

/// The models of all suites, by provider.
fn models(opened: &Opened, found: &mut Findings, out: &Output) -> BTreeMap<Arc<str>, Used> {
    let mut used: BTreeMap<Arc<str>, Used> = BTreeMap::new();
    let folders = opened.suites().unwrap_or_default();
    let mut readable = 0;
    for folder in &folders {
        match Session::open(opened.clone(), folder, out) {
            Ok(session) => {
                readable += 1;
                for (id, is_called) in of_suite(&session) {
                    let provider = used.entry(id.provider.clone()).or_default();
                    provider.is_called |= is_called;
                    if !provider.models.contains(&id) {
                        provider.models.push(id);
                    }
                }
            }
            Err(_) => found.bad(
                ExitCode::Usage,
                "suite",
                &format!("{folder} cannot be read; `promptgate check {folder}` says why"),
            ),
        }
    }
    match readable {
        0 => found.note("suites", "none below `suites/`"),
        count => found.good("suites", &format!("{count} below `suites/`")),
    }
    used
}

/// The models of a suite, of its prompts and of its assertions, and whether they are called. What cannot be read is for
/// `check` to tell.
fn of_suite(session: &Session) -> Vec<(ModelId, bool)> {
    let prompts = session.prompts().unwrap_or_default().into_iter();
    let versions: Vec<LoadedVersion> =
        prompts.filter_map(|prompt| session.version(&Reference::File(prompt)).ok()).collect();
    let tested = versions.iter().filter_map(|loaded| session.models(&[], Some(&loaded.version)).ok()).flatten();
    let tested = tested.map(|model| (model.id, model.recording.is_none()));
    let asked = grader(session, &versions).map(|grader| grader.asked()).unwrap_or_default().into_iter();
    let is_recorded =
        |id: &ModelId| session.suite.judges.iter().any(|judge| judge.id == *id && judge.recording.is_some());
    let asked = asked.filter_map(|asked| match asked {
        Asked::Model(id, _) => Some((id.clone(), !is_recorded(&id))),
        Asked::Consultant(_) => None,
    });
    tested.chain(asked).collect()
}

/// Runs, cache, disk.
fn state(opened: &Opened, found: &mut Findings, out: &Output) {
    match opened.runs().list() {
        Ok(runs) => found.good("runs", &format!("{} stored", runs.len())),
        Err(error) => found.bad(ExitCode::Usage, "runs", &error.to_string()),
    }
    match Cache::open(&opened.runs(), Access::ReadOnly, Arc::new(SystemClock), out.scrubber.clone()) {
        Ok(None) if Cache::is_there(&opened.runs()) => {
            found.note("cache", "of an older promptgate; the next run empties it");
        }
        Ok(None) => found.note("cache", "none yet"),
        Ok(Some(cache)) => match cache.stats() {
            Ok(stats) if stats.health == "ok" => found.good("cache", &format!("{} answers, whole", stats.answers)),
            Ok(stats) => found.bad(
                ExitCode::Usage,
                "cache",
                &format!("damaged: {}; `promptgate cache prune --all` puts an empty one in its place", stats.health),
            ),
            Err(error) => found.bad(ExitCode::Usage, "cache", &error.to_string()),
        },
        Err(error) => found.bad(ExitCode::Usage, "cache", &error.to_string()),
    }
    match disk_room(opened.root()) {
        Ok(room) if room < LITTLE_ROOM => {
            found.bad(ExitCode::Incomplete, "disk", &format!("{} MB are free", room >> 20))
        }
        Ok(room) => found.good("disk", &format!("{:.1} GB are free", room as f64 / 1e9)),
        Err(error) => found.bad(ExitCode::Usage, "disk", &error.to_string()),
    }
}

/// Every provider by itself: one that is set up wrongly must not hide the others.
fn providers(
    opened: &Opened,
    used: &BTreeMap<Arc<str>, Used>,
    offline: bool,
    found: &mut Findings,
    out: &Output,
) -> Result<(), Failure> {
    let prices = Prices::embedded();
    let environment = |name: &str| std::env::var(name).ok();
    let setup = Setup {
        settings: &opened.settings().providers,
        environment: &environment,
        tree: opened.tree().as_ref(),
        root: opened.root(),
        scrubber: &out.scrubber,
        prices: &prices,
        clock: Arc::new(SystemClock),
        // A program under test is looked at, not run. What prints a key would be: `prints_key`.
        allow_exec: true,
        keys: Keys::Needed,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(ExitCode::Bug, format!("cannot start: {error}")))?;
    for (name, Used { models, is_called }) in used {
        if prints_key(opened, name) && !opened.allows_programs() {
            found.note(
                name,
                "its key comes from a command, which was not run: programs are off, so runs need --allow-exec",
            );
            continue;
        }
        for line in overridden([&**name], setup.settings, &environment) {
            found.note(name, &line);
        }
        let wanted = models.iter().map(|id| ModelSetup {
            id: id.clone(),
            answers: AnswersFrom::Provider,
            asked: BTreeSet::new(),
        });
        match ProviderSet::build(wanted.collect(), &setup) {
            Err(SetupError::Credential(_)) if !is_called => {
                found.note(name, "no key; the suites answer from recordings");
            }
            Err(SetupError::Credential(missing)) => found.bad(ExitCode::NoPermission, name, &missing.to_string()),
            Err(SetupError::Invalid(wrong)) => found.bad(ExitCode::Usage, name, &wrong.to_string()),
            Ok(set) if set.is_program(name) && !opened.allows_programs() => {
                found.note(name, "a program on this machine; programs are off, so runs need --allow-exec");
            }
            Ok(set) if set.is_local(name) => found.good(name, "on this machine"),
            Ok(_) if offline => found.good(name, "set up, its key is there; not called (--offline)"),
            Ok(set) => match runtime.block_on(set.checkups()).into_iter().next() {
                None => found.good(name, "on this machine"),
                Some(checkup) => reached(&checkup, models, found),
            },
        }
    }
    Ok(())
}

/// Whether a program prints the key of a provider.
fn prints_key(opened: &Opened, name: &str) -> bool {
    opened.settings().providers.get(name).is_some_and(|provider| {
        provider.key_command.is_some() && provider.key_env.is_none() && provider.key_file.is_none()
    })
}

fn reached(checkup: &Checkup, models: &[ModelId], found: &mut Findings) {
    let (name, place) = (&checkup.provider, &checkup.base_url);
    let key = if checkup.has_key { "with a key" } else { "without a key" };
    if let Some(ahead) = checkup.clock_ahead_s.filter(|ahead| ahead.abs() > MOST_SKEW_S) {
        let way = if ahead > 0 { "behind" } else { "ahead of" };
        found.bad(ExitCode::Unavailable, "clock", &format!("{} s {way} that of {name}; set it", ahead.abs()));
    }
    match &checkup.reached {
        Err(why) => found.bad(ExitCode::Unavailable, name, &format!("{place}, {key}: {why}")),
        Ok(said) => {
            let answered = format!("{place}, {key}: answered in {} ms", said.took.as_millis());
            match &said.no_list {
                Some(what) => found.note(name, &format!("{answered}, but {what}: is the base URL right?")),
                None => found.good(name, &answered),
            }
            told(name, said, models, found);
        }
    }
}

/// What a provider that was reached says of the models that suites use.
fn told(name: &str, said: &Reached, models: &[ModelId], found: &mut Findings) {
    let Some(listed) = &said.models else { return };
    for id in models {
        let Some(model) = said.model(&id.model) else {
            found.note(name, &format!("{} models are listed, `{}` is not among them", listed.len(), id.model));
            continue;
        };
        let called = match model.id == *id.model {
            true => format!("`{}`", id.model),
            false => format!("`{}`, listed as `{}`,", id.model, model.id),
        };
        match model.retires.as_deref().map(|date| (date, days_until(date))) {
            Some((date, Some(days))) if days < 0 => {
                found.bad(ExitCode::Unavailable, name, &format!("{called} was shut down on {date}"));
            }
            Some((date, Some(days))) if days <= SOON_DAYS => {
                found.bad(ExitCode::Unavailable, name, &format!("{called} is shut down on {date}, in {days} days"));
            }
            Some((date, _)) => found.good(name, &format!("{called} is there, until {date}")),
            None => found.good(name, &format!("{called} is there")),
        }
    }
}

/// Days from now to a date such as `2027-01-31`; nothing where it is none.
fn days_until(date: &str) -> Option<i64> {
    let then = i64::try_from(SystemClock::ms_of_day(date.get(..10)?)?).ok()?;
    Some((then - i64::try_from(SystemClock.now_ms()).ok()?) / 86_400_000)
}
