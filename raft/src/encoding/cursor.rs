//! Reading bytes front to back, refusing what is not there.

use super::EncodingError;

/// What is left of a value that is being decoded.
#[derive(Debug)]
pub(crate) struct Cursor<'a> {
    what: &'static str,
    left: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Begins to read `what`, whose first byte must be `version`.
    pub(crate) fn versioned(
        what: &'static str,
        version: u8,
        bytes: &'a [u8],
    ) -> Result<Self, EncodingError> {
        let mut cursor = Self { what, left: bytes };
        match cursor.u8()? {
            found if found == version => Ok(cursor),
            other => Err(cursor.refuse(format!("unknown version `{other}`"))),
        }
    }

    pub(crate) fn refuse(&self, why: impl Into<String>) -> EncodingError {
        EncodingError::new(self.what, why)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, EncodingError> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u32(&mut self) -> Result<u32, EncodingError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, EncodingError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(crate) fn flag(&mut self) -> Result<bool, EncodingError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(self.refuse(format!("`{other}` is neither 0 nor 1"))),
        }
    }

    /// A number of things of at least `size_min` bytes each: one that the rest
    /// cannot hold is refused before anything is allocated for it.
    pub(crate) fn count(&mut self, size_min: usize) -> Result<usize, EncodingError> {
        let count = usize::try_from(self.u32()?).map_err(|_| self.refuse("count too large"))?;
        if count.saturating_mul(size_min) > self.left.len() {
            return Err(self.refuse(format!("{count} items do not fit the rest")));
        }
        Ok(count)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], EncodingError> {
        let length = self.count(1)?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Result<String, EncodingError> {
        let bytes = self.bytes()?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(text.to_owned()),
            Err(err) => Err(self.refuse(err.to_string())),
        }
    }

    pub(crate) fn optional_text(&mut self) -> Result<Option<String>, EncodingError> {
        if self.flag()? { self.text().map(Some) } else { Ok(None) }
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.left)
    }

    pub(crate) fn end(&self) -> Result<(), EncodingError> {
        match self.left.len() {
            0 => Ok(()),
            more => Err(self.refuse(format!("{more} bytes too many"))),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], EncodingError> {
        let (head, tail) =
            self.left.split_first_chunk::<N>().ok_or_else(|| self.refuse("cut short"))?;
        self.left = tail;
        Ok(*head)
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], EncodingError> {
        let (head, tail) =
            self.left.split_at_checked(length).ok_or_else(|| self.refuse("cut short"))?;
        self.left = tail;
        Ok(head)
    }
}

/// Writes a length and the bytes. What is too long for its length makes the
/// reader refuse; callers bound what they write far below that.
pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    out.extend_from_slice(bytes);
}
