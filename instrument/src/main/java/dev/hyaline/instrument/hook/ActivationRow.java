package dev.hyaline.instrument.hook;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.Arrays;

/** A window on the live values of one token, or of one head of it. Good until the hook's function returns. */
public final class ActivationRow {
    /** The head of a row that is not one head's. */
    public static final int ALL_HEADS = -1;

    private final ActivationView view;
    private final int sequence;
    private final int position;
    private final int head;
    private final int from;
    private final int width;

    ActivationRow(ActivationView view, int sequence, int position, int head, int from, int width) {
        this.view = view;
        this.sequence = sequence;
        this.position = position;
        this.head = head;
        this.from = from;
        this.width = width;
    }

    public int sequence() {
        return sequence;
    }

    /** The token's absolute position; at attention maps the query's. */
    public int position() {
        return position;
    }

    /** The head, or {@link #ALL_HEADS}. */
    public int head() {
        return head;
    }

    /** The number of values. */
    public int width() {
        return width;
    }

    /**
     * One value.
     *
     * @throws BadInputException if there is no such value
     */
    public float get(int index) {
        return view.values()[from + checked(index)];
    }

    /** A copy of the values. */
    public float[] toArray() {
        return Arrays.copyOfRange(view.values(), from, from + width);
    }

    /**
     * Writes one value.
     *
     * @throws BadInputException if there is no such value
     */
    public void set(int index, float value) {
        int at = from + checked(index);
        view.valuesToWrite(at, at + 1)[at] = value;
    }

    /**
     * Writes all values.
     *
     * @throws BadShapeException if they are not {@link #width} many
     */
    public void set(float[] values) {
        requireWidth(values);
        System.arraycopy(values, 0, view.valuesToWrite(from, from + width), from, width);
    }

    /** Writes one value everywhere. */
    public void fill(float value) {
        Arrays.fill(view.valuesToWrite(from, from + width), from, from + width, value);
    }

    /**
     * Adds a vector (steering).
     *
     * @throws BadShapeException if it has not {@link #width} values
     */
    public void add(float[] vector) {
        requireWidth(vector);
        float[] values = view.valuesToWrite(from, from + width);
        for (int i = 0; i < width; i++) {
            values[from + i] += vector[i];
        }
    }

    /** Multiplies by a factor. */
    public void scale(float factor) {
        float[] values = view.valuesToWrite(from, from + width);
        for (int i = from; i < from + width; i++) {
            values[i] *= factor;
        }
    }

    private int checked(int index) {
        if (index < 0 || index >= width) {
            throw new BadInputException(
                    "a row of " + view.point() + " has values 0 to " + (width - 1) + ", found index " + index);
        }
        return index;
    }

    private void requireWidth(float[] values) {
        if (values.length != width) {
            throw new BadShapeException("a row of " + view.point(), "[" + width + "]", "[" + values.length + "]");
        }
    }

    @Override
    public String toString() {
        return Arrays.toString(toArray());
    }
}
