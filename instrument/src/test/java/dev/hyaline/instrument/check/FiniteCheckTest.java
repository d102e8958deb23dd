package dev.hyaline.instrument.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.edit.Intervention;
import dev.hyaline.instrument.edit.Interventions;
import dev.hyaline.instrument.edit.Target;
import dev.hyaline.instrument.gradient.Objective;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Values that are not finite are found where they first are. */
class FiniteCheckTest {
    private static final Prompts PROMPTS = Models.prompts(5, 8, 3);

    @Test
    void aSoundModelIsFiniteBothWays() {
        FiniteCheck check = check("", 0, (column, value) -> value);
        assertThat(check.first()).isEmpty();
        long points = HookPoint.all(Models.CONFIG).stream()
                .filter(point -> !point.site().onRequest())
                .count();
        assertThat(check.sizes()).hasSize((int) (2 * points)).allMatch(size -> size.largest() > 0);
        assertThat(check.sizes().getLast().point()).isEqualTo(HookPoint.of(Site.EMBED));
        assertThat(check.sizes().getLast().pass()).isEqualTo(FiniteCheck.Pass.BACKWARD);
    }

    @Test
    void overflowInTheForwardPassHasItsFirstPlace() {
        // The position embedding of position 6 alone, which only the second prompt has.
        FiniteCheck check = check("wpe.weight", 6, (column, value) -> column % 2 == 0 ? 3e38f : -3e38f);
        FiniteCheck.Place place = check.first().orElseThrow();
        assertThat(place.pass()).isEqualTo(FiniteCheck.Pass.FORWARD);
        assertThat(place.sequence()).isEqualTo(1);
        assertThat(place.position()).isEqualTo(6);
        assertThat(place.token()).isEqualTo(PROMPTS.token(1, 6));
        assertThat(place.value()).isNotFinite();
        assertThat(place.head()).isNull();
        assertThat(place.channel()).isBetween(0, Models.CONFIG.dModel() - 1);
        assertThat(place.point().layer()).isZero();
        assertThat(check.sizes().getLast().point()).isEqualTo(place.point());
    }

    /** The queries and keys of head 1 in layer 1, whose product is too large. */
    @Test
    void overflowInAHeadNamesTheHeadAndTheKey() {
        int queries = Models.CONFIG.dHead() + 1;
        int keys = Models.CONFIG.dModel() + queries;
        FiniteCheck check = check(
                "h.1.attn.c_attn.bias", 0, (column, value) -> column == queries || column == keys ? 3e38f : value);
        FiniteCheck.Place place = check.first().orElseThrow();
        assertThat(place.point()).isEqualTo(HookPoint.of(Site.ATTN_SCORES, 1));
        assertThat(place.head()).isEqualTo(1);
        assertThat(place.position()).isZero();
        assertThat(place.channel()).isZero();
        assertThat(place.value()).isEqualTo(Float.POSITIVE_INFINITY);
    }

    @Test
    void overflowInTheBackwardPassHasItsFirstPlace() {
        // Activations far below what float32 holds leave a norm whose gradient is divided by next to nothing.
        Objective huge = Objective.atLast(PROMPTS, (s, logits) -> {
            float[] gradient = new float[logits.length];
            gradient[3] = s == 2 ? 3e38f : 1;
            return gradient;
        });
        try (Gpt2 model = Gpt2.of(RandomModels.weights(Models.CONFIG, 1), 1)) {
            FiniteCheck check = FiniteCheck.of(model, PROMPTS, huge);
            FiniteCheck.Place place = check.first().orElseThrow();
            assertThat(place.pass()).isEqualTo(FiniteCheck.Pass.BACKWARD);
            assertThat(place.sequence()).isEqualTo(2);
            assertThat(place.position()).isEqualTo(2);
        }
    }

    /** Of edits before, elsewhere and after, the last that can have reached the value is named. */
    @Test
    void theEditNearestUpstreamIsNamed() {
        Target at = Target.of(Site.RESID_MID).layers(IndexSelection.of(0));
        Target second = at.sequences(IndexSelection.of(1));
        Intervention cause = Intervention.scale(second.positions(IndexSelection.of(3)), 1e38f);
        Intervention earlier = Intervention.scale(Target.of(Site.EMBED), 2);
        FiniteCheck check = check(List.of(
                earlier,
                cause,
                Intervention.scale(second.positions(IndexSelection.of(4)), 2),
                Intervention.scale(at.sequences(IndexSelection.of(0)), 2),
                Intervention.scale(Target.of(Site.RESID_POST).layers(IndexSelection.of(1)), 2)));
        FiniteCheck.Place place = check.first().orElseThrow();
        assertThat(place.sequence()).isEqualTo(1);
        assertThat(place.position()).isEqualTo(3);
        assertThat(check.nearestEdit().orElseThrow())
                .isEqualTo(new FiniteCheck.Edit(cause, HookPoint.of(Site.RESID_MID, 0)));
        FiniteCheck.Before before = check.before().orElseThrow();
        assertThat(check.sizes().get(check.sizes().size() - 2).point()).isEqualTo(before.point());
        assertThat(before.largest()).isPositive().isLessThanOrEqualTo((float)
                check.sizes().get(check.sizes().size() - 2).largest());
        assertThat(check(List.of(earlier)).nearestEdit()).isEmpty();
        assertThat(check(List.of(earlier)).before()).isEmpty();
    }

    /** A weight of position 6, and an edit of another prompt's tokens: none is upstream. */
    @Test
    void anEditElsewhereIsNotUpstream() {
        FiniteCheck check = check(
                List.of(Intervention.scale(Target.of(Site.EMBED).sequences(IndexSelection.of(0)), 2)),
                "wpe.weight",
                6,
                (column, value) -> column % 2 == 0 ? 3e38f : -3e38f);
        assertThat(check.first().orElseThrow().sequence()).isEqualTo(1);
        assertThat(check.nearestEdit()).isEmpty();
    }

    /** A gradient passes edits on its way back, the last first. */
    @Test
    void theEditUpstreamOfAGradientIsTheOneItCameBackThrough() {
        Objective huge = Objective.atLast(PROMPTS, (s, logits) -> {
            float[] gradient = new float[logits.length];
            gradient[3] = 3e38f;
            return gradient;
        });
        Intervention low = Intervention.scale(Target.of(Site.EMBED), 2);
        Intervention high = Intervention.scale(Target.of(Site.LN_FINAL_NORMALIZED), 2);
        try (Gpt2 model = Models.small()) {
            FiniteCheck check = FiniteCheck.of(model, PROMPTS, Interventions.of(low, high), huge);
            assertThat(check.first().orElseThrow().pass()).isEqualTo(FiniteCheck.Pass.BACKWARD);
            assertThat(check.nearestEdit().orElseThrow().intervention()).isEqualTo(high);
        }
    }

    private static FiniteCheck check(List<Intervention> edits) {
        return check(edits, "", 0, (column, value) -> value);
    }

    private static FiniteCheck check(List<Intervention> edits, String tensor, int row, ChangedSource.Change change) {
        Gpt2Weights weights =
                Gpt2Weights.load(Models.CONFIG, new ChangedSource(RandomModels.source(1), tensor, row, change));
        try (Gpt2 model = Gpt2.of(weights, 1)) {
            return FiniteCheck.of(model, PROMPTS, Interventions.of(edits), Objective.crossEntropy(PROMPTS));
        }
    }

    private static FiniteCheck check(String tensor, int row, ChangedSource.Change change) {
        return check(List.of(), tensor, row, change);
    }
}
