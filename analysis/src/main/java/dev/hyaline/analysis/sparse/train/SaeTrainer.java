package dev.hyaline.analysis.sparse.train;

import dev.hyaline.analysis.sparse.LatentActivation;
import dev.hyaline.analysis.sparse.Normalization;
import dev.hyaline.analysis.sparse.SaeConfig;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SaeParameters;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.internal.TileProduct;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.files.Digests;
import dev.hyaline.instrument.CounterRandom;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/**
 * Trains one autoencoder. The bits of its weights depend on the settings and the data alone: not on threads, nor on how
 * often it was stopped and resumed. Not thread-safe.
 *
 * <p>For example: {@snippet file="dev/hyaline/analysis/sparse/train/SaeTrainerTest.java" region="train"}
 */
public final class SaeTrainer implements AutoCloseable {
    /** Batches whose rows tell the factor and the bias to begin with. */
    private static final int FIRST_BATCHES = 8;

    /** Values of those rows at most. */
    private static final long MAX_VALUES = 1L << 28;

    private final Training training;
    private final int dIn;
    private final int dOut;
    private final int sites;
    private final boolean transcoder;
    private final WorkerPool pool;
    private final Weights weights;
    private final Step step;
    /** Tokens since each latent fired. */
    final long[] idle;
    /** Tokens that fired each latent, of the {@link #counted} last ones. */
    final long[] fired;

    long counted;
    long done;
    float factor = 1;

    private SaeTrainer(Training training, TrainingData data, int threads) {
        this.training = training;
        dIn = data.dIn();
        dOut = data.dOut();
        sites = data.sites();
        transcoder = data.isTranscoder();
        if (transcoder && training.normalized()) {
            throw new BadInputException("a transcoder's activations are not normalised");
        }
        if (!transcoder && training.skip()) {
            throw new BadInputException("only a transcoder has a linear path around its latents");
        }
        if ((long) training.latents() * Math.max(dIn, dOut) > Integer.MAX_VALUE) {
            throw new BadInputException("an autoencoder's matrices have at most " + Integer.MAX_VALUE
                    + " values, found " + training.latents() + " latents of width " + Math.max(dIn, dOut));
        }
        if ((long) training.batch() * Math.max(dIn, dOut) > Integer.MAX_VALUE) {
            throw new BadInputException("a batch has at most " + Integer.MAX_VALUE / Math.max(dIn, dOut) + " tokens of "
                    + Math.max(dIn, dOut) + " values, found " + training.batch());
        }
        if (sites > 1
                && training.recipe().activation() instanceof TrainedActivation.TrainedTopK top
                && top.rescaled()) {
            throw new BadInputException(
                    "latents of a crosscoder compete as they are: their decoder rows have a length at each site");
        }
        pool = new WorkerPool(threads);
        weights = weights();
        step = new Step(training.recipe(), weights, sites, subtractsBias(), TileProduct.kernels(), pool);
        idle = new long[training.latents()];
        fired = new long[training.latents()];
    }

    /** Begins with weights drawn by the seed, and a factor and a bias taken from the data's first batches. */
    public static SaeTrainer begin(Training training, TrainingData data, int threads) {
        SaeTrainer trainer = new SaeTrainer(training, data, threads);
        trainer.initialize(data);
        return trainer;
    }

    /**
     * Goes on where a checkpoint was written.
     *
     * @throws BadInputException if it was written with other settings, or for data of another width
     */
    public static SaeTrainer resume(Training training, TrainingData data, int threads, Path checkpoint) {
        SaeTrainer trainer = new SaeTrainer(training, data, threads);
        TrainingCheckpoint.read(checkpoint, trainer);
        return trainer;
    }

    /** Goes on from a checkpoint if there is one, else begins. */
    public static SaeTrainer beginOrResume(Training training, TrainingData data, int threads, Path checkpoint) {
        return Files.exists(checkpoint) ? resume(training, data, threads, checkpoint) : begin(training, data, threads);
    }

    private boolean subtractsBias() {
        return !transcoder && sites == 1;
    }

