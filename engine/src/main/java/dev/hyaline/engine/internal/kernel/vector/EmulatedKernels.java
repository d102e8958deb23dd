package dev.hyaline.engine.internal.kernel.vector;

import static dev.hyaline.engine.internal.kernel.PackedMatrix.PANEL;

import dev.hyaline.engine.internal.kernel.Fma;
import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.ScalarKernels;
import dev.hyaline.engine.internal.kernel.Scratch;
import java.util.Arrays;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * The kernels for processors without a fused multiply-add. Products, where most of a pass's time goes, emulate it on
 * vectors of doubles; the rest is done by the scalar kernels.
 *
 * <p>A step of a chain is a product, which is exact in double, and a sum, which is rounded to the 53 bits of a double
 * and then to the 24 of a float. Rounding twice can differ from rounding once only where the double lies halfway
 * between two floats, and then it has 25 bits. Both roundings of the double are Veltkamp's: with {@code t = s (2^29 +
 * 1)}, {@code t - (t - s)} is a float nearest to {@code s}, and with {@code 2^28 + 1} it has 25 bits. Chains that meet
 * a double of at most 25 bits take these steps again with {@link Fma#emulated}. (Boldo, "Pitfalls of a full
 * floating-point proof: example on the formal proof of the Veltkamp/Dekker algorithms", 2006.)
 *
 * <p>All of it is products and sums of doubles, for which every processor has instructions. The state of the chains is
 * in memory and not in local variables, as C2 may allocate vectors that a loop carries.
 */
public final class EmulatedKernels extends ScalarKernels {
    private static final VectorSpecies<Double> SPECIES = species();
    private static final int WIDTH = SPECIES.length();

    /** Widening a panel and finding its range takes about as long as fewer rows gain. */
    private static final int MIN_ROWS = 4;

    private static final double TO_24_BITS = 0x1p29 + 1;
    private static final double TO_25_BITS = 0x1p28 + 1;

    /** Steps between two looks for sums of 25 bits: the product of so many differences does not underflow. */
    private static final int STEPS = 8;

    /**
     * The least product of the smallest values: its factors are multiples of two powers of two whose product is at
     * least {@code 2^-126}, and so are all sums, which are then zero or normal floats.
     */
    private static final double MIN_PRODUCT = 0x1p-126 * 0x1p46 * 4;

    /** The sum of a chain's products of so much is far from what a float cannot hold. */
    private static final double MAX_PRODUCT = 0x1p60;

    private static VectorSpecies<Double> species() {
        // The first processors with AVX have 256 bits for floating point only, so that 128 are preferred there.
        int widest = VectorSpecies.ofLargestShape(double.class).vectorBitSize();
        int bits = Integer.getInteger(Lanes.WIDTH_PROPERTY, widest);
        return bits < 256 ? DoubleVector.SPECIES_128 : DoubleVector.SPECIES_256;
    }

    @Override
    public String name() {
        return "emulated" + SPECIES.vectorBitSize();
    }

    @Override
    public void product(
            Rows out,
            InputRows in,
            PackedMatrix w,
            int firstRow,
            int endRow,
            int firstPanel,
            int endPanel,
            Scratch scratch) {
        if (endRow - firstRow < MIN_ROWS) {
            super.product(out, in, w, firstRow, endRow, firstPanel, endPanel, scratch);
            return;
        }
        Panel panel = new Panel(scratch);
        for (int p = firstPanel; p < endPanel; p++) {
            int columns = w.columns(p);
            for (int r = firstRow; r < endRow; r++) {
                System.arraycopy(w.bias(), p * PANEL, out.values(), out.at(r) + p * PANEL, columns);
            }
            for (int block = 0; block < w.k(); block += K_BLOCK) {
                panel.widen(w, p, block, Math.min(K_BLOCK, w.k() - block));
                for (int r = firstRow; r < endRow; r++) {
                    panel.addTo(out.values(), out.at(r) + p * PANEL, columns, in.values(), in.at(r) + block);
                }
            }
        }
    }

    /** Part of a panel, widened to doubles, and the chains of a row through it. */
    private static final class Panel {
        private final double[] weights;
        private final float[] row = new float[PANEL];
        private final double[] sums = new double[PANEL];
        private final double[] before = new double[PANEL];
        /** Of each chain, the product of what rounding to 25 bits changed. */
        private final double[] changes = new double[PANEL];

        private int steps;
        private double least;
        private double most;

        Panel(Scratch scratch) {
            weights = scratch.doubles(K_BLOCK * PANEL);
        }

        void widen(PackedMatrix w, int panel, int block, int count) {
            steps = count;
            float smallest = Float.POSITIVE_INFINITY;
            float largest = 0;
            for (int e = 0; e < count; e++) {
                // The columns that pad the last panel are zeros.
                w.values().copyRow(w.at(panel, block + e), row, 0, PANEL);
                for (int j = 0; j < PANEL; j++) {
                    float size = Math.abs(row[j]);
                    smallest = Math.min(smallest, size == 0 ? smallest : size);
                    largest = Math.max(largest, size);
                    weights[e * PANEL + j] = row[j];
                }
            }
            least = smallest;
            most = largest;
        }

        void addTo(float[] out, int outAt, int columns, float[] in, int inAt) {
            Arrays.fill(sums, 0);
            int done = isInRange(in, inAt) ? steps - steps % STEPS : 0;
            for (int e = 0; e < done; e += STEPS) {
                advance(e, in, inAt);
            }
            for (int j = 0; j < columns; j++) {
                out[outAt + j] += chain((float) sums[j], j, done, steps, in, inAt);
            }
        }

        /**
         * Returns whether no sum of a row's products can overflow, or be so small that a float has fewer bits for it.
         */
        private boolean isInRange(float[] in, int inAt) {
            float smallest = Float.POSITIVE_INFINITY;
            float largest = 0;
            for (int i = inAt; i < inAt + steps; i++) {
                float size = Math.abs(in[i]);
                smallest = Math.min(smallest, size == 0 ? smallest : size);
                largest = Math.max(largest, size);
            }
            return smallest * least >= MIN_PRODUCT && largest * most <= MAX_PRODUCT;
        }

        private void advance(int first, float[] in, int inAt) {
            System.arraycopy(sums, 0, before, 0, PANEL);
            Arrays.fill(changes, 1);
            for (int e = first; e < first + STEPS; e++) {
                float x = in[inAt + e];
                // A zero changes no sum, but its step would look like one to take again.
                if (x != 0) {
                    step(x, weights, e * PANEL, sums, changes);
                }
            }
            for (int j = 0; j < PANEL; j++) {
                if (changes[j] == 0) {
                    sums[j] = chain((float) before[j], j, first, first + STEPS, in, inAt);
                }
            }
        }

        private static void step(double x, double[] weights, int at, double[] sums, double[] changes) {
            for (int j = 0; j < PANEL; j += WIDTH) {
                DoubleVector sum = load(weights, at + j).mul(x).add(load(sums, j));
                DoubleVector t = sum.mul(TO_24_BITS);
                t.sub(t.sub(sum)).intoArray(sums, j);
                DoubleVector u = sum.mul(TO_25_BITS);
                u.sub(u.sub(sum)).sub(sum).mul(load(changes, j)).intoArray(changes, j);
            }
        }

        private static DoubleVector load(double[] values, int at) {
            return DoubleVector.fromArray(SPECIES, values, at);
        }

        /** Steps {@code first} to {@code end} of the chain of a column, one by one. */
        private float chain(float begin, int column, int first, int end, float[] in, int inAt) {
            float sum = begin;
            for (int e = first; e < end; e++) {
                sum = Fma.emulated(in[inAt + e], (float) weights[e * PANEL + column], sum);
            }
            return sum;
        }
    }
}
