//! The requests that are sent, byte for byte.

use crate::check::arguments::CheckArguments;
use std::path::Path;

/// The placeholder in a body. Its text is new in each request that is not a retry.
const UNIQUE: &str = "{unique}";

/// The longest body that is sent.
const LONGEST_BODY: u64 = 1 << 20;

/// Headers that say how a request is sent. The tester sets them itself.
const OURS: [&str; 4] = ["connection", "content-length", "transfer-encoding", "expect"];

/// Headers that hold no secrets.
const PLAIN: [&str; 4] = ["accept", "accept-language", "content-type", "user-agent"];

/// A line of a header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HeaderLine {
    name: String,
    value: String,
}

/// Everything that was typed about the requests.
#[derive(Debug)]
pub(crate) struct Template {
    pub(crate) method: String,
    pub(crate) body: String,
    pub(crate) other_body: Option<String>,
    pub(crate) failing_body: Option<String>,
    pub(crate) slow_body: Option<String>,
    /// Path and query of another operation.
    pub(crate) other_path: Option<String>,
    pub(crate) quoted_keys: bool,
    pub(crate) key_required: bool,
    key_header: String,
    headers: Vec<HeaderLine>,
    other_headers: Vec<HeaderLine>,
}

/// One request that a check wants to send; a retry is its clone.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Every line of the key's header.
    pub(crate) keys: Vec<Vec<u8>>,
    /// Fills in the placeholder.
    pub(crate) unique: String,
    pub(crate) body: String,
    pub(crate) by: Caller,
    pub(crate) to: Operation,
}

/// The operation that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    Usual,
    Other,
}

/// The caller of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    Usual,
    Other,
}

