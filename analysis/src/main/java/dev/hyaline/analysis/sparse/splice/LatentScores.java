package dev.hyaline.analysis.sparse.splice;

import dev.hyaline.analysis.causal.PairRuns;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Latents and the error term of an autoencoder as nodes of a circuit: linear estimates of what each does to a metric,
 * the change of what it adds to the written site times the metric's gradient there, summed over positions (Marks et al.
 * 2024, "Sparse feature circuits"). Estimates are in units of the metric: positive where the node raises it.
 *
 * <p>With one step the gradient is that of the clean run, in which the error term is constant. With more it is the mean
 * over runs on the straight way from the clean run towards the reference (integrated gradients), so that the nodes of
 * an autoencoder add up, as steps grow, to the whole effect of replacing all of them.
 */
public final class LatentScores {
    /** The part of the written site with which a node's part is compared. */
    public enum Reference {
        /** Zero: gradient times activation, which estimates what ablating the node takes away. */
        ZERO,
        /** Its part in the other prompt of the pair, position by position: attribution patching. */
        OTHER_PROMPT
    }

    /** Most steps of an integrated gradient. */
    public static final int MAX_STEPS = 10_000;

    private final Attachment attachment;
    /** {@code [pairs][latents + 1]}, the error term last. */
    private final double[][] scores;

    LatentScores(Attachment attachment, double[][] scores) {
        this.attachment = attachment;
        this.scores = scores;
    }

    /**
     * Scores the nodes of one autoencoder in one forward and backward pass of each pair's clean prompt.
     *
     * @throws BadInputException if the metric has no gradient
     */
    public static LatentScores of(Attachment attachment, PairRuns runs, Metric metric, Reference reference) {
        return of(List.of(attachment), runs, metric, reference, 1).getFirst();
    }

    /**
     * Scores the nodes of several autoencoders, each while the others' sites are as they are.
     *
     * @param steps runs whose gradients are averaged for each autoencoder: at shares {@code 0, 1/steps, ..,
     *     (steps-1)/steps} of the way from the clean run to the reference
     * @return in the order of the attachments
     * @throws BadInputException if the metric has no gradient, or there are no steps
     */
    public static List<LatentScores> of(
            List<Attachment> attachments, PairRuns runs, Metric metric, Reference reference, int steps) {
        if (steps < 1 || steps > MAX_STEPS) {
            throw new BadInputException("integrated gradients take from 1 to " + MAX_STEPS + " steps, found " + steps);
        }
        return new LatentGradientPasses(attachments, runs, metric, reference, steps).run();
    }

    public Attachment attachment() {
        return attachment;
    }

    /** Number of pairs. */
    public int pairs() {
        return scores.length;
    }

    /** Scores of the latents on a pair, {@code [latents]}; a copy. */
    public double[] ofPair(int pair) {
        BadInputException.requireIndex("pair", pair, scores.length);
        return Arrays.copyOf(scores[pair], scores[pair].length - 1);
    }

    /** Score of a node on a pair. */
    public double ofPair(int pair, SpliceNode node) {
        BadInputException.requireIndex("pair", pair, scores.length);
        return scores[pair][index(node)];
    }

    /** Score of the error term on a pair. */
    public double errorOfPair(int pair) {
        return ofPair(pair, SpliceNode.error(attachment));
    }

    /** Means of the latents over pairs, {@code [latents]}. */
    public double[] means() {
        double[] means = new double[scores[0].length - 1];
        Arrays.setAll(means, this::mean);
        return means;
    }

    private int index(SpliceNode node) {
        return node.isError() ? scores[0].length - 1 : node.latent();
    }

    private double mean(int node) {
        double mean = 0;
        for (double[] ofPair : scores) {
            mean += ofPair[node] / scores.length;
        }
        return mean;
    }

    /** Mean of a node over pairs. */
    public double mean(SpliceNode node) {
        return mean(index(node));
    }

    /** Latents whose mean is not zero, the largest in absolute value first, then by number. */
    public int[] ranked() {
        double[] means = means();
        return IntStream.range(0, means.length)
                .filter(i -> means[i] != 0)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -Math.abs(means[i])))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /**
     * The nodes of several autoencoders whose mean is not zero, error terms among them, the largest in absolute value
     * first.
     */
    public static List<SpliceNode> ranked(List<LatentScores> all) {
        record Ranked(SpliceNode node, double score) {}
        List<Ranked> nodes = new ArrayList<>();
        for (LatentScores scores : all) {
            for (int latent : scores.ranked()) {
                SpliceNode node = SpliceNode.latent(scores.attachment, latent);
                nodes.add(new Ranked(node, scores.mean(node)));
            }
            SpliceNode error = SpliceNode.error(scores.attachment);
            if (scores.mean(error) != 0) {
                nodes.add(new Ranked(error, scores.mean(error)));
            }
        }
        return nodes.stream()
                .sorted(Comparator.comparingDouble(ranked -> -Math.abs(ranked.score)))
                .map(Ranked::node)
                .toList();
    }

    @Override
    public String toString() {
        return "scores of latents of " + attachment;
    }
}
