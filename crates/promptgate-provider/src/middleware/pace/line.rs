//! A line in which calls take their places, so that no more than a rate get through. Times are seconds.

/// How many seconds' worth may go at once after a pause.
const BURST: f64 = 1.0;

/// A line.
#[derive(Debug)]
pub(super) struct Line {
    /// A second; nothing where all may go at once.
    rate: Option<f64>,
    /// When what has taken a place will be through.
    through: f64,
}

impl Line {
    pub(super) fn new(rate: Option<f64>) -> Self {
        Self { rate, through: 0.0 }
    }

    /// Takes a place of this size, and says when it may go.
    pub(super) fn take(&mut self, size: f64, now: f64) -> f64 {
        let Some(rate) = self.rate else { return now };
        // What was not used for longer than the burst is gone.
        let before = self.through.max(now - BURST);
        self.through = before + size / rate;
        before.max(now)
    }

    /// Makes good what was taken too little (or, below 0, too much).
    pub(super) fn correct(&mut self, by: f64) {
        if let Some(rate) = self.rate {
            self.through += by / rate;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_at_once_and_then_one_after_the_other() {
        let mut line = Line::new(Some(2.0));
        let times: Vec<f64> = (0..5).map(|_| line.take(1.0, 10.0)).collect();
        assert_eq!(times, [10.0, 10.0, 10.0, 10.5, 11.0]);
        line.correct(-2.0);
        assert_eq!(line.take(1.0, 10.0), 10.5);
        assert_eq!(Line::new(None).take(1e9, 3.0), 3.0);
    }
}
