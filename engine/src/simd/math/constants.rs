//! What the functions must know of `f32` and `f64`: coefficients, thresholds, limits.
//!
//! The polynomials are minimax fits by Remez exchange, made for this project with 60 decimal digits; beside each stands
//! its largest error relative to the function it serves. Lowest power first.

use crate::simd::Number;

/// The element type's side of the functions.
pub(crate) trait MathConstants: Number {
    /// 1 / ln 2
    const LOG2_E: Self;
    /// The upper part of ln 2, with so few bits that its product with an exponent is exact.
    const LN2_HIGH: Self;
    /// ln 2 less its upper part.
    const LN2_LOW: Self;
    /// The square root of 2.
    const SQRT_2: Self;
    /// Pi, rounded.
    const PI: Self;
    /// Pi less its rounded value.
    const PI_LOW: Self;
    /// The slope of erf at 0.
    const TWO_BY_SQRT_PI: Self;
    /// 1/2
    const HALF: Self;
    /// The largest number.
    const MAX: Self;
    /// Infinity.
    const INFINITY: Self;
    /// Minus infinity.
    const NEG_INFINITY: Self;
    /// Not a number.
    const NAN: Self;
    /// The smallest normal number.
    const MIN_NORMAL: Self;
    /// Its exponent.
    const MIN_EXPONENT: Self;
    /// Below this, `x^2` is nothing against 1 in every function; from here on `x^3` is normal.
    const TINY: Self;
    /// The smallest denormal number is 2 to minus this.
    const UNITS_EXPONENT: Self;
    /// The smallest normal number over the smallest denormal one.
    const UNITS_TOP: Self;
    /// The number whose biased exponent is `UNITS_EXPONENT`.
    const UNITS_HALF: Self;
    /// An exponent whose powers times 0.7 are normal.
    const UNITS_CAP: Self;
    /// The largest number whose exponential is finite.
    const EXP_MAX: Self;
    /// Where exp stops looking at larger arguments, above `EXP_MAX`.
    const EXP_CEILING: Self;
    /// The exponential is 0 from here down.
    const EXP_FLOOR: Self;
    /// expm1 is -1 from here down.
    const EXPM1_FLOOR: Self;
    /// tanh is 1 from here on.
    const TANH_CEILING: Self;
    /// erf is 1 from here on.
    const ERF_CEILING: Self;
    /// From here on `e^-x` is nothing against 1.
    const LOGISTIC_FAR: Self;
    /// `e^r = 1 + r + r^2 Q(r)`, `|r| <= ln 2 / 2`, for `exp`.
    const EXP_Q: &'static [Self];
    /// The same, close enough for `expm1`.
    const EXPM1_Q: &'static [Self];
    /// `tanh x = x + x^3 P(x^2)`, `|x| <= 0.625`.
    const TANH_P: &'static [Self];
    /// `erf x = x + x P(x^2)`, `|x| <= 1`.
    const ERF_P: &'static [Self];
    /// `e^(x^2) erfc x = T((x - 2) / (x + 2))`, `1 <= x <= ERF_CEILING`.
    const ERFCX_T: &'static [Self];
    /// `sin(pi x) = pi x + x^3 P(x^2)`, `|x| <= 1/4`.
    const SINPI_P: &'static [Self];
    /// `cos(pi x) = 1 + x^2 P(x^2)`, `|x| <= 1/4`.
    const COSPI_P: &'static [Self];

    /// `ln(1 + f) - f` for `f` in `[sqrt(1/2) - 1, sqrt(2) - 1]`.
    const LN_TAIL: LnTail<Self>;
}

