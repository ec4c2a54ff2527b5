//! Text of a server, made safe to print.

/// The longest piece that is shown.
const LONGEST: usize = 160;

/// Values that are never printed, even if a server repeats them.
#[derive(Debug, Default)]
pub(crate) struct Hidden(Vec<Vec<u8>>);

impl Hidden {
    pub(crate) fn new<'a>(secrets: impl Iterator<Item = &'a str>) -> Self {
        let spellings = secrets.flat_map(|secret| {
            let json = serde_json::to_string(secret).unwrap_or_default();
            let json = json.trim_matches('"').as_bytes().to_vec();
            let escaped = secret.bytes().flat_map(url_spelling).collect();
            [secret.as_bytes().to_vec(), json, escaped]
        });
        let mut all: Vec<_> = spellings.filter(|secret| !secret.is_empty()).collect();
        // The longest first: one may be part of another.
        all.sort_by(|one, other| other.len().cmp(&one.len()).then(one.cmp(other)));
        all.dedup();
        Self(all)
    }

    /// The beginning of a text on one line, without secrets and without characters that move a cursor.
    pub(crate) fn excerpt(&self, text: &[u8]) -> String {
        let mut kept = text.to_vec();
        for secret in &self.0 {
            kept = replaced(&kept, secret);
        }
        let text = String::from_utf8_lossy(&kept);
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut shown = String::new();
        for one in line.chars() {
            if shown.len() >= LONGEST {
                return format!("{shown}…");
            }
            match one {
                '"' | '\'' | '\\' | '\u{fffd}' => shown.push(one),
                one => shown.extend(one.escape_debug()),
            }
        }
        shown
    }
}

fn url_spelling(byte: u8) -> Vec<u8> {
    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
        vec![byte]
    } else {
        format!("%{byte:02X}").into_bytes()
    }
}

fn replaced(text: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let begins = rest.get(..secret.len()).is_some_and(|own| own.eq_ignore_ascii_case(secret));
        if begins {
            kept.extend_from_slice(b"***");
            rest = &rest[secret.len()..];
        } else {
            kept.push(rest[0]);
            rest = &rest[1..];
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_in_each_spelling() {
        let hidden = Hidden::new(["Bearer a\"b+c", "a\"b+c"].into_iter());
        for echo in
            ["Bearer a\"b+c", "a\"b+c", r#"{"you":"a\"b+c"}"#, "?t=a%22b%2Bc", "BEARER A\"B+C"]
        {
            let shown = hidden.excerpt(echo.as_bytes());
            assert!(shown.contains("***") && !shown.to_lowercase().contains("b+c"), "{shown}");
            assert!(!shown.contains("%2Bc"), "{shown}");
        }
    }

    #[test]
    fn a_secret_is_hidden_before_the_text_is_cut() {
        let echo = format!("{}secret", "x".repeat(LONGEST - 3));
        let shown = Hidden::new(["secret"].into_iter()).excerpt(echo.as_bytes());
        assert!(!shown.contains("sec"), "{shown}");
        assert!(Hidden::default().excerpt(&[b'x'; 1000]).len() < LONGEST + 4);
    }

    #[test]
    fn nothing_reaches_the_terminal_but_text() {
        let nasty = "a\u{1b}[31mred\u{7}\r\nb\u{9b}2J \u{202e}txt\u{0} \u{200b}\u{2028}é\"";
        let shown = Hidden::default().excerpt(nasty.as_bytes());
        assert!(!shown.chars().any(char::is_control), "{shown:?}");
        for sign in ['\u{202e}', '\u{200b}', '\u{2028}'] {
            assert!(!shown.contains(sign), "{shown:?}");
        }
        assert!(shown.contains(r"a\u{1b}[31mred") && shown.ends_with("é\""), "{shown:?}");
        assert_eq!(Hidden::default().excerpt(b"\xff\x9b2J"), "\u{fffd}\u{fffd}2J");
    }
}
