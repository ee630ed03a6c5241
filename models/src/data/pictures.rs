//! Pictures out of files: JPEG, PNG and WebP, decoded to 8-bit grey or colour.
//!
//! The decoders are the crates `zune-jpeg`, `png` and `image-webp`, which are kept, fuzzed and take limits against
//! hostile files. The crate `image`, which wraps them, was let go: it brings colour management, and with it a fifth of
//! what a first build took (44 of 210 s of one core, Zen 4, 2026-11-25). The content decides what a file is, not its
//! ending. A file that claims more pixels than its length can hold is refused before anything is reserved for them.

use std::io::Cursor;
use std::path::Path;

use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use super::memory::reserved;
use crate::error::{Error, Result};

/// The most pixels of a picture.
const MAX_PIXELS: u64 = 1 << 26;
/// What the PNG decoder may allocate, in bytes: 2^26 pixels of four 16-bit channels, and as much again for its own use.
const MAX_DECODER_BYTES: usize = 1 << 30;
/// Bytes that one byte of deflate can unpack to, which ends at 1032.
const PNG_PACKING: u64 = 1040;
/// Pixels that one byte of a JPEG file can hold: a block of 8 x 8 takes a bit at least. Twice that.
const JPEG_PACKING: u64 = 1024;
/// Pixels that a WebP file may have whatever its length, and for each byte: it has no bound of its own, an even surface
/// takes nothing. Pictures take a byte for 100 pixels or fewer.
const WEBP_FREE: u64 = 1 << 20;
const WEBP_PACKING: u64 = 1 << 13;
/// The longest side of a WebP picture.
const WEBP_SIDE: u32 = 1 << 14;
/// Room for what is no pixels.
const SLACK: u64 = 1 << 12;

/// A decoded picture: `channels` bytes a pixel, the first 1 (grey) or 3 (red, green, blue) of which are its colour.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) height: usize,
    pub(super) width: usize,
    channels: usize,
    bytes: Vec<u8>,
}

impl Picture {
    /// Red, green and blue of every pixel, row by row; transparency is left out.
    pub(super) fn pixels(&self) -> impl Iterator<Item = [u8; 3]> + '_ {
        self.bytes.chunks_exact(self.channels).map(|pixel| match *pixel {
            [red, green, blue, ..] => [red, green, blue],
            [grey, ..] => [grey; 3],
            [] => [0; 3],
        })
    }

    /// The same, with what is transparent laid over white.
    pub(super) fn over_white(&self) -> impl Iterator<Item = [u8; 3]> + '_ {
        let over = |value: u8, alpha: u8| {
            let (value, alpha) = (u32::from(value), u32::from(alpha));
            ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        self.bytes.chunks_exact(self.channels).map(move |pixel| match *pixel {
            [red, green, blue, alpha] => [over(red, alpha), over(green, alpha), over(blue, alpha)],
            [red, green, blue] => [red, green, blue],
            [grey, alpha] => [over(grey, alpha); 3],
            [grey, ..] => [grey; 3],
            [] => [0; 3],
        })
    }

    /// Whether a pixel is not opaque.
    pub(super) fn is_transparent(&self) -> bool {
        let alpha = |pixel: &[u8]| matches!(pixel, [_, alpha] | [_, _, _, alpha] if *alpha < 255);
        matches!(self.channels, 2 | 4) && self.bytes.chunks_exact(self.channels).any(alpha)
    }
}

/// Height and width from the beginning of a file, if it is that of a picture; nothing else is looked at.
pub(super) fn peek(bytes: &[u8]) -> Option<[usize; 2]> {
    let size = |at: usize| Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?) as usize);
    match bytes {
        [0xff, 0xd8, 0xff, ..] => {
            let decoder = jpeg(Path::new(""), bytes).ok()?;
            decoder.dimensions().map(|(width, height)| [height, width])
        }
        [0x89, b'P', b'N', b'G', ..] => Some([size(20)?, size(16)?]),
        _ if is_webp(bytes) => {
            let decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).ok()?;
            let (width, height) = decoder.dimensions();
            Some([height as usize, width as usize])
        }
        _ => None,
    }
}

