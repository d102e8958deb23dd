package dev.hyaline.files;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Records print the first of their values, and say how many there are. */
public final class RecordTextTest {
    /** Of every kind that is printed in a way of its own. */
    public record Held(
            int[] few,
            double[] many,
            float[][] rows,
            List<Integer> list,
            Map<String, int[]> map,
            float number,
            @Nullable String none,
            String text) {}

    @Test
    void printsTheFirstValuesAndTheirNumber() {
        Held held = new Held(
                new int[] {3, -1},
                new double[] {1.0 / 3, 2, Double.NaN, 1e-9, 5, 6},
                new float[][] {{0.1f, 0.2f}, {}},
                IntStream.range(0, 1000).boxed().toList(),
                Map.of("a", new int[] {7}),
                2f / 3,
                null,
                "a\tb");
        assertThat(RecordText.of(held))
                .isEqualTo("Held[few=[3, -1], many=[0.33333, 2.0, NaN, 1.0E-9, ... of 6], rows=[[0.1, 0.2], []],"
                        + " list=[0, 1, 2, 3, ... of 1000], map=[a=[7]], number=0.66667, none=null, text=a\\u0009b]");
    }

    @Test
    void cutsLongText() {
        Held held =
                new Held(new int[0], new double[0], new float[0][], List.of(), Map.of(), 0, null, "x".repeat(10_000));
        assertThat(RecordText.of(held)).hasSizeLessThan(300).contains("few=[]");
    }
}
