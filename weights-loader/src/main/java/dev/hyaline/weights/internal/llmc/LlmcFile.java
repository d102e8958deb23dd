package dev.hyaline.weights.internal.llmc;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Dtype;
import dev.hyaline.weights.internal.ByteCursor;
import dev.hyaline.weights.internal.Folder;
import dev.hyaline.weights.internal.HuggingFaceNames;
import dev.hyaline.weights.internal.MappedFile;
import dev.hyaline.weights.internal.ModelTensors;
import dev.hyaline.weights.internal.OpenedModel;
import dev.hyaline.weights.internal.Parameter;
import dev.hyaline.weights.internal.TensorView;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A checkpoint of llm.c, versions 3 (float32) and 5 (bfloat16): 256 integers, then the tensors in a fixed order, each
 * kind for all layers together, matrices as {@code [out, in]}. The embedding's rows are padded to a round number; the
 * padding is left out.
 *
 * @see <a href="https://github.com/karpathy/llm.c/blob/master/train_gpt2.py">write_model in train_gpt2.py</a>
 */
public final class LlmcFile {
    private static final int HEADER_INTS = 256;
    private static final int FLOAT32 = 3;
    private static final int BFLOAT16 = 5;
    private static final float EPS = 1e-5f;

    private final MappedFile file;
    private final Gpt2Config config;
    private final Dtype dtype;
    private final ByteCursor cursor;
    private final Map<String, Parameter> tensors = new LinkedHashMap<>();

    private LlmcFile(MappedFile file, Gpt2Config config, Dtype dtype, ByteCursor cursor) {
        this.file = file;
        this.config = config;
        this.dtype = dtype;
        this.cursor = cursor;
    }

    /** Opens a file that begins as llm.c's do. */
    public static OpenedModel open(Folder folder, String name, Arena arena) {
        MappedFile file = MappedFile.open(folder, name, arena);
        ByteCursor cursor = new ByteCursor(file.label(), file.bytes());
        cursor.skip(Integer.BYTES);
        int version = cursor.i32();
        if (version != FLOAT32 && version != BFLOAT16) {
            throw file.bad("an llm.c checkpoint of version 3 (float32) or 5 (bfloat16)", "version " + version);
        }
        int positions = size(file, "max_seq_len", cursor);
        int vocabulary = size(file, "vocab_size", cursor);
        int layers = size(file, "num_layers", cursor);
        int heads = size(file, "num_heads", cursor);
        int width = size(file, "channels", cursor);
        int padded = size(file, "padded_vocab_size", cursor);
        if (padded < vocabulary) {
            throw file.bad("a padded vocabulary of at least " + vocabulary + " tokens", padded + " tokens");
        }
        Dtype dtype = version == FLOAT32 ? Dtype.F32 : Dtype.BF16;
        Gpt2Config config = config(file, layers, heads, width, positions, vocabulary);
        // Checked before the product, which could overflow: a layer has more than the square of its width.
        if (layers > file.size() / width / width) {
            throw file.bad("a file that holds " + layers + " layers of width " + width, file.size() + " bytes");
        }
        long elements = config.parameters() + (long) (padded - vocabulary) * width;
        long expected = (long) Integer.BYTES * HEADER_INTS + elements * (dtype.bits() / Byte.SIZE);
        if (file.size() != expected) {
            throw file.bad(expected + " bytes, as its header says", file.size() + " bytes");
        }
        cursor.at((long) Integer.BYTES * HEADER_INTS);
        LlmcFile opened = new LlmcFile(file, config, dtype, cursor);
        opened.takeAll(padded);
        ModelTensors tensors = ModelTensors.of(file.label(), opened.tensors, HuggingFaceNames::prefixed, file.size());
        return OpenedModel.of(config, ModelTokens.UNKNOWN, List.of(name), tensors);
    }

    private static int size(MappedFile file, String what, ByteCursor cursor) {
        int value = cursor.i32();
        if (value < 1) {
            throw file.bad("a " + what + " of at least 1", String.valueOf(value));
        }
        return value;
    }

    private static Gpt2Config config(MappedFile file, int layers, int heads, int width, int positions, int vocabulary) {
        try {
            return new Gpt2Config(
                    layers,
                    heads,
                    width,
                    Math.multiplyExact(4, width),
                    positions,
                    vocabulary,
                    EPS,
                    ActivationFunction.GELU_NEW,
                    true,
                    false,
                    true);
        } catch (BadInputException | ArithmeticException e) {
            throw BadCheckpointException.file(file.label(), "the header of a GPT-2", "one where " + e.getMessage(), e);
        }
    }

    private void takeAll(int padded) {
        long d = config.dModel();
        long m = config.dMlp();
        tensors.put("wte.weight", take("wte.weight", (long) padded, d).firstRows(config.dVocab()));
        tensors.put("wpe.weight", take("wpe.weight", (long) config.nCtx(), d));
        ofEachLayer("ln_1.weight", d);
        ofEachLayer("ln_1.bias", d);
        ofEachLayer("attn.c_attn.weight", 3 * d, d);
        ofEachLayer("attn.c_attn.bias", 3 * d);
        ofEachLayer("attn.c_proj.weight", d, d);
        ofEachLayer("attn.c_proj.bias", d);
        ofEachLayer("ln_2.weight", d);
        ofEachLayer("ln_2.bias", d);
        ofEachLayer("mlp.c_fc.weight", m, d);
        ofEachLayer("mlp.c_fc.bias", m);
        ofEachLayer("mlp.c_proj.weight", d, m);
        ofEachLayer("mlp.c_proj.bias", d);
        tensors.put("ln_f.weight", take("ln_f.weight", d));
        tensors.put("ln_f.bias", take("ln_f.bias", d));
    }

    private void ofEachLayer(String name, Long... shape) {
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String full = "h." + layer + "." + name;
            // Matrices are [out, in] and must be transposed.
            tensors.put(full, take(full, shape).transposed());
        }
    }

    private TensorView take(String name, Long... shape) {
        List<Long> sizes = List.of(shape);
        long elements = sizes.stream().reduce(1L, Math::multiplyExact);
        return TensorView.dense(
                file.label(),
                HuggingFaceNames.prefixed(name),
                dtype,
                sizes,
                cursor.slice(elements * (dtype.bits() / Byte.SIZE)));
    }
}
