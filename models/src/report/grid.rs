//! Pictures of samples: tiles in rows with a thin gap, enlarged by a whole factor, as PNG.
//!
//! Tiles are drawn straight into one `[height, width, channels]` buffer of u8, grey or RGB. Values are clamped to a
//! stated range; a NaN is drawn in magenta (and makes the picture RGB), because a run that went wrong should look
//! wrong. Data that is not an image is drawn all the same, as a tile that is nearly square.

use png::{BitDepth, ColorType, Encoder};

use crate::data::{ImageShape, reserved};
use crate::error::{Error, Result};

/// Between tiles and around them, in pixels.
const GAP: usize = 2;
/// Between one row of pairs and the next.
const PAIR_GAP: usize = 8;
/// The longer side of a tile is enlarged to about this many pixels...
const TILE_SIDE: usize = 56;
/// ...but no value to more than this many.
const MAX_ENLARGEMENT: usize = 6;
/// The most pixels of a picture: 2^26, or 192 MiB in colour.
const MAX_PIXELS: usize = 1 << 26;
const BACKGROUND: u8 = 0x90;
const MAGENTA: [u8; 3] = [255, 0, 255];

/// How one sample is drawn: grey or colour, so many rows and columns of values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tile {
    channels: usize,
    height: usize,
    width: usize,
    features: usize,
}

impl Tile {
    /// The tile of a sample with `features` values. An `image` of 1 or 3 channels is drawn as it is, one of another
    /// number as its planes in grey below each other; a sample that is no image as a nearly square block, row by row,
    /// whose last row may be incomplete.
    ///
    /// # Errors
    /// If `features` is 0, or the image does not have as many values.
    pub fn new(image: Option<ImageShape>, features: usize) -> Result<Self> {
        if let Some(shape) = image {
            if shape.features() != Some(features) {
                return Err(Error::data(format!(
                    "cannot draw {features} values as images of {shape}; check the shape"
                )));
            }
            let ImageShape { channels, height, width } = shape;
            return Ok(match channels {
                3 => Self { channels, height, width, features },
                _ => Self { channels: 1, height: features / width, width, features },
            });
        }
        if features == 0 {
            return Err(Error::data("cannot draw samples without values; give at least one feature"));
        }
        let root = features.isqrt();
        let width = if root * root < features { root + 1 } else { root };
        Ok(Self { channels: 1, height: features.div_ceil(width), width, features })
    }

    /// The whole factor by which a tile is enlarged: 6 for 8x8, 2 for 28x28, 1 from 56 on.
    fn enlargement(&self) -> usize {
        (TILE_SIDE / self.height.max(self.width).max(1)).clamp(1, MAX_ENLARGEMENT)
    }
}

/// A drawn picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grid {
    pixels: Vec<u8>,
    height: usize,
    width: usize,
    channels: usize,
}

impl Grid {
    /// Draws `count` samples, `[count, features]`, `per_row` in a row; `range` is what is black and what is white.
    ///
    /// # Errors
    /// If `values` does not hold `count` samples, if there is nothing to draw, if `range` is not finite and ascending,
    /// or if the picture would have more than 2^26 pixels or does not fit in memory.
    pub fn samples(values: &[f32], count: usize, per_row: usize, tile: Tile, range: (f32, f32)) -> Result<Self> {
        let mut canvas = Canvas::new(&[values], count, per_row, tile, range)?;
        for (index, sample) in values.chunks_exact(tile.features).enumerate() {
            canvas.draw(sample, index / per_row, index % per_row, 0);
        }
        Ok(canvas.grid)
    }

    /// Draws `count` originals, `[count, features]`, `per_row` in a row, each with its reconstruction below it;
    /// `range` is what is black and what is white.
    ///
    /// # Errors
    /// As for [`samples`](Self::samples), for either of the two.
    pub fn originals_over(
        originals: &[f32],
        reconstructions: &[f32],
        count: usize,
        per_row: usize,
        tile: Tile,
        range: (f32, f32),
    ) -> Result<Self> {
        Self::layers(&[originals, reconstructions], count, per_row, tile, range)
    }

    /// Draws `count` cells, `per_row` in a row, each of which has a tile of every layer, `[count, features]`, the first
    /// above: originals over corrupted ones over reconstructions.
    ///
    /// # Errors
    /// As for [`samples`](Self::samples), for any of the layers.
    pub fn layers(layers: &[&[f32]], count: usize, per_row: usize, tile: Tile, range: (f32, f32)) -> Result<Self> {
        let mut canvas = Canvas::new(layers, count, per_row, tile, range)?;
        for (layer, values) in layers.iter().enumerate() {
            for (index, sample) in values.chunks_exact(tile.features).enumerate() {
                canvas.draw(sample, index / per_row, index % per_row, layer);
            }
        }
        Ok(canvas.grid)
    }

