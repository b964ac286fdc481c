//! Frames of HTTP/2 within a stream of bytes (RFC 9113, section 4.1).

const HEAD: usize = 9;

/// How much of a payload is kept: all that PING, `RST_STREAM` and the fixed part of GOAWAY have.
const KEPT: usize = 8;

/// A frame, with the begin of its payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// DATA is 0, HEADERS 1, PING 6, GOAWAY 7.
    pub kind: u8,
    /// Their meaning depends on the kind.
    pub flags: u8,
    /// The payload's first bytes.
    pub payload: Vec<u8>,
}

impl Frame {
    /// The error code, if this is a GOAWAY (section 6.8).
    pub fn goaway(&self) -> Option<u32> {
        let code: [u8; 4] = self.payload.get(4..8)?.try_into().ok()?;
        (self.kind == 7).then(|| u32::from_be_bytes(code))
    }
}

/// Reads frames from pieces of any size.
#[derive(Debug, Default)]
pub struct Reader {
    head: Vec<u8>,
    frame: Frame,
    left: usize,
}

impl Reader {
    /// The frames that are complete once `bytes` are there.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        for byte in bytes {
            if self.head.len() < HEAD {
                self.head.push(*byte);
                if let [a, b, c, kind, flags, _, _, _, _] = self.head[..] {
                    self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
                    self.frame = Frame {
                        kind,
                        flags,
                        payload: Vec::new(),
                    };
                }
            } else {
                self.left -= 1;
                if self.frame.payload.len() < KEPT {
                    self.frame.payload.push(*byte);
                }
            }
            if self.head.len() == HEAD && self.left == 0 {
                self.head.clear();
                frames.push(std::mem::take(&mut self.frame));
            }
        }
        frames
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SETTINGS without a payload, a GOAWAY with words, DATA of 3 bytes.
    const SENT: &[u8] = b"\0\0\0\x04\0\0\0\0\0\
        \0\0\x0b\x07\0\0\0\0\0\x7f\xff\xff\xff\0\0\0\x0bmax\
        \0\0\x03\0\x01\0\0\0\x01xyz";

    #[test]
    fn frames_are_found_in_pieces_of_any_size() {
        for size in 1..=SENT.len() {
            let mut reader = Reader::default();
            let frames: Vec<_> = SENT.chunks(size).flat_map(|it| reader.read(it)).collect();
            let kinds: Vec<_> = frames.iter().map(|it| it.kind).collect();
            assert_eq!(kinds, [4, 7, 0], "pieces of {size}");
            assert_eq!(frames[1].goaway(), Some(11));
            assert_eq!(frames[2].goaway(), None);
        }
    }
}
