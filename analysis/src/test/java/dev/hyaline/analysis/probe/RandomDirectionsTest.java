package dev.hyaline.analysis.probe;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.table.Axis;
import dev.hyaline.analysis.table.ResultTable;
import dev.hyaline.engine.error.BadInputException;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** The rule by which a model uses a direction. */
class RandomDirectionsTest {
    @Test
    void theShareCountsTheDirectionItself() {
        double[] random = IntStream.range(0, 39).asDoubleStream().toArray();
        assertThat(RandomDirections.asMuch(100, random)).isEqualTo(1 / 40.0);
        assertThat(RandomDirections.asMuch(38, random)).isEqualTo(2 / 40.0);
        assertThat(RandomDirections.asMuch(37.5, random)).isEqualTo(2 / 40.0);
        assertThat(RandomDirections.asMuch(-1, random)).isEqualTo(1);
        assertThat(RandomDirections.asMuch(Double.NaN, random)).isEqualTo(1);
    }

    private static ResultTable table(double effect, double reference) {
        double[] values =
                IntStream.range(0, 12).mapToDouble(i -> effect + 0.01 * i).toArray();
        double[] with = new double[12];
        Arrays.fill(with, reference);
        return ResultTable.of(
                        "fall",
                        "fall",
                        "logits",
                        List.of(new Axis("edit", List.of("ablate"))),
                        IntStream.range(0, 12).mapToObj(String::valueOf).toList(),
                        values)
                .comparedWith("random directions", with);
    }

    /** Neither of the two conditions is enough: prompts must agree, and few random directions do as much. */
    @Test
    void anEditCountsOnlyIfBothConditionsHold() {
        assertThat(RandomDirections.isUsed(table(2, 0.5), 0, 0.05)).isTrue();
        assertThat(RandomDirections.isUsed(table(2, 0.5), 0, 0.075)).isFalse();
        assertThat(RandomDirections.isUsed(table(0.4, 0.5), 0, 0.05)).isFalse();
        assertThat(RandomDirections.isUsed(table(0.1, 0.5), 0, 0.025)).isFalse();
        assertThatThrownBy(() -> RandomDirections.isUsed(table(2, 0.5), 1, 0.05))
                .isInstanceOf(BadInputException.class);
    }

    /** With the least number none may do as much, with the usual one may. */
    @Test
    void theNumberOfRandomDirectionsIsBounded() {
        assertThat(1.0 / (RandomDirections.MIN_COUNT + 1)).isLessThanOrEqualTo(RandomDirections.AS_MUCH);
        assertThat(1.0 / RandomDirections.MIN_COUNT).isGreaterThan(RandomDirections.AS_MUCH);
        assertThat(2.0 / (RandomDirections.COUNT + 1)).isLessThanOrEqualTo(RandomDirections.AS_MUCH);
        assertThat(RandomDirections.require(19)).isEqualTo(19);
        assertThatThrownBy(() -> RandomDirections.require(18))
                .isInstanceOf(BadInputException.class)
                .hasMessage("an edited direction is compared with 19 to 1000 random ones, found 18");
        assertThatThrownBy(() -> RandomDirections.require(1001)).isInstanceOf(BadInputException.class);
    }
}
