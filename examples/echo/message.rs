//! The messages of the load: each is unlike all others, and every byte of it can be checked.

/// No message is shorter: it begins with who sent it and its number.
pub(crate) const LEN_MIN: usize = HEADER;
/// No datagram is longer.
pub(crate) const DATAGRAM_MAX: usize = 65_507;
const HEADER: usize = 12;

/// What a client sends, one after the other in the same memory.
#[derive(Debug)]
pub(crate) struct Message {
    client: u32,
    number: u64,
    bytes: Vec<u8>,
}

impl Message {
    /// Message 0 of `client`, `len` bytes long.
    pub(crate) fn first(client: u32, len: usize) -> Self {
        let mut message = Self { client, number: 0, bytes: vec![0; len.max(LEN_MIN)] };
        message.write();
        message
    }

    /// Becomes the message after it.
    pub(crate) fn advance(&mut self) {
        self.number += 1;
        self.write();
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether `came` is a message of the same client from before this one.
    pub(crate) fn is_after(&self, came: &[u8]) -> bool {
        let Some((header, _)) = came.split_first_chunk::<HEADER>() else { return false };
        let (client, number) = header.split_at(4);
        client == self.client.to_be_bytes() && number < &self.number.to_be_bytes()[..]
    }

    /// What is wrong with `came`, which should be this message.
    pub(crate) fn fault(&self, came: &[u8]) -> Option<String> {
        if came == self.bytes {
            return None;
        }
        let differs = self.bytes.iter().zip(came).position(|(sent, came)| sent != came);
        Some(match differs {
            Some(at) => format!("byte {at} came back as {:#04x}, sent was {:#04x}", came[at], self.bytes[at]),
            None => format!("{} of {} bytes came back", came.len(), self.bytes.len()),
        })
    }

    fn write(&mut self) {
        let (header, rest) = self.bytes.split_at_mut(HEADER);
        header[..4].copy_from_slice(&self.client.to_be_bytes());
        header[4..].copy_from_slice(&self.number.to_be_bytes());
        // Marsaglia's xorshift: bytes that were lost, doubled or taken from another message show.
        let mut state = (u64::from(self.client) << 40 ^ self.number).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        for chunk in rest.chunks_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            chunk.copy_from_slice(&state.to_be_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_itself_and_no_other() {
        let mut message = Message::first(7, 100);
        let first = message.bytes().to_vec();
        assert_eq!(message.fault(&first), None);
        assert!(!message.is_after(&first));
        message.advance();
        assert!(message.fault(&first).is_some() && message.is_after(&first));
        assert!(!Message::first(8, 100).is_after(&first));
        assert!(!message.is_after(&first[..5]));
    }

    #[test]
    fn each_wrong_byte_is_named() {
        let message = Message::first(7, 50);
        for at in 0..50 {
            let mut came = message.bytes().to_vec();
            came[at] ^= 0x10;
            assert!(
                message.fault(&came).expect("it differs").starts_with(&format!("byte {at} came back as "))
            );
            came = message.bytes()[..at].to_vec();
            assert_eq!(message.fault(&came), Some(format!("{at} of 50 bytes came back")));
        }
    }

    #[test]
    fn a_message_has_room_for_its_header() {
        assert_eq!(Message::first(1, 0).bytes().len(), LEN_MIN);
    }
}
