package dev.hyaline.analysis.lens;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.Fable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.NextToken;
import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;

final class LensPictureTest {
    @Test
    void everyCellHasItsTokenAndProbability() {
        try (Gpt2 model = Fable.open()) {
            LogitLens lens = LogitLens.of(model);
            int[] tokens = {1535, 7, 8};
            String svg = LensPicture.of(lens, "a prompt", tokens, token -> "t" + token)
                    .svg();
            List<List<List<NextToken>>> likeliest = lens.likeliest(tokens, 1);
            for (int place = 0; place < likeliest.size(); place++) {
                for (int position = 0; position < tokens.length; position++) {
                    NextToken token = likeliest.get(place).get(position).getFirst();
                    assertThat(svg)
                            .contains(String.format(
                                    Locale.ROOT,
                                    "%s, after %d t%d: t%d %.1f%%",
                                    lens.labels().get(place),
                                    position,
                                    tokens[position],
                                    token.token(),
                                    100 * token.probability()));
                }
            }
        }
    }

    @Test
    void aPromptThatCannotBeSeenIsRefused() {
        try (Gpt2 model = Fable.open()) {
            LogitLens lens = LogitLens.of(model);
            assertThatThrownBy(() -> LensPicture.of(lens, "", new int[65], String::valueOf))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("of 1 to 64 tokens, found 65");
            assertThatThrownBy(() -> LensPicture.of(lens, "", new int[0], String::valueOf))
                    .isInstanceOf(BadInputException.class);
        }
    }
}
