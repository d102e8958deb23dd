"""The kind of processor that the scripts run on, and what they should reach there."""

from pathlib import Path

INTEL = "Intel, two multipliers of 512 bits"
ZEN_4 = "AMD Zen 4"

# What is compared: the target on Intel, on Zen 4. Times are Hyaline's over the peer's, rates likewise.
TARGETS = {
    "forward 16": ("<= 0.50", "<= 0.33"),
    "forward 128": ("<= 0.68", "<= 0.55"),
    "forward 512": ("<= 0.62", "<= 0.67"),
    "forward and back 512": ("<= 0.75", "<= 0.75"),
    "training step 512": ("<= 1.00", "<= 1.00"),
    "forward 1024": ("<= 0.66", "<= 0.70"),
    "ragged": ("<= 0.38", "<= 0.40"),
    "recorded": ("<= 0.50", "<= 0.45"),
    "recorded over unwatched": ("<= 1.2", "<= 1.2"),
    "decode 1": (">= 1.65", ">= 3.9"),
    "decode 8": (">= 2.4", ">= 3.8"),
    "decode over a plain read": (">= 0.85", ">= 0.85"),
    "decode from bfloat16": (">= 1.75", ">= 1.75"),
    "product 1024 x 768 x 3072": (">= 0.97", ">= 1.19"),
    "cold start": ("<= 0.6", "<= 0.6"),
    "memory": ("<= 1", "<= 1"),
    "sweep RESID_PRE": (">= 85", ">= 85"),
    "sweep ATTN_HEAD_OUT_ALL_POS": (">= 55", ">= 55"),
    "sweep ATTN_HEAD_OUT_BY_POS": (">= 100", ">= 100"),
}


def first_processor():
    """What Linux says of the first processor; nothing elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text().split("\n\n")[0].splitlines()
    except OSError:
        return {}
    return {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}


def kind():
    """The kind of this machine's processor, or None where no target was set for it."""
    processor = first_processor()
    if "avx512f" not in processor.get("flags", "").split():
        return None
    if processor.get("vendor_id") == "GenuineIntel":
        return INTEL
    if processor.get("vendor_id") == "AuthenticAMD" and processor.get("cpu family") == "25":
        return ZEN_4
    return None


def name():
    """The processor's name and kind."""
    return f"{first_processor().get('model name', 'unknown processor')} ({kind() or 'a kind without targets'})"


def target(work):
    """The target for some work on this machine."""
    intel, zen_4 = TARGETS.get(work, ("none", "none"))
    return {INTEL: intel, ZEN_4: zen_4}.get(kind(), "none")
