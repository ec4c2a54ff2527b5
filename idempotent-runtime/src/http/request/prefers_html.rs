//! Whether a client is a browser or a program (RFC 9110, section 12.5.1).

use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;

/// Whether the client prefers a page to JSON. If it likes both alike, it gets JSON.
pub(crate) fn prefers_html(request: &HttpRequest) -> bool {
    let lines = request.headers().get_all(ACCEPT).filter_map(|line| line.to_str().ok());
    let ranges: Vec<_> = lines.flat_map(|line| line.split(',')).filter_map(Range::read).collect();
    let html = quality(&ranges, "text", "html");
    let json = quality(&ranges, "application", "problem+json");
    html > json.max(quality(&ranges, "application", "json"))
}

/// One range of `Accept`, such as `text/*;q=0.8`.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// In thousandths.
    quality: u16,
}

impl<'a> Range<'a> {
    fn read(written: &'a str) -> Option<Self> {
        let mut parts = written.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let quality = parts.find_map(|part| {
            let (name, value) = part.split_once('=')?;
            name.trim().eq_ignore_ascii_case("q").then(|| thousandths(value.trim()))
        });
        Some(Self { kind, subtype, quality: quality.unwrap_or(1000) })
    }

    /// The precision with which the range names this type; `None` if it does not.
    fn precision(&self, kind: &str, subtype: &str) -> Option<u8> {
        match (self.kind, self.subtype) {
            ("*", "*") => Some(0),
            (own, "*") if own.eq_ignore_ascii_case(kind) => Some(1),
            (own, sub) if own.eq_ignore_ascii_case(kind) && sub.eq_ignore_ascii_case(subtype) => {
                Some(2)
            }
            _ => None,
        }
    }
}

/// The quality of a type. The most precise range that names it decides.
fn quality(ranges: &[Range<'_>], kind: &str, subtype: &str) -> u16 {
    let fitting = ranges.iter().filter_map(|r| Some((r.precision(kind, subtype)?, r.quality)));
    fitting.max().map_or(0, |(_, quality)| quality)
}

/// A quality such as `0.8` in thousandths, with at most three decimals; 0 if it cannot be read.
fn thousandths(written: &str) -> u16 {
    let (whole, decimals) = written.split_once('.').unwrap_or((written, ""));
    match (whole, format!("{decimals:0<3}").parse()) {
        ("0", Ok(thousandths)) if decimals.len() <= 3 => thousandths,
        ("1", Ok(0)) => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn browsers_get_pages_and_programs_get_json() {
        for (accept, html) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8", true),
            ("TEXT/HTML", true),
            ("text/*, application/json;q=0.9", true),
            ("text/html;q=0.5, */*;q=0.4", true),
            ("text/html, application/problem+json;q=0.001", true),
            ("", false),
            ("*/*", false),
            ("application/json, text/plain, */*", false),
            ("application/json, text/html", false),
            ("application/problem+json, text/html;q=0.9", false),
            ("text/html;q=0, */*", false),
            ("text/html;q=0.8, */*;q=0.8", false),
            ("text/html;q=2", false),
            ("text/html;q=0.1234", false),
            ("text", false),
        ] {
            let request = TestRequest::default().insert_header((ACCEPT, accept)).to_http_request();
            assert_eq!(prefers_html(&request), html, "{accept}");
        }
    }
}