    /// Draws rows of tiles, each `[any number, features]`: a query before what is found, the steps of a path.
    ///
    /// # Errors
    /// As for [`samples`](Self::samples), for any of the rows.
    pub fn table(rows: &[&[f32]], tile: Tile, range: (f32, f32)) -> Result<Self> {
        let columns = rows.iter().map(|row| row.len() / tile.features).max().unwrap_or(0);
        if let Some(row) = rows.iter().find(|row| !row.len().is_multiple_of(tile.features)) {
            let (len, features) = (row.len(), tile.features);
            return Err(Error::data(format!("cannot draw {len} values as samples of {features}; give whole ones")));
        }
        let has_nan = rows.iter().any(|row| row.iter().any(|value| value.is_nan()));
        let mut canvas = Canvas::blank(rows.len().saturating_mul(columns), columns, tile, (1, has_nan), range)?;
        for (row, values) in rows.iter().enumerate() {
            for (column, sample) in values.chunks_exact(tile.features).enumerate() {
                canvas.draw(sample, row, column, 0);
            }
        }
        Ok(canvas.grid)
    }

    /// The picture's height in pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// The picture's width in pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The pixels, `[height, width, channels]`, with 1 channel (grey) or 3 (RGB).
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Encodes the picture as PNG, 8 bits deep, grey or RGB.
    ///
    /// # Errors
    /// If the encoder fails, which for a drawn picture means that memory ran out.
    pub fn to_png(&self) -> Result<Vec<u8>> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::data(format!("cannot encode a picture of {}x{} as PNG: {error}", self.width, self.height))
        };
        let width = u32::try_from(self.width).map_err(|error| failed(&error))?;
        let height = u32::try_from(self.height).map_err(|error| failed(&error))?;
        let mut out = Vec::new();
        let mut encoder = Encoder::new(&mut out, width, height);
        encoder.set_color(if self.channels == 3 { ColorType::Rgb } else { ColorType::Grayscale });
        encoder.set_depth(BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(|error| failed(&error))?;
        writer.write_image_data(&self.pixels).map_err(|error| failed(&error))?;
        writer.finish().map_err(|error| failed(&error))?;
        Ok(out)
    }
}

/// A grid while it is drawn. A cell of the grid holds `layers` tiles below each other.
struct Canvas {
    grid: Grid,
    tile: Tile,
    layers: usize,
    low: f32,
    width: f32,
}

impl Canvas {
    fn new(layers: &[&[f32]], count: usize, per_row: usize, tile: Tile, range: (f32, f32)) -> Result<Self> {
        if let Some(values) = layers.iter().find(|values| Some(values.len()) != count.checked_mul(tile.features)) {
            return Err(Error::data(format!(
                "cannot draw {} values as {count} samples of {} features; give as many as there are",
                values.len(),
                tile.features
            )));
        }
        let has_nan = layers.iter().any(|values| values.iter().any(|value| value.is_nan()));
        Self::blank(count, per_row, tile, (layers.len(), has_nan), range)
    }

    /// Nothing drawn yet, of so many cells.
    fn blank(
        count: usize,
        per_row: usize,
        tile: Tile,
        (layers, has_nan): (usize, bool),
        (min, max): (f32, f32),
    ) -> Result<Self> {
        if count == 0 || per_row == 0 || layers == 0 {
            return Err(Error::data("nothing to draw; give at least one sample, and at least one for a row"));
        }
        if !(min < max && (max - min).is_finite()) {
            return Err(Error::data(format!("cannot draw values from {min} to {max}; give a finite, ascending range")));
        }
        let channels = if has_nan { 3 } else { tile.channels };
        let (height, width) = extent(count, per_row, tile, layers)
            .filter(|(height, width)| height.checked_mul(*width).is_some_and(|pixels| pixels <= MAX_PIXELS))
            .ok_or_else(|| {
                Error::data(format!("{count} samples make a picture of over {MAX_PIXELS} pixels; draw fewer"))
            })?;
        let bytes = height * width * channels;
        let mut pixels = reserved(bytes, "a picture")?;
        pixels.resize(bytes, BACKGROUND);
        let grid = Grid { pixels, height, width, channels };
        Ok(Self { grid, tile, layers, low: min, width: max - min })
    }

