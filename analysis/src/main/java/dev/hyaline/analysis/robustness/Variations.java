package dev.hyaline.analysis.robustness;

import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.circuit.Circuit;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.sanity.BuiltInMethod;
import dev.hyaline.analysis.sanity.Method;
import dev.hyaline.analysis.sanity.Subject;
import dev.hyaline.engine.Gpt2;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Repeats a method under every variation that its subject allows: other prompts; names, half of them and the other
 * half; each order of the roles; each stratum, as a template, alone and left out; other ablations; positions one by
 * one, and means by position; other metrics; prompts without the token that begins them, and after other text; another
 * seed of what the method draws; weights in bfloat16; other checkpoints. A circuit, if there is one, is kept alone
 * under each. Immutable.
 */
public final class Variations {
    /** Fewer pairs are no variation. */
    static final int MIN_PAIRS = 4;

    private final Method method;
    private final Subject subject;
    private final @Nullable Circuit circuit;
    private final List<OtherPrompts> prompts;
    private final Map<String, int[]> prefixes;
    private final Map<String, Gpt2> models;

    private record OtherPrompts(String family, String name, PromptPairs pairs) {}

    private Variations(
            Method method,
            Subject subject,
            @Nullable Circuit circuit,
            List<OtherPrompts> prompts,
            Map<String, int[]> prefixes,
            Map<String, Gpt2> models) {
        this.method = method;
        this.subject = subject;
        this.circuit = circuit;
        this.prompts = prompts;
        this.prefixes = prefixes;
        this.models = models;
    }

    /** Variations of a method's finding on a subject. */
    public static Variations of(Method method, Subject subject) {
        return new Variations(method, subject, null, List.of(), Map.of(), Map.of());
    }

    /** The same, of a finding that is a circuit too. */
    public Variations circuit(Circuit newCircuit) {
        return new Variations(method, subject, newCircuit, prompts, prefixes, models);
    }

    /** The same with other prompts; fewer than {@value #MIN_PAIRS} pairs are left out. */
    public Variations prompts(String family, String name, PromptPairs pairs) {
        List<OtherPrompts> more = new ArrayList<>(prompts);
        more.add(new OtherPrompts(family, name, pairs));
        return new Variations(method, subject, circuit, List.copyOf(more), prefixes, models);
    }

    /**
     * The same with the prompts after some tokens, which come after the token that all prompts begin with, if they do.
     * Left out if a prompt would be too long for the model.
     *
     * @param name such as {@code after a sentence}
     */
    public Variations prefix(String name, int... tokens) {
        Map<String, int[]> more = new LinkedHashMap<>(prefixes);
        more.put(name, tokens.clone());
        return new Variations(method, subject, circuit, prompts, more, models);
    }

    /**
     * The same with another checkpoint.
     *
     * @param model with as many layers and heads, and the same tokens; must stay open
     */
    public Variations checkpoint(String name, Gpt2 model) {
        Map<String, Gpt2> more = new LinkedHashMap<>(models);
        more.put(name, model);
        return new Variations(method, subject, circuit, prompts, prefixes, more);
    }

    /** The finding itself. */
    public Variation finding() {
        return Variation.run("finding", method.title(), method, subject, circuit);
    }

    /** Runs the method under each variation. */
    public List<Variation> run() {
        Runs runs = new Runs();
        prompts.forEach(other -> runs.prompts(other.family, other.name, other.pairs.list()));
        runs.names();
        runs.orders();
        runs.strata();
        runs.ablations();
        runs.metrics();
        runs.beginning();
        prefixes.forEach(runs::prefix);
        runs.seeds();
        runs.precision();
        models.forEach((name, model) -> runs.add("checkpoint", name, method, on(model)));
        return List.copyOf(runs.done);
    }

    private Subject on(Gpt2 model) {
        return new Subject(model, subject.pairs(), subject.metric(), subject.seed());
    }

    /** The variations done so far. */
    private final class Runs {
        private final List<Variation> done = new ArrayList<>();

        void add(String family, String name, Method by, Subject on) {
            done.add(Variation.run(family, name, by, on, circuit));
        }

        void prompts(String family, String name, List<PromptPair> pairs) {
            if (pairs.size() >= MIN_PAIRS) {
                PromptPairs some = PromptPairs.of(subject.model().config(), pairs);
                add(family, name, method, new Subject(subject.model(), some, subject.metric(), subject.seed()));
            }
        }

        /** Every other unit, where they are known, and the rest. */
        void names() {
            List<PromptPair> pairs = subject.pairs().list();
            List<String> units = pairs.stream().map(PromptPair::unit).distinct().toList();
            if (units.size() < 2 || units.contains(null)) {
                return;
            }
            for (int half = 0; half < 2; half++) {
                int rest = half;
                prompts(
                        "names",
                        half == 0 ? "half of the units" : "the other units",
                        chosen(pairs, pair -> units.indexOf(pair.unit()) % 2 == rest));
            }
        }

        /** The pairs of each order of roles, named by the first role at whose place orders differ. */
        void orders() {
            List<PromptPair> pairs = subject.pairs().list();
            List<List<String>> orders =
                    pairs.stream().map(Variations::order).distinct().toList();
            if (orders.size() < 2
                    || orders.stream().map(HashSet::new).distinct().count() > 1) {
                return;
            }
            int place = 0;
            while (sameAt(orders, place)) {
                place++;
            }
            int at = place;
            for (String role :
                    orders.stream().map(order -> order.get(at)).distinct().toList()) {
                prompts(
                        "order",
                        "only " + role + " first",
                        chosen(pairs, pair -> order(pair).get(at).equals(role)));
            }
        }

