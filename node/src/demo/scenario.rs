//! What there is to show: the sample policies, and two questions to each.
//!
//! The policies are those of `deploy/examples`, built into the binary: the demo
//! needs no checkout. Both questions have the same answer at every hour and as
//! often as they are asked, since a demo can be resumed.

use client::decision::Question;
use types::{Json, Object};

use super::DemoError;

/// One sample policy in force.
#[derive(Debug)]
pub(super) struct Scenario {
    /// As `--scenario` has it.
    pub(super) name: &'static str,
    /// The policy, in YAML.
    policy: &'static str,
    /// What is allowed.
    pub(super) allowed: Ask,
    /// What the policy is there to notice.
    pub(super) noticed: Ask,
    /// A body of `/decide` for who wants to go on.
    pub(super) next: &'static str,
}

/// A question and its answer.
#[derive(Debug)]
pub(super) struct Ask {
    /// For people.
    pub(super) words: &'static str,
    actor: &'static str,
    action: &'static str,
    resource: Option<&'static str>,
    data_classes: &'static [&'static str],
    /// In JSON.
    context: &'static str,
    /// The `reason_code` of the answer.
    pub(super) reason_code: &'static str,
}

/// Every scenario, the default first.
pub(super) static ALL: [&Scenario; 3] = [&CUSTOMER_SUPPORT, &PAYMENTS, &CLINICAL_ACCESS];

/// The decision of the product's first description.
pub(super) static CUSTOMER_SUPPORT: Scenario = Scenario {
    name: "customer-support",
    policy: include_str!("../../../deploy/examples/customer-support/policy.yaml"),
    allowed: Ask {
        words: "May ai_agent:customer_service access_customer_data, for a support ticket?",
        actor: "ai_agent:customer_service",
        action: "access_customer_data",
        resource: None,
        data_classes: &[],
        context: r#"{"purpose":"support_ticket","data_sensitivity":"high"}"#,
        reason_code: "permitted",
    },
    noticed: Ask {
        words: "May ai_agent:refunds pay back 180?",
        actor: "ai_agent:refunds",
        action: "issue_refund",
        resource: None,
        data_classes: &[],
        context: r#"{"amount":180,"ticket":{"id":"T-7"}}"#,
        reason_code: "constraint_escalated",
    },
    next: r#"{"actor":"ai_agent:refunds","action":"issue_refund","context":{"amount":80,"ticket":{"id":"T-7"}}}"#,
};

static PAYMENTS: Scenario = Scenario {
    name: "payments",
    policy: include_str!("../../../deploy/examples/payments/policy.yaml"),
    allowed: Ask {
        words: "May controller:jane prepare the payment of invoice:7?",
        actor: "controller:jane",
        action: "create_payment",
        resource: Some("invoice:7"),
        data_classes: &[],
        context: r#"{"payment":{"amount":9200.50,"currency":"EUR"},"payee":{"sanctions_screening":"clear","country":"DE"}}"#,
        reason_code: "permitted",
    },
    noticed: Ask {
        words: "May controller:jane approve it as well?",
        actor: "controller:jane",
        action: "approve_payment",
        resource: Some("invoice:7"),
        data_classes: &[],
        context: r#"{"payment":{"amount_eur":9200.50},"payee":{"sanctions_screening":"clear","country":"DE"}}"#,
        reason_code: "conflict",
    },
    next: r#"{"actor":"controller:omar","action":"approve_payment","resource":"invoice:7","context":{"payment":{"amount_eur":9200.50},"payee":{"sanctions_screening":"clear","country":"DE"}}}"#,
};

static CLINICAL_ACCESS: Scenario = Scenario {
    name: "clinical-access",
    policy: include_str!("../../../deploy/examples/clinical-access/policy.yaml"),
    allowed: Ask {
        words: "May physician:okafor read the laboratory results of a patient in her care?",
        actor: "physician:okafor",
        action: "read_record",
        resource: Some("patient:10482213"),
        data_classes: &["lab_results"],
        context: r#"{"purpose":"treatment","treatment":{"relationship":"attending"},"consent":{"status":"given"},"scope":{"patients":1,"sections":["results"]}}"#,
        reason_code: "permitted",
    },
    noticed: Ask {
        words: "May she break the glass for a patient who is not?",
        actor: "physician:okafor",
        action: "break_glass",
        resource: Some("patient:20931177"),
        data_classes: &["medication"],
        context: r#"{"emergency":{"declared":true,"reason":"unconscious, no relatives, allergies unknown"}}"#,
        reason_code: "constraint_escalated",
    },
    next: r#"{"actor":"physician:okafor","action":"read_record","resource":"patient:10482213","data_classes":["lab_results","genetic"],"context":{"purpose":"treatment","treatment":{"relationship":"attending"},"consent":{"status":"given"},"scope":{"patients":1,"sections":["results"]}}}"#,
};

