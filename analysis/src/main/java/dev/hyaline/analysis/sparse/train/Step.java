package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.internal.PackedRows;
import dev.hyaline.analysis.sparse.internal.Selection;
import dev.hyaline.analysis.sparse.internal.Selector;
import dev.hyaline.analysis.sparse.internal.TokenLists;
import dev.hyaline.engine.internal.kernel.AdamStep;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.SparseKernels;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/**
 * A step of training: loss, gradient and the optimizer's move for one batch. After the encoder's product everything is
 * done on the latents that fire: by token where a token is decoded, by latent where a latent's gradient is summed, each
 * in a fixed order, so that the bits depend on the batch alone and on no thread.
 */
final class Step {
    private static final int LATENTS_PER_TASK = PackedMatrix.PANEL;
    private static final float[] NONE = {};
    private static final int[] OWN_NUMBERS = {};

    private final Recipe recipe;
    private final Weights w;
    private final boolean subtracts;
    private final Kernels kernels;
    private final SparseKernels sparse;
    private final GradientKernels gradients;
    private final WorkerPool pool;
    private final Selector selector;
    private final PackedMatrix encoder;
    private final int n;
    private final int dIn;
    private final int dOut;
    private final int[] allLatents;
    private final double[] rowSquares;
    private final double[] projectedSquares;
    /** Of each latent the sum over tokens of the gradient of its pre-activation. */
    private final float[] preActivationSums;

    private final LatentBuffers[] buffers;
    private final int sites;

    /** The threshold that a top-k autoencoder runs with later. */
    double threshold;

    boolean thresholdBegun;
    private float batchCut;
    private int updates;

    /** Share of latents above which whole products are faster than sums over those that fire. */
    private double denseAbove = 0.08;

    /** Share of latents that fired in the last step; all before the first. */
    double firingShare = 1;

    private int[] firedCounts = {};
    private float[] denseActivations = NONE;

    // Of the step that runs.
    private int tokens;
    private float[] h = NONE;
    private double penalty;
    private float[] norms = NONE;
    private Entries main = none();
    private Path[] paths = {};
    private boolean[] dead = {};
    private double l0;
    /** Squared error of each token. */
    private double[] errors = {};

    /** Entries that reconstruct something: the gradient of its error, by group of latents. */
    private record Path(Entries entries, float[][] gradients, int[] ends) {
        /** The gradient that a latent sees. */
        float[] of(int latent) {
            int group = 0;
            while (ends.length > 0 && latent >= ends[group]) {
                group++;
            }
            return gradients[group];
        }
    }

    /** What a worker needs for one latent. */
    private static final class LatentBuffers {
        private float[] df = NONE;
        private float[] dz = NONE;
        private float[] f = NONE;

        void room(int count) {
            df = PackedRows.grown(df, count);
            dz = PackedRows.grown(dz, count);
            f = PackedRows.grown(f, count);
        }
    }

    Step(Recipe recipe, Weights weights, int sites, boolean subtracts, Kernels kernels, WorkerPool pool) {
        this.recipe = recipe;
        this.w = weights;
        this.sites = sites;
        this.subtracts = subtracts;
        this.kernels = kernels;
        this.sparse = kernels.sparse();
        this.gradients = kernels.gradients();
        this.pool = pool;
        selector = new Selector(kernels, pool);
        n = weights.n;
        dIn = weights.dIn;
        dOut = weights.dOut;
        encoder = PackedRows.transposed(
                weights.value(Weights.ENCODER), n, dIn, weights.value(Weights.ENCODER_BIAS), pool);
        allLatents = IntStream.range(0, n).toArray();
        rowSquares = new double[n];
        projectedSquares = new double[n];
        preActivationSums = new float[n];
        buffers = IntStream.range(0, pool.threads())
                .mapToObj(i -> new LatentBuffers())
                .toArray(LatentBuffers[]::new);
    }

    private static Entries none() {
        return new Entries(new int[1], new int[0], NONE, NONE, new int[1], new int[0], new int[0]);
    }

    /** Updates of the parameters so far. */
    int updates() {
        return updates;
    }

    /**
     * Sets the share of latents above which whole products are used; which of the two is used changes no more than
     * rounding.
     */
    void denseAbove(double share) {
        denseAbove = share;
    }

    /** Goes on after so many updates. */
    void resume(int done) {
        updates = done;
    }

    /** Packs the encoder anew, after its values were changed from outside. */
    void repack() {
        pool.run(encoder.panels(), (worker, panel) -> repack(panel));
    }

    private void repack(int panel) {
        PackedRows.panel(encoder, panel, w.get(Weights.ENCODER).value);
        if (w.has(Weights.ENCODER_BIAS)) {
            int first = panel * PackedMatrix.PANEL;
            System.arraycopy(w.get(Weights.ENCODER_BIAS).value, first, encoder.bias(), first, encoder.columns(panel));
        }
    }

    /** Squared error of each token of the last batch. */
    double[] errors() {
        return errors;
    }