/// How a logarithm's tail is found, and the coefficients for it: see `ln`.
pub(crate) enum LnTail<T: 'static> {
    /// `f^3 P(f) - f^2 / 2`
    Polynomial(&'static [T]),
    /// A series in the square of `f / (2 + f)`.
    Division(&'static [T]),
}

impl MathConstants for f32 {
    const LOG2_E: Self = std::f32::consts::LOG2_E;
    const LN2_HIGH: Self = 0.693_359_4;
    const LN2_LOW: Self = -2.121_944_4e-4;
    const SQRT_2: Self = std::f32::consts::SQRT_2;
    const PI: Self = std::f32::consts::PI;
    const PI_LOW: Self = -8.742_278e-8;
    const TWO_BY_SQRT_PI: Self = std::f32::consts::FRAC_2_SQRT_PI;
    const HALF: Self = 0.5;
    const MAX: Self = f32::MAX;
    const INFINITY: Self = f32::INFINITY;
    const NEG_INFINITY: Self = f32::NEG_INFINITY;
    const NAN: Self = f32::NAN;
    const MIN_NORMAL: Self = f32::MIN_POSITIVE;
    const MIN_EXPONENT: Self = -126.0;
    const TINY: Self = 9.094_947e-13;
    const UNITS_EXPONENT: Self = 149.0;
    const UNITS_TOP: Self = 8_388_608.0;
    const UNITS_HALF: Self = 4_194_304.0;
    const UNITS_CAP: Self = -125.0;
    const EXP_MAX: Self = 88.722_83;
    const EXP_CEILING: Self = 89.0;
    const EXP_FLOOR: Self = -104.0;
    const EXPM1_FLOOR: Self = -20.0;
    const TANH_CEILING: Self = 9.1;
    const ERF_CEILING: Self = 4.0;
    const LOGISTIC_FAR: Self = 18.0;

    // 2^-28.3
    #[rustfmt::skip]
    const EXP_Q: &'static [Self] = &[
        0.49999994, 0.1666652, 0.041668396, 0.008368852, 0.0013814562,
    ];

    // 2^-32.0
    #[rustfmt::skip]
    const EXPM1_Q: &'static [Self] = &[
        0.5, 0.16666667, 0.04166635, 0.008333272, 0.0013941203, 0.00019914674,
    ];

    // 2^-27.8
    #[rustfmt::skip]
    const TANH_P: &'static [Self] = &[
        -0.33333284, 0.13331492, -0.053743605, 0.020650886, -0.0057173204,
    ];

    // 2^-29.6
    #[rustfmt::skip]
    const ERF_P: &'static [Self] = &[
        0.12837917, -0.37612626, 0.112835854, -0.026853815, 0.0051883305, -0.00080102024, 7.85385e-05,
    ];

    // 2^-32.8
    #[rustfmt::skip]
    const ERFCX_T: &'static [Self] = &[
        0.25539568, -0.42718583, 0.2416582, -0.07897848, 0.003733167, 0.0069940933, -0.0008514092, -0.00094024366,
        6.68448e-05,
    ];

    // 2^-35.9
    #[rustfmt::skip]
    const SINPI_P: &'static [Self] = &[
        -5.1677127, 2.5501628, -0.5992061, 0.081030406,
    ];

    // 2^-34.1
    #[rustfmt::skip]
    const COSPI_P: &'static [Self] = &[
        -4.934802, 4.0587077, -1.3350585, 0.23142949,
    ];

    // 2^-30.3
    const LN_TAIL: LnTail<Self> = LnTail::Polynomial(&[
        0.33333313,
        -0.2500001,
        0.20002118,
        -0.16667989,
        0.14219564,
        -0.124056965,
        0.11888227,
        -0.116751626,
        0.06745917,
    ]);
}

impl MathConstants for f64 {
    const LOG2_E: Self = std::f64::consts::LOG2_E;
    const LN2_HIGH: Self = 0.693_147_180_369_123_8;
    const LN2_LOW: Self = 1.908_214_929_270_587_7e-10;
    const SQRT_2: Self = std::f64::consts::SQRT_2;
    const PI: Self = std::f64::consts::PI;
    const PI_LOW: Self = 1.224_646_799_147_353_2e-16;
    const TWO_BY_SQRT_PI: Self = std::f64::consts::FRAC_2_SQRT_PI;
    const HALF: Self = 0.5;
    const MAX: Self = f64::MAX;
    const INFINITY: Self = f64::INFINITY;
    const NEG_INFINITY: Self = f64::NEG_INFINITY;
    const NAN: Self = f64::NAN;
    const MIN_NORMAL: Self = f64::MIN_POSITIVE;
    const MIN_EXPONENT: Self = -1022.0;
    const TINY: Self = 7.888_609_052_210_118e-31;
    const UNITS_EXPONENT: Self = 1074.0;
    const UNITS_TOP: Self = 4_503_599_627_370_496.0;
    const UNITS_HALF: Self = 2_251_799_813_685_248.0;
    const UNITS_CAP: Self = -1021.0;
    const EXP_MAX: Self = 709.782_712_893_384;
    const EXP_CEILING: Self = 710.0;
    const EXP_FLOOR: Self = -746.0;
    const EXPM1_FLOOR: Self = -40.0;
    const TANH_CEILING: Self = 20.0;
    const ERF_CEILING: Self = 6.1;
    const LOGISTIC_FAR: Self = 38.0;

