//! What codes stand for, drawn from the decoder's side: a plane of codes of two numbers, and what each unit of a longer
//! code changes.
//!
//! The plane's codes are quantiles of the prior, equally far apart in probability, so that each picture stands for as
//! many samples (Kingma & Welling, "Auto-Encoding Variational Bayes", 2014, appendix A).

use crate::data::reserved;
use crate::model::{Given, Session};
use crate::{Error, Result};

/// The most values that are decoded for a picture.
const MOST: usize = 1 << 24;

/// The quantiles of a standard normal distribution at `(i + ½) / count`, in order.
pub fn normal_quantiles(count: usize) -> Vec<f32> {
    (0..count).map(|i| quantile((i as f64 + 0.5) / count as f64) as f32).collect()
}

/// `count` numbers equally far apart from `low` to `high`.
pub fn steps(low: f32, high: f32, count: usize) -> Vec<f32> {
    let last = count.saturating_sub(1).max(1) as f32;
    (0..count).map(|i| low + (high - low) * i as f32 / last).collect()
}

/// Decodes all pairs of codes of two numbers, row by row, `[ys, xs, features]`: the second number falls from row to
/// row, as on paper, the first rises within a row. `label` is the class of all, of a model that takes one.
///
/// # Errors
/// A code of another size; a model that cannot decode a code alone; too many for a picture.
pub fn plane(session: &mut Session, xs: &[f32], ys: &[f32], label: Option<u32>) -> Result<Vec<f32>> {
    let size = session.model().code_size();
    if size != 2 {
        return Err(Error::usage(format!("a plane is of codes of 2 numbers; the model's have {size}")));
    }
    let codes: Vec<f32> = ys.iter().rev().flat_map(|&y| xs.iter().flat_map(move |&x| [x, y])).collect();
    decoded(session, &codes, label)
}

/// Decodes a code with one unit after the other moved, `[units, offsets, features]`: a row for each of `units`, in
/// which the unit is what it is in the code plus each of `offsets`.
///
/// # Errors A code of another size, a unit that it does not have; a model that cannot decode a code alone; too many for
/// a picture.
pub fn traversals(
    session: &mut Session,
    code: &[f32],
    units: &[usize],
    offsets: &[f32],
    label: Option<u32>,
) -> Result<Vec<f32>> {
    let size = session.model().code_size();
    if code.len() != size {
        return Err(Error::usage(format!("a code of {} numbers; the model's have {size}", code.len())));
    }
    let mut codes = reserved(units.len().saturating_mul(offsets.len()).saturating_mul(size), "codes")?;
    for &unit in units {
        for offset in offsets {
            let start = codes.len();
            codes.extend_from_slice(code);
            let moved = codes.get_mut(start + unit).filter(|_| unit < size);
            let moved =
                moved.ok_or_else(|| Error::usage(format!("unit {unit} of a code of {size}; give one below")))?;
            *moved += offset;
        }
    }
    decoded(session, &codes, label)
}

/// The units that vary most over some codes, the most varied first, up to `count`.
pub fn most_varied(variances: &[f64], count: usize) -> Vec<usize> {
    let mut units: Vec<usize> = (0..variances.len()).collect();
    units.sort_by(|&a, &b| variances[b].total_cmp(&variances[a]).then(a.cmp(&b)));
    units.truncate(count);
    units
}

fn decoded(session: &mut Session, codes: &[f32], label: Option<u32>) -> Result<Vec<f32>> {
    let (features, size) = (session.model().data().features, session.model().code_size());
    let count = codes.len() / size.max(1);
    if count.saturating_mul(features) > MOST {
        return Err(Error::usage(format!(
            "{count} samples of {features} numbers are too many for a picture; ask for fewer"
        )));
    }
    let labels = label.filter(|_| session.model().autoencoder().takes().labels).map(|label| vec![label; count]);
    let given = Given::new(codes);
    let given = labels.as_deref().map_or(given, |labels| given.labels(labels));
    Ok(session.decode(given)?.to_vec())
}

/// The quantile of a standard normal distribution, to seven digits (M. J. Wichura, "Algorithm AS 241: The Percentage
/// Points of the Normal Distribution", Applied Statistics 37, 1988, PPND7).
fn quantile(p: f64) -> f64 {
    let polynomial = |x: f64, coefficients: &[f64]| coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c);
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180_625 - q * q;
        let above = polynomial(r, &[3.387_132_717_9, 50.434_271_938, 159.291_132_02, 59.109_374_720]);
        return q * above / polynomial(r, &[1.0, 17.895_169_469, 78.757_757_664, 67.187_563_600]);
    }
    let r = (-p.min(1.0 - p).max(f64::MIN_POSITIVE).ln()).sqrt();
    let far = if r <= 5.0 {
        let above = polynomial(r - 1.6, &[1.423_437_277_7, 2.756_815_390_0, 1.306_728_481_6, 0.170_238_211_03]);
        above / polynomial(r - 1.6, &[1.0, 0.737_001_642_50, 0.120_211_329_75])
    } else {
        let above = polynomial(r - 5.0, &[6.657_905_115_0, 3.081_226_386_0, 0.428_682_943_37, 0.017_337_203_997]);
        above / polynomial(r - 5.0, &[1.0, 0.241_978_942_25, 0.012_258_202_635])
    };
    if q < 0.0 { -far } else { far }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::digits;
    use crate::training::{Config, fit};

    #[test]
    fn quantiles_of_the_normal_distribution() {
        let known =
            [(0.5, 0.0), (0.975, 1.959_963_985), (0.001, -3.090_232_306), (0.9, 1.281_551_566), (1e-12, -7.034_483_83)];
        for (p, z) in known {
            assert!((quantile(p) - z).abs() < 3e-7 * f64::max(1.0, z.abs()), "{p}: {}", quantile(p));
        }
        let twenty = normal_quantiles(20);
        assert!(twenty.windows(2).all(|pair| pair[0] < pair[1]) && (twenty[0] + twenty[19]).abs() < 1e-6);
        assert_eq!((steps(-3.0, 3.0, 3), steps(1.0, 2.0, 1)), (vec![-3.0, 0.0, 3.0], vec![1.0]));
    }

    #[test]
    fn a_plane_and_what_units_change() {
        let dataset = digits().unwrap();
        let config = Config::of("variational").unwrap().with(&[("epochs", "1"), ("code", "2")]).unwrap();
        let mut session = Session::new(fit(&config, &dataset).unwrap());
        let (xs, ys) = ([-1.0, 0.0, 1.0], [-2.0, 2.0]);
        let plane = plane(&mut session, &xs, &ys, None).unwrap();
        assert_eq!(plane.len(), 6 * 64);
        assert_eq!(plane[..64], *session.decode(&[-1.0f32, 2.0]).unwrap());
        let moved = traversals(&mut session, &[0.0, 2.0], &[1, 0], &[-4.0, 0.0], None).unwrap();
        assert_eq!(moved[..64], plane[4 * 64..5 * 64]);
        assert_eq!((moved.len(), &moved[64..128]), (4 * 64, &plane[64..128]));
        assert_eq!(most_varied(&[0.1, 3.0, 2.0], 2), [1, 2]);
        assert!(traversals(&mut session, &[0.0], &[0], &[0.0], None).is_err());
        assert!(traversals(&mut session, &[0.0, 0.0], &[2], &[0.0], None).is_err());
        assert!(super::plane(&mut session, &vec![0.0; 1 << 10], &vec![0.0; 1 << 10], None).is_err());
    }
}
