package dev.hyaline.tools.option;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/** A comma-separated list of names given to an option. */
public final class NameList {
    private static final int MANY_LAYERS = 1_000_000;
    private static final int MANY_HEADS = 40_000;

    /** A model larger than any real one: a node that it does not have, no model has. */
    public static final Gpt2Config ANY_MODEL = new Gpt2Config(
            MANY_LAYERS, MANY_HEADS, MANY_HEADS, 1, 1, 1, 0, ActivationFunction.GELU_NEW, true, false, true);

    private NameList() {}

    /**
     * Parses a list of names and returns their meanings in order.
     *
     * @throws BadInputException naming the option, if a name is unknown
     */
    public static <T> Set<T> parse(String option, String list, Function<String, T> meaning) {
        try {
            return Arrays.stream(list.split(",", -1))
                    .map(String::strip)
                    .map(meaning)
                    .collect(Collectors.toCollection(LinkedHashSet::new));
        } catch (BadInputException e) {
            throw new BadInputException(option + ": " + e.getMessage());
        }
    }
}
