package dev.hyaline.analysis.circuit;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;
import java.util.Locale;

/**
 * Masks of all edges that are learned together, with Adam, so that few edges are open while the loss stays small. The
 * loss is the experiment's metric where less is better, as {@code Metric.klToClean}, and minus the metric otherwise.
 * The same seed gives the same masks on every machine.
 */
public final class LearnedMasks {
    /** How masks are drawn and what is charged for an open one. */
    public enum Relaxation {
        /** Hard concrete masks, with a charge for the expected share of open edges (Cao et al. 2021). */
        SUBNETWORK_PROBING,
        /** Masks that are uniform over a window (UGS, Li and Janson 2024), with a charge for each edge's chance. */
        UNIFORM_SAMPLING;

        /** The name on a command line. */
        @Override
        public String toString() {
            return this == UNIFORM_SAMPLING
                    ? "ugs"
                    : name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** How it is learned. */
    public record Settings(Relaxation relaxation, int steps, double rate, double charge, long seed) {
        public Settings {
            if (steps < 1 || !(rate > 0) || !(charge >= 0) || Double.isInfinite(rate) || Double.isInfinite(charge)) {
                throw new BadInputException("masks are learned in at least one step, at a rate above 0, with a charge"
                        + " of at least 0, found " + steps + ", " + rate + " and " + charge);
            }
        }

        /** The published settings: rate .1 and a charge of 10, or of .001. */
        public static Settings of(Relaxation relaxation, int steps, long seed) {
            return new Settings(relaxation, steps, 0.1, relaxation == Relaxation.SUBNETWORK_PROBING ? 10 : 0.001, seed);
        }
    }

    private static final double TEMPERATURE = 2.0 / 3;
    private static final double LOW = -0.1;
    private static final double HIGH = 1.1;
    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;
    private static final double EPSILON = 1e-8;

    private LearnedMasks() {}

    /**
     * Learns masks.
     *
     * @return of hard concrete masks their parameters, of uniform ones the chance that each is open, as scores
     */
    public static EdgeScores learn(CircuitExperiment experiment, Settings settings) {
        MaskedRun run = new MaskedRun(experiment);
        int edges = experiment.index().size();
        double[] parameters = new double[edges];
        // Hard concrete masks begin at .9, uniform ones at a chance of .9.
        double start = settings.relaxation == Relaxation.SUBNETWORK_PROBING ? Math.log(5) : Math.log(9);
        Arrays.fill(parameters, start);
        double[] first = new double[edges];
        double[] second = new double[edges];
        CounterRandom random = CounterRandom.of(settings.seed).named("learned masks");
        double[] masks = new double[edges];
        double[] slopes = new double[edges];
        for (int step = 1; step <= settings.steps; step++) {
            CounterRandom draws = random.with(step);
            for (int e = 0; e < edges; e++) {
                double u = draws.uniform(e);
                if (settings.relaxation == Relaxation.SUBNETWORK_PROBING) {
                    concrete(u, parameters[e], e, masks, slopes);
                } else {
                    uniform(u, parameters[e], e, masks, slopes);
                }
            }
            double[] gradient = new double[edges];
            run.addGradient(masks, gradient);
            for (int e = 0; e < edges; e++) {
                double slope = gradient[e] * slopes[e] + charge(settings, parameters[e], edges);
                first[e] = BETA1 * first[e] + (1 - BETA1) * slope;
                second[e] = BETA2 * second[e] + (1 - BETA2) * slope * slope;
                double mean = first[e] / (1 - StrictMath.pow(BETA1, step));
                double square = second[e] / (1 - StrictMath.pow(BETA2, step));
                parameters[e] -= settings.rate * mean / (Math.sqrt(square) + EPSILON);
            }
        }
        double[] scores = settings.relaxation == Relaxation.SUBNETWORK_PROBING
                ? parameters
                : Arrays.stream(parameters).map(LearnedMasks::sigmoid).toArray();
        return EdgeScores.of(
                experiment.index(),
                settings.relaxation + " of " + settings.steps + " steps, seed " + settings.seed,
                scores);
    }

    /** {@code s = sigmoid((log u - log(1 - u) + a) / t), z = clip(1.2 s - .1, 0, 1)}. */
    private static void concrete(double u, double a, int e, double[] masks, double[] slopes) {
        double s = sigmoid((StrictMath.log(u) - StrictMath.log(1 - u) + a) / TEMPERATURE);
        double z = (HIGH - LOW) * s + LOW;
        masks[e] = Math.clamp(z, 0, 1);
        slopes[e] = z > 0 && z < 1 ? (HIGH - LOW) * s * (1 - s) / TEMPERATURE : 0;
    }

    /** {@code z = 1 - clip((u - t) / w + 1/2, 0, 1), w = t (1 - t)}; dz/dt is taken as 1 inside the window. */
    private static void uniform(double u, double parameter, int e, double[] masks, double[] slopes) {
        double t = sigmoid(parameter);
        double w = t * (1 - t);
        double at = (u - t) / w + 0.5;
        masks[e] = 1 - Math.clamp(at, 0, 1);
        slopes[e] = at > 0 && at < 1 ? w : 0;
    }

    /** The derivative of what is charged for an edge. */
    private static double charge(Settings settings, double parameter, int edges) {
        if (settings.relaxation == Relaxation.SUBNETWORK_PROBING) {
            double open = sigmoid(parameter - TEMPERATURE * StrictMath.log(-LOW / HIGH));
            return settings.charge * open * (1 - open) / edges;
        }
        double t = sigmoid(parameter);
        return settings.charge * t * (1 - t);
    }

    private static double sigmoid(double x) {
        return 1 / (1 + StrictMath.exp(-x));
    }

    /**
     * The derivative of the loss with respect to every edge's mask where all masks have one value, 1 of an edge that is
     * whole: what a score estimates, with the sign turned.
     *
     * @param value from 0 to 1
     */
    public static EdgeScores gradient(CircuitExperiment experiment, double value) {
        double[] masks = new double[experiment.index().size()];
        Arrays.fill(masks, value);
        double[] gradient = new double[masks.length];
        new MaskedRun(experiment).addGradient(masks, gradient);
        return EdgeScores.of(
                experiment.index(),
                "mask gradient at " + value,
                Arrays.stream(gradient).map(slope -> 0 - slope).toArray());
    }
}
