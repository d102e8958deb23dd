package dev.hyaline.instrument;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.IntStream;

/**
 * Token sequences for a model to run, each from position 0, checked against its vocabulary and its number of positions.
 * Immutable.
 */
public final class Prompts {
    private final List<int[]> tokens;
    private final List<String> names;
    private final Map<String, int[]> roles;

    private Prompts(List<int[]> tokens, List<String> names, Map<String, int[]> roles) {
        this.tokens = tokens;
        this.names = names;
        // Not Map.copyOf, which looks through all names of one hash code.
        this.roles = new HashMap<>(roles);
    }

    /** As {@link #of(Gpt2Config, List, List)}, with prompts called {@code prompt 0}, {@code prompt 1} and so on. */
    public static Prompts of(Gpt2Config config, int[]... tokens) {
        return of(
                config,
                List.of(tokens),
                IntStream.range(0, tokens.length).mapToObj(i -> "prompt " + i).toList());
    }

    /**
     * Takes copies of token sequences.
     *
     * @param names what each is called in an error and in a manifest, such as the file and line it comes from
     * @throws BadInputException if there is none, or one is empty, too long, or holds a token the model does not know
     */
    public static Prompts of(Gpt2Config config, List<int[]> tokens, List<String> names) {
        if (tokens.isEmpty()) {
            throw new BadInputException("there is no prompt to run");
        }
        for (int i = 0; i < tokens.size(); i++) {
            check(config, tokens.get(i), names.get(i));
        }
        return new Prompts(tokens.stream().map(int[]::clone).toList(), List.copyOf(names), Map.of());
    }

    private static void check(Gpt2Config config, int[] tokens, String name) {
        requireKnown(config, tokens, name);
        if (tokens.length > config.nCtx()) {
            throw new BadInputException(Printable.plain(name) + " has " + tokens.length + " tokens, but the model has "
                    + config.nCtx() + " positions");
        }
    }

    /**
     * Checks that a sequence has at least one token, and none that the model does not know.
     *
     * @param name what the sequence is called in the error
     */
    public static void requireKnown(Gpt2Config config, int[] tokens, String name) {
        if (tokens.length == 0) {
            throw new BadInputException(Printable.plain(name) + " is empty: a pass needs at least one token");
        }
        for (int token : tokens) {
            if (token < 0 || token >= config.dVocab()) {
                throw new BadInputException(Printable.plain(name) + " holds token " + token
                        + ", but the vocabulary runs from 0 to " + (config.dVocab() - 1));
            }
        }
    }

    /**
     * The same prompts, with a name for one token of each: {@code prompts.role("subject", 1, 1, 4)}.
     *
     * @param positions the token's position in each prompt; negative ones count from the end
     * @throws BadInputException if there is not one for each prompt, or a prompt has no such position
     */
    public Prompts role(String role, int... positions) {
        if (positions.length != size()) {
            throw new BadInputException("the role " + Printable.plain(role) + " needs a position for each of " + size()
                    + " prompts, found " + positions.length);
        }
        int[] absolute = new int[positions.length];
        for (int s = 0; s < absolute.length; s++) {
            absolute[s] = positions[s] < 0 ? positions[s] + length(s) : positions[s];
            if (absolute[s] < 0 || absolute[s] >= length(s)) {
                throw new BadInputException(Printable.plain(name(s)) + ": the role " + Printable.plain(role)
                        + " is at position " + positions[s] + ", but positions run from 0 to " + (length(s) - 1));
            }
        }
        Map<String, int[]> more = new HashMap<>(roles);
        more.put(role, absolute);
        return new Prompts(tokens, names, more);
    }

    /**
     * The position of a sequence's token with a role.
     *
     * @throws BadInputException if the prompts have no such role
     */
    public int position(String role, int sequence) {
        int[] positions = roles.get(role);
        if (positions == null) {
            throw new BadInputException("the prompts have no role " + Printable.plain(role) + "; "
                    + (roles.isEmpty()
                            ? "no role was given"
                            : "there are " + Printable.listed(new TreeSet<>(roles.keySet()))));
        }
        return positions[checked(sequence)];
    }

    /** A sequence's tokens with a role: their positions by role, in alphabetical order. */
    public SortedMap<String, Integer> roles(int sequence) {
        checked(sequence);
        SortedMap<String, Integer> positions = new TreeMap<>();
        roles.forEach((role, ofRole) -> positions.put(role, ofRole[sequence]));
        return positions;
    }

    /**
     * Some of these prompts, in the same order, with their names and roles.
     *
     * @throws BadInputException if one chosen is not there
     */
    public Prompts only(IndexSelection sequences) {
        int[] kept = sequences.in(size(), "sequence");
        Map<String, int[]> keptRoles = new HashMap<>();
        roles.forEach((role, positions) ->
                keptRoles.put(role, IntStream.of(kept).map(s -> positions[s]).toArray()));
        return new Prompts(
                IntStream.of(kept).mapToObj(tokens::get).toList(),
                IntStream.of(kept).mapToObj(names::get).toList(),
                keptRoles);
    }

    /** Number of sequences. */
    public int size() {
        return tokens.size();
    }

    public String name(int sequence) {
        return names.get(checked(sequence));
    }

    /** A copy of a sequence's token ids. */
    public int[] tokens(int sequence) {
        return tokens.get(checked(sequence)).clone();
    }

    public int token(int sequence, int position) {
        int[] ofSequence = tokens.get(checked(sequence));
        return ofSequence[BadInputException.requireIndex("position", position, ofSequence.length)];
    }

    public int length(int sequence) {
        return tokens.get(checked(sequence)).length;
    }

    /** Every sequence's length. */
    public int[] lengths() {
        return tokens.stream().mapToInt(sequence -> sequence.length).toArray();
    }

    public long totalTokens() {
        return Arrays.stream(lengths()).asLongStream().sum();
    }

    private int checked(int sequence) {
        return BadInputException.requireIndex("sequence", sequence, size());
    }

    /** How many they are, and their names. */
    @Override
    public String toString() {
        return Printable.plural(size(), "prompt") + " of " + Printable.plural(totalTokens(), "token") + ": "
                + Printable.listed(names);
    }
}
