//! From the tree of a connector file to the connector. In: the AST, record shapes. Out: [`Connector`], and every problem at
//! its own place. Nothing is guessed: a piece that is wrong is left out and told.

mod operation;
mod parts;
mod step;
mod value;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use super::{
    address::{Base, is_slug},
    model::{
        Auth, Connector, ErrorPaths, Limits, Rule, Setting, SettingKind, Slot, Verify, Webhooks, Window, slot,
    },
    open::{duration, fits},
};
use crate::{
    event::{Class, Sent},
    problem::{Problem, Problems, codes},
    record::Records,
    shape::{Shape, near},
    sign::Algorithm,
    source::{Name, Span},
    syntax::{ast::Given, connector as ast},
    value::Value,
};

const KINDS: &[(&str, SettingKind)] = &[
    ("text", SettingKind::Text),
    ("slug", SettingKind::Slug),
    ("int", SettingKind::Int),
    ("number", SettingKind::Number),
    ("bool", SettingKind::Bool),
    ("duration", SettingKind::Duration),
];
const CLASSES: &[(&str, Class)] = &[
    ("retry", Class::Retry),
    ("outage", Class::Outage),
    ("throttle", Class::Throttle),
    ("auth", Class::Auth),
    ("conflict", Class::Conflict),
    ("landed", Class::Landed),
    ("reject", Class::Reject),
    ("gone", Class::Gone),
];
/// How long a call may take if the connector does not say.
const TIMEOUT: Duration = Duration::from_mins(1);

/// Reads a connector. Its problems are added; what comes back may be used only if there are no errors among them.
pub fn lower(file: &ast::Connector, records: &Records, problems: &mut Problems) -> Connector {
    let mut lower = Lower { records, problems, names: Vec::new(), next: 0, settings: Vec::new() };
    lower.settings = file.settings.iter().filter_map(|setting| lower.setting(setting)).collect();
    lower.base(&file.base);
    lower.scope(&[("settings", slot::SETTINGS)]);
    let connector = Connector {
        name: Arc::clone(&file.name.value),
        title: Arc::clone(file.title.as_ref().map_or(&file.name.value, |title| &title.value)),
        base: Arc::clone(&file.base.value),
        settings: lower.settings.clone(),
        account: file.account.as_ref().map(|account| lower.template(account)),
        headers: lower.mappings(&file.headers),
        auth: file
            .auth
            .iter()
            .filter_map(|(name, auth)| Some((Arc::clone(&name.value), lower.auth(auth)?)))
            .collect(),
        limits: lower.limits(&file.limits),
        timeout: file
            .timeout
            .as_ref()
            .and_then(|timeout| lower.constant_duration(timeout))
            .unwrap_or(TIMEOUT),
        errors: ErrorPaths { code: paths(&file.error.code), message: paths(&file.error.message) },
        classes: file.classes.iter().filter_map(|rule| lower.rule(rule)).collect(),
        webhooks: file.webhooks.as_ref().and_then(|webhooks| lower.webhooks(webhooks, &file.operations)),
        operations: file
            .operations
            .iter()
            .map(|one| (Arc::clone(&one.name.value), lower.operation(one)))
            .collect(),
    };
    lower.looks(file, &connector);
    lower.groups(file);
    connector
}

struct Lower<'a> {
    records: &'a Records,
    problems: &'a mut Problems,
    /// Names in scope; the last of a name counts.
    names: Vec<(Arc<str>, Slot)>,
    /// The next slot for what `as:` binds.
    next: Slot,
    settings: Vec<Setting>,
}

