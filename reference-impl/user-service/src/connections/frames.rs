//! Where HTTP/2 frames begin in a stream of bytes (RFC 9113, section 4.1).

/// What a client sends before its first frame (RFC 9113, section 3.4).
pub const PREFACE: usize = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".len();

const HEADER: usize = 9;

/// The head of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// DATA is 0, HEADERS 1, PING 6.
    pub kind: u8,
    /// Their meaning depends on the kind.
    pub flags: u8,
}

impl Head {
    /// A piece of a message.
    pub fn is_data(self) -> bool {
        self.kind == 0
    }

    /// Headers or trailers.
    pub fn is_headers(self) -> bool {
        self.kind == 1
    }

    /// A PING that needs an answer.
    pub fn is_ping(self) -> bool {
        self.kind == 6 && self.flags & 1 == 0
    }
}

/// Follows one direction of a connection, in pieces of any size.
#[derive(Clone, Debug)]
pub struct Frames {
    /// Bytes that belong to no head: of the preface, or of a payload.
    skip: usize,
    head: [u8; HEADER],
    /// How much of the head is there.
    filled: usize,
}

impl Frames {
    /// A direction that begins with so many bytes before its first frame.
    pub fn after(preface: usize) -> Self {
        Self {
            skip: preface,
            head: [0; HEADER],
            filled: 0,
        }
    }

    /// The next head that is complete within `bytes`; what was looked at is taken off them.
    pub fn next(&mut self, bytes: &mut &[u8]) -> Option<Head> {
        loop {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            *bytes = &bytes[skipped..];
            let taken = (HEADER - self.filled).min(bytes.len());
            if taken == 0 {
                return None;
            }
            let (head, rest) = bytes.split_at(taken);
            self.head[self.filled..][..taken].copy_from_slice(head);
            self.filled += taken;
            *bytes = rest;
            if self.filled == HEADER {
                self.filled = 0;
                let [high, middle, low, kind, flags, ..] = self.head;
                self.skip = usize::from(high) << 16 | usize::from(middle) << 8 | usize::from(low);
                return Some(Head { kind, flags });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SETTINGS without a payload, a PING, its answer, DATA of 3 bytes.
    const SENT: &[u8] = b"\0\0\0\x04\0\0\0\0\0\
        \0\0\x08\x06\0\0\0\0\0abcdefgh\
        \0\0\x08\x06\x01\0\0\0\0abcdefgh\
        \0\0\x03\0\x01\0\0\0\x01xyz";

    fn heads(frames: &mut Frames, mut bytes: &[u8]) -> Vec<(u8, u8)> {
        std::iter::from_fn(|| frames.next(&mut bytes))
            .map(|head| (head.kind, head.flags))
            .collect()
    }

    #[test]
    fn heads_are_found_in_pieces_of_any_size() {
        let sent = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], SENT].concat();
        for size in 1..=sent.len() {
            let mut frames = Frames::after(PREFACE);
            let found: Vec<_> = sent
                .chunks(size)
                .flat_map(|piece| heads(&mut frames, piece))
                .collect();
            assert_eq!(found, [(4, 0), (6, 0), (6, 1), (0, 1)], "pieces of {size}");
        }
    }

    #[test]
    fn an_answered_ping_needs_no_answer() {
        let ping = |flags| Head { kind: 6, flags };
        assert!(ping(0).is_ping());
        assert!(!ping(1).is_ping());
    }
}
