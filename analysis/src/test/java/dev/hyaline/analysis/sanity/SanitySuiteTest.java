package dev.hyaline.analysis.sanity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.causal.Ablation;
import dev.hyaline.analysis.causal.AblationSweep;
import dev.hyaline.analysis.causal.Experiment;
import dev.hyaline.analysis.graph.Node;
import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.metric.Reading;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.ToDoubleFunction;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The suite on fable: its own methods pass, and each planted method, task or metric fails the check that it was made
 * for and no other.
 */
@Order(1) // The longest class, which would otherwise run alone in the end.
class SanitySuiteTest {
    private static Gpt2 model;
    private static List<PromptPair> pairs;
    private static PromptEncoder encoder;

    private static final Map<List<PromptPair>, List<SanityCheck>> GROUND = new HashMap<>();

    /** Methods of which a run takes seconds. */
    private static final Set<BuiltInMethod> SLOW =
            EnumSet.of(BuiltInMethod.EXACT, BuiltInMethod.IG_ACTIVATIONS, BuiltInMethod.EAP_IG_ACTIVATIONS);

    /** One pass gives its finding; for faults that no method sees. */
    private static final BuiltInMethod CHEAP = BuiltInMethod.ATTRIBUTE;

    @BeforeAll
    static void open() {
        encoder = Fable.encoder();
        pairs = Task.IOI_ABBA.draw(encoder, 12, 1);
        model = Fable.open();
    }

    @AfterAll
    static void close() {
        model.close();
    }

    private static Subject subject(List<PromptPair> of) {
        return new Subject(model, PromptPairs.of(model.config(), of), Metric.logitDifference(), 1);
    }

    /** The checks of what all methods stand on are done once for the same pairs. */
    private static List<String> failures(Method method, List<PromptPair> of) {
        List<SanityCheck> checks = new ArrayList<>(SanitySuite.of(method).ofMethod(subject(of)));
        checks.addAll(GROUND.computeIfAbsent(of, pairsOf -> SanitySuite.ofGround(subject(pairsOf))));
        return failures(checks);
    }

    /**
     * What ablation finds, once for the same subject, in effects of the caller's own. The suite makes the same models
     * each time: a model is known by its logits.
     */
    private static Finding ablate(Subject subject) {
        Gpt2 of = subject.model();
        int[] tokens = subject.pairs().get(0).clean();
        float[] logits = of.forward(ForwardRequest.of(tokens)).logits();
        Key key = new Key(
                subject.pairs(),
                Arrays.hashCode(logits),
                of.threads(),
                of.kernels().name(),
                subject.seed());
        Finding finding = ABLATIONS.computeIfAbsent(key, absent -> BuiltInMethod.ABLATE.run(subject));
        double[][] effects =
                Arrays.stream(finding.effects()).map(double[]::clone).toArray(double[][]::new);
        return new Finding(finding.components(), effects, finding.sumError());
    }

    private record Key(PromptPairs pairs, int logits, int threads, String kernels, long seed) {}

    private static final Map<Key, Finding> ABLATIONS = new HashMap<>();

    private static List<String> failures(Method method, Subject subject) {
        return failures(SanitySuite.of(method).run(subject));
    }

    private static List<String> failures(List<SanityCheck> checks) {
        return checks.stream()
                .filter(SanityCheck::failed)
                .map(SanityCheck::name)
                .toList();
    }

    @ParameterizedTest
    @EnumSource
    void builtInMethodsPass(BuiltInMethod method) {
        assertThat(failures(method, SLOW.contains(method) ? pairs.subList(0, 4) : pairs))
                .isEmpty();
    }

    /** With as many units as pairs. */
    @Test
    void edgesAreComparedWithRandomOnesOfTheirLayers() {
        List<SanityCheck> checks = SanitySuite.of(BuiltInMethod.EAP).run(subject(pairs.subList(0, 5)));
        assertThat(checks)
                .filteredOn(check -> check.name().equals("random baseline"))
                .singleElement()
                .satisfies(check -> {
                    assertThat(check.words()).contains("the best 75 keep alone");
                    assertThat(check.figure()).isEqualTo(1 / 200.0);
                });
        assertThat(checks)
                .filteredOn(check -> check.name().equals("shuffled labels"))
                .singleElement()
                .satisfies(check -> {
                    assertThat(check.status()).isEqualTo(SanityCheck.Status.NOT_APPLICABLE);
                    assertThat(check.words()).contains("5 units cannot show an effect", "0.0625");
                });
    }

