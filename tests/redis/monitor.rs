//! Every command as it arrives at the server.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;
use tests::RedisServer;

/// One command, with the words it was sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Whether a script called it.
    pub(crate) by_script: bool,
    /// The command and its arguments. Bytes that are not text are replaced.
    pub(crate) words: Vec<String>,
}

/// A connection with `MONITOR`, on which the server reports all commands.
pub(crate) struct Monitor(BufReader<UnixStream>);

impl Monitor {
    pub(crate) fn start(redis: &RedisServer) -> Self {
        let url = redis.url();
        let path = url.strip_prefix("redis+unix://").expect("a socket");
        let mut stream = UnixStream::connect(path).expect("the server is up");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a timeout");
        stream.write_all(b"MONITOR\r\n").expect("the server reads");
        let mut monitor = Self(BufReader::new(stream));
        assert_eq!(monitor.line(), "+OK");
        monitor
    }

    /// Waits for the next command.
    pub(crate) fn next(&mut self) -> Sent {
        Sent::read(&self.line())
    }

    /// Everything sent since the start.
    pub(crate) fn stop(mut self, redis: &RedisServer) -> Vec<Sent> {
        let _: String = redis.command(&["ECHO", "that is all"]);
        let mut seen = Vec::new();
        loop {
            let sent = Sent::read(&self.line());
            if sent.words == ["ECHO", "that is all"] {
                return seen;
            }
            seen.push(sent);
        }
    }

    fn line(&mut self) -> String {
        let mut line = Vec::new();
        self.0.read_until(b'\n', &mut line).expect("a line");
        String::from_utf8(line).expect("the server escapes").trim_end().to_owned()
    }
}

impl Sent {
    /// `+1700000000.123456 [0 unix:/path] "SET" "key" "a\x00b"`
    fn read(line: &str) -> Self {
        let (from, quoted) = line.split_once("] ").expect("a command");
        let mut words = Vec::new();
        let mut letters = quoted.chars();
        while letters.next() == Some('"') {
            let mut word = String::new();
            loop {
                match letters.next().expect("a closing quote") {
                    '"' => break,
                    '\\' => match letters.next().expect("an escape") {
                        // For this test, bytes that are not text may have any value.
                        'x' => word.push(letters.nth(1).map_or('?', |_| '?')),
                        escaped => word.push(escaped),
                    },
                    letter => word.push(letter),
                }
            }
            words.push(word);
            letters.next();
        }
        Self { by_script: from.ends_with(" lua"), words }
    }
}
