package dev.hyaline.instrument.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.error.Remedy;
import dev.hyaline.engine.fixtures.CallingProbe;
import dev.hyaline.engine.site.Boundary;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.ActivationSource;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Direction;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Means;
import dev.hyaline.instrument.edit.Target;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What each intervention writes, and the rules for several. */
class InterventionsTest {
    private static final Gpt2 MODEL = Models.small();
    private static final Prompts PROMPTS = Models.prompts(6, 4);
    private static final HookPoint Z = HookPoint.of(Site.Z, 1);
    private static final Target ALL_Z = Target.of(Z);
    private static final BaseRun RUN = BaseRun.record(MODEL, PROMPTS);
    private static final int D_HEAD = Models.CONFIG.dHead();

    @AfterAll
    static void close() {
        MODEL.close();
    }

    /** A sequence's z of layer 1 after interventions, {@code [positions, heads, dHead]}. */
    private static float[] z(int sequence, Intervention... interventions) {
        return z(sequence, Interventions.of(interventions));
    }

    private static float[] z(int sequence, Interventions interventions) {
        float[][] z = new float[PROMPTS.size()][];
        Capture capture = Capture.of(List.of(Z));
        EditedModel.of(MODEL, interventions)
                .forward(
                        PROMPTS,
                        LogitSelection.none(),
                        new CallingProbe(point -> capture.points().contains(point), (point, a) -> {
                            for (int s = 0; s < z.length; s++) {
                                z[s] = Arrays.copyOfRange(a.values(), a.offset(s), a.offset(s) + a.size(s));
                            }
                        }));
        return z[sequence];
    }

    private static float[] slot(float[] z, int position, int head) {
        int at = (position * Models.CONFIG.nHeads() + head) * D_HEAD;
        return Arrays.copyOfRange(z, at, at + D_HEAD);
    }

    @Test
    void eachWritesWhatItSaysThereAndNowhereElse() {
        float[] plain = z(0);
        Target there = ALL_Z.heads(2).positions(4).sequences(0);
        float[] ones = {1, 2, 3, 4, 5};
        Map<Intervention, float[]> expected = new LinkedHashMap<>();
        float[] before = slot(plain, 4, 2);
        expected.put(Intervention.zero(there), new float[5]);
        expected.put(Intervention.set(there, 7), new float[] {7, 7, 7, 7, 7});
        expected.put(Intervention.set(there, ones), ones);
        expected.put(
                Intervention.set(there.components(1, 3), 8, 9), new float[] {before[0], 8, before[2], 9, before[4]});
        expected.put(Intervention.scale(there, -2), with(before, i -> before[i] * -2));
        expected.put(Intervention.add(there, 0.5f, ones), with(before, i -> before[i] + 0.5f * ones[i]));
        expected.put(
                Intervention.projectOut(there, Direction.of(0, 3, 0, 0, 0)), with(before, i -> i == 1 ? 0 : before[i]));
        expected.put(
                Intervention.zero(there.subspace(List.of(Direction.of(0, 3, 0, 0, 0), Direction.of(0, 1, 1, 0, 0)))),
                with(before, i -> i == 1 || i == 2 ? 0 : before[i]));
        expected.put(Intervention.patch(there, RUN, 0), before);
        expected.put(Intervention.patch(there.positions(3), RUN, 1), slot(z(1), 3, 2));
        expected.put(
                Intervention.function(there, (slot, values) -> values[0] = slot.position() * 10 + slot.head()),
                with(before, i -> i == 0 ? 42 : before[i]));
        expected.forEach((intervention, values) -> {
            int position = intervention.target().positions().in(6, "position")[0];
            float[] found = z(0, intervention);
            assertThat(slot(found, position, 2)).as(intervention.toString()).isEqualTo(values);
            System.arraycopy(plain, (position * 4 + 2) * D_HEAD, found, (position * 4 + 2) * D_HEAD, D_HEAD);
            assertThat(found).as(intervention.toString()).isEqualTo(plain);
            assertThat(z(1, intervention)).as(intervention.toString()).isEqualTo(z(1));
        });
    }

    private interface Value {
        float at(int index);
    }

    private static float[] with(float[] like, Value value) {
        float[] values = new float[like.length];
        for (int i = 0; i < values.length; i++) {
            values[i] = value.at(i);
        }
        return values;
    }

