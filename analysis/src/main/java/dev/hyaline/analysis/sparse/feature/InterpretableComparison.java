package dev.hyaline.analysis.sparse.feature;

import dev.hyaline.analysis.sparse.internal.PointProbe;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.CounterRandom;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;

/**
 * How many latents say one nameable thing, and how many of what the model has without an autoencoder do. An autoencoder
 * adds something only where its share is above the others.
 *
 * @param latents of the autoencoder
 * @param basis the dimensions of the site that it reads, each once upwards and once downwards from its mean
 * @param neurons of the MLP of the layer that it writes, {@code hook_post}
 * @param random directions of the site, normally distributed, from the mean activation: {@link #RANDOM} of them
 */
public record InterpretableComparison(
        InterpretableLatents latents,
        InterpretableLatents basis,
        InterpretableLatents neurons,
        InterpretableLatents random) {
    /** Number of random directions. */
    public static final int RANDOM = 256;

    private static final int BATCH_TOKENS = 2048;

    /**
     * Measures all four on the texts of a study. Runs them once more for the neurons.
     *
     * @param sets as of {@link InterpretableLatents#of}
     * @throws BadInputException if no set is left that has ten tokens of the texts
     */
    public static InterpretableComparison of(Gpt2 model, LatentStudy study, Map<String, Set<Integer>> sets) {
        LabelFits fits = LabelFits.of(study, sets);
        InterpretableLatents latents = InterpretableLatents.of(study, fits);
        int width = study.inputWidth();
        float[] x = centred(study, width);
        InterpretableLatents basis = fits.fit(Columns.bothWays(study, x, width));
        InterpretableLatents random = fits.fit(Columns.upwards(study, projected(study, x, width), RANDOM));
        int hidden = model.config().dMlp();
        HookPoint site =
                HookPoint.of(Site.MLP_POST, Math.max(0, study.attachment().out().layer()));
        InterpretableLatents neurons = fits.fit(Columns.upwards(study, neurons(model, study, site, hidden), hidden));
        return new InterpretableComparison(latents, basis, neurons, random);
    }

    /** Returns whether some set has enough tokens of the texts, without which nothing can be measured. */
    public static boolean isPossible(LatentStudy study, Map<String, Set<Integer>> sets) {
        return LabelFits.isPossible(study, sets);
    }

    /**
     * Returns whether some set has enough tokens of texts that are not run yet.
     *
     * @param excluded tokens that count for nothing
     */
    public static boolean isPossible(Prompts texts, Set<Integer> excluded, Map<String, Set<Integer>> sets) {
        return LabelFits.isPossible(texts, excluded, sets);
    }

    /** The values of the site, less their mean over the tokens that count. */
    private static float[] centred(LatentStudy study, int width) {
        float[] x = study.inputs().clone();
        double[] sums = new double[width];
        for (int t = 0; t < study.rows(); t++) {
            for (int c = 0; c < width && !study.isExcluded(t); c++) {
                sums[c] += x[t * width + c];
            }
        }
        for (int i = 0; i < x.length; i++) {
            x[i] -= (float) (sums[i % width] / study.tokens());
        }
        return x;
    }

    private static float[] projected(LatentStudy study, float[] x, int width) {
        float[] directions = new float[RANDOM * width];
        for (int i = 0; i < RANDOM; i++) {
            CounterRandom random =
                    CounterRandom.of(1).named("sparse/random-directions").with(i);
            for (int c = 0; c < width; c++) {
                directions[i * width + c] = (float) random.gaussian(c);
            }
        }
        float[] projected = new float[Math.multiplyExact(study.rows(), RANDOM)];
        IntStream.range(0, study.rows()).parallel().forEach(t -> {
            for (int i = 0; i < RANDOM; i++) {
                double sum = 0;
                for (int c = 0; c < width; c++) {
                    sum += (double) x[t * width + c] * directions[i * width + c];
                }
                projected[t * RANDOM + i] = (float) sum;
            }
        });
        return projected;
    }

    /** Activations of neurons, {@code [rows, hidden]}. */
    private static float[] neurons(Gpt2 model, LatentStudy study, HookPoint site, int hidden) {
        float[] neurons = new float[Math.multiplyExact(study.rows(), hidden)];
        for (int row = 0; row < study.rows(); ) {
            int from = row;
            List<Sequence> batch = new ArrayList<>();
            while (row < study.rows() && row - from < BATCH_TOKENS) {
                int begin = row;
                while (row < study.rows() && study.text(row) == study.text(begin)) {
                    row++;
                }
                batch.add(Sequence.of(
                        IntStream.range(begin, row).map(study::token).toArray()));
            }
            Probe reader = PointProbe.reading(
                    site,
                    activation -> System.arraycopy(
                            activation.values(), 0, neurons, from * hidden, activation.rows() * hidden));
            model.forward(ForwardRequest.of(batch).logits(LogitSelection.none()).probe(reader));
        }
        return neurons;
    }

    /**
     * The columns of a matrix as candidates.
     *
     * @param values {@code [rows, width]}
     * @param signs 2 if each column is taken downwards too, else 1
     */
    private record Columns(LatentStudy study, float[] values, int width, int signs) implements LabelFits.Candidates {
        static Columns upwards(LatentStudy study, float[] values, int width) {
            return new Columns(study, values, width, 1);
        }

        static Columns bothWays(LatentStudy study, float[] values, int width) {
            return new Columns(study, values, width, 2);
        }

        @Override
        public int count() {
            return width * signs;
        }

        @Override
        public LabelFits.Firings firings(int i) {
            int[] rows = new int[study.tokens()];
            float[] found = new float[rows.length];
            int count = 0;
            for (int t = 0; t < study.rows(); t++) {
                float value = values[t * width + i / signs];
                value = i % signs == 0 ? value : -value;
                if (value > 0 && !study.isExcluded(t)) {
                    rows[count] = t;
                    found[count++] = value;
                }
            }
            return new LabelFits.Firings(Arrays.copyOf(rows, count), Arrays.copyOf(found, count));
        }
    }
}
