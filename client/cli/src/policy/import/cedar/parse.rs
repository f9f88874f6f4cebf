//! Reading policies.

use super::syntax::{Effect, Entity, Expr, Kind, Policy, Scope};
use super::token::{Fault, Token, tokens};

/// Levels of nesting that are read: the reading is recursive.
const DEPTH_MAX: usize = 100;

pub(super) fn policies(text: &str) -> Result<Vec<Policy>, Fault> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let mut policies = Vec::new();
    while *parser.peek() != Token::End {
        policies.push(parser.policy()?);
    }
    Ok(policies)
}

struct Parser {
    tokens: Vec<(Token, usize)>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        self.tokens.get(self.at).map_or(&Token::End, |(token, _)| token)
    }

    fn line(&self) -> usize {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(1, |(_, line)| *line)
    }

    fn next(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn takes(&mut self, mark: &'static str) -> bool {
        let is_next = *self.peek() == Token::Mark(mark);
        self.at += usize::from(is_next);
        is_next
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let is_next = matches!(self.peek(), Token::Name(name) if name == word);
        self.at += usize::from(is_next);
        is_next
    }

    fn expect(&mut self, mark: &'static str) -> Result<(), Fault> {
        if self.takes(mark) { Ok(()) } else { Err(self.fault(&format!("`{mark}` is expected"))) }
    }

    fn fault(&self, detail: &str) -> Fault {
        let found = match self.peek() {
            Token::Name(text) | Token::Number(text) | Token::Slot(text) => format!("`{text}`"),
            Token::Text(text) => format!("\"{text}\""),
            Token::Mark(mark) => format!("`{mark}`"),
            Token::End => "the end".to_owned(),
        };
        Fault { line: self.line(), detail: format!("{detail}, not {found}") }
    }

    fn name(&mut self) -> Result<String, Fault> {
        match self.peek() {
            Token::Name(name) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.fault("a name is expected")),
        }
    }

    fn text(&mut self) -> Result<String, Fault> {
        match self.peek() {
            Token::Text(text) => {
                let text = text.clone();
                self.at += 1;
                Ok(text)
            }
            _ => Err(self.fault("a text is expected")),
        }
    }

    fn policy(&mut self) -> Result<Policy, Fault> {
        let mut annotations = Vec::new();
        while self.takes("@") {
            let name = self.name()?;
            let value = if self.takes("(") {
                let value = self.text()?;
                self.expect(")")?;
                value
            } else {
                String::new()
            };
            annotations.push((name, value));
        }
        let line = self.line();
        let effect = if self.takes_word("permit") {
            Effect::Permit
        } else if self.takes_word("forbid") {
            Effect::Forbid
        } else {
            return Err(self.fault("`permit` or `forbid` is expected"));
        };
        self.expect("(")?;
        let principal = self.scope("principal")?;
        self.expect(",")?;
        let action = self.scope("action")?;
        self.expect(",")?;
        let resource = self.scope("resource")?;
        self.takes(",");
        self.expect(")")?;
        let mut conditions = Vec::new();
        loop {
            let is_when = self.takes_word("when");
            if !is_when && !self.takes_word("unless") {
                break;
            }
            self.expect("{")?;
            conditions.push((is_when, self.expr()?));
            self.expect("}")?;
        }
        self.expect(";")?;
        Ok(Policy { line, annotations, effect, principal, action, resource, conditions })
    }

    fn scope(&mut self, variable: &str) -> Result<Scope, Fault> {
        if !self.takes_word(variable) {
            return Err(self.fault(&format!("`{variable}` is expected")));
        }
        if self.takes("==") {
            return Ok(match self.slot_or_entity()? {
                Ok(entity) => Scope::Equals(entity),
                Err(slot) => Scope::Other(slot),
            });
        }
        if self.takes_word("is") {
            let kind = self.path()?;
            if self.takes_word("in") {
                self.slot_or_entity()?.ok();
                return Ok(Scope::Other(format!("`{variable} is {kind} in ..`")));
            }
            return Ok(Scope::Is(kind));
        }
        if self.takes_word("in") {
            if self.takes("[") {
                let mut entities = Vec::new();
                while !self.takes("]") {
                    entities.push(self.entity()?);
                    if !self.takes(",") && *self.peek() != Token::Mark("]") {
                        return Err(self.fault("`]` is expected"));
                    }
                }
                return Ok(Scope::In(entities));
            }
            return Ok(match self.slot_or_entity()? {
                Ok(entity) => Scope::In(vec![entity]),
                Err(slot) => Scope::Other(slot),
            });
        }
        Ok(Scope::Any)
    }

    /// An entity, or the name of what is filled in later.
    fn slot_or_entity(&mut self) -> Result<Result<Entity, String>, Fault> {
        if let Token::Slot(slot) = self.peek() {
            let slot = format!("the template slot `{slot}`");
            self.at += 1;
            return Ok(Err(slot));
        }
        self.entity().map(Ok)
    }

    fn path(&mut self) -> Result<String, Fault> {
        let mut path = self.name()?;
        while *self.peek() == Token::Mark("::") {
            self.at += 1;
            path = format!("{path}::{}", self.name()?);
        }
        Ok(path)
    }

    fn entity(&mut self) -> Result<Entity, Fault> {
        let mut kind = self.name()?;
        loop {
            self.expect("::")?;
            if let Token::Text(id) = self.peek() {
                let id = id.clone();
                self.at += 1;
                return Ok(Entity { kind, id });
            }
            kind = format!("{kind}::{}", self.name()?);
        }
    }

    fn expr(&mut self) -> Result<Expr, Fault> {
        self.depth += 1;
        if DEPTH_MAX < self.depth {
            return Err(self.fault("it is nested too deep"));
        }
        let line = self.line();
        let expr = if self.takes_word("if") {
            self.expr()?;
            for word in ["then", "else"] {
                if !self.takes_word(word) {
                    return Err(self.fault(&format!("`{word}` is expected")));
                }
                self.expr()?;
            }
            Expr { line, kind: Kind::Other("`if`") }
        } else {
            self.or()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn or(&mut self) -> Result<Expr, Fault> {
        let mut left = self.and()?;
        while self.takes("||") {
            let right = self.and()?;
            left = Expr { line: left.line, kind: Kind::Or(Box::new(left), Box::new(right)) };
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, Fault> {
        let mut left = self.relation()?;
        while self.takes("&&") {
            let right = self.relation()?;
            left = Expr { line: left.line, kind: Kind::And(Box::new(left), Box::new(right)) };
        }
        Ok(left)
    }

    fn relation(&mut self) -> Result<Expr, Fault> {
        let left = self.sum()?;
        let line = left.line;
        for sign in ["==", "!=", "<=", ">=", "<", ">"] {
            if self.takes(sign) {
                let right = self.sum()?;
                let kind = Kind::Compare(Box::new(left), sign, Box::new(right));
                return Ok(Expr { line, kind });
            }
        }
        if self.takes_word("has") {
            let is_text = matches!(self.peek(), Token::Text(_));
            let mut path = vec![if is_text { self.text()? } else { self.name()? }];
            while self.takes(".") {
                path.push(self.name()?);
            }
            return Ok(Expr { line, kind: Kind::Has(Box::new(left), path) });
        }
        if self.takes_word("like") {
            let pattern = self.text()?;
            return Ok(Expr { line, kind: Kind::Like(Box::new(left), pattern) });
        }
        if self.takes_word("in") {
            self.sum()?;
            return Ok(Expr { line, kind: Kind::Other("`in` within a condition") });
        }
        if self.takes_word("is") {
            self.path()?;
            if self.takes_word("in") {
                self.sum()?;
            }
            return Ok(Expr { line, kind: Kind::Other("`is` within a condition") });
        }
        Ok(left)
    }

    fn sum(&mut self) -> Result<Expr, Fault> {
        let mut left = self.unary()?;
        while ["+", "-", "*"].into_iter().any(|sign| self.takes(sign)) {
            self.unary()?;
            left = Expr { line: left.line, kind: Kind::Other("arithmetic") };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        self.depth += 1;
        if DEPTH_MAX < self.depth {
            return Err(self.fault("it is nested too deep"));
        }
        let expr = if self.takes("!") {
            Expr { line, kind: Kind::Not(Box::new(self.unary()?)) }
        } else if self.takes("-") {
            Expr { line, kind: Kind::Negative(Box::new(self.unary()?)) }
        } else {
            self.member()?
        };
        self.depth -= 1;
        Ok(expr)
    }

    fn member(&mut self) -> Result<Expr, Fault> {
        let mut left = self.primary()?;
        loop {
            let line = left.line;
            if self.takes(".") {
                let name = self.name()?;
                left = if self.takes("(") {
                    let arguments = self.list(")")?;
                    Expr { line, kind: Kind::Method(Box::new(left), name, arguments) }
                } else {
                    Expr { line, kind: Kind::Attribute(Box::new(left), name) }
                };
            } else if self.takes("[") {
                let name = self.text()?;
                self.expect("]")?;
                left = Expr { line, kind: Kind::Attribute(Box::new(left), name) };
            } else {
                return Ok(left);
            }
        }
    }

    fn list(&mut self, end: &'static str) -> Result<Vec<Expr>, Fault> {
        let mut items = Vec::new();
        while !self.takes(end) {
            items.push(self.expr()?);
            if !self.takes(",") && *self.peek() != Token::Mark(end) {
                return Err(self.fault(&format!("`{end}` is expected")));
            }
        }
        Ok(items)
    }

    fn primary(&mut self) -> Result<Expr, Fault> {
        let line = self.line();
        let kind = match self.peek().clone() {
            Token::Number(number) => {
                self.at += 1;
                Kind::Number(number)
            }
            Token::Text(text) => {
                self.at += 1;
                Kind::Text(text)
            }
            Token::Slot(_) => {
                self.at += 1;
                Kind::Other("a template slot")
            }
            Token::Mark("(") => {
                self.at += 1;
                let inner = self.expr()?;
                self.expect(")")?;
                return Ok(inner);
            }
            Token::Mark("[") => {
                self.at += 1;
                Kind::Set(self.list("]")?)
            }
            Token::Mark("{") => {
                self.at += 1;
                self.record()?;
                Kind::Other("a record")
            }
            Token::Name(name) => self.named(&name)?,
            Token::Mark(_) | Token::End => return Err(self.fault("an expression is expected")),
        };
        Ok(Expr { line, kind })
    }

    fn named(&mut self, name: &str) -> Result<Kind, Fault> {
        let follows = self.tokens.get(self.at + 1).map(|(token, _)| token);
        if follows == Some(&Token::Mark("::")) {
            return self.entity().map(Kind::Entity);
        }
        self.at += 1;
        if self.takes("(") {
            return Ok(Kind::Function(name.to_owned(), self.list(")")?));
        }
        match name {
            "true" | "false" => Ok(Kind::Bool(name == "true")),
            "principal" | "action" | "resource" | "context" => Ok(Kind::Variable(name.to_owned())),
            _ => {
                self.at -= 1;
                Err(self.fault("an expression is expected"))
            }
        }
    }

    fn record(&mut self) -> Result<(), Fault> {
        while !self.takes("}") {
            self.next();
            self.expect(":")?;
            self.expr()?;
            if !self.takes(",") && *self.peek() != Token::Mark("}") {
                return Err(self.fault("`}` is expected"));
            }
        }
        Ok(())
    }
}
