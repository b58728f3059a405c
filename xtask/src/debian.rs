//! Installing Debian packages, where that is possible without asking anyone.

use crate::shell::{Result, Tool, which};

/// How packages are installed on this machine.
#[derive(Debug, Clone, Copy)]
pub enum Apt {
    /// As root.
    Root,
    /// Through sudo, which asks for no password.
    Sudo,
}

impl Apt {
    /// How packages can be installed, or `None` where they cannot.
    pub fn find() -> Option<Self> {
        which(&["apt-get"])?;
        if Tool::new("id").arg("-u").run_unseen().is_ok_and(|id| id.trim() == "0") {
            return Some(Self::Root);
        }
        let free_of_password =
            which(&["sudo"]).is_some() && Tool::new("sudo").args(["-n", "true"]).succeeds();
        free_of_password.then_some(Self::Sudo)
    }

    /// Fetches the lists of packages.
    pub fn update(self) -> Result<()> {
        eprintln!("    apt-get update");
        self.apt_get().arg("update").hint("is the machine online?").run_unseen().map(|_| ())
    }

    /// Installs `packages` and what they cannot do without.
    pub fn install(self, packages: &[&str]) -> Result<()> {
        eprintln!("    apt-get install {}", packages.join(" "));
        self.apt_get()
            .args(["install", "-y", "--no-install-recommends"])
            .args(packages)
            .hint("install them by hand, and run me again")
            .run_unseen()
            .map(|_| ())
    }

    /// The first of `names` that this release has, or else the last of them.
    pub fn first_of(names: &'static [&'static str]) -> Option<&'static str> {
        let known = |name: &&&str| Tool::new("apt-cache").args(["show", name]).succeeds();
        names.iter().find(known).or(names.last()).copied()
    }

    fn apt_get(self) -> Tool {
        let tool = match self {
            Self::Root => Tool::new("env"),
            Self::Sudo => Tool::new("sudo").args(["-n", "env"]),
        };
        tool.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "-q"])
    }
}
