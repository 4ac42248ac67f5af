//! Owns a connection without TLS that answers a server's request for a password only by SCRAM.
//!
//! An attacker at an address could ask for the password itself, or for an MD5 hash of it, which is as good. With SCRAM
//! they learn neither. Read next: [`super::session`].

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The message by which a server asks for authentication, or confirms it (PostgreSQL manual, message formats).
const AUTHENTICATION: u8 = b'R';
/// The codes in it: success, and the steps of SASL, of which the client supports only SCRAM-SHA-256.
const OK: u32 = 0;
const SASL: std::ops::RangeInclusive<u32> = 10..=12;
/// Bytes of a message's head: a letter, and the length of the rest, including itself.
const HEAD_BYTES: usize = 5;
const LENGTH_BYTES: u32 = 4;

/// The error when a server asked for a password itself.
#[derive(Debug)]
pub(super) struct AskedForPassword;

impl std::fmt::Display for AskedForPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the server asked for the password itself")
    }
}

impl std::error::Error for AskedForPassword {}

/// A stream whose messages from the server are checked until the server confirms the authentication.
pub(super) struct ScramOnly<S> {
    inner: S,
    look: Look,
}

impl<S> ScramOnly<S> {
    pub(super) const fn new(inner: S) -> Self {
        Self { inner, look: Look { head: [0; 9], have: 0, left: 0, is_over: false } }
    }
}

/// The progress of the check of the server's messages.
struct Look {
    /// The head of a message, and its next four bytes.
    head: [u8; HEAD_BYTES + 4],
    have: usize,
    /// Bytes of the message that do not matter.
    left: u32,
    is_over: bool,
}

impl Look {
    fn at(&mut self, mut bytes: &[u8]) -> Result<(), AskedForPassword> {
        while !self.is_over && !bytes.is_empty() {
            if self.left > 0 {
                let passed = bytes.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
                self.left = self.left.saturating_sub(u32::try_from(passed).unwrap_or(u32::MAX));
                bytes = bytes.get(passed..).unwrap_or_default();
                continue;
            }
            let Some((byte, rest)) = bytes.split_first() else { break };
            if let Some(place) = self.head.get_mut(self.have) {
                *place = *byte;
            }
            self.have = self.have.saturating_add(1);
            bytes = rest;
            self.take()?;
        }
        Ok(())
    }

    /// Checks a message once enough of it was read.
    fn take(&mut self) -> Result<(), AskedForPassword> {
        let [letter, l1, l2, l3, l4, c1, c2, c3, c4] = self.head;
        let behind = u32::from_be_bytes([l1, l2, l3, l4]).saturating_sub(LENGTH_BYTES);
        if letter != AUTHENTICATION || behind < LENGTH_BYTES {
            if self.have == HEAD_BYTES {
                (self.have, self.left) = (0, behind);
            }
        } else if self.have == self.head.len() {
            let code = u32::from_be_bytes([c1, c2, c3, c4]);
            if code != OK && !SASL.contains(&code) {
                return Err(AskedForPassword);
            }
            self.is_over = code == OK;
            (self.have, self.left) = (0, behind.saturating_sub(LENGTH_BYTES));
        }
        Ok(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ScramOnly<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.inner).poll_read(cx, buf);
        if matches!(read, Poll::Ready(Ok(()))) {
            let new = buf.filled().get(before..).unwrap_or_default();
            self.look.at(new).map_err(|asked| io::Error::new(io::ErrorKind::PermissionDenied, asked))?;
        }
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ScramOnly<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(letter: u8, body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(body.len() + 4).unwrap();
        [&[letter][..], &len.to_be_bytes(), body].concat()
    }

    fn asked(said: &[u8]) -> bool {
        let mut at_once = ScramOnly::new(()).look;
        let whole = at_once.at(said).is_err();
        let mut bit_by_bit = ScramOnly::new(()).look;
        assert_eq!(said.iter().any(|byte| bit_by_bit.at(&[*byte]).is_err()), whole);
        whole
    }

    #[test]
    fn nothing_but_scram_is_answered_whatever_comes_before_the_question() {
        let question = |code: u32, more: &[u8]| message(b'R', &[&code.to_be_bytes()[..], more].concat());
        let scram = question(10, b"SCRAM-SHA-256\0\0");
        let notice = message(b'N', &[b'R'; 40]);
        for (code, is_asked) in [(3, true), (5, true), (2, true), (7, true), (9, true), (10, false), (0, false)] {
            for before in [&[][..], &notice, &message(b'v', b""), &scram] {
                assert_eq!(asked(&[before, &question(code, b"salt")].concat()), is_asked, "{code}");
            }
        }
        // After the confirmation anything may come, including data of rows.
        assert!(!asked(&[question(0, b""), question(3, b"")].concat()));
    }
}
