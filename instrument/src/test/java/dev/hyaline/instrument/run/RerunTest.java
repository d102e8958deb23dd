package dev.hyaline.instrument.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.fixtures.CallingProbe;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.internal.edit.BoundEdit;
import dev.hyaline.instrument.internal.edit.BoundEdits;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** A partial rerun is the full rerun. */
class RerunTest {
    /** A whole pass over one sequence alone, edited without anything of partial reruns, every point recorded. */
    private static Map<HookPoint, float[]> fullRerun(Gpt2 model, Prompts prompts, SequenceEdit edit) {
        List<BoundEdit> bound = BoundEdits.bind(
                edit.interventions(),
                model.config(),
                prompts.size(),
                edit.sequence(),
                prompts.length(edit.sequence()),
                prompts.length(edit.sequence()));
        Map<HookPoint, float[]> values = new HashMap<>();
        Probe reader = new CallingProbe(point -> true, (point, a) -> {
            values.put(point, Arrays.copyOf(a.values(), a.size(0)));
        });
        Probe probe = InterventionProbe.builder().add(0, bound).build().then(reader);
        model.forward(ForwardRequest.of(prompts.tokens(edit.sequence())).probe(probe));
        return values;
    }

    @Property(tries = 150)
    void aPartialRerunEqualsTheFullOneBitForBit(@ForAll long seed) {
        RandomEdits some = new RandomEdits(seed);
        try (Gpt2 model = some.model(1 + (int) Math.floorMod(seed, 3L))) {
            some.record(model);
            BaseRun run = BaseRun.record(model, some.prompts());
            List<SequenceEdit> edits =
                    IntStream.range(0, 12).mapToObj(i -> some.edit()).toList();
            boolean all = some.random().nextBoolean();
            int vocabulary = some.config().dVocab();
            int[] columns = all ? null : new int[] {vocabulary - 1, 0};
            LogitSelection rows = some.random().nextBoolean() ? LogitSelection.all() : LogitSelection.last();
            List<RerunResult> results = run.rerun(edits)
                    .logits(all ? rows : rows.columns(columns))
                    .tokensPerPass(1 + some.random().nextInt(200))
                    .results();
            for (int i = 0; i < edits.size(); i++) {
                float[] expected =
                        fullRerun(model, some.prompts(), edits.get(i)).get(HookPoint.of(Site.UNEMBED_OUT));
                RerunResult found = results.get(i);
                int[] positions = found.positions();
                assertThat(found.edit()).isEqualTo(i);
                for (int row = 0; row < positions.length; row++) {
                    int at = positions[row] * vocabulary;
                    float[] whole = Arrays.copyOfRange(expected, at, at + vocabulary);
                    assertThat(found.row(row))
                            .as("edit %d, %s", i, edits.get(i).interventions().list())
                            .isEqualTo(all ? whole : new float[] {whole[vocabulary - 1], whole[0]});
                }
            }
        }
    }

    @Property(tries = 60)
    void whatIsReadOfAPartialRerunIsWhatTheFullOneHolds(@ForAll long seed) {
        RandomEdits some = new RandomEdits(seed);
        try (Gpt2 model = some.model(2)) {
            some.record(model);
            BaseRun run = BaseRun.record(model, some.prompts());
            List<HookPoint> points = new ArrayList<>(HookPoint.all(some.config()));
            points.removeLast();
            points.removeIf(point -> some.random().nextInt(8) > 0);
            if (points.isEmpty()) {
                points.add(HookPoint.of(Site.RESID_PRE, 0));
            }
            IndexSelection positions = some.random().nextBoolean() ? IndexSelection.all() : IndexSelection.of(0, -1);
            Capture capture = Capture.of(points).positions(positions);
            List<SequenceEdit> edits =
                    IntStream.range(0, 6).mapToObj(i -> some.edit()).toList();
            List<RerunResult> results = run.rerun(edits)
                    .logits(LogitSelection.none())
                    .reading(capture)
                    .tokensPerPass(60)
                    .results();
            for (int i = 0; i < edits.size(); i++) {
                SequenceEdit edit = edits.get(i);
                Map<HookPoint, float[]> expected = fullRerun(model, some.prompts(), edit);
                int length = some.prompts().length(edit.sequence());
                for (HookPoint point : capture.points()) {
                    assertThat(results.get(i).values(point))
                            .as("%s after %s", point, edit.interventions().list())
                            .isEqualTo(rows(
                                    expected.get(point),
                                    length,
                                    capture.positions(length),
                                    point.site().isMap() ? some.config().nHeads() : 1));
                }
            }
        }
    }

    /** Chosen rows of {@code [blocks, length, ...]}. */
    private static float[] rows(float[] values, int length, int[] positions, int blocks) {
        int width = values.length / blocks / length;
        float[] rows = new float[blocks * positions.length * width];
        for (int i = 0; i < blocks * positions.length; i++) {
            int row = i / positions.length * length + positions[i % positions.length];
            System.arraycopy(values, row * width, rows, i * width, width);
        }
        return rows;
    }

