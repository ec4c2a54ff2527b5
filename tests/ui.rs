//! What the compiler says about every misuse: the messages are our user interface.
//!
//! `TRYBUILD=overwrite cargo test -p tests --test ui` writes them anew; read them before you commit.

#[test]
fn every_misuse_is_told_to_a_tired_stranger() {
    trybuild::TestCases::new().compile_fail("ui/*.rs");
}
