//! The fast inflater: ISA-L.
//!
//! The one place in the crate with `unsafe`, and only in builds with the feature `isal`. The safe
//! readers of `isal-rs` hide where a member ends and what follows it, and telling those apart is
//! what this examiner is for; so the C function is called here, through a struct that lends it two
//! slices for the length of a call and keeps no pointer afterwards.
#![allow(unsafe_code)]

use isal::isal_sys::igzip_lib as c;

use super::{BadData, Inflate, Step, Wrapper};

/// One stream decoded by ISA-L.
pub(in crate::examine) struct Engine {
    // Boxed: it holds 64 KiB of history.
    state: Box<c::inflate_state>,
}

// SAFETY: between calls the state holds no pointer (`step` clears both) and is plain data.
unsafe impl Send for Engine {}

impl Inflate for Engine {
    fn new(wrapper: Wrapper) -> Engine {
        // SAFETY: the struct is integers, arrays of them and two pointers; all zeros is a value of
        // each. `isal_inflate_init` then sets what it needs.
        let mut state: Box<c::inflate_state> = unsafe { Box::new_zeroed().assume_init() };
        unsafe { c::isal_inflate_init(&mut *state) };
        state.crc_flag = match wrapper {
            Wrapper::Raw => c::IGZIP_GZIP_NO_HDR,
            Wrapper::Zlib => c::IGZIP_ZLIB,
        };
        Engine { state }
    }

    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Result<Step, BadData> {
        let room = u32::try_from(output.len()).unwrap_or(u32::MAX);
        let offered = u32::try_from(input.len()).unwrap_or(u32::MAX);
        let state = &mut *self.state;
        state.next_in = input.as_ptr().cast_mut();
        state.avail_in = offered;
        state.next_out = output.as_mut_ptr();
        state.avail_out = room;
        // SAFETY: both pointers are valid for the lengths beside them until the call returns; the
        // input is only read, although the C type is not const.
        let code = unsafe { c::isal_inflate(state) };
        state.next_in = std::ptr::null_mut();
        state.next_out = std::ptr::null_mut();
        let produced = (room - state.avail_out.min(room)) as usize;
        if code != c::ISAL_DECOMP_OK as i32 {
            return Err(BadData { produced });
        }
        Ok(Step {
            consumed: (offered - state.avail_in.min(offered)) as usize,
            produced,
            finished: state.block_state == c::isal_block_state_ISAL_BLOCK_FINISH,
        })
    }

    fn crc(&self) -> u32 {
        self.state.crc
    }

    /// ISA-L reads ahead into a 64-bit register; whole bytes in it lie behind the end.
    fn unused(&self) -> Vec<u8> {
        let bits = u32::try_from(self.state.read_in_length).unwrap_or(0).min(64);
        let register = self.state.read_in.checked_shr(bits % 8).unwrap_or(0);
        register.to_le_bytes()[..(bits / 8) as usize].to_vec()
    }
}
