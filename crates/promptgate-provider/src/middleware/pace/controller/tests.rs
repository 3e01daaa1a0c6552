use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use super::*;

/// A provider that refuses what a bucket does not hold, seen on a clock that jumps.
struct Simulated {
    rate: f64,
    capacity: f64,
    level: f64,
    filled: f64,
    latency: f64,
    /// When it refuses everything.
    down: std::ops::Range<f64>,
    /// The share that it refuses whatever the rate.
    by_chance: f64,
    draws: Draws,
    /// Whether a refusal says how long to wait, and what it says.
    retry_after: Wait,
    /// How it refuses.
    refusal: fn(Option<f64>) -> Ended,
    /// How many calls it serves at a time, and does.
    slots: usize,
    serving: usize,
    /// Whether a refusal is followed by others for as long as it says, and until when.
    means_it: bool,
    means_until: f64,
    /// When calls were let in that count against a window of a minute, where it is one.
    window: Option<VecDeque<f64>>,
    /// Seconds that a refusal takes.
    refusal_latency: f64,
    /// Whether latencies differ (exponentially distributed).
    is_spread: bool,
}

/// What a refusal says of the seconds until there is room.
type Wait = fn(f64) -> Option<f64>;

#[derive(Debug, Default, Clone, Copy)]
struct Counted {
    answered: f64,
    refused: f64,
}

impl Simulated {
    fn of(rate: f64, latency: f64, retry_after: Wait) -> Self {
        let capacity = rate.max(1.0);
        Self {
            rate,
            capacity,
            level: capacity,
            filled: 0.0,
            latency,
            down: 0.0..0.0,
            by_chance: 0.0,
            draws: Draws(1),
            retry_after,
            refusal: Ended::Refused,
            slots: usize::MAX,
            serving: 0,
            means_it: false,
            means_until: 0.0,
            window: None,
            refusal_latency: 0.02,
            is_spread: false,
        }
    }

    /// The same of a bucket that holds what flows in in so many seconds.
    fn holding(self, seconds: f64) -> Self {
        let capacity = (self.rate * seconds).max(1.0);
        Self { capacity, level: capacity, ..self }
    }

    fn receive(&mut self, now: f64) -> Ended {
        self.level = match &mut self.window {
            None => (self.level + (now - self.filled) * self.rate).min(self.capacity),
            Some(window) => {
                while window.front().is_some_and(|time| now - time > 60.0) {
                    window.pop_front();
                }
                60.0 * self.rate - window.len() as f64
            }
        };
        self.filled = now;
        if now < self.means_until {
            return (self.refusal)(Some(self.means_until - now));
        }
        let is_refused = self.down.contains(&now) || self.draws.below(1.0) < self.by_chance;
        if is_refused || self.serving >= self.slots {
            return (self.refusal)((self.retry_after)(1.0));
        }
        if self.level >= 1.0 {
            self.level -= 1.0;
            self.window.iter_mut().for_each(|window| window.push_back(now));
            self.serving += 1;
            return Ended::Answered;
        }
        let until = self.window.as_ref().map(|window| window.front().map_or(0.0, |oldest| oldest + 60.0 - now));
        let wait = (self.retry_after)(until.unwrap_or((1.0 - self.level) / self.rate));
        if self.means_it {
            self.means_until = now + wait.unwrap_or(0.0);
        }
        (self.refusal)(wait)
    }

    fn seconds_to(&mut self, outcome: Ended) -> f64 {
        match outcome {
            Ended::Answered if self.is_spread => -self.latency * (1.0 - self.draws.below(1.0)).ln(),
            Ended::Answered => self.latency,
            _ => self.refusal_latency,
        }
    }

    /// Calls as fast as the controller lets them go, and counts what ends between two times.
    fn run(&mut self, controller: &mut Controller, between: (f64, f64), in_flight: usize) -> Counted {
        self.run_all(std::slice::from_mut(controller), between, in_flight)[0]
    }

    /// The same of several controllers, each with so many calls.
    fn run_all(&mut self, controllers: &mut [Controller], between: (f64, f64), in_flight: usize) -> Vec<Counted> {
        self.run_from(0.0, controllers, between, in_flight)
    }

