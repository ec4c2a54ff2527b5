//! A small file system that a test fills up.

use std::env;
use std::fs::{File, remove_file};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The variable with the path of the file system, in the process of a test that has one of its own.
const PLACE: &str = "TESTS_SMALL_DISK";

/// A small file system of the test's own, which is real and in memory.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

/// The error if no file system can be mounted on this host.
#[derive(Debug)]
pub struct NoDisk;

impl SmallDisk {
    /// Runs this test again in a process that has a file system of two megabytes, and returns that one there.
    ///
    /// In this process it returns `None`: the test ran in the other process, or cannot run.
    pub fn for_test(name: &str) -> Option<Self> {
        Self::of_megabytes(2, name).unwrap_or_else(|NoDisk| {
            eprintln!("{name} did not run: no file system of its own can be mounted here");
            None
        })
    }

    /// The same; returns `None` if the other process ran the test.
    ///
    /// # Errors
    /// When no file system can be mounted, so that the test did not run.
    pub fn of_megabytes(size: u32, name: &str) -> Result<Option<Self>, NoDisk> {
        if let Some(place) = env::var_os(PLACE) {
            return Ok(Some(Self(place.into())));
        }
        let place = tempfile::tempdir().expect("a directory");
        let mounts = format!("mount -t tmpfs -o size={size}m none \"$0\" && exec \"$@\"");
        let apart = |program: &[&str]| {
            let mut command = Command::new("unshare");
            command.args(["--map-root-user", "--mount", "sh", "-c", &mounts]).arg(place.path());
            command.args(program).env(PLACE, place.path());
            command
        };
        let probe = apart(&["true"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        if !probe.is_ok_and(|ended| ended.success()) {
            return Err(NoDisk);
        }
        let this = env::current_exe().expect("the path of this test");
        let this = this.to_str().expect("a path of UTF-8");
        let ended = apart(&[this, "--exact", name, "--nocapture"]).output().expect("it starts");
        let told = String::from_utf8_lossy(&ended.stdout);
        let failed = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{told}\n{failed}");
        assert!(told.contains("1 passed"), "{name} is not the name of the test: {told}");
        print!("{told}");
        Ok(None)
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes all the room that is left.
    pub fn fill(&self) {
        let mut filler =
            File::options().create(true).append(true).open(self.filler()).expect("a file");
        for size in [4096, 1] {
            loop {
                match filler.write(&vec![7; size]) {
                    Ok(_) => {}
                    Err(full) if full.kind() == ErrorKind::StorageFull => break,
                    Err(other) => panic!("{other}"),
                }
            }
        }
    }

    /// Gives the room back.
    pub fn make_room(&self) {
        remove_file(self.filler()).expect("there is a file that takes the room");
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}
