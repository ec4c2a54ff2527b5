//! A real Chromium, told what to do over `WebDriver` (<https://www.w3.org/TR/webdriver2/>).

use crate::daemon::Daemon;
use crate::eventually;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::path::PathBuf;

/// The member of a reply that names an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser with a new profile; it ends when it is dropped.
#[derive(Debug)]
pub struct Browser {
    client: Client,
    session: String,
    driver: Daemon,
}

impl Browser {
    /// Starts Chromium and its driver.
    pub async fn start() -> Self {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let serve = |_: &std::path::Path| words(&["chromedriver", "--port=0"]);
        let driver = Daemon::new("root", "KILL", |_| words(&["true"]), serve);
        driver.start();
        let port = eventually("chromedriver is there", async || {
            let log = driver.log();
            let (_, port) = log.split_once("started successfully on port ")?;
            port.split_once('.').map(|(port, _)| port.to_owned())
        })
        .await;
        let profile = driver.directory().join("profile");
        let flags = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            &format!("--user-data-dir={}", profile.display()),
        ];
        let saved = json!({"download.default_directory": driver.directory().join("downloads")});
        let options = json!({"args": flags, "prefs": saved});
        let wanted = json!({"browserName": "chrome", "goog:chromeOptions": options});
        let url = format!("http://127.0.0.1:{port}/session");
        let mut browser = Self { client: Client::new(), session: url, driver };
        let new = json!({"capabilities": {"alwaysMatch": wanted}});
        let new = browser.tell(Method::POST, "", new).await;
        let id = new["sessionId"].as_str().expect("a session").to_owned();
        browser.session = format!("{}/{id}", browser.session);
        browser
    }

    /// The folder for downloads.
    pub fn downloads(&self) -> PathBuf {
        self.driver.directory().join("downloads")
    }

    /// Goes to an address, and waits until it is loaded.
    pub async fn open(&self, url: &str) {
        self.post("/url", json!({"url": url})).await;
    }

    /// The current address.
    pub async fn address(&self) -> String {
        let url = self.tell(Method::GET, "/url", Value::Null).await;
        url.as_str().expect("an address").to_owned()
    }

    /// Presses the browser's own button: `back`, `forward` or `refresh`.
    pub async fn press(&self, button: &str) {
        self.post(&format!("/{button}"), json!({})).await;
    }

    /// Runs the body of a function in the page, and waits for its value or promise.
    pub async fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", json!({"script": script, "args": []})).await
    }

    /// The visible text of an element; `None` while a page loads.
    pub async fn text(&self, css: &str) -> String {
        let by = json!({"using": "css selector", "value": css});
        let Ok(element) = self.ask(Method::POST, "/element", by).await else {
            return String::new();
        };
        let element = element[ELEMENT].as_str().expect("an element");
        let text = self.ask(Method::GET, &format!("/element/{element}/text"), Value::Null).await;
        text.ok().and_then(|text| Some(text.as_str()?.to_owned())).unwrap_or_default()
    }

    /// Clicks, as a person does.
    pub async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.post(&format!("/element/{element}/click"), json!({})).await;
    }

    /// Clicks twice, faster than any page can go away.
    pub async fn double_click(&self, css: &str) {
        let element = json!({ELEMENT: self.element(css).await});
        let (down, up) = (
            json!({"type": "pointerDown", "button": 0}),
            json!({"type": "pointerUp", "button": 0}),
        );
        let there = json!({"type": "pointerMove", "origin": element, "x": 0, "y": 0});
        let actions = json!([there, down, up, down, up]);
        let mouse = json!({"type": "pointer", "id": "mouse", "actions": actions});
        self.post("/actions", json!({"actions": [mouse]})).await;
    }

    /// Types into the element that has the focus.
    pub async fn type_keys(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})]
        });
        let keyboard = json!({"type": "key", "id": "keys", "actions": strokes.collect::<Vec<_>>()});
        self.post("/actions", json!({"actions": [keyboard]})).await;
    }

    /// Opens another tab and goes there; the name is for [`Self::go_to_tab`].
    pub async fn new_tab(&self) -> String {
        let tab = self.post("/window/new", json!({"type": "tab"})).await;
        let tab = tab["handle"].as_str().expect("a name").to_owned();
        self.go_to_tab(&tab).await;
        tab
    }

    /// The name of this tab.
    pub async fn tab(&self) -> String {
        let tab = self.tell(Method::GET, "/window", Value::Null).await;
        tab.as_str().expect("a name").to_owned()
    }

    /// Goes to a tab.
    pub async fn go_to_tab(&self, tab: &str) {
        self.post("/window", json!({"handle": tab})).await;
    }

    /// Sets the window to this size in pixels, and this colour scheme: `light` or `dark`.
    pub async fn look_through(&self, width: u32, height: u32, scheme: &str) {
        let size =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.devtools("Emulation.setEmulatedMedia", json!({"features": [feature]})).await;
    }

    /// A picture of the window, as a PNG.
    pub async fn picture(&self) -> Vec<u8> {
        self.run("document.documentElement.style.scrollbarWidth = 'none'").await;
        let picture = self.devtools("Page.captureScreenshot", json!({"format": "png"})).await;
        BASE64_STANDARD.decode(picture["data"].as_str().expect("a picture")).expect("base64")
    }

    /// The names of all elements of a selector, as a screen reader says them.
    pub async fn names(&self, css: &str) -> Vec<String> {
        let by = json!({"using": "css selector", "value": css});
        let elements = self.post("/elements", by).await;
        let mut names = Vec::new();
        for element in elements.as_array().expect("a list") {
            let element = element[ELEMENT].as_str().expect("an element");
            let path = format!("/element/{element}/computedlabel");
            let name = self.tell(Method::GET, &path, Value::Null).await;
            names.push(name.as_str().expect("a name").to_owned());
        }
        names
    }

    /// Sends Chromium a command that `WebDriver` does not have.
    async fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", json!({"cmd": command, "params": parameters})).await
    }

    /// An element, as soon as the page has it.
    async fn element(&self, css: &str) -> String {
        let by = json!({"using": "css selector", "value": css});
        let element =
            eventually(css, async || self.ask(Method::POST, "/element", by.clone()).await.ok());
        element.await[ELEMENT].as_str().expect("an element").to_owned()
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        self.tell(Method::POST, path, body).await
    }

    async fn tell(&self, method: Method, path: &str, body: Value) -> Value {
        let answer = self.ask(method, path, body.clone()).await;
        answer.unwrap_or_else(|error| panic!("{path} {body}: {error}"))
    }

    /// Sends a command that may fail, such as a search for an element that does not exist yet.
    async fn ask(&self, method: Method, path: &str, body: Value) -> Result<Value, Value> {
        let request = self.client.request(method, format!("{}{path}", self.session));
        let request = if body.is_null() { request } else { request.body(body.to_string()) };
        let reply = request.send().await.expect("chromedriver answers");
        let text = reply.text().await.expect("whole");
        let mut reply: Value = serde_json::from_str(&text).expect("JSON");
        let value = reply["value"].take();
        if value.get("error").is_some() { Err(value) } else { Ok(value) }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // This ends Chromium, too, which its driver would leave behind.
        self.driver.kill();
    }
}
