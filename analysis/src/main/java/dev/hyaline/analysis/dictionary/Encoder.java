package dev.hyaline.analysis.dictionary;

import dev.hyaline.analysis.sparse.internal.TileProduct;
import dev.hyaline.engine.internal.kernel.SparseKernels;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;

/**
 * Codes samples. All samples of a chunk go on together: a round multiplies their residuals by the dictionary in float,
 * and each sample looks exactly, in double, at those atoms of which the product and the bound on its rounding cannot
 * tell. So a code does not depend on float, on threads, nor on which samples come with it.
 */
final class Encoder {
    /** Samples that go on together on a thread. */
    private static final int SAMPLES_PER_THREAD = 128;

    private final WorkerPool pool;
    private final TileProduct product;

    Encoder(WorkerPool pool) {
        this.pool = pool;
        product = new TileProduct(TileProduct.kernels(), pool);
    }

    /** Codes samples, from codes near those wanted if there are any, else {@link SparseCodes#none}. */
    SparseCodes encode(Samples samples, Atoms dictionary, Coding coding, SparseCodes near) {
        if (coding.algorithm() == CodingAlgorithm.LARS || coding.algorithm() == CodingAlgorithm.LASSO_LARS) {
            dictionary.turn();
        }
        int count = samples.count();
        int chunk = SAMPLES_PER_THREAD * pool.threads();
        Collected collected = new Collected(count);
        for (int first = 0; first < count; first += chunk) {
            encode(samples, first, Math.min(count, first + chunk), dictionary, coding, near, collected);
        }
        return collected.codes(dictionary.n);
    }

    private void encode(
            Samples samples,
            int first,
            int end,
            Atoms dictionary,
            Coding coding,
            SparseCodes near,
            Collected collected) {
        int count = end - first;
        Code[] all = new Code[count];
        pool.run(count, (worker, i) -> {
            double[] x = new double[dictionary.d];
            samples.copy(first + i, x, 0);
            all[i] = begin(x, dictionary, coding, near, first + i);
        });
        Candidates[] found = new Candidates[count];
        for (int i = 0; i < count; i++) {
            found[i] = new Candidates();
        }
        PendingCode[] pending = new PendingCode[count];
        int left = 0;
        for (Code code : all) {
            if (code instanceof PendingCode unfinished) {
                pending[left++] = unfinished;
            }
        }
        double[] lengths = new double[left];
        float[] residuals = new float[left * dictionary.d];
        while (left > 0) {
            boolean[] isDone = new boolean[left];
            Round round = new Round(dictionary, coding.positive(), pending, lengths, found, isDone, pool.threads());
            pool.run(left, (worker, i) -> {
                lengths[i] = scaled(pending[i].residual(), residuals, i * dictionary.d);
                round.prepare(i);
            });
            product.run(residuals, left, dictionary.scaled, round);
            int kept = 0;
            for (int i = 0; i < left; i++) {
                if (!isDone[i]) {
                    pending[kept++] = pending[i];
                }
            }
            left = kept;
        }
        for (Code code : all) {
            collected.add(code);
        }
    }

    private static Code begin(double[] x, Atoms dictionary, Coding coding, SparseCodes near, int sample) {
        return switch (coding.algorithm()) {
            case THRESHOLD -> new ThresholdedCode(dictionary, x, coding);
            case OMP -> new MatchedCode(dictionary, x, coding.atoms(dictionary.n, dictionary.d));
            case LARS, LASSO_LARS -> {
                LeastAnglePath path = new LeastAnglePath(dictionary, x, coding);
                path.run();
                yield coding.algorithm() == CodingAlgorithm.LARS
                        ? path
                        : new LassoCode(dictionary, x, coding, path.atoms(), path.coefficients(), 0, path.count());
            }
            case LASSO_CD -> {
                boolean isNear = sample < near.samples();
                int from = isNear ? near.offsets()[sample] : 0;
                int end = isNear ? near.offsets()[sample + 1] : 0;
                yield new LassoCode(dictionary, x, coding, near.indices(), near.values(), from, end);
            }
        };
    }