    /// Draws one sample into layer `layer` of the cell at (`row`, `column`).
    fn draw(&mut self, sample: &[f32], row: usize, column: usize, layer: usize) {
        let Tile { channels, height, width, .. } = self.tile;
        let factor = self.tile.enlargement();
        let (cell, step) = (cell_height(self.tile, self.layers), cell_gap(self.layers));
        let top = GAP + row * (cell + step) + layer * (height * factor + GAP);
        let left = GAP + column * (width * factor + GAP);
        for at in 0..height * width {
            // The planes of a colour image lie behind each other; an incomplete last row ends early.
            let values = || (0..channels).map(|plane| sample.get(plane * height * width + at).copied());
            if values().any(|value| value.is_none()) {
                break;
            }
            let mut colour = [0; 3];
            if values().flatten().any(f32::is_nan) {
                colour = MAGENTA;
            } else {
                let shades = values().flatten().map(|value| self.shade(value));
                shades.cycle().zip(&mut colour).for_each(|(shade, out)| *out = shade);
            }
            self.block(top + at / width * factor, left + at % width * factor, factor, colour);
        }
    }

    /// 0 for the range's low end and below, 255 for its high end and above.
    fn shade(&self, value: f32) -> u8 {
        (((value - self.low) / self.width).clamp(0.0, 1.0) * 255.0).round() as u8
    }

    fn block(&mut self, top: usize, left: usize, side: usize, colour: [u8; 3]) {
        let channels = self.grid.channels;
        for y in top..top + side {
            let start = (y * self.grid.width + left) * channels;
            let line = self.grid.pixels.get_mut(start..start + side * channels).unwrap_or_default();
            line.chunks_exact_mut(channels).for_each(|pixel| pixel.copy_from_slice(&colour[..channels]));
        }
    }
}

/// Height and width of the whole picture; `None` if they overflow.
fn extent(count: usize, per_row: usize, tile: Tile, layers: usize) -> Option<(usize, usize)> {
    let factor = tile.enlargement();
    let rows = count.div_ceil(per_row);
    let cell = tile.height.checked_mul(factor)?.checked_add(GAP)?.checked_mul(layers)?.checked_sub(GAP)?;
    let step = cell_gap(layers);
    let height = cell.checked_add(step)?.checked_mul(rows)?.checked_add(2 * GAP)?.checked_sub(step)?;
    let width = tile.width.checked_mul(factor)?.checked_add(GAP)?.checked_mul(per_row.min(count))?.checked_add(GAP)?;
    Some((height, width))
}

fn cell_height(tile: Tile, layers: usize) -> usize {
    layers * (tile.height * tile.enlargement() + GAP) - GAP
}

