//! The text of a page, line by line.

use std::collections::{BTreeMap, BTreeSet};

use super::{Family, Kind, Labels, Sample};

/// How many characters of a line an error shows.
const SHOWN: usize = 120;

/// The families of a page.
pub fn page(page: &[u8]) -> Result<BTreeMap<String, Family>, String> {
    let text = std::str::from_utf8(page).map_err(|error| format!("no UTF-8: {error}"))?;
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line does not end with a line feed".to_owned());
    }
    let mut reader = Reader::default();
    for (index, line) in text.split('\n').enumerate() {
        reader.line(line).map_err(|error| {
            let shown: String = line.chars().take(SHOWN).collect();
            format!("line {}: {error}: {shown:?}", index + 1)
        })?;
    }
    Ok(reader.families)
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    families: BTreeMap<String, Family>,
    /// The family of the newest line: the lines of a family are one group.
    current: Option<String>,
    series: BTreeSet<(String, Labels)>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim_matches([' ', '\t']);
        if line.is_empty() {
            return Ok(());
        }
        match line.strip_prefix('#') {
            Some(comment) => self.comment(comment),
            None => self.sample(line),
        }
    }

    /// HELP, TYPE, or a comment, which is ignored.
    fn comment(&mut self, comment: &str) -> Result<(), String> {
        let (keyword, rest) = word(comment);
        let (name, rest) = word(rest);
        match keyword {
            "HELP" => {
                let help = unescape(rest, false)?;
                let family = self.enter(name)?;
                if family.help.is_some() {
                    return Err(format!("a second HELP of {name}"));
                }
                family.help = (!help.is_empty()).then_some(help);
            }
            "TYPE" => {
                let kind = Kind::of_word(rest).ok_or_else(|| format!("unknown type {rest:?}"))?;
                let family = self.enter(name)?;
                if family.kind.is_some() {
                    return Err(format!("a second TYPE of {name}"));
                }
                if !family.samples.is_empty() {
                    return Err(format!("TYPE after the first sample of {name}"));
                }
                family.kind = Some(kind);
            }
            _ => {}
        }
        Ok(())
    }

    fn sample(&mut self, line: &str) -> Result<(), String> {
        let end = line.find(['{', ' ', '\t']).unwrap_or(line.len());
        let (name, rest) = line.split_at(end);
        let rest = rest.trim_start_matches([' ', '\t']);
        let (labels, rest) = match rest.strip_prefix('{') {
            Some(inside) => labels(inside)?,
            None => (Labels::new(), rest),
        };
        let value = value(rest)?;
        let owner = self.owner(name);
        let family = self.enter(&owner)?;
        family.samples.push(Sample {
            name: name.to_owned(),
            labels: labels.clone(),
            value,
        });
        if self.series.insert((name.to_owned(), labels)) {
            Ok(())
        } else {
            Err("a series that occurs twice".to_owned())
        }
    }

    /// The name of the family that a sample belongs to.
    fn owner(&self, name: &str) -> String {
        for suffix in ["_bucket", "_sum", "_count"] {
            let Some(base) = name.strip_suffix(suffix) else {
                continue;
            };
            let kind = self.families.get(base).and_then(|it| it.kind);
            if kind.is_some_and(|kind| kind.has_suffix(suffix)) {
                return base.to_owned();
            }
        }
        name.to_owned()
    }

    /// The family of a line, which begins a group or goes on with it.
    fn enter(&mut self, name: &str) -> Result<&mut Family, String> {
        if !is_name(name, true) {
            return Err(format!("{name:?} is no name of a metric"));
        }
        let continues = self.current.as_deref() == Some(name);
        if !continues && self.families.contains_key(name) {
            return Err(format!("the lines of {name} are not one group"));
        }
        self.current = Some(name.to_owned());
        Ok(self.families.entry(name.to_owned()).or_default())
    }
}

/// The first word of a text, and the rest without the blanks around it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_matches([' ', '\t']);
    let (word, rest) = text.split_once([' ', '\t']).unwrap_or((text, ""));
    (word, rest.trim_start_matches([' ', '\t']))
}

fn is_name(text: &str, colons: bool) -> bool {
    let letter = |it: char| it.is_ascii_alphabetic() || it == '_' || (colons && it == ':');
    text.starts_with(letter) && text.chars().all(|it| letter(it) || it.is_ascii_digit())
}

/// The labels up to the closing brace, and what follows it.
fn labels(mut text: &str) -> Result<(Labels, &str), String> {
    let mut labels = Labels::new();
    loop {
        text = text.trim_start_matches([' ', '\t']);
        if let Some(rest) = text.strip_prefix('}') {
            return Ok((labels, rest));
        }
        let (name, rest) = text.split_once('=').ok_or("labels without an end")?;
        let name = name.trim_matches([' ', '\t']);
        if !is_name(name, false) {
            return Err(format!("{name:?} is no name of a label"));
        }
        let rest = rest.trim_start_matches([' ', '\t']);
        let quoted = rest.strip_prefix('"').ok_or("a label without quotes")?;
        let end = closing_quote(quoted).ok_or("a label without a closing quote")?;
        let value = unescape(&quoted[..end], true)?;
        if labels.insert(name.to_owned(), value).is_some() {
            return Err(format!("two labels {name}"));
        }
        text = quoted[end + 1..].trim_start_matches([' ', '\t']);
        match text.strip_prefix(',') {
            Some(rest) => text = rest,
            None if text.starts_with('}') => {}
            None => return Err("labels without a comma between them".to_owned()),
        }
    }
}

/// Where the first quote stands that is not escaped.
fn closing_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })
}

/// A text without its escapes: `\\` and `\n`, and within quotes `\"`.
fn unescape(text: &str, quoted: bool) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            plain.push(letter);
            continue;
        }
        match letters.next() {
            Some('\\') => plain.push('\\'),
            Some('n') => plain.push('\n'),
            Some('"') if quoted => plain.push('"'),
            other => return Err(format!("unknown escape {other:?}")),
        }
    }
    Ok(plain)
}

/// The value of a line; a time in milliseconds may follow it.
fn value(text: &str) -> Result<f64, String> {
    let mut words = text.split_ascii_whitespace();
    let value = words.next().ok_or("no value")?;
    if let Some(time) = words.next() {
        let _: i64 = time
            .parse()
            .map_err(|_| format!("{time:?} is no time in milliseconds"))?;
    }
    if words.next().is_some() {
        return Err("more than a value and a time".to_owned());
    }
    value.parse().map_err(|_| format!("{value:?} is no number"))
}
