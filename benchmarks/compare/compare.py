#!/usr/bin/env python3
"""Times Hyaline against PyTorch on this machine, in turn, and prints medians and ratios.

Needs torch, transformers and safetensors; the row "every site recorded" needs transformer_lens too and is left out
without it. Build first: mvn -DskipTests package. Then, with JAVA_HOME at a JDK 25:

    python benchmarks/compare/compare.py            all rows
    python benchmarks/compare/compare.py decode     the rows whose name contains a word
"""

import copy
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import transformers
from transformers import GPT2Config, GPT2LMHeadModel

import machine

HERE = Path(__file__).resolve().parent
JAR = HERE.parent / "target" / "benchmarks.jar"
JAVA = [
    str(Path(os.environ["JAVA_HOME"]) / "bin" / "java") if "JAVA_HOME" in os.environ else "java",
    "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED",
    # Large arrays start in the old generation and on large pages, as the launcher has it too.
    "-XX:+UseSerialGC", "-XX:PretenureSizeThreshold=1m", "-XX:+UseTransparentHugePages", "-Xms4g", "-Xmx4g", "-Xmn64m",
    "-cp", str(JAR),
]
RAGGED = [8, 64, 15, 57, 22, 50, 29, 43, 36, 36, 43, 29, 50, 22, 57, 17]
ROUNDS = 9
WARM_UP = 4


