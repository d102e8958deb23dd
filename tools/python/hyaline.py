"""Reads what the hyaline command writes: dumps of activations and tables. Needs NumPy alone.

    import hyaline

    dump = hyaline.load("hyaline-dump")            # one file, or shards of a corpus
    dump                                           # what is in it
    dump["blocks.2.attn.hook_pattern"]             # an array; of prompts of unequal length a list of arrays
    dump["pattern", 2]                             # the same, by its short name
    dump["resid_post", 2, 0]                       # of the first prompt: [positions, width]
    dump.texts[0]                                  # its tokens as text

    table = hyaline.load("found/ablate-z.json")
    table.mean                                     # an array with the axes table.axes
    table.at(layer="2", head="4")                  # one cell: mean, interval, p, and a value for each sample

Values are read only when they are asked for, and are not copied: a dump may be larger than the memory. bfloat16,
which NumPy lacks, becomes float32.
"""

import json
import math
import pathlib

import numpy as np

_TYPES = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "U8": "u1"}


def load(path):
    """Opens a dump (its folder or its manifest.json) or reads a table (its .json, or the .csv beside it)."""
    path = pathlib.Path(path)
    if path.is_dir():
        path = path / "manifest.json"
    elif path.suffix == ".csv":
        path = path.with_suffix(".json")
    if not path.is_file():
        raise FileNotFoundError(f"{path} is not there; a dump has a manifest.json, and a table a .json")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as e:
        raise ValueError(f"{path} is neither the manifest of a dump nor a table: it is not JSON ({e})") from None
    if not isinstance(content, dict):
        content = {}
    form = content.get("format", "")
    if form == "hyaline-dump/1":
        return Dump(path.parent, content)
    if form == "hyaline-shards/1":
        return Shards(path.parent, content)
    if "axes" in content and "values" in content:
        return Table(content)
    raise ValueError(f"{path} is neither the manifest of a dump nor a table; its format is {form or 'not named'}")


def _plural(count, thing):
    return f"{count} {thing}" if count == 1 else f"{count} {thing}s"