    private Weights weights() {
        int n = training.latents();
        CounterRandom random = CounterRandom.of(training.seed()).named("sparse/decoder");
        Weights made = new Weights(n, dIn, dOut);
        float[] decoder = Initialization.directions(n, dOut, training.decoderLength(), random);
        float[] encoder = transcoder
                ? Initialization.directions(
                        n, dIn, 1, CounterRandom.of(training.seed()).named("sparse/encoder"))
                : decoder.clone();
        made.put(Weights.ENCODER, encoder);
        made.put(Weights.DECODER, transcoder ? new float[decoder.length] : decoder);
        made.put(Weights.DECODER_BIAS, new float[dOut]);
        switch (training.recipe().activation()) {
            case TrainedActivation.PenalizedGate gated -> {
                made.put(Weights.GATE_BIAS, new float[n]);
                made.put(Weights.MAGNITUDE_BIAS, new float[n]);
                made.put(Weights.MAGNITUDE_SCALE, new float[n]);
            }
            case TrainedActivation.TrainedJump jump -> {
                made.put(Weights.ENCODER_BIAS, new float[n]);
                float[] threshold = new float[n];
                Arrays.fill(threshold, (float) (jump.logarithmic() ? Math.log(0.01) : 0.01));
                made.put(Weights.THRESHOLD, threshold);
            }
            default -> made.put(Weights.ENCODER_BIAS, new float[n]);
        }
        if (training.skip()) {
            made.put(Weights.SKIP, new float[dOut * dIn]);
        }
        return made;
    }

    private void initialize(TrainingData data) {
        boolean biased = training.bias() != Initialization.Bias.ZERO;
        if (!training.normalized() && !biased) {
            return;
        }
        long most = Math.max(1, MAX_VALUES / ((long) training.batch() * dOut));
        int batches = (int) Math.min(Math.min(FIRST_BATCHES, most), Math.max(1, data.rows() / training.batch()));
        float[] rows = new float[Math.multiplyExact(batches * training.batch(), dOut)];
        float[] x = new float[training.batch() * dIn];
        float[] y = transcoder ? new float[training.batch() * dOut] : x;
        for (int b = 0; b < batches; b++) {
            data.read(b, training.batch(), x, y);
            System.arraycopy(y, 0, rows, b * training.batch() * dOut, y.length);
        }
        if (training.normalized()) {
            factor = (float) (Math.sqrt(dIn) / meanLength(rows, dOut));
            for (int i = 0; i < rows.length; i++) {
                rows[i] *= factor;
            }
        }
        if (biased) {
            float[] bias = training.bias() == Initialization.Bias.MEAN
                    ? Initialization.mean(rows, dOut)
                    : Initialization.geometricMedian(rows, dOut);
            System.arraycopy(bias, 0, weights.get(Weights.DECODER_BIAS).value, 0, dOut);
        }
    }

    private static double meanLength(float[] rows, int d) {
        double sum = 0;
        for (int t = 0; t < rows.length / d; t++) {
            double squares = 0;
            for (int c = t * d; c < (t + 1) * d; c++) {
                squares += (double) rows[c] * rows[c];
            }
            sum += Math.sqrt(squares);
        }
        int tokens = rows.length / d;
        double mean = sum / tokens;
        if (!(mean > 0) || Double.isInfinite(mean)) {
            throw new BadInputException("activations cannot be normalised: their mean length is " + mean);
        }
        return mean;
    }

    /** Steps so far. */
    public long done() {
        return done;
    }

    public Training training() {
        return training;
    }

    /** Returns whether every step is done. */
    public boolean isDone() {
        return done >= training.steps();
    }

    /**
     * Trains to the end.
     *
     * @param listener told after each step; may throw to stop
     */
    public void run(TrainingData data, TrainingListener listener) {
        run(List.of(this), data, (trainer, done1, losses, rate, dead) -> listener.stepped(done1, losses, rate, dead));
    }

    /** Told how several trainers go. */
    @FunctionalInterface
    public interface GroupListener {
        /** As {@link TrainingListener#stepped}, of one of the trainers. */
        void stepped(SaeTrainer trainer, long done, Losses losses, double rate, int dead);
    }

    /**
     * Trains several off one stream of batches, each to its end. Those that stand at earlier steps, as after a run that
     * was stopped, catch up first.
     *
     * @throws BadInputException if there is none, or their batches differ in size
     */
    public static void run(List<SaeTrainer> trainers, TrainingData data, GroupListener listener) {
        if (trainers.isEmpty()) {
            throw new BadInputException("there is no autoencoder to train");
        }
        SaeTrainer first = trainers.getFirst();
        int batch = first.training.batch();
        requireOneBatch(trainers);
        trainers.forEach(trainer -> trainer.requireFits(data));
        float[] x = new float[batch * first.dIn];
        float[] y = data.isTranscoder() ? new float[batch * first.dOut] : x;
        long begin = trainers.stream().mapToLong(trainer -> trainer.done).min().getAsLong();
        for (long at = begin; trainers.stream().anyMatch(trainer -> !trainer.isDone()); at++) {
            data.read(at, batch, x, y);
            for (SaeTrainer trainer : trainers) {
                if (trainer.done == at && !trainer.isDone()) {
                    trainer.step(x, y, listener);
                }
            }
        }
    }