/// Height and width, from the file's header alone.
///
/// # Errors
/// Neither JPEG nor PNG nor WebP, damaged, cut short, or more than 2^26 pixels; more than so short a file can hold.
pub(super) fn measure(path: &Path, bytes: &[u8]) -> Result<[usize; 2]> {
    let length = bytes.len() as u64;
    let pixels = |width: usize, height: usize| width as u64 * height as u64;
    let (width, height, plausible) = match format(path, bytes)? {
        Format::Jpeg => {
            let (width, height) = jpeg(path, bytes)?.dimensions().unwrap_or_default();
            (width, height, pixels(width, height) <= JPEG_PACKING * length + SLACK)
        }
        Format::Png => {
            let reader = png(path, bytes)?;
            let info = reader.info();
            let (width, height) = (info.width as usize, info.height as usize);
            (width, height, pixels(info.raw_row_length(), height) <= PNG_PACKING * length + SLACK)
        }
        Format::WebP => {
            let (width, height) = webp(path, bytes)?.dimensions();
            let (width, height) = (width as usize, height as usize);
            (width, height, pixels(width, height) <= WEBP_FREE + WEBP_PACKING * length)
        }
    };
    if width as u64 * height as u64 > MAX_PIXELS {
        return Err(Error::data(format!(
            "{}: {width} x {height} pixels are over the limit of {MAX_PIXELS}; make the photograph smaller",
            path.display()
        )));
    }
    if width == 0 || height == 0 {
        return Err(damaged(path, &"it has no pixels"));
    }
    if !plausible {
        let claim = format!("it claims {width} x {height} pixels, more than its {length} bytes hold");
        return Err(damaged(path, &claim));
    }
    Ok([height, width])
}

/// The picture in a file.
///
/// # Errors
/// As for [`measure`]; no memory.
pub(super) fn decode(path: &Path, bytes: &[u8]) -> Result<Picture> {
    let [height, width] = measure(path, bytes)?;
    let (channels, bytes) = match format(path, bytes)? {
        Format::Jpeg => jpeg_pixels(path, bytes)?,
        Format::Png => png_pixels(path, bytes)?,
        Format::WebP => webp_pixels(path, bytes)?,
    };
    Ok(Picture { height, width, channels, bytes })
}

enum Format {
    Jpeg,
    Png,
    WebP,
}

fn format(path: &Path, bytes: &[u8]) -> Result<Format> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] if is_whole_jpeg(bytes) => Ok(Format::Jpeg),
        [0xff, 0xd8, 0xff, ..] => Err(damaged(path, &"it is cut short")),
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Ok(Format::Png),
        _ if is_webp(bytes) => Ok(Format::WebP),
        _ => Err(damaged(path, &"it is neither JPEG nor PNG nor WebP")),
    }
}

/// A decoder that has read the header.
fn jpeg<'a>(path: &Path, bytes: &'a [u8]) -> Result<JpegDecoder<ZCursor<&'a [u8]>>> {
    let options = DecoderOptions::default().set_strict_mode(false).set_max_width(1 << 16).set_max_height(1 << 16);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|error| damaged(path, &error))?;
    Ok(decoder)
}

/// Channels and bytes: grey as it is, everything else as red, green and blue.
fn jpeg_pixels(path: &Path, bytes: &[u8]) -> Result<(usize, Vec<u8>)> {
    let mut decoder = jpeg(path, bytes)?;
    let (colours, channels) = match decoder.input_colorspace() {
        Some(ColorSpace::Luma) => (ColorSpace::Luma, 1),
        _ => (ColorSpace::RGB, 3),
    };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(colours));
    let (width, height) = decoder.dimensions().unwrap_or_default();
    let len = width * height * channels;
    let mut pixels = reserved(len, "a photograph")?;
    pixels.resize(len, 0);
    decoder.decode_into(&mut pixels).map_err(|error| damaged(path, &error))?;
    Ok((channels, pixels))
}

/// A decoder that has read the header; palettes and few bits become bytes.
fn png<'a>(path: &Path, bytes: &'a [u8]) -> Result<png::Reader<Cursor<&'a [u8]>>> {
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), png::Limits { bytes: MAX_DECODER_BYTES });
    decoder.set_transformations(png::Transformations::EXPAND);
    decoder.read_info().map_err(|error| damaged(path, &error))
}

/// Channels and bytes; 16-bit samples are rounded to 8.
fn png_pixels(path: &Path, bytes: &[u8]) -> Result<(usize, Vec<u8>)> {
    let mut reader = png(path, bytes)?;
    let too_large = || damaged(path, &"its pixels are too many to be counted");
    let len = reader.output_buffer_size().ok_or_else(too_large)?;
    let mut pixels = reserved(len, "a photograph")?;
    pixels.resize(len, 0);
    let info = reader.next_frame(&mut pixels).map_err(|error| damaged(path, &error))?;
    pixels.truncate(info.buffer_size());
    if info.bit_depth == png::BitDepth::Sixteen {
        for at in 0..pixels.len() / 2 {
            let sample = u32::from(u16::from_be_bytes([pixels[2 * at], pixels[2 * at + 1]]));
            pixels[at] = ((sample + 128) / 257) as u8;
        }
        pixels.truncate(pixels.len() / 2);
    }
    Ok((info.color_type.samples(), pixels))
}

fn is_webp(bytes: &[u8]) -> bool {
    matches!(bytes, [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..])
}

