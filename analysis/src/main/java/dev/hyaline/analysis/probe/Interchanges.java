package dev.hyaline.analysis.probe;

import dev.hyaline.analysis.internal.Sums;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.gradient.GradientPass;
import dev.hyaline.instrument.gradient.Gradients;
import dev.hyaline.instrument.gradient.Objective;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.SequenceEdit;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Interchanges between the prompts of pairs at one point: the clean prompt is run with the corrupted prompt's values in
 * a subspace, and should then say what is right after the corrupted prompt, the pair's distractors. Immutable.
 */
public final class Interchanges {
    private final Gpt2 model;
    private final PromptPairs pairs;
    private final HookPoint point;
    private final int[] positions;
    private final Prompts prompts;
    private final float[][] bases;
    private final float[][] sources;

    private Interchanges(
            Gpt2 model, PromptPairs pairs, HookPoint point, int[] positions, float[][] bases, float[][] sources) {
        this.model = model;
        this.pairs = pairs;
        this.point = point;
        this.positions = positions;
        this.prompts = pairs.clean(model.config());
        this.bases = bases;
        this.sources = sources;
    }

    /**
     * Records both prompts of every pair at a point.
     *
     * @param point of a site with a row of values per token
     * @param positions one for each pair
     * @throws BadInputException if a pair has no distractor, or a position is outside its prompt
     * @throws BadShapeException if there is not one position for each pair
     */
    public static Interchanges of(Gpt2 model, PromptPairs pairs, HookPoint point, int... positions) {
        if (positions.length != pairs.size()) {
            throw new BadShapeException(
                    "positions of interchanges", pairs.size() + ", one per pair", positions.length + " positions");
        }
        for (int pair = 0; pair < positions.length; pair++) {
            DirectionTests.requireDistractor(pairs.get(pair));
            BadInputException.requireIndex(
                    "position", positions[pair], pairs.get(pair).length());
        }
        Capture capture = Capture.of(List.of(point));
        return new Interchanges(
                model,
                pairs,
                point,
                positions.clone(),
                rows(ActivationCache.record(model, pairs.clean(model.config()), capture), point, positions),
                rows(ActivationCache.record(model, pairs.corrupted(model.config()), capture), point, positions));
    }

    private static float[][] rows(ActivationCache cache, HookPoint point, int[] positions) {
        return IntStream.range(0, positions.length)
                .mapToObj(pair -> cache.row(point, pair, positions[pair]))
                .toArray(float[][]::new);
    }

    /** Number of pairs. */
    public int size() {
        return positions.length;
    }

    /** Number of values that an interchange exchanges among. */
    public int columns() {
        return bases[0].length;
    }

    /**
     * Returns whether the two prompts of some pair differ at the point, so that an interchange can change something.
     */
    boolean differ() {
        return IntStream.range(0, size()).anyMatch(pair -> !Arrays.equals(bases[pair], sources[pair]));
    }

    /**
     * Some of the pairs, in the order given.
     *
     * @throws BadInputException if none is given, or there is no such pair
     */
    public Interchanges only(int... chosen) {
        PromptPairs some = PromptPairs.of(
                model.config(), IntStream.of(chosen).mapToObj(pairs::get).toList());
        return new Interchanges(
                model,
                some,
                point,
                IntStream.of(chosen).map(pair -> positions[pair]).toArray(),
                IntStream.of(chosen).mapToObj(pair -> bases[pair]).toArray(float[][]::new),
                IntStream.of(chosen).mapToObj(pair -> sources[pair]).toArray(float[][]::new));
    }

    /**
     * What the clean prompts say with the corrupted prompts' values in each of several subspaces.
     *
     * @return {@code [spaces][pairs]}: the distractors' mean logit less the answers'; above 0 the output follows the
     *     source of the values
     * @throws BadInputException if there is no subspace
     * @throws BadShapeException if a subspace has more or fewer columns than the point
     */
    public double[][] follow(List<InterchangeSubspace> spaces) {
        if (spaces.isEmpty()) {
            throw new BadInputException("interchanges need at least one subspace, found none");
        }
        List<SequenceEdit> edits = new ArrayList<>();
        for (InterchangeSubspace space : spaces) {
            for (int pair = 0; pair < size(); pair++) {
                edits.add(SequenceEdit.of(pair, space.interchange(target(pair), sources[pair])));
            }
        }
        double[][] differences = new double[spaces.size()][size()];
        BaseRun.record(model, prompts)
                .rerun(edits)
                .forEach(result -> differences[result.edit() / size()][result.sequence()] =
                        -pairs.get(result.sequence()).logitDifference(result.row(0)));
        return differences;
    }

