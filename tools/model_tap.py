# SPDX-License-Identifier: GPL-3.0-or-later
"""A Hugging Face model whose attention layers can be watched, and their keys coded."""

import os
import sys

import numpy as np
import torch
import transformers
from transformers import modeling_utils
from transformers.integrations.sdpa_attention import sdpa_attention_forward

EXIT_FAILED, EXIT_USAGE, EXIT_HOST, EXIT_OUTPUT = 1, 2, 3, 5
ROTATE = "apply_rotary_pos_emb"  # what transformers calls it in a model's file


class Refused(Exception):
    """A cause, and the option that helps; `code` is the exit code."""

    def __init__(self, message, code=EXIT_USAGE):
        super().__init__(message)
        self.code = code


class Tap:
    """Stands between a model and its attention: keeps what passes, or codes the keys."""

    def __init__(self, model):
        self.model, self.layers = model, model.config.get_text_config().num_hidden_layers
        self.layer, self.kept, self.rotated = None, {}, None
        self.keep = self.code = None  # code(layer, head, keys) -> keys, all numpy
        self.before = False           # code before the rotation
        owners = {type(module) for module in model.modules() if hasattr(module, "layer_idx")}
        files = {sys.modules[owner.__module__] for owner in owners}
        self.rotary = [file for file in files if hasattr(file, ROTATE)]
        for module in model.modules():
            if hasattr(module, "layer_idx"):
                module.register_forward_pre_hook(self._enter)
        for file in self.rotary:
            setattr(file, ROTATE, self._rotate(getattr(file, ROTATE)))
        modeling_utils.AttentionInterface.register("sdpa", self._attend)

    def _enter(self, module, _):
        self.layer, self.rotated = module.layer_idx, None

    def _rotate(self, rotate):
        def rotated(query, key, *more, **named):
            self.rotated = key
            if self.code and self.before:
                key = self._coded(key)
            return rotate(query, key, *more, **named)
        return rotated

    def _attend(self, module, query, key, value, mask, *more, scaling=None, **named):
        if self.layer != module.layer_idx:
            raise Refused(f"layer {module.layer_idx} of this model attends inside layer "
                          f"{self.layer}: this tool cannot tell its layers apart")
        if self.keep:
            factor = 1 if scaling is None else scaling * query.shape[-1] ** .5
            parts = {"q": query * factor, "k": key, "v": value, "k_prerope": self.rotated}
            for part in self.keep:
                self._keep(part, parts[part], key.shape)
        if self.code and not self.before:
            key = self._coded(key)
        return sdpa_attention_forward(module, query, key, value, mask, *more, scaling=scaling,
                                      **named)

    def _keep(self, part, tensor, key_shape):
        if part == "k_prerope" and (tensor is None or tensor.shape != key_shape):
            raise Refused("the keys of this model before rotation are not to be had: it has no "
                          "rotary embedding over whole heads that this tool knows; --rope after")
        if self.layer in self.kept.setdefault(part, {}):
            raise Refused(f"layer {self.layer} of this model attends more than once")
        self.kept[part][self.layer] = tensor[0].float().numpy().copy()

    def _coded(self, key):
        heads = [self.code(self.layer, head, keys) for head, keys in enumerate(key[0].numpy())]
        return torch.from_numpy(np.stack(heads))[None].to(key.dtype)

    def tensors(self, ids, parts):
        """{part: [layers, heads, tokens, channels]} of this text, float32."""
        self.kept, self.keep = {}, parts
        with torch.no_grad():
            self.model.base_model(torch.tensor([ids]), use_cache=False)
        self.keep = None
        for part in parts:
            if len(self.kept.get(part, {})) != self.layers:
                raise Refused(f"{len(self.kept.get(part, {}))} of the model's {self.layers} layers "
                              "have attention of transformers' interface: this tool serves models "
                              "where all have")
        return {part: np.stack([layers[i] for i in range(self.layers)])
                for part, layers in self.kept.items()}

    def loss(self, ids, code):
        """Mean loss in nats of predicting ids[1:], with coded keys if code is given."""
        self.code = code
        with torch.no_grad():
            logits = self.model(torch.tensor([ids[:-1]]), use_cache=False).logits[0].float()
        self.code = None
        return torch.nn.functional.cross_entropy(logits, torch.tensor(ids[1:])).item()


def load(name):
    """(model, tokenizer): the latter a function that is called where a text needs it."""
    transformers.utils.logging.disable_progress_bar()
    folder, more = name, {}
    if name.endswith(".gguf"):
        if not os.path.isfile(name):
            raise Refused(f"MODEL: {name}: no such file")
        folder, more = os.path.dirname(name) or ".", {"gguf_file": os.path.basename(name)}

    def read(kind, **how):
        try:
            return kind.from_pretrained(folder, **how, **more)
        except ImportError as error:
            raise Refused(f"MODEL: {name}: {error}", EXIT_HOST) from error
        except Exception as error:  # pylint: disable=broad-except # each reader has its own
            raise Refused(f"MODEL: {name}: {str(error).strip() or repr(error)}") from error

    model = read(transformers.AutoModelForCausalLM, attn_implementation="sdpa",
                 dtype=torch.float32)
    return model.eval(), lambda: read(transformers.AutoTokenizer)
