//! Secrets by reference. In: `env:NAME` or `file:path` from an estate. Out: [`Secret`], which can be neither printed nor
//! written, and [`Redactor`], which takes secrets out of texts. It must never know what a secret opens.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
};

use crate::{sign, value::Value};

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

/// Takes every known secret out of texts, in whatever form a platform repeats it. Shared and cheap to clone.
#[derive(Clone)]
pub struct Redactor {
    known: Arc<RwLock<Vec<String>>>,
    /// What stands in a text where a secret was.
    instead: &'static str,
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new("[secret]")
    }
}

impl Redactor {
    /// Secrets shorter than this are not looked for: they would blot out innocent text.
    const SHORTEST: usize = 6;

    /// One that knows nothing yet, and what it writes where a secret was.
    pub fn new(instead: &'static str) -> Self {
        Self { known: Arc::default(), instead }
    }

    /// Remembers a secret.
    pub fn learn(&self, secret: &Secret<String>) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        for form in forms(secret.expose()) {
            if !known.contains(&form) {
                known.push(form);
            }
        }
        // The longest first: a secret may be part of another.
        known.sort_by_key(|form| std::cmp::Reverse(form.len()));
    }

    /// Forgets a secret that opens nothing any more.
    pub fn forget(&self, secret: &Secret<String>) {
        let gone = forms(secret.expose());
        self.known.write().unwrap_or_else(PoisonError::into_inner).retain(|form| !gone.contains(form));
    }

    /// The text without secrets.
    pub fn clean(&self, text: &str) -> String {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut text = text.to_owned();
        for secret in known.iter() {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), self.instead);
            }
        }
        text
    }

    /// The value without secrets, in its names too.
    pub fn clean_value(&self, value: &Value) -> Value {
        rewrite(value, &|text| self.clean(text))
    }
}

/// The value with every text of it, and every name, written anew.
pub fn rewrite(value: &Value, text: &dyn Fn(&str) -> String) -> Value {
    match value {
        Value::Text(old) => text(old).into(),
        Value::List(items) => Value::list(items.iter().map(|item| rewrite(item, text))),
        Value::Map(map) => Value::object(map.iter().map(|(name, value)| (text(name), rewrite(value, text)))),
        other => other.clone(),
    }
}

/// The forms in which a secret may be repeated; of one with several lines, each line's too.
fn forms(text: &str) -> Vec<String> {
    let whole = Some(text).filter(|text| text.len() >= Redactor::SHORTEST);
    let lines = text.lines().filter(|line| line.len() >= 24);
    let mut forms: Vec<String> = whole.into_iter().chain(lines).flat_map(forms_of_line).collect();
    forms.sort();
    forms.dedup();
    forms
}

fn forms_of_line(text: &str) -> Vec<String> {
    let each = |write: fn(u8) -> String| text.bytes().map(write).collect::<String>();
    let small = |byte: u8| match char::from(byte) {
        letter if letter.is_ascii_alphanumeric() || "-._~".contains(letter) => letter.to_string(),
        _ => format!("%{byte:02x}"),
    };
    let mut forms = vec![
        text.to_owned(),
        Value::from(text).to_json().trim_matches('"').to_owned(),
        sign::percent(text),
        each(small),
        each(|byte| format!("%{byte:02X}")),
        each(|byte| format!("%{byte:02x}")),
        each(|byte| format!("{byte:02X}")),
        each(|byte| format!("{byte:02x}")),
    ];
    // In base64 a text looks different by what stands before it, as the name of `name:password`: what is the same in any case
    // are the signs that hold none of the bits around it.
    for (before, skip) in [(0, 0), (1, 2), (2, 3)] {
        let bytes = [&[0; 2][..before], text.as_bytes()].concat();
        let signs = skip..bytes.len() * 8 / 6;
        forms.push(sign::base64(&bytes)[signs.clone()].to_owned());
        forms.push(sign::base64_url(&bytes)[signs].to_owned());
    }
    forms
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
        let secret = Secret::new("p/ss wörd".to_owned());
        redactor.learn(&secret);
        let text = format!("a p/ss wörd b {} c p%2fss%20w%c3%b6rd d", sign::percent("p/ss wörd"));
        assert_eq!(redactor.clean(&text), "a [secret] b [secret] c [secret] d");
        assert_eq!(redactor.clean("702f73732077c3b67264 702F73732077C3B67264"), "[secret] [secret]");
        for (name, rest) in [("", ""), ("u", "x"), ("us", "xy"), ("use", "xyz"), ("user", "")] {
            let pair = format!("{name}p/ss wörd{rest}");
            for coded in [sign::base64(pair.as_bytes()), sign::base64_url(pair.as_bytes())] {
                assert!(redactor.clean(&coded).contains("[secret]"), "{pair}: {coded}");
            }
        }
        redactor.learn(&Secret::new("abc".to_owned()));
        assert_eq!(redactor.clean("abc"), "abc");
        redactor.forget(&secret);
        assert_eq!(redactor.clean(&text), text);
    }

    #[test]
    fn secrets_are_taken_out_of_names_and_lists() {
        let redactor = Redactor::default();
        redactor.learn(&Secret::new("hunter2".to_owned()));
        let value = Value::parse(br#"{"a hunter2":["hunter2",1,{"b":"x"}]}"#).unwrap();
        assert_eq!(redactor.clean_value(&value).to_json(), r#"{"a [secret]":["[secret]",1,{"b":"x"}]}"#);
    }
}