    private static void requireOneBatch(List<SaeTrainer> trainers) {
        for (SaeTrainer trainer : trainers) {
            if (trainer.training.batch() != trainers.getFirst().training.batch()) {
                throw new BadInputException("autoencoders that are trained together take the same batches");
            }
        }
    }

    private static void requireInStep(List<SaeTrainer> trainers) {
        requireOneBatch(trainers);
        SaeTrainer first = trainers.getFirst();
        for (SaeTrainer trainer : trainers) {
            if (trainer.done != first.done) {
                throw new BadInputException("autoencoders that are trained together take the same batches");
            }
        }
    }

    private void requireFits(TrainingData data) {
        if (dIn != data.dIn() || dOut != data.dOut() || sites != data.sites()) {
            throw new BadShapeException("activations", dIn + " values", data.dIn() + " values");
        }
    }

    /**
     * Trains one autoencoder on each of several data, step by step together, as those of {@link CorpusData#ofEach} are
     * read.
     *
     * @param data of each trainer
     * @throws BadInputException if there are not as many trainers as data, their batches differ in size, or they stand
     *     at different steps
     */
    public static void runEach(List<SaeTrainer> trainers, List<? extends TrainingData> data, GroupListener listener) {
        if (trainers.isEmpty() || trainers.size() != data.size()) {
            throw new BadInputException(
                    "each trainer needs its data, found " + trainers.size() + " trainers and " + data.size() + " data");
        }
        requireInStep(trainers);
        int batch = trainers.getFirst().training.batch();
        for (int t = 0; t < trainers.size(); t++) {
            trainers.get(t).requireFits(data.get(t));
        }
        for (long at = trainers.getFirst().done; trainers.stream().anyMatch(trainer -> !trainer.isDone()); at++) {
            for (int t = 0; t < trainers.size(); t++) {
                SaeTrainer trainer = trainers.get(t);
                if (!trainer.isDone()) {
                    float[] x = new float[batch * trainer.dIn];
                    float[] y = trainer.transcoder ? new float[batch * trainer.dOut] : x;
                    data.get(t).read(at, batch, x, y);
                    trainer.step(x, y, listener);
                }
            }
        }
    }

    private void step(float[] x, float[] y, GroupListener listener) {
        float[] in = x;
        float[] out = y;
        if (factor != 1) {
            in = x.clone();
            for (int i = 0; i < in.length; i++) {
                in[i] *= factor;
            }
            out = in;
        }
        boolean[] dead = dead();
        if (training.resampledAt().contains(done)) {
            resample(in, out, dead);
        }
        double rate = training.schedule().rate(done, training.steps());
        Losses losses = step.backward(
                in, out, training.batch(), dead, training.schedule().warmth(done));
        if (!Double.isFinite(losses.total()) || !Double.isFinite(losses.gradientNorm())) {
            throw new BadInputException("the loss of step " + done + " is " + losses.total()
                    + " and the gradient's length " + losses.gradientNorm() + ": the learning rate of " + rate
                    + " is too high, or an activation is not finite");
        }
        step.move(rate);
        int[] counts = step.fired();
        for (int i = 0; i < counts.length; i++) {
            idle[i] = counts[i] > 0 ? 0 : idle[i] + training.batch();
            fired[i] += counts[i];
        }
        counted += training.batch();
        done++;
        int deadNow = 0;
        for (long tokens : idle) {
            deadNow += tokens > training.deadAfter() ? 1 : 0;
        }
        listener.stepped(this, done, losses, rate, deadNow);
    }

    private boolean[] dead() {
        boolean[] dead = new boolean[idle.length];
        for (int i = 0; i < dead.length; i++) {
            dead[i] = idle[i] > training.deadAfter();
        }
        return dead;
    }

    private void resample(float[] x, float[] y, boolean[] dead) {
        int count = 0;
        for (boolean isDead : dead) {
            count += isDead ? 1 : 0;
        }
        if (count == 0) {
            return;
        }
        double[] errors = step.errors(x, y, training.batch());
        CounterRandom random =
                CounterRandom.of(training.seed()).named("sparse/resample").with(done);
        int[] tokens = Resampling.draw(errors, 2, count, random);
        Resampling.apply(weights, dead, tokens, x, y, true);
        step.changed();
        for (int i = 0; i < dead.length; i++) {
            idle[i] = dead[i] ? 0 : idle[i];
            dead[i] = false;
        }
    }