    /** Ablation, and then a fault. */
    private record Planted(UnaryOperator<Finding> fault) implements Method {
        @Override
        public String title() {
            return "planted";
        }

        @Override
        public Finding run(Subject subject) {
            return fault.apply(ablate(subject));
        }

        /** A fault of each component's effects. */
        static Planted of(Fault fault) {
            return new Planted(finding -> {
                double[][] effects = finding.effects().clone();
                for (int c = 0; c < effects.length; c++) {
                    int component = c;
                    effects[c] = Arrays.stream(effects[c])
                            .map(value -> fault.apply(component, value))
                            .toArray();
                }
                return new Finding(finding.components(), effects, finding.sumError());
            });
        }
    }

    private interface Fault {
        double apply(int component, double effect);
    }

    @Test
    void aMethodThatDriftsIsCaught() {
        AtomicInteger calls = new AtomicInteger();
        Method drifting = new Planted(finding -> {
            double[][] effects = finding.effects().clone();
            effects[0] = effects[0].clone();
            effects[0][0] += effects[0].length == pairs.size() ? 1e-9 * calls.incrementAndGet() : 0;
            return new Finding(finding.components(), effects, finding.sumError());
        });
        assertThat(failures(drifting, pairs)).containsExactly("same bits again");
    }

    @Test
    void aFindingOfThePromptsAtHandIsCaught() {
        assertThat(failures(new OtherHalfReversed(), pairs)).containsExactly("other prompts");
    }

    /** Exchanges components in samples, but small ones, that do not begin with the first pair. */
    private static final class OtherHalfReversed implements Method {
        @Override
        public String title() {
            return "reversed";
        }

        @Override
        public Finding run(Subject subject) {
            Finding finding = ablate(subject);
            if (subject.pairs().size() < 4
                    || Arrays.equals(
                            subject.pairs().get(0).clean(), pairs.get(0).clean())) {
                return finding;
            }
            List<double[]> reversed = List.of(finding.effects()).reversed();
            return new Finding(finding.components(), reversed.toArray(double[][]::new), finding.sumError());
        }
    }

    @Test
    void partsThatMissTheWholeAreCaught() {
        Method leaking = new Planted(finding -> new Finding(finding.components(), finding.effects(), 0.01));
        assertThat(failures(leaking, pairs)).containsExactly("conservation");
    }

    @Test
    void aHookThatNeverFiredIsCaught() {
        assertThat(failures(Planted.of((component, effect) -> component == 31 ? 0 : effect), pairs))
                .containsExactly("dead hook");
    }

    @Test
    void aFindingNoBetterThanChanceIsCaught() {
        assertThat(failures(Planted.of((component, effect) -> -effect), pairs)).containsExactly("random baseline");
    }

    /** The head a2.h4 has an effect whatever the answer. */
    @Test
    void aFindingWithoutABehaviourIsCaught() {
        assertThat(failures(Planted.of((component, effect) -> component == 20 ? Math.abs(effect) : effect), pairs))
                .containsExactly("shuffled labels");
    }

    @Test
    void aFindingThatDoesNotReadTheModelIsCaught() {
        Method blind = new Method() {
            @Override
            public String title() {
                return "blind";
            }

            @Override
            public Finding run(Subject subject) {
                return ablate(subject.of(model));
            }
        };
        assertThat(failures(blind, pairs)).containsExactly("model randomised");
    }

    @Test
    void aMethodThatReadsTheThreadsIsCaught() {
        Method unstable = new Method() {
            @Override
            public String title() {
                return "unstable";
            }

            @Override
            public Finding run(Subject subject) {
                Finding finding = ablate(subject);
                for (int pair = 0; pair < finding.effects()[3].length; pair++) {
                    finding.effects()[3][pair] += 1e-12 * subject.model().threads();
                }
                return finding;
            }
        };
        assertThat(failures(unstable, pairs)).containsExactly("any threads");
    }

    @Test
    void aMethodThatReadsTheOrderIsCaught() {
        Method ordered = new Planted(finding -> {
            double[][] effects = finding.effects().clone();
            effects[3] = effects[3].clone();
            for (int pair = 0; pair < effects[3].length; pair++) {
                effects[3][pair] += 1e-12 * pair;
            }
            return new Finding(finding.components(), effects, finding.sumError());
        });
        assertThat(failures(ordered, pairs)).containsExactly("any order");
    }

