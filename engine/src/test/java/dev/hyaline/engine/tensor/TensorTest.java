package dev.hyaline.engine.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;

final class TensorTest {
    /** Values {@code 100 i + 10 j + k} at {@code [i, j, k]}. */
    private static Tensor counting(int... shape) {
        float[] values = new float[shape[0] * shape[1] * shape[2]];
        int next = 0;
        for (int i = 0; i < shape[0]; i++) {
            for (int j = 0; j < shape[1]; j++) {
                for (int k = 0; k < shape[2]; k++) {
                    values[next++] = 100 * i + 10 * j + k;
                }
            }
        }
        return Tensor.view("counts", List.of("i", "j", "k"), List.of(shape[0], shape[1], shape[2]), values);
    }

    @Test
    void theJavadocsExample() {
        float[] values = new float[8 * 15 * 15];
        values[(5 * 15 + 14) * 15] = 0.25f;
        // @start region="pattern"
        Tensor pattern =
                Tensor.view("blocks.2.attn.hook_pattern", List.of("head", "query", "key"), List.of(8, 15, 15), values);
        double toFirst = pattern.get(5, -1, 0); // what head 5 at the last token takes from the first
        Tensor head = pattern.at(5); // [query 15, key 15]
        // @end
        assertThat(toFirst).isEqualTo(0.25);
        assertThat(head.shape()).containsExactly(15, 15);
    }

    @Test
    void readsValuesBySignedIndices() {
        Tensor tensor = counting(2, 3, 4);
        assertThat(tensor.get(1, 2, 3)).isEqualTo(123);
        assertThat(tensor.get(-1, -1, -1)).isEqualTo(123);
        assertThat(tensor.get(-2, 0, -3)).isEqualTo(1);
        assertThat(tensor.at(-1).get(0, 2)).isEqualTo(102);
        assertThat(tensor.at(1, 2).toArray()).containsExactly(120, 121, 122, 123);
        assertThat(tensor.at(1, 2).name()).isEqualTo("counts[1, 2]");
        assertThat(tensor.at(1).axes()).containsExactly("j", "k");
        assertThat(tensor.axis("k")).isEqualTo(2);
    }

    @Property
    void slicesAsPlainArraysDo(
            @ForAll @IntRange(min = 1, max = 4) int a,
            @ForAll @IntRange(min = 1, max = 4) int b,
            @ForAll @IntRange(min = 1, max = 4) int c,
            @ForAll @IntRange(min = -3, max = 2) int axis,
            @ForAll @IntRange(min = -6, max = 6) int from,
            @ForAll @IntRange(min = -6, max = 6) int to) {
        Tensor tensor = counting(a, b, c);
        Tensor sliced = tensor.slice(axis, from, to);
        int n = axis < 0 ? axis + 3 : axis;
        int length = tensor.shape().get(n);
        List<Integer> kept = IntStream.range(0, length)
                .filter(step -> step >= (from < 0 ? from + length : from) && step < (to < 0 ? to + length : to))
                .boxed()
                .toList();
        List<Double> expected = new ArrayList<>();
        int[] index = new int[3];
        for (index[0] = 0; index[0] < a; index[0]++) {
            for (index[1] = 0; index[1] < b; index[1]++) {
                for (index[2] = 0; index[2] < c; index[2]++) {
                    if (kept.contains(index[n])) {
                        expected.add(100.0 * index[0] + 10 * index[1] + index[2]);
                    }
                }
            }
        }
        assertThat(sliced.shape().get(n)).isEqualTo(kept.size());
        assertThat(Arrays.stream(sliced.toDoubleArray()).boxed().toList()).isEqualTo(expected);
        assertThat(sliced.size()).isEqualTo(expected.size());
        if (!kept.isEmpty()) {
            int[] last = {-1, -1, -1};
            assertThat(sliced.get(last)).isEqualTo(expected.getLast());
            assertThat(sliced.slice(n, 0, 1).size()).isEqualTo(expected.size() / kept.size());
        }
    }

    @Property
    void negativeIndicesCountFromTheEnd(
            @ForAll @IntRange(min = 1, max = 5) int a,
            @ForAll @IntRange(min = 1, max = 5) int b,
            @ForAll @IntRange(min = -7, max = 7) int i,
            @ForAll @IntRange(min = -7, max = 7) int j) {
        Tensor tensor = counting(a, b, 1);
        int row = i < 0 ? i + a : i;
        int column = j < 0 ? j + b : j;
        if (row < 0 || row >= a || column < 0 || column >= b) {
            assertThatThrownBy(() -> tensor.get(i, j, 0)).isInstanceOf(BadInputException.class);
        } else {
            assertThat(tensor.get(i, j, 0)).isEqualTo(100 * row + 10 * column);
            assertThat(tensor.at(i).at(j).get(-1)).isEqualTo(100 * row + 10 * column);
        }
    }

