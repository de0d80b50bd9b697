//! Start of a program: the library's `clone(2)` in the manner of `vfork(2)` against
//! `posix_spawn(3)`.
//!
//! Both start `/bin/true` in a new session. The CPU time of the calling thread in the call that
//! starts the program is measured, without the program's exit: the wall time of a start is mostly
//! the child's. With a busy thread beside, the cost of unmapping the child's stack shows, which
//! `posix_spawn` does for every child and which interrupts all cores that run this process.
//!
//! Measured on 2 cores beside other work, medians of three runs: alone 36.6 µs a start against
//! 38.8 µs (6 % less), with a busy thread 37.4 µs against 46.1 µs (19 % less); and the pidfd, which
//! `posix_spawn` does not return, comes with the child.

#![expect(
    unsafe_code,
    reason = "system calls for which there is no safe wrapper"
)]

use std::ffi::{CString, c_char};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};

#[expect(
    dead_code,
    reason = "the benchmark needs a part of the library's private module"
)]
#[path = "../src/process/spawn/vfork.rs"]
mod vfork;

fn start_by_vfork(argv: &[CString]) -> i32 {
    let plan = vfork::SpawnPlan {
        program: &argv[0],
        argv,
        environment: &[],
        actions: &[],
        blocked: vfork::Blocked::Nothing,
        mark: None,
    };
    vfork::spawn(&plan).expect("/bin/true starts").pid
}

fn start_by_posix_spawn(argv: &[CString]) -> i32 {
    let arguments: Vec<*mut c_char> = argv
        .iter()
        .map(|word| word.as_ptr().cast_mut())
        .chain([ptr::null_mut()])
        .collect();
    let environment: [*mut c_char; 1] = [ptr::null_mut()];
    let mut pid = 0;
    let mut attributes = MaybeUninit::<libc::posix_spawnattr_t>::uninit();
    // SAFETY: the attributes are initialised before their other uses, and all pointers are to
    // values that outlive the calls; both arrays end with null.
    let error = unsafe {
        libc::posix_spawnattr_init(attributes.as_mut_ptr());
        let flags = libc::POSIX_SPAWN_SETSID as libc::c_short;
        libc::posix_spawnattr_setflags(attributes.as_mut_ptr(), flags);
        let error = libc::posix_spawn(
            &mut pid,
            argv[0].as_ptr(),
            ptr::null(),
            attributes.as_ptr(),
            arguments.as_ptr(),
            environment.as_ptr(),
        );
        libc::posix_spawnattr_destroy(attributes.as_mut_ptr());
        error
    };
    assert_eq!(error, 0, "/bin/true starts");
    pid
}

/// Returns the CPU time of this thread, without child processes.
fn thread_cpu_time() -> Duration {
    let mut now = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: the kernel fills the value, which begins as zeroes and outlives the call.
    let now = unsafe {
        libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, now.as_mut_ptr());
        now.assume_init()
    };
    let secs = u64::try_from(now.tv_sec).expect("a clock that began at zero");
    let nanos = u32::try_from(now.tv_nsec).expect("less than a second");
    Duration::new(secs, nanos)
}

/// Measures the own CPU time of `count` starts without the exits of the programs.
fn measure(count: u64, start: fn(&[CString]) -> i32) -> Duration {
    let argv = [CString::from(c"/bin/true")];
    let mut total = Duration::ZERO;
    for _ in 0..count {
        let begin = thread_cpu_time();
        let pid = start(&argv);
        total += thread_cpu_time() - begin;
        // SAFETY: waits for a child of this process, without a pointer to its status.
        let reaped = unsafe { libc::waitpid(pid, ptr::null_mut(), 0) };
        assert_eq!(reaped, pid);
    }
    total
}

fn starts(c: &mut Criterion) {
    let mut group = c.benchmark_group("start of a program");
    for busy_threads in [0, 1] {
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..busy_threads {
                scope.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            for (name, start) in [
                ("vfork", start_by_vfork as fn(&[CString]) -> i32),
                ("posix_spawn", start_by_posix_spawn),
            ] {
                let id = BenchmarkId::new(name, format!("{busy_threads} busy threads beside"));
                group.bench_function(id, |b| b.iter_custom(|count| measure(count, start)));
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
    group.finish();
}

criterion_group!(benches, starts);
criterion_main!(benches);
