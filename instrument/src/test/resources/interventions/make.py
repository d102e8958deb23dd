"""Writes what TransformerLens computes under interventions at every hook site: python make.py CHECKPOINT OUT

OUT.json holds the cases, each with its interventions in Hyaline's own format; OUT.safetensors the tokens and, for each case, the
logits of the last two positions of the first prompt, computed in float64, stored as float32.
"""

import json
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2LMHeadModel
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens.pretrained.weight_conversions.gpt2 import convert_gpt2_weights

ACTIVATIONS = {"gelu_new": "gelu_new", "gelu": "gelu", "relu": "relu"}
LAYER = 1
BLOCK_SITES = [
    "hook_resid_pre", "hook_attn_in", "hook_q_input", "hook_k_input", "hook_v_input", "ln1.hook_scale",
    "ln1.hook_normalized", "attn.hook_q", "attn.hook_k", "attn.hook_v", "attn.hook_attn_scores", "attn.hook_pattern",
    "attn.hook_z", "attn.hook_result", "hook_attn_out", "hook_resid_mid", "hook_mlp_in", "ln2.hook_scale",
    "ln2.hook_normalized", "mlp.hook_pre", "mlp.hook_post", "hook_mlp_out", "hook_resid_post"]
SITES = (["hook_embed", "hook_pos_embed"] + ["blocks.%d.%s" % (LAYER, s) for s in BLOCK_SITES]
         + ["ln_final.hook_scale", "ln_final.hook_normalized", "unembed.hook_in", "unembed.hook_out"])


def lens_model(folder, dtype):
    torch.set_default_dtype(dtype)
    hf = GPT2LMHeadModel.from_pretrained(folder, dtype=dtype)
    c = hf.config
    cfg = HookedTransformerConfig(
        n_layers=c.n_layer, d_model=c.n_embd, n_ctx=c.n_positions, d_head=c.n_embd // c.n_head, n_heads=c.n_head,
        d_mlp=c.n_inner or 4 * c.n_embd, d_vocab=c.vocab_size, act_fn=ACTIVATIONS[c.activation_function],
        eps=c.layer_norm_epsilon, normalization_type="LN", dtype=dtype, device="cpu",
        scale_attn_by_inverse_layer_idx=c.scale_attn_by_inverse_layer_idx, original_architecture="GPT2LMHeadModel")
    model = HookedTransformer(cfg)
    state = {k: v.detach().clone() for k, v in convert_gpt2_weights(hf, cfg).items()}
    model.load_and_process_state_dict(
        model.fill_missing_keys(state), refactor_factored_attn_matrices=False, fold_ln=False,
        center_writing_weights=False, center_unembed=False, fold_value_biases=False)
    return model.to(dtype)


def use(model, site):
    """Has the model form the site, and only then: split inputs change where LayerNorm reads."""
    model.set_use_attn_in(site.endswith("attn_in"))
    model.set_use_split_qkv_input(site.endswith(("q_input", "k_input", "v_input")))
    model.set_use_hook_mlp_in(site.endswith("mlp_in"))
    model.set_use_attn_result(site.endswith("hook_result"))


def run(model, site, tokens, function):
    """Logits with one site's value replaced by what a function makes of it."""
    use(model, site)
    with torch.no_grad():
        if site == "unembed.hook_out":
            return function(model(tokens))
        if site == "unembed.hook_in":
            handle = model.unembed.register_forward_pre_hook(lambda module, inputs: (function(inputs[0]),))
            try:
                return model(tokens)
            finally:
                handle.remove()
        return model.run_with_hooks(tokens, fwd_hooks=[(site, lambda value, hook: function(value))])


