//! An interface as its file descriptors define it, as statements that can be compared (GRP-2).

use std::collections::{BTreeMap, BTreeSet};

use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto,
};

/// A part of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Services with their methods.
    Services,
    /// Messages by name.
    Messages,
    /// Fields: name, number, type, presence.
    Fields,
    /// Values of enums.
    Values,
}

impl Part {
    /// The part by its words in features.
    pub fn by_words(words: &str) -> Option<Self> {
        Some(match words {
            "services and methods" => Self::Services,
            "messages" => Self::Messages,
            "fields" => Self::Fields,
            "values of enums" => Self::Values,
            _ => return None,
        })
    }
}

/// The files that reflection returned for each symbol.
pub type Answers = [(String, Vec<FileDescriptorProto>)];

/// Everything in which the answers disagree with the wanted files about a part of the package, and the number of
/// statements that were compared. A wrong statement in one answer is not made up for by a right one in another.
pub fn disagreements(
    wanted: &[FileDescriptorProto],
    answers: &Answers,
    package: &str,
    part: Part,
) -> (Vec<String>, usize) {
    let contradicted = answers
        .iter()
        .flat_map(|(symbol, files)| contradictions(wanted, files, (package, symbol, part)));
    let mut wrong: Vec<String> = contradicted.collect();
    let files: Vec<_> = answers
        .iter()
        .flat_map(|(_, files)| files.clone())
        .collect();
    let (count, missing) = missing(wanted, &files, package, part);
    wrong.extend(missing);
    (wrong, count)
}

/// All statements of the files about one package. (Options, comments, JSON names and paths are free.)
pub fn statements(files: &[FileDescriptorProto], package: &str) -> BTreeSet<(Part, String)> {
    let mut statements = Statements {
        types: types(files),
        ..Statements::default()
    };
    for file in files.iter().filter(|it| it.package() == package) {
        file.syntax().clone_into(&mut statements.syntax);
        for service in &file.service {
            for method in &service.method {
                statements.add(
                    Part::Services,
                    format!(
                        "{package}.{}/{}({}{}) returns ({}{})",
                        service.name(),
                        method.name(),
                        stream(method.client_streaming()),
                        statements.full(package, method.input_type()),
                        stream(method.server_streaming()),
                        statements.full(package, method.output_type())
                    ),
                );
            }
        }
        for message in &file.message_type {
            statements.message(package, message);
        }
        for it in &file.enum_type {
            statements.values(package, it);
        }
    }
    statements.all
}

fn stream(streams: bool) -> &'static str {
    if streams { "stream " } else { "" }
}

/// The full names of all types; for a map entry, the types of the map.
fn types(files: &[FileDescriptorProto]) -> BTreeMap<String, Option<String>> {
    let mut types = BTreeMap::new();
    for file in files {
        let within = file.package();
        for it in &file.enum_type {
            types.insert(format!("{within}.{}", it.name()), None);
        }
        for it in &file.message_type {
            add_types(&mut types, within, it);
        }
    }
    types
}

fn add_types(types: &mut BTreeMap<String, Option<String>>, within: &str, it: &DescriptorProto) {
    let name = format!("{within}.{}", it.name());
    for nested in &it.enum_type {
        types.insert(format!("{name}.{}", nested.name()), None);
    }
    for nested in &it.nested_type {
        add_types(types, &name, nested);
    }
    types.insert(name, map(it));
}

