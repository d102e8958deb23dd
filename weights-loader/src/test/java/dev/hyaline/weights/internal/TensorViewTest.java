package dev.hyaline.weights.internal;

import static org.assertj.core.api.Assertions.assertThat;

import dev.hyaline.files.Dtype;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

class TensorViewTest {
    /** 0 to 23. */
    private static final MemorySegment COUNTED = counted();

    private static MemorySegment counted() {
        float[] values = new float[24];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        return MemorySegment.ofArray(values);
    }

    private static TensorView view(Long... shape) {
        return TensorView.dense("file", "w", Dtype.F32, List.of(shape), COUNTED);
    }

    private static float[] read(Parameter parameter, int firstRow, int rows) {
        int columns = parameter.shape().getLast().intValue();
        float[] out = new float[rows * columns];
        parameter.read(firstRow, rows, out, 0, columns);
        return out;
    }

    @Test
    void readsRowsAndTransposedRows() {
        assertThat(read(view(4L, 6L), 1, 2)).containsExactly(6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17);
        assertThat(read(view(4L, 6L).transposed(), 1, 2)).containsExactly(1, 7, 13, 19, 2, 8, 14, 20);
        assertThat(read(view(24L), 0, 1)).startsWith(0, 1, 2).hasSize(24);
    }

    @Test
    void readsPartsFirstRowsAndStridesOfNoParticularKind() {
        assertThat(read(view(2L, 3L, 4L).part(1), 2, 1)).containsExactly(20, 21, 22, 23);
        assertThat(read(view(2L, 3L, 4L).flattened(), 4, 1)).containsExactly(16, 17, 18, 19);
        assertThat(view(4L, 6L).firstRows(3).shape()).containsExactly(3L, 6L);
        TensorView spread = new TensorView("file", "w", Dtype.F32, List.of(2L, 3L), List.of(7L, 2L), 1, COUNTED);
        assertThat(read(spread, 0, 2)).containsExactly(1, 3, 5, 8, 10, 12);
    }

    @Test
    void joinsColumns() {
        JoinedColumns joined = new JoinedColumns(
                List.of(view(2L, 3L, 4L).part(0), view(2L, 3L, 4L).part(1)));
        assertThat(joined.shape()).containsExactly(3L, 8L);
        assertThat(read(joined, 1, 2)).containsExactly(4, 5, 6, 7, 16, 17, 18, 19, 8, 9, 10, 11, 20, 21, 22, 23);
    }

    @Test
    void fillsInWhatAFileLeavesOut() {
        Filled ones = new Filled("file", "b", List.of(3L), 1);
        float[] out = new float[5];
        ones.read(0, 1, out, 1, 3);
        assertThat(out).containsExactly(0, 1, 1, 1, 0);
        assertThat(ones.storedBytes()).isZero();
    }
}
