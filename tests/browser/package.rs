//! The package for browsers: as an ES module, as `CommonJS`, as a plain script, in a bundle; and its `fetch`.

use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const PACKAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../idempotent-runtime/browser");

/// The output of a program, which must succeed.
pub(crate) fn output(program: &str, arguments: &[&str], directory: &Path) -> String {
    let run = Command::new(program).args(arguments).current_dir(directory).output();
    let run = run.expect("it starts");
    let (out, errors) =
        (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success(), "{program} {arguments:?}: {out}{errors}");
    out.trim().to_owned()
}

/// A project that depends on the package.
fn project() -> TempDir {
    let project = tempfile::tempdir().expect("a directory");
    let installed = project.path().join("node_modules/idempotent-runtime");
    fs::create_dir_all(&installed).expect("a directory");
    for file in fs::read_dir(PACKAGE).expect("the package") {
        let file = file.expect("a file");
        fs::copy(file.path(), installed.join(file.file_name())).expect("a copy");
    }
    project
}

const ES_MODULE: &str = "import whole, { intent, fetch } from 'idempotent-runtime'
    console.log(typeof fetch, whole.intent === intent, intent('k').key)";
const COMMON_JS: &str = "const { intent, fetch } = require('idempotent-runtime')
    console.log(typeof fetch, require('idempotent-runtime').intent === intent, intent('k').key)";
const EXPECTED: &str = "function true k";

#[test]
fn node_takes_it_as_a_module_of_either_kind() {
    let project = project();
    let node = |kind: &str, code: &str| {
        output("node", &[&format!("--input-type={kind}"), "--eval", code], project.path())
    };
    assert_eq!(node("module", ES_MODULE), EXPECTED);
    assert_eq!(node("commonjs", COMMON_JS), EXPECTED);
    let one = "import { intent } from 'idempotent-runtime'
        import { createRequire } from 'node:module'
        const required = createRequire(process.cwd() + '/')('idempotent-runtime')
        console.log(required.intent === intent)";
    assert_eq!(node("module", one), "true", "both are one script");
}

#[test]
fn a_plain_script_leaves_its_global() {
    let code = format!(
        "const page = require('node:vm').createContext({{}})
         const script = require('node:fs').readFileSync('{PACKAGE}/idempotent.js', 'utf8')
         require('node:vm').runInContext(script, page)
         const {{ intent, fetch }} = page.idempotent
         console.log(typeof fetch, page.idempotent.intent === intent, intent('k').key)"
    );
    assert_eq!(output("node", &["--eval", &code], Path::new(PACKAGE)), EXPECTED);
}

#[test]
fn a_bundler_takes_it_as_a_module_of_either_kind() {
    let project = project();
    for (name, code) in [("app.mjs", ES_MODULE), ("app.cjs", COMMON_JS)] {
        fs::write(project.path().join(name), code).expect("a file");
        for format in ["esm", "cjs", "iife"] {
            let bundle = format!("bundle-of-{name}-{format}.{}", &name[4..]);
            let (format, to) = (format!("--format={format}"), format!("--outfile={bundle}"));
            output(
                "esbuild",
                &["--bundle", "--log-level=error", &format, &to, name],
                project.path(),
            );
            let is_module = format == "--format=esm";
            let run = if is_module { format!("{bundle}.mjs") } else { format!("{bundle}.cjs") };
            fs::rename(project.path().join(&bundle), project.path().join(&run)).expect("a file");
            assert_eq!(output("node", &[&run], project.path()), EXPECTED, "{run}");
        }
    }
}

#[test]
fn it_is_smaller_than_three_kilobytes_minified_and_compressed() {
    let small = project();
    let (script, minified) = (format!("{PACKAGE}/idempotent.js"), "idempotent.min.js");
    output("esbuild", &["--minify", &script, &format!("--outfile={minified}")], small.path());
    output("gzip", &["-9", minified], small.path());
    let size = fs::metadata(small.path().join("idempotent.min.js.gz")).expect("a file").len();
    assert!(size < 3000, "{size} bytes");
}

#[test]
fn its_fetch_retries_what_may_pass_and_leaves_streams_alone() {
    let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/browser/fetch.test.mjs");
    let told = output("node", &["--test", "--test-reporter=tap", tests], Path::new(PACKAGE));
    assert!(told.contains("\n# pass 10\n"), "{told}");
}