    @Test
    void meansAreOverTheReferenceSet() {
        float[] first = z(0);
        float[] second = z(1);
        float[] found = z(0, Intervention.mean(ALL_Z.positions(0), Means.byPosition(RUN)));
        for (int i = 0; i < D_HEAD; i++) {
            assertThat(found[i]).isEqualTo((float) (((double) first[i] + second[i]) / 2));
        }
        // Only the longer sequence has a position 5.
        assertThat(z(0, Intervention.mean(ALL_Z, Means.byPosition(RUN))))
                .endsWith(slot(first, 5, 3))
                .isNotEqualTo(first);
        double sum = 0;
        for (int position = 0; position < 10; position++) {
            sum += (position < 6 ? first : second)[position % 6 * 20 + 7];
        }
        assertThat(z(1, Intervention.mean(ALL_Z.positions(3), Means.overall(RUN)))[3 * 20 + 7])
                .isEqualTo((float) (sum / 10));
        assertThatThrownBy(() -> z(0, Intervention.mean(Target.of(Site.PATTERN, 1), Means.overall(RUN))))
                .isInstanceOf(BadInputException.class)
                .hasMessageContaining("take the mean by position");
    }

    @Test
    void swappedHeadsExchangeTheirValues() {
        float[] plain = z(0);
        float[] found = z(0, Intervention.swapHeads(ALL_Z.positions(5).sequences(0), 3, 1));
        assertThat(slot(found, 5, 1)).isEqualTo(slot(plain, 5, 3));
        assertThat(slot(found, 5, 3)).isEqualTo(slot(plain, 5, 1));
        assertThat(slot(found, 5, 0)).isEqualTo(slot(plain, 5, 0));
        assertThat(slot(found, 4, 1)).isEqualTo(slot(plain, 4, 1));
    }

    @Test
    void resamplingDrawsOneLongEnoughSequenceBySeed() {
        // Sequence 1 of the reference ends before position 5, so that 0 is all there is to draw.
        assertThat(z(0, Intervention.resample(ALL_Z, RUN, 3))).isEqualTo(z(0));
        boolean[] drawn = new boolean[2];
        for (int seed = 0; seed < 20; seed++) {
            float[] found = z(1, Intervention.resample(ALL_Z.sequences(1), RUN, seed));
            assertThat(z(1, Intervention.resample(ALL_Z.sequences(1), RUN, seed)))
                    .isEqualTo(found);
            drawn[Arrays.equals(found, z(1)) ? 1 : 0] = true;
        }
        assertThat(drawn).containsExactly(true, true);
    }

    @Test
    void noiseDependsOnSeedAndPlaceAlone() {
        float[] found = z(0, Intervention.noise(ALL_Z, 0.5f, 9));
        float[] oneHead = z(0, Intervention.noise(ALL_Z.heads(2).positions(4).sequences(0), 0.5f, 9));
        assertThat(slot(oneHead, 4, 2)).isEqualTo(slot(found, 4, 2)).isNotEqualTo(slot(z(0), 4, 2));
        assertThat(z(0, Intervention.noise(ALL_Z, 0.5f, 10))).isNotEqualTo(found);
    }

    @Test
    void ofAttentionMapsOnlyKeysUpToTheQueryAreTouched() {
        Interventions zeroScores = Interventions.of(Intervention.zero(Target.of(Site.ATTN_SCORES, 1)));
        RerunResult found = RUN.rerun(List.of(new SequenceEdit(0, zeroScores)))
                .reading(Capture.of(Models.CONFIG, "blocks.1.attn.hook_pattern"))
                .results()
                .getFirst();
        float[] pattern = found.values(HookPoint.of(Site.PATTERN, 1));
        for (int i = 0; i < pattern.length; i++) {
            int query = i / 6 % 6;
            assertThat(pattern[i]).isEqualTo(i % 6 <= query ? 1f / (query + 1) : 0, within(1e-6f));
        }
    }

    @Test
    void editsActInOrderAndLiveInTheCall() {
        Target there = ALL_Z.heads(2).positions(4).sequences(0);
        Intervention set = Intervention.set(there, 3);
        Intervention twice = Intervention.scale(there, 2);
        assertThat(slot(z(0, Interventions.of(set, twice).inOrder()), 4, 2)).containsOnly(6);
        assertThat(slot(z(0, Interventions.of(twice, set).inOrder()), 4, 2)).containsOnly(3);
        float[] before = MODEL.logits(PROMPTS.tokens(0));
        z(0, set);
        assertThat(MODEL.logits(PROMPTS.tokens(0))).isEqualTo(before);
    }

