package dev.hyaline.instrument.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.run.EditedModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

class ActivationCacheTest {
    private static final Capture ALL = Capture.of(HookPoint.all(Models.CONFIG));
    private static final int HEADS = Models.CONFIG.nHeads();
    private static final int D_HEAD = Models.CONFIG.dHead();

    @Property(tries = 25)
    void recordsTheChosenHeadsNeuronsAndSequencesAlone(@ForAll long seed) {
        Random random = new Random(seed);
        int[] heads =
                random.ints(1 + random.nextInt(3), 0, HEADS).sorted().distinct().toArray();
        int[] neurons = random.ints(1 + random.nextInt(6), 0, Models.CONFIG.dMlp())
                .sorted()
                .distinct()
                .toArray();
        int[] sequences =
                random.ints(1 + random.nextInt(3), 0, 3).sorted().distinct().toArray();
        Prompts prompts = Models.prompts(4, 7, 2);
        Capture capture = ALL.heads(heads).neurons(neurons).sequences(sequences).positions("0,last");
        try (Gpt2 model = Models.small()) {
            ActivationCache whole = ActivationCache.record(model, prompts, ALL);
            ActivationCache part = ActivationCache.record(model, prompts, capture);
            assertThat(part.bytes()).isEqualTo(capture.bytes(Models.CONFIG, prompts));
            for (int s = 0; s < 3; s++) {
                assertThat(part.nextTokenLogits(s)).isEqualTo(whole.nextTokenLogits(s));
                if (!IndexSelection.of(sequences).contains(s, 3)) {
                    assertThat(part.rows().positions(s)).isEmpty();
                    assertThat(part.values(HookPoint.of(Site.Z, 1), s)).isEmpty();
                    continue;
                }
                int[] positions = {0, prompts.length(s) - 1};
                for (HookPoint point : part.points()) {
                    assertThat(part.values(point, s))
                            .as(point.name())
                            .isEqualTo(chosen(whole, point, s, positions, heads, neurons))
                            .hasSize(part.shape(point, s).stream().reduce(1, Math::multiplyExact));
                }
            }
        }
    }

    /** What a choice leaves of a point's values, taken one by one. */
    private static float[] chosen(
            ActivationCache whole, HookPoint point, int s, int[] positions, int[] heads, int[] neurons) {
        List<Integer> shape = whole.shape(point, s);
        float[] all = whole.values(point, s);
        int last = shape.getLast();
        List<Float> kept = new ArrayList<>();
        switch (point.site().shape()) {
            case ATTENTION -> {
                for (int head : heads) {
                    for (int query : positions) {
                        for (int key = 0; key < last; key++) {
                            kept.add(all[(head * last + query) * last + key]);
                        }
                    }
                }
            }
            case HEADS, HEAD_RESIDUAL -> {
                for (int position : positions) {
                    for (int head : heads) {
                        for (int i = 0; i < last; i++) {
                            kept.add(all[(position * HEADS + head) * last + i]);
                        }
                    }
                }
            }
            case NEURONS -> {
                for (int position : positions) {
                    for (int neuron : neurons) {
                        kept.add(all[position * last + neuron]);
                    }
                }
            }
            case RESIDUAL, SCALE, LOGITS -> {
                for (int position : positions) {
                    for (int i = 0; i < last; i++) {
                        kept.add(all[position * last + i]);
                    }
                }
            }
        }
        float[] values = new float[kept.size()];
        for (int i = 0; i < values.length; i++) {
            values[i] = kept.get(i);
        }
        return values;
    }

    @Test
    void recordsWhereATokenPlaysARole() {
        Prompts prompts = Models.prompts(6, 8).role("subject", 2, 5).role("end", -1, -1);
        try (Gpt2 model = Models.small()) {
            Capture capture = Capture.of(Models.CONFIG, "resid_post").layers("-1");
            ActivationCache whole = ActivationCache.record(model, prompts, capture);
            ActivationCache roles = ActivationCache.record(model, prompts, capture.roles("subject", "end"));
            assertThat(roles.rows().positions(0)).containsExactly(2, 5);
            assertThat(roles.rows().positions(1)).containsExactly(5, 7);
            HookPoint last = HookPoint.of(Site.RESID_POST, 2);
            assertThat(roles.points()).containsExactly(last);
            for (int s = 0; s < 2; s++) {
                int position = prompts.position("subject", s);
                assertThat(roles.row(last, s, position)).isEqualTo(whole.row(last, s, position));
                assertThat(roles.row(last, s, -1)).isEqualTo(whole.row(last, s, -1));
            }
            ActivationCache both = ActivationCache.record(
                    model, prompts, capture.positions("0").roles("subject"));
            assertThat(both.rows().positions(1)).containsExactly(0, 5);
        }
    }

    @Test
    void rolesAreChecked() {
        Prompts prompts = Models.prompts(6, 8);
        assertThatThrownBy(() -> prompts.role("subject", 1))
                .isInstanceOf(BadInputException.class)
                .hasMessage("the role subject needs a position for each of 2 prompts, found 1");
        assertThatThrownBy(() -> prompts.role("subject", 1, 8))
                .hasMessage("prompt 1: the role subject is at position 8, but positions run from 0 to 7");
        assertThatThrownBy(() -> prompts.role("subject", -7, 0)).isInstanceOf(BadInputException.class);
        Capture capture = Capture.of(Models.CONFIG, "z").roles("verb");
        try (Gpt2 model = Models.small()) {
            assertThatThrownBy(() -> ActivationCache.record(model, prompts.role("subject", 1, 1), capture))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("prompt 0: the prompts have no role verb; there are subject");
        }
        assertThatThrownBy(() -> capture.positions(6))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("known of given prompts only");
    }

