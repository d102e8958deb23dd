package dev.hyaline.analysis.sparse.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.engine.error.BadInputException;
import org.junit.jupiter.api.Test;

class DensityPictureTest {
    @Test
    void latentsAreCountedByTheLogarithmOfTheirDensity() {
        DensityPicture picture =
                DensityPicture.of("Latents", "fable, 1000 tokens", new float[] {0, 0, 0.001f, 0.0011f, 0.5f, 1}, 1000);
        int[] counts = picture.counts();
        assertThat(counts).hasSize(16);
        assertThat(counts[0]).isEqualTo(2);
        assertThat(counts[1]).isEqualTo(2);
        assertThat(counts[14]).isEqualTo(1);
        assertThat(counts[15]).isEqualTo(1);
        assertThat(picture.svg())
                .startsWith("<svg")
                .contains("2 latents never fire", "share of tokens", "1e-2", "1 token", "fable, 1000 tokens");
        assertThat(picture.png()).startsWith(0x89, 'P', 'N', 'G');
        assertThatThrownBy(() -> DensityPicture.of("Latents", "", new float[] {Float.NaN}, 10))
                .isInstanceOf(BadInputException.class);
    }
}
