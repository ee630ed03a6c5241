//! What the words of a report mean, a sentence each: the terms of objectives, and the figures of `eval --json`.
//!
//! Terms come from types and parts, figures from metrics, of this crate and of others: what this table does not know is
//! said to be their own.

/// Terms of objectives. All are averaged over samples.
const TERMS: &[(&str, &str)] = &[
    (
        "reconstruction",
        "How far the reconstruction is from the sample, summed over features: squared error, or nats \
         under cross-entropy or another likelihood.",
    ),
    ("kl", "How far the distribution of the code is from the prior, in nats: what the code tells of the sample."),
    ("capacity", "How far the divergence from the prior is from the capacity that it is held to, in nats."),
    ("negative_bound", "Less the lower bound on ln p(x) by several weighted draws of the code, in nats."),
    ("effective_samples", "How many of the draws count: 1 if one weight outweighs all others, all if they are equal."),
    ("sparsity", "How far the mean activation of each unit is from its target, as a divergence summed over units."),
    ("l1", "The sum of the absolute activations of the code: pulls them to 0."),
    ("l2", "The sum of the squared weights: keeps them small."),
    ("contraction", "How much the code changes with the sample: the squared norm of its Jacobian."),
    ("commitment", "How far what the encoder gives is from the entries of the codebook that stand for it."),
    (
        "discrimination",
        "How badly the discriminator tells codes of the data from samples of the prior; ln 4 = 1.386 by guessing.",
    ),
    (
        "discriminator_accuracy",
        "The share that the discriminator tells right; one half by guessing, where codes look like the prior.",
    ),
    ("adversary", "How badly the encoder deceives the discriminator; ln 2 = 0.693 where that guesses."),
    ("classification", "The cross-entropy of the classifier on the code, in nats."),
];

/// Figures by their names in JSON.
const FIGURES: &[(&str, &str)] = &[
    ("squared_error", "‖x̂ − x‖², summed over features and averaged over samples, of scaled values."),
    (
        "pca_squared_error",
        "What principal components of the same code size reach: a linear autoencoder can do as well.",
    ),
    ("mse", "The same per feature."),
    ("psnr", "Peak signal to noise, in dB: 10 log10 of the squared range over the mean squared error; more is better."),
    ("ssim", "Structural similarity of images: 1 where they look the same."),
    ("bce", "Cross-entropy per feature, in nats."),
    ("loss", "The whole objective on clean samples: the weighted sum of its terms."),
    ("accuracy", "The share of samples whose class the classifier finds."),
    ("accuracy_before_fine_tuning", "The same before encoder and classifier were trained together."),
    ("negative_elbo", "Less the evidence lower bound, in nats: at least −ln p(x). Lower is better."),
    ("elbo_reconstruction", "Its part that reconstructs: −ln p(x|z), in nats."),
    ("elbo_kl", "Its part that the code costs: the divergence from the prior, in nats."),
    ("nll", "−ln p(x), estimated by importance samples, in nats."),
    ("importance_samples", "How many draws the likelihood is estimated by, for each sample."),
    ("mean_activation", "The mean of the code, over units and samples."),
    ("dead_units", "Units of the code that take one value on every sample."),
    ("active_units", "Units of the code whose mean varies over samples: the others say nothing."),
    ("codebook_entries", "Entries of the codebook."),
    ("codebook_used", "Entries that stand for some sample."),
    ("codebook_perplexity", "How many entries, used equally often, would be as varied."),
    ("bits_per_sample", "Bits that name the entries of a sample."),
    ("codes.size", "Numbers in a code."),
    ("codes.mean", "The mean of the code, over units and samples."),
    ("codes.deviation", "The standard deviation of the code, over units and samples."),
    ("codes.min", "The least number in any code."),
    ("codes.max", "The greatest number in any code."),
    ("codes.dead_units", "Units of the code that take one value on every sample."),
    ("codes.non_zeros.min", "Numbers that are not 0, in the code with the fewest."),
    ("codes.non_zeros.mean", "Numbers of a code that are not 0, on average."),
    ("codes.non_zeros.max", "Numbers that are not 0, in the code with the most."),
    ("denoised.corruption", "How samples were corrupted."),
    ("denoised.corruption_level", "The probability of the corruption, or its deviation."),
    ("denoised.input_squared_error", "Squared error of the corrupted sample against the clean one."),
    ("denoised.squared_error", "The same of its reconstruction: what is left of the corruption."),
    ("denoised.mse", "That per feature."),
    ("denoised.psnr", "That as peak signal to noise, in dB."),
    ("samples", "Samples that were looked at."),
    (
        "trustworthiness",
        "Whether neighbours in the code are neighbours in the data: 1 if all are (Venna & Kaski 2001).",
    ),
    ("continuity", "Whether neighbours in the data stay neighbours in the code: 1 if all do."),
];

/// What a term of an objective means.
pub fn term(name: &str) -> &'static str {
    find(TERMS, name).unwrap_or("A term of this type's own.")
}

/// What a figure means; those of inner objects behind a dot, as `codes.mean`.
pub fn figure(name: &str) -> &'static str {
    let known = find(FIGURES, name).or_else(|| name.strip_prefix("terms.").map(term));
    let known = known.or_else(|| name.strip_prefix("weights.").map(|_| "What this term counts in the loss."));
    known.unwrap_or("A figure of this model's own.")
}

fn find(table: &[(&'static str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_known_once_and_others_have_a_sentence_too() {
        for table in [TERMS, FIGURES] {
            for (at, (name, meaning)) in table.iter().enumerate() {
                assert!(meaning.ends_with('.') && !table[at + 1..].iter().any(|(other, _)| other == name), "{name}");
            }
        }
        assert!(term("kl").contains("prior") && term("mine").contains("own"));
        assert_eq!(figure("terms.kl"), term("kl"));
        assert!(figure("weights.kl").contains("counts") && figure("mine").contains("own"));
    }
}