    /// The same from a time on.
    fn run_from(
        &mut self,
        start: f64,
        controllers: &mut [Controller],
        between: (f64, f64),
        in_flight: usize,
    ) -> Vec<Counted> {
        let mut counted = vec![Counted::default(); controllers.len()];
        // Micro-seconds, since times are ordered exactly in a heap of integers.
        let mut under_way: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
        let mut outcomes: std::collections::HashMap<(u64, u64), (usize, f64, Ended)> = Default::default();
        let (mut now, mut number) = (start, 0);
        while now < between.1 {
            let (mut next, mut went) = (f64::INFINITY, false);
            for (at, controller) in controllers.iter_mut().enumerate() {
                match if controller.in_flight < in_flight { controller.admit(now) } else { Admission::Full } {
                    Admission::Go => {
                        let outcome = self.receive(now);
                        let key = (((now + self.seconds_to(outcome)) * 1e6) as u64, number);
                        number += 1;
                        under_way.push(Reverse(key));
                        outcomes.insert(key, (at, now, outcome));
                        went = true;
                    }
                    Admission::At(time) => next = next.min(time),
                    Admission::Full => {}
                }
            }
            let ends = under_way.peek().map_or(f64::INFINITY, |Reverse((time, _))| *time as f64 / 1e6);
            if went || next < ends {
                now = if went { now } else { next.max(now + 1e-6) };
                continue;
            }
            let Some(Reverse(key)) = under_way.pop() else { panic!("frozen at {now}: {controllers:?}") };
            now = ends.max(now);
            let (at, sent, outcome) = outcomes.remove(&key).unwrap();
            controllers[at].ended(sent, outcome, now);
            self.serving -= usize::from(outcome == Ended::Answered);
            if now >= between.0 {
                match outcome {
                    Ended::Answered => counted[at].answered += 1.0,
                    _ => counted[at].refused += 1.0,
                }
            }
        }
        counted
    }
}

fn honest(wait: f64) -> Option<f64> {
    Some(wait)
}

/// What providers say of how long to wait.
const WAITS: [(&str, Wait); 7] = [
    ("honest", honest),
    ("absent", |_| None),
    ("whole seconds", |wait| Some(wait.ceil())),
    ("too short", |wait| Some(wait / 10.0)),
    ("negative", |_| Some(-7.0)),
    ("twenty seconds", |_| Some(20.0)),
    ("a minute", |_| Some(60.0)),
];

const MINUTES: f64 = 60.0;

/// Calls a provider between two times, and says what share of what it can give was had, and what share of the calls was
/// wasted.
fn had_and_wasted(mut provider: Simulated, in_flight: usize, (from, to): (f64, f64)) -> (f64, f64) {
    let possible = provider.rate.min(in_flight as f64 / provider.latency) * (to - from);
    let mut controller = Controller::new(f64::INFINITY, 120.0);
    let counted = provider.run(&mut controller, (from, to), in_flight);
    (counted.answered / possible, counted.refused / (counted.answered + counted.refused))
}

/// B-1: an hour against a bucket, from a storm of a thousand calls at once.
#[test]
fn after_a_storm_nine_tenths_of_what_the_bucket_gives_are_had_and_few_calls_are_wasted() {
    for rate in [1.0, 5.0, 20.0, 100.0, 500.0] {
        for latency in [0.1, 1.0, 5.0] {
            for (name, retry_after) in WAITS {
                let provider = Simulated::of(rate, latency, retry_after);
                // Of many calls a second, some minutes show as much.
                let to = if rate > 20.0 { 6.0 * MINUTES } else { 60.0 * MINUTES };
                let (had, wasted) = had_and_wasted(provider, 1_000, (MINUTES, to));
                let what = format!("{rate}/s, {latency} s, {name}: had {had:.3}, wasted {wasted:.3}");
                assert!(had >= 0.9 && wasted <= 0.05, "{what}");
            }
        }
    }
}

