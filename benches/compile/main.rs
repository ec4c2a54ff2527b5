//! The cost of guards for a build: annotated handlers, and handlers that are guarded by hand, against plain ones;
//! and the size of their code.
//!
//! `cargo bench -p benches --bench compile`; another number of rounds is an argument: `-- 5`

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// The number of rounds that count, unless an argument names another.
const ROUNDS: usize = 15;

/// The builds that are compared: each has its handlers and its arguments for cargo.
const BUILDS: [(&str, usize, &[&str]); 3] = [
    ("release build", 200, &["build", "--release"]),
    ("debug build", 200, &["build"]),
    ("`cargo check`", 500, &["check"]),
];

/// The handlers of a package.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Handlers {
    /// They have no guard.
    Plain,
    /// The attribute guards each.
    Annotated,
    /// Each asks the engine itself. Functions that all of them share do as much as possible.
    ByHand,
}

impl Handlers {
    const fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Annotated => "annotated",
            Self::ByHand => "by-hand",
        }
    }
}

fn main() {
    let rounds = std::env::args().find_map(|word| word.parse().ok()).unwrap_or(ROUNDS);
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/compile");
    println!("| handlers | plain | guarded | ratio | range |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    for (name, count, words) in BUILDS {
        let plain = package(&home, Handlers::Plain, count);
        for handlers in [Handlers::Annotated, Handlers::ByHand] {
            let guarded = package(&home, handlers, count);
            let name = format!("{name} of {count}, {}", handlers.name());
            compare(&name, [&plain, &guarded], words, rounds);
            if words.contains(&"--release") {
                let [plain, guarded] = [&plain, &guarded].map(|package| text(package));
                #[expect(clippy::cast_precision_loss, reason = "a ratio")]
                let ratio = guarded as f64 / plain as f64;
                let name = handlers.name();
                println!(
                    "| code of {count}, {name}, bytes | {plain} | {guarded} | **{ratio:.2}** | |"
                );
            }
        }
    }
}

fn compare(name: &str, [plain, annotated]: [&Path; 2], words: &[&str], rounds: usize) {
    let mut ratios = Vec::new();
    let mut times = (Vec::new(), Vec::new());
    // A first round builds the dependencies, and does not count.
    for round in 0..=rounds {
        let (floor, guarded) = (build(plain, words), build(annotated, words));
        if round > 0 {
            ratios.push(guarded.as_secs_f64() / floor.as_secs_f64());
            times.0.push(floor);
            times.1.push(guarded);
        }
    }
    ratios.sort_by(f64::total_cmp);
    times.0.sort();
    times.1.sort();
    println!(
        "| {name} | {:.2?} | {:.2?} | **{:.2}** | {:.2}–{:.2} |",
        times.0[rounds / 2],
        times.1[rounds / 2],
        ratios[rounds / 2],
        ratios[0],
        ratios[rounds - 1],
    );
}

/// The bytes of machine code in a package's program: `size` of binutils.
fn text(package: &Path) -> u64 {
    let name = package.file_name().expect("a folder");
    let program = package.with_file_name("built").join("release").join(name);
    let sizes = Command::new("size").arg(program).output().expect("`size` of binutils");
    let sizes = String::from_utf8_lossy(&sizes.stdout).into_owned();
    let text = sizes.lines().nth(1).and_then(|line| line.split_whitespace().next());
    text.and_then(|text| text.parse().ok()).expect("the size of its text")
}

/// Writes a package with an app that serves so many handlers.
fn package(home: &Path, handlers: Handlers, count: usize) -> PathBuf {
    let name = format!("{}-{count}", handlers.name());
    let directory = home.join(&name);
    fs::create_dir_all(directory.join("src")).expect("the target directory can be written");
    let runtime = concat!(env!("CARGO_MANIFEST_DIR"), "/../idempotent-runtime");
    let manifest = format!(
        "[package]\nname = \"{name}\"\nedition = \"2024\"\n[workspace]\n[dependencies]\n\
         actix-web = {{ version = \"4.18\", default-features = false, features = [\"macros\"] }}\n\
         idempotent-runtime = {{ path = \"{runtime}\" }}\n\
         serde = {{ version = \"1\", features = [\"derive\"] }}\n\
         blake3 = \"1\"\n\
         serde_json = \"1\"\n",
    );
    fs::write(directory.join("Cargo.toml"), manifest).expect("a file");
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    fs::copy(lock, directory.join("Cargo.lock")).expect("a file");
    fs::write(directory.join("src/main.rs"), source(handlers, count)).expect("a file");
    if handlers == Handlers::ByHand {
        fs::write(directory.join("src/guard.rs"), include_str!("guard.rs")).expect("a file");
    }
    directory
}

