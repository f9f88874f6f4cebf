//! A YAML document as a tree whose leaves are texts: what a leaf means is for
//! its shape to say, so that `10.2` and `no` stay what they are where a text is
//! wanted.

use yaml_rust2::parser::{Event, MarkedEventReceiver, Parser};
use yaml_rust2::scanner::Marker;

/// A part of a document.
#[derive(Debug)]
pub(crate) enum Node {
    /// As it was written.
    Leaf(String),
    /// In order.
    List(Vec<Node>),
    /// In order, each name once.
    Map(Vec<(String, Node)>),
}

impl Node {
    /// Reads the only document of a text.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut builder = Builder::default();
        let mut parser = Parser::new_from_str(text);
        parser.load(&mut builder, true).map_err(|err| err.to_string())?;
        match builder.fault {
            Some(fault) => Err(fault),
            None => builder.done.ok_or_else(|| "there is no document".to_owned()),
        }
    }
}

/// What is open while the events come.
#[derive(Debug)]
enum Open {
    List(Vec<Node>),
    Map(Vec<(String, Node)>, Option<String>),
}

#[derive(Debug, Default)]
struct Builder {
    open: Vec<Open>,
    done: Option<Node>,
    fault: Option<String>,
}

impl Builder {
    fn add(&mut self, node: Node) -> Result<(), String> {
        match self.open.last_mut() {
            None => self.done = Some(node),
            Some(Open::List(values)) => values.push(node),
            Some(Open::Map(members, name)) => match (name.take(), node) {
                (Some(name), node) => members.push((name, node)),
                (None, Node::Leaf(text)) if members.iter().any(|(known, _)| *known == text) => {
                    return Err(format!("`{text}` is given twice"));
                }
                (None, Node::Leaf(text)) => *name = Some(text),
                (None, Node::List(_) | Node::Map(_)) => {
                    return Err("a name that is no text".to_owned());
                }
            },
        }
        Ok(())
    }

    fn take(&mut self, event: Event) -> Result<(), String> {
        match event {
            Event::Scalar(text, _, 0, None) => self.add(Node::Leaf(text)),
            Event::SequenceStart(0, None) => {
                self.open.push(Open::List(Vec::new()));
                Ok(())
            }
            Event::MappingStart(0, None) => {
                self.open.push(Open::Map(Vec::new(), None));
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(values)) => self.add(Node::List(values)),
                Some(Open::Map(members, _)) => self.add(Node::Map(members)),
                None => Err("an end without a beginning".to_owned()),
            },
            Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..) => {
                Err("anchors and tags are not taken".to_owned())
            }
            Event::Alias(_) => Err("aliases are not taken".to_owned()),
            Event::DocumentStart if self.done.is_some() => Err("a second document".to_owned()),
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart
            | Event::DocumentEnd => Ok(()),
        }
    }
}

impl MarkedEventReceiver for Builder {
    fn on_event(&mut self, event: Event, mark: Marker) {
        if self.fault.is_none()
            && let Err(fault) = self.take(event)
        {
            self.fault = Some(format!("line {}: {fault}", mark.line()));
        }
    }
}
