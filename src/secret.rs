//! Secrets by reference. In: `env:NAME` or `file:path` from an estate. Out: [`Secret`], which can be neither printed nor
//! written, and [`Redactor`], which takes secrets out of texts. It must never know what a secret opens.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

use crate::sign;

/// Why a secret could not be had. Never holds the secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A secret's text where a reference should stand. The text itself is not repeated.
    #[error("a secret is given by reference: `env:NAME` or `file:path`, never as text")]
    Inline,
    /// The variable is not set, or empty.
    #[error("the environment variable `{0}` is not set: it should hold a secret")]
    NoVariable(Arc<str>),
    /// The file lies outside the folder secrets may come from.
    #[error("`{0}` lies outside the estate: secrets are read from files inside it only")]
    Outside(String),
    /// Others may read the file.
    #[error("`{0}` may be read by others (mode {1:o}): run `chmod 600` on it")]
    Open(String, u32),
    /// The file cannot be read.
    #[error("`{0}` cannot be read: {1}")]
    Unreadable(String, String),
}

/// Something secret. Neither `Debug` nor `Display` nor `Serialize`: it cannot be printed by mistake.
#[derive(Clone)]
pub struct Secret<T>(T);

impl<T> Secret<T> {
    /// Marks a value as secret.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value; every use of this name is a place to look at.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

/// Where a secret is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// `env:NAME`.
    Variable(Arc<str>),
    /// `file:path`, relative to the estate.
    File(PathBuf),
}

impl Reference {
    /// Reads a reference.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text.split_once(':') {
            Some(("env", name)) if !name.is_empty() => Ok(Self::Variable(name.into())),
            Some(("file", path)) if !path.is_empty() => Ok(Self::File(path.into())),
            _ => Err(Error::Inline),
        }
    }

    /// Fetches the secret; files only from inside `folder`, and only if nobody else may read them. One line end at the end
    /// of a file is not part of the secret.
    pub fn fetch(&self, folder: &Path) -> Result<Secret<String>, Error> {
        let text = match self {
            Self::Variable(name) => {
                let set = env::var(&**name).ok().filter(|text| !text.is_empty());
                set.ok_or_else(|| Error::NoVariable(Arc::clone(name)))?
            }
            Self::File(path) => read(folder, path)?,
        };
        Ok(Secret::new(text))
    }
}

fn read(folder: &Path, path: &Path) -> Result<String, Error> {
    let shown = path.display().to_string();
    let unreadable = |error: std::io::Error| Error::Unreadable(shown.clone(), error.kind().to_string());
    let folder = folder.canonicalize().map_err(unreadable)?;
    let whole = folder.join(path).canonicalize().map_err(unreadable)?;
    if !whole.starts_with(&folder) {
        return Err(Error::Outside(shown));
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&whole).map_err(unreadable)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(Error::Open(shown, mode));
        }
    }
    let mut text = fs::read_to_string(&whole).map_err(unreadable)?;
    if text.ends_with('\n') {
        text.pop();
        if text.ends_with('\r') {
            text.pop();
        }
    }
    Ok(text)
}

/// Takes every known secret out of a text: as it is, in base64, and percent-encoded. Shared and cheap to clone.
#[derive(Clone, Default)]
pub struct Redactor(Arc<RwLock<Vec<String>>>);

/// What stands in a text where a secret was.
const HIDDEN: &str = "[secret]";

impl Redactor {
    /// Secrets shorter than this are not looked for: they would blot out innocent text.
    const SHORTEST: usize = 6;

    /// Remembers a secret.
    pub fn learn(&self, secret: &Secret<String>) {
        let text = secret.expose();
        if text.len() < Self::SHORTEST {
            return;
        }
        let forms = [
            text.clone(),
            sign::base64(text.as_bytes()),
            sign::base64_url(text.as_bytes()),
            sign::percent(text),
        ];
        let lines = text.lines().filter(|line| line.len() >= 24).map(str::to_owned);
        let mut known = self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for form in forms.into_iter().chain(lines) {
            if !known.contains(&form) {
                known.push(form);
            }
        }
        known.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// The text without secrets.
    pub fn clean(&self, text: &str) -> String {
        let known = self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut text = text.to_owned();
        for secret in known.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), HIDDEN);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_and_text_is_refused_unrepeated() {
        assert_eq!(Reference::parse("env:BC_TOKEN"), Ok(Reference::Variable("BC_TOKEN".into())));
        assert_eq!(Reference::parse("file:keys/ns.pem"), Ok(Reference::File("keys/ns.pem".into())));
        for inline in ["hunter2", "env:", "https://x", "-----BEGIN"] {
            assert_eq!(Reference::parse(inline), Err(Error::Inline), "{inline}");
        }
        let missing = Reference::Variable("FLOWRUN_NO_SUCH_VARIABLE".into());
        assert!(matches!(missing.fetch(Path::new(".")), Err(Error::NoVariable(_))));
    }

    #[cfg(unix)]
    #[test]
    fn files_must_be_private_and_inside() {
        use std::os::unix::fs::PermissionsExt as _;
        let estate = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        let write = |folder: &Path, name: &str, mode: u32| {
            let path = folder.join(name);
            fs::write(&path, "s3cret\r\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        };
        write(estate.path(), "good", 0o600);
        write(estate.path(), "open", 0o644);
        let away = write(outside.path(), "away", 0o600);
        std::os::unix::fs::symlink(&away, estate.path().join("link")).unwrap();
        let fetch = |path: &str| {
            Reference::File(path.into()).fetch(estate.path()).map(|secret| secret.expose().clone())
        };
        assert_eq!(fetch("good"), Ok("s3cret".to_owned()));
        assert_eq!(fetch("open"), Err(Error::Open("open".into(), 0o644)));
        assert_eq!(fetch("link"), Err(Error::Outside("link".into())));
        assert!(matches!(fetch(away.to_str().unwrap()), Err(Error::Outside(_))));
        assert!(matches!(fetch("none"), Err(Error::Unreadable(..))));
    }

    #[test]
    fn every_form_of_a_secret_is_taken_out() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new("p/ss wörd".to_owned()));
        let text = format!(
            "a p/ss wörd b {} c {} d",
            sign::base64("p/ss wörd".as_bytes()),
            sign::percent("p/ss wörd")
        );
        assert_eq!(redactor.clean(&text), "a [secret] b [secret] c [secret] d");
        redactor.learn(&Secret::new("abc".to_owned()));
        assert_eq!(redactor.clean("abc"), "abc");
    }
}
