//! What lies between two samples: codes on the way from one code to the other, decoded.
//!
//! The way is straight, or along a sphere (slerp; Shoemake 1985, for codes White 2016): codes drawn from a normal prior
//! of many dimensions lie near a sphere, and the straight way leads inside of it.

use super::samples::Samples;
use crate::data::reserved;
use crate::model::{Given, Session};
use crate::{Error, Result};

/// sin of the angle below which vectors count as parallel.
const PARALLEL: f64 = 1e-4;

/// The way between two codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// `(1 − t) a + t b`
    Linear,
    /// `sin((1 − t)ω) / sin ω a + sin(tω) / sin ω b`, ω being the angle between a and b.
    Spherical,
}

/// Samples between others, a row of `steps` for each pair.
#[derive(Debug, Clone, PartialEq)]
pub struct Interpolated {
    /// `[pairs, steps, code]`
    pub codes: Vec<f32>,
    /// What these are decoded to, `[pairs, steps, features]`, raw.
    pub samples: Vec<f32>,
    /// Pairs.
    pub pairs: usize,
    /// Codes of each pair, both ends among them.
    pub steps: usize,
}

/// Interpolates between the first samples and the second ones, pair by pair, in `steps` codes with both ends. Of a model
/// that takes classes the first half of the way is of the first sample's class, the rest of the second's.
///
/// # Errors
/// Unequal numbers of samples; fewer than 2 steps; a model that decodes no codes; no memory.
pub fn interpolate(
    session: &mut Session,
    (first, second): (&Samples, &Samples),
    steps: usize,
    way: Way,
) -> Result<Interpolated> {
    let pairs = first.len();
    if second.len() != pairs {
        return Err(Error::data(format!("{pairs} samples and {} others are no pairs; give as many", second.len())));
    }
    if steps < 2 {
        return Err(Error::usage("steps are 2 or more: both ends are among them"));
    }
    let a = session.encode(first.given())?.to_vec();
    let b = session.encode(second.given())?.to_vec();
    let size = session.model().code_size();
    let mut codes = reserved(pairs.saturating_mul(steps).saturating_mul(size), "codes between others")?;
    for (a, b) in a.chunks_exact(size).zip(b.chunks_exact(size)) {
        (0..steps).for_each(|step| codes.extend(between(a, b, step as f64 / (steps - 1) as f64, way)));
    }
    let labels = first.labels.as_deref().zip(second.labels.as_deref());
    let labels: Option<Vec<u32>> = labels.map(|(a, b)| {
        let of =
            |(a, b): (&u32, &u32)| (0..steps).map(|step| if 2 * step < steps { *a } else { *b }).collect::<Vec<_>>();
        a.iter().zip(b).flat_map(of).collect()
    });
    let given = labels.as_deref().map_or(Given::new(&codes), |labels| Given::new(&codes).labels(labels));
    let samples = session.decode(given)?.to_vec();
    Ok(Interpolated { codes, samples, pairs, steps })
}

/// The vector at the share `t` of the way from `a` to `b`; where these are nearly parallel, or one is 0, the way along a
/// sphere is the straight one.
pub fn between(a: &[f32], b: &[f32], t: f64, way: Way) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    let cosine = if norms > 0.0 { (dot(a, b) / norms).clamp(-1.0, 1.0) } else { 1.0 };
    let (angle, sine) = (cosine.acos(), (1.0 - cosine * cosine).max(0.0).sqrt());
    let (u, v) = match way {
        Way::Spherical if sine > PARALLEL => (((1.0 - t) * angle).sin() / sine, (t * angle).sin() / sine),
        _ => (1.0 - t, t),
    };
    a.iter().zip(b).map(|(&a, &b)| (u * f64::from(a) + v * f64::from(b)) as f32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;
    use crate::training::{Config, fit};

    #[test]
    fn the_way_along_a_sphere_stays_on_it() {
        let (a, b) = ([3.0, 0.0, 0.0], [0.0, 3.0, 0.0]);
        for step in 0..=10 {
            let point = between(&a, &b, f64::from(step) / 10.0, Way::Spherical);
            assert!((point.iter().map(|x| x * x).sum::<f32>().sqrt() - 3.0).abs() < 1e-5);
        }
        assert_eq!(between(&a, &b, 0.5, Way::Linear), [1.5, 1.5, 0.0]);
        // No angle, or no sphere: the straight way.
        for (a, b) in [([1.0, 1.0], [2.0, 2.0]), ([1.0, 0.0], [-1.0, 0.0]), ([0.0, 0.0], [2.0, 2.0])] {
            assert_eq!(between(&a, &b, 0.25, Way::Spherical), between(&a, &b, 0.25, Way::Linear));
        }
    }

    #[test]
    fn ends_are_the_reconstructions() {
        let dataset = digits().unwrap();
        let config = Config::of("variational").unwrap().with(&[("epochs", "2")]).unwrap();
        let mut session = Session::new(fit(&config, &dataset).unwrap());
        let read = |session: &Session, rows: &[u32]| Samples::read(session.model(), &dataset, rows).unwrap();
        let (first, second) = (read(&session, &[0, 1]), read(&session, &[7, 8]));
        for way in [Way::Linear, Way::Spherical] {
            let made = interpolate(&mut session, (&first, &second), 5, way).unwrap();
            let size = session.model().code_size();
            assert_eq!((made.codes.len(), made.samples.len()), (10 * size, 10 * 64));
            for (samples, place) in [(&first, 0), (&second, 4)] {
                let ends = session.reconstruct(samples.given()).unwrap();
                let of_pair = |pair: usize| &made.samples[(5 * pair + place) * 64..(5 * pair + place + 1) * 64];
                let close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-3;
                assert!((0..2).all(|pair| of_pair(pair).iter().zip(&ends[64 * pair..]).all(close)));
            }
        }
        assert!(interpolate(&mut session, (&first, &second), 1, Way::Linear).is_err());
        let one = read(&session, &[7]);
        assert!(interpolate(&mut session, (&first, &one), 5, Way::Linear).is_err());
    }
}
