//! Named configurations, each with the source it is from and the figure that is expected of it.

mod list;
mod preset;

use crate::suggest::did_you_mean;
use crate::{Error, Result};
pub use list::PRESETS;
pub use preset::Preset;

/// The preset of that name.
///
/// # Errors
/// There is none; the nearest is named.
pub fn preset(name: &str) -> Result<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name).ok_or_else(|| {
        let known: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        let near = did_you_mean(name, &known);
        Error::usage(format!("unknown preset `{name}`{near}; known: {}", known.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoencoders::Sample;
    use crate::data::ImageShape;
    use crate::training::Config;
    use narrows_engine::Parameters;

    #[test]
    fn every_preset_is_a_configuration_and_has_a_source() {
        for preset in PRESETS {
            let mut config = preset.config().unwrap();
            assert_eq!(preset.settings[0].0, "model", "{}", preset.name);
            assert_ne!(config, Config::of(preset.model()).unwrap());
            assert!([preset.source, preset.expected, preset.reached, preset.about].iter().all(|text| !text.is_empty()));
            // Each makes a model for the data that it names.
            let side = if preset.data == "MNIST" { 28 } else { config.data.patch };
            config.data.source = "a folder".into();
            let image = Some(ImageShape { channels: 1, height: side, width: side });
            let sample = Sample { image, classes: Some(10), ..Sample::plain(side * side, true) };
            let kind = config.kind();
            kind.settle(&mut *config.model, &sample).unwrap();
            let made = kind.build(&*config.model, &sample, &mut Parameters::new());
            assert!(made.is_ok(), "{}: {}", preset.name, made.unwrap_err());
            assert!(config.unread().is_empty(), "{}: sets what is not read: {:?}", preset.name, config.unread());
        }
        assert!(preset("keras-comv").unwrap_err().to_string().contains("did you mean `keras-conv`"));
    }
}
