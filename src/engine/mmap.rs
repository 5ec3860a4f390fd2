//! `mmap`

use super::contract::{Ask, Engine, Flow, Session, Side, Tuning};
use super::{Name, Reason, Scratch};
use rustix::io::Errno;

pub struct Mmap;

impl Engine for Mmap {
    fn name(&self) -> Name {
        Name::Mmap
    }

    fn suits(&self, _: &Ask<'_>) -> Result<(), Reason> {
        Err(Reason::SourceNotMappable)
    }

    fn open<'a>(
        &self,
        _: &Ask<'a>,
        _: &Tuning,
        _: &Flow,
        _: &'a mut Scratch,
    ) -> Result<Box<dyn Session + 'a>, (Side, Errno)> {
        Err((Side::Either, Errno::NOSYS))
    }
}
