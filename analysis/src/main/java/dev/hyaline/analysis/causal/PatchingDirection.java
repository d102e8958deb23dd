package dev.hyaline.analysis.causal;

import java.util.Locale;

/** The direction of patching: one run is patched with values of the other. */
public enum PatchingDirection {
    /** The corrupted run, with values of the clean one: what is enough to restore the task. TransformerLens's way. */
    DENOISING(Side.CORRUPTED),
    /** The clean run, with values of the corrupted one: what breaks the task. */
    NOISING(Side.CLEAN);

    private final Side base;

    PatchingDirection(Side base) {
        this.base = base;
    }

    /** The run that is patched. */
    public Side base() {
        return base;
    }

    /** The run that the values come from. */
    public Side source() {
        return base.other();
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
