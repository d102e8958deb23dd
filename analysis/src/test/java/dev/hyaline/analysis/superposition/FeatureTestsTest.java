package dev.hyaline.analysis.superposition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.Fable;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.prompt.Task;
import dev.hyaline.analysis.statistics.Effect;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.BaseRun;
import dev.hyaline.instrument.run.SequenceEdit;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

final class FeatureTestsTest {
    private static final HookPoint SITE = HookPoint.of(Site.RESID_POST, 2);
    private static final int RANDOM = 39;
    private static final int MOST = 3;

    private static Gpt2 model;
    private static Set<Integer> special;
    private static PromptPairs pairs;
    private static LayerSuperposition found;

    @BeforeAll
    static void study() {
        model = Fable.open();
        special = Set.of(Fable.tokenizer().endOfText());
        pairs = PromptPairs.of(model.config(), Task.PRONOUNS.draw(Fable.encoder(), 24, 1));
        found = study(SITE);
    }

    @AfterAll
    static void closeModel() {
        model.close();
    }

    private static LayerSuperposition study(HookPoint site) {
        Prompts prompts = Fable.saePrompts(model.config());
        Corpus training = Corpus.of(IntStream.range(0, 24)
                .mapToObj(i -> new Document("text " + i, prompts.tokens(i)))
                .toList());
        Prompts heldOut = Prompts.of(
                model.config(),
                IntStream.range(24, prompts.size()).mapToObj(prompts::tokens).toArray(int[][]::new));
        int common = prompts.tokens(30)[1];
        return SuperpositionStudy.of(site)
                .atoms(192)
                .samples(512)
                .latents(6)
                .training(10, 64)
                .run(
                        model,
                        training,
                        heldOut,
                        special,
                        Map.of("common", Set.of(common)),
                        2,
                        (stage, done, total) -> {});
    }

    private static List<FeatureTests> tests(LayerSuperposition of) {
        return FeatureTests.of(model, pairs, of, special, MOST, RANDOM, 1);
    }

    @Test
    void theStrongestFeaturesAreComparedWithRandomDirections() {
        List<FeatureTests> tests = tests(found);
        assertThat(tests).extracting(FeatureTests::dictionary).containsExactly("sparse coding", "autoencoder");
        for (int i = 0; i < 2; i++) {
            FeatureTests test = tests.get(i);
            assertThat(test.atoms()).isEqualTo(found.dictionaries().get(i).strongest(MOST));
            assertThat(test.effects().cells()).isEqualTo(2 * MOST);
            for (int cell = 0; cell < 2 * MOST; cell++) {
                Effect effect = test.effects().statistics().effect(cell).orElseThrow();
                assertThat(effect.interval()).isNotNull();
                assertThat(effect.adjustedP()).isBetween(0.0, 1.0);
                assertThat(effect.estimate())
                        .isCloseTo(test.effects().mean(cell) - randomMean(test, cell), within(1e-9));
                assertThat(test.asMuch()[cell]).isBetween(1.0 / (RANDOM + 1), 1.0);
            }
        }
        // The random directions are the same for all atoms.
        assertThat(tests.getFirst().effects().reference(0, 5))
                .isEqualTo(tests.getLast().effects().reference(2, 5));
        assertThat(tests(found).getLast().asMuch()).isEqualTo(tests.getLast().asMuch());
    }

    private static double randomMean(FeatureTests test, int cell) {
        return IntStream.range(0, pairs.size())
                .mapToDouble(s -> test.effects().reference(cell, s))
                .average()
                .orElseThrow();
    }

    /** Each value is the change that the edit by itself makes at all tokens but the first, which is special. */
    @Test
    void anEffectIsTheChangeOfTheLogitDifference() {
        FeatureTests test = tests(found).getFirst();
        PromptPair pair = pairs.get(4);
        float[] direction = found.dictionaries().getFirst().direction(test.atoms()[1]);
        Target target =
                Target.of(SITE).positions(IntStream.range(1, pair.length()).toArray());
        double[] difference = new double[3];
        BaseRun.record(model, Prompts.of(model.config(), pair.clean()))
                .rerun(List.of(
                        SequenceEdit.of(0, Intervention.scale(target, 1)),
                        SequenceEdit.of(0, Intervention.projectOut(target, Direction.of(direction))),
                        SequenceEdit.of(
                                0,
                                Intervention.add(target, (float) (FeatureTests.STEERED * found.scale()), direction))))
                .forEach(result -> difference[result.edit()] = pair.logitDifference(result.row(0)));
        for (int edit = 0; edit < 2; edit++) {
            assertThat(test.effects().values(test.effects().cell(edit, 1))[4])
                    .isCloseTo(Math.abs(difference[edit + 1] - difference[0]), within(1e-4));
        }
    }

    /** The last layer's attention output before its last position is read by nothing; an edit of it does nothing. */
    @Test
    void whatTheModelDoesNotUseIsNotUsed() {
        PromptPair first = pairs.get(0);
        int last = first.clean()[first.end()];
        PromptPairs alike = PromptPairs.of(
                model.config(),
                pairs.list().stream()
                        .filter(pair -> pair.clean()[pair.end()] == last)
                        .toList());
        HookPoint unread = HookPoint.of(Site.ATTN_OUT, model.config().nLayers() - 1);
        FeatureTests test = FeatureTests.of(
                        model, alike, study(unread), Set.of(special.iterator().next(), last), MOST, RANDOM, 1)
                .getFirst();
        for (int atom = 0; atom < MOST; atom++) {
            assertThat(test.effects().mean(test.effects().cell(0, atom))).isZero();
            assertThat(test.isUsed(0, atom)).isFalse();
            assertThat(test.isUsed(1, atom)).isFalse();
        }
    }

    @Test
    void badInputIsToldInOneSentence() {
        assertThatThrownBy(() -> FeatureTests.of(model, pairs, found, special, MOST, 18, 1))
                .isInstanceOf(BadInputException.class)
                .hasMessage("an edited direction is compared with 19 to 1000 random ones, found 18");
        assertThatThrownBy(() -> FeatureTests.of(model, pairs, found, special, 0, RANDOM, 1))
                .isInstanceOf(BadInputException.class)
                .hasMessage("at least 1 feature of a dictionary is tested, found 0");
        Set<Integer> all =
                Set.copyOf(IntStream.range(0, model.config().dVocab()).boxed().toList());
        assertThatThrownBy(() -> FeatureTests.of(model, pairs, found, all, MOST, RANDOM, 1))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("has no token that counts");
    }
}
