package dev.hyaline.analysis.sparse.feature;

import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.feature.LatentPage.ActivationInterval;
import dev.hyaline.analysis.sparse.feature.LatentPage.Firing;
import dev.hyaline.analysis.sparse.feature.LatentPage.Histogram;
import dev.hyaline.analysis.sparse.feature.LatentPage.LogitEffects;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** The latents of an autoencoder on texts, ready to be looked at one by one. All firings are in memory. Immutable. */
public final class LatentStudy {
    private static final int TOP = 20;
    private static final int INTERVALS = 5;
    private static final int EXAMPLES = 5;
    private static final int BINS = 50;
    private static final int LOGITS = 10;
    private static final int SIMILAR = 10;

    private final Attachment attachment;
    private final EncodedTexts texts;
    private final boolean[] excluded;
    private final int counted;
    private final int[] starts;
    private final int[] rows;
    private final float[] values;
    private final float[] unembedding;
    private final float[] gain;
    private final int d;
    private final int vocabulary;

    private LatentStudy(Gpt2 model, Attachment attachment, EncodedTexts texts, boolean[] excluded) {
        this.attachment = attachment;
        this.texts = texts;
        this.excluded = excluded;
        int left = 0;
        for (boolean out : excluded) {
            left += out ? 0 : 1;
        }
        counted = left;
        int n = attachment.autoencoder().config().latents();
        Latents latents = texts.latents();
        starts = new int[n + 1];
        for (int t = 0; t < excluded.length; t++) {
            for (int e = latents.offsets()[t]; e < latents.offsets()[t + 1] && !excluded[t]; e++) {
                starts[latents.indices()[e] + 1]++;
            }
        }
        for (int i = 0; i < n; i++) {
            starts[i + 1] += starts[i];
        }
        rows = new int[starts[n]];
        values = new float[starts[n]];
        int[] next = starts.clone();
        for (int t = 0; t < excluded.length; t++) {
            for (int e = latents.offsets()[t]; e < latents.offsets()[t + 1] && !excluded[t]; e++) {
                int to = next[latents.indices()[e]]++;
                rows[to] = t;
                values[to] = latents.values()[e];
            }
        }
        d = attachment.autoencoder().config().dOut();
        boolean residual = d == model.config().dModel();
        vocabulary = model.config().dVocab();
        unembedding = residual ? model.weights().tensor("lm_head.weight") : new float[0];
        gain = residual ? model.weights().tensor("ln_f.weight") : new float[0];
    }

    /**
     * Runs texts and keeps what fires.
     *
     * @param excludedTokens that count for nothing
     * @throws BadInputException if no token is left
     */
    public static LatentStudy of(Gpt2 model, Attachment attachment, Prompts prompts, Set<Integer> excludedTokens) {
        EncodedTexts texts = EncodedTexts.of(model, attachment, prompts);
        boolean[] excluded = new boolean[texts.tokens().length];
        int left = 0;
        for (int t = 0; t < excluded.length; t++) {
            excluded[t] = excludedTokens.contains(texts.tokens()[t]);
            left += excluded[t] ? 0 : 1;
        }
        if (left == 0) {
            throw new BadInputException("no token is left to look at");
        }
        return new LatentStudy(model, attachment, texts, excluded);
    }

    public Attachment attachment() {
        return attachment;
    }

    /** Number of latents. */
    public int latents() {
        return starts.length - 1;
    }

    /** Tokens that count. */
    public int tokens() {
        return counted;
    }

    /** Number of texts. */
    public int texts() {
        return texts.sequences()[texts.sequences().length - 1] + 1;
    }

    /** Number of tokens, those that do not count among them. */
    public int rows() {
        return excluded.length;
    }

    /**
     * Whether a token does not count.
     *
     * @param row of {@link #rows}
     */
    public boolean isExcluded(int row) {
        BadInputException.requireIndex("row", row, rows());
        return excluded[row];
    }

    /** Index of a token's text. */
    int text(int row) {
        return texts.sequences()[row];
    }

    /** Values a token of the site that the autoencoder reads. */
    int inputWidth() {
        return attachment.autoencoder().config().dIn();
    }

    /** The values of the site that the autoencoder reads, {@code [rows, dIn]}; not copied. */
    public float[] inputs() {
        return texts.inputs();
    }

    /** The latents of all tokens, {@link #rows} of them; not copied. */
    public Latents codes() {
        return texts.latents();
    }

    /** The tokens that fire a latent, of those that count. */
    int[] firedRows(int latent) {
        return Arrays.copyOfRange(rows, starts[latent], starts[latent + 1]);
    }

    /** Activations of a latent at these. */
    float[] firedValues(int latent) {
        return Arrays.copyOfRange(values, starts[latent], starts[latent + 1]);
    }

    /** Share of tokens that fire a latent. */
    public double shareFiring(int latent) {
        BadInputException.requireIndex("latent", latent, latents());
        return (double) (starts[latent + 1] - starts[latent]) / counted;
    }

