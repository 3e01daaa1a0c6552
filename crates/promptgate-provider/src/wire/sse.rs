//! Server-sent events, cut from bytes as they come (WHATWG HTML, 9.2).

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// Its name; empty where it has none.
    pub(crate) name: String,
    /// Its data: lines joined by line feeds.
    pub(crate) data: String,
}

/// Cuts bytes into events, wherever they were cut before.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    /// The line that is not ended yet.
    line: Vec<u8>,
    /// Whether a carriage return ended the last line, so that a line feed right after it ends nothing.
    after_return: bool,
    name: String,
    data: Option<String>,
}

impl Decoder {
    /// Takes bytes and gives the events that they end.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, String> {
        let mut events = Vec::new();
        for &byte in bytes {
            let after_return = std::mem::take(&mut self.after_return);
            match byte {
                b'\n' if after_return => {}
                b'\n' | b'\r' => {
                    self.after_return = byte == b'\r';
                    let line = std::mem::take(&mut self.line);
                    let line = std::str::from_utf8(&line).map_err(|_| "holds bytes that are not UTF-8".to_owned())?;
                    events.extend(self.line(line));
                }
                byte => self.line.push(byte),
            }
        }
        Ok(events)
    }

    fn line(&mut self, line: &str) -> Option<Event> {
        // A mark of the encoding may stand before the first line.
        let line = line.strip_prefix('\u{feff}').unwrap_or(line);
        if line.is_empty() {
            let name = std::mem::take(&mut self.name);
            // An event without a word keeps the connection open.
            return self.data.take().filter(|data| !data.is_empty()).map(|data| Event { name, data });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => match &mut self.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                None => self.data = Some(value.to_owned()),
            },
            // Comments, ids and what is not known.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut decoder = Decoder::default();
        let events = pieces.iter().flat_map(|piece| decoder.push(piece).unwrap());
        events.map(|event| (event.name, event.data)).collect()
    }

    fn event(name: &str, data: &str) -> (String, String) {
        (name.to_owned(), data.to_owned())
    }

    #[test]
    fn events_end_with_an_empty_line_and_comments_are_passed_over() {
        let text = b": hello\nevent: a\ndata: 1\ndata:2\n\nid: 7\n\ndata: [DONE]\r\n\r\ndata: lost";
        assert_eq!(decoded(&[text]), [event("a", "1\n2"), event("", "[DONE]")]);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused() {
        assert!(Decoder::default().push(b"data: \xff\n").is_err());
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_bytes_are_cut(cuts in proptest::collection::vec(0_usize..60, 0..6)) {
            let text = "event: a\r\ndata: é {\"x\": 1}\r\rdata: two\ndata: lines\n\n: c\ndata:\n\n".as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(text.len())).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let expected = [event("a", "é {\"x\": 1}"), event("", "two\nlines")];
            prop_assert_eq!(decoded(&pieces), expected);
        }
    }
}