/// B-1: whatever the bucket holds, however long refusals take, and where answers take now long, now short.
#[test]
fn whatever_a_bucket_holds_what_it_gives_is_had() {
    for seconds in [0.0, 1.0, 10.0, 60.0] {
        for refusal_latency in [0.02, 0.3] {
            for rate in [1.0, 20.0, 100.0] {
                for (name, retry_after) in WAITS {
                    let bucket = Simulated::of(rate, 3.0, retry_after).holding(seconds);
                    let bucket = Simulated { refusal_latency, is_spread: true, ..bucket };
                    // What a bucket holds at first hides what it gives.
                    let (had, wasted) = had_and_wasted(bucket, 1_000, (60.0 + 2.0 * seconds, 13.0 * MINUTES));
                    let what = format!("{seconds} s, {refusal_latency} s, {rate}/s, {name}: {had:.3}, {wasted:.3}");
                    // What holds a single call gives less the moment that it is asked for more.
                    assert!(had >= if seconds > 0.0 { 0.9 } else { 0.85 } && wasted <= 0.05, "{what}");
                }
            }
        }
    }
}

/// B-1: a limit that others took most of is had alone soon after they are done, also where refusals ask for long waits.
#[test]
fn who_shared_a_bucket_has_it_alone_within_minutes() {
    for rate in [5.0, 20.0] {
        for (name, retry_after) in WAITS {
            let mut provider = Simulated::of(rate, 0.5, retry_after);
            let mut controllers: Vec<_> = (0..2).map(|_| Controller::new(f64::INFINITY, 120.0)).collect();
            provider.run_all(&mut controllers, (0.0, 40.0), 32);
            for controller in &mut controllers {
                let mut provider = Simulated { filled: 40.0, level: 0.0, ..Simulated::of(rate, 0.5, retry_after) };
                controller.in_flight = 0;
                let from = 40.0 + 4.0 * MINUTES;
                let counted = provider.run_from(40.0, std::slice::from_mut(controller), (from, from + MINUTES), 32);
                let had = counted[0].answered / (rate * MINUTES);
                assert!(had >= 0.9, "{rate}/s, {name}: had {had:.3}, {controller:?}");
            }
        }
    }
}

/// B-1: some limits are a few calls a minute. Each call that is refused waits for its turn, and gives up after a few.
#[test]
fn a_few_calls_a_minute_are_made_without_many_that_are_refused() {
    for rate in [0.1, 1.0 / 6.0, 0.25, 0.5] {
        for latency in [1.0, 5.0] {
            for (name, retry_after) in [WAITS[0], WAITS[2]] {
                let provider = Simulated::of(rate, latency, retry_after);
                let (had, wasted) = had_and_wasted(provider, 32, (5.0 * MINUTES, 65.0 * MINUTES));
                assert!(had >= 0.8 && wasted <= 0.08, "{rate}/s, {latency} s, {name}: {had:.3}, {wasted:.3}");
            }
        }
    }
}

/// B-1: a quota of so many in any minute.
#[test]
fn a_window_of_a_minute_gives_as_much_where_it_says_how_long_to_wait() {
    for rate in [1.0, 5.0, 20.0, 100.0] {
        for latency in [0.3, 3.0] {
            for (name, retry_after) in [WAITS[0], WAITS[2]] {
                let window = Simulated { window: Some(VecDeque::new()), ..Simulated::of(rate, latency, retry_after) };
                let (had, wasted) = had_and_wasted(window, 1_000, (MINUTES, 21.0 * MINUTES));
                // What a storm took all at once comes back all at once, every minute.
                assert!(had >= 0.9 && wasted <= 0.11, "{rate}/s, {latency} s, {name}: {had:.3}, {wasted:.3}");
            }
        }
    }
}

/// B-1: who refuses all calls for as long as he says, whatever they are, is asked for more only rarely.
#[test]
fn waits_that_are_meant_are_seldom_brought_about() {
    let waits: [(Wait, f64); 3] = [(|_| Some(2.0), 0.8), (|_| Some(10.0), 0.8), (|_| Some(20.0), 0.7)];
    for rate in [1.0, 5.0, 20.0, 100.0] {
        for latency in [0.1, 1.0, 5.0] {
            for (retry_after, least) in waits {
                let bucket = Simulated::of(rate, latency, retry_after);
                let (had, wasted) =
                    had_and_wasted(Simulated { means_it: true, ..bucket }, 1_000, (MINUTES, 11.0 * MINUTES));
                let what = format!("{rate}/s, {latency} s, {least}: had {had:.3}, wasted {wasted:.3}");
                assert!(had >= least && wasted <= 0.03, "{what}");
            }
        }
    }
}