/// The types of a map, by its entry message.
fn map(entry: &DescriptorProto) -> Option<String> {
    let is_map = entry
        .options
        .as_ref()
        .is_some_and(prost_types::MessageOptions::map_entry);
    let kinds = entry.field.iter().map(|it| it.r#type().as_str_name());
    is_map.then(|| format!("map of {}", kinds.collect::<Vec<_>>().join(" to ")))
}

#[derive(Default)]
struct Statements {
    syntax: String,
    types: BTreeMap<String, Option<String>>,
    all: BTreeSet<(Part, String)>,
}

impl Statements {
    fn add(&mut self, part: Part, statement: String) {
        self.all.insert((part, statement));
    }

    /// The full name of a type: one without a dot before it is looked for from the inside outwards, as
    /// descriptor.proto has it.
    fn full(&self, within: &str, name: &str) -> String {
        if let Some(full) = name.strip_prefix('.') {
            return full.to_owned();
        }
        let mut scope = within;
        loop {
            let full = format!("{scope}.{name}");
            if self.types.contains_key(&full) {
                return full;
            }
            match scope.rsplit_once('.') {
                Some((outer, _)) => scope = outer,
                None => return name.to_owned(),
            }
        }
    }

    /// A field's type. The name of a map entry is free.
    fn kind(&self, within: &str, field: &FieldDescriptorProto) -> String {
        if field.type_name().is_empty() {
            return field.r#type().as_str_name().to_owned();
        }
        let full = self.full(within, field.type_name());
        match self.types.get(&full) {
            Some(Some(map)) => map.clone(),
            _ => full,
        }
    }

    fn message(&mut self, within: &str, message: &DescriptorProto) {
        if map(message).is_some() {
            return;
        }
        let name = format!("{within}.{}", message.name());
        self.add(Part::Messages, name.clone());
        for field in &message.field {
            let kind = self.kind(&name, field);
            for presence in self.presence(field) {
                let statement = format!(
                    "{name}.{} = {}, {presence} {kind}",
                    field.name(),
                    field.number()
                );
                self.add(Part::Fields, statement);
            }
        }
        for nested in &message.nested_type {
            self.message(&name, nested);
        }
        for it in &message.enum_type {
            self.values(&name, it);
        }
    }

    fn values(&mut self, within: &str, it: &EnumDescriptorProto) {
        for value in &it.value {
            let statement = format!(
                "{within}.{}.{} = {}",
                it.name(),
                value.name(),
                value.number()
            );
            self.add(Part::Values, statement);
        }
    }

    /// The presence of a field. Editions define it by options that are not read here, so that such a field counts as
    /// either.
    fn presence(&self, field: &FieldDescriptorProto) -> &'static [&'static str] {
        let has_presence = field.proto3_optional()
            || field.oneof_index.is_some()
            || field.r#type() == Type::Message
            || !matches!(self.syntax.as_str(), "proto3" | "editions");
        match field.label() {
            Label::Repeated => &["repeated"],
            Label::Required => &["required"],
            Label::Optional if has_presence => &["optional"],
            Label::Optional if self.syntax == "editions" => &["optional", "plain"],
            Label::Optional => &["plain"],
        }
    }
}

/// The statements of one part of `wanted` that `seen` lacks.
pub fn missing(
    wanted: &[FileDescriptorProto],
    seen: &[FileDescriptorProto],
    package: &str,
    part: Part,
) -> (usize, Vec<String>) {
    let seen = statements(seen, package);
    let wanted = statements(wanted, package);
    let wanted: Vec<_> = wanted.into_iter().filter(|it| it.0 == part).collect();
    let missing = wanted.iter().filter(|it| !seen.contains(it));
    let missing = missing.map(|(_, statement)| statement.clone()).collect();
    (wanted.len(), missing)
}

/// Where the answer for `symbol` contradicts `wanted` in that part, for every symbol that it defines; empty for an
/// answer that is not a file.
pub fn contradictions(
    wanted: &[FileDescriptorProto],
    answer: &[FileDescriptorProto],
    (package, symbol, part): (&str, &str, Part),
) -> Vec<String> {
    if answer.is_empty() {
        return Vec::new();
    }
    let said = statements(answer, package);
    let defined: BTreeSet<&str> = said.iter().map(|it| subject(it.0, &it.1)).collect();
    if !defined.contains(symbol) {
        return vec![format!("{symbol}: an answer that does not define it")];
    }
    let wanted = statements(wanted, package);
    let about = |it: &&(Part, String)| it.0 == part && defined.contains(subject(part, &it.1));
    let lacking = wanted.iter().filter(about).filter(|it| !said.contains(it));
    let lacking = lacking.map(|it| format!("{symbol}: no {}", it.1));
    let fields = wanted
        .iter()
        .filter(about)
        .filter(|it| it.0 == Part::Fields);
    let others = fields.flat_map(|field| {
        let said = said.iter().filter(|other| other.0 == Part::Fields);
        let said = said.filter(|other| clash(&field.1, &other.1));
        said.map(|other| format!("{symbol}: {} next to {}", other.1, field.1))
    });
    lacking.chain(others).collect()
}

/// The full name of what a sentence is about: a service, a message, an enum.
fn subject(part: Part, sentence: &str) -> &str {
    match part {
        Part::Messages => sentence,
        Part::Services => sentence.split('/').next().unwrap_or_default(),
        Part::Fields | Part::Values => {
            let name = sentence.split(" = ").next().unwrap_or_default();
            name.rsplit_once('.').map_or("", |it| it.0)
        }
    }
}

