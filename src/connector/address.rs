//! Where requests go. In: a base with settings, paths with parameters, links from answers. Out: addresses that cannot lead
//! astray: every value is encoded whole, no segment is empty or climbs, every link stays on the connection's origin.

use std::{net::IpAddr, sync::Arc};

use crate::{sign, value::Value};

/// Why an address is refused. Never holds a parameter's value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The base is no `http(s)://host…`.
    #[error("`{0}` is no address: expected `https://host/path` without query")]
    Base(String),
    /// A setting that would make a part of the host is no plain word.
    #[error("`{{{0}}}` makes a part of the host: it must be letters, digits, `_` and `-` only")]
    Host(Arc<str>),
    /// A setting that is not there.
    #[error("the base address needs the setting `{0}`")]
    NoSetting(Arc<str>),
    /// A path that does not begin with `/`, or has a `?`, `#` or an open brace.
    #[error("`{0}` is no path: expected `/a/{{b}}` without `?`; the query has its own key")]
    Path(String),
    /// A parameter is missing or empty.
    #[error("`{{{0}}}` in the path is empty: the request would reach something else")]
    Empty(Arc<str>),
    /// A parameter that is no scalar.
    #[error("`{{{0}}}` in the path is no text or number")]
    NoScalar(Arc<str>),
    /// A segment came out as `.` or `..`.
    #[error("`{{{0}}}` would climb out of the path")]
    Climbs(Arc<str>),
    /// A link to another origin.
    #[error("the answer links to another origin than `{0}`")]
    Foreign(String),
}

/// A base address: scheme, host and the start of every path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// `https://host:port`, lower case.
    pub origin: Arc<str>,
    /// What comes before every path; empty or `/a/b`.
    pub path: Arc<str>,
}

impl Base {
    /// Reads an address that is written out.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Base(text.chars().take(80).collect());
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let plain = |letter: char| {
            letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_' | ':' | '[' | ']')
        };
        let good = matches!(scheme, "http" | "https") && !host.is_empty() && host.chars().all(plain);
        if !good || path.contains(['?', '#', ' ']) {
            return Err(wrong());
        }
        let origin = format!("{scheme}://{host}").to_ascii_lowercase();
        Ok(Self { origin: origin.into(), path: path.trim_end_matches('/').into() })
    }

    /// Puts settings into a base; only plain words may make a part of the host.
    pub fn fill(template: &str, settings: &Value) -> Result<Self, Error> {
        let host_ends = template.find("://").map_or(0, |at| at + 3);
        let host_ends = template[host_ends..].find('/').map_or(template.len(), |at| host_ends + at);
        let mut text = String::new();
        for piece in pieces(template).ok_or_else(|| Error::Base(template.to_owned()))? {
            match piece {
                Piece::Text(constant) => text.push_str(constant),
                Piece::Name(name, at) => {
                    let value = settings.get(name).and_then(Value::scalar_text);
                    let value = value
                        .filter(|value| !value.is_empty())
                        .ok_or_else(|| Error::NoSetting(name.into()))?;
                    if at < host_ends && !is_slug(&value) {
                        return Err(Error::Host(name.into()));
                    }
                    if matches!(&*value, "." | "..") {
                        return Err(Error::Climbs(name.into()));
                    }
                    text.push_str(&sign::percent_segment(&value));
                }
            }
        }
        Self::parse(&text)
    }

    /// The address of its host, if it is written as numbers.
    pub fn literal(&self) -> Option<IpAddr> {
        let (_, host) = self.origin.split_once("://")?;
        let host = match host.strip_prefix('[') {
            Some(six) => six.split(']').next()?,
            None => host.split(':').next()?,
        };
        host.parse().ok()
    }

    /// Whether it surely leads to a private network: by its numbers, or to this machine by name.
    pub fn is_private(&self) -> bool {
        let host = self.origin.split_once("://").map_or("", |(_, host)| host);
        let name = host.split(':').next().unwrap_or_default();
        name == "localhost" || name.ends_with(".localhost") || self.literal().is_some_and(is_private)
    }

    /// The whole address of a path with its query.
    pub fn join(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin, self.path)
    }

    /// A link from an answer as an absolute address on this origin: absolute, from the root, or only a query.
    pub fn follow(&self, link: &str, from: &str) -> Result<String, Error> {
        let whole = if link.contains("://") {
            link.to_owned()
        } else if link.starts_with('?') {
            format!("{}{link}", from.split('?').next().unwrap_or(from))
        } else if link.starts_with('/') && !link.starts_with("//") {
            format!("{}{link}", self.origin)
        } else {
            return Err(Error::Foreign(self.origin.to_string()));
        };
        let foreign = || Error::Foreign(self.origin.to_string());
        let end = whole.find("://").map(|at| at + 3).ok_or_else(foreign)?;
        let end = whole[end..].find(['/', '?']).map_or(whole.len(), |at| end + at);
        let clean = !whole
            .contains(|letter: char| letter.is_control() || letter == ' ' || letter == '\\' || letter == '#');
        if clean && whole[..end].eq_ignore_ascii_case(&self.origin) { Ok(whole) } else { Err(foreign()) }
    }
}

/// Letters, digits, `_` and `-`, at least one.
pub fn is_slug(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, b'_' | b'-'))
}

/// Addresses that are not of the public internet.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            let [a, b, ..] = four.octets();
            four.is_private()
                || four.is_loopback()
                || four.is_link_local()
                || four.is_unspecified()
                || four.is_broadcast()
                || four.is_multicast()
                || four.is_documentation()
                || a == 0
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0)
                || (a == 198 && (18..20).contains(&b))
                || a >= 240
        }
        IpAddr::V6(six) => {
            if let Some(four) = six.to_ipv4() {
                return is_private(IpAddr::V4(four));
            }
            let first = six.segments()[0];
            let local = first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80;
            // 64:ff9b::/96 leads to IPv4 addresses that were not looked at.
            local || first == 0x64 || six.is_loopback() || six.is_unspecified() || six.is_multicast()
        }
    }
}

