//! First weights from another file: by name and shape, and the rest is said.

use super::Model;
use crate::files::read_limited;
use crate::tensors::{Conversion, LARGEST_FILE, copy_tensor, read_any};
use crate::{Error, Result};
use narrows_engine::ParameterId;
use std::path::Path;

/// What became of the tensors of two files.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Started {
    /// Parameters that took their values from the file.
    pub taken: Vec<String>,
    /// Those of them that the file held in another type.
    pub converted: Vec<Conversion>,
    /// Parameters that keep their own first values, each with why.
    pub kept: Vec<(String, String)>,
    /// Tensors of the file that the model has no use for.
    pub unused: Vec<String>,
}

/// Names that a line lists before it says how many more there are.
const LISTED: usize = 6;

impl Started {
    /// In words, a line each.
    pub fn lines(&self, from: &Path) -> Vec<String> {
        let list = |names: &[String]| {
            let more = names.len().saturating_sub(LISTED);
            let some = names.iter().take(LISTED).cloned().collect::<Vec<_>>().join(", ");
            if more > 0 { format!("{some} and {more} more") } else { some }
        };
        let mut lines = vec![format!("from {}: took {}", from.display(), list(&self.taken))];
        let kept: Vec<String> = self.kept.iter().map(|(name, why)| format!("{name} ({why})")).collect();
        if !kept.is_empty() {
            lines.push(format!("left as drawn: {}", list(&kept)));
        }
        if !self.unused.is_empty() {
            lines.push(format!("of the file not used: {}", list(&self.unused)));
        }
        let converted: Vec<String> = self.converted.iter().map(Conversion::to_string).collect();
        if !converted.is_empty() {
            lines.push(format!("converted: {}", list(&converted)));
        }
        lines
    }
}

impl Model {
    /// Takes weights from a safetensors file (or a run directory's model), whoever wrote it, wherever a tensor has a
    /// parameter's name and sizes.
    ///
    /// # Errors
    /// A file that cannot be read, is no safetensors file, holds numbers that are not finite, or has no tensor for any
    /// parameter.
    pub fn start_from(&mut self, path: &Path) -> Result<Started> {
        let file = if path.is_dir() { super::model_file(path) } else { path.to_path_buf() };
        let (bytes, origin) = (read_limited(&file, LARGEST_FILE)?, file.display().to_string());
        let tensors = read_any(&bytes, &origin)?;
        let mut started = Started::default();
        let parameters = self.parameters_mut();
        for id in parameters.ids().collect::<Vec<ParameterId>>() {
            let (name, sizes) = (parameters.name(id).to_owned(), parameters.sizes(id).to_vec());
            match tensors.tensor(&name) {
                Err(_) => started.kept.push((name, "not in the file".into())),
                Ok(view) if view.shape() != sizes => {
                    let why = format!("{:?} in the file, {sizes:?} here", view.shape());
                    started.kept.push((name, why));
                }
                Ok(_) => {
                    started.converted.extend(copy_tensor(&tensors, &name, &sizes, parameters.view_mut(id), &origin)?);
                    started.taken.push(name);
                }
            }
        }
        let mut names: Vec<String> = tensors.names().into_iter().map(str::to_owned).collect();
        names.sort();
        started.unused = names.into_iter().filter(|name| !started.taken.contains(name)).collect();
        if started.taken.is_empty() {
            let (have, want) = (started.unused.first().cloned(), started.kept.first().cloned());
            let have = have.map_or_else(|| "none".to_owned(), |name| format!("`{name}` and others"));
            let want = want.map_or_else(String::new, |(name, why)| format!("; `{name}` is {why}"));
            return Err(Error::model(format!(
                "{origin} has no tensor with the name and the sizes of a parameter of this model: it holds {have}{want}; \
                 name a file of like layers, or leave --from away"
            )));
        }
        self.started = started.taken.clone();
        Ok(started)
    }

    /// The parameters that took their first values from a file.
    pub fn started(&self) -> &[String] {
        &self.started
    }
}
