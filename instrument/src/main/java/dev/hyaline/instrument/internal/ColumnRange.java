package dev.hyaline.instrument.internal;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Site;
import dev.hyaline.instrument.IndexSelection;
import java.util.ArrayList;
import java.util.List;

/** A range of neighbouring values in a row of a site, as a choice of heads or neurons selects it. */
public record ColumnRange(int first, int count) {
    /** The ranges that are chosen, ascending; none if that is the whole row, or the site has no such parts. */
    public static List<ColumnRange> of(Gpt2Config config, Site site, IndexSelection heads, IndexSelection neurons) {
        return switch (site.shape()) {
            case HEADS, HEAD_RESIDUAL ->
                heads.isAll() ? List.of() : ranges(heads.in(config.nHeads(), "head"), site.placeWidth(config));
            case NEURONS -> neurons.isAll() ? List.of() : ranges(neurons.in(config.dMlp(), "neuron"), 1);
            case RESIDUAL, SCALE, LOGITS, ATTENTION -> List.of();
        };
    }

    /**
     * Ascending indices as ranges of neighbours.
     *
     * @param unit number of values per index
     */
    private static List<ColumnRange> ranges(int[] indices, int unit) {
        List<ColumnRange> ranges = new ArrayList<>();
        for (int i = 0; i < indices.length; ) {
            int first = i;
            do {
                i++;
            } while (i < indices.length && indices[i] == indices[i - 1] + 1);
            ranges.add(new ColumnRange(indices[first] * unit, (i - first) * unit));
        }
        return List.copyOf(ranges);
    }
}