/// A path with places for values: `{id}` a parameter, `{step.id}` a part of an earlier answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(Arc<str>),
    Place(Arc<str>),
}

impl Path {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = || Error::Path(text.to_owned());
        if !text.starts_with('/') || text.contains(['?', '#', ' ', '\\']) {
            return Err(wrong());
        }
        let parts = pieces(text).ok_or_else(wrong)?.into_iter().map(|piece| match piece {
            Piece::Text(constant) => Part::Text(constant.into()),
            Piece::Name(name, _) => Part::Place(name.into()),
        });
        Ok(Self(parts.collect()))
    }

    /// What stands in braces.
    pub fn places(&self) -> impl Iterator<Item = &Arc<str>> {
        self.0.iter().filter_map(|part| match part {
            Part::Place(name) => Some(name),
            Part::Text(_) => None,
        })
    }

    /// Puts values in.
    pub fn fill(&self, value_of: impl Fn(&str) -> Option<Value>) -> Result<String, Error> {
        let mut path = String::new();
        for part in &self.0 {
            match part {
                Part::Text(constant) => path.push_str(constant),
                Part::Place(name) => {
                    let empty = || Error::Empty(Arc::clone(name));
                    let value = value_of(name).filter(|value| !value.is_null()).ok_or_else(empty)?;
                    let text = value.scalar_text().ok_or_else(|| Error::NoScalar(Arc::clone(name)))?;
                    if text.trim().is_empty() {
                        return Err(empty());
                    }
                    if matches!(text.trim(), "." | "..") {
                        return Err(Error::Climbs(Arc::clone(name)));
                    }
                    path.push_str(&sign::percent_segment(&text));
                }
            }
        }
        if path.split('/').any(|segment| matches!(segment, "." | "..")) {
            return Err(Error::Path("a segment".to_owned()));
        }
        Ok(path)
    }
}

enum Piece<'a> {
    Text(&'a str),
    Name(&'a str, usize),
}

fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find('{').map(|open| at + open) {
        let close = open + text[open..].find('}')?;
        let name = &text[open + 1..close];
        let plain = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.');
        if name.is_empty() || !name.chars().all(plain) {
            return None;
        }
        found.push(Piece::Text(&text[at..open]));
        found.push(Piece::Name(name, open));
        at = close + 1;
    }
    if text[at..].contains('}') {
        return None;
    }
    found.push(Piece::Text(&text[at..]));
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: impl Into<Value>) -> impl Fn(&str) -> Option<Value> {
        let value = value.into();
        move |_| Some(value.clone())
    }

    #[test]
    fn values_are_encoded_whole() {
        let path = Path::parse("/v2/orders/{id}/products").unwrap();
        assert_eq!(path.fill(one(118)).unwrap(), "/v2/orders/118/products");
        for (text, wanted) in [
            ("a/b", "/v2/orders/a%2Fb/products"),
            ("../x?y#z", "/v2/orders/..%2Fx%3Fy%23z/products"),
            ("é %", "/v2/orders/%C3%A9%20%25/products"),
        ] {
            assert_eq!(path.fill(one(text)).unwrap(), wanted);
        }
        for text in ["", "  ", ".", ".."] {
            assert!(path.fill(one(text)).is_err(), "{text:?}");
        }
        assert_eq!(path.fill(|_| None), Err(Error::Empty("id".into())));
        assert_eq!(path.fill(one(Value::list([]))), Err(Error::NoScalar("id".into())));
        assert_eq!(Path::parse("/x/eid:{a}").unwrap().fill(one("S-1")).unwrap(), "/x/eid:S-1");
    }

    #[test]
    fn odd_paths_are_refused() {
        for text in ["v2", "/a?b", "/a/{", "/a/{}", "/a/}", "/a/{b c}", "/a b"] {
            assert!(Path::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn settings_fill_the_base_and_only_words_make_a_host() {
        let settings = |account: &str| Value::object([("account", Value::from(account))]);
        let base = Base::fill("https://{account}.example.org/api", &settings("12-sb1")).unwrap();
        assert_eq!((&*base.origin, &*base.path), ("https://12-sb1.example.org", "/api"));
        let evil = Base::fill("https://{account}.example.org", &settings("evil.org/?"));
        assert_eq!(evil, Err(Error::Host("account".into())));
        let path = Base::fill("https://example.org/stores/{account}", &settings("a/b")).unwrap();
        assert_eq!(&*path.path, "/stores/a%2Fb");
        for text in ["ftp://x", "https://", "x", "https://a@b", "https://a/?b"] {
            assert!(Base::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn links_stay_on_the_origin() {
        let base = Base::parse("https://api.example.org/v3").unwrap();
        let here = "https://api.example.org/v3/list?page=1";
        for (link, whole) in [
            ("https://API.example.org/v3/list?page=2", "https://API.example.org/v3/list?page=2"),
            ("/v3/list?page=2", "https://api.example.org/v3/list?page=2"),
            ("?page=2", "https://api.example.org/v3/list?page=2"),
        ] {
            assert_eq!(base.follow(link, here).unwrap(), whole);
        }
        for link in [
            "https://evil.org/",
            "http://api.example.org/v3",
            "https://api.example.org.evil.org/",
            "https://api.example.org@evil.org/",
            "https://api.example.org:8443/",
            "//evil.org/x",
            "evil",
            "https://api.example.org\\@evil.org/",
        ] {
            assert!(base.follow(link, here).is_err(), "{link}");
        }
    }
}
