package dev.hyaline.analysis.sparse.train;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.site.HookPoint;
import java.util.List;
import java.util.function.ToIntFunction;

/**
 * The hook points of training data: one that is read and reconstructed, one that is read and another that is predicted
 * from it, or those of a crosscoder, which lie end to end in each row.
 *
 * @param width of each point
 */
record DataSites(List<HookPoint> points, boolean crosscoder, ToIntFunction<HookPoint> width) {
    DataSites {
        points = List.copyOf(points);
    }

    static DataSites of(HookPoint in, HookPoint out, ToIntFunction<HookPoint> width) {
        return new DataSites(in.equals(out) ? List.of(in) : List.of(in, out), false, width);
    }

    /**
     * Those of a crosscoder.
     *
     * @throws BadInputException if there are fewer than two points, or their widths differ
     */
    static DataSites ofCrosscoder(List<HookPoint> points, ToIntFunction<HookPoint> width) {
        if (points.size() < 2 || points.stream().distinct().count() < points.size()) {
            throw new BadInputException("a crosscoder needs at least two different hook points, found " + points);
        }
        HookPoint first = points.getFirst();
        for (HookPoint point : points) {
            if (width.applyAsInt(point) != width.applyAsInt(first)) {
                throw new BadInputException("a crosscoder's hook points must have one width, but " + first + " has "
                        + width.applyAsInt(first) + " values and " + point + " has " + width.applyAsInt(point));
            }
        }
        return new DataSites(points, true, width);
    }

    HookPoint first() {
        return points.getFirst();
    }

    HookPoint last() {
        return points.getLast();
    }

    int width(HookPoint point) {
        return width.applyAsInt(point);
    }

    /** Sites that a crosscoder reads together; 1 for all others. */
    int sites() {
        return crosscoder ? points.size() : 1;
    }

    boolean isTranscoder() {
        return !crosscoder && points.size() > 1;
    }

    int dIn() {
        return width(first()) * sites();
    }

    int dOut() {
        return width(last()) * sites();
    }

    /**
     * Copies the values of a point in one row of data to their place in a batch.
     *
     * @param p index of the point
     * @param row of the batch
     */
    void put(int p, float[] values, int at, int row, float[] x, float[] y) {
        int width = width(points.get(p));
        float[] into = crosscoder || p == 0 ? x : y;
        int to = crosscoder ? (row * points.size() + p) * width : row * width;
        System.arraycopy(values, at, into, to, width);
    }

    /** Checks what a batch is asked for with. */
    void requireBatch(long batch, int size, float[] x, float[] y) {
        if (batch < 0 || size < 0 || Math.multiplyHigh(batch, size) != 0 || batch * size + size < 0) {
            throw new BadInputException(
                    "a batch has a number and a size of at least 0, found batch " + batch + " of " + size + " rows");
        }
        requireRoom(x, size, dIn());
        if (isTranscoder()) {
            requireRoom(y, size, dOut());
        }
    }

    private static void requireRoom(float[] values, int size, int width) {
        if (values.length < (long) size * width) {
            throw new BadShapeException("a batch", size + " rows of " + width, values.length + " values");
        }
    }
}
