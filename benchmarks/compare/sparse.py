#!/usr/bin/env python3
"""Times a training step and the encoding of sparse autoencoders against PyTorch's on this machine, in turn.

Processor seconds of one thread each, the best of ROUNDS that are taken in turn, so that other work on the machine weighs on both. PyTorch takes the step that
SAELens 6.18 takes: dense products with autograd, top-k latents scattered into a dense array, clipping, Adam. Both are given the same shapes and normal rows. In the row "few" an encoder bias lets 60 latents a token fire.
Needs torch. Build first: mvn -DskipTests package. Then, with JAVA_HOME at a JDK 25:

    python benchmarks/compare/sparse.py             width 128, 2,048 latents
    python benchmarks/compare/sparse.py large       width 768, 24,576 latents: minutes, 5 GB
"""

import statistics
import subprocess
import sys
import time

import torch

from compare import JAVA

ROUNDS = 3
TOKENS = 4096
K = 32
FEW = 60
ROWS = ("topk", "relu", "few", "encode", "both")
SHAPES = {"small": (128, 2048), "large": (768, 24576)}


class Peer:
    """Hyaline in a process of its own."""

    def __init__(self):
        self.process = subprocess.Popen(
            JAVA + ["dev.hyaline.benchmarks.SparsePeer"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.kernels = self.process.stdout.readline().strip()

    def __call__(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        return float(self.process.stdout.readline())


class Autoencoder:
    def __init__(self, d, n):
        torch.manual_seed(1)
        decoder = torch.randn(n, d)
        decoder *= 0.1 / decoder.norm(dim=1, keepdim=True)
        self.W_dec = decoder.requires_grad_()
        self.W_enc = decoder.detach().T.clone().requires_grad_()
        self.b_enc = torch.zeros(n, requires_grad=True)
        self.b_dec = torch.zeros(d, requires_grad=True)
        self.parameters = [self.W_enc, self.b_enc, self.W_dec, self.b_dec]
        self.optimizer = torch.optim.Adam(self.parameters, lr=3e-4)

    def encode(self, x, top):
        z = (x - self.b_dec) @ self.W_enc + self.b_enc
        if not top:
            return z.relu()
        scores = z * self.W_dec.norm(dim=1)
        values, indices = scores.topk(K, dim=-1, sorted=False)
        return torch.zeros_like(z).scatter_(-1, indices, values.relu())

    def decode(self, f, top):
        if top:
            f = f / self.W_dec.norm(dim=1)
        return f @ self.W_dec + self.b_dec

    def step(self, x, top):
        f = self.encode(x, top)
        loss = (self.decode(f, top) - x).pow(2).sum(-1).mean()
        if not top:
            loss = loss + 5 * (f * self.W_dec.norm(dim=1)).sum(-1).mean()
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimizer.step()


def few_bias(n):
    """Leaves FEW latents a token on normal rows, whose pre-activations have a deviation of 0.1."""
    return -0.1 * statistics.NormalDist().inv_cdf(1 - FEW / n)


def torch_seconds(what, d, n, x):
    sae = Autoencoder(d, n)
    if what == "few":
        sae.b_enc.data.fill_(few_bias(n))
    best = float("inf")
    for _ in range(3):
        begin = time.thread_time()
        if what in ("topk", "relu", "few"):
            sae.step(x, what == "topk")
        else:
            with torch.no_grad():
                f = sae.encode(x, True)
                if what == "both":
                    sae.decode(f, True)
        best = min(best, time.thread_time() - begin)
    return best


def product_seconds(d, n, x):
    w = torch.randn(d, n)
    best = float("inf")
    for _ in range(3):
        begin = time.thread_time()
        x @ w
        best = min(best, time.thread_time() - begin)
    return best


def main():
    torch.set_num_threads(1)
    d, n = SHAPES["large" if "large" in sys.argv[1:] else "small"]
    x = torch.randn(TOKENS, d)
    peer = Peer()
    print(f"{peer.kernels}; width {d}, {n} latents, {TOKENS} tokens, k {K}; processor seconds of one thread")
    product = min(product_seconds(d, n, x) for _ in range(ROUNDS))
    print(f"one dense product P by PyTorch: {product:.4f} s")
    print(f"{'':10}{'Hyaline':>10}{'in P':>7}{'PyTorch':>10}{'in P':>7}{'ratio':>8}")
    for what in ROWS:
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(peer(what, d, n, few_bias(n) if what == "few" else K, TOKENS))
            theirs.append(torch_seconds(what, d, n, x))
        a, b = min(ours), min(theirs)
        print(f"{what:10}{a:10.4f}{a / product:7.2f}{b:10.4f}{b / product:7.2f}{b / a:7.2f}x", flush=True)


if __name__ == "__main__":
    main()
