//! `zerocopy`

use super::contract::{Ask, Engine, Flow, Session, Side, Tuning};
use super::{Name, Reason, Scratch};
use rustix::io::Errno;

pub struct Zerocopy;

impl Engine for Zerocopy {
    fn name(&self) -> Name {
        Name::Zerocopy
    }

    fn suits(&self, _: &Ask<'_>) -> Result<(), Reason> {
        Err(Reason::SinkNotInternetSocket)
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
