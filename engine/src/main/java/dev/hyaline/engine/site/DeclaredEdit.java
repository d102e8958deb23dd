package dev.hyaline.engine.site;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A change of the values of a hook point as data, which a model on a {@link dev.hyaline.engine.Device} makes there. A
 * place is what one token has at the point, or one head of it where the site has heads; of an attention map, a head's
 * keys up to the query.
 */
public sealed interface DeclaredEdit {
    Selection where();

    /** Values of a place. */
    sealed interface Columns {
        /** The columns among the first {@code width}. */
        int[] within(int width);

        /** All of them. */
        record All() implements Columns {
            @Override
            public int[] within(int width) {
                return IntStream.range(0, width).toArray();
            }

            @Override
            public String toString() {
                return "all columns";
            }
        }

        /**
         * Chosen ones; those that a place does not have are left out.
         *
         * @param columns ascending
         */
        record Chosen(int[] columns) implements Columns {
            @Override
            public int[] within(int width) {
                return Arrays.stream(columns).filter(column -> column < width).toArray();
            }

            @Override
            public String toString() {
                return "columns " + Arrays.toString(columns);
            }
        }
    }

    /**
     * {@code x <- factor * x + addend} at each place. A factor of 0 forgets {@code x} whatever it was.
     *
     * @param addends nothing, or one array for each place, which may be the same one: positions in order, and for each
     *     its heads. Each has as many values as its place
     * @param directions orthonormal {@code [n, values of a place]}: only what of the change lies in their span is made;
     *     empty for all of it
     */
    record Affine(Selection where, float factor, List<float[]> addends, List<float[]> directions)
            implements DeclaredEdit {
        public Affine {
            addends = List.copyOf(addends);
            directions = List.copyOf(directions);
            if (!addends.isEmpty() && addends.size() != where.places()) {
                throw new IllegalArgumentException(addends.size() + " addends for " + where.places() + " places");
            }
        }

        @Override
        public String toString() {
            return where + " x " + factor + " + " + addends.size() + " addends, less " + directions.size()
                    + " directions";
        }
    }

    /** Exchanges the values of two heads, {@code where.heads()}. */
    record HeadSwap(Selection where) implements DeclaredEdit {}

    /**
     * Places of one sequence of a pass, and the values of each that are changed.
     *
     * @param positions absolute, of tokens that the pass has
     * @param heads where the site has heads; otherwise one, which means nothing
     * @param columns which values of each place are changed
     */
    record Selection(int sequence, int[] positions, int[] heads, Columns columns) {
        public int places() {
            return positions.length * heads.length;
        }

        @Override
        public String toString() {
            return "sequence " + sequence + ", positions " + Arrays.toString(positions) + ", heads "
                    + Arrays.toString(heads) + ", " + columns;
        }
    }
}
