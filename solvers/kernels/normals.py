"""Counter-based normals: Philox4x32-7, then Box-Muller in float32.

A normal is a pure function of (key, group, stream, position): nothing is carried from
one number to the next, so any number of threads, any chunking and any resumption give
the same bits. The generator is that of Salmon, Moraes, Dror and Shaw ("Parallel random
numbers: as easy as 1, 2, 3", SC 2011) with seven rounds, which they report to pass BigCrush;
the polynomials for log, sin and cos are minimax fits derived here. The inner loop is free of
branches and of library calls, which is what lets LLVM vectorise it; `fastmath` is the subset
that keeps NaN and infinity meaningful.

How far the normals reach. The radius comes from 31 bits, u in [2^-32, 1], so that
|z| <= sqrt(64 log 2) = 6.66; a standard normal exceeds that with probability 2.7e-11.
Below that bound the tail probabilities are exact to the rounding of float32 (relative
1e-6 of r). Values are spaced by about 1e-7 |z|, and the 2^-25 of all radii that would
round to zero are lifted to 1.7e-4, so that no normal is exactly 0.

The words are the same everywhere. The normals made of them are the same for any number of
threads; on a processor without fused multiply-add they differ by the rounding of float32.

The file imports nothing from the package: its text is copied into generated modules.
"""

from __future__ import annotations

import math

import numpy as np

# >>> provided by the generated module
from numba import njit

CACHED = False
# <<< provided by the generated module

_LANES = 64
_SAFE_MATH = {"reassoc", "contract", "nsz", "arcp"}

_U32, _U64, _I32, _F32 = np.uint32, np.uint64, np.int32, np.float32
_MULTIPLIER_0, _MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
# what the key has grown by in round i: i times the Weyl constants
_KEY_0 = tuple(np.uint64(i * 0x9E3779B9 % 2**32) for i in range(7))
_KEY_1 = tuple(np.uint64(i * 0xBB67AE85 % 2**32) for i in range(7))
_LOW, _SHIFT_32 = np.uint64(0xFFFFFFFF), np.uint64(32)

# log: the bits of float32 1 and sqrt(1/2), the mantissa mask, and the fit of
# (log(1 + f) - f + f^2/2) / f^3 on [sqrt(1/2) - 1, sqrt(2) - 1]
_ONE_BITS, _ROOT_HALF_BITS = np.uint32(0x3F800000), np.uint32(0x3F3504F3)
_MANTISSA, _BIAS = np.uint32(0x7FFFFF), np.float32(127.0)
_L0, _L1 = np.float32(0.33333316713), np.float32(-0.25000810335)
_L2, _L3 = np.float32(0.20002287278), np.float32(-0.16624556271)
_L4, _L5 = np.float32(0.14181172281), np.float32(-0.13128720677)
_L6, _L7 = np.float32(0.12881760973), np.float32(-0.078598218816)
_LOG_2, _HALF, _ONE = np.float32(0.69314718056), np.float32(0.5), np.float32(1.0)
_MINUS_TWO = np.float32(-2.0)
# fits of sin(pi a / 2) / a and (cos(pi a / 2) - 1) / a^2 in a^2, for |a| <= 1/2
_S0, _S1 = np.float32(1.57079632197), np.float32(-0.64596347864)
_S2, _S3 = np.float32(0.07968022807), np.float32(-0.004602176997)
_C0, _C1 = np.float32(-1.23370054351), np.float32(0.25366924723)
_C2, _C3 = np.float32(-0.0208603085), np.float32(0.00090406057)
_TO_UNIT, _UNIT_HALF_STEP = np.float32(2.0**-31), np.float32(2.0**-32)
_TO_TURN, _TURN_HALF_STEP = np.float32(2.0**-30), np.float32(2.0**-31)
_SMALLEST_SQUARE = np.float32(2.0**-25)
_BIT_31, _BIT_30 = np.uint32(0x80000000), np.uint32(0x40000000)


@njit(cache=CACHED, nogil=True, forceinline=True)
def _round(c0, c1, c2, c3, k0, k1):
    """One round of Philox4x32 on words in the low halves of uint64.

    The high halves hold what is left over: nothing but the mask reads them, and the processor's
    product of two low halves needs neither the mask nor a change of width.
    """
    p0 = _MULTIPLIER_0 * (c0 & _LOW)
    p1 = _MULTIPLIER_1 * (c2 & _LOW)
    return (p1 >> _SHIFT_32) ^ c1 ^ k0, p1, (p0 >> _SHIFT_32) ^ c3 ^ k1, p0


@njit(cache=CACHED, nogil=True, forceinline=True)
def philox(c0, c1, c2, c3, k0, k1):
    """Seven rounds of Philox4x32 on the counter (c0..c3) with the key (k0, k1): four uint32.

    They are written out: LLVM does not vectorise around an inner loop.
    """
    k0, k1 = _U64(k0), _U64(k1)
    w0, w1, w2, w3 = _round(_U64(c0), _U64(c1), _U64(c2), _U64(c3), k0, k1)
    w0, w1, w2, w3 = _round(w0, w1, w2, w3, k0 + _KEY_0[1], k1 + _KEY_1[1])
    w0, w1, w2, w3 = _round(w0, w1, w2, w3, k0 + _KEY_0[2], k1 + _KEY_1[2])
    w0, w1, w2, w3 = _round(w0, w1, w2, w3, k0 + _KEY_0[3], k1 + _KEY_1[3])
    w0, w1, w2, w3 = _round(w0, w1, w2, w3, k0 + _KEY_0[4], k1 + _KEY_1[4])
    w0, w1, w2, w3 = _round(w0, w1, w2, w3, k0 + _KEY_0[5], k1 + _KEY_1[5])
    w0, w1, w2, w3 = _round(w0, w1, w2, w3, k0 + _KEY_0[6], k1 + _KEY_1[6])
    return _U32(w0 & _LOW), _U32(w1 & _LOW), _U32(w2 & _LOW), _U32(w3 & _LOW)


