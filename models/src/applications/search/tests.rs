//! On the embedded digits: an index and its file, searches by each metric, and what is refused.

use super::*;
use crate::data::{Dataset, Rows, digits};
use crate::model::Session;
use crate::training::{Config, fit};

fn session(epochs: &str) -> Session {
    let config = Config::of("undercomplete").unwrap().with(&[("code", "8"), ("epochs", epochs)]).unwrap();
    Session::new(fit(&config, &digits().unwrap()).unwrap())
}

fn sample(dataset: &Dataset, row: u32) -> Vec<f32> {
    let mut sample = vec![0.0; 64];
    dataset.read(&[row], &mut sample).unwrap();
    sample.iter().map(|&x| x as f32).collect()
}

#[test]
fn an_index_is_searched_saved_and_read_again() {
    let (mut session, digits) = (session("3"), digits().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let rows: Vec<u32> = (0..700).map(|row| 2 * row).collect();
    let wanted = [sample(&digits, 40), sample(&digits, 41)].concat();
    for metric in Metric::NAMES {
        let metric: Metric = metric.parse().unwrap();
        let index = Index::build(&mut session, &digits, &rows, "digits", metric).unwrap();
        let found = index.search(&mut session, &wanted, 9).unwrap();
        assert!(found.places[..9].contains(&20) && index.rows()[20] == 40, "{metric}: {:?}", found.places);
        // Bits of other digits may be the same.
        let nearest = &found.distances[..2];
        assert!(nearest[0] < 1e-5 && (nearest[1] > 1e-5 || metric == Metric::Hamming), "{metric}: {nearest:?}");
        let path = folder.path().join(metric.name());
        index.save(&path).unwrap();
        let again = Index::load(&path).unwrap();
        assert_eq!(again, index);
        assert_eq!(again.search(&mut session, &wanted, 9).unwrap(), found);
        // A byte that is cut off, and all beyond: an error, no panic.
        let bytes = std::fs::read(&path).unwrap();
        for len in [0, 7, 8, 100, 1000, bytes.len() - 1] {
            assert!(Index::parse(&bytes[..len], "file").is_err());
        }
    }
    assert!("cosin".parse::<Metric>().unwrap_err().to_string().contains("did you mean `cosine`?"));
    assert!(Index::build(&mut session, &digits, &[], "digits", Metric::Cosine).is_err());
}

#[test]
fn an_index_of_another_model_is_refused() {
    let digits = digits().unwrap();
    let index = Index::build(&mut session("1"), &digits, &[3, 4, 5], "digits", Metric::Cosine).unwrap();
    let message = index.search(&mut session("2"), &sample(&digits, 3), 2).unwrap_err().to_string();
    assert!(message.contains("made by another model"), "{message}");
    assert!(index.search(&mut session("1"), &sample(&digits, 3), 2).is_ok());
}

#[test]
fn a_search_says_how_well_labels_agree() {
    let mut session = session("8");
    let folder = tempfile::tempdir().unwrap();
    for metric in [Metric::Cosine, Metric::Euclidean, Metric::Hamming] {
        let file = folder.path().join(metric.name());
        let options =
            SearchOptions { k: 5, metric: Some(metric), index: Some(file.clone()), ..SearchOptions::default() };
        let searched = search(&mut session, &options).unwrap();
        let (precision, raw) = (searched.precision.unwrap(), searched.raw_precision.unwrap());
        let least = if metric == Metric::Hamming { 0.4 } else { 0.7 };
        assert!(precision > least && precision < 1.0 && raw > 0.9, "{metric}: {precision}, {raw}");
        assert_eq!((searched.queries, searched.indexed, searched.neighbours.len()), (359, 1438, 0));
        // From the file: the same, without the data beside it.
        let few = SearchOptions { queries: Queries::Rows(vec![3, 0]), picture: true, metric: None, ..options.clone() };
        let shown = search(&mut session, &few).unwrap();
        assert_eq!((shown.neighbours.len(), shown.raw_precision, shown.metric), (2, None, metric));
        assert!(shown.picture.is_some_and(|png| png.starts_with(b"\x89PNG")));
        let other = SearchOptions { metric: Some(Metric::Cosine), ..options.clone() };
        assert_eq!(search(&mut session, &other).is_ok(), metric == Metric::Cosine);
        let beyond = SearchOptions { queries: Queries::Rows(vec![359]), ..options };
        let message = search(&mut session, &beyond).unwrap_err().to_string();
        assert!(message.contains("its rows are 0 to 358"), "{message}");
    }
}

#[test]
fn where_nothing_was_held_out_a_query_does_not_find_itself() {
    let keys = [("code", "8"), ("epochs", "2"), ("test_fraction", "0")];
    let config = Config::of("undercomplete").unwrap().with(&keys).unwrap();
    let mut session = Session::new(fit(&config, &digits().unwrap()).unwrap());
    let options = SearchOptions { k: 3, queries: Queries::Rows(vec![5]), ..SearchOptions::default() };
    let found = &search(&mut session, &options).unwrap().neighbours[0];
    assert!(found.neighbours.iter().all(|neighbour| Some(neighbour.row) != found.row), "{found:?}");
}
