package dev.hyaline.analysis.investigation;

import dev.hyaline.analysis.probe.InterchangeSubspace;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * A mechanism that a claim's components are said to be, beyond the claim's own experiment.
 *
 * @param from the role that heads look from
 * @param names roles, heads and receivers by key; of one that is left out an empty list
 * @param numbers of the sub-claims, by key, with every default
 * @param subspace directions that span where a variable is held, each of as many numbers as the site has; empty for all
 *     values, and for mechanisms that hold none
 */
public record MechanismClaim(
        MechanismKind kind,
        String from,
        SortedMap<String, List<String>> names,
        SortedMap<String, Double> numbers,
        List<List<Double>> subspace) {

    /** A mechanism that is not of a subspace. */
    public MechanismClaim(
            MechanismKind kind, String from, SortedMap<String, List<String>> names, SortedMap<String, Double> numbers) {
        this(kind, from, names, numbers, List.of());
    }

    /** @throws BadInputException if a name is missing, or a name or number is not one of the mechanism's */
    public MechanismClaim {
        SortedMap<String, List<String>> allNames = new TreeMap<>();
        kind.requiredNames().forEach(key -> allNames.put(key, List.of()));
        kind.optionalNames().forEach(key -> allNames.put(key, List.of()));
        SortedMap<String, Double> allNumbers = new TreeMap<>(kind.numbers());
        for (Map.Entry<String, List<String>> name : names.entrySet()) {
            if (allNames.replace(name.getKey(), List.copyOf(name.getValue())) == null) {
                throw unknown(kind, name.getKey());
            }
        }
        for (Map.Entry<String, Double> number : numbers.entrySet()) {
            if (allNumbers.replace(number.getKey(), number.getValue()) == null) {
                throw unknown(kind, number.getKey());
            }
            double value = number.getValue();
            if (!(value > 0 && (value <= 1 || number.getKey().equals("rank_at_most")))) {
                throw new BadInputException(number.getKey() + " of the mechanism " + kind
                        + " is a share above 0 and at most 1, found " + value);
            }
        }
        for (String key : kind.requiredNames()) {
            if (allNames.getOrDefault(key, List.of()).isEmpty()) {
                throw new BadInputException("the mechanism " + kind + " needs " + key);
            }
        }
        subspace = subspace.stream().map(List::copyOf).toList();
        if (!subspace.isEmpty() && kind != MechanismKind.ENCODES) {
            throw unknown(kind, "subspace");
        }
        names = Collections.unmodifiableSortedMap(allNames);
        numbers = Collections.unmodifiableSortedMap(allNumbers);
    }

    private static BadInputException unknown(MechanismKind kind, String key) {
        return new BadInputException(Printable.quoted(key) + " means nothing for the mechanism " + kind);
    }

    /** A mechanism with every default, of heads that look from the last position. */
    public static MechanismClaim of(MechanismKind kind, Map<String, List<String>> names) {
        return new MechanismClaim(kind, PromptPair.END, new TreeMap<>(names), new TreeMap<>());
    }

    /**
     * The first name of a key.
     *
     * @throws BadInputException if there is none
     */
    public String name(String key) {
        List<String> found = names.getOrDefault(key, List.of());
        if (found.isEmpty()) {
            throw new BadInputException("the mechanism " + kind + " has no " + key);
        }
        return found.getFirst();
    }

    /** All names of a key; empty if none was given. */
    public List<String> names(String key) {
        return names.getOrDefault(key, List.of());
    }

    /**
     * A number.
     *
     * @throws BadInputException if the mechanism has none of the key
     */
    public double number(String key) {
        Double number = numbers.get(key);
        if (number == null) {
            throw unknown(kind, key);
        }
        return number;
    }

    /**
     * The span of the directions.
     *
     * @throws BadInputException if there is none, or one lies in the span of those before it
     * @throws dev.hyaline.engine.error.BadShapeException if they differ in length
     */
    public InterchangeSubspace span() {
        return InterchangeSubspace.of(subspace.stream()
                .map(direction ->
                        direction.stream().mapToDouble(Double::doubleValue).toArray())
                .toArray(double[][]::new));
    }

    /** In words, with its names and numbers. */
    String words() {
        StringBuilder words = new StringBuilder("said to be of the mechanism ").append(kind);
        names.forEach((key, values) -> {
            if (!values.isEmpty()) {
                words.append(", ").append(key.replace('_', ' ')).append(' ').append(String.join(", ", values));
            }
        });
        numbers.forEach((key, value) ->
                words.append(", ").append(key.replace('_', ' ')).append(' ').append(value));
        if (!subspace.isEmpty()) {
            words.append(", in a subspace of ")
                    .append(subspace.size())
                    .append(subspace.size() == 1 ? " dimension" : " dimensions");
        }
        return words.toString();
    }
}
