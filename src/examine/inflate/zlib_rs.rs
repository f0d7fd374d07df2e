//! The default inflater: zlib-rs, through flate2.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::{BadData, Inflate, Step, Wrapper};

/// One stream decoded by zlib-rs.
pub(in crate::examine) struct Engine {
    inner: Decompress,
    crc: Option<Crc>,
}

impl Inflate for Engine {
    fn new(wrapper: Wrapper) -> Engine {
        Engine { inner: Decompress::new(wrapper == Wrapper::Zlib), crc: (wrapper == Wrapper::Raw).then(Crc::new) }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, BadData> {
        let (before_in, before_out) = (self.inner.total_in(), self.inner.total_out());
        let result = self.inner.decompress(input, output, FlushDecompress::None);
        let moved = |total: u64, before: u64| usize::try_from(total - before).unwrap_or(0);
        let produced = moved(self.inner.total_out(), before_out);
        if let Some(crc) = &mut self.crc {
            crc.update(&output[..produced]);
        }
        match result {
            Ok(status) => Ok(Step {
                consumed: moved(self.inner.total_in(), before_in),
                produced,
                finished: status == Status::StreamEnd,
            }),
            Err(_) => Err(BadData { produced }),
        }
    }

    fn crc(&self) -> u32 {
        self.crc.as_ref().map_or(0, Crc::sum)
    }

    fn unused(&self) -> Vec<u8> {
        Vec::new()
    }
}