/// Whether two fields of one message share their name or their number, but not both.
fn clash(one: &str, other: &str) -> bool {
    let parts = |line: &str| {
        let head = line.split(',').next().unwrap_or_default();
        let (name, number) = head.split_once(" = ").unwrap_or_default();
        (name.to_owned(), number.to_owned())
    };
    let (one_parts, other_parts) = (parts(one), parts(other));
    subject(Part::Fields, one) == subject(Part::Fields, other)
        && (one_parts.0 == other_parts.0) != (one_parts.1 == other_parts.1)
}

#[cfg(test)]
mod tests {
    use prost_types::MessageOptions;

    use super::*;

    fn field(name: &str, number: i32, optional: bool) -> FieldDescriptorProto {
        FieldDescriptorProto {
            name: Some(name.to_owned()),
            number: Some(number),
            label: Some(Label::Optional.into()),
            r#type: Some(Type::String.into()),
            proto3_optional: Some(optional),
            ..FieldDescriptorProto::default()
        }
    }

    fn file(syntax: &str, field: FieldDescriptorProto) -> [FileDescriptorProto; 1] {
        let message = DescriptorProto {
            name: Some("M".to_owned()),
            field: vec![field],
            ..DescriptorProto::default()
        };
        [FileDescriptorProto {
            package: Some("p".to_owned()),
            syntax: Some(syntax.to_owned()),
            message_type: vec![message],
            ..FileDescriptorProto::default()
        }]
    }

    #[track_caller]
    fn check(syntax: &str, seen: FieldDescriptorProto, is_right: bool) {
        let wanted = file("proto3", field("a", 1, false));
        let (count, missing) = missing(&wanted, &file(syntax, seen), "p", Part::Fields);
        assert_eq!((count, missing.is_empty()), (1, is_right), "{missing:?}");
    }

    /// A message with a map of names to numbers, as compilers call and write its parts.
    fn with_map(entry: &str, name: &str) -> [FileDescriptorProto; 1] {
        let mut number = field("value", 2, false);
        number.r#type = Some(Type::Int32.into());
        let entry = DescriptorProto {
            name: Some(entry.to_owned()),
            field: vec![field("key", 1, false), number],
            options: Some(MessageOptions {
                map_entry: Some(true),
                ..MessageOptions::default()
            }),
            ..DescriptorProto::default()
        };
        let mut map = field("ages", 3, false);
        map.label = Some(Label::Repeated.into());
        map.r#type = Some(Type::Message.into());
        map.type_name = Some(name.to_owned());
        let mut files = file("proto3", map);
        files[0].message_type[0].nested_type.push(entry);
        files
    }

    #[test]
    fn a_map_is_its_types_and_the_name_of_its_entries_does_not_count() {
        let wanted = with_map("AgesEntry", ".p.M.AgesEntry");
        let lacks = |seen: &[_]| missing(&wanted, seen, "p", Part::Fields).1;
        assert_eq!(lacks(&with_map("Ages", "Ages")), [""; 0]);
        let mut other = with_map("Ages", "Ages");
        other[0].message_type[0].nested_type[0].field[1].r#type = Some(Type::String.into());
        assert_eq!(lacks(&other).len(), 1);
        other[0].message_type[0].nested_type.clear();
        assert_eq!(lacks(&other).len(), 1);
    }

    #[test]
    fn an_answer_contradicts_by_what_it_lacks_or_says_twice() {
        let wanted = file("proto3", field("a", 1, false));
        let of = |answer: &[_]| contradictions(&wanted, answer, ("p", "p.M", Part::Fields));
        assert_eq!(of(&wanted), [""; 0]);
        assert_eq!(of(&[]), [""; 0]);
        assert_eq!(of(&file("proto3", field("a", 2, false))).len(), 2);
        let mut twice = wanted.clone();
        twice[0].message_type[0].field.push(field("b", 1, false));
        assert_eq!(of(&twice).len(), 1);
        let other = contradictions(&wanted, &wanted, ("p", "p.N", Part::Fields));
        assert_eq!(other.len(), 1);
    }

    #[test]
    fn a_field_is_its_name_number_type_and_presence() {
        check("proto3", field("a", 1, false), true);
        check("proto3", field("b", 1, false), false);
        check("proto3", field("a", 2, false), false);
        check("proto3", field("a", 1, true), false);
        check("proto2", field("a", 1, false), false);
        check("editions", field("a", 1, false), true);
    }
}