    @Test
    void noMoreIsComputedThanAnEditCanChange() {
        Prompts prompts = Models.prompts(10);
        try (Gpt2 model = Models.small()) {
            BaseRun run = BaseRun.record(model, prompts);
            LogitSelection one = LogitSelection.last().columns(3);
            int d = Models.CONFIG.dModel();
            int m = Models.CONFIG.dMlp();
            // Layer 2 of 3, the last of ten positions: one row through one attention and one MLP, one logit.
            assertThat(done(
                            run,
                            one,
                            SequenceEdit.of(
                                    0,
                                    Intervention.scale(
                                            Target.of(Site.RESID_PRE, 2).positions(9), 2))))
                    .isEqualTo(4 * d * d + 2 * d * 10 + 2 * d * m + d);
            // z at position 8: two rows through W_O of layer 2, but only the last through its MLP.
            assertThat(done(
                            run,
                            one,
                            SequenceEdit.of(
                                    0, Intervention.zero(Target.of(Site.Z, 2).positions(8)))))
                    .isEqualTo(2 * d * d + 2 * d * m + d);
            assertThat(done(
                            run,
                            one,
                            SequenceEdit.of(
                                    0,
                                    Intervention.zero(
                                            Target.of(Site.ATTN_OUT, 2).positions(9)))))
                    .isEqualTo(2 * d * m + d);
            assertThat(done(
                            run,
                            one,
                            SequenceEdit.of(
                                    0,
                                    Intervention.zero(Target.of(Site.MLP_OUT, 2).positions(9)))))
                    .isEqualTo(d);
            // Nothing is changed, or nothing the last position sees: the base run's logit.
            assertThat(done(run, one, SequenceEdit.of(0))).isEqualTo(d);
            assertThat(done(run, one, SequenceEdit.of(0, Intervention.patch(Target.of(Site.RESID_PRE), run))))
                    .isEqualTo(d);
            assertThat(done(
                            run,
                            one,
                            SequenceEdit.of(
                                    0,
                                    Intervention.zero(Target.of(Site.MLP_OUT, 2).positions(4)))))
                    .isEqualTo(d);
        }
    }

    private static long done(BaseRun run, LogitSelection logits, SequenceEdit edit) {
        MultiplyAdds cost = run.rerun(List.of(edit)).logits(logits).forEach(result -> {});
        int d = Models.CONFIG.dModel();
        long row = 4L * d * d + 2L * d * Models.CONFIG.dMlp();
        assertThat(cost.full()).isEqualTo(3 * (10 * row + 2L * d * 55) + d);
        return cost.done();
    }

    @Test
    void resultsAddUpToTheWholeWork() {
        try (Gpt2 model = Models.small()) {
            BaseRun run = BaseRun.record(model, Models.prompts(10, 7, 4));
            List<SequenceEdit> edits = new ArrayList<>();
            for (int i = 0; i < 60; i++) {
                Target target =
                        Target.of(i % 4 == 0 ? Site.Z : Site.MLP_OUT, i % 3).positions(i % 4);
                edits.add(i % 11 == 0 ? SequenceEdit.of(i % 3) : SequenceEdit.of(i % 3, Intervention.scale(target, i)));
            }
            MultiplyAdds[] sum = {MultiplyAdds.NONE};
            MultiplyAdds whole = run.rerun(edits)
                    .logits(LogitSelection.last())
                    .tokensPerPass(12)
                    .forEach(result -> sum[0] = sum[0].plus(result.work()));
            assertThat(sum[0]).isEqualTo(whole);
            assertThat(whole.done()).isPositive();
        }
    }

    @Test
    void eachOfManyEditsIsTakenOnceAndAnsweredOnce() {
        try (Gpt2 model = Models.small()) {
            BaseRun run = BaseRun.record(model, Models.prompts(6));
            int[] taken = new int[5000];
            List<SequenceEdit> edits = new java.util.AbstractList<>() {
                @Override
                public SequenceEdit get(int index) {
                    taken[index]++;
                    return SequenceEdit.of(
                            0, Intervention.scale(Target.of(Site.Z, index % 3).positions(index % 6), index));
                }

                @Override
                public int size() {
                    return taken.length;
                }
            };
            int[] answered = new int[taken.length];
            Rerun rerun = run.rerun(edits).logits(LogitSelection.last().columns(0));
            rerun.forEach(result -> answered[result.edit()]++);
            assertThat(taken).containsOnly(1);
            assertThat(answered).containsOnly(1);
        }
    }

    @Test
    void whatDoesNotFitIsFoundBeforeAnythingRuns() {
        try (Gpt2 model = Models.small()) {
            BaseRun run = BaseRun.record(model, Models.prompts(6, 4));
            List<RerunResult> seen = new ArrayList<>();
            assertThatThrownBy(() -> run.rerun(List.of(SequenceEdit.of(0), SequenceEdit.of(2)))
                            .forEach(seen::add))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("edit 1: there is no sequence 2: sequences run from 0 to 1");
            assertThatThrownBy(() -> run.rerun(List.of(
                                    SequenceEdit.of(0),
                                    SequenceEdit.of(
                                            1,
                                            Intervention.zero(
                                                    Target.of(Site.Z, 1).positions(5)))))
                            .forEach(seen::add))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("edit 1: Zero of blocks.1.attn.hook_z, positions 5: there is no position 5: positions"
                            + " run from 0 to 3");
            assertThatThrownBy(() -> run.rerun(List.of(SequenceEdit.of(
                                    0, Intervention.zero(Target.of(Site.Z, 1).sequences(1)))))
                            .forEach(seen::add))
                    .hasMessage("edit 0: Zero of blocks.1.attn.hook_z, sequences 1: it leaves out sequence 0, which it"
                            + " is to edit");
            assertThatThrownBy(() -> run.rerun(List.of(SequenceEdit.of(1)))
                            .logits(LogitSelection.rows(4))
                            .forEach(seen::add))
                    .hasMessage("edit 0: logit positions must be from 0 to 3, found [4]");
            assertThatThrownBy(() -> run.rerun(List.of()).tokensPerPass(0))
                    .hasMessage("a pass must take at least 1 token, found 0");
            assertThatThrownBy(() -> run.rerun(List.of(SequenceEdit.of(0)))
                            .reading(Capture.of(Models.CONFIG, "logits"))
                            .forEach(seen::add))
                    .hasMessage("edit 0: logits are not read as unembed.hook_out; select them instead");
            assertThat(seen).isEmpty();
        }
    }
}
