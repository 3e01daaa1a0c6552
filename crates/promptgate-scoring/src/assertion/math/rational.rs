//! Exact fractions of 128-bit integers; what does not fit is told, never rounded.

use super::Halt;

/// A fraction in lowest terms, its denominator positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rational {
    pub(super) top: i128,
    pub(super) bottom: i128,
}

const TOO_LARGE: Halt = Halt::Beyond("a number in it takes more than 128 bits");

impl Rational {
    pub(super) const ZERO: Self = Self::whole(0);
    pub(super) const ONE: Self = Self::whole(1);

    pub(super) const fn whole(value: i128) -> Self {
        Self { top: value, bottom: 1 }
    }

    /// A quotient; the divisor must not be 0.
    pub(super) fn new(top: i128, bottom: i128) -> Result<Self, Halt> {
        if bottom == 0 {
            return Err(Halt::Undefined("it divides by zero"));
        }
        let common = i128::try_from(gcd(top.unsigned_abs(), bottom.unsigned_abs())).map_err(|_| TOO_LARGE)?;
        let sign = bottom.signum();
        let scaled = |part: i128| (part / common).checked_mul(sign).ok_or(TOO_LARGE);
        Ok(Self { top: scaled(top)?, bottom: scaled(bottom)? })
    }

    pub(super) fn is_zero(self) -> bool {
        self.top == 0
    }

    /// The whole number it is.
    pub(super) fn as_whole(self) -> Option<i128> {
        (self.bottom == 1).then_some(self.top)
    }

    pub(super) fn plus(self, other: Self) -> Result<Self, Halt> {
        if (self.bottom, other.bottom) == (1, 1) {
            return self.top.checked_add(other.top).map(Self::whole).ok_or(TOO_LARGE);
        }
        let left = self.top.checked_mul(other.bottom).ok_or(TOO_LARGE)?;
        let right = other.top.checked_mul(self.bottom).ok_or(TOO_LARGE)?;
        let bottom = self.bottom.checked_mul(other.bottom).ok_or(TOO_LARGE)?;
        Self::new(left.checked_add(right).ok_or(TOO_LARGE)?, bottom)
    }

    pub(super) fn times(self, other: Self) -> Result<Self, Halt> {
        if (self.bottom, other.bottom) == (1, 1) {
            return self.top.checked_mul(other.top).map(Self::whole).ok_or(TOO_LARGE);
        }
        // Crosswise first, so that no product is larger than it must be.
        let (left, right) = (Self::new(self.top, other.bottom)?, Self::new(other.top, self.bottom)?);
        let top = left.top.checked_mul(right.top).ok_or(TOO_LARGE)?;
        Self::new(top, left.bottom.checked_mul(right.bottom).ok_or(TOO_LARGE)?)
    }

    /// The smaller of two. The order that is derived goes by numerators, and only sorts.
    pub(super) fn least(self, other: Self) -> Result<Self, Halt> {
        let left = self.top.checked_mul(other.bottom).ok_or(TOO_LARGE)?;
        let right = other.top.checked_mul(self.bottom).ok_or(TOO_LARGE)?;
        Ok(if left <= right { self } else { other })
    }

    pub(super) fn negated(self) -> Result<Self, Halt> {
        Ok(Self { top: self.top.checked_neg().ok_or(TOO_LARGE)?, bottom: self.bottom })
    }

    pub(super) fn inverse(self) -> Result<Self, Halt> {
        Self::new(self.bottom, self.top)
    }

    pub(super) fn power(self, exponent: i128) -> Result<Self, Halt> {
        let base = if exponent < 0 { self.inverse()? } else { self };
        if base.bottom == 1 && matches!(base.top, 0 | 1) {
            return Ok(if exponent == 0 { Self::ONE } else { base });
        }
        if base == Self::whole(-1) {
            return Ok(Self::whole(if exponent % 2 == 0 { 1 } else { -1 }));
        }
        let exponent = u32::try_from(exponent.unsigned_abs()).map_err(|_| TOO_LARGE)?;
        let raised = |part: i128| part.checked_pow(exponent).ok_or(TOO_LARGE);
        Ok(Self { top: raised(base.top)?, bottom: raised(base.bottom)? })
    }

    /// The largest whole number that is not above it, and what is left.
    pub(super) fn split(self) -> (i128, Self) {
        let floor = self.top.div_euclid(self.bottom);
        (floor, Self { top: self.top.rem_euclid(self.bottom), bottom: self.bottom })
    }

    pub(super) fn as_f64(self) -> f64 {
        self.top as f64 / self.bottom as f64
    }
}

pub(super) fn gcd(mut left: u128, mut right: u128) -> u128 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

/// The largest prime tried; what is left after it is prime below its square.
const LARGEST_TRIED: u128 = 1 << 16;

/// The prime factors of a whole number above 0, with how often each divides it.
pub(super) fn factors(mut number: u128) -> Result<Vec<(i128, i128)>, Halt> {
    let mut found = Vec::new();
    let mut candidate: u128 = 2;
    while candidate <= LARGEST_TRIED && candidate * candidate <= number {
        let mut times = 0;
        while number.is_multiple_of(candidate) {
            number /= candidate;
            times += 1;
        }
        if times > 0 {
            found.push((candidate as i128, times));
        }
        candidate += 1;
    }
    if number >= LARGEST_TRIED * LARGEST_TRIED {
        return Err(Halt::Beyond("a number under a root or in a logarithm has no small factors"));
    }
    if number > 1 {
        found.push((number as i128, 1));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smaller_of_two_is_found_where_doubles_see_none() {
        let of = |top, bottom| Rational::new(top, bottom).unwrap();
        assert_eq!(of(1, 2).least(of(1, 3)), Ok(of(1, 3)));
        assert_eq!(of(-1, 2).least(of(1, 3)), Ok(of(-1, 2)));
        let (less, more) = (of((1 << 60) - 1, 1 << 60), of((1 << 60) + 1, 1 << 60));
        assert_eq!(less.as_f64().total_cmp(&more.as_f64()), std::cmp::Ordering::Equal);
        assert_eq!((more.least(less), less.least(more)), (Ok(less), Ok(less)));
    }
}
