//! A second thread that borrows from the first one's stack.

use std::thread::{Builder, JoinHandle};

/// A thread that is joined before the guard goes, so that what it borrows outlives it.
pub struct Companion<'a> {
    handle: Option<JoinHandle<()>>,
    /// Tells the thread to end; called before every join.
    stop: Box<dyn Fn() + 'a>,
}

impl<'a> Companion<'a> {
    /// Starts `work` on a thread with a stack of `stack` bytes (lazily touched). `stop` must make `work` return soon.
    ///
    /// # Errors
    /// EAGAIN and ENOMEM of pthread_create(3): the caller goes on alone.
    pub fn start(
        stack: usize,
        work: impl FnOnce() + Send + 'a,
        stop: impl Fn() + 'a,
    ) -> std::io::Result<Companion<'a>> {
        // SAFETY: the closure borrows for 'a. The guard joins the thread in `join` and in `drop`, and 'a outlives the
        // guard, so the borrows are alive as long as the thread. The guard is private to a session, which the driver
        // always settles or drops; it is never passed to mem::forget or put in a reference cycle.
        let handle = unsafe { Builder::new().name("zccp-read".into()).stack_size(stack).spawn_unchecked(work) }?;
        Ok(Companion { handle: Some(handle), stop: Box::new(stop) })
    }

    /// Ends the thread and waits for it.
    pub fn join(&mut self) {
        if let Some(handle) = self.handle.take() {
            (self.stop)();
            // A panic in the thread ends the program in release builds (panic = "abort"); in tests it is passed on.
            if let Err(panic) = handle.join() {
                std::panic::resume_unwind(panic);
            }
        }
    }
}

impl Drop for Companion<'_> {
    fn drop(&mut self) {
        self.join();
    }
}