/// B-1: whatever refused all calls for a while, a minute later the pace is what it was.
#[test]
fn after_a_time_in_which_all_was_refused_the_pace_comes_back_within_a_minute() {
    for rate in [2.0, 20.0, 200.0] {
        let outages = (1..20).map(|number| 5.0..5.0 + 15.0 * f64::from(number));
        for down in [0.0..15.0, 30.0..31.0].into_iter().chain(outages) {
            for (name, retry_after) in WAITS {
                let mut provider = Simulated { down: down.clone(), ..Simulated::of(rate, 0.2, retry_after) };
                let mut controller = Controller::new(f64::INFINITY, 120.0);
                // Nobody is there before the longest wait is over that was asked for until the end.
                let from = down.end + if name == "a minute" { 120.0 } else { 60.0 };
                let counted = provider.run(&mut controller, (from, from + 120.0), 32);
                let goodput = counted.answered / (rate.min(32.0 / 0.2) * 120.0);
                let wasted = counted.refused / (counted.answered + counted.refused);
                let what = format!("{rate}/s, down {down:?}, {name}: goodput {goodput:.3}, wasted {wasted:.3}");
                assert!(goodput >= 0.9 && wasted <= 0.05, "{what}, {controller:?}");
            }
        }
    }
}

/// Of what a provider answers that refuses a share of all calls whatever their rate, what is had in minutes three to five;
/// the mean of a few such providers.
fn had_of_what_chance_leaves(by_chance: f64, latency: f64, retry_after: Wait) -> f64 {
    const SEEDS: u64 = 6;
    let had = |seed| {
        let ample = Simulated::of(1e6, latency, retry_after);
        let mut provider = Simulated { by_chance, draws: Draws(seed), ..ample };
        let mut controller = Controller::new(f64::INFINITY, 120.0);
        let counted = provider.run(&mut controller, (120.0, 300.0), 32);
        counted.answered / (32.0 / latency * 180.0 * (1.0 - by_chance))
    };
    (0..SEEDS).map(had).sum::<f64>() / SEEDS as f64
}

/// B-1: a quota that others use too refuses calls here and there, whatever the rate; what it answers is to be had. Beyond a
/// tenth that is no longer told from a rate that is too high.
#[test]
fn refusals_that_have_nothing_to_do_with_the_rate_do_not_slow_it_down() {
    let waits: [(&str, Wait); 3] = [("absent", |_| None), ("honest", honest), ("long", |_| Some(10.0))];
    for (by_chance, least) in
        [(0.002, [0.9, 0.9, 0.9]), (0.02, [0.9, 0.9, 0.9]), (0.05, [0.8, 0.8, 0.8]), (0.08, [0.5, 0.5, 0.4])]
    {
        for latency in [0.1, 1.0, 5.0] {
            for ((name, retry_after), least) in waits.into_iter().zip(least) {
                let had = had_of_what_chance_leaves(by_chance, latency, retry_after);
                assert!(had >= least, "{by_chance} refused, {latency} s, {name}: {had:.3}");
            }
        }
    }
}

/// B-1: some are refused by chance, and there is a bucket as well.
#[test]
fn a_bucket_is_found_among_refusals_that_have_nothing_to_do_with_it() {
    for rate in [5.0, 50.0] {
        for seed in 0..3 {
            let bucket = Simulated::of(rate, 0.5, |_| None);
            let mut provider = Simulated { by_chance: 0.02, draws: Draws(seed), ..bucket };
            let mut controller = Controller::new(f64::INFINITY, 120.0);
            let counted = provider.run(&mut controller, (120.0, 720.0), 100);
            let wasted = counted.refused / (counted.answered + counted.refused);
            let what = format!("{rate}/s, seed {seed}: {counted:?}, wasted {wasted:.3}");
            assert!(counted.answered >= 0.85 * rate * 600.0 && wasted <= 0.1, "{what}, {controller:?}");
        }
    }
}

