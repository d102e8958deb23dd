package dev.hyaline.weights.internal.gguf;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.weights.internal.Folder;
import dev.hyaline.weights.internal.MappedFile;
import dev.hyaline.weights.internal.ModelTensors;
import dev.hyaline.weights.internal.OpenedModel;
import dev.hyaline.weights.internal.Parameter;
import dev.hyaline.weights.internal.TensorView;
import dev.hyaline.weights.internal.tokens.TokenizerSource;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A GPT-2 in a GGUF file, with ggml's names and matrices as {@code [out, in]}, which llama.cpp's converter makes.
 * Blocks of quantised values are widened as they are read.
 */
public final class GgufModel {
    private static final String ARCHITECTURE = "general.architecture";
    private static final int MAX_SIZE = Integer.MAX_VALUE;

    private static final Pattern OF_BLOCK = Pattern.compile("blk\\.(0|[1-9]\\d{0,5})\\.(\\w+)\\.(weight|bias)");

    /** A block's parts, from ggml's names to GPT-2's. */
    private static final Map<String, String> PARTS = Map.of(
            "attn_norm", "ln_1",
            "attn_qkv", "attn.c_attn",
            "attn_output", "attn.c_proj",
            "ffn_norm", "ln_2",
            "ffn_up", "mlp.c_fc",
            "ffn_down", "mlp.c_proj");

    private static final Map<String, String> OTHERS = Map.of(
            "token_embd.weight", ModelTensors.EMBEDDING,
            "position_embd.weight", "wpe.weight",
            "output_norm.weight", "ln_f.weight",
            "output_norm.bias", "ln_f.bias",
            "output.weight", ModelTensors.UNEMBEDDING);

    private final GgufFile file;
    private final ModelTensors tensors;

    private GgufModel(GgufFile file) {
        this.file = file;
        this.tensors = translate(file);
    }

    /** Opens a file that begins as GGUF files do. */
    public static OpenedModel open(Folder folder, String name, Arena arena) {
        GgufFile file = new GgufFile(MappedFile.open(folder, name, arena));
        GgufValue architecture = file.require(ARCHITECTURE);
        if (!architecture.text().equals("gpt2")) {
            throw architecture.expected("\"gpt2\"");
        }
        GgufModel model = new GgufModel(file);
        return new OpenedModel(
                model.config(),
                GgufTokenizer.modelTokens(file),
                List.of(name),
                model.tensors,
                tokenizer(file).orElse(null));
    }

    private static Optional<TokenizerSource> tokenizer(GgufFile file) {
        return file.get("tokenizer.ggml.tokens").map(tokens -> new GgufTokenizer(file));
    }

    private static ModelTensors translate(GgufFile file) {
        Map<String, Parameter> found = new LinkedHashMap<>();
        file.tensors().forEach((name, tensor) -> {
            String theirs = translated(name);
            TensorView view = theirs.endsWith(".weight") && theirs.startsWith("h.") ? tensor.transposed() : tensor;
            Parameter other = found.putIfAbsent(theirs, view);
            if (other != null) {
                throw tensor.bad("one tensor that is GPT-2's " + theirs, other.name() + " as well");
            }
        });
        return ModelTensors.of(
                file.file().label(), found, GgufModel::spelled, file.file().size());
    }

    private static String translated(String name) {
        Matcher ofBlock = OF_BLOCK.matcher(name);
        if (ofBlock.matches() && PARTS.containsKey(ofBlock.group(2))) {
            return "h." + ofBlock.group(1) + "." + PARTS.get(ofBlock.group(2)) + "." + ofBlock.group(3);
        }
        return OTHERS.getOrDefault(name, name);
    }

    /** ggml's name of one of GPT-2's tensors. */
    private static String spelled(String name) {
        for (Map.Entry<String, String> other : OTHERS.entrySet()) {
            if (other.getValue().equals(name)) {
                return other.getKey();
            }
        }
        String spelled = name.replaceFirst("^h\\.", "blk.");
        for (Map.Entry<String, String> part : PARTS.entrySet()) {
            spelled = spelled.replace("." + part.getValue() + ".", "." + part.getKey() + ".");
        }
        return spelled;
    }

    private Gpt2Config config() {
        int width = size("embedding_length");
        try {
            return new Gpt2Config(
                    size("block_count"),
                    size("attention.head_count"),
                    width,
                    file.get("gpt2.feed_forward_length")
                            .map(value -> value.integer(1, MAX_SIZE))
                            .orElse((int) Math.min(4L * width, MAX_SIZE)),
                    size("context_length"),
                    tensors.size(ModelTensors.EMBEDDING, 0),
                    (float) file.require("gpt2.attention.layer_norm_epsilon").number(),
                    ActivationFunction.GELU_NEW,
                    true,
                    false,
                    tensors.tied());
        } catch (BadInputException e) {
            throw BadCheckpointException.file(
                    file.file().label(), "the metadata of a GPT-2", "one where " + e.getMessage(), e);
        }
    }

    private int size(String key) {
        return file.require("gpt2." + key).integer(1, MAX_SIZE);
    }
}
