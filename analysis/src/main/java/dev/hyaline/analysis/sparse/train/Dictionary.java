package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.PackedRows;
import dev.hyaline.analysis.sparse.internal.Selection;
import dev.hyaline.analysis.sparse.internal.Selector;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.SparseKernels;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.List;

/** The encoder and decoder in training, and what a step multiplies by them. */
final class Dictionary {
    /** Latents that bear their own number. */
    static final int[] OWN_NUMBERS = {};

    final Weights w;
    final int n;
    final int dIn;
    final int dOut;
    /** Sites of a crosscoder; 1 for all others. */
    final int sites;
    /** True if the decoder's bias is subtracted from inputs. */
    final boolean subtracts;

    final Kernels kernels;
    final SparseKernels sparse;
    final WorkerPool pool;
    final Selector selector;
    private final PackedMatrix encoder;
    /** True if the encoder's values were changed and not packed since. */
    private boolean unpacked;

    final GradientKernels gradients;

    Dictionary(Weights weights, int sites, boolean subtracts, Kernels kernels, WorkerPool pool) {
        w = weights;
        n = weights.n;
        dIn = weights.dIn;
        dOut = weights.dOut;
        this.sites = sites;
        this.subtracts = subtracts;
        this.kernels = kernels;
        this.pool = pool;
        sparse = kernels.sparse();
        gradients = kernels.gradients();
        selector = new Selector(kernels, pool);
        encoder = PackedRows.transposed(
                weights.value(Weights.ENCODER), n, dIn, weights.value(Weights.ENCODER_BIAS), pool);
    }

    /** Packs the encoder anew before it is next used, after its values were changed. */
    void changed() {
        unpacked = true;
    }

    /** The encoder as the right side of a product. */
    PackedMatrix encoder() {
        if (unpacked) {
            pool.run(encoder.panels(), (worker, panel) -> repack(panel));
            unpacked = false;
        }
        return encoder;
    }

    /** Panels of the encoder, each some latents. */
    int panels() {
        return encoder.panels();
    }

    /** Latents of a panel. */
    int columns(int panel) {
        return encoder.columns(panel);
    }

    /** Packs a panel anew, after the values of its latents alone were changed. */
    void repack(int panel) {
        PackedRows.panel(encoder, panel, w.get(Weights.ENCODER).value);
        if (w.has(Weights.ENCODER_BIAS)) {
            int first = panel * PackedMatrix.PANEL;
            System.arraycopy(w.get(Weights.ENCODER_BIAS).value, first, encoder.bias(), first, encoder.columns(panel));
        }
    }

    /** Inputs as the encoder takes them. */
    float[] encoderInputs(float[] x, int tokens) {
        if (!subtracts) {
            return x;
        }
        float[] h = new float[tokens * dIn];
        float[] bias = w.get(Weights.DECODER_BIAS).value;
        pool.run(tokens, (worker, t) -> {
            for (int c = 0; c < dIn; c++) {
                h[t * dIn + c] = x[t * dIn + c] - bias[c];
            }
        });
        return h;
    }

    /** Lengths of the decoder rows; of a crosscoder the sum of those of its sites. */
    float[] norms() {
        float[] decoder = w.get(Weights.DECODER).value;
        if (sites == 1) {
            return PackedRows.lengths(decoder, n, dOut);
        }
        float[] ofSites = PackedRows.lengths(decoder, n * sites, dOut / sites);
        float[] sums = new float[n];
        for (int i = 0; i < ofSites.length; i++) {
            sums[i / sites] += ofSites[i];
        }
        return sums;
    }

    /** The latents of a batch that a selection wants. */
    Entries select(Batch batch, Selection selection) {
        return Entries.of(selector.select(batch.h(), batch.tokens(), encoder(), selection), n, OWN_NUMBERS, pool);
    }

    /** As {@link #select(Batch, Selection)}, among a few latents; the selection is of these alone. */
    Entries selectAmong(int[] latents, Batch batch, Selection selection) {
        float[] rows = gather(w.get(Weights.ENCODER).value, dIn, latents);
        float[] bias = gather(w.get(Weights.ENCODER_BIAS).value, 1, latents);
        PackedMatrix packed = PackedRows.transposed(rows, latents.length, dIn, bias, pool);
        return Entries.of(selector.select(batch.h(), batch.tokens(), packed, selection), n, latents, pool);
    }

    /** Chosen rows, end to end. */
    static float[] gather(float[] rows, int width, int[] chosen) {
        float[] gathered = new float[chosen.length * width];
        for (int i = 0; i < chosen.length; i++) {
            System.arraycopy(rows, chosen[i] * width, gathered, i * width, width);
        }
        return gathered;
    }

    /**
     * Reconstructions from each prefix of the latents; from all latents if there are none.
     *
     * @param f what each entry is decoded with
     */
    float[][] decode(Entries entries, int tokens, float[] f, List<Integer> prefixes, boolean biased) {
        int groups = Math.max(1, prefixes.size());
        float[][] outs = new float[groups][tokens * dOut];
        Rows rows = new Rows(w.get(Weights.DECODER).value, 0, dOut);
        float[] bias = w.get(Weights.DECODER_BIAS).value;
        pool.run(tokens, (worker, t) -> {
            int from = entries.offsets()[t];
            for (int g = 0; g < groups; g++) {
                int end = entries.offsets()[t + 1];
                if (!prefixes.isEmpty()) {
                    int bound = prefixes.get(g);
                    end = from;
                    while (end < entries.offsets()[t + 1] && entries.latents()[end] < bound) {
                        end++;
                    }
                }
                if (g > 0) {
                    System.arraycopy(outs[g - 1], t * dOut, outs[g], t * dOut, dOut);
                } else if (biased) {
                    System.arraycopy(bias, 0, outs[g], t * dOut, dOut);
                }
                sparse.addScaledRows(outs[g], t * dOut, dOut, f, entries.latents(), from, end, rows);
                from = end;
            }
        });
        return outs;
    }

    /** Adds the linear path around the latents, where there is one. */
    void addSkip(Batch batch, float[][] outs) {
        if (!w.has(Weights.SKIP)) {
            return;
        }
        float[] skip = w.get(Weights.SKIP).value;
        pool.run(batch.tokens(), (worker, t) -> {
            for (float[] out : outs) {
                for (int o = 0; o < dOut; o++) {
                    out[t * dOut + o] += gradients.dot(skip, o * dIn, batch.x(), t * dIn, dIn);
                }
            }
        });
    }

    /** Brings a decoder row to length one. */
    void normalize(int i) {
        float[] decoder = w.get(Weights.DECODER).value;
        double length = Math.sqrt(squares(decoder, i * dOut, dOut));
        if (length > 0) {
            float inverse = (float) (1 / length);
            for (int c = i * dOut; c < (i + 1) * dOut; c++) {
                decoder[c] *= inverse;
            }
        }
    }

    static double squares(float[] values, int at, int count) {
        double sum = 0;
        for (int c = at; c < at + count; c++) {
            sum += (double) values[c] * values[c];
        }
        return sum;
    }
}
