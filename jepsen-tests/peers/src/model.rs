//! The policy and the requests, in no language yet.

/// Actions of every agent.
pub const ACTIONS: usize = 10;
/// Teams that agents are spread over.
pub const TEAMS: usize = 50;

/// A relation.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// What it says.
    pub effect: Effect,
    /// About whom.
    pub who: Who,
    /// About which action.
    pub action: usize,
}

/// What a rule says, with its condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Allowed where `purpose` is `triage`.
    Permit,
    /// Denied unless `blocked` is there and false.
    Forbid,
    /// Denied unless `logged` is true.
    Require,
}

/// Whom a rule is about.
#[derive(Clone, Copy, Debug)]
pub enum Who {
    /// One agent.
    Agent(usize),
    /// Every agent of a team.
    Team(usize),
}

/// Which context a request comes with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Facts {
    /// `{"channel":"phone","purpose":"triage"}`
    Triage,
    /// `{"channel":"phone","purpose":"billing"}`
    Billing,
}

/// A request, and what every engine must say.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    /// What it is there to show.
    pub name: &'static str,
    /// Who asks.
    pub agent: usize,
    /// What for.
    pub action: usize,
    /// With which context.
    pub facts: Facts,
    /// The answer.
    pub is_allowed: bool,
}

/// As many rules as asked for, which is a multiple of ten: nine permits for
/// each agent, then a prohibition or a requirement of its team.
pub fn rules(count: usize) -> Vec<Rule> {
    let of_agent = |agent: usize| {
        let permits = (0..ACTIONS - 1).map(move |action| Rule {
            effect: Effect::Permit,
            who: Who::Agent(agent),
            action,
        });
        let last = match agent < TEAMS && agent.is_multiple_of(2) {
            true => Rule { effect: Effect::Require, who: Who::Team(agent), action: ACTIONS - 2 },
            false => Rule { effect: Effect::Forbid, who: Who::Agent(agent), action: ACTIONS - 1 },
        };
        permits.chain([last])
    };
    (0..agents(count)).flat_map(of_agent).collect()
}

/// How many agents so many rules are about.
pub fn agents(rules: usize) -> usize {
    rules / ACTIONS
}

/// Requests of an agent in the middle, and of one that nobody knows.
pub fn asks(rules: usize) -> [Ask; 5] {
    let even = agents(rules) / 2 & !1;
    let odd = even + 1;
    let ask =
        |name, agent, action, facts, is_allowed| Ask { name, agent, action, facts, is_allowed };
    [
        ask("permitted", odd, 4, Facts::Triage, true),
        ask("condition unmet", odd, 4, Facts::Billing, false),
        ask("forbidden", odd, ACTIONS - 1, Facts::Triage, false),
        ask("obligation unmet", even, ACTIONS - 2, Facts::Triage, false),
        ask("unknown actor", agents(rules) + 1, 4, Facts::Triage, false),
    ]
}

/// The name of an agent, which begins with its team.
pub fn agent(at: usize) -> String {
    format!("{}:agent_{at}", team(at % TEAMS))
}

/// The name of a team.
pub fn team(at: usize) -> String {
    format!("ai_agent:team_{at}")
}

/// The name of an action.
pub fn action(at: usize) -> String {
    format!("claims:step_{at}")
}

impl Facts {
    /// What `purpose` is.
    pub fn purpose(self) -> &'static str {
        match self {
            Self::Triage => "triage",
            Self::Billing => "billing",
        }
    }
}