    @Property
    void theLargestAreThoseOfASort(
            @ForAll @IntRange(min = 1, max = 30) int n, @ForAll @IntRange(min = 1, max = 35) int k) {
        Random random = new Random(n * 100L + k);
        double[] values = random.ints(n, 0, 6).asDoubleStream().toArray();
        List<Integer> sorted = IntStream.range(0, n)
                .boxed()
                .sorted((x, y) -> values[x] == values[y] ? x - y : Double.compare(values[y], values[x]))
                .limit(k)
                .toList();
        Tensor tensor = Tensor.view("t", List.of("i"), List.of(n), values);
        assertThat(tensor.topK(k))
                .extracting(element -> element.index().getFirst())
                .isEqualTo(sorted);
        assertThat(tensor.argmax()).containsExactly(sorted.getFirst());
    }

    @Test
    void computesLittle() {
        Tensor tensor = Tensor.view("t", List.of("i", "j"), List.of(2, 2), new float[] {0, (float) Math.log(3), 5, 5});
        assertThat(tensor.softmax().toDoubleArray()).containsExactly(new double[] {0.25, 0.75, 0.5, 0.5}, within(1e-7));
        assertThat(counting(2, 3, 4).mean()).isEqualTo(50 + 10 + 1.5);
        assertThat(counting(2, 3, 4).mean(1).toDoubleArray()).containsExactly(10, 11, 12, 13, 110, 111, 112, 113);
        assertThat(counting(2, 3, 4).mean(-1).axes()).containsExactly("i", "j");
        Tensor withNaN = Tensor.view("t", List.of("i"), List.of(3), new double[] {Double.NaN, -2, -1});
        assertThat(withNaN.argmax()).containsExactly(2);
        assertThat(withNaN.topK(3)).hasSize(2);
        assertThat(withNaN.topK(1)).hasToString("[[2]: -1.0]");
    }

    @Test
    void saysWhatIsWrong() {
        Tensor tensor = counting(2, 3, 4);
        assertThatThrownBy(() -> tensor.get(0, 3, 0))
                .isInstanceOf(BadInputException.class)
                .hasMessage("counts has no j 3: they run from 0 to 2");
        assertThatThrownBy(() -> tensor.get(0, 1))
                .isInstanceOf(BadInputException.class)
                .hasMessage("counts has the axes [i 2, j 3, k 4]: a value needs an index on each, found [0, 1]");
        assertThatThrownBy(() -> tensor.at(0, 1, 2)).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> tensor.axis("head"))
                .isInstanceOf(BadInputException.class)
                .hasMessage("counts has no axis head; its axes are [i 2, j 3, k 4]");
        assertThatThrownBy(() -> tensor.mean(3)).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> tensor.mean(0).toArray())
                .isInstanceOf(BadInputException.class)
                .hasMessage("mean of counts holds values of double precision; toDoubleArray() copies them");
        assertThatThrownBy(() -> Tensor.view("t", List.of("i"), List.of(3), new float[2]))
                .isInstanceOf(BadShapeException.class);
        assertThatThrownBy(() -> tensor.slice(0, 2, 1).argmax())
                .isInstanceOf(BadInputException.class)
                .hasMessage("counts [i 0, j 3, k 4] holds no number");
    }

    @Test
    void printsNameShapeAndValues() {
        assertThat(counting(1, 2, 2)).hasToString("""
            counts [i 1, j 2, k 2] float32
            [[[ 0.  1.]
              [10. 11.]]]\
            """);
    }

    /** {@code str(array)} of NumPy 2.4.6, whose shapes, bits and text are in the file. */
    @Test
    void printsAsNumpyDoes() throws IOException {
        try (InputStream in = TensorTest.class.getResourceAsStream("numpy.txt")) {
            List<String> cases = List.of(new String(in.readAllBytes(), StandardCharsets.UTF_8).split("\n=====\n"));
            assertThat(cases).hasSizeGreaterThan(60);
            SoftAssertions all = new SoftAssertions();
            for (String text : cases) {
                String[] lines = text.split("\n", 3);
                String[] head = lines[0].split(" ", -1);
                List<Integer> shape =
                        Arrays.stream(head[1].split(",")).map(Integer::valueOf).toList();
                List<String> axes =
                        IntStream.range(0, shape.size()).mapToObj(i -> "a" + i).toList();
                String[] bits = lines[1].isEmpty() ? new String[0] : lines[1].split(" ");
                Tensor tensor;
                if (head[0].equals("float64")) {
                    double[] values = Arrays.stream(bits)
                            .mapToDouble(hex -> Double.longBitsToDouble(Long.parseUnsignedLong(hex, 16)))
                            .toArray();
                    tensor = Tensor.view("t", axes, shape, values);
                } else {
                    float[] values = new float[bits.length];
                    for (int i = 0; i < values.length; i++) {
                        values[i] = Float.intBitsToFloat(Integer.parseUnsignedInt(bits[i], 16));
                    }
                    tensor = Tensor.view("t", axes, shape, values);
                }
                all.assertThat(NumpyText.of(tensor)).as(lines[0]).isEqualTo(lines[2]);
            }
            all.assertAll();
        }
    }
}
