package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sanity.BuiltInMethod;
import dev.hyaline.analysis.sanity.Method;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.engine.Gpt2;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Repeats a method under every variation that its subject allows: other prompts; each stratum, as a template, alone and
 * left out; another ablation; other metrics; prompts without the token that begins them; weights in bfloat16.
 */
public final class Variations {
    /** Fewer pairs are no variation. */
    private static final int MIN_PAIRS = 4;

    private final Method method;
    private final Subject subject;
    private final List<Variation> done = new ArrayList<>();

    private Variations(Method method, Subject subject) {
        this.method = method;
        this.subject = subject;
    }

    /**
     * Runs a method under variations.
     *
     * @param otherPrompts by name; those of fewer than {@value #MIN_PAIRS} pairs are left out
     */
    public static List<Variation> run(Method method, Subject subject, Map<String, PromptPairs> otherPrompts) {
        Variations variations = new Variations(method, subject);
        otherPrompts.forEach((name, pairs) -> variations.prompts("prompts", name, pairs.list()));
        variations.strata();
        variations.ablations();
        variations.metrics();
        variations.beginning();
        variations.precision();
        return List.copyOf(variations.done);
    }

    private void add(String family, String name, Method by, Subject on) {
        done.add(Variation.run(family, name, by, on));
    }

    private void prompts(String family, String name, List<PromptPair> pairs) {
        if (pairs.size() >= MIN_PAIRS) {
            PromptPairs some = PromptPairs.of(subject.model().config(), pairs);
            add(family, name, method, new Subject(subject.model(), some, subject.metric(), subject.seed()));
        }
    }

    private static List<PromptPair> chosen(List<PromptPair> pairs, Predicate<PromptPair> which) {
        return pairs.stream().filter(which).toList();
    }

    private void strata() {
        List<PromptPair> pairs = subject.pairs().list();
        Set<String> strata = new LinkedHashSet<>();
        pairs.forEach(pair -> {
            if (pair.stratum() != null) {
                strata.add(pair.stratum());
            }
        });
        if (strata.size() < 2) {
            return;
        }
        for (String stratum : strata) {
            prompts("strata", "only " + stratum, chosen(pairs, pair -> stratum.equals(pair.stratum())));
            if (strata.size() > 2) {
                prompts("strata", "without " + stratum, chosen(pairs, pair -> !stratum.equals(pair.stratum())));
            }
        }
    }

    private void ablations() {
        if (method == BuiltInMethod.ABLATE) {
            add("ablation", "mean", BuiltInMethod.ABLATE_MEAN, subject);
        } else if (method == BuiltInMethod.ABLATE_MEAN) {
            add("ablation", "zero", BuiltInMethod.ABLATE, subject);
        }
    }

    private void metrics() {
        boolean distractors = subject.pairs().list().stream().allMatch(pair -> pair.distractors().length > 0);
        // Attribution decomposes the logit difference whatever the metric.
        if (!distractors || method == BuiltInMethod.ATTRIBUTE) {
            return;
        }
        for (Metric metric : List.of(
                Metric.logitDifference(),
                Metric.logProbability(PromptPair.END),
                Metric.probabilityDifference(PromptPair.END))) {
            if (!metric.name().equals(subject.metric().name())) {
                add(
                        "metric",
                        metric.quantity(),
                        method,
                        new Subject(subject.model(), subject.pairs(), metric, subject.seed()));
            }
        }
    }

    /** Where all prompts begin with one token, which no role names. */
    private void beginning() {
        List<PromptPair> pairs = subject.pairs().list();
        int begin = pairs.getFirst().clean()[0];
        boolean alike = pairs.stream()
                .allMatch(pair -> pair.length() > 2
                        && pair.clean()[0] == begin
                        && pair.corrupted()[0] == begin
                        && !pair.roles().containsValue(0));
        if (alike) {
            prompts(
                    "beginning",
                    "without the first token",
                    pairs.stream().map(Variations::withoutFirst).toList());
        }
    }

    private static PromptPair withoutFirst(PromptPair pair) {
        Map<String, Integer> roles =
                pair.roles().entrySet().stream().collect(Collectors.toMap(Map.Entry::getKey, e -> e.getValue() - 1));
        return new PromptPair(
                pair.name(),
                Arrays.copyOfRange(pair.clean(), 1, pair.length()),
                Arrays.copyOfRange(pair.corrupted(), 1, pair.length()),
                pair.answers(),
                pair.distractors(),
                roles,
                pair.unit(),
                pair.stratum());
    }

    private void precision() {
        try (Gpt2 rounded = Gpt2.of(
                RoundedWeights.of(subject.model().weights()), subject.model().threads())) {
            add(
                    "precision",
                    "bfloat16 weights",
                    method,
                    new Subject(rounded, subject.pairs(), subject.metric(), subject.seed()));
        }
    }
}
