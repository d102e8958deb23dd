#!/usr/bin/env python3
"""Trains in PyTorch the autoencoder that `hyaline sae train` trains by default, on the same activations for as many steps, and measures it.

Top-k 16 of 10 times the width, SAELens's auxiliary loss, activations scaled to the root of the width, Adam at 1e-3 that falls to 0 in the last fifth, 1,500 batches
of 1,024 tokens. Prints the explained variance on rows that were not trained on, beside which that of `hyaline sae evaluate` stands. Needs torch and safetensors.

    hyaline dump --prompts train.jsonl --sites resid_post --layers 2 --skip-bos --shards --out train
    hyaline dump --prompts test.jsonl --sites resid_post --layers 2 --skip-bos --shards --out test
    python benchmarks/compare/sparse_training.py train test blocks.2.hook_resid_post
"""

import glob
import sys
import time

import torch
from safetensors.torch import load_file

K, WIDTHS, STEPS, BATCH, RATE = 16, 10, 1500, 1024, 1e-3
DEAD_AFTER = max(100, STEPS // 15)


def rows(folder, site):
    return torch.cat([load_file(file)[site].float() for file in sorted(glob.glob(f"{folder}/*.safetensors"))])


def latents(z, norms):
    values, indices = (z * norms).topk(K, dim=-1)
    return torch.zeros_like(z).scatter_(-1, indices, (values / norms[indices]).relu())


def main():
    torch.set_num_threads(1)
    torch.manual_seed(1)
    x = rows(sys.argv[1], sys.argv[3])
    d = x.shape[1]
    n = WIDTHS * d
    factor = d**0.5 / x[: 8 * BATCH].norm(dim=1).mean()
    decoder = torch.randn(n, d)
    decoder *= 0.1 / decoder.norm(dim=1, keepdim=True)
    w_dec = decoder.requires_grad_()
    w_enc = decoder.detach().T.clone().requires_grad_()
    b_enc = torch.zeros(n, requires_grad=True)
    b_dec = torch.zeros(d, requires_grad=True)
    parameters = [w_enc, b_enc, w_dec, b_dec]
    adam = torch.optim.Adam(parameters, lr=RATE)
    idle = torch.zeros(n)
    order = torch.randperm(len(x))
    begin = time.time()
    for step in range(STEPS):
        batch = x[order[torch.arange(step * BATCH, (step + 1) * BATCH) % len(x)]] * factor
        z = (batch - b_dec) @ w_enc + b_enc
        f = latents(z, w_dec.detach().norm(dim=1))
        rest = batch - (f @ w_dec + b_dec)
        loss = rest.pow(2).sum(-1).mean()
        dead = (idle > DEAD_AFTER).nonzero().flatten()
        if len(dead) > 0:
            k = min(d // 2, len(dead))
            scores, chosen = (z[:, dead] * w_dec[dead].detach().norm(dim=1)).topk(k, dim=-1)
            kept = torch.zeros(len(batch), len(dead)).scatter(-1, chosen, z[:, dead].gather(-1, chosen))
            loss = loss + min(len(dead) / (d // 2), 1) * (kept @ w_dec[dead] - rest.detach()).pow(2).sum(-1).mean()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        adam.param_groups[0]["lr"] = RATE * min(1.0, (STEPS - step) / (STEPS // 5))
        adam.step()
        idle += 1
        idle[(f.detach() != 0).any(0)] = 0
    seconds = time.time() - begin
    with torch.no_grad():
        y = rows(sys.argv[2], sys.argv[3])
        f = latents((y * factor - b_dec) @ w_enc + b_enc, w_dec.norm(dim=1))
        error = (f @ w_dec + b_dec) / factor - y
        explained = 1 - error.pow(2).sum(-1).mean() / (y.pow(2).sum(-1).mean() - y.mean(0).pow(2).sum())
    print(f"PyTorch: explained_variance {explained:.4f}, l0 {(f != 0).sum(-1).float().mean():.1f}, "
          f"{int((f != 0).any(0).logical_not().sum())} of {n} latents never fire on {len(y)} rows; {seconds:.0f} s")


if __name__ == "__main__":
    main()
