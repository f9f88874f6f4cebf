//! `lexecon oversight`: what is asked, and what is shown of the figures.

use crate::double::Said;
use crate::shell::{ask, check, run};

const FIGURES: &str = r#"{"period_days":30,"total_interventions":3,"intervention_breakdown":{"by_type":{"approval":1,"override":2,"escalation":0},"by_role":{"risk_manager":3,"executive":0}},"overrides":2,"approvals":1,"override_rate_percent":66,"response_time_ms":{"average":150,"minimum":100,"maximum":201},"escalations":{"created":4,"resolved":2,"expired":1,"within_sla_percent":66},"resolution_outcomes":{"approved":2,"denied":0},"status":"insufficient","status_detail":"failing","findings":["1 escalations expired without an answer"],"as_of_index":140}"#;

const SHOWN: &str = "days             30
interventions    3
by type          approval 1, override 2
by role          risk_manager 3
recommendations  2 overridden, 1 followed, 66 %
response time    150 ms, 100..201
escalations      4 made, 2 answered, 1 expired, 66 % in time
answers          approved 2
status           insufficient (failing)
as of            140
- 1 escalations expired without an answer
";

#[tokio::test]
async fn figures_are_shown_with_their_findings() {
    let words = ["oversight", "effectiveness", "--period-days", "30", "--as-of", "140"];
    check(&words, FIGURES, 0, SHOWN).await;
    let (_ran, node) = ask(&words, Said::ok(FIGURES)).await;
    let line = "GET /compliance/eu-ai-act/article-14/effectiveness?period_days=30&as_of=140";
    assert_eq!(node.lines(), [line]);
    assert_eq!(run(&["oversight", "effectiveness", "--period-days", "3651"]).await.exit, 2);
}
