//! Names whose values are credentials: of headers, parameters and expressions.

/// Whether a name holds `token`, `csrf`, `secret`, `session` or `api-key`, in any case and with `_` for `-`.
///
/// Each header and placeholder of each request is checked, so this reads a name once and allocates nothing.
pub(crate) fn names_credential(name: &str) -> bool {
    let mut rest = name.as_bytes();
    while let [first, after @ ..] = rest {
        let parts: &[&[u8]] = match first.to_ascii_lowercase() {
            b't' => &[b"token"],
            b'c' => &[b"csrf"],
            b's' => &[b"secret", b"session"],
            b'a' => &[b"api-key"],
            _ => &[],
        };
        if parts.iter().any(|part| begins_with(rest, part)) {
            return true;
        }
        rest = after;
    }
    false
}

fn begins_with(name: &[u8], part: &[u8]) -> bool {
    let same = |(byte, letter): (&u8, &u8)| {
        byte.eq_ignore_ascii_case(letter) || (*byte, *letter) == (b'_', b'-')
    };
    name.len() >= part.len() && name.iter().zip(part).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_is_found_at_both_ends_and_between_in_any_case() {
        for part in ["token", "csrf", "secret", "session", "api-key", "API_Key", "Api-key"] {
            for name in
                [part.to_owned(), format!("x-{part}"), format!("{part}-x"), format!("a{part}s")]
            {
                assert!(names_credential(&name), "{name}");
                assert!(names_credential(&name.to_uppercase()), "{name}");
            }
        }
    }

    #[test]
    fn other_names_are_no_credentials_nor_are_parts_of_the_parts() {
        for name in ["", "t", "content-type", "api key", "apikey"] {
            assert!(!names_credential(name), "{name}");
        }
        for part in ["token", "csrf", "secret", "session", "api-key"] {
            let cut = [&part[1..], &part[..part.len() - 1]];
            assert!(!cut.into_iter().any(names_credential), "{part}");
        }
    }
}
