package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.dictionary.Coding;
import dev.hyaline.analysis.dictionary.LearnedDictionary;
import dev.hyaline.analysis.dictionary.MiniBatchDictionaryLearning;
import dev.hyaline.analysis.dictionary.SparseCoder;
import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.feature.InterpretableComparison;
import dev.hyaline.analysis.sparse.feature.InterpretableLatents;
import dev.hyaline.analysis.sparse.feature.LatentStudy;
import dev.hyaline.analysis.sparse.splice.Attachment;
import dev.hyaline.analysis.sparse.train.CorpusData;
import dev.hyaline.analysis.sparse.train.Recipe;
import dev.hyaline.analysis.sparse.train.SaeTrainer;
import dev.hyaline.analysis.sparse.train.Schedule;
import dev.hyaline.analysis.sparse.train.TrainedActivation;
import dev.hyaline.analysis.sparse.train.Training;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.weights.ProcessingStep;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A study of what a layer represents: a dictionary wider than its activations is learned twice, by sparse coding and by
 * an autoencoder, and both are measured side by side on tokens that neither saw. Activations are taken less their mean
 * over the training tokens and divided by one number, so that their mean length is the root of the width. Immutable;
 * each method returns a changed copy.
 *
 * <p>For example: {@snippet file="dev/hyaline/analysis/superposition/SuperpositionStudyTest.java" region="study"}
 */
public final class SuperpositionStudy {
    /** Atoms for each dimension, unless told otherwise. */
    public static final int ATOMS_PER_DIMENSION = 10;

    /** Most tokens that sparse coding learns from, unless told otherwise. */
    public static final int SAMPLES = 12_000;

    /** Batches that an autoencoder is trained on, unless told otherwise. */
    public static final long STEPS = 600;

    /** Tokens of each, unless told otherwise. */
    public static final int BATCH = 1024;

    /** Most atoms of a dictionary: all pairs of them are measured. */
    public static final int MAX_ATOMS = 1 << 17;

    private static final int DICTIONARY_BATCH = 256;
    private static final int SEEDS = 2;
    private static final double RATE = 1e-3;
    private static final long BUFFER_BYTES = 1L << 28;

    private final HookPoint site;
    private final int atoms;
    private final double alpha;
    private final int samples;
    private final int k;
    private final long steps;
    private final int batch;
    private final long seed;
    private final @Nullable SparseAutoencoder given;

    private SuperpositionStudy(Draft draft) {
        site = draft.site;
        atoms = draft.atoms;
        alpha = draft.alpha;
        samples = draft.samples;
        k = draft.k;
        steps = draft.steps;
        batch = draft.batch;
        seed = draft.seed;
        given = draft.given;
        if (atoms < 0 || samples < 1 || k < 1 || steps < 1 || batch < 1) {
            throw new BadInputException("a study needs at least 1 atom, sample, latent a token, step and token a batch,"
                    + " found " + atoms + ", " + samples + ", " + k + ", " + steps + " and " + batch);
        }
        if (!(alpha > 0 && alpha < Double.POSITIVE_INFINITY)) {
            throw new BadInputException("alpha is a finite number above 0, found " + alpha);
        }
        if (site.site().isMap()) {
            throw new BadInputException(site + " has no row a token to study");
        }
    }

    /**
     * A study with ten atoms for each dimension: alpha 1, 12,000 samples for sparse coding, and an autoencoder of the
     * 16 largest latents a token after 600 batches of 1,024.
     *
     * @throws BadInputException if the site has no row a token
     */
    public static SuperpositionStudy of(HookPoint site) {
        return new SuperpositionStudy(new Draft(site));
    }

    /**
     * So many atoms in place of ten for each dimension.
     *
     * @throws BadInputException if there is none or more than {@value #MAX_ATOMS}
     */
    public SuperpositionStudy atoms(int count) {
        if (count < 1) {
            throw new BadInputException("a dictionary needs at least 1 atom, found " + count);
        }
        requireAtMost(count);
        return with(draft -> draft.atoms = count);
    }

