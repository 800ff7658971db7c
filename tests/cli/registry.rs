//! Registries on this machine: a small one of our own, and the real program where it is there.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tenantry::digest::Digest;

/// Media type of an index, which stands for an image for several platforms.
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// What a registry of our own holds, and how it answers.
#[derive(Debug, Default)]
pub struct Shelf {
    /// Contents of manifests, by repository and tag or digest.
    pub manifests: BTreeMap<(String, String), String>,
    /// User and password without which nobody gets a token, as HTTP has them; `None` lets everybody in without any.
    pub wants: Option<String>,
    /// Whether the digest is left out of answers, so that the content has to be asked for.
    pub is_silent: bool,
    /// The port of this machine that tunnels lead to, whatever host they are asked for.
    pub tunnel: Option<u16>,
    /// What was asked for: method and path.
    pub log: Vec<String>,
}

/// A registry of our own, on a port of this machine.
pub struct Registry {
    pub port: u16,
    pub shelf: Arc<Mutex<Shelf>>,
}

impl Registry {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let shared = Arc::clone(&shelf);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shelf = Arc::clone(&shared);
                // A client that goes away is none of the registry's business.
                std::thread::spawn(move || {
                    stream.is_ok_and(|stream| answer(stream, port, &shelf).is_ok())
                });
            }
        });
        Registry { port, shelf }
    }

    /// Returns how references name the registry.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Puts an image for several platforms under a reference, whose registry is left out, and returns its digest.
    pub fn push(&self, reference: &str, content: &str) -> String {
        let (repository, tag) = reference.rsplit_once(':').expect("a tag");
        let text = format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{INDEX}\",\"manifests\":[],\"annotations\":{{\"content\":\"{content}\"}}}}"
        );
        let digest = digest(text.as_bytes());
        let mut shelf = self.shelf.lock().expect("no thread panics");
        for place in [tag, &digest] {
            let place = (repository.to_owned(), place.to_owned());
            shelf.manifests.insert(place, text.clone());
        }
        digest
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", Digest::of(bytes))
}

fn answer(stream: TcpStream, port: u16, shelf: &Mutex<Shelf>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split(' ').map(str::to_owned);
    let (method, path) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let mut authorization = String::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header)?;
        if header.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = header.split_once(':')
            && name.eq_ignore_ascii_case("authorization")
        {
            authorization = value.trim().to_owned();
        }
    }
    let mut shelf = shelf.lock().expect("no thread panics");
    shelf.log.push(format!("{method} {path}"));
    if method == "CONNECT"
        && let Some(port) = shelf.tunnel
    {
        drop(shelf);
        return tunnel(stream, port);
    }
    let (status, headers, body) = shelf.answer(&path, &authorization, port);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n",
        body.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    if method != "HEAD" {
        stream.write_all(body.as_bytes())?;
    }
    Ok(())
}

/// Passes everything on to a port of this machine, and back.
fn tunnel(mut stream: TcpStream, port: u16) -> std::io::Result<()> {
    let mut there = TcpStream::connect(("127.0.0.1", port))?;
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut back, mut to) = (there.try_clone()?, stream.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut back, &mut to));
    std::io::copy(&mut stream, &mut there)?;
    Ok(())
}

/// A certificate for a host that is its own authority, and its key, as files of a directory.
pub struct Certificate {
    pub place: tempfile::TempDir,
}

impl Certificate {
    /// Makes one; `None` without `openssl`.
    pub fn make(host: &str) -> Option<Self> {
        let place = tempfile::tempdir().expect("a temporary directory");
        let name = format!("subjectAltName=DNS:{host}");
        let made = Command::new("openssl")
            .args([
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
            ])
            .args(["-subj", "/CN=test", "-addext", &name])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .args(["-keyout", "key.pem", "-out", "cert.pem"])
            .current_dir(place.path())
            .output();
        let made = made.is_ok_and(|output| output.status.success());
        made.then_some(Certificate { place })
    }

    /// Returns the path of the certificate.
    pub fn path(&self) -> String {
        let path = self.place.path().join("cert.pem");
        path.to_str().expect("a plain path").to_owned()
    }
}

impl Shelf {
    /// Returns status, headers and body.
    fn answer(&self, path: &str, authorization: &str, port: u16) -> (&'static str, String, String) {
        let refused =
            |code: &str| format!("{{\"errors\":[{{\"code\":\"{code}\",\"message\":\"no\"}}]}}");
        if let Some(query) = path.strip_prefix("/token?") {
            let wanted = self.wants.as_deref().unwrap_or_default();
            return if authorization == wanted {
                let scope = query
                    .split('&')
                    .find_map(|pair| pair.strip_prefix("scope="));
                let token = format!("{{\"token\":\"for-{}\"}}", scope.unwrap_or_default());
                ("200 OK", String::new(), token)
            } else {
                ("401 Unauthorized", String::new(), refused("UNAUTHORIZED"))
            };
        }
        let manifest = path
            .strip_prefix("/v2/")
            .and_then(|path| path.split_once("/manifests/"));
        if self.wants.is_some() {
            let scope = manifest.map(|(repository, _)| {
                let repository = repository.replace('/', "%2F");
                format!("Bearer for-repository%3A{repository}%3Apull")
            });
            if scope.is_none_or(|scope| scope != authorization) {
                let challenge = format!(
                    "www-authenticate: Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"test\"\r\n"
                );
                return ("401 Unauthorized", challenge, refused("UNAUTHORIZED"));
            }
        }
        let Some((repository, tag)) = manifest else {
            return ("200 OK", String::new(), "{}".to_owned());
        };
        match self.manifests.get(&(repository.to_owned(), tag.to_owned())) {
            None => ("404 Not Found", String::new(), refused("MANIFEST_UNKNOWN")),
            Some(text) => {
                let mut headers = format!("content-type: {INDEX}\r\n");
                if !self.is_silent {
                    let digest = digest(text.as_bytes());
                    headers.push_str(&format!("docker-content-digest: {digest}\r\n"));
                }
                ("200 OK", headers, text.clone())
            }
        }
    }
}

