//! Translation edit rate (Snover et al. 2006): words inserted, deleted, substituted, or runs of words shifted, over the words
//! of the reference, as sacrebleu searches for them. Which shifts are tried is a heuristic, so its limits and its order are
//! part of the definition.

use std::cmp::Reverse;
use std::ops::Range;

use super::TooLong;
use super::runs::numbered;
use super::tokens::Tokens;

/// Words of a run that is shifted.
const LONGEST_SHIFT: usize = 10;

/// Places by which a run may be shifted.
const FURTHEST_SHIFT: usize = 50;

/// Places beside the diagonal at which the distance is looked at.
const BEAM: usize = 25;

/// Shifts that are tried, all rounds together.
const MOST_TRIED: usize = 1_000;

/// Words beyond which a text is too long: every shift that is tried costs a distance.
const MOST_WORDS: usize = 2_500;

/// The cost of a cell that is not looked at.
const FAR: u32 = u32::MAX / 2;

/// The rate, at most 1: edits over the words of the reference. Without a word in the reference 0 where there is none in the
/// text either, and 1 otherwise.
///
/// # Errors
///
/// Texts of more than 2,500 words, unless one is of a word or none, or the rate is 1 by their lengths alone.
pub fn ter(said: &Tokens, reference: &Tokens) -> Result<f64, TooLong> {
    let numbers = numbered([said, reference].into_iter());
    let [said, reference] = numbers.as_slice() else { return Ok(1.0) };
    if reference.is_empty() {
        return Ok(if said.is_empty() { 0.0 } else { 1.0 });
    }
    let length = reference.len() as f64;
    Ok((edits(said, reference)? as f64 / length).min(1.0))
}

/// The edits; where they are at least as many as the words of the reference, they are not counted further.
fn edits(said: &[u32], reference: &[u32]) -> Result<usize, TooLong> {
    // No edit but a deletion makes a text shorter.
    let fewest = said.len().saturating_sub(reference.len());
    if fewest >= reference.len() {
        return Ok(fewest);
    }
    // A text of a word or none has no runs to shift, so that one distance is all.
    if said.len() > 1 && said.len().max(reference.len()) > MOST_WORDS {
        return Err(TooLong(said.len(), reference.len()));
    }
    let mut words = said.to_vec();
    let (mut tried, mut shifts) = (0, 0);
    loop {
        let table = Table::of(&words, reference);
        let mut search = Search { table: &table, alignment: table.alignment(), tried };
        let best = search.best_shift();
        tried = search.tried;
        match best {
            Some(shift) if shift.gain > 0 && tried < MOST_TRIED => words = shift.of(&words),
            _ => return Ok(shifts + table.distance() as usize),
        }
        shifts += 1;
    }
}

/// The search for a shift in one round.
struct Search<'a> {
    table: &'a Table<'a>,
    alignment: Alignment,
    tried: usize,
}

/// A run of words put somewhere else. The order of the fields is that of preference.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Shift {
    gain: i64,
    length: usize,
    begin: Reverse<usize>,
    target: Reverse<usize>,
}

impl Shift {
    fn of(&self, words: &[u32]) -> Vec<u32> {
        let (begin, length, target) = (self.begin.0, self.length, self.target.0);
        let run = &words[begin..begin + length];
        let mut rest: Vec<u32> = [&words[..begin], &words[begin + length..]].concat();
        // A target behind the run counts its words; one within it does not, and moves what follows before it.
        let at = if target > begin + length { target - length } else { target.min(rest.len()) };
        rest.splice(at..at, run.iter().copied());
        rest
    }
}

