package dev.hyaline.instrument.run;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.internal.edit.BoundEdit;
import dev.hyaline.instrument.internal.edit.BoundEdits;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;

/** Text generated under edits, with its cache, is the text of full passes under the same edits. */
class EditedGenerationTest {
    private static final int NEW = 6;

    /** The logits that each new token was drawn from, seen from inside. */
    private static final class Seen {
        private final TreeMap<Integer, float[]> byPosition = new TreeMap<>();

        Interventions with(Interventions interventions, int sequence) {
            List<Intervention> list = new ArrayList<>(interventions.list());
            list.add(Intervention.function(
                    Target.of(Site.UNEMBED_OUT).sequences(sequence),
                    (slot, logits) -> byPosition.put(slot.position(), logits.clone())));
            return Interventions.of(list).inOrder();
        }
    }

    @Property(tries = 60)
    void everyStepEqualsAFullPassBitForBit(@ForAll long seed) {
        RandomEdits some = new RandomEdits(seed);
        try (Gpt2 model = some.model(2)) {
            some.record(model);
            Generator generator = Generator.of(model).maxNewTokens(NEW);
            BaseRun run = BaseRun.record(model, some.prompts());
            SequenceEdit edit = some.editOfOneSequence();
            int s = edit.sequence();
            Seen cached = new Seen();
            Seen resumed = new Seen();
            int[] tokens = EditedModel.of(model, cached.with(edit.interventions(), s))
                    .generate(generator, some.prompts(), (sequence, token) -> {})
                    .get(s);
            assertThat(run.generate(new SequenceEdit(s, resumed.with(edit.interventions(), s)), generator))
                    .isEqualTo(tokens);

            int[] prompt = some.prompts().tokens(s);
            int[] text = Arrays.copyOf(prompt, prompt.length + tokens.length - 1);
            System.arraycopy(tokens, 0, text, prompt.length, tokens.length - 1);
            List<BoundEdit> edits = EditedGeneration.edits(edit.interventions(), generator, some.prompts(), s);
            float[] expected = model.forward(ForwardRequest.of(text)
                            .probe(InterventionProbe.builder().add(0, edits).build()))
                    .logits();
            int vocabulary = some.config().dVocab();
            for (int position = prompt.length - 1; position < text.length; position++) {
                float[] row = Arrays.copyOfRange(expected, position * vocabulary, (position + 1) * vocabulary);
                assertThat(cached.byPosition.get(position)).as("%s", edit).isEqualTo(row);
                assertThat(resumed.byPosition.get(position)).as("%s", edit).isEqualTo(row);
            }
            assertThat(cached.byPosition.lastKey()).isEqualTo(text.length - 1);
        }
    }

    @Test
    void promptsThatEndAtDifferentTimesKeepTheirOwnEdits() {
        Prompts prompts =
                Prompts.of(Models.CONFIG, IntStream.range(0, 45).map(i -> i % 7).toArray(), new int[] {3, 4});
        try (Gpt2 model = Models.small()) {
            Generator generator = Generator.of(model).maxNewTokens(12);
            Intervention second =
                    Intervention.add(Target.of(Site.RESID_PRE, 1).positions(7).sequences(1), 8, 1);
            List<int[]> edited = EditedModel.of(model, Interventions.of(second))
                    .generate(generator, prompts, (sequence, token) -> {});
            assertThat(edited.get(0))
                    .as("four positions, then a token that is not run")
                    .hasSize(4);
            assertThat(edited.get(0)).isEqualTo(generator.generate(prompts.tokens(0)));
            Prompts alone = Prompts.of(Models.CONFIG, prompts.tokens(1));
            Intervention only = Intervention.add(Target.of(Site.RESID_PRE, 1).positions(7), 8, 1);
            assertThat(edited.get(1))
                    .isEqualTo(EditedModel.of(model, Interventions.of(only))
                            .generate(generator, alone, (sequence, token) -> {})
                            .getFirst());
        }
    }

    @Test
    void positionsThatATextCannotReachAreAnError() {
        Prompts prompts = Models.prompts(5);
        try (Gpt2 model = Models.small()) {
            Generator generator = Generator.of(model).maxNewTokens(3);
            assertThatThrownBy(() -> EditedModel.of(
                                    model,
                                    Interventions.of(Intervention.zero(
                                            Target.of(Site.Z, 1).positions(7))))
                            .generate(generator, prompts, (sequence, token) -> {}))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage(
                            "Zero of blocks.1.attn.hook_z, positions 7: there is no position 7: positions run from 0"
                                    + " to 6");
            assertThatThrownBy(() -> EditedModel.of(
                                    model,
                                    Interventions.of(Intervention.zero(
                                            Target.of(Site.UNEMBED_OUT).positions(2))))
                            .generate(generator, prompts, (sequence, token) -> {}))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("never acts");
            try (Gpt2 other = Models.small()) {
                assertThatThrownBy(() -> BaseRun.record(other, prompts).generate(SequenceEdit.of(0), generator))
                        .isInstanceOf(BadInputException.class)
                        .hasMessage("a run is continued with the model that made it");
            }
        }
    }

    @Test
    void ofThePastOnlyWhatAnEditTouchesIsComputedAgain() {
        try (Gpt2 model = Models.small()) {
            BaseRun run = BaseRun.record(model, Models.prompts(40));
            Interventions edit = Interventions.of(
                    Intervention.scale(Target.of(Site.RESID_PRE, 2).positions(33), 3));
            List<BoundEdit> edits = BoundEdits.bind(edit, Models.CONFIG, 1, 0, 40, 40);
            PendingRerun rerun = new PendingRerun(run, 0, 0, edits, LogitSelection.none(), null);
            assertThat(rerun.restart().first()).isEqualTo(HookPoint.of(Site.RESID_PRE, 2));
            assertThat(rerun.first()).isEqualTo(33);
            assertThat(EditedGeneration.cache(run, 0, edits).length()).isEqualTo(39);
            assertThat(run.cache(0).length()).isEqualTo(40);
        }
    }
}
