package dev.hyaline.weights.internal.torch;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.ConfigKeys;
import dev.hyaline.weights.internal.Filled;
import dev.hyaline.weights.internal.HuggingFaceNames;
import dev.hyaline.weights.internal.ModelTensors;
import dev.hyaline.weights.internal.OpenedModel;
import dev.hyaline.weights.internal.Parameter;
import dev.hyaline.weights.internal.StateDict;
import dev.hyaline.weights.internal.TensorView;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * A checkpoint of nanoGPT's {@code train.py}: the model's arguments beside a state dictionary whose matrices are
 * {@code [out, in]} and whose names {@code torch.compile} has put {@code _orig_mod.} before. A model made without
 * biases has zeros there. The activation function is the exact GELU, as {@code model.py} has had it since June 2023.
 *
 * @see <a href="https://github.com/karpathy/nanoGPT/blob/master/train.py">the dictionary that is saved</a>
 */
public final class NanoGpt {
    private static final String ARGUMENTS = "model_args";
    private static final String MODEL = "model";
    private static final float EPS = 1e-5f;

    private static final Pattern LINEAR =
            Pattern.compile("h\\.\\d+\\.(attn\\.c_attn|attn\\.c_proj|mlp\\.c_fc|mlp\\.c_proj)\\.weight");

    private final TorchFile file;
    private final Map<?, ?> arguments;

    private NanoGpt(TorchFile file, Map<?, ?> arguments) {
        this.file = file;
        this.arguments = arguments;
    }

    /** Returns whether a file is such a checkpoint. */
    public static boolean is(TorchFile file) {
        return file.get(ARGUMENTS) instanceof Map<?, ?> && file.get(MODEL) instanceof Map<?, ?>;
    }

    /** Opens a file for which {@link #is} is true. */
    public static OpenedModel open(TorchFile file) {
        if (!(file.get(ARGUMENTS) instanceof Map<?, ?> arguments) || !(file.get(MODEL) instanceof Map<?, ?> model)) {
            throw file.file().bad("a nanoGPT checkpoint", "another dictionary");
        }
        return new NanoGpt(file, arguments).open(file.stateDict(model));
    }

    private OpenedModel open(StateDict dict) {
        ModelTensors named = HuggingFaceNames.of(dict.unwrapped());
        int width = argument(ConfigKeys.WIDTH);
        Map<String, Parameter> tensors = new LinkedHashMap<>();
        named.tensors().forEach((name, tensor) -> {
            boolean linear = LINEAR.matcher(name).matches();
            tensors.put(name, linear && tensor instanceof TensorView view ? view.transposed() : tensor);
        });
        if (!withBias()) {
            addZeros(tensors, named, width);
        }
        ModelTensors complete = ModelTensors.of(named.label(), tensors, HuggingFaceNames::prefixed, named.bytes());
        return OpenedModel.of(config(width, complete.tied()), ModelTokens.UNKNOWN, dict.files(), complete);
    }

    /** Adds zeros for each bias of GPT-2 that is absent here. */
    private void addZeros(Map<String, Parameter> tensors, ModelTensors named, int width) {
        named.tensors().keySet().stream()
                .filter(name -> LINEAR.matcher(name).matches() || name.matches("(h\\.\\d+\\.ln_[12]|ln_f)\\.weight"))
                .map(name -> name.replaceFirst("weight$", "bias"))
                .forEach(name -> tensors.putIfAbsent(name, zeros(name, width)));
    }

    private Filled zeros(String name, int width) {
        long factor = name.endsWith("c_attn.bias") ? 3 : name.endsWith("c_fc.bias") ? 4 : 1;
        return new Filled(file.file().label(), HuggingFaceNames.prefixed(name), List.of(factor * width), 0);
    }

    private Gpt2Config config(int width, boolean tied) {
        try {
            return new Gpt2Config(
                    argument(ConfigKeys.LAYERS),
                    argument(ConfigKeys.HEADS),
                    width,
                    Math.multiplyExact(4, width),
                    argument("block_size"),
                    argument(ConfigKeys.VOCABULARY),
                    EPS,
                    ActivationFunction.GELU,
                    true,
                    false,
                    tied);
        } catch (BadInputException | ArithmeticException e) {
            throw BadCheckpointException.file(
                    file.file().label(), "model_args of a GPT-2", "ones where " + e.getMessage(), e);
        }
    }

    private boolean withBias() {
        Object bias = arguments.get("bias");
        if (bias == null) {
            return true; // Before the choice was there.
        }
        if (bias instanceof Boolean chosen) {
            return chosen;
        }
        throw file.file().bad("model_args.bias to be a truth value", Pickled.kindOf(bias));
    }

    private int argument(String name) {
        if (arguments.get(name) instanceof Long value && value > 0 && value <= Integer.MAX_VALUE) {
            return value.intValue();
        }
        Object found = arguments.get(name);
        throw file.file()
                .bad(
                        "model_args." + name + " to be a whole number from 1 to 2^31 - 1",
                        found instanceof Long value ? value.toString() : Pickled.kindOf(found));
    }
}
