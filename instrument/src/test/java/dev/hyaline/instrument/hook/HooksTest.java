package dev.hyaline.instrument.hook;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.KvCache;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.error.UnknownHookPointException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.EditedModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HooksTest {
    private static final Gpt2Config CONFIG = RandomModels.SMALL;
    private static final Gpt2 MODEL = Gpt2.of(Gpt2Weights.random(CONFIG, 7), 1);
    private static final Prompts PROMPTS = Prompts.of(CONFIG, new int[] {5, 9, 60, 0, 3, 3}, new int[] {7, 1, 44});
    private static final String Z = "blocks.1.attn.hook_z";

    @AfterAll
    static void close() {
        MODEL.close();
    }

    @Test
    void readingSeesWhatACacheHolds() {
        List<HookPoint> points = HookPoint.all(CONFIG);
        ActivationCache cache = ActivationCache.record(MODEL, PROMPTS, Capture.of(points));
        List<HookPoint> seen = new ArrayList<>();
        float[] logits = run(Hook.reading("*", view -> {
            seen.add(view.point());
            for (int s = 0; s < PROMPTS.size(); s++) {
                assertThat(view.positions(s)).hasSize(PROMPTS.length(s)).startsWith(0);
                assertThat(values(view, s))
                        .as("%s of sequence %s", view.point(), s)
                        .isEqualTo(upToTheQuery(view.point(), cache.values(view.point(), s), PROMPTS.length(s)));
            }
        }));
        assertThat(seen).isEqualTo(points);
        assertThat(logits).isEqualTo(plain());
    }

    /** A sequence's values, row by row. */
    private static float[] values(ActivationView view, int sequence) {
        float[] values = {};
        for (ActivationRow row : view.rows()) {
            if (row.sequence() == sequence) {
                assertThat(row.toArray()).hasSize(row.width());
                assertThat(row.get(row.width() - 1)).isEqualTo(row.toArray()[row.width() - 1]);
                int end = values.length;
                values = Arrays.copyOf(values, end + row.width());
                System.arraycopy(row.toArray(), 0, values, end, row.width());
            }
        }
        return values;
    }

    /** Of attention maps {@code [heads, queries, keys]}, what is not in the future. */
    private static float[] upToTheQuery(HookPoint point, float[] values, int length) {
        if (point.site().shape() != Site.Shape.ATTENTION) {
            return values;
        }
        float[] kept = new float[CONFIG.nHeads() * length * (length + 1) / 2];
        int at = 0;
        for (int i = 0; i < values.length; i++) {
            if (i % length <= i / length % length) {
                kept[at++] = values[i];
            }
        }
        return kept;
    }

    @ParameterizedTest
    @EnumSource
    void editingEqualsTheInterventionWithTheSameArithmetic(Site site) {
        HookPoint point = site.perLayer() ? HookPoint.of(site, 1) : HookPoint.of(site);
        Target target = Target.of(point).positions(-1, 1);
        Consumer<ActivationView> halve;
        if (site.shape().byHead()) {
            target = target.heads(2);
            halve = view -> {
                for (int s = 0; s < view.sequences(); s++) {
                    view.row(s, 1, 2).scale(0.5f);
                    view.row(s, -1, 2).scale(0.5f);
                }
            };
        } else {
            halve = view -> {
                for (int s = 0; s < view.sequences(); s++) {
                    view.row(s, 1).scale(0.5f);
                    view.row(s, -1).scale(0.5f);
                }
            };
        }
        float[] expected = EditedModel.of(MODEL, Interventions.of(Intervention.scale(target, 0.5f)))
                .forward(PROMPTS, LogitSelection.all())
                .logits();
        assertThat(run(Hook.editing(point, halve))).isEqualTo(expected);
        assertThat(expected).isNotEqualTo(plain());
    }

    @Test
    void writingARowReachesTheHookAfterAndThePass() {
        float[] ofHead = {1, 2, 3, 4, 5};
        List<float[]> seen = new ArrayList<>();
        float[] logits = run(
                Hook.editing(Z, z -> z.row(0, 2, 3).set(ofHead)),
                Hook.editing("z1", z -> {
                    z.row(0, 2, 1).fill(7);
                    z.row(1, 0, 1).set(4, 9);
                    z.row(0, 4, 0).add(ofHead);
                    assertThat(z.row(0, 2).get(19)).isEqualTo(5);
                }),
                Hook.reading("blocks.*.attn.hook_z", z -> {
                    if (z.point().layer() == 1) {
                        seen.add(z.row(0, 2).toArray());
                        seen.add(z.row(1, 0, 1).toArray());
                    }
                }));
        assertThat(seen.getFirst()).endsWith(ofHead).containsSequence(7, 7, 7, 7, 7);
        assertThat(seen.getLast()).endsWith(9).doesNotContain(7);
        assertThat(logits)
                .isEqualTo(EditedModel.of(
                                MODEL,
                                Interventions.of(
                                        Intervention.set(on(0).positions(2).heads(3), ofHead),
                                        Intervention.set(on(0).positions(2).heads(1), 7),
                                        Intervention.set(
                                                on(1).positions(0).heads(1).components(4), 9),
                                        Intervention.add(on(0).positions(4).heads(0), 1, ofHead)))
                        .forward(PROMPTS, LogitSelection.all())
                        .logits());
    }

    private static Target on(int sequence) {
        return Target.of(Site.Z, 1).sequences(sequence);
    }

    @Test
    void aHookInAPassAfterACacheSeesAbsolutePositions() {
        int[] tokens = PROMPTS.tokens(0);
        KvCache cache = MODEL.newCache();
        MODEL.forward(ForwardRequest.of(Sequence.append(cache, Arrays.copyOf(tokens, 4))));
        float[][] rows = new float[2][];
        run(Hook.reading(
                "blocks.2.attn.hook_pattern",
                view -> rows[0] = view.row(0, 4, 3).toArray()));
        HookProbe probe = Hooks.of(Hook.reading("blocks.2.attn.hook_pattern", view -> {
                    assertThat(view.positions(0)).containsExactly(4, 5);
                    rows[1] = view.row(0, -2, 3).toArray();
                }))
                .probe(CONFIG);
        MODEL.forward(
                ForwardRequest.of(Sequence.append(cache, tokens[4], tokens[5])).probe(probe));
        probe.requireAllFired();
        assertThat(rows[1]).hasSize(5).isEqualTo(rows[0]);
    }

    @Test
    void hooksOfLogitsSeeTheRowsThatWereAskedFor() {
        LogitSelection some = LogitSelection.rows(1, 4).columns(60, 2);
        float[] logits = Hooks.of(Hook.editing("unembed.hook_out", view -> {
                    assertThat(view.columns()).containsExactly(60, 2);
                    assertThat(view.positions(0)).containsExactly(1, 4);
                    assertThat(view.positions(1)).isEmpty();
                    view.row(0, 4).set(1, 8);
                    assertThatThrownBy(() -> view.row(0, 3))
                            .isInstanceOf(BadInputException.class)
                            .hasMessage("unembed.hook_out has 2 rows at positions 1 to 4 of sequence 0 in this pass,"
                                    + " found position 3");
                    assertThatThrownBy(() -> view.row(1, 0))
                            .hasMessage("unembed.hook_out has no rows of sequence 1 in this pass, found position 0");
                }))
                .forward(MODEL, PROMPTS, some)
                .logits();
        assertThat(logits).hasSize(4).endsWith(8);
    }

    @Test
    void anUnknownNameIsAnErrorBeforeThePass() {
        assertThatThrownBy(() -> run(Hook.reading("blocks.1.attn.hook_zz", view -> {
                    throw new AssertionError("the pass ran");
                })))
                .isInstanceOf(UnknownHookPointException.class)
                .hasMessageContaining("did you mean blocks.1.attn.hook_z");
        assertThatThrownBy(() -> run(Hook.editing("blocks.3.attn.hook_z", view -> {})))
                .hasMessage("there is no layer 3: layers run from 0 to 2");
    }

    @Test
    void aHookThatNeverFiresIsAnError() {
        Hooks hooks = Hooks.of(Hook.reading(Z, view -> {}), Hook.editing("unembed.hook_out", view -> {}));
        HookProbe probe = hooks.probe(CONFIG);
        assertThatThrownBy(probe::requireAllFired)
                .isInstanceOf(HyalineException.class)
                .hasMessage("these hooks never fired: [blocks.1.attn.hook_z (reading blocks.1.attn.hook_z),"
                        + " unembed.hook_out (editing unembed.hook_out)];"
                        + " the pass did not reach them, or formed no logits");
        assertThatThrownBy(() -> hooks.forward(MODEL, PROMPTS, LogitSelection.none()))
                .hasMessageContaining("[unembed.hook_out (editing unembed.hook_out)]");
    }

    @Test
    void twoHooksThatWriteTheSameValuesAreAnErrorUnlessInOrder() {
        Hook first = Hook.editing(Z, z -> z.row(0, 3, 1).fill(2));
        Hook second = Hook.editing("z", z -> z.row(0, 3).set(9, 4)); // the last of head 1
        assertThatThrownBy(() -> run(first, second))
                .isInstanceOf(HyalineException.class)
                .hasMessage("two hooks write the same values of blocks.1.attn.hook_z: editing blocks.1.attn.hook_z and"
                        + " editing z; let the later write over the earlier with inOrder(), or choose rows apart");
        assertThatThrownBy(() -> run(first, first)).hasMessageStartingWith("two hooks write the same values");
        run(first, Hook.editing(Z, z -> z.row(0, 3).set(10, 4)));
        float[] z = new float[20];
        Hooks.of(
                        first,
                        second,
                        Hook.reading(Z, view -> System.arraycopy(view.row(0, 3).toArray(), 0, z, 0, 20)))
                .inOrder()
                .forward(MODEL, PROMPTS, LogitSelection.none());
        assertThat(z).containsSequence(2, 2, 2, 2, 4);
    }

    @Test
    void aReadingHookCannotWrite() {
        assertThatThrownBy(() -> run(Hook.reading(Z, z -> z.row(0, 0).fill(0))))
                .isInstanceOf(HyalineException.class)
                .hasMessage("a hook that reads tried to write values of blocks.1.attn.hook_z; make it with"
                        + " Hook.editing");
    }

    @Test
    void aRowIsGoodOnlyWithinItsHook() {
        List<ActivationRow> kept = new ArrayList<>();
        run(Hook.editing(Z, z -> kept.add(z.row(0, 0))));
        for (Consumer<ActivationRow> use :
                List.<Consumer<ActivationRow>>of(ActivationRow::toArray, row -> row.get(0), row -> row.fill(1))) {
            assertThatThrownBy(() -> use.accept(kept.getFirst()))
                    .isInstanceOf(HyalineException.class)
                    .hasMessage("values of blocks.1.attn.hook_z were used after their hook returned;"
                            + " copy what is to be kept with toArray()");
        }
    }

    @Test
    void whatIsNotThereIsAnErrorThatSaysWhatIs() {
        assertRefused(Z, z -> z.row(2, 0), "the pass has sequences 0 to 1, found sequence 2");
        assertRefused(
                Z,
                z -> z.row(1, 3),
                Z + " has 3 rows at positions 0 to 2 of sequence 1 in this pass, found position 3");
        assertRefused(
                Z,
                z -> z.row(1, -4),
                Z + " has 3 rows at positions 0 to 2 of sequence 1 in this pass, found position -4");
        assertRefused(Z, z -> z.rows(4), Z + " has heads 0 to 3, found head 4");
        assertRefused("resid_post2", view -> view.rows(0), "blocks.2.hook_resid_post has no heads, found head 0");
        assertRefused(
                "attn0",
                view -> view.row(0, 0),
                "blocks.0.attn.hook_pattern has a row for each head and query, not one for each token; name a head");
        assertRefused(Z, z -> z.row(0, 0, 1).get(5), "a row of " + Z + " has values 0 to 4, found index 5");
        assertThatThrownBy(() -> run(Hook.editing(Z, z -> z.row(0, 0, 1).set(new float[4]))))
                .isInstanceOf(BadShapeException.class)
                .hasMessageContaining("[5]")
                .hasMessageContaining("[4]");
    }

    private static void assertRefused(String point, Consumer<ActivationView> function, String message) {
        assertThatThrownBy(() -> run(Hook.reading(point, function)))
                .isInstanceOf(BadInputException.class)
                .hasMessage(message);
    }

    private static float[] run(Hook... hooks) {
        return Hooks.of(hooks).forward(MODEL, PROMPTS, LogitSelection.all()).logits();
    }

    private static float[] plain() {
        return run();
    }
}
