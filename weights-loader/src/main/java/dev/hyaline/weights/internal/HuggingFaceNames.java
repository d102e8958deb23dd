package dev.hyaline.weights.internal;

import dev.hyaline.files.Printable;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;

/** Tensors as Hugging Face's {@code GPT2LMHeadModel} names them, with {@code transformer.} in front or without. */
public final class HuggingFaceNames {
    private static final String PREFIX = "transformer.";

    private HuggingFaceNames() {}

    /** The tensors of a file under their names without the prefix; no name may occur both with and without it. */
    public static ModelTensors of(StateDict dict) {
        Map<String, Parameter> found = new LinkedHashMap<>();
        for (TensorView tensor : dict.tensors()) {
            Parameter other = found.putIfAbsent(bare(tensor.name()), tensor);
            if (other != null) {
                throw tensor.bad("one tensor of that name", Printable.plain(other.name()) + " as well");
            }
        }
        boolean prefixed =
                dict.tensors().stream().anyMatch(tensor -> tensor.name().startsWith(PREFIX));
        return ModelTensors.of(
                dict.label(), found, prefixed ? HuggingFaceNames::prefixed : UnaryOperator.identity(), dict.bytes());
    }

    private static String bare(String name) {
        return name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
    }

    /** The name as current libraries write it; the unembedding has no prefix. */
    public static String prefixed(String bare) {
        return bare.equals(ModelTensors.UNEMBEDDING) ? bare : PREFIX + bare;
    }
}