class Peer:
    """Hyaline in a process of its own."""

    def __init__(self, checkpoint, heap="4g"):
        self.process = subprocess.Popen(
            [word.replace("4g", heap) for word in JAVA] + ["dev.hyaline.benchmarks.ComparePeer", str(checkpoint)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.kernels = self.process.stdout.readline().strip()

    def __call__(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("the Java side ended")
        return float(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def in_turn(hyaline, other, rounds=ROUNDS):
    """Medians of both, measured in turn so that a busy machine slows both.

    The first rounds warm up: code is compiled, and memory that nobody has used yet is slow on both sides.
    """
    ours, theirs = [], []
    for i in range(rounds + WARM_UP):
        time.sleep(0.3)  # PyTorch's threads spin for a while after their work and would take a core from Hyaline
        a, b = hyaline(), other()
        if i >= WARM_UP:
            ours.append(a)
            theirs.append(b)
    return statistics.median(ours), statistics.median(theirs)


def tokens(length):
    return torch.tensor([[i * 7919 % 50257 for i in range(length)]])


def decode_step(model, sequences, steps=32):
    """Seconds a step of greedy decoding with a key/value cache, after prompts of 16 tokens."""
    out = model(tokens(16).expand(sequences, -1), use_cache=True)
    start = time.perf_counter()
    for _ in range(steps):
        out = model(out.logits[:, -1:].argmax(-1), past_key_values=out.past_key_values, use_cache=True)
    return (time.perf_counter() - start) / steps


@torch.enable_grad()
def back(model, ids):
    """The gradient at the embeddings of a difference of the last token's logits."""
    embeddings = model.transformer.wte(ids).detach().requires_grad_()
    logits = model(inputs_embeds=embeddings, logits_to_keep=1).logits[0, -1]
    (logits[1] - logits[2]).backward()
    return embeddings.grad


@torch.enable_grad()
def train(model, adam, ids):
    """A step of AdamW on the cross-entropy of every next token, with the gradient's norm clipped."""
    loss = torch.nn.functional.cross_entropy(model(ids[:, :-1]).logits[0], ids[0, 1:])
    adam.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    adam.step()


def padded(lengths):
    width = max(lengths)
    ids = torch.zeros(len(lengths), width, dtype=torch.long)
    mask = torch.zeros(len(lengths), width, dtype=torch.long)
    for row, length in enumerate(lengths):
        ids[row, :length] = tokens(length)[0]
        mask[row, :length] = 1
    return ids, mask


def lens_like(model):
    """TransformerLens's model of the same shape, random weights."""
    from transformer_lens import HookedTransformer, HookedTransformerConfig

    c = model.config
    return HookedTransformer(HookedTransformerConfig(
        n_layers=c.n_layer, d_model=c.n_embd, n_heads=c.n_head, d_head=c.n_embd // c.n_head, d_mlp=4 * c.n_embd,
        n_ctx=c.n_positions, d_vocab=c.vocab_size, act_fn="gelu_new", normalization_type="LN")).eval()


HF_START = """
import sys, torch
from transformers import GPT2LMHeadModel
torch.set_num_threads(2)
with torch.no_grad():
    print(GPT2LMHeadModel.from_pretrained(sys.argv[1]).eval()(torch.arange(16)[None]).logits[0, -1, -1].item())
"""


def main():
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    torch.set_num_threads(int(os.environ.get("HYALINE_THREADS", os.cpu_count())))
    torch.manual_seed(1)
    model = GPT2LMHeadModel(GPT2Config()).eval()

    def row(name, unit, ours, theirs, ratio, work, note=""):
        print(f"{name:44} {ours:10.1f} {theirs:10.1f} {unit:9} ratio {ratio:6.2f}   "
              f"target {machine.target(work)}{note}", flush=True)

    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        f32, bf16 = Path(folder, "f32"), Path(folder, "bf16")
        model.save_pretrained(f32)
        GPT2LMHeadModel.from_pretrained(f32).to(torch.bfloat16).save_pretrained(bf16)
        peer = Peer(f32)
        print(f"Hyaline ({peer.kernels}) and PyTorch {torch.__version__}, transformers {transformers.__version__}, "
              f"{torch.get_num_threads()} threads; medians of {ROUNDS}, load {os.getloadavg()[0]:.1f}")
        peer("peak")  # compiles it
        peak = peer("peak")
        print(f"{machine.name()}: {peak / 1e9:.0f} GFLOP/s of multiply-adds in registers")
        resident = peer("resident")
        for length in 30 * [16] + 30 * [64] + 5 * [512]:  # a JIT compiler wants to see the work before it is timed
            peer("forward", length)
        size = sum(p.numel() for p in model.parameters()) * 4
        if wanted in "resident memory after load":
            row("resident memory after load", "MB", resident / 1e6, (size * 1.1 + 150e6) / 1e6,
                resident / (size * 1.1 + 150e6), "memory")

        def versus(name, words, other, work):
            if wanted in name:
                a, b = in_turn(lambda: peer(*words), lambda: seconds(other))
                row(name, "ms", a * 1e3, b * 1e3, a / b, work)

        for length in (16, 128, 512, 1024):
            ids = tokens(length)
            versus(f"forward, all logits, 1 x {length}", ("forward", length), lambda: model(ids), f"forward {length}")
        ids, mask = padded(RAGGED)
        versus(f"forward, 16 prompts, {sum(RAGGED)} tokens", ("ragged", *RAGGED),
               lambda: model(ids, attention_mask=mask), "ragged")
        name = "every site recorded, 1 x 512"
        if wanted in name:
            try:
                lens = lens_like(model)
                versus(name, ("record", 512), lambda: lens.run_with_cache(tokens(512)), "recorded")
            except ImportError:
                print(f"{name:44} left out: transformer_lens is not installed")
            a, b = in_turn(lambda: peer("record", 512), lambda: peer("forward", 512))
            row(name + ", over unwatched", "ms", a * 1e3, b * 1e3, a / b, "recorded over unwatched")
        for parameter in model.parameters():
            parameter.requires_grad_(False)
        versus("forward and back, frozen weights, 1 x 512", ("backward", 512), lambda: back(model, tokens(512)),
               "forward and back 512")
        name = "training step, 1 x 512"
        if wanted in name:
            trained = copy.deepcopy(model).train()
            for module in trained.modules():
                if isinstance(module, torch.nn.Dropout):
                    module.p = 0
            for parameter in trained.parameters():
                parameter.requires_grad_(True)
            adam = torch.optim.AdamW(trained.parameters(), 1e-4, (0.9, 0.95), weight_decay=0.1)
            trainer = Peer(f32, "8g")  # parameters, their gradients and two moments
            a, b = in_turn(lambda: trainer("train", 512), lambda: seconds(lambda: train(trained, adam, tokens(513))), 3)
            trainer.close()
            row(name, "ms", a * 1e3, b * 1e3, a / b, "training step 512")
            del trained, adam
        for sequences in (1, 8):
            name = f"decode, {sequences} together"
            if wanted in name:
                a, b = in_turn(lambda: peer("decode", sequences, 32), lambda: decode_step(model, sequences), 5)
                row(name, "tokens/s", sequences / a, sequences / b, b / a, f"decode {sequences}")
        name = "decode, 1, over a plain read of the weights"
        if wanted in name:
            a, b = in_turn(lambda: peer("decode", 1, 32), lambda: peer("stream"), 5)
            row(name, "tokens/s", 1 / a, 1 / b, b / a, "decode over a plain read", f"; a read of {size / b / 1e9:.1f} GB/s")
        for m, k, n in ((1024, 768, 3072), (1024, 3072, 768), (128, 768, 3072)):
            name = f"product {m} x {k} x {n}"
            if wanted in name:
                x, y = torch.randn(m, k), torch.randn(k, n)
                a, b = in_turn(lambda: peer("product", m, k, n), lambda: seconds(lambda: x @ y), 25)
                flops = 2 * m * k * n
                row(name, "GFLOP/s", flops / a / 1e9, flops / b / 1e9, b / a, name,
                    f"; {flops / a / peak:.0%} and {flops / b / peak:.0%} of the peak")
        name = "decode, BF16 over F32"
        if wanted in name:
            half = Peer(bf16)
            a, b = in_turn(lambda: half("decode", 1, 32), lambda: peer("decode", 1, 32), 5)
            row(name, "tokens/s", 1 / a, 1 / b, b / a, "decode from bfloat16")
            half.close()
        peer.close()
        name = "cold start to the first logits"
        if wanted in name:
            def run(command):
                subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

            a, b = in_turn(
                lambda: seconds(lambda: run(JAVA + ["dev.hyaline.benchmarks.FirstLogits", str(f32)])),
                lambda: seconds(lambda: run([sys.executable, "-c", HF_START, str(f32)])), 3)
            row(name, "ms", a * 1e3, b * 1e3, a / b, "cold start")


if __name__ == "__main__":
    main()