    // 2^-64.0
    #[rustfmt::skip]
    const EXP_Q: &'static [Self] = &[
        0.5, 0.16666666666666682, 0.04166666666666608, 0.008333333333316787, 0.001388888888911882,
        0.0001984126989700946, 2.4801586922778846e-05, 2.7557234222447254e-06, 2.755758351983615e-07,
        2.5112264196181064e-08, 2.082652948804563e-09,
    ];

    // 2^-68.2
    #[rustfmt::skip]
    const EXPM1_Q: &'static [Self] = &[
        0.5, 0.16666666666666666, 0.04166666666666669, 0.008333333333333338, 0.0013888888888871674,
        0.00019841269841245102, 2.480158735059728e-05, 2.7557319278316106e-06, 2.755725143743886e-07,
        2.505204704557171e-08, 2.0921739079886525e-09, 1.6093527032770563e-10,
    ];

    // 2^-66.1
    #[rustfmt::skip]
    const TANH_P: &'static [Self] = &[
        -0.3333333333333333, 0.13333333333333164, -0.05396825396813288, 0.02186948853178637, -0.00886323543679458,
        0.003592126758816167, -0.001455822505570187, 0.0005899503283361096, -0.00023877472426593095,
        9.576037034440662e-05, -3.663978465085768e-05, 1.180732084404503e-05, -2.2767966817489394e-06,
    ];

    // 2^-68.7
    #[rustfmt::skip]
    const ERF_P: &'static [Self] = &[
        0.1283791670955126, -0.37612638903183754, 0.11283791670955119, -0.026866170645129736, 0.005223977625422104,
        -0.0008548327021854214, 0.00012055332899393883, -1.4925647465956485e-05, 1.6462043420826237e-06,
        -1.6364614554752861e-07, 1.4792146609872266e-08, -1.216304501303421e-09, 8.703794250610697e-11,
        -4.222894090238812e-12,
    ];

    // 2^-66.1
    #[rustfmt::skip]
    const ERFCX_T: &'static [Self] = &[
        0.25539567631050575, -0.4271858474139584, 0.24165819424246635, -0.07897858101573314, 0.003732892404344776,
        0.006997461739296196, -0.0008471432519987974, -0.0009819770303773677, 4.3555637376796076e-05,
        0.00017436123873841583, 2.752482425154868e-05, -2.7580522176725325e-05, -1.3960864256779783e-05,
        1.393970663459576e-06, 3.7438761837655335e-06, 1.197050732818763e-06, -3.859619667287752e-07,
        -5.461950682052839e-07, -1.7536500555200105e-07, 1.9676778076882587e-07,
    ];

    // 2^-67.2
    #[rustfmt::skip]
    const SINPI_P: &'static [Self] = &[
        -5.16771278004997, 2.5501640398773424, -0.599264529320348, 0.0821458865820397, -0.00737042992658496,
        0.000466283178716527, -2.171932636858294e-05,
    ];

    // 2^-64.7
    #[rustfmt::skip]
    const COSPI_P: &'static [Self] = &[
        -4.934802200544679, 4.058712126416751, -1.3352627688521885, 0.23533063020161674, -0.025806885879458674,
        0.001929468174175164, -0.00010357788668503334,
    ];

    // 2^-58.5
    const LN_TAIL: LnTail<Self> = LnTail::Division(&[
        0.6666666666666734,
        0.3999999999941512,
        0.2857142874230113,
        0.2222219858120099,
        0.18183563950305404,
        0.15314059133886893,
        0.1479587406831928,
    ]);
}