impl Search<'_> {
    /// The shift that saves most, tried in the order of places.
    fn best_shift(&mut self) -> Option<Shift> {
        let (words, reference) = (self.table.words, self.table.reference);
        let mut best: Option<Shift> = None;
        for begin in 0..words.len() {
            let first = begin.saturating_sub(FURTHEST_SHIFT);
            for at in first..reference.len().min(begin + FURTHEST_SHIFT + 1) {
                let alike = words[begin..].iter().zip(&reference[at..]).take(LONGEST_SHIFT);
                let longest = alike.take_while(|(one, other)| one == other).count();
                for length in 1..=longest {
                    if self.alignment.is_worth(begin, at, length) {
                        best = best.max(self.best_target(begin, at, length));
                    }
                    if self.tried >= MOST_TRIED {
                        return best;
                    }
                }
            }
        }
        best
    }

    /// The best of the places that a run can be put to.
    fn best_target(&mut self, begin: usize, at: usize, length: usize) -> Option<Shift> {
        let before = (at == 0).then_some(0);
        let behind = (at.saturating_sub(1)..at + length).map(|place| self.alignment.behind[place]);
        let mut targets: Vec<usize> = before.into_iter().chain(behind).collect();
        targets.dedup();
        let tried = targets.into_iter().map(|target| {
            self.tried += 1;
            let shift = Shift { gain: 0, length, begin: Reverse(begin), target: Reverse(target) };
            let distance = self.table.distance_of(&shift.of(self.table.words));
            Shift { gain: i64::from(self.table.distance()) - i64::from(distance), ..shift }
        });
        tried.max()
    }
}

/// How the words of the reference stand to those of the text.
struct Alignment {
    /// For each word of the reference, the place behind the word that it is aligned with.
    behind: Vec<usize>,
    reference_is_wrong: Vec<bool>,
    text_is_wrong: Vec<bool>,
}

impl Alignment {
    /// Whether a run is wrong where it is, missing where it would go, and would leave its own place.
    fn is_worth(&self, begin: usize, at: usize, length: usize) -> bool {
        self.text_is_wrong[begin..begin + length].contains(&true)
            && self.reference_is_wrong[at..at + length].contains(&true)
            && !(begin + 1..begin + length + 1).contains(&self.behind[at])
    }
}

/// Edits of a text into the reference.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Edit {
    Keep,
    Substitute,
    Delete,
    Insert,
}

#[derive(Clone, Copy)]
struct Cell {
    cost: u32,
    edit: Edit,
}

/// A row of the table, as far as it is looked at.
struct Row {
    begin: usize,
    cells: Vec<Cell>,
}

impl Row {
    fn cell(&self, column: usize) -> Option<&Cell> {
        self.cells.get(column.checked_sub(self.begin)?)
    }

    fn cost(&self, column: usize) -> u32 {
        self.cell(column).map_or(FAR, |cell| cell.cost)
    }

    fn edit(&self, column: usize) -> Edit {
        self.cell(column).map_or(Edit::Substitute, |cell| cell.edit)
    }
}

/// The table of edit distances of a text (rows) to the reference (columns) around the diagonal.
struct Table<'a> {
    words: &'a [u32],
    reference: &'a [u32],
    rows: Vec<Row>,
}

impl<'a> Table<'a> {
    fn of(words: &'a [u32], reference: &'a [u32]) -> Self {
        let insertions = (0..=reference.len()).map(|at| Cell { cost: at as u32, edit: Edit::Insert });
        let mut rows = vec![Row { begin: 0, cells: insertions.collect() }];
        let mut table = Self { words, reference, rows: Vec::new() };
        for (at, word) in words.iter().enumerate() {
            let next = table.next_row(&rows[at], at + 1, *word);
            rows.push(next);
        }
        table.rows = rows;
        table
    }

    /// The columns of a row that are looked at: the last row has all up to its end.
    fn beam(&self, row: usize) -> Range<usize> {
        let ratio = self.reference.len() as f64 / self.words.len() as f64;
        let half = ratio / 2.0;
        let beam = if (BEAM as f64) < half { (half + BEAM as f64).ceil() as usize } else { BEAM };
        let diagonal = (row as f64 * ratio).floor() as usize;
        let end = if row == self.words.len() { usize::MAX } else { diagonal + beam };
        diagonal.saturating_sub(beam)..end.min(self.reference.len() + 1)
    }

