//! The names of figures under `--json`: programs read them, so none goes and none comes unnoticed.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Of every evaluation.
const ALWAYS: &str = "bce codes codes.dead_units codes.deviation codes.max codes.mean codes.mean_activation_per_unit \
    codes.min codes.non_zeros codes.non_zeros.max codes.non_zeros.mean codes.non_zeros.min codes.size codes.variances \
    dead_units isa loss mean_activation mse part pca_squared_error psnr run samples samples_per_second seconds \
    squared_error ssim terms terms.reconstruction threads weights weights.reconstruction";
const OF_TRAIN: &str = "best_epoch decisions ended_early epochs finished parameters steps";
const OF_EVAL: &str = "data";
const DENOISED: &str = "denoised denoised.corruption denoised.corruption_level denoised.input_squared_error \
    denoised.mse denoised.psnr denoised.squared_error";
const VARIATIONAL: &str = "active_units beta_bce_equivalent beta_mse_equivalent elbo_kl elbo_reconstruction \
    importance_samples kl_per_unit negative_elbo nll terms.kl weights.kl";
const CLASSIFIER: &str = "accuracy accuracy_before_fine_tuning";

/// The names in the object that a command prints, those of inner objects behind their own.
fn names(folder: &Path, words: &str) -> BTreeSet<String> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_narrows")).current_dir(folder).args(words.split(' ')).output().unwrap();
    assert!(output.status.success(), "{words}: {}", String::from_utf8_lossy(&output.stderr));
    let mut found = BTreeSet::new();
    walk(&serde_json::from_slice(&output.stdout).unwrap(), "", &mut found);
    found
}

fn walk(value: &Value, before: &str, found: &mut BTreeSet<String>) {
    for (name, value) in value.as_object().into_iter().flatten() {
        found.insert(format!("{before}{name}"));
        walk(value, &format!("{before}{name}."), found);
    }
}

fn expect(folder: &Path, words: &str, families: &[&str]) {
    let expected = families.iter().flat_map(|family| family.split_whitespace()).map(str::to_owned).collect();
    assert_eq!(names(folder, words), expected, "{words}");
}

#[test]
fn figures_keep_their_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let cases: [(&str, &str, &[&str]); 4] = [
        ("undercomplete", "", &[]),
        ("denoising", "", &[DENOISED]),
        ("variational", "", &[VARIATIONAL]),
        ("stacked", " --pretrain-epochs 1 --fine-tune classifier --classifier-epochs 1", &[DENOISED, CLASSIFIER]),
    ];
    for (model, more, families) in cases {
        let train = format!("train --model {model} --epochs 1 --code 4 --out {model} --json{more}");
        expect(at, &train, &[&[ALWAYS, OF_TRAIN], families].concat());
        expect(at, &format!("eval {model} --json"), &[&[ALWAYS, OF_EVAL], families].concat());
    }
    let more = "--importance 2 --corruption gaussian --corruption-level 0.1";
    expect(at, &format!("eval variational {more} --json"), &[ALWAYS, OF_EVAL, VARIATIONAL, DENOISED]);
    let probed = "accuracy classes data knn_accuracy knn_raw_accuracy neighbours part pca_accuracy pca_components raw_accuracy run samples";
    expect(at, "probe undercomplete --epochs 1 --json", &[probed]);
    let searched = "encoded_per_second indexed k metric neighbours out precision queries queries_per_second raw_precision \
        raw_queries_per_second run threads";
    expect(at, "search undercomplete --json", &[searched]);
    expect(at, "reconstruct undercomplete --json", &["out run samples squared_error threads"]);
    let sizes = "bits_per_code bits_per_pixel bytes bytes_per_image images payload_bytes payload_bytes_per_image ratio";
    let near = "mean_psnr psnr step jpeg_bytes_per_image jpeg_psnr jpeg_each jpeg_each.bytes_per_image jpeg_each.psnr \
                jpeg_each.quality jpeg_mosaic jpeg_mosaic.bytes_per_image jpeg_mosaic.psnr jpeg_mosaic.quality";
    expect(at, "compress undercomplete --out digits.nrw --json", &[sizes, near, "out run"]);
    expect(at, "decompress undercomplete digits.nrw --out digits.png --json", &["images out run"]);
}
