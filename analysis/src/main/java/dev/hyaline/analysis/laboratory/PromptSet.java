package dev.hyaline.analysis.laboratory;

import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.investigation.Evidence;
import dev.hyaline.analysis.investigation.ReferenceRuns;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.statistics.Units;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.RecordText;
import dev.hyaline.instrument.Prompts;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Prompts of a study, each with its unit, its levels of what was listed in full, and the reference prompts whose values
 * stand in for what is ablated.
 *
 * @param pairs each of which knows its unit
 * @param factors the level of each pair, by the factor's name
 * @param references groups of reference prompts, each of one length
 * @param groups the group of each pair
 * @param donors the prompt of its group that each pair is resampled from
 */
public record PromptSet(
        List<PromptPair> pairs,
        Map<String, List<String>> factors,
        List<List<int[]>> references,
        List<Integer> groups,
        List<Integer> donors) {

    /** @throws BadShapeException if a list has not one entry per pair */
    public PromptSet {
        pairs = List.copyOf(pairs);
        factors = Collections.unmodifiableMap(new LinkedHashMap<>(factors));
        references = List.copyOf(references);
        groups = List.copyOf(groups);
        donors = List.copyOf(donors);
        for (List<?> list : List.of(groups, donors)) {
            requireEach(pairs, list);
        }
        for (List<?> list : factors.values()) {
            requireEach(pairs, list);
        }
    }

    private static void requireEach(List<?> pairs, List<?> list) {
        if (list.size() != pairs.size()) {
            throw new BadShapeException(
                    "a list of prompts", "one entry for each of " + pairs.size() + " pairs", list.size() + " entries");
        }
    }

    /** The chosen pairs, in the given order. */
    public PromptSet of(int[] chosen) {
        Map<String, List<String>> levels = new LinkedHashMap<>();
        factors.forEach((name, of) -> levels.put(name, at(of, chosen)));
        return new PromptSet(at(pairs, chosen), levels, references, at(groups, chosen), at(donors, chosen));
    }

    private static <T> List<T> at(List<T> list, int[] chosen) {
        return Arrays.stream(chosen).mapToObj(list::get).toList();
    }

    /**
     * The same prompts after some tokens, which come behind the token that a prompt begins with: every role stands so
     * much later. Null if a prompt would be too long.
     *
     * @param most tokens of a prompt
     */
    @Nullable
    PromptSet after(int[] tokens, int most) {
        if (pairs.stream().anyMatch(pair -> pair.length() + tokens.length > most)) {
            return null;
        }
        List<PromptPair> moved = new ArrayList<>();
        for (PromptPair pair : pairs) {
            Map<String, Integer> roles = new LinkedHashMap<>();
            pair.roles().forEach((role, position) -> roles.put(role, position == 0 ? 0 : position + tokens.length));
            moved.add(new PromptPair(
                    pair.name(),
                    after(pair.clean(), tokens),
                    after(pair.corrupted(), tokens),
                    pair.answers(),
                    pair.distractors(),
                    roles,
                    pair.unit(),
                    pair.stratum()));
        }
        return new PromptSet(
                moved,
                factors,
                references.stream()
                        .map(group -> group.stream()
                                .map(prompt -> after(prompt, tokens))
                                .toList())
                        .toList(),
                groups,
                donors);
    }

    private static int[] after(int[] prompt, int[] tokens) {
        int[] longer = new int[prompt.length + tokens.length];
        longer[0] = prompt[0];
        System.arraycopy(tokens, 0, longer, 1, tokens.length);
        System.arraycopy(prompt, 1, longer, 1 + tokens.length, prompt.length - 1);
        return longer;
    }

    public int size() {
        return pairs.size();
    }

    /** The unit of each pair. */
    public Units units() {
        return Units.of(pairs.stream().map(PromptPair::unit).toList());
    }

    /** The level of each pair, by the factor's name. */
    public Map<String, Units> levels() {
        Map<String, Units> levels = new LinkedHashMap<>();
        factors.forEach((name, of) -> levels.put(name, Units.of(of)));
        return levels;
    }

    /** The clean prompts' names. */
    public List<String> names() {
        return pairs.stream().map(PromptPair::name).toList();
    }

    /** Runs the prompts, and the reference prompts as they are needed. The model must stay open. */
    public Evidence evidence(Gpt2 model, Metric metric) {
        List<Prompts> prompts = references.stream()
                .map(group -> Prompts.of(model.config(), group.toArray(int[][]::new)))
                .toList();
        return Evidence.of(
                Experiment.start(model, PromptPairs.of(model.config(), pairs), metric),
                ReferenceRuns.of(
                        model,
                        prompts,
                        groups.stream().mapToInt(Integer::intValue).toArray(),
                        donors.stream().mapToInt(Integer::intValue).toArray()));
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
