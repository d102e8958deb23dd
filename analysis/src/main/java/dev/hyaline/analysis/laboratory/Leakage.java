package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.prompt.PromptPair;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * What two halves of prompts share.
 *
 * @param prompts token-identical clean prompts
 * @param units units that pairs of both halves belong to
 * @param runs runs of {@value #RUN} tokens that occur in clean prompts of both halves, and are not the template's
 *     alone: at one position at least, prompts of the same stratum and length differ
 */
public record Leakage(int prompts, int units, int runs) {
    /** The length of a run of tokens that counts. */
    public static final int RUN = 8;

    /** Compares two halves. */
    public static Leakage between(List<PromptPair> one, List<PromptPair> other) {
        return new Leakage(
                shared(cleanPrompts(one), cleanPrompts(other)),
                shared(units(one), units(other)),
                shared(runs(one, varying(one, other)), runs(other, varying(one, other))));
    }

    private static <T> int shared(Set<T> one, Set<T> other) {
        Set<T> both = new HashSet<>(one);
        both.retainAll(other);
        return both.size();
    }

    private static Set<List<Integer>> cleanPrompts(List<PromptPair> pairs) {
        Set<List<Integer>> prompts = new HashSet<>();
        pairs.forEach(pair -> prompts.add(list(pair.clean(), 0, pair.length())));
        return prompts;
    }

    private static Set<String> units(List<PromptPair> pairs) {
        Set<String> units = new HashSet<>();
        pairs.forEach(pair -> {
            if (pair.unit() != null) {
                units.add(pair.unit());
            }
        });
        return units;
    }

    /** The positions at which prompts of one stratum and length differ, by these. */
    private static Map<String, boolean[]> varying(List<PromptPair> one, List<PromptPair> other) {
        Map<String, int[]> first = new HashMap<>();
        Map<String, boolean[]> varying = new HashMap<>();
        List<PromptPair> all = new ArrayList<>(one);
        all.addAll(other);
        for (PromptPair pair : all) {
            String key = key(pair);
            int[] tokens = first.computeIfAbsent(key, k -> pair.clean());
            boolean[] differs = varying.computeIfAbsent(key, k -> new boolean[pair.length()]);
            for (int position = 0; position < differs.length; position++) {
                differs[position] |= tokens[position] != pair.clean()[position];
            }
        }
        return varying;
    }

    private static String key(PromptPair pair) {
        return pair.length() + " " + pair.stratum();
    }

    private static Set<List<Integer>> runs(List<PromptPair> pairs, Map<String, boolean[]> varying) {
        Set<List<Integer>> runs = new HashSet<>();
        for (PromptPair pair : pairs) {
            boolean[] differs = varying.getOrDefault(key(pair), new boolean[pair.length()]);
            for (int from = 0; from + RUN <= pair.length(); from++) {
                for (int position = from; position < from + RUN; position++) {
                    if (differs[position]) {
                        runs.add(list(pair.clean(), from, from + RUN));
                        break;
                    }
                }
            }
        }
        return runs;
    }

    private static List<Integer> list(int[] tokens, int from, int to) {
        return Arrays.stream(tokens, from, to).boxed().toList();
    }
}
