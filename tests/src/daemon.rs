//! A database server of the tests' own, which ends with them, even if they are killed.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Mutex;

/// The script that watches over a server. Its input says line by line when to start and to kill the server. When
/// the input ends, it ends the server and removes its directory.
///
/// It also kills the server's own children: otherwise they would outlive the server for a moment, and hold
/// its files.
const WATCH: &str = r#"
exec 2>/dev/null ; directory=$1 ; quit=$2 ; shift 2
while read -r told; do
    case $told in
        start) "$@" >"$directory/log" 2>&1 & server=$! ;;
        kill) all="$server $(pgrep -P "$server")"
            kill -KILL $all ; wait "$server"
            for one in $all; do while kill -0 "$one"; do :; done; done ;;
    esac
    echo "$told" done
done
left=$(pgrep -P "$server") ; kill -s "$quit" "$server" ; wait "$server" ; kill -KILL $left
rm -rf "$directory"
"#;

/// A server in a directory of its own.
#[derive(Debug)]
pub(crate) struct Daemon {
    directory: PathBuf,
    watch: Child,
    line: Option<Mutex<Line>>,
}

#[derive(Debug)]
struct Line {
    tell: ChildStdin,
    told: BufReader<ChildStdout>,
}

impl Daemon {
    /// Prepares a server. A user of this name runs it if the tests are run by root; `quit` is the
    /// signal that ends it fastest.
    ///
    /// `install` is run first, then `serve` at every start; both get the directory.
    pub(crate) fn new(
        user: &str,
        quit: &str,
        install: impl FnOnce(&Path) -> Vec<String>,
        serve: impl FnOnce(&Path) -> Vec<String>,
    ) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory").keep();
        run(&["chmod".to_owned(), "755".to_owned(), directory.display().to_string()]);
        let become_user = become_user(user);
        if !become_user.is_empty() {
            run(&["chown".to_owned(), user.to_owned(), directory.display().to_string()]);
        }
        let install = [become_user.clone(), install(&directory)].concat();
        let fixed = ["sh", "-c", WATCH, "watch"].map(str::to_owned).to_vec();
        let mut words = [become_user, fixed].concat();
        words.extend([directory.display().to_string(), quit.to_owned()]);
        words.extend(serve(&directory));
        let mut watch = command(&words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`sh` runs");
        let (tell, told) = (watch.stdin.take(), watch.stdout.take());
        let line = Line {
            tell: tell.expect("it is piped"),
            told: BufReader::new(told.expect("it is piped")),
        };
        // From here on the script will remove the directory.
        let new = Self { directory, watch, line: Some(Mutex::new(line)) };
        run(&install);
        new
    }

    /// The command that copies this directory, whose server was never started.
    pub(crate) fn copy(&self, directory: &Path) -> Vec<String> {
        let [from, to] = [&self.directory, directory].map(|path| path.display().to_string());
        ["cp", "-R", &format!("{from}/."), &to].map(str::to_owned).to_vec()
    }

    /// Starts the server, which does not answer yet.
    pub(crate) fn start(&self) {
        self.tell("start");
    }

    /// Ends it with SIGKILL, and all its processes.
    pub(crate) fn kill(&self) {
        self.tell("kill");
    }

    /// The server's process.
    pub(crate) fn server(&self) -> u32 {
        let asked = Command::new("pgrep").arg("-P").arg(self.watch.id().to_string()).output();
        let found = String::from_utf8(asked.expect("`pgrep` runs").stdout).expect("numbers");
        found.trim().parse().expect("one process, while it runs")
    }

    /// The path of its socket.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Its log since it was started.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.join("log")).unwrap_or_default()
    }

    fn tell(&self, what: &str) {
        let mut line =
            self.line.as_ref().expect("it is there until the end").lock().expect("whole");
        writeln!(line.tell, "{what}").expect("it listens");
        let mut done = String::new();
        line.told.read_line(&mut done).expect("it answers");
        assert_eq!(done.trim_end(), format!("{what} done"));
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // The end of its input ends the script.
        drop(self.line.take());
        drop(self.watch.wait());
    }
}

/// The command by which root becomes this user: database servers refuse to be run by root.
fn become_user(user: &str) -> Vec<String> {
    let id = Command::new("id").arg("-u").output().expect("`id` runs");
    if id.stdout.trim_ascii() != b"0" {
        return Vec::new();
    }
    let [as_user, as_group] = ["--reuid", "--regid"].map(|option| format!("{option}={user}"));
    ["setpriv", &as_user, &as_group, "--clear-groups"].map(str::to_owned).to_vec()
}

fn run(words: &[String]) {
    let done = command(words).output().expect("the programs are there; see tests/run.sh");
    assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
}

/// Starts the script in a process group of its own: Ctrl-C ends the tests, and the servers end after them.
fn command(words: &[String]) -> Command {
    use std::os::unix::process::CommandExt;
    let (program, rest) = words.split_first().expect("a program");
    let mut command = Command::new(program);
    // Debian keeps servers in folders that only root's path has.
    let path = format!("{}:/usr/sbin", std::env::var("PATH").unwrap_or_default());
    command.args(rest).current_dir("/").env("PATH", path).process_group(0);
    command
}
