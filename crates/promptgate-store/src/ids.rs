//! Fresh run ids: the time to the second, then six digits of a UUID, e.g. `20261123-155502-7f3a9c`. They sort by time,
//! and ids of one process sort in the order they were given.

use std::sync::Mutex;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use promptgate_core::name::RunId;
use promptgate_core::port::IdSource;
use uuid::Uuid;

/// Ids from the system's clock and random numbers.
#[derive(Debug, Default)]
pub struct SystemIds {
    last: Mutex<String>,
}

impl IdSource for SystemIds {
    fn run_id(&self) -> RunId {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        loop {
            let text = id_of(Uuid::now_v7());
            if *last < text
                && let Ok(id) = RunId::new(&text)
            {
                *last = text;
                return id;
            }
        }
    }
}

fn id_of(uuid: Uuid) -> String {
    let (seconds, nanos) = uuid.get_timestamp().map_or((0, 0), |stamp| stamp.to_unix());
    let time = Timestamp::from_second(seconds as i64).unwrap_or_default().to_zoned(TimeZone::UTC);
    // Milliseconds in front of chance, so that two runs of one second sort too.
    let millis = nanos / 1_000_000;
    let chance = uuid.as_u128() & 0xfff;
    format!("{}-{millis:03x}{chance:03x}", time.strftime("%Y%m%d-%H%M%S"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_short_and_sort_in_the_order_they_were_given() {
        let ids = SystemIds::default();
        let given: Vec<RunId> = (0..100).map(|_| ids.run_id()).collect();
        assert!(given.is_sorted() && given.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(given[0].as_str().len(), "20261123-155502-7f3a9c".len());
    }
}
