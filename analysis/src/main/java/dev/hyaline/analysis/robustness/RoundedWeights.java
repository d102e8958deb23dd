package dev.hyaline.analysis.robustness;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;

/** Weights rounded to the nearest bfloat16, ties to even. */
record RoundedWeights(TensorSource source) implements TensorSource {
    static Gpt2Weights of(Gpt2Weights weights) {
        return Gpt2Weights.load(weights.config(), new RoundedWeights(weights));
    }

    @Override
    public String name() {
        return source.name() + " in bfloat16";
    }

    @Override
    public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
        source.read(tensor, firstRow, rows, out, offset);
        for (int i = offset; i < offset + rows * tensor.columns(); i++) {
            out[i] = rounded(out[i]);
        }
    }

    @Override
    public boolean hasUnembeddingBias() {
        return source.hasUnembeddingBias();
    }

    static float rounded(float value) {
        int bits = Float.floatToRawIntBits(value);
        int rounded = (bits + 0x7FFF + (bits >>> 16 & 1)) & 0xFFFF0000;
        float result = Float.intBitsToFloat(rounded);
        return Float.isFinite(result) ? result : value;
    }
}
