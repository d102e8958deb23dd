package dev.hyaline.analysis.laboratory;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * A model of noise with a circuit planted in it, and prompts for it. The planted heads look from the last position at
 * {@link #SOURCE}, and each adds a fifth of the digit there to the logits.
 */
final class CopyingModel {
    /** The planted heads of the first layer. */
    static final List<Integer> PLANTED = List.of(1, 4, 6, 7, 10);

    /** The position that is copied from, of the role {@code source}. */
    static final int SOURCE = 3;

    static final int DIGITS = 8;
    private static final int LAYERS = 2;
    private static final int HEADS = 12;
    private static final int WIDTH = HEADS * DIGITS;
    private static final int LENGTH = 10;

    /** Directions of the residual stream: a digit's own come first, those of its logit last. */
    private static final int AT_SOURCE = DIGITS;

    private static final int AT_END = DIGITS + 1;
    private static final int OUTPUT = 2 * DIGITS;

    private static final float NOISE = 0.03f;
    /** So large that the residual stream's norm at the end hardly depends on what heads add. */
    private static final float END_SIZE = 8;

    private static final float LOOK = 0.6f;
    private static final float COPY = 0.12f;

    private CopyingModel() {}

    /**
     * The model.
     *
     * @param gain of what the planted heads add: 1, less for a smaller effect, below 0 for the opposite, 0 for none
     */
    static Gpt2 of(float gain) {
        Gpt2Config config = new Gpt2Config(
                LAYERS, HEADS, WIDTH, DIGITS, LENGTH, DIGITS, 1e-5f, ActivationFunction.GELU_NEW, true, false, false);
        return Gpt2.of(
                Gpt2Weights.load(config, new TensorSource() {
                    @Override
                    public String name() {
                        return "a planted model";
                    }

                    @Override
                    public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
                        for (int i = 0; i < rows * tensor.columns(); i++) {
                            int row = firstRow + i / tensor.columns();
                            int column = i % tensor.columns();
                            out[offset + i] = planted(tensor.name(), row, column, gain) + noise(tensor, row, column);
                        }
                    }
                }),
                2);
    }

    private static float noise(TensorSpec tensor, int row, int column) {
        long index = (long) row * tensor.columns() + column;
        return NOISE * (float) new SplittableRandom(tensor.name().hashCode() * 1_000_003L + index).nextGaussian();
    }

    private static float planted(String tensor, int row, int column, float gain) {
        return switch (tensor) {
            case "wte.weight" -> column == row ? 1 : 0;
            case "wpe.weight" -> position(row, column);
            case "lm_head.weight" -> column == OUTPUT + row ? 1 : 0;
            case "h.0.attn.c_attn.weight" -> attention(row, column);
            case "h.0.attn.c_proj.weight" -> isPlanted(row) && column == OUTPUT + row % DIGITS ? gain * COPY : 0;
            default -> tensor.contains("ln_") && tensor.endsWith("weight") ? 1 : 0;
        };
    }

    private static float position(int position, int column) {
        if (position == LENGTH - 1) {
            return column == AT_END ? END_SIZE : 0;
        }
        return position == SOURCE && column == AT_SOURCE ? 1 : 0;
    }

    private static float attention(int row, int column) {
        if (!isPlanted(column % WIDTH)) {
            return 0;
        }
        int inHead = column % DIGITS;
        return switch (column / WIDTH) {
            case 0 -> row == AT_END && inHead == 0 ? LOOK : 0;
            case 1 -> row == AT_SOURCE && inHead == 0 ? LOOK : 0;
            default -> row == inHead ? 1 : 0;
        };
    }

    private static boolean isPlanted(int dimension) {
        return PLANTED.contains(dimension / DIGITS);
    }

    /** A file of pairs, each with another digit at the source in its corrupted prompt. */
    static String pairs(int count, long seed) {
        SplittableRandom random = new SplittableRandom(seed);
        return IntStream.range(0, count)
                .mapToObj(index -> {
                    List<Integer> clean = random.ints(LENGTH, 0, DIGITS).boxed().collect(Collectors.toList());
                    int answer = clean.get(SOURCE);
                    int distractor = (answer + 1 + random.nextInt(DIGITS - 1)) % DIGITS;
                    List<Integer> corrupted = new ArrayList<>(clean);
                    corrupted.set(SOURCE, distractor);
                    return """
                        {"clean": %s, "corrupted": %s, "answer": %d, "distractor": %d, "positions": {"source": %d, "other": 5},
                         "unit": "%d"}
                        """.formatted(clean, corrupted, answer, distractor, SOURCE, index);
                })
                .collect(Collectors.joining(",", "[", "]"));
    }
}
