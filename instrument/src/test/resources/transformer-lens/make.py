"""Writes what TransformerLens computes in float64 for a checkpoint: python make.py CHECKPOINT OUT.safetensors"""

import json
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import GPT2LMHeadModel
from transformer_lens import HookedTransformer, HookedTransformerConfig
from transformer_lens.pretrained.weight_conversions.gpt2 import convert_gpt2_weights

torch.set_default_dtype(torch.float64)
PROCESSING = ["fold_ln", "center_writing_weights", "center_unembed", "fold_value_biases"]
ACTIVATIONS = {"gelu_new": "gelu_new", "gelu": "gelu", "relu": "relu"}


def lens_model(folder, processing):
    hf = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float64)
    c = hf.config
    cfg = HookedTransformerConfig(
        n_layers=c.n_layer, d_model=c.n_embd, n_ctx=c.n_positions, d_head=c.n_embd // c.n_head, n_heads=c.n_head,
        d_mlp=c.n_inner or 4 * c.n_embd, d_vocab=c.vocab_size, act_fn=ACTIVATIONS[c.activation_function],
        eps=c.layer_norm_epsilon, normalization_type="LN", dtype=torch.float64, device="cpu",
        scale_attn_by_inverse_layer_idx=c.scale_attn_by_inverse_layer_idx, original_architecture="GPT2LMHeadModel",
        use_attn_result=False)
    model = HookedTransformer(cfg)
    state = {k: v.detach().clone() for k, v in convert_gpt2_weights(hf, cfg).items()}
    model.load_and_process_state_dict(
        model.fill_missing_keys(state), refactor_factored_attn_matrices=False,
        **{p: p in processing for p in PROCESSING})
    return model.double()


def main(folder, out):
    tensors, labels = {}, {}

    def keep(name, value, names=None):
        tensors[name] = value.detach().to(torch.float32).contiguous().clone()
        if names is not None:
            labels[name] = names

    tokens = load_file(folder + "/golden.safetensors")["tokens"][:2, :7]
    tensors["tokens"] = tokens.clone()
    answers = torch.tensor([5, 11])
    wrong = torch.tensor([2, 3])
    for basis, processing in [("raw", []), ("folded", PROCESSING)]:
        model = lens_model(folder, processing)
        _, cache = model.run_with_cache(tokens)
        n = model.cfg.n_layers
        mid = dict(layer=n - 1, mlp_input=True)
        both = dict(return_labels=True)
        keep(basis + ".accumulated", *cache.accumulated_resid(incl_mid=True, **both))
        keep(basis + ".accumulated.mid", *cache.accumulated_resid(**mid, **both))
        keep(basis + ".accumulated.lens", *cache.accumulated_resid(incl_mid=True, apply_ln=True, **both))
        keep(basis + ".decompose", *cache.decompose_resid(**both))
        keep(basis + ".decompose.mid.ln", *cache.decompose_resid(**mid, apply_ln=True, **both))
        keep(basis + ".heads", *cache.stack_head_results(incl_remainder=True, **both))
        last = dict(pos_slice=[tokens.shape[1] - 1])
        keep(basis + ".neurons", *cache.stack_neuron_results(n, incl_remainder=True, **last, **both))
        keep(basis + ".full", *cache.get_full_resid_decomposition(**last, **both))
        keep(basis + ".full.mid.mlps.ln", *cache.get_full_resid_decomposition(
            **mid, expand_neurons=False, apply_ln=True, **both))
        if basis == "folded":  # TransformerLens leaves the final norm's gain out
            keep("folded.logit_attrs", cache.logit_attrs(cache.decompose_resid(), answers[:, None], wrong[:, None]))
            keep("folded.logit_attrs.heads", cache.logit_attrs(cache.stack_head_results(), answers[:, None]))
    model = lens_model(folder, [])
    for name, circuit in [("QK", model.QK), ("OV", model.OV)]:
        keep(name + ".singular", circuit.svd()[1])
        keep(name + ".norm", circuit.norm())
        eigenvalues = circuit.eigenvalues
        keep(name + ".eigenvalues", torch.stack([eigenvalues.real, eigenvalues.imag], dim=-1))
    for mode in "QKV":
        keep("composition." + mode, model.all_composition_scores(mode))
    ov = model.OV[0, 1]
    full = model.embed.W_E @ ov @ model.unembed.W_U
    keep("full_ov.singular", full.svd()[1])
    keep("full_ov.eigenvalues", torch.stack([full.eigenvalues.real, full.eigenvalues.imag], dim=-1))
    for step in PROCESSING:
        before, after = lens_model(folder, []).state_dict(), lens_model(folder, [step]).state_dict()
        for name, value in after.items():
            if name in before and not torch.equal(before[name], value) and "mask" not in name:
                keep("process." + step + "." + name, value)
    save_file(tensors, out, metadata={"labels": json.dumps(labels)})


main(*sys.argv[1:])
