package dev.hyaline.engine.config;

import java.util.Locale;

/** The non-linearity of the MLP, named as in a Hugging Face {@code config.json}. */
public enum ActivationFunction {
    /** {@code 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3)))}: GPT-2's own. */
    GELU_NEW,
    /** The same function as {@link #GELU_NEW} under the name of PyTorch's built-in. */
    GELU_PYTORCH_TANH,
    /** {@code x Phi(x)}, with the error function. */
    GELU,
    RELU,
    /** {@code x / (1 + exp(-x))}. */
    SILU,
    /** The hyperbolic tangent. */
    TANH;

    /** Its name in {@code config.json}, such as {@code gelu_new}. */
    public String configName() {
        return name().toLowerCase(Locale.ROOT);
    }
}
