//! The arguments of one attribute, read by name.

use crate::diagnostics::{Mistake, Mistakes};
use crate::model::{Constant, Parameter, Setting, Template};
use crate::parse::{Argument, Value};
use crate::strategy::Strategy;
use crate::validate::{template, values};
use std::time::Duration;
use syn::LitStr;

/// The arguments by name, and the mistakes found on the way.
pub(super) struct Reader<'a> {
    pub(super) arguments: &'a [Argument],
    /// The names of arguments that are written wrongly.
    pub(super) broken: &'a [String],
    pub(super) parameters: &'a [Parameter],
    /// The strategy that the arguments choose.
    pub(super) strategy: &'static Strategy,
    pub(super) mistakes: Mistakes,
}

impl<'a> Reader<'a> {
    pub(super) fn find(&self, name: &str) -> Option<&'a Argument> {
        self.arguments.iter().find(|argument| argument.name == name)
    }

    /// Whether an argument is written, correctly or not.
    pub(super) fn is_written(&self, name: &str) -> bool {
        self.find(name).is_some() || self.broken.iter().any(|broken| broken == name)
    }

    /// The text of an argument that is a string.
    pub(super) fn text(&mut self, name: &str) -> Option<LitStr> {
        let argument = self.find(name)?;
        self.mistakes.keep(values::text(argument))
    }

    /// The value that `parse` makes of an argument's text; the app's if it is absent or wrong.
    pub(super) fn setting<T>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&LitStr) -> Result<T, Mistake>,
    ) -> Setting<T> {
        let parsed = self.text(name).map(|text| parse(&text));
        match parsed.and_then(|value| self.mistakes.keep(value)) {
            Some(value) => Setting::Own(value),
            None => Setting::App,
        }
    }

    /// A duration; the app's if the argument is a constant, whose value only the compiler knows.
    pub(super) fn duration(&mut self, name: &str) -> Setting<Duration> {
        match self.find(name).map(|argument| &argument.value) {
            Some(Value::Constant(_)) => Setting::App,
            _ => self.setting(name, values::duration),
        }
    }

    /// The arguments whose values are constants of the program.
    pub(super) fn constants(&self) -> Vec<Constant> {
        let constant = |argument: &Argument| match &argument.value {
            Value::Constant(value) => {
                Some(Constant { name: argument.name.clone(), value: (**value).clone() })
            }
            _ => None,
        };
        self.arguments.iter().filter_map(constant).collect()
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        name: &str,
        choices: &[(&'static str, T)],
        default: T,
    ) -> T {
        let chosen = self.text(name).map(|text| values::choice(name, &text, choices));
        chosen.and_then(|value| self.mistakes.keep(value)).unwrap_or(default)
    }

    /// The template in an argument's text.
    pub(super) fn template(&mut self, name: &str) -> Option<Template> {
        self.text(name).map(|text| self.resolve(&text))
    }

    /// The template in an argument's text. It must not be the same for every request.
    pub(super) fn varying(&mut self, name: &str) -> Option<Template> {
        let text = self.text(name)?;
        let template = self.resolve(&text);
        if !template.0.is_empty() && template.is_constant() {
            let what = format!("`{name}` is the same for every request");
            let example = template::in_braces(&text.value(), self.parameters);
            let help = format!("put it into braces: `{name} = \"{example}\"`");
            self.mistakes.add(Mistake::new(text.span(), what).help(help));
        }
        Some(template)
    }

    /// The template in an argument's text. It may be the same for all requests, unless braces were forgotten.
    pub(super) fn in_braces(&mut self, name: &str) -> Option<Template> {
        let text = self.text(name)?;
        let template = self.resolve(&text);
        if template.is_constant() && template::is_bare(&text.value(), self.parameters) {
            let written = text.value();
            let what = format!("`{written}` is plain text here, and reads nothing of the request");
            let help = format!("put it into braces: `{name} = \"{{{written}}}\"`");
            self.mistakes.add(Mistake::new(text.span(), what).help(help));
        }
        Some(template)
    }

    /// The template in a text; an empty one if it is wrong.
    pub(super) fn resolve(&mut self, text: &LitStr) -> Template {
        let subject = self.strategy.subject;
        let resolved = template::resolve(text, self.parameters, subject, &mut self.mistakes);
        resolved.unwrap_or_default()
    }
}
