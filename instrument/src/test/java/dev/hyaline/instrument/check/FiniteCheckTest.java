package dev.hyaline.instrument.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.gradient.Objective;
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

    private static FiniteCheck check(String tensor, int row, ChangedSource.Change change) {
        Gpt2Weights weights =
                Gpt2Weights.load(Models.CONFIG, new ChangedSource(RandomModels.source(1), tensor, row, change));
        try (Gpt2 model = Gpt2.of(weights, 1)) {
            return FiniteCheck.of(model, PROMPTS, Objective.crossEntropy(PROMPTS));
        }
    }
}
