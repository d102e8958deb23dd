package dev.hyaline.analysis.attention;

import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The pattern that a head keeps to on prompts of every kind that was looked at. A pattern by keys needs a score of at
 * least {@value #MIN_SCORE}, an excess over uniform attention of at least {@value #MIN_EXCESS} and a margin of at least
 * {@value #MIN_MARGIN} over the next one, on every kind of prompts that has such keys; a separator besides
 * {@value #MIN_RATIO} times its share; a role margin and score among roles. A head of none is {@code uniform} if its
 * entropy is at least {@value #MIN_ENTROPY} of the largest, {@code positional} if its mean pattern explains at least
 * {@value #MIN_POSITIONAL} of the variance of its weights over keys and random prompts, and else {@code mixed}.
 *
 * @param score the least over kinds of prompts; NaN of a head without a pattern by keys
 * @param standardError of that score, over the units of its prompts
 * @param excess likewise
 * @param margin likewise
 */
public record HeadPattern(
        int layer, int head, String type, double score, double standardError, double excess, double margin) {
    public static final double MIN_SCORE = 0.4;
    public static final double MIN_EXCESS = 0.3;
    public static final double MIN_MARGIN = 0.1;
    public static final double MIN_RATIO = 3;
    public static final double MIN_ENTROPY = 0.95;
    public static final double MIN_POSITIONAL = 0.9;

    /** Alike on all keys. */
    public static final String UNIFORM = "uniform";

    /** By position, whatever stands there. */
    public static final String POSITIONAL = "positional";

    /** Of no pattern. */
    public static final String MIXED = "mixed";

    /**
     * Classifies every head, layer by layer.
     *
     * @param evidence of one model on prompts of each kind
     * @param random on random prompts of one length in which nothing repeats; null if there are none, and then no head
     *     is positional
     * @throws BadInputException if there is none, or it is of models of other shapes
     */
    public static List<HeadPattern> classify(List<PatternEvidence> evidence, @Nullable PatternEvidence random) {
        if (evidence.isEmpty()) {
            throw new BadInputException("heads are classified on prompts of at least one kind");
        }
        int layers = evidence.getFirst().config().nLayers();
        int heads = evidence.getFirst().config().nHeads();
        if (evidence.stream()
                .anyMatch(of -> of.config().nLayers() != layers || of.config().nHeads() != heads)) {
            throw new BadInputException("heads are classified on the prompts of one model");
        }
        List<HeadPattern> patterns = new ArrayList<>();
        for (int cell = 0; cell < layers * heads; cell++) {
            patterns.add(classify(evidence, random, cell, cell / heads, cell % heads));
        }
        return List.copyOf(patterns);
    }

    private static HeadPattern classify(
            List<PatternEvidence> evidence, @Nullable PatternEvidence random, int cell, int layer, int head) {
        for (boolean roles : new boolean[] {false, true}) {
            Set<String> candidates = new HashSet<>();
            evidence.forEach(of -> candidates.addAll(of.types()));
            for (String type : candidates.stream().sorted().toList()) {
                if (isRole(type) == roles) {
                    HeadPattern pattern = weakest(evidence, cell, layer, head, type);
                    if (pattern.score >= MIN_SCORE && pattern.excess >= MIN_EXCESS && pattern.margin >= MIN_MARGIN) {
                        return pattern;
                    }
                }
            }
        }
        String other = MIXED;
        if (evidence.stream().allMatch(of -> of.entropyShare(cell) >= MIN_ENTROPY)) {
            other = UNIFORM;
        } else if (random != null && random.positional(cell) >= MIN_POSITIONAL) {
            other = POSITIONAL;
        }
        return new HeadPattern(layer, head, other, Double.NaN, Double.NaN, Double.NaN, Double.NaN);
    }

    private static boolean isRole(String type) {
        return type.startsWith(PatternEvidence.ROLE);
    }

    /** The least figures of a pattern; NaN, which is at least nothing, where no prompt has its keys. */
    private static HeadPattern weakest(List<PatternEvidence> evidence, int cell, int layer, int head, String type) {
        double score = Double.NaN;
        double error = Double.NaN;
        double excess = Double.NaN;
        double margin = Double.NaN;
        for (PatternEvidence of : evidence) {
            int index = of.types().indexOf(type);
            if (index < 0 || Double.isNaN(of.figure(cell, index).score())) {
                continue;
            }
            PatternEvidence.Figure figure = of.figure(cell, index);
            boolean enough = !type.equals(PatternEvidence.SEPARATOR) || figure.score() >= MIN_RATIO * figure.share();
            double found = enough ? figure.score() : 0;
            error = Double.isNaN(score) || found < score ? figure.standardError() : error;
            score = least(score, found);
            excess = least(excess, figure.excess());
            margin = least(margin, figure.score() - next(of, cell, index, isRole(type)));
        }
        return new HeadPattern(layer, head, type, score, error, excess, margin);
    }

    private static double least(double a, double b) {
        return Double.isNaN(a) ? b : Math.min(a, b);
    }

    /** The highest score of another pattern of the same sort. */
    private static double next(PatternEvidence of, int cell, int type, boolean roles) {
        double next = 0;
        for (int other = 0; other < of.types().size(); other++) {
            double score = of.figure(cell, other).score();
            if (other != type && isRole(of.types().get(other)) == roles && score > next) {
                next = score;
            }
        }
        return next;
    }
}
