package dev.hyaline.instrument.gradient;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.Models;
import dev.hyaline.instrument.Prompts;
import org.junit.jupiter.api.Test;

/** Values that are not finite are found where they first are. */
class FiniteCheckTest {
    private static final Prompts PROMPTS = Models.prompts(5, 8, 3);

    @Test
    void aSoundModelIsFiniteBothWays() {
        FiniteCheck check = check("", 0, 1);
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
        FiniteCheck check = check("wpe.weight", 6, 3e38f);
        FiniteCheck.Place place = check.first().orElseThrow();
        assertThat(place.pass()).isEqualTo(FiniteCheck.Pass.FORWARD);
        assertThat(place.sequence()).isEqualTo(1);
        assertThat(place.position()).isEqualTo(6);
        assertThat(place.token()).isEqualTo(PROMPTS.token(1, 6));
        assertThat(place.value()).isNotFinite();
        assertThat(place.point().layer()).isZero();
        assertThat(check.sizes().getLast().point()).isEqualTo(place.point());
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

    private static FiniteCheck check(String tensor, int row, float value) {
        TensorSource source = RandomModels.source(1);
        Gpt2Weights weights = Gpt2Weights.load(Models.CONFIG, new TensorSource() {
            @Override
            public String name() {
                return source.name();
            }

            @Override
            public void read(TensorSpec spec, int firstRow, int rows, float[] out, int offset) {
                source.read(spec, firstRow, rows, out, offset);
                if (spec.name().equals(tensor) && row >= firstRow && row < firstRow + rows) {
                    for (int i = 0; i < spec.columns(); i++) {
                        out[offset + (row - firstRow) * spec.columns() + i] = i % 2 == 0 ? value : -value;
                    }
                }
            }
        });
        try (Gpt2 model = Gpt2.of(weights, 1)) {
            return FiniteCheck.of(model, PROMPTS, Objective.crossEntropy(PROMPTS));
        }
    }
}
