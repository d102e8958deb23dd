package dev.hyaline.analysis.attention;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.Fable;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.List;
import org.junit.jupiter.api.Test;

final class PatternPictureTest {
    @Test
    void aMapOfEveryHeadWithTheWeights() {
        try (Gpt2 model = Fable.open()) {
            int[] tokens = {1535, 7, 8};
            PatternPicture picture = PatternPicture.of(model, "patterns", tokens, List.of("<begin>", " a", " b"));
            String svg = picture.svg();
            // Whatever else a head does, the first query has but one key.
            for (int layer = 0; layer < 4; layer++) {
                for (int head = 0; head < 8; head++) {
                    assertThat(svg).contains(layer + "." + head + ": 0 &lt;begin&gt; looks at 0 &lt;begin&gt;: 1.000");
                }
            }
            assertThat(svg).contains("0 &lt;begin&gt;   1  a   2  b").doesNotContain("looks at 2  b: 1.000 ");
            assertThat(picture.png()).startsWith(0x89, 'P', 'N', 'G');
        }
    }

    @Test
    void whatCannotBeSeenIsRefused() {
        try (Gpt2 model = Fable.open()) {
            assertThat(PatternPicture.fits(model.config(), 64)).isTrue();
            assertThat(PatternPicture.fits(model.config(), 65)).isFalse();
            assertThat(PatternPicture.fits(model.config(), -1)).isFalse();
            assertThatThrownBy(() -> PatternPicture.of(model, "", new int[65], List.of()))
                    .isInstanceOf(BadInputException.class)
                    .hasMessageContaining("1 to 64 tokens and at most 400 heads, found 65 tokens");
            assertThatThrownBy(() -> PatternPicture.of(model, "", new int[2], List.of("a")))
                    .isInstanceOf(BadShapeException.class);
        }
    }
}
