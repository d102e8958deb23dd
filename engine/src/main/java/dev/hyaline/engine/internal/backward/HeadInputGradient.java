package dev.hyaline.engine.internal.backward;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.forward.Batch;
import dev.hyaline.engine.internal.forward.PackedWeights;
import dev.hyaline.engine.internal.forward.Products;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import java.util.Arrays;
import java.util.function.IntUnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The residual stream as each head's queries, keys and values read it, backward, and what edits of the forward pass
 * left there. A head whose input no edit changed reads the residual stream itself, with the stream's own norm.
 */
final class HeadInputGradient {
    private static final float[] NOTHING = {};

    private final Gpt2Config config;
    private final int d;
    private final int heads;
    private final int dHead;
    private final PackedWeights weights;
    private final Kernels kernels;
    private final GradientKernels gradients;
    private final WorkerPool pool;
    private final Products products;

    private KeptPass kept = KeptPass.NONE;
    private int layer;
    private int rows;
    private float[] residual = NOTHING;
    /** Room of a pass for the gradients of one part, and for those of some rows of it. */
    private float[] part = NOTHING;

    private float[] some = NOTHING;
    private float[] gathered = NOTHING;

    HeadInputGradient(Gpt2Config config, PackedWeights weights, Kernels kernels, WorkerPool pool, Products products) {
        this.config = config;
        this.weights = weights;
        this.kernels = kernels;
        this.pool = pool;
        this.products = products;
        gradients = kernels.gradients();
        d = config.dModel();
        heads = config.nHeads();
        dHead = config.dHead();
    }

    /** Turns to a layer, whose residual stream before attention is given. */
    void begin(KeptPass kept, int layer, int rows, float[] residual) {
        this.kept = kept;
        this.layer = layer;
        this.rows = rows;
        this.residual = residual;
    }

    /** Lets go of the pass. */
    void end() {
        kept = KeptPass.NONE;
        residual = NOTHING;
        part = NOTHING;
        some = NOTHING;
        gathered = NOTHING;
    }

    /** The inputs, {@code [rows, nHeads, dModel]}, that an edit left for a part; null if it reads the stream itself. */
    private float @Nullable [] edited(Site input) {
        float[] own = kept.at(HookPoint.of(input, layer));
        return own == null ? kept.at(HookPoint.of(Site.ATTN_IN, layer)) : own;
    }

    private boolean isEdited(float[] inputs, int row, int head) {
        int at = (row * heads + head) * d;
        return !Arrays.equals(inputs, at, at + d, residual, row * d, row * d + d);
    }

    /** Rows of which some head reads something else than the residual stream. */
    boolean[] changedRows() {
        boolean[] changed = new boolean[rows];
        for (Site input : new Site[] {Site.Q_INPUT, Site.K_INPUT, Site.V_INPUT}) {
            float[] inputs = edited(input);
            for (int row = 0; inputs != null && row < rows; row++) {
                for (int head = 0; head < heads; head++) {
                    changed[row] |= isEdited(inputs, row, head);
                }
            }
        }
        return changed;
    }

    /** Forms one of q, k and v again where an edit changed what it reads. */
    void project(Site site, float[] out, PackedMatrix w) {
        float[] inputs = edited(
                switch (site) {
                    case Q -> Site.Q_INPUT;
                    case K -> Site.K_INPUT;
                    case V -> Site.V_INPUT;
                    default -> throw new AssertionError(site);
                });
        if (inputs == null) {
            return;
        }
        PackedWeights.Norm norm = weights.blocks()[layer].ln1();
        float[] row = new float[d];
        float[] projected = new float[d];
        for (int r = 0; r < rows; r++) {
            for (int head = 0; head < heads; head++) {
                if (isEdited(inputs, r, head)) {
                    kernels.divide(row, 0, d, kernels.center(row, 0, inputs, (r * heads + head) * d, d, config.eps()));
                    kernels.affine(row, 0, row, 0, norm.gain(), norm.bias(), d);
                    products.begin(row, d, 1).into(projected, w).run();
                    System.arraycopy(projected, head * dHead, out, r * d + head * dHead, dHead);
                }
            }
        }
    }

    /** The gradient at q, k or v of those heads that read the residual stream itself; zero for others. */
    float[] shared(Site input, float[] gradient) {
        float[] inputs = edited(input);
        if (inputs == null) {
            return gradient;
        }
        float[] shared = Arrays.copyOf(gradient, rows * d);
        for (int row = 0; row < rows; row++) {
            for (int head = 0; head < heads; head++) {
                if (isEdited(inputs, row, head)) {
                    Arrays.fill(shared, row * d + head * dHead, row * d + (head + 1) * dHead, 0);
                }
            }
        }
        return shared;
    }

    /**
     * The gradient at what each head's queries, keys or values read, {@code [rows, nHeads, dModel]}, until it is asked
     * for again.
     *
     * @param gradient at q, k or v
     * @param transposed the matrix that formed them, transposed
     * @param normalized the residual stream in its norm, before gain and bias
     * @param scales of the norm
     * @param wanted the rows to form, ascending
     * @param place where a row goes in the result
     * @param count rows of the result
     */
    float[] gradient(
            Site input,
            float[] gradient,
            PackedMatrix transposed,
            float[] normalized,
            float[] scales,
            int[] wanted,
            IntUnaryOperator place,
            int count) {
        int width = heads * d;
        if (part.length < count * width) {
            part = new float[Batch.arraySize(count, width)];
        }
        float[] out = part;
        if (wanted.length == 0) {
            return out;
        }
        boolean all = wanted.length == count;
        float[] from = all ? gradient : gather(gradient, wanted);
        float[] formed = all ? out : some(wanted.length * width);
        for (int head = 0; head < heads; head++) {
            products.begin(from, head * dHead, d, dHead, wanted.length)
                    .into(formed, head * d, width, transposed.rows(head * dHead, (head + 1) * dHead))
                    .run();
        }
        float[] gain = weights.blocks()[layer].ln1().gain();
        float[] inputs = edited(input);
        pool.run(wanted.length, (worker, index) -> {
            int row = wanted[index];
            int to = place.applyAsInt(row) * width;
            if (!all) {
                System.arraycopy(formed, index * width, out, to, width);
            }
            for (int head = 0; head < heads; head++) {
                int at = to + head * d;
                gradients.multiply(out, at, gain, 0, d);
                if (inputs != null && isEdited(inputs, row, head)) {
                    float[] own = new float[d];
                    int edit = (row * heads + head) * d;
                    float scale = kernels.center(own, 0, inputs, edit, d, config.eps());
                    kernels.divide(own, 0, d, scale);
                    gradients.normGradient(out, at, own, 0, d, scale);
                } else {
                    gradients.normGradient(out, at, normalized, row * d, d, scales[row]);
                }
            }
        });
        return out;
    }

    private float[] gather(float[] gradient, int[] wanted) {
        if (gathered.length < wanted.length * d) {
            gathered = new float[wanted.length * d];
        }
        for (int i = 0; i < wanted.length; i++) {
            System.arraycopy(gradient, wanted[i] * d, gathered, i * d, d);
        }
        return gathered;
    }

    private float[] some(int size) {
        if (some.length < size) {
            some = new float[size];
        }
        return some;
    }
}
