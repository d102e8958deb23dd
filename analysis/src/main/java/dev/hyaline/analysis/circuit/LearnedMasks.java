package dev.hyaline.analysis.circuit;

import dev.hyaline.analysis.causal.SweepOptions;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.CounterRandom;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;

/**
 * Masks of all edges that are learned together, with Adam, so that few edges are open while the loss stays small. The
 * loss is the experiment's metric where less is better, as {@code Metric.klToClean}, and minus the metric otherwise.
 * The same seed gives the same masks on every machine, in one go or resumed.
 */
public final class LearnedMasks {
    /** The draw of masks, and the charge for an open one. */
    public enum Relaxation {
        /** Hard concrete masks, with a charge for the expected share of open edges (Cao et al. 2021). */
        SUBNETWORK_PROBING,
        /** Masks that are uniform over a window (UGS, Li and Janson 2024), with a charge for each edge's chance. */
        UNIFORM_SAMPLING,
        /**
         * Hard concrete masks of edges and of senders, which multiply (Bhaskar et al. 2024). The charge is whatever
         * brings the expected share of closed edges to a target: its two factors, of the distance from the target and
         * of its square, are learned by ascent. The target rises in a straight line over the first five sixths of the
         * steps.
         */
        EDGE_PRUNING;

        /** The name on a command line. */
        @Override
        public String toString() {
            return this == UNIFORM_SAMPLING
                    ? "ugs"
                    : name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /**
     * The settings of learning masks.
     *
     * @param rate of Adam
     * @param charge for open edges; of edge pruning, the share of edges to close
     */
    public record Settings(Relaxation relaxation, int steps, double rate, double charge, long seed) {
        public Settings {
            if (steps < 1 || !(rate > 0) || !(charge >= 0) || Double.isInfinite(rate) || Double.isInfinite(charge)) {
                throw new BadInputException("masks are learned in at least one step, at a rate above 0, with a charge"
                        + " of at least 0, found " + steps + ", " + rate + " and " + charge);
            }
            if (relaxation == Relaxation.EDGE_PRUNING && charge >= 1) {
                throw new BadInputException("edge pruning closes a share of the edges below 1, found " + charge);
            }
        }

        /**
         * A rate of .1 and the published charges: 10 or, of uniform masks, .001; of edge pruning a target of .98. Its
         * published rate is .8, for ten times as many steps: in 300 steps it closes edges by chance before their worth
         * is seen.
         */
        public static Settings of(Relaxation relaxation, int steps, long seed) {
            return switch (relaxation) {
                case SUBNETWORK_PROBING -> new Settings(relaxation, steps, 0.1, 10, seed);
                case UNIFORM_SAMPLING -> new Settings(relaxation, steps, 0.1, 0.001, seed);
                case EDGE_PRUNING -> new Settings(relaxation, steps, 0.1, 0.98, seed);
            };
        }

        /** The same with another charge. */
        public Settings charge(double newCharge) {
            return new Settings(relaxation, steps, rate, newCharge, seed);
        }

        String name() {
            return relaxation + " of " + steps + " steps, rate " + rate
                    + (relaxation == Relaxation.EDGE_PRUNING ? ", target " : ", charge ") + charge + ", seed " + seed;
        }
    }

    private static final double TEMPERATURE = 2.0 / 3;
    private static final double LOW = -0.1;
    private static final double HIGH = 1.1;
    /** What a parameter is raised by in the log odds that its mask is above 0. */
    private static final double OPENING = -TEMPERATURE * StrictMath.log(-LOW / HIGH);

    private static final double BETA1 = 0.9;
    private static final double BETA2 = 0.999;
    private static final double EPSILON = 1e-8;
    /** The share of edge pruning's steps over which its target rises. */
    private static final double RISE = 5.0 / 6;

    private final Settings settings;
    private final GraphIndex index;
    private final MaskedRun run;
    private final CounterRandom random;
    private final int edges;
    /** By edge; of edge pruning then by sender, and last the two factors of the charge. */
    private final double[] parameters;

    private final double[] first;
    private final double[] second;
    private int step;

    private LearnedMasks(CircuitExperiment experiment, Settings settings) {
        this.settings = settings;
        index = experiment.index();
        run = new MaskedRun(experiment);
        random = CounterRandom.of(settings.seed).named("learned masks");
        edges = index.size();
        boolean pruning = settings.relaxation == Relaxation.EDGE_PRUNING;
        parameters = new double[edges + (pruning ? index.senders().size() + 2 : 0)];
        // Hard concrete masks begin at .9, uniform ones at a chance of .9.
        Arrays.fill(parameters, settings.relaxation == Relaxation.UNIFORM_SAMPLING ? Math.log(9) : Math.log(5));
        if (pruning) {
            Arrays.fill(parameters, parameters.length - 2, parameters.length, 0);
        }
        first = new double[parameters.length];
        second = new double[parameters.length];
    }

    /**
     * Learns masks.
     *
     * @return of subnetwork probing the parameters, of uniform masks the chance that each is open, of edge pruning the
     *     log odds that edge and sender are both open, as scores
     */
    public static EdgeScores learn(CircuitExperiment experiment, Settings settings) {
        return learn(experiment, settings, SweepOptions.none());
    }

    /**
     * As {@link #learn(CircuitExperiment, Settings)}, told of its steps.
     *
     * @param options a journal, with which learning that is stopped in any way goes on from there; progress is told the
     *     steps
     * @throws BadInputException if the journal is of another search
     */
    public static EdgeScores learn(CircuitExperiment experiment, Settings settings, SweepOptions options) {
        return new LearnedMasks(experiment, settings).learn(experiment, options);
    }

    private EdgeScores learn(CircuitExperiment experiment, SweepOptions options) {
        SearchJournal journal = new SearchJournal(experiment, options, settings.name());
        journal.read().ifPresent(this::resume);
        while (step < settings.steps) {
            step++;
            double[] slopes = settings.relaxation == Relaxation.EDGE_PRUNING ? pruningSlopes() : slopes();
            requireFinite(slopes);
            for (int p = 0; p < parameters.length; p++) {
                first[p] = BETA1 * first[p] + (1 - BETA1) * slopes[p];
                second[p] = BETA2 * second[p] + (1 - BETA2) * slopes[p] * slopes[p];
                double mean = first[p] / (1 - StrictMath.pow(BETA1, step));
                double square = second[p] / (1 - StrictMath.pow(BETA2, step));
                parameters[p] -= settings.rate * mean / (Math.sqrt(square) + EPSILON);
            }
            journal.save(this::state);
            options.progress().measured(step, settings.steps);
        }
        return EdgeScores.of(index, settings.name(), scores());
    }

    private void requireFinite(double[] slopes) {
        for (double slope : slopes) {
            if (!Double.isFinite(slope)) {
                throw new BadInputException(
                        settings.name() + ": the gradient of the masks is " + slope + " at step " + step);
            }
        }
    }

    private Map<String, String> state() {
        return Map.of(
                "step",
                String.valueOf(step),
                "parameters",
                SearchJournal.text(parameters),
                "means",
                SearchJournal.text(first),
                "squares",
                SearchJournal.text(second));
    }

    private void resume(SearchJournal.State state) {
        step = state.count("step");
        System.arraycopy(state.numbers("parameters"), 0, parameters, 0, parameters.length);
        System.arraycopy(state.numbers("means"), 0, first, 0, first.length);
        System.arraycopy(state.numbers("squares"), 0, second, 0, second.length);
    }

    /** The loss's and the charge's derivatives of one step's draw. */
    private double[] slopes() {
        double[] masks = new double[edges];
        double[] rises = new double[edges];
        CounterRandom draws = random.with(step);
        for (int e = 0; e < edges; e++) {
            if (settings.relaxation == Relaxation.SUBNETWORK_PROBING) {
                concrete(draws.uniform(e), parameters[e], e, masks, rises);
            } else {
                uniform(draws.uniform(e), parameters[e], e, masks, rises);
            }
        }
        double[] gradient = new double[edges];
        run.addGradient(masks, gradient);
        double[] slopes = new double[edges];
        for (int e = 0; e < edges; e++) {
            slopes[e] = gradient[e] * rises[e] + charge(parameters[e]);
        }
        return slopes;
    }

    private double[] pruningSlopes() {
        int masked = parameters.length - 2;
        double[] drawn = new double[masked];
        double[] rises = new double[masked];
        double[] open = new double[masked];
        CounterRandom draws = random.with(step);
        for (int p = 0; p < masked; p++) {
            concrete(draws.uniform(p), parameters[p], p, drawn, rises);
            open[p] = open(parameters[p]);
        }
        double[] masks = new double[edges];
        double closed = 1;
        for (int e = 0; e < edges; e++) {
            masks[e] = drawn[e] * drawn[edges + index.senderOf(e)];
            closed -= open[e] * open[edges + index.senderOf(e)] / edges;
        }
        double[] gradient = new double[edges];
        run.addGradient(masks, gradient);
        double distance = settings.charge * Math.min(1, step / (RISE * settings.steps)) - closed;
        double perClosed = -parameters[masked] - 2 * parameters[masked + 1] * distance;
        double[] slopes = new double[parameters.length];
        for (int e = 0; e < edges; e++) {
            int sender = edges + index.senderOf(e);
            slopes[e] +=
                    gradient[e] * drawn[sender] * rises[e] - perClosed * open[e] * (1 - open[e]) * open[sender] / edges;
            slopes[sender] += gradient[e] * drawn[e] * rises[sender]
                    - perClosed * open[e] * open[sender] * (1 - open[sender]) / edges;
        }
        // Ascent.
        slopes[masked] = -distance;
        slopes[masked + 1] = -distance * distance;
        return slopes;
    }

    private double[] scores() {
        return switch (settings.relaxation) {
            case SUBNETWORK_PROBING -> parameters.clone();
            case UNIFORM_SAMPLING ->
                Arrays.stream(parameters).map(LearnedMasks::sigmoid).toArray();
            case EDGE_PRUNING -> {
                double[] scores = new double[edges];
                Arrays.setAll(scores, e -> bothOpen(parameters[e], parameters[edges + index.senderOf(e)]));
                yield scores;
            }
        };
    }

    /** {@code s = sigmoid((log u - log(1 - u) + a) / t), z = clip(1.2 s - .1, 0, 1)}. */
    private static void concrete(double u, double a, int e, double[] masks, double[] rises) {
        double s = sigmoid((StrictMath.log(u) - StrictMath.log(1 - u) + a) / TEMPERATURE);
        double z = (HIGH - LOW) * s + LOW;
        masks[e] = Math.clamp(z, 0, 1);
        rises[e] = z > 0 && z < 1 ? (HIGH - LOW) * s * (1 - s) / TEMPERATURE : 0;
    }

    /** {@code z = 1 - clip((u - t) / w + 1/2, 0, 1), w = t (1 - t)}; dz/dt is taken as 1 inside the window. */
    private static void uniform(double u, double parameter, int e, double[] masks, double[] rises) {
        double t = sigmoid(parameter);
        double w = t * (1 - t);
        double at = (u - t) / w + 0.5;
        masks[e] = 1 - Math.clamp(at, 0, 1);
        rises[e] = at > 0 && at < 1 ? w : 0;
    }

    /** The derivative of what is charged for an edge. */
    private double charge(double parameter) {
        if (settings.relaxation == Relaxation.SUBNETWORK_PROBING) {
            double open = open(parameter);
            return settings.charge * open * (1 - open) / edges;
        }
        double t = sigmoid(parameter);
        return settings.charge * t * (1 - t);
    }

    /** The chance that a hard concrete mask is above 0. */
    private static double open(double parameter) {
        return sigmoid(parameter + OPENING);
    }

    /** The log odds that two masks are both above 0: the chance itself is 1 for many, and then ranks nothing. */
    private static double bothOpen(double one, double other) {
        double closed = sigmoid(-one - OPENING) + sigmoid(one + OPENING) * sigmoid(-other - OPENING);
        return StrictMath.log(open(one)) + StrictMath.log(open(other)) - StrictMath.log(closed);
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
        return gradients(
                experiment, "mask gradient at " + value, SweepOptions.none().progress(), value);
    }

    /**
     * The mean of the derivatives, with the sign turned, where all masks have each of some values, by pair.
     *
     * @param progress told the runs of pairs that are done
     * @param values from 0 to 1
     */
    static EdgeScores gradients(
            CircuitExperiment experiment, String name, SweepOptions.Progress progress, double... values) {
        MaskedRun run = new MaskedRun(experiment);
        double[][] pairs =
                new double[experiment.pairs().size()][experiment.index().size()];
        double[] masks = new double[experiment.index().size()];
        for (int pair = 0; pair < pairs.length; pair++) {
            for (int i = 0; i < values.length; i++) {
                Arrays.fill(masks, values[i]);
                run.addGradient(pair, masks, 1, pairs[pair]);
                progress.measured((long) pair * values.length + i + 1, (long) pairs.length * values.length);
            }
            for (int e = 0; e < masks.length; e++) {
                pairs[pair][e] = 0 - pairs[pair][e] / values.length;
            }
        }
        return EdgeScores.ofPairs(experiment.index(), name, pairs);
    }

    @Override
    public String toString() {
        return "masks of " + Printable.plural(edges, "edge") + " after " + Printable.plural(step, "step");
    }
}
