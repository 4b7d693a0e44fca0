/* SPDX-License-Identifier: GPL-3.0-or-later
 *
 * The list of codecs, and the refusals that several of them share.
 */
#include "codecs.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct kvr_codec *const codecs[] = {
    &kvr_codec_fp16,
    &kvr_codec_bf16,
    &kvr_codec_int8,
    &kvr_codec_int4,
    &kvr_codec_int8q8,
    &kvr_codec_int4q8,
    &kvr_codec_int4g32,
    &kvr_codec_lookat,
    &kvr_codec_q8_0,
    &kvr_codec_q4_0,
    &kvr_codec_kivi2,
    &kvr_codec_kivi4,
    &kvr_codec_squat2,
    &kvr_codec_squat4,
    &kvr_codec_asymkv1,
    &kvr_codec_wkvquant,
    &kvr_codec_opq,
    &kvr_codec_aqlm,
    &kvr_codec_qjl,
    &kvr_codec_rvq,
    NULL,
};

const struct kvr_codec *const *kvr_codecs(void)
{
    return codecs;
}

const struct kvr_codec *kvr_codec_find(const char *name)
{
    for (size_t i = 0; codecs[i]; i++) {
        if (strcmp(codecs[i]->name, name) == 0)
            return codecs[i];
    }
    return NULL;
}

int kvr_codec_train(const struct kvr_codec *codec, const struct kvr_shape *shape,
                    const float *keys, size_t count, const struct kvr_teaching *teaching,
                    uint64_t seed, void *side)
{
    int rc = codec->train(shape, keys, count, seed, side);
    if (!rc && codec->train_queries && teaching->count)
        rc = codec->train_queries(shape, teaching, side);
    return rc;
}

const char *kvr_refusal(const char *format, ...)
{
    static _Thread_local char sentence[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sentence, sizeof sentence, format, arguments);
    va_end(arguments);
    return sentence;
}

const char *kvr_refuses_group(const char *name, const struct kvr_shape *shape)
{
    if (shape->group)
        return kvr_refusal("%s has no scale groups, but %u channels were asked to share a scale",
                           name, shape->group);
    return NULL;
}

const char *kvr_refuses_tables(const char *name, const struct kvr_shape *shape, uint32_t tables,
                               uint32_t entries)
{
    if (shape->tables != tables || shape->entries != entries)
        return kvr_refusal("%s has %u tables of %u entries at d = %u, not %u of %u", name, tables,
                           entries, shape->head_dim, shape->tables, shape->entries);
    return kvr_refuses_group(name, shape);
}

const char *kvr_refuses_rows(const char *name, const struct kvr_shape *shape)
{
    uint32_t d = shape->head_dim;
    if (d == 0 || d % 16 || d > KVR_MAX_HEAD_DIM)
        return kvr_refusal("%s serves head dims (--head-dim) that are multiples of 16 up to %d, "
                           "not %u",
                           name, KVR_MAX_HEAD_DIM, d);
    return kvr_refuses_group(name, shape);
}

void kvr_encoder_text(const struct kvr_codec *codec, const struct kvr_shape *shape,
                      const struct kvr_squat_settings *squat, char *text, size_t bytes)
{
    char settings[40] = "";
    if (codec->train_queries)
        kvr_squat_text(squat, settings, sizeof settings);
    if (shape->residual)
        snprintf(text, bytes, "%s%sR%u", settings, *settings ? "/" : "", shape->residual);
    else
        snprintf(text, bytes, "%s", settings);
}
