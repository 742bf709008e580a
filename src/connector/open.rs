//! A connection: a connector with the settings of an estate. In: a connector, what the estate says. Out: [`Connection`], every
//! number known. Secrets stay with who sends.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    address::{self, Base, is_slug},
    model::{Auth, Connector, Operation, Repeat, Setting, SettingKind, slot},
    scope::Roots,
};
use crate::{money::Currency, shape::near, value::Value};

/// Why a connection cannot be opened. Names the key of the estate that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The address is not allowed.
    #[error(transparent)]
    Address(#[from] address::Error),
    /// A setting is missing.
    #[error("the connection `{0}` needs the setting `{1}`")]
    NoSetting(Arc<str>, Arc<str>),
    /// A setting is not what the connector says.
    #[error("the setting `{1}` of `{0}` must be {2}")]
    BadSetting(Arc<str>, Arc<str>, String),
    /// A setting that the connector does not have.
    #[error("the connector of `{0}` has no setting `{1}`")]
    UnknownSetting(Arc<str>, Arc<str>),
    /// Which way in is not said, or there is no such one.
    #[error("the connection `{0}` must say which `auth` it uses: one of {1}")]
    Auth(Arc<str>, String),
    /// An expression over settings failed.
    #[error("`{1}` of the connection `{0}`: {2}")]
    Expression(Arc<str>, &'static str, String),
}

/// What an estate says of a connection.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// In place of the connector's base.
    pub url: Option<Arc<str>>,
    /// Which way in.
    pub auth: Option<Arc<str>>,
    /// Settings: name and value.
    pub settings: Vec<(Arc<str>, Value)>,
    /// ISO codes by the platform's own ids of currencies.
    pub currencies: BTreeMap<Arc<str>, Currency>,
    /// Whether the address may be private (loopback, a company's network): a sandbox.
    pub allow_private: bool,
}

/// What the platform allows, in numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Door {
    /// Requests a window, and its length.
    pub window: Option<(u32, Duration)>,
    /// Header names by what they tell: `quota`, `left`, `reset_ms`, `reset_s`.
    pub headers: BTreeMap<Arc<str>, Arc<str>>,
    /// Calls at one time.
    pub slots: Option<u32>,
    /// Calls at one time within a group.
    pub groups: BTreeMap<Arc<str>, u32>,
}

/// A connector with the settings of an estate.
#[derive(Debug)]
pub struct Connection {
    /// The estate's name of it.
    pub name: Arc<str>,
    /// Its connector.
    pub connector: Arc<Connector>,
    /// Where it is.
    pub base: Base,
    /// The way in, and its name.
    pub auth: Option<(Arc<str>, Auth)>,
    /// OAuth 1.0's realm.
    pub realm: Arc<str>,
    /// Constants that expressions see.
    pub settings: Value,
    /// What makes two connections one: limits and the journal go by it.
    pub account: Arc<str>,
    /// What the platform allows.
    pub door: Door,
    /// Whether the address may be private.
    pub allow_private: bool,
    currencies: BTreeMap<Arc<str>, Currency>,
}

/// How a write may be repeated, in numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// Freely.
    Safe,
    /// With the same key, for so long.
    Key(Duration),
    /// After a look by this operation.
    Look {
        /// The operation.
        operation: Arc<str>,
        /// How long the platform may be at work on an unanswered request.
        settle: Duration,
        /// How long what was written may stay invisible.
        lag: Duration,
    },
    /// Never.
    Never,
}

