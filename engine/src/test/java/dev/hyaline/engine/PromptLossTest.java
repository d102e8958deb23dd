package dev.hyaline.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.fixtures.RandomModels;
import org.junit.jupiter.api.Test;

final class PromptLossTest {
    @Test
    void isThatOfTheLogits() {
        int[] tokens = {3, 1, 4, 1};
        try (Gpt2 model = Gpt2.of(RandomModels.weights(RandomModels.SMALL, 1), 1)) {
            PromptLoss loss = PromptLoss.of(model, tokens);
            float[] logits = model.logits(tokens);
            int n = model.config().dVocab();
            double sum = 0;
            for (int i = 0; i < 3; i++) {
                double total = 0;
                for (int token = 0; token < n; token++) {
                    total += Math.exp(logits[i * n + token]);
                }
                double expected = logits[i * n + tokens[i + 1]] - Math.log(total);
                assertThat(loss.logProbabilities()[i]).isCloseTo(expected, within(1e-9));
                sum -= expected;
            }
            assertThat(loss.loss()).isCloseTo(sum / 3, within(1e-9));
            assertThat(loss.tokens()).containsExactly(tokens);
            assertThat(loss.toString()).matches("loss \\d+\\.\\d+ nats over 3 tokens");
            assertThat(PromptLoss.of(model, 3, 1).toString()).endsWith(" nats over 1 token");
            assertThatThrownBy(() -> PromptLoss.of(model, 3))
                    .isInstanceOf(BadInputException.class)
                    .hasMessage("a loss needs a prompt of at least two tokens, found 1");
        }
    }
}
