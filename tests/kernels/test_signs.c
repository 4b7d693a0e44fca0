/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The reference of signs_u8 on an example worked out by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "problem.h"

/* Key 64 + 37 is key 5 of the third quarter of block 1, byte 4 * 5 + 2 of each of its four lines of
 * codes; its norms are number 37 of the two lines that each sketch has after them. */
static void test_signs_by_hand(void **state)
{
    enum { SKETCH = 2 * 64, NORMS = 2 * SKETCH, BLOCK = 2 * NORMS };
    const struct kvr_shape shape = {.head_dim = 16, .tokens = 102, .queries = 1, .tables = 4,
                                    .entries = 16};
    const struct kvr_format *format = &kvr_format_signs_u8;
    const uint16_t half = 0x3800, three = 0x4200;
    unsigned char *codes = aligned_bytes(2 * BLOCK), *block = codes + BLOCK;
    struct kvr_prepared_signs_u8 *p = aligned_bytes(format->prepared_bytes(&shape));
    double scores[102];
    (void)state;
    assert_int_equal(format->segment_bytes(&shape, 65), 2 * BLOCK);
    block[22] = 0xf1;               /* sketch 0, tables 0 and 1: 1 and 15 */
    block[SKETCH + 64 + 22] = 0x70; /* sketch 1, tables 2 and 3: 0 and 7 */
    memcpy(block + NORMS + 2 * 37, &half, sizeof half);
    memcpy(block + NORMS + 2 * (64 + 37), &three, sizeof three);
    p->tables[1] = 255;
    p->tables[16 + 15] = 3;
    p->tables[(4 + 2) * 16] = 4;
    p->tables[(4 + 3) * 16 + 7] = 5;
    p->step[0] = 0.25f;
    p->bias[0] = -4;
    p->step[1] = 2;
    p->bias[1] = -100;
    format->reference(&shape, 102, codes, NULL, p, scores);
    assert_true(scores[101] == 258 / 8.0 - 2 + 3 * (18.0 - 100));
    assert_true(scores[100] == 0);
    assert_true(format->magnitude(&shape, 102, codes) == 3);
    assert_true(format->magnitude(&shape, 101, codes) == 0);
    assert_true(format->scale(&shape, p) == 1020 / 4.0 - 4 + 2040 - 100);
    free(codes);
    free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_signs_by_hand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