/// B-1: a limit of the whole key. Together they have it, though not in equal parts.
#[test]
fn models_that_share_a_bucket_have_together_what_it_gives() {
    for rate in [5.0, 20.0, 100.0] {
        for (name, retry_after) in [("absent", (|_| None) as Wait), ("honest", honest)] {
            for models in [2, 4] {
                let mut provider = Simulated::of(rate, 0.5, retry_after);
                let mut controllers: Vec<_> = (0..models).map(|_| Controller::new(f64::INFINITY, 120.0)).collect();
                let counted = provider.run_all(&mut controllers, (120.0, 720.0), 100);
                let answered: f64 = counted.iter().map(|model| model.answered).sum();
                let refused: f64 = counted.iter().map(|model| model.refused).sum();
                let (goodput, wasted) = (answered / (rate * 600.0), refused / (answered + refused));
                let what = format!("{models} at {rate}/s, {name}: goodput {goodput:.3}, wasted {wasted:.3}");
                assert!(goodput >= 0.9 && wasted <= 0.08, "{what}");
                assert!(counted.iter().all(|model| model.answered > 60.0), "{what}: {counted:?}");
            }
        }
    }
}

#[test]
fn a_wait_without_end_is_cut_and_the_rate_comes_back() {
    let mut controller = Controller::new(f64::INFINITY, 120.0);
    assert_eq!(controller.admit(0.0), Admission::Go);
    controller.ended(0.0, Ended::Refused(Some(2.5e11)), 1.0);
    assert_eq!(controller.admit(1.0), Admission::At(2.0));
    assert_eq!(controller.admit(2.0), Admission::Go);
    controller.ended(2.0, Ended::Refused(Some(2.5e11)), 2.5);
    assert_eq!(controller.admit(2.5), Admission::At(122.5));
    let mut provider = Simulated::of(50.0, 0.5, honest);
    let counted = provider.run(&mut controller, (242.5, 302.5), 1_000);
    assert!(counted.answered >= 0.9 * 50.0 * 60.0, "{counted:?}");
}

#[test]
fn overload_narrows_the_window_once_an_event_and_answers_widen_it_again() {
    let mut controller = Controller::new(100.0, 120.0);
    let goes = |controller: &mut Controller, now: f64| {
        let mut count = 0;
        while controller.admit(now) == Admission::Go {
            count += 1;
        }
        count
    };
    assert_eq!(goes(&mut controller, 0.0), 100);
    (0..100).for_each(|_| controller.ended(0.0, Ended::Overloaded(None), 1.0));
    assert_eq!(goes(&mut controller, 2.0), 70);
    (0..70).for_each(|_| controller.ended(2.0, Ended::Answered, 3.0));
    assert_eq!(goes(&mut controller, 3.0), 70);
    (0..20_000).for_each(|_| {
        controller.ended(3.0, Ended::Answered, 4.0);
        let _ = controller.admit(4.0);
    });
    assert_eq!(controller.window.size(), 100.0);
}

const FAILURES: [fn(Option<f64>) -> Ended; 3] = [|_| Ended::Overloaded(None), Ended::Overloaded, |_| Ended::Lost];

/// Any large service fails a call here and there: that costs these calls and not the others, whatever wait is asked for.
#[test]
fn a_twentieth_that_fails_whatever_is_asked_costs_little_more_than_itself() {
    for (way, refusal) in FAILURES.into_iter().enumerate() {
        for in_flight in [1, 2, 4, 8, 64] {
            for latency in [0.3, 5.0] {
                let seconds = 100.0 * latency;
                let had = |seed| {
                    let ample = Simulated::of(1e6, latency, |_| Some(5.0));
                    let mut provider = Simulated { by_chance: 0.05, draws: Draws(seed), refusal, ..ample };
                    let mut controller = Controller::new(in_flight as f64, 120.0);
                    let counted = provider.run(&mut controller, (0.0, seconds), in_flight);
                    counted.answered / (in_flight as f64 * 100.0)
                };
                let had = (0..6).map(had).sum::<f64>() / 6.0;
                // One at a time, a failure may as well be one call too many.
                let least = if in_flight > 1 { 0.9 } else { 0.8 };
                assert!(had >= least, "way {way}, {in_flight} at a time, {latency} s: {had:.3}");
            }
        }
    }
}