@njit(cache=CACHED, nogil=True)
def _bits(x):
    """The bits of a float32, as uint32."""
    return np.float32(x).view(np.uint32)


@njit(cache=CACHED, nogil=True)
def _float(bits):
    """The float32 with the given bits."""
    return np.uint32(bits).view(np.float32)


@njit(cache=CACHED, nogil=True, forceinline=True, fastmath=_SAFE_MATH)
def _log(x):
    """log of a normal float32 x > 0, relative error about 1e-7.

    The polynomial is split in pairs (Estrin), a shorter chain than Horner's.
    """
    bits = _U32(_bits(x) + _U32(_ONE_BITS - _ROOT_HALF_BITS))
    exponent = _F32(_I32(_U32(bits >> _U32(23)))) - _BIAS
    f = _float(_U32((bits & _MANTISSA) + _ROOT_HALF_BITS)) - _ONE
    square = f * f
    low = (_L3 * f + _L2) * square + (_L1 * f + _L0)
    high = (_L7 * f + _L6) * square + (_L5 * f + _L4)
    p = high * (square * square) + low
    return f + square * (f * p - _HALF) + exponent * _LOG_2


@njit(cache=CACHED, nogil=True, forceinline=True, fastmath=_SAFE_MATH)
def box_muller(u, v):
    """Two independent float32 standard normals from two independent uint32.

    Every integer is cast back to 32 bits: wider ones would halve the vectors.
    """
    unit = _F32(_I32(u >> _U32(1))) * _TO_UNIT + _UNIT_HALF_STEP
    radius = _F32(math.sqrt(_MINUS_TWO * _log(unit) + _SMALLEST_SQUARE))
    quarter = _I32(_I32(_U32(v << _U32(2))) >> _I32(2))
    a = _F32(quarter) * _TO_TURN + _TURN_HALF_STEP
    y = a * a
    sine = a * (((_S3 * y + _S2) * y + _S1) * y + _S0)
    cosine = (((_C3 * y + _C2) * y + _C1) * y + _C0) * y + _ONE
    swap = (v & _BIT_30) != _U32(0)
    first = cosine if swap else sine
    second = sine if swap else cosine
    flip = _U32(v & _BIT_31)
    flip_second = _U32(flip ^ _U32(_U32(v << _U32(1)) & _BIT_31))
    z0 = _float(_U32(_bits(first) ^ flip)) * radius
    z1 = _float(_U32(_bits(second) ^ flip_second)) * radius
    return z0, z1


@njit(cache=CACHED, nogil=True, forceinline=True)
def _fill_words(k0, k1, g0, g1, stream, first, out):
    """64 counters from `first` on, each of which gives the words i, 64 + i, 128 + i, 192 + i."""
    for lane in range(_LANES):
        r0, r1, r2, r3 = philox(_U32(first + lane), g0, g1, stream, k0, k1)
        out[lane] = r0
        out[_LANES + lane] = r1
        out[2 * _LANES + lane] = r2
        out[3 * _LANES + lane] = r3


@njit(cache=CACHED, nogil=True, fastmath=_SAFE_MATH)
def fill_normals(key, group, stream, out):
    """Fill float32 `out` with the first normals of (key, group, stream).

    256 words at a time are written first and then turned into normals: integer vectors of 64
    bits and float vectors of 32 do not mix well in one loop.

    Parameters
    ----------
    key, group : uint64
        Key of the run; number of the group of steps.
    stream : uint32
        Streams of one key are independent.
    out : (n,) float32
        n a multiple of 256. The value at a position does not depend on n.
    """
    k0, k1 = _U32(key & _LOW), _U32(key >> _SHIFT_32)
    g0, g1 = _U32(group & _LOW), _U32(group >> _SHIFT_32)
    words = np.empty(4 * _LANES, dtype=np.uint32)
    for block in range(out.size // 256):
        base = block * 256
        _fill_words(k0, k1, g0, g1, stream, block * _LANES, words)
        for lane in range(_LANES):
            z0, z1 = box_muller(words[lane], words[_LANES + lane])
            z2, z3 = box_muller(words[2 * _LANES + lane], words[3 * _LANES + lane])
            out[base + lane] = z0
            out[base + _LANES + lane] = z1
            out[base + 2 * _LANES + lane] = z2
            out[base + 3 * _LANES + lane] = z3


@njit(cache=CACHED, nogil=True, forceinline=True)
def uniform(word):
    """The middle of the word's cell of width 2^-32 in (0, 1)."""
    return (np.float64(word) + 0.5) * 2.0**-32


@njit(cache=CACHED, nogil=True)
def fill_uniforms(key, group, stream, out):
    """Fill float64 `out` (size a multiple of 256) with uniforms, arguments as `fill_normals`."""
    k0, k1 = _U32(key & _LOW), _U32(key >> _SHIFT_32)
    g0, g1 = _U32(group & _LOW), _U32(group >> _SHIFT_32)
    words = np.empty(4 * _LANES, dtype=np.uint32)
    for block in range(out.size // 256):
        base = block * 256
        _fill_words(k0, k1, g0, g1, stream, block * _LANES, words)
        for i in range(4 * _LANES):
            out[base + i] = uniform(words[i])


def warm_up():
    """Compile every function of this file for the types it is called with."""
    fill_normals(np.uint64(0), np.uint64(0), np.uint32(0), np.empty(256, dtype=np.float32))
    fill_uniforms(np.uint64(0), np.uint64(0), np.uint32(0), np.empty(256))
    philox(*(np.uint32(0),) * 6)
