//! All eigenvalues and eigenvectors of a small symmetric matrix: Householder's tridiagonal form, then implicit QL.

use super::*;

/// The eigenvalues of a symmetric `[n, n]` matrix, greatest first; its rows become the eigenvectors. Householder
/// reduction to a tridiagonal matrix and the implicit QL method (EISPACK's `tred2` and `tql2`, 1976), 9n³ flops or so:
/// Jacobi's rotations take a few times as many, which shows from a hundred components on.
pub(super) fn eigen(rows: &mut [f64], n: usize) -> Result<Vec<f64>> {
    let (mut diagonal, mut beside) = (zeros(n)?, zeros(n)?);
    if n == 0 {
        return Ok(diagonal);
    }
    tridiagonal(rows, n, &mut diagonal, &mut beside);
    implicit_ql(rows, n, &mut diagonal, &mut beside);
    for place in 0..n {
        let greatest = (place..n).max_by(|&a, &b| diagonal[a].total_cmp(&diagonal[b])).unwrap_or(place);
        diagonal.swap(place, greatest);
        (0..n).for_each(|col| rows.swap(place * n + col, greatest * n + col));
    }
    Ok(diagonal)
}

/// `tred2`, on the transpose: `v[j * n + k]` is its `V[k][j]`.
pub(super) fn tridiagonal(v: &mut [f64], n: usize, d: &mut [f64], e: &mut [f64]) {
    (0..n).for_each(|j| d[j] = v[j * n + n - 1]);
    for i in (1..n).rev() {
        let scale: f64 = d[..i].iter().map(|x| x.abs()).sum();
        let mut h = 0.0;
        if scale == 0.0 {
            e[i] = d[i - 1];
            for j in 0..i {
                d[j] = v[j * n + i - 1];
                v[j * n + i] = 0.0;
                v[i * n + j] = 0.0;
            }
        } else {
            d[..i].iter_mut().for_each(|x| *x /= scale);
            h = dot(&d[..i], &d[..i]);
            let f = d[i - 1];
            let g = if f > 0.0 { -h.sqrt() } else { h.sqrt() };
            e[i] = scale * g;
            h -= f * g;
            d[i - 1] = f - g;
            e[..i].fill(0.0);
            for j in 0..i {
                let f = d[j];
                v[i * n + j] = f;
                let below = &v[j * n + j + 1..j * n + i];
                e[j] += v[j * n + j] * f + dot(below, &d[j + 1..i]);
                e[j + 1..i].iter_mut().zip(below).for_each(|(e, v)| *e += v * f);
            }
            e[..i].iter_mut().for_each(|x| *x /= h);
            let half = dot(&e[..i], &d[..i]) / (h + h);
            e[..i].iter_mut().zip(&d[..i]).for_each(|(e, d)| *e -= half * d);
            for j in 0..i {
                let (f, g) = (d[j], e[j]);
                let column = &mut v[j * n + j..j * n + i];
                column.iter_mut().zip(&e[j..i]).zip(&d[j..i]).for_each(|((v, e), d)| *v -= f * e + g * d);
                d[j] = v[j * n + i - 1];
                v[j * n + i] = 0.0;
            }
        }
        d[i] = h;
    }
    for i in 0..n - 1 {
        v[i * n + n - 1] = v[i * n + i];
        v[i * n + i] = 1.0;
        let h = d[i + 1];
        let (done, next) = v.split_at_mut((i + 1) * n);
        let next = &mut next[..=i];
        if h != 0.0 {
            d[..=i].iter_mut().zip(&*next).for_each(|(d, v)| *d = v / h);
            for column in done.chunks_exact_mut(n) {
                let g = dot(next, &column[..=i]);
                column[..=i].iter_mut().zip(&d[..=i]).for_each(|(v, d)| *v -= g * d);
            }
        }
        next.fill(0.0);
    }
    for j in 0..n {
        d[j] = v[j * n + n - 1];
        v[j * n + n - 1] = 0.0;
    }
    v[n * n - 1] = 1.0;
    e[0] = 0.0;
}

/// `tql2`, on the transpose; a value that has not settled after 60 sweeps stays as it is.
pub(super) fn implicit_ql(v: &mut [f64], n: usize, d: &mut [f64], e: &mut [f64]) {
    e.copy_within(1.., 0);
    e[n - 1] = 0.0;
    let (mut shift, mut size) = (0.0, 0.0_f64);
    for l in 0..n {
        size = size.max(d[l].abs() + e[l].abs());
        let small = f64::EPSILON * size;
        let m = (l..n).find(|&m| e[m].abs() <= small).unwrap_or(n - 1);
        for _ in 0..60 {
            if m == l || e[l].abs() <= small {
                break;
            }
            let g = d[l];
            let p = (d[l + 1] - g) / (2.0 * e[l]);
            let r = p.hypot(1.0).copysign(p);
            d[l] = e[l] / (p + r);
            d[l + 1] = e[l] * (p + r);
            let (after, h) = (d[l + 1], g - d[l]);
            d[l + 2..].iter_mut().for_each(|d| *d -= h);
            shift += h;
            let (mut p, mut c, mut c2, mut c3, mut s, mut s2) = (d[m], 1.0, 1.0, 1.0, 0.0, 0.0);
            let beside = e[l + 1];
            for i in (l..m).rev() {
                (c3, c2, s2) = (c2, c, s);
                let (g, h) = (c * e[i], c * p);
                let r = p.hypot(e[i]);
                e[i + 1] = s * r;
                (s, c) = (e[i] / r, p / r);
                p = c * d[i] - s * g;
                d[i + 1] = h + s * (c * g + s * d[i]);
                let (low, high) = v[i * n..(i + 2) * n].split_at_mut(n);
                for (low, high) in low.iter_mut().zip(high) {
                    (*low, *high) = (c * *low - s * *high, s * *low + c * *high);
                }
            }
            p = -s * s2 * c3 * beside * e[l] / after;
            e[l] = s * p;
            d[l] = c * p;
        }
        d[l] += shift;
        e[l] = 0.0;
    }
}
