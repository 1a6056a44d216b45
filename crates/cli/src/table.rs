//! Tables: columns as wide as their widest cell, a header, and rows that can stand out.

use std::fmt::Write as _;

use crate::output::{Paint, printable};

/// Rows under a header. Cells are shown on one line, whoever wrote what is in them.
#[derive(Debug)]
pub(crate) struct Table {
    header: Vec<&'static str>,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    cells: Vec<String>,
    is_bad: bool,
}

impl Table {
    pub(crate) fn new(header: &[&'static str]) -> Self {
        Self {
            header: header.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row with one cell for each column.
    pub(crate) fn row<const N: usize>(&mut self, cells: [&str; N]) {
        self.judged_row(cells, false);
    }

    /// Adds a row that stands out when `is_bad`.
    pub(crate) fn judged_row<const N: usize>(&mut self, cells: [&str; N], is_bad: bool) {
        self.judged_cells(&cells, is_bad);
    }

    /// The same where the number of columns is not known beforehand.
    pub(crate) fn judged_cells(&mut self, cells: &[&str], is_bad: bool) {
        debug_assert_eq!(cells.len(), self.header.len(), "a cell for each column");
        let cells = cells.iter().map(|cell| printable(cell)).collect();
        self.rows.push(Row { cells, is_bad });
    }

    /// The table with its header, each line with its newline.
    pub(crate) fn render(&self, paint: Paint) -> String {
        let widths: Vec<usize> = (0..self.header.len())
            .map(|column| {
                let header = self.header[column].chars().count();
                let cells = self
                    .rows
                    .iter()
                    .map(|row| row.cells[column].chars().count());
                cells.max().unwrap_or(0).max(header)
            })
            .collect();
        let header = self.header.iter().copied();
        let mut text = paint.strong(&aligned(header, &widths)) + "\n";
        for row in &self.rows {
            let line = aligned(row.cells.iter().map(String::as_str), &widths);
            let line = if row.is_bad { paint.error(&line) } else { line };
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

fn aligned<'a>(cells: impl Iterator<Item = &'a str>, widths: &[usize]) -> String {
    let mut line = String::new();
    for (cell, width) in cells.zip(widths) {
        let _ = write!(line, "{cell:<width$}  ");
    }
    line.truncate(line.trim_end().len());
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["NAME", "RESULT"]);
        table.judged_row(["ä", "holds"], false);
        table.judged_row(["a-longer-name", "FAILS"], true);
        assert_eq!(
            table.render(Paint::Plain),
            "NAME           RESULT\nä              holds\na-longer-name  FAILS\n"
        );
        assert!(
            table
                .render(Paint::Colour)
                .contains("\u{1b}[1;31ma-longer-name  FAILS\u{1b}[0m\n")
        );
    }

    #[test]
    fn a_cell_writes_no_line_of_its_own() {
        let mut table = Table::new(&["NAME"]);
        table.judged_row(["a\nb\u{1b}[2J"], false);
        assert_eq!(table.render(Paint::Plain), "NAME\na\\nb\\u{1b}[2J\n");
    }
}
