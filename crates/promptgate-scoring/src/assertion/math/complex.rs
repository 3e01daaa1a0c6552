//! Complex numbers in doubles.

/// A complex number; without a value its parts are no numbers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Complex {
    pub(super) re: f64,
    pub(super) im: f64,
}

impl Complex {
    pub(super) const NONE: Self = Self { re: f64::NAN, im: f64::NAN };

    pub(super) fn real(value: f64) -> Self {
        Self { re: value, im: 0.0 }
    }

    pub(super) fn plus(self, other: Self) -> Self {
        Self { re: self.re + other.re, im: self.im + other.im }
    }

    pub(super) fn times(self, other: Self) -> Self {
        Self { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    pub(super) fn over(self, other: Self) -> Self {
        if other.im == 0.0 {
            return Self { re: self.re / other.re, im: self.im / other.re };
        }
        let Self { re, im } = self.times(Self { im: -other.im, ..other });
        let square = other.re * other.re + other.im * other.im;
        Self { re: re / square, im: im / square }
    }

    pub(super) fn exp(self) -> Self {
        let size = self.re.exp();
        Self { re: size * self.im.cos(), im: size * self.im.sin() }
    }

    pub(super) fn size(self) -> f64 {
        self.re.hypot(self.im)
    }

    /// The power; of a negative number only where it is real.
    pub(super) fn to(self, exponent: Self) -> Self {
        if self.im == 0.0 && (self.re <= 0.0 || exponent.im == 0.0) {
            return if exponent.im == 0.0 { Self::real(self.re.powf(exponent.re)) } else { Self::NONE };
        }
        let logarithm = Self { re: self.size().ln(), im: self.im.atan2(self.re) };
        logarithm.times(exponent).exp()
    }
}
