package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Digests;
import dev.hyaline.files.RecordText;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Two halves of prompts that share no unit, no token at given roles, and no prompt. The half of a unit is a bit of the
 * SHA-256 of the seed and the unit, so that prompts that are added move no other. A pair whose units belong to both
 * halves is in neither.
 *
 * @param discovery pairs to find a circuit on, the strata in turn
 * @param heldOut pairs to test claims on, likewise
 */
public record PromptSplit(List<PromptPair> discovery, List<PromptPair> heldOut) {
    public PromptSplit {
        discovery = List.copyOf(discovery);
        heldOut = List.copyOf(heldOut);
    }

    /** The half of a pair. */
    enum Half {
        DISCOVERY("discovery"),
        HELD_OUT("held-out");

        private final String word;

        Half(String word) {
            this.word = word;
        }

        @Override
        public String toString() {
            return word;
        }
    }

    /**
     * Splits pairs by their units, or by the tokens at roles.
     *
     * @param pairs in the order in which they are taken
     * @param splitBy roles; none to split by units, of pairs that know none by prompts
     * @param stratum by pair: each half has as many pairs of one as of the other, as far as there are
     * @param discovery most pairs of the discovery half
     * @param heldOut most pairs of the other half
     * @throws BadInputException if a half would have fewer than 2 pairs
     */
    public static PromptSplit of(
            List<PromptPair> pairs,
            List<String> splitBy,
            Function<PromptPair, String> stratum,
            int discovery,
            int heldOut,
            long seed) {
        List<PromptPair> first = new ArrayList<>();
        List<PromptPair> second = new ArrayList<>();
        Set<List<Integer>> seen = new LinkedHashSet<>();
        for (PromptPair pair : pairs) {
            Half half = half(pair, splitBy, seed);
            if (half != null && seen.add(Arrays.stream(pair.clean()).boxed().toList())) {
                (half == Half.DISCOVERY ? first : second).add(pair);
            }
        }
        Set<String> strata = new LinkedHashSet<>();
        pairs.forEach(pair -> strata.add(stratum.apply(pair)));
        List<PromptPair> found = balanced(first, strata, stratum, discovery);
        // Units may be shared where tokens at roles were split and the unit is something else.
        Set<String> units = new LinkedHashSet<>();
        found.forEach(pair -> units.add(pair.unit()));
        List<PromptPair> apart = second.stream()
                .filter(pair -> pair.unit() == null || !units.contains(pair.unit()))
                .toList();
        List<PromptPair> tested = balanced(apart, strata, stratum, heldOut);
        require(found, Half.DISCOVERY);
        require(tested, Half.HELD_OUT);
        return new PromptSplit(found, tested);
    }

    static void require(List<PromptPair> half, Half which) {
        if (half.size() < 2) {
            throw new BadInputException(
                    "the " + which + " half has " + half.size() + " pair" + (half.size() == 1 ? "" : "s")
                            + " of prompts with units of its own, and needs at least 2; give more prompts, other units"
                            + " or another seed");
        }
    }

    /** The half of a pair; null if what it is split by lies in both. */
    private static @Nullable Half half(PromptPair pair, List<String> splitBy, long seed) {
        Set<Half> halves = new LinkedHashSet<>();
        if (splitBy.isEmpty()) {
            halves.add(half(
                    pair.unit() == null ? "prompt " + Arrays.toString(pair.clean()) : "unit " + pair.unit(), seed));
        }
        for (String role : splitBy) {
            int position = pair.position(role);
            halves.add(half("token " + pair.clean()[position], seed));
            halves.add(half("token " + pair.corrupted()[position], seed));
        }
        return halves.size() == 1 ? halves.iterator().next() : null;
    }

    private static Half half(String key, long seed) {
        String digest = Digests.sha256((seed + "/" + key).getBytes(StandardCharsets.UTF_8));
        return Character.digit(digest.charAt(0), 16) < 8 ? Half.DISCOVERY : Half.HELD_OUT;
    }

    /** The strata in turn, of each no more than its share of the pairs. */
    private static List<PromptPair> balanced(
            List<PromptPair> pairs, Set<String> strata, Function<PromptPair, String> stratum, int most) {
        Map<String, List<PromptPair>> byStratum = new TreeMap<>();
        pairs.forEach(pair -> byStratum
                .computeIfAbsent(stratum.apply(pair), name -> new ArrayList<>())
                .add(pair));
        List<PromptPair> chosen = new ArrayList<>();
        int rounds = Math.ceilDiv(most, strata.size());
        for (int i = 0; i < rounds; i++) {
            for (List<PromptPair> of : byStratum.values()) {
                if (i < of.size() && chosen.size() < most) {
                    chosen.add(of.get(i));
                }
            }
        }
        return chosen;
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