class _Safetensors:
    """The tensors of one file, mapped into memory."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            self.header = json.loads(file.read(length))
        self.header.pop("__metadata__", None)
        self.begin = 8 + length

    def names(self):
        return list(self.header)

    def shape(self, name):
        return tuple(self.header[name]["shape"])

    def read(self, name):
        entry = self.header[name]
        kind, shape = entry["dtype"], tuple(entry["shape"])
        if math.prod(shape) == 0:
            return np.zeros(shape, "<f4" if kind == "BF16" else _TYPES[kind])
        offset = self.begin + entry["data_offsets"][0]
        values = np.memmap(self.path, dtype=_TYPES[kind], mode="r", offset=offset, shape=shape)
        return _widened(values) if kind == "BF16" else values


def _widened(bits):
    """bfloat16 is the upper half of a float32."""
    return (bits.astype("<u4") << 16).view("<f4")


class _Npz:
    def __init__(self, path):
        self.arrays = np.load(path)

    def names(self):
        return list(self.arrays.files)

    def shape(self, name):
        return self.arrays[name].shape

    def read(self, name):
        return self.arrays[name]


class _Named:
    """Hook points by their whole names, or by a short one and a layer."""

    points = ()

    def point(self, name, layer=None):
        """The whole name of a hook point: pattern and 2 give blocks.2.attn.hook_pattern."""
        if layer is None and name in self.points:
            return name
        if layer is not None and layer < 0:
            layer += 1 + max((_layer(point) for point in self.points if _layer(point) is not None), default=-1)
        found = [point for point in self.points if _fits(point, name, layer)]
        if len(found) == 1:
            return found[0]
        wanted = name if layer is None else f"{name} of layer {layer}"
        if found:
            raise KeyError(f"{wanted} is more than one hook point: {', '.join(found[:4])}, ...; name a layer")
        named = [point for point in self.points if _fits(point, name, None)]
        layers = [_layer(point) for point in named if _layer(point) is not None]
        if layers:
            there = f"{name} of {'layer' if len(layers) == 1 else 'layers'} {', '.join(map(str, sorted(layers)))}"
        elif named:
            there = f"{name}, which is of no layer"
        else:
            there = ", ".join(dict.fromkeys(".".join(_short(point)) for point in self.points))
        raise KeyError(f"the dump has no {wanted}; it has {there}")


def _layer(point):
    parts = point.removeprefix("grad.").split(".")
    return int(parts[1]) if parts[0] == "blocks" else None


def _short(point):
    parts = point.removeprefix("grad.").split(".")
    inner = parts[2:] if parts[0] == "blocks" else parts
    return [part.removeprefix("hook_") for part in inner]


def _fits(point, name, layer):
    wanted = [part.removeprefix("hook_") for part in name.split(".")]
    return (layer is None or _layer(point) == layer) and _short(point)[-len(wanted):] == wanted


class Dump(_Named):
    """Activations of prompts.

    points: names of hook points; tokens: an array for each prompt; texts: a list of the tokens' texts for each;
    sources: where each prompt is from; positions: of each prompt, those that rows are of; manifest: all else.
    """

    def __init__(self, folder, manifest):
        self.manifest = manifest
        activations = manifest["activations"]
        path = folder / activations["file"]
        self._file = _Npz(path) if activations["format"] == "npz" else _Safetensors(path)
        prefix = "grad." if "gradient_of" in manifest else ""
        self.points = [prefix + point for point in manifest["capture"]["points"]]
        prompts = manifest["prompts"]
        self.tokens = [np.array(prompt["tokens"]) for prompt in prompts]
        self.texts = [prompt["text"] for prompt in prompts]
        self.sources = [prompt["source"] for prompt in prompts]
        self._names = set(self._file.names())
        self._offsets = self._file.read("offsets") if "offsets" in self._names else None
        positions = self._file.read("positions")
        self.positions = [self._of(positions, prompt) for prompt in range(len(prompts))]

    def _of(self, values, prompt):
        if self._offsets is None:
            return values[prompt]
        return values[self._offsets[prompt]:self._offsets[prompt + 1]]

    def __len__(self):
        return len(self.tokens)

    def __getitem__(self, key):
        """dump[name], dump[name, layer] or dump[name, layer, prompt]; layer None for a point that has none."""
        name, layer, prompt = (*key, None, None)[:3] if isinstance(key, tuple) else (key, None, None)
        point = self.point(name, layer)
        if prompt is not None:
            return self.of(point, prompt)
        if self._offsets is None:
            return self._file.read(point)
        return [self.of(point, each) for each in range(len(self))]

    def of(self, point, prompt):
        """The values of a hook point at one prompt: [positions, ...], or of an attention map [heads, queries, keys]."""
        if not -len(self) <= prompt < len(self):
            raise IndexError(f"the dump has {_plural(len(self), 'prompt')}, counted from 0; found {prompt}")
        prompt %= len(self)
        if point in self._names:
            return self._of(self._file.read(point), prompt)
        return self._file.read(f"{point}.{prompt}")

    def __repr__(self):
        counts = f"{_plural(len(self), 'prompt')}, {_plural(len(self.points), 'hook point')}"
        lines = [f"Dump of {self.manifest['model']['name']}, {counts}"]
        for point in self.points:
            name = point if point in self._names else f"{point}.0"
            note = "" if self._offsets is None else " of all prompts" if name == point else " of the first prompt"
            lines.append(f"  {point}  {list(self._file.shape(name))}{note}")
        return "\n".join(lines)


class Shards(_Named):
    """Activations of a corpus, a row for each token: rows of all shards count from 0."""

    def __init__(self, folder, manifest):
        self.manifest = manifest
        self.points = [
            tensor["name"]
            for tensor in manifest["activations"]["tensors"]
            if tensor["name"] not in ("tokens", "positions", "documents")
        ]
        self._files = [_Safetensors(folder / shard["file"]) for shard in manifest["shards"]]
        self._rows = np.array([shard["rows"] for shard in manifest["shards"]], dtype=np.int64)

    def __len__(self):
        return int(self._rows.sum())

    def shards(self, name, layer=None):
        """The values shard by shard, [rows, width] each: a corpus need not fit into memory."""
        point = self._name(name, layer)
        return (file.read(point) for file in self._files)

    def rows(self, name, layer, first, last):
        """The values of the rows from first to before last: [rows, width]."""
        if not 0 <= first <= last <= len(self):
            raise IndexError(f"rows are from 0 to {len(self)}, found {first} to {last}")
        point = self._name(name, layer)
        parts, begin = [], 0
        for file, rows in zip(self._files, self._rows):
            low, high = max(first, begin), min(last, begin + rows)
            if low < high:
                parts.append(file.read(point)[low - begin:high - begin])
            begin += rows
        if len(parts) == 1:
            return parts[0]
        return np.concatenate(parts) if parts else self._files[0].read(point)[:0]

    def __getitem__(self, key):
        """dump[name] or dump[name, layer]: all rows, read into memory; tokens, positions, documents are names too."""
        name, layer = (*key, None)[:2] if isinstance(key, tuple) else (key, None)
        return self.rows(name, layer, 0, len(self))

    def _name(self, name, layer):
        return name if name in ("tokens", "positions", "documents") else self.point(name, layer)

    def __repr__(self):
        counts = f"{_plural(len(self), 'row')} in {_plural(len(self._files), 'file')}"
        lines = [f"Shards of {self.manifest['model']['name']}, {counts}"]
        widths = {tensor["name"]: tensor["row_shape"] for tensor in self.manifest["activations"]["tensors"]}
        lines += [f"  {point}  {[len(self), *widths[point]]}" for point in self.points]
        return "\n".join(lines)


class Table:
    """A table of results.

    axes: labels by name of axis; samples: names; values: an array [axes..., samples]; mean and standard_error: arrays
    [axes...], as effect, interval_low, interval_high, p, adjusted_p and effect_size, which are NaN where not known;
    made: how it was made.
    """

    FIGURES = ("effect", "interval_low", "interval_high", "p", "adjusted_p", "effect_size")

    def __init__(self, content):
        self.title = content["title"]
        self.quantity = content["quantity"]
        self.neutral = content.get("neutral")
        self.axes = {axis["name"]: axis["labels"] for axis in content["axes"]}
        self.samples = content["samples"]
        self.made = content.get("made")
        self.statistics = content.get("statistics", {})
        shape = tuple(len(labels) for labels in self.axes.values())
        self.values = np.array(content["values"], dtype=float).reshape(*shape, len(self.samples))
        self.mean = np.array(content["mean"], dtype=float).reshape(shape)
        self.standard_error = np.array(content["standard_error"], dtype=float).reshape(shape)
        for name in self.FIGURES:
            setattr(self, name, np.array(self.statistics[name], dtype=float).reshape(shape))

    def index(self, **labels):
        """The index of a cell by its labels: index(layer="2", head="4")."""
        if set(labels) != set(self.axes):
            raise KeyError(f"a cell has a label on each axis, {', '.join(self.axes)}; found {', '.join(labels) or 'none'}")
        index = []
        for axis, all_labels in self.axes.items():
            label = str(labels[axis])
            if label not in all_labels:
                raise KeyError(f"the axis {axis} has no {label}; it has {', '.join(all_labels)}")
            index.append(all_labels.index(label))
        return tuple(index)

    def at(self, **labels):
        """All figures of one cell."""
        index = self.index(**labels)
        figures = {name: float(getattr(self, name)[index]) for name in ("mean", "standard_error", *self.FIGURES)}
        return {**figures, "values": self.values[index]}

    def top(self, count=5, by="effect"):
        """The cells with the largest absolute figure: (labels, figure)."""
        figures = getattr(self, by)
        order = np.argsort(-np.abs(np.nan_to_num(figures)), axis=None, kind="stable")[:count]
        names = list(self.axes.values())
        cells = (np.unravel_index(cell, figures.shape) for cell in order)
        return [(tuple(labels[i] for labels, i in zip(names, cell)), float(figures[cell])) for cell in cells]

    def __repr__(self):
        axes = ", ".join(f"{name} ({len(labels)})" for name, labels in self.axes.items())
        return f"Table {self.title!r}: {self.quantity} by {axes}, {_plural(len(self.samples), 'sample')}"
