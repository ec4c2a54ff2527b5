//! A template whose placeholders are resolved.

use syn::{Expr, LitStr};

/// A template whose every placeholder names something.
#[derive(Default)]
pub(crate) struct Template(pub(crate) Vec<Segment>);

/// A piece of a template.
pub(crate) enum Segment {
    Text(String),
    /// A value that is read from the request.
    Request(Source, String),
    /// An expression on the function's parameters, and its text.
    Value(Box<Expr>, LitStr),
}

/// The part of a request that a placeholder reads.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    Header,
    Query,
    Path,
    Cookie,
    Form,
}

impl Source {
    pub(crate) const ALL: [(&'static str, Self); 5] = [
        ("header", Self::Header),
        ("query", Self::Query),
        ("path", Self::Path),
        ("cookie", Self::Cookie),
        ("form", Self::Form),
    ];

    /// Its name in a template, which is that of the runtime's method.
    pub(crate) fn name(self) -> &'static str {
        let row = Self::ALL.iter().find(|(_, source)| *source == self);
        row.map_or("", |(name, _)| name)
    }
}

impl Template {
    /// Whether the runtime has to read the body before it can fill in the template.
    pub(crate) fn reads_form(&self) -> bool {
        self.0.iter().any(|segment| matches!(segment, Segment::Request(Source::Form, _)))
    }

    /// The names of the headers that the template reads, as they are written.
    pub(crate) fn headers(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Request(Source::Header, name) => Some(&**name),
            _ => None,
        })
    }

    /// Whether the template is this header and nothing else.
    pub(crate) fn is_header(&self, name: &str) -> bool {
        let [Segment::Request(Source::Header, header)] = &self.0[..] else { return false };
        header.eq_ignore_ascii_case(name)
    }

    /// Whether the template is the same for every request.
    pub(crate) fn is_constant(&self) -> bool {
        self.0.iter().all(|segment| matches!(segment, Segment::Text(_)))
    }
}
