//! Sizes and rectangles in pixels.

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Size {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Size {
    /// A size of `width` columns and `height` rows.
    pub const fn new(width: u32, height: u32) -> Self {
        Self { width, height }
    }

    /// Number of pixels.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

/// A rectangle of whole pixels; it may reach outside its image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// First column.
    pub col_off: i64,
    /// First row.
    pub row_off: i64,
    /// Number of columns.
    pub width: u32,
    /// Number of rows.
    pub height: u32,
}

impl Window {
    /// A window from its first pixel and its size.
    pub const fn new(col_off: i64, row_off: i64, width: u32, height: u32) -> Self {
        Self { col_off, row_off, width, height }
    }

    /// The window of a whole image.
    pub const fn full(size: Size) -> Self {
        Self::new(0, 0, size.width, size.height)
    }

    /// One past the last column.
    pub const fn col_end(&self) -> i64 {
        self.col_off + self.width as i64
    }

    /// One past the last row.
    pub const fn row_end(&self) -> i64 {
        self.row_off + self.height as i64
    }

    /// Number of pixels.
    pub const fn pixels(&self) -> u64 {
        self.width as u64 * self.height as u64
    }

    /// Columns and rows.
    pub const fn size(&self) -> Size {
        Size::new(self.width, self.height)
    }

    /// The same in pixels of twice the size; `None` where it does not consist of such.
    pub fn halved(&self) -> Option<Self> {
        let is_even = self.col_off % 2 == 0
            && self.row_off % 2 == 0
            && self.width.is_multiple_of(2)
            && self.height.is_multiple_of(2);
        is_even.then(|| Self::new(self.col_off / 2, self.row_off / 2, self.width / 2, self.height / 2))
    }

    /// The smallest window that holds both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let (col, row) = (self.col_off.min(other.col_off), self.row_off.min(other.row_off));
        let width = self.col_end().max(other.col_end()) - col;
        let height = self.row_end().max(other.row_end()) - row;
        Self::new(col, row, width as u32, height as u32)
    }

    /// The pixels that both hold, `None` when there is none.
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let col = self.col_off.max(other.col_off);
        let row = self.row_off.max(other.row_off);
        let width = self.col_end().min(other.col_end()) - col;
        let height = self.row_end().min(other.row_end()) - row;
        (width > 0 && height > 0).then(|| Self::new(col, row, width as u32, height as u32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_outside_the_image_has_no_intersection() {
        let image = Window::full(Size::new(10, 10));
        assert_eq!(image.intersection(&Window::new(10, 0, 5, 5)), None);
        assert_eq!(image.intersection(&Window::new(-2, 8, 5, 5)), Some(Window::new(0, 8, 3, 2)));
    }
}
