//! The states of a row, the transitions between them, and the paths from one state to another.

/// One state of a row, and the states that may follow it. `#[derive(States)]` makes a table of them.
#[derive(Clone, Copy, Debug)]
pub struct StateRow {
    /// Its name for people.
    pub name: &'static str,
    /// The value of its column.
    pub stored: ColumnValue,
    /// The places in the table of the states that may follow.
    pub next: &'static [usize],
    /// Whether a new row may be in this state.
    pub is_initial: bool,
}

/// The value of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnValue {
    /// A number.
    Integer(i64),
    /// A text.
    Text(&'static str),
}

impl ColumnValue {
    /// Whether this value is written like this text of a column.
    pub(crate) fn reads(self, text: &str) -> bool {
        match self {
            Self::Integer(number) => text == number.to_string(),
            Self::Text(word) => text == word,
        }
    }
}

/// Whether one state may follow another, as the enum declares it.
#[must_use]
pub(crate) const fn may_follow(states: &[StateRow], from: usize, to: usize) -> bool {
    let next = states[from].next;
    let mut place = 0;
    while place < next.len() {
        if next[place] == to {
            return true;
        }
        place += 1;
    }
    false
}

/// Whether a row in this state must have made this transition: some paths lead from an initial state to it,
/// and all of them use the transition.
#[cfg_attr(
    not(all(feature = "actix", any(feature = "sqlite", feature = "postgres", feature = "mysql"))),
    allow(dead_code, reason = "rows guard requests, in a database")
)]
pub(crate) fn must_have_gone(
    states: &[StateRow],
    transition: (usize, usize),
    current: usize,
) -> bool {
    can_be_reached(states, None, current) && !can_be_reached(states, Some(transition), current)
}

/// Whether a state can be reached from an initial one without this transition.
fn can_be_reached(states: &[StateRow], without: Option<(usize, usize)>, sought: usize) -> bool {
    let mut seen = vec![false; states.len()];
    let mut open: Vec<_> = (0..states.len()).filter(|place| states[*place].is_initial).collect();
    while let Some(place) = open.pop() {
        if place == sought {
            return true;
        }
        if !std::mem::replace(&mut seen[place], true) {
            let next = states[place].next.iter().copied();
            open.extend(next.filter(|next| Some((place, *next)) != without));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn state(name: &'static str, next: &'static [usize], is_initial: bool) -> StateRow {
        StateRow { name, stored: ColumnValue::Text(name), next, is_initial }
    }

    /// created → paid → completed; created → cancelled. Nothing leads to imported.
    const ORDER: [StateRow; 5] = [
        state("created", &[1, 3], true),
        state("paid", &[2], false),
        state("completed", &[], false),
        state("cancelled", &[], false),
        state("imported", &[1], false),
    ];

    /// draft → review → published → draft.
    const ARTICLE: [StateRow; 3] =
        [state("draft", &[1], true), state("review", &[2], false), state("published", &[0], false)];

    #[test]
    fn only_declared_transitions_may_follow() {
        let allowed = [(0, 1), (0, 3), (1, 2), (4, 1)];
        for from in 0..5 {
            for to in 0..5 {
                assert_eq!(may_follow(&ORDER, from, to), allowed.contains(&(from, to)));
            }
        }
    }

    #[test]
    fn a_transition_happened_if_every_path_uses_it() {
        let paid = |current| must_have_gone(&ORDER, (0, 1), current);
        assert_eq!([0, 1, 2, 3, 4].map(paid), [false, true, true, false, false]);
        // A state that no other leads to adds no path.
        assert!(!must_have_gone(&ORDER, (4, 1), 1));
    }

    #[test]
    fn at_the_start_of_a_circle_its_transitions_need_not_have_happened() {
        let published = |current| must_have_gone(&ARTICLE, (1, 2), current);
        assert_eq!([0, 1, 2].map(published), [false, false, true]);
    }

    /// Numbers that look random, but are the same each time.
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            usize::try_from(self.0 >> 33).expect("31 bits") % bound
        }
    }

    fn any_graph(numbers: &mut Numbers) -> Vec<StateRow> {
        let many = 1 + numbers.below(5);
        let mut graph = Vec::new();
        for place in 0..many {
            let next: Vec<_> = (0..many).filter(|_| numbers.below(3) == 0).collect();
            let is_initial = place == 0 || numbers.below(4) == 0;
            graph.push(state("", next.leak(), is_initial));
        }
        graph
    }

    /// Every path with at most as many steps as there are states, walked to its end: whether any path leads
    /// to the state, and whether any does so without the transition.
    fn walked(
        states: &[StateRow],
        transition: (usize, usize),
        (place, steps, used): (usize, usize, bool),
        sought: usize,
        found: &mut (bool, bool),
    ) {
        if place == sought {
            *found = (true, found.1 || !used);
        }
        if steps < states.len() {
            for next in states[place].next {
                let used = used || (place, *next) == transition;
                walked(states, transition, (*next, steps + 1, used), sought, found);
            }
        }
    }

    #[test]
    fn on_every_graph_the_result_is_that_of_walking_all_paths() {
        let (mut numbers, mut happened) = (Numbers(1), 0);
        for _ in 0..2_000 {
            let graph = any_graph(&mut numbers);
            let all = 0..graph.len();
            for from in all.clone() {
                for to in graph[from].next {
                    for current in all.clone() {
                        let mut found = (false, false);
                        for start in all.clone().filter(|start| graph[*start].is_initial) {
                            walked(&graph, (from, *to), (start, 0, false), current, &mut found);
                        }
                        let must = found.0 && !found.1;
                        happened += usize::from(must);
                        let said = must_have_gone(&graph, (from, *to), current);
                        assert_eq!(said, must, "{graph:?}: {from} to {to}, at {current}");
                    }
                }
            }
        }
        assert!(happened > 1_000, "{happened}: graphs in which a transition must have happened");
    }
}
