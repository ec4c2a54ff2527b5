//! From what was written to what it means: every rule, one function each, all mistakes at once.

mod engine;
mod row;
mod rules;
mod signature;
mod template;
mod unique;
mod uses;
mod values;

use crate::diagnostics::{Mistake, Mistakes, listed};
use crate::model::{
    Fingerprint, GuardedFunction, KeyRequirement, OnAbandoned, OnDuplicate, OnInFlight,
    OnStoreError, Parameter, Policy, Scope, Setting, Statuses, Strategy, Template, Window,
};
use crate::parse::{Argument, Arguments, Value, Written};
use syn::{Error, Lit, LitStr};
use uses::NAMES;

/// What the attribute is put on, which its strategy says.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// A handler of actix.
    Handler,
    /// A function that has no request.
    Function,
}

impl Subject {
    fn of(arguments: &[Argument]) -> Self {
        let message = |argument: &Argument| match &argument.value {
            Value::Literal(Lit::Str(text)) => {
                argument.name == "strategy" && text.value() == "message"
            }
            _ => false,
        };
        if arguments.iter().any(message) { Self::Function } else { Self::Handler }
    }

    /// How messages call it.
    const fn name(self) -> &'static str {
        match self {
            Self::Handler => "handler",
            Self::Function => "function",
        }
    }
}

/// The arguments by name, and the mistakes found on the way.
struct Reader<'a> {
    arguments: &'a [Argument],
    parameters: &'a [Parameter],
    /// What it is put on.
    subject: Subject,
    mistakes: Mistakes,
}

pub(crate) fn validate(written: Written) -> Result<GuardedFunction, Error> {
    let mut mistakes = Mistakes::default();
    let Written { arguments, function } = written;
    let Arguments(arguments) = arguments;
    let subject = Subject::of(&arguments);
    let parameters = signature::parameters(&function, subject, &mut mistakes);
    check_names(&arguments, &mut mistakes);

    let mut reader = Reader { arguments: &arguments, parameters: &parameters, subject, mistakes };
    let policy = reader.policy(&function.signature.ident.to_string());
    let row = row::read(&mut reader, policy.strategy);
    let existing = unique::read(&mut reader, policy.strategy);
    let engine = engine::read(&mut reader);
    let key = reader.key(policy.strategy);
    let scope = reader.scope();
    let window = reader.window();
    let first_sent = reader.text("first_sent").map(|text| reader.template(&text));
    rules::check(&mut reader, &policy, &key);
    reader.mistakes.finish()?;

    let (inner, outer) = function.attributes.into_iter().partition(signature::is_inner);
    Ok(GuardedFunction {
        outer,
        inner,
        visibility: function.visibility,
        signature: function.signature,
        body: function.body,
        parameters,
        policy,
        key,
        scope,
        window,
        first_sent,
        row,
        existing,
        engine,
    })
}

/// Every name is known and stands once.
fn check_names(arguments: &[Argument], mistakes: &mut Mistakes) {
    for (place, argument) in arguments.iter().enumerate() {
        let name = argument.name.to_string();
        if !NAMES.contains(&name.as_str()) {
            mistakes.add(
                Mistake::new(argument.name.span(), format!("unknown argument `{name}`"))
                    .suggest(&name, NAMES)
                    .note(format!("the arguments are {}", listed(NAMES))),
            );
        } else if arguments[..place].iter().any(|earlier| earlier.name == argument.name) {
            mistakes.add(
                Mistake::new(argument.name.span(), format!("`{name}` is given twice"))
                    .help("keep one of them"),
            );
        }
    }
}

