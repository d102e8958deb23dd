package dev.hyaline.instrument.check;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.files.RecordText;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The values of a model's tensors as they are in a file, before a model is made of them, which refuses what is not
 * finite.
 *
 * @param tensors in the order of {@link Gpt2Weights#tensors}
 */
public record WeightCheck(List<CheckedTensor> tensors) {
    /** The largest finite float16. */
    public static final float MAX_FLOAT16 = 65_504;

    /** The largest finite bfloat16. */
    public static final float MAX_BFLOAT16 = 3.3895314e38f;

    private static final int VALUES_AT_ONCE = 1 << 20;

    public WeightCheck {
        tensors = List.copyOf(tensors);
    }

    /**
     * One tensor.
     *
     * @param notFinite number of values that are infinite or not a number
     * @param first the first of them; null if there is none
     * @param largest absolute value of the finite ones
     */
    public record CheckedTensor(
            String name, long notFinite, @Nullable MatrixEntry first, float largest) {}

    /** A value in a tensor; a vector is one row. */
    public record MatrixEntry(int row, int column, float value) {}

    /** Reads every tensor. */
    public static WeightCheck of(Gpt2Config config, TensorSource source) {
        return new WeightCheck(Gpt2Weights.tensors(config).stream()
                .map(tensor -> check(tensor, source))
                .toList());
    }

    private static CheckedTensor check(TensorSpec tensor, TensorSource source) {
        int columns = tensor.columns();
        int rowsAtOnce = Math.max(1, VALUES_AT_ONCE / columns);
        List<MatrixEntry> bad = new ArrayList<>();
        long count = 0;
        float largest = 0;
        for (int row = 0; row < tensor.rows(); row += rowsAtOnce) {
            int rows = Math.min(rowsAtOnce, tensor.rows() - row);
            float[] values = new float[rows * columns];
            source.read(tensor, row, rows, values, 0);
            for (int i = 0; i < values.length; i++) {
                if (Float.isFinite(values[i])) {
                    largest = Math.max(largest, Math.abs(values[i]));
                } else {
                    count++;
                    if (bad.isEmpty()) {
                        bad.add(new MatrixEntry(row + i / columns, i % columns, values[i]));
                    }
                }
            }
        }
        return new CheckedTensor(tensor.name(), count, bad.isEmpty() ? null : bad.getFirst(), largest);
    }

    /** The tensors that hold a value which is not finite. */
    public List<CheckedTensor> notFinite() {
        return tensors.stream().filter(tensor -> tensor.notFinite > 0).toList();
    }

    /** The tensors with a finite value whose absolute value is above a bound, as of a narrower type. */
    public List<CheckedTensor> above(float bound) {
        return tensors.stream().filter(tensor -> tensor.largest > bound).toList();
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
