//! Plain-text tables: columns as wide as their widest cell, numbers to the right.

/// Where the text of a column stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// A table whose cells are escaped already.
pub(crate) struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(columns: &[(&str, Align)]) -> Self {
        Self { columns: columns.iter().map(|(name, align)| ((*name).to_owned(), *align)).collect(), rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// Without the columns in which every cell is empty; elsewhere an empty cell is shown as a dash.
    pub(crate) fn without_empty_columns(mut self) -> Self {
        let filled = |column: usize| self.rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty()));
        let kept: Vec<usize> = (0..self.columns.len()).filter(|column| *column == 0 || filled(*column)).collect();
        self.columns = kept.iter().map(|column| self.columns[*column].clone()).collect();
        let cell = |row: &[String], column: usize| match row.get(column).map(String::as_str) {
            None | Some("") => "-".to_owned(),
            Some(cell) => cell.to_owned(),
        };
        self.rows = self.rows.iter().map(|row| kept.iter().map(|column| cell(row, *column)).collect()).collect();
        self
    }

    /// The table as Markdown, a line feed at the end.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = &str>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
        let mut text = line(&mut self.columns.iter().map(|(name, _)| name.as_str()));
        let marks = self.columns.iter().map(|(_, align)| if *align == Align::Left { ":--" } else { "--:" });
        text.push_str(&format!("|{}|\n", marks.collect::<Vec<_>>().join("|")));
        for row in &self.rows {
            text.push_str(&line(&mut row.iter().map(String::as_str)));
        }
        text
    }

    /// The header line, then one line per row, without line feeds or blanks at the end.
    pub(crate) fn lines(&self) -> (String, Vec<String>) {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| name.as_str()).collect();
        let widths: Vec<usize> = (0..self.columns.len()).map(|column| self.width(column)).collect();
        let rows = self.rows.iter();
        let lines = rows.map(|row| self.line(&row.iter().map(String::as_str).collect::<Vec<_>>(), &widths));
        (self.line(&names, &widths), lines.collect())
    }

    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.chain([&self.columns[column].0]).map(|cell| cell.chars().count()).max().unwrap_or(0)
    }

    fn line(&self, cells: &[&str], widths: &[usize]) -> String {
        let padded = cells.iter().zip(widths).zip(&self.columns).map(|((cell, width), (_, align))| match align {
            Align::Left => format!("{cell:<width$}"),
            Align::Right => format!("{cell:>width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    }
}

/// Breaks text at blanks into lines of at most `width` characters, each behind `indent`.
pub(crate) fn wrap(text: &str, indent: &str, width: usize) -> String {
    let room = width.saturating_sub(indent.chars().count()).max(20);
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last().map_or(0, |line: &String| line.chars().count());
        if line > 0 && line + 1 + word.chars().count() > room {
            lines.push(String::new());
        }
        if let Some(last) = lines.last_mut() {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.iter().map(|line| format!("{indent}{line}")).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let mut table = Table::new(&[("metric", Align::Left), ("value", Align::Right)]);
        table.row(vec!["a".into(), "1.0%".into()]);
        table.row(vec!["longer name".into(), "100.0%".into()]);
        let (head, rows) = table.lines();
        assert_eq!(head, "metric        value");
        assert_eq!(rows, ["a              1.0%", "longer name  100.0%"]);
    }

    #[test]
    fn an_empty_column_is_left_out_and_an_empty_cell_is_a_dash() {
        let mut table = Table::new(&[("a", Align::Left), ("b", Align::Right), ("c", Align::Right)]);
        table.row(vec!["x".into(), String::new(), "1".into()]);
        table.row(vec!["y".into(), String::new(), String::new()]);
        let table = table.without_empty_columns();
        assert_eq!(table.lines(), ("a  c".into(), vec!["x  1".into(), "y  -".into()]));
        assert_eq!(table.markdown(), "| a | c |\n|:--|--:|\n| x | 1 |\n| y | - |\n");
    }

    #[test]
    fn text_breaks_at_blanks_only() {
        assert_eq!(wrap("one two three four five six", "  ", 22), "  one two three four\n  five six");
    }
}
