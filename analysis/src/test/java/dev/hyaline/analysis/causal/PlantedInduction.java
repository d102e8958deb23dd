package dev.hyaline.analysis.causal;

import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A GPT-2 of two layers and eight heads in which two heads, known to the tests, do induction, and all others do nothing
 * of use.
 *
 * <p>The residual stream of 128 dimensions is four subspaces of 32, one dimension a token or a position:
 *
 * <pre>
 *   0..31    content   which token stands here           written by wte
 *   32..63   position  where here is                     written by wpe
 *   64..95   previous  which token stands before here    written by head 0.1
 *   96..127  output    which token comes next            written by head 1.2, read by lm_head
 * </pre>
 *
 * <ul>
 *   <li><b>Head 0.1, previous token.</b> Its query is its position; its key is its position plus one. Position p so
 *       matches key p - 1 alone, whose content it copies to {@code previous}.
 *   <li><b>Head 1.2, induction.</b> Its query is its content; its key is what {@code previous} says. A token so matches
 *       the places that come after an earlier occurrence of it, whose content it copies to {@code output}.
 * </ul>
 *
 * <p>A LayerNorm divides two (with {@code previous}, three) ones among 128 dimensions by about {@code sqrt(2 / 128) =
 * 1/8} (1/6.5), so that a one is read as about 8 (6.5). With query and key weights of 1.5 a match scores {@code 12 * 12
 * / sqrt(32) = 25} above all else, and attention is all but one-hot. Values of 8 and output weights of 1/8 write ones
 * again.
 *
 * <p>The six other heads and both MLPs have normal noise of deviation 0.02 for weights, as GPT-2 begins, and so add
 * something everywhere.
 */
final class PlantedInduction {
    static final Gpt2Config CONFIG =
            new Gpt2Config(2, 4, 128, 64, 32, 32, 1e-5f, ActivationFunction.GELU_NEW, true, false, false);

    private static final int WIDTH = 32;
    private static final int CONTENT = 0;
    private static final int POSITION = 32;
    private static final int PREVIOUS = 64;
    private static final int OUTPUT = 96;
    private static final float MATCH = 1.5f;
    private static final float COPY = 1 / 8f;

    private PlantedInduction() {}

    static Gpt2Weights weights() {
        return Gpt2Weights.load(CONFIG, new TensorSource() {
            @Override
            public String name() {
                return "the planted circuit";
            }

            @Override
            public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
                float[] all = tensor(tensor);
                System.arraycopy(all, firstRow * tensor.columns(), out, offset, rows * tensor.columns());
            }
        });
    }

    private static float[] tensor(TensorSpec tensor) {
        float[] values = new float[tensor.rows() * tensor.columns()];
        String name = tensor.name();
        switch (name) {
            case "wte.weight" -> identity(values, 128, 0, CONTENT, 0, 1);
            case "wpe.weight" -> identity(values, 128, 0, POSITION, 0, 1);
            case "lm_head.weight" -> identity(values, 128, 0, OUTPUT, 0, 1);
            default -> {
                if (name.contains("ln_")) {
                    Arrays.fill(values, name.endsWith("weight") ? 1 : 0);
                } else if (tensor.shape().size() > 1) {
                    Random noise = new Random(name.hashCode());
                    for (int i = 0; i < values.length; i++) {
                        values[i] = (float) (0.02 * noise.nextGaussian());
                    }
                    plant(name, values);
                }
            }
        }
        return values;
    }

    private static void plant(String name, float[] values) {
        switch (name) {
            case "h.0.attn.c_attn.weight" -> {
                clear(values, 1);
                head(values, 1, 0, POSITION, 0, MATCH);
                head(values, 1, 1, POSITION, 1, MATCH);
                head(values, 1, 2, CONTENT, 0, 1);
            }
            case "h.0.attn.c_proj.weight" -> output(values, 1, PREVIOUS);
            case "h.1.attn.c_attn.weight" -> {
                clear(values, 2);
                head(values, 2, 0, CONTENT, 0, MATCH);
                head(values, 2, 1, PREVIOUS, 0, MATCH);
                head(values, 2, 2, CONTENT, 0, 1);
            }
            case "h.1.attn.c_proj.weight" -> output(values, 2, OUTPUT);
            default -> {}
        }
    }

    /** Takes the noise out of a head's queries, keys and values. */
    private static void clear(float[] values, int head) {
        for (int row = 0; row < 128; row++) {
            for (int part = 0; part < 3; part++) {
                int from = row * 384 + part * 128 + head * WIDTH;
                Arrays.fill(values, from, from + WIDTH, 0);
            }
        }
    }

    /**
     * A head's queries (part 0), keys (1) or values (2) read a subspace: dimension i into component {@code i + shift}.
     */
    private static void head(float[] values, int head, int part, int subspace, int shift, float weight) {
        identity(values, 384, subspace, part * 128 + head * WIDTH, shift, weight);
    }

    /** A head writes its components to a subspace, and nowhere else. */
    private static void output(float[] values, int head, int subspace) {
        Arrays.fill(values, head * WIDTH * 128, (head + 1) * WIDTH * 128, 0);
        identity(values, 128, head * WIDTH, subspace, 0, COPY);
    }

    private static void identity(float[] values, int columns, int row, int column, int shift, float weight) {
        for (int i = 0; i + shift < WIDTH; i++) {
            values[(row + i) * columns + column + i + shift] = weight;
        }
    }

    /**
     * Ten random tokens and the first nine again: the answer is the tenth, at position 9. The corrupted prompt has
     * another token at position 8, so that the last token was never seen before.
     */
    static List<PromptPair> pairs(int count) {
        Random random = new Random(5);
        List<PromptPair> pairs = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            List<Integer> tokens =
                    new ArrayList<>(IntStream.range(0, 32).boxed().toList());
            Collections.shuffle(tokens, random);
            int[] clean = IntStream.concat(IntStream.range(0, 10), IntStream.range(0, 9))
                    .map(tokens::get)
                    .toArray();
            int[] corrupted = clean.clone();
            corrupted[8] = tokens.get(10);
            pairs.add(new PromptPair(
                    "pair " + i,
                    clean,
                    corrupted,
                    new int[] {tokens.get(9)},
                    new int[] {tokens.get(11)},
                    Map.of("A1", 8, "B1", 9)));
        }
        return pairs;
    }
}
