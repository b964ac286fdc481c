//! What file descriptors say of an interface, as sentences that can be compared (GRP-2).

use std::collections::BTreeSet;

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

/// Everything that the files say of one package. (Options, comments, JSON names and paths are free.)
pub fn sentences(files: &[FileDescriptorProto], package: &str) -> BTreeSet<(Part, String)> {
    let mut said = Said::default();
    for file in files.iter().filter(|it| it.package() == package) {
        file.syntax().clone_into(&mut said.syntax);
        for service in &file.service {
            for method in &service.method {
                said.add(
                    Part::Services,
                    format!(
                        "{package}.{}/{}({}{}) returns ({}{})",
                        service.name(),
                        method.name(),
                        stream(method.client_streaming()),
                        method.input_type(),
                        stream(method.server_streaming()),
                        method.output_type()
                    ),
                );
            }
        }
        for message in &file.message_type {
            said.message(package, message);
        }
        for it in &file.enum_type {
            said.values(package, it);
        }
    }
    said.sentences
}

fn stream(streams: bool) -> &'static str {
    if streams { "stream " } else { "" }
}

#[derive(Default)]
struct Said {
    syntax: String,
    sentences: BTreeSet<(Part, String)>,
}

impl Said {
    fn add(&mut self, part: Part, sentence: String) {
        self.sentences.insert((part, sentence));
    }

    fn message(&mut self, within: &str, message: &DescriptorProto) {
        let name = format!("{within}.{}", message.name());
        self.add(Part::Messages, name.clone());
        for field in &message.field {
            for presence in self.presence(field) {
                let kind = match field.type_name() {
                    "" => field.r#type().as_str_name(),
                    named => named,
                };
                let sentence = format!(
                    "{name}.{} = {}, {presence} {kind}",
                    field.name(),
                    field.number()
                );
                self.add(Part::Fields, sentence);
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
            let sentence = format!(
                "{within}.{}.{} = {}",
                it.name(),
                value.name(),
                value.number()
            );
            self.add(Part::Values, sentence);
        }
    }

    /// How often a field is there. What editions say of it stands in options that are not known
    /// here, so that a field of theirs counts as either.
    fn presence(&self, field: &FieldDescriptorProto) -> &'static [&'static str] {
        let is_told = field.proto3_optional()
            || field.oneof_index.is_some()
            || field.r#type() == Type::Message
            || !matches!(self.syntax.as_str(), "proto3" | "editions");
        match field.label() {
            Label::Repeated => &["repeated"],
            Label::Required => &["required"],
            Label::Optional if is_told => &["optional"],
            Label::Optional if self.syntax == "editions" => &["optional", "plain"],
            Label::Optional => &["plain"],
        }
    }
}

/// What `seen` lacks of one part of `wanted`.
pub fn missing(
    wanted: &[FileDescriptorProto],
    seen: &[FileDescriptorProto],
    package: &str,
    part: Part,
) -> (usize, Vec<String>) {
    let seen = sentences(seen, package);
    let wanted = sentences(wanted, package);
    let wanted: Vec<_> = wanted.into_iter().filter(|it| it.0 == part).collect();
    let missing = wanted.iter().filter(|it| !seen.contains(it));
    let missing = missing.map(|(_, sentence)| sentence.clone()).collect();
    (wanted.len(), missing)
}

#[cfg(test)]
mod tests {
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
