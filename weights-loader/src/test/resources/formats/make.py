"""Writes the test checkpoints of this folder; README.md says with what. Run as

    python make.py all          # needs torch, transformers, safetensors, tokenizers, gguf, transformer_lens
    python make.py tensorflow   # needs tensorflow alone; reads torch-zip/base.npz that "all" has left

Two tiny models: "small" is 8 wide, for formats that keep floats; "wide" is 32 wide, for blocks of 32 quantised values.
expected.safetensors holds what PyTorch computes in float64 from the very values that each file holds.
"""

import json
import pathlib
import struct
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent
TOKENS = [[72, 101, 258, 258, 0, 260], [260, 33, 259, 7, 200, 256]]
END = "<|endoftext|>"


def byte_alphabet():
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spare = iter(range(256, 512))
    return [chr(b) if b in keep else chr(next(spare)) for b in range(256)]


def vocabulary():
    merges = [("t", "h"), ("th", "e"), ("Ġ", "the"), ("Ġ", "a")]
    tokens = byte_alphabet() + ["".join(pair) for pair in merges] + [END]
    return tokens, [" ".join(pair) for pair in merges]


def write_tokenizer(folder, vocab="vocab.json", merges="merges.txt"):
    tokens, pairs = vocabulary()
    text = json.dumps({token: i for i, token in enumerate(tokens)})
    (folder / vocab).write_text(text)
    (folder / merges).write_text("#version: 0.2\n" + "\n".join(pairs) + "\n")


def folder(name):
    path = HERE / name
    path.mkdir(exist_ok=True)
    return path


def tensorflow():
    import os

    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    import tensorflow as tf

    tf1 = tf.compat.v1
    tf1.disable_eager_execution()
    path = folder("tensorflow")
    base = np.load(HERE / "base.npz")
    with tf1.Session() as session:
        variables = []
        for name in base.files:
            value = base[name]
            tf_name = name.replace("transformer.", "").replace(".weight", "/w").replace(".bias", "/b").replace(".", "/")
            if tf_name.startswith("h/"):
                tf_name = "h" + tf_name[2:]
            if tf_name in ("wte/w", "wpe/w"):
                tf_name = tf_name[:-2]
            if "ln_" in tf_name:
                tf_name = tf_name.replace("/w", "/g")
            if tf_name.endswith("/w"):
                value = value[None]  # conv1d kernels are [1, in, out]
            variables.append(tf1.Variable(value, name="model/" + tf_name))
        variables.append(tf1.Variable(7, name="global_step", dtype=tf.int32))  # as fine-tuning leaves it
        session.run(tf1.global_variables_initializer())
        saver = tf1.train.Saver(variables, save_relative_paths=True)
        saver.save(session, str(path / "model.ckpt"), write_meta_graph=False)
    hparams = {"n_vocab": 261, "n_ctx": 12, "n_embd": 8, "n_head": 2, "n_layer": 2}
    (path / "hparams.json").write_text(json.dumps(hparams))
    write_tokenizer(path, "encoder.json", "vocab.bpe")


