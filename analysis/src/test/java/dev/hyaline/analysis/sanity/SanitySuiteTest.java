package dev.hyaline.analysis.sanity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.metric.Metric;
import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The suite on fable: its own methods pass, and each planted one fails the check that it was made for and no other. */
class SanitySuiteTest {
    private static Checkpoint checkpoint;
    private static Gpt2 model;
    private static List<PromptPair> pairs;

    @BeforeAll
    static void open() {
        checkpoint = Checkpoint.builtIn("fable");
        Tokenizer tokenizer = checkpoint.tokenizer();
        PromptEncoder encoder =
                new PromptEncoder(tokenizer::encode, List.of(tokenizer.endOfText()), tokenizer.vocabularySize());
        pairs = Task.IOI_ABBA.draw(encoder, 12, 1);
        model = Gpt2.of(checkpoint.weights(), 2);
    }

    @AfterAll
    static void close() {
        model.close();
        checkpoint.close();
    }

    private static Subject subject(List<PromptPair> of) {
        return new Subject(model, PromptPairs.of(model.config(), of), Metric.logitDifference(), 1);
    }

    private static List<String> failures(Method method, List<PromptPair> of) {
        return SanitySuite.of(method).run(subject(of)).stream()
                .filter(SanityCheck::failed)
                .map(SanityCheck::name)
                .toList();
    }

    @ParameterizedTest
    @EnumSource
    void builtInMethodsPass(BuiltInMethod method) {
        assertThat(failures(method, pairs)).isEmpty();
    }

    /** Ablation, and then a fault. */
    private record Planted(UnaryOperator<Finding> fault) implements Method {
        @Override
        public String title() {
            return "planted";
        }

        @Override
        public Finding run(Subject subject) {
            return fault.apply(BuiltInMethod.ABLATE.run(subject));
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
            effects[0][0] += 1e-9 * calls.incrementAndGet();
            return new Finding(finding.components(), effects, finding.sumError());
        });
        assertThat(failures(drifting, pairs)).containsExactly("same bits again");
    }

    @Test
    void aFindingOfThePromptsAtHandIsCaught() {
        assertThat(failures(new OtherHalfReversed(), pairs)).containsExactly("other prompts");
    }

    /** Exchanges components in samples that do not begin with the first pair. */
    private static final class OtherHalfReversed implements Method {
        @Override
        public String title() {
            return "reversed";
        }

        @Override
        public Finding run(Subject subject) {
            Finding finding = BuiltInMethod.ABLATE.run(subject);
            if (Arrays.equals(subject.pairs().get(0).clean(), pairs.get(0).clean())) {
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
                return BuiltInMethod.ABLATE.run(subject.of(model));
            }
        };
        assertThat(failures(blind, pairs)).containsExactly("model randomised");
    }

    @Test
    void unitsThatShareAPromptAreCaught() {
        List<PromptPair> shared = new ArrayList<>(pairs);
        shared.set(11, pairs.get(0).ofUnit("another"));
        assertThat(failures(BuiltInMethod.ABLATE, shared)).containsExactly("leakage");
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