fn source(handlers: Handlers, count: usize) -> String {
    let mut source = String::from(
        "#![allow(unused_imports)]\n\
         use actix_web::{App, HttpRequest, HttpResponse, HttpServer, Responder, post, rt, web};\n\
         use idempotent_runtime::{engine::Engine, idempotent};\n\
         #[derive(serde::Deserialize, serde::Serialize)]\n\
         struct Order { sku: String, quantity: u32 }\n",
    );
    if handlers == Handlers::ByHand {
        source.push_str("mod guard;\n");
    }
    for n in 0..count {
        source.push_str(&match handlers {
            Handlers::Plain => handler("", n),
            Handlers::Annotated => handler("#[idempotent]", n),
            Handlers::ByHand => handler_by_hand(n),
        });
    }
    source.push_str("#[actix_web::main]\nasync fn main() -> std::io::Result<()> {\n");
    source.push_str(match handlers {
        Handlers::ByHand => {
            "    let engine = web::Data::new(guard::engine());\n    \
             HttpServer::new(move || App::new().app_data(engine.clone())\n"
        }
        Handlers::Plain | Handlers::Annotated => "    HttpServer::new(|| App::new()\n",
    });
    for n in 0..count {
        let _ = writeln!(source, "        .service(create_{n})");
    }
    source.push_str("    ).bind((\"127.0.0.1\", 0))?.run().await\n}\n");
    source
}

fn handler(attribute: &str, n: usize) -> String {
    format!(
        "#[post(\"/orders/{n}/{{id}}\")]\n{attribute}\n\
         async fn create_{n}(id: web::Path<u64>, order: web::Json<Order>) -> impl Responder {{\n\
             let total = *id + u64::from(order.quantity) + {n};\n\
             HttpResponse::Created().insert_header((\"X-Total\", total)).json(order)\n}}\n",
    )
}

/// The same handler, with the promises of the attribute: the run goes on where its client leaves.
fn handler_by_hand(n: usize) -> String {
    format!(
        "#[post(\"/orders/{n}/{{id}}\")]\n\
         async fn create_{n}(\n\
             request: HttpRequest, id: web::Path<u64>, body: web::Bytes, engine: web::Data<Engine>,\n\
         ) -> HttpResponse {{\n\
             let Ok(order) = serde_json::from_slice::<Order>(&body) else {{\n\
                 return HttpResponse::BadRequest().finish();\n\
             }};\n\
             let run = match guard::claim(&engine, \"create_{n}\", &request, &body).await {{\n\
                 Ok(run) => run,\n\
                 Err(answer) => return answer,\n\
             }};\n\
             let work = rt::spawn(async move {{\n\
                 let total = *id + u64::from(order.quantity) + {n};\n\
                 let answer = HttpResponse::Created().insert_header((\"X-Total\", total)).json(order);\n\
                 guard::complete(run, answer).await\n\
             }});\n\
             work.await.unwrap_or_else(|_| HttpResponse::InternalServerError().finish())\n}}\n",
    )
}

/// The time that the package itself takes to build, without its dependencies.
fn build(package: &Path, words: &[&str]) -> Duration {
    let main = package.join("src/main.rs");
    let source = fs::read_to_string(&main).expect("it was written");
    // The source must be newer than the last build of it.
    fs::write(&main, source).expect("a file");
    let start = Instant::now();
    let built = Command::new(env!("CARGO"))
        .args(words)
        .arg("--quiet")
        .env("CARGO_TARGET_DIR", package.with_file_name("built"))
        .env("CARGO_INCREMENTAL", "0")
        .current_dir(package)
        .status();
    assert!(built.expect("cargo runs").success(), "it builds");
    start.elapsed()
}
