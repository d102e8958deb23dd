package dev.hyaline.instrument;

import dev.hyaline.engine.BadInputException;
import java.util.Arrays;

/** Numbers that an intervention writes, adds or projects on: a steering vector, a direction. Immutable. */
public final class Vector {
    private final float[] values;

    private Vector(float[] values) {
        this.values = values;
    }

    /**
     * Takes a copy.
     *
     * @throws BadInputException if there is no value
     */
    public static Vector of(float... values) {
        if (values.length == 0) {
            throw new BadInputException("a vector needs at least one value, found none");
        }
        return new Vector(values.clone());
    }

    public int length() {
        return values.length;
    }

    public float get(int index) {
        return values[index];
    }

    /** A copy of the values. */
    public float[] values() {
        return values.clone();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Vector vector && Arrays.equals(values, vector.values);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(values);
    }

    @Override
    public String toString() {
        return "a vector of " + values.length;
    }
}