    @Test
    void aBudgetRefusesBeforeAnythingRuns() {
        Prompts prompts = Models.prompts(10, 20);
        Capture capture = Capture.of(Models.CONFIG, "embed", "pattern");
        long bytes = capture.bytes(Models.CONFIG, prompts);
        assertThat(bytes).isEqualTo(4L * (30 * Models.CONFIG.dModel() + 3 * HEADS * (10 * 10 + 20 * 20)));
        Gpt2 closed = Models.small();
        closed.close(); // to run would fail
        assertThatThrownBy(() -> ActivationCache.record(closed, prompts, capture.budget(bytes - 1)))
                .isInstanceOf(BadInputException.class)
                .hasMessage("recording 4 hook points of 30 tokens takes 26,400 bytes, more than the budget of 26,399;"
                        + " record fewer sites, positions or heads, or dump them to disk");
        try (Gpt2 model = Models.small()) {
            assertThat(ActivationCache.record(model, prompts, capture.budget(bytes))
                            .bytes())
                    .isEqualTo(bytes);
        }
    }

    @Test
    void whatTheModelLacksIsNamedBeforeAnythingRuns() {
        Gpt2 closed = Models.small();
        closed.close();
        Prompts prompts = Models.prompts(3);
        Capture z = Capture.of(Models.CONFIG, "z");
        assertThatThrownBy(() -> ActivationCache.record(closed, prompts, z.heads(4)))
                .isInstanceOf(BadInputException.class)
                .hasMessage("there is no head 4: heads run from 0 to 3");
        assertThatThrownBy(() -> ActivationCache.record(closed, prompts, z.neurons(28)))
                .hasMessage("there is no neuron 28: neurons run from 0 to 27");
        assertThatThrownBy(() -> ActivationCache.record(closed, prompts, z.sequences(1)))
                .hasMessage("there is no sequence 1: sequences run from 0 to 0");
        assertThatThrownBy(() -> z.layers(3)).hasMessage("there is no layer 3: layers run from 0 to 2");
    }

    @Test
    void recordsARunWithInterventions() {
        Prompts prompts = Models.prompts(5, 9);
        HookPoint z = HookPoint.of(Site.Z, 1);
        try (Gpt2 model = Models.small()) {
            ActivationCache plain = ActivationCache.record(model, prompts, ALL);
            ActivationCache edited = EditedModel.of(
                            model,
                            Interventions.of(Intervention.zero(Target.of(z).heads(2))))
                    .record(prompts, ALL);
            for (int s = 0; s < prompts.size(); s++) {
                float[] expected = plain.values(z, s);
                for (int position = 0; position < prompts.length(s); position++) {
                    int head = (position * HEADS + 2) * D_HEAD;
                    Arrays.fill(expected, head, head + D_HEAD, 0);
                }
                assertThat(edited.values(z, s)).isEqualTo(expected);
                assertThat(edited.values("q1", s)).isEqualTo(plain.values("q1", s));
                assertThat(edited.values("q2", s)).isNotEqualTo(plain.values("q2", s));
                assertThat(edited.nextTokenLogits(s)).isNotEqualTo(plain.nextTokenLogits(s));
            }
            ResidualStack parts = edited.getFullResidDecomposition();
            assertThat(parts.sumCheck().relativeError()).isLessThan(2e-6);
            assertThat(parts.values("L1H2")).containsOnly(0);
            assertThat(edited.logitAttrs(parts, 4).sumCheck().relativeError()).isLessThan(1e-5);
        }
    }

    @Test
    void valuesAreFoundByName() {
        try (Gpt2 model = Models.small()) {
            ActivationCache cache =
                    ActivationCache.record(model, Models.prompts(3), Capture.of(Models.CONFIG, "z,embed"));
            float[] z1 = cache.values(HookPoint.of(Site.Z, 1), 0);
            for (String name : List.of("blocks.1.attn.hook_z", "z1")) {
                assertThat(cache.values(name, 0)).isEqualTo(z1);
            }
            assertThat(cache.values("embed", 0)).hasSize(3 * Models.CONFIG.dModel());
            assertThatThrownBy(() -> cache.values("z", 0))
                    .hasMessage("'z' means 3 hook points; name one, such as blocks.0.attn.hook_z");
            assertThatThrownBy(() -> cache.values("q1", 0)).hasMessage("blocks.1.attn.hook_q was not recorded");
            assertThatThrownBy(() -> cache.get("pattern", 9)).hasMessage("there is no layer 9: layers run from 0 to 2");
            assertThatThrownBy(() -> cache.row(HookPoint.of(Site.PATTERN, 1), 0, 0))
                    .hasMessageContaining("holds maps");
        }
    }

    @Test
    void headResultsOfChosenHeadsAreThoseOfAllHeads() {
        try (Gpt2 model = Models.small()) {
            Prompts prompts = Models.prompts(5, 3);
            ResidualStack all = ActivationCache.record(model, prompts, Capture.of(Models.CONFIG, "z,mlp.post"))
                    .stackHeadResults();
            ActivationCache some = ActivationCache.record(
                    model,
                    prompts,
                    Capture.of(Models.CONFIG, "z,mlp.post").heads(1, 3).neurons(2, 7, 8));
            ResidualStack heads = some.stackHeadResults();
            assertThat(heads.labels()).containsExactly("L0H1", "L0H3", "L1H1", "L1H3", "L2H1", "L2H3");
            heads.labels().forEach(label -> assertThat(heads.values(label)).isEqualTo(all.values(label)));
            assertThat(some.stackNeuronResults().labels()).startsWith("L0N2", "L0N7", "L0N8", "L1N2");
            assertThat(some.values("z0", 0)).hasSize(5 * 2 * D_HEAD);
        }
    }
}
