package dev.hyaline.instrument.internal.edit;

/** The values of one hook point and sequence, slot by slot. */
public interface SlotAccess {
    /** Returns whether this position's values are here. */
    boolean has(int position);

    void read(int position, int head, float[] out);

    void write(int position, int head, float[] in);
}
