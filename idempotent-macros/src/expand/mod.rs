//! From a valid annotation to tokens. Nothing here can fail.

mod function;
mod http;
mod policy;
mod template;

use crate::model::{Engine, Handler};
use proc_macro2::TokenStream;

pub(crate) fn guarded(guarded: &Handler) -> TokenStream {
    match &guarded.engine {
        Engine::App => http::handler(guarded),
        Engine::Named { engine, written, takes } => {
            function::function(guarded, engine, written, *takes)
        }
    }
}
