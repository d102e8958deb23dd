package dev.hyaline.engine;

import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;

/**
 * Small models with every parameter random, biases and gains too, so that no term of the arithmetic can hide behind a
 * zero.
 */
public final class RandomModels {
    /** Nothing divides by a vector. */
    public static final Gpt2Config ODD =
            new Gpt2Config(3, 5, 60, 200, 70, 101, 1e-5f, ActivationFunction.GELU_NEW, true, false, true);

    private static final List<ActivationFunction> ACTIVATIONS = List.of(ActivationFunction.values());

    private RandomModels() {}

    public static Gpt2Config config(long seed) {
        Random random = new Random(seed);
        int heads = 1 + random.nextInt(4);
        int dHead = 1 + random.nextInt(20);
        return new Gpt2Config(
                1 + random.nextInt(3),
                heads,
                heads * dHead,
                1 + random.nextInt(150),
                40,
                2 + random.nextInt(90),
                1e-5f,
                ACTIVATIONS.get(random.nextInt(ACTIVATIONS.size())),
                random.nextBoolean(),
                random.nextBoolean(),
                random.nextBoolean());
    }

    public static Gpt2Weights weights(Gpt2Config config, long seed) {
        return Gpt2Weights.load(config, source(seed));
    }

    /** The same values cut to bfloat16, given as such or as floats. */
    public static TensorSource bfloat16Source(long seed, boolean kept) {
        TensorSource floats = source(seed);
        return new TensorSource() {
            @Override
            public String name() {
                return floats.name();
            }

            @Override
            public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
                floats.read(tensor, firstRow, rows, out, offset);
                for (int i = offset; i < offset + rows * tensor.columns(); i++) {
                    out[i] = Float.intBitsToFloat(Float.floatToRawIntBits(out[i]) & 0xFFFF0000);
                }
            }

            @Override
            public boolean isBfloat16(TensorSpec tensor) {
                return kept;
            }
        };
    }

    public static TensorSource source(long seed) {
        return new TensorSource() {
            @Override
            public String name() {
                return "a random model";
            }

            @Override
            public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
                boolean gain = tensor.name().contains("ln_") && tensor.name().endsWith("weight");
                for (int i = 0; i < rows * tensor.columns(); i++) {
                    out[offset + i] = (gain ? 1 : 0) + 0.3f * value(tensor, firstRow * tensor.columns() + i);
                }
            }

            private float value(TensorSpec tensor, int index) {
                return (float)
                        new SplittableRandom(seed * 31 + tensor.name().hashCode() * 1_000_003L + index).nextGaussian();
            }
        };
    }

    public static int[] tokens(Gpt2Config config, int length, long seed) {
        return new Random(seed).ints(length, 0, config.dVocab()).toArray();
    }
}