    /** Number of tokens of the last batch that fired each latent. */
    int[] fired() {
        if (firedCounts.length > 0) {
            return firedCounts.clone();
        }
        int[] fired = new int[n];
        for (int e = 0; e < main.count(); e++) {
            fired[main.latents()[e]] += main.f()[e] != 0 ? 1 : 0;
        }
        return fired;
    }

    /**
     * Computes the loss and its gradient, and moves the parameters.
     *
     * @param x inputs {@code [tokens, dIn]}
     * @param y what is to be reconstructed {@code [tokens, dOut]}
     * @param deadLatents which latents count as dead
     * @param rate the learning rate
     * @param warmth share of the penalty's coefficient
     */
    Losses run(float[] x, float[] y, int count, boolean[] deadLatents, double rate, double warmth) {
        Losses losses = backward(x, y, count, deadLatents, warmth);
        move(rate);
        return losses;
    }

    /** Computes the loss and its gradient. */
    Losses backward(float[] x, float[] y, int count, boolean[] deadLatents, double warmth) {
        tokens = count;
        dead = deadLatents;
        penalty = recipe.activation().coefficient() * warmth;
        norms = lengths();
        h = x;
        if (subtracts) {
            h = new float[count * dIn];
            float[] bias = w.get(Weights.DECODER_BIAS).value;
            pool.run(count, (worker, t) -> {
                for (int c = 0; c < dIn; c++) {
                    h[t * dIn + c] = x[t * dIn + c] - bias[c];
                }
            });
        }
        Sums sums = new Sums();
        firedCounts = new int[0];
        if (recipe.activation() instanceof TrainedActivation.PenalizedRelu relu && firingShare > denseAbove) {
            dense(x, y, relu, sums);
        } else {
            denseActivations = NONE;
            main = encode();
            paths = paths(x, y, sums);
            penalties(sums);
            latents();
        }
        firingShare = l0 / n;
        biases(x);
        double norm = Math.sqrt(Arrays.stream(rowSquares).sum() + otherSquares());
        followThreshold();
        double total = sums.reconstruction + sums.sparsity + sums.auxiliary;
        return new Losses(total, sums.reconstruction, sums.sparsity, sums.auxiliary, norm, l0);
    }

    /** Losses as they add up. */
    private static final class Sums {
        private double reconstruction;
        private double sparsity;
        private double auxiliary;
    }

    /** Everything as whole products, while many latents fire: of all pre-activations one array is held. */
    private void dense(float[] x, float[] y, TrainedActivation.PenalizedRelu relu, Sums sums) {
        main = none();
        DenseProducts products = new DenseProducts(kernels, pool, selector.product(), tokens, n);
        if (denseActivations.length != tokens * n) {
            denseActivations = new float[Math.multiplyExact(tokens, n)];
        }
        float[] f = denseActivations;
        products.encode(h, encoder, f);
        float[][] outs = {products.decode(f, w.get(Weights.DECODER).value, w.get(Weights.DECODER_BIAS).value, dOut)};
        addSkip(x, outs);
        errors = new double[tokens];
        for (int i = 0; i < tokens * dOut; i++) {
            double e = (double) y[i] - outs[0][i];
            errors[i / dOut] += e * e;
        }
        sums.reconstruction += error(outs[0], y, unit(y));
        paths = new Path[] {new Path(main, outs, OWN_NUMBERS)};
        firedCounts = new int[n];
        double[] l1 = new double[n];
        float weight = (float) (penalty / tokens);
        products.backward(f, w, outs[0], h, dIn, dOut, new DenseProducts.Latent() {
            @Override
            public void gradient(int i, float[] activations, float[] df, int at) {
                float each = relu.weighted() ? weight * norms[i] : weight;
                int count = 0;
                for (int t = at; t < at + tokens; t++) {
                    boolean fires = activations[t] > 0;
                    count += fires ? 1 : 0;
                    df[t] = fires ? df[t] + each : 0;
                }
                firedCounts[i] = count;
                preActivationSums[i] = (float) total(df, at);
                l1[i] = total(activations, at);
            }

            @Override
            public void finished(int i) {
                if (relu.weighted()) {
                    addAlongRow(i, (float) (penalty / tokens * l1[i]));
                }
                w.get(Weights.ENCODER_BIAS).gradient[i] = preActivationSums[i];
                finish(i, w.get(Weights.DECODER).gradient, w.get(Weights.ENCODER).gradient);
            }
        });
        double total = 0;
        for (int i = 0; i < n; i++) {
            total += relu.weighted() ? l1[i] * norms[i] : l1[i];
        }
        sums.sparsity += penalty * total / tokens;
        l0 = (double) Arrays.stream(firedCounts).asLongStream().sum() / tokens;
    }

    /** The sum over tokens, in four parts that do not wait for each other. */
    private double total(float[] values, int at) {
        double a = 0;
        double b = 0;
        double c = 0;
        double d = 0;
        int t = at;
        for (; t <= at + tokens - 4; t += 4) {
            a += values[t];
            b += values[t + 1];
            c += values[t + 2];
            d += values[t + 3];
        }
        for (; t < at + tokens; t++) {
            a += values[t];
        }
        return a + b + (c + d);
    }