/// Pairs stand further apart than the two of a pair.
fn cell_gap(layers: usize) -> usize {
    if layers > 1 { PAIR_GAP } else { GAP }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const GREY: ImageShape = ImageShape { channels: 1, height: 8, width: 8 };

    fn tile(channels: usize, height: usize, width: usize) -> Tile {
        Tile::new(Some(ImageShape { channels, height, width }), channels * height * width).unwrap()
    }

    fn pixel(grid: &Grid, y: usize, x: usize) -> &[u8] {
        &grid.pixels()[(y * grid.width() + x) * grid.channels..][..grid.channels]
    }

    #[test]
    fn tiles_of_every_shape() {
        let tile_of = |features| Tile::new(None, features).map(|tile| (tile.height, tile.width));
        assert_eq!(
            [1, 4, 30, 31, 37].map(|features| tile_of(features).unwrap()),
            [(1, 1), (2, 2), (5, 6), (6, 6), (6, 7)]
        );
        assert_eq!(tile(5, 2, 3), Tile { channels: 1, height: 10, width: 3, features: 30 });
        assert!(tile_of(0).is_err());
        assert!(Tile::new(Some(GREY), 63).is_err());
        let enlargements =
            [(8, 8), (28, 28), (64, 64), (1, 1)].map(|(height, width)| tile(1, height, width).enlargement());
        assert_eq!(enlargements, [6, 2, 1, 6]);
    }

    #[test]
    fn tiles_stand_where_they_should() {
        let values: Vec<f32> = (0..3).flat_map(|at| [at as f32 * 0.5; 64]).collect();
        let grid = Grid::samples(&values, 3, 2, tile(1, 8, 8), (0.0, 1.0)).unwrap();
        assert_eq!((grid.height(), grid.width()), (2 * 48 + 3 * GAP, 2 * 48 + 3 * GAP));
        assert_eq!([pixel(&grid, 2, 2), pixel(&grid, 49, 52), pixel(&grid, 52, 2)], [&[0], &[128], &[255]]);
        assert_eq!([pixel(&grid, 0, 0), pixel(&grid, 2, 50), pixel(&grid, 60, 60)], [&[BACKGROUND]; 3]);
    }

    #[test]
    fn reconstructions_stand_below_originals() {
        let (black, white) = ([-3.0; 128], [f32::INFINITY; 128]);
        let grid = Grid::originals_over(&black, &white, 2, 1, tile(1, 8, 8), (0.0, 1.0)).unwrap();
        assert_eq!((grid.height(), grid.width()), (4 * 48 + 4 * GAP + PAIR_GAP, 48 + 2 * GAP));
        let second = 2 + 2 * 48 + GAP + PAIR_GAP;
        assert_eq!([2, 49, 52, 99, second, second + 50].map(|y| pixel(&grid, y, 2)[0]), [0, 0, 255, 255, 0, 255]);
        assert_eq!([50, 100, second - 1].map(|y| pixel(&grid, y, 2)[0]), [BACKGROUND; 3]);
    }

    #[test]
    fn layers_and_ragged_rows() {
        let [a, b, c] = [0.0, 0.5, 1.0].map(|value| [value; 128]);
        let grid = Grid::layers(&[&a, &b, &c], 2, 2, tile(1, 8, 8), (0.0, 1.0)).unwrap();
        assert_eq!((grid.height(), grid.width()), (3 * 48 + 4 * GAP, 2 * 48 + 3 * GAP));
        assert_eq!([2, 52, 102].map(|y| pixel(&grid, y, 60)[0]), [0, 128, 255]);
        let grid = Grid::table(&[&a[..64], &c, &[]], tile(1, 8, 8), (0.0, 1.0)).unwrap();
        assert_eq!((grid.height(), grid.width()), (3 * 48 + 4 * GAP, 2 * 48 + 3 * GAP));
        assert_eq!([pixel(&grid, 2, 2), pixel(&grid, 2, 60), pixel(&grid, 52, 60)], [&[0], &[BACKGROUND], &[255]]);
        assert!(Grid::table(&[&a[..63]], tile(1, 8, 8), (0.0, 1.0)).is_err());
        assert!(Grid::table(&[], tile(1, 8, 8), (0.0, 1.0)).is_err());
        assert!(Grid::layers(&[], 1, 1, tile(1, 8, 8), (0.0, 1.0)).is_err());
    }

    #[test]
    fn colours_nan_and_incomplete_rows() {
        let colour = Grid::samples(&[1.0, 0.0, 0.5], 1, 1, tile(3, 1, 1), (0.0, 1.0)).unwrap();
        assert_eq!(pixel(&colour, 2, 2), [255, 0, 128]);
        let vector = Grid::samples(&[1.0, f32::NAN, 0.0], 1, 1, Tile::new(None, 3).unwrap(), (0.0, 1.0)).unwrap();
        assert_eq!([pixel(&vector, 2, 2), pixel(&vector, 2, 8)], [&[255; 3], &MAGENTA]);
        assert_eq!([pixel(&vector, 8, 2), pixel(&vector, 8, 8)], [&[0; 3], &[BACKGROUND; 3]]);
    }

    #[test]
    fn the_png_reads_back() {
        for channels in [1, 3] {
            let values: Vec<f32> = (0..channels * 6).map(|at| at as f32).collect();
            let grid = Grid::samples(&values, 1, 1, tile(channels, 2, 3), (0.0, 18.0)).unwrap();
            let mut reader = png::Decoder::new(Cursor::new(grid.to_png().unwrap())).read_info().unwrap();
            let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut pixels).unwrap();
            assert_eq!((info.width as usize, info.height as usize), (grid.width(), grid.height()));
            assert_eq!(pixels, grid.pixels());
        }
    }

    #[test]
    fn refuses_what_it_cannot_draw() {
        let draw = |values: &[f32], count, per_row, range| Grid::samples(values, count, per_row, tile(1, 1, 1), range);
        assert!(draw(&[0.0; 3], 2, 2, (0.0, 1.0)).is_err());
        assert!(draw(&[], 0, 2, (0.0, 1.0)).is_err());
        assert!(draw(&[0.0], 1, 0, (0.0, 1.0)).is_err());
        for range in [(1.0, 1.0), (1.0, 0.0), (f32::NAN, 1.0), (0.0, f32::INFINITY), (f32::MIN, f32::MAX)] {
            assert!(draw(&[0.0], 1, 1, range).is_err());
        }
        assert!(draw(&[0.0; 2], usize::MAX, 1, (0.0, 1.0)).is_err());
        let many = vec![0.0; 1 << 21];
        assert!(draw(&many, 1 << 21, 1, (0.0, 1.0)).unwrap_err().to_string().contains("draw fewer"));
        assert!(draw(&[0.0], 1, usize::MAX, (0.0, 1.0)).is_ok());
        assert!(Grid::originals_over(&[0.0], &[0.0, 1.0], 1, 1, tile(1, 1, 1), (0.0, 1.0)).is_err());
    }
}
