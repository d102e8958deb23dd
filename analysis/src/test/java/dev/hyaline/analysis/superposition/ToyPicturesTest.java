package dev.hyaline.analysis.superposition;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.hyaline.analysis.picture.Picture;
import dev.hyaline.engine.error.BadInputException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class ToyPicturesTest {
    private static TrainedToy toy(int hidden, double density, float... weights) {
        int features = weights.length / hidden;
        return new TrainedToy(
                ToySetting.of(features, hidden, density), ToyModel.of(hidden, weights, new float[features]), 0.25);
    }

    private static void assertDrawn(Picture picture, String... contents) {
        assertThat(picture.svg()).startsWith("<svg").contains(contents).doesNotContain("NaN", "Infinity");
        assertThat(picture.png()).startsWith(0x89, 'P', 'N', 'G');
        assertThat(picture.svg()).isEqualTo(picture.svg());
    }

    @Test
    void pairsAreSeenInEveryPicture() {
        TrainedToy dense = toy(2, 1, 1, 0, 0, 1, 0, 0, 0, 0);
        TrainedToy sparse = toy(2, 0.1, 1, 0, -1, 0, 0, 1, 0, -1);
        assertDrawn(
                ToyStripPicture.of("Toys", List.of(dense, sparse)),
                "4 features in 2 dimensions",
                "p = 0.1",
                "features 0 and 1: -1.000",
                "feature 2: length 1.000, overlap 1.000",
                "feature 3: length 0.000, overlap 0.000");
        assertDrawn(
                ToyPlanePicture.of("Toys", List.of(dense, sparse)),
                "2 of 4 represented",
                "4 of 4 represented",
                "feature 0: dimensionality 0.500",
                "loss 0.2500");
        assertDrawn(
                DimensionalityPicture.of("Toys", List.of(sparse, dense)),
                "p = 1.00: D* = 1.000",
                "p = 0.100: D* = 0.500",
                "1/2  digon");
        assertThat(sparse.arrangements()).containsExactly(Map.entry(Arrangement.DIGON, 4));
    }

    @Test
    void modelsThatLearnedNothingAreDrawn() {
        TrainedToy nothing = toy(2, 1, 0, 0, 0, 0);
        assertThat(nothing.dimensionsPerFeature()).isInfinite();
        assertDrawn(ToyStripPicture.of("Toys", List.of(nothing)), "overlap 0.000");
        assertDrawn(ToyPlanePicture.of("Toys", List.of(nothing)), "0 of 2 represented");
        assertThat(DimensionalityPicture.of("Toys", List.of(nothing, nothing)).svg())
                .doesNotContain("NaN");
    }

    @Test
    void whatCannotBeDrawnIsTold() {
        TrainedToy line = toy(1, 1, 1, -1);
        assertThatThrownBy(() -> ToyPlanePicture.of("Toys", List.of(line)))
                .isInstanceOf(BadInputException.class)
                .hasMessage("a plane has 2 dimensions, found a model of 1");
        assertThatThrownBy(() -> ToyStripPicture.of("Toys", List.of())).isInstanceOf(BadInputException.class);
        assertThatThrownBy(() -> ToyStripPicture.of("Toys", List.of(toy(1, 1, new float[101]))))
                .hasMessage("a picture shows at most 100 features of a model, found 101");
        assertThatThrownBy(() -> DimensionalityPicture.of("Toys", List.of(line)))
                .hasMessage("a plot over densities needs at least 2 models, found 1");
    }
}