    @Test
    void aMethodThatReadsTheKernelsIsCaught() {
        Method unstable = new Method() {
            @Override
            public String title() {
                return "unstable";
            }

            @Override
            public Finding run(Subject subject) {
                Finding finding = ablate(subject);
                finding.effects()[3][0] += subject.model().kernels().name().equals("scalar") ? 1e-12 : 0;
                return finding;
            }
        };
        assertThat(failures(unstable, pairs)).containsExactly("any kernels");
    }

    /** A country says its capital in any order of words. */
    @Test
    void aTaskThatNeedsNoOrderIsCaught() {
        assertThat(failures(BuiltInMethod.ABLATE, Task.CAPITALS.draw(encoder, 12, 1)))
                .containsExactly("shuffled input");
    }

    /** A metric made of a task's, which reads what no metric should. */
    private static Subject planted(ToDoubleFunction<Reading> function) {
        return new Subject(model, PromptPairs.of(model.config(), pairs), Metric.of("planted", "logits", function), 1);
    }

    private static double logitDifference(Reading reading) {
        return Metric.logitDifference().measure(reading);
    }

    @Test
    void aMetricThatReadsTheRoundingIsCaught() {
        assertThat(failures(
                        CHEAP,
                        planted(reading -> logitDifference(reading) + 0.1 * Math.sin(1e7 * logitDifference(reading)))))
                .containsExactly("numerical stability");
    }

    /** The second name of the subject, as the prompt has it: no ablation changes that. */
    @Test
    void aMetricThatReadsThePromptIsCaught() {
        assertThat(failures(CHEAP, planted(reading -> {
                    Map<String, Integer> roles = reading.pair().roles();
                    boolean again = reading.tokens()[roles.get("S1")] == reading.tokens()[roles.get("S2")];
                    return logitDifference(reading) + (again ? 8 : 0);
                })))
                .containsExactly("ablation has effect");
    }

    /** Without an embedding the logits are the same whatever the prompt, by which the metric knows them. */
    @Test
    void aMetricThatMissesNoEmbeddingIsCaught() {
        Experiment experiment = Experiment.start(
                model,
                PromptPairs.of(model.config(), pairs),
                Metric.of("logit of token 0", "logits", reading -> reading.logit(0)));
        double blank = experiment
                .sweep(AblationSweep.ofSets(
                        model.config(),
                        Ablation.zero(),
                        Map.of("embedding", List.of(Node.input().output()))))
                .table()
                .mean(0);
        assertThat(failures(
                        CHEAP,
                        planted(reading -> Math.abs(reading.logit(0) - blank) < 1e-6
                                ? Metric.logitDifference()
                                        .measure(new Reading(
                                                reading.pair(), reading.tokens(), reading.clean(), reading.clean()))
                                : logitDifference(reading))))
                .containsExactly("positive control");
    }

    /** As if an edit had left a trace where it has no path. */
    @Test
    @SuppressWarnings("ReferenceEquality") // of the clean run itself
    void aTraceOfAnyEditIsCaught() {
        assertThat(failures(
                        CHEAP,
                        planted(reading ->
                                logitDifference(reading) + (reading.logits() == reading.clean() ? 0 : 1e-9))))
                .containsExactly("negative control");
    }

    @Test
    void unitsThatShareAPromptAreCaught() {
        List<PromptPair> shared = new ArrayList<>(pairs);
        shared.set(11, pairs.get(0).ofUnit("another"));
        assertThat(failures(CHEAP, shared)).containsExactly("leakage");
    }

    @Test
    void whatHasNoBehaviourIsRefused() {
        assertThatThrownBy(() -> failures(BuiltInMethod.ABLATE, pairs.subList(0, 3)))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("at least 4 pairs");
        List<PromptPair> same = pairs.stream()
                .map(pair -> new PromptPair(
                        pair.name(), pair.clean(), pair.clean(), pair.answers(), pair.distractors(), pair.roles()))
                .toList();
        assertThatThrownBy(() -> failures(BuiltInMethod.ABLATE, same)).hasMessageContaining("no behaviour to find");
    }
}