    /** Largest activation of a latent; 0 if it never fires. */
    public float maximum(int latent) {
        BadInputException.requireIndex("latent", latent, latents());
        float most = 0;
        for (int e = starts[latent]; e < starts[latent + 1]; e++) {
            most = Math.max(most, values[e]);
        }
        return most;
    }

    /** Latents that fire, those that fire most often first. */
    public int[] firing() {
        return IntStream.range(0, latents())
                .filter(i -> starts[i + 1] > starts[i])
                .boxed()
                .sorted((a, b) -> {
                    int byCount = Integer.compare(starts[b + 1] - starts[b], starts[a + 1] - starts[a]);
                    return byCount != 0 ? byCount : Integer.compare(a, b);
                })
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /**
     * Rows around a token in its text, itself among them.
     *
     * @param before at most so many before it
     * @param after at most so many after it
     */
    public int[] context(int row, int before, int after) {
        BadInputException.requireIndex("row", row, rows());
        int from = row;
        int end = row + 1;
        int sequence = texts.sequences()[row];
        while (from > 0 && row - from < before && texts.sequences()[from - 1] == sequence) {
            from--;
        }
        while (end < texts.tokens().length && end - row <= after && texts.sequences()[end] == sequence) {
            end++;
        }
        return IntStream.range(from, end).toArray();
    }

    /** The token at a row. */
    public int token(int row) {
        BadInputException.requireIndex("row", row, rows());
        return texts.tokens()[row];
    }

    /** A latent's activation at a row. */
    public float activation(int latent, int row) {
        BadInputException.requireIndex("latent", latent, latents());
        BadInputException.requireIndex("row", row, rows());
        return texts.latents().get(row, latent);
    }

    /** All that is known of a latent. */
    public LatentPage page(int latent) {
        BadInputException.requireIndex("latent", latent, latents());
        int from = starts[latent];
        int end = starts[latent + 1];
        double sum = 0;
        double[] firing = new double[end - from];
        for (int e = from; e < end; e++) {
            sum += values[e];
            firing[e - from] = values[e];
        }
        float maximum = maximum(latent);
        float[] row = attachment.autoencoder().decoderRow(latent);
        RankedItems alignment = RankedItems.largest(doubles(row), SIMILAR);
        double l1 = 0;
        for (float value : row) {
            l1 += Math.abs(value);
        }
        float[] shares = new float[alignment.values().length];
        for (int i = 0; i < shares.length; i++) {
            shares[i] = l1 == 0 ? 0 : (float) (Math.abs(alignment.values()[i]) / l1);
        }
        Relations relations = relations(latent);
        return new LatentPage(
                latent,
                shareFiring(latent),
                maximum,
                end == from ? 0 : sum / (end - from),
                top(latent),
                intervals(latent, maximum),
                Histogram.of(firing, BINS),
                effects(row, false),
                effects(row, true),
                alignment,
                shares,
                correlatedNeurons(latent),
                relations.cosine,
                relations.pearson,
                relations.jaccard,
                neighbours(latent));
    }

    private static double[] doubles(float[] values) {
        double[] doubles = new double[values.length];
        for (int i = 0; i < values.length; i++) {
            doubles[i] = values[i];
        }
        return doubles;
    }

    private Firing firing(int entry) {
        int row = rows[entry];
        return new Firing(row, texts.sequences()[row], texts.positions()[row], texts.tokens()[row], values[entry]);
    }

    private List<Firing> top(int latent) {
        return IntStream.range(starts[latent], starts[latent + 1])
                .boxed()
                .sorted((a, b) -> {
                    int byValue = Float.compare(values[b], values[a]);
                    return byValue != 0 ? byValue : Integer.compare(a, b);
                })
                .limit(TOP)
                .map(this::firing)
                .toList();
    }

    /** Intervals of equal width, each with examples drawn by the latent's number. */
    private List<ActivationInterval> intervals(int latent, float maximum) {
        List<List<Integer>> members = new ArrayList<>();
        for (int i = 0; i < INTERVALS; i++) {
            members.add(new ArrayList<>());
        }
        for (int e = starts[latent]; e < starts[latent + 1]; e++) {
            int bin = Math.clamp((int) (values[e] / maximum * INTERVALS), 0, INTERVALS - 1);
            members.get(bin).add(e);
        }
        int silent = counted - (starts[latent + 1] - starts[latent]);
        List<ActivationInterval> intervals = new ArrayList<>();
        for (int i = 0; i < INTERVALS; i++) {
            List<Integer> inside = members.get(i);
            int[] order =
                    CounterRandom.of(latent).named("sparse/examples").with(i).permutation(inside.size());
            List<Firing> examples = Arrays.stream(order)
                    .limit(EXAMPLES)
                    .mapToObj(index -> firing(inside.get(index)))
                    .toList();
            double share = (double) (inside.size() + (i == 0 ? silent : 0)) / counted;
            intervals.add(
                    new ActivationInterval(maximum * i / INTERVALS, maximum * (i + 1) / INTERVALS, share, examples));
        }
        return intervals;
    }

    private LogitEffects effects(float[] decoderRow, boolean folded) {
        if (unembedding.length == 0) {
            RankedItems none = new RankedItems(new int[0], new float[0]);
            return new LogitEffects(none, none, Histogram.of(new double[0], BINS));
        }
        double mean = 0;
        for (float value : decoderRow) {
            mean += (double) value / d;
        }
        double[] direction = new double[d];
        for (int c = 0; c < d; c++) {
            direction[c] = folded ? (decoderRow[c] - mean) * gain[c] : decoderRow[c];
        }
        double[] logits = new double[vocabulary];
        double sum = 0;
        for (int v = 0; v < vocabulary; v++) {
            double product = 0;
            for (int c = 0; c < d; c++) {
                product += direction[c] * unembedding[v * d + c];
            }
            logits[v] = product;
            sum += product;
        }
        if (folded) {
            for (int v = 0; v < vocabulary; v++) {
                logits[v] -= sum / vocabulary;
            }
        }
        return new LogitEffects(
                RankedItems.largest(logits, LOGITS), RankedItems.smallest(logits, LOGITS), Histogram.of(logits, BINS));
    }

    private RankedItems correlatedNeurons(int latent) {
        int width = attachment.autoencoder().config().dIn();
        double[] sums = new double[width];
        double[] squares = new double[width];
        for (int t = 0; t < excluded.length; t++) {
            for (int c = 0; c < width && !excluded[t]; c++) {
                double x = texts.inputs()[t * width + c];
                sums[c] += x;
                squares[c] += x * x;
            }
        }
        double[] products = new double[width];
        double f = 0;
        double ff = 0;
        for (int e = starts[latent]; e < starts[latent + 1]; e++) {
            f += values[e];
            ff += (double) values[e] * values[e];
            for (int c = 0; c < width; c++) {
                products[c] += (double) values[e] * texts.inputs()[rows[e] * width + c];
            }
        }
        double[] pearson = new double[width];
        for (int c = 0; c < width; c++) {
            pearson[c] = pearson(products[c], f, ff, sums[c], squares[c]);
        }
        return RankedItems.largest(pearson, SIMILAR);
    }

    private double pearson(double product, double a, double aa, double b, double bb) {
        double n = counted;
        double denominator = Math.sqrt((aa - a * a / n) * (bb - b * b / n));
        return denominator > 0 ? (product - a * b / n) / denominator : Double.NaN;
    }

    private record Relations(RankedItems cosine, RankedItems pearson, RankedItems jaccard) {}

    private Relations relations(int latent) {
        int n = latents();
        double[] products = new double[n];
        int[] together = new int[n];
        Latents latents = texts.latents();
        for (int e = starts[latent]; e < starts[latent + 1]; e++) {
            int t = rows[e];
            for (int o = latents.offsets()[t]; o < latents.offsets()[t + 1]; o++) {
                products[latents.indices()[o]] += (double) values[e] * latents.values()[o];
                together[latents.indices()[o]]++;
            }
        }
        double[] sums = new double[n];
        double[] squares = new double[n];
        for (int i = 0; i < n; i++) {
            for (int e = starts[i]; e < starts[i + 1]; e++) {
                sums[i] += values[e];
                squares[i] += (double) values[e] * values[e];
            }
        }
        double[] cosine = new double[n];
        double[] pearson = new double[n];
        double[] jaccard = new double[n];
        int own = starts[latent + 1] - starts[latent];
        for (int i = 0; i < n; i++) {
            int either = own + starts[i + 1] - starts[i] - together[i];
            boolean silent = i == latent || squares[i] == 0 || squares[latent] == 0;
            cosine[i] = silent ? Double.NaN : products[i] / Math.sqrt(squares[i] * squares[latent]);
            pearson[i] = silent ? Double.NaN : pearson(products[i], sums[latent], squares[latent], sums[i], squares[i]);
            jaccard[i] = silent ? Double.NaN : (double) together[i] / either;
        }
        return new Relations(
                RankedItems.largest(cosine, SIMILAR),
                RankedItems.largest(pearson, SIMILAR),
                RankedItems.largest(jaccard, SIMILAR));
    }

    private RankedItems neighbours(int latent) {
        SparseAutoencoder sae = attachment.autoencoder();
        float[] decoder = sae.parameters().decoder();
        float[] norms = sae.decoderNorms();
        double[] cosines = new double[latents()];
        for (int i = 0; i < cosines.length; i++) {
            double product = 0;
            for (int c = 0; c < d; c++) {
                product += (double) decoder[i * d + c] * decoder[latent * d + c];
            }
            double lengths = (double) norms[i] * norms[latent];
            cosines[i] = i == latent || lengths == 0 ? Double.NaN : product / lengths;
        }
        return RankedItems.largest(cosines, SIMILAR);
    }

    @Override
    public String toString() {
        return counted + " tokens, " + values.length + " activations of latents of " + attachment;
    }
}
