//! What the features of a sample are called: columns by their names, pixels by their place.

use crate::data::{Column, Dataset, ImageShape, Rows};
use crate::model::Model;

/// Names for the features of a sample.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FeatureNames {
    columns: Vec<String>,
    image: Option<ImageShape>,
}

impl FeatureNames {
    /// Those of a dataset.
    pub fn of(dataset: &Dataset) -> Self {
        let columns = dataset.columns().unwrap_or_default().iter().map(|column| column.name.clone()).collect();
        Self { columns, image: dataset.image() }
    }

    /// Those of columns, or of an image.
    pub fn of_columns(columns: Option<&[Column]>, image: Option<ImageShape>) -> Self {
        let columns = columns.unwrap_or_default().iter().map(|column| column.name.clone()).collect();
        Self { columns, image }
    }

    /// Those that a model knows of, for rows that come without names.
    pub fn of_model(model: &Model) -> Self {
        Self { columns: Vec::new(), image: model.data().image }
    }

    /// The name of a feature: its column's; of a pixel `x[row, column]`, with the channel before these where there is
    /// more than one; else `x[7]`, from 0.
    pub fn name(&self, feature: usize) -> String {
        if let Some(name) = self.columns.get(feature) {
            return name.clone();
        }
        match self.image {
            Some(ImageShape { channels, height, width }) if width > 0 && height > 0 => {
                let (row, column) = (feature / width % height, feature % width);
                match channels {
                    1 => format!("x[{row}, {column}]"),
                    _ => format!("x[{}, {row}, {column}]", feature / width / height),
                }
            }
            _ => format!("x[{feature}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Samples;

    #[test]
    fn columns_pixels_and_numbers() {
        let data = Dataset::new("d", Samples::U8(vec![0; 12]), 12).unwrap();
        assert_eq!(FeatureNames::of(&data).name(7), "x[7]");
        let grey = data.clone().with_image(ImageShape { channels: 1, height: 3, width: 4 }).unwrap();
        assert_eq!(FeatureNames::of(&grey).name(7), "x[1, 3]");
        let colour = data.clone().with_image(ImageShape { channels: 3, height: 2, width: 2 }).unwrap();
        assert_eq!(FeatureNames::of(&colour).name(7), "x[1, 1, 1]");
        let named = data.with_columns((0..12).map(|i| Column::numeric(format!("c{i}"))).collect()).unwrap();
        assert_eq!(FeatureNames::of(&named).name(7), "c7");
    }
}