    @Test
    void twoThatWriteTheSameValuesAreAnError() {
        Intervention some = Intervention.zero(ALL_Z.heads(1, 2).positions(3).components(0, 1));
        for (Intervention other : List.of(
                Intervention.scale(ALL_Z, 2),
                Intervention.scale(ALL_Z.heads(2).positions(3).components(1), 2),
                Intervention.scale(Target.of(Site.Z).sequences(0), 2))) {
            assertThatThrownBy(() -> z(0, some, other))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageStartingWith("two interventions write the same values: Zero of blocks.1.attn.hook_z,"
                            + " heads 1,2, components 0,1, positions 3 and Scale of ")
                    .hasMessageEndingWith("or choose places apart (" + Remedy.EDIT_APART + ")");
            z(0, Interventions.of(some, other).inOrder());
        }
        for (Target apart : List.of(
                ALL_Z.heads(0), ALL_Z.positions(2), ALL_Z.components(2), Target.of(Site.Z, 2), Target.of(Site.V, 1))) {
            z(0, some, Intervention.scale(apart, 2));
        }
        z(0, Intervention.zero(ALL_Z.sequences(0)), Intervention.scale(ALL_Z.sequences(1), 2));
    }

    @Property(tries = 60)
    void aNoOpChangesNoBit(@ForAll long seed) {
        RandomEdits some = new RandomEdits(seed);
        try (Gpt2 model = some.model(1)) {
            some.record(model);
            ActivationSource self = ActivationCache.record(
                            model, some.prompts(), Capture.of(HookPoint.all(some.config())))
                    .source();
            LogitSelection logits = LogitSelection.all();
            float[] plain = EditedModel.of(model, Interventions.of())
                    .forward(some.prompts(), logits)
                    .logits();
            for (Site site : Site.values()) {
                Target target = Target.of(site);
                for (Intervention noOp : List.of(
                        Intervention.add(target, 0, 1),
                        Intervention.scale(target, 1),
                        Intervention.noise(target, 0, seed),
                        Intervention.patch(target, self),
                        Intervention.function(target, (slot, values) -> {}))) {
                    assertThat(EditedModel.of(model, Interventions.of(noOp))
                                    .forward(some.prompts(), logits)
                                    .logits())
                            .as(noOp.toString())
                            .isEqualTo(plain);
                }
            }
        }
    }

    /** A vector that was saved as a column has rows of one value, each of which would go to a whole row. */
    @Test
    void aRowOfOneValueInAFileIsNoNumber(@TempDir Path folder) throws IOException {
        Path file = folder.resolve("v.safetensors");
        Files.writeString(
                file,
                "@\0\0\0\0\0\0\0{\"v\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}       "
                        + " 12345678");
        Direction column = Direction.read(file, "v", 0);
        bad(
                new Intervention.Write(ALL_Z, column),
                "row 0 of v in " + file + " at blocks.1.attn.hook_z: expected [5], found [1]");
        Intervention scale = new Intervention.Write(Target.of(Site.LN1_SCALE, 1), column);
        assertThat(InterventionProbe.of(Interventions.of(scale), Models.CONFIG, PROMPTS)
                        .wants(HookPoint.of(Site.LN1_SCALE, 1)))
                .isTrue();
    }

    @Test
    void amountsAreFinite() {
        assertThatThrownBy(() -> Intervention.scale(ALL_Z, Float.NaN))
                .hasMessage("the factor to scale by must be finite, found NaN");
        assertThatThrownBy(() -> Intervention.add(ALL_Z, Float.POSITIVE_INFINITY, 1))
                .hasMessage("the coefficient of a vector to add must be finite, found Infinity");
    }

