//! The compiler's messages for every misuse: they are the user interface of the attribute.
//!
//! `TRYBUILD=overwrite cargo test -p tests --test ui` writes them again; read them before you commit.

#[test]
fn every_misuse_has_a_message_that_a_stranger_understands() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