/// The typed value cannot be sent. It is not repeated.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("`{0}` is not a line of a header: `Name: value`")]
    Header(&'static str),
    #[error("`--header` cannot set `{0}`: the tester sets it, or `--key-header` names it")]
    Ours(String),
    #[error("`{0}` is not a name: it may hold letters, digits and !#$%&'*+-.^_`|~")]
    Name(&'static str),
    #[error("`--other-path` begins with a slash, and holds neither spaces nor control characters")]
    Path,
    #[error("`{option} {}` cannot be read: {error}", .path.display())]
    File { option: &'static str, path: std::path::PathBuf, error: std::io::Error },
    #[error("`{0}` holds more than a mebibyte")]
    Long(&'static str),
}

impl Template {
    pub(crate) fn of(arguments: &CheckArguments) -> Result<Self, TemplateError> {
        let mut headers = lines("--header", &arguments.headers)?;
        if let Some(path) = &arguments.headers_file {
            let text = file("--headers-file", path)?;
            let typed = text.lines().filter(|line| !line.trim().is_empty());
            headers.extend(lines("--headers-file", typed)?);
        }
        let body = match (&arguments.body, &arguments.body_file) {
            (Some(body), _) => body.clone(),
            (None, Some(path)) => file("--body-file", path)?,
            (None, None) => String::new(),
        };
        let key_header = token("--key-header", &arguments.key_header)?;
        let same = |line: &&HeaderLine| line.name.eq_ignore_ascii_case(&key_header);
        if headers.iter().any(|line| same(&line)) {
            return Err(TemplateError::Ours(key_header));
        }
        Ok(Self {
            method: token("--method", &arguments.method)?,
            body,
            other_body: arguments.other_body.clone(),
            failing_body: arguments.failing_body.clone(),
            slow_body: arguments.slow_body.clone(),
            other_path: arguments.other_path.as_deref().map(path).transpose()?,
            quoted_keys: arguments.quoted_keys,
            key_required: arguments.key_required,
            key_header,
            headers,
            other_headers: lines("--other-header", &arguments.other_headers)?,
        })
    }

    /// Whether two requests that are not retries have different bodies.
    pub(crate) fn has_unique_bodies(&self) -> bool {
        self.body.contains(UNIQUE)
    }

    pub(crate) fn has_other_caller(&self) -> bool {
        !self.other_headers.is_empty()
    }

    /// The names of headers that were typed.
    pub(crate) fn header_names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().chain(&self.other_headers).map(|line| &line.name[..])
    }

    /// Values that must not be printed: those of all headers but a few, whole and without their scheme.
    pub(crate) fn secrets(&self) -> impl Iterator<Item = &str> {
        let lines = self.headers.iter().chain(&self.other_headers);
        let lines = lines.filter(|line| !is_one_of(&line.name, &PLAIN));
        lines.flat_map(|line| {
            let value = &line.value[..];
            let bare = value.split_once(' ').map(|(_, bare)| bare.trim());
            [Some(value), bare].into_iter().flatten()
        })
    }

    /// The bytes of a request, and where its body begins.
    pub(crate) fn bytes(&self, host: &str, target: &str, asked: &Asked) -> (Vec<u8>, usize) {
        let body = asked.body.replace(UNIQUE, &asked.unique).into_bytes();
        let others = match asked.by {
            Caller::Usual => &[][..],
            Caller::Other => &self.other_headers,
        };
        let replaced = |name: &str| others.iter().any(|line| line.name.eq_ignore_ascii_case(name));
        let kept = self.headers.iter().filter(|line| !replaced(&line.name));
        let typed: Vec<_> = kept.chain(others).collect();
        let named = |name: &str| typed.iter().any(|line| line.name.eq_ignore_ascii_case(name));

        let target = match asked.to {
            Operation::Usual => target,
            Operation::Other => self.other_path.as_deref().unwrap_or(target),
        };
        let mut bytes = format!("{} {target} HTTP/1.1\r\n", self.method).into_bytes();
        let mut line = |name: &str, value: &[u8]| {
            bytes.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        };
        let defaults = [
            ("Host", host),
            ("Accept", "*/*"),
            ("User-Agent", concat!("idempotent-check/", env!("CARGO_PKG_VERSION"))),
        ];
        for (name, value) in defaults.into_iter().filter(|(name, _)| !named(name)) {
            line(name, value.as_bytes());
        }
        for header in &typed {
            line(&header.name, header.value.as_bytes());
        }
        for key in &asked.keys {
            line(&self.key_header, key);
        }
        if !body.is_empty() && !named("content-type") {
            let is_json = serde_json::from_slice::<serde::de::IgnoredAny>(&body).is_ok();
            let kind =
                if is_json { "application/json" } else { "application/x-www-form-urlencoded" };
            line("Content-Type", kind.as_bytes());
        }
        if !body.is_empty() || !matches!(&self.method[..], "GET" | "HEAD" | "DELETE" | "OPTIONS") {
            line("Content-Length", body.len().to_string().as_bytes());
        }
        line("Connection", b"close");
        bytes.extend_from_slice(b"\r\n");
        let head = bytes.len();
        bytes.extend(body);
        (bytes, head)
    }
}

fn file(option: &'static str, path: &Path) -> Result<String, TemplateError> {
    let told = |error| TemplateError::File { option, path: path.to_owned(), error };
    if std::fs::metadata(path).map_err(told)?.len() > LONGEST_BODY {
        return Err(TemplateError::Long(option));
    }
    std::fs::read_to_string(path).map_err(told)
}

fn lines(
    option: &'static str,
    typed: impl IntoIterator<Item = impl AsRef<str>>,
) -> Result<Vec<HeaderLine>, TemplateError> {
    let line = |typed: &str| {
        let (name, value) = typed.split_once(':').ok_or(TemplateError::Header(option))?;
        let name = token(option, name).map_err(|_| TemplateError::Header(option))?;
        if is_one_of(&name, &OURS) {
            return Err(TemplateError::Ours(name));
        }
        let value = value.trim();
        if value.chars().any(|one| one.is_ascii_control() && one != '\t') {
            return Err(TemplateError::Header(option));
        }
        Ok(HeaderLine { name, value: value.to_owned() })
    };
    typed.into_iter().map(|typed| line(typed.as_ref())).collect()
}

fn is_one_of(name: &str, names: &[&str]) -> bool {
    names.iter().any(|other| other.eq_ignore_ascii_case(name))
}

fn path(text: &str) -> Result<String, TemplateError> {
    let fits = text.starts_with('/') && text.bytes().all(|one| one.is_ascii_graphic());
    fits.then(|| text.to_owned()).ok_or(TemplateError::Path)
}

fn token(option: &'static str, text: &str) -> Result<String, TemplateError> {
    let is_one = |one: u8| one.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&one);
    let fits = !text.is_empty() && text.bytes().all(is_one);
    fits.then(|| text.to_owned()).ok_or(TemplateError::Name(option))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(words: &[&str]) -> Result<Template, TemplateError> {
        Template::of(&CheckArguments::of(&[&["http://h/"], words].concat()))
    }

    fn asked(keys: &[&str], by: Caller, body: &str) -> Asked {
        let keys = keys.iter().map(|key| key.as_bytes().to_vec()).collect();
        let (unique, to) = ("u1".to_owned(), Operation::Usual);
        Asked { keys, unique, body: body.to_owned(), by, to }
    }

    #[test]
    fn a_request_is_as_it_was_typed() {
        let typed =
            ["--header", "authorization: Bearer a", "--header", "X: 1", "--key-header", "K"];
        let template =
            template(&[&typed[..], &["--other-header", "Authorization: Bearer b"]].concat());
        let template = template.expect("it can be sent");
        let (bytes, head) =
            template.bytes("h:1", "/a?b", &asked(&["k", "l"], Caller::Usual, "[\"{unique}\"]"));
        let agent = concat!("User-Agent: idempotent-check/", env!("CARGO_PKG_VERSION"));
        let expected = format!(
            "POST /a?b HTTP/1.1\r\nHost: h:1\r\nAccept: */*\r\n{agent}\r\nauthorization: Bearer a\r\nX: 1\r\n\
             K: k\r\nK: l\r\nContent-Type: application/json\r\nContent-Length: 6\r\nConnection: close\r\n\r\n[\"u1\"]"
        );
        assert_eq!((str::from_utf8(&bytes), head), (Ok(&expected[..]), expected.len() - 6));

        let (bytes, _) = template.bytes("h", "/", &asked(&[], Caller::Other, "a=b"));
        let text = String::from_utf8(bytes).expect("text");
        assert!(text.contains("Authorization: Bearer b") && !text.contains("Bearer a"), "{text}");
        assert!(text.contains("X: 1") && text.contains("x-www-form-urlencoded"), "{text}");
        assert_eq!(template.secrets().collect::<Vec<_>>(), ["Bearer a", "a", "1", "Bearer b", "b"]);
    }

    #[test]
    fn what_cannot_be_sent_is_refused_without_its_value() {
        for words in [
            ["--header", "secret"],
            ["--header", ": secret"],
            ["--header", "a b: secret"],
            ["--header", "A: secret\nB: c"],
            ["--header", "Content-Length: 1"],
            ["--header", "idempotency-key: secret"],
            ["--other-header", "secret"],
            ["--method", "GET /secret HTTP/1.1"],
            ["--key-header", "secret:"],
            ["--other-path", "secret"],
            ["--other-path", "/secret HTTP/1.1"],
            ["--body-file", "/no/such/file"],
        ] {
            let error = template(&words).expect_err("refused").to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
