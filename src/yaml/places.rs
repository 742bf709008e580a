//! Where each character of a scalar was written. In: the scalar as it stands in the file. Out: its text, and for each run of
//! it the byte of the file. It must never decide what the text is: the parser does, and what is read here is held
//! against it.

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// No quotes.
    Plain,
    /// `'…'`, quotes left out.
    Single,
    /// `"…"`, quotes left out.
    Double,
    /// `|`, from its first character; continuation lines are indented by so many spaces.
    Literal(usize),
    /// `>`, likewise.
    Folded(usize),
}

/// Text and the places of its runs: (offset in the text, byte of the file).
#[derive(Debug, Default, PartialEq)]
pub(super) struct Placed {
    pub(super) text: String,
    pub(super) runs: Vec<(u32, u32)>,
}

impl Placed {
    /// Reads `raw`, which starts at byte `base` of the file.
    pub(super) fn read(raw: &str, base: usize, style: Style) -> Self {
        let mut placed = Self::default();
        match style {
            Style::Literal(indent) => placed.block(raw, base, indent, false),
            Style::Folded(indent) => placed.block(raw, base, indent, true),
            flow => placed.flow(raw, base, flow),
        }
        placed
    }

    /// The same without white space around it.
    pub(super) fn trimmed(self) -> Self {
        let kept = self.text.trim_start_matches(BLANK);
        let cut = (self.text.len() - kept.len()) as u32;
        let text = kept.trim_end_matches(BLANK).to_owned();
        let first = self.runs.partition_point(|(from, _)| *from <= cut).max(1) - 1;
        let moved = |(from, byte): &(u32, u32)| (from.saturating_sub(cut), byte + cut.saturating_sub(*from));
        let within = |(from, _): &(u32, u32)| *from == 0 || (*from as usize) < text.len();
        let runs = self.runs.iter().skip(first).map(moved).filter(within).collect();
        Self { text, runs }
    }

    fn put(&mut self, letter: char, at: usize) {
        let offset = self.text.len() as u32;
        let follows = self.runs.last().is_some_and(|(from, byte)| byte + (offset - from) == at as u32);
        if !follows {
            self.runs.push((offset, at as u32));
        }
        self.text.push(letter);
    }

    fn flow(&mut self, raw: &str, base: usize, style: Style) {
        let mut at = 0;
        while let Some(letter) = raw[at..].chars().next() {
            let next = at + letter.len_utf8();
            match letter {
                ' ' | '\t' | '\n' | '\r' => at = self.white(raw, at, base),
                '\'' if style == Style::Single && raw[next..].starts_with('\'') => {
                    self.put('\'', base + at);
                    at = next + 1;
                }
                '\\' if style == Style::Double => at = self.escape(raw, at, base),
                other => {
                    self.put(other, base + at);
                    at = next;
                }
            }
        }
    }

    /// White space between words: kept on one line; over lines it becomes one space or the empty lines' breaks.
    fn white(&mut self, raw: &str, at: usize, base: usize) -> usize {
        let end = at + (raw[at..].len() - raw[at..].trim_start_matches(BLANK).len());
        let breaks = breaks(raw, at, end);
        match breaks.as_slice() {
            [] => {
                for (offset, letter) in raw[at..end].char_indices() {
                    self.put(letter, base + at + offset);
                }
            }
            [only] => self.put(' ', base + only),
            [_, rest @ ..] => rest.iter().for_each(|place| self.put('\n', base + place)),
        }
        end
    }

    /// An escape of a double-quoted scalar; an escaped line break leaves only the empty lines after it.
    fn escape(&mut self, raw: &str, at: usize, base: usize) -> usize {
        let Some(letter) = raw[at + 1..].chars().next() else { return raw.len() };
        if matches!(letter, '\n' | '\r') {
            let end = at + 1 + (raw[at + 1..].len() - raw[at + 1..].trim_start_matches(BLANK).len());
            breaks(raw, at + 1, end).iter().skip(1).for_each(|place| self.put('\n', base + place));
            return end;
        }
        let digits = match letter {
            'x' => 2,
            'u' => 4,
            'U' => 8,
            _ => 0,
        };
        let end = at + 1 + letter.len_utf8() + digits;
        let code =
            |from: usize| raw.get(from..from + 4).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        let number = raw.get(at + 2..end).and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if digits == 0 {
            self.put(simple_escape(letter), base + at);
        } else if let Some(high @ 0xD800..=0xDBFF) = number {
            let low = code(end + 2).unwrap_or(0xDC00);
            let joined = 0x10000 + ((high - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
            self.put(char::from_u32(joined).unwrap_or(char::REPLACEMENT_CHARACTER), base + at);
            return (end + 6).min(raw.len());
        } else {
            let letter = number.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
            self.put(letter, base + at);
        }
        end.min(raw.len())
    }

    /// A block scalar's content; line breaks at its end are left out.
    fn block(&mut self, raw: &str, base: usize, indent: usize, folded: bool) {
        let mut waiting: Option<usize> = None;
        let mut empty: Vec<usize> = Vec::new();
        let mut blank_before = false;
        for (number, (start, line, next)) in lines(raw).enumerate() {
            let margin = if number == 0 {
                0
            } else {
                line.bytes().take(indent).take_while(|byte| *byte == b' ').count()
            };
            let content = &line[margin..];
            let start = base + start;
            if content.is_empty() {
                empty.extend(next.then_some(start + line.len()));
                continue;
            }
            let blank = content.starts_with([' ', '\t']);
            let fold = folded && waiting.is_some() && !blank_before && !blank;
            if let Some(place) = waiting.filter(|_| !fold || empty.is_empty()) {
                self.put(if fold { ' ' } else { '\n' }, place);
            }
            empty.drain(..).for_each(|place| self.put('\n', place));
            content.char_indices().for_each(|(offset, letter)| self.put(letter, start + margin + offset));
            blank_before = blank;
            waiting = next.then_some(start + line.len());
        }
    }
}

/// What is white space around and between words.
pub(super) const BLANK: [char; 4] = [' ', '\t', '\n', '\r'];

/// The lines of a text: start, content without its break, whether a break follows.
fn lines(raw: &str) -> impl Iterator<Item = (usize, &str, bool)> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let rest = raw.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        let line = (start, &rest[..length], length < rest.len());
        let wide = if rest[length..].starts_with("\r\n") { 2 } else { 1 };
        start += length + wide;
        Some(line)
    })
}

/// The places of the line breaks in `raw[from..to]`; `\r\n` is one.
fn breaks(raw: &str, from: usize, to: usize) -> Vec<usize> {
    let bytes = raw.as_bytes();
    let is_break = |at: &usize| match bytes[*at] {
        b'\r' => true,
        b'\n' => *at == from || bytes[at - 1] != b'\r',
        _ => false,
    };
    (from..to).filter(is_break).collect()
}

fn simple_escape(letter: char) -> char {
    match letter {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        't' => '\t',
        'n' => '\n',
        'v' => '\u{b}',
        'f' => '\u{c}',
        'r' => '\r',
        'e' => '\u{1b}',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'L' => '\u{2028}',
        'P' => '\u{2029}',
        same => same,
    }
}
