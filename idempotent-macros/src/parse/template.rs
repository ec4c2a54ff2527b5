//! A template's text and placeholders.

/// A piece of a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Literal text, with `{{` and `}}` undone.
    Text(String),
    /// The text between two braces, without white space around it.
    Placeholder(String),
}

/// Takes a template apart, or says what is wrong with its braces.
pub(crate) fn pieces(template: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut rest = template.chars();
    while let Some(next) = rest.next() {
        let doubled = rest.as_str().starts_with(next);
        match next {
            '{' | '}' if doubled => {
                rest.next();
                text.push(next);
            }
            '{' => {
                let (inside, after) = rest.as_str().split_once('}').ok_or_else(|| {
                    format!("the brace before `{}` is never closed", rest.as_str())
                })?;
                if inside.contains('{') {
                    return Err(format!("a brace inside of `{{{inside}`"));
                }
                if !text.is_empty() {
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                }
                pieces.push(Piece::Placeholder(inside.trim().to_owned()));
                rest = after.chars();
            }
            '}' => return Err("a closing brace without an opening one".to_owned()),
            other => text.push(other),
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok(pieces)
}

/// A fuzzer calls this: no text makes `pieces` panic, and pieces written back to text read the same.
#[cfg(any(test, fuzzing))]
pub(crate) fn fuzz(template: &[u8]) {
    let Ok(template) = std::str::from_utf8(template) else { return };
    let Ok(read) = pieces(template) else { return };
    let written: String = read
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.replace('{', "{{").replace('}', "}}"),
            Piece::Placeholder(inside) => format!("{{{inside}}}"),
        })
        .collect();
    assert_eq!(pieces(&written), Ok(read), "{template:?} was written anew as {written:?}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use std::fs;
    use std::path::Path;

    /// Tries every input that fuzzing found, whole and cut at every place.
    #[test]
    fn what_was_found_holds() {
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let corpus = fs::read_to_string(kept.join("corpus/template.base64")).unwrap();
        assert!(corpus.lines().count() >= 164, "inputs were lost");
        let covers = corpus.lines().map(|input| BASE64_STANDARD.decode(input).unwrap());
        // There is no folder if no input ever broke it.
        let broke = fs::read_dir(kept.join("regressions/template")).into_iter().flatten();
        let broke = broke.map(|input| fs::read(input.unwrap().path()).unwrap());
        for input in covers.chain(broke) {
            for end in 0..=input.len() {
                fuzz(&input[..end]);
            }
        }
    }

    #[test]
    fn text_and_placeholders_come_apart_in_order() {
        let text = |text: &str| Piece::Text(text.to_owned());
        let hole = |name: &str| Piece::Placeholder(name.to_owned());
        assert_eq!(pieces("").unwrap(), []);
        assert_eq!(
            pieces("a:{ b.c }{d}:{{e}}").unwrap(),
            [text("a:"), hole("b.c"), hole("d"), text(":{e}")]
        );
    }

    #[test]
    fn braces_that_do_not_match_are_told() {
        for template in ["{a", "a}", "{a{b}", "{{a}"] {
            assert!(pieces(template).is_err(), "{template}");
        }
    }
}
