package dev.hyaline.analysis.superposition;

import dev.hyaline.analysis.sparse.internal.TileProduct;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.internal.kernel.AdamStep;
import dev.hyaline.engine.internal.kernel.GradientKernels;
import dev.hyaline.instrument.CounterRandom;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Trains toy models with Adam, many side by side, each on one thread: its bits depend on its setting alone. Arithmetic
 * is float32.
 */
public final class ToyTraining {
    /** Most models that are trained at once for one setting. */
    public static final int MAX_INSTANCES = 1000;

    private static final int TEST_SAMPLES = 16_384;
    private static final float BETA1 = 0.9f;
    private static final float BETA2 = 0.999f;
    private static final float EPS = 1e-8f;

    private ToyTraining() {}

    /** Trains one model. */
    public static TrainedToy train(ToySetting setting) {
        return train(setting, samples(setting, TEST_SAMPLES));
    }

    /**
     * Trains several models of each setting side by side, whose seeds follow one another, and keeps the one of each
     * whose loss on the same new samples is the least: the phases are what the best of them reach, and some stay
     * behind.
     *
     * @param instances models of each setting
     * @param progress told after each model, by one thread at a time
     * @throws BadInputException if there are none, or more than {@value #MAX_INSTANCES}
     */
    public static List<TrainedToy> best(List<ToySetting> settings, int instances, Runnable progress) {
        return all(settings, instances, progress).stream().map(List::getFirst).toList();
    }

    /** As {@link #best}, but keeps all of each setting, in ascending order of their losses. */
    public static List<List<TrainedToy>> all(List<ToySetting> settings, int instances, Runnable progress) {
        if (instances < 1 || instances > MAX_INSTANCES) {
            throw new BadInputException(
                    "from 1 to " + MAX_INSTANCES + " models of a setting are trained, found " + instances);
        }
        Object lock = new Object();
        List<TrainedToy> trained = IntStream.range(0, settings.size() * instances)
                .parallel()
                .mapToObj(i -> {
                    ToySetting setting = settings.get(i / instances);
                    float[] test = samples(setting, TEST_SAMPLES);
                    TrainedToy toy = train(setting.seed(setting.seed() + i % instances), test);
                    synchronized (lock) {
                        progress.run();
                    }
                    return toy;
                })
                .toList();
        List<List<TrainedToy>> sorted = new ArrayList<>();
        for (int s = 0; s < settings.size(); s++) {
            sorted.add(trained.subList(s * instances, (s + 1) * instances).stream()
                    .sorted(Comparator.comparingDouble(TrainedToy::loss))
                    .toList());
        }
        return sorted;
    }

    /**
     * Samples of a setting, {@code [count, features]}: each feature is present with its density, and then even from 0
     * to 1.
     */
    public static float[] samples(ToySetting setting, int count) {
        if (count < 1 || (long) count * setting.features() > Integer.MAX_VALUE) {
            throw new BadInputException("from 1 to " + Integer.MAX_VALUE / setting.features()
                    + " samples are drawn at a time, found " + count);
        }
        CounterRandom random = CounterRandom.of(setting.seed()).named("superposition/toy/test");
        float[] x = new float[count * setting.features()];
        for (int i = 0; i < x.length; i++) {
            x[i] = value(setting.density(), random.uniform(i));
        }
        return x;
    }

    /** One draw tells both: given that it is below the density, its share of that is evenly distributed. */
    private static float value(double density, double drawn) {
        return drawn < density ? (float) (drawn / density) : 0;
    }

    private static TrainedToy train(ToySetting setting, float[] test) {
        int n = setting.features();
        int m = setting.hidden();
        int batch = setting.batch();
        CounterRandom random = CounterRandom.of(setting.seed()).named("superposition/toy/weights");
        double scale = Math.sqrt(2.0 / (n + m));
        Parameter weights = new Parameter(n * m);
        for (int i = 0; i < weights.value.length; i++) {
            weights.value[i] = (float) (scale * random.gaussian(i));
        }
        Parameter bias = new Parameter(n);
        GradientKernels kernels = TileProduct.kernels().gradients();
        CounterRandom batches = CounterRandom.of(setting.seed()).named("superposition/toy/batches");
        float[] importance = setting.importance();
        ToyModel.Pass pass = new ToyModel.Pass(n, m, batch);
        for (int step = 0; step < setting.steps(); step++) {
            CounterRandom draws = batches.with(step);
            for (int i = 0; i < n * batch; i++) {
                pass.x[i] = value(setting.density(), draws.uniform(i));
            }
            double loss = pass.gradients(weights.value, bias.value, importance, !setting.linear(), batch);
            if (!Double.isFinite(loss)) {
                throw new BadInputException(
                        "the loss of step " + step + " is " + loss + ": the learning rate is too high");
            }
            AdamStep adam = new AdamStep(
                    (float) setting.schedule().rate(step, setting.steps()),
                    BETA1,
                    BETA2,
                    (float) (1 / (1 - StrictMath.pow(BETA1, step + 1))),
                    (float) (1 / (1 - StrictMath.pow(BETA2, step + 1))),
                    EPS,
                    1,
                    1);
            weights.move(kernels, pass.weightGradient, adam);
            bias.move(kernels, pass.biasGradient, adam);
        }
        ToyModel model = ToyModel.of(m, weights.value, bias.value);
        ToyModel made = setting.linear() ? model.linear() : model;
        return new TrainedToy(setting, made, made.loss(test, importance));
    }

    /** Values that are trained, and their moments. */
    private static final class Parameter {
        private final float[] value;
        private final float[] m;
        private final float[] v;

        Parameter(int size) {
            value = new float[size];
            m = new float[size];
            v = new float[size];
        }

        void move(GradientKernels kernels, float[] gradient, AdamStep step) {
            kernels.adam(value, m, v, 0, gradient, 0, value.length, step);
        }
    }
}