/// The scenario of this name.
pub(super) fn find(name: &str) -> Option<&'static Scenario> {
    ALL.into_iter().find(|scenario| scenario.name == name)
}

impl Scenario {
    /// The policy as it is loaded.
    pub(super) fn document(&self) -> Result<Json, DemoError> {
        cli::read_yaml(self.policy)
            .map_err(|why| DemoError::new(&format!("cannot read the policy `{}`", self.name), &why))
    }

    /// What the policy calls itself, by which it is known again.
    pub(super) fn policy_name(&self) -> Result<Option<String>, DemoError> {
        let document = self.document()?;
        let name = document.as_object().and_then(|members| members.get("name")?.as_str());
        Ok(name.map(str::to_owned))
    }
}

impl Ask {
    /// A body of `/policies/explain`: without its context there is something to
    /// explain.
    pub(super) fn without_context(&self) -> String {
        let body = [("actor", self.actor.into()), ("action", self.action.into())];
        Json::object(body).to_canonical()
    }

    /// The question as it is sent.
    pub(super) fn question(&self) -> Result<Question, DemoError> {
        let context: Object = serde_json::from_str(self.context)
            .map_err(|err| DemoError::new("cannot ask the question", &err))?;
        Ok(Question {
            context,
            resource: self.resource.map(str::to_owned),
            data_classes: self.data_classes.iter().copied().map(str::to_owned).collect(),
            ..Question::new(self.actor, self.action)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use policy::{
        Allowed, Compiled, Document, Engine, History, NoHistory, Request, STEPS_MAX, evaluate,
    };
    use types::{DecisionId, Timestamp, Ulid};

    use super::*;

    /// A past in which the first question of a scenario was allowed.
    struct Before(Allowed);

    impl History for Before {
        type Error = Infallible;

        fn allowed(&self, _: &str, _: usize) -> Result<Option<Vec<Allowed>>, Infallible> {
            Ok(Some(vec![self.0.clone()]))
        }
    }

    fn compiled(scenario: &Scenario) -> Compiled {
        let (document, warnings) = Document::parse(&scenario.document().unwrap()).unwrap();
        assert!(warnings.is_empty(), "{}: {warnings:?}", scenario.name);
        Compiled::new(&document).unwrap()
    }

    #[track_caller]
    fn check(policy: &Compiled, ask: &Ask, history: &impl History<Error = Infallible>, at: &str) {
        let question = ask.question().unwrap();
        let request = Request {
            actor: &question.actor,
            action: &question.action,
            resource: question.resource.as_deref(),
            tool: None,
            data_classes: &question.data_classes,
            context: &question.context,
            risk_score: 1,
            risk_level: "low",
            mode: None,
            at: at.parse::<Timestamp>().unwrap(),
            steps_max: STEPS_MAX,
            engine: Engine::NEWEST,
        };
        let Ok(answer) = evaluate(policy, &request, history);
        assert_eq!(answer.reason_code.as_str(), ask.reason_code, "{} at {at}", ask.words);
    }

    #[test]
    fn every_scenario_is_answered_as_it_says_at_any_hour_and_again() {
        for scenario in ALL {
            let policy = compiled(scenario);
            let before = Before(Allowed {
                action: scenario.allowed.action.to_owned(),
                resource: scenario.allowed.resource.map(str::to_owned),
                decision: DecisionId(Ulid(1)),
            });
            for at in ["2027-03-04T09:30:00Z", "2027-03-07T03:00:00Z", "2031-12-25T23:59:59Z"] {
                check(&policy, &scenario.allowed, &NoHistory, at);
                check(&policy, &scenario.allowed, &before, at);
                check(&policy, &scenario.noticed, &before, at);
            }
        }
    }

    #[test]
    fn every_scenario_and_its_policy_are_known_by_a_name_of_their_own() {
        let mut names: Vec<String> = Vec::new();
        for scenario in ALL {
            assert!(std::ptr::eq(find(scenario.name).unwrap(), scenario));
            let name = scenario.policy_name().unwrap().unwrap();
            assert!(!names.contains(&name), "{name} twice");
            names.push(name);
            let next: Json = serde_json::from_str(scenario.next).unwrap();
            assert!(next.as_object().is_some(), "{}", scenario.name);
        }
        assert!(find("customer-operations").is_none());
    }
}