/// A decoder that has read the header. It makes room for the frame that a chunk announces before it compares its size
/// with the picture's, so that is done here.
fn webp<'a>(path: &Path, bytes: &'a [u8]) -> Result<image_webp::WebPDecoder<Cursor<&'a [u8]>>> {
    let decoder = image_webp::WebPDecoder::new(Cursor::new(bytes)).map_err(|error| damaged(path, &error))?;
    if decoder.is_animated() {
        return Err(damaged(path, &"it is animated"));
    }
    let (width, height) = decoder.dimensions();
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, size @ ..] = *head;
        let size = u32::from_le_bytes(size) as usize;
        let frame = after.get(6..10).and_then(|sizes| sizes.first_chunk());
        if let (b"VP8 ", Some(&[w0, w1, h0, h1])) = (&[a, b, c, d], frame) {
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
            if (side(w0, w1), side(h0, h1)) != (width, height) {
                return Err(damaged(path, &"its frame has another size than the picture"));
            }
        }
        rest = after.get(size.saturating_add(size % 2)..).unwrap_or_default();
    }
    if width.max(height) > WEBP_SIDE {
        return Err(damaged(path, &format!("{width} x {height} pixels are more than WebP has")));
    }
    Ok(decoder)
}

fn webp_pixels(path: &Path, bytes: &[u8]) -> Result<(usize, Vec<u8>)> {
    let mut decoder = webp(path, bytes)?;
    decoder.set_memory_limit(MAX_DECODER_BYTES);
    let len = decoder.output_buffer_size().ok_or_else(|| damaged(path, &"its pixels are too many to be counted"))?;
    let mut pixels = reserved(len, "a picture")?;
    pixels.resize(len, 0);
    decoder.read_image(&mut pixels).map_err(|error| damaged(path, &error))?;
    Ok((if decoder.has_alpha() { 4 } else { 3 }, pixels))
}

/// Whether the markers of a JPEG file lead to that of its end (ITU-T T.81, annex B). The decoder fills what a file
/// lacks with grey and says nothing.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        // Compressed data holds 0xff only before 0 and the restart markers; 0xff may be repeated before a marker.
        let standalone = |code| matches!(code, 0x00 | 0x01 | 0xd0..=0xd8 | 0xff);
        let marker = rest.windows(2).position(|pair| pair[0] == 0xff && !standalone(pair[1]));
        let Some([_, code, segment @ ..]) = marker.and_then(|at| rest.get(at..)) else { return false };
        let length = segment.first_chunk().map_or(0, |length| usize::from(u16::from_be_bytes(*length)));
        match segment.get(length..) {
            _ if *code == 0xd9 => return true,
            Some(after) => rest = after,
            None => return false,
        }
    }
}

/// The error for a file that is no whole photograph. A decoder's words may quote the file: they are kept to a line.
fn damaged(path: &Path, reason: &dyn std::fmt::Display) -> Error {
    let reason = reason.to_string().replace(char::is_control, " ");
    let reason: String = reason.chars().take(200).collect();
    Error::data(format!("cannot use {}: {reason}; replace or remove the file", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn png_of(color: png::ColorType, depth: png::BitDepth, [width, height]: [u32; 2], bytes: &[u8]) -> Vec<u8> {
        let mut file = Vec::new();
        let mut encoder = png::Encoder::new(&mut file, width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == png::ColorType::Indexed {
            encoder.set_palette(vec![1, 2, 3, 40, 50, 60]);
        }
        encoder.write_header().unwrap().write_image_data(bytes).unwrap();
        file
    }

    fn pixels(bytes: &[u8]) -> Vec<[u8; 3]> {
        decode(Path::new("a"), bytes).unwrap().pixels().collect()
    }

    #[test]
    fn every_kind_of_png_becomes_bytes() {
        use png::BitDepth::{Eight, One, Sixteen};
        use png::ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
        assert_eq!(pixels(&png_of(Grayscale, Eight, [2, 1], &[7, 9])), [[7; 3], [9; 3]]);
        assert_eq!(pixels(&png_of(Grayscale, One, [2, 1], &[0b0100_0000])), [[0; 3], [255; 3]]);
        assert_eq!(pixels(&png_of(GrayscaleAlpha, Eight, [1, 1], &[7, 0])), [[7; 3]]);
        assert_eq!(pixels(&png_of(Rgb, Eight, [1, 1], &[1, 2, 3])), [[1, 2, 3]]);
        assert_eq!(pixels(&png_of(Rgba, Eight, [1, 1], &[1, 2, 3, 0])), [[1, 2, 3]]);
        assert_eq!(pixels(&png_of(Indexed, Eight, [2, 1], &[1, 0])), [[40, 50, 60], [1, 2, 3]]);
        // 16 bits are rounded: 0x0180 is 384, and 384 / 257 is nearer to 1 than to 2.
        assert_eq!(pixels(&png_of(Grayscale, Sixteen, [2, 1], &[0x01, 0x80, 0xff, 0xff])), [[1; 3], [255; 3]]);
        assert_eq!(pixels(&png_of(Rgb, Sixteen, [1, 1], &[0, 0, 0x01, 0x81, 0xff, 0xff])), [[0, 1, 255]]);
    }
}
