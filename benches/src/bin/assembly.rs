//! The assembly gate: reads the engine's assembly and fails where a hot kernel's loop is not what it should be.
//!
//! ```sh
//! cargo rustc -p narrows-engine --release --lib --target-dir target/assembly -- --emit asm -C debuginfo=0
//! cargo run -p narrows-benches --bin assembly -- target/assembly/release/deps/narrows_engine-*.s
//! ```
//!
//! For each kernel of [`RULES`] the innermost loops that hold exactly the expected number of fused multiply-adds must
//! be there as often as expected, without vector loads or stores on the stack and with no more moves between vector
//! registers than stated. (The listing is made with one codegen unit, as `--emit asm` has it; releases have sixteen.) A
//! tile that is one row too high for the registers spills in its loop over k, and takes a quarter of the speed; no test
//! of results sees that, and a timing would see it only on a quiet machine.

use std::collections::HashMap;
use std::process::ExitCode;

/// What is expected of a kernel's loop.
struct Rule {
    kernel: &'static str,
    /// Modules of `kernel_table!`: an element type and an instruction set.
    entries: &'static [&'static str],
    fmas: usize,
    /// Loops of that kind, at least: a tile has one for each order of A.
    loops: usize,
    /// Moves between registers that are allowed.
    moves: usize,
    /// The most instructions, so that a tile's start (as many multiply-adds, by beta) is not taken for its loop over k.
    longest: usize,
    /// Whether other loops with as many multiply-adds may be there: starts, ends, and what is rarely reached.
    others: bool,
}

const AVX512: &[&str] = &["f32_avx512", "f64_avx512"];
const AVX2: &[&str] = &["f32_avx2", "f64_avx2"];
const BOTH: &[&str] = &["f32_avx512", "f64_avx512", "f32_avx2", "f64_avx2"];
const F32: &[&str] = &["f32_avx512", "f32_avx2"];

