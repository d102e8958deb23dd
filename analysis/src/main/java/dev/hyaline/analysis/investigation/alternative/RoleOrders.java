package dev.hyaline.analysis.investigation.alternative;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Units;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** The order in which the roles of prompts stand: the level of each pair, such as {@code IO S1 S2}. */
final class RoleOrders {
    private RoleOrders() {}

    static Units of(PromptPairs pairs) {
        return Units.of(pairs.list().stream().map(RoleOrders::order).toList());
    }

    private static String order(PromptPair pair) {
        return pair.roles().entrySet().stream()
                .filter(role -> !role.getKey().equals(PromptPair.END))
                .sorted(Map.Entry.<String, Integer>comparingByValue().thenComparing(Map.Entry.comparingByKey()))
                .map(Map.Entry::getKey)
                .collect(Collectors.joining(" "));
    }

    /** The roles other than one and than the last position, that stand where a query at another role sees them. */
    static List<String> others(PromptPairs pairs, String role, String from) {
        return pairs.roles().stream()
                .filter(other -> !other.equals(role) && !other.equals(PromptPair.END) && !other.equals(from))
                .filter(other -> pairs.list().stream().allMatch(pair -> pair.position(other) <= pair.position(from)))
                .sorted(Comparator.naturalOrder())
                .toList();
    }
}