    private static void requireAtMost(int atoms) {
        if (atoms > MAX_ATOMS) {
            throw new BadInputException("a dictionary of a study has at most " + MAX_ATOMS + " atoms, found " + atoms);
        }
    }

    /** The weight of coefficients in the objective, in units of normalised activations. */
    public SuperpositionStudy alpha(double weight) {
        return with(draft -> draft.alpha = weight);
    }

    /** Most tokens that sparse coding learns from, each once. */
    public SuperpositionStudy samples(int most) {
        return with(draft -> draft.samples = most);
    }

    /** Latents a token of the autoencoder. */
    public SuperpositionStudy latents(int count) {
        return with(draft -> draft.k = count);
    }

    /** Batches that the autoencoder is trained on, and their tokens. */
    public SuperpositionStudy training(long batches, int tokens) {
        return with(draft -> {
            draft.steps = batches;
            draft.batch = tokens;
        });
    }

    public SuperpositionStudy seed(long other) {
        return with(draft -> draft.seed = other);
    }

    /** An autoencoder that is there already: none is trained, and nothing is said of its stability between seeds. */
    public SuperpositionStudy autoencoder(SparseAutoencoder trained) {
        return with(draft -> draft.given = trained);
    }

    public HookPoint site() {
        return site;
    }

    /**
     * Studies a model.
     *
     * @param training texts to learn from
     * @param heldOut texts to measure on
     * @param excluded tokens that count for nothing
     * @param sets of token ids by name, as of {@link InterpretableLatents#of}
     * @throws BadInputException if the model has no such site, or the texts have too few tokens
     */
    public LayerSuperposition run(
            Gpt2 model,
            Corpus training,
            Prompts heldOut,
            Set<Integer> excluded,
            Map<String, Set<Integer>> sets,
            int threads,
            StudyListener listener) {
        if (given != null && given.config().transcoder()) {
            throw new BadInputException(
                    "a transcoder writes another site than it reads, and has no dictionary of " + site);
        }
        if (given != null && Attachment.of(given, model, site, site).centring()) {
            throw new BadInputException("the autoencoder is of centred residuals, which the activations of " + site
                    + " are not: study one that was trained on the model as it is");
        }
        int d = site.site().shape().width(model.config());
        int n = atoms == 0 ? ATOMS_PER_DIMENSION * d : atoms;
        requireAtMost(n);
        if (!InterpretableComparison.isPossible(heldOut, excluded, sets)) {
            throw new BadInputException(
                    "no set of tokens occurs 10 times in the texts to measure on, so that no feature can be named: give"
                            + " more texts");
        }
        int buffer = (int) Math.max(batch, BUFFER_BYTES / Float.BYTES / d);
        CorpusData data = CorpusData.of(model, training, site, site, excluded, seed, buffer);
        int count = (int) Math.min(samples, data.rows());
        float[] x = new float[Math.multiplyExact(count, d)];
        data.read(0, count, x, x);
        Normalized normalized = Normalized.of(x, d);

        List<LearnedDictionary> learned = new ArrayList<>();
        float[] units = normalized.apply(x);
        long batches = (long) SEEDS * Math.ceilDiv(count, DICTIONARY_BATCH);
        for (int s = 0; s < SEEDS; s++) {
            long before = s * batches / SEEDS;
            learned.add(MiniBatchDictionaryLearning.of(n, alpha)
                    .positiveCodes(true)
                    .batch(DICTIONARY_BATCH)
                    .seed(seed + s)
                    .begin(units, d, threads)
                    .run((done, cost, resampled) -> listener.advanced("sparse coding", before + done, batches)));
        }
        List<SparseAutoencoder> autoencoders =
                given == null ? train(model, data, n, threads, listener) : List.of(given);
        return measure(model, heldOut, excluded, sets, threads, listener, normalized, learned, autoencoders, data);
    }