impl Connection {
    /// Opens a connector with what an estate says.
    pub fn open(name: Arc<str>, connector: Arc<Connector>, given: Given) -> Result<Self, Error> {
        let settings = settings(&name, &connector, &given.settings)?;
        let base = match &given.url {
            Some(url) => Base::parse(url)?,
            None => Base::fill(&connector.base, &settings)?,
        };
        let auth = auth(&name, &connector, given.auth.as_ref())?;
        let mut roots = Roots::new(usize::from(slot::STEPS));
        roots.set(slot::SETTINGS, settings.clone());
        let wrong = |key: &'static str| {
            let name = Arc::clone(&name);
            move |told: String| Error::Expression(name, key, told)
        };
        let text = |template: &crate::expr::Template| {
            roots.template(template).map(|value| value.scalar_text().unwrap_or_default())
        };
        let account = connector.account.as_ref().map(text).transpose().map_err(wrong("account"))?;
        let account = account
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| format!("{}{}", base.origin, base.path));
        let realm = match &auth {
            Some((_, Auth::OAuth1 { realm })) => text(realm).map_err(wrong("realm"))?,
            _ => String::new(),
        };
        let door = door(&connector, &roots).map_err(wrong("limits"))?;
        let account = format!("{}:{account}", connector.name).into();
        let (allow_private, currencies) = (given.allow_private, given.currencies);
        Ok(Self {
            name,
            connector,
            base,
            auth,
            realm: realm.into(),
            settings,
            account,
            door,
            allow_private,
            currencies,
        })
    }

    /// An operation by name.
    pub fn operation(&self, name: &str) -> Option<&Operation> {
        self.connector.operations.get(name)
    }

    /// How a write may be repeated under these settings; none for reads.
    pub fn repeats(&self, operation: &Operation) -> Result<Option<Repeats>, Error> {
        let mut roots = Roots::new(usize::from(slot::STEPS));
        roots.set(slot::SETTINGS, self.settings.clone());
        let span = |template: Option<&crate::expr::Template>| {
            let Some(template) = template else { return Ok(Duration::ZERO) };
            let value = roots
                .template(template)
                .map_err(|told| Error::Expression(Arc::clone(&self.name), "repeat", told))?;
            let read = value.as_str().and_then(duration);
            read.ok_or_else(|| {
                Error::Expression(
                    Arc::clone(&self.name),
                    "repeat",
                    "expected a duration such as `15m`".into(),
                )
            })
        };
        Ok(match &operation.repeat {
            None => None,
            Some(Repeat::Safe) => Some(Repeats::Safe),
            Some(Repeat::Never) => Some(Repeats::Never),
            Some(Repeat::Key { valid_for, .. }) => Some(Repeats::Key(span(Some(valid_for))?)),
            Some(Repeat::Look { operation, settle, lag }) => {
                let (settle, lag) = (span(settle.as_ref())?, span(lag.as_ref())?);
                Some(Repeats::Look { operation: Arc::clone(operation), settle, lag })
            }
        })
    }

    /// The currency that an id (`"1"`, `{id: "1"}`) of this platform stands for.
    pub fn currency(&self, id: &Value) -> Option<Currency> {
        let text = id.get("id").unwrap_or(id).scalar_text()?;
        self.currencies.get(text.as_str()).copied()
    }

    /// What a webhook's producer field must say.
    pub fn producer(&self) -> Option<(&[Arc<str>], String)> {
        let (path, wanted) = self.connector.webhooks.as_ref()?.producer.as_ref()?;
        let mut roots = Roots::new(usize::from(slot::STEPS));
        roots.set(slot::SETTINGS, self.settings.clone());
        Some((path, roots.template(wanted).ok()?.scalar_text()?))
    }

    /// The zone of a cursor's stamps; UTC unless it says another.
    pub fn cursor_zone(&self, cursor: &super::model::Cursor) -> String {
        let mut roots = Roots::new(usize::from(slot::STEPS));
        roots.set(slot::SETTINGS, self.settings.clone());
        let zone = cursor
            .zone
            .as_ref()
            .and_then(|zone| roots.template(zone).ok())
            .and_then(|zone| zone.scalar_text());
        zone.unwrap_or_else(|| "UTC".to_owned())
    }
}

fn settings(name: &Arc<str>, connector: &Connector, given: &[(Arc<str>, Value)]) -> Result<Value, Error> {
    if let Some((unknown, _)) =
        given.iter().find(|(key, _)| !connector.settings.iter().any(|known| known.name == *key))
    {
        return Err(Error::UnknownSetting(Arc::clone(name), Arc::clone(unknown)));
    }
    let mut all = Vec::new();
    for setting in &connector.settings {
        let value = given
            .iter()
            .find(|(key, _)| *key == setting.name)
            .map(|(_, value)| value)
            .or(setting.default.as_ref());
        let value = value.ok_or_else(|| Error::NoSetting(Arc::clone(name), Arc::clone(&setting.name)))?;
        let wanted = |wanted| Error::BadSetting(Arc::clone(name), Arc::clone(&setting.name), wanted);
        all.push((Arc::clone(&setting.name), fits(value, &setting.kind).map_err(wanted)?));
    }
    Ok(Value::object(all))
}