/// The registry program of the CNCF's distribution, running.
pub struct Program {
    child: Child,
    pub port: u16,
    _place: tempfile::TempDir,
}

impl Drop for Program {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

impl Program {
    /// Starts the program; `None` when it is not on the path.
    pub fn start() -> Option<Self> {
        Program::start_with(None)
    }

    /// Starts the program, which lays claim to being a host if it gets a certificate.
    pub fn start_with(certificate: Option<&Certificate>) -> Option<Self> {
        let name = ["registry", "docker-registry"].into_iter().find(|name| {
            let version = Command::new(name).arg("--version").output();
            version.is_ok_and(|output| {
                String::from_utf8_lossy(&output.stdout).contains("distribution")
            })
        })?;
        let place = tempfile::tempdir().expect("a temporary directory");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let config = place.path().join("config.yml");
        let root = place.path().join("storage");
        let tls = certificate.map_or_else(String::new, |certificate| {
            let key = certificate.place.path().join("key.pem");
            let (certificate, key) = (certificate.path(), key.display());
            format!(", tls: {{certificate: \"{certificate}\", key: \"{key}\"}}")
        });
        let text = format!(
            "version: 0.1\nstorage: {{filesystem: {{rootdirectory: \"{}\"}}}}\nhttp: {{addr: \"127.0.0.1:{port}\"{tls}}}\n",
            root.display()
        );
        std::fs::write(&config, text).expect("writable");
        let child = Command::new(name)
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the registry starts");
        let program = Program {
            child,
            port,
            _place: place,
        };
        for _ in 0..600 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return Some(program);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the registry does not listen");
    }

    /// Returns how references name the registry.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Pushes an image for one platform, and an index of it under a reference without registry; returns the digest of
    /// the index.
    pub fn push(&self, reference: &str, content: &str) -> String {
        let (repository, tag) = reference.rsplit_once(':').expect("a tag");
        let config =
            format!("{{\"architecture\":\"amd64\",\"os\":\"linux\",\"author\":\"{content}\"}}");
        let config_digest = digest(config.as_bytes());
        let (_, headers) = self.ask("POST", &format!("/v2/{repository}/blobs/uploads/"), "", "");
        let location = headers.get("location").expect("a place for the blob");
        let path = location
            .strip_prefix(&format!("http://{}", self.host()))
            .unwrap_or(location);
        let path = format!("{path}&digest={config_digest}");
        self.ask("PUT", &path, "application/octet-stream", &config);
        let manifest = format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{MANIFEST}\",\"config\":{{\"mediaType\":\"{CONFIG}\",\"digest\":\"{config_digest}\",\"size\":{}}},\"layers\":[]}}",
            config.len()
        );
        let manifest_digest = digest(manifest.as_bytes());
        let put = |tag: &str, kind: &str, text: &str| {
            self.ask(
                "PUT",
                &format!("/v2/{repository}/manifests/{tag}"),
                kind,
                text,
            );
        };
        put(&manifest_digest, MANIFEST, &manifest);
        let index = format!(
            "{{\"schemaVersion\":2,\"mediaType\":\"{INDEX}\",\"manifests\":[{{\"mediaType\":\"{MANIFEST}\",\"digest\":\"{manifest_digest}\",\"size\":{},\"platform\":{{\"architecture\":\"amd64\",\"os\":\"linux\"}}}}]}}",
            manifest.len()
        );
        put(tag, INDEX, &index);
        digest(index.as_bytes())
    }

    /// Sends a request, which must succeed; returns the status and the headers by their names in lower case.
    fn ask(
        &self,
        method: &str,
        path: &str,
        kind: &str,
        body: &str,
    ) -> (u16, BTreeMap<String, String>) {
        let mut stream =
            TcpStream::connect(("127.0.0.1", self.port)).expect("the registry listens");
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\r\n{body}",
            self.host(),
            body.len()
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        let mut lines = answer.lines();
        let status = lines
            .next()
            .and_then(|line| line.split(' ').nth(1)?.parse().ok());
        let status: u16 = status.expect("a status");
        assert!((200..300).contains(&status), "{method} {path}: {answer}");
        let headers = lines.take_while(|line| !line.is_empty());
        let headers = headers.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
        (status, headers.collect())
    }
}