    private List<SparseAutoencoder> train(Gpt2 model, CorpusData data, int n, int threads, StudyListener listener) {
        Schedule schedule = Schedule.constant(RATE).decay(steps / 5).coefficientWarmUp(steps / 20);
        Training training = Training.of(
                        n,
                        Recipe.of(new TrainedActivation.TrainedTopK(Math.min(k, n), true, false)),
                        schedule,
                        steps,
                        batch)
                .deadAfter(Math.max(100L, steps / 15) * batch);
        List<SaeTrainer> trainers = new ArrayList<>();
        try {
            for (int s = 0; s < SEEDS; s++) {
                trainers.add(SaeTrainer.begin(training.seed(seed + s), data, threads));
            }
            SaeTrainer.run(
                    trainers, data, (trainer, done, losses, rate, dead) -> listener.advanced("train", done, steps));
            SaeMetadata metadata = SaeMetadata.unknown()
                    .at("", site.name())
                    .processed(model.weights().processing().stream()
                            .map(ProcessingStep::of)
                            .toList());
            return trainers.stream()
                    .map(trainer -> trainer.autoencoder(metadata))
                    .toList();
        } finally {
            trainers.forEach(SaeTrainer::close);
        }
    }

    private LayerSuperposition measure(
            Gpt2 model,
            Prompts heldOut,
            Set<Integer> excluded,
            Map<String, Set<Integer>> sets,
            int threads,
            StudyListener listener,
            Normalized normalized,
            List<LearnedDictionary> learned,
            List<SparseAutoencoder> autoencoders,
            CorpusData data) {
        int d = normalized.d();
        SparseAutoencoder sae = autoencoders.getFirst();
        Attachment attachment = Attachment.of(sae, model, site, site);
        listener.advanced("measure", 0, 3);
        LatentStudy study = LatentStudy.of(model, attachment, heldOut, excluded);
        boolean[] out = new boolean[study.rows()];
        for (int t = 0; t < out.length; t++) {
            out[t] = study.isExcluded(t);
        }
        float[] x = normalized.apply(study.inputs());
        float[] counted = counted(x, d, out);
        InterpretableComparison comparison = InterpretableComparison.of(model, study, sets);
        listener.advanced("measure", 1, 3);

        SparseCoder coder =
                learned.getFirst().coder(Coding.lasso(alpha).positive(true)).onThreads(threads);
        // Tokens that do not count lie far off, and would take long.
        Latents classic = coder.encode(blanked(x, d, out)).latents();
        listener.advanced("measure", 2, 3);
        float[] rows = learned.getFirst().atoms();
        List<DictionaryMeasure> dictionaries = List.of(
                DictionaryMeasure.of(
                        "sparse coding",
                        rows,
                        x,
                        decoded(classic, rows, d),
                        unit(classic, rows, d, 1),
                        out,
                        alpha,
                        InterpretableLatents.of(study, classic, sets)),
                DictionaryMeasure.of(
                        "autoencoder",
                        sae.parameters().decoder(),
                        x,
                        normalized.apply(sae.reconstruct(study.inputs(), study.codes())),
                        unit(study.codes(), sae, normalized.scale()),
                        out,
                        alpha,
                        comparison.latents()));
        List<DictionaryStability> stability = new ArrayList<>();
        stability.add(DictionaryStability.between(
                "sparse coding", rows, "another seed", learned.get(1).atoms(), d, seed));
        if (autoencoders.size() > 1) {
            stability.add(DictionaryStability.between(
                    "autoencoder",
                    sae.parameters().decoder(),
                    "another seed",
                    autoencoders.get(1).parameters().decoder(),
                    d,
                    seed));
        }
        stability.add(DictionaryStability.between(
                "sparse coding", rows, "autoencoder", sae.parameters().decoder(), d, seed));
        int widest =
                dictionaries.stream().mapToInt(DictionaryMeasure::atoms).max().orElseThrow();
        LayerSuperposition found = new LayerSuperposition(
                site,
                d,
                data.rows(),
                study.tokens(),
                alpha,
                normalized.scale(),
                EffectiveDimension.of(counted, d),
                dictionaries,
                comparison,
                stability,
                FeatureGeometry.of(DictionaryStability.random(widest, d, seed), d)
                        .unit(),
                sae);
        listener.advanced("measure", 3, 3);
        return found;
    }

    private static float[] counted(float[] x, int d, boolean[] excluded) {
        int[] rows =
                IntStream.range(0, excluded.length).filter(t -> !excluded[t]).toArray();
        float[] counted = new float[rows.length * d];
        for (int i = 0; i < rows.length; i++) {
            System.arraycopy(x, rows[i] * d, counted, i * d, d);
        }
        return counted;
    }