impl Setting {
    /// The value as its kind says, or what it must be; text that spells it counts.
    pub fn read(&self, value: &Value) -> Result<Value, String> {
        fits(value, &self.kind)
    }

    /// The word that was perhaps meant.
    pub fn near(&self, value: &Value) -> Option<&str> {
        let SettingKind::Word(words) = &self.kind else { return None };
        near(&value.scalar_text()?, words.iter().map(|word| &**word))
    }
}

/// A setting's value as its kind says; text that spells it counts.
pub(super) fn fits(value: &Value, kind: &SettingKind) -> Result<Value, String> {
    let text = value.scalar_text();
    if let SettingKind::Word(words) = kind {
        let known = text.filter(|text| words.iter().any(|word| **word == **text));
        return known.map(Value::from).ok_or_else(|| format!("one of {}", words.join(", ")));
    }
    plain(value, text, kind).map_err(str::to_owned)
}

fn plain(value: &Value, text: Option<String>, kind: &SettingKind) -> Result<Value, &'static str> {
    let number = || value.as_decimal().or_else(|| crate::money::decimal(text.as_deref()?).ok());
    match kind {
        SettingKind::Text | SettingKind::Word(_) => text.map(Value::from).ok_or("text"),
        SettingKind::Slug => {
            text.filter(|text| is_slug(text)).map(Value::from).ok_or("letters, digits, `_` and `-`")
        }
        SettingKind::Int => {
            number().filter(|digits| digits.fract().is_zero()).map(Value::from).ok_or("a whole number")
        }
        SettingKind::Number => number().map(Value::from).ok_or("a number"),
        SettingKind::Bool => match text.as_deref() {
            Some("true") => Ok(true.into()),
            Some("false") => Ok(false.into()),
            _ => Err("`true` or `false`"),
        },
        SettingKind::Duration => {
            text.filter(|text| duration(text).is_some()).map(Value::from).ok_or("a duration such as `15m`")
        }
    }
}

/// `500ms`, `90s`, `10m`, `24h`, `3d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let count: u64 = count.parse().ok()?;
    let ms = match unit {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    count.checked_mul(ms).map(Duration::from_millis)
}

fn auth(
    name: &Arc<str>,
    connector: &Connector,
    wanted: Option<&Arc<str>>,
) -> Result<Option<(Arc<str>, Auth)>, Error> {
    let names = || connector.auth.keys().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ");
    let chosen = match wanted {
        Some(wanted) => connector.auth.get_key_value(wanted),
        None if connector.auth.len() <= 1 => connector.auth.iter().next(),
        None => return Err(Error::Auth(Arc::clone(name), names())),
    };
    match chosen {
        Some((key, auth)) => Ok(Some((Arc::clone(key), auth.clone()))),
        None if wanted.is_none() => Ok(None),
        None => Err(Error::Auth(Arc::clone(name), names())),
    }
}

fn door(connector: &Connector, roots: &Roots) -> Result<Door, String> {
    let number = |template: &crate::expr::Template| {
        let value = roots.template(template)?;
        let number = value.as_i64().or_else(|| value.scalar_text()?.parse().ok());
        number
            .and_then(|number| u32::try_from(number).ok())
            .filter(|number| *number > 0)
            .ok_or("expected a whole number from 1".to_owned())
    };
    let limits = &connector.limits;
    let window = limits
        .window
        .as_ref()
        .map(|window| Ok::<_, String>((number(&window.quota)?, window.every)))
        .transpose()?;
    let headers = limits.window.as_ref().map(|window| window.headers.clone()).unwrap_or_default();
    let slots = limits.slots.as_ref().map(number).transpose()?;
    let groups = limits.groups.iter().map(|(name, cap)| Ok((Arc::clone(name), number(cap)?)));
    Ok(Door { window, headers, slots, groups: groups.collect::<Result<_, String>>()? })
}
