//! Text as HTML shows it.

use std::fmt::{self, Display, Write as _};

/// Text to stand inside an element, or inside an attribute in quotes.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_ends_an_attribute_or_begins_a_tag() {
        let escaped = Escaped(r#""><script a='b'>&amp;"#).to_string();
        assert_eq!(escaped, "&quot;&gt;&lt;script a=&#39;b&#39;&gt;&amp;amp;");
    }
}
