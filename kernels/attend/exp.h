/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * exp(x) = 2^n e^r, x <= 0: n = x / ln 2 rounded, by adding and subtracting 1.5 * 2^23; r = x - n
 * ln 2 with ln 2 in two parts, the first of so few bits that its product with n is exact; e^r on
 * |r| <= ln 2 / 2 by a polynomial of degree 5, minimax for the relative error with 1 + r fixed, so
 * that exp(0) is 1: 1.05e-7 after its coefficients were rounded; with the roundings of float,
 * multiplications and additions apart, below 2e-7. 2^n is added to the exponent.
 */
#ifndef KVR_EXP_H
#define KVR_EXP_H

#define KVR_EXP_LOG2E 0x1.715476p+0f
#define KVR_EXP_SHIFT 0x1.8p+23f
#define KVR_EXP_LN2_HIGH 0x1.63p-1f
#define KVR_EXP_LN2_LOW (-0x1.bd0106p-13f)
/* Of r^2 to r^5. */
#define KVR_EXP_C2 0x1.fffdfcp-2f
#define KVR_EXP_C3 0x1.5557bp-3f
#define KVR_EXP_C4 0x1.572a3cp-5f
#define KVR_EXP_C5 0x1.10620ap-7f
/* Below it the result is no normal float: 0 instead. */
#define KVR_EXP_LOWEST (-0x1.5d589ep+6f)

#endif