impl Lower<'_> {
    fn add(&mut self, code: &'static str, span: Span, told: impl Into<String>) {
        self.problems.add(Problem::error(code, span, told));
    }

    /// Puts these names in scope, and no others.
    fn scope(&mut self, names: &[(&str, Slot)]) {
        self.names = names.iter().map(|(name, slot)| ((*name).into(), *slot)).collect();
        self.next = self.next.max(slot::STEPS);
    }

    /// One of several words.
    fn word<T: Clone>(&mut self, name: &Name, what: &str, known: &[(&str, T)]) -> Option<T> {
        let found = known.iter().find(|(word, _)| *word == &*name.value).map(|(_, meant)| meant.clone());
        if found.is_none() {
            let words: Vec<_> = known.iter().map(|(word, _)| *word).collect();
            let problem = Problem::error(
                codes::CONNECTOR_WORD,
                name.span,
                format!("there is no {what} `{}`", name.value),
            );
            let hint = match near(&name.value, words.iter().copied()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("one of {}", words.join(", ")),
            };
            self.problems.add(problem.help(hint));
        }
        found
    }

    fn setting(&mut self, setting: &ast::Setting) -> Option<Setting> {
        let ast::Type::Named(kind) = &setting.kind else {
            self.add(
                codes::TYPE,
                setting.name.span,
                "a setting is a single value: text, slug, int, number, bool, duration, or words such as `live | test`",
            );
            return None;
        };
        let found = if kind.value.contains('|') {
            self.words(kind)?
        } else {
            self.word(kind, "type of settings", KINDS)?
        };
        let default = setting.default.as_ref().and_then(|default| {
            let text = default.value.trim_matches('"');
            let fitting = fits(&Value::from(text), &found);
            if let Err(wanted) = &fitting {
                self.add(
                    codes::TYPE,
                    default.span,
                    format!("the default of `{}` must be {wanted}", setting.name.value),
                );
            }
            fitting.ok()
        });
        Some(Setting { name: Arc::clone(&setting.name.value), kind: found, default })
    }

    /// The words that a setting can be: `live | test`.
    fn words(&mut self, kind: &Name) -> Option<SettingKind> {
        let words: Vec<Arc<str>> = kind.value.split('|').map(|word| word.trim().into()).collect();
        let twice = words.iter().enumerate().any(|(at, word)| words[..at].contains(word));
        if twice || !words.iter().all(|word| is_slug(word)) {
            let told = "the words of a setting are letters, digits, `_` and `-`, each another: `live | test`";
            self.add(codes::TYPE, kind.span, told);
            return None;
        }
        Some(SettingKind::Word(words.into()))
    }

    /// The base must be an address whatever plain words the settings are.
    fn base(&mut self, base: &Name) {
        let sample = |setting: &Setting| {
            // A text setting stands for anything, so it may not make a part of the host.
            let text = if setting.kind == SettingKind::Text { "a b" } else { "a" };
            (Arc::clone(&setting.name), Value::from(text))
        };
        let settings = Value::object(self.settings.iter().map(sample));
        if let Err(error) = Base::fill(&base.value, &settings) {
            self.add(codes::PATH, base.span, error.to_string());
        }
    }

    fn auth(&mut self, auth: &ast::Auth) -> Option<Auth> {
        let algorithms = [("PS256", Algorithm::Ps256), ("ES256", Algorithm::Es256)];
        let kinds = [("header", 0), ("basic", 1), ("oauth1", 2), ("oauth2_jwt", 3)];
        let keys = match self.word(&auth.kind, "kind of auth", &kinds)? {
            0 => &["header", "prefix"][..],
            1 => &[],
            2 => &["realm"],
            _ => &["token_path", "scope", "algorithm"],
        };
        self.only(&auth.keys, keys, "this kind of auth");
        let kind = &*auth.kind.value;
        Some(match kind {
            "header" => {
                let header = self.text(&auth.keys, "header", auth.span)?.value;
                Auth::Header {
                    header,
                    prefix: self.optional_text(&auth.keys, "prefix").map(|name| name.value),
                }
            }
            "basic" => Auth::Basic,
            "oauth1" => Auth::OAuth1 { realm: self.needed_template(&auth.keys, "realm", auth.span)? },
            _ => {
                let token_path = self.text(&auth.keys, "token_path", auth.span)?;
                if super::address::Path::parse(&token_path.value).is_err() {
                    self.add(codes::PATH, token_path.span, "`token_path` is a path such as `/oauth/token`");
                }
                let algorithm = self.text(&auth.keys, "algorithm", auth.span)?;
                let algorithm = self.word(&algorithm, "algorithm", &algorithms)?;
                let scope =
                    auth.keys.iter().find(|(key, _)| &*key.value == "scope").map(|(_, scope)| texts(scope));
                Auth::OAuth2Jwt {
                    token_path: token_path.value,
                    scope: scope.unwrap_or_default().into(),
                    algorithm,
                }
            }
        })
    }

    fn limits(&mut self, limits: &ast::Limits) -> Limits {
        let window = limits.window.as_ref().map(|window| {
            let known = [("quota", ()), ("left", ()), ("reset_ms", ()), ("reset_s", ())];
            let mut headers = BTreeMap::new();
            for (what, header) in &window.headers {
                if self.word(what, "thing that a header tells", &known).is_some() {
                    headers.insert(Arc::clone(&what.value), Arc::clone(&header.value));
                }
            }
            Window { quota: self.template(&window.quota), every: window.every.value, headers }
        });
        let slots = limits.slots.as_ref().map(|slots| self.template(slots));
        let groups =
            limits.groups.iter().map(|(name, cap)| (Arc::clone(&name.value), self.template(cap))).collect();
        Limits { window, slots, groups }
    }

    fn rule(&mut self, rule: &ast::ClassRule) -> Option<Rule> {
        let class = self.word(&rule.class, "class of failures", CLASSES)?;
        let words = [("no", Sent::No), ("maybe", Sent::Maybe)];
        let sent = rule.sent.as_ref().and_then(|sent| self.word(sent, "answer to `sent`", &words));
        let mut statuses = Vec::new();
        for status in &rule.status {
            let span = match &*status.value {
                "4xx" => Some((400, 499)),
                "5xx" => Some((500, 599)),
                digits => {
                    digits.parse().ok().filter(|code| (400..600).contains(code)).map(|code| (code, code))
                }
            };
            match span {
                Some(span) => statuses.push(span),
                None => self.add(
                    codes::CONNECTOR_WORD,
                    status.span,
                    "a status of failures is 400 to 599, `4xx` or `5xx`",
                ),
            }
        }
        let codes = rule.code.iter().map(|code| Arc::clone(&code.value)).collect();
        Some(Rule { statuses, codes, class, sent })
    }

    fn webhooks(&mut self, webhooks: &ast::Webhooks, operations: &[ast::Operation]) -> Option<Webhooks> {
        for name in [&webhooks.list, &webhooks.register, &webhooks.enable].into_iter().flatten() {
            if !operations.iter().any(|operation| operation.name.value == name.value) {
                self.no_name("operation", name, operations.iter().map(|operation| &*operation.name.value));
            }
        }
        let name = |name: &Option<Name>| name.as_ref().map(|name| Arc::clone(&name.value));
        Some(Webhooks {
            verify: self.verify(webhooks)?,
            producer: webhooks
                .producer
                .as_ref()
                .map(|(field, wanted)| (path(&field.value), self.template(wanted))),
            scope: webhooks.scope.as_ref().map(|scope| path(&scope.value)),
            scopes: webhooks.scopes.iter().map(|(scope, body)| self.scope_of(scope, body.as_ref())).collect(),
            list: name(&webhooks.list),
            register: name(&webhooks.register),
            enable: name(&webhooks.enable),
        })
    }

    /// A scope and its body, as it comes in.
    fn scope_of(&mut self, scope: &Name, body: Option<&ast::Type>) -> (Arc<str>, Shape) {
        (Arc::clone(&scope.value), body.map_or(Shape::Any, |body| self.shape(body, value::Way::In)))
    }

    fn verify(&mut self, webhooks: &ast::Webhooks) -> Option<Verify> {
        let found = |key: &str| {
            webhooks.verify.iter().find(|(name, _)| &*name.value == key).map(|(_, value)| value.clone())
        };
        let Some(kind) = found("kind") else {
            self.add(codes::OPERATION, webhooks.span, "`verify` needs `kind`: standard, header or basic");
            return None;
        };
        let kind =
            self.word(&kind, "kind of verification", &[("standard", 0), ("header", 1), ("basic", 2)])?;
        let mut needed = |key: &str| {
            let value = found(key).map(|name| name.value);
            if value.is_none() {
                self.add(codes::OPERATION, webhooks.span, format!("`verify` needs `{key}`"));
            }
            value
        };
        let secret = needed("secret")?;
        Some(match kind {
            0 => Verify::Standard { secret },
            1 => Verify::Header { header: needed("header")?, secret },
            _ => Verify::Basic { user: needed("user")?, secret },
        })
    }

    /// Groups that operations name must have a limit.
    fn groups(&mut self, file: &ast::Connector) {
        let known: Vec<_> = file.limits.groups.iter().map(|(name, _)| Arc::clone(&name.value)).collect();
        for group in file.operations.iter().filter_map(|operation| operation.group.as_ref()) {
            if !known.contains(&group.value) {
                self.no_name("group of limits", group, known.iter().map(|name| &**name));
            }
        }
    }

    fn no_name<'n>(&mut self, what: &str, name: &Name, known: impl Iterator<Item = &'n str>) {
        let problem =
            Problem::error(codes::CONNECTOR_NAME, name.span, format!("there is no {what} `{}`", name.value));
        self.problems.add(match near(&name.value, known) {
            Some(close) => problem.help(format!("did you mean `{close}`?")),
            None => problem,
        });
    }

    fn constant_duration(&mut self, scalar: &crate::source::Scalar) -> Option<Duration> {
        let found = duration(&scalar.text);
        if found.is_none() {
            self.add(codes::CONNECTOR_WORD, scalar.span, "expected a duration such as `60s`");
        }
        found
    }
}

/// `a.b.0` as steps.
fn path(text: &str) -> Arc<[Arc<str>]> {
    text.split('.').map(Arc::from).collect()
}

fn paths(names: &[Name]) -> Vec<Arc<[Arc<str>]>> {
    names.iter().map(|name| path(&name.value)).collect()
}

/// One text or several.
fn texts(given: &Given) -> Vec<Arc<str>> {
    match given {
        Given::Scalar(scalar) => vec![Arc::clone(&scalar.text)],
        Given::List(items, _) => items.iter().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
