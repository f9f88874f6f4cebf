//! What a Cedar text says: policies, scopes, expressions. The grammar is read
//! whole, so that what is not imported can be named.

/// A policy.
#[derive(Clone, Debug)]
pub(super) struct Policy {
    pub(super) line: usize,
    pub(super) annotations: Vec<(String, String)>,
    pub(super) effect: Effect,
    pub(super) principal: Scope,
    pub(super) action: Scope,
    pub(super) resource: Scope,
    /// `when` (true) and `unless` (false).
    pub(super) conditions: Vec<(bool, Expr)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Effect {
    Permit,
    Forbid,
}

/// `T::"id"`
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entity {
    /// With its namespaces: `A::B`.
    pub(super) kind: String,
    pub(super) id: String,
}

/// Whom a policy is about.
#[derive(Clone, Debug)]
pub(super) enum Scope {
    Any,
    Is(String),
    Equals(Entity),
    In(Vec<Entity>),
    /// What has no counterpart here, by its name.
    Other(String),
}

/// An expression and the line it begins on.
#[derive(Clone, Debug)]
pub(super) struct Expr {
    pub(super) line: usize,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Bool(bool),
    Number(String),
    Text(String),
    Entity(Entity),
    /// `principal`, `action`, `resource` or `context`
    Variable(String),
    Attribute(Box<Expr>, String),
    Has(Box<Expr>, Vec<String>),
    Like(Box<Expr>, String),
    Set(Vec<Expr>),
    /// A method and what it is called on.
    Method(Box<Expr>, String, Vec<Expr>),
    /// A function of an extension.
    Function(String, Vec<Expr>),
    Not(Box<Expr>),
    Negative(Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Compare(Box<Expr>, &'static str, Box<Expr>),
    /// What has no counterpart here, by its name.
    Other(&'static str),
}
