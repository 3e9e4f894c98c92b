//! Reads the comments of the proto files, which are the reference of the API.

use prost_reflect::{
    EnumValueDescriptor, FieldDescriptor, FileDescriptor, MessageDescriptor, MethodDescriptor,
    ServiceDescriptor,
};

/// What a comment stands at.
pub(super) trait Commented {
    /// Its file, and its place there.
    fn place(&self) -> (FileDescriptor, Vec<i32>);

    /// The comment before it, as one text with empty lines between paragraphs.
    fn comment(&self) -> String {
        let (file, path) = self.place();
        let info = file.file_descriptor_proto().source_code_info.as_ref();
        let locations = info.map_or(&[][..], |info| &info.location);
        let found = locations.iter().find(|location| location.path == path);
        let text = found.map_or("", |location| location.leading_comments());
        let paragraphs = text.trim().split("\n\n");
        let paragraphs: Vec<String> = paragraphs
            .map(|lines| lines.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        paragraphs.join("\n\n")
    }
}

macro_rules! commented {
    ($($descriptor:ty: $file:expr;)*) => {$(
        impl Commented for $descriptor {
            fn place(&self) -> (FileDescriptor, Vec<i32>) {
                let file: fn(&$descriptor) -> FileDescriptor = $file;
                (file(self), self.path().to_vec())
            }
        }
    )*};
}

commented! {
    ServiceDescriptor: |it| it.parent_file();
    MethodDescriptor: |it| it.parent_service().parent_file();
    MessageDescriptor: |it| it.parent_file();
    FieldDescriptor: |it| it.parent_message().parent_file();
    EnumValueDescriptor: |it| it.parent_enum().parent_file();
}

/// The first sentence of a comment.
pub(super) fn first_sentence(comment: &str) -> &str {
    comment
        .split_inclusive(". ")
        .next()
        .unwrap_or_default()
        .trim()
}
