//! Trees, places and problems of form.
use super::*;

fn tree(text: &str) -> (Option<Node>, Vec<Problem>) {
    let mut sources = Sources::default();
    let file = sources.add("a.yaml", text);
    let mut problems = Problems::default();
    let root = read(&sources, file, &mut problems);
    (root, problems.into_sorted())
}

/// The value of the only key.
#[track_caller]
fn scalar(text: &str) -> Scalar {
    let (root, problems) = tree(text);
    assert_eq!(Vec::<Problem>::new(), problems, "{text}");
    match root.map(|root| root.kind) {
        Some(Kind::Map(mut entries)) => match entries.remove(0).1.kind {
            Kind::Scalar(scalar) => scalar,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

/// `|` marks where in the file the word `find` of the text stands.
#[track_caller]
fn at(file: &str, find: &str) {
    let expected = file.find('¦').unwrap();
    let file = file.replace('¦', "");
    let scalar = scalar(&file);
    let offset = scalar.text.find(find).unwrap_or_else(|| panic!("{find} in {:?}", scalar.text)) as u32;
    let place = scalar.place(offset, offset + find.len() as u32);
    assert_eq!(expected, place.start as usize, "{:?}", scalar.text);
}

#[test]
fn every_style_knows_its_places() {
    at("k: plain ¦word", "word");
    at("k: over\n  lines ¦word", "word");
    at("k: over\n\n\n  lines ¦word", "word");
    at("k: over¦\n  lines", " ");
    at("k: 'it''s a ¦word'", "word");
    at("k: 'over\n  lines ¦word'", "word");
    at("k: \"\\u00e9\\t ¦word\"", "word");
    at("k: \"a ¦\\u00e9\"", "é");
    at("k: \"\\ud83d\\ude00 ¦word\"", "word");
    at("k: \"over \\\n   lines ¦word\"", "word");
    at("k: |\n  one\n    two ¦word\n", "word");
    at("k: |2\n   one\n  two ¦word\n", "word");
    at("k: >\n  one\n  two ¦word\n", "word");
    at("k: >-\n\n  one\n\n   two\n  ¦word\n", "word");
    at("k: >\r\n  one\r\n  two ¦word\r\n", "word");
    at("\u{feff}k: ¦word", "word");
    at("k: [{ a: 1 }]\n".replace("[{ a: 1 }]", "é ¦word").as_str(), "word");
}

#[test]
fn white_space_is_stripped_save_in_quoted_constants() {
    assert_eq!("{{ a }}", &*scalar("k: \"  {{ a }} \"").text);
    assert_eq!("a b", &*scalar("k: >\n  a\n  b\n\n").text);
    assert_eq!(", ", &*scalar("k: \", \"").text);
    assert!(!scalar("k: 'true'").plain);
    assert!(scalar("k: true").plain);
}

/// Codes and the text they point at.
#[track_caller]
fn finds(text: &str, expected: &[(&str, &str)]) {
    let (_, problems) = tree(text);
    let found = |problem: &Problem| {
        let span = problem.labels[0].span;
        (problem.code, text[span.start as usize..span.end as usize].to_owned())
    };
    let found: Vec<_> = problems.iter().map(found).collect();
    let found: Vec<_> = found.iter().map(|(code, text)| (*code, text.as_str())).collect();
    assert_eq!(expected, found, "{text}\n{problems:#?}");
}

#[test]
fn every_fault_of_form_is_told_in_one_pass() {
    finds("a: 1\nb: 2\na: 3\nc: { d: 1, d: 2 }\n", &[("FR103", "a"), ("FR103", "d")]);
    finds(
        "a: &x 1\nb: *x\nc: *y\nd: { <<: { e: 1 } }",
        &[("FR104", "&x"), ("FR104", "*x"), ("FR104", "*y"), ("FR104", "<<")],
    );
    finds("a: !!int 1\nb: !own {}", &[("FR105", "!!int"), ("FR105", "!own")]);
    finds("%YAML 1.2\n---\na: 1", &[("FR105", "%")]);
    finds("a: 1\n---\nb: 2", &[("FR106", "---")]);
    finds("[a]: 1\n? {b: 1}\n: 2\n", &[("FR112", "[a]"), ("FR112", "{b: 1}")]);
    finds("", &[("FR119", "")]);
    finds("# only a comment\n", &[("FR119", "")]);
}

#[test]
fn expressions_without_quotes_are_told_and_read_over() {
    finds(
        "a: {{ x }}\nb: { c: {{ y.z }}, d: 1 }\nb: 1",
        &[("FR107", "{{ x }}"), ("FR107", "{{ y.z }}"), ("FR103", "b")],
    );
    finds(
        "a: {{ x[0] | join(', ') }}\nb: [{{ y ~ \"}}\" }}]\n",
        &[("FR107", "{{ x[0] | join(', ') }}"), ("FR107", "{{ y ~ \"}}\" }}")],
    );
    finds(
        "a: {{ x }}-{{ y }}\nb: { c: {{ x }}-{{ y }} }",
        &[("FR107", "{{ x }}-{{ y }}"), ("FR107", "{{ x }}-{{ y }}")],
    );
    finds("- {{ x }}\n- {{ \"a: b\" }}\n", &[("FR107", "{{ x }}"), ("FR107", "{{ \"a: b\" }}")]);
    finds("a: text {{ x }} more\nb: '{{ y }}' # c: {{ z }}\n", &[]);
    let (root, _) = tree("a: { b: {{ x.y }} }");
    let Some(Kind::Map(entries)) = root.map(|root| root.kind) else { panic!() };
    let Kind::Map(inner) = &entries[0].1.kind else { panic!() };
    let Kind::Scalar(scalar) = &inner[0].1.kind else { panic!() };
    assert_eq!(("{{ x.y }}", false), (&*scalar.text, scalar.plain));
}

#[test]
fn what_cannot_be_scanned_says_where_and_how_to_mend_it() {
    for (text, code, place, says) in [
        ("a:\n\tb: 1\n", "FR102", "\t", "tab"),
        ("a: \"open\nb: 1\n", "FR101", "\"", "never closed"),
        ("a: b: c\n", "FR101", ":", "second `: `"),
        ("a: [1, 2\n", "FR101", "[", "`[` is never closed"),
        ("a: {b: 1]\n", "FR101", "{", "`]` closes `{`"),
        ("a: 'it's'\n", "FR101", "s", "after the closing quote"),
        ("a: @x\n", "FR101", "@", "begin with `@`"),
        ("a: x\u{1}y\n", "FR109", "\u{1}", "U+0001"),
        ("a: \"\\q\"\n", "FR101", "\"", "escape"),
        ("a: 1\n b: 2\n", "FR101", ":", "does not fit"),
    ] {
        let (root, problems) = tree(text);
        let problem = &problems[0];
        let span = problem.labels[0].span;
        let found = (problem.code, &text[span.start as usize..span.end as usize]);
        assert_eq!((code, place), found, "{text}");
        assert!(problem.message.contains(says), "{}", problem.message);
        assert!(root.is_none());
    }
}

#[test]
fn sizes_have_limits() {
    let deep = format!("{}1{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
    assert_eq!("FR108", tree(&deep).1[0].code);
    let deep = format!("{}1{}", "[".repeat(MAX_DEPTH), "]".repeat(MAX_DEPTH));
    assert!(tree(&deep).1.is_empty());
    let deeper = "- ".repeat(5000);
    assert_eq!("FR108", tree(&deeper).1[0].code);
    let long = format!("a: {}\nb: 1\nb: 2\n", "x".repeat(MAX_SCALAR + 1));
    let codes: Vec<_> = tree(&long).1.iter().map(|problem| problem.code).collect();
    assert_eq!(vec!["FR108", "FR103"], codes);
    assert_eq!("FR108", tree(&"# \n".repeat(MAX_FILE / 3 + 1)).1[0].code);
    let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n";
    assert!(tree(bomb).1.iter().all(|problem| problem.code == "FR104"));
}

#[test]
fn bytes_that_are_no_text_have_a_place() {
    let mut sources = Sources::default();
    let mut problems = Problems::default();
    assert_eq!(None, decode(&mut sources, "a.yaml", b"a: 1\nb: \xff\n", &mut problems));
    assert_eq!(None, decode(&mut sources, "b.yaml", b"\xff\xfea\x00", &mut problems));
    assert_eq!(None, decode(&mut sources, "c.yaml", &vec![b' '; MAX_FILE + 1], &mut problems));
    let file = decode(&mut sources, "d.yaml", "\u{feff}é: 1".as_bytes(), &mut problems);
    assert_eq!("é: 1", &*sources.get(file.unwrap()).unwrap().text);
    let problems = problems.into_sorted();
    assert_eq!(
        vec!["FR109", "FR109", "FR108"],
        problems.iter().map(|problem| problem.code).collect::<Vec<_>>()
    );
    assert_eq!((2, 4), sources.line_column(0, problems[0].labels[0].span.start));
}

#[test]
fn many_keys_take_linear_time() {
    use std::fmt::Write as _;
    let mut text = String::new();
    for number in 0..60_000 {
        writeln!(text, "k{}: 1", number % 30_000).unwrap();
    }
    assert_eq!(30_000, tree(&text).1.len());
}

mod random {
    //! Scalars written at random in every style, each character's place known to the writer.
    use proptest::prelude::*;

    use super::*;

    /// A scalar as written, and the characters of its text with the byte of the scalar each came from.
    #[derive(Debug, Default)]
    struct Written {
        raw: String,
        text: Vec<(char, usize)>,
    }

    impl Written {
        fn put(&mut self, letter: char, raw: &str) {
            self.text.push((letter, self.raw.len()));
            self.raw.push_str(raw);
        }

        fn skip(&mut self, raw: &str) {
            self.raw.push_str(raw);
        }
    }

    /// Words, and how each is joined to the next: by a space (0), or over so many lines.
    fn words() -> impl Strategy<Value = Vec<(String, usize)>> {
        let word = prop::string::string_regex("[a-zé漢😀'\"\\\\{}0-9]{1,6}").unwrap();
        let word = word.prop_map(|word| format!("w{word}"));
        prop::collection::vec((word, 0..4usize), 1..8)
    }

    fn breaks(written: &mut Written, count: usize, margin: &str, newline: &str) {
        if count == 1 {
            written.put(' ', newline);
        } else {
            written.skip(newline);
            (1..count).for_each(|_| written.put('\n', newline));
        }
        written.skip(margin);
    }

    fn write(words: &[(String, usize)], style: usize, crlf: bool) -> Written {
        let newline = if crlf { "\r\n" } else { "\n" };
        let mut out = Written::default();
        out.skip(["", "'", "\"", "|\n  ", ">\n  "][style].replace('\n', newline).as_str());
        for (number, (word, join)) in words.iter().enumerate() {
            for letter in word.chars() {
                let escaped = match (style, letter) {
                    (1, '\'') => "''".to_owned(),
                    (2, '"' | '\\') => format!("\\{letter}"),
                    (2, 'é') => "\\xe9".to_owned(),
                    (2, '漢') => "\\u6f22".to_owned(),
                    (2, '😀') => "\\ud83d\\ude00".to_owned(),
                    _ => letter.to_string(),
                };
                out.put(letter, &escaped);
            }
            let last = number + 1 == words.len();
            match (last, style, *join) {
                (true, ..) => {}
                (_, _, 0) => out.put(' ', " "),
                (_, 3, count) => {
                    (0..count).for_each(|_| out.put('\n', newline));
                    out.skip("  ");
                }
                (_, 2, 3) => {
                    out.skip("\\");
                    out.skip(newline);
                    out.skip("   ");
                }
                (_, _, count) => breaks(&mut out, count, "  ", newline),
            }
        }
        out.skip(["", "'", "\"", "\n", "\n"][style]);
        out
    }

    proptest! {
        #[test]
        fn each_character_maps_to_where_it_was_written(words in words(), style in 0..5usize, crlf: bool) {
            let written = write(&words, style, crlf);
            let file = format!("key: {}", written.raw);
            let text: String = written.text.iter().map(|(letter, _)| *letter).collect();
            let scalar = scalar(&file);
            prop_assert_eq!(&text, &*scalar.text);
            let mut offset = 0;
            for (letter, place) in written.text {
                let found = scalar.place(offset, offset + letter.len_utf8() as u32);
                prop_assert_eq!(place + 5, found.start as usize, "{:?} at {}", letter, offset);
                offset += letter.len_utf8() as u32;
            }
        }

        #[test]
        fn any_text_is_read_without_panic(text in "[ \t\r\na-c:{}\\[\\],'\"#&*!|>%@`?\\\\~<é\u{feff}\u{0}-]{0,60}") {
            survives(&text);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut sources = Sources::default();
            let mut problems = Problems::default();
            if let Some(file) = decode(&mut sources, "a.yaml", &bytes, &mut problems) {
                read(&sources, file, &mut problems);
            }
            crate::problem::draw::draw(&problems.into_sorted(), &sources, crate::problem::draw::Style::PLAIN);
        }
    }

    /// Reads, walks every place, draws.
    fn survives(text: &str) {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", text);
        let mut problems = Problems::default();
        if let Some(root) = read(&sources, file, &mut problems) {
            walk(&root, text);
        } else {
            assert!(problems.has_errors(), "nothing read and nothing told");
        }
        crate::problem::draw::draw(&problems.into_sorted(), &sources, crate::problem::draw::Style::PLAIN);
    }

    fn walk(node: &Node, text: &str) {
        assert!(node.span.start <= node.span.end && node.span.end as usize <= text.len());
        match &node.kind {
            Kind::Scalar(scalar) => {
                let first = scalar.places[0].1;
                let exact = scalar.places.len() == 1 || scalar.places.iter().any(|(_, byte)| *byte != first);
                assert!(exact, "what was read is not what was parsed: {scalar:?}");
                for (offset, letter) in scalar.text.char_indices() {
                    let place = scalar.place(offset as u32, (offset + letter.len_utf8()) as u32);
                    assert!(
                        place.start >= scalar.span.start && place.end <= scalar.span.end,
                        "{letter} of {scalar:?}"
                    );
                }
            }
            Kind::List(items) => items.iter().for_each(|item| walk(item, text)),
            Kind::Map(entries) => entries.iter().for_each(|(_, value)| walk(value, text)),
            Kind::Null => {}
        }
    }
}
