package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.IndexSelection;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/** Positions of every pair along an axis: the same index in each, or what plays the same role. */
public final class PositionAxis {
    private final PromptPairs pairs;
    private final Axis axis;
    /** {@code [steps, pairs]}. */
    private final int[][] positions;

    private PositionAxis(PromptPairs pairs, List<String> labels, int[][] positions) {
        this.pairs = pairs;
        this.axis = new Axis(Axis.POSITION, labels);
        this.positions = positions;
    }

    /**
     * Every position, called by index and role, or by index and {@linkplain PromptPairs#label token} where all clean
     * prompts have the same.
     *
     * @throws BadInputException if the pairs differ in length
     */
    public static PositionAxis all(PromptPairs pairs) {
        return of(pairs, IndexSelection.all(), pairs::label);
    }

    /**
     * Positions by index, called {@code 10 S2} by index and role, or by index and token where all clean prompts have
     * the same.
     *
     * @param text of a token; may be empty
     * @throws BadInputException if the pairs differ in length, or lack a position
     */
    public static PositionAxis of(PromptPairs pairs, IndexSelection chosen, IntFunction<String> text) {
        int[] indices = chosen.in(pairs.commonLength(), "position");
        List<String> labels = IntStream.of(indices)
                .mapToObj(position -> (position + " " + label(pairs, position, text)).strip())
                .toList();
        return new PositionAxis(
                pairs,
                labels,
                IntStream.of(indices)
                        .mapToObj(position -> IntStream.range(0, pairs.size())
                                .map(pair -> position)
                                .toArray())
                        .toArray(int[][]::new));
    }

    /**
     * Positions by role, in pairs of any lengths.
     *
     * @throws BadInputException if a pair lacks a role
     */
    public static PositionAxis ofRoles(PromptPairs pairs, List<String> roles) {
        int[][] positions = new int[roles.size()][];
        for (int i = 0; i < positions.length; i++) {
            String role = roles.get(i);
            positions[i] =
                    pairs.list().stream().mapToInt(pair -> pair.position(role)).toArray();
        }
        return new PositionAxis(pairs, roles, positions);
    }

    /**
     * Positions by label, as another table has them.
     *
     * @param positions of each label in each pair, {@code [labels, pairs]}
     * @throws BadInputException if there is not one position per label and pair, or a pair lacks one
     */
    public static PositionAxis of(PromptPairs pairs, List<String> labels, int[][] positions) {
        if (positions.length != labels.size()) {
            throw new BadInputException(
                    "there are positions of " + positions.length + " labels, but " + labels.size() + " labels");
        }
        for (int[] ofLabel : positions) {
            if (ofLabel.length != pairs.size()) {
                throw new BadInputException(
                        "a label has positions in " + ofLabel.length + " pairs, but there are " + pairs.size());
            }
            for (int pair = 0; pair < ofLabel.length; pair++) {
                BadInputException.requireIndex(
                        "position", ofLabel[pair], pairs.get(pair).length());
            }
        }
        return new PositionAxis(
                pairs, labels, Arrays.stream(positions).map(int[]::clone).toArray(int[][]::new));
    }

    private static String label(PromptPairs pairs, int position, IntFunction<String> text) {
        List<String> common = pairs.roles().stream()
                .filter(role -> pairs.list().stream().allMatch(pair -> pair.position(role) == position))
                .toList();
        if (!common.isEmpty()) {
            return String.join("/", common);
        }
        int token = pairs.get(0).clean()[position];
        boolean same = pairs.list().stream().map(PromptPair::clean).allMatch(clean -> clean[position] == token);
        return same ? text.apply(token) : "";
    }

    /** The pairs whose positions these are. */
    public PromptPairs pairs() {
        return pairs;
    }

    public Axis axis() {
        return axis;
    }

    public int size() {
        return axis.size();
    }

    /**
     * Position of a step in a pair.
     *
     * @throws BadInputException if there is no such step or pair
     */
    public int at(int step, int pair) {
        axis.requireStep(step);
        pairs.get(pair);
        return positions[step][pair];
    }

    @Override
    public String toString() {
        return axis.name() + ": " + Printable.listed(axis.labels());
    }
}