const fn rule(kernel: &'static str, entries: &'static [&'static str], fmas: usize, loops: usize) -> Rule {
    Rule { kernel, entries, fmas, loops, moves: 0, longest: usize::MAX, others: true }
}

/// A loop over k: besides each multiply-add little more than a load.
const fn product(kernel: &'static str, entries: &'static [&'static str], fmas: usize, loops: usize) -> Rule {
    Rule { longest: 4 * fmas, others: false, ..rule(kernel, entries, fmas, loops) }
}

/// The largest tiles of every width, the kernels for little reuse, the optimisers, and the functions of a training
/// step, whose argument is kept beside its reduction by a move.
const RULES: &[Rule] = &[
    product("tile_8", AVX512, 24, 2),
    product("tile_13", AVX512, 26, 2),
    product("tile_14", AVX512, 14, 2),
    product("tile_6", AVX2, 12, 2),
    product("tile_12", AVX2, 12, 2),
    product("row", BOTH, 8, 1),
    Rule { others: true, ..product("dots", BOTH, 8, 2) },
    // Convolutions: the largest tiles, positions in the lanes (8 x 3, 4 x 3) and filters in them (7 x 2, 6 x 2).
    Rule { others: true, ..product("convolve_pixels", AVX512, 24, 1) },
    Rule { others: true, ..product("convolve_pixels", AVX2, 12, 1) },
    Rule { others: true, ..product("correlate_pixels", AVX512, 24, 1) },
    // (In f64, which checks gradients, the tile of 7 x 2 keeps two vectors on the stack.)
    Rule { others: true, ..product("convolve_filters", &["f32_avx512"], 14, 1) },
    Rule { others: true, ..product("convolve_filters", AVX2, 12, 1) },
    Rule { others: true, ..product("correlate_filters", AVX512, 24, 1) },
    Rule { others: true, ..product("correlate_filters", AVX2, 10, 1) },
    // The optimisers' passes, told apart by their multiply-adds: plain descent (two vectors a turn), RMSprop, Adam.
    rule("advance", BOTH, 4, 1),
    rule("advance", BOTH, 3, 1),
    rule("advance", BOTH, 5, 1),
    Rule { moves: 1, ..rule("exp", F32, 7, 1) },
    Rule { moves: 1, ..rule("sigmoid", F32, 8, 1) },
    Rule { moves: 2, ..rule("tanh", F32, 12, 1) },
];

fn main() -> ExitCode {
    let mut paths = std::env::args_os().skip(1);
    let (Some(path), None) = (paths.next(), paths.next()) else {
        eprintln!(
            "name one assembly file (an old one beside it? remove it): see the head of benches/src/bin/assembly.rs"
        );
        return ExitCode::from(2);
    };
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("{}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    };
    let functions = functions(&text);
    let mut wrong = 0;
    for rule in RULES {
        for entry in rule.entries {
            match check(rule, entry, &functions) {
                Ok(found) => println!("{entry}::{}: {found}", rule.kernel),
                Err(problem) => {
                    eprintln!("{entry}::{}: {problem}", rule.kernel);
                    wrong += 1;
                }
            }
        }
    }
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// An innermost loop.
#[derive(Debug, PartialEq, Eq)]
struct Loop {
    instructions: usize,
    fmas: usize,
    stack: usize,
    moves: usize,
}

/// What was found, in words; an error where the loops are not as the rule says.
fn check(rule: &Rule, entry: &str, functions: &HashMap<String, Vec<Loop>>) -> Result<String, String> {
    let loops = functions.get(&format!("{entry}::{}", rule.kernel)).ok_or("no such function in the assembly")?;
    let clean =
        |l: &&Loop| l.fmas == rule.fmas && l.stack == 0 && l.moves <= rule.moves && l.instructions <= rule.longest;
    let found: Vec<&Loop> = loops.iter().filter(clean).collect();
    // A loop over k that LLVM made twice must be clean twice.
    let same = loops.iter().filter(|l| l.fmas == rule.fmas && l.instructions <= rule.longest).count();
    if found.len() >= rule.loops && (found.len() == same || rule.others) {
        let shortest = found.iter().map(|l| l.instructions).min().unwrap_or(0);
        return Ok(format!("{} loops of {} multiply-adds, {shortest} instructions", found.len(), rule.fmas));
    }
    let Rule { fmas, loops: wanted, moves, .. } = rule;
    Err(format!(
        "{} loops with {fmas} multiply-adds, nothing on the stack and at most {moves} moves, expected {wanted}; \
         its loops: {loops:?}",
        found.len()
    ))
}

/// The innermost loops of every kernel entry, by `ENTRY::KERNEL`.
fn functions(text: &str) -> HashMap<String, Vec<Loop>> {
    let mut all = HashMap::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let Some(name) = line.strip_suffix(':').and_then(kernel) else { continue };
        let body = lines.by_ref().take_while(|line| !line.starts_with(".Lfunc_end"));
        all.entry(name).or_insert_with(Vec::new).extend(innermost(body));
    }
    all
}

/// `f32_avx512::adam` of a mangled name that ends in those two parts and its hash.
fn kernel(symbol: &str) -> Option<String> {
    let mut parts = Vec::new();
    let mut rest = symbol.strip_prefix("_ZN")?;
    while let Some(digits) = rest.find(|c: char| !c.is_ascii_digit()).filter(|&digits| digits > 0) {
        let len: usize = rest[..digits].parse().ok()?;
        parts.push(rest.get(digits..digits + len)?);
        rest = &rest[digits + len..];
    }
    let [.., entry, name, hash] = parts[..] else { return None };
    let is_entry = entry.starts_with("f32_") || entry.starts_with("f64_");
    (is_entry && hash.starts_with('h')).then(|| format!("{entry}::{name}"))
}

/// Loops are backward jumps; the innermost hold no other.
fn innermost<'a>(body: impl Iterator<Item = &'a str>) -> Vec<Loop> {
    let mut labels = HashMap::new();
    let mut code: Vec<&str> = Vec::new();
    for line in body {
        let line = line.split('#').next().unwrap_or(line).trim_end();
        if let Some(label) = line.strip_suffix(':') {
            labels.insert(label, code.len());
        } else if line.starts_with('\t') && !line.starts_with("\t.") {
            code.push(line.trim_start());
        }
    }
    let jumps = code.iter().enumerate().filter(|(_, line)| line.starts_with('j'));
    let target = |line: &str| labels.get(line.split_whitespace().nth(1)?).copied();
    let loops: Vec<(usize, usize)> =
        jumps.filter_map(|(end, line)| Some((target(line)?, end))).filter(|(start, end)| start <= end).collect();
    let holds = |outer: &(usize, usize), inner: &(usize, usize)| outer.0 <= inner.0 && inner.1 <= outer.1;
    let inner = loops.iter().filter(|outer| !loops.iter().any(|inner| inner != *outer && holds(outer, inner)));
    inner.map(|&(start, end)| measure(&code[start..=end])).filter(|l| l.fmas > 0).collect()
}

fn measure(code: &[&str]) -> Loop {
    let is_vector = |operand: &str| ["%xmm", "%ymm", "%zmm"].iter().any(|register| operand.contains(register));
    let count = |what: &dyn Fn(&&&str) -> bool| code.iter().filter(what).count();
    Loop {
        instructions: code.len(),
        fmas: count(&|line| line.starts_with("vfmadd") || line.starts_with("vfnmadd")),
        stack: count(&|line| is_vector(line) && (line.contains("(%rsp") || line.contains("(%rbp"))),
        // A move under a mask is a selection.
        moves: count(&|line| {
            line.starts_with("vmov")
                && !line.contains("{%k")
                && line.split(',').count() == 2
                && line.split(',').all(is_vector)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TILE: &str = "\
_ZN14narrows_engine4gemm4tile7entries10f32_avx5126tile_217h80cf2665084fe91eE:
\t.cfi_startproc
\tvmovaps\t%zmm0, %zmm1
.LBB0_1:
\tmovq\t%rax, %rbx
.LBB0_2:                                #   Parent Loop BB0_1 Depth=1
\tvmovups\t(%rsi), %zmm3
\tvfmadd231ps\t(%rdi){1to16}, %zmm3, %zmm0
\tvfmadd231ps\t4(%rdi){1to16}, %zmm3, %zmm1
\tdecq\t%rcx
\tjne\t.LBB0_2
\tdecq\t%rdx
\tjne\t.LBB0_1
.Lfunc_end0:
";

    fn tile() -> Rule {
        rule("tile_2", &["f32_avx512"], 2, 1)
    }

    #[test]
    fn a_clean_loop_passes() {
        let found = functions(TILE);
        assert_eq!(found["f32_avx512::tile_2"], [Loop { instructions: 5, fmas: 2, stack: 0, moves: 0 }]);
        assert!(check(&tile(), "f32_avx512", &found).is_ok());
        assert!(check(&tile(), "f32_avx2", &found).is_err(), "a kernel that is not there");
        assert!(check(&rule("tile_2", &[], 3, 1), "f32_avx512", &found).is_err(), "a multiply-add is missing");
    }

    #[test]
    fn one_clean_copy_does_not_hide_a_dirty_one() {
        let second =
            TILE.replace("tile_2", "tile_3").replace("\tdecq\t%rcx\n", "\tvmovups\t%zmm3, 64(%rsp)\n\tdecq\t%rcx\n");
        let mut found = functions(TILE);
        let dirty = functions(&second).remove("f32_avx512::tile_3").unwrap();
        found.get_mut("f32_avx512::tile_2").unwrap().extend(dirty);
        assert!(check(&product("tile_2", &[], 2, 1), "f32_avx512", &found).is_err());
    }

    #[test]
    fn a_spill_and_a_move_fail() {
        for extra in ["vmovups\t%zmm3, 64(%rsp)", "vmovaps\t%zmm1, %zmm2"] {
            let text = TILE.replace("\tdecq\t%rcx\n", &format!("\t{extra}\n\tdecq\t%rcx\n"));
            assert!(check(&tile(), "f32_avx512", &functions(&text)).is_err(), "{extra}");
        }
    }
}