    /** Lengths of the decoder rows; of a crosscoder the sum of those of its sites. */
    private float[] lengths() {
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

    private Entries encode() {
        switch (recipe.activation()) {
            case TrainedActivation.PenalizedRelu relu -> {
                return entries(new Selection.Above(new float[n]));
            }
            case TrainedActivation.PenalizedGate gated -> {
                float[] cuts = new float[n];
                float[] gate = w.get(Weights.GATE_BIAS).value;
                for (int i = 0; i < n; i++) {
                    cuts[i] = -gate[i];
                }
                Entries entries = entries(new Selection.Above(cuts));
                float[] scale = w.get(Weights.MAGNITUDE_SCALE).value;
                float[] bias = w.get(Weights.MAGNITUDE_BIAS).value;
                float[] factors = new float[n];
                for (int i = 0; i < n; i++) {
                    factors[i] = (float) Math.exp(scale[i]);
                }
                each(entries, (e, i) -> entries.f()[e] = Math.max(entries.z()[e] * factors[i] + bias[i], 0));
                return entries;
            }
            case TrainedActivation.TrainedTopK top -> {
                return top.batch() ? batchTop(top) : entries(top((int) top.k(), top.rescaled()));
            }
            case TrainedActivation.TrainedJump jump -> {
                float[] cuts = new float[n];
                for (int i = 0; i < n; i++) {
                    boolean pulled = jump.preActivation() > 0 && dead[i];
                    cuts[i] = pulled
                            ? Float.NEGATIVE_INFINITY
                            : (float) Math.min(cut(jump, i), cut(jump, i) - jump.bandwidth() / 2);
                }
                Entries entries = entries(new Selection.Above(cuts));
                each(entries, (e, i) -> entries.f()[e] = entries.z()[e] > cut(jump, i) ? entries.z()[e] : 0);
                return entries;
            }
        }
    }

    /** The threshold of a latent that jumps. */
    private float cut(TrainedActivation.TrainedJump jump, int latent) {
        float value = w.get(Weights.THRESHOLD).value[latent];
        return jump.logarithmic() ? (float) Math.exp(value) : Math.max(value, 0);
    }

    private Selection top(int k, boolean rescaled) {
        return Selection.Top.positive(Math.min(k, n), rescaled ? norms : NONE);
    }

    private Entries entries(Selection selection) {
        return Entries.of(selector.select(h, tokens, encoder, selection), n, OWN_NUMBERS, pool);
    }

    private Entries batchTop(TrainedActivation.TrainedTopK top) {
        float[] scale = top.rescaled() ? norms : NONE;
        long wanted = (long) Math.floor(top.k() * tokens);
        // The last batch's least activation lets most be forgotten at once; which are kept does not depend on it.
        TokenLists lists = selector.select(h, tokens, encoder, new Selection.AboveScaled(scale, batchCut));
        if (batchCut > 0 && lists.count() < wanted) {
            lists = selector.select(h, tokens, encoder, new Selection.AboveScaled(scale, 0));
        }
        batchCut = Selection.keepLargest(lists, wanted) / 2;
        Entries entries = Entries.of(lists, n, OWN_NUMBERS, pool);
        if (top.rescaled()) {
            each(entries, (e, i) -> {
                entries.z()[e] /= norms[i];
                entries.f()[e] = entries.z()[e];
            });
        }
        return entries;
    }

    /** Does something to each entry. */
    private interface EntryAction {
        void accept(int entry, int latent);
    }

    private void each(Entries entries, EntryAction action) {
        pool.run(tokens, (worker, t) -> {
            for (int e = entries.offsets()[t]; e < entries.offsets()[t + 1]; e++) {
                action.accept(e, entries.latents()[e]);
            }
        });
    }

    /** Everything that is reconstructed, with the gradient of its error. */
    private Path[] paths(float[] x, float[] y, Sums sums) {
        float[][] outs = decode(main, main.f(), recipe.prefixes(), true);
        addSkip(x, outs);
        double unit = unit(y);
        float[] rest = new float[tokens * dOut];
        float[] last = outs[outs.length - 1];
        for (int i = 0; i < rest.length; i++) {
            rest[i] = y[i] - last[i];
        }
        for (int g = 0; g < outs.length; g++) {
            double weight =
                    recipe.prefixes().isEmpty() ? 1 : recipe.prefixWeights().get(g);
            sums.reconstruction += error(outs[g], y, weight * unit);
        }
        errors = new double[tokens];
        for (int i = 0; i < rest.length; i++) {
            errors[i / dOut] += (double) rest[i] * rest[i];
        }
        for (int g = outs.length - 2; g >= 0; g--) {
            add(outs[g], outs[g + 1]);
        }
        Path first = new Path(
                main,
                outs,
                recipe.prefixes().stream().mapToInt(Integer::intValue).toArray());
        if (recipe.activation() instanceof TrainedActivation.PenalizedGate) {
            return new Path[] {first, gatePath(y, unit, sums)};
        }
        Path[] all = {first};
        if (recipe.multiTopK() && recipe.activation() instanceof TrainedActivation.TrainedTopK top) {
            Entries four = entries(top((int) (4 * top.k()), top.rescaled()));
            float[] out = decode(four, four.f(), List.of(), true)[0];
            float[][] one = {out};
            addSkip(x, one);
            sums.auxiliary += error(out, y, unit / 8);
            all = append(all, new Path(four, one, OWN_NUMBERS));
        }
        return auxiliary(all, rest, y, sums);
    }

    private static Path[] append(Path[] paths, Path path) {
        Path[] more = Arrays.copyOf(paths, paths.length + 1);
        more[paths.length] = path;
        return more;
    }

    /** Factor of the summed squared error in the loss. */
    private double unit(float[] y) {
        return switch (recipe.reconstruction()) {
            case SQUARED_ERROR -> 1.0 / tokens;
            case UNEXPLAINED_VARIANCE -> 1 / variance(y);
            case MEAN -> recipe.reconstructionScale() / ((double) tokens * dOut);
        };
    }

    /** Sum of squared distances of rows from their mean. */
    private double variance(float[] rows) {
        double[] mean = new double[dOut];
        for (int i = 0; i < tokens * dOut; i++) {
            mean[i % dOut] += rows[i];
        }
        double sum = 0;
        for (int i = 0; i < tokens * dOut; i++) {
            double difference = rows[i] - mean[i % dOut] / tokens;
            sum += difference * difference;
        }
        return sum;
    }

    /** Turns a reconstruction into the gradient of {@code factor |out - y|^2}, and returns that. */
    private double error(float[] out, float[] y, double factor) {
        double[] sums = new double[tokens];
        float twice = (float) (2 * factor);
        pool.run(tokens, (worker, t) -> {
            double sum = 0;
            for (int i = t * dOut; i < (t + 1) * dOut; i++) {
                float e = out[i] - y[i];
                sum += (double) e * e;
                out[i] = twice * e;
            }
            sums[t] = sum;
        });
        return factor * Arrays.stream(sums).sum();
    }

    private void add(float[] inOut, float[] addend) {
        pool.run(tokens, (worker, t) -> kernels.add(inOut, t * dOut, addend, t * dOut, dOut));
    }

    /** Reconstructions from each prefix; from all latents if there are none. */
    private float[][] decode(Entries entries, float[] f, List<Integer> prefixes, boolean biased) {
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

    private void addSkip(float[] x, float[][] outs) {
        if (!w.has(Weights.SKIP)) {
            return;
        }
        float[] skip = w.get(Weights.SKIP).value;
        pool.run(tokens, (worker, t) -> {
            for (float[] out : outs) {
                for (int o = 0; o < dOut; o++) {
                    out[t * dOut + o] += gradients.dot(skip, o * dIn, x, t * dIn, dIn);
                }
            }
        });
    }

    /** The gate's own reconstruction. */
    private Path gatePath(float[] y, double unit, Sums sums) {
        float[] gate = w.get(Weights.GATE_BIAS).value;
        Entries e = main;
        float[] open = new float[e.count()];
        each(e, (entry, i) -> open[entry] = e.z()[entry] + gate[i]);
        Entries gates = new Entries(e.offsets(), e.latents(), e.z(), open, e.starts(), e.order(), e.tokens());
        float[][] out = decode(gates, open, List.of(), true);
        sums.auxiliary += error(out[0], y, unit);
        return new Path(gates, out, OWN_NUMBERS);
    }

    /** Dead latents reconstruct what the others left. */
    private Path[] auxiliary(Path[] paths, float[] rest, float[] y, Sums sums) {
        int[] deadOnes = IntStream.range(0, n).filter(i -> dead[i]).toArray();
        if (recipe.auxiliary() == Recipe.Auxiliary.NONE || deadOnes.length == 0) {
            return paths;
        }
        int half = Math.max(1, dOut / 2);
        int k = Math.min(recipe.auxiliaryK() == 0 ? half : recipe.auxiliaryK(), deadOnes.length);
        double share = Math.min((double) deadOnes.length / half, 1);
        double factor = recipe.auxiliaryCoefficient()
                * switch (recipe.auxiliary()) {
                    case SAELENS -> share / tokens;
                    case DICTIONARY_LEARNING, OPENAI -> 1 / variance(rest);
                    case SPARSIFY -> share / variance(y);
                    case NONE -> 0;
                };
        if (!Double.isFinite(factor)) {
            return paths; // Nothing is left to reconstruct.
        }
        boolean rescaled = recipe.activation() instanceof TrainedActivation.TrainedTopK top && top.rescaled();
        float[] rows = gather(w.get(Weights.ENCODER).value, dIn, deadOnes);
        float[] bias = gather(w.get(Weights.ENCODER_BIAS).value, 1, deadOnes);
        PackedMatrix packed = PackedRows.transposed(rows, deadOnes.length, dIn, bias, pool);
        boolean positive = recipe.auxiliary() != Recipe.Auxiliary.SAELENS;
        Selection selection = new Selection.Top(k, rescaled ? gather(norms, 1, deadOnes) : NONE, positive);
        Entries entries = Entries.of(selector.select(h, tokens, packed, selection), n, deadOnes, pool);
        float[][] out = decode(entries, entries.f(), List.of(), false);
        sums.auxiliary += error(out[0], rest, factor);
        return append(paths, new Path(entries, out, OWN_NUMBERS));
    }

    private static float[] gather(float[] rows, int width, int[] chosen) {
        float[] gathered = new float[chosen.length * width];
        for (int i = 0; i < chosen.length; i++) {
            System.arraycopy(rows, chosen[i] * width, gathered, i * width, width);
        }
        return gathered;
    }

    /** The penalties' values, and L0. */
    private void penalties(Sums sums) {
        double[] l1 = new double[tokens];
        double[] pulls = new double[tokens];
        int[] counts = new int[tokens];
        TrainedActivation activation = recipe.activation();
        float[] gate = w.value(Weights.GATE_BIAS);
        pool.run(tokens, (worker, t) -> {
            for (int e = main.offsets()[t]; e < main.offsets()[t + 1]; e++) {
                int i = main.latents()[e];
                float f = main.f()[e];
                counts[t] += f != 0 ? 1 : 0;
                switch (activation) {
                    case TrainedActivation.PenalizedRelu relu -> l1[t] += relu.weighted() ? (double) f * norms[i] : f;
                    case TrainedActivation.PenalizedGate gated -> {
                        double open = main.z()[e] + gate[i];
                        l1[t] += gated.frozen() ? open : open * norms[i];
                    }
                    case TrainedActivation.TrainedTopK top -> {}
                    case TrainedActivation.TrainedJump jump -> {
                        if (jump.sparsity() == TrainedActivation.Sparsity.TANH) {
                            l1[t] += Math.tanh(jump.scale() * f * norms[i]);
                        } else {
                            l1[t] += f != 0 ? 1 : 0;
                        }
                        if (jump.preActivation() > 0 && dead[i]) {
                            pulls[t] += Math.max(cut(jump, i) - main.z()[e], 0) * norms[i];
                        }
                    }
                }
            }
        });
        l0 = (double) Arrays.stream(counts).asLongStream().sum() / tokens;
        double mean = Arrays.stream(l1).sum() / tokens;
        sums.sparsity += activation instanceof TrainedActivation.TrainedJump jump
                        && jump.sparsity() == TrainedActivation.Sparsity.TARGET
                ? penalty * (l0 / jump.scale() - 1) * (l0 / jump.scale() - 1)
                : activation instanceof TrainedActivation.TrainedTopK ? 0 : penalty * mean;
        if (activation instanceof TrainedActivation.TrainedJump jump) {
            sums.auxiliary += jump.preActivation() * Arrays.stream(pulls).sum() / tokens;
        }
    }

    /** The gradient of each latent's weights. */
    private void latents() {
        pool.run(Math.ceilDiv(n, LATENTS_PER_TASK), (worker, task) -> {
            int end = Math.min(n, (task + 1) * LATENTS_PER_TASK);
            for (int i = task * LATENTS_PER_TASK; i < end; i++) {
                latent(i, buffers[worker]);
            }
        });
    }

    private void latent(int i, LatentBuffers buffer) {
        float[] encoderGradient = w.get(Weights.ENCODER).gradient;
        float[] decoderGradient = w.get(Weights.DECODER).gradient;
        Arrays.fill(encoderGradient, i * dIn, (i + 1) * dIn, 0);
        Arrays.fill(decoderGradient, i * dOut, (i + 1) * dOut, 0);
        preActivationSums[i] = 0;
        if (w.has(Weights.THRESHOLD)) {
            w.get(Weights.THRESHOLD).gradient[i] = 0;
        }
        if (recipe.activation() instanceof TrainedActivation.PenalizedGate gated) {
            gated(i, gated, buffer);
        } else {
            for (int p = 0; p < paths.length; p++) {
                path(i, paths[p], p == 0, buffer);
            }
        }
        if (w.has(Weights.ENCODER_BIAS)) {
            w.get(Weights.ENCODER_BIAS).gradient[i] = preActivationSums[i];
        }
        finish(i, decoderGradient, encoderGradient);
    }

    /** One path's part of a latent's gradient. */
    private void path(int i, Path path, boolean first, LatentBuffers buffer) {
        Entries e = path.entries;
        int from = e.starts()[i];
        int count = e.starts()[i + 1] - from;
        if (count == 0) {
            return;
        }
        buffer.room(from + count);
        float[] df = buffer.df;
        float[] dz = buffer.dz;
        float[] f = buffer.f;
        for (int j = from; j < from + count; j++) {
            f[j] = e.f()[e.order()[j]];
        }
        Rows g = new Rows(path.of(i), 0, dOut);
        sparse.dotRows(df, w.get(Weights.DECODER).value, i * dOut, dOut, e.tokens(), from, from + count, g);
        float alongNorm = 0;
        if (first) {
            alongNorm = activationGradient(i, e, from, count, buffer);
        } else {
            System.arraycopy(df, from, dz, from, count);
        }
        float[] decoderGradient = w.get(Weights.DECODER).gradient;
        sparse.addScaledRows(decoderGradient, i * dOut, dOut, f, e.tokens(), from, from + count, g);
        if (alongNorm != 0) {
            addAlongRow(i, alongNorm);
        }
        encoderGradient(i, e, from, count, dz);
    }

    private void encoderGradient(int i, Entries e, int from, int count, float[] dz) {
        sparse.addScaledRows(
                w.get(Weights.ENCODER).gradient, i * dIn, dIn, dz, e.tokens(), from, from + count, new Rows(h, 0, dIn));
        double sum = 0;
        for (int j = from; j < from + count; j++) {
            sum += dz[j];
        }
        preActivationSums[i] += (float) sum;
    }

    /**
     * The gradient of a latent's pre-activations from that of its activations, with what the penalty adds to both.
     *
     * @return the derivative with respect to the length of the decoder row
     */
    private float activationGradient(int i, Entries e, int from, int count, LatentBuffers buffer) {
        float[] df = buffer.df;
        float[] dz = buffer.dz;
        float[] f = buffer.f;
        return switch (recipe.activation()) {
            case TrainedActivation.PenalizedRelu relu -> {
                float each = (float) (penalty / tokens * (relu.weighted() ? norms[i] : 1));
                double sum = 0;
                for (int j = from; j < from + count; j++) {
                    dz[j] = df[j] + each;
                    sum += f[j];
                }
                yield relu.weighted() ? (float) (penalty / tokens * sum) : 0;
            }
            case TrainedActivation.TrainedJump jump -> jump(i, jump, e, from, count, buffer);
            default -> {
                System.arraycopy(df, from, dz, from, count);
                yield 0;
            }
        };
    }

    private float jump(
            int i, TrainedActivation.TrainedJump jump, Entries e, int from, int count, LatentBuffers buffer) {
        float[] df = buffer.df;
        float[] dz = buffer.dz;
        float[] f = buffer.f;
        float theta = cut(jump, i);
        double eps = jump.bandwidth();
        boolean tanh = jump.sparsity() == TrainedActivation.Sparsity.TANH;
        double step = tanh ? 0 : penalty / tokens;
        if (jump.sparsity() == TrainedActivation.Sparsity.TARGET) {
            step *= 2 * (l0 / jump.scale() - 1) / jump.scale();
        }
        double pull = dead[i] ? jump.preActivation() / tokens * norms[i] : 0;
        double dTheta = 0;
        double along = 0;
        for (int j = from; j < from + count; j++) {
            float z = e.z()[e.order()[j]];
            double d = df[j];
            if (tanh) {
                double value = Math.tanh(jump.scale() * f[j] * norms[i]);
                double slope = penalty / tokens * jump.scale() * (1 - value * value);
                d += slope * norms[i];
                along += slope * f[j];
            }
            boolean near = Math.abs(z - theta) < eps / 2;
            double dPre = z > theta ? d : 0;
            if (near) {
                dTheta -= theta / eps * d + step / eps;
                if (jump.toInput()) {
                    dPre += (d * theta + step) / eps;
                }
            }
            if (pull > 0 && z < theta) {
                dPre -= pull;
                dTheta += pull;
                along += jump.preActivation() / tokens * (theta - z);
            }
            dz[j] = (float) dPre;
        }
        float value = w.get(Weights.THRESHOLD).value[i];
        w.get(Weights.THRESHOLD).gradient[i] = (float) (jump.logarithmic() ? dTheta * theta : value > 0 ? dTheta : 0);
        return (float) along;
    }

    /** A gated latent's gradient: that of its magnitude through what is decoded, that of its gate through its own. */
    private void gated(int i, TrainedActivation.PenalizedGate gated, LatentBuffers buffer) {
        Entries e = main;
        int from = e.starts()[i];
        int end = e.starts()[i + 1];
        double dGate = 0;
        double dBias = 0;
        double dScale = 0;
        if (end > from) {
            buffer.room(end);
            float[] decoder = w.get(Weights.DECODER).value;
            float[] decoderGradient = w.get(Weights.DECODER).gradient;
            Rows g = new Rows(paths[0].of(i), 0, dOut);
            Rows g2 = new Rows(paths[1].of(i), 0, dOut);
            float[] open = paths[1].entries.f();
            float[] gateGradient = new float[end];
            sparse.dotRows(buffer.df, decoder, i * dOut, dOut, e.tokens(), from, end, g);
            sparse.dotRows(gateGradient, decoder, i * dOut, dOut, e.tokens(), from, end, g2);
            float each = (float) (penalty / tokens * (gated.frozen() ? 1 : norms[i]));
            float factor = (float) Math.exp(w.get(Weights.MAGNITUDE_SCALE).value[i]);
            double opened = 0;
            for (int j = from; j < end; j++) {
                int entry = e.order()[j];
                buffer.f[j] = e.f()[entry];
                float dMagnitude = e.f()[entry] > 0 ? buffer.df[j] : 0;
                float dOpen = gateGradient[j] + each;
                dBias += dMagnitude;
                dScale += (double) dMagnitude * e.z()[entry] * factor;
                dGate += dOpen;
                opened += open[entry];
                buffer.dz[j] = dMagnitude * factor + dOpen;
            }
            sparse.addScaledRows(decoderGradient, i * dOut, dOut, buffer.f, e.tokens(), from, end, g);
            if (!gated.frozen()) {
                for (int j = from; j < end; j++) {
                    buffer.f[j] = open[e.order()[j]];
                }
                sparse.addScaledRows(decoderGradient, i * dOut, dOut, buffer.f, e.tokens(), from, end, g2);
                addAlongRow(i, (float) (penalty / tokens * opened));
            }
            encoderGradient(i, e, from, end - from, buffer.dz);
        }
        w.get(Weights.GATE_BIAS).gradient[i] = (float) dGate;
        w.get(Weights.MAGNITUDE_BIAS).gradient[i] = (float) dBias;
        w.get(Weights.MAGNITUDE_SCALE).gradient[i] = (float) dScale;
    }

    /** Adds a derivative with respect to a decoder row's length; of a crosscoder, to that of each site's part. */
    private void addAlongRow(int i, float derivative) {
        float[] decoder = w.get(Weights.DECODER).value;
        float[] gradient = w.get(Weights.DECODER).gradient;
        int part = dOut / sites;
        for (int s = 0; s < sites; s++) {
            int at = i * dOut + s * part;
            double length = Math.sqrt(squares(decoder, at, part));
            if (length > 0) {
                float factor = (float) (derivative / length);
                for (int c = at; c < at + part; c++) {
                    gradient[c] += factor * decoder[c];
                }
            }
        }
    }

    private double squares(float[] values, int at, int count) {
        double sum = 0;
        for (int c = at; c < at + count; c++) {
            sum += (double) values[c] * values[c];
        }
        return sum;
    }

    /** Lengths of a latent's gradient, before and after it is projected off the decoder row. */
    private void finish(int i, float[] decoderGradient, float[] encoderGradient) {
        double encoderSquares = squares(encoderGradient, i * dIn, dIn);
        rowSquares[i] = encoderSquares + squares(decoderGradient, i * dOut, dOut);
        Recipe.DecoderRule rule = recipe.optimizer().decoder();
        if (rule == Recipe.DecoderRule.FREE) {
            projectedSquares[i] = rowSquares[i];
            return;
        }
        float[] decoder = w.get(Weights.DECODER).value;
        if (rule == Recipe.DecoderRule.NORMALIZED_BEFORE) {
            normalize(decoder, i);
        }
        double length =
                Math.sqrt(squares(decoder, i * dOut, dOut)) + recipe.optimizer().projectionEps();
        double product = 0;
        for (int c = i * dOut; c < (i + 1) * dOut; c++) {
            product += (double) decoderGradient[c] * decoder[c];
        }
        if (length > 0) {
            // sparsify takes rows to be of length one, whatever they are.
            double divisor = rule == Recipe.DecoderRule.PROJECTED ? 1 : length * length;
            float factor = (float) (product / divisor);
            for (int c = i * dOut; c < (i + 1) * dOut; c++) {
                decoderGradient[c] -= factor * decoder[c];
            }
        }
        projectedSquares[i] = encoderSquares + squares(decoderGradient, i * dOut, dOut);
    }

    private void normalize(float[] decoder, int i) {
        double length = Math.sqrt(squares(decoder, i * dOut, dOut));
        if (length > 0) {
            float inverse = (float) (1 / length);
            for (int c = i * dOut; c < (i + 1) * dOut; c++) {
                decoder[c] *= inverse;
            }
        }
    }

    /** The gradient of what is not one latent's. */
    private void biases(float[] x) {
        float[] gradient = w.get(Weights.DECODER_BIAS).gradient;
        double[] sums = new double[dOut];
        addColumns(paths[0].gradients[0], sums);
        for (int p = 1; p < paths.length; p++) {
            boolean gate = recipe.activation() instanceof TrainedActivation.PenalizedGate;
            boolean four = !gate && p == 1 && recipe.multiTopK();
            boolean biased = gate
                    ? recipe.activation() instanceof TrainedActivation.PenalizedGate gated && !gated.frozen()
                    : four || recipe.auxiliary() == Recipe.Auxiliary.OPENAI;
            if (biased) {
                addColumns(paths[p].gradients[0], sums);
            }
        }
        for (int c = 0; c < dOut; c++) {
            gradient[c] = (float) sums[c];
        }
        if (subtracts) {
            float[] factors = preActivationSums.clone();
            for (int i = 0; i < n; i++) {
                factors[i] = -factors[i];
            }
            float[] rows = w.get(Weights.ENCODER).value;
            int block = 64;
            pool.run(Math.ceilDiv(dIn, block), (worker, b) -> {
                int at = b * block;
                int width = Math.min(block, dIn - at);
                sparse.addScaledRows(gradient, at, width, factors, allLatents, 0, n, new Rows(rows, at, dIn));
            });
        }
        if (w.has(Weights.SKIP)) {
            skip(x);
        }
    }

    private void addColumns(float[] rows, double[] sums) {
        for (int i = 0; i < tokens * dOut; i++) {
            sums[i % dOut] += rows[i];
        }
    }

    private void skip(float[] x) {
        float[] gradient = w.get(Weights.SKIP).gradient;
        Arrays.fill(gradient, 0);
        int[] all = IntStream.range(0, tokens).toArray();
        boolean four = recipe.multiTopK();
        pool.run(dOut, (worker, o) -> {
            float[] factors = new float[tokens];
            for (int p = 0; p <= (four ? 1 : 0); p++) {
                for (int t = 0; t < tokens; t++) {
                    factors[t] = paths[p].gradients[0][t * dOut + o];
                }
                sparse.addScaledRows(gradient, o * dIn, dIn, factors, all, 0, tokens, new Rows(x, 0, dIn));
            }
        });
    }

    /** Squared length of the gradient of all but encoder and decoder. */
    private double otherSquares() {
        double sum = 0;
        for (Map.Entry<String, Weights.Parameter> entry : w.all().entrySet()) {
            if (!entry.getKey().equals(Weights.ENCODER) && !entry.getKey().equals(Weights.DECODER)) {
                sum += squares(entry.getValue().gradient, 0, entry.getValue().gradient.length);
            }
        }
        return sum;
    }

    /** Lets the threshold follow the least activation that was kept. */
    private void followThreshold() {
        if (recipe.threshold() == Recipe.ThresholdRule.NONE
                || !(recipe.activation() instanceof TrainedActivation.TrainedTopK top)) {
            return;
        }
        double least = Double.POSITIVE_INFINITY;
        double sum = 0;
        int counted = 0;
        for (int t = 0; t < tokens; t++) {
            double ofToken = Double.POSITIVE_INFINITY;
            for (int e = main.offsets()[t]; e < main.offsets()[t + 1]; e++) {
                double s = main.f()[e] * (top.rescaled() ? norms[main.latents()[e]] : 1);
                ofToken = s > 0 ? Math.min(ofToken, s) : ofToken;
            }
            least = Math.min(least, ofToken);
            if (ofToken != Double.POSITIVE_INFINITY) {
                sum += ofToken;
                counted++;
            }
        }
        if (counted == 0) {
            return;
        }
        double smallest = top.batch() ? least : sum / counted;
        if (recipe.threshold() == Recipe.ThresholdRule.SAELENS) {
            threshold = 0.99 * threshold + 0.01 * smallest;
        } else {
            threshold = thresholdBegun ? 0.999 * threshold + 0.001 * smallest : smallest;
        }
        thresholdBegun = true;
    }

    /** Moves the parameters along the gradient. */
    void move(double rate) {
        Recipe.Optimizer optimizer = recipe.optimizer();
        updates++;
        double norm = Math.sqrt(Arrays.stream(projectedSquares).sum() + otherSquares());
        double scale = optimizer.clip() > 0 ? Math.min(1, optimizer.clip() / (norm + 1e-6)) : 1;
        AdamStep step = new AdamStep(
                (float) rate,
                (float) optimizer.beta1(),
                (float) optimizer.beta2(),
                (float) (1 / (1 - Math.pow(optimizer.beta1(), updates))),
                (float) (1 / (1 - Math.pow(optimizer.beta2(), updates))),
                (float) optimizer.eps(),
                (float) scale);
        w.all().forEach((name, p) -> {
            if (!name.equals(Weights.ENCODER) && !name.equals(Weights.DECODER)) {
                sparse.adam(p.value, p.m, p.v, 0, p.gradient, 0, p.value.length, step);
            }
        });
        Weights.Parameter rows = w.get(Weights.ENCODER);
        Weights.Parameter decoder = w.get(Weights.DECODER);
        pool.run(encoder.panels(), (worker, panel) -> {
            int first = panel * PackedMatrix.PANEL;
            int count = encoder.columns(panel);
            adam(rows, first * dIn, count * dIn, step);
            adam(decoder, first * dOut, count * dOut, step);
            if (optimizer.decoder() == Recipe.DecoderRule.UNIT) {
                for (int i = first; i < first + count; i++) {
                    normalize(decoder.value, i);
                }
            }
            repack(panel);
        });
    }

    private void adam(Weights.Parameter p, int at, int count, AdamStep step) {
        sparse.adam(p.value, p.m, p.v, at, p.gradient, at, count, step);
    }
}