    private static float[] blanked(float[] x, int d, boolean[] excluded) {
        float[] blanked = x.clone();
        for (int i = 0; i < blanked.length; i++) {
            blanked[i] = excluded[i / d] ? 0 : blanked[i];
        }
        return blanked;
    }

    private static float[] decoded(Latents codes, float[] rows, int d) {
        float[] out = new float[codes.tokens() * d];
        IntStream.range(0, codes.tokens()).parallel().forEach(t -> {
            for (int e = codes.offsets()[t]; e < codes.offsets()[t + 1]; e++) {
                for (int c = 0; c < d; c++) {
                    out[t * d + c] += codes.values()[e] * rows[codes.indices()[e] * d + c];
                }
            }
        });
        return out;
    }

    /** Coefficients of an autoencoder's rows at length 1, in units of normalised activations. */
    private static Latents unit(Latents codes, SparseAutoencoder sae, double scale) {
        if (sae.config().activation().isRescaled()) {
            float[] values = codes.values().clone();
            for (int e = 0; e < values.length; e++) {
                values[e] = (float) (values[e] / scale);
            }
            return new Latents(codes.width(), codes.offsets(), codes.indices(), values, new float[0], new float[0]);
        }
        return unit(codes, sae.parameters().decoder(), sae.config().dOut(), scale);
    }

    private static Latents unit(Latents codes, float[] rows, int d, double scale) {
        double[] norms = FeatureGeometry.of(rows, d).norms();
        float[] values = codes.values().clone();
        for (int e = 0; e < codes.count(); e++) {
            values[e] = (float) (values[e] * norms[codes.indices()[e]] / scale);
        }
        return new Latents(codes.width(), codes.offsets(), codes.indices(), values, new float[0], new float[0]);
    }

    /**
     * How activations are normalised.
     *
     * @param scale what they are divided by once the mean is off
     */
    private record Normalized(float[] mean, double scale, int d) {
        static Normalized of(float[] x, int d) {
            int tokens = x.length / d;
            double[] sums = new double[d];
            for (int i = 0; i < x.length; i++) {
                sums[i % d] += x[i];
            }
            float[] mean = new float[d];
            for (int c = 0; c < d; c++) {
                mean[c] = (float) (sums[c] / tokens);
            }
            double lengths = 0;
            for (int t = 0; t < tokens; t++) {
                double squares = 0;
                for (int c = 0; c < d; c++) {
                    double value = (double) x[t * d + c] - mean[c];
                    squares += value * value;
                }
                lengths += Math.sqrt(squares);
            }
            double scale = lengths / tokens / Math.sqrt(d);
            if (!(scale > 0) || Double.isInfinite(scale)) {
                throw new BadInputException(
                        "activations cannot be studied: their mean distance from their mean is " + lengths / tokens);
            }
            return new Normalized(mean, scale, d);
        }

        float[] apply(float[] x) {
            float[] normalized = new float[x.length];
            for (int i = 0; i < x.length; i++) {
                normalized[i] = (float) ((x[i] - mean[i % d]) / scale);
            }
            return normalized;
        }
    }

    /** The fields of a copy that is about to be made. */
    private static final class Draft {
        private final HookPoint site;
        private int atoms;
        private double alpha = 1;
        private int samples = SAMPLES;
        private int k = 16;
        private long steps = STEPS;
        private int batch = BATCH;
        private long seed = 1;
        private @Nullable SparseAutoencoder given;

        Draft(HookPoint site) {
            this.site = site;
        }

        Draft(SuperpositionStudy from) {
            this(from.site);
            atoms = from.atoms;
            alpha = from.alpha;
            samples = from.samples;
            k = from.k;
            steps = from.steps;
            batch = from.batch;
            seed = from.seed;
            given = from.given;
        }
    }

    private SuperpositionStudy with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return new SuperpositionStudy(draft);
    }

    @Override
    public String toString() {
        return "superposition at " + site + ", " + atoms + " atoms";
    }
}