def everything():
    import torch
    from safetensors.torch import save_file
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(11)
    expected = {"tokens": torch.tensor(TOKENS)}

    def model(**more):
        config = GPT2Config(n_layer=2, n_head=2, n_positions=12, vocab_size=261, **more)
        made = GPT2LMHeadModel(config).eval()
        with torch.no_grad():
            for name, p in made.named_parameters():
                p.copy_(torch.randn(p.shape) * 0.4 + (1.0 if name.endswith(("ln_1.weight", "ln_2.weight", "ln_f.weight")) else 0.0))
        return made

    def expect(name, made, rename=None):
        with torch.no_grad():
            expected[name] = made.double()(torch.tensor(TOKENS)).logits.float()
        made.float()

    def with_values(like, values):
        """A model of the same configuration that holds other values."""
        made = GPT2LMHeadModel(like.config).eval()
        made.load_state_dict(values, strict=False)
        made.tie_weights()
        return made

    def config_json(path, made, **more):
        c = made.config
        keys = {"model_type": "gpt2", "n_layer": 2, "n_head": 2, "n_embd": c.n_embd, "n_positions": 12, "vocab_size": c.vocab_size}
        if c.n_inner is not None:
            keys["n_inner"] = c.n_inner
        (path / "config.json").write_text(json.dumps({**keys, **more}))

    small = model(n_embd=8)
    expect("small", small)
    state = small.state_dict()
    np.savez(HERE / "base.npz", **{k: v.numpy() for k, v in state.items() if k != "lm_head.weight"})

    # torch.save, both containers
    path = folder("torch-zip")
    config_json(path, small)
    write_tokenizer(path)
    torch.save(state, path / "pytorch_model.bin")
    path = folder("torch-legacy")
    config_json(path, small)
    torch.save(state, path / "pytorch_model.bin", _use_new_zipfile_serialization=False)

    path = folder("torch-f16")
    config_json(path, small)
    halves = {k: v.half() for k, v in state.items()}
    torch.save(halves, path / "pytorch_model.bin")
    expect("torch-f16", with_values(small, halves))

    # Views of one storage at offsets, transposed strides, a Parameter, other data beside.
    path = folder("torch-strided")
    config_json(path, small)
    names = [k for k in state if k != "lm_head.weight"]
    pool = torch.cat([state[k].flatten() for k in names])
    views, at = {}, 0
    for k in names:
        n = state[k].numel()
        view = pool[at : at + n].view(state[k].shape)
        at += n
        views[k] = state[k].t().contiguous().t() if k.endswith("c_fc.weight") else view
    views["transformer.wpe.weight"] = torch.nn.Parameter(views["transformer.wpe.weight"])
    torch.save({"epoch": 3, "state_dict": views, "lr": 0.5, "note": None, "sizes": torch.Size([1, 2])}, path / "model.pth")

    # Shards, as save_pretrained made them before safetensors.
    path = folder("torch-sharded")
    config_json(path, small)
    weight_map = {}
    for i, part in enumerate((names[:10], names[10:])):
        shard = f"pytorch_model-0000{i + 1}-of-00002.bin"
        torch.save({k: state[k].clone() for k in part}, path / shard)
        weight_map |= dict.fromkeys(part, shard)
    (path / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))

    # nanoGPT, by the layout of its train.py and model.py
    def linear(k, v):
        return v.t().contiguous() if k.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")) else v.clone()

    def nano(path, made, prefix, bias):
        tensors = {prefix + k: linear(k, v) for k, v in made.state_dict().items() if bias or not k.endswith(".bias")}
        tensors[prefix + "lm_head.weight"] = tensors[prefix + "transformer.wte.weight"]  # tied
        optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(3))], lr=1e-3, betas=(0.9, 0.95))
        optimizer.param_groups[0]["params"][0].grad = torch.ones(3)
        optimizer.step()
        args = dict(n_layer=2, n_head=2, n_embd=8, block_size=12, bias=bias, vocab_size=made.config.vocab_size, dropout=0.0)
        torch.save(
            {
                "model": tensors,
                "optimizer": optimizer.state_dict(),
                "model_args": args,
                "iter_num": 5,
                "best_val_loss": torch.tensor(3.5),
                "config": {"out_dir": "out", "dtype": "bfloat16", "compile": True, "learning_rate": 6e-4},
            },
            path / "ckpt.pt",
        )

    erf = GPT2LMHeadModel(GPT2Config(n_layer=2, n_head=2, n_embd=8, n_positions=12, vocab_size=261, activation_function="gelu")).eval()
    erf.load_state_dict(state)
    expect("nanogpt", erf)
    nano(folder("nanogpt"), erf, "_orig_mod.", True)
    bare = GPT2LMHeadModel(GPT2Config(n_layer=2, n_head=2, n_embd=8, n_positions=12, vocab_size=320, activation_function="gelu")).eval()
    with torch.no_grad():
        for name, p in bare.named_parameters():
            p.copy_(torch.zeros(p.shape) if name.endswith(".bias") else torch.randn(p.shape) * 0.4)
    expect("nanogpt-biasless", bare)
    nano(folder("nanogpt-biasless"), bare, "", False)

    # llm.c, by the layout of write_model in its train_gpt2.py
    path = folder("llmc")
    blocks = ["ln_1.weight", "ln_1.bias", "attn.c_attn.weight", "attn.c_attn.bias", "attn.c_proj.weight", "attn.c_proj.bias"]
    blocks += ["ln_2.weight", "ln_2.bias", "mlp.c_fc.weight", "mlp.c_fc.bias", "mlp.c_proj.weight", "mlp.c_proj.bias"]
    order = [f"transformer.h.{i}.{b}" for b in blocks for i in range(2)]
    order = ["transformer.wte.weight", "transformer.wpe.weight", *order, "transformer.ln_f.weight", "transformer.ln_f.bias"]
    for version, dtype in ((3, torch.float32), (5, torch.bfloat16)):
        header = [20240326, version, 12, 261, 2, 2, 8, 384] + [0] * 248
        with open(path / ("gpt2_tiny.bin" if version == 3 else "gpt2_tiny_bf16.bin"), "wb") as out:
            out.write(struct.pack("<256i", *header))
            for k in order:
                v = linear(k, state[k])
                if k.endswith("wte.weight"):
                    v = torch.cat([v, torch.zeros(384 - 261, 8)])
                v = v.to(dtype)
                out.write((v.view(torch.int16) if version == 5 else v).numpy().tobytes())
    expect("llmc-bf16", with_values(small, {k: v.bfloat16() for k, v in state.items()}))

    # GGUF, by the gguf package, as llama.cpp's converter calls it
    import gguf

    wide = model(n_embd=32, n_inner=32)
    expect("wide", wide)
    types = gguf.GGMLQuantizationType
    tokens, merges = vocabulary()
    path = folder("gguf")
    for kind in (types.F32, types.F16, types.BF16, types.Q8_0, types.Q4_0):
        name = f"tiny-{kind.name.lower()}.gguf"
        writer = gguf.GGUFWriter(path / name, "gpt2")
        writer.add_name("tiny")
        writer.add_block_count(2)
        writer.add_context_length(12)
        writer.add_embedding_length(32)
        writer.add_feed_forward_length(32)
        writer.add_head_count(2)
        writer.add_layer_norm_eps(1e-5)
        writer.add_tokenizer_model("gpt2")
        writer.add_tokenizer_pre("gpt-2")
        writer.add_token_list(tokens)
        writer.add_token_types([gguf.TokenType.NORMAL] * 260 + [gguf.TokenType.CONTROL])
        writer.add_token_merges(merges)
        writer.add_bos_token_id(260)
        writer.add_eos_token_id(260)
        names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPT2, 2)
        kept = {}
        for k, v in wide.state_dict().items():
            if k == "lm_head.weight":
                continue
            value = linear(k, v).numpy()
            target = kind if value.ndim == 2 and not k.endswith("wpe.weight") else types.F32
            data = gguf.quants.quantize(value, target)
            back = torch.from_numpy(np.array(gguf.quants.dequantize(data, target)))
            kept[k] = back.t() if k.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight")) else back
            writer.add_tensor(names.get_name(k, try_suffixes=(".weight", ".bias")), data, raw_dtype=target)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        if kind != types.F32:
            expect(name.removesuffix(".gguf"), with_values(wide, kept))

    # Blocks of the types that llama-quantize mixes in, decoded by the gguf package.
    rng = np.random.default_rng(5)
    decoded = {}
    for kind in (types.Q4_0, types.Q4_1, types.Q5_0, types.Q5_1, types.Q8_0, types.Q6_K):
        size = gguf.GGML_QUANT_SIZES[kind][1]
        block = rng.integers(0, 256, (3, size), dtype=np.uint8)
        scale = np.frombuffer(rng.normal(size=3).astype(np.float16).tobytes(), np.uint8).reshape(3, 2)
        block[:, -2:] = scale  # the scale of Q6_K ends the block
        if kind != types.Q6_K:
            block[:, :2] = scale
        if kind in (types.Q4_1, types.Q5_1):
            block[:, 2:4] = scale[::-1]
        decoded[kind.name + ".bytes"] = torch.from_numpy(block)
        decoded[kind.name + ".values"] = torch.from_numpy(gguf.quants.dequantize(block, kind))
    save_file(decoded, HERE / "gguf" / "blocks.safetensors")

    # TransformerLens
    from transformer_lens import HookedTransformer, HookedTransformerConfig
    from transformer_lens.pretrained.weight_conversions import convert_gpt2_weights

    cfg = HookedTransformerConfig(n_layers=2, d_model=8, n_ctx=12, d_head=4, n_heads=2, d_mlp=32, d_vocab=261, act_fn="gelu_new",
                                  eps=1e-5, normalization_type="LN", default_prepend_bos=False)
    lens = HookedTransformer(cfg)
    converted = convert_gpt2_weights(small, cfg)
    converted.setdefault("unembed.b_U", torch.zeros(261))
    lens.load_state_dict(converted, strict=False)
    path = folder("transformerlens")
    torch.save(lens.state_dict(), path / "model.pt")
    with torch.no_grad():
        gap = (lens(torch.tensor(TOKENS)) - small(torch.tensor(TOKENS)).logits).abs().max()
    print("TransformerLens against transformers:", gap.item())
    lens.load_and_process_state_dict(dict(converted), fold_ln=True, center_writing_weights=True, center_unembed=True)
    path = folder("transformerlens-folded")
    torch.save(lens.state_dict(), path / "model.pt")
    with torch.no_grad():
        expected["transformerlens-folded"] = lens.to(torch.float64)(torch.tensor(TOKENS)).float()

    save_file({k: v.contiguous() for k, v in expected.items()}, HERE / "expected.safetensors")

    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    tokenizer = Tokenizer(models.BPE.from_file(str(HERE / "torch-zip/vocab.json"), str(HERE / "torch-zip/merges.txt")))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([END])
    texts = ["the thé a theatre", "a the<|endoftext|>the\n\n  日本", ""]
    ids = {text: tokenizer.encode(text).ids for text in texts}
    (HERE / "tokenizer.json").write_text(json.dumps(ids, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    tensorflow() if sys.argv[1:] == ["tensorflow"] else everything()
