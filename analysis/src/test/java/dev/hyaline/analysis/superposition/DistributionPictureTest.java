package dev.hyaline.analysis.superposition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.superposition.DistributionPicture.Distribution;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.BadShapeException;
import java.util.List;
import org.junit.jupiter.api.Test;

final class DistributionPictureTest {
    private static DistributionPicture picture(boolean logarithmic, Distribution... distributions) {
        return DistributionPicture.of("Title", "fable", "cosine", -1, 1, logarithmic, List.of(distributions));
    }

    @Test
    void distributionsAreOutlined() {
        DistributionPicture even = picture(
                false, new Distribution("one", new long[] {1, 3}), new Distribution("other", new long[] {0, 0}));
        assertThat(even.svg()).contains("Title", "fable", "cosine", "one", "other", ">0.6<", ">-0.4<");
        assertThat(even.png()).startsWith(0x89, 'P', 'N', 'G');
        DistributionPicture logarithmic = picture(true, new Distribution("one", new long[] {1, 999, 0}));
        assertThat(logarithmic.svg()).contains(">1e-3<", ">1e-1<", ">1<").doesNotContain("NaN", "Infinity");
    }

    @Test
    void valuesAreCountedInBins() {
        double[] values = {-5, 0, 0.49, 0.5, 1, Double.NaN};
        assertThat(DistributionPicture.counts(values, 0, 1, 2)).containsExactly(3, 2);
    }

    @Test
    void whatCannotBeDrawnIsTold() {
        assertThatThrownBy(() -> picture(true))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a picture shows from 1 to 8 distributions, found 0");
        assertThatThrownBy(() ->
                        picture(true, new Distribution("a", new long[] {1}), new Distribution("b", new long[] {1, 2})))
                .isInstanceOf(BadShapeException.class)
                .hasMessage("the distribution b: expected 1 bins, found 2 bins");
        assertThatThrownBy(() -> picture(true, new Distribution("a", new long[0])))
                .isInstanceOf(BadShapeException.class);
    }
}
