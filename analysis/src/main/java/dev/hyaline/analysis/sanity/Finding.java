package dev.hyaline.analysis.sanity;

import dev.hyaline.analysis.statistics.association.Similarity;
import dev.hyaline.engine.error.BadShapeException;
import dev.hyaline.files.RecordText;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The result of a method.
 *
 * @param components names of the components, as {@code Node.parse} or {@code Edge.parse} reads them
 * @param effects of each component on each pair, {@code [components][pairs]}: by how much it raises the metric, so that
 *     an ablation has the loss; 0 where it does nothing
 * @param sumError of a method whose effects are parts of a whole, by how much they miss it, as a share of it; null of
 *     others
 */
public record Finding(
        List<String> components,
        double[][] effects,
        @Nullable Double sumError) {

    /** @throws BadShapeException if there are more or fewer rows of effects than components */
    public Finding {
        components = List.copyOf(components);
        if (effects.length != components.size()) {
            throw new BadShapeException(
                    "effects", components.size() + " rows, one for each component", effects.length + " rows");
        }
    }

    /** The mean effect of each component. */
    public double[] scores() {
        return Arrays.stream(effects)
                .mapToDouble(values -> Arrays.stream(values).average().orElse(Double.NaN))
                .toArray();
    }

    /** The likeness of the scores of another finding, from 0 to 1: their cosine, in which large effects count most. */
    public double similarity(Finding other) {
        return Similarity.ofMaps(scores(), other.scores());
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
