package dev.hyaline.tools.option;

import dev.hyaline.analysis.superposition.ToySetting;
import dev.hyaline.analysis.superposition.ToyTraining;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.DoubleStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The toy models that are trained. */
public final class ToyOptions implements CheckedOptions {
    private static final int SPARSEST_PLOTTED = 30;
    private static final int PLOTTED = 19;
    private static final int INSTANCES = 2;
    private static final int STEPS = 1500;
    private static final int HIDDEN = 2;

    @Option(
            names = "--toy",
            description =
                    "Train toy models with known answers instead of studying a layer: needs no model and no text.")
    private boolean toy;

    @Option(
            names = "--features",
            paramLabel = "N",
            description = "Of --toy: features of one kind of model to train in place of the three known pictures.")
    private @Nullable Integer features;

    @Option(names = "--hidden", paramLabel = "M", description = "With --features: their dimensions. Default: " + HIDDEN)
    private @Nullable Integer hidden;

    @Option(
            names = "--densities",
            paramLabel = "LIST",
            description = "With --features: probabilities that a feature is present, such as 1,0.3,0.05. Default:"
                    + " 1,0.3,0.1,0.03,0.01")
    private String densities = "";

    @Option(
            names = "--decay",
            paramLabel = "X",
            description = "With --features: importance of a feature as a share of that before it. Default: 1")
    private @Nullable Double decay;

    @Option(
            names = "--linear",
            description = "With --features: leave the relu out. The model then keeps the most important features only.")
    private boolean linear;

    @Option(
            names = "--instances",
            paramLabel = "N",
            description = "Of --toy: models of each kind, of which the best is kept. Default: " + INSTANCES)
    private @Nullable Integer instances;

    @Option(names = "--toy-steps", paramLabel = "N", description = "Of --toy: batches of 512. Default: " + STEPS)
    private @Nullable Integer steps;

    public boolean isAsked() {
        return toy;
    }

    @Override
    public void check() {
        boolean shaped = hidden != null || decay != null || linear || !densities.isEmpty();
        if (!toy && (features != null || shaped || instances != null || steps != null)) {
            throw new BadInputException(
                    "--features, --hidden, --densities, --decay, --linear, --instances and --toy-steps are for toy"
                            + " models (--toy)");
        }
        if (features == null && shaped) {
            throw new BadInputException("--hidden, --densities, --decay and --linear are for models of your own; say of"
                    + " how many features (--features)");
        }
        if (instances != null && (instances < 1 || instances > ToyTraining.MAX_INSTANCES)) {
            throw new BadInputException(
                    "--instances must be from 1 to " + ToyTraining.MAX_INSTANCES + ", found " + instances);
        }
        if (decay != null && !(decay > 0 && decay <= 1)) {
            throw new BadInputException("--decay must be above 0 and at most 1, found " + decay);
        }
        if (steps != null && steps < 1) {
            throw new BadInputException("--toy-steps must be at least 1, found " + steps);
        }
        settings(1);
    }

    public int instances() {
        return instances == null ? INSTANCES : instances;
    }

    /**
     * The models by group.
     *
     * @throws BadInputException if an option makes no model
     */
    public Map<String, List<ToySetting>> settings(long seed) {
        Map<String, List<ToySetting>> groups = new LinkedHashMap<>();
        if (features != null) {
            ToySetting first = toy(features, hidden == null ? HIDDEN : hidden).decay(decay == null ? 1 : decay);
            groups.put("models", sparser(linear ? first.withoutRelu() : first, densities(), seed));
            return groups;
        }
        double[] shown = {1, 0.3, 0.1, 0.03, 0.01, 0.003};
        groups.put("weights", sparser(ToySetting.of(20, 5, 1).decay(0.7), shown, seed));
        groups.put("plane", sparser(ToySetting.of(5, 2, 1).decay(0.9), shown, seed));
        double[] plotted = DoubleStream.iterate(0, i -> i < PLOTTED, i -> i + 1)
                .map(i -> Math.pow(SPARSEST_PLOTTED, -i / (PLOTTED - 1)))
                .map(p -> Math.rint(p * 1e4) / 1e4)
                .toArray();
        groups.put("dimensionality", sparser(ToySetting.of(60, 8, 1), plotted, seed));
        return groups;
    }

    private static ToySetting toy(int features, int hidden) {
        try {
            return ToySetting.of(features, hidden, 1);
        } catch (BadInputException e) {
            throw new BadInputException("--features, --hidden: " + e.getMessage());
        }
    }

    private List<ToySetting> sparser(ToySetting first, double[] all, long seed) {
        List<ToySetting> settings = new ArrayList<>();
        for (double density : all) {
            ToySetting setting = first.density(density).seed(seed);
            settings.add(setting.steps(steps == null ? STEPS : steps));
        }
        return settings;
    }

    private double[] densities() {
        if (densities.isEmpty()) {
            return new double[] {1, 0.3, 0.1, 0.03, 0.01};
        }
        String[] parts = densities.split(",", -1);
        double[] values = new double[parts.length];
        for (int i = 0; i < parts.length; i++) {
            try {
                values[i] = Double.parseDouble(parts[i].strip());
            } catch (NumberFormatException e) {
                throw new BadInputException(
                        "--densities: '" + parts[i] + "' is no number; expected probabilities such as 1,0.3,0.05");
            }
            if (!(values[i] > 0 && values[i] <= 1)) {
                throw new BadInputException(
                        "--densities: a probability is above 0 and at most 1, found " + parts[i].strip());
            }
        }
        return values;
    }
}
