package dev.hyaline.instrument.check;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import org.junit.jupiter.api.Test;

/** Runs of the same prompts agree; a run that does not is found where it first differs. */
class RepeatCheckTest {
    private static final Prompts PROMPTS = Models.prompts(5, 8, 3);

    @Test
    void aModelRepeatsItself() {
        try (Gpt2 model = Models.small()) {
            RepeatCheck check = RepeatCheck.of(model, PROMPTS);
            assertThat(check.differing()).isEmpty();
            assertThat(check.runs())
                    .extracting(RepeatCheck.Run::name)
                    .containsExactly(
                            "first run",
                            "again",
                            "1 thread",
                            "2 threads",
                            "7 threads",
                            RepeatCheck.ON_SCALAR_KERNELS,
                            "each prompt alone",
                            "in reverse order");
            assertThat(check.runs())
                    .extracting(RepeatCheck.Run::digest)
                    .containsOnly(check.runs().get(0).digest());
        }
    }

    /** Edits of one sequence act on it in whatever order the prompts are run, and noise is the same again. */
    @Test
    void anEditedModelRepeatsItself() {
        Target third = Target.of(Site.RESID_PRE).layers(IndexSelection.of(1)).sequences(IndexSelection.of(2));
        try (Gpt2 model = Models.small()) {
            RepeatCheck check = RepeatCheck.of(
                    model,
                    PROMPTS,
                    Interventions.of(Intervention.scale(third, 2), Intervention.noise(Target.of(Site.MLP_OUT), 1, 7)));
            assertThat(check.differing()).isEmpty();
            String plain = RepeatCheck.of(model, PROMPTS).runs().getFirst().digest();
            assertThat(check.runs())
                    .extracting(RepeatCheck.Run::digest)
                    .containsOnly(check.runs().getFirst().digest())
                    .doesNotContain(plain);
            assertThatThrownBy(() -> RepeatCheck.of(
                            model,
                            PROMPTS,
                            Interventions.of(
                                    Intervention.zero(Target.of(Site.RESID_PRE).sequences(IndexSelection.of(3))))))
                    .isInstanceOf(BadInputException.class);
        }
    }

    /** The last bit of one weight, of the MLP of layer 1, and of a position that only the second prompt has. */
    @Test
    void oneBitIsFoundWhereItFirstCounts() {
        assertThat(difference("h.1.mlp.c_fc.bias", 0, 3))
                .satisfies(place -> assertThat(place.point()).isEqualTo(HookPoint.of(Site.MLP_PRE, 1)))
                .satisfies(place -> assertThat(place.sequence()).isZero())
                .satisfies(place -> assertThat(place.position()).isZero());
        RepeatCheck.Difference late = difference("wpe.weight", 6, 2);
        assertThat(late.point()).isEqualTo(HookPoint.of(Site.POS_EMBED));
        assertThat(late.sequence()).isEqualTo(1);
        assertThat(late.position()).isEqualTo(6);
        assertThat(late.token()).isEqualTo(PROMPTS.token(1, 6));
    }

    private static RepeatCheck.Difference difference(String tensor, int row, int column) {
        Gpt2Weights weights = Gpt2Weights.load(
                Models.CONFIG,
                new ChangedSource(
                        RandomModels.source(1), tensor, row, (c, value) -> c == column ? Math.nextUp(value) : value));
        int[] order = {0, 1, 2};
        try (Gpt2 model = Gpt2.of(RandomModels.weights(Models.CONFIG, 1), 1);
                Gpt2 other = Gpt2.of(weights, 1)) {
            RepeatCheck.Run run = RepeatCheck.Hashes.of(other, PROMPTS, Interventions.of(), order, false)
                    .comparedWith("other", RepeatCheck.Hashes.of(model, PROMPTS, Interventions.of(), order, false));
            assertThat(run.name()).isEqualTo("other");
            return run.difference();
        }
    }
}
