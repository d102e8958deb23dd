package dev.hyaline.analysis.probe;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;
import java.util.stream.IntStream;

/**
 * Distributed alignment search (Geiger et al. 2024): the subspace in which an interchange makes the model say what is
 * right after the source. It is found by gradient descent on the cross-entropy of the counterfactual labels: a step of
 * Adam moves the directions freely, and they are made orthonormal again (the Q of a QR decomposition). The start and
 * the batches are drawn by name from the seed. Immutable.
 */
public final class AlignmentSearch {
    /** Most steps. */
    public static final int MAX_STEPS = 100_000;

    private static final int STEPS = 80;
    private static final int BATCH = 32;
    private static final double RATE = 0.02;
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;

    private final int dimensions;
    private final int steps;
    private final long seed;

    private AlignmentSearch(int dimensions, int steps, long seed) {
        this.dimensions = dimensions;
        this.steps = steps;
        this.seed = seed;
    }

    /**
     * A search for a subspace.
     *
     * @throws BadInputException if it has no dimension
     */
    public static AlignmentSearch of(int dimensions) {
        if (dimensions < 1) {
            throw new BadInputException("an alignment search needs at least 1 dimension, found " + dimensions);
        }
        return new AlignmentSearch(dimensions, STEPS, 1);
    }

    /**
     * The same with other steps, each on at most {@value #BATCH} pairs.
     *
     * @throws BadInputException if there is none or more than {@value #MAX_STEPS}
     */
    public AlignmentSearch steps(int newSteps) {
        if (newSteps < 1 || newSteps > MAX_STEPS) {
            throw new BadInputException(
                    "an alignment search takes from 1 to " + MAX_STEPS + " steps, found " + newSteps);
        }
        return new AlignmentSearch(dimensions, newSteps, seed);
    }

    /** The same with other draws. */
    public AlignmentSearch seed(long newSeed) {
        return new AlignmentSearch(dimensions, steps, newSeed);
    }

    public int dimensions() {
        return dimensions;
    }

    /** A random subspace of the search's size, as far from any training as a baseline must be. */
    InterchangeSubspace random(int columns, int draw) {
        return InterchangeSubspace.random(
                dimensions, columns, random().named("baseline").with(draw));
    }

    /**
     * The subspace that the search finds.
     *
     * @throws BadInputException if the point has fewer columns than the subspace dimensions
     */
    public InterchangeSubspace fit(Interchanges training) {
        return fit(training, training.labels());
    }

    /** The subspace that the search finds when each pair gets another's label: what training finds without a cause. */
    public InterchangeSubspace fitPermuted(Interchanges training) {
        int[][] labels = training.labels();
        int[] order = random().named("permuted labels").permutation(labels.length);
        return fit(training, IntStream.of(order).mapToObj(pair -> labels[pair]).toArray(int[][]::new));
    }

    private InterchangeSubspace fit(Interchanges training, int[][] labels) {
        int d = training.columns();
        InterchangeSubspace space = InterchangeSubspace.random(dimensions, d, random().named("start"));
        if (!training.differ() || dimensions == d) {
            // No subspace of this size does better than another.
            return space;
        }
        CounterRandom batches = random().named("batches");
        int inBatch = Math.min(BATCH, training.size());
        int perEpoch = training.size() / inBatch;
        double[][] first = new double[dimensions][d];
        double[][] second = new double[dimensions][d];
        int[] order = {};
        for (int step = 0; step < steps; step++) {
            if (step % perEpoch == 0) {
                order = batches.with(step / perEpoch).permutation(training.size());
            }
            int from = step % perEpoch * inBatch;
            int[] batch = Arrays.copyOfRange(order, from, from + inBatch);
            double[][] gradient = training.only(batch)
                    .loss(
                            space,
                            IntStream.of(batch).mapToObj(pair -> labels[pair]).toArray(int[][]::new))
                    .gradient();
            double[][] moved = space.basis();
            for (int k = 0; k < dimensions; k++) {
                // What lies within the subspace only scales or turns its directions, which changes no projection.
                Vectors.add(gradient[k], 0, -1, space.project(gradient[k]), 0, d);
                for (int i = 0; i < d; i++) {
                    double slope = gradient[k][i];
                    first[k][i] = BETA1 * first[k][i] + (1 - BETA1) * slope;
                    second[k][i] = BETA2 * second[k][i] + (1 - BETA2) * slope * slope;
                    double size = Math.sqrt(second[k][i] / (1 - StrictMath.pow(BETA2, step + 1)));
                    if (size > 0) {
                        moved[k][i] -= RATE * first[k][i] / (1 - StrictMath.pow(BETA1, step + 1)) / size;
                    }
                }
            }
            space = InterchangeSubspace.of(moved);
        }
        return space;
    }

    private CounterRandom random() {
        return CounterRandom.of(seed).named("probe/alignment search");
    }

    @Override
    public String toString() {
        return "a subspace of " + dimensions + " dimensions, " + steps + " steps, seed " + seed;
    }
}
