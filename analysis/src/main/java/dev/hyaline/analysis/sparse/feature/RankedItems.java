package dev.hyaline.analysis.sparse.feature;

import dev.hyaline.files.RecordText;
import java.util.stream.IntStream;

/** The first of some numbered things, best first. */
public record RankedItems(int[] indices, float[] values) {
    /** The largest values; of equal ones the first. */
    static RankedItems largest(double[] values, int count) {
        return ranked(values, count, 1);
    }

    /** The smallest values; of equal ones the first. */
    static RankedItems smallest(double[] values, int count) {
        return ranked(values, count, -1);
    }

    private static RankedItems ranked(double[] values, int count, int sign) {
        int[] order = IntStream.range(0, values.length)
                .filter(i -> !Double.isNaN(values[i]))
                .boxed()
                .sorted((a, b) -> {
                    int byValue = Double.compare(sign * values[b], sign * values[a]);
                    return byValue != 0 ? byValue : Integer.compare(a, b);
                })
                .limit(count)
                .mapToInt(Integer::intValue)
                .toArray();
        float[] ranked = new float[order.length];
        for (int i = 0; i < order.length; i++) {
            ranked[i] = (float) values[order[i]];
        }
        return new RankedItems(order, ranked);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
