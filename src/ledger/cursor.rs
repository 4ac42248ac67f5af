//! Owns reading and writing of bytes with a fixed layout: reads with bounds, writes in place.
//!
//! It never panics and never copies more than a field. Numbers are big-endian. Read next: [`super::header`].

/// Reads fields one after another from borrowed bytes.
#[derive(Debug)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// Returns how many bytes are left.
    pub(super) const fn left(&self) -> usize {
        self.0.len()
    }

    /// Takes the next `N` bytes; `None`, and nothing taken, when fewer are left.
    pub(super) const fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        match self.0.split_first_chunk::<N>() {
            Some((field, rest)) => {
                self.0 = rest;
                Some(field)
            }
            None => None,
        }
    }

    /// Takes the next `length` bytes; `None`, and nothing taken, when fewer are left.
    pub(super) const fn slice(&mut self, length: usize) -> Option<&'a [u8]> {
        match self.0.split_at_checked(length) {
            Some((field, rest)) => {
                self.0 = rest;
                Some(field)
            }
            None => None,
        }
    }

    pub(super) fn u8(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| *byte)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.array().map(|bytes| u16::from_be_bytes(*bytes))
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.array().map(|bytes| u32::from_be_bytes(*bytes))
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.array().map(|bytes| u64::from_be_bytes(*bytes))
    }
}

/// Writes fields one after another into bytes of a known size.
#[derive(Debug)]
pub(super) struct Writer<'a>(&'a mut [u8]);

impl<'a> Writer<'a> {
    pub(super) const fn new(bytes: &'a mut [u8]) -> Self {
        Self(bytes)
    }

    /// Writes a field. A field that does not fit is left out, which the tests of each layout would show.
    pub(super) fn put<const N: usize>(mut self, field: &[u8; N]) -> Self {
        if let Some((place, rest)) = std::mem::take(&mut self.0).split_first_chunk_mut::<N>() {
            *place = *field;
            self.0 = rest;
        }
        self
    }
}
