package dev.hyaline.analysis.sanity;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.analysis.graph.Node;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import java.util.Arrays;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The pass in double precision against the engine, of which it shares no line. */
class PlainForwardTest {
    private static final int[] TOKENS = {3, 1, 4, 1, 5, 9, 2};

    private static Gpt2Config config(ActivationFunction function) {
        boolean odd = function == ActivationFunction.GELU || function == ActivationFunction.SILU;
        return new Gpt2Config(3, 4, 32, 64, 16, 40, 1e-5f, function, !odd, odd, odd);
    }

    @ParameterizedTest
    @EnumSource
    void agreesWithTheEngine(ActivationFunction function) {
        Gpt2Config config = config(function);
        Gpt2Weights weights = Gpt2Weights.random(config, 11);
        try (Gpt2 model = Gpt2.of(weights, 2)) {
            float[] expected = model.logits(TOKENS);
            int[] positions = {0, 3, TOKENS.length - 1};
            double[] plain = PlainForward.of(weights).logits(TOKENS, positions, Set.of());
            int n = config.dVocab();
            for (int token = 0; token < n; token++) {
                assertThat(plain[2 * n + token]).isCloseTo(expected[expected.length - n + token], within(1e-5));
            }
            double[] last = PlainForward.of(weights).logits(TOKENS, new int[] {TOKENS.length - 1}, Set.of());
            assertThat(last).containsExactly(Arrays.copyOfRange(plain, 2 * n, 3 * n));
            double[] without =
                    PlainForward.of(weights).logits(TOKENS, new int[] {TOKENS.length - 1}, Set.of(new Node.Head(1, 2)));
            assertThat(without).isNotEqualTo(last);
        }
    }
}