/// What fails because too much is asked at once is told from that.
#[test]
fn who_serves_so_many_at_a_time_is_asked_for_about_so_many() {
    for refusal in [FAILURES[0], FAILURES[2]] {
        for (slots, most_wasted) in [(1, 0.2), (8, 0.1), (50, 0.06)] {
            for by_chance in [0.0, 0.03] {
                let ample = Simulated::of(1e6, 0.3, |_| None);
                let mut provider = Simulated { slots, by_chance, refusal, ..ample };
                let mut controller = Controller::new(f64::INFINITY, 120.0);
                let counted = provider.run(&mut controller, (30.0, 330.0), 100);
                let had = counted.answered / (slots as f64 / 0.3 * 300.0);
                let wasted = counted.refused / (counted.answered + counted.refused);
                let what = format!("{slots} at a time, {by_chance}: had {had:.3}, wasted {wasted:.3}");
                assert!(had >= 0.8 && wasted <= most_wasted, "{what}");
            }
        }
    }
}

/// Not only 429 says that there were too many in a second.
#[test]
fn a_bucket_that_says_it_cannot_cope_is_called_no_faster_than_it_bears() {
    for (_, retry_after) in [WAITS[0], WAITS[1], WAITS[5]] {
        for rate in [1.0, 5.0, 20.0, 100.0] {
            let bucket = Simulated::of(rate, 0.3, retry_after);
            let bucket = Simulated { refusal: Ended::Overloaded, refusal_latency: 0.1, is_spread: true, ..bucket };
            let (had, wasted) = had_and_wasted(bucket, 100, (MINUTES, 11.0 * MINUTES));
            assert!(had >= 0.75 && wasted <= 0.15, "{rate}/s: had {had:.3}, wasted {wasted:.3}");
        }
    }
}

/// B-3: finding out that nobody answers takes no longer for many calls than for one.
#[test]
fn calls_that_all_stay_silent_are_not_made_one_after_the_other() {
    let mut controller = Controller::new(f64::INFINITY, 120.0);
    for generation in 0..20 {
        let now = f64::from(generation) * 120.0;
        let went = (0..1_000).take_while(|_| controller.admit(now) == Admission::Go).count();
        assert!(went >= 700, "{went} at {now} s");
        (0..went).for_each(|_| controller.ended(now, Ended::Lost, now + 120.0));
    }
}

/// A stream of numbers that is the same for a seed (splitmix64).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, most: f64) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64 * most
    }
}

/// Whatever comes, in whatever order, the next call goes within the cap and a moment.
fn survives(seed: u64) {
    let mut draws = Draws(seed);
    let cap = 60.0;
    let most = [1.0, 8.0, f64::INFINITY][(draws.next() % 3) as usize];
    let mut controller = Controller::new(most, cap);
    let mut now = 0.0;
    let mut sent: Vec<f64> = Vec::new();
    for _ in 0..200 {
        now += draws.below(3.0);
        match controller.admit(now) {
            Admission::Go => sent.push(now),
            Admission::At(time) => {
                assert!(
                    time > now && time <= now + cap + 1.0 / rate::SLOWEST + 1e-6,
                    "seed {seed}: at {now} not before {time}"
                );
            }
            Admission::Full => assert!(!sent.is_empty(), "seed {seed}: full of nothing at {now}"),
        }
        if !sent.is_empty() && draws.next().is_multiple_of(2) {
            let at = (draws.next() % sent.len() as u64) as usize;
            let wait = [None, Some(-1.0), Some(0.0), Some(draws.below(30.0)), Some(f64::MAX), Some(f64::INFINITY)];
            let wait = wait[(draws.next() % 6) as usize];
            let how = [Ended::Answered, Ended::Refused(wait), Ended::Overloaded(wait), Ended::Lost, Ended::Unknown];
            controller.ended(sent.swap_remove(at), how[(draws.next() % 5) as usize], now);
        }
    }
    sent.drain(..).for_each(|sent| controller.ended(sent, Ended::Unknown, now));
    let mut waited = now;
    while let Admission::At(time) = controller.admit(waited) {
        waited = time;
    }
    assert!(waited <= now + cap + 1.0 / rate::SLOWEST + 1e-6, "seed {seed}: {now} to {waited}");
}

#[test]
fn a_hundred_thousand_random_traces_never_freeze_it() {
    (0..100_000).for_each(survives);
}
