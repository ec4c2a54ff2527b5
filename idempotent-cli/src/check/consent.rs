//! A person's consent before anything leaves this host.

use crate::check::suite::Chosen;
use crate::check::trial::Trial;
use crate::check::wire::MOST_REQUESTS;
use std::collections::BTreeSet;
use std::fmt::{self, Display, Formatter};
use std::io::{self, BufRead, IsTerminal, Write};

/// Everything that will be sent, and where to.
pub(crate) struct Plan<'a> {
    pub(crate) trial: &'a Trial,
    pub(crate) chosen: &'a Chosen,
}

impl Display for Plan<'_> {
    fn fmt(&self, out: &mut Formatter<'_>) -> fmt::Result {
        let Trial { client, template, concurrency, .. } = self.trial;
        let endpoint = &client.endpoint;
        let addresses: Vec<_> = endpoint.addresses.iter().map(ToString::to_string).collect();
        writeln!(out, "{} {}", template.method, endpoint.shown)?;
        writeln!(out, "  at {}", addresses.join(" or "))?;
        let names: BTreeSet<_> = template.header_names().map(str::to_ascii_lowercase).collect();
        if !names.is_empty() {
            let names: Vec<_> = names.into_iter().collect();
            writeln!(out, "  with {} (values are not shown)", names.join(", "))?;
        }
        writeln!(out, "  with a body of {} bytes", template.body.len())?;
        let about = self.chosen.requests(*concurrency);
        writeln!(
            out,
            "  about {about} times, {concurrency} of them at once, {MOST_REQUESTS} at most"
        )?;
        writeln!(
            out,
            "Each request that the endpoint accepts has its real effect: it orders, pays, sends."
        )
    }
}

/// Asks the person at the terminal.
pub(crate) fn at_the_terminal(plan: &Plan<'_>, yes: bool) -> io::Result<bool> {
    let input = io::stdin();
    let is_terminal = input.is_terminal();
    is_given(plan, yes, is_terminal.then_some(&mut input.lock()), &mut io::stderr().lock())
}

/// Whether it may be sent. Without a terminal there is nobody to ask, and the answer is no.
fn is_given(
    plan: &Plan<'_>,
    yes: bool,
    person: Option<&mut impl BufRead>,
    out: &mut impl Write,
) -> io::Result<bool> {
    if yes || plan.trial.client.endpoint.is_loopback() {
        return Ok(true);
    }
    write!(out, "{plan}")?;
    let Some(person) = person else { return Ok(false) };
    write!(out, "Send this? [y/N] ")?;
    out.flush()?;
    let mut said = String::new();
    person.read_line(&mut said)?;
    Ok(matches!(said.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::arguments::CheckArguments;
    use crate::check::request::Template;
    use crate::check::wire::{Client, Endpoint, Limits};
    use std::net::SocketAddr;
    use std::time::Duration;

    async fn trial(addresses: &[&str]) -> Trial {
        let words = ["http://u.test/?token=secret", "-H", "Authorization: secret", "--body", "abc"];
        let arguments = CheckArguments::of(&words);
        let addresses: Vec<SocketAddr> =
            addresses.iter().map(|address| address.parse().expect("an address")).collect();
        let endpoint = Endpoint::find(&arguments.url, None, async |_, _| Ok(addresses)).await;
        let limits = Limits::new(Duration::from_secs(1), Duration::from_secs(1));
        let template = Template::of(&arguments).expect("it can be sent");
        Trial::new(Client::new(endpoint.expect("it is found"), limits), template, 50)
    }

    fn asked(trial: &Trial, yes: bool, said: Option<&str>) -> (bool, String) {
        let chosen = Chosen::of(&[], &[]).expect("no names");
        let mut out = Vec::new();
        let plan = Plan { trial, chosen: &chosen };
        let given = is_given(&plan, yes, said.map(str::as_bytes).as_mut(), &mut out);
        (given.expect("it can be written"), String::from_utf8(out).expect("text"))
    }

    #[tokio::test]
    async fn only_a_yes_sends_to_another_host() {
        let trial = trial(&["192.0.2.1:80", "[2001:db8::1]:80"]).await;
        for yes in ["y\n", "YES\n", " y"] {
            assert!(asked(&trial, false, Some(yes)).0, "{yes:?}");
        }
        for no in ["", "\n", "n\n", "yess\n", "no, y\n"] {
            assert!(!asked(&trial, false, Some(no)).0, "{no:?}");
        }
        assert!(!asked(&trial, false, None).0);
        assert_eq!(asked(&trial, true, None), (true, String::new()));
    }

    #[tokio::test]
    async fn the_question_shows_everything_but_secrets() {
        let trial = trial(&["192.0.2.1:80", "[2001:db8::1]:80"]).await;
        let (_, shown) = asked(&trial, false, Some("n"));
        for text in [
            "POST http://u.test/?…",
            "192.0.2.1:80 or [2001:db8::1]:80",
            "authorization",
            "3 bytes",
            "50 of them at once, 500 at most",
        ] {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        assert!(!shown.contains("secret"), "{shown}");
    }

    #[tokio::test]
    async fn a_name_that_may_lead_elsewhere_is_asked_about() {
        let here = trial(&["127.0.0.1:80", "[::1]:80", "[::ffff:127.0.0.1]:80"]).await;
        assert_eq!(asked(&here, false, None), (true, String::new()));
        for elsewhere in ["10.0.0.1:80", "0.0.0.0:80", "[::]:80", "[::ffff:10.0.0.1]:80"] {
            let trial = trial(&["127.0.0.1:80", elsewhere]).await;
            assert!(!asked(&trial, false, None).0, "{elsewhere}");
        }
    }
}
