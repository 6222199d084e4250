"""Arithmetic that gives the same bits on every processor: elementary functions, hashes and permutations.

numpy's own ``exp``, ``log`` and float sums pick different code by processor features and may differ in the last bit.
Everything here is built from operations that IEEE 754 rounds correctly (``+ - * / sqrt``, ``frexp``, ``ldexp``) and
from integers, so that the simulated world is the same on every machine. No other module may call a transcendental
function of numpy, or sum floats with ``sum``, ``mean`` or ``dot``.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Hashes = NDArray[np.uint64]

_LOG2E = 1.4426950408889634
# ln 2 in two parts: the first has its low bits zero, so that a multiple of it by a small integer is exact.
_LN2_HIGH = 6.93147180369123816490e-01
_LN2_LOW = 1.90821492927058770002e-10
_SQRT_HALF = 0.7071067811865476

# Acklam's rational approximation of the normal quantile, relative error below 1.2e-9
# (P. J. Acklam, "An algorithm for computing the inverse normal cumulative distribution function", 2003).
_ACKLAM_A = (
    -3.969683028665376e01,
    2.209460984245205e02,
    -2.759285104469687e02,
    1.383577518672690e02,
    -3.066479806614716e01,
    2.506628277459239e00,
)
_ACKLAM_B = (
    -5.447609879822406e01,
    1.615858368580409e02,
    -1.556989798598866e02,
    6.680131188771972e01,
    -1.328068155288572e01,
    1.0,
)
_ACKLAM_C = (
    -7.784894002430293e-03,
    -3.223964580411365e-01,
    -2.400758277161838e00,
    -2.549732539343734e00,
    4.374664141464968e00,
    2.938163982698783e00,
)
_ACKLAM_D = (7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e00, 3.754408661907416e00, 1.0)
_ACKLAM_TAIL = 0.02425


def _polynomial(x: Floats, coefficients: tuple[float, ...]) -> Floats:
    """Horner's scheme, highest power first. Each step is one multiplication and one addition, never fused."""
    value = np.full_like(x, coefficients[0])
    for coefficient in coefficients[1:]:
        value = value * x
        value = value + coefficient
    return value


def exp(x: Floats | float) -> Floats:
    """``e ** x`` to about 1e-15, for ``|x| <= 700``."""
    x = np.asarray(x, dtype=np.float64)
    power = np.rint(x * _LOG2E)
    rest = x - power * _LN2_HIGH
    rest = rest - power * _LN2_LOW
    factorial, coefficients = 1.0, [1.0]
    for n in range(1, 14):
        factorial *= n
        coefficients.append(1.0 / factorial)
    return np.asarray(np.ldexp(_polynomial(rest, tuple(reversed(coefficients))), power.astype(np.int32)))


def log(x: Floats | float) -> Floats:
    """The natural logarithm of positive ``x`` to about 1e-15."""
    mantissa, exponent = np.frexp(np.asarray(x, dtype=np.float64))
    small = mantissa < _SQRT_HALF
    mantissa = np.where(small, mantissa * 2.0, mantissa)
    power = (exponent - small.astype(exponent.dtype)).astype(np.float64)
    s = (mantissa - 1.0) / (mantissa + 1.0)
    series = _polynomial(s * s, tuple(1.0 / n for n in range(23, 0, -2)))
    high = power * _LN2_HIGH
    return np.asarray((power * _LN2_LOW + 2.0 * s * series) + high)


def normal(u: Floats) -> Floats:
    """The standard normal quantile of ``u`` in (0, 1), rounded to nine decimals."""
    u = np.clip(np.asarray(u, dtype=np.float64), 1e-12, 1.0 - 1e-12)
    q = u - 0.5
    r = q * q
    central = _polynomial(r, _ACKLAM_A) * q / _polynomial(r, _ACKLAM_B)
    t = np.sqrt(-2.0 * log(np.minimum(u, 1.0 - u)))
    tail = _polynomial(t, _ACKLAM_C) / _polynomial(t, _ACKLAM_D)
    tail = np.where(q < 0, tail, -tail)
    return rounded(np.where(np.abs(q) <= 0.5 - _ACKLAM_TAIL, central, tail))


def rounded(x: Floats, decimals: int = 9) -> Floats:
    """``x`` to so many decimals."""
    result: Floats = np.round(x, decimals)
    return result


def mix(keys: Hashes, salt: int) -> Hashes:
    """A 64-bit hash of each key (the finaliser of SplitMix64, Steele et al., OOPSLA 2014); ``salt`` names a stream."""
    z = keys + np.uint64((salt * 0x9E3779B97F4A7C15 + 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF)
    z ^= z >> np.uint64(30)
    z *= np.uint64(0xBF58476D1CE4E5B9)
    z ^= z >> np.uint64(27)
    z *= np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return z


def bits(hashes: Hashes, start: int, width: int) -> Ints:
    """``width`` bits of each hash from bit ``start`` up, as integers."""
    return ((hashes >> np.uint64(start)) & np.uint64((1 << width) - 1)).view(np.int64)


class Permutation:
    """A keyed permutation of ``0 .. size-1`` that is computed element by element, without a table.

    An alternating Feistel network over two nearly equal factors (Black and Rogaway, "Ciphers with arbitrary finite
    domains", 2002), with cycle walking over the few values beyond ``size``. The first N images are a uniform sample
    without replacement, and a larger sample contains every smaller one.
    """

    _rounds = 4

    def __init__(self, size: int, key: int) -> None:
        """Raise ValueError unless ``size`` is positive."""
        if size < 1:
            raise ValueError(f"a permutation needs at least one element, got {size}")
        self.size = size
        self._left = max(1, int(np.sqrt(size)))
        self._right = -(-size // self._left)
        self._key = np.uint64(key & 0xFFFFFFFFFFFFFFFF)

    def __call__(self, positions: Ints) -> Ints:
        """The image of each position; shape kept."""
        values = self._once(positions)
        outside = np.flatnonzero(values >= self.size)
        while outside.size:
            values[outside] = self._once(values[outside])
            outside = outside[values[outside] >= self.size]
        return values

    def _once(self, positions: Ints) -> Ints:
        right = positions // self._left
        left = positions - right * self._left
        for number in range(0, self._rounds, 2):
            left = self._turned(left, right, number, self._left)
            right = self._turned(right, left, number + 1, self._right)
        return right * self._left + left

    def _turned(self, half: Ints, other: Ints, number: int, modulus: int) -> Ints:
        """``half`` plus a hash of the other half, modulo ``modulus``; without a division, which would be slow."""
        turned: Ints = (bits(mix(other.view(np.uint64) ^ self._key, number), 32, 32) * modulus >> 32) + half
        turned -= (turned >= modulus) * np.int64(modulus)
        return turned


def cumulative_choice(u: Floats, weights: Floats) -> Ints:
    """The index that each ``u`` in [0, 1) falls on when the indices have these weights.

    Weights are made integers first, so that the comparison is between integers.
    """
    cumulative = np.cumsum(np.maximum(np.round(weights * 1_000_000), 1).astype(np.int64))
    draws = (u * cumulative[-1]).astype(np.int64)
    chosen: Ints = np.searchsorted(cumulative, draws, side="right")
    return chosen