    @Test
    void whatDoesNotExistIsAnError() {
        bad(Intervention.zero(Target.of(Site.Z, 3)), "there is no layer 3: layers run from 0 to 2");
        bad(Intervention.zero(ALL_Z.heads(4)), "there is no head 4: heads run from 0 to 3");
        bad(Intervention.zero(ALL_Z.positions(4)), "there is no position 4: positions run from 0 to 3");
        bad(Intervention.zero(ALL_Z.positions(-5).sequences(1)), "there is no position -5: positions run from 0 to 3");
        bad(Intervention.zero(ALL_Z.sequences(2)), "there is no sequence 2: sequences run from 0 to 1");
        bad(Intervention.zero(ALL_Z.components(5)), "there is no component 5: components run from 0 to 4");
        bad(
                Intervention.zero(Target.of(Site.MLP_POST).components(28)),
                "there is no neuron 28: neurons run from 0 to 27");
        bad(
                Intervention.zero(Target.of(Site.RESID_PRE).heads(0)),
                "blocks.0.hook_resid_pre has no heads to choose from");
        bad(Intervention.zero(Target.of(Site.EMBED).layers(0)), "hook_embed is outside the layers");
        bad(
                Intervention.set(ALL_Z, 1, 2),
                "Set of blocks.1.attn.hook_z: a vector at blocks.1.attn.hook_z: expected [5], found [2]");
        bad(
                Intervention.projectOut(ALL_Z, Direction.of(1, 2)),
                "a direction at blocks.1.attn.hook_z: expected [5], found [2]");
        bad(
                Intervention.projectOut(ALL_Z, Direction.of(new float[5])),
                "direction 0 at blocks.1.attn.hook_z has no length to project on");
        bad(
                Intervention.projectOut(ALL_Z, Direction.of(1, 2, 3, 4, 5), Direction.of(2, 4, 6, 8, 10)),
                "direction 1 at blocks.1.attn.hook_z is a combination of those before it");
        bad(Intervention.swapHeads(ALL_Z, 1, 1), "swapping needs two heads, found 1");
        bad(
                new Intervention.SwapHeads(Target.of(Site.MLP_OUT, 1)),
                "swapping needs two heads, found blocks.1.hook_mlp_out, which has none");
        bad(
                Intervention.patch(ALL_Z.sequences(1), RUN, 2),
                "there is no sequence 2 to patch from: sequences run from 0 to 1");
        bad(Intervention.patch(ALL_Z.sequences(0), RUN, 1), "sequence 1 of the source ends before position 4");
        bad(
                Intervention.patch(Target.of(Site.PATTERN, 1), RUN),
                "the source holds no blocks.1.attn.hook_pattern at position 0");
        bad(
                Intervention.zero(
                        Target.of(Site.PATTERN, 1).positions(1).components(3).sequences(0)),
                "no chosen query of blocks.1.attn.hook_pattern sees a chosen key");
        assertThatThrownBy(() -> Intervention.noise(ALL_Z, -1, 0)).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> Direction.of()).isInstanceOf(BadInputException.class);
    }

    private static void bad(Intervention intervention, String message) {
        assertThatThrownBy(() -> InterventionProbe.of(Interventions.of(intervention), Models.CONFIG, PROMPTS))
                .isInstanceOf(HyalineException.class)
                .hasMessageEndingWith(message);
    }

    @Test
    void whatNeverActsIsAnError() {
        InterventionProbe probe = InterventionProbe.of(
                Interventions.of(Intervention.zero(Target.of(Site.Z, 2))),
                Models.CONFIG,
                Prompts.of(Models.CONFIG, new int[] {1, 2}));
        MODEL.forward(ForwardRequest.of(1, 2).to(Boundary.residMid(1)).probe(probe));
        assertThatThrownBy(probe::requireAllFired)
                .isInstanceOf(HyalineException.class)
                .hasMessage("these never acted: [Zero of blocks.2.attn.hook_z at blocks.2.attn.hook_z of sequence 0]");
        assertThatThrownBy(() -> EditedModel.of(
                                MODEL,
                                Interventions.of(Intervention.zero(
                                        Target.of(Site.UNEMBED_OUT).positions(0))))
                        .forward(PROMPTS, LogitSelection.last()))
                .isInstanceOf(HyalineException.class)
                .hasMessageStartingWith("these never acted");
    }

    @ParameterizedTest
    @CsvSource({
        "z, attn.hook_z, all",
        "blocks.3.attn.hook_z, attn.hook_z, 3",
        "blocks.0.resid_pre, hook_resid_pre, 0",
        "mlp_post, mlp.hook_post, all",
        "logits, unembed.hook_out, all"
    })
    void aTargetHasTheNamesOfHookPoints(String name, String site, String layers) {
        Target target = Target.named(name);
        assertThat(target.site().localName()).isEqualTo(site);
        assertThat(target.layers().toString()).isEqualTo(layers);
    }
}
