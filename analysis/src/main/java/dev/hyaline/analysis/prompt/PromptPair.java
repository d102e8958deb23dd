package dev.hyaline.analysis.prompt;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.IndexSelection;
import java.util.Arrays;
import java.util.Collections;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A clean prompt and a corrupted one of the same length, token by token alike but for what the study is about. Arrays
 * are neither copied nor to be changed.
 *
 * @param name what it is called in tables and errors, such as its clean text
 * @param clean tokens of the prompt on which the model does the task
 * @param corrupted tokens of the prompt on which it should not
 * @param answers tokens that are right after the clean prompt
 * @param distractors tokens that are wrong there, and often right after the corrupted prompt; may be empty
 * @param roles positions by what stands there: {@code S1}, {@code S2}, {@code IO}. {@code end} is always the last
 *     position
 * @param unit what was drawn at random and other pairs may share, such as a name or a document: pairs of one unit count
 *     as one draw in statistics. Null where it is not known
 * @param stratum what was listed and not drawn, such as a template; null where it is not known
 */
public record PromptPair(
        String name,
        int[] clean,
        int[] corrupted,
        int[] answers,
        int[] distractors,
        Map<String, Integer> roles,
        @Nullable String unit,
        @Nullable String stratum) {
    /** The role of the last position. */
    public static final String END = "end";

    public PromptPair {
        roles = Collections.unmodifiableMap(new TreeMap<>(roles));
        if (clean.length == 0) {
            throw new BadInputException(Printable.plain(name) + ": the clean prompt is empty");
        }
        if (clean.length != corrupted.length) {
            throw new BadInputException(
                    Printable.plain(name) + ": the clean prompt has " + clean.length + " tokens and the corrupted "
                            + corrupted.length + "; they differ from position " + Arrays.mismatch(clean, corrupted)
                            + " on, and every position of one must face one of the other");
        }
        if (answers.length == 0) {
            throw new BadInputException(Printable.plain(name) + ": there is no answer");
        }
        for (Map.Entry<String, Integer> role : roles.entrySet()) {
            if (role.getValue() < 0 || role.getValue() >= clean.length) {
                throw new BadInputException(Printable.plain(name) + ": the role " + Printable.plain(role.getKey())
                        + " is at position " + role.getValue() + ", but positions run from 0 to " + (clean.length - 1));
            }
        }
        if (roles.getOrDefault(END, clean.length - 1) != clean.length - 1) {
            throw new BadInputException(Printable.plain(name) + ": the role " + END + " is the last position, "
                    + (clean.length - 1) + ", found " + roles.get(END));
        }
    }

    /** A pair of which neither unit nor stratum is known. */
    public PromptPair(
            String name, int[] clean, int[] corrupted, int[] answers, int[] distractors, Map<String, Integer> roles) {
        this(name, clean, corrupted, answers, distractors, roles, null, null);
    }

    /** The pair as part of a unit. */
    public PromptPair ofUnit(String newUnit) {
        return new PromptPair(name, clean, corrupted, answers, distractors, roles, newUnit, stratum);
    }

    /** The pair as part of a stratum. */
    public PromptPair ofStratum(String newStratum) {
        return new PromptPair(name, clean, corrupted, answers, distractors, roles, unit, newStratum);
    }

    /** Number of tokens of either prompt. */
    public int length() {
        return clean.length;
    }

    /** The last position. */
    public int end() {
        return clean.length - 1;
    }

    /**
     * Position of a role.
     *
     * @throws BadInputException if the pair has no such role
     */
    public int position(String role) {
        if (role.equals(END)) {
            return end();
        }
        Integer position = roles.get(role);
        if (position == null) {
            throw new BadInputException(Printable.plain(name) + ": there is no role " + Printable.plain(role) + "; "
                    + (roles.isEmpty()
                            ? "there is " + END
                            : "there are " + Printable.listed(roles.keySet()) + ", " + END));
        }
        return position;
    }

    /** The first position at which the prompts differ; {@link #length} if they are the same. */
    public int firstDifference() {
        int mismatch = Arrays.mismatch(clean, corrupted);
        return mismatch < 0 ? clean.length : mismatch;
    }

    /**
     * The positions from the first at which the prompts differ: before it their runs have the same bits.
     *
     * @throws BadInputException if the prompts are the same
     */
    public IndexSelection changedPositions() {
        if (firstDifference() == length()) {
            throw new BadInputException(
                    Printable.plain(name) + ": the clean prompt and the corrupted one are the same");
        }
        return IndexSelection.of(IntStream.range(firstDifference(), length()).toArray());
    }

    /**
     * The answers' mean logit less the distractors'.
     *
     * @param logits {@code [vocabulary]}
     * @throws BadInputException if the pair has no distractor
     */
    public double logitDifference(float[] logits) {
        if (distractors.length == 0) {
            throw new BadInputException(
                    Printable.plain(name) + " has no distractor, and an edit is judged by answer and distractor");
        }
        return mean(logits, answers) - mean(logits, distractors);
    }

    private static double mean(float[] logits, int[] tokens) {
        double sum = 0;
        for (int token : tokens) {
            sum += logits[token];
        }
        return sum / tokens.length;
    }

    /** The pair with its prompts exchanged, and its answers with its distractors. */
    public PromptPair swapped() {
        return new PromptPair(name, corrupted, clean, distractors, answers, roles, unit, stratum);
    }

    /** Returns whether the other has the same name, tokens, roles, unit and stratum. */
    @Override
    public boolean equals(Object other) {
        return other instanceof PromptPair pair
                && name.equals(pair.name)
                && Arrays.equals(clean, pair.clean)
                && Arrays.equals(corrupted, pair.corrupted)
                && Arrays.equals(answers, pair.answers)
                && Arrays.equals(distractors, pair.distractors)
                && roles.equals(pair.roles)
                && Objects.equals(unit, pair.unit)
                && Objects.equals(stratum, pair.stratum);
    }

    @Override
    public int hashCode() {
        return 31 * Arrays.hashCode(clean) + Arrays.hashCode(corrupted);
    }

    /** Its name. */
    @Override
    public String toString() {
        return name + " (" + length() + " tokens)";
    }
}