    /** Writes a vector divided by its length; returns the length. */
    private static double scaled(double[] vector, float[] into, int at) {
        double length = Doubles.length(vector, 0, vector.length);
        double factor = length > 0 ? 1 / length : 0;
        for (int i = 0; i < vector.length; i++) {
            into[at + i] = (float) (vector[i] * factor);
        }
        return length;
    }

    /** Looks through the products of a round and lets each sample do its work. */
    private static final class Round implements TileProduct.Reader {
        private static final SparseKernels KERNELS = TileProduct.kernels().sparse();

        private final Atoms dictionary;
        private final boolean positive;
        private final PendingCode[] pending;
        private final double[] lengths;
        private final Candidates[] found;
        private final boolean[] isDone;
        private final float[] cuts;
        /** Columns of a tile that are looked at, by worker. */
        private final int[][] columns;

        Round(
                Atoms dictionary,
                boolean positive,
                PendingCode[] pending,
                double[] lengths,
                Candidates[] found,
                boolean[] isDone,
                int workers) {
            this.dictionary = dictionary;
            this.positive = positive;
            this.pending = pending;
            this.lengths = lengths;
            this.found = found;
            this.isDone = isDone;
            cuts = new float[isDone.length];
            columns = new int[workers][TileProduct.COLUMNS];
        }

        void prepare(int row) {
            found[row].count = 0;
            double unit = lengths[row] * dictionary.longest;
            double cut = unit > 0 ? pending[row].cut() / unit - dictionary.roundingError() : 1;
            cuts[row] = Math.nextDown((float) cut);
        }

        @Override
        public void tile(int worker, float[] tile, int firstRow, int endRow, int firstColumn, int count) {
            int[] above = columns[worker];
            for (int row = firstRow; row < endRow; row++) {
                int from = (row - firstRow) * TileProduct.COLUMNS;
                Candidates of = found[row];
                boolean largest = pending[row].wantsLargest();
                float margin = (float) (2 * dictionary.roundingError());
                float cut = cuts[row];
                int sized = positive
                        ? KERNELS.above(tile, from, count, cut, above, 0)
                        : KERNELS.outside(tile, from, count, cut, above, 0);
                for (int j = 0; j < sized; j++) {
                    float value = tile[from + above[j]];
                    float size = positive ? value : Math.abs(value);
                    if (size > cut) {
                        of.add(firstColumn + above[j], size);
                        cut = largest ? Math.max(cut, size - margin) : cut;
                    }
                }
                cuts[row] = cut;
            }
        }

        @Override
        public void done(int worker, int firstRow, int endRow) {
            for (int row = firstRow; row < endRow; row++) {
                isDone[row] = pending[row].advance(found[row], lengths[row] * dictionary.longest);
            }
        }
    }

    /** Codes in order. */
    private static final class Collected {
        private final int[] offsets;
        private int[] indices = new int[1024];
        private double[] values = new double[1024];
        private int samples;
        private int unconverged;

        Collected(int samples) {
            offsets = new int[samples + 1];
        }

        void add(Code code) {
            int at = offsets[samples];
            int count = 0;
            int[] atoms = code.atoms();
            double[] coefficients = code.coefficients();
            long[] order = new long[code.count()];
            for (int i = 0; i < code.count(); i++) {
                if (coefficients[i] != 0) {
                    order[count++] = ((long) atoms[i] << Integer.SIZE) | i;
                }
            }
            Arrays.sort(order, 0, count);
            if (at + count > indices.length) {
                int larger = Math.max(at + count, 2 * indices.length);
                indices = Arrays.copyOf(indices, larger);
                values = Arrays.copyOf(values, larger);
            }
            for (int i = 0; i < count; i++) {
                indices[at + i] = (int) (order[i] >>> Integer.SIZE);
                values[at + i] = coefficients[(int) order[i]];
            }
            offsets[++samples] = at + count;
            unconverged += code.isUnconverged() ? 1 : 0;
        }

        SparseCodes codes(int width) {
            int end = offsets[samples];
            return new SparseCodes(
                    width, offsets, Arrays.copyOf(indices, end), Arrays.copyOf(values, end), unconverged);
        }
    }
}
