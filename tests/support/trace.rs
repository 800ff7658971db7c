//! Runs a command and, at one of its file operations, kills it or lets the operation fail.
//!
//! Every call that changes a file system is an operation, in whatever thread or child of the command, so a test can
//! go through all the moments at which a command can die, and through all the errors that it can meet.

use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

use nix::errno::Errno;
use nix::libc;
use nix::sys::ptrace::{self, Options};
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

/// What happens at an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing; the command runs to its end.
    None,
    /// The command and its children are killed before the operation of this number, counted from 0.
    Kill(usize),
    /// The operation of this number is not done and fails with this error.
    Error(usize, Errno),
}

/// What was seen of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// The number of operations begun.
    pub operations: usize,
    /// The exit status; `None` when it was killed.
    pub status: Option<i32>,
}

/// Calls that change a file system; those that only may are looked at more closely in [`is_operation`].
const OPERATIONS: [libc::c_long; 30] = [
    libc::SYS_chmod,
    libc::SYS_copy_file_range,
    libc::SYS_creat,
    libc::SYS_fallocate,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fdatasync,
    libc::SYS_flock,
    libc::SYS_fsync,
    libc::SYS_ftruncate,
    libc::SYS_link,
    libc::SYS_linkat,
    libc::SYS_mkdir,
    libc::SYS_mkdirat,
    libc::SYS_open,
    libc::SYS_openat,
    libc::SYS_pwrite64,
    libc::SYS_rename,
    libc::SYS_renameat,
    libc::SYS_renameat2,
    libc::SYS_rmdir,
    libc::SYS_sendfile,
    libc::SYS_symlink,
    libc::SYS_symlinkat,
    libc::SYS_truncate,
    libc::SYS_unlink,
    libc::SYS_unlinkat,
    libc::SYS_utimensat,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Runs a command to its end, or to its fault.
///
/// Panics when it cannot be traced, as in a container that does not let processes trace their children.
#[expect(
    clippy::zombie_processes,
    reason = "`follow` waits for the whole group"
)]
pub fn run(command: &Command, fault: Fault) -> Trace {
    // The shell stops itself, so that the command is traced from its first call on.
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", "kill -STOP $$; exec \"$@\"", "sh"])
        .arg(command.get_program())
        .args(command.get_args());
    shell.env_clear();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    if let Some(directory) = command.get_current_dir() {
        shell.current_dir(directory);
    }
    shell
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    // A group of its own, so that no other test's children are waited for.
    let child = shell.process_group(0).spawn().expect("a shell");
    let pid = Pid::from_raw(i32::try_from(child.id()).expect("a process id"));
    let stopped = waitpid(pid, Some(WaitPidFlag::WUNTRACED)).expect("a child");
    assert_eq!(stopped, WaitStatus::Stopped(pid, Signal::SIGSTOP));
    let options = Options::PTRACE_O_TRACESYSGOOD
        | Options::PTRACE_O_TRACECLONE
        | Options::PTRACE_O_TRACEFORK
        | Options::PTRACE_O_TRACEVFORK
        | Options::PTRACE_O_TRACEEXEC
        | Options::PTRACE_O_EXITKILL;
    ptrace::seize(pid, options).expect("a child can be traced");
    kill(pid, Signal::SIGCONT).expect("a signal");
    follow(pid, fault)
}

fn follow(main: Pid, fault: Fault) -> Trace {
    let mut trace = Trace {
        operations: 0,
        status: None,
    };
    let mut begun = false;
    // Who is in a call that is to fail.
    let mut failing: Vec<(Pid, Errno)> = Vec::new();
    loop {
        let status = match waitpid(Pid::from_raw(-main.as_raw()), Some(WaitPidFlag::__WALL)) {
            Ok(status) => status,
            Err(Errno::ECHILD) => return trace,
            Err(Errno::EINTR) => continue,
            Err(error) => panic!("{error}"),
        };
        let (pid, signal) = match status {
            WaitStatus::Exited(pid, code) => {
                if pid == main {
                    trace.status = Some(code);
                }
                continue;
            }
            WaitStatus::Signaled(..) => continue,
            WaitStatus::PtraceSyscall(pid) => {
                let entering = ptrace::syscall_info(pid)
                    .is_ok_and(|info| info.op == libc::PTRACE_SYSCALL_INFO_ENTRY);
                if !entering {
                    if let Some(at) = failing.iter().position(|(other, _)| *other == pid) {
                        fail(pid, failing.swap_remove(at).1);
                    }
                } else if begun && is_operation(pid) {
                    let number = trace.operations;
                    trace.operations += 1;
                    match fault {
                        Fault::Kill(at) if at == number => {
                            // Whoever is killed does nothing more, whatever it is in the middle of.
                            let _gone = killpg(main, Signal::SIGKILL);
                            continue;
                        }
                        Fault::Error(at, error) if at == number => {
                            skip(pid);
                            failing.push((pid, error));
                        }
                        _ => {}
                    }
                }
                (pid, None)
            }
            WaitStatus::PtraceEvent(pid, _, event) => {
                // The exec that the shell ends in; its call has been entered and will be left.
                begun |= event == libc::PTRACE_EVENT_EXEC;
                (pid, None)
            }
            WaitStatus::Stopped(pid, signal) => (pid, Some(signal)),
            other => panic!("{other:?}"),
        };
        // A process that is being killed may be gone by now.
        let _gone = ptrace::syscall(pid, signal);
    }
}

/// Tells whether the call that a process is about to make changes a file system.
fn is_operation(pid: Pid) -> bool {
    let Ok(registers) = ptrace::getregs(pid) else {
        return false;
    };
    let call = registers.orig_rax as libc::c_long;
    let creates = |flags: u64| flags as libc::c_int & libc::O_CREAT != 0;
    match call {
        libc::SYS_open => creates(registers.rsi),
        libc::SYS_openat => creates(registers.rdx),
        // What is said to people changes nothing.
        libc::SYS_write | libc::SYS_writev => registers.rdi > 2,
        _ => OPERATIONS.contains(&call),
    }
}

/// Makes the call that a process is about to make one that does not exist.
fn skip(pid: Pid) {
    let mut registers = ptrace::getregs(pid).expect("registers of a stopped process");
    registers.orig_rax = u64::MAX;
    ptrace::setregs(pid, registers).expect("registers of a stopped process");
}

/// Lets the call that a process is coming back from have failed.
fn fail(pid: Pid, error: Errno) {
    let mut registers = ptrace::getregs(pid).expect("registers of a stopped process");
    registers.rax = (-i64::from(error as i32)) as u64;
    ptrace::setregs(pid, registers).expect("registers of a stopped process");
}