def edit(case, value, other):
    """The edited copy of a site's value: every chosen place, a token or a head's part of it, by itself."""
    value = value.clone()
    is_map = case["site"].endswith(("attn_scores", "pattern"))
    headed = is_map or value.dim() == 4
    positions, heads = case["at"]["positions"], case["at"]["heads"] if headed else [None]
    for p in positions:
        if case["do"] == "swap_heads":
            a, b = heads
            rows = [(0, h, p, slice(0, p + 1)) if is_map else (0, p, h) for h in (a, b)]
            first, second = value[rows[0]].clone(), value[rows[1]].clone()
            value[rows[0]], value[rows[1]] = second, first
            continue
        for h in heads:
            row = (0, h, p, slice(0, p + 1)) if is_map else (0, p, h) if headed else (0, p)
            before = value[row].clone()
            after = before.clone()
            numbers = lambda key: torch.tensor(case[key], dtype=value.dtype)
            if case["do"] == "zero":
                after = torch.zeros_like(before)
            elif case["do"] == "set":
                after = torch.full_like(before, case["value"])
            elif case["do"] == "add":
                after = before + case["coefficient"] * numbers("vector")
            elif case["do"] == "scale":
                after = before * case["factor"]
            elif case["do"] == "project_out":
                q, _ = torch.linalg.qr(torch.tensor(case["directions"], dtype=torch.float64).T)
                after = before - (q @ (q.T @ before.double())).to(before.dtype)
            elif case["do"] == "patch":
                after = other[row].clone()
            chosen = case["at"]["components"]
            if chosen is None:
                value[row] = after
            else:
                kept = before.clone()
                for c in chosen:
                    if c < kept.shape[0]:
                        kept[c] = after[c]
                value[row] = kept
    return value


def cases(site, width, heads, length, is_map, generator):
    headed = heads > 0
    some = [1, heads - 1] if headed else None
    every = list(range(heads)) if headed else None
    vector = lambda: [round(v, 3) for v in torch.randn(width, generator=generator, dtype=torch.float64).tolist()]

    def case(do, positions, chosen_heads, components=None, **more):
        made = {"do": do, "site": site, "positions": ",".join(map(str, positions))}
        if headed and chosen_heads != every:
            made["heads"] = ",".join(map(str, chosen_heads))
        if components is not None:
            made["components"] = ",".join(map(str, components))
        made.update(more)
        return dict(made, at={"positions": positions, "heads": chosen_heads, "components": components})

    middle = [2, 3, length - 1]
    part = [0] if width == 1 else [0, min(2, width - 1)]
    yield case("zero" if "scale" not in site else "set", [length - 2], some, None, **({"value": 1.5} if "scale" in site else {}))
    yield case("scale", middle, every, factor=0.5)
    yield case("set", [length - 2], some, part, value=0.75)
    yield case("patch", middle, some, source="other")
    yield case("add", [length - 2], some, coefficient=0.5, vector=[0.5] if is_map or width == 1 else vector())
    if not is_map and width > 1:
        yield case("project_out", [length - 2, length - 1], every, directions=[vector(), vector()])
    if headed:
        yield case("swap_heads", [length - 2], some)


def main(folder, out):
    tokens = load_file(folder + "/golden.safetensors")["tokens"][:2, :6]
    tensors, made = {"tokens": tokens.clone()}, []
    models = {dtype: lens_model(folder, dtype) for dtype in (torch.float64, torch.float32)}
    generator = torch.Generator().manual_seed(7)
    for site in SITES:
        seen = {}
        for dtype, model in models.items():
            torch.set_default_dtype(dtype)
            values = []
            run(model, site, tokens, lambda value: (values.append(value.clone()), value)[1])
            seen[dtype] = values[0]
        value = seen[torch.float64]
        is_map = site.endswith(("attn_scores", "pattern"))
        heads = models[torch.float64].cfg.n_heads if is_map or value.dim() == 4 else 0
        for case in cases(site, 1 if is_map else value.shape[-1], heads, tokens.shape[1], is_map, generator):
            logits = {}
            for dtype, model in models.items():
                torch.set_default_dtype(dtype)
                logits[dtype] = run(model, site, tokens[:1], lambda value: edit(case, value, seen[dtype][1:2]))[0, -2:]
            name = "%d" % len(made)
            tensors["logits." + name] = logits[torch.float64].float().contiguous()
            error = (logits[torch.float64] - logits[torch.float32].double()).abs().max().item()
            del case["at"]
            made.append({"interventions": {"format": "hyaline-interventions/1", "interventions": [case]},
                         "float32_error": error})
    save_file(tensors, out + ".safetensors", metadata={"format": "pt"})
    with open(out + ".json", "w") as file:
        file.write("[\n" + ",\n".join(json.dumps(c) for c in made) + "\n]\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
