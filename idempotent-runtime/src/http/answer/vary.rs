//! Whether all requests with one key may share an answer: its `Vary` header decides (RFC 9110, section 12.5.5).

use actix_web::http::header::{HeaderMap, VARY};

/// The first request header that `Vary` names and `told_apart` does not.
pub(crate) fn varies_beyond(response: &HeaderMap, told_apart: &[&str]) -> Option<String> {
    let lines = response.get_all(VARY).map(|line| String::from_utf8_lossy(line.as_bytes()));
    let is_beyond = |name: &str| !name.is_empty() && !told_apart.contains(&name);
    let names = lines.map(|line| line.to_ascii_lowercase());
    names.into_iter().find_map(|line| {
        line.split(',').map(str::trim).find(|name| is_beyond(name)).map(str::to_owned)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    #[test]
    fn every_name_of_every_line_counts_however_it_is_written() {
        let told_apart = ["accept-language", "x-tenant"];
        for (lines, beyond) in [
            (&[][..], None),
            (&["", "Accept-Language ,X-TENANT,"], None),
            (&["accept-language", "X-Tenant, Accept"], Some("accept")),
            (&["*"], Some("*")),
            (&["X-Tenant, *"], Some("*")),
            (&["accept-language\u{e9}"], Some("accept-language\u{e9}")),
        ] {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(VARY, HeaderValue::from_bytes(line.as_bytes()).unwrap());
            }
            assert_eq!(varies_beyond(&headers, &told_apart).as_deref(), beyond, "{lines:?}");
        }
    }
}
