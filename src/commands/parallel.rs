//! Runs independent pieces of work on several threads.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Calls `work` with each number below `count`, on up to `threads` threads.
///
/// Errors: that of the lowest number among those that failed; numbers not begun by then are left out.
pub(super) fn for_each<E: Send>(
    threads: NonZeroUsize,
    count: usize,
    work: impl Fn(usize) -> Result<(), E> + Sync,
) -> Result<(), E> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let first: Mutex<Option<(usize, E)>> = Mutex::new(None);
    let run = || {
        while !failed.load(Ordering::Relaxed) {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return;
            }
            if let Err(error) = work(number) {
                failed.store(true, Ordering::Relaxed);
                let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                if first.as_ref().is_none_or(|(other, _)| number < *other) {
                    *first = Some((number, error));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        // The calling thread is one of them.
        for _ in 1..threads.get().min(count) {
            scope.spawn(run);
        }
        run();
    });
    let first = first.into_inner().unwrap_or_else(PoisonError::into_inner);
    first.map_or(Ok(()), |(_, error)| Err(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_once() {
        for threads in 1..5 {
            let threads = NonZeroUsize::new(threads).expect("not zero");
            let seen: Vec<AtomicUsize> = (0..100).map(|_| AtomicUsize::new(0)).collect();
            let outcome: Result<(), ()> = for_each(threads, seen.len(), |number| {
                seen[number].fetch_add(1, Ordering::Relaxed);
                Ok(())
            });
            assert_eq!(outcome, Ok(()));
            assert!(seen.iter().all(|seen| seen.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn a_failure_ends_the_work() {
        let begun = AtomicUsize::new(0);
        let outcome = for_each(NonZeroUsize::MIN, 100, |number| {
            begun.fetch_add(1, Ordering::Relaxed);
            if number < 3 { Ok(()) } else { Err(number) }
        });
        assert_eq!(outcome, Err(3));
        assert_eq!(begun.load(Ordering::Relaxed), 4);
    }
}
