//! Processes that are killed, at moments that a seed decides on.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::session::Session;

/// How often a process is looked at.
const STEP: Duration = Duration::from_micros(20);
/// What a phase is taken to last before any was seen to its end.
const GUESS: Duration = Duration::from_millis(100);

/// What a kill waits for before its delay begins.
pub(crate) struct Phase {
    /// A directory, and how the name of what must appear in it begins; `None` for the start of the process.
    mark: Option<(PathBuf, &'static str)>,
    /// How long a process lives from then on, as far as is known; delays are parts of it.
    span: Duration,
}

impl Phase {
    /// The start of the process.
    pub(crate) fn begins() -> Self {
        Phase {
            mark: None,
            span: GUESS,
        }
    }

    /// The moment in which something of this name appears in the directory, or is changed.
    pub(crate) fn when(directory: PathBuf, prefix: &'static str) -> Self {
        Phase {
            mark: Some((directory, prefix)),
            span: GUESS,
        }
    }

    /// Returns what there is by the name of the mark: the inode, and when it was last changed.
    fn seen(&self) -> Vec<(u64, i64, i64)> {
        let Some((directory, prefix)) = &self.mark else {
            return Vec::new();
        };
        // It comes and goes with the process.
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .filter_map(|entry| entry.metadata().ok())
            .map(|found| (found.ino(), found.ctime(), found.ctime_nsec()))
            .collect()
    }
}

/// Kills one process after another.
pub(crate) struct Killer<const N: usize> {
    what: &'static str,
    arguments: Vec<&'static str>,
    phases: [Phase; N],
    attempts: u64,
    last: String,
}

impl<const N: usize> Killer<N> {
    pub(crate) fn new(what: &'static str, arguments: &[&'static str], phases: [Phase; N]) -> Self {
        Killer {
            what,
            arguments: arguments.to_vec(),
            phases,
            attempts: 0,
            last: String::new(),
        }
    }

    /// Returns what was done last, for messages.
    pub(crate) fn last(&self) -> &str {
        &self.last
    }

    /// Starts a process and kills it; tells whether it was killed before it had finished.
    pub(crate) fn kill(&mut self, session: &Session) -> bool {
        let attempt = self.attempts;
        self.attempts += 1;
        let random = mix(attempt);
        let number = usize::try_from(attempt).expect("a few thousand") % N;
        let phase = &mut self.phases[number];
        let delay = phase.span.mul_f64(
            f64::from(u32::try_from(random >> 32).expect("32 bits")) / f64::from(u32::MAX),
        );
        self.last = format!(
            "{} {attempt}, killed {delay:?} after mark {number}",
            self.what
        );

        let before = phase.seen();
        let mut command = session.command(&self.arguments);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary runs");
        if phase.mark.is_some() {
            while phase.seen().iter().all(|mark| before.contains(mark)) {
                if let Some(status) = ended(&mut child) {
                    return self.finished(status);
                }
                std::thread::sleep(STEP);
            }
        }
        let begin = Instant::now();
        while begin.elapsed() < delay {
            if let Some(status) = ended(&mut child) {
                phase.span = begin.elapsed();
                return self.finished(status);
            }
            std::thread::sleep(STEP);
        }
        // Longer and longer, until one is seen to its end.
        phase.span += phase.span / 16;
        child.kill().expect("killed");
        let status = child.wait().expect("it has ended");
        status.code().is_none() || self.finished(status)
    }

    /// A process that was not killed must have succeeded.
    fn finished(&self, status: ExitStatus) -> bool {
        assert_eq!(status.code(), Some(0), "{}", self.last);
        false
    }
}

fn ended(child: &mut Child) -> Option<ExitStatus> {
    child.try_wait().expect("it can be asked for")
}

/// Returns a number that looks random, always the same for the same seed: the finalizer of SplitMix64.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
