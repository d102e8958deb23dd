package dev.hyaline.analysis.superposition;

import java.util.EnumMap;
import java.util.Map;

/**
 * A toy model and how it came about.
 *
 * @param setting with the seed that it was trained with
 * @param loss on samples that it was not trained on
 */
public record TrainedToy(ToySetting setting, ToyModel model, double loss) {
    /** Dimensions a feature, {@code D* = m / |W|_F^2}; infinite if no feature has a direction. */
    public double dimensionsPerFeature() {
        return 1 / model.geometry().featuresPerDimension();
    }

    /** Number of features in each arrangement, of those whose dimensionality is near one. */
    public Map<Arrangement, Integer> arrangements() {
        Map<Arrangement, Integer> counts = new EnumMap<>(Arrangement.class);
        for (double dimensionality : model.geometry().dimensionalities()) {
            Arrangement.of(dimensionality).ifPresent(found -> counts.merge(found, 1, Integer::sum));
        }
        return counts;
    }
}
