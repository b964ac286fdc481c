//! Frames of HTTP/2 within a stream of bytes (RFC 9113, section 4.1).

const HEAD: usize = 9;

/// What a client sends before its first frame.
const PREFACE: usize = 24;

/// How much of a payload is kept: all that PING, `RST_STREAM` and the fixed part of GOAWAY have.
const KEPT: usize = 8;

/// A frame, with the begin of its payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// DATA is 0, HEADERS 1, PING 6, GOAWAY 7.
    pub kind: u8,
    /// Their meaning depends on the kind.
    pub flags: u8,
    /// 0 is the connection itself.
    pub stream: u32,
    /// The payload's first bytes.
    pub payload: Vec<u8>,
}

impl Frame {
    /// DATA.
    pub const DATA: u8 = 0;
    /// HEADERS.
    pub const HEADERS: u8 = 1;
    /// `RST_STREAM`.
    pub const RESET: u8 = 3;
    /// PING.
    pub const PING: u8 = 6;
    /// GOAWAY.
    pub const GOAWAY: u8 = 7;
    /// CONTINUATION.
    pub const CONTINUATION: u8 = 9;
    /// `END_STREAM` of DATA and HEADERS.
    pub const END_STREAM: u8 = 1;
    /// ACK of PING.
    pub const ACK: u8 = 1;
    /// `END_HEADERS` of HEADERS and CONTINUATION.
    pub const END_HEADERS: u8 = 4;

    /// Whether it is of this kind and has this flag.
    pub fn has(&self, kind: u8, flag: u8) -> bool {
        self.kind == kind && self.flags & flag != 0
    }

    /// The error code, if this is a GOAWAY (section 6.8).
    pub fn goaway(&self) -> Option<u32> {
        let code: [u8; 4] = self.payload.get(4..8)?.try_into().ok()?;
        (self.kind == Self::GOAWAY).then(|| u32::from_be_bytes(code))
    }
}

/// Reads frames from pieces of any size.
#[derive(Debug, Default)]
pub struct Reader {
    preface: usize,
    head: Vec<u8>,
    frame: Frame,
    left: usize,
}

impl Reader {
    /// A reader of what a client sends: its frames come after a preface (section 3.4).
    pub fn of_client() -> Self {
        Self {
            preface: PREFACE,
            ..Self::default()
        }
    }

    /// Whether all that was read so far is whole frames.
    pub fn is_between_frames(&self) -> bool {
        self.preface == 0 && self.head.is_empty()
    }

    /// The frames that are complete once `bytes` are there.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let (preface, mut bytes) = bytes.split_at(self.preface.min(bytes.len()));
        self.preface -= preface.len();
        let mut frames = Vec::new();
        while !bytes.is_empty() {
            bytes = if self.head.len() < HEAD {
                self.read_head(bytes)
            } else {
                self.read_payload(bytes)
            };
            if self.head.len() == HEAD && self.left == 0 {
                self.head.clear();
                frames.push(std::mem::take(&mut self.frame));
            }
        }
        frames
    }

    /// Takes what belongs to the frame's head; the rest.
    fn read_head<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (taken, rest) = bytes.split_at((HEAD - self.head.len()).min(bytes.len()));
        self.head.extend_from_slice(taken);
        if let [a, b, c, kind, flags, stream @ ..] = &self.head[..]
            && let Ok(stream) = <[u8; 4]>::try_from(stream)
        {
            self.left = usize::from(*a) << 16 | usize::from(*b) << 8 | usize::from(*c);
            self.frame = Frame {
                kind: *kind,
                flags: *flags,
                // The first bit is reserved.
                stream: u32::from_be_bytes(stream) & (u32::MAX >> 1),
                payload: Vec::new(),
            };
        }
        rest
    }

    /// Takes what belongs to the frame's payload; the rest.
    fn read_payload<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (taken, rest) = bytes.split_at(self.left.min(bytes.len()));
        self.left -= taken.len();
        let kept = (KEPT - self.frame.payload.len()).min(taken.len());
        self.frame.payload.extend_from_slice(&taken[..kept]);
        rest
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

    #[test]
    fn a_clients_frames_come_after_its_preface() {
        let sent = [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", SENT].concat();
        for size in 1..=sent.len() {
            let mut reader = Reader::of_client();
            let frames: Vec<_> = sent.chunks(size).flat_map(|it| reader.read(it)).collect();
            let kinds: Vec<_> = frames.iter().map(|it| it.kind).collect();
            assert_eq!(kinds, [4, 7, 0], "pieces of {size}");
            assert_eq!(frames[2].stream, 1);
            assert!(frames[2].has(Frame::DATA, Frame::END_STREAM));
            assert!(reader.is_between_frames());
        }
    }
}
