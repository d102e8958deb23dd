package dev.hyaline.weights.internal;

import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.files.MappedMemory;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * The tensors of a checkpoint's files, under GPT-2's names and in its layout, not yet compared with a configuration.
 *
 * @param label of the checkpoint in errors: the only file, or the index of the shards
 * @param tensors by Hugging Face's names without {@code transformer.}
 * @param spelling from such a name to the one that the tensor would have in these files, for those that are missing
 * @param unembeddingBias a bias of the logits, if there is one; GPT-2 itself has none
 * @param bytes of all the files; a model that needs more memory than that has been made up
 */
public record ModelTensors(
        String label,
        Map<String, Parameter> tensors,
        UnaryOperator<String> spelling,
        @Nullable Parameter unembeddingBias,
        long bytes) {
    public static final String EMBEDDING = "wte.weight";
    public static final String UNEMBEDDING = "lm_head.weight";

    private static final int CHUNK = 1 << 17;

    /** A model without a bias of the logits. */
    public static ModelTensors of(
            String label, Map<String, Parameter> tensors, UnaryOperator<String> spelling, long bytes) {
        return new ModelTensors(label, tensors, spelling, null, bytes);
    }

    /**
     * Returns whether the unembedding is the embedding, being absent or having the same bits; used if no configuration
     * says.
     */
    public boolean tied() {
        Parameter unembedding = tensors.get(UNEMBEDDING);
        Parameter embedding = tensors.get(EMBEDDING);
        return unembedding == null
                || (embedding != null
                        && isMatrix(embedding)
                        && embedding.shape().equals(unembedding.shape())
                        && embedding.storage().equals(unembedding.storage())
                        && firstDifference(embedding, unembedding) < 0);
    }

    private static boolean isMatrix(Parameter parameter) {
        List<Long> shape = parameter.shape();
        return shape.size() == 2
                && shape.stream().allMatch(size -> size > 0 && size < Integer.MAX_VALUE)
                && !parameter.storage().isEmpty();
    }

    /** The size of one of a tensor's dimensions. */
    public int size(String tensor, int dimension) {
        Parameter parameter = tensors.get(tensor);
        if (parameter == null) {
            throw BadCheckpointException.tensor(
                    label, spelling.apply(tensor), "a tensor of that name", "no such tensor");
        }
        if (dimension >= parameter.shape().size()) {
            throw parameter.bad("at least " + (dimension + 1) + " dimensions", parameter.shown());
        }
        long size = parameter.shape().get(dimension);
        if (size < 1 || size > Integer.MAX_VALUE) {
            throw parameter.bad("sizes from 1 to 2^31 - 1", parameter.shown());
        }
        return (int) size;
    }

    /** The number of layers that have a {@code ln_1.weight}, up to the first that lacks it. */
    public int layers() {
        int layer = 0;
        while (tensors.containsKey("h." + layer + ".ln_1.weight")) {
            layer++;
        }
        return layer;
    }

    /** The index of the first value whose bits differ in two matrices of one shape, row by row; -1 if there is none. */
    static long firstDifference(Parameter one, Parameter other) {
        if (one instanceof TensorView a && other instanceof TensorView b && a.isSamePlace(b)) {
            return -1;
        }
        int rows = Math.toIntExact(one.shape().getFirst());
        int columns = Math.toIntExact(one.shape().getLast());
        int atOnce = Math.max(1, CHUNK / columns);
        float[] left = new float[Math.min(atOnce, rows) * columns];
        float[] right = new float[left.length];
        for (int row = 0; row < rows; row += atOnce) {
            int count = Math.min(atOnce, rows - row);
            read(one, row, count, left);
            read(other, row, count, right);
            int differs = Arrays.mismatch(left, 0, count * columns, right, 0, count * columns);
            if (differs >= 0) {
                return (long) row * columns + differs;
            }
        }
        one.unload();
        other.unload();
        return -1;
    }

    private static void read(Parameter from, int row, int count, float[] into) {
        try {
            from.read(row, count, into, 0, Math.toIntExact(from.shape().getLast()));
            MappedMemory.requireWhole();
        } catch (InternalError e) {
            throw MappedFile.cutShort(from.file(), e);
        }
    }
}
