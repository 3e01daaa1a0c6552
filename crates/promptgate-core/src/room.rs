//! When a provider has room again, as a failure says it. A failure is evidence, so it tells the wait that was asked for,
//! which equal runs share; what the time is then follows from when it was told.

use std::time::Duration;

/// What stands before it.
const MARK: &str = "; there is room again ";

const UNITS: [(&str, u64); 3] = [(" h", 3_600), (" min", 60), (" s", 1)];

/// When there is room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Room {
    /// So long after the failure.
    In(Duration),
    /// At a time, as older records have it: `2026-11-28 18:52 UTC`, or with seconds.
    At(String),
}

/// A message that also says when there is room again.
pub fn told(message: &str, wait: Duration) -> String {
    format!("{message}{MARK}in {}", rounded(wait))
}

/// A message without what it says of room, and that.
pub fn heard(message: &str) -> (String, Vec<Room>) {
    let mut parts = message.split(MARK);
    let mut words = parts.next().unwrap_or_default().to_owned();
    let mut rooms = Vec::new();
    for part in parts {
        match room(part) {
            Some((room, rest)) => {
                rooms.push(room);
                words.push_str(rest);
            }
            None => words.extend([MARK, part]),
        }
    }
    (words, rooms)
}

fn room(text: &str) -> Option<(Room, &str)> {
    if let Some(text) = text.strip_prefix("in ") {
        let (wait, rest) = wait(text)?;
        return Some((Room::In(wait), rest));
    }
    let (at, rest) = text.strip_prefix("at ")?.split_once(" UTC")?;
    at.bytes()
        .all(|byte| byte.is_ascii_digit() || b" -:".contains(&byte))
        .then(|| (Room::At(format!("{at} UTC")), rest))
}

/// A wait to the minute, a short one to the second.
fn rounded(wait: Duration) -> String {
    let minutes = wait.as_secs().div_ceil(60);
    match (wait.as_secs(), minutes / 60, minutes % 60) {
        (seconds @ 0..120, ..) => format!("{seconds} s"),
        (_, 0, minutes) => format!("{minutes} min"),
        (_, hours, 0) => format!("{hours} h"),
        (_, hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

/// The wait that a text begins with, and the rest.
fn wait(text: &str) -> Option<(Duration, &str)> {
    let (mut rest, mut seconds) = (text, None);
    for (unit, scale) in UNITS {
        let next = if seconds.is_some() { rest.strip_prefix(' ').unwrap_or_default() } else { rest };
        let digits = next.bytes().take_while(u8::is_ascii_digit).count();
        let Some(behind) = next[digits..].strip_prefix(unit).filter(|_| digits > 0) else { continue };
        if behind.starts_with(|c: char| c.is_alphanumeric()) {
            continue;
        }
        let count: u64 = next[..digits].parse().ok()?;
        seconds = Some(seconds.unwrap_or(0_u64).saturating_add(count.saturating_mul(scale)));
        rest = behind;
    }
    seconds.map(|seconds| (Duration::from_secs(seconds), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard() {
        for (seconds, words, heard_as) in
            [(7, "in 7 s", 7), (120, "in 2 min", 120), (3_601, "in 1 h 1 min", 3_660), (21_600, "in 6 h", 21_600)]
        {
            let message = told("full", Duration::from_secs(seconds));
            assert_eq!(message, format!("full; there is room again {words}"));
            let expected = ("full".to_owned(), vec![Room::In(Duration::from_secs(heard_as))]);
            assert_eq!(heard(&message), expected);
        }
    }

    #[test]
    fn what_older_records_say_and_what_others_write_is_read() {
        let (words, rooms) =
            heard("j: full; there is room again at 2026-11-28 18:52 UTC; k: full; there is room again in 2 s");
        assert_eq!((words.as_str(), rooms.len()), ("j: full; k: full", 2));
        assert_eq!(rooms[0], Room::At("2026-11-28 18:52 UTC".to_owned()));
        for other in
            ["a; there is room again soon", "a; there is room again in 3 hours", "a; there is room again at x UTC"]
        {
            assert_eq!(heard(other), (other.to_owned(), Vec::new()));
        }
    }
}
