package dev.hyaline.weights.internal;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The state dictionary of a TransformerLens {@code HookedTransformer}: heads separate, {@code W_Q [heads, dModel,
 * dHead]}. If the LayerNorms have been folded into the weights, their gains and biases are missing and are taken as
 * ones and zeros.
 */
final class TransformerLensNames {
    private static final Pattern OF_BLOCK = Pattern.compile("blocks\\.(0|[1-9]\\d{0,5})\\.(.+)");
    private static final Set<String> CONSTANTS = Set.of("attn.mask", "attn.IGNORE");

    private static final int MAX_HEADS = 4096;

    /** The bytes that the smallest head counts for. */
    private static final int MIN_HEAD_BYTES = 32;

    private final StateDict dict;
    private final boolean folded;
    private final Map<String, TensorView> left = new LinkedHashMap<>();
    private final Map<String, Parameter> found = new LinkedHashMap<>();
    private long headBytes;

    private TransformerLensNames(StateDict dict) {
        this.dict = dict;
        dict.tensors().forEach(tensor -> left.put(tensor.name(), tensor));
        folded = left.keySet().stream().noneMatch(name -> name.matches("(blocks\\.\\d+\\.ln[12]|ln_final)\\.[wb]"));
    }

    /** Returns whether the names are TransformerLens's. */
    static boolean are(StateDict dict) {
        return dict.has("embed.W_E");
    }

    static ModelTensors of(StateDict dict) {
        return new TransformerLensNames(dict).translate();
    }

    /**
     * The configuration that follows from the shapes, with GPT-2's own arithmetic, for a file without a
     * {@code config.json}.
     */
    static Gpt2Config config(StateDict dict, ModelTensors tensors) {
        TensorView queries = dict.tensors().stream()
                .filter(tensor -> tensor.name().equals("blocks.0.attn.W_Q"))
                .findFirst()
                .orElseThrow(() -> BadCheckpointException.tensor(
                        dict.label(), "blocks.0.attn.W_Q", "a tensor of that name", "no such tensor"));
        try {
            return new Gpt2Config(
                    tensors.layers(),
                    Math.toIntExact(queries.shape().getFirst()),
                    tensors.size(ModelTensors.EMBEDDING, 1),
                    tensors.size("h.0.mlp.c_fc.weight", 1),
                    tensors.size("wpe.weight", 0),
                    tensors.size(ModelTensors.EMBEDDING, 0),
                    1e-5f,
                    ActivationFunction.GELU_NEW,
                    true,
                    false,
                    tensors.tied());
        } catch (BadInputException | ArithmeticException e) {
            throw BadCheckpointException.file(dict.label(), "the shapes of a GPT-2", "ones where " + e.getMessage(), e);
        }
    }

    private ModelTensors translate() {
        move("embed.W_E", "wte.weight");
        move("pos_embed.W_pos", "wpe.weight");
        for (int layer : layers()) {
            block("blocks." + layer + ".", "h." + layer + ".");
        }
        norm("ln_final", "ln_f");
        TensorView unembedding = left.remove("unembed.W_U");
        if (unembedding != null) {
            found.put(ModelTensors.UNEMBEDDING, unembedding.transposed());
        }
        Optional<Parameter> bias = unembeddingBias();
        left.keySet().removeIf(TransformerLensNames::isConstant);
        // Any other tensor is not part of a GPT-2, and is refused under its own name.
        left.forEach(found::putIfAbsent);
        return new ModelTensors(dict.label(), found, TransformerLensNames::spelled, bias.orElse(null), dict.bytes());
    }

    private List<Integer> layers() {
        Set<Integer> layers = new HashSet<>();
        for (String name : left.keySet()) {
            Matcher ofBlock = OF_BLOCK.matcher(name);
            if (ofBlock.matches()) {
                layers.add(Integer.parseInt(ofBlock.group(1)));
            }
        }
        return layers.stream().sorted().toList();
    }

    private void block(String from, String to) {
        norm(from + "ln1", to + "ln_1");
        List<TensorView> weights = new ArrayList<>();
        List<TensorView> biases = new ArrayList<>();
        for (String kind : List.of("Q", "K", "V")) {
            TensorView weight = left.remove(from + "attn.W_" + kind);
            TensorView bias = left.remove(from + "attn.b_" + kind);
            if (weight != null) {
                weights.addAll(heads(weight, 3));
            }
            if (bias != null) {
                biases.addAll(heads(bias, 2));
            }
        }
        join(weights, to + "attn.c_attn.weight");
        join(biases, to + "attn.c_attn.bias");
        TensorView output = left.remove(from + "attn.W_O");
        if (output != null) {
            requireDimensions(output, 3);
            found.put(to + "attn.c_proj.weight", output.flattened());
        }
        move(from + "attn.b_O", to + "attn.c_proj.bias");
        norm(from + "ln2", to + "ln_2");
        move(from + "mlp.W_in", to + "mlp.c_fc.weight");
        move(from + "mlp.b_in", to + "mlp.c_fc.bias");
        move(from + "mlp.W_out", to + "mlp.c_proj.weight");
        move(from + "mlp.b_out", to + "mlp.c_proj.bias");
    }

