//! Each way in which a waiting command is answered, and that it is answered once.

use types::{LogIndex, RaftId, Timestamp};

use super::*;

fn desk(bounds: Bounds) -> Desk {
    Desk::new(Origin { node: RaftId(1), epoch: 7 }, bounds)
}

fn quick() -> Bounds {
    let leader_wait = Duration::from_millis(20);
    Bounds { leader_wait, outcome_wait: Duration::from_millis(40), ..Bounds::default() }
}

fn sequences(items: &[Item]) -> Vec<u64> {
    items.iter().map(|item| item.sequence).collect()
}

fn submit(desk: &Desk, bytes: usize) -> oneshot::Receiver<Answer> {
    desk.submit(vec![0; bytes].into()).unwrap().1
}

#[test]
fn a_batch_is_bounded_by_count_and_bytes_and_a_giant_goes_alone() {
    let bounds = Bounds { batch_items_max: 3, batch_bytes_max: 1_000, ..Bounds::default() };
    let desk = desk(bounds);
    let _answers: Vec<_> =
        [10, 10, 10, 10, 900, 5_000, 10].map(|bytes| submit(&desk, bytes)).into();
    assert_eq!(sequences(&desk.take(0, 0)), [0, 1, 2]);
    assert_eq!(sequences(&desk.take(0, 0)), [3, 4]);
    assert!(sequences(&desk.take(10, 1)).is_empty());
    assert_eq!(sequences(&desk.take(0, 0)), [5]);
    assert_eq!(sequences(&desk.take(0, 0)), [6]);
    assert!(desk.is_empty());
}

#[tokio::test]
async fn a_full_desk_refuses_by_count_and_by_bytes() {
    let bounds = Bounds { queued_max: 2, queued_bytes_max: 100, ..Bounds::default() };
    let desk = desk(Bounds { command_bytes_max: 200, ..bounds });
    let _first = submit(&desk, 60);
    assert_eq!(desk.propose(vec![0; 60].into()).await, Err(ProposeError::Overloaded));
    assert_eq!(desk.propose(vec![0; 201].into()).await, Err(ProposeError::TooLarge));
    let _second = submit(&desk, 10);
    assert_eq!(desk.propose(Bytes::new()).await, Err(ProposeError::Overloaded));
}

#[tokio::test]
async fn what_nobody_takes_is_answered_and_never_taken_after() {
    let desk = desk(quick());
    assert_eq!(desk.propose(Bytes::new()).await, Err(ProposeError::NoLeader));
    assert_eq!(desk.take(0, 0), []);
}

#[tokio::test]
async fn what_was_taken_is_unknown_until_it_is_put_back() {
    let desk = desk(quick());
    let (answer, ()) = tokio::join!(desk.propose(Bytes::new()), async {
        assert_eq!(desk.take(0, 0).len(), 1);
    });
    assert_eq!(answer, Err(ProposeError::OutcomeUnknown));
    // Put back after its asker has gone, it is dropped.
    let taken = Item { origin: desk.origin, sequence: 0, envelope: Bytes::new() };
    desk.put_back(vec![taken]);
    assert!(desk.is_empty());
}

#[tokio::test]
async fn what_is_put_back_too_late_has_no_leader() {
    let desk = desk(Bounds { leader_wait: Duration::ZERO, ..Bounds::default() });
    let mut answer = submit(&desk, 1);
    let taken = desk.take(0, 0);
    desk.put_back(taken);
    assert_eq!(answer.try_recv(), Ok(Err(ProposeError::NoLeader)));
}

#[tokio::test]
async fn what_is_put_back_keeps_its_place() {
    let desk = desk(Bounds { batch_items_max: 2, ..Bounds::default() });
    let _answers: Vec<_> = [1, 1, 1].map(|bytes| submit(&desk, bytes)).into();
    let taken = desk.take(0, 0);
    desk.put_back(taken);
    assert_eq!(sequences(&desk.take(0, 0)), [0, 1]);
    assert_eq!(sequences(&desk.take(0, 0)), [2]);
}

#[tokio::test]
async fn a_command_whose_asker_left_is_not_taken() {
    let desk = desk(Bounds::default());
    let mut asking = Box::pin(desk.propose(Bytes::new()));
    assert!(futures::poll!(&mut asking).is_pending());
    drop(asking);
    assert!(desk.is_empty());
    assert_eq!(desk.take(0, 0), []);
}

#[tokio::test]
async fn applying_answers_and_stopping_answers_the_rest() {
    let desk = desk(Bounds { batch_items_max: 2, ..Bounds::default() });
    let mut answers: Vec<_> = [1, 1, 1].map(|bytes| submit(&desk, bytes)).into();
    desk.take(0, 0);
    let outcome = governance::Outcome::Ticked;
    let committed = Committed { index: LogIndex(4), sub_index: 0, at: Timestamp(1), outcome };
    desk.settle(vec![(0, committed.clone()), (99, committed.clone())]);
    desk.stop("done");
    let answers: Vec<_> = answers.iter_mut().map(|answer| answer.try_recv().unwrap()).collect();
    let stopped = ProposeError::Stopped("done".to_owned());
    assert_eq!(answers, [Ok(committed), Err(ProposeError::OutcomeUnknown), Err(stopped.clone())]);
    assert_eq!(desk.propose(Bytes::new()).await, Err(stopped));
}
