//! Yardsticks of a detector: what simpler scores of the same rows tell. The error of a PCA of the model's code size, and
//! the mean distance to the nearest rows of the training part (Ramaswamy, Rastogi & Shim 2000; the mean of k after
//! Angiulli & Pizzuti 2002), both of scaled values.

use super::ranking::Ranking;
use crate::applications::neighbours::{Neighbours, places_of};
use crate::data::{Dataset, Rows, reserved};
use crate::figure::grouped;
use crate::linalg::Pca;
use crate::model::Model;
use crate::{Error, Result};
use narrows_engine::scan::Distance;
use narrows_engine::{Context, Split};

/// Rows that are measured at a time.
const MEASURED: usize = 1024;
/// Neighbours of a row, and the training rows that they are looked for among at most.
const NEIGHBOURS: usize = 5;
const SEARCHED: usize = 20_000;

/// What simpler scores tell, and what there is to say of them.
#[derive(Default)]
pub(super) struct Yardsticks {
    pub(super) pca: Option<Ranking>,
    pub(super) knn: Option<Ranking>,
    pub(super) notes: Vec<String>,
}

/// Ranks rows by simpler scores; `judged` are the rows, and whether they are of the training part themselves. What cannot
/// be had is a note.
pub(super) fn yardsticks(
    model: &Model,
    training: Result<(Dataset, Vec<u32>)>,
    judged: (&Dataset, &[u32], bool),
    anomalies: &[bool],
    split: Split,
) -> Result<Yardsticks> {
    let mut found = Yardsticks::default();
    let fitting = training.and_then(|training| model.check_fits(&training.0).map(|()| training));
    let training = match fitting {
        Ok(training) => training,
        Err(error) => {
            found.notes.push(format!("no PCA and no nearest neighbours beside it: {error}"));
            return Ok(found);
        }
    };
    match pca_errors(model, &training, (judged.0, judged.1), split) {
        Ok(errors) => found.pca = Some(Ranking::new(&errors, anomalies)?),
        Err(error) => found.notes.push(format!("no PCA beside it: {error}")),
    }
    match distances(model, &training, judged, split) {
        Ok(distances) => {
            found.knn = Some(Ranking::new(&distances, anomalies)?);
            if training.1.len() > SEARCHED {
                found.notes.push(format!(
                    "nearest neighbours are those among {} of {} training rows, evenly apart",
                    grouped(SEARCHED),
                    grouped(training.1.len())
                ));
            }
        }
        Err(error) => found.notes.push(format!("no nearest neighbours beside it: {error}")),
    }
    Ok(found)
}

/// Scaled rows, `[n, features]`, in `samples`.
fn gather(model: &Model, dataset: &Dataset, rows: &[u32], samples: &mut Vec<f32>, split: Split) -> Result<()> {
    samples.resize(rows.len() * dataset.features(), 0.0);
    model.data().preprocessing.gather(Context::new(split), dataset, rows, samples)
}

/// The mean distance of each row to the nearest of the training part, itself not counted.
fn distances(
    model: &Model,
    (training, training_rows): &(Dataset, Vec<u32>),
    (dataset, rows, own): (&Dataset, &[u32], bool),
    split: Split,
) -> Result<Vec<f64>> {
    if training.has_missing() || dataset.has_missing() {
        return Err(Error::data("distances need every value, and some are missing"));
    }
    let count = training_rows.len().min(SEARCHED);
    let searched: Vec<u32> = (0..count).map(|at| training_rows[at * training_rows.len() / count]).collect();
    let features = dataset.features();
    let mut known = reserved(count.saturating_mul(features), "training rows")?;
    gather(model, training, &searched, &mut known, split)?;
    let (mut distances, mut samples) = (reserved(rows.len(), "distances")?, Vec::new());
    for rows in rows.chunks(MEASURED) {
        gather(model, dataset, rows, &mut samples, split)?;
        let exclude = own.then(|| places_of(rows, &searched));
        let pair = [&samples[..], &known];
        let found = Neighbours::find(split, Distance::Euclidean, pair, features, NEIGHBOURS, exclude.as_deref())?;
        distances.extend((0..rows.len()).map(|row| {
            let (sum, count) = found.of(row).fold((0.0, 0.0), |(sum, count), (_, d)| (sum + f64::from(d), count + 1.0));
            sum / f64::max(count, 1.0)
        }));
    }
    Ok(distances)
}