    private void join(List<TensorView> parts, String to) {
        if (!parts.isEmpty()) {
            found.put(to, new JoinedColumns(parts));
        }
    }

    private List<TensorView> heads(TensorView tensor, int dimensions) {
        requireDimensions(tensor, dimensions);
        // Checked before an object is made for each head: heads that share a storage could take any amount of memory.
        headBytes +=
                Math.max(tensor.storedBytes(), MIN_HEAD_BYTES * tensor.shape().getFirst());
        if (headBytes > dict.bytes()) {
            throw tensor.bad("heads that are together at most the file's " + dict.bytes() + " bytes", "more");
        }
        List<TensorView> heads = new ArrayList<>();
        for (long head = 0; head < tensor.shape().getFirst(); head++) {
            heads.add(tensor.part(head));
        }
        return heads;
    }

    private static void requireDimensions(TensorView tensor, int dimensions) {
        if (tensor.shape().size() != dimensions || tensor.shape().getFirst() > MAX_HEADS || tensor.elements() == 0) {
            throw tensor.bad(dimensions + " dimensions, the first of at most " + MAX_HEADS + " heads", tensor.shown());
        }
    }

    private void norm(String from, String to) {
        TensorView embedding = found.get("wte.weight") instanceof TensorView view ? view : null;
        if (folded && embedding != null && embedding.shape().size() == 2) {
            List<Long> width = List.of(embedding.shape().getLast());
            found.put(to + ".weight", new Filled(dict.label(), from + ".w", width, 1));
            found.put(to + ".bias", new Filled(dict.label(), from + ".b", width, 0));
        } else {
            move(from + ".w", to + ".weight");
            move(from + ".b", to + ".bias");
        }
    }

    private void move(String from, String to) {
        TensorView tensor = left.remove(from);
        if (tensor != null) {
            found.put(to, tensor);
        }
    }

    /** The bias of the logits, which GPT-2 lacks; it is zero unless the last LayerNorm's bias is folded into it. */
    private Optional<Parameter> unembeddingBias() {
        TensorView bias = left.remove("unembed.b_U");
        if (bias == null) {
            return Optional.empty();
        }
        if (bias.shape().size() != 1 || bias.storage().isEmpty() || bias.shape().getFirst() > Integer.MAX_VALUE - 8) {
            throw bias.bad("a vector of F32, F16 or BF16", bias.shown());
        }
        float[] values = new float[bias.shape().getFirst().intValue()];
        bias.read(0, 1, values, 0, values.length);
        for (float value : values) {
            if (value != 0) {
                return Optional.of(bias);
            }
        }
        return Optional.empty();
    }

    private static boolean isConstant(String name) {
        Matcher ofBlock = OF_BLOCK.matcher(name);
        return ofBlock.matches() && CONSTANTS.contains(ofBlock.group(2));
    }

    /** The name of one of GPT-2's tensors, the first of several. */
    private static String spelled(String name) {
        return switch (name) {
            case "wte.weight" -> "embed.W_E";
            case "wpe.weight" -> "pos_embed.W_pos";
            case "lm_head.weight" -> "unembed.W_U";
            default ->
                name.replaceFirst("^h\\.", "blocks.")
                        .replace("ln_f.", "ln_final.")
                        .replace("ln_1.", "ln1.")
                        .replace("ln_2.", "ln2.")
                        .replaceFirst("(ln\\w+)\\.weight$", "$1.w")
                        .replaceFirst("(ln\\w+)\\.bias$", "$1.b")
                        .replace("attn.c_attn.weight", "attn.W_Q")
                        .replace("attn.c_attn.bias", "attn.b_Q")
                        .replace("attn.c_proj.weight", "attn.W_O")
                        .replace("attn.c_proj.bias", "attn.b_O")
                        .replace("mlp.c_fc.weight", "mlp.W_in")
                        .replace("mlp.c_fc.bias", "mlp.b_in")
                        .replace("mlp.c_proj.weight", "mlp.W_out")
                        .replace("mlp.c_proj.bias", "mlp.b_out");
        };
    }
}