impl<'a> Reader<'a> {
    fn find(&self, name: &str) -> Option<&'a Argument> {
        self.arguments.iter().find(|argument| argument.name == name)
    }

    /// The text of an argument that is a string.
    fn text(&mut self, name: &str) -> Option<LitStr> {
        let argument = self.find(name)?;
        self.mistakes.keep(values::text(argument))
    }

    /// What a reading makes of an argument's text; the default where it is absent or wrong.
    fn own<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&LitStr) -> Result<T, Mistake>,
    ) -> Setting<T> {
        let read = self.text(name).map(|text| read(&text));
        match read.and_then(|value| self.mistakes.keep(value)) {
            Some(value) => Setting::Own(value),
            None => Setting::App,
        }
    }

    /// One of a few words.
    fn choice<T: Copy>(&mut self, name: &str, choices: &[(&'static str, T)], default: T) -> T {
        let chosen = self.text(name).map(|text| values::choice(name, &text, choices));
        chosen.and_then(|value| self.mistakes.keep(value)).unwrap_or(default)
    }

    fn template(&mut self, text: &LitStr) -> Template {
        let read = template::read(text, self.parameters, self.subject, &mut self.mistakes);
        read.unwrap_or_default()
    }

    fn policy(&mut self, function: &str) -> Policy {
        let strategies = [
            ("request_id", Strategy::RequestId),
            ("token", Strategy::Token),
            ("lock", Strategy::Lock),
            ("cache", Strategy::Cache),
            ("dedup_table", Strategy::DedupTable),
            ("row_lock", Strategy::RowLock),
            ("version", Strategy::Version),
            ("state", Strategy::State),
            ("unique", Strategy::Unique),
            ("async", Strategy::Async),
            ("message", Strategy::Message),
        ];
        let duplicates = [
            ("replay", OnDuplicate::Replay),
            ("reject", OnDuplicate::Reject),
            ("accept", OnDuplicate::Accept),
        ];
        let in_flight = [("reject", OnInFlight::Reject), ("wait", OnInFlight::Wait)];
        let abandoned = [("retry", OnAbandoned::Retry), ("hold", OnAbandoned::Hold)];
        let store_errors = [("refuse", OnStoreError::Refuse), ("run", OnStoreError::Run)];
        let strategy = self.choice("strategy", &strategies, Strategy::RequestId);
        Policy {
            operation: self
                .own("operation", values::operation)
                .or(function.trim_start_matches("r#").to_owned()),
            strategy,
            on_duplicate: self.choice("on_duplicate", &duplicates, OnDuplicate::Replay),
            on_in_flight: self.choice("on_in_flight", &in_flight, OnInFlight::Reject),
            on_abandoned: self.choice("on_abandoned", &abandoned, OnAbandoned::Retry),
            on_store_error: self.choice("on_store_error", &store_errors, OnStoreError::Refuse),
            key_requirement: self.key_requirement(strategy),
            fingerprint: self.fingerprint(),
            statuses: self.own("store", values::statuses).or(Statuses::Default),
            headers: self.own("headers", values::headers).or(Vec::new()),
            message: self.own("message", values::message),
            max_body: self.size("max_body"),
            ttl: self.own("ttl", values::duration),
            lease: self.own("lease", values::duration),
            wait: self.own("wait", values::duration),
            stale: self.own("stale", values::duration),
        }
    }

    fn key_requirement(&mut self, strategy: Strategy) -> KeyRequirement {
        // A row needs no key; with one, the first answer is replayed before the row judges. A read
        // has path and query.
        let keyless = matches!(
            strategy,
            Strategy::RowLock
                | Strategy::Version
                | Strategy::State
                | Strategy::Unique
                | Strategy::Cache
        );
        if keyless && self.find("key").is_none() {
            return KeyRequirement::Unkeyed;
        }
        let required = self.find("required").map(values::boolean);
        match required.and_then(|value| self.mistakes.keep(value)) {
            Some(false) => KeyRequirement::Optional,
            Some(true) | None => KeyRequirement::Required,
        }
    }

    fn size(&mut self, name: &str) -> Setting<usize> {
        let size = self.find(name).map(values::size);
        size.and_then(|value| self.mistakes.keep(value)).map_or(Setting::App, Setting::Own)
    }

    fn fingerprint(&mut self) -> Fingerprint {
        let Some(text) = self.text("fingerprint") else { return Fingerprint::Request };
        match text.value().as_str() {
            "request" => Fingerprint::Request,
            "none" => Fingerprint::Nothing,
            _ => {
                let template = self.template(&text);
                let checked = rules::fingerprint_varies(&text, &template);
                self.mistakes.keep(checked);
                Fingerprint::Template(template)
            }
        }
    }

    fn key(&mut self, strategy: Strategy) -> Template {
        match (self.text("key"), strategy) {
            (Some(text), _) => self.template(&text),
            (None, Strategy::RequestId | Strategy::DedupTable | Strategy::Async) => {
                template::header("Idempotency-Key")
            }
            (
                None,
                Strategy::RowLock
                | Strategy::Version
                | Strategy::State
                | Strategy::Unique
                | Strategy::Cache,
            ) => Template::default(),
            (None, Strategy::Token | Strategy::Lock | Strategy::Message) => {
                if self.find("key").is_none() {
                    self.mistakes.add(rules::needs_key(strategy, self.find("strategy")));
                }
                Template::default()
            }
        }
    }

    fn scope(&mut self) -> Scope {
        let Some(text) = self.text("scope") else { return Scope::App };
        if text.value() == "shared" {
            return Scope::Shared;
        }
        let template = self.template(&text);
        let checked = rules::scope_varies(&text, &template);
        self.mistakes.keep(checked);
        Scope::Template(template)
    }

    fn window(&mut self) -> Window {
        let within = self.own("within", values::duration);
        let timestamp = match self.text("timestamp") {
            Some(text) => self.template(&text),
            None => template::header("Timestamp"),
        };
        match within {
            Setting::Own(window) => Window::Within(window, timestamp),
            Setting::App => Window::Open,
        }
    }
}
