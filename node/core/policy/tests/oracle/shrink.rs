//! The smallest case that still shows the difference: whatever can be left out
//! is left out, one thing after the other, until nothing more can.

use types::{Json, Object};

use super::generate::Ask;

/// A document and a request, on their way down.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) document: Json,
    pub(crate) ask: Ask,
}

pub(crate) fn shrink(mut case: Case, differs: &dyn Fn(&Case) -> bool) -> Case {
    loop {
        let Some(smaller) = smaller(&case).into_iter().find(|case| differs(case)) else {
            return case;
        };
        case = smaller;
    }
}

/// Every case that lacks one thing of this one.
fn smaller(case: &Case) -> Vec<Case> {
    let document = case.document.as_object().unwrap();
    let documents = ["relations", "terms", "constraints"]
        .into_iter()
        .flat_map(|list| without_items(document, list))
        .chain(without_conditions(document, "relations", "conditions"))
        .chain(without_conditions(document, "constraints", "condition"));
    let mut found: Vec<Case> = documents
        .map(|document| Case { document: Json::Object(document), ask: case.ask.clone() })
        .collect();
    let asks = smaller_asks(&case.ask);
    found.extend(asks.into_iter().map(|ask| Case { document: case.document.clone(), ask }));
    found
}

fn without_items(object: &Object, list: &str) -> Vec<Object> {
    let items = object.get(list).and_then(Json::as_array).unwrap_or_default();
    let less = (0..items.len()).map(|at| {
        let mut less = object.clone();
        let mut items = items.to_vec();
        items.remove(at);
        less.insert(list, Json::Array(items));
        less
    });
    less.collect()
}

fn without_conditions(document: &Object, list: &str, key: &str) -> Vec<Object> {
    let items = document.get(list).unwrap().as_array().unwrap();
    let less = items.iter().enumerate().flat_map(|(at, item)| {
        without_items(item.as_object().unwrap(), key).into_iter().map(move |item| {
            let mut less = document.clone();
            let mut items = items.to_vec();
            items[at] = Json::Object(item);
            less.insert(list, Json::Array(items));
            less
        })
    });
    less.collect()
}

fn smaller_asks(ask: &Ask) -> Vec<Ask> {
    let mut found = Vec::new();
    for (key, _) in ask.context.iter() {
        let mut less = ask.clone();
        less.context.remove(key);
        found.push(less);
    }
    if 4 < ask.past.len() {
        found.push(Ask { past: ask.past[..ask.past.len() / 2].to_vec(), ..ask.clone() });
    }
    for at in 0..ask.past.len() {
        let mut less = ask.clone();
        less.past.remove(at);
        found.push(less);
    }
    for at in 0..ask.data_classes.len() {
        let mut less = ask.clone();
        less.data_classes.remove(at);
        found.push(less);
    }
    if ask.resource.is_some() {
        found.push(Ask { resource: None, ..ask.clone() });
    }
    if ask.tool.is_some() {
        found.push(Ask { tool: None, ..ask.clone() });
    }
    if ask.mode.is_some() {
        found.push(Ask { mode: None, ..ask.clone() });
    }
    if 1 < ask.risk_score {
        found.push(Ask { risk_score: 1, ..ask.clone() });
    }
    found
}
