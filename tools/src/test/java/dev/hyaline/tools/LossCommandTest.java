package dev.hyaline.tools;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.hyaline.instrument.model.LanguageModel;
import dev.hyaline.tools.option.PromptOptions;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What {@code hyaline loss} shows. */
final class LossCommandTest {
    private static final String BUILT_IN = PromptOptions.BUILT_IN_PROMPT;

    @Test
    void isThatOfTheLibrary() {
        JsonNode prompt = Outcome.of("loss", "--json").json().at("/prompts/0");
        try (LanguageModel fable = LanguageModel.open("fable")) {
            assertThat(Outcome.integers(prompt.get("tokens")))
                    .containsExactlyElementsOf(
                            Arrays.stream(fable.tokens(BUILT_IN)).boxed().toList());
            assertThat(prompt.get("loss").asDouble())
                    .isEqualTo(fable.loss(BUILT_IN).loss());
            double[] ours = fable.loss(BUILT_IN).logProbabilities();
            assertThat(prompt.get("log_probabilities")).hasSize(ours.length);
            assertThat(prompt.at("/log_probabilities/3").asDouble()).isEqualTo(ours[3]);
        }
    }

    @Test
    void processedWeightsPredictTheSame() {
        double plain = Outcome.of("loss", "--json").json().at("/prompts/0/loss").asDouble();
        double processed = Outcome.of("loss", "--json", "--process", "all")
                .json()
                .at("/prompts/0/loss")
                .asDouble();
        assertThat(processed).isNotEqualTo(plain).isCloseTo(plain, within(1e-4));
    }

    @Test
    void anEditIsSeenBesideNone() {
        String text = Outcome.of(
                        "loss",
                        "--zero",
                        "z",
                        "--layers",
                        "1",
                        "--heads",
                        "3",
                        "--sequences",
                        "1",
                        "-p",
                        "Anna" + " went to the park",
                        "-p",
                        BUILT_IN)
                .succeeded()
                .out();
        assertThat(text)
                .startsWith("Zero of blocks.1.attn.hook_z, heads 3, sequences 1")
                .containsPattern(
                        "--prompt 0 +loss \\d+\\.\\d+ nats, edited \\d+\\.\\d+, difference 0\\.?0* over 5 tokens")
                .containsPattern("position +token +log-probability +edited +difference")
                .containsPattern("all 2 prompts +loss .* over 19 tokens");
        JsonNode edited = Outcome.of("loss", "--zero", "z", "--json").json().at("/prompts/0");
        assertThat(edited.get("edited_loss").asDouble())
                .isNotCloseTo(edited.get("loss").asDouble(), within(1e-3));
    }

    @Test
    void oneTokenHasNone() {
        assertThat(Outcome.of("loss", "--tokens", "5").err())
                .contains("a loss needs a prompt of at least two tokens, found 1");
    }
}
