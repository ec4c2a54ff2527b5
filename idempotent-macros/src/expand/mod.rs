//! From a valid annotation to tokens. Nothing here can fail.
//!
//! Files import downwards: `handler`, `function`; `openapi`, `own`, `policy`; `constants`, `template`; `names`.

mod constants;
mod function;
mod handler;
mod names;
mod openapi;
mod own;
mod policy;
mod template;

pub(crate) use openapi::described;

use crate::model::{Engine, GuardedFunction};
use proc_macro2::TokenStream;

/// The tokens that replace a guarded function.
pub(crate) fn expand(guarded: &GuardedFunction) -> TokenStream {
    match &guarded.engine {
        Engine::App => handler::handler(guarded),
        Engine::Named { engine, written, tx, maybe_tx } => {
            function::function(guarded, engine, written, (*tx, maybe_tx))
        }
    }
}
