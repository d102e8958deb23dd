package dev.hyaline.benchmarks;

import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * What this machine can do at most with all threads of a pool and nothing else to do: the yardsticks of comparisons.
 */
final class MachineLimits {
    private static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_PREFERRED;
    private static final int WIDTH = SPECIES.length();

    /** Sums of {@link #multiply}, more than any processor has multiply-adds under way. */
    private static final int SUMS = 16;

    private static final int STEPS = 400_000;
    /** Values that one task reads, in streams of a quarter each. */
    private static final int CHUNK = 1 << 22;

    /** As long as it takes for some tries to have the machine to themselves. */
    private static final long NANOS_OF_TRIES = 1_000_000_000L;

    private MachineLimits() {}

    /** Floating-point operations a second of multiply-adds in registers, at best. */
    static double operations(WorkerPool pool) {
        float[] taken = new float[pool.threads()];
        double seconds = best(() -> pool.run(pool.threads(), (worker, index) -> taken[index] += multiply()));
        return 2.0 * SUMS * WIDTH * STEPS * pool.threads() / seconds;
    }

    /** Seconds to read so many floats from memory once, each thread in several streams, at best. */
    static double readSeconds(WorkerPool pool, long floats) {
        float[][] memory = new float[(int) (floats / CHUNK) + 1][CHUNK];
        for (float[] chunk : memory) {
            Arrays.fill(chunk, 1f);
        }
        float[] taken = new float[memory.length];
        double seconds = best(() -> pool.run(memory.length, (worker, index) -> taken[index] += sum(memory[index])));
        return seconds * floats / ((double) CHUNK * memory.length);
    }

    private static double best(Runnable work) {
        long end = System.nanoTime() + NANOS_OF_TRIES;
        long best = Long.MAX_VALUE;
        for (long start = System.nanoTime(); start < end; start = System.nanoTime()) {
            work.run();
            best = Math.min(best, System.nanoTime() - start);
        }
        return best / 1e9;
    }

    /** Written out, since C2 keeps vectors in registers only as local variables. */
    private static float multiply() {
        FloatVector x = FloatVector.broadcast(SPECIES, 0.999f);
        FloatVector y = FloatVector.broadcast(SPECIES, 0.001f);
        FloatVector s0 = x;
        FloatVector s1 = x;
        FloatVector s2 = x;
        FloatVector s3 = x;
        FloatVector s4 = x;
        FloatVector s5 = x;
        FloatVector s6 = x;
        FloatVector s7 = x;
        FloatVector s8 = x;
        FloatVector s9 = x;
        FloatVector s10 = x;
        FloatVector s11 = x;
        FloatVector s12 = x;
        FloatVector s13 = x;
        FloatVector s14 = x;
        FloatVector s15 = x;
        for (int i = 0; i < STEPS; i++) {
            s0 = s0.fma(x, y);
            s1 = s1.fma(x, y);
            s2 = s2.fma(x, y);
            s3 = s3.fma(x, y);
            s4 = s4.fma(x, y);
            s5 = s5.fma(x, y);
            s6 = s6.fma(x, y);
            s7 = s7.fma(x, y);
            s8 = s8.fma(x, y);
            s9 = s9.fma(x, y);
            s10 = s10.fma(x, y);
            s11 = s11.fma(x, y);
            s12 = s12.fma(x, y);
            s13 = s13.fma(x, y);
            s14 = s14.fma(x, y);
            s15 = s15.fma(x, y);
        }
        FloatVector first = s0.add(s1).add(s2).add(s3).add(s4).add(s5).add(s6).add(s7);
        FloatVector second =
                s8.add(s9).add(s10).add(s11).add(s12).add(s13).add(s14).add(s15);
        return first.add(second).lane(0);
    }

    private static float sum(float[] values) {
        int quarter = values.length / 4;
        FloatVector s0 = FloatVector.zero(SPECIES);
        FloatVector s1 = FloatVector.zero(SPECIES);
        FloatVector s2 = FloatVector.zero(SPECIES);
        FloatVector s3 = FloatVector.zero(SPECIES);
        for (int i = 0; i < quarter; i += WIDTH) {
            s0 = s0.add(FloatVector.fromArray(SPECIES, values, i));
            s1 = s1.add(FloatVector.fromArray(SPECIES, values, i + quarter));
            s2 = s2.add(FloatVector.fromArray(SPECIES, values, i + 2 * quarter));
            s3 = s3.add(FloatVector.fromArray(SPECIES, values, i + 3 * quarter));
        }
        return s0.add(s1).add(s2).add(s3).lane(0);
    }
}
