//! A real S3 server on this machine, for as long as a test needs one: the program of the crate `s3s-fs`.
//!
//! It is installed from the registry into the target directory on first use. A dependency would be shorter,
//! but would turn on features of crates that DataFusion shares, and so build all of that twice.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

const VERSION: &str = "0.14.1";

/// A running server with one empty bucket; dropping it ends it.
pub struct S3Server {
    process: Child,
    endpoint: String,
    _root: tempfile::TempDir,
}

impl S3Server {
    /// The name of its bucket.
    pub const BUCKET: &str = "firndb";

    /// Starts a server on a free port of this machine.
    pub fn start() -> Self {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join(Self::BUCKET)).unwrap();
        let mut process = Command::new(program())
            .args(["--host", "127.0.0.1", "--port", "0", "--access-key", "test", "--secret-key", "test"])
            .arg(root.path())
            .env("RUST_LOG", "s3s_fs=info")
            .stdout(Stdio::piped())
            .spawn()
            .expect("s3s-fs starts");
        let mut said = BufReader::new(process.stdout.take().unwrap()).lines();
        let endpoint = said.by_ref().find_map(|line| {
            let line = line.expect("s3s-fs writes text");
            line.split_once("server is running at ").map(|(_, url)| url.trim().to_owned())
        });
        let endpoint = endpoint.expect("s3s-fs says where it listens");
        // Nobody reads the rest, but a full pipe would stop the server.
        std::thread::spawn(move || said.for_each(drop));
        Self { process, endpoint, _root: root }
    }

    /// How `object_store` reaches it.
    pub fn options(&self) -> Vec<(String, String)> {
        let options = [
            ("AWS_ENDPOINT", self.endpoint.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        options.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        _ = self.process.kill();
        _ = self.process.wait();
    }
}

/// The installed program. Tests run at the same time, and only one may install it.
fn program() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(installed).clone()
}

fn installed() -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("s3s-fs-{VERSION}"));
    let program = root.join("bin").join(format!("s3s-fs{}", std::env::consts::EXE_SUFFIX));
    if program.is_file() {
        return program;
    }
    eprintln!("installing s3s-fs {VERSION}, the S3 server of the tests; this happens once");
    let build = root.join("build");
    let mut install = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    install
        .args(["install", "s3s-fs", "--version", &format!("={VERSION}"), "--features", "binary"])
        .args(["--locked", "--debug", "--quiet", "--root"])
        .arg(&root)
        .arg("--target-dir")
        .arg(&build)
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    let status = install.status().expect("cargo starts");
    assert!(status.success(), "the S3 tests need s3s-fs {VERSION} from crates.io, but {install:?} failed");
    _ = std::fs::remove_dir_all(build);
    program
}