    fn next_row(&self, above: &Row, row: usize, word: u32) -> Row {
        let columns = self.beam(row);
        let begin = columns.start;
        let mut cells: Vec<Cell> = Vec::with_capacity(columns.len());
        let mut left = FAR;
        for column in columns {
            let cell = match column.checked_sub(1) {
                None => Cell { cost: above.cost(0) + 1, edit: Edit::Delete },
                Some(before) => {
                    let is_equal = word == self.reference[before];
                    let diagonal = above.cost(before) + u32::from(!is_equal);
                    let edit = if is_equal { Edit::Keep } else { Edit::Substitute };
                    cheapest([(diagonal, edit), (above.cost(column) + 1, Edit::Delete), (left + 1, Edit::Insert)])
                }
            };
            left = cell.cost;
            cells.push(cell);
        }
        Row { begin, cells }
    }

    fn distance(&self) -> u32 {
        self.rows.last().map_or(0, |row| row.cost(self.reference.len()))
    }

    /// The distance of a text of the same words in another order; what both begin with is not looked at again.
    fn distance_of(&self, words: &[u32]) -> u32 {
        let alike = self.words.iter().zip(words).take_while(|(one, other)| one == other).count();
        let mut row: Option<Row> = None;
        for (at, word) in words.iter().enumerate().skip(alike) {
            row = Some(self.next_row(row.as_ref().unwrap_or(&self.rows[at]), at + 1, *word));
        }
        row.map_or(self.distance(), |row| row.cost(self.reference.len()))
    }

    fn alignment(&self) -> Alignment {
        let (mut behind, mut reference_is_wrong) = (vec![0; self.reference.len()], vec![true; self.reference.len()]);
        let mut text_is_wrong = vec![true; self.words.len()];
        let (mut row, mut column) = (self.words.len(), self.reference.len());
        while row > 0 || column > 0 {
            let edit = match (row, column) {
                (_, 0) => Edit::Delete,
                (0, _) => Edit::Insert,
                _ => self.rows[row].edit(column),
            };
            if edit != Edit::Delete {
                column -= 1;
                behind[column] = row;
                reference_is_wrong[column] = edit != Edit::Keep;
            }
            if edit != Edit::Insert {
                row -= 1;
                text_is_wrong[row] = edit != Edit::Keep;
            }
        }
        Alignment { behind, reference_is_wrong, text_is_wrong }
    }
}

/// The first of the cheapest.
fn cheapest(edits: [(u32, Edit); 3]) -> Cell {
    let [first, rest @ ..] = edits;
    let (cost, edit) = rest.into_iter().fold(first, |best, next| if next.0 < best.0 { next } else { best });
    Cell { cost, edit }
}

#[cfg(test)]
mod tests {
    use super::super::tokens::Tokenize;
    use super::*;

    fn rate(said: &str, reference: &str) -> Option<f64> {
        ter(&Tokenize::Whitespace.tokens(said), &Tokenize::Whitespace.tokens(reference)).ok()
    }

    #[test]
    fn edits_and_shifts_are_counted_by_the_words_of_the_reference() {
        for (said, reference, expected) in [
            ("a b c d", "a b c d", 0.0),
            ("a b c x", "a b c d", 0.25),
            ("a b c", "a b c d", 0.25),
            ("c d a b", "a b c d", 0.25),
            ("x y z w", "a b c d", 1.0),
            ("a b c d e f g h i j", "a b", 1.0),
            ("", "a b", 1.0),
            ("a", "", 1.0),
            ("", "", 0.0),
        ] {
            assert_eq!(rate(said, reference), Some(expected), "{said} / {reference}");
        }
    }

    #[test]
    fn texts_that_are_too_long_have_no_rate_and_hostile_ones_end() {
        let long = |word: &str, count: usize| [word, " "].concat().repeat(count);
        assert_eq!(rate(&long("a", 3_000), &long("b", 3_000)), None);
        assert_eq!(rate(&long("a", 1_000_000), &long("b", 2)), Some(1.0));
        assert_eq!(rate("", &long("b", 3_000)), Some(1.0));
        assert_eq!(rate("b", &long("b", 4_000)), Some(0.999_75));
        assert!(rate(&long("a b", 600), &long("b a", 600)).is_some());
    }
}