        void strata() {
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

        void ablations() {
            Map<String, Ablation> kinds = new LinkedHashMap<>();
            kinds.put("zero", Ablation.zero());
            kinds.put("mean", Ablation.mean());
            kinds.put("resample", Ablation.resample(subject.seed()));
            boolean mean = method.ablation() instanceof Ablation.MeanAblation;
            kinds.forEach((name, other) -> {
                if (!method.ablation().getClass().equals(other.getClass())) {
                    method.with(other).ifPresent(by -> add("ablation", name, by, subject));
                }
            });
            if (mean && haveOneLength(subject.pairs())) {
                boolean byPosition = method.ablation().equals(Ablation.meanByPosition());
                method.with(byPosition ? Ablation.mean() : Ablation.meanByPosition())
                        .ifPresent(by ->
                                add("positions", byPosition ? "mean over positions" : "mean by position", by, subject));
            }
            PositionSum sum = PositionSum.of(method, subject.pairs());
            if (sum != null) {
                add("positions", "one by one, added up", sum, subject);
            }
        }

        /** With another seed, where the method draws something. The laboratory's own draw nothing. */
        void seeds() {
            if (!(method instanceof BuiltInMethod || method instanceof WrittenMethod)) {
                Subject other = new Subject(subject.model(), subject.pairs(), subject.metric(), subject.seed() + 1);
                add("seed", "the method's next seed", method, other);
            }
            if (method.ablation() instanceof Ablation.ResampleAblation drawn) {
                method.with(Ablation.resample(drawn.seed() + 1))
                        .ifPresent(by -> add("seed", "resample with the next seed", by, subject));
            }
        }

        /** The prompts after some tokens, which shifts what the method reads to later positions. */
        void prefix(String name, int[] tokens) {
            int at = beginAlike() ? 1 : 0;
            List<PromptPair> longer = subject.pairs().list().stream()
                    .map(pair -> after(pair, at, tokens))
                    .toList();
            int longest = longer.stream().mapToInt(PromptPair::length).max().orElseThrow();
            if (longest <= subject.model().config().nCtx()) {
                prompts("length", name, longer);
            }
        }

        void metrics() {
            boolean distractors = subject.pairs().list().stream().allMatch(pair -> pair.distractors().length > 0);
            // Attribution decomposes the logit difference whatever the metric.
            if (!distractors || method.ignoresMetric()) {
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

        /** Without the first token, where all prompts begin with one that no role names. */
        void beginning() {
            List<PromptPair> pairs = subject.pairs().list();
            if (beginAlike() && pairs.stream().allMatch(pair -> pair.length() > 2)) {
                prompts(
                        "beginning",
                        "without the first token",
                        pairs.stream().map(Variations::withoutFirst).toList());
            }
        }

        private boolean beginAlike() {
            int begin = subject.pairs().get(0).clean()[0];
            return subject.pairs().list().stream()
                    .allMatch(pair -> pair.length() > 1
                            && pair.clean()[0] == begin
                            && pair.corrupted()[0] == begin
                            && !pair.roles().containsValue(0));
        }

        void precision() {
            try (Gpt2 rounded = Gpt2.of(
                    RoundedWeights.of(subject.model().weights()),
                    subject.model().threads())) {
                add("precision", "bfloat16 weights", method, on(rounded));
            }
        }
    }

    private static List<PromptPair> chosen(List<PromptPair> pairs, Predicate<PromptPair> which) {
        return pairs.stream().filter(which).toList();
    }

    /** The roles of a pair as they come in its prompt. */
    private static List<String> order(PromptPair pair) {
        return pair.roles().entrySet().stream()
                .sorted(Map.Entry.<String, Integer>comparingByValue().thenComparing(Map.Entry.comparingByKey()))
                .map(Map.Entry::getKey)
                .toList();
    }

    private static boolean sameAt(List<List<String>> orders, int place) {
        return orders.stream().map(order -> order.get(place)).distinct().count() == 1;
    }

    /** Returns whether all prompts have as many tokens. */
    static boolean haveOneLength(PromptPairs pairs) {
        return pairs.list().stream().mapToInt(PromptPair::length).distinct().count() == 1;
    }

    /** A pair with tokens put in at a position of both prompts. */
    static PromptPair after(PromptPair pair, int at, int[] tokens) {
        Map<String, Integer> roles = pair.roles().entrySet().stream()
                .collect(Collectors.toMap(
                        Map.Entry::getKey, e -> e.getValue() + (e.getValue() < at ? 0 : tokens.length)));
        return new PromptPair(
                pair.name(),
                insert(pair.clean(), at, tokens),
                insert(pair.corrupted(), at, tokens),
                pair.answers(),
                pair.distractors(),
                roles,
                pair.unit(),
                pair.stratum());
    }

    private static int[] insert(int[] prompt, int at, int[] tokens) {
        return Stream.of(Arrays.copyOf(prompt, at), tokens, Arrays.copyOfRange(prompt, at, prompt.length))
                .flatMapToInt(Arrays::stream)
                .toArray();
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

    @Override
    public String toString() {
        return "variations of " + method.title();
    }
}
