//! Writes XML into a string: elements nest as closures do, and every text and attribute is escaped. It knows no element
//! names.

use std::fmt::Display;

/// A document being written.
#[derive(Debug)]
pub struct Xml {
    out: String,
    depth: usize,
}

/// Attributes of an element, in order.
pub type Attributes<'a> = &'a [(&'a str, &'a str)];

impl Default for Xml {
    /// A document with its declaration.
    fn default() -> Self {
        Self { out: String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"), depth: 0 }
    }
}

impl Xml {
    /// The finished text.
    pub fn finish(self) -> String {
        self.out
    }

    /// An element with children.
    pub fn nest(&mut self, name: &str, attributes: Attributes<'_>, children: impl FnOnce(&mut Self)) {
        self.start(name, attributes);
        self.out.push_str(">\n");
        self.depth += 1;
        children(self);
        self.depth -= 1;
        self.indent();
        self.end(name);
    }

    /// An element with a text and no attributes.
    pub fn text(&mut self, name: &str, text: impl Display) {
        self.start(name, &[]);
        self.out.push('>');
        escape(&text.to_string(), &mut self.out);
        self.end(name);
    }

    /// An element with a text, left out where the text is empty.
    pub fn text_unless_empty(&mut self, name: &str, text: &str) {
        if !text.is_empty() {
            self.text(name, text);
        }
    }

    /// An element with attributes only.
    pub fn empty(&mut self, name: &str, attributes: Attributes<'_>) {
        self.start(name, attributes);
        self.out.push_str("/>\n");
    }

    fn start(&mut self, name: &str, attributes: Attributes<'_>) {
        self.indent();
        self.out.push('<');
        self.out.push_str(name);
        for (attribute, value) in attributes {
            self.out.push(' ');
            self.out.push_str(attribute);
            self.out.push_str("=\"");
            escape(value, &mut self.out);
            self.out.push('"');
        }
    }

    fn end(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push_str(">\n");
    }

    fn indent(&mut self) {
        self.out.extend(std::iter::repeat_n("  ", self.depth));
    }
}

/// Writes the text so that it is safe as content and in quotes, in XML and in HTML; characters that XML 1.0 cannot carry
/// are dropped.
pub fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' | '\r' => out.push(character),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {}
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_attributes_are_escaped() {
        let mut xml = Xml::default();
        xml.nest("a", &[("b", "\"<&>\u{1}'")], |xml| xml.text("c", "<d>&\u{8}é"));
        let text = xml.finish();
        let document = roxmltree::Document::parse(&text).expect("well-formed");
        assert_eq!(document.root_element().attribute("b"), Some("\"<&>'"));
        assert_eq!(document.root_element().first_element_child().and_then(|c| c.text()), Some("<d>&é"));
    }
}