    /**
     * The interchange accuracy: the share of pairs whose output follows the source.
     *
     * @param differences of one subspace, as {@link #follow} gives them
     */
    public static double accuracy(double[] differences) {
        return Sums.mean(follows(differences));
    }

    /** 1 for each pair whose output follows the source, and 0 for the others. */
    static double[] follows(double[] differences) {
        return Arrays.stream(differences)
                .map(difference -> difference > 0 ? 1 : 0)
                .toArray();
    }

    /**
     * The mean cross-entropy of the counterfactual labels under an interchange.
     *
     * @param value in nats
     * @param gradient with respect to the directions, {@code [dimensions][columns]}, as if they were free
     */
    record Loss(double value, double[][] gradient) {
        @Override
        public boolean equals(Object other) {
            return other == this;
        }

        @Override
        public int hashCode() {
            return System.identityHashCode(this);
        }
    }

    /** The tokens that are right after each corrupted prompt. */
    int[][] labels() {
        return pairs.list().stream().map(pair -> pair.distractors()).toArray(int[][]::new);
    }

    /**
     * The cross-entropy of the labels, and its gradient through the interchange x + R R<sup>T</sup>(source - x): with g
     * the gradient at the edited values and D = source - x, it is D g<sup>T</sup>R + g D<sup>T</sup>R.
     *
     * @param labels tokens for each pair, of which any is right
     */
    Loss loss(InterchangeSubspace space, int[][] labels) {
        double[] losses = new double[size()];
        Objective objective = Objective.atLast(prompts, (pair, logits) -> {
            double[] probabilities = new double[logits.length];
            double largest = Double.NEGATIVE_INFINITY;
            for (float logit : logits) {
                largest = Math.max(largest, logit);
            }
            double sum = 0;
            for (int token = 0; token < logits.length; token++) {
                probabilities[token] = StrictMath.exp(logits[token] - largest);
                sum += probabilities[token];
            }
            // The share of the labels by their own largest logit, so that it is never 0 / 0.
            double top = Double.NEGATIVE_INFINITY;
            for (int token : labels[pair]) {
                top = Math.max(top, logits[token]);
            }
            double right = 0;
            for (int token : labels[pair]) {
                right += StrictMath.exp(logits[token] - top);
            }
            losses[pair] = StrictMath.log(sum) + largest - top - StrictMath.log(right);
            for (int token = 0; token < probabilities.length; token++) {
                probabilities[token] /= sum;
            }
            for (int token : labels[pair]) {
                probabilities[token] -= StrictMath.exp(logits[token] - top) / right;
            }
            float[] gradient = new float[logits.length];
            for (int token = 0; token < gradient.length; token++) {
                gradient[token] = (float) probabilities[token];
            }
            return gradient;
        });
        List<Intervention> edits = IntStream.range(0, size())
                .mapToObj(pair -> space.interchange(target(pair).sequences(pair), sources[pair]))
                .toList();
        Gradients gradients = Gradients.of(
                model,
                prompts,
                Capture.of(List.of(point)),
                GradientPass.of(model, prompts, objective)
                        .edited(Interventions.of(edits))
                        .stopping(List.of(point)));
        double[][] basis = space.basis();
        double[][] gradient = new double[basis.length][columns()];
        double[] change = new double[columns()];
        double[] wide = new double[columns()];
        for (int pair = 0; pair < size(); pair++) {
            float[] row = gradients.row(point, pair, positions[pair]);
            for (int i = 0; i < wide.length; i++) {
                wide[i] = row[i] / (double) size();
                change[i] = (double) sources[pair][i] - bases[pair][i];
            }
            for (int k = 0; k < basis.length; k++) {
                Vectors.add(gradient[k], 0, Vectors.dot(wide, basis[k]), change, 0, change.length);
                Vectors.add(gradient[k], 0, Vectors.dot(change, basis[k]), wide, 0, wide.length);
            }
        }
        return new Loss(Sums.mean(losses), gradient);
    }

    private Target target(int pair) {
        return Target.of(point).positions(positions[pair]);
    }

    @Override
    public String toString() {
        return "interchanges at " + point + " of " + pairs;
    }
}