    /** Share of tokens that fired each latent, of all that were trained on; not a number before the first step. */
    public float[] densities() {
        float[] densities = new float[fired.length];
        for (int i = 0; i < densities.length; i++) {
            densities[i] = (float) ((double) fired[i] / counted);
        }
        return densities;
    }

    /** Checks that the weights can be used. */
    private void requireFinite() {
        weights.all().forEach((name, parameter) -> {
            for (float value : parameter.value) {
                if (!Float.isFinite(value)) {
                    long last = Math.max(done - 1, 0);
                    throw new BadInputException("step " + last + " at the learning rate of "
                            + training.schedule().rate(last, training.steps()) + " left values in " + name
                            + " that are not finite: the rate is too high");
                }
            }
        });
    }

    /**
     * The autoencoder as it is now.
     *
     * @throws BadInputException if a weight is not finite
     */
    public SparseAutoencoder autoencoder(SaeMetadata metadata) {
        requireFinite();
        TrainedActivation trained = training.recipe().activation();
        LatentActivation activation = switch (trained) {
            case TrainedActivation.PenalizedRelu relu -> new LatentActivation.Relu();
            case TrainedActivation.AnnealedRelu relu -> new LatentActivation.Relu();
            case TrainedActivation.PenalizedGate gated -> new LatentActivation.Gated();
            case TrainedActivation.TrainedTopK top ->
                top.batch()
                        ? new LatentActivation.Threshold(
                                (float) step.threshold().value(), top.rescaled())
                        : new LatentActivation.TopK((int) top.k(), top.rescaled());
            case TrainedActivation.TrainedJump jump -> new LatentActivation.JumpRelu();
        };
        SaeParameters p = SaeParameters.of(
                weights.value(Weights.ENCODER).clone(),
                weights.value(Weights.ENCODER_BIAS).clone(),
                weights.value(Weights.DECODER).clone(),
                weights.value(Weights.DECODER_BIAS).clone());
        if (trained instanceof TrainedActivation.PenalizedGate) {
            p = p.withGate(
                    weights.value(Weights.GATE_BIAS).clone(),
                    weights.value(Weights.MAGNITUDE_BIAS).clone(),
                    weights.value(Weights.MAGNITUDE_SCALE).clone());
        }
        if (trained instanceof TrainedActivation.TrainedJump jump) {
            float[] threshold = weights.value(Weights.THRESHOLD).clone();
            for (int i = 0; i < threshold.length; i++) {
                threshold[i] = jump.logarithmic() ? (float) Math.exp(threshold[i]) : Math.max(threshold[i], 0);
            }
            p = p.withThreshold(threshold);
        }
        if (training.skip()) {
            p = p.withSkip(weights.value(Weights.SKIP).clone());
        }
        Normalization normalization = training.normalized() ? new Normalization.Factor(factor) : Normalization.none();
        SaeConfig config = new SaeConfig(
                dIn, dOut, training.latents(), sites, transcoder, subtractsBias(), normalization, activation);
        return SparseAutoencoder.of(config, p, metadata);
    }

    /**
     * Writes all that a run needs to go on, durably: under the name is either this or what was there before.
     *
     * @throws BadInputException if a weight is not finite; what was there before stays
     */
    public void checkpoint(Path file) {
        checkpoint(file, Map.of());
    }

    /**
     * As {@link #checkpoint(Path)}, with more metadata.
     *
     * @param more text by key
     */
    public void checkpoint(Path file, Map<String, String> more) {
        requireFinite();
        TrainingCheckpoint.write(file, this, more);
    }

    Weights parameters() {
        return weights;
    }

    Step state() {
        return step;
    }

    /** A digest of the settings and the widths. */
    String fingerprint() {
        MessageDigest digest = Digests.sha256();
        String several = sites > 1 ? " " + sites : "";
        digest.update(
                (training + " " + dIn + " " + dOut + " " + transcoder + several).getBytes(StandardCharsets.UTF_8));
        return Digests.hex(digest);
    }

    /** Goes on from a checkpoint's weights. */
    void restored() {
        step.changed();
    }

    /** Ends the threads. */
    @Override
    public void close() {
        pool.close();
    }

    @Override
    public String toString() {
        return "training at step " + done + " of " + training;
    }
}
