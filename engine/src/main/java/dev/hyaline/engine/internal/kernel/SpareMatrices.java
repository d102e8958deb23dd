package dev.hyaline.engine.internal.kernel;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.stream.Stream;

/**
 * Matrices that nobody reads any more, whose arrays others of the same shape take: half a gigabyte need not be
 * allocated and cleared for each step of a training. They are taken in the order in which they were made.
 */
public final class SpareMatrices {
    private final Deque<PackedMatrix> left = new ArrayDeque<>();

    /** No matrix is spare: all are made. */
    public static SpareMatrices none() {
        return new SpareMatrices(Stream.empty());
    }

    public SpareMatrices(Stream<PackedMatrix> matrices) {
        matrices.forEach(left::add);
    }

    /** A matrix to be filled, without bias: the next one if that fits, otherwise a new one. */
    public PackedMatrix take(int k, int n, boolean bfloat16) {
        PackedMatrix next = left.poll();
        if (next == null || !next.isLaidOutAs(k, n, bfloat16)) {
            return PackedMatrix.zeros(k, n, bfloat16);
        }
        Arrays.fill(next.bias(), 0);
        return next;
    }
}
