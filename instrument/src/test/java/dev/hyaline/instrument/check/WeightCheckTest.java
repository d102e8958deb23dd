package dev.hyaline.instrument.check;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.fixtures.RandomModels;
import dev.hyaline.instrument.Models;
import org.junit.jupiter.api.Test;

/** What is wrong with a tensor is found before a model is made of it. */
class WeightCheckTest {
    private static WeightCheck check(String tensor, int row, ChangedSource.Change change) {
        return WeightCheck.of(Models.CONFIG, new ChangedSource(RandomModels.source(1), tensor, row, change));
    }

    @Test
    void soundWeights() {
        WeightCheck check = check("", 0, (column, value) -> value);
        assertThat(check.tensors()).hasSize(Gpt2Weights.tensors(Models.CONFIG).size());
        assertThat(check.notFinite()).isEmpty();
        assertThat(check.above(WeightCheck.MAX_FLOAT16)).isEmpty();
        assertThat(check.tensors()).allMatch(tensor -> tensor.largest() > 0);
    }

    @Test
    void theFirstValueThatIsNotFinite() {
        WeightCheck check =
                check("wte.weight", 4, (column, value) -> column == 2 ? Float.NaN : column == 5 ? -1 / 0f : value);
        assertThat(check.notFinite()).singleElement().satisfies(tensor -> {
            assertThat(tensor.name()).isEqualTo("wte.weight");
            assertThat(tensor.notFinite()).isEqualTo(2);
            assertThat(tensor.first()).isEqualTo(new WeightCheck.MatrixEntry(4, 2, Float.NaN));
            assertThat(tensor.largest()).isFinite();
        });
    }

    @Test
    void whatANarrowerTypeCannotHold() {
        WeightCheck check = check("h.1.mlp.c_fc.bias", 0, (column, value) -> column == 7 ? -65_520 : value);
        assertThat(check.above(WeightCheck.MAX_FLOAT16))
                .extracting(WeightCheck.CheckedTensor::name)
                .containsExactly("h.1.mlp.c_fc.bias");
        assertThat(check.above(WeightCheck.MAX_BFLOAT16)).isEmpty();
        assertThat(check.notFinite()).isEmpty();
        WeightCheck huge = check("ln_f.bias", 0, (column, value) -> Float.MAX_VALUE);
        assertThat(huge.above(WeightCheck.MAX_BFLOAT16)).hasSize(1);
    }
}