/// The squared error of each row, summed over scaled features, of a PCA of the model's code size fitted to its training
/// part.
fn pca_errors(
    model: &Model,
    (training, training_rows): &(Dataset, Vec<u32>),
    (dataset, rows): (&Dataset, &[u32]),
    split: Split,
) -> Result<Vec<f64>> {
    let (features, components) = (dataset.features(), model.code_size());
    if components >= features {
        return Err(Error::data(format!("{components} components of {features} features leave no error")));
    }
    let pca = Pca::fit(training, Some(training_rows), &model.data().preprocessing, components, split)?;
    let mut errors = reserved(rows.len(), "errors")?;
    let (mut samples, mut codes, mut made) = (Vec::new(), Vec::new(), Vec::new());
    for rows in rows.chunks(MEASURED) {
        gather(model, dataset, rows, &mut samples, split)?;
        made.resize(samples.len(), 0.0f32);
        codes.resize(rows.len() * pca.components(), 0.0f32);
        pca.encode(&samples, &mut codes, split)?;
        pca.decode(&codes, &mut made, split)?;
        errors.extend(
            samples
                .chunks_exact(features)
                .zip(made.chunks_exact(features))
                .map(|(x, y)| x.iter().zip(y).map(|(x, y)| f64::from(x - y).powi(2)).sum::<f64>()),
        );
    }
    Ok(errors)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DataSettings, Preprocessing, Samples, Scaler};
    use crate::model::DataInfo;
    use crate::training::Config;

    /// Two heaps, and rows that lie between and beyond them; the second component has nearly no variance.
    #[test]
    fn far_from_all_neighbours_is_odd_where_pca_sees_nothing() {
        let heap = |centre: f32| (0..20u8).map(move |n| [centre + f32::from(n) / 100.0, f32::from(n % 3) / 100.0]);
        let values: Vec<f32> = heap(-5.0).chain(heap(5.0)).chain([[0.0, 0.0], [30.0, 0.0]]).flatten().collect();
        let data = Dataset::new("heaps", Samples::F32(values), 2).unwrap();
        let config = Config::of("undercomplete").unwrap().with(&[("code", "1")]).unwrap();
        let info = DataInfo::of(&data, Preprocessing::new(Scaler::None {}, 2).unwrap());
        let mut settings = config.model.clone();
        config.kind().settle(&mut *settings, &info.sample()).unwrap();
        let model = Model::new(config.kind(), settings, DataSettings::default(), info).unwrap();
        let (rows, anomalies): (Vec<u32>, Vec<bool>) = (0..42).map(|row| (row, row >= 40)).unzip();
        let training = || Ok((data.clone(), (0..40).collect()));
        let found = yardsticks(&model, training(), (&data, &rows, false), &anomalies, Split::Serial).unwrap();
        assert_eq!(found.knn.unwrap().auroc(), Some(1.0));
        assert!(found.pca.unwrap().auroc().unwrap() < 1.0 && found.notes.is_empty());
        // A row of the training part is not its own neighbour.
        let all = distances(&model, &training().unwrap(), (&data, &rows[..1], false), Split::Serial).unwrap();
        let others = distances(&model, &training().unwrap(), (&data, &rows[..1], true), Split::Serial).unwrap();
        assert!(others[0] > all[0]);
        let none = yardsticks(&model, Err(Error::data("gone")), (&data, &rows, false), &anomalies, Split::Serial);
        assert!(none.unwrap().notes[0].contains("gone"));
    }
}
